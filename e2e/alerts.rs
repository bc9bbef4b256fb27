//! Alerts and the response from outside: stolen passwords are tried against a gate; it rings, people are told once, the
//! address is blocked for its time, its neighbour is not, and everything stands in the ledger. Letters go to a real SMTP
//! server, alerts to a real Alertmanager; messages are judged by the libraries of those who take them.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use gabion_alert::{Desk, Notice, NoticeKind};
use gabion_courier::{Channels, Courier, MailSettings};
use gabion_model::random::SeededRng;
use gabion_model::{
    Actor, Clock, ControlId, Event, EventKind, MemoryDocuments, Outcome, Severity, SystemClock,
};
use http::Request;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::process::Child;

use crate::application::Application;
use crate::client::{Client, text};
use crate::clients;
use crate::gate::Gate;
use crate::mail::Sink;

/// A server that notes what it is sent, and answers as the `number`th request of a path is to be.
struct Receiver {
    address: SocketAddr,
    bodies: Arc<Mutex<Vec<String>>>,
}

impl Receiver {
    /// The first request is answered 500, the others 200.
    async fn start() -> Self {
        Self::answering(|_, number| if number == 0 { ("500 Oops", "") } else { ("200 OK", "ok") }).await
    }

    /// What was answered with success is kept.
    async fn answering(answer: fn(&str, usize) -> (&'static str, &'static str)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let bodies: Arc<Mutex<Vec<String>>> = Arc::default();
        let kept = Arc::clone(&bodies);
        tokio::spawn(async move {
            let mut number = 0;
            loop {
                let Ok((mut stream, _)) = listener.accept().await else { return };
                let Some(text) = request(&mut stream).await else { continue };
                let path = text.split_whitespace().nth(1).unwrap_or_default();
                let (status, body) = answer(path, number);
                number += 1;
                if status.starts_with('2') {
                    kept.lock().expect("a lock").push(text);
                }
                let answer = format!(
                    "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                    body.len()
                );
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        Self { address, bodies }
    }

    fn taken(&self) -> Vec<String> {
        self.bodies.lock().expect("a lock").clone()
    }

    /// The documents that came to a path.
    fn documents(&self, path: &str) -> Vec<Value> {
        let its = |text: &String| {
            let (head, body) = text.split_once("\r\n\r\n")?;
            let path = head.split_whitespace().nth(1)?.starts_with(path);
            path.then(|| serde_json::from_str(body).ok())?
        };
        self.taken().iter().filter_map(its).collect()
    }
}

/// Head and body of one request.
async fn request(stream: &mut tokio::net::TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let count = stream.read(&mut buffer).await.ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(buffer.get(..count)?);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
        });
        if body.len() >= length.unwrap_or(0) {
            return Some(text);
        }
    }
}

async fn sign_in(gate: &Gate, from: &str, name: &str) -> u16 {
    let request = Request::post("/.gabion/login")
        .header("x-forwarded-for", from)
        .header("origin", format!("http://{}", gate.address))
        .header("sec-fetch-site", "same-origin")
        .header("content-type", "application/x-www-form-urlencoded");
    let form = Bytes::from(format!("name={name}&password=Summer2026"));
    let answer = Client::new(gate.address).send(request, form).await.expect("the gate answers");
    answer.status().as_u16()
}

async fn get(gate: &Gate, from: &str, path: &str) -> u16 {
    let request = Request::get(path).header("x-forwarded-for", from);
    let answer = Client::new(gate.address).send(request, Bytes::new()).await.expect("the gate answers");
    answer.status().as_u16()
}

