//! The program: found, started with its switches, and gone with everything it started.
//!
//! Chromium runs under a shell that leads a process group and reads from a pipe of ours. When the pipe closes (we
//! dropped it, or this process died in any way) the shell kills the whole group, itself included. So nothing is left
//! behind by a crash or an interrupt of whoever uses this crate either.

use std::io::Read;
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, geteuid, kill_process, kill_process_group};
use tempfile::TempDir;

use crate::error::BrowserError;
use crate::launch::Options;

/// What Chromium is called, best first.
const NAMES: &[&str] = &["chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome"];
/// Where programs are looked for when the caller does not say.
const SEARCHED: &str = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin";

/// Starts its arguments in the background and kills its process group when its input ends.
const GUARD: &str = "\"$@\" </dev/null & read -r _; kill -KILL 0";

/// How much of what the program last said is kept.
const SAID: usize = 4 << 10;

/// Switches that do not depend on anything.
const SWITCHES: &[&str] = &[
    "--headless",
    "--no-startup-window",
    "--remote-debugging-port=0",
    "--remote-debugging-address=127.0.0.1",
    // Nothing calls home, updates itself, asks or tells.
    "--disable-background-networking",
    "--disable-breakpad",
    "--disable-client-side-phishing-detection",
    "--disable-component-extensions-with-background-pages",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-in-process-stack-traces",
    "--disable-extensions",
    "--disable-field-trial-config",
    "--disable-search-engine-choice-screen",
    "--disable-sync",
    "--metrics-recording-only",
    "--no-default-browser-check",
    "--no-first-run",
    "--no-pings",
    "--no-service-autorun",
    "--noerrdialogs",
    "--password-store=basic",
    "--use-mock-keychain",
    "--variations-server-url=",
    // Its own services are at no address.
    "--allow-browser-signin=false",
    "--apps-gallery-update-url=about:blank",
    "--component-updater=url-source=about:blank",
    "--gaia-url=about:blank",
    "--google-apis-url=about:blank",
    "--google-base-url=about:blank",
    "--lso-url=about:blank",
    // Nothing leaves beside the proxy, and no name is resolved here.
    "--disable-quic",
    "--proxy-bypass-list=<-loopback>",
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    // Pages are asked for nothing and get nothing.
    "--deny-permission-prompts",
    "--disable-notifications",
    "--disable-speech-api",
    "--mute-audio",
    // Pages in the background are as fast as others.
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-hang-monitor",
    "--disable-ipc-flooding-protection",
    "--disable-renderer-backgrounding",
    "--disable-back-forward-cache",
    "--disable-gpu",
    "--hide-scrollbars",
    "--log-level=3",
];

/// What Chromium does by itself and nobody here wants: requests nobody judged, and guesses.
const FEATURES: &[&str] = &[
    "AttributionReportingCrossAppWeb",
    "AutofillServerCommunication",
    "CaptivePortalCertificateList",
    "CaptivePortalInterstitial",
    "CertificateTransparencyComponentUpdater",
    "DialMediaRouteProvider",
    "FedCm",
    "FetchLaterAPI",
    "HttpsUpgrades",
    "InterestFeedContentSuggestions",
    "KeepAliveInBrowserMigration",
    "LoadingPredictorUseOptimizationGuide",
    "MediaRouter",
    "NetworkErrorLogging",
    "NetworkTimeServiceQuerying",
    "OptimizationHints",
    "PreconnectToSearch",
    "Prerender2",
    "PrivateAggregationApi",
    "Reporting",
    "SpeculationRulesPrefetchFuture",
    "Translate",
];

/// A running Chromium and its profile.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    group: Option<Pid>,
    program: String,
    said: Arc<Mutex<Vec<u8>>>,
    profile: TempDir,
}

