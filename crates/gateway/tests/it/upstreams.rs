//! Upstreams that are down, slow or lying: a clean 502 or 504 with our headers, and the next request
//! unharmed.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use gabion_model::Period;
use tokio::net::TcpListener;

use crate::rig::{Build, Client, Recorder, Response, ok, seconds};

fn assert_bad(name: &str, answer: &Response, status: u16) {
    assert_eq!(answer.status, status, "{name}: {}", answer.head);
    answer.assert_is_ours();
}

#[tokio::test]
async fn an_upstream_that_is_down_is_a_502() {
    let unused = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = unused.local_addr().unwrap();
    drop(unused);
    let rig = Build::before(address).start();
    let mut client = rig.connect().await;
    for _ in 0..4 {
        assert_bad("down", &client.get("/").await, 502);
    }
    let ready = rig.admin("/readyz").await;
    assert_eq!((ready.status, ready.text()), (503, "ok accepting\nfailing upstream app\n"));
    assert_eq!(rig.refusals("api.errors"), 4);
}

#[tokio::test]
async fn an_upstream_that_says_nothing_is_a_504() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut build = Build::before(silent.local_addr().unwrap());
    build.app().response_timeout = Period::from_millis(300);
    let rig = build.start();
    let mut client = rig.connect().await;
    assert_bad("silent", &client.get("/").await, 504);
    assert_bad("silent again", &client.get("/").await, 504);
}

