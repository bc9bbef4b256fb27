//! Letters that really leave, into a real SMTP server, and what their links do.

use std::process::Stdio;

use bytes::Bytes;
use http::Request;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout};

use crate::application::Application;
use crate::client::{Answer, Client, text};
use crate::clients;
use crate::gate::{Gate, PATIENCE};

const PASSWORD: &str = "boulders in a wire basket";
const NEW: &str = "gravel under every wheel";
const SMTP_PASSWORD: &str = "planted-smtp-password-31f7";

/// The server, which ends with the test.
pub(crate) struct Sink {
    _process: Child,
    lines: Lines<BufReader<ChildStdout>>,
    folder: TempDir,
    port: u16,
}

impl Sink {
    pub(crate) async fn start(security: &str) -> Self {
        let folder = TempDir::new().expect("a temporary directory");
        let place = folder.path().to_str().expect("UTF-8").to_owned();
        let mut process = clients::python("smtp_sink.py", &[&place, "gate", SMTP_PASSWORD, security])
            .stdout(Stdio::piped())
            .spawn()
            .expect("python runs");
        let mut lines = BufReader::new(process.stdout.take().expect("a pipe")).lines();
        let line = lines.next_line().await.expect("reads").expect("it starts");
        let port = line.strip_prefix("listening ").expect("a port").parse().expect("a number");
        std::fs::write(folder.path().join("password"), format!("{SMTP_PASSWORD}\n")).expect("writes");
        Self { _process: process, lines, folder, port }
    }

    /// The table of the gate's configuration that sends letters here.
    pub(crate) fn settings(&self, security: &str) -> String {
        let folder = self.folder.path().display();
        format!(
            "[mail]\ntransport = \"smtp\"\nfrom = \"gate@example.net\"\nhost = \"127.0.0.1\"\nport = {}\n\
             security = \"{security}\"\nusername = \"gate\"\npassword_file = \"{folder}/password\"\n\
             ca_file = \"{folder}/ca.pem\"\n",
            self.port
        )
    }

    pub(crate) async fn letter(&mut self) -> Value {
        let line = tokio::time::timeout(PATIENCE, self.lines.next_line()).await.expect("a letter comes");
        serde_json::from_str(&line.expect("reads").expect("it runs")).expect("JSON")
    }
}

/// Path and query of the link in a letter, which must begin with the gate's own address.
fn link(gate: &Gate, letter: &Value) -> String {
    let text = letter["text"].as_str().expect("a text");
    let start = format!("http://{}", gate.address);
    let place = text.find(&start).unwrap_or_else(|| panic!("no link to {start} in {text}"));
    let link = text[place + start.len()..].split_whitespace().next().expect("a path");
    assert!(letter["html"].as_str().expect("a part").contains(link), "the same in both parts");
    link.to_owned()
}

fn token(link: &str) -> &str {
    link.split_once("?token=").expect("a token").1
}

/// What a visitor sees of an answer, without what belongs to the one request.
fn seen(answer: &Answer) -> (u16, Vec<(String, String)>, String) {
    let mut headers: Vec<_> = answer
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().expect("text").to_owned()))
        .filter(|(name, _)| !name.contains("request-id") && name != "date" && !name.starts_with("ratelimit"))
        .collect();
    headers.sort();
    (answer.status().as_u16(), headers, text(answer))
}