impl Process {
    pub(crate) fn start(options: &Options, wall: SocketAddr) -> Result<Self, BrowserError> {
        let program = find(options)?;
        let named = program.display().to_string();
        let failed = |reason: String| BrowserError::NotStarted { program: named.clone(), reason };
        let profile = tempfile::Builder::new()
            .prefix("gabion-browser-")
            .tempdir()
            .map_err(|error| failed(format!("no directory for its profile: {error}")))?;
        let searched = options.search.as_deref().unwrap_or(SEARCHED);
        let mut command = Command::new("/bin/sh");
        command.args(["-c", GUARD, "browser"]).arg(&program).args(SWITCHES);
        command.arg(format!("--disable-features={}", FEATURES.join(",")));
        command.arg(format!("--proxy-server=socks5://{wall}"));
        command.arg(format!("--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE {}", wall.ip()));
        command.arg(switch("--user-data-dir=", profile.path()));
        command.arg(switch("--disk-cache-dir=", &profile.path().join("cache")));
        if geteuid().is_root() {
            command.arg("--no-sandbox");
        }
        if options.trust_any_certificate {
            command.arg("--ignore-certificate-errors");
        }
        // Nothing of the caller's environment: no proxy, no key, no session bus.
        command.env_clear().env("PATH", searched).env("HOME", profile.path()).env("TMPDIR", profile.path());
        command.env("LANG", "C.UTF-8").env("DBUS_SESSION_BUS_ADDRESS", "disabled:");
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        command.current_dir(profile.path()).process_group(0);
        let mut child = command.spawn().map_err(|error| failed(error.to_string()))?;
        let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let said = Arc::default();
        if let Some(stderr) = child.stderr.take() {
            let said = Arc::clone(&said);
            std::thread::spawn(move || listen(stderr, &said));
        }
        Ok(Self { child, group, program: named, said, profile })
    }

