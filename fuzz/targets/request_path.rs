//! A request head through every check: whatever comes out admitted is unambiguous.
#![no_main]

use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};

use gabion_checks::{Connection, Parts, Pipeline, Route, Settings};
use gabion_identity::{MemoryStorage, SessionSettings, Sessions};
use gabion_ledger::Ledger;
use gabion_model::random::SeededRng;
use gabion_model::{ManualClock, Timestamp};
use gabion_vault::jwt::SigningKey;
use http::{HeaderName, HeaderValue, Method, Request, Uri};
use libfuzzer_sys::fuzz_target;

static PIPELINE: LazyLock<Pipeline> = LazyLock::new(pipeline);

fn pipeline() -> Pipeline {
    let clock = Arc::new(ManualClock::at(Timestamp::from_secs(1_800_000_000)));
    let storage = Arc::new(MemoryStorage::default());
    let sessions = Sessions::open(storage, &SessionSettings::default(), Timestamp::from_secs(1_800_000_000));
    let (Ok(sessions), Ok(key)) = (sessions, SigningKey::generate()) else { std::process::abort() };
    let route = serde_json::json!({ "path": "/*", "access": "public", "upstream": "app" });
    let Ok(route) = serde_json::from_value::<Route>(route) else { std::process::abort() };
    let mut settings = Settings::default();
    settings.rate.mode = gabion_checks::Mode::Off;
    let parts = Parts {
        sessions,
        machines: None,
        shield: None,
        webhooks: Arc::default(),
        keys: gabion_identity::Keyring::of(Arc::new(key)),
        ledger: Ledger::in_memory(clock.clone()),
        policies: None,
        resources: None,
        clock,
        rng: Arc::new(SeededRng::new(1)),
        issuer: "fuzz".to_owned(),
        https_port: None,
        contracts: Default::default(),
        outside: None,
        access_log: None,
        fault_log: None,
        previous: None,
    };
    Pipeline::new(&settings, &[route], parts).unwrap_or_else(|_| std::process::abort())
}

/// First line: method and target; every further line: a field.
fn head(bytes: &[u8]) -> Option<http::request::Parts> {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let mut first = lines.next()?.splitn(2, |byte| *byte == b' ');
    let (mut head, ()) = Request::new(()).into_parts();
    head.method = Method::from_bytes(first.next()?).ok()?;
    head.uri = Uri::try_from(first.next()?).ok()?;
    for line in lines.take(120) {
        let mut field = line.splitn(2, |byte| *byte == b':');
        let name = HeaderName::from_bytes(field.next()?).ok()?;
        head.headers.append(name, HeaderValue::from_bytes(field.next()?).ok()?);
    }
    Some(head)
}

fuzz_target!(|bytes: &[u8]| {
    let Some(head) = head(bytes) else { return };
    let peer = SocketAddr::from(([127, 0, 0, 1], 4000));
    let connection = Connection { peer, local: peer, secure: false };
    let admitted = match PIPELINE.request(connection, head) {
        Ok(admitted) => admitted,
        Err(refused) => {
            let answer = PIPELINE.answer(refused);
            assert!(answer.headers().contains_key("gabion-request-id"));
            return;
        }
    };
    let target = admitted.head.uri.to_string();
    assert!(target.starts_with('/') && !target.starts_with("//"), "{target}");
    let path = admitted.head.uri.path();
    assert!(path.split('/').all(|segment| segment != "." && segment != ".."), "{path}");
    let lower = path.to_ascii_lowercase();
    for escaped in ["%2e", "%2f", "%5c", "%00", "\\"] {
        assert!(!lower.contains(escaped), "{path}");
    }
    let headers = &admitted.head.headers;
    assert_eq!(headers.get_all("host").iter().count(), 1);
    for name in ["transfer-encoding", "te", "proxy-connection", "keep-alive", "forwarded", "gabion-identity"]
    {
        assert!(!headers.contains_key(name), "{name} reaches the upstream");
    }
    assert!(headers.get_all("x-forwarded-for").iter().count() <= 1);
});
