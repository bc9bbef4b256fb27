//! HTTP/1.1 as it is meant: connections, framing, methods.

use crate::rig::{Build, Client, Recorder, ok, seconds};

#[tokio::test]
async fn a_connection_serves_request_after_request() {
    let upstream = Recorder::plain().await;
    let rig = Build::before(upstream.address).start();
    let mut client = rig.connect().await;
    for path in ["/a", "/b?c=d", "/e"] {
        let answer = client.get(path).await;
        assert_eq!((answer.status, answer.text()), (200, "ok"));
        assert_eq!(answer.field("content-length"), Some("2"));
        assert!(answer.field("date").is_some());
    }
    let received = upstream.all();
    let lines: Vec<_> = received.iter().map(|request| request.line()).collect();
    assert_eq!(lines, ["GET /a HTTP/1.1", "GET /b?c=d HTTP/1.1", "GET /e HTTP/1.1"]);
    assert!(received.iter().all(|request| request.connection == 1), "the upstream connection is reused");
    assert_eq!(received[0].field("host"), Some("app.test"));
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let upstream = Recorder::start(|request| ok(request.line())).await;
    let rig = Build::before(upstream.address).start();
    let mut client = rig.connect().await;
    client
        .send(
            "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n\
             POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc\
             GET /3 HTTP/1.1\r\nHost: a\r\n\r\n",
        )
        .await;
    for line in ["GET /1 HTTP/1.1", "POST /2 HTTP/1.1", "GET /3 HTTP/1.1"] {
        assert_eq!(client.response("GET").await.unwrap().text(), line);
    }
    assert_eq!(upstream.all()[1].body, b"abc");
}

#[tokio::test]
async fn a_request_in_single_bytes_is_the_same_request() {
    let upstream = Recorder::plain().await;
    let rig = Build::before(upstream.address).start();
    let mut client = rig.connect().await;
    let request = "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    for byte in request.bytes() {
        client.send([byte]).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(client.response("POST").await.unwrap().status, 200);
    assert_eq!(upstream.all()[0].body, b"abc");
}

#[tokio::test]
async fn chunks_arrive_as_chunks_and_their_extras_do_not() {
    let upstream = Recorder::plain().await;
    let rig = Build::before(upstream.address).start();
    let mut client = rig.connect().await;
    client
        .send(
            "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\nTrailer: X-Evil\r\n\r\n\
             5;ext=1\r\nhello\r\n0\r\nX-Evil: 1\r\n\r\n",
        )
        .await;
    assert_eq!(client.response("POST").await.unwrap().status, 200);
    let received = &upstream.all()[0];
    assert_eq!(received.body, b"hello");
    assert_eq!(received.field("transfer-encoding"), Some("chunked"));
    assert_eq!((received.field("content-length"), received.field("trailer")), (None, None));
    assert!(!received.head.contains("evil"));
    assert_eq!(client.get("/next").await.status, 200);
}

#[tokio::test]
async fn answers_without_a_length_stream_as_chunks_or_until_the_end() {
    let chunked =
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nt: r\r\n\r\n";
    let until_close = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nabcde";
    for answer in [chunked.to_vec(), until_close.to_vec()] {
        let upstream = Recorder::start(move |_| answer.clone()).await;
        let rig = Build::before(upstream.address).start();
        let mut client = rig.connect().await;
        let answer = client.get("/").await;
        assert_eq!((answer.text(), answer.field("transfer-encoding")), ("abcde", Some("chunked")));
        assert_eq!((answer.field("connection"), answer.field("t")), (None, None));
        assert_eq!(client.get("/").await.text(), "abcde", "our side of the connection lives on");

        let mut old = rig.connect().await;
        old.send("GET / HTTP/1.0\r\nHost: a\r\n\r\n").await;
        let answer = old.response("GET").await.unwrap();
        assert_eq!((answer.text(), answer.field("transfer-encoding")), ("abcde", None));
        assert_eq!(answer.field("connection"), Some("close"));
    }
}

