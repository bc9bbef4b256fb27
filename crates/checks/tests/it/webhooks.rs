//! Signed messages through the pipeline.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use gabion_checks::webhook::{OnReplay, SchemeName, SecretFrom, SenderSettings, Senders};
use gabion_checks::{Access, Progress, Route, Settings, Wants};
use gabion_model::{ControlId, Secret, Timestamp};
use gabion_vault::webhook::sign;
use http::{Request, Response, StatusCode};

use crate::world::*;

const BODY: &[u8] = b"{\"order\": 1}";

fn senders() -> Senders {
    let from = |name: &str| SecretFrom { file: None, env: Some(name.to_owned()) };
    let one = |scheme, names: &[&str]| SenderSettings {
        secrets: names.iter().map(|name| from(name)).collect(),
        ..SenderSettings::new(scheme)
    };
    let acknowledging =
        SenderSettings { on_replay: OnReplay::Acknowledge, ..one(SchemeName::Stripe, &["OLD"]) };
    let settings = BTreeMap::from([
        ("shop".to_owned(), one(SchemeName::Stripe, &["NEW", "OLD"])),
        ("old".to_owned(), acknowledging),
        ("forge".to_owned(), one(SchemeName::Github, &["OLD"])),
    ]);
    let secret = |from: &SecretFrom| Ok(Secret::new(format!("a secret of many bytes {:?}", from.env)));
    Senders::read(&settings, secret).unwrap()
}

fn world() -> (World, Senders) {
    let route = |path: &str, sender: &str| {
        let mut route = Route::new(path, Access::Public, "app");
        route.webhook = Some(sender.to_owned());
        route
    };
    let routes = [
        route("/hooks/shop", "shop"),
        route("/hooks/old", "old"),
        route("/hooks/forge", "forge"),
        Route::new("/*", Access::Public, "app"),
    ];
    let senders = senders();
    (World::with_webhooks(&Settings::default(), &routes, Arc::new(senders.clone())), senders)
}

/// A message signed by `by` at `time`, to the path of `to`.
fn message(senders: &Senders, by: &str, to: &str, time: Timestamp, body: &[u8]) -> Request<()> {
    let sender = senders.find(by).unwrap();
    let fields = sign(sender.scheme(), sender.keys(), "1", time.as_secs(), body).unwrap();
    let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    request("POST", &format!("/hooks/{to}"), &fields)
}

/// Sends a request with a body, as the gateway does; `Ok` is admitted and not yet answered.
fn send(
    world: &World,
    request: Request<()>,
    body: &[u8],
) -> Result<Box<gabion_checks::Admitted>, StatusCode> {
    let mut progress = world.pipeline.begin(secure("203.0.113.9"), request.into_parts().0);
    loop {
        match progress {
            Progress::Admitted(admitted) => return Ok(Box::new(admitted)),
            Progress::Refused(refused) => return Err(world.pipeline.answer(refused).status()),
            Progress::Waits(mut waiting) => {
                assert!(matches!(waiting.wants(), Some(Wants::Body { .. })));
                waiting.body(Bytes::copy_from_slice(body));
                progress = world.pipeline.resume(waiting);
            }
        }
    }
}

fn answer(world: &World, mut admitted: Box<gabion_checks::Admitted>, status: u16) {
    let (mut head, ()) = Response::builder().status(status).body(()).unwrap().into_parts();
    world.pipeline.response(&mut admitted.exchange, &mut head);
}

#[test]
fn a_signed_message_passes_without_a_session_and_is_its_senders() {
    let (world, senders) = world();
    let admitted = send(&world, message(&senders, "shop", "shop", START, BODY), BODY).unwrap();
    assert_eq!(admitted.body.as_deref(), Some(BODY));
    assert_eq!(&*admitted.exchange.principal().unwrap().name, "webhook:shop");
    assert!(admitted.head.headers.contains_key("gabion-identity"));
    let other = b"{\"order\": 2}";
    let old = message(&senders, "old", "shop", START, other);
    assert!(send(&world, old, other).is_ok(), "the old secret still signs");
}

#[test]
fn what_is_not_signed_or_not_fresh_is_refused_and_recorded() {
    let (world, senders) = world();
    let (ticket, _) = world.sign_in("alice", &["administrator"]);
    let late = START.saturating_add(std::time::Duration::from_secs(301));
    let rows = [
        (request("POST", "/hooks/shop", &[]), BODY),
        (request("GET", "/hooks/shop", &[]), b"".as_slice()),
        (with_ticket(request("POST", "/hooks/shop", &[("sec-fetch-site", "same-origin")]), &ticket), BODY),
        (message(&senders, "shop", "shop", START, BODY), b"{\"order\": 2}".as_slice()),
        (message(&senders, "forge", "shop", START, BODY), BODY),
        (message(&senders, "old", "old", START, b"{}"), BODY),
        (message(&senders, "shop", "shop", late, BODY), BODY),
        (message(&senders, "shop", "SHOP", START, BODY), b"{}".as_slice()),
    ];
    let count = rows.len();
    for (index, (request, body)) in rows.into_iter().enumerate() {
        let status = send(&world, request, body).map(|admitted| admitted.head.uri);
        let expected = if index == count - 1 { 400..=404 } else { 403..=403 };
        assert!(expected.contains(&status.clone().unwrap_err().as_u16()), "{index}: {status:?}");
    }
    let refusals = world.events().iter().filter(|event| event.control == ControlId::API_WEBHOOKS).count();
    assert!(refusals > 0, "like ones are folded");
}

#[test]
fn a_message_is_taken_once_and_again_only_when_it_was_not_taken() {
    let (world, senders) = world();
    let once = || message(&senders, "shop", "shop", START, BODY);
    let first = send(&world, once(), BODY).unwrap();
    assert_eq!(send(&world, once(), BODY).unwrap_err(), 409, "while it is being answered");
    answer(&world, first, 500);
    let second = send(&world, once(), BODY).unwrap();
    answer(&world, second, 200);
    assert_eq!(send(&world, once(), BODY).unwrap_err(), 409);

    let old = || message(&senders, "old", "old", START, BODY);
    let first = send(&world, old(), BODY).unwrap();
    answer(&world, first, 202);
    assert_eq!(send(&world, old(), BODY).unwrap_err(), 204, "acknowledged, and not passed on");

    // GitHub signs no time, and its delivery id neither: another id is the same message.
    let forge = |id: &str| {
        let mut request = message(&senders, "forge", "forge", START, BODY);
        request.headers_mut().insert("x-github-delivery", id.parse().unwrap());
        request
    };
    let first = send(&world, forge("1"), BODY).unwrap();
    answer(&world, first, 200);
    world.clock.advance(std::time::Duration::from_secs(3600));
    assert_eq!(send(&world, forge("2"), BODY).unwrap_err(), 409);
}

#[test]
fn a_route_whose_sender_is_not_described_starts_nothing() {
    let mut route = Route::new("/hooks", Access::Public, "app");
    route.webhook = Some("nobody".to_owned());
    let problems = World::problems_of_building(&[route], Arc::default());
    assert_eq!(problems[0].path, "routes[0].webhook");
}
