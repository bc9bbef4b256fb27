//! The tools: how each is installed and run, as well as its documentation allows.
//!
//! All are given the address, a login and the contract with the name of the session's cookie that the application has without a gate;
//! two logins where the tool takes two.
//!
//! - wapiti reads the contract and crawls, with a cookie that its own `wapiti-getcookie` fetched. To its usual modules come those whose
//!   class the straw man has. `/events` and `/ws` never end and hold it up, and `/logout` ends its session: it is told to leave them out.
//!   The host that it asks the target to call is `bench/probe/endpoint.py`.
//! - schemathesis signs in both people by itself (`--auth-wfc`), with all checks and phases.
//! - sqlmap is given every operation that takes a value, as recorded (`bench/probe/requests.tsv`), and goes on after its first finding.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde::Deserialize;

use super::judge::Found;
use super::target::{PEOPLE, Target};
use super::{Bench, reading};
use crate::bench::Failure;
use crate::output;

/// Who attacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tool {
    Gabion,
    Wapiti,
    Schemathesis,
    Sqlmap,
}

/// What a process and all it started took.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct Cost {
    /// Seconds of processor.
    pub(super) cpu: f64,
    /// Seconds.
    pub(super) clock: f64,
    status: i32,
    /// Whether it was ended since its time was over.
    pub(super) limited: bool,
}

impl Tool {
    pub(super) const ALL: [Self; 4] = [Self::Gabion, Self::Wapiti, Self::Schemathesis, Self::Sqlmap];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Gabion => "gabion",
            Self::Wapiti => "wapiti",
            Self::Schemathesis => "schemathesis",
            Self::Sqlmap => "sqlmap",
        }
    }

    pub(super) fn named(name: &str) -> Result<Self, Failure> {
        let known = Self::ALL.map(Self::name).join(", ");
        let found = Self::ALL.into_iter().find(|tool| tool.name() == name);
        found.ok_or_else(|| format!("no tool is called `{name}`; there are {known}").into())
    }

    /// Installs it where it is not. Returns its version.
    pub(super) fn install(self, bench: &Bench) -> Result<String, Failure> {
        match self {
            Self::Gabion => {
                let told = Command::new(&bench.binary).arg("version").output()?;
                Ok(String::from_utf8_lossy(&told.stdout).trim().trim_start_matches("gabion ").to_owned())
            }
            Self::Wapiti => python_package(bench, "wapiti3", WAPITI),
            Self::Schemathesis => python_package(bench, "schemathesis", SCHEMATHESIS),
            Self::Sqlmap => debian_package(bench),
        }
    }

    /// Attacks `target`. Returns what that cost, and what it says it found.
    pub(super) fn attack(
        self,
        bench: &Bench,
        target: &mut Target,
    ) -> Result<(Cost, BTreeSet<Found>), Failure> {
        let folder = bench.folder.0.join(self.name());
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder)?;
        let contract = folder.join("contract.yaml");
        let text = fs::read_to_string(bench.root.join("examples/shop/openapi.yaml"))?;
        let text = text.replace("name: __Host-gabion", "name: sid");
        fs::write(
            &contract,
            text.replace("servers: [{ url: / }]", &format!("servers: [{{ url: '{}' }}]", target.base)),
        )?;
        match self {
            Self::Gabion => gabion(bench, target, &folder),
            Self::Wapiti => wapiti(bench, target, &folder),
            Self::Schemathesis => schemathesis(bench, target, &folder),
            Self::Sqlmap => sqlmap(bench, target, &folder),
        }
    }
}

type Attacked = Result<(Cost, BTreeSet<Found>), Failure>;

fn gabion(bench: &Bench, target: &Target, folder: &Path) -> Attacked {
    let mut logins = String::new();
    for person in &PEOPLE {
        writeln!(logins, "{} {} {} {}", person.name, person.password, person.role, person.tenant)?;
    }
    fs::write(folder.join("logins"), logins)?;
    let program = bench.binary.display().to_string();
    // Peers have no bound of requests in a second.
    let options =
        ["--logins", "logins", "--openapi", "contract.yaml", "--rate", "1000", "--fail-on", "never"];
    let command = [&[program.as_str(), "probe", &target.base], &options[..], &["-o", "json=report"]].concat();
    let cost = measure(bench, folder, &command)?;
    expect(cost, &[0, 3], folder)?;
    Ok((cost, reading::gabion(&fs::read_to_string(folder.join("report"))?)?))
}

