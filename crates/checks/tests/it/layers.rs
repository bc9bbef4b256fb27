//! Checks around a plain tower service.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use gabion_checks::{Access, Caller, CheckLayer, Connection, Route, Settings};
use gabion_model::SystemClock;
use gabion_model::random::SeededRng;
use http::{Request, Response};
use http_body_util::Full;
use tower::{Layer as _, Service, ServiceExt as _, service_fn};

use crate::world::*;

type Body = Full<Bytes>;

fn application() -> impl Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future: Send> {
    service_fn(async |request: Request<Body>| {
        let caller = request.extensions().get::<Caller>().cloned().unwrap();
        let name = caller.session.map_or("nobody".to_owned(), |session| session.principal.name.to_string());
        let status = if request.uri().path() == "/broken" { 500 } else { 200 };
        let answer = Response::builder().status(status).header("server", "x").header("set-cookie", "a=b");
        Ok(answer.body(Full::from(name)).unwrap())
    })
}

fn layer(names: &[&str]) -> CheckLayer {
    let routes = [Route::new("/*", Access::Public, "here")];
    CheckLayer::only(names, &Settings::default(), &routes, Arc::new(SystemClock), Arc::new(SeededRng::new(1)))
        .unwrap()
}

fn call(layer: &CheckLayer, request: Request<()>) -> Response<Body> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(layer.layer(application()).oneshot(request.map(|()| Full::default()))).unwrap()
}

#[test]
fn each_check_stands_alone() {
    let alone = |name: &str, request: Request<()>| call(&layer(&[name]), request);
    assert_eq!(alone("headers", get("/")).headers()["x-frame-options"], "SAMEORIGIN");
    assert!(!alone("headers", get("/")).headers().contains_key("gabion-request-id"));
    assert_eq!(alone("request_id", get("/")).headers()["gabion-request-id"].len(), 24);
    assert_eq!(alone("csrf", request("POST", "/", &[("origin", "https://evil.example")])).status(), 403);
    assert_eq!(alone("csrf", request("POST", "/", &[("origin", "https://shop.example")])).status(), 200);
    assert_eq!(alone("limits", request("POST", "/", &[("content-length", "05")])).status(), 400);
    assert_eq!(alone("normalise", get("/a/%2e%2e/b")).status(), 400);
    assert_eq!(alone("client_address", request("GET", "/", &[("x-forwarded-for", "junk")])).status(), 200);
    assert_eq!(alone("cookies", get("/")).headers()["set-cookie"], "a=b; HttpOnly; SameSite=Lax");
    assert_eq!(alone("errors", get("/broken")).headers()["content-type"], "application/problem+json");
    assert_eq!(alone("access", get("/anything")).status(), 200);
    assert_eq!(alone("cache", get("/")).status(), 200);
    assert_eq!(alone("redirect_https", get("/")).status(), 200);
    let preflight =
        request("OPTIONS", "/", &[("origin", "https://a.example"), ("access-control-request-method", "PUT")]);
    assert_eq!(alone("cors", preflight).status(), 204);
    let rate = layer(&["rate"]);
    let passed = (0..600).filter(|_| call(&rate, get("/")).status() == 200).count();
    assert!((500..600).contains(&passed), "{passed}");
}

#[test]
fn several_keep_their_order_and_unknown_names_are_refused() {
    let both = layer(&["csrf", "headers", "limits"]);
    let refused = call(&both, request("POST", "/", &[("origin", "https://evil.example")]));
    assert_eq!(refused.status(), 403);
    assert_eq!(refused.headers()["x-content-type-options"], "nosniff");
    let routes = [Route::new("/*", Access::Public, "here")];
    for name in ["session", "csfr"] {
        let made = CheckLayer::only(
            &[name],
            &Settings::default(),
            &routes,
            Arc::new(SystemClock),
            Arc::new(SeededRng::new(1)),
        );
        assert_eq!(made.unwrap_err()[0].path, name);
    }
}

#[test]
fn a_whole_pipeline_is_a_layer_too() {
    let world = World::new();
    let (ticket, _) = world.sign_in("alice", &[]);
    let World { pipeline, .. } = world;
    let layer = CheckLayer::new(Arc::new(pipeline));
    let connection: Connection = secure("203.0.113.9");
    let send = |mut request: Request<()>| {
        request.extensions_mut().insert(connection);
        let answer = call(&layer, request);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let status = answer.status().as_u16();
        let body = runtime.block_on(http_body_util::BodyExt::collect(answer.into_body())).unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    };
    assert_eq!(send(with_ticket(get("/account/x"), &ticket)), (200, "alice".to_owned()));
    assert_eq!(send(get("/account/x")).0, 401);
    assert_eq!(send(get("/shop/x")), (200, "nobody".to_owned()));
}
