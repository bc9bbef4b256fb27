//! Channels whose other side hangs, lies, floods, leads elsewhere, asks for patience or is gone; over real sockets.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use gabion_alert::{ChannelSettings, Desk, Notice, NoticeKind, Settings};
use gabion_courier::{Channels, Courier, MailSettings};
use gabion_ledger::Ledger;
use gabion_model::random::SeededRng;
use gabion_model::{
    Actor, Clock, ControlId, Event, EventKind, ManualClock, MemoryDocuments, Outcome, Timestamp,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;

use crate::world::{KEY, PATIENCE, read_message, status};

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
const SECRET: &str = "planted-secret-81c4";

/// A receiver that stamps what arrives with the gate's time, and answers each with the next of these.
struct Other {
    url: String,
    arrived: Arc<Mutex<Vec<Timestamp>>>,
}

impl Other {
    async fn start(clock: &Arc<ManualClock>, answers: Vec<Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/services/{SECRET}", listener.local_addr().unwrap());
        let (arrived, clock) = (Arc::new(Mutex::new(Vec::new())), Arc::clone(clock));
        let all = Arc::clone(&arrived);
        tokio::spawn(async move {
            let mut answers = answers.into_iter().peekable();
            while let Ok((mut stream, _)) = listener.accept().await {
                read_message(&mut stream).await;
                all.lock().unwrap().push(clock.now());
                let answer = answers.peek().cloned().unwrap();
                if answers.len() > 1 {
                    answers.next();
                }
                let _ = stream.write_all(&answer).await;
            }
        });
        Self { url, arrived }
    }

    fn stamps(&self) -> Vec<Timestamp> {
        self.arrived.lock().unwrap().clone()
    }
}

struct World {
    clock: Arc<ManualClock>,
    ledger: Ledger,
    folder: TempDir,
}

impl World {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::at(NOW));
        let ledger = Ledger::in_memory(Arc::<ManualClock>::clone(&clock));
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("key"), format!("{KEY}\n")).unwrap();
        Self { clock, ledger, folder }
    }

    fn settings(&self, channels: &[Value]) -> Settings {
        let read = |channel: &Value| -> ChannelSettings {
            let mut channel = channel.clone();
            if channel["type"] == "webhook" {
                channel["key_file"] = json!(self.folder.path().join("key"));
            }
            serde_json::from_value(channel).unwrap()
        };
        Settings { channels: channels.iter().map(read).collect(), ..Settings::default() }
    }

    fn channels(&self, settings: &Settings) -> Channels {
        let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(&self.clock);
        let courier =
            Courier::new(&MailSettings::default(), Arc::clone(&clock), Arc::new(SeededRng::new(1))).unwrap();
        Channels::new(settings, &courier, "https://gate.example", clock).unwrap()
    }

    /// With workers.
    fn start(&self, channels: &[Value]) -> (Arc<Desk>, Channels) {
        let settings = self.settings(channels);
        let desk = Arc::new(Desk::open(Arc::new(MemoryDocuments::default()), settings.clone()).unwrap());
        let channels = self.channels(&settings);
        channels.start(&desk, &self.ledger);
        (desk, channels)
    }

    fn events(&self, action: &str) -> Vec<Event> {
        let records = self.ledger.tail(1000).unwrap();
        records.into_iter().map(|record| record.event).filter(|event| event.action == action).collect()
    }
}

fn notice(channel: &str) -> Notice {
    let (channel, kind) = (channel.to_owned(), NoticeKind::Test);
    Notice { id: 1, channel, kind, group: None, more: 0, worst: None, made: NOW, due: NOW, tries: 0 }
}

/// Waits for what a worker does.
async fn until(what: &str, is_so: impl Fn() -> bool) {
    let done = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, done).await.is_ok(), "never: {what}");
}

fn answer(head: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
        .into_bytes()
}

