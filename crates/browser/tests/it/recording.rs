//! Everything a page asks for is on record.

use axum::extract::Query;
use axum::extract::ws::{Message, WebSocketUpgrade};
use axum::http::header;
use axum::response::{Html, Redirect};
use axum::routing::{get, post};
use axum::{Json, Router};
use gabion_browser::{Limits, Outcome, Settled};
use serde_json::{Value, json};
use std::collections::HashMap;

use crate::harness::{Site, TIME, browser, limited, page, patience, until};

#[tokio::test]
async fn requests_answers_and_redirects_are_recorded() {
    let router = page(
        "/",
        "<script>
           fetch('/api/items', {method: 'POST', headers: {'content-type': 'application/json', 'x-own': '1'}, body: '{\"a\":1}'});
           fetch('/first').then((r) => r.text());
           const x = new XMLHttpRequest(); x.open('DELETE', '/api/items/1'); x.send();
         </script><img src=/none.png>",
    )
    .route(
        "/api/items",
        post(async || ([(header::SET_COOKIE, "s=1; HttpOnly")], Json(json!({ "id": 1, "secret": "x" })))),
    )
    .route("/api/items/{id}", axum::routing::delete(async || axum::http::StatusCode::NO_CONTENT))
    .route("/first", get(async || Redirect::temporary("/second")))
    .route("/second", get(async || "end"));
    let site = Site::start(router).await;
    let Some(browser) = browser(&[&site]).await else { return };
    let context = browser.context().await.unwrap();
    let page = context.page().await.unwrap();
    let landed = page.goto(&site.url("/"), patience()).await.unwrap();
    assert_eq!(landed.settled, Settled::Quiet);
    until("the body", || page.recorded().exchanges.iter().any(|one| one.body.is_some())).await;
    let recorded = page.recorded();
    let of = |path: &str| {
        let url = site.url(path);
        recorded
            .exchanges
            .iter()
            .find(|one| one.url == url)
            .unwrap_or_else(|| panic!("{path}: {recorded:#?}"))
    };
    let document = of("/");
    assert_eq!(
        (document.resource.as_str(), document.status, document.mime.as_str()),
        ("Document", Some(200), "text/html")
    );
    let made = of("/api/items");
    assert_eq!((made.method.as_str(), made.resource.as_str(), made.status), ("POST", "Fetch", Some(200)));
    assert_eq!((made.sent.as_deref(), made.header("x-own")), (Some("{\"a\":1}"), Some("1")));
    assert_eq!(made.answer_header("set-cookie"), Some("s=1; HttpOnly"));
    let body: Value = serde_json::from_str(made.body.as_deref().unwrap()).unwrap();
    assert_eq!(body, json!({ "id": 1, "secret": "x" }));
    let gone = of("/api/items/1");
    assert_eq!((gone.method.as_str(), gone.resource.as_str(), gone.status), ("DELETE", "XHR", Some(204)));
    assert_eq!((of("/first").status, &of("/first").outcome), (Some(307), &Outcome::Redirected));
    assert_eq!((of("/second").status, &of("/second").outcome), (Some(200), &Outcome::Finished));
    assert_eq!(of("/none.png").status, Some(404));
    assert_eq!(recorded.api().count(), 4);
    assert_eq!(context.take_recorded().exchanges.len(), recorded.exchanges.len());
    assert_eq!(context.recorded().exchanges, []);
}

#[tokio::test]
async fn cookies_that_did_not_travel_are_named() {
    let router = page("/", "<p>in</p>")
        .route(
            "/login",
            get(async || {
                let set = |cookie: &'static str| (header::SET_COOKIE, cookie);
                (
                    axum::response::AppendHeaders([
                        set("strict=1; SameSite=Strict"),
                        set("lax=1; SameSite=Lax"),
                        set("secure=1; SameSite=None; Secure"),
                    ]),
                    "in",
                )
            }),
        )
        .route("/do", post(async || "done"))
        .route(
            "/attack",
            get(async |Query(query): Query<HashMap<String, String>>| {
                Html(format!(
                    "<form method=post action='{}'></form><script>document.forms[0].submit()</script>",
                    query["to"]
                ))
            }),
        );
    let site = Site::start(router).await;
    let Some(browser) = browser(&[&site]).await else { return };
    let context = browser.context().await.unwrap();
    let page = context.page().await.unwrap();
    page.goto(&site.named("victim.test", "/login"), patience()).await.unwrap();
    let login = page.recorded().exchanges[0].clone();
    assert!(login.blocked_cookies.iter().any(|one| one.name == "secure" && !one.sending), "{login:?}");
    let to = site.named("victim.test", "/do");
    let attack = site.named("attacker.test", &format!("/attack?to={to}"));
    let landed = page.goto(&attack, patience()).await.unwrap();
    assert_eq!(landed.url, to, "the form was sent");
    let request = || page.recorded().exchanges.into_iter().find(|one| one.url == to).unwrap();
    until("what was not sent is told", || request().blocked_cookies.len() == 2).await;
    let sent = request();
    assert_eq!(sent.method, "POST");
    assert_eq!(sent.header("cookie"), None, "neither is sent across sites by POST: {:?}", sent.headers);
    let mut blocked: Vec<_> =
        sent.blocked_cookies.iter().map(|one| (one.name.as_str(), one.reasons.join(","))).collect();
    blocked.sort();
    let [(lax, lax_why), (strict, strict_why)] = blocked.as_slice() else { panic!("{blocked:?}") };
    assert!(*lax == "lax" && lax_why.contains("SameSiteLax"), "{blocked:?}");
    assert!(*strict == "strict" && strict_why.contains("SameSiteStrict"), "{blocked:?}");
    // The same request from the site itself carries both.
    let own = format!("fetch('{to}', {{method: 'POST'}}).then((r) => r.status)");
    assert_eq!(page.evaluate(&own, TIME).await.unwrap(), 200);
    let last = || page.recorded().exchanges.into_iter().rfind(|one| one.url == to).unwrap();
    until("what was sent is told", || last().header("cookie") == Some("strict=1; lax=1")).await;
}

