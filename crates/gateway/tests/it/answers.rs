//! Answers of an application, on their way through the checks that look into them, over real connections.

use gabion_checks::leaks::{Action, Kind};
use gabion_checks::sanitise::RouteSettings;
use gabion_checks::{Access, Mode};
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::rig::{Build, Client, PATIENCE, Recorder, Rig, route};

/// A gate before an application that answers each path with what stands in the list.
async fn before(answers: &'static [(&'static str, &'static str)], change: impl FnOnce(&mut Build)) -> Rig {
    let upstream = Recorder::start(|request| {
        let path = request.line().split(' ').nth(1).unwrap_or_default().to_owned();
        let answer = answers.iter().find(|(known, _)| *known == path).map_or("", |(_, answer)| answer);
        let (head, body) = answer.split_once("\n\n").unwrap_or((answer, ""));
        let head = head.replace('\n', "\r\n");
        format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
    })
    .await;
    let mut build = Build::before(upstream.address);
    change(&mut build);
    build.start()
}

async fn get(rig: &Rig, path: &str) -> crate::rig::Response {
    rig.connect().await.get(path).await
}

#[tokio::test]
async fn redirects_lead_to_this_site_and_listed_targets_only() {
    let rig = before(
        &[
            ("/here", "302 Found\nlocation: /a?to=https://evil.example"),
            ("/own", "303 See Other\nlocation: http://app.test/a"),
            ("/listed", "307 Temporary Redirect\nlocation: https://pay.example/x"),
            ("/slashes", "302 Found\nlocation: //evil.example"),
            ("/backslash", "302 Found\nlocation: /\\evil.example"),
            ("/scheme", "302 Found\nlocation: https:evil.example"),
            ("/user", "302 Found\nlocation: https://app.test@evil.example/"),
            ("/idn", "302 Found\nlocation: https://\u{e4}pp.test/"),
            ("/twice", "302 Found\nlocation: /a\nlocation: https://evil.example"),
            ("/script", "302 Found\nlocation: javascript:alert(1)"),
            ("/refresh", "200 OK\nrefresh: 0;URL='//evil.example'\n\nmoving"),
            ("/refreshes", "200 OK\nrefresh: 9; url=/a\nrefresh: 0, //evil.example\n\nmoving"),
            ("/created", "201 Created\nlocation: https://elsewhere.example/1\n\nmade"),
            ("/stays", "304 Not Modified\nlocation: https://evil.example"),
        ],
        |build| {
            build.checks.redirects.mode = Mode::Enforce;
            build.checks.redirects.targets = vec!["https://pay.example".to_owned()];
        },
    )
    .await;
    for (path, expected) in [("/here", 302), ("/own", 303), ("/listed", 307), ("/created", 201)] {
        let answer = get(&rig, path).await;
        assert_eq!(answer.status, expected, "{path}");
        assert!(answer.field("location").is_some(), "{path}");
    }
    let refused = [
        "/slashes",
        "/backslash",
        "/scheme",
        "/user",
        "/idn",
        "/twice",
        "/script",
        "/refresh",
        "/refreshes",
        "/stays",
    ];
    for path in refused {
        let answer = get(&rig, path).await;
        assert_eq!(answer.status, 502, "{path}");
        answer.assert_is_ours();
        let all = format!("{}{}", answer.head, answer.text());
        assert!(!all.contains("evil") && !all.contains("alert"), "{path}: {all}");
        assert!(answer.field("refresh").is_none() && answer.field("location").is_none(), "{path}");
    }
    assert_eq!(rig.refusals("web.redirects"), refused.len() as u64);
}

#[tokio::test]
async fn by_default_a_redirect_elsewhere_is_only_recorded() {
    let rig = before(&[("/away", "302 Found\nlocation: https://pay.example")], |_| {}).await;
    assert_eq!(get(&rig, "/away").await.field("location"), Some("https://pay.example"));
    let observed = rig.pipeline.metrics().into_iter().find(|metric| metric.check == "redirects").unwrap();
    assert_eq!((observed.verdict.as_str(), observed.count), ("observed", 1));
}