#[tokio::test]
async fn whatever_the_other_side_does_the_try_ends_and_tells_no_secret() {
    let world = World::new();
    let elsewhere = Other::start(&world.clock, vec![status("200 OK")]).await;
    let redirect = |code: &str| {
        format!(
            "HTTP/1.1 {code}\r\nlocation: {}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
            elsewhere.url
        )
        .into_bytes()
    };
    let endless =
        format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{}", "ok".repeat(4_000_000)).into_bytes();
    let endless_head = format!("HTTP/1.1 200 OK\r\nx-pad: {}\r\n", "x".repeat(4_000_000)).into_bytes();
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("slack", redirect("302 Found"), "status 302"),
        ("slack", redirect("307 Temporary Redirect"), "status 307"),
        ("slack", endless, "too large"),
        ("slack", endless_head, "cannot be reached"),
        ("slack", b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\no".to_vec(), "cannot be reached"),
        ("slack", b"\x16\x03\x01 no HTTP".to_vec(), "cannot be reached"),
        ("slack", Vec::new(), "cannot be reached"),
        ("slack", answer("200 OK", "no_service"), "does not say that it took"),
        ("slack", answer("404 Not Found", "no_service"), "status 404"),
        ("slack", answer("503 Busy", ""), "status 503"),
        ("pager_duty", answer("202 Accepted", "{\"status\":\"invalid\"}"), "does not say that it took"),
        ("opsgenie", answer("202 Accepted", "<html>"), "does not say that it took"),
        ("discord", answer("401 Unauthorized", "{}"), "status 401"),
        ("teams", answer("400 Bad Request", ""), "status 400"),
        ("webhook", answer("429 Too Many", ""), "status 429"),
        ("alertmanager", answer("500 Oops", SECRET), "status 500"),
    ];
    for (kind, bytes, expected) in cases {
        let other = Other::start(&world.clock, vec![bytes]).await;
        let mut channel = json!({"name": "c", "type": kind, "url": other.url});
        if kind == "pager_duty" || kind == "opsgenie" {
            let path = world.folder.path().join("routing");
            std::fs::write(&path, format!("{SECRET}-key\n")).unwrap();
            channel["key_file"] = json!(path);
        }
        let channels = world.channels(&world.settings(&[channel]));
        let error = channels.deliver(&notice("c")).await.unwrap().unwrap_err();
        let (said, debug) = (error.to_string(), format!("{error:?} {channels:?}"));
        assert!(said.contains(expected), "{kind}: {said}");
        assert!(!said.contains(SECRET) && !debug.contains(SECRET), "{kind}: {debug}");
        assert_eq!(other.stamps().len(), 1);
    }
    assert!(elsewhere.stamps().is_empty(), "nobody was led elsewhere");
}

#[tokio::test]
async fn one_that_hangs_is_left_and_keeps_no_other_waiting() {
    let world = World::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let hanging = format!("http://{}/{SECRET}", listener.local_addr().unwrap());
    let good = Other::start(&world.clock, vec![answer("200 OK", "ok")]).await;
    let (desk, channels) = world.start(&[
        json!({"name": "hangs", "type": "slack", "url": hanging, "timeout": "1s"}),
        json!({"name": "good", "type": "slack", "url": good.url}),
    ]);
    desk.test(None, NOW).unwrap();
    // The connection is open for as long as this test holds it, and nothing is ever said on it.
    let _held = listener.accept().await.unwrap();
    until("the other is told", || desk.waiting().iter().all(|notice| notice.channel == "hangs")).await;
    until("it is left", || desk.waiting().iter().any(|notice| notice.tries == 1)).await;
    let standing = desk.channels().remove(0);
    assert!(standing.reason.unwrap().contains("no answer in time"));
    assert_eq!((standing.failures, standing.failing_since), (1, Some(NOW)));
    channels.close().await;
}

#[tokio::test]
async fn a_message_that_is_never_taken_is_given_up_on_record_and_the_others_are_told() {
    let world = World::new();
    let refusing = Other::start(&world.clock, vec![answer("400 Bad Request", SECRET)]).await;
    let (desk, channels) = world.start(&[json!({"name": "c", "type": "slack", "url": refusing.url})]);
    desk.test(None, NOW).unwrap();
    until("it is given up", || desk.waiting().is_empty()).await;
    let given_up = world.events("alert.undelivered");
    assert_eq!(given_up.len(), 1);
    assert_eq!(given_up[0].resource, "c");
    assert!(given_up[0].reason.as_ref().unwrap().contains("status 400"));
    let alarm = world.events("alert.raised");
    assert_eq!(alarm.len(), 1);
    assert_eq!(
        (alarm[0].resource.as_str(), &alarm[0].metadata["group.channel"]),
        ("alert-channel-failing", &"c".to_owned())
    );
    let all = format!("{:?}", world.ledger.tail(1000).unwrap());
    assert!(!all.contains(SECRET), "{all}");
    assert_eq!(refusing.stamps().len(), 1, "it is never tried again");
    channels.close().await;
}

#[tokio::test]
async fn one_that_asks_for_patience_gets_nothing_at_all_until_then() {
    let world = World::new();
    let mut patient = answer("429 Too Many Requests", "");
    let after = b"retry-after: 120\r\n";
    patient.splice(32..32, after.iter().copied());
    let busy = Other::start(&world.clock, vec![patient, answer("200 OK", "ok")]).await;
    let (desk, channels) = world.start(&[json!({"name": "c", "type": "slack", "url": busy.url})]);
    desk.test(None, NOW).unwrap();
    until("it asks", || desk.waiting().iter().any(|notice| notice.tries == 1)).await;
    let two_minutes = NOW.saturating_add(Duration::from_secs(120));
    assert_eq!(desk.waiting()[0].due, two_minutes);
    // Alerts wait with it; each of them wakes whoever tells.
    for (position, second) in [(1, 1), (2, 60), (3, 118), (4, 120)] {
        let now = NOW.saturating_add(Duration::from_secs(second));
        world.clock.set(now);
        let (kind, control) = (EventKind::Alert, ControlId::WATCH_DETECTIONS);
        let mut event = Event::new(now, kind, "alert.raised", Actor::Gate, Outcome::Success, control);
        event.resource = format!("rule-{position}");
        desk.see(position, &event, now).unwrap();
    }
    until("all are told", || desk.waiting().is_empty()).await;
    let stamps = busy.stamps();
    assert_eq!(stamps, [NOW, two_minutes, two_minutes, two_minutes, two_minutes, two_minutes]);
    assert_eq!(world.events("alert.delivered").len(), 5);
    channels.close().await;
}

