//! Attacks on a real gate and what looks like them: one gate, every rule that a few minutes can ring; and the same records,
//! moved to other days, for what is learnt in weeks.

#[path = "../crates/watch/tests/it/week/shape.rs"]
mod shape;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::Arc;

use bytes::Bytes;
use gabion_model::{Actor, Event, Timestamp};
use gabion_watch::{Places, Rules, Watcher, pack};
use http::Request;
use serde_json::Value;
use tokio::process::Command;

use crate::application::Application;
use crate::client::Client;
use crate::gate::Gate;
use crate::oauth::{Shop, refresh};

const PASSWORD: &str = "a long enough password 7";
const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

/// Behind a proxy, so that the tests come from many addresses.
fn configuration() -> String {
    let mut text = "[checks.client_address]\ntrusted_proxies = [\"127.0.0.0/8\"]\n\n\
        [login]\nfailures_per_account = 12\n\n\
        [checks.rate.profiles.tiny]\nrequests = 1\nper = \"1h\"\n\n\
        [upstreams.gone]\nurl = \"http://127.0.0.1:1\"\n\n\
        [[routes]]\npath = \"/tiny/*\"\naccess = \"public\"\nupstream = \"app\"\nrate = \"tiny\"\n\n\
        [[routes]]\npath = \"/gone/*\"\naccess = \"signed-in\"\nupstream = \"gone\"\n\n\
        [[routes]]\npath = \"/admin/*\"\naccess = \"signed-in\"\nroles = [\"administrator\"]\nupstream = \"app\"\n\n"
        .to_owned();
    for number in 0..9 {
        text.push_str(&format!(
            "[[routes]]\npath = \"/part-{number}/*\"\naccess = \"signed-in\"\nupstream = \"app\"\n\
             credentials = [\"session\", \"api-key\"]\nscopes = [\"read\"]\n\n"
        ));
    }
    text
}

/// Somebody at an address, with a cookie or a key.
#[derive(Clone, Copy)]
struct Visitor<'a> {
    gate: &'a Gate,
    from: &'a str,
    agent: &'a str,
    cookie: Option<&'a str>,
    key: Option<&'a str>,
}

impl<'a> Visitor<'a> {
    fn stranger(gate: &'a Gate, from: &'a str) -> Self {
        Self { gate, from, agent: BROWSER, cookie: None, key: None }
    }

    async fn ask(self, method: &str, path: &str) -> u16 {
        let mut request = Request::builder().method(method).uri(path);
        request = request.header("x-forwarded-for", self.from).header("user-agent", self.agent);
        if let Some(key) = self.key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        let mut client = match self.cookie {
            Some(cookie) => Client::with_cookie(self.gate.address, cookie),
            None => Client::new(self.gate.address),
        };
        client.send(request, Bytes::new()).await.expect("the gate answers").status().as_u16()
    }

    async fn get(self, path: &str) -> u16 {
        self.ask("GET", path).await
    }

    async fn get_all(self, count: usize, path: impl Fn(usize) -> String) {
        for number in 0..count {
            self.get(&path(number)).await;
        }
    }

    /// Signs in; the cookie where it worked.
    async fn sign_in(self, name: &str, password: &str) -> Option<String> {
        let form = format!("name={name}&password={}", password.replace(' ', "+"));
        let request = Request::post("/.gabion/login")
            .header("x-forwarded-for", self.from)
            .header("user-agent", self.agent)
            .header("origin", format!("http://{}", self.gate.address))
            .header("sec-fetch-site", "same-origin")
            .header("content-type", "application/x-www-form-urlencoded");
        let mut client = Client::new(self.gate.address);
        let answer = client.send(request, Bytes::from(form)).await.expect("the gate answers");
        client.cookie().filter(|_| answer.status() == 303).map(str::to_owned)
    }
}

async fn key(gate: &Gate, account: &str, scope: &str) -> String {
    gate.cli(&["service-account", "add", account]).await;
    let made = ["api-key", "create", "--account", account, "--scope", scope, "--format", "json"];
    let made: Value = serde_json::from_str(&gate.cli(&made).await).expect("JSON");
    made["key"].as_str().expect("a key").to_owned()
}

async fn recorded(gate: &Gate) -> Vec<Event> {
    let lines = gate.cli(&["ledger", "export", "--format", "json"]).await;
    lines.lines().map(|line| serde_json::from_str(line).expect("an event")).collect()
}