#[tokio::test]
async fn people_help_themselves_by_mail() {
    let mut sink = Sink::start("starttls").await;
    let application = Application::start().await;
    let gate = Gate::start_with(application.address, &sink.settings("starttls")).await;
    gate.accept(&gate.administrator_link().await, PASSWORD).await;
    gate.add_account("alice", PASSWORD).await;

    // An address is proven by its link.
    let mut alice = Client::new(gate.address);
    assert!(alice.sign_in("alice", PASSWORD).await.expect("answers"));
    let sent =
        alice.submit("/.gabion/account/email", &[("email", "alice@example.org")]).await.expect("answers");
    assert_eq!(sent.status(), 303);
    let letter = sink.letter().await;
    assert_eq!(letter["to"][0], "alice@example.org");
    assert_eq!((&letter["tls"], &letter["authenticated"]), (&Value::Bool(true), &Value::Bool(true)));
    assert!(letter["message_id"].as_str().is_some_and(|id| id.ends_with("@example.net>")));
    let confirm = link(&gate, &letter);
    let mut visitor = Client::new(gate.address);
    let shown = visitor.navigate(&confirm).await.expect("answers");
    assert!(text(&shown).contains("alice@example.org"), "{}", text(&shown));
    let used = |link: String| {
        let mut visitor = Client::new(gate.address);
        async move { visitor.submit("/.gabion/email", &[("token", token(&link))]).await.expect("answers") }
    };
    assert_eq!(used(confirm.clone()).await.status(), 200);
    assert_eq!(used(confirm).await.status(), 404, "once");

    // The proven address signs in; from another kind of program, that is told.
    let fields = format!("name=alice%40example.org&password={}", crate::client::percent_encode(PASSWORD));
    let request = Request::post("/.gabion/login")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("origin", format!("http://{}", gate.address))
        .header("sec-fetch-site", "same-origin")
        .header("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0");
    let entered = Client::new(gate.address).send(request, Bytes::from(fields)).await.expect("answers");
    assert_eq!(entered.status(), 303);
    let letter = sink.letter().await;
    assert_eq!(letter["subject"], "New sign-in to your account");
    assert!(letter["text"].as_str().expect("text").contains("Firefox on Linux"));

    // Whoever asks for a link learns nothing of who exists.
    let ask = |name: &'static str| {
        let mut visitor = Client::new(gate.address);
        async move { visitor.submit("/.gabion/forgot", &[("name", name)]).await.expect("answers") }
    };
    let (known, unknown) = (ask("alice").await, ask("nobody").await);
    assert_eq!(known.status(), 200);
    assert_eq!(seen(&known), seen(&unknown));

    // A new password ends what was there.
    let letter = sink.letter().await;
    assert_eq!(letter["subject"], "Choose a new password");
    let reset = link(&gate, &letter);
    assert!(text(&visitor.navigate(&reset).await.expect("answers")).contains("alice"));
    let fields = [("token", token(&reset)), ("password", NEW), ("repeat", NEW)];
    let chosen = visitor.submit("/.gabion/welcome", &fields).await.expect("answers");
    assert_eq!(chosen.status(), 303, "{}", text(&chosen));
    let again = visitor.submit("/.gabion/welcome", &fields).await.expect("answers");
    assert_eq!(again.status(), 404, "once");
    assert_eq!(sink.letter().await["subject"], "Your password was changed");
    assert_eq!(alice.navigate("/.gabion/account").await.expect("answers").status(), 303, "signed out");
    assert!(!Client::new(gate.address).sign_in("alice", PASSWORD).await.expect("answers"));

    // A change of address goes to both, and the old one has the last word.
    let mut thief = Client::new(gate.address);
    assert!(thief.sign_in("alice", NEW).await.expect("answers"));
    thief.submit("/.gabion/account/email", &[("email", "thief@example.net")]).await.expect("answers");
    let (one, other) = (sink.letter().await, sink.letter().await);
    let (to_new, to_old) = if one["to"][0] == "thief@example.net" { (one, other) } else { (other, one) };
    assert_eq!(to_old["to"][0], "alice@example.org");
    assert_eq!(used(link(&gate, &to_new)).await.status(), 200);
    assert_eq!(sink.letter().await["subject"], "Your e-mail address was changed");
    assert_eq!(used(link(&gate, &to_old)).await.status(), 200);
    assert_eq!(used(link(&gate, &to_old)).await.status(), 404, "once");
    assert_eq!(thief.navigate("/.gabion/account").await.expect("answers").status(), 303, "signed out");
    assert_eq!(ask("alice@example.org").await.status(), 200);
    assert_eq!(sink.letter().await["to"][0], "alice@example.org");

    // Nothing of it is in what the gate wrote.
    let output = gate.output();
    let record = gate.cli(&["ledger", "search", "--format", "json"]).await;
    for secret in [SMTP_PASSWORD, token(&reset), NEW] {
        assert!(!output.contains(secret) && !record.contains(secret));
    }
    gate.terminate().await;
}