    /// The port and path of its debugging endpoint, once it wrote them down.
    pub(crate) async fn endpoint(&mut self, patience: Duration) -> Result<(u16, String), BrowserError> {
        let file = self.profile.path().join("DevToolsActivePort");
        let waited = tokio::time::timeout(patience, async {
            loop {
                if let Some(endpoint) = std::fs::read_to_string(&file).ok().as_deref().and_then(endpoint) {
                    return Ok(endpoint);
                }
                if self.has_failed() {
                    return Err(self.not_started("it ended"));
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
        match waited.await {
            Ok(endpoint) => endpoint,
            Err(_) => Err(self.not_started("it did not open its debugging port in time")),
        }
    }

    /// The leader's id: everything it starts is in its group.
    pub(crate) fn group(&self) -> Option<i32> {
        self.group.map(|pid| pid.as_raw_nonzero().get())
    }

    /// Whether what it says shows that it will not come up. The shell waits for us, not for it.
    fn has_failed(&mut self) -> bool {
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let fatal = [":FATAL:", "No usable sandbox", "not found", "cannot execute", "Permission denied"];
        let said = String::from_utf8_lossy(&said);
        let failed = fatal.iter().any(|word| said.contains(word));
        failed || self.child.try_wait().is_ok_and(|ended| ended.is_some())
    }

    fn not_started(&self, how: &str) -> BrowserError {
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let said = String::from_utf8_lossy(&said);
        let lines: Vec<&str> = said.lines().filter(|line| !line.contains("dbus/")).collect();
        let last = lines.get(lines.len().saturating_sub(3)..).unwrap_or_default().join("; ");
        let mut reason = how.to_owned();
        if !last.is_empty() {
            reason.push_str(": ");
            reason.push_str(&last);
        }
        if said.contains("sandbox") {
            reason.push_str("\nhint: its sandbox needs unprivileged user namespaces (sysctl kernel.unprivileged_userns_clone=1)");
        }
        BrowserError::NotStarted { program: self.program.clone(), reason }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(group) = self.group {
            // Already gone is as good.
            let _gone = kill_process_group(group, Signal::KILL);
        }
        let _ended = self.child.wait();
        for pid in named(&self.profile.path().to_string_lossy()) {
            let _gone = kill_process(pid, Signal::KILL);
        }
    }
}

/// Processes on whose command line the profile stands. What catches Chromium's crashes leads a session of its own; it
/// would end by itself a little later.
fn named(profile: &str) -> Vec<Pid> {
    let Ok(processes) = std::fs::read_dir("/proc") else { return Vec::new() };
    processes
        .flatten()
        .filter_map(|process| Pid::from_raw(process.file_name().to_str()?.parse().ok()?))
        .filter(|pid| {
            let line = std::fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero())).unwrap_or_default();
            String::from_utf8_lossy(&line).contains(profile)
        })
        .collect()
}

fn switch(name: &str, path: &Path) -> std::ffi::OsString {
    let mut switch = std::ffi::OsString::from(name);
    switch.push(path);
    switch
}

fn find(options: &Options) -> Result<PathBuf, BrowserError> {
    if let Some(program) = &options.program {
        if program.is_file() {
            return Ok(program.clone());
        }
        return Err(BrowserError::Missing {
            names: format!("`{}`", program.display()),
            searched: "the place that was named".into(),
        });
    }
    let searched = options.search.as_deref().unwrap_or(SEARCHED);
    NAMES
        .iter()
        .flat_map(|name| std::env::split_paths(searched).map(move |place| place.join(name)))
        .find(|path| path.is_absolute() && path.is_file())
        .ok_or_else(|| BrowserError::Missing {
            names: NAMES.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
            searched: searched.to_owned(),
        })
}

/// The file's two lines: port and path.
fn endpoint(text: &str) -> Option<(u16, String)> {
    let (port, path) = text.split_once('\n')?;
    let path = path.trim();
    path.starts_with("/devtools/").then_some((port.trim().parse().ok()?, path.to_owned()))
}

/// Reads until the last process of the group is gone, keeping the end.
fn listen(mut stderr: impl Read, said: &Mutex<Vec<u8>>) {
    let mut piece = [0; 1024];
    while let Ok(read) = stderr.read(&mut piece) {
        if read == 0 {
            return;
        }
        let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
        said.extend(piece.get(..read).unwrap_or_default());
        let over = said.len().saturating_sub(SAID);
        said.drain(..over);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_endpoint_is_read_when_it_is_whole() {
        let read = |text| endpoint(text);
        assert_eq!(read("4711\n/devtools/browser/a-b"), Some((4711, "/devtools/browser/a-b".into())));
        assert_eq!(read("4711"), None);
        assert_eq!(read("4711\n"), None);
        assert_eq!(read("99999\n/devtools/browser/a"), None);
    }

    /// As when this process is killed: nobody calls `drop`, the pipe closes all the same.
    #[test]
    fn nothing_is_left_when_who_started_it_dies() {
        use std::os::unix::fs::PermissionsExt;
        let place = tempfile::tempdir().unwrap();
        let program = place.path().join("program");
        std::fs::write(&program, "#!/bin/sh\necho up >&2\nexec sleep 1000\n").unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let mut options = Options::new(|_: &str| crate::Verdict::Refuse);
        options.program = Some(program);
        let mut process = Process::start(&options, ([127, 0, 0, 1], 9).into()).unwrap();
        let said = Arc::clone(&process.said);
        while !String::from_utf8_lossy(&said.lock().unwrap()).contains("up") {
            std::thread::yield_now();
        }
        assert!(process.child.try_wait().unwrap().is_none());
        drop(process.child.stdin.take());
        let ended = process.child.wait().unwrap();
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&ended), Some(9), "with its whole group");
    }

    #[test]
    fn who_listens_keeps_the_end() {
        let said = Mutex::default();
        listen(&[b'a'; 10_000][..], &said);
        listen(&b"last words"[..], &said);
        let said = said.into_inner().unwrap();
        assert_eq!(said.len(), SAID);
        assert!(said.ends_with(b"last words"));
    }
}
