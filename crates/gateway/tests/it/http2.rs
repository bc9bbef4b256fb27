//! HTTP/2 in front, spoken by the `h2` crate and by hand, and behind.

use bytes::Bytes;
use gabion_gateway::{Tls, TlsMaterial, TlsMode};
use gabion_model::{Clock, Period, SystemClock};
use gabion_vault::tls::LocalCa;
use http::{Request, StatusCode, Version};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::rig::{Build, PATIENCE, Recorder, Rig, ok};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

async fn rig(upstream: &Recorder) -> Rig {
    let mut build = Build::before(upstream.address);
    build.settings.http2_plaintext = true;
    build.start()
}

async fn connect(rig: &Rig) -> h2::client::SendRequest<Bytes> {
    let stream = TcpStream::connect(rig.address).await.unwrap();
    let (sender, connection) = h2::client::handshake(stream).await.unwrap();
    tokio::spawn(async move {
        let _ = connection.await;
    });
    sender.ready().await.unwrap()
}

fn get(path: &str) -> Request<()> {
    Request::get(format!("http://app.test{path}")).version(Version::HTTP_2).body(()).unwrap()
}

async fn text(mut body: h2::RecvStream) -> String {
    let mut text = Vec::new();
    while let Some(data) = body.data().await {
        let data = data.unwrap();
        body.flow_control().release_capacity(data.len()).unwrap();
        text.extend_from_slice(&data);
    }
    String::from_utf8(text).unwrap()
}

#[tokio::test]
async fn streams_are_requests() {
    let upstream = Recorder::start(|request| ok(&format!("{}|{}", request.line(), request.body.len()))).await;
    let rig = rig(&upstream).await;
    let mut sender = connect(&rig).await;
    let mut answers = Vec::new();
    for index in 0..50 {
        sender = sender.ready().await.unwrap();
        answers.push(sender.send_request(get(&format!("/{index}")), true).unwrap().0);
    }
    for (index, answer) in answers.into_iter().enumerate() {
        let answer = answer.await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        assert!(answer.headers().contains_key("gabion-request-id"));
        assert_eq!(text(answer.into_body()).await, format!("GET /{index} HTTP/1.1|0"));
    }
    let post = Request::post("http://app.test/p").version(Version::HTTP_2).body(()).unwrap();
    let (answer, mut body) = sender.send_request(post, false).unwrap();
    body.send_data(Bytes::from(vec![b'x'; 50_000]), true).unwrap();
    assert_eq!(text(answer.await.unwrap().into_body()).await, "POST /p HTTP/1.1|50000");
    let received = upstream.all().pop().unwrap();
    assert_eq!(
        (received.field("host"), received.field("transfer-encoding")),
        (Some("app.test"), Some("chunked"))
    );
}

#[tokio::test]
async fn http1_goes_on_beside_it() {
    let upstream = Recorder::plain().await;
    let rig = rig(&upstream).await;
    let mut client = rig.connect().await;
    client.send("P").await;
    client.send("OST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n").await;
    assert_eq!(client.response("POST").await.unwrap().status, 200);
}

#[tokio::test]
async fn refusals_are_the_same_as_over_http1() {
    let upstream = Recorder::plain().await;
    let mut build = Build::before(upstream.address);
    build.settings.http2_plaintext = true;
    build.checks.limits.body = "10B".parse().unwrap();
    let rig = build.start();
    let mut sender = connect(&rig).await;
    let answer = sender.send_request(get("/x%2f..%2fy"), true).unwrap().0.await.unwrap();
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    assert!(answer.headers().contains_key("gabion-request-id"));

    let post = Request::post("http://app.test/p").version(Version::HTTP_2).body(()).unwrap();
    let (answer, mut body) = sender.send_request(post, false).unwrap();
    body.send_data(Bytes::from(vec![b'x'; 100]), true).unwrap();
    assert_eq!(answer.await.unwrap().status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(upstream.all(), []);
}

/// A frame: length, type, flags, stream, payload (RFC 9113 section 4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut frame = u32::try_from(payload.len()).unwrap().to_be_bytes()[1..].to_vec();
    frame.extend_from_slice(&[kind, flags]);
    frame.extend_from_slice(&stream.to_be_bytes());
    frame.extend_from_slice(payload);
    frame
}

/// `GET / HTTP/2` to `a`, in indexed fields and one literal (RFC 7541).
const GET: &[u8] = &[0x82, 0x84, 0x86, 0x01, 0x01, b'a'];