#[tokio::test]
async fn nobody_makes_it_wait_for_longer_than_an_hour() {
    let world = World::new();
    let mut forever = answer("503 Busy", "");
    forever.splice(19..19, b"retry-after: 99999999999\r\n".iter().copied());
    let busy = Other::start(&world.clock, vec![forever]).await;
    let (desk, channels) = world.start(&[json!({"name": "c", "type": "slack", "url": busy.url})]);
    desk.test(None, NOW).unwrap();
    until("it asks", || desk.waiting().iter().any(|notice| notice.tries == 1)).await;
    assert_eq!(desk.waiting()[0].due, NOW.saturating_add(Duration::from_secs(3600)));
    channels.close().await;
}

#[tokio::test]
async fn one_that_is_gone_is_said_at_once_tried_for_a_day_and_then_given_up() {
    let world = World::new();
    let gone = Other::start(&world.clock, vec![answer("404 Not Found", "no_service")]).await;
    let (desk, channels) = world.start(&[json!({"name": "c", "type": "slack", "url": gone.url})]);
    desk.test(None, NOW).unwrap();
    for tries in 1.. {
        until("it is tried", || desk.waiting().first().is_none_or(|notice| notice.tries == tries)).await;
        let Some(waiting) = desk.waiting().pop() else { break };
        assert!(tries < 200, "it is tried for ever");
        assert_eq!(waiting.due, world.clock.now().saturating_add(Duration::from_secs(600)));
        world.clock.set(waiting.due);
        // Wakes whoever tells.
        desk.set_settings((*desk.settings()).clone());
    }
    assert_eq!(gone.stamps().len(), 145, "every ten minutes for a day");
    assert_eq!(world.events("alert.undelivered").len(), 1);
    // Once when it began, once when it was given up.
    assert_eq!(world.events("alert.raised").len(), 2);
    channels.close().await;
}

#[tokio::test]
async fn a_failure_that_passes_is_tried_again_with_pauses_that_grow() {
    let world = World::new();
    let oops = answer("500 Oops", "");
    let answers = vec![oops.clone(), oops.clone(), oops.clone(), oops.clone(), oops, answer("200 OK", "ok")];
    let flaky = Other::start(&world.clock, answers).await;
    let (desk, channels) = world.start(&[json!({"name": "c", "type": "slack", "url": flaky.url})]);
    desk.test(None, NOW).unwrap();
    for tries in 1..=5 {
        until("it fails", || desk.waiting().first().is_some_and(|notice| notice.tries == tries)).await;
        world.clock.set(desk.waiting()[0].due);
        desk.set_settings((*desk.settings()).clone());
    }
    until("it is told", || desk.waiting().is_empty()).await;
    let seconds: Vec<_> = flaky.stamps().iter().map(|at| at.saturating_since(NOW).as_secs()).collect();
    assert_eq!(seconds, [0, 2, 6, 14, 30, 62]);
    let delivered = world.events("alert.delivered");
    assert_eq!((delivered.len(), delivered[0].metadata["tries"].as_str()), (1, "6"));
    assert_eq!(world.events("alert.raised").len(), 1, "others are told after five");
    assert_eq!(desk.channels()[0].failures, 0);
    channels.close().await;
}

/// A letter to several: whoever got it gets no second because another did not.
#[tokio::test]
async fn letters_to_several_are_tried_for_each() {
    let world = World::new();
    let (settings, heard) = crate::smtp::server("250 ok", "").await;
    let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(&world.clock);
    let courier = Courier::new(&settings, Arc::clone(&clock), Arc::new(SeededRng::new(1))).unwrap();
    let channel = json!({"name": "post", "type": "email", "to": ["ann@example.org", "bob@example.org"]});
    let settings = world.settings(&[channel]);
    let channels = Channels::new(&settings, &courier, "https://gate.example", clock).unwrap();
    channels.deliver(&notice("post")).await.unwrap().unwrap();
    channels.deliver(&notice("post")).await.unwrap().unwrap();
    let heard = heard.lock().unwrap().clone();
    assert_eq!(heard.iter().filter(|line| line.starts_with("RCPT")).count(), 2, "{heard:?}");
    assert!(heard.iter().any(|line| line.starts_with("Subject: Test: alerts arrive here")), "{heard:?}");
}
