//! The programs that the tests start. Missing ones are installed on Debian when we may, and named
//! otherwise.

use std::path::Path;
use std::process::{Command, Stdio};

use super::Verdict;
use crate::cargo::answers;
use crate::output;

struct Tool {
    program: &'static str,
    /// Debian's name for what holds it.
    package: &'static str,
    about: &'static str,
}

const TOOLS: &[Tool] = &[
    Tool { program: "chromium", package: "chromium", about: "browser tests" },
    Tool { program: "chromedriver", package: "chromium-driver", about: "browser tests" },
    Tool { program: "curl", package: "curl", about: "end-to-end tests" },
    Tool { program: "node", package: "nodejs", about: "OpenID Connect clients and a provider" },
    Tool { program: "npm", package: "npm", about: "the same" },
    Tool { program: "apache2", package: "apache2", about: "mod_auth_openidc signs in" },
    Tool { program: AUTH_OPENIDC, package: "libapache2-mod-auth-openidc", about: "the same" },
    Tool { program: "nginx", package: "nginx-light", about: "forward-auth" },
    Tool { program: "caddy", package: "caddy", about: "forward-auth" },
    Tool { program: "haproxy", package: "haproxy", about: "forward-auth" },
    Tool { program: "clamd", package: "clamav-daemon", about: "uploads with a virus" },
    Tool { program: "c-icap", package: "c-icap", about: "the same by ICAP" },
    Tool { program: VIRUS_SCAN, package: "libc-icap-mod-virus-scan", about: "the same" },
    Tool { program: "crowdsec-custom-bouncer", package: "crowdsec-custom-bouncer", about: "block lists" },
    Tool { program: "promtool", package: "prometheus", about: "alert rules" },
    Tool { program: "prometheus-alertmanager", package: "prometheus-alertmanager", about: "alerts" },
    Tool { program: "oathtool", package: "oathtool", about: "one-time passwords" },
    Tool {
        program: "certutil",
        package: "libnss3-tools",
        about: "a browser that trusts the development authority",
    },
    Tool { program: VENV, package: "python3-venv", about: "Python clients" },
    Tool { program: "python3", package: "python3", about: "the README's example application" },
];

const AUTH_OPENIDC: &str = "/usr/lib/apache2/modules/mod_auth_openidc.so";
const VIRUS_SCAN: &str = "/etc/c-icap/virus_scan.conf";
/// Not a program: a part of Python that Debian packages by itself.
const VENV: &str = "python3 -m venv";

pub(super) fn run(_root: &Path) -> Verdict {
    let missing: Vec<&Tool> = TOOLS.iter().filter(|tool| !is_there(tool)).collect();
    if missing.is_empty() {
        return Verdict::Passed;
    }
    let packages: Vec<&str> = missing.iter().map(|tool| tool.package).collect();
    for tool in &missing {
        output::note(&format!("  missing: {} ({})", tool.program, tool.about));
    }
    if !may_install() {
        return Verdict::Failed(format!("install them: apt-get install {}", packages.join(" ")));
    }
    output::note(&format!("  installing {}", packages.join(" ")));
    let _ = apt(&["update", "--quiet"]);
    let arguments =
        [&["install", "--yes", "--quiet", "--no-install-recommends"], packages.as_slice()].concat();
    if apt(&arguments) && missing.iter().all(|tool| is_there(tool)) {
        return Verdict::Passed;
    }
    Verdict::Failed(format!("could not install {}", packages.join(" ")))
}

fn is_there(tool: &Tool) -> bool {
    match tool.program {
        VENV => {
            answers(Command::new("python3").args(["-m", "venv", "--help"]))
                && answers(Command::new("python3").args(["-c", "import ensurepip"]))
        }
        path if path.starts_with('/') => Path::new(path).exists(),
        // Debian keeps servers where only root looks, and not every program knows `--version`.
        program => {
            ["/usr/sbin", "/usr/bin"].iter().any(|place| Path::new(place).join(program).exists())
                || answers(Command::new(program).arg("--version"))
        }
    }
}

fn may_install() -> bool {
    let root = Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|output| String::from_utf8_lossy(&output.stdout).trim() == "0");
    root && answers(Command::new("apt-get").arg("--version"))
}

fn apt(arguments: &[&str]) -> bool {
    let mut command = Command::new("apt-get");
    command
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
