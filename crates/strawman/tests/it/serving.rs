//! Starting, stopping and refusing to start.

use std::net::SocketAddr;

use gabion_strawman::{Identity, Options, ServeError, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::test]
async fn it_listens_on_loopback_only() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0", "10.0.0.1:3000"] {
        let address: SocketAddr = address.parse().unwrap();
        let refused = serve(Options { address, ..Options::vulnerable() }).await;
        assert!(matches!(refused, Err(ServeError::NotLoopback(refused)) if refused == address), "{address}");
    }
    let other = Options { address: "127.0.0.2:0".parse().unwrap(), ..Options::vulnerable() };
    assert!(serve(other).await.is_ok());
}

#[tokio::test]
async fn a_taken_port_is_an_error_that_names_it() {
    let app = serve(Options::vulnerable()).await.unwrap();
    let refused = serve(Options { address: app.address(), ..Options::repaired() }).await.err().unwrap();
    assert!(refused.to_string().contains(&app.address().to_string()), "{refused}");
}

#[tokio::test]
async fn a_key_set_that_is_none_is_an_error() {
    let identity = Identity::Gate { jwks: "{".into(), issuer: "i".into(), audience: "a".into() };
    let refused = serve(Options { identity, ..Options::repaired() }).await;
    assert!(matches!(refused, Err(ServeError::Data(_))));
}

#[tokio::test]
async fn after_shutdown_nobody_listens() {
    let app = serve(Options::vulnerable()).await.unwrap();
    let address = app.address();
    assert!(get(address, "/style.css").await.unwrap().contains("200 OK"));
    app.shutdown().await;
    assert!(get(address, "/style.css").await.is_err());
}

#[tokio::test]
async fn a_browser_gets_the_icon_it_asks_for() {
    let app = serve(Options::vulnerable()).await.unwrap();
    let answer = get(app.address(), "/favicon.ico").await.unwrap().to_ascii_lowercase();
    assert!(answer.contains("200 ok") && answer.contains("content-type: image/svg+xml"), "{answer}");
    assert_eq!(crate::routes::access("/favicon.ico"), Some(crate::routes::Access::Public));
}

#[tokio::test]
async fn guarded_it_answers_nothing_that_another_site_makes_a_browser_send() {
    let app = serve(Options { guarded: true, ..Options::vulnerable() }).await.unwrap();
    let (address, port) = (app.address(), app.address().port());
    for (host, site, answered) in [
        (format!("127.0.0.1:{port}"), "none", true),
        (format!("localhost:{port}"), "same-origin", true),
        (format!("127.0.0.1:{port}"), "cross-site", false),
        (format!("localhost:{port}"), "same-site", false),
        (format!("evil.example:{port}"), "same-origin", false),
        ("127.0.0.1".to_owned(), "none", false),
    ] {
        let answer =
            get_as(address, "/shop", &format!("Host: {host}\r\nSec-Fetch-Site: {site}")).await.unwrap();
        assert_eq!(answer.contains("200 OK"), answered, "{host} {site}: {answer}");
    }
    assert!(get(address, "/shop").await.unwrap().contains("200 OK"), "curl says nothing of sites");

    let issuer = "http://127.0.0.1:8080".to_owned();
    let identity = Identity::Gate { jwks: "{\"keys\":[]}".into(), issuer, audience: "a".into() };
    let app = serve(Options { guarded: true, identity, ..Options::vulnerable() }).await.unwrap();
    assert!(get(app.address(), "/shop").await.unwrap().contains("403 Forbidden"), "not by the gate");
    for host in ["127.0.0.1:8080", "localhost:8080"] {
        let by_gate = format!("Host: {host}\r\nSec-Fetch-Site: cross-site");
        let answer = get_as(app.address(), "/shop", &by_gate).await.unwrap();
        assert!(answer.contains("200 OK"), "{host}: {answer}");
    }
}

#[tokio::test]
async fn every_public_page_and_the_description_of_the_api_are_there() {
    for options in [Options::vulnerable(), Options::repaired()] {
        let app = serve(options).await.unwrap();
        for path in ["/", "/shop", "/search", "/product/2", "/login"] {
            let page = get(app.address(), path).await.unwrap();
            assert!(page.starts_with("HTTP/1.1 200") && page.contains("Straw &amp; Co."), "{path}: {page}");
        }
        let answer = get(app.address(), "/openapi.yaml").await.unwrap();
        let document = answer.split_once("\r\n\r\n").unwrap().1;
        assert!(document == include_str!("../../../../examples/shop/openapi.yaml"), "the contract itself");
        app.shutdown().await;
    }
}

async fn get(address: SocketAddr, path: &str) -> std::io::Result<String> {
    get_as(address, path, &format!("Host: {address}")).await
}

#[expect(clippy::disallowed_methods, reason = "a client of the application under test")]
async fn get_as(address: SocketAddr, path: &str, fields: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream
        .write_all(format!("GET {path} HTTP/1.1\r\n{fields}\r\nConnection: close\r\n\r\n").as_bytes())
        .await?;
    let mut text = String::new();
    stream.read_to_string(&mut text).await?;
    Ok(text)
}
