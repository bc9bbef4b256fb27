//! `gabion probe` from the first look to the report, as a person or a schedule runs it: a URL, two logins, and nothing else.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Output, Stdio};
use std::sync::mpsc::{Receiver, channel};

use gabion_strawman::{Handle, Options, accounts, serve};
use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{Process, directory_with, gabion, told};

/// The straw man on a thread of its own, until it is dropped.
struct Straw {
    base: String,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Straw {
    fn start(options: Options) -> Self {
        let (say, said) = channel();
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let application: Handle = serve(options).await.expect("the straw man starts");
                say.send(application.base()).expect("somebody waits");
                let _ = stopped.await;
                application.shutdown().await;
            });
        });
        Self { base: said.recv().expect("the straw man starts"), stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Straw {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The first two people of one role.
fn two() -> String {
    let people: Vec<String> = accounts()
        .iter()
        .filter(|account| ["alice", "bob"].contains(&account.name.as_str()))
        .map(|account| format!("{} {}\n", account.name, account.password))
        .collect();
    assert_eq!(people.len(), 2);
    people.concat()
}

/// Runs `gabion probe …` with a list of logins on standard input.
fn probe(folder: &Path, arguments: &[&str], logins: &str) -> Output {
    let mut child = gabion(folder)
        .arg("probe")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("gabion starts");
    child.stdin.take().expect("a pipe").write_all(logins.as_bytes()).expect("written");
    child.wait_with_output().expect("gabion ends")
}

fn report(folder: &Path) -> Value {
    let text = fs::read_to_string(folder.join(".gabion/probe-report.json")).expect("the last report");
    serde_json::from_str(&text).expect("JSON")
}

fn code(output: &Output, expected: i32) -> String {
    assert_eq!(output.status.code(), Some(expected), "{}", told(output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_url_and_two_logins_are_enough() {
    let straw = Straw::start(Options::vulnerable());
    let folder = TempDir::new().expect("a temporary directory");
    let folder = folder.path();
    let drafted = probe(folder, &["init", &straw.base, "--logins", "-"], &two());
    code(&drafted, 0);
    let facts = fs::read_to_string(folder.join("probe.toml")).expect("facts");
    assert!(
        facts.contains("password = { env = \"ALICE_PASSWORD\" }")
            && facts.contains("openapi = [\"/openapi.yaml\"]")
    );
    assert!(accounts().iter().all(|account| !facts.contains(&account.password)), "{facts}");
    // A second draft takes nothing away.
    let again = probe(folder, &["init", &straw.base, "--logins", "-"], &two());
    assert!(again.status.code() == Some(2) && String::from_utf8_lossy(&again.stderr).contains("`--force`"));
    code(&probe(folder, &["init", &straw.base, "--logins", "-", "--force"], &two()), 0);

    // Somebody who starts it without the logins is told what is missing.
    let bare = probe(folder, &[], "");
    assert!(code(&bare, 2).is_empty() && String::from_utf8_lossy(&bare.stderr).contains("ALICE_PASSWORD"));

    let output = probe(folder, &["--logins", "-", "--rate", "2000"], &two());
    code(&output, 1);
    let report = report(folder);
    let mode = fs::metadata(folder.join(".gabion/probe-report.json")).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(report["summary"]["complete"], true, "{}", report["gaps"]);
    let found: Vec<(&str, &str)> = report["findings"]
        .as_array()
        .expect("findings")
        .iter()
        .filter(|one| one["verdict"] == "proven")
        .map(|one| (one["test"].as_str().unwrap_or_default(), one["operation"].as_str().unwrap_or_default()))
        .collect();
    for expected in [
        ("command-injection", "GET /api/labels"),
        ("object-access", "GET /api/notes/{id}"),
        ("path-traversal", "GET /documents"),
        ("sql-injection", "GET /search"),
    ] {
        assert!(found.contains(&expected), "{expected:?} is not in {found:?}");
    }
    let proven = found.iter().map(|(test, _)| *test).collect::<std::collections::BTreeSet<_>>();
    assert!(proven.len() >= 20, "{proven:?}");

    // One finding again, by the beginning of its id, in the report that was kept.
    let id = report["findings"]
        .as_array()
        .expect("findings")
        .iter()
        .find(|one| one["test"] == "object-access" && one["verdict"] == "proven")
        .and_then(|one| one["id"].as_str())
        .expect("a finding");
    let again = probe(folder, &["replay", &id[..12], "--logins", "-"], &two());
    let text = code(&again, 1);
    assert!(text.contains("still there:") && text.contains("attack: curl"), "{text}");
    assert!(accounts().iter().all(|account| !text.contains(&account.password)), "{text}");
    let unknown = probe(folder, &["replay", "ffffffffffffffffffff", "--logins", "-"], &two());
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("no finding has the id"));
    code(&unknown, 2);

    // The next run of a schedule says what changed.
    let only = ["--only", "headers,object-access", "--logins", "-", "--since", "last", "--rate", "2000"];
    let text = code(&probe(folder, &only, &two()), 1);
    assert!(text.contains("still there") && text.contains("0 new"), "{text}");
    assert!(text.contains("not looked at"), "{text}");
}

/// An application that says when it was asked for the first time, and never answers again after that.
fn silent() -> (SocketAddr, Receiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    let (say, asked) = channel();
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        for (number, stream) in listener.incoming().enumerate() {
            let Ok(mut stream) = stream else { return };
            let mut piece = [0; 1024];
            let _ = stream.read(&mut piece);
            if number == 0 {
                let page = "<a href=/a>a</a>";
                let _ = write!(
                    stream,
                    "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{page}",
                    page.len()
                );
            } else if say.send(()).is_err() {
                return;
            }
            kept.push(stream);
        }
    });
    (address, asked)
}

#[test]
fn whoever_interrupts_it_gets_the_report_so_far() {
    let (address, asked) = silent();
    let folder = TempDir::new().expect("a temporary directory");
    let url = format!("http://{address}");
    let mut command = gabion(folder.path());
    command.args(["probe", &url, "--only", "headers"]);
    let process = Process::start(command);
    asked.recv().expect("it asks");
    process.signal(Signal::INT);
    let (code, stdout, stderr) = process.end();
    assert_eq!(code, Some(3), "{stdout}\n{stderr}");
    assert!(stdout.contains("the run ended early") && stdout.contains("interrupted"), "{stdout}");
    assert!(stdout.contains("`gabion probe --resume` goes on with 1 test"), "{stdout}");
    let report = report(folder.path());
    assert_eq!(report["left"], serde_json::json!(["headers"]));
    assert!(report["summary"]["ended_early"].as_str().is_some_and(|why| why.contains("interrupted")));

    // What goes on must be the same run.
    let other = probe(folder.path(), &["http://127.0.0.1:1", "--resume"], "");
    assert!(String::from_utf8_lossy(&other.stderr).contains("was at `http://127.0.0.1:"), "{}", told(&other));
    assert_eq!(other.status.code(), Some(2));
}

#[test]
fn what_cannot_be_read_is_named() {
    let folder = TempDir::new().expect("a temporary directory");
    for (arguments, says) in [
        (&["replay", "aa"] as &[&str], "there is no report"),
        (&["http://127.0.0.1:1", "--resume"], "there is no report"),
        (&["http://127.0.0.1:1", "--since", "nowhere.json"], "there is no report"),
        (&["init"], "nothing is named that could be looked at"),
        (&["http://127.0.0.1:1", "--resume", "--since", "last"], "its own beginning"),
        (&["http://127.0.0.1:1", "--proxy", "8.8.8.8:1"], "neither loopback nor private"),
    ] {
        let output = probe(folder.path(), arguments, "");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", told(&output));
        assert!(String::from_utf8_lossy(&output.stderr).contains(says), "{arguments:?}: {}", told(&output));
    }
    fs::create_dir(folder.path().join(".gabion")).expect("made");
    fs::write(folder.path().join(".gabion/probe-report.json"), "{\"version\": 7}").expect("written");
    let output = probe(folder.path(), &["replay", "aa"], "");
    assert!(String::from_utf8_lossy(&output.stderr).contains("is no report of"), "{}", told(&output));
}

#[test]
fn a_schedule_is_a_pipeline_of_its_own() {
    let directory = directory_with(
        "[gateway]\nlisten = \"127.0.0.1:8080\"\ntls = { mode = \"off\" }\n[upstreams.app]\nurl = \"http://127.0.0.1:3000\"\n\
         [[routes]]\npath = \"/*\"\naccess = \"signed-in\"\nupstream = \"app\"\n",
    );
    let ci = |service: &str, cron: &str| {
        let arguments = ["generate", "ci", service, "--schedule", cron, "--output", "."];
        gabion(directory.path()).args(arguments).output().expect("gabion runs")
    };
    let none = ci("github", "0 3 * * *");
    assert!(String::from_utf8_lossy(&none.stderr).contains("`gabion probe init URL"), "{}", told(&none));
    fs::write(directory.path().join("probe.toml"), "[target]\nurl = \"http://127.0.0.1:3000\"\n")
        .expect("written");
    let wrong = ci("github", "0 3 * * *\n- run: true");
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("no line of cron"), "{}", told(&wrong));
    for (service, file, holds) in [
        ("github", ".github/workflows/gabion-probe.yml", "- cron: \"0 3 * * *\""),
        ("gitlab", ".gitlab/gabion-probe.yml", "a schedule of `0 3 * * *`"),
    ] {
        let made = ci(service, "0 3 * * *");
        assert_eq!(made.status.code(), Some(0), "{}", told(&made));
        let text = fs::read_to_string(directory.path().join(file)).expect("a pipeline");
        assert!(text.contains(holds) && text.contains("gabion probe --since last"), "{text}");
    }
}