#[tokio::test]
async fn cookies_leave_hardened_and_nothing_of_the_gates_is_planted() {
    let rig = before(
        &[(
            "/",
            "200 OK\nset-cookie: sid=1; Path=/\nset-cookie: csrftoken=2\nset-cookie: gabion-dev=planted\n\
             set-cookie: =gabion-dev=planted\nset-cookie: __Host-x=1; Secure; Path=/\nset-cookie: w=1; SameSite=None\n\nok",
        )],
        |_| {},
    )
    .await;
    let answer = get(&rig, "/").await;
    let cookies: Vec<&str> =
        answer.head.lines().filter_map(|line| line.strip_prefix("set-cookie: ")).collect();
    assert_eq!(
        cookies,
        ["sid=1; Path=/; HttpOnly; SameSite=Lax", "csrftoken=2; SameSite=Lax", "w=1; HttpOnly; SameSite=Lax",]
    );
    assert_eq!(answer.field("cache-control"), Some("private"), "what sets a cookie is nobody else's");
}

#[tokio::test]
async fn what_is_for_somebody_is_kept_by_no_shared_cache() {
    let answers = &[
        (
            "/in/x",
            "200 OK\ncache-control: public, max-age=60\nexpires: Sat, 21 Nov 2037 19:00:00 GMT\ncdn-cache-control: max-age=60\n\nmine",
        ),
        ("/in/unchanged", "304 Not Modified\ncache-control: public, max-age=60"),
        ("/kept/x", "200 OK\ncache-control: public, max-age=60, s-maxage=90\n\nmine"),
        ("/out/said", "200 OK\ncache-control: public, max-age=60\nvary: accept\n\nall"),
        ("/out/unsaid", "200 OK\ncache-control: max-age=60\n\nmine"),
        ("/out/field", "200 OK\ncache-control: private=\"x, y\", max-age=60\n\nmine"),
        ("/out/cookie", "200 OK\ncache-control: public, max-age=60\nset-cookie: sid=1\n\nmine"),
    ];
    let rig = before(answers, |build| {
        let mut kept = route("/kept/*", Access::SignedIn);
        kept.cache = Some(gabion_checks::CachePolicy::Private);
        build.routes = vec![route("/in/*", Access::SignedIn), kept, route("/out/*", Access::Public)];
    })
    .await;
    let (ticket, _) = rig.sign_in("alice");
    let rows = [
        ("/in/x", true, "no-store"),
        ("/in/unchanged", true, "no-store"),
        ("/kept/x", true, "private, max-age=60"),
        ("/out/said", true, "public, max-age=60"),
        ("/out/unsaid", true, "private, max-age=60"),
        ("/out/field", true, "private, max-age=60"),
        ("/out/cookie", true, "private, max-age=60"),
        ("/out/cookie", false, "private, max-age=60"),
        ("/out/unsaid", false, "max-age=60"),
    ];
    for (path, known, expected) in rows {
        let mut client = rig.connect().await;
        let cookie = if known { format!("Cookie: {ticket}\r\n") } else { String::new() };
        client.send(format!("GET {path} HTTP/1.1\r\nHost: app.test\r\n{cookie}\r\n")).await;
        let answer = client.response("GET").await.unwrap();
        assert_eq!(answer.field("cache-control"), Some(expected), "{path} {known}: {}", answer.head);
        assert!(!known || answer.field("cdn-cache-control").is_none() && answer.field("expires").is_none());
    }
}

const CARD: &str = "4242 4242 4242 4242";

fn leaks(action: Action, mode: Mode) -> impl FnOnce(&mut Build) {
    move |build| {
        build.checks.leaks.mode = mode;
        build.checks.leaks.action = action;
        build.checks.leaks.scan = "1KiB".parse().unwrap();
        let mut allowed = route("/own/*", Access::Public);
        allowed.leaks_allowed = vec![Kind::Iban];
        build.routes.push(allowed);
    }
}

#[tokio::test]
async fn short_answers_that_hold_something_never_leave() {
    let answers = &[
        ("/card", "200 OK\ncontent-type: application/json\n\n{\"card\":\"4242 4242 4242 4242\"}"),
        ("/own/iban", "200 OK\ncontent-type: application/json\n\n{\"iban\":\"NO9386011117947\"}"),
        ("/iban", "200 OK\ncontent-type: application/json\n\n{\"iban\":\"NO9386011117947\"}"),
        ("/part", "206 Partial Content\ncontent-type: text/plain\ncontent-range: bytes 0-8/16\n\n4242 4242"),
        ("/picture", "200 OK\ncontent-type: image/png\n\n4242424242424242"),
        ("/identity", "200 OK\ncontent-type: text/plain\ncontent-encoding: identity\n\n4242424242424242"),
    ];
    let rig = before(answers, leaks(Action::Block, Mode::Enforce)).await;
    for (path, expected) in [
        ("/card", 502),
        ("/iban", 502),
        ("/own/iban", 200),
        ("/part", 502),
        ("/picture", 200),
        ("/identity", 502),
    ] {
        let answer = get(&rig, path).await;
        assert_eq!(answer.status, expected, "{path}");
        assert!(expected == 200 || !answer.text().contains("4242"), "{path}");
    }
    assert_eq!(rig.refusals("data.minimisation"), 4);
}