fn wapiti(bench: &Bench, target: &Target, folder: &Path) -> Attacked {
    let bin = bench.cache.join("wapiti3/bin");
    let [person, _] = &PEOPLE;
    let login = format!("{}/login", target.base);
    let form = format!("name={}&password={}", person.name, person.password);
    let mut cookie = Command::new(bin.join("wapiti-getcookie"));
    cookie.args(["-c", "cookies", "-u", &login, "--form-data", &form]).current_dir(folder);
    if !cookie.stdin(Stdio::null()).stdout(Stdio::null()).status()?.success() {
        return Err("wapiti cannot sign in".into());
    }
    let host = Endpoint::start(bench)?;
    let left_out = ["/events", "/ws", "/logout"].map(|path| format!("{}{path}", target.base));
    // So that the slowest of its modules leaves time for the others.
    let each = (bench.limit / 8).to_string();
    let base = format!("{}/", target.base);
    let program = bin.join("wapiti").display().to_string();
    let mut command = vec![program.as_str(), "-u", &base, "--swagger", "contract.yaml", "-c", "cookies"];
    for path in &left_out {
        command.extend(["-x", path.as_str()]);
    }
    command.extend(["--endpoint", host.base.as_str(), "-m", MODULES, "-l", "2", "-t", "5"]);
    command.extend(["--max-scan-time", &each, "--max-attack-time", &each]);
    command.extend(["--store-session", "session", "--flush-session", "--no-bugreport", "-v", "1"]);
    command.extend(["-f", "json", "-o", "report"]);
    let cost = measure(bench, folder, &command)?;
    Ok((cost, reading::wapiti(&written(folder, "report")?)?))
}

fn schemathesis(bench: &Bench, target: &Target, folder: &Path) -> Attacked {
    let mut auth = "auth:\n".to_owned();
    for person in &PEOPLE {
        write!(
            auth,
            "  - name: {0}\n    loginEndpointAuth:\n      endpoint: /login\n      verb: POST\n      expectCookies: true\n      \
             contentType: application/x-www-form-urlencoded\n      payloadUserPwd: \
             {{ username: {0}, password: {1}, usernameField: name, passwordField: password }}\n",
            person.name, person.password
        )?;
    }
    fs::write(folder.join("auth.yaml"), auth)?;
    let program = bench.cache.join("schemathesis/bin/st").display().to_string();
    let left = bench.limit.saturating_sub(10).to_string();
    let command = [
        &[program.as_str(), "run", "contract.yaml", "--url", &target.base, "--auth-wfc", "auth.yaml"][..],
        &["--checks", "all", "--continue-on-failure", "--seed", "7", "--max-time", &left],
        &["--request-timeout", "5", "--exclude-path", "/events", "--exclude-path", "/ws"],
        &["--no-color", "--report", "json", "--report-json-path", "report"],
    ]
    .concat();
    let cost = measure(bench, folder, &command)?;
    Ok((cost, reading::schemathesis(&written(folder, "report")?)?))
}

fn sqlmap(bench: &Bench, target: &mut Target, folder: &Path) -> Attacked {
    let cookie = target.cookie()?;
    let table = fs::read_to_string(bench.root.join("bench/probe/requests.tsv"))?;
    fs::write(folder.join("requests"), recorded(&table, &target.base, target.authority(), &cookie)?)?;
    let program = bench.cache.join("sqlmap/usr/share/sqlmap/sqlmap.py").display().to_string();
    let name = cookie.split('=').next().unwrap_or(&cookie);
    let exclude = format!("--param-exclude=^{name}$");
    let command = [
        &["python3", program.as_str(), "-l", "requests", "--batch", "--ignore-stdin", "--flush-session"][..],
        &["--level", "2", "--risk", "1", "--threads", "4", "--answers", "skip further tests=N", &exclude],
        &["--disable-coloring", "--output-dir", "out", "--results-file", "report"],
    ]
    .concat();
    let cost = measure(bench, folder, &command)?;
    // There is no file of results where there are none.
    let results = fs::read_to_string(folder.join("report")).unwrap_or_default();
    Ok((cost, reading::sqlmap(&results)))
}

/// The requests of `requests.tsv`, as a proxy writes them down.
fn recorded(table: &str, base: &str, authority: &str, cookie: &str) -> Result<String, Failure> {
    const LINE: &str = "======================================================";
    let mut text = String::new();
    for row in table.lines().filter(|row| !row.starts_with('#')) {
        let mut cells = row.split('\t');
        let (request, kind, body) = (cells.next().unwrap_or_default(), cells.next(), cells.next());
        write!(text, "{LINE}\n10:00:00  {base}  [127.0.0.1]\n{LINE}\n")?;
        write!(text, "{request} HTTP/1.1\nHost: {authority}\nCookie: {cookie}\n")?;
        if let Some((kind, body)) = kind.zip(body) {
            write!(text, "Content-Type: {kind}\nContent-Length: {}\n\n{body}", body.len())?;
        }
        write!(text, "\n{LINE}\n\n")?;
    }
    Ok(text)
}

