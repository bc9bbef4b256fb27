//! Policies at the gate, with real ones, and a resolver that answers as a test says.

use std::collections::BTreeMap;
use std::future::ready;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use arc_swap::ArcSwap;
use bytes::Bytes;
use gabion_checks::forward_auth;
use gabion_checks::policy::{RecordWhat, RoutePolicy, Where};
use gabion_checks::{Access, Connection, Contracts, Mode, Progress, Route, Seen, Settings, Verdict, Wants};
use gabion_model::{EventKind, Methods, Timestamp};
use gabion_policy::{
    EntityRef, Facts, Finding, Found, Live, OperationFact, Policies, Recorded, Resource, Resources,
    RouteFact, Sources, Unknown,
};
use http::{HeaderValue, Request, Response, StatusCode};

use crate::world::*;

/// Says of an object what the test wants, at once or after being asked.
#[derive(Debug)]
struct Shop {
    orders: BTreeMap<&'static str, Resource>,
    fails: Mutex<Option<Unknown>>,
    asked: AtomicU64,
    at_hand: bool,
}

impl Resources for Shop {
    fn serves(&self, kind: &str) -> bool {
        kind == "Order"
    }

    fn at_hand(&self, _: &str, id: &str, _: Timestamp) -> Option<Found> {
        self.at_hand.then(|| self.orders.get(id).cloned().map(Arc::new))
    }

    fn find(&self, object: EntityRef) -> Finding {
        self.asked.fetch_add(1, Ordering::Relaxed);
        if let Some(error) = self.fails.lock().unwrap().clone() {
            return Box::pin(ready(Err(error)));
        }
        Box::pin(ready(Ok(self.orders.get(&*object.id).cloned().map(Arc::new))))
    }
}

const POLICIES: &str = r#"
@id("owners-read")
permit (principal, action == Action::"readOrder", resource) when { resource has owner && resource.owner == principal };
@id("clerks-read-their-tenant")
@obligation("mask:/card,/items/*/cost")
permit (principal in Role::"clerk", action == Action::"readOrder", resource)
when { resource has tenant && principal has tenant && resource.tenant == principal.tenant };
@id("owners-cancel")
@step_up("2fa")
permit (principal, action == Action::"cancelOrder", resource) when { resource has owner && resource.owner == principal };
@id("staff")
permit (principal in Role::"staff", action == Action::"GET", resource == Route::"/reports/*");
"#;

fn live(policies: &str, routes: &[Route]) -> Arc<Live> {
    let operation = |id: &str, method: &str| OperationFact {
        id: id.into(),
        methods: [method.into()].into(),
        resources: ["Order".into()].into(),
        ..OperationFact::default()
    };
    let facts = Facts {
        routes: routes
            .iter()
            .map(|route| RouteFact { id: route.policy_id().into(), path: route.path.as_str().into() })
            .collect(),
        operations: vec![operation("readOrder", "GET"), operation("cancelOrder", "DELETE")],
        ..Facts::default()
    };
    let sources = Sources {
        policies: BTreeMap::from([("shop.cedar".to_owned(), policies.to_owned())]),
        cache: 100,
        ..Sources::default()
    };
    Arc::new(ArcSwap::from_pointee(Policies::compile(sources, &facts).unwrap()))
}

fn order(id: &str, owner: &str, tenant: &str) -> Resource {
    Resource::new("Order", id)
        .with("owner", EntityRef::new("User", owner))
        .with("tenant", EntityRef::new("Tenant", tenant))
}

fn shop(at_hand: bool) -> Arc<Shop> {
    let orders = BTreeMap::from([
        ("1", order("1", "id-ada", "default")),
        ("2", order("2", "id-bob", "default")),
        ("3", order("3", "id-evelyn", "acme")),
    ]);
    Arc::new(Shop { orders, fails: Mutex::default(), asked: AtomicU64::new(0), at_hand })
}