/// An application played by hand, which answers in pieces.
async fn by_hand(action: Action, mode: Mode) -> (Rig, Client, Client) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut build = Build::before(listener.local_addr().unwrap());
    leaks(action, mode)(&mut build);
    let rig = build.start();
    let mut client = rig.connect().await;
    client.send("GET / HTTP/1.1\r\nHost: app.test\r\n\r\n").await;
    let mut upstream = Client::of(timeout(PATIENCE, listener.accept()).await.unwrap().unwrap().0);
    upstream.head().await.unwrap();
    (rig, client, upstream)
}

fn chunk(text: &str) -> String {
    format!("{:x}\r\n{text}\r\n", text.len())
}

const CHUNKED: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ntransfer-encoding: chunked\r\n\r\n";

#[tokio::test]
async fn a_long_answer_is_broken_off_in_front_of_what_it_holds() {
    for counted in [false, true] {
        let (rig, mut client, mut upstream) = by_hand(Action::Block, Mode::Enforce).await;
        let start = "<p>hello</p>\n".repeat(500);
        let end = "<p>bye</p>".repeat(500);
        if counted {
            let length = start.len() + CARD.len() + end.len();
            upstream
                .send(format!("HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {length}\r\n\r\n{start}4242 42"))
                .await;
            assert_eq!(client.head().await.expect("an answer begins").0, 200);
            let _ = upstream.try_send(format!("42 4242 4242{end}")).await;
        } else {
            upstream.send(format!("{CHUNKED}{}{}", chunk(&start), chunk("4242 42"))).await;
            assert_eq!(client.head().await.expect("an answer begins").0, 200);
            let _ = upstream.try_send(format!("{}0\r\n\r\n", chunk(&format!("42 4242 4242{end}")))).await;
        }
        let came = String::from_utf8(client.rest().await).unwrap();
        assert!(came.contains("<p>hello</p>"), "{came}");
        assert!(!came.contains("4242") && !came.contains("bye"), "{came}");
        assert!(!came.ends_with("0\r\n\r\n"), "it does not look complete");
        assert_eq!(rig.refusals("data.minimisation"), 1);
    }
}

#[tokio::test]
async fn a_long_answer_is_masked_to_its_end_with_its_length() {
    let (_rig, mut client, mut upstream) = by_hand(Action::Mask, Mode::Enforce).await;
    let text = format!("{}<b>{CARD}</b>", format!("<i>{CARD}</i> and more text\n").repeat(300));
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-digest: sha-256=:x:\r\ncontent-length: {}\r\n\r\n",
        text.len()
    );
    upstream.send(head).await;
    for piece in text.as_bytes().chunks(1_013) {
        upstream.send(piece).await;
    }
    let answer = client.response("GET").await.unwrap();
    assert_eq!(answer.text(), text.replace(CARD, "**** **** **** 4242"));
    assert_eq!(answer.field("content-digest"), None);
    assert_eq!(answer.field("content-length"), Some(text.len().to_string().as_str()));
    client.send("GET / HTTP/1.1\r\nHost: app.test\r\n\r\n").await;
    upstream.head().await.expect("both connections go on");
}

#[tokio::test]
async fn live_events_pass_at_once_until_one_holds_something() {
    let (_rig, mut client, mut upstream) = by_hand(Action::Block, Mode::Enforce).await;
    upstream.send(CHUNKED.replace("text/html", "text/event-stream")).await;
    let (status, _) = client.head().await.unwrap();
    assert_eq!(status, 200);
    for event in ["data: one\n\n", "data: two\n\n"] {
        upstream.send(chunk(event)).await;
        assert_eq!(client.line().await.unwrap(), format!("{:x}", event.len()));
        assert_eq!(client.bytes(event.len() + 2).await.unwrap(), format!("{event}\r\n").into_bytes());
    }
    upstream.send(chunk(&format!("data: {CARD}\n\n"))).await;
    assert_eq!(client.rest().await, b"");
}

