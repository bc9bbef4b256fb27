//! Bodies that are never whole in memory, events that come one by one, tunnels, and their end.

use std::sync::Arc;
use std::time::Duration;

use gabion_checks::Access;
use gabion_model::{Clock, ManualClock, Period, SystemClock};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::rig::{Build, Client, PATIENCE, Recorder, Rig, ok};

/// A gate before one upstream connection that the test plays itself.
async fn by_hand(access: Access) -> (Rig, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut build = Build::before(listener.local_addr().unwrap());
    build.routes = vec![crate::rig::route("/*", access)];
    build.checks.limits.body = "1GB".parse().unwrap();
    (build.start(), listener)
}

async fn accept(listener: &TcpListener) -> Client {
    Client::of(timeout(PATIENCE, listener.accept()).await.unwrap().unwrap().0)
}

#[tokio::test]
async fn an_upload_nobody_reads_stops_the_sender() {
    let (rig, listener) = by_hand(Access::Public).await;
    let mut client = rig.connect().await;
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 900000000\r\n\r\n").await;
    let mut upstream = accept(&listener).await;
    upstream.head().await.unwrap();
    let sent = pour(&mut client).await;
    assert!(sent < LIMIT, "{sent} bytes went in although nobody reads");
}

#[tokio::test]
async fn a_download_nobody_reads_stops_the_upstream() {
    let (rig, listener) = by_hand(Access::Public).await;
    let mut client = rig.connect().await;
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let mut upstream = accept(&listener).await;
    upstream.head().await.unwrap();
    upstream.send("HTTP/1.1 200 OK\r\ncontent-length: 900000000\r\n\r\n").await;
    let sent = pour(&mut upstream).await;
    assert!(sent < LIMIT, "{sent} bytes went out although nobody reads");
}

/// What the kernel's buffers of two connections may take, and a little for the gate.
const LIMIT: usize = 40_000_000;

/// Writes until nothing is taken for a while.
async fn pour(client: &mut Client) -> usize {
    let block = vec![b'x'; 64 * 1024];
    let mut sent = 0;
    while let Ok(written) = timeout(Duration::from_millis(500), client.stream.write(&block)).await {
        sent += written.unwrap();
        if sent > 2 * LIMIT {
            break;
        }
    }
    sent
}

#[tokio::test]
async fn large_bodies_pass_whole_in_both_directions() {
    let upstream = Recorder::start(|request| {
        let sum: u64 = request.body.iter().map(|byte| u64::from(*byte)).sum();
        let mut answer = ok("");
        answer.clear();
        answer.extend_from_slice(format!("HTTP/1.1 200 OK\r\nx-sum: {sum}\r\ncontent-length: ").as_bytes());
        answer.extend_from_slice(format!("{}\r\n\r\n", request.body.len()).as_bytes());
        answer.extend_from_slice(&request.body);
        answer
    })
    .await;
    let mut build = Build::before(upstream.address);
    build.checks.limits.body = "1GB".parse().unwrap();
    let rig = build.start();
    let body: Vec<u8> = (0..3_000_000u32).map(|index| (index % 251) as u8).collect();
    let sum: u64 = body.iter().map(|byte| u64::from(*byte)).sum();
    for chunked in [false, true] {
        let stream = tokio::net::TcpStream::connect(rig.address).await.unwrap();
        let (read, mut write) = stream.into_split();
        let sent = body.clone();
        let sender = tokio::spawn(async move {
            let framing = if chunked { "Transfer-Encoding: chunked" } else { "Content-Length: 3000000" };
            write
                .write_all(format!("POST / HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n").as_bytes())
                .await
                .unwrap();
            for part in sent.chunks(7_777) {
                if chunked {
                    write.write_all(format!("{:x}\r\n", part.len()).as_bytes()).await.unwrap();
                }
                write.write_all(part).await.unwrap();
                if chunked {
                    write.write_all(b"\r\n").await.unwrap();
                }
            }
            if chunked {
                write.write_all(b"0\r\n\r\n").await.unwrap();
            }
            write
        });
        let write = sender.await.unwrap();
        let mut client = Client::of(read.reunite(write).unwrap());
        let answer = client.response("POST").await.unwrap();
        assert_eq!(answer.field("x-sum"), Some(sum.to_string().as_str()));
        assert!(answer.body == body, "the body came back changed");
    }
}

