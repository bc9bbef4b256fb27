//! `gabion init`.

use std::fs;
use std::net::TcpListener;

use tempfile::TempDir;

use crate::harness::{Application, Gate, directory_with, run, succeed, told};

#[test]
fn it_writes_a_right_configuration_and_says_what_comes_next() {
    let directory = TempDir::new().expect("a temporary directory");
    fs::write(directory.path().join("Gemfile"), "gem \"rails\"\n").expect("a Gemfile");
    let application = Application::start();
    let upstream = format!("http://{}", application.address);
    let output = run(directory.path(), &["init", "--upstream", &upstream]);
    let filters = [
        (r"127\.0\.0\.1:[1-9]\d{4}", "127.0.0.1:PORT"),
        // Whatever else runs on this machine.
        (r"127\.0\.0\.1:80\d\d", "127.0.0.1:8080"),
        (r"warning: port 8080 is taken.*\n", ""),
    ];
    insta::with_settings!({filters => filters}, {
        insta::assert_snapshot!("init", told(&output));
        let written = fs::read_to_string(directory.path().join("gabion.toml")).expect("it was written");
        insta::assert_snapshot!("init-gabion-toml", written);
    });
    succeed(directory.path(), &["config", "check"]);
}

#[test]
fn what_is_there_is_not_replaced_unasked() {
    let directory = TempDir::new().expect("a temporary directory");
    let path = directory.path().join("gabion.toml");
    fs::write(&path, "# mine\n").expect("a configuration");
    let upstream = ["--upstream", "http://127.0.0.1:3000"];
    let output = run(directory.path(), &["init", upstream[0], upstream[1]]);
    insta::assert_snapshot!("init-twice", told(&output));
    assert_eq!(fs::read_to_string(&path).expect("readable"), "# mine\n");
    succeed(directory.path(), &["init", "--force", upstream[0], upstream[1]]);
    assert!(fs::read_to_string(&path).expect("readable").contains("[[routes]]"));
}

#[test]
fn the_gate_does_not_take_the_applications_port() {
    let directory = TempDir::new().expect("a temporary directory");
    succeed(directory.path(), &["init", "--upstream", "http://127.0.0.1:8080"]);
    let written = fs::read_to_string(directory.path().join("gabion.toml")).expect("it was written");
    assert!(!written.contains("listen = \"127.0.0.1:8080\""), "{written}");
}

#[test]
fn a_running_gate_is_not_taken_for_the_application() {
    let application = Application::start();
    let running = directory_with(&application.configuration(""));
    let gate = Gate::start(running.path());
    let directory = TempDir::new().expect("a temporary directory");
    let stated = |port: u16| fs::write(directory.path().join(".env"), format!("PORT={port}\n"));
    stated(gate.address.port()).expect("a file");
    let output = run(directory.path(), &["init"]);
    assert!(told(&output).contains("no application answers on"), "{}", told(&output));
    stated(application.address.port()).expect("a file");
    let output = run(directory.path(), &["init", "--force"]);
    assert!(!told(&output).contains("answers"), "{}", told(&output));
    let written = fs::read_to_string(directory.path().join("gabion.toml")).expect("it was written");
    assert!(written.contains(&format!("url = \"http://{}\"", application.address)), "{written}");
}

#[test]
fn an_upstream_that_does_not_listen_yet_is_said() {
    let directory = TempDir::new().expect("a temporary directory");
    let free = TcpListener::bind("127.0.0.1:0").and_then(|one| one.local_addr()).expect("a free port");
    let output = run(directory.path(), &["init", "--upstream", &format!("http://{free}")]);
    let words = format!("nothing listens on {free} yet; start your application there");
    assert!(output.status.success() && told(&output).contains(&words), "{}", told(&output));
}