/// Sends `frames` after the preface and reads until the gate ends the connection; the error code of its
/// GOAWAY.
async fn attack(rig: &Rig, frames: impl Iterator<Item = Vec<u8>> + Send + 'static) -> Option<u32> {
    let stream = TcpStream::connect(rig.address).await.unwrap();
    let (mut read, mut write) = stream.into_split();
    let sender = tokio::spawn(async move {
        write.write_all(PREFACE).await?;
        write.write_all(&frame(4, 0, 0, &[])).await?;
        for frame in frames {
            write.write_all(&frame).await?;
        }
        Ok::<_, std::io::Error>(write)
    });
    let mut received = Vec::new();
    let read = tokio::time::timeout(PATIENCE, read.read_to_end(&mut received)).await;
    read.expect("the gate ends the connection").ok();
    drop(sender);
    let mut rest = received.as_slice();
    while let [a, b, c, kind, _, _, _, _, _, after @ ..] = rest {
        let length = u32::from_be_bytes([0, *a, *b, *c]) as usize;
        let (payload, next) = after.split_at_checked(length)?;
        if *kind == 7 {
            return payload.get(4..8).map(|code| u32::from_be_bytes(code.try_into().unwrap()));
        }
        rest = next;
    }
    None
}

#[tokio::test]
async fn a_rapid_reset_ends_the_connection() {
    let upstream = Recorder::plain().await;
    let rig = rig(&upstream).await;
    let frames = (0..50_000u32).map(|index| {
        let stream = 2 * index + 1;
        [frame(1, 5, stream, GET), frame(3, 0, stream, &8u32.to_be_bytes())].concat()
    });
    let code = attack(&rig, frames).await;
    assert!(matches!(code, Some(11) | None), "ENHANCE_YOUR_CALM or a closed connection: {code:?}");
    assert!(upstream.all().len() < 5_000, "{} requests got through", upstream.all().len());
    let mut sender = connect(&rig).await;
    assert_eq!(sender.send_request(get("/"), true).unwrap().0.await.unwrap().status(), 200);
}

#[tokio::test]
async fn endless_continuations_end_the_connection() {
    let upstream = Recorder::plain().await;
    let rig = rig(&upstream).await;
    // A literal field without indexing, again and again, in a head that never ends.
    let field = [&[0x00, 0x01, b'x', 0x7f, 0x81, 0x07], vec![b'y'; 1024].as_slice()].concat();
    let first = frame(1, 1, 1, GET);
    let frames = std::iter::once(first).chain((0..100_000).map(move |_| frame(9, 0, 1, &field)));
    let code = attack(&rig, frames).await;
    assert!(!matches!(code, Some(0)), "{code:?}");
    assert_eq!(upstream.all(), []);
}

#[tokio::test]
async fn settings_and_ping_floods_do_not_stop_others() {
    let upstream = Recorder::plain().await;
    let rig = rig(&upstream).await;
    let stream = TcpStream::connect(rig.address).await.unwrap();
    let (_read, mut write) = stream.into_split();
    let flood = tokio::spawn(async move {
        write.write_all(PREFACE).await?;
        write.write_all(&frame(4, 0, 0, &[])).await?;
        loop {
            write.write_all(&frame(6, 0, 0, &[0; 8]).repeat(100)).await?;
        }
        #[expect(unreachable_code, reason = "names the error's type")]
        Ok::<_, std::io::Error>(())
    });
    let mut sender = connect(&rig).await;
    for _ in 0..20 {
        sender = sender.ready().await.unwrap();
        assert_eq!(sender.send_request(get("/"), true).unwrap().0.await.unwrap().status(), 200);
    }
    flood.abort();
}

async fn impatient(upstream: &Recorder) -> Rig {
    let mut build = Build::before(upstream.address);
    build.settings.http2_plaintext = true;
    build.settings.stall_timeout = Period::from_millis(300);
    build.start()
}

