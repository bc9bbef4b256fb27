//! `gabion doctor`.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::sync::mpsc::channel;

use serde_json::Value;

use crate::harness::{Application, Gate, directory_with, run};

/// What was examined, with its state, and the exit code.
fn examined(directory: &Path) -> (Vec<(String, String)>, Option<i32>) {
    let output = run(directory, &["doctor", "--format", "json"]);
    let findings: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let word = |finding: &Value, key: &str| finding[key].as_str().expect("text").to_owned();
    let findings = findings.as_array().expect("a list").iter();
    (findings.map(|finding| (word(finding, "what"), word(finding, "state"))).collect(), output.status.code())
}

fn state<'a>(findings: &'a [(String, String)], what: &str) -> &'a str {
    let found = findings.iter().find(|(name, _)| name == what);
    found.map_or("not examined", |(_, state)| state.as_str())
}

#[test]
fn a_healthy_installation_has_nothing_that_fails() {
    let application = Application::start();
    let directory = directory_with(&application.configuration(""));
    let gate = Gate::start(directory.path());
    gate.link();
    let (findings, code) = examined(directory.path());
    assert_eq!(code, Some(0), "{findings:?}");
    for what in ["configuration", "data directory", "gate", "upstream app", "clients", "clock"] {
        assert_eq!(state(&findings, what), "ok", "{what}: {findings:?}");
    }
    drop(gate);
    // Killed: what it wrote is whole, and is read through.
    let (findings, _) = examined(directory.path());
    assert_eq!(state(&findings, "database"), "ok", "{findings:?}");
    assert_eq!(state(&findings, "ledger"), "ok", "{findings:?}");
}

#[test]
fn an_application_that_is_down_and_a_damaged_ledger_are_found() {
    let application = Application::start();
    let directory = directory_with(&application.configuration(""));
    let gate = Gate::start(directory.path());
    gate.link();
    drop(gate);
    let ledger = directory.path().join("data/ledger");
    let segment = crate::harness::files(&ledger).pop().expect("a segment");
    let mut bytes = std::fs::read(&segment).expect("readable");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xFF;
    std::fs::write(&segment, bytes).expect("written");
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    let text = application.configuration("").replace(&application.address.to_string(), &free.to_string());
    std::fs::write(directory.path().join("gabion.toml"), text).expect("written");
    let (findings, code) = examined(directory.path());
    assert_eq!(code, Some(1));
    assert_eq!(state(&findings, "upstream app"), "fail", "{findings:?}");
    assert_eq!(state(&findings, "ledger"), "fail", "{findings:?}");
}

/// Greets like a mail server and tells what was said to it.
fn mail_server() -> (u16, std::sync::mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    let (said, heard) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut answers = stream.try_clone().expect("a second handle");
            let _ = answers.write_all(b"220 mail.example ESMTP\r\n");
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                let answer: &[u8] = match line.split(' ').next().unwrap_or_default() {
                    "EHLO" => b"250-mail.example\r\n250 8BITMIME\r\n",
                    "QUIT" => b"221 bye\r\n",
                    _ => b"250 ok\r\n",
                };
                let _ = said.send(line);
                let _ = answers.write_all(answer);
            }
        }
    });
    (port, heard)
}

#[test]
fn the_mail_server_is_greeted_and_gets_no_letter() {
    let application = Application::start();
    let (port, heard) = mail_server();
    let mail = |port: u16| {
        format!(
            "[mail]\ntransport = \"smtp\"\nfrom = \"gate@example.org\"\nhost = \"127.0.0.1\"\nport = {port}\n\
             security = \"plain\"\n"
        )
    };
    let directory = directory_with(&application.configuration(&mail(port)));
    let (findings, code) = examined(directory.path());
    assert_eq!(state(&findings, "mail"), "ok", "{findings:?}");
    assert_eq!(code, Some(0));
    let said: Vec<String> = heard.try_iter().collect();
    assert!(said.iter().any(|line| line.starts_with("EHLO")), "{said:?}");
    assert!(!said.iter().any(|line| line.starts_with("MAIL") || line.starts_with("RCPT")), "{said:?}");

    let free =
        TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("an address").port();
    let directory = directory_with(&application.configuration(&mail(free)));
    let (findings, code) = examined(directory.path());
    assert_eq!((state(&findings, "mail"), code), ("fail", Some(1)), "{findings:?}");
}

#[test]
fn a_provider_that_may_not_be_reached_is_told() {
    let application = Application::start();
    let provider = "[federation.corp]\nissuer = \"https://127.0.0.1:9\"\nclient_id = \"gate\"\n";
    let directory = directory_with(&application.configuration(provider));
    let (findings, code) = examined(directory.path());
    assert_eq!((state(&findings, "provider corp"), code), ("fail", Some(1)), "{findings:?}");
}
