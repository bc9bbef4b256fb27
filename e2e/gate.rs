//! The real binary as a process, in its own directory.

use std::fs;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;

use crate::client::{Client, text};

/// How long a start, a stop or a page may take before the test calls it broken. Generous: the machine
/// may be busy, and nothing waits for this long when all is well.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A gate in front of one application, on a free port.
pub(crate) struct Gate {
    pub(crate) address: SocketAddr,
    process: Child,
    output: Output,
    directory: Arc<TempDir>,
}

/// Everything the process wrote, as it comes.
#[derive(Clone)]
struct Output {
    text: Arc<Mutex<String>>,
    changed: watch::Sender<()>,
}

impl Gate {
    /// Starts a gate whose routes are all `signed-in`, in front of `application`.
    pub(crate) async fn start(application: SocketAddr) -> Self {
        Self::start_with(application, "").await
    }

    /// The same over TLS, reached as `localhost`, with a certificate of the development authority.
    pub(crate) async fn start_over_tls(application: SocketAddr) -> Self {
        Self::start_over_tls_with(application, "").await
    }

    /// Over TLS like that, with more lines at the end of the configuration.
    pub(crate) async fn start_over_tls_with(application: SocketAddr, more: &str) -> Self {
        Self::start_as(application, "tls = { mode = \"local-ca\", names = [\"localhost\"] }\n", more).await
    }

    /// Over TLS like that, asking clients for certificates of an authority, with more lines at the end.
    pub(crate) async fn start_mutual(application: SocketAddr, authority: &Path, more: &str) -> Self {
        let tls = format!(
            "tls = {{ mode = \"local-ca\", names = [\"localhost\"], client_certificates = {{ ca_file = {authority:?} }} }}\n"
        );
        Self::start_as(application, &tls, more).await
    }

    /// The same, with more lines at the end of the configuration.
    pub(crate) async fn start_with(application: SocketAddr, more: &str) -> Self {
        Self::start_as(application, "", more).await
    }

    /// The same as [`start`](Self::start), with another time for a request's head.
    pub(crate) async fn start_patient(application: SocketAddr, head_timeout: &str) -> Self {
        Self::start_as(application, &format!("head_timeout = \"{head_timeout}\"\n"), "").await
    }

    /// A port nobody listens on, for configurations that must know it beforehand.
    pub(crate) fn free_port() -> u16 {
        let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
        free.expect("a free port").port()
    }

    async fn start_as(application: SocketAddr, gateway: &str, more: &str) -> Self {
        Self::start_on(application, 0, gateway, more).await
    }

    /// The same on a port known beforehand, with more lines in the table `[gateway]`.
    pub(crate) async fn start_on(application: SocketAddr, port: u16, gateway: &str, more: &str) -> Self {
        let directory = Arc::new(TempDir::new().expect("a temporary directory"));
        Self::configure(&directory, application, port, gateway, more);
        Self::start_in(directory).await
    }

    fn configure(directory: &TempDir, application: SocketAddr, port: u16, gateway: &str, more: &str) {
        let plain = if gateway.contains("tls =") { "" } else { "tls = { mode = \"off\" }\n" };
        let gateway = format!("{plain}{gateway}");
        let configuration = format!(
            "[gateway]\nlisten = \"127.0.0.1:{port}\"\n{gateway}\n\
             [admin]\nlisten = \"127.0.0.1:0\"\n\n\
             [data]\ndirectory = {data:?}\n\n\
             [upstreams.app]\nurl = \"http://{application}\"\n\n\
             [[routes]]\npath = \"/public/*\"\naccess = \"public\"\nupstream = \"app\"\n\n\
             [[routes]]\npath = \"/*\"\naccess = \"signed-in\"\nupstream = \"app\"\n\n{more}",
            data = directory.path().join("data"),
        );
        fs::write(directory.path().join("gabion.toml"), configuration).expect("the configuration is written");
    }

    async fn start_in(directory: Arc<TempDir>) -> Self {
        let mut gabion = command(directory.path());
        gabion.args(["run", "--config", "gabion.toml"]);
        Self::start_by(directory, gabion).await
    }