#[tokio::test]
async fn under_observe_everything_passes_as_it_came_and_is_recorded() {
    let (rig, mut client, mut upstream) = by_hand(Action::Block, Mode::Observe).await;
    let text = format!("{}{CARD} and {CARD}", "text ".repeat(1_000));
    upstream.send(CHUNKED).await;
    upstream.send(chunk(&text)).await;
    upstream.send("0\r\n\r\n").await;
    let answer = client.response("GET").await.unwrap();
    let body = answer.text();
    assert!(body == text, "{} of {} bytes", body.len(), text.len());
    let observed = rig.pipeline.metrics().into_iter().find(|metric| metric.check == "leaks").unwrap();
    assert_eq!((observed.verdict.as_str(), observed.count), ("observed", 1));
    rig.ledger.flush().await.unwrap();
    let events = rig.ledger.tail(10).unwrap();
    let event = events.iter().find(|record| record.event.action == "request.observed").expect("recorded");
    let reason = event.event.reason.clone().unwrap_or_default();
    assert!(reason.contains("Card (1)") && !reason.contains("4242"), "{reason}");
}

#[tokio::test]
async fn markup_leaves_cleaned_or_not_at_all() {
    let answers = &[
        (
            "/fragment",
            "200 OK\ncontent-type: text/html\netag: \"1\"\n\n<p onclick=\"x()\">hi<script>alert(1)</script></p>",
        ),
        ("/clean", "200 OK\ncontent-type: text/html\netag: \"1\"\n\n<p>hi</p>"),
        ("/untyped", "200 OK\n\n<img src=x onerror=alert(1)>"),
        ("/script", "200 OK\ncontent-type: text/javascript\n\nalert(1)"),
        ("/charset", "200 OK\ncontent-type: text/html; charset=iso-2022-jp\n\n<p>alert</p>"),
        ("/coded", "200 OK\ncontent-type: text/html\ncontent-encoding: gzip\n\nalert"),
        ("/xhtml", "200 OK\ncontent-type: application/xhtml+xml\n\n<p>alert</p>"),
        ("/part", "206 Partial Content\ncontent-type: text/html\ncontent-range: bytes 0-4/9\n\nalert"),
        ("/long", LONG),
        (
            "/api/list",
            "200 OK\ncontent-type: application/json\n\n{\"n\":1.10,\"items\":[{\"html\":\"<b>a</b><script>alert(1)</script>\",\"raw\":\"<s>\"}]}",
        ),
        ("/api/broken", "200 OK\ncontent-type: application/json\n\n{\"items\":[alert"),
        (
            "/api/twice",
            "200 OK\ncontent-type: application/json\n\n{\"items\":[],\"items\":[{\"html\":\"<img onerror=alert(1)>\"}]}",
        ),
    ];
    let rig = before(answers, |build| {
        let mut html = route("/*", Access::Public);
        html.sanitise = Some(RouteSettings { html: true, ..RouteSettings::default() });
        let mut api = route("/api/*", Access::Public);
        api.sanitise =
            Some(RouteSettings { pointers: vec!["/items/*/html".to_owned()], ..RouteSettings::default() });
        build.routes = vec![html, api];
        build.checks.sanitise.largest = "4KiB".parse().unwrap();
    })
    .await;
    let cleaned = get(&rig, "/fragment").await;
    assert_eq!((cleaned.status, cleaned.text()), (200, "<p>hi</p>"));
    assert_eq!(cleaned.field("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(cleaned.field("etag"), None, "it named other bytes");
    let clean = get(&rig, "/clean").await;
    assert_eq!((clean.text(), clean.field("etag")), ("<p>hi</p>", Some("\"1\"")));
    assert_eq!(clean.field("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(get(&rig, "/untyped").await.text(), "<img src=\"x\">");
    assert_eq!(get(&rig, "/script").await.text(), "alert(1)", "not markup");
    let list = get(&rig, "/api/list").await;
    assert_eq!(list.text(), "{\"n\":1.10,\"items\":[{\"html\":\"<b>a</b>\",\"raw\":\"<s>\"}]}");
    for path in ["/charset", "/coded", "/xhtml", "/part", "/long", "/api/broken", "/api/twice"] {
        let answer = get(&rig, path).await;
        assert_eq!(answer.status, 502, "{path}");
        assert!(!answer.text().contains("alert"), "{path}: {}", answer.text());
    }
    assert_eq!(rig.refusals("input.output-encoding"), 7);
}

const LONG: &str = concat!("200 OK\ncontent-type: text/html\n\n", include_str!("answers.rs"),);
