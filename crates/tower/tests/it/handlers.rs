//! What handlers see: the extractor, layers in layers, and plain tower.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use bytes::Bytes;
use gabion_checks::{Access, CheckLayer, Route, Settings};
use gabion_model::SystemClock;
use gabion_model::random::SeededRng;
use gabion_tower::Principal;
use http::{Request, Response};
use http_body_util::Full;
use serde_json::json;
use tower::{Layer as _, ServiceExt as _, service_fn};

use crate::world::*;

async fn name(who: Principal) -> String {
    who.name.to_string()
}

async fn maybe(who: Option<Principal>) -> String {
    who.map_or("nobody".to_owned(), |who| who.name.to_string())
}

#[tokio::test]
async fn the_extractor_refuses_where_the_layer_lets_strangers_in() {
    let world = World::new();
    let bearer = world.gabion.bearer(RESOURCE).allow_strangers().clock(Arc::clone(&world.clock) as Arc<_>);
    let router = Router::new().route("/name", get(name)).route("/maybe", get(maybe));
    let application = Application::of(router.layer(bearer.layer().unwrap()));
    let stranger = application.at("/name", &[]).await;
    stranger.refused(401, "");
    assert_eq!(stranger.challenge, "Bearer realm=\"gabion\"");
    assert_eq!(application.at("/maybe", &[]).await.body, "nobody");
    let bearer = format!("Bearer {}", world.token(json!({})));
    assert_eq!(application.at("/name", &[("authorization", &bearer)]).await.body, "ada");
    assert_eq!(application.at("/maybe", &[("authorization", &bearer)]).await.body, "ada");
}

/// A handler that forgot its layer serves nobody.
#[tokio::test]
async fn without_a_layer_the_extractor_is_closed() {
    let application = Application::of(Router::new().route("/name", get(name)).route("/maybe", get(maybe)));
    let forged = [("gabion-identity", "x"), ("authorization", "Bearer x")];
    assert_eq!(application.at("/name", &forged).await.status, 500);
    assert_eq!(application.at("/maybe", &forged).await.body, "nobody");
}

/// Outside who may come at all, inside what one route asks for beside.
#[tokio::test]
async fn layers_stand_in_layers() {
    let world = World::new();
    let (bearer, clock) = (world.gabion.bearer(RESOURCE), || Arc::clone(&world.clock) as Arc<_>);
    let clerk = bearer.clone().role("clerk").clock(clock()).layer().unwrap();
    let boss = bearer.clone().role("boss").clock(clock()).layer().unwrap();
    let people = world.gabion.session("shop").clock(clock()).layer().unwrap();
    let keys = world.gabion.api_key().clock(clock()).layer().unwrap();
    let router = Router::new()
        .merge(Router::new().route("/clerk", get(name)).route_layer(clerk))
        .merge(Router::new().route("/boss", get(name)).route_layer(boss))
        .merge(Router::new().route("/people", get(name)).route_layer(people))
        .merge(Router::new().route("/keys", get(name)).route_layer(keys))
        .layer(bearer.clock(clock()).layer().unwrap());
    let application = Application::of(router);
    let bearer = format!("Bearer {}", world.token(json!({})));
    let shown = [("authorization", bearer.as_str())];
    assert_eq!(application.at("/clerk", &shown).await.body, "ada");
    application.at("/boss", &shown).await.refused(403, "");
    assert_eq!(application.at("/people", &shown).await.body, "ada", "who was let in is known further in");
    application.at("/keys", &shown).await.refused(401, "");
    application.at("/clerk", &[]).await.refused(401, "");
}

#[tokio::test]
async fn plain_tower_finds_the_principal_in_the_extensions() {
    let world = World::new();
    let layer = world.gabion.bearer(RESOURCE).clock(Arc::clone(&world.clock) as Arc<_>).layer().unwrap();
    let service = layer.layer(service_fn(|request: Request<Full<Bytes>>| {
        let name = request.extensions().get::<Principal>().unwrap().name.to_string();
        std::future::ready(Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(name))))
    }));
    let send = async |token: &str| {
        let request = Request::get("/").header("authorization", format!("Bearer {token}"));
        service.clone().oneshot(request.body(Full::default()).unwrap()).await.unwrap().status().as_u16()
    };
    assert_eq!(send(&world.token(json!({}))).await, 200);
    assert_eq!(send("x").await, 401);
}

/// Behind the checks of a pipeline the extractor sees whom they let pass: here nobody.
#[tokio::test]
async fn behind_checks_the_extractor_works_too() {
    let routes = [Route::new("/*", Access::Public, "here")];
    let (clock, rng) = (Arc::new(SystemClock), Arc::new(SeededRng::new(1)));
    let checks = CheckLayer::only(&["headers"], &Settings::default(), &routes, clock, rng).unwrap();
    let router: Router = Router::new().route("/maybe", get(maybe)).layer(checks);
    let request = Request::get("/maybe").header("host", "shop.example").body(Body::empty()).unwrap();
    let answer = Answer::of(router.oneshot(request).await.unwrap()).await;
    assert_eq!(answer.body, "nobody");
    assert_eq!(answer.headers["x-content-type-options"], "nosniff");
}