    /// A gate whose data directory is a file system of its own with so many bytes, which ends with the process. None where
    /// this machine does not let us make one.
    pub(crate) async fn start_on_a_small_disk(application: SocketAddr, size: &str) -> Option<Self> {
        let script = format!(
            "mount -t tmpfs -o size={size},mode=700 tmpfs data && exec {:?} run --config gabion.toml",
            binary()
        );
        let unshared = |script: &str, directory: &Path| {
            let mut command = Command::new("unshare");
            command.args(["--mount", "--propagation", "private", "sh", "-c", script]).current_dir(directory);
            command
        };
        let directory = Arc::new(TempDir::new().expect("a temporary directory"));
        fs::create_dir(directory.path().join("data")).expect("a folder");
        let may = unshared("mount -t tmpfs tmpfs data", directory.path()).output().await;
        if !may.is_ok_and(|output| output.status.success()) {
            return None;
        }
        Self::configure(&directory, application, 0, "", "");
        Some(Self::start_by(Arc::clone(&directory), unshared(&script, directory.path())).await)
    }

    async fn start_by(directory: Arc<TempDir>, mut gabion: Command) -> Self {
        let mut process = gabion
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the gate starts");
        let output = Output { text: Arc::default(), changed: watch::Sender::new(()) };
        output.follow(process.stdout.take().expect("a pipe"));
        output.follow(process.stderr.take().expect("a pipe"));
        let line = output
            .wait_for(|text| text.lines().find(|line| line.contains("listening")).map(str::to_owned))
            .await;
        let address = address_in(&line).unwrap_or_else(|| panic!("no address in {line:?}"));
        Self { address, process, output, directory }
    }

    /// `kill -9`.
    pub(crate) async fn kill(mut self) -> Stopped {
        self.process.kill().await.expect("the process is killed");
        Stopped { directory: self.directory.clone() }
    }

    /// `kill -TERM`, then waits for the end, which must be an orderly one.
    pub(crate) async fn terminate(mut self) -> Stopped {
        let pid = self.process.id().expect("runs").to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status().await.expect("kill runs");
        assert!(sent.success());
        let ended = tokio::time::timeout(PATIENCE, self.process.wait()).await;
        let status = ended.expect("the gate drains in time").expect("the process ends");
        assert_eq!(status.code(), Some(0));
        Stopped { directory: self.directory.clone() }
    }

    /// What the process has written so far.
    pub(crate) fn output(&self) -> String {
        self.output.text.lock().expect("no writer panicked").clone()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id().expect("runs")
    }

    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The process.
    pub(crate) fn id(&self) -> u32 {
        self.process.id().expect("runs")
    }

    /// Waits until what the process wrote is so.
    pub(crate) async fn said(&self, is_so: impl Fn(&str) -> bool) {
        self.output.wait_for(|text| is_so(text).then_some(())).await;
    }

    /// What the admin listener says of everything.
    pub(crate) async fn metrics(&self) -> String {
        let line = self
            .output
            .wait_for(|text| text.lines().find(|line| line.contains("/metrics")).map(str::to_owned))
            .await;
        let admin = address_in(&line).unwrap_or_else(|| panic!("no address in {line:?}"));
        text(&Client::new(admin).get("/metrics").await.expect("the admin listener answers"))
    }

