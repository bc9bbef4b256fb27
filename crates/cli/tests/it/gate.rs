//! `gabion run` in front of an application.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use rustix::process::Signal;

use crate::harness::{Application, Gate, directory_with, files, get, post, run, succeed, told};

const PASSWORD: &str = "seven-grey-stones-in-a-wire-cage";

#[test]
fn strangers_are_refused_and_the_administrator_reaches_the_application() {
    let application = Application::start();
    let directory = directory_with(
        &application.configuration("[log]\naccess = \"file\"\naccess_file = \"access.log\"\n"),
    );
    let path = directory.path();
    let gate = Gate::start(path);
    gate.process.wait_for(|stdout, _| stdout.contains("development mode").then_some(()));
    let reload = format!("kill -HUP {}", gate.process.id());
    gate.process.wait_for(|stdout, _| stdout.contains(&reload).then_some(()));

    let secret_query = "/?token=planted-query-4711";
    let stranger = get(
        gate.address,
        secret_query,
        &["Authorization: Bearer planted-bearer-4712", "Cookie: x=planted-cookie-4713"],
    );
    assert_eq!(stranger.status, 401);
    let navigation = get(
        gate.address,
        "/",
        &["Accept: text/html", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"],
    );
    assert_eq!(navigation.status, 303);
    assert!(navigation.head.contains("location: /.gabion/login"), "{}", navigation.head);

    let link = gate.link();
    gate.accept(&link, PASSWORD);
    assert_ne!(get(gate.address, &link, &[]).status, 200, "the link works once");
    assert!(gate.sign_in("admin", "planted-wrong-password-4714").is_none());
    let first = gate.sign_in("admin", PASSWORD).expect("signs in");
    let second = gate.sign_in("admin", PASSWORD).expect("signs in again");
    assert!(first.starts_with("gabion-dev="), "{first}");
    let (mine, other) = (format!("Cookie: {first}"), format!("Cookie: {second}"));

    let page = get(gate.address, secret_query, &[&mine, "Gabion-Identity: forged"]);
    assert_eq!(page.status, 200);
    let told_application = page.body.to_lowercase();
    assert!(told_application.contains("gabion-identity: ey"), "{told_application}");
    assert!(!told_application.contains("forged"));
    assert!(!told_application.contains("gabion-dev"), "our cookie never reaches the application");

    // Both sessions are listed; the other one is ended.
    let account = get(gate.address, "/.gabion/account", &[&mine]);
    assert_eq!(account.status, 200);
    assert_eq!(account.body.matches("/.gabion/account/sessions/").count(), 2, "{}", account.body);
    assert_eq!(get(gate.address, "/", &[&other]).status, 200);
    assert_eq!(post(gate.address, "/.gabion/account/sessions/revoke-others", "", &[&mine]).status, 303);
    assert_eq!(get(gate.address, "/", &[&other]).status, 401);
    assert_eq!(get(gate.address, "/", &[&mine]).status, 200);

    let records = succeed(path, &["ledger", "search", "--format", "json", "--limit", "10000"]);
    let tail = succeed(path, &["ledger", "tail", "-n", "100"]);
    assert!(tail.contains("not signed in") && tail.contains("gate.start"), "{tail}");
    gate.process.signal(Signal::TERM);
    let token = link.split_once("token=").expect("a token").1.to_owned();
    let (code, stdout, stderr) = gate.process.end();
    assert_eq!(code, Some(0), "{stderr}");

    // Nothing secret in what it said, what it recorded, what it keeps.
    let ticket = |cookie: &str| cookie.split_once('=').expect("a value").1.to_owned();
    let mut secrets: Vec<String> = (4711..=4714).map(|number| format!("-{number}")).collect();
    secrets.extend([PASSWORD.to_owned(), token.clone(), ticket(&first), ticket(&second)]);
    let mut places = vec![
        // The link is printed once, for the administrator; that is its purpose.
        ("stdout".to_owned(), stdout.replace(&token, "").into_bytes()),
        ("stderr".to_owned(), stderr.into_bytes()),
        ("records".to_owned(), records.into_bytes()),
    ];
    for file in files(path) {
        places.push((file.display().to_string(), fs::read(&file).expect("readable")));
    }
    assert!(places.iter().any(|(name, content)| name.ends_with("access.log") && content.len() > 100));
    for (place, content) in &places {
        for secret in &secrets {
            let found = content.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{secret} is in {place}");
        }
    }
    for file in files(&path.join("data")) {
        let mode = fs::metadata(&file).expect("there").permissions().mode() & 0o077;
        assert_eq!(mode, 0, "{} can be read by others", file.display());
    }
}

#[test]
fn a_reload_takes_effect_and_a_faulty_one_does_not() {
    let application = Application::start();
    let directory = directory_with(&application.configuration(""));
    let file = directory.path().join("gabion.toml");
    let gate = Gate::start(directory.path());
    assert_eq!(get(gate.address, "/open/door", &[]).status, 401);

    let open = "[[routes]]\npath = \"/open/*\"\naccess = \"public\"\nupstream = \"app\"\n";
    fs::write(&file, application.configuration(open)).expect("written");
    gate.process.signal(Signal::HUP);
    gate.process.wait_for_stderr("configuration reloaded");
    assert_eq!(get(gate.address, "/open/door", &[]).status, 200);
    assert_eq!(get(gate.address, "/closed", &[]).status, 401);

    fs::write(&file, application.configuration("[gateways]\n")).expect("written");
    gate.process.signal(Signal::HUP);
    gate.process.wait_for_stderr("configuration not reloaded");
    gate.process.wait_for_stderr("did you mean `gateway`?");
    assert_eq!(get(gate.address, "/open/door", &[]).status, 200);

    let moved = application.configuration(open).replace("127.0.0.1:0", "127.0.0.1:1");
    fs::write(
        &file,
        moved.replacen("[admin]\nlisten = \"127.0.0.1:1\"", "[admin]\nlisten = \"127.0.0.1:0\"", 1),
    )
    .expect("written");
    gate.process.signal(Signal::HUP);
    gate.process.wait_for_stderr("needs a restart");

    // The watcher's alert about it is another kind of event.
    let records = succeed(
        directory.path(),
        &["ledger", "search", "configuration.reload", "--kind", "configuration", "--format", "json"],
    );
    let ended = |outcome: &str| records.matches(&format!("\"outcome\":\"{outcome}\"")).count();
    assert_eq!((ended("begun"), ended("success"), ended("failure")), (2, 2, 1), "{records}");
    assert!(records.contains("\"changed\":\"routes\""), "{records}");
}

#[test]
fn what_needs_a_restart_stays_until_then() {
    let application = Application::start();
    let directory = directory_with(&application.configuration(""));
    let file = directory.path().join("gabion.toml");
    let gate = Gate::start(directory.path());
    let navigate = ["Accept: text/html", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"];
    // What listens without TLS must not send people to where TLS would be.
    let open = "[[routes]]\npath = \"/open\"\naccess = \"public\"\nupstream = \"app\"\n";
    let with_tls = application.configuration(open).replace("\"off\"", "\"local-ca\"");
    fs::write(&file, with_tls).expect("written");
    gate.process.signal(Signal::HUP);
    gate.process.wait_for_stderr("gateway.tls.mode");
    gate.process.wait_for_stderr("configuration reloaded");
    assert_eq!(get(gate.address, "/open", &navigate).status, 200, "the rest is taken over");
    assert_eq!(get(gate.address, "/.gabion/login", &navigate).status, 200);
}

#[test]
fn a_stop_lets_the_request_in_flight_end() {
    let application = Application::start();
    let open = "[[routes]]\npath = \"/slow\"\naccess = \"public\"\nupstream = \"app\"\n";
    let directory = directory_with(&application.configuration(open));
    let gate = Gate::start(directory.path());
    let address = gate.address;
    let client = std::thread::spawn(move || get(address, "/slow", &[]).status);
    application.wait_for_slow();
    gate.process.signal(Signal::TERM);
    gate.process.wait_for_stderr("stopping");
    application.release();
    assert_eq!(client.join().expect("the client ends"), 200);
    let (code, _, stderr) = gate.process.end();
    assert_eq!(code, Some(0), "{stderr}");
    assert!(!directory.path().join("data/control.sock").exists());
    let records = succeed(directory.path(), &["ledger", "tail", "-n", "1"]);
    assert!(records.contains("gate.stop"), "{records}");
}

#[test]
fn a_second_gate_on_the_same_data_is_refused() {
    let application = Application::start();
    let directory = directory_with(&application.configuration(""));
    let gate = Gate::start(directory.path());
    let second = run(directory.path(), &["run"]);
    assert_eq!(second.status.code(), Some(3));
    let told =
        told(&second).replace(&directory.path().canonicalize().expect("there").display().to_string(), "DIR");
    insta::with_settings!({filters => [(r"process \d+", "process PID")]}, {
        insta::assert_snapshot!("second-gate", told);
    });
    assert_eq!(get(gate.address, "/", &[]).status, 401, "the first goes on");
}

#[test]
fn the_control_socket_is_the_owners_and_survives_nonsense() {
    use std::io::{Read as _, Write as _};
    use std::os::unix::net::UnixStream;

    let application = Application::start();
    let directory = directory_with(&application.configuration(""));
    let gate = Gate::start(directory.path());
    let socket = directory.path().join("data/control.sock");
    // The socket opens just before the gate announces itself.
    gate.link();
    assert_eq!(fs::metadata(&socket).expect("there").permissions().mode() & 0o777, 0o600);
    for nonsense in ["\n", "{}\n", "{\"ask\":\"everything\"}\n", "not json", "\u{0}\u{1}\n"] {
        let mut stream = UnixStream::connect(&socket).expect("it listens");
        stream.write_all(nonsense.as_bytes()).expect("it reads");
        stream.shutdown(std::net::Shutdown::Write).expect("half closed");
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        assert_eq!(answer, "", "{nonsense:?}");
    }
    assert!(succeed(directory.path(), &["user", "list"]).contains("admin"));
}

#[test]
fn a_development_authority_is_made_once() {
    let application = Application::start();
    let text = application.configuration("").replace("mode = \"off\"", "mode = \"local-ca\"");
    let directory = directory_with(&text);
    let authority = directory.path().join("data/local-ca.pem");
    let start = || {
        let gate = Gate::start(directory.path());
        gate.process.wait_for(|stdout, _| stdout.contains("to trust it, import").then_some(()));
        gate.process.wait_for(|stdout, _| (!stdout.contains("development mode")).then_some(()));
        fs::read_to_string(&authority).expect("it was made")
    };
    let first = start();
    assert!(first.contains("BEGIN CERTIFICATE"));
    assert_eq!(start(), first);
}