/// Every change to how somebody signs in is told, and a hostile name is text in the letter and no part of its
/// head (identity.md 2b, HTML in names).
#[tokio::test]
async fn changes_are_told_and_names_stay_text() {
    let mut sink = Sink::start("starttls").await;
    let application = Application::start().await;
    let gate = Gate::start_with(application.address, &sink.settings("starttls")).await;
    gate.accept(&gate.administrator_link().await, PASSWORD).await;
    gate.add_account("alice", PASSWORD).await;
    let mut alice = Client::new(gate.address);
    assert!(alice.sign_in("alice", PASSWORD).await.expect("answers"));
    alice.submit("/.gabion/account/email", &[("email", "alice@example.org")]).await.expect("answers");
    let confirm = link(&gate, &sink.letter().await);
    alice.submit("/.gabion/email", &[("token", token(&confirm))]).await.expect("answers");

    let hostile = "<img src=x onerror=alert(1)> {{7*7}} Bcc: eve@example.net";
    let harmless = |letter: &Value, subject: &str| {
        assert_eq!(letter["subject"], subject);
        assert_eq!(letter["to"], serde_json::json!(["alice@example.org"]));
        let html = letter["html"].as_str().expect("a part");
        assert!(!html.contains("<img"), "{html}");
        letter["text"].as_str().expect("a part").replace('\n', " ")
    };
    let fields = [("label", hostile), ("scopes", "read")];
    let made = alice.submit("/.gabion/account/keys/new", &fields).await.expect("answers");
    assert_eq!(made.status(), 200, "{}", text(&made));
    assert!(
        harmless(&sink.letter().await, "An API key was created").contains(hostile),
        "plain text is plain"
    );

    let page = text(&alice.navigate("/.gabion/account/security/totp").await.expect("answers"));
    let between = |start: &str, end: &str| {
        let (_, rest) = page.split_once(start).unwrap_or_else(|| panic!("{page}"));
        rest.split_once(end).expect(end).0.to_owned()
    };
    let secret = between("<code id=\"secret\">", "</code>").replace(' ', "");
    let code = crate::factors::oathtool(&secret, 0).await;
    let enrolment = between("name=\"enrolment\" value=\"", "\"");
    let name = format!("{hostile}\r\nBcc: eve@example.net");
    let fields = [("enrolment", enrolment.as_str()), ("code", code.as_str()), ("name", name.as_str())];
    let codes = alice.submit("/.gabion/account/security/totp", &fields).await.expect("answers");
    assert_eq!(codes.status(), 200, "{}", text(&codes));
    harmless(&sink.letter().await, "A second factor was added");

    let codes = text(&codes);
    let recovery = codes.split("<li><code>").nth(1).and_then(|rest| rest.split('<').next()).expect("a code");
    let mut again = Client::new(gate.address);
    again.submit("/.gabion/login", &[("name", "alice"), ("password", PASSWORD)]).await.expect("answers");
    let fields = [("factor", "recovery-code"), ("code", recovery)];
    let entered = again.submit("/.gabion/login/second-factor", &fields).await.expect("answers");
    assert_eq!(entered.status(), 303, "{}", text(&entered));
    assert!(harmless(&sink.letter().await, "A recovery code was used").contains("9 are left."));
    let renewed = again.submit("/.gabion/account/security/recovery-codes", &[]).await.expect("answers");
    assert_eq!(renewed.status(), 200, "{}", text(&renewed));
    harmless(&sink.letter().await, "New recovery codes were made");

    let gone = again.submit("/.gabion/account/delete", &[("name", "alice")]).await.expect("answers");
    assert_eq!(gone.status(), 303, "{}", text(&gone));
    harmless(&sink.letter().await, "Your account was deleted");
    gate.terminate().await;
}

#[tokio::test]
async fn links_never_follow_the_host_header() {
    let mut sink = Sink::start("implicit").await;
    let application = Application::start().await;
    let gate = Gate::start_with(application.address, &sink.settings("tls")).await;
    gate.accept(&gate.administrator_link().await, PASSWORD).await;
    gate.add_account("bob", PASSWORD).await;
    let said = gate.cli(&["mail", "test", "ops@example.org"]).await;
    assert!(said.contains("ops@example.org"), "{said}");
    assert_eq!(sink.letter().await["to"][0], "ops@example.org");

    let mut bob = Client::new(gate.address);
    assert!(bob.sign_in("bob", PASSWORD).await.expect("answers"));
    bob.submit("/.gabion/account/email", &[("email", "bob@example.org")]).await.expect("answers");
    let confirm = link(&gate, &sink.letter().await);
    bob.submit("/.gabion/email", &[("token", token(&confirm))]).await.expect("answers");

    // As raw bytes: another host, and the headers by which proxies pass one on.
    let body = "name=bob";
    let poisoned = format!(
        "POST /.gabion/forgot HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: evil.example\r\n\
         Forwarded: host=evil.example\r\nOrigin: http://evil.example\r\nSec-Fetch-Site: same-origin\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let answer = crate::client::raw(gate.address, poisoned.as_bytes()).await;
    if answer.starts_with("HTTP/1.1 200") {
        let letter = sink.letter().await;
        link(&gate, &letter);
        assert!(!letter.to_string().contains("evil.example"), "{letter}");
    }
    gate.terminate().await;
}