#[tokio::test]
async fn attacks_ring_and_what_looks_like_them_does_not() {
    let application = Application::start().await;
    let gate = Gate::start_with(application.address, &configuration()).await;
    gate.accept(&gate.administrator_link().await, PASSWORD).await;
    for name in ["ann", "bob"] {
        gate.add_account(name, PASSWORD).await;
    }
    let (reader, narrow) = (key(&gate, "robot", "read").await, key(&gate, "narrow", "other").await);
    let (events, canary) =
        (key(&gate, "shop-events", "gabion:events").await, key(&gate, "canary-bot", "read").await);
    gate.cli(&["user", "add", "canary-bills"]).await;
    let home = Visitor::stranger(&gate, "198.51.100.1");
    let ann = home.sign_in("ann", PASSWORD).await.expect("signed in");
    let bob = home.sign_in("bob", PASSWORD).await.expect("signed in");
    let at_home = Visitor { cookie: Some(&ann), ..home };

    // What people and programs do.
    assert_eq!(at_home.get("/orders/1").await, 200);
    assert_eq!(
        Visitor { cookie: Some(&bob), from: "198.51.101.1", ..home }.get("/orders/1").await,
        200,
        "the way home"
    );
    let program = Visitor {
        key: Some(&reader),
        from: "198.51.102.1",
        agent: "robot/1",
        ..Visitor::stranger(&gate, "")
    };
    assert_eq!(program.get("/part-1/orders").await, 200);
    at_home.get_all(8, |number| format!("/part-{number}/answer-404")).await;
    at_home.get_all(3, |_| "/part-1/answer-500".to_owned()).await;
    Visitor::stranger(&gate, "198.51.103.1").get_all(20, |number| format!("/left-open-{number}")).await;
    Visitor::stranger(&gate, "198.51.104.1").get_all(12, |_| "/tiny/x".to_owned()).await;
    Visitor { key: Some("gab_live_wrong"), ..Visitor::stranger(&gate, "198.51.105.1") }
        .get_all(12, |_| "/part-1/x".to_owned())
        .await;
    Visitor::stranger(&gate, "198.51.106.1").get_all(5, |_| "/public/%00".to_owned()).await;
    assert_eq!(at_home.ask("POST", "/orders").await, 403, "no token");
    assert_eq!(at_home.get("/admin/1").await, 403);
    at_home.get_all(3, |number| format!("/gone/{number}")).await;
    gate.cli(&["user", "roles", "bob", "--set", "sales"]).await;
    let Some(bob) = home.sign_in("bob", PASSWORD).await else { panic!("bob signs in again") };

    // What attackers do, each from a network of its own.
    let from = |network: u8| format!("192.0.{network}.9");
    let bad = from(10);
    let scanner = Visitor { agent: "sqlmap/1.8", ..Visitor::stranger(&gate, &bad) };
    scanner.get("/orders/1").await;
    let bad = from(11);
    Visitor::stranger(&gate, &bad).get_all(30, |number| format!("/sweep-{number}")).await;
    let bad = from(12);
    for number in 0..10 {
        Visitor { from: &bad, ..at_home }.ask("POST", &format!("/other-{number}")).await;
    }
    let bad = from(13);
    Visitor { from: &bad, ..at_home }.get_all(60, |number| format!("/orders/answer-404/{number}")).await;
    let bad = from(14);
    Visitor::stranger(&gate, &bad).get_all(60, |number| format!("/public/answer-500/{number}")).await;
    let bad = from(15);
    Visitor::stranger(&gate, &bad).get_all(130, |_| "/tiny/x".to_owned()).await;
    let bad = from(16);
    Visitor { key: Some("gab_live_wrong"), ..Visitor::stranger(&gate, &bad) }
        .get_all(70, |_| "/part-1/x".to_owned())
        .await;
    let bad = from(17);
    Visitor::stranger(&gate, &bad).get_all(40, |_| "/public/%00".to_owned()).await;
    let bad = from(18);
    let guesser = Visitor::stranger(&gate, &bad);
    for number in 0..20 {
        guesser.sign_in(&format!("x{number}"), "Summer2026").await;
    }
    let bad = from(19);
    Visitor::stranger(&gate, &bad).sign_in("canary-bills", "Summer2026").await;
    let bad = from(20);
    Visitor { key: Some(&canary), ..Visitor::stranger(&gate, &bad) }.get("/part-1/x").await;
    let bad = from(21);
    Visitor { from: &bad, ..at_home }.get("/files/canary-salaries").await;
    touch_record(&gate, &events).await;
    let bad = from(22);
    Visitor { from: &bad, agent: "curl/8.5", ..at_home }.get("/orders/1").await;
    for network in 30..38 {
        let bad = from(network);
        Visitor { from: &bad, cookie: Some(&bob), ..home }.get("/orders/1").await;
    }
    let bad = from(40);
    Visitor { key: Some(&narrow), ..Visitor::stranger(&gate, &bad) }
        .get_all(9, |number| format!("/part-{number}/x"))
        .await;
    gate.cli(&["user", "add", "mallory", "--role", "administrator"]).await;
    gate.cli(&["user", "reset-factors", "bob"]).await;
    gate.cli(&["key", "rotate"]).await;
    let shop = Shop::register(&gate).await;
    let mut person = Client::new(gate.address);
    assert!(person.sign_in("ann", PASSWORD).await.expect("answers"));
    let tokens = shop.grant(&gate, &mut person, "openid+offline_access").await;
    let (status, newer) = shop.token(&gate, &refresh(&tokens)).await;
    assert_eq!(status, 200, "{newer}");
    shop.token(&gate, &refresh(&newer)).await;
    assert_eq!(shop.token(&gate, &refresh(&tokens)).await.0, 400, "used before");
    let path = gate.directory().join("gabion.toml");
    let text = fs::read_to_string(&path).expect("the configuration");
    fs::write(&path, format!("{text}\n[checks.csrf]\nmode = \"observe\"\n")).expect("written");
    let hung_up = Command::new("kill").args(["-HUP", &gate.pid().to_string()]).status().await;
    assert!(hung_up.expect("kill runs").success());

    let expected = [
        "administrator-made",
        "anonymous-sweep",
        "brute-force-address",
        "canary-account",
        "canary-address",
        "canary-credential",
        "canary-record",
        "credential-stuffing",
        "enumeration-below",
        "errors-provoked",
        "factors-taken",
        "forbidden-by-one",
        "grant-reused",
        "input-fuzzing",
        "key-misuse",
        "key-revoked",
        "protection-weakened",
        "rate-limit-saturation",
        "scanner-agent",
        "session-elsewhere",
        "session-everywhere",
        "token-guessing",
    ];
    for rule in expected {
        gate.said(|text| text.contains(&format!("rule=\"{rule}\""))).await;
    }
    // Much, so that it is told of before the hour is over; and what is left at the stop.
    at_home.get_all(450, |number| format!("/orders/{number}")).await;
    let stopped = gate.terminate().await;
    let gate = stopped.start_again().await;
    let records = recorded(&gate).await;
    let alerts: Vec<&Event> = records.iter().filter(|event| event.action == "alert.raised").collect();
    let rang: BTreeSet<&str> = alerts.iter().map(|alert| alert.resource.as_str()).collect();
    assert_eq!(rang, expected.into(), "nothing else rang");
    let at_harmless = |alert: &&&Event| {
        alert.metadata.get("group.network").is_some_and(|network| network.starts_with("198.51."))
    };
    assert_eq!(alerts.iter().filter(at_harmless).count(), 0, "{alerts:?}");
    for alert in &alerts {
        assert!(alert.reason.as_ref().is_some_and(|why| why.len() > 20), "{alert:?}");
    }
    holds_the_simulator_to(&records);
    what_is_learnt(&records);
}