#[tokio::test]
async fn a_body_that_stalls_is_timed_out_with_an_answer() {
    let upstream = Recorder::plain().await;
    let rig = impatient(&upstream).await;
    let sender = connect(&rig).await;
    for path in ["/x", "/.gabion/login"] {
        let uri = format!("http://app.test{path}");
        let post = Request::post(uri).version(Version::HTTP_2).body(()).unwrap();
        let (answer, mut body) = sender.clone().ready().await.unwrap().send_request(post, false).unwrap();
        body.send_data(Bytes::from_static(b"abc"), false).unwrap();
        let answer = tokio::time::timeout(PATIENCE, answer).await.expect("in time").unwrap();
        assert!(answer.status().is_client_error(), "{path}: {}", answer.status());
    }
    assert_eq!(upstream.all(), [], "the upstream never saw a whole request");
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut() {
    let upstream = Recorder::plain().await;
    let rig = impatient(&upstream).await;
    // SETTINGS_INITIAL_WINDOW_SIZE = 0: no byte of any answer may be sent.
    let window = frame(4, 0, 0, &[0, 4, 0, 0, 0, 0]);
    attack(&rig, [window, frame(1, 5, 1, GET)].into_iter()).await;
    crate::rig::until(|| rig.gate.connections() == 0).await;
    assert_eq!(upstream.all().len(), 1);
}

#[tokio::test]
async fn a_get_reaches_the_upstream_without_a_body_or_not_at_all() {
    let upstream = Recorder::plain().await;
    let rig = rig(&upstream).await;
    let sender = connect(&rig).await;
    let (answer, mut body) =
        sender.clone().ready().await.unwrap().send_request(get("/empty"), false).unwrap();
    body.send_data(Bytes::new(), true).unwrap();
    assert_eq!(answer.await.unwrap().status(), 200);
    let (answer, mut body) = sender.ready().await.unwrap().send_request(get("/body"), false).unwrap();
    body.send_data(Bytes::from_static(b"GET /admin HTTP/1.1\r\n\r\n"), true).unwrap();
    assert_eq!(answer.await.unwrap().status(), 413);
    let [received] = upstream.all().try_into().unwrap();
    let framing = (received.field("transfer-encoding"), received.field("content-length"));
    assert_eq!((received.line(), framing), ("GET /empty HTTP/1.1", (None, None)));
}

#[tokio::test]
async fn an_idle_connection_is_told_to_go() {
    let upstream = Recorder::plain().await;
    let mut build = Build::before(upstream.address);
    build.settings.http2_plaintext = true;
    build.settings.idle_timeout = Period::from_millis(300);
    build.settings.head_timeout = Period::from_millis(300);
    let rig = build.start();
    assert_eq!(attack(&rig, std::iter::empty()).await, Some(0), "a friendly GOAWAY");
}

#[tokio::test]
async fn tls_offers_both_protocols_and_upstreams_can_speak_them() {
    let now = SystemClock.now();
    let ca = LocalCa::create(now).unwrap();
    let issued = ca.issue(&["localhost".to_owned(), "127.0.0.1".to_owned()], now).unwrap();
    let material = TlsMaterial { chain_pem: issued.chain_pem, key_pem: issued.key_pem };
    let directory = tempfile::tempdir().unwrap();
    let ca_file = directory.path().join("ca.pem");
    std::fs::write(&ca_file, ca.certificate_pem()).unwrap();

    // A gate with TLS is the upstream of another: once over HTTP/1.1, once over HTTP/2.
    let upstream = Recorder::start(|request| ok(request.field("host").unwrap_or_default())).await;
    let mut behind = Build::before(upstream.address);
    behind.settings.tls = Tls { mode: TlsMode::LocalCa, ..Tls::default() };
    behind.tls = Some(material);
    let behind = behind.start();
    for http2 in [false, true] {
        let mut front = Build::before(behind.address);
        *front.app() = gabion_gateway::Upstream {
            url: format!("https://localhost:{}", behind.address.port()),
            ca_file: Some(ca_file.clone()),
            http2,
            ..front.app().clone()
        };
        let front = front.start();
        let mut client = front.connect().await;
        for _ in 0..3 {
            let answer = client.get("/").await;
            assert_eq!((answer.status, answer.text()), (200, "app.test"), "{http2}: {}", answer.head);
        }
        let large = "x".repeat(100_000);
        client.send(format!("POST / HTTP/1.1\r\nHost: b\r\nContent-Length: 100000\r\n\r\n{large}")).await;
        assert_eq!(client.response("POST").await.unwrap().text(), "b");
        assert_eq!(upstream.all().pop().unwrap().body.len(), 100_000);
    }

    // Without the authority the upstream is not believed.
    let mut front = Build::before(behind.address);
    front.app().url = format!("https://localhost:{}", behind.address.port());
    let other = directory.path().join("other.pem");
    std::fs::write(&other, LocalCa::create(now).unwrap().certificate_pem()).unwrap();
    front.app().ca_file = Some(other);
    let front = front.start();
    assert_eq!(front.connect().await.get("/").await.status, 502);
}