    /// What it says of one gauge.
    pub(crate) async fn metric(&self, name: &str) -> f64 {
        let page = self.metrics().await;
        let value = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok());
        value.unwrap_or_else(|| panic!("no {name} in {page}"))
    }

    /// The first administrator's one-time link, as the gate printed it: path and query.
    pub(crate) async fn administrator_link(&self) -> String {
        self.output.wait_for(link_in).await
    }

    /// Runs another `gabion` command beside the gate; what it wrote on stdout.
    pub(crate) async fn cli(&self, arguments: &[&str]) -> String {
        cli(self.directory(), arguments).await
    }

    /// An account with a password, made the way an administrator makes one.
    pub(crate) async fn add_account(&self, name: &str, password: &str) {
        let added = self.cli(&["user", "add", name]).await;
        let link = link_in(&added).unwrap_or_else(|| panic!("no link in {added:?}"));
        self.accept(&link, password).await;
    }

    /// Opens a one-time link and sets a password, as its receiver does.
    pub(crate) async fn accept(&self, link: &str, password: &str) {
        let mut client = Client::new(self.address);
        let page = client.navigate(link).await.expect("the gate answers");
        assert_eq!(page.status(), 200, "{}", text(&page));
        let token = link.split_once("token=").expect("the link holds a token").1;
        let fields = [("token", token), ("password", password), ("repeat", password)];
        let answer = client.submit("/.gabion/welcome", &fields).await.expect("the gate answers");
        assert_eq!(answer.status(), 303, "{}", text(&answer));
    }
}

/// A gate that was stopped or killed; its directory is as it left it.
pub(crate) struct Stopped {
    directory: Arc<TempDir>,
}

impl Stopped {
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// Changes a line of the configuration before the next start.
    pub(crate) fn reconfigure(&self, from: &str, to: &str) {
        let path = self.directory.path().join("gabion.toml");
        let configuration = fs::read_to_string(&path).expect("the configuration is read");
        assert!(configuration.contains(from));
        fs::write(path, configuration.replace(from, to)).expect("the configuration is written");
    }

    pub(crate) async fn start_again(self) -> Gate {
        Gate::start_in(self.directory).await
    }
}

impl Output {
    fn follow(&self, stream: impl AsyncRead + Unpin + Send + 'static) {
        let output = self.clone();
        tokio::spawn(async move {
            let mut lines = BufReader::new(stream).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                let mut text = output.text.lock().expect("no writer panicked");
                text.push_str(&line);
                text.push('\n');
                drop(text);
                output.changed.send_replace(());
            }
        });
    }

    async fn wait_for<T>(&self, mut find: impl FnMut(&str) -> Option<T>) -> T {
        let mut changed = self.changed.subscribe();
        let search = async {
            loop {
                let found = find(&self.text.lock().expect("no writer panicked"));
                if let Some(found) = found {
                    return found;
                }
                changed.changed().await.expect("the sender lives");
            }
        };
        match tokio::time::timeout(PATIENCE, search).await {
            Ok(found) => found,
            Err(_) => {
                panic!("the gate did not say it; it said:\n{}", self.text.lock().expect("no writer panicked"))
            }
        }
    }
}

/// Runs `gabion` in `directory`, expects success, and returns what it wrote on stdout.
pub(crate) async fn cli(directory: &Path, arguments: &[&str]) -> String {
    let output = command(directory).args(arguments).output().await.expect("gabion runs");
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "gabion {arguments:?} failed:\n{stdout}\n{stderr}");
    stdout.into_owned()
}

/// The binary that was built with these tests, or the one that `GABION_PROGRAM` names.
pub(crate) fn binary() -> PathBuf {
    if let Some(program) = std::env::var_os("GABION_PROGRAM") {
        return PathBuf::from(program);
    }
    let test = std::env::current_exe().expect("the test knows its own path");
    let folder = test.parent().and_then(Path::parent).expect("target/<profile>/deps/<test>");
    let binary = folder.join("gabion");
    if !binary.exists() {
        let _ =
            writeln!(std::io::stderr(), "hint: `cargo build --package gabion-cli` builds the binary first");
    }
    binary
}

pub(crate) fn command(directory: &Path) -> Command {
    let mut command = Command::new(binary());
    command
        .current_dir(directory)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("NO_COLOR", "1");
    command
}

fn address_in(line: &str) -> Option<SocketAddr> {
    line.split(|character: char| character.is_whitespace() || "/,;".contains(character))
        .find_map(|word| word.parse().ok())
}

/// The path and query of the first one-time link in `text`.
pub(crate) fn link_in(text: &str) -> Option<String> {
    let start = text.find("/.gabion/welcome?")?;
    let link: String = text[start..].chars().take_while(|character| !character.is_whitespace()).collect();
    Some(link)
}
