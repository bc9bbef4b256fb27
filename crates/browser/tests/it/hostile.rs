//! Pages that mean harm: each ends in time, says what happened, and the browser is there afterwards.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Query;
use axum::http::header;
use axum::response::{Html, IntoResponse, Redirect};
use axum::routing::{get, post};
use futures_util::stream;
use gabion_browser::{Browser, BrowserError, Context, Limits, Lost, Page, Patience, Settled};
use rustix::process::{Pid, Signal, kill_process};
use std::collections::HashMap;
use tokio::time::Instant;

use crate::harness::{Site, TIME, browser, limited, page, until};

/// As long as these pages are waited for.
const SHORT: Duration = Duration::from_secs(3);

fn short() -> Patience {
    Patience { settle: Duration::from_secs(1), ..Patience::within(SHORT) }
}

/// The page can still be used, or a new one can.
async fn still_works(context: &Context, site: &Site) {
    let page = context.page().await.unwrap();
    let landed = page.goto(&site.url("/fine"), Patience::within(TIME)).await.unwrap();
    assert_eq!(landed.status, Some(200));
    assert!(page.html().await.unwrap().contains("fine"));
}

fn with(html: &'static str) -> Router {
    page("/", html).route("/fine", get(async || Html("<p>fine</p>")))
}

async fn open(site: &Site) -> Option<(Browser, Context, Page)> {
    let browser = browser(&[site]).await?;
    let context = browser.context().await.unwrap();
    let page = context.page().await.unwrap();
    Some((browser, context, page))
}

#[tokio::test]
async fn endless_redirects_end() {
    let next = async |Query(query): Query<HashMap<String, u64>>| {
        Redirect::to(&format!("/?n={}", query.get("n").unwrap_or(&0) + 1))
    };
    let router = Router::new()
        .route("/", get(next))
        .route("/fine", get(async || Html("fine")))
        .route("/script", get(async || Html("<script>location = '/script?' + Math.random()</script>")))
        .route("/meta", get(async || Html("<meta http-equiv=refresh content=0>")));
    let site = Site::start(router).await;
    let Some((_browser, context, page)) = open(&site).await else { return };
    let error = page.goto(&site.url("/"), short()).await.unwrap_err();
    assert!(error.to_string().contains("ERR_TOO_MANY_REDIRECTS"), "{error}");
    assert!(site.asked().len() < 30);
    for path in ["/script", "/meta"] {
        let began = Instant::now();
        let landed = page.goto(&site.url(path), short()).await;
        assert!(began.elapsed() < SHORT + TIME, "{path}: {landed:?}");
        assert!(landed.is_ok_and(|landed| landed.settled != Settled::Quiet), "{path}");
    }
    still_works(&context, &site).await;
}

#[tokio::test]
async fn a_script_that_never_ends_is_ended() {
    let site = Site::start(
        with("<script>while (true) {}</script>")
            .route("/later", get(async || Html("<script>setTimeout(() => { while (true) {} }, 50)</script>")))
            .route(
                "/tasks",
                get(async || Html("<script>const f = () => { queueMicrotask(f) }; f()</script>")),
            ),
    )
    .await;
    let Some((_browser, context, page)) = open(&site).await else { return };
    for path in ["/", "/later", "/tasks"] {
        let page = context.page().await.unwrap();
        let landed = page.goto(&site.url(path), short()).await;
        if let Ok(landed) = &landed {
            assert_ne!(landed.settled, Settled::Busy, "{path}");
        }
        // Whether it was ended or had to be closed, it is said.
        let html = page.html().await;
        let told = landed.is_ok_and(|landed| landed.settled == Settled::Endless)
            || matches!(html, Err(BrowserError::TimedOut { .. } | BrowserError::PageLost(Lost::Stuck)));
        assert!(told, "{path}: {html:?}");
    }
    let error = page.evaluate("while (true) {}", Duration::from_millis(500)).await.unwrap_err();
    assert!(matches!(error, BrowserError::TimedOut { .. }), "{error}");
    assert_eq!(page.evaluate("1 + 1", TIME).await.unwrap(), 2, "the page is there afterwards");
    still_works(&context, &site).await;
}

#[tokio::test]
async fn dialogs_are_dismissed_and_a_storm_of_them_closes_the_page() {
    let site = Site::start(with("<script>for (;;) alert('again')</script>").route(
        "/three",
        get(async || {
            Html("<script>document.title = [alert('a'), confirm('b'), prompt('c')].join()</script>")
        }),
    ))
    .await;
    let Some((_browser, context, page)) = open(&site).await else { return };
    page.goto(&site.url("/three"), short()).await.unwrap();
    assert_eq!(page.evaluate("document.title", TIME).await.unwrap(), ",false,");
    let kinds: Vec<String> = page.recorded().dialogs.into_iter().map(|dialog| dialog.kind).collect();
    assert_eq!(kinds, ["alert", "confirm", "prompt"]);
    let error = page.goto(&site.url("/"), short()).await.unwrap_err();
    assert!(matches!(error, BrowserError::PageLost(Lost::Dialogs)), "{error}");
    assert_eq!(page.lost(), Some(Lost::Dialogs));
    assert!(context.recorded().dialogs.len() < 50);
    still_works(&context, &site).await;
}