async fn touch_record(gate: &Gate, key: &str) {
    let event = r#"{"action": "order.read", "outcome": "success", "resource": "canary-order-7"}"#;
    let request = Request::post("/.gabion/api/v1/events")
        .header("authorization", format!("Bearer {key}"))
        .header("content-type", "application/json");
    let answer = Client::new(gate.address).send(request, Bytes::from(event)).await.expect("answers");
    assert!(answer.status().is_success(), "{}", answer.status());
}

/// Each shape of the simulated week is one of a real gate's. Acts of administrators were done at the machine here: that
/// differs in the actor and the address only. What is folded depends on when the writer looks.
fn holds_the_simulator_to(records: &[Event]) {
    let plain = |shape: &str| {
        let is_act = shape.starts_with("administration ");
        let words = shape.split(' ').filter(|word| {
            *word != "folded" && (!is_act || !["account+session", "operator", "address"].contains(word))
        });
        words.collect::<Vec<_>>().join(" ")
    };
    let real: BTreeSet<String> = records.iter().map(|event| plain(&shape::shape(event))).collect();
    // Driven elsewhere: `factors.rs` (second factors), the tests of the detection's thread (gaps), `passwords.rs`.
    let elsewhere = [
        "authn.totp",
        "watch.gap",
        "account.change-password",
        "account.edit",
        "api-key.create",
        "group.edit",
    ];
    let unknown: Vec<_> = include_str!("../crates/watch/tests/it/week/shapes.txt")
        .lines()
        .filter(|line| !elsewhere.iter().any(|word| line.contains(word)))
        .filter(|line| !real.contains(&plain(line)))
        .collect();
    assert!(unknown.is_empty(), "no gate records these: {unknown:#?}\nbut these: {real:#?}");
}

