//! `gabion init`.

use std::fs;

use tempfile::TempDir;

use crate::harness::{Application, run, succeed, told};

#[test]
fn it_writes_a_right_configuration_and_says_what_comes_next() {
    let directory = TempDir::new().expect("a temporary directory");
    fs::write(directory.path().join("Gemfile"), "gem \"rails\"\n").expect("a Gemfile");
    let application = Application::start();
    let upstream = format!("http://{}", application.address);
    let output = run(directory.path(), &["init", "--upstream", &upstream]);
    insta::with_settings!({filters => [(r"127\.0\.0\.1:[1-9]\d{4}", "127.0.0.1:PORT")]}, {
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
    assert!(written.contains("listen = \"127.0.0.1:8081\""), "{written}");
}