fn routes() -> Vec<Route> {
    let about = |action: &str| RoutePolicy {
        action: Some(action.to_owned()),
        resource: Some("Order".to_owned()),
        ..RoutePolicy::default()
    };
    let mut read = Route::new("/orders/{order}", Access::SignedIn, "app");
    read.methods = vec!["GET".to_owned()];
    read.policy = Some(about("readOrder"));
    let mut cancel = Route { methods: vec!["DELETE".to_owned()], ..read.clone() };
    cancel.policy = Some(about("cancelOrder"));
    let mut search = Route::new("/order", Access::SignedIn, "app");
    search.policy = Some(RoutePolicy { id: Some("query.id".to_owned()), ..about("readOrder") });
    let mut refund = Route::new("/refunds", Access::SignedIn, "app");
    refund.policy = Some(RoutePolicy { id: Some("body:/order/id".to_owned()), ..about("readOrder") });
    let mut reports = Route::new("/reports/*", Access::SignedIn, "app");
    reports.policy = Some(RoutePolicy::default());
    let mut open = Route::new("/open/{order}", Access::Public, "app");
    open.policy = Some(about("readOrder"));
    vec![read, cancel, search, refund, reports, open, Route::new("/free/*", Access::SignedIn, "app")]
}

struct Gate {
    world: World,
    shop: Arc<Shop>,
    live: Arc<Live>,
}

impl Gate {
    fn new() -> Self {
        Self::with(&Settings::default(), true)
    }

    fn with(settings: &Settings, at_hand: bool) -> Self {
        let (routes, shop) = (routes(), shop(at_hand));
        let live = live(POLICIES, &routes);
        let (policies, resources) = (Arc::clone(&live), Arc::clone(&shop) as Arc<_>);
        let world = World::policed(settings, &routes, policies, resources, Contracts::default());
        Self { world, shop, live }
    }

    fn ticket(&self, name: &str, roles: &[&str]) -> String {
        self.world.sign_in(name, roles).0
    }

    /// Sends a request and supplies what a check waits for, as the gateway does.
    fn send(&self, request: Request<()>) -> Sent {
        self.send_from(secure("203.0.113.9"), request, b"")
    }

    fn send_from(&self, connection: Connection, request: Request<()>, body: &'static [u8]) -> Sent {
        let pipeline = &self.world.pipeline;
        let mut progress = pipeline.begin(connection, request.into_parts().0);
        loop {
            match progress {
                Progress::Admitted(admitted) => return Sent::Admitted(Box::new(admitted)),
                Progress::Refused(refused) => return Sent::Answered(pipeline.answer(refused)),
                Progress::Waits(mut waiting) => {
                    match waiting.wants().unwrap() {
                        Wants::Arrival(arrival) => {
                            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                            waiting.arrived(runtime.block_on(arrival));
                        }
                        Wants::Body { limit } if body.len() > limit => waiting.body_is_longer_than(limit + 1),
                        Wants::Body { .. } => waiting.body(Bytes::from_static(body)),
                        Wants::Pause(_) => {}
                    }
                    progress = pipeline.resume(waiting);
                }
            }
        }
    }

    fn get(&self, path: &str, ticket: &str) -> Sent {
        self.send(with_ticket(get(path), ticket))
    }

    fn delete(&self, path: &str, ticket: &str) -> Sent {
        let fields = [("origin", "https://shop.example"), ("sec-fetch-site", "same-origin")];
        self.send(with_ticket(request("DELETE", path, &fields), ticket))
    }
}

#[test]
fn owners_read_their_orders_and_nobody_elses_are_there() {
    for at_hand in [true, false] {
        let gate = Gate::with(&Settings::default(), at_hand);
        let ada = gate.ticket("ada", &[]);
        assert_eq!(gate.get("/orders/1", &ada).status(), StatusCode::OK);
        let others = gate.get("/orders/2", &ada).answer();
        let nowhere = gate.get("/orders/99", &ada).answer();
        let undeclared = gate.get("/undeclared", &ada).answer();
        assert_eq!(others.status(), StatusCode::NOT_FOUND);
        // Nothing in the answers tells one from the other.
        let shape = |answer: &Response<Bytes>| {
            let mut problem: serde_json::Value = serde_json::from_slice(answer.body()).unwrap();
            problem["request_id"].take();
            (answer.status(), problem.to_string(), names(answer.headers()).join(" "))
        };
        assert_eq!(shape(&others), shape(&nowhere));
        assert_eq!(shape(&others).1, shape(&undeclared).1);
        assert_eq!(gate.shop.asked.load(Ordering::Relaxed), if at_hand { 0 } else { 3 });
        assert_eq!(gate.get("/free/x", &ada).status(), StatusCode::OK, "no policy is asked there");
    }
}