#[tokio::test]
async fn events_are_passed_on_as_they_come() {
    let (rig, listener) = by_hand(Access::Public).await;
    let mut client = rig.connect().await;
    client.send("GET /events HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n").await;
    let mut upstream = accept(&listener).await;
    upstream.head().await.unwrap();
    upstream
        .send("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        .await;
    assert_eq!(client.head().await.unwrap().0, 200);
    for event in ["data: 1\n\n", "data: 2\n\n", "data: 3\n\n"] {
        upstream.send(format!("{:x}\r\n{event}\r\n", event.len())).await;
        assert_eq!(client.line().await.as_deref(), Some("9"));
        assert_eq!(client.bytes(11).await.unwrap(), format!("{event}\r\n").as_bytes());
    }
    drop(client);
    assert_eq!(upstream.rest().await, b"", "the upstream learns that nobody listens");
}

#[tokio::test]
async fn a_stream_ends_when_its_session_does() {
    let (rig, listener) = by_hand(Access::SignedIn).await;
    let (cookie, session) = rig.sign_in("ada");
    let mut client = rig.connect().await;
    client.send(format!("GET /events HTTP/1.1\r\nHost: a\r\nCookie: {cookie}\r\n\r\n")).await;
    let mut upstream = accept(&listener).await;
    let (_, head) = upstream.head().await.unwrap();
    assert!(head.contains("\r\ngabion-identity: "), "{head}");
    assert!(!head.contains("gabion-dev"), "our cookie stays here: {head}");
    upstream
        .send("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        .await;
    client.head().await.unwrap();
    upstream.send("5\r\nhello\r\n").await;
    assert_eq!(client.line().await.as_deref(), Some("5"));
    assert!(rig.sessions.revoke(&session).unwrap());
    assert_eq!(client.rest().await, b"hello\r\n", "cut off, and not as if it were whole");
    assert_eq!(upstream.rest().await, b"");
}

/// An upstream that answers every handshake and echoes every message.
async fn echo() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

async fn serve_echo(listener: TcpListener) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(async move {
            let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await else { return };
            use futures_util::{SinkExt, StreamExt};
            while let Some(Ok(message)) = socket.next().await {
                if !(message.is_text() || message.is_binary()) || socket.send(message).await.is_err() {
                    break;
                }
            }
        });
    }
}

#[tokio::test]
async fn a_websocket_passes_through_and_ends_with_its_session() {
    use futures_util::{SinkExt, StreamExt};
    let listener = echo().await;
    let mut build = Build::before(listener.local_addr().unwrap());
    build.routes = vec![crate::rig::route("/*", Access::SignedIn)];
    tokio::spawn(serve_echo(listener));
    let rig = build.start();
    let (cookie, session) = rig.sign_in("ada");
    let url = format!("ws://{}/socket", rig.address);

    let anonymous = tokio_tungstenite::connect_async(&url).await;
    assert!(anonymous.is_err(), "without a session there is no tunnel");

    let mut request = url.into_client_request().unwrap();
    request.headers_mut().insert("cookie", cookie.parse().unwrap());
    request.headers_mut().insert("origin", format!("http://{}", rig.address).parse().unwrap());
    let (mut socket, answer) = tokio_tungstenite::connect_async(request).await.unwrap();
    assert_eq!(answer.status(), 101);
    assert!(answer.headers().contains_key("gabion-request-id"));
    for text in ["one", "two"] {
        socket.send(Message::text(text)).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), Message::text(text));
    }
    let big = "x".repeat(1_000_000);
    socket.send(Message::text(big.as_str())).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::text(big));
    rig.sessions.revoke(&session).unwrap();
    let end = timeout(PATIENCE, socket.next()).await.unwrap();
    assert!(!matches!(end, Some(Ok(message)) if message.is_text()), "the tunnel is closed");
}