#[tokio::test]
async fn websockets_are_recorded_with_their_frames() {
    let router = page(
        "/",
        "<script>const w = new WebSocket('ws://' + location.host + '/live');
         w.onopen = () => w.send('hello'); w.onmessage = (e) => document.title = e.data;</script>",
    )
    .route(
        "/live",
        get(async |upgrade: WebSocketUpgrade| {
            upgrade.on_upgrade(async |mut socket| {
                while let Some(Ok(Message::Text(text))) = socket.recv().await {
                    socket.send(Message::text(format!("you said {text}"))).await.unwrap();
                }
            })
        }),
    );
    let site = Site::start(router).await;
    let Some(browser) = browser(&[&site]).await else { return };
    let context = browser.context().await.unwrap();
    let page = context.page().await.unwrap();
    page.goto(&site.url("/"), patience()).await.unwrap();
    until("both frames", || page.recorded().sockets.first().is_some_and(|one| one.frames.len() == 2)).await;
    let socket = page.recorded().sockets[0].clone();
    assert_eq!(
        (socket.url.as_str(), socket.status, socket.in_scope),
        (site.url("/live").replace("http", "ws").as_str(), Some(101), true)
    );
    let frames: Vec<(bool, &str)> =
        socket.frames.iter().map(|frame| (frame.sent, frame.text.as_str())).collect();
    assert_eq!(frames, [(true, "hello"), (false, "you said hello")]);
}

#[tokio::test]
async fn the_record_is_bounded_and_requests_beyond_are_not_sent() {
    let site = Site::start(
        page("/", "<script>for (let i = 0; i < 60; i++) fetch('/n?' + i).catch(() => {})</script>")
            .route("/n", get(async || "n")),
    )
    .await;
    let limits = Limits { requests: 20, ..Limits::default() };
    let Some(browser) = limited(&[&site], limits).await else { return };
    let context = browser.context().await.unwrap();
    let page = context.page().await.unwrap();
    page.goto(&site.url("/"), patience()).await.unwrap();
    let recorded = context.recorded();
    assert_eq!(recorded.exchanges.len(), 20);
    assert!(recorded.dropped >= 40, "{}", recorded.dropped);
    assert!(site.asked().len() <= 20, "{}", site.asked().len());
}

#[tokio::test]
async fn what_workers_and_frames_ask_for_is_recorded() {
    let router = page("/", "<iframe src=/inner></iframe><script>new Worker('/worker.js')</script>")
        .route("/inner", get(async || Html("<script>fetch('/from-frame')</script>")))
        .route(
            "/worker.js",
            get(async || ([(header::CONTENT_TYPE, "text/javascript")], "fetch('/from-worker')")),
        )
        .fallback(async || "x");
    let site = Site::start(router).await;
    let Some(browser) = browser(&[&site]).await else { return };
    let context = browser.context().await.unwrap();
    let page = context.page().await.unwrap();
    page.goto(&site.url("/"), patience()).await.unwrap();
    let asked = |path: &str| {
        page.recorded().exchanges.iter().any(|one| one.url == site.url(path) && one.status == Some(200))
    };
    until("the frame's", || asked("/from-frame")).await;
    until("the worker's", || asked("/from-worker")).await;
}

#[tokio::test]
async fn routes_console_and_violations_are_recorded() {
    let router = Router::new().route(
        "/",
        get(async || {
            let policy = [(header::CONTENT_SECURITY_POLICY, "script-src 'nonce-a'")];
            let html = "<script nonce=a>history.pushState(0, '', '/one?q'); location.hash = 'two';
                console.log('said', {a: 1}, 7); alert('hello'); setTimeout(() => { throw new Error('broken') });</script>
                <script>document.title = 'inline'</script><img src=x onerror=\"document.title = 'handler'\">";
            (policy, Html(html))
        }),
    );
    let site = Site::start(router).await;
    let Some(browser) = browser(&[&site]).await else { return };
    let context = browser.context().await.unwrap();
    let page = context.page().await.unwrap();
    let landed = page.goto(&site.url("/"), patience()).await.unwrap();
    assert_eq!(landed.url, site.url("/one?q#two"));
    let done = || {
        let r = page.recorded();
        r.violations.len() >= 2 && r.console.iter().any(|one| one.level == "exception")
    };
    until("violations and the exception", done).await;
    let recorded = page.recorded();
    let routes: Vec<&str> = recorded.routes.iter().map(|one| one.url.as_str()).collect();
    assert_eq!(routes, [site.url("/one?q"), site.url("/one?q#two")]);
    assert!(recorded.console.iter().any(|one| one.text.starts_with("said ") && one.text.ends_with(" 7")));
    assert_eq!((recorded.dialogs[0].kind.as_str(), recorded.dialogs[0].message.as_str()), ("alert", "hello"));
    assert!(
        recorded.violations.iter().all(|one| !one.report_only && one.kind == "kInlineViolation"),
        "{:?}",
        recorded.violations
    );
    assert_ne!(page.evaluate("document.title", TIME).await.unwrap(), "inline");
}