#[test]
fn roles_count_in_their_tenant_only() {
    let gate = Gate::new();
    let clerk = gate.ticket("carl", &["clerk"]);
    assert_eq!(gate.get("/orders/2", &clerk).status(), StatusCode::OK);
    assert_eq!(gate.get("/orders/3", &clerk).status(), StatusCode::NOT_FOUND);
    assert_eq!(gate.get("/reports/2026", &clerk).status(), StatusCode::FORBIDDEN, "a route is no secret");
    let staff = gate.ticket("stanley", &["staff"]);
    assert_eq!(gate.get("/reports/2026", &staff).status(), StatusCode::OK);
    let head = gate.send(with_ticket(request("HEAD", "/reports/2026", &[]), &staff));
    assert_eq!(head.status(), StatusCode::OK, "HEAD is GET");
    let post = [("origin", "https://shop.example"), ("sec-fetch-site", "same-origin")];
    let post = gate.send(with_ticket(request("POST", "/reports/2026", &post), &staff));
    assert_eq!(post.status(), StatusCode::FORBIDDEN);
}

#[test]
fn whoever_may_know_of_an_object_is_told_no_and_others_nothing() {
    let gate = Gate::new();
    let clerk = gate.ticket("carl", &["clerk"]);
    assert_eq!(gate.delete("/orders/2", &clerk).status(), StatusCode::FORBIDDEN, "he may read it");
    assert_eq!(gate.delete("/orders/3", &clerk).status(), StatusCode::NOT_FOUND);
    assert_eq!(gate.delete("/orders/99", &clerk).status(), StatusCode::NOT_FOUND);
}

#[test]
fn strangers_are_told_to_sign_in_whatever_is_there() {
    let gate = Gate::new();
    for path in ["/open/1", "/open/99"] {
        let answer = gate.send(get(path)).answer();
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{path}");
        assert!(answer.headers().contains_key("www-authenticate"));
    }
}

#[test]
fn a_step_up_is_asked_for_as_routes_do() {
    let gate = Gate::new();
    let ada = gate.ticket("ada", &[]);
    let answer = gate.delete("/orders/1", &ada).answer();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    let challenge = answer.headers()["www-authenticate"].to_str().unwrap();
    assert!(challenge.contains("insufficient_user_authentication"), "{challenge}");
    assert!(challenge.contains("acr_values=\"urn:gabion:acr:2fa\""), "{challenge}");
    let strong = Methods::PASSWORD.with(Methods::TOTP);
    let (ticket, _) = gate.world.sign_in_by("evelyn", &[], strong);
    assert_eq!(gate.delete("/orders/3", &ticket).status(), StatusCode::OK);
    assert_eq!(gate.delete("/orders/1", &ticket).status(), StatusCode::NOT_FOUND, "strong, and not hers");
}

#[test]
fn one_request_names_one_object() {
    let gate = Gate::new();
    let ada = gate.ticket("ada", &[]);
    assert_eq!(gate.get("/order?id=1", &ada).status(), StatusCode::OK);
    for query in
        ["id=1&id=2", "id=2&id=1", "id[]=2&id=1", "id=%ff", "ID=1", "a=1;id=2&id=1", "", "id=", "other=1"]
    {
        assert_eq!(gate.get(&format!("/order?{query}"), &ada).status(), StatusCode::BAD_REQUEST, "{query}");
    }
    for path in ["/orders/1%2f2", "/orders/1%00", "/orders/1%3b2", "/orders/%ff"] {
        let status = gate.get(path, &ada).status();
        assert!(status == StatusCode::BAD_REQUEST || status == StatusCode::NOT_FOUND, "{path}: {status}");
    }
    let long = format!("/orders/{}", "1".repeat(600));
    assert_eq!(gate.get(&long, &ada).status(), StatusCode::NOT_FOUND);
}

/// A refund of the order that a body names.
fn refund(gate: &Gate, ticket: &str, fields: &[(&str, &str)], body: &'static str) -> Sent {
    let length = body.len().to_string();
    let mut all = vec![
        ("origin", "https://shop.example"),
        ("sec-fetch-site", "same-origin"),
        ("content-length", &length),
    ];
    all.extend_from_slice(fields);
    let request = with_ticket(request("POST", "/refunds", &all), ticket);
    gate.send_from(secure("203.0.113.9"), request, body.as_bytes())
}