/// Idle for 30 minutes ends a session; 20 minutes, a word on the socket, 20 minutes do not.
#[tokio::test]
async fn who_talks_on_a_websocket_is_not_idle() {
    use futures_util::{SinkExt, StreamExt};
    let listener = echo().await;
    let mut build = Build::before(listener.local_addr().unwrap());
    build.routes = vec![crate::rig::route("/*", Access::SignedIn)];
    let clock = Arc::new(ManualClock::at(SystemClock.now()));
    build.clock = clock.clone();
    tokio::spawn(serve_echo(listener));
    let rig = build.start();
    let (cookie, _) = rig.sign_in("ada");
    let mut request = format!("ws://{}/socket", rig.address).into_client_request().unwrap();
    request.headers_mut().insert("cookie", cookie.parse().unwrap());
    request.headers_mut().insert("origin", format!("http://{}", rig.address).parse().unwrap());
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
    clock.advance(Duration::from_secs(20 * 60));
    socket.send(Message::text("still here")).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("still here"));
    clock.advance(Duration::from_secs(20 * 60));
    rig.sessions.purge(clock.now()).unwrap();
    assert_eq!(rig.sessions.count(), 1, "who talked is signed in");
    clock.advance(Duration::from_secs(11 * 60));
    rig.sessions.purge(clock.now()).unwrap();
    assert_eq!(rig.sessions.count(), 0, "who was silent since is not");
}

#[tokio::test]
async fn an_upgrade_that_is_no_websocket_is_an_ordinary_request() {
    let upstream = Recorder::plain().await;
    let rig = Build::before(upstream.address).start();
    for upgrade in ["h2c", "TLS/1.0", "foo"] {
        let mut client = rig.connect().await;
        client
            .send(format!(
                "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: {upgrade}\r\nHTTP2-Settings: AAA\r\n\r\n"
            ))
            .await;
        let answer = client.response("GET").await.unwrap();
        assert!(matches!(answer.status, 200 | 400), "{}", answer.head);
    }
    for request in upstream.all() {
        assert_eq!((request.field("upgrade"), request.field("connection")), (None, None), "{}", request.head);
        assert_eq!(request.field("http2-settings"), None);
    }
}

#[tokio::test]
async fn a_handshake_that_is_refused_by_the_upstream_stays_http() {
    let upstream = Recorder::start(|request| {
        if request.field("upgrade").is_some() {
            b"HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno".to_vec()
        } else {
            ok("ok")
        }
    })
    .await;
    let rig = Build::before(upstream.address).start();
    let mut client = rig.connect().await;
    client
        .send(
            "GET /socket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\nGET /next HTTP/1.1\r\nHost: a\r\n\r\n",
        )
        .await;
    assert_eq!(client.response("GET").await.unwrap().status, 403);
    assert_eq!(client.response("GET").await.unwrap().text(), "ok", "what followed is a request");
    let lines: Vec<_> = upstream.all().iter().map(|request| request.line().to_owned()).collect();
    assert_eq!(lines, ["GET /socket HTTP/1.1", "GET /next HTTP/1.1"]);
}

#[tokio::test]
async fn a_drain_ends_tunnels_and_lets_requests_finish() {
    let (rig, listener) = by_hand(Access::Public).await;
    let mut busy = rig.connect().await;
    busy.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let mut upstream = accept(&listener).await;
    upstream.head().await.unwrap();
    let idle = rig.connect().await;
    let address = rig.address;
    let draining = tokio::spawn(rig.gate.drain(Period::from_secs(10).as_duration()));
    assert_eq!(idle.rest().await, b"", "idle connections are closed");
    let refused = async { while tokio::net::TcpStream::connect(address).await.is_ok() {} };
    timeout(PATIENCE, refused).await.expect("nobody is let in");
    upstream.send(ok("done")).await;
    let answer = busy.response("GET").await.unwrap();
    assert_eq!((answer.text(), answer.field("connection")), ("done", Some("close")));
    assert_eq!(draining.await.unwrap(), 0, "nothing had to be cut");
}

#[tokio::test]
async fn a_drain_has_an_end() {
    let (rig, listener) = by_hand(Access::Public).await;
    let mut client = rig.connect().await;
    client.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let mut upstream = accept(&listener).await;
    upstream.head().await.unwrap();
    assert_eq!(rig.gate.drain(Duration::from_millis(200)).await, 1);
    assert_eq!(client.rest().await, b"");
    let mut rest = Vec::new();
    upstream.stream.read_to_end(&mut rest).await.unwrap();
    assert_eq!(rest, b"");
}