#[tokio::test]
async fn the_client_is_told_to_continue_only_when_the_body_is_wanted() {
    let upstream = Recorder::plain().await;
    let mut build = Build::before(upstream.address);
    build.checks.limits.body = "10B".parse().unwrap();
    let rig = build.start();
    let mut client = rig.connect().await;
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n").await;
    assert_eq!(client.head().await.unwrap().0, 100);
    client.send("abc").await;
    assert_eq!(client.response("POST").await.unwrap().status, 200);
    assert_eq!(upstream.all()[0].field("expect"), None);

    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\nExpect: 100-continue\r\n\r\n").await;
    let answer = client.response("POST").await.unwrap();
    assert_eq!(answer.status, 413);
    answer.assert_is_ours();
    assert_eq!(upstream.all().len(), 1);
}

#[tokio::test]
async fn answers_that_have_no_body_end_with_their_head() {
    let upstream = Recorder::start(|request| {
        let status = request.line().split(' ').nth(1).unwrap().trim_start_matches('/').to_owned();
        match status.as_str() {
            "head" => b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n".to_vec(),
            "204" => b"HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n".to_vec(),
            _ => b"HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\netag: \"x\"\r\n\r\n".to_vec(),
        }
    })
    .await;
    let rig = Build::before(upstream.address).start();
    let mut client = rig.connect().await;
    client.send("HEAD /head HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let answer = client.response("HEAD").await.unwrap();
    assert_eq!((answer.status, answer.field("content-length")), (200, Some("5")));
    let answer = client.get("/204").await;
    assert_eq!((answer.status, answer.field("content-length")), (204, None));
    assert_eq!(answer.field("transfer-encoding"), None);
    let answer = client.get("/304").await;
    assert_eq!((answer.status, answer.field("content-length")), (304, Some("5")));
    assert_eq!(client.get("/204").await.status, 204, "the connection is still in step");
    let connections: Vec<_> = upstream.all().iter().map(|request| request.connection).collect();
    assert_eq!(connections, [1, 2, 2, 2], "an application may forget that HEAD has no body");
}

#[tokio::test]
async fn fields_of_the_connection_stay_on_it() {
    let upstream = Recorder::start(|_| {
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: keep-alive, x-hop\r\nkeep-alive: timeout=5\r\n\
          x-hop: 1\r\nx-end: 1\r\nupgrade: h2c\r\nproxy-authenticate: Basic\r\n\r\nok"
            .to_vec()
    })
    .await;
    let rig = Build::before(upstream.address).start();
    let mut client = rig.connect().await;
    client
        .send(
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: 1\r\nTE: trailers\r\n\
             Proxy-Connection: keep-alive\r\nProxy-Authorization: Basic YQ==\r\nX-End: 1\r\n\r\n",
        )
        .await;
    let answer = client.response("GET").await.unwrap();
    for gone in ["connection", "keep-alive", "x-hop", "upgrade", "proxy-authenticate"] {
        assert_eq!(answer.field(gone), None, "{}", answer.head);
    }
    assert_eq!(answer.field("x-end"), Some("1"));
    let received = &upstream.all()[0];
    for gone in ["connection", "x-hop", "keep-alive", "te", "proxy-connection", "proxy-authorization"] {
        assert_eq!(received.field(gone), None, "{}", received.head);
    }
    assert_eq!(received.field("x-end"), Some("1"));
}

#[tokio::test]
async fn connections_are_kept_and_closed_as_the_client_asks() {
    let upstream = Recorder::plain().await;
    let mut build = Build::before(upstream.address);
    build.settings.max_requests_per_connection = 3;
    let rig = build.start();
    let asked = [
        ("HTTP/1.1", "X: y", None, false),
        ("HTTP/1.1", "Connection: close", Some("close"), true),
        ("HTTP/1.0", "X: y", Some("close"), true),
        ("HTTP/1.0", "Connection: keep-alive", Some("keep-alive"), false),
    ];
    for (version, field, answered, closed) in asked {
        let mut client = rig.connect().await;
        client.send(format!("GET / {version}\r\nHost: a\r\n{field}\r\n\r\n")).await;
        let answer = client.response("GET").await.unwrap();
        assert_eq!(answer.field("connection"), answered, "{version} {field}");
        if closed {
            assert_eq!(client.rest().await, b"");
        } else {
            assert_eq!(client.get("/").await.status, 200);
        }
    }
    let mut client = rig.connect().await;
    client.get("/").await;
    client.get("/").await;
    assert_eq!(client.get("/").await.field("connection"), Some("close"));
    assert_eq!(client.rest().await, b"");
}

#[tokio::test]
async fn the_gates_own_pages_are_answered_in_process() {
    let upstream = Recorder::plain().await;
    let rig = Build::before(upstream.address).start();
    let mut client = rig.connect().await;
    let page = client.get("/.gabion/login").await;
    assert_eq!((page.status, page.text()), (200, "log in here"));
    page.assert_is_ours();
    client.send("POST /.gabion/login HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nabcd").await;
    assert_eq!(client.response("POST").await.unwrap().text(), "abcd");
    client.send("HEAD /.gabion/login HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let head = client.response("HEAD").await.unwrap();
    assert_eq!((head.status, head.field("content-length")), (200, Some("11")));
    assert_eq!(client.get("/app").await.text(), "ok");
    assert_eq!(upstream.all().len(), 1);
}

#[tokio::test]
async fn a_client_that_leaves_takes_its_request_with_it() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let rig = Build::before(address).start();
    let mut client = rig.connect().await;
    client.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let (stream, _) = listener.accept().await.unwrap();
    let mut upstream = Client::of(stream);
    assert_eq!(upstream.line().await.as_deref(), Some("GET /slow HTTP/1.1"));
    while upstream.line().await.is_some_and(|line| !line.is_empty()) {}
    drop(client);
    assert_eq!(upstream.rest().await, b"", "the upstream connection is closed");
}

#[tokio::test]
async fn the_admin_listener_tells_how_things_are() {
    let upstream = Recorder::plain().await;
    let mut build = Build::before(upstream.address);
    build.app().connect_timeout = seconds(1);
    let rig = build.start();
    assert_eq!(rig.connect().await.get("/").await.status, 200);
    assert_eq!(rig.admin("/healthz").await.text(), "ok\n");
    let ready = rig.admin("/readyz").await;
    assert_eq!((ready.status, ready.text()), (200, "ok accepting\nok upstream app\n"));
    let metrics = rig.admin("/metrics").await;
    for line in ["gabion_http_answers_total{class=\"2xx\"} 1", "gabion_upstream_seconds_count 1"] {
        assert!(metrics.text().lines().any(|found| found == line), "{line} in {}", metrics.text());
    }
    assert_eq!(rig.admin("/other").await.status, 404);
    for host in ["localhost:9090", "LOCALHOST", "[::1]:9090"] {
        assert_eq!(rig.admin_as(host, "/healthz").await.status, 200, "{host}");
    }
    for host in ["evil.example", "localhost.evil.example:9090", "127.0.0.1.evil.example", ""] {
        assert_eq!(rig.admin_as(host, "/metrics").await.status, 421, "{host}");
    }
}

#[tokio::test]
async fn the_plain_listener_beside_tls_only_redirects() {
    use gabion_gateway::{Tls, TlsMaterial, TlsMode};
    use gabion_model::{Clock, SystemClock};
    let now = SystemClock.now();
    let ca = gabion_vault::tls::LocalCa::create(now).unwrap();
    let issued = ca.issue(&["app.test".to_owned()], now).unwrap();
    let upstream = Recorder::plain().await;
    let mut build = Build::before(upstream.address);
    build.settings.tls = Tls { mode: TlsMode::LocalCa, ..Tls::default() };
    build.settings.listen_plain = Some(build.settings.listen);
    build.tls = Some(TlsMaterial { chain_pem: issued.chain_pem, key_pem: issued.key_pem });
    let rig = build.start();
    let mut client = Client::connect(rig.gate.addresses().plain.unwrap()).await;
    client
        .send(
            "GET /x?y=1 HTTP/1.1\r\nHost: app.test\r\nAccept: text/html\r\nSec-Fetch-Mode: navigate\r\n\r\n",
        )
        .await;
    let answer = client.response("GET").await.unwrap();
    assert_eq!((answer.status, answer.field("location")), (308, Some("https://app.test/x?y=1")));
    assert_eq!(client.get("/api").await.status, 403, "a program is not led to send its secrets twice");
    assert_eq!(upstream.all(), []);

    let mut mistaken = rig.connect().await;
    mistaken.send("GET / HTTP/1.1\r\nHost: app.test\r\n\r\n").await;
    let said = mistaken.rest().await;
    assert!(!said.starts_with(b"HTTP/"), "plain HTTP on the TLS port is no request");
}