#[tokio::test]
async fn who_asks_whether_to_leave_is_left() {
    let site = Site::start(with(
        "<button id=b>b</button><script>onbeforeunload = (e) => { e.preventDefault(); e.returnValue = 'stay'; return 'stay' };
         onunload = () => { for (let i = 0; i < 1e8; i++); }</script>",
    ))
    .await;
    let Some((_browser, _context, page)) = open(&site).await else { return };
    page.goto(&site.url("/"), short()).await.unwrap();
    page.click("#b").await.unwrap();
    let landed = page.goto(&site.url("/fine"), Patience::within(TIME)).await.unwrap();
    assert_eq!(landed.url, site.url("/fine"));
    assert_eq!(page.recorded().dialogs[0].kind, "beforeunload");
}

#[tokio::test]
async fn a_crashed_page_is_said() {
    let site = Site::start(with("<p>soon gone</p>")).await;
    let Some((browser, context, first)) = open(&site).await else { return };
    drop(first);
    // Killed from outside, as for want of memory; and of its own fault.
    for signal in [Signal::KILL, Signal::SEGV] {
        let page = context.page().await.unwrap();
        page.goto(&site.url("/"), short()).await.unwrap();
        for pid in renderers(browser.group().unwrap()) {
            kill_process(pid, signal).unwrap();
        }
        until("the crash", || page.lost().is_some()).await;
        assert_eq!(page.lost(), Some(Lost::Crashed));
        assert!(matches!(page.html().await, Err(BrowserError::PageLost(Lost::Crashed))));
        still_works(&context, &site).await;
    }
}

/// The processes of a browser in which pages live.
fn renderers(group: i32) -> Vec<Pid> {
    let group = group.to_string();
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter(|process| {
            let read = |file: &str| std::fs::read_to_string(process.path().join(file)).unwrap_or_default();
            let stat = read("stat");
            let of_group = stat
                .rsplit_once(')')
                .is_some_and(|(_, rest)| rest.split_whitespace().nth(2) == Some(group.as_str()));
            of_group && read("cmdline").contains("--type=renderer")
        })
        .filter_map(|process| Pid::from_raw(process.file_name().to_string_lossy().parse().ok()?))
        .collect()
}

#[tokio::test]
async fn endless_and_huge_answers_are_bounded() {
    let piece = || Bytes::from("<p>a line of text</p>\n".repeat(3_000));
    let endless = move || {
        let body = stream::repeat_with(move || Ok::<_, Infallible>(piece()));
        ([(header::CONTENT_TYPE, "text/html")], Body::from_stream(body)).into_response()
    };
    let trickle = || {
        let body = stream::once(async { Ok::<_, Infallible>(Bytes::from_static(b"<p>begun")) });
        use futures_util::StreamExt;
        ([(header::CONTENT_TYPE, "text/html")], Body::from_stream(body.chain(stream::pending())))
            .into_response()
    };
    let events = || {
        let body = stream::once(async { Ok::<_, Infallible>(Bytes::from_static(b"data: 1\n\n")) });
        use futures_util::StreamExt;
        ([(header::CONTENT_TYPE, "text/event-stream")], Body::from_stream(body.chain(stream::pending())))
            .into_response()
    };
    let huge = move || {
        let body = stream::iter((0..1_600).map(move |_| Ok::<_, Infallible>(piece())));
        ([(header::CONTENT_TYPE, "text/html")], Body::from_stream(body)).into_response()
    };
    let json = || {
        let body = stream::iter((0..320).map(|_| Ok::<_, Infallible>(Bytes::from_static(&[b'1'; 64 << 10]))));
        ([(header::CONTENT_TYPE, "application/json")], Body::from_stream(body)).into_response()
    };
    let router =
        with("<script>new EventSource('/events'); fetch('/events'); fetch('/json').catch(() => {})</script>")
            .route("/endless", get(async move || endless()))
            .route("/trickle", get(async move || trickle()))
            .route("/events", get(async move || events()))
            .route("/huge", get(async move || huge()))
            .route("/json", get(async move || json()))
            .route("/never", get(std::future::pending::<()>));
    let site = Site::start(router).await;
    let Some((_browser, context, page)) = open(&site).await else { return };
    assert_eq!(page.goto(&site.url("/"), Patience::within(TIME)).await.unwrap().settled, Settled::Quiet);
    let exchanges = page.recorded().exchanges;
    assert!(exchanges.iter().all(|one| one.body.as_ref().is_none_or(|body| body.len() <= 256 << 10)));
    let landed = page.goto(&site.url("/trickle"), short()).await.unwrap();
    assert_eq!(landed.settled, Settled::Unfinished);
    assert!(page.html().await.unwrap().contains("begun"));
    let error = page.goto(&site.url("/never"), short()).await.unwrap_err();
    assert!(error.to_string().contains("no answer in time"), "{error}");
    for path in ["/huge", "/endless"] {
        let page = context.page().await.unwrap();
        let began = Instant::now();
        let landed = page.goto(&site.url(path), Patience::within(TIME)).await;
        assert!(began.elapsed() < TIME + TIME, "{path}: {landed:?}");
        // A slow machine takes too long to lay out what came; that is said too.
        match landed {
            Ok(landed) => {
                assert!(
                    matches!(landed.settled, Settled::Unfinished | Settled::Endless),
                    "{path}: {landed:?}"
                );
                assert!(page.html().await.is_ok_and(|html| html.len() <= 4 << 20));
            }
            Err(error) => assert!(matches!(error, BrowserError::PageLost(Lost::Stuck)), "{error}"),
        }
    }
    drop(page);
    still_works(&context, &site).await;
}