/// What a tool wrote, or what it said instead.
fn written(folder: &Path, name: &str) -> Result<String, Failure> {
    fs::read_to_string(folder.join(name)).map_err(|_| {
        let said = fs::read_to_string(folder.join("said")).unwrap_or_default();
        let last: Vec<&str> = said.lines().rev().take(20).collect();
        format!("no report: {}", last.into_iter().rev().collect::<Vec<_>>().join("\n")).into()
    })
}

fn expect(cost: Cost, codes: &[i32], folder: &Path) -> Result<(), Failure> {
    if codes.contains(&cost.status) {
        return Ok(());
    }
    let said = fs::read_to_string(folder.join("said")).unwrap_or_default();
    Err(format!("ended with {}: {said}", cost.status).into())
}

/// Runs `command` in `folder` for as long as a tool may take.
fn measure(bench: &Bench, folder: &Path, command: &[&str]) -> Result<Cost, Failure> {
    let mut python = Command::new("python3");
    python.arg(bench.root.join("bench/probe/measure.py")).arg(bench.limit.to_string()).arg("said");
    let told = python.args(command).current_dir(folder).stdin(Stdio::null()).output()?;
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    serde_json::from_str(&told).map_err(|error| format!("`{}`: {error}", command.join(" ")).into())
}

/// `bench/probe/endpoint.py`, until it is dropped.
struct Endpoint {
    child: Child,
    base: String,
}

impl Endpoint {
    fn start(bench: &Bench) -> Result<Self, Failure> {
        let mut command = Command::new("python3");
        command.arg(bench.root.join("bench/probe/endpoint.py")).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let mut port = String::new();
        if let Some(output) = child.stdout.take() {
            BufReader::new(output).read_line(&mut port)?;
        }
        Ok(Self { child, base: format!("http://127.0.0.1:{}/", port.trim()) })
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A package of PyPI in an environment of its own.
fn python_package(bench: &Bench, name: &str, version: &str) -> Result<String, Failure> {
    let venv = bench.cache.join(name);
    let mark = venv.join("installed");
    if fs::read_to_string(&mark).is_ok_and(|text| text == version) {
        return Ok(version.to_owned());
    }
    output::note(&format!("installing {name} {version}"));
    let mut make = Command::new("python3");
    make.args(["-m", "venv", "--clear"]).arg(&venv);
    let mut pip = Command::new(venv.join("bin/pip"));
    pip.args(["install", "--quiet", "--disable-pip-version-check", &format!("{name}=={version}")]);
    for command in [&mut make, &mut pip] {
        if !command.stdin(Stdio::null()).status()?.success() {
            return Err(format!("{name} cannot be installed").into());
        }
    }
    fs::write(&mark, version)?;
    Ok(version.to_owned())
}

/// Debian's package, unpacked and not installed.
fn debian_package(bench: &Bench) -> Result<String, Failure> {
    let folder = bench.cache.join("sqlmap");
    let mark = folder.join("installed");
    if let Ok(version) = fs::read_to_string(&mark) {
        return Ok(version);
    }
    output::note("unpacking Debian's sqlmap");
    fs::create_dir_all(&folder)?;
    let mut fetch = Command::new("apt-get");
    fetch.args(["download", "--quiet", "sqlmap"]).current_dir(&folder);
    if !fetch
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(File::create(folder.join("log"))?)
        .status()?
        .success()
    {
        return Err("`apt-get download sqlmap` failed".into());
    }
    let package: Option<PathBuf> = fs::read_dir(&folder)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|extension| extension == "deb"));
    let package = package.ok_or("no package of sqlmap")?;
    if !Command::new("dpkg-deb").arg("-x").arg(&package).arg(&folder).status()?.success() {
        return Err("sqlmap cannot be unpacked".into());
    }
    let told = Command::new("dpkg-deb").arg("-f").arg(&package).arg("Version").output()?;
    let version = String::from_utf8_lossy(&told.stdout).trim().to_owned();
    fs::write(&mark, &version)?;
    Ok(version)
}

const WAPITI: &str = "3.2.3";
const SCHEMATHESIS: &str = "4.32.5";
const MODULES: &str = "common,backup,crlf,csrf,htaccess,ldap,methods,timesql,xxe";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_written_down_as_a_proxy_does() {
        let table = "# request\nGET /a?b=c\nPOST /d\ttext/plain\tx=1\n";
        let text = recorded(table, "http://h:1", "h:1", "sid=7").unwrap();
        assert_eq!(text.matches("10:00:00  http://h:1  [127.0.0.1]").count(), 2);
        assert!(text.contains("GET /a?b=c HTTP/1.1\nHost: h:1\nCookie: sid=7\n\n="));
        assert!(text.contains("POST /d HTTP/1.1\nHost: h:1\nCookie: sid=7\nContent-Type: text/plain\nContent-Length: 3\n\nx=1\n="));
    }
}
