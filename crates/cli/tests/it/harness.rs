//! The binary in a directory of its own, a small application, and a client that says exactly what it sends.

use std::fs;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// Nothing takes this long when all is well; the machine may be busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// `gabion` in `directory`, with nothing of the caller's environment but the path.
pub(crate) fn gabion(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gabion"));
    command
        .current_dir(directory)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("COLUMNS", "100")
        .stdin(Stdio::null());
    command
}

/// Runs it to its end.
pub(crate) fn run(directory: &Path, arguments: &[&str]) -> Output {
    gabion(directory).args(arguments).output().expect("gabion runs")
}

/// Runs it, expects success, and returns what it printed.
pub(crate) fn succeed(directory: &Path, arguments: &[&str]) -> String {
    let output = run(directory, arguments);
    assert!(output.status.success(), "gabion {arguments:?}\n{}", told(&output));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// What a snapshot holds: exit code, standard output, standard error.
pub(crate) fn told(output: &Output) -> String {
    format!(
        "exit {}\n--- stdout\n{}--- stderr\n{}",
        output.status.code().unwrap_or(-1),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// A directory with a `gabion.toml`.
pub(crate) fn directory_with(configuration: &str) -> TempDir {
    let directory = TempDir::new().expect("a temporary directory");
    fs::write(directory.path().join("gabion.toml"), configuration).expect("the configuration is written");
    directory
}

/// Every file below a directory.
pub(crate) fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).expect("a readable directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.is_file() {
            found.push(path);
        }
    }
    found
}

/// A process that goes on, and everything it says as it says it.
pub(crate) struct Process {
    child: Child,
    said: Arc<(Mutex<Said>, Condvar)>,
}

#[derive(Default)]
struct Said {
    stdout: String,
    stderr: String,
    open: usize,
}

