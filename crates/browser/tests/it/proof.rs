//! A payload that runs says so, with where it ran; one that does not run says nothing.

use axum::Router;
use axum::extract::Query;
use axum::http::header;
use axum::response::Html;
use axum::routing::get;
use gabion_browser::Call;
use std::collections::HashMap;

use crate::harness::{Site, browser, patience, until};

fn echo() -> Router {
    let said = |query: &HashMap<String, String>| query.get("q").cloned().unwrap_or_default();
    Router::new()
        .route("/raw", get(async move |Query(query): Query<HashMap<String, String>>| Html(said(&query))))
        .route(
            "/escaped",
            get(async move |Query(query): Query<HashMap<String, String>>| {
                Html(said(&query).replace('&', "&amp;").replace('<', "&lt;").replace('\'', "&#39;"))
            }),
        )
        .route(
            "/policy",
            get(async move |Query(query): Query<HashMap<String, String>>| {
                ([(header::CONTENT_SECURITY_POLICY, "script-src 'self'")], Html(said(&query)))
            }),
        )
        .route("/frame", get(async || Html("<iframe src='/raw?q=%3Cscript%3Eran(%22framed%22)%3C/script%3E'></iframe>")))
        .route(
            "/across",
            get(async |Query(query): Query<HashMap<String, String>>| {
                Html(format!("<iframe sandbox='allow-scripts' src='{}'></iframe><iframe src='{0}'></iframe>", query["to"]))
            }),
        )
        .route(
            "/worker",
            get(async || Html("<script>new Worker(URL.createObjectURL(new Blob(['ran(\"worker\")'])))</script>")),
        )
        .route(
            "/popup",
            get(async || Html("<button id=b onclick=\"window.open('/raw?q=%3Cscript%3Eran(%22popup%22)%3C/script%3E')\">b</button>")),
        )
}

const SCRIPT: &str = "%3Cscript%3Eran(%22ID%22)%3C/script%3E";
const IMAGE: &str = "%3Cimg%20src%3Dx%20onerror%3Dran(%22ID%22)%3E";

async fn calls(site: &Site, path: &str, click: Option<&str>) -> Option<Vec<Call>> {
    let browser = browser(&[site]).await?;
    let context = browser.context().await.unwrap();
    let page = context.page().await.unwrap();
    page.binding("ran");
    page.goto(&site.url(path), patience()).await.unwrap();
    if let Some(selector) = click {
        page.click(selector).await.unwrap();
        until("the popup's script", || !context.recorded().calls.is_empty()).await;
    }
    Some(context.recorded().calls)
}

#[tokio::test]
async fn a_payload_that_runs_is_proved_and_one_that_does_not_is_silent() {
    let site = Site::start(echo()).await;
    let Some(browser) = browser(&[&site]).await else { return };
    let context = browser.context().await.unwrap();
    let page = context.page().await.unwrap();
    page.binding("ran");
    for (number, (route, payload, runs)) in [
        ("raw", SCRIPT, true),
        ("raw", IMAGE, true),
        ("escaped", SCRIPT, false),
        ("escaped", IMAGE, false),
        ("policy", SCRIPT, false),
        ("policy", IMAGE, false),
    ]
    .into_iter()
    .enumerate()
    {
        let id = format!("test-{number}");
        let url = site.url(&format!("/{route}?q={}", payload.replace("ID", &id)));
        page.goto(&url, patience()).await.unwrap();
        let ran = page.recorded().calls.iter().find(|call| call.payload == id).cloned();
        assert_eq!(ran.is_some(), runs, "{route} {payload}");
        if let Some(call) = ran {
            assert_eq!((call.name.as_str(), call.origin), ("ran", site.url("")));
            assert_eq!(call.frame, url);
        }
    }
}

#[tokio::test]
async fn a_frame_of_the_site_proves_itself() {
    let site = Site::start(echo()).await;
    let Some(calls) = calls(&site, "/frame", None).await else { return };
    assert_eq!((calls[0].payload.as_str(), calls[0].origin.clone()), ("framed", site.url("")));
    assert!(calls[0].frame.starts_with(&site.url("/raw?q=")));
}

#[tokio::test]
async fn frames_of_another_site_and_opaque_ones_are_told_apart() {
    let site = Site::start(echo()).await;
    let to = site.named("victim.test", "/raw?q=%253Cscript%253Eran(%2522x%2522)%253C/script%253E");
    let attack = format!("/across?to={to}");
    let Some(browser) = browser(&[&site]).await else { return };
    let context = browser.context().await.unwrap();
    let page = context.page().await.unwrap();
    page.binding("ran");
    page.goto(&site.named("attacker.test", &attack), patience()).await.unwrap();
    until("both frames", || context.recorded().calls.len() == 2).await;
    let mut origins: Vec<String> = context.recorded().calls.into_iter().map(|call| call.origin).collect();
    origins.sort();
    assert_eq!(origins[1], site.named("victim.test", ""));
    assert_ne!(origins[0], origins[1], "the sandboxed frame has no origin of a site");
}

#[tokio::test]
async fn workers_and_popups_prove_themselves() {
    let site = Site::start(echo()).await;
    let Some(browser) = browser(&[&site]).await else { return };
    let context = browser.context().await.unwrap();
    let page = context.page().await.unwrap();
    page.binding("ran");
    page.goto(&site.url("/worker"), patience()).await.unwrap();
    until("the worker", || page.recorded().payloads("ran").any(|payload| payload == "worker")).await;
    drop(page);
    let Some(calls) = calls(&site, "/popup", Some("#b")).await else { return };
    assert_eq!(calls[0].payload, "popup");
}

#[tokio::test]
async fn what_waits_for_a_person_is_fired_and_nothing_else() {
    let payload = "%3Cp%20onmouseover%3Dran(%22over-ID%22)%3Ea%3C/p%3E%3Ca%20href%3D%22javascript:ran('link-ID')%22%3Eb%3C/a%3E\
        %3Cinput%20onfocus%3Dran(%22focus-ID%22)%3E%3Cform%20action%3D%22java%09script:ran('form-ID')%22%3E%3C/form%3E\
        %3Cdetails%20ontoggle%3Dran(%22toggle-ID%22)%3E%3C/details%3E%3Cb%20onclick%3Dran(%22own%22)%3Ec%3C/b%3E";
    let site = Site::start(echo()).await;
    let Some(browser) = browser(&[&site]).await else { return };
    let context = browser.context().await.unwrap();
    let page = context.page().await.unwrap();
    page.binding("ran");
    for (route, runs) in [("raw", true), ("escaped", false), ("policy", false)] {
        let id = format!("id{route}");
        page.goto(&site.url(&format!("/{route}?q={}", payload.replace("ID", &id))), patience())
            .await
            .unwrap();
        let fired = page.provoke(&id).await.unwrap();
        page.settle(patience()).await.unwrap();
        assert_eq!(fired > 0, route != "escaped");
        let calls = page.recorded().calls;
        let ran = |what: &str| calls.iter().any(|call| call.payload == format!("{what}-{id}"));
        for what in ["over", "link", "focus", "form", "toggle"] {
            assert_eq!(ran(what), runs, "{route} {what}: {calls:?}");
        }
        assert!(
            !calls.iter().any(|call| call.payload == "own"),
            "what does not carry the marker is left alone"
        );
    }
}