async fn records(gate: &Gate, action: &str) -> Vec<Value> {
    let found = gate.cli(&["ledger", "search", action, "--limit", "1000", "--format", "json"]).await;
    found.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// Asks again until it is so.
async fn until(gate: &Gate, is_so: impl AsyncFn() -> bool) {
    let patience = tokio::time::Instant::now() + crate::gate::PATIENCE;
    while !is_so().await {
        assert!(tokio::time::Instant::now() < patience, "it never came to be so:\n{}", gate.output());
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn stolen_passwords_ring_once_are_answered_and_everything_stands_in_the_ledger() {
    let application = Application::start().await;
    let receiver = Receiver::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let key = folder.path().join("key");
    fs::write(&key, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n").expect("a file");
    let mut letters = Sink::start("starttls").await;
    let more = format!(
        "[checks.client_address]\ntrusted_proxies = [\"127.0.0.0/8\"]\n\n[respond]\nmode = \"on\"\n\n\
         {}\n\
         [[alerts.channels]]\nname = \"hook\"\ntype = \"webhook\"\nurl = \"http://{}/hook\"\nkey_file = {key:?}\n\n\
         [[alerts.channels]]\nname = \"letters\"\ntype = \"email\"\nto = [\"team@example.org\"]\n",
        letters.settings("starttls"),
        receiver.address
    );
    let gate = Gate::start_with(application.address, &more).await;
    for name in ["x1", "x2", "x3", "x4", "x5"] {
        assert_eq!(sign_in(&gate, "192.0.2.1", name).await, 403);
    }
    until(&gate, async || get(&gate, "192.0.2.1", "/public/page").await == 403).await;
    assert_eq!(sign_in(&gate, "192.0.2.1", "x6").await, 403, "neither pages nor sign-in");
    assert_eq!(get(&gate, "192.0.2.2", "/public/page").await, 200, "the neighbour");

    // Delivered once, after the receiver had failed once, and by letter.
    until(&gate, async || records(&gate, "alert.delivered").await.len() == 2).await;
    let taken = receiver.taken();
    assert_eq!(taken.len(), 1, "{taken:?}");
    let (head, body) = taken[0].split_once("\r\n\r\n").expect("a body");
    assert!(head.contains("webhook-signature: v1,") && head.contains("webhook-id: alert-"), "{head}");
    let body: Value = serde_json::from_str(body).expect("JSON");
    assert_eq!(
        (&body["type"], &body["data"]["alert"]["rule"]),
        (&"alert.raised".into(), &"credential-stuffing".into())
    );
    let letter = letters.letter().await;
    let (to, subject) = (&letter["to"], letter["subject"].as_str().expect("a subject"));
    assert_eq!((to, subject), (&json!(["team@example.org"]), "[MEDIUM] credential-stuffing: 192.0.2.0/24"));
    assert_eq!((&letter["tls"], &letter["authenticated"]), (&Value::Bool(true), &Value::Bool(true)));
    let words = letter["text"].as_str().expect("a text");
    for needed in ["5 events", "192.0.2.1", "May be harmless", "gabion alert ack", "gabion respond list"] {
        assert!(words.contains(needed), "{words}");
    }

    // What the block refuses rings nothing and extends nothing.
    let before = gate.cli(&["respond", "list", "--format", "json"]).await;
    for number in 0..30 {
        assert_eq!(get(&gate, "192.0.2.1", &format!("/.env-{number}")).await, 403);
    }
    let measures: Value = serde_json::from_str(&before).expect("JSON");
    assert_eq!(measures.as_array().map(Vec::len), Some(1), "{measures}");
    assert_eq!(
        (&measures[0]["state"], &measures[0]["origin"]["rule"]),
        (&"active".into(), &"credential-stuffing".into())
    );

    // It survives a crash, and is told to nobody twice.
    let gate = gate.kill().await.start_again().await;
    assert_eq!(get(&gate, "192.0.2.1", "/public/page").await, 403);
    assert_eq!(gate.cli(&["respond", "list", "--format", "json"]).await, before);
    assert_eq!(receiver.taken().len(), 1);

    let alerts: Value =
        serde_json::from_str(&gate.cli(&["alert", "list", "--format", "json"]).await).expect("JSON");
    assert_eq!((alerts.as_array().map(Vec::len), &alerts[0]["state"]), (Some(1), &"open".into()), "{alerts}");
    let id = alerts[0]["id"].to_string();
    gate.cli(&["alert", "ack", &id]).await;
    until(&gate, async || receiver.taken().len() == 2).await;
    assert!(receiver.taken()[1].contains("\"alert.acknowledged\""));

    gate.cli(&["respond", "unblock", "192.0.2.1"]).await;
    assert_eq!(get(&gate, "192.0.2.1", "/public/page").await, 200);
    for (action, least) in [
        ("alert.raised", 1),
        ("alert.delivered", 2),
        ("alert.acknowledge", 2),
        ("response.take", 2),
        ("response.undo", 2),
    ] {
        let found = records(&gate, action).await;
        assert!(found.len() >= least, "{action}: {found:?}");
    }
    gate.cli(&["ledger", "verify"]).await;
}

/// Five names that nobody has, from one address: rings as `credential-stuffing`.
async fn try_stolen_names(gate: &Gate, from: &str) {
    for name in ["x1", "x2", "x3", "x4", "x5"] {
        assert_eq!(sign_in(gate, from, name).await, 403);
    }
}

const BEHIND_PROXIES: &str = "[checks.client_address]\ntrusted_proxies = [\"127.0.0.0/8\"]\n\n";

/// Debian's own, which passes on what it gets.
struct Alertmanager {
    _process: Child,
    address: String,
}

impl Alertmanager {
    async fn start(folder: &Path, passes_on_to: SocketAddr) -> Self {
        let settings = format!(
            "route:\n  receiver: on\n  group_by: [alertname, alert_id]\n  group_wait: 1ms\n  group_interval: 1s\n\
             receivers:\n- name: on\n  webhook_configs:\n  - url: http://{passes_on_to}/passed-on\n    send_resolved: true\n"
        );
        let file = folder.join("alertmanager.yml");
        fs::write(&file, settings).expect("a file");
        let address = format!("127.0.0.1:{}", Gate::free_port());
        let process = clients::program("prometheus-alertmanager")
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.path={}", folder.join("alertmanager").display()))
            .arg(format!("--web.listen-address={address}"))
            .arg("--cluster.listen-address=")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("prometheus-alertmanager (hint: `cargo xtask test tools` installs it)");
        let patience = tokio::time::Instant::now() + crate::gate::PATIENCE;
        while tokio::net::TcpStream::connect(&address).await.is_err() {
            assert!(tokio::time::Instant::now() < patience, "Alertmanager does not start");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        Self { _process: process, address }
    }

    async fn alerts(&self) -> Vec<Value> {
        let mut client = Client::new(self.address.parse().expect("an address"));
        let answer = client.get("/api/v2/alerts").await.expect("Alertmanager answers");
        serde_json::from_str(&text(&answer)).expect("JSON")
    }
}

#[tokio::test]
async fn a_real_alertmanager_knows_an_alert_until_it_is_over() {
    let application = Application::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let on_call = Receiver::answering(|_, _| ("200 OK", "")).await;
    let manager = Alertmanager::start(folder.path(), on_call.address).await;
    let more = format!(
        "{BEHIND_PROXIES}[[alerts.channels]]\nname = \"am\"\ntype = \"alertmanager\"\nurl = \"http://{}\"\n",
        manager.address
    );
    let gate = Gate::start_with(application.address, &more).await;
    try_stolen_names(&gate, "192.0.2.1").await;
    until(&gate, async || !manager.alerts().await.is_empty()).await;
    let alert = manager.alerts().await.remove(0);
    let labels = &alert["labels"];
    assert_eq!(
        (&labels["alertname"], &labels["severity"], &labels["gabion_network"], &alert["status"]["state"]),
        (&"credential-stuffing".into(), &"medium".into(), &"192.0.2.0/24".into(), &"active".into())
    );
    assert!(alert["annotations"]["next"].as_str().expect("a text").contains("gabion alert ack"), "{alert}");
    let id = labels["alert_id"].as_str().expect("a number").to_owned();
    until(&gate, async || !on_call.documents("/passed-on").is_empty()).await;

    // That somebody has it is nothing Alertmanager knows of; that it is over is.
    gate.cli(&["alert", "ack", &id]).await;
    gate.cli(&["alert", "close", &id]).await;
    until(&gate, async || manager.alerts().await.is_empty()).await;
    let is_over = |document: &Value| {
        document["status"] == "resolved" && document["alerts"].as_array().is_some_and(|all| all.len() == 1)
    };
    until(&gate, async || on_call.documents("/passed-on").iter().any(is_over)).await;

    // A test, and what came of everything.
    let said = gate.cli(&["alert", "test", "am"]).await;
    assert_eq!(said, "", "it is not data");
    let alerts = manager.alerts().await;
    assert_eq!(alerts[0]["labels"]["alertname"], "gabion-test", "{alerts:?}");
    let delivered = records(&gate, "alert.delivered").await;
    let kinds: Vec<_> = delivered.iter().map(|record| record["metadata"]["notice"].clone()).collect();
    assert!(kinds.contains(&"test".into()) && kinds.contains(&"closed".into()), "{kinds:?}");
    assert_eq!(records(&gate, "alert.test").await.len(), 2, "begun and ended");
    assert_eq!(records(&gate, "alert.undelivered").await.len(), 0);
    let channels: Value =
        serde_json::from_str(&gate.cli(&["alert", "channels", "--format", "json"]).await).expect("JSON");
    assert_eq!((&channels[0]["name"], &channels[0]["failures"]), (&"am".into(), &0.into()), "{channels}");
    gate.cli(&["ledger", "verify"]).await;
    gate.terminate().await;
}

/// Whoever is to notice that alerts do not arrive is asked while they would, and not when they would not.
#[tokio::test]
async fn the_heartbeat_stops_when_nobody_would_be_told() {
    let application = Application::start().await;
    let elsewhere = Receiver::answering(|_, _| ("200 OK", "")).await;
    // Works once, and never again.
    let chat =
        Receiver::answering(
            |_, number| if number == 0 { ("200 OK", "ok") } else { ("404 Not Found", "no_service") },
        )
        .await;
    let folder = tempfile::tempdir().expect("a folder");
    let address = folder.path().join("slack");
    fs::write(&address, format!("http://{}/services/planted-token-5d1f\n", chat.address)).expect("a file");
    let more = format!(
        "[alerts.heartbeat]\nurl = \"http://{}/ping\"\nevery = \"30s\"\n\n\
         [[alerts.channels]]\nname = \"chat\"\ntype = \"slack\"\nurl_file = {address:?}\nleast = \"low\"\n",
        elsewhere.address
    );
    let gate = Gate::start_with(application.address, &more).await;
    until(&gate, async || !elsewhere.taken().is_empty()).await;
    gate.cli(&["alert", "test"]).await;
    // The second is queued, as the clock does it; it fails for good.
    gate.accept(&gate.administrator_link().await, PASSWORD).await;
    let mut administrator = Client::new(gate.address);
    assert!(administrator.sign_in("admin", PASSWORD).await.expect("answers"));
    queue_a_test(&mut administrator).await;
    gate.said(|text| text.contains("alert not delivered")).await;
    let channels: Value =
        serde_json::from_str(&gate.cli(&["alert", "channels", "--format", "json"]).await).expect("JSON");
    assert_eq!((&channels[0]["failures"], &channels[0]["waiting"]), (&1.into(), &1.into()), "{channels}");
    assert!(channels[0]["reason"].as_str().expect("why").contains("404"), "{channels}");

    // A reload begins the heart anew: it knows all the same that nobody would be told.
    let beats = elsewhere.taken().len();
    let pid = gate.pid().to_string();
    assert!(
        tokio::process::Command::new("kill").args(["-HUP", &pid]).status().await.expect("kill").success()
    );
    gate.said(|text| text.contains("configuration reloaded")).await;
    gate.said(|text| text.contains("no heartbeat")).await;
    assert_eq!(elsewhere.taken().len(), beats);
    assert_eq!(records(&gate, "alert.raised").await.len(), 1, "that it fails is an alert");

    // The address of the channel is nowhere.
    let everything =
        gate.output() + &gate.cli(&["ledger", "search", "--format", "json"]).await + &channels.to_string();
    assert!(!everything.contains("planted-token-5d1f"));
    gate.terminate().await;
}

const PASSWORD: &str = "boulders in a wire basket";

async fn queue_a_test(client: &mut Client) {
    let request = Request::post("/.gabion/api/v1/alerts/test")
        .header("content-type", "application/json")
        .header("sec-fetch-site", "same-origin");
    let answer = client.send(request, Bytes::from_static(b"{}")).await.expect("the gate answers");
    assert_eq!(answer.status(), 204, "{}", text(&answer));
}

/// The worst an attacker can have in an alert, in every kind of message to every kind of channel: what the services' own
/// libraries check of them holds.
#[tokio::test]
async fn messages_are_what_the_services_take() {
    let receiver = Receiver::answering(|path, _| match path.split('/').nth(1) {
        Some("slack") => ("200 OK", "ok"),
        Some("pager_duty") => {
            ("202 Accepted", r#"{"status":"success","message":"Event processed","dedup_key":"k"}"#)
        }
        Some("opsgenie") => {
            ("202 Accepted", r#"{"result":"Request will be processed","took":0.1,"requestId":"r"}"#)
        }
        Some("discord") => ("204 No Content", ""),
        _ => ("200 OK", ""),
    })
    .await;
    let folder = tempfile::tempdir().expect("a folder");
    let key = folder.path().join("key");
    fs::write(&key, "0123456789abcdef0123456789abcdef\n").expect("a file");
    let kinds = ["alertmanager", "discord", "opsgenie", "pager_duty", "slack", "teams"];
    let of = |kind: &str| {
        let mut channel = json!({"name": kind.replace('_', "-"), "type": kind, "url": format!("http://{}/{kind}", receiver.address)});
        if kind == "opsgenie" || kind == "pager_duty" {
            channel["key_file"] = json!(key);
        }
        channel
    };
    let settings = json!({ "channels": kinds.map(of) });
    let settings: gabion_alert::Settings = serde_json::from_value(settings).expect("settings");
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let courier = Courier::new(&MailSettings::default(), Arc::clone(&clock), Arc::new(SeededRng::new(1)))
        .expect("a courier");
    let channels =
        Channels::new(&settings, &courier, "https://gate.example", Arc::clone(&clock)).expect("channels");
    let desk = Desk::open(Arc::new(MemoryDocuments::default()), settings).expect("a desk");
    let evil =
        "<!channel> @everyone [x](https://evil.example/) <at>all</at> **b** `c` \u{202e}\u{1f600}".repeat(30);
    let mut event = Event::new(
        clock.now(),
        EventKind::Alert,
        "alert.raised",
        Actor::Gate,
        Outcome::Success,
        ControlId::WATCH_DETECTIONS,
    );
    evil.clone_into(&mut event.resource);
    event.severity = Some(Severity::Critical);
    event.reason = Some(evil.clone());
    event.address = Some("192.0.2.7".parse().expect("an address"));
    for name in ["rule", "description", "false_positives", "author", "techniques"] {
        event.metadata.insert(name.to_owned(), evil.clone());
    }
    event.metadata.extend((0..20).map(|number| (format!("group.{number}{evil}"), evil.clone())));
    desk.see(1, &event, clock.now()).expect("kept");
    desk.acknowledge(desk.groups()[0].id, &evil, clock.now()).expect("kept");
    let group = desk.groups().remove(0);
    let mut sent = 0;
    for channel in kinds {
        for kind in [
            NoticeKind::Raised,
            NoticeKind::Escalated,
            NoticeKind::More,
            NoticeKind::Test,
            NoticeKind::Acknowledged,
            NoticeKind::Closed,
        ] {
            let about = !matches!(kind, NoticeKind::More | NoticeKind::Test);
            let now = clock.now();
            let notice = Notice {
                id: 7,
                channel: channel.replace('_', "-"),
                kind,
                group: about.then(|| Box::new(group.clone())),
                more: if about { 0 } else { 99 },
                worst: (!about).then_some(Severity::High),
                made: now,
                due: now,
                tries: 0,
            };
            channels
                .deliver(&notice)
                .await
                .expect("a channel")
                .unwrap_or_else(|error| panic!("{channel} {kind:?}: {error}"));
            sent += 1;
        }
    }
    // Alertmanager does not know of acknowledgements.
    assert_eq!(receiver.taken().len(), sent - 1);
    let messages: BTreeMap<_, _> =
        kinds.iter().map(|kind| (*kind, receiver.documents(&format!("/{kind}")))).collect();
    let file = folder.path().join("messages.json");
    fs::write(&file, json!(messages).to_string()).expect("a file");
    let file = file.to_str().expect("UTF-8");
    let said = clients::run(&mut clients::node("channel_messages.mjs", &[file])).await;
    assert_eq!(said.trim(), "discord 6, teams 6");
    let said = clients::run(&mut clients::python("channel_messages.py", &[file])).await;
    assert_eq!(said.trim(), "pager_duty 6, slack 6");

    // The real thing takes the worst, too.
    let manager = Alertmanager::start(folder.path(), receiver.address).await;
    for document in &messages["alertmanager"] {
        let request = Request::post("/api/v2/alerts").header("content-type", "application/json");
        let mut client = Client::new(manager.address.parse().expect("an address"));
        let answer =
            client.send(request, Bytes::from(document.to_string())).await.expect("Alertmanager answers");
        assert_eq!(answer.status(), 200, "{}", text(&answer));
    }
    let all = json!(messages).to_string();
    assert!(!all.contains("://evil") && !all.contains("evil.example") && !all.contains("<!channel>"));
    assert!(!all.contains("@everyone") && !all.contains("<at>") && !all.contains('\u{202e}'));
}
