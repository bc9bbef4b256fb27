//! The WebSocket and the event stream, used as intended.

use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use gabion_strawman::{Handle, Options, accounts, serve};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

#[tokio::test]
async fn the_websocket_greets_echoes_and_tells_the_news() {
    for options in [Options::vulnerable(), Options::repaired()] {
        let app = serve(options).await.unwrap();
        let cookie = sign_in(&app, "alice").await;
        let mut request = format!("ws://{}/ws", app.address()).into_client_request().unwrap();
        request.headers_mut().insert("cookie", cookie.parse().unwrap());
        request.headers_mut().insert("origin", app.base().parse().unwrap());
        let stream = connect(app.address()).await;
        let (mut socket, _) = tokio_tungstenite::client_async(request, stream).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("hello alice"));
        socket.send(Message::text("ping")).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("echo: ping"));
        keep_note(&app, &sign_in(&app, "bob").await, "not for alice").await;
        keep_note(&app, &cookie, "wicks").await;
        assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("note kept: wicks"));
        app.shutdown().await;
        assert!(matches!(socket.next().await, None | Some(Ok(Message::Close(_)) | Err(_))));
    }
}

#[tokio::test]
async fn the_event_stream_greets_tells_the_news_and_ends_with_the_application() {
    for options in [Options::vulnerable(), Options::repaired()] {
        let app = serve(options).await.unwrap();
        let cookie = sign_in(&app, "alice").await;
        let response = send(app.address(), "GET", "/events", &[("cookie", &cookie)], "").await;
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let mut body = response.into_body();
        assert_eq!(event(&mut body).await.as_deref(), Some("data: hello alice\n\n"));
        keep_note(&app, &sign_in(&app, "bob").await, "not for alice").await;
        keep_note(&app, &cookie, "wicks").await;
        assert_eq!(event(&mut body).await.as_deref(), Some("data: note kept: wicks\n\n"));
        app.shutdown().await;
        assert_eq!(event(&mut body).await, None);
    }
}

#[tokio::test]
async fn strangers_get_neither() {
    let app = serve(Options::vulnerable()).await.unwrap();
    let stream = connect(app.address()).await;
    let refused = tokio_tungstenite::client_async(format!("ws://{}/ws", app.address()), stream).await;
    assert!(refused.is_err());
    let response = send(app.address(), "GET", "/events", &[], "").await;
    assert_eq!(response.status(), http::StatusCode::SEE_OTHER);
    assert_eq!(response.headers()["location"], "/login");
}

async fn event(body: &mut Incoming) -> Option<String> {
    let frame = body.frame().await?.ok()?;
    Some(String::from_utf8(frame.into_data().ok()?.to_vec()).unwrap())
}

async fn keep_note(app: &Handle, cookie: &str, title: &str) {
    let body = format!("title={title}&body=x");
    let response = send(app.address(), "POST", "/notes", &[("cookie", cookie)], &body).await;
    assert_eq!(response.status(), http::StatusCode::SEE_OTHER);
}

async fn sign_in(app: &Handle, name: &str) -> String {
    let account = accounts().into_iter().find(|account| account.name == name).unwrap();
    let body = format!("name={name}&password={}", account.password);
    let response = send(app.address(), "POST", "/login", &[], &body).await;
    let cookie = response.headers()["set-cookie"].to_str().unwrap();
    cookie.split(';').next().unwrap().to_owned()
}

async fn send(
    address: SocketAddr,
    method: &str,
    path: &str,
    fields: &[(&str, &str)],
    body: &str,
) -> http::Response<Incoming> {
    let io = TokioIo::new(connect(address).await);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
    tokio::spawn(connection);
    let mut request = http::Request::builder()
        .method(method)
        .uri(path)
        .header("host", address.to_string())
        .header("content-type", "application/x-www-form-urlencoded");
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(bytes::Bytes::from(body.to_owned()))).unwrap();
    sender.send_request(request).await.unwrap()
}

#[expect(clippy::disallowed_methods, reason = "a client of the application under test")]
async fn connect(address: SocketAddr) -> TcpStream {
    TcpStream::connect(address).await.unwrap()
}