const DAY: i64 = 86_400;

/// The same event so many days, and seconds, later.
fn later(event: &Event, days: i64, seconds: i64) -> Event {
    let mut event = event.clone();
    event.time = Timestamp::from_micros(event.time.as_micros() + (days * DAY + seconds) * 1_000_000);
    event
}

/// What needs weeks rings on real records moved to other days, and the same at home does not.
fn what_is_learnt(records: &[Event]) {
    let find = |what: &dyn Fn(&Event) -> bool| {
        records.iter().rfind(|event| what(event)).unwrap_or_else(|| panic!("not recorded")).clone()
    };
    let is = |event: &Event, action: &str| {
        event.action == action && event.outcome == gabion_model::Outcome::Success
    };
    let home =
        find(&|event| is(event, "account.sign-in") && event.resource == "ann" && event.user_agent.is_some());
    let elsewhere = |address: &str, agent: &str| {
        let mut event = home.clone();
        event.address = Some(address.parse().expect("an address"));
        event.user_agent = Some(agent.to_owned());
        event
    };
    let key = find(&|event| is(event, "key.moved") && event.metadata["program"] == "true");
    let much = find(&|event| {
        matches!(event.actor, Actor::Account { .. })
            && event
                .metadata
                .get("requests")
                .is_some_and(|requests| requests.parse::<u32>().is_ok_and(|requests| requests >= 400))
    });
    let failed = find(&|event| event.action == "account.sign-in" && event.resource == "canary-bills");
    let mut little = much.clone();
    little.metadata.insert("period".to_owned(), "closed".to_owned());
    little.metadata.insert("distinct".to_owned(), "30".to_owned());

    let rules = Rules::load(&pack::sources(), &BTreeMap::new()).expect("rules");
    let mut watcher = Watcher::new(Arc::new(rules), 3);
    let places = "198.51.100.0/24,52.5,13.4,Berlin\n192.0.50.0/24,-33.9,151.2,Sydney\n";
    watcher.set_places(Some(Arc::new(Places::read(places).expect("a table"))));
    let mut rang = |event: &Event| -> BTreeSet<String> {
        let alerts = watcher.see(1, event).into_iter();
        alerts.filter_map(|alert| alert.name).collect()
    };
    let nothing = BTreeSet::new();
    for day in 0..12 {
        for hour in 0..8 {
            assert_eq!(rang(&later(&home, day, hour * 3600)), nothing);
        }
        assert_eq!(rang(&later(&little, day, 0)), nothing);
        assert_eq!(rang(&later(&key, day, 0)), nothing);
    }
    // The same again, a fortnight later, at home.
    for event in [&home, &key, &little] {
        assert_eq!(rang(&later(event, 14, 0)), nothing);
    }
    assert_eq!(rang(&later(&much, 14, 1)), ["mass-read".to_owned()].into());
    let mut taken = later(&key, 14, 2);
    taken.address = Some("192.0.50.1".parse().expect("an address"));
    assert_eq!(rang(&taken), ["key-elsewhere".to_owned()].into());
    assert_eq!(
        rang(&later(&elsewhere("192.0.50.1", "curl/8.5"), 14, 1_800)),
        ["impossible-travel".to_owned()].into()
    );
    let night = rang(&later(&elsewhere("192.0.51.1", "Wget"), 15, 15 * 3600));
    assert_eq!(night, ["new-device-odd-hour".to_owned()].into());
    let mut guess = failed.clone();
    guess.resource = "ann".to_owned();
    let all: Vec<_> = (0..5).map(|number| rang(&later(&guess, 16, number))).collect();
    assert_eq!(all[4], ["brute-force-account".to_owned()].into());
    let entered = rang(&later(&elsewhere("192.0.52.1", "Lynx"), 16, 60));
    assert_eq!(entered, ["guessed-password".to_owned(), "new-device-guessed".to_owned()].into());
}