#[test]
fn an_object_is_named_in_a_body() {
    let json = [("content-type", "application/json")];
    for at_hand in [true, false] {
        let gate = Gate::with(&Settings::default(), at_hand);
        let ada = gate.ticket("ada", &[]);
        let admitted = refund(&gate, &ada, &json, r#"{"order":{"id":1},"reason":"broken"}"#).admitted();
        // The application gets the body that was judged.
        assert_eq!(admitted.body.unwrap(), r#"{"order":{"id":1},"reason":"broken"}"#);
        assert_eq!(refund(&gate, &ada, &json, r#"{"order":{"id":"2"}}"#).status(), StatusCode::NOT_FOUND);
        assert_eq!(refund(&gate, &ada, &json, r#"{"order":{"id":"99"}}"#).status(), StatusCode::NOT_FOUND);
    }
    let gate = Gate::new();
    let ada = gate.ticket("ada", &[]);
    for body in [
        "",
        "{}",
        "order[id]=1",
        r#"{"order":{"id":""}}"#,
        r#"{"order":{"id":null}}"#,
        r#"{"order":{"id":["1"]}}"#,
        r#"{"order":[{"id":"1"}]}"#,
        r#"{"order":{"id":"1","id":"2"}}"#,
        r#"{"order":{"id":"1"},"order":{"id":"2"}}"#,
        r#"{"order":{"id":"1"},"Order":{"id":"2"}}"#,
        r#"{"order":{"id":1.0}}"#,
        r#"{"order":{"id":9007199254740993}}"#,
    ] {
        let answer = refund(&gate, &ada, &json, body).answer();
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{body}");
    }
    let good = r#"{"order":{"id":1}}"#;
    for fields in [
        &[][..],
        &[("content-type", "text/plain")],
        &[("content-type", "application/json; charset=utf-16")],
        &[("content-type", "application/json"), ("content-type", "application/json")],
        &[("content-type", "application/json"), ("content-encoding", "gzip")],
    ] {
        assert_eq!(refund(&gate, &ada, fields, good).status(), StatusCode::BAD_REQUEST, "{fields:?}");
    }
    let mut settings = Settings::default();
    settings.policy.body_limit = "17B".parse().unwrap();
    let gate = Gate::with(&settings, true);
    let ada = gate.ticket("ada", &[]);
    assert_eq!(refund(&gate, &ada, &json, good).status(), StatusCode::PAYLOAD_TOO_LARGE);
}

/// A proxy of `kind` asks about a request with this path.
fn asked(gate: &Gate, method: &str, path: &str, ticket: &str) -> Response<Bytes> {
    let fields = [
        ("x-forwarded-for", "203.0.113.9"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "shop.example"),
        ("x-forwarded-uri", path),
        ("x-forwarded-method", method),
        ("origin", "https://shop.example"),
        ("sec-fetch-site", "same-origin"),
        ("content-type", "application/json"),
        ("host", "gabion"),
    ];
    let request = with_ticket(request("GET", "/.gabion/forward-auth/caddy", &fields), ticket);
    gate.send_from(plain("10.0.0.7"), request, b"").answer()
}

#[test]
fn a_proxy_that_asks_waits_for_what_the_application_knows() {
    let mut settings = Settings::default();
    settings.client_address.trusted_proxies = vec!["10.0.0.7".to_owned()];
    let dialects = vec![forward_auth::Dialect::Caddy];
    let forward = forward_auth::Settings { dialects, ..forward_auth::Settings::default() };
    for at_hand in [true, false] {
        let mut gate = Gate::with(&settings, at_hand);
        let (ada, clerk) = (gate.ticket("ada", &[]), gate.ticket("carl", &["clerk"]));
        let pipeline = std::mem::replace(&mut gate.world.pipeline, World::new().pipeline);
        gate.world.pipeline = pipeline.with_forward_auth(&forward, &settings.client_address).unwrap();
        let yes = asked(&gate, "GET", "/orders/1", &ada);
        assert_eq!(yes.status(), StatusCode::OK, "{yes:?}");
        assert!(yes.headers().contains_key("gabion-identity"));
        for (method, path, ticket, status) in [
            ("GET", "/orders/2", &ada, StatusCode::NOT_FOUND),
            ("GET", "/orders/99", &ada, StatusCode::NOT_FOUND),
            ("GET", "/order?id=1", &ada, StatusCode::OK),
            ("GET", "/order?id=2", &ada, StatusCode::NOT_FOUND),
            // Nobody would take the members out.
            ("GET", "/orders/2", &clerk, StatusCode::BAD_GATEWAY),
            // The body that names the order stays with the proxy.
            ("POST", "/refunds", &ada, StatusCode::FORBIDDEN),
        ] {
            let answer = asked(&gate, method, path, ticket);
            assert_eq!(answer.status(), status, "{method} {path}");
            assert!(status == StatusCode::OK || !answer.headers().contains_key("gabion-identity"));
        }
        assert_eq!(gate.shop.asked.load(Ordering::Relaxed), if at_hand { 0 } else { 6 });
        *gate.shop.fails.lock().unwrap() = (!at_hand).then_some(Unknown::TimedOut);
        let status = if at_hand { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        assert_eq!(asked(&gate, "GET", "/orders/1", &ada).status(), status);
    }
}

#[test]
fn what_cannot_be_found_out_is_no_permission() {
    let gate = Gate::with(&Settings::default(), false);
    let ada = gate.ticket("ada", &[]);
    for error in [Unknown::TimedOut, Unknown::Status(500), Unknown::Unusable("x"), Unknown::LeftAlone] {
        *gate.shop.fails.lock().unwrap() = Some(error);
        let answer = gate.get("/orders/1", &ada).answer();
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(answer.headers()["retry-after"], "1");
    }
    // Where nobody can wait, nobody is let in either.
    *gate.shop.fails.lock().unwrap() = None;
    assert_eq!(
        gate.world.send(with_ticket(get("/orders/1"), &ada)).status(),
        StatusCode::INTERNAL_SERVER_ERROR
    );
}

/// What the application answers, after it was looked into.
fn answered(gate: &Gate, sent: Sent, kind: &str, body: &str) -> Result<String, StatusCode> {
    let mut admitted = sent.admitted();
    let answer =
        Response::builder().header("content-type", kind).header("etag", "\"whole\"").body(()).unwrap();
    let (mut head, ()) = answer.into_parts();
    if gate.world.pipeline.look(&mut admitted.exchange, &head).is_none() {
        return Ok(body.to_owned());
    }
    let seen = Seen { bytes: body.as_bytes(), complete: true };
    match gate.world.pipeline.inspect(&mut admitted.exchange, &mut head, &seen) {
        Ok(None) => Ok(body.to_owned()),
        Ok(Some(masked)) => {
            assert_eq!(head.headers["content-length"], masked.len().to_string());
            assert!(!head.headers.contains_key("etag"), "it tells the whole document");
            Ok(String::from_utf8(masked.to_vec()).unwrap())
        }
        Err(found) => {
            let (denial, check) = *found;
            assert_eq!(check, "policy");
            Err(denial.status)
        }
    }
}

#[test]
fn masked_members_never_leave_and_what_cannot_be_read_leaves_not_at_all() {
    let gate = Gate::new();
    let body = r#"{"id":2,"card":"4111","items":[{"sku":"a","cost":1.10},{"sku":"b","cost":2}]}"#;
    let clerk = gate.ticket("carl", &["clerk"]);
    let fields = [("range", "bytes=0-1"), ("accept-encoding", "gzip")];
    let sent = gate.send(with_ticket(request("GET", "/orders/2", &fields), &clerk));
    let admitted = sent.admitted();
    assert!(!admitted.head.headers.contains_key("range"), "a part cannot be read");
    let sent = || gate.get("/orders/2", &clerk);
    let masked = answered(&gate, sent(), "application/json", body).unwrap();
    assert_eq!(masked, r#"{"id":2,"items":[{"sku":"a"},{"sku":"b"}]}"#);
    for (kind, body) in [
        ("text/html", body),
        ("application/json", "{"),
        ("application/json", r#"{"card":1,"card":2}"#),
        ("text/plain", "card 4111"),
    ] {
        assert_eq!(answered(&gate, sent(), kind, body), Err(StatusCode::BAD_GATEWAY), "{kind} {body}");
    }
    let long = format!("[{}1]", "1,".repeat(600_000));
    assert_eq!(answered(&gate, sent(), "application/json", &long), Err(StatusCode::BAD_GATEWAY));
    // The owner sees everything.
    let bob = gate.ticket("bob", &[]);
    assert_eq!(answered(&gate, gate.get("/orders/2", &bob), "application/json", body).unwrap(), body);
}

#[test]
fn another_generation_decides_from_the_next_request_on() {
    let gate = Gate::new();
    let ada = gate.ticket("ada", &[]);
    assert_eq!(gate.get("/orders/1", &ada).status(), StatusCode::OK);
    let other = live("permit (principal in Role::\"clerk\", action, resource);", &routes());
    gate.live.store(other.load_full());
    assert_eq!(gate.get("/orders/1", &ada).status(), StatusCode::NOT_FOUND);
    gate.live.store(Arc::new(Policies::none()));
    assert_eq!(gate.get("/orders/1", &ada).status(), StatusCode::NOT_FOUND);
}

#[test]
fn a_route_without_policies_to_ask_is_closed() {
    let world = World::with(&Settings::default(), &routes());
    let (ada, _) = world.sign_in("ada", &[]);
    let status = world.send(with_ticket(get("/orders/1"), &ada)).status();
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
}

#[test]
fn everywhere_means_every_declared_route() {
    let mut settings = Settings::default();
    settings.policy.routes = Where::All;
    let gate = Gate::with(&settings, true);
    let ada = gate.ticket("ada", &[]);
    assert_eq!(gate.get("/free/x", &ada).status(), StatusCode::FORBIDDEN);
    assert_eq!(gate.get("/orders/1", &ada).status(), StatusCode::OK);
    assert_eq!(
        gate.get("/.gabion/account", &ada).status(),
        StatusCode::OK,
        "the gate's own pages are not asked about"
    );
}

#[test]
fn observing_lets_pass_and_records() {
    let mut settings = Settings::default();
    settings.policy.mode = Mode::Observe;
    let gate = Gate::with(&settings, true);
    let ada = gate.ticket("ada", &[]);
    let mut admitted = gate.get("/orders/2", &ada).admitted();
    let (mut head, ()) = Response::new(()).into_parts();
    gate.world.pipeline.response(&mut admitted.exchange, &mut head);
    let events = gate.world.events();
    let observed = events.iter().find(|event| event.action == "request.observed").unwrap();
    assert_eq!(observed.metadata["policy.effect"], "deny");
}

#[test]
fn what_is_on_trial_is_counted_and_recorded_and_changes_nothing() {
    let gate = Gate::new();
    let trial = format!(
        "{POLICIES} @id(\"next-year\") @mode(\"dry_run\") forbid (principal, action == Action::\"readOrder\", resource) \
         when {{ context.acr < 2 }};"
    );
    gate.live.store(live(&trial, &routes()).load_full());
    let counted = || {
        let metrics = gate.world.pipeline.metrics();
        let of = |verdict| {
            metrics
                .iter()
                .find(|one| one.check == "policy" && one.verdict == verdict)
                .map_or(0, |one| one.count)
        };
        (of(Verdict::Observed), of(Verdict::Refused))
    };
    let (ada, (bob, _)) =
        (gate.ticket("ada", &[]), gate.world.sign_in_by("bob", &[], Methods::PASSWORD.with(Methods::TOTP)));
    let mut admitted = gate.get("/orders/1", &ada).admitted();
    assert_eq!(counted(), (1, 0));
    let (mut head, ()) = Response::new(()).into_parts();
    gate.world.pipeline.response(&mut admitted.exchange, &mut head);
    assert_eq!(gate.get("/orders/2", &bob).status(), StatusCode::OK);
    assert_eq!(counted(), (1, 0), "two factors are not on trial");
    let events = gate.world.events();
    let observed = events.iter().find(|event| event.action == "request.observed").unwrap();
    assert_eq!(observed.reason.as_deref(), Some("on trial, `next-year` would deny it"));
    let marks = ["policy.effect", "policy.dry-run", "policy.dry-run-policies", "check"];
    assert_eq!(marks.map(|name| &*observed.metadata[name]), ["allow", "deny", "next-year", "policy"]);
}

#[test]
fn a_decision_is_recorded_so_that_it_can_be_asked_again() {
    let gate = Gate::new();
    let ada = gate.ticket("ada", &[]);
    for path in ["/orders/1", "/orders/1", "/orders/2", "/orders/2"] {
        if let Sent::Admitted(mut admitted) = gate.get(path, &ada) {
            let (mut head, ()) = Response::new(()).into_parts();
            head.headers.insert("content-type", HeaderValue::from_static("text/plain"));
            gate.world.pipeline.response(&mut admitted.exchange, &mut head);
        }
    }
    let events = gate.world.events();
    let allowed: Vec<_> = events.iter().filter(|event| event.kind == EventKind::Decision).collect();
    assert_eq!(allowed.len(), 1, "the same again is no news: {allowed:?}");
    assert_eq!(
        (allowed[0].action.as_str(), allowed[0].resource.as_str()),
        ("decision.allowed", "Order::\"1\"")
    );
    let recorded = Recorded::read(&allowed[0].metadata).unwrap();
    assert_eq!(
        (&*recorded.question.action, recorded.policies.as_slice()),
        ("readOrder", &["owners-read".to_owned()][..])
    );
    assert_eq!(recorded.question.resource, gate.shop.orders["1"]);
    assert_eq!(&**recorded.question.principal.id(), "id-ada");
    let refused = events.iter().find(|event| event.action == "request.refused").unwrap();
    let recorded = Recorded::read(&refused.metadata).unwrap();
    assert_eq!((recorded.effect.as_str(), &*recorded.question.resource.entity.id), ("deny", "2"));
    assert_eq!(recorded.generation, gate.live.load().generation().to_string());
    let lines = gate.world.log.all();
    assert!(lines[0].contains("decision: Some((true, [PolicyId(\"owners-read\")]))"), "{}", lines[0]);
    assert!(lines[2].contains("decision: Some((false, []))"), "{}", lines[2]);
}

#[test]
fn only_refusals_are_recorded_where_that_is_asked_for() {
    let mut settings = Settings::default();
    settings.policy.record = RecordWhat::Denied;
    let gate = Gate::with(&settings, true);
    let ada = gate.ticket("ada", &[]);
    let mut admitted = gate.get("/orders/1", &ada).admitted();
    let (mut head, ()) = Response::new(()).into_parts();
    gate.world.pipeline.response(&mut admitted.exchange, &mut head);
    gate.get("/orders/2", &ada).answer();
    let events = gate.world.events();
    assert!(events.iter().all(|event| event.kind != EventKind::Decision));
    assert!(events.iter().any(|event| event.metadata.contains_key("policy.resource")));
}

#[test]
fn what_is_wrong_with_a_route_is_told() {
    let paths = |path: &str, policy: RoutePolicy| {
        policy.problems(path).into_iter().map(|problem| problem.path).collect::<Vec<_>>()
    };
    let about = || RoutePolicy { resource: Some("Order".to_owned()), ..RoutePolicy::default() };
    assert_eq!(paths("/orders/{order}", about()), [""; 0]);
    assert_eq!(paths("/orders", about()), ["id"]);
    let id = |text: &str| RoutePolicy { id: Some(text.to_owned()), ..about() };
    for good in
        ["path.order", "query.id", "body:/order", "body:/a~1b/id", "claim.account", "claim.tenant", "text:1"]
    {
        assert_eq!(paths("/orders/{order}", id(good)), [""; 0], "{good}");
    }
    for bad in
        ["path.other", "query.", "body:", "body:order", "body:/a~2", "claim.roles", "order", "", "header.x"]
    {
        assert_eq!(paths("/orders/{order}", id(bad)), ["id"], "{bad}");
    }
    let mut route = Route::new("/refunds", Access::SignedIn, "app");
    route.policy = Some(id("body:/order"));
    assert_eq!(route.problems(), []);
    route.methods = vec!["GET".to_owned(), "HEAD".to_owned()];
    let told: Vec<_> = route.problems().into_iter().map(|problem| problem.path).collect();
    assert_eq!(told, ["policy"], "there is never a body");
    let idle = RoutePolicy { tenant: Some("claim.tenant".to_owned()), ..RoutePolicy::default() };
    assert_eq!(paths("/orders", idle), ["tenant"]);
    let off = |reason: &str| RoutePolicy { off: Some(reason.to_owned()), ..RoutePolicy::default() };
    assert_eq!(paths("/x", off("assets")), [""; 0]);
    assert_eq!(paths("/x", off(" ")), ["off"]);
    assert_eq!(paths("/x/{y}", RoutePolicy { off: Some("x".to_owned()), ..about() }), ["off"]);
}
