//! The dry run: a refusal is recorded and counted, and the request passes.

use gabion_checks::{Mode, Settings};
use gabion_model::{ControlId, Outcome};
use http::Response;

use crate::world::*;

#[test]
fn observing_checks_let_pass_and_record() {
    let mut settings = Settings::default();
    settings.csrf.mode = Mode::Observe;
    settings.access.mode = Mode::Observe;
    let world = World::with(&settings, &routes());
    let forged = request("POST", "/account/x", &[("sec-fetch-site", "cross-site")]);
    let mut admitted = world.send(forged).admitted();
    let (mut head, ()) = Response::new(()).into_parts();
    world.pipeline.response(&mut admitted.exchange, &mut head);
    let events = world.events();
    let mut seen: Vec<_> =
        events.iter().map(|event| (event.control, event.action.as_str(), event.outcome)).collect();
    seen.sort_unstable();
    assert_eq!(
        seen,
        [
            (ControlId::AUTHZ_DECLARED_ROUTES, "request.observed", Outcome::Success),
            (ControlId::WEB_CSRF, "request.observed", Outcome::Success)
        ]
    );
    let counted: Vec<_> = world
        .pipeline
        .metrics()
        .iter()
        .map(|metric| (metric.check, metric.verdict.as_str(), metric.count))
        .collect();
    assert_eq!(counted, [("pipeline", "admitted", 1), ("access", "observed", 1), ("csrf", "observed", 1)]);
}

#[test]
fn what_leaves_no_reading_is_refused_even_so() {
    let mut settings = Settings::default();
    for mode in [&mut settings.limits.mode, &mut settings.normalise.mode, &mut settings.access.mode] {
        *mode = Mode::Observe;
    }
    let world = World::with(&settings, &routes());
    let both = request("POST", "/shop/x", &[("content-length", "1"), ("transfer-encoding", "chunked")]);
    assert_eq!(world.send(both).status(), 400);
    assert_eq!(world.send(request("GET", "/shop/x", &[("host", "a b")])).status(), 400);
    assert_eq!(world.send(get("/undeclared")).status(), 404);
    assert_eq!(world.send(get("/shop/%2e%2e/x")).status(), 200, "observed only");
    assert_eq!(world.send(get(&format!("/shop/{}", "a".repeat(9000)))).status(), 200, "observed only");
}

#[test]
fn a_check_that_is_off_is_absent() {
    let mut settings = Settings::default();
    settings.csrf.mode = Mode::Off;
    settings.headers.mode = Mode::Off;
    let world = World::with(&settings, &routes());
    let mut admitted = world.send(request("POST", "/shop/x", &[("sec-fetch-site", "cross-site")])).admitted();
    let (mut head, ()) = Response::new(()).into_parts();
    world.pipeline.response(&mut admitted.exchange, &mut head);
    assert!(!head.headers.contains_key("x-frame-options"));
    assert!(world.events().is_empty());
}

#[test]
fn vital_checks_cannot_be_off() {
    let mut settings = Settings::default();
    for mode in [
        &mut settings.limits.mode,
        &mut settings.client_address.mode,
        &mut settings.request_id.mode,
        &mut settings.normalise.mode,
        &mut settings.access.mode,
        &mut settings.audit.mode,
    ] {
        *mode = Mode::Off;
    }
    let paths: Vec<_> = settings.problems().into_iter().map(|problem| problem.path).collect();
    assert_eq!(
        paths,
        [
            "limits.mode",
            "client_address.mode",
            "request_id.mode",
            "normalise.mode",
            "access.mode",
            "audit.mode"
        ]
    );
}