#[tokio::test]
async fn an_upstream_that_lies_about_its_answer_is_a_502() {
    let long = format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "y".repeat(100_000));
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: y\r\n".repeat(500));
    let endless = "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(100);
    let lies: &[(&str, &str)] = &[
        ("garbage", "\x01\x02\x03 not http \r\n\r\n"),
        ("another protocol", "SSH-2.0-OpenSSH_9.2\r\n\r\n"),
        ("no version", "200 OK\r\n\r\n"),
        ("a bad status", "HTTP/1.1 2000 OK\r\n\r\n"),
        ("an old version", "HTTP/0.9 200 OK\r\n\r\n"),
        (
            "both framings",
            "HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        ),
        ("two lengths", "HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabc"),
        ("a length that is none", "HTTP/1.1 200 OK\r\ncontent-length: three\r\n\r\nabc"),
        ("a negative length", "HTTP/1.1 200 OK\r\ncontent-length: -3\r\n\r\nabc"),
        ("an unknown coding", "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\nabc"),
        ("a folded line", "HTTP/1.1 200 OK\r\nx: a\r\n b\r\ncontent-length: 0\r\n\r\n"),
        ("a NUL", "HTTP/1.1 200 OK\r\nx: a\0b\r\ncontent-length: 0\r\n\r\n"),
        ("a head without end", "HTTP/1.1 200 OK\r\ncontent-le"),
        ("nothing at all", ""),
        (
            "an unasked upgrade",
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n",
        ),
        ("a long head", &long),
        ("many fields", &many),
        ("endless hints", &endless),
    ];
    for (name, lie) in lies {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let rig = Build::before(listener.local_addr().unwrap()).start();
        let mut client = rig.connect().await;
        client.send("GET /lie HTTP/1.1\r\nHost: a\r\n\r\n").await;
        for answer in [lie.as_bytes().to_vec(), ok("the truth")] {
            // A GET whose fresh connection ends before any answer is not repeated.
            let (stream, _) = listener.accept().await.unwrap();
            let mut upstream = Client::of(stream);
            upstream.head().await.unwrap();
            let _ = upstream.try_send(&answer).await;
            drop(upstream);
            let answer = client.response("GET").await.unwrap();
            if answer.status == 200 {
                assert_eq!(answer.text(), "the truth", "{name}");
            } else {
                assert_bad(name, &answer, 502);
                client.send("GET /next HTTP/1.1\r\nHost: a\r\n\r\n").await;
            }
        }
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_broken_off() {
    let broken: &[(&str, &[u8])] = &[
        ("short of its length", b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc"),
        ("in a chunk", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nabc"),
        ("before the last chunk", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n"),
        ("a bad chunk", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\nxyz\r\n"),
    ];
    for (name, answer) in broken {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let rig = Build::before(listener.local_addr().unwrap()).start();
        let mut client = rig.connect().await;
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
        let (stream, _) = listener.accept().await.unwrap();
        let mut upstream = Client::of(stream);
        upstream.head().await.unwrap();
        upstream.send(answer).await;
        drop(upstream);
        // Never an answer that looks whole.
        assert_eq!(client.response("GET").await, None, "{name}");
    }
}

#[tokio::test]
async fn bytes_behind_an_answer_are_not_the_next_answer() {
    let upstream = Recorder::start(|request| {
        let mut answer = ok("right");
        if request.line().contains("/first") {
            answer.extend_from_slice(&ok("poison"));
        }
        answer
    })
    .await;
    let rig = Build::before(upstream.address).start();
    let mut client = rig.connect().await;
    assert_eq!(client.get("/first").await.text(), "right");
    assert_eq!(client.get("/second").await.text(), "right");
    let connections: Vec<_> = upstream.all().iter().map(|request| request.connection).collect();
    assert_eq!(connections, [1, 2], "the connection is not used again");
}

#[tokio::test]
async fn a_connection_that_went_stale_costs_no_request() {
    // Every connection answers one request and is then closed without a word.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let served = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&served);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut upstream = Client::of(stream);
            if upstream.head().await.is_some() {
                count.fetch_add(1, Ordering::Relaxed);
                upstream.send(ok("ok")).await;
            }
            // The next request is read and not answered: the race in its worst form.
            let _ = upstream.head().await;
        }
    });
    let rig = Build::before(address).start();
    let mut client = rig.connect().await;
    for _ in 0..10 {
        assert_eq!(client.get("/").await.status, 200);
    }
    assert_eq!(served.load(Ordering::Relaxed), 10);
}

#[tokio::test]
async fn a_post_is_never_sent_twice() {
    let seen = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&seen);
    let upstream = Recorder::start(move |request| {
        if !request.line().starts_with("POST") {
            return ok("ok");
        }
        count.fetch_add(1, Ordering::Relaxed);
        Vec::new()
    })
    .await;
    let rig = Build::before(upstream.address).start();
    let mut client = rig.connect().await;
    assert_eq!(client.get("/").await.status, 200);
    client.send("POST /pay HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n").await;
    assert_bad("post", &client.response("POST").await.unwrap(), 502);
    assert_eq!(seen.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn an_early_answer_reaches_the_client_before_the_body_is_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let rig = Build::before(listener.local_addr().unwrap()).start();
    let mut client = rig.connect().await;
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nbegin").await;
    let (stream, _) = listener.accept().await.unwrap();
    let mut upstream = Client::of(stream);
    upstream.head().await.unwrap();
    upstream.send("HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno").await;
    let answer = client.response("POST").await.unwrap();
    assert_eq!(answer.status, 403);
    assert_eq!(client.rest().await, b"", "the rest of the body is not a request");
}

#[tokio::test]
async fn routes_choose_among_upstreams_and_the_health_check_asks() {
    let (one, two) = (Recorder::start(|_| ok("one")).await, Recorder::start(|_| ok("two")).await);
    let mut build = Build::before(one.address);
    let mut other = build.app().clone();
    other.url = format!("http://{}", two.address);
    other.health = Some(gabion_gateway::Health {
        path: "/well".into(),
        interval: Period::from_millis(250),
        timeout: seconds(2),
    });
    build.upstreams.insert("other".into(), other);
    let mut route = crate::rig::route("/api/*", gabion_checks::Access::Public);
    route.upstream = "other".into();
    build.routes.push(route);
    let rig = build.start();
    let mut client = rig.connect().await;
    assert_eq!(client.get("/").await.text(), "one");
    assert_eq!(client.get("/api/x").await.text(), "two");
    crate::rig::until(|| two.all().iter().any(|request| request.line() == "GET /well HTTP/1.1")).await;
}