impl Process {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("gabion starts");
        let said = Arc::new((Mutex::new(Said { open: 2, ..Said::default() }), Condvar::new()));
        follow(child.stdout.take().expect("a pipe"), Arc::clone(&said), |said| &mut said.stdout);
        follow(child.stderr.take().expect("a pipe"), Arc::clone(&said), |said| &mut said.stderr);
        Self { child, said }
    }

    /// Waits until `find` finds something in what was said on standard output and standard error.
    pub(crate) fn wait_for<T>(&self, find: impl Fn(&str, &str) -> Option<T>) -> T {
        let (said, changed) = &*self.said;
        let mut guard = said.lock().expect("no reader panicked");
        loop {
            if let Some(found) = find(&guard.stdout, &guard.stderr) {
                return found;
            }
            assert!(guard.open > 0, "it ended and had said\n{}\n{}", guard.stdout, guard.stderr);
            let (next, wait) = changed.wait_timeout(guard, PATIENCE).expect("no reader panicked");
            guard = next;
            assert!(!wait.timed_out(), "it only said\n{}\n{}", guard.stdout, guard.stderr);
        }
    }

    pub(crate) fn wait_for_stderr(&self, words: &str) {
        self.wait_for(|_, stderr| stderr.contains(words).then_some(()));
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("the process is there");
    }

    /// Waits for its end: the exit code, what it said on standard output and standard error.
    pub(crate) fn end(mut self) -> (Option<i32>, String, String) {
        self.wait_until_silent();
        let status = self.child.wait().expect("the process ends");
        let said = self.said.0.lock().expect("no reader panicked");
        (status.code(), said.stdout.clone(), said.stderr.clone())
    }

    fn wait_until_silent(&self) {
        let (said, changed) = &*self.said;
        let mut guard = said.lock().expect("no reader panicked");
        while guard.open > 0 {
            let (next, wait) = changed.wait_timeout(guard, PATIENCE).expect("no reader panicked");
            guard = next;
            assert!(!wait.timed_out(), "it does not end; it said\n{}\n{}", guard.stdout, guard.stderr);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn follow(
    stream: impl Read + Send + 'static,
    said: Arc<(Mutex<Said>, Condvar)>,
    part: fn(&mut Said) -> &mut String,
) {
    std::thread::spawn(move || {
        let mut lines = BufReader::new(stream);
        let mut line = String::new();
        while lines.read_line(&mut line).is_ok_and(|count| count > 0) {
            part(&mut said.0.lock().expect("no reader panicked")).push_str(&line);
            said.1.notify_all();
            line.clear();
        }
        said.0.lock().expect("no reader panicked").open -= 1;
        said.1.notify_all();
    });
}

/// A gate that runs.
pub(crate) struct Gate {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
}

impl Gate {
    /// `gabion run` in `directory`, until it says where it listens.
    pub(crate) fn start(directory: &Path) -> Self {
        let mut command = gabion(directory);
        command.arg("run");
        let process = Process::start(command);
        let address = process.wait_for(|stdout, _| {
            let line = stdout.lines().find(|line| line.contains("listening"))?;
            line.split("//").nth(1)?.trim_end_matches('/').parse().ok()
        });
        Self { process, address }
    }

    /// The first administrator's one-time link, as printed: path and query.
    pub(crate) fn link(&self) -> String {
        self.process.wait_for(|stdout, _| link_in(stdout))
    }

    /// Opens a one-time link and chooses a password.
    pub(crate) fn accept(&self, link: &str, password: &str) {
        let token = link.split_once("token=").expect("the link holds a token").1;
        let page = get(self.address, link, &[]);
        assert_eq!(page.status, 200, "{}", page.body);
        let form = format!("token={token}&password={0}&repeat={0}", password.replace(' ', "+"));
        let answer = post(self.address, "/.gabion/welcome", &form, &[]);
        assert_eq!(answer.status, 303, "{}", answer.body);
    }

    /// Signs in; the cookie.
    pub(crate) fn sign_in(&self, name: &str, password: &str) -> Option<String> {
        let form = format!("name={name}&password={}&next=/", password.replace(' ', "+"));
        let answer = post(self.address, "/.gabion/login", &form, &[]);
        let cookie = answer.head.lines().find_map(|line| line.strip_prefix("set-cookie: "))?;
        (answer.status == 303).then(|| cookie.split(';').next().unwrap_or_default().to_owned())
    }
}

/// The path and query of the first one-time link in a text.
pub(crate) fn link_in(text: &str) -> Option<String> {
    let start = text.find("/.gabion/welcome?")?;
    let link: String = text[start..].chars().take_while(|character| !character.is_whitespace()).collect();
    text[start + link.len()..].contains('\n').then_some(link)
}

/// An answer, its head in lower case.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

pub(crate) fn get(address: SocketAddr, path: &str, headers: &[&str]) -> Answer {
    send(address, &format!("GET {path} HTTP/1.1"), headers, "")
}

/// A form posted from the gate's own pages.
pub(crate) fn post(address: SocketAddr, path: &str, form: &str, headers: &[&str]) -> Answer {
    let origin = format!("Origin: http://{address}");
    let mut all = vec!["Content-Type: application/x-www-form-urlencoded", origin.as_str()];
    all.extend(headers);
    send(address, &format!("POST {path} HTTP/1.1"), &all, form)
}

fn send(address: SocketAddr, line: &str, headers: &[&str], body: &str) -> Answer {
    let mut request = format!("{line}\r\nHost: {address}\r\nConnection: close\r\n");
    for header in headers {
        request.push_str(&format!("{header}\r\n"));
    }
    if line.starts_with("POST") {
        request.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    request.push_str(&format!("\r\n{body}"));
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE).expect("the gate listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream.write_all(request.as_bytes()).expect("the gate reads");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("the gate answers");
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    let head = head.lines().map(|line| match line.split_once(':') {
        Some((name, value)) => format!("{}:{value}", name.to_lowercase()),
        None => line.to_owned(),
    });
    Answer { status, head: head.collect::<Vec<_>>().join("\n"), body: body.to_owned() }
}

/// An application that answers with the request it got. One that asks for `/slow` waits for
/// [`Application::release`].
pub(crate) struct Application {
    pub(crate) address: SocketAddr,
    arrived: Receiver<()>,
    release: Sender<()>,
}

impl Application {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (arrival, arrived) = channel();
        let (release, released) = channel();
        let released = Arc::new(Mutex::new(released));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (arrival, released) = (arrival.clone(), Arc::clone(&released));
                std::thread::spawn(move || answer(stream, &arrival, &released));
            }
        });
        Self { address, arrived, release }
    }

    /// Waits until a slow request has come.
    pub(crate) fn wait_for_slow(&self) {
        self.arrived.recv_timeout(PATIENCE).expect("the request arrives");
    }

    pub(crate) fn release(&self) {
        self.release.send(()).expect("the application runs");
    }

    /// A configuration in front of it, with more at the end.
    pub(crate) fn configuration(&self, more: &str) -> String {
        format!(
            "[gateway]\nlisten = \"127.0.0.1:0\"\ntls = {{ mode = \"off\" }}\n\n[admin]\nlisten = \"127.0.0.1:0\"\n\n\
             [data]\ndirectory = \"data\"\n\n[upstreams.app]\nurl = \"http://{}\"\n\n\
             [[routes]]\npath = \"/*\"\naccess = \"signed-in\"\nupstream = \"app\"\n\n{more}",
            self.address
        )
    }
}

fn answer(stream: TcpStream, arrival: &Sender<()>, released: &Mutex<Receiver<()>>) {
    let mut lines = BufReader::new(stream.try_clone().expect("a second handle"));
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if !lines.read_line(&mut head).is_ok_and(|count| count > 0) {
                return;
            }
        }
        if head.starts_with("GET /slow") {
            let _ = arrival.send(());
            let _ = released.lock().expect("no other panicked").recv();
        }
        let text = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n{head}",
            head.len()
        );
        if (&stream).write_all(text.as_bytes()).is_err() {
            return;
        }
    }
}