#[tokio::test]
async fn huge_values_do_not_end_the_browser() {
    let site = Site::start(
        with("<p>p</p>")
            .route("/post", post(async || "taken").layer(axum::extract::DefaultBodyLimit::disable())),
    )
    .await;
    let Some((_browser, context, page)) = open(&site).await else { return };
    page.binding("ran");
    page.goto(&site.url("/"), short()).await.unwrap();
    let error = page.evaluate("'x'.repeat(6e7)", Duration::from_secs(5)).await.unwrap_err();
    assert!(matches!(error, BrowserError::TimedOut { .. }), "{error}");
    page.evaluate(
        "ran('y'.repeat(1e6)); console.log('z'.repeat(1e6)); document.title = 't'.repeat(1e6); 1",
        TIME,
    )
    .await
    .unwrap();
    page.evaluate("history.pushState(0, '', '/?' + 'u'.repeat(1e6)); 1", TIME).await.unwrap();
    let image = "new Promise((done) => { const i = new Image(); i.onerror = i.onload = () => done(1); i.src = 'data:image/png,' + 'd'.repeat(1e7) })";
    page.evaluate(image, TIME * 3).await.unwrap();
    let sent = "fetch('/post', {method: 'POST', body: 'b'.repeat(5e6)}).then((r) => r.status, String)";
    let sent = page.evaluate(sent, TIME * 3).await;
    assert!(sent.is_ok(), "{sent:?}");
    let recorded = context.recorded();
    assert_eq!(recorded.calls[0].payload.len(), 4 << 10);
    assert!(recorded.console.iter().all(|one| one.text.len() <= 4 << 10));
    assert!(recorded.exchanges.iter().all(|one| one.url.len() <= 8 << 10));
    assert!(recorded.exchanges.iter().all(|one| one.sent.as_ref().is_none_or(|sent| sent.len() <= 64 << 10)));
    still_works(&context, &site).await;
}

#[tokio::test]
async fn storms_of_everything_are_counted_not_kept() {
    let site = Site::start(
        with(
            "<script>
               for (let i = 0; i < 3000; i++) { ran('call ' + i); console.log(i); history.replaceState(0, '', '/?' + i % 50) }
               for (let i = 0; i < 30; i++) document.write('<iframe src=/fine></iframe>');
               for (let i = 0; i < 70; i++) new Worker(URL.createObjectURL(new Blob(['ran(\"worker\")'])));
               for (let i = 0; i < 60; i++) new WebSocket('ws://' + location.host + '/none');
               addEventListener('securitypolicyviolation', () => {});
             </script>",
        ),
    )
    .await;
    let limits = Limits { notes: 100, sockets: 20, ..Limits::default() };
    let Some(browser) = limited(&[&site], limits).await else { return };
    let context = browser.context().await.unwrap();
    let page = context.page().await.unwrap();
    page.binding("ran");
    let landed = page.goto(&site.url("/"), Patience::within(TIME)).await;
    let recorded = context.recorded();
    assert_eq!((recorded.calls.len(), recorded.console.len()), (100, 100), "{landed:?}");
    assert!(recorded.routes.len() <= 100 && recorded.sockets.len() <= 20);
    assert!(recorded.dropped > 500, "{}", recorded.dropped);
    drop(page);
    still_works(&context, &site).await;
}
