//! Targets that mean harm to whoever asks them, or are broken: the run ends in time and says what happened.

use std::time::Duration;

use gabion_probe::{End, Facts, Report, RunError, run};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::ground::{Silent, world};

/// What is done with each connection, once its request came.
type Manner = fn(String) -> Vec<u8>;

/// A server that answers each connection by its manner, and then closes it; where there is no answer it says nothing for good.
async fn server(manner: Manner) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, manner));
        }
    });
    base
}

async fn serve(mut stream: TcpStream, manner: Manner) {
    let mut request = vec![0; 16 << 10];
    let Ok(read) = stream.read(&mut request).await else { return };
    let answer = manner(String::from_utf8_lossy(&request[..read]).into_owned());
    if answer.is_empty() {
        std::future::pending::<()>().await;
    }
    let _ = stream.write_all(&answer).await;
    let _ = stream.shutdown().await;
}

async fn probe(manner: Manner) -> Result<Report, RunError> {
    let mut facts = Facts::of(&server(manner).await);
    facts.limits.pages = 60;
    let world = world(&[]);
    let running = run(facts, &world, &Silent);
    tokio::time::timeout(Duration::from_secs(300), running).await.unwrap()
}

fn page(body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\r\n{body}", body.len())
        .into_bytes()
}

/// Time goes by itself where everybody waits.
#[tokio::test(start_paused = true)]
async fn one_that_never_answers_is_unreachable() {
    let error = probe(|_| Vec::new()).await.unwrap_err().to_string();
    assert!(error.contains("does not answer") && error.contains("hint"), "{error}");
}

#[tokio::test]
async fn one_that_speaks_something_else_is_unreachable() {
    let error = probe(|_| b"SSH-2.0-OpenSSH_9.2\r\n".to_vec()).await.unwrap_err().to_string();
    assert!(error.contains("does not answer"), "{error}");
}

#[tokio::test]
async fn redirects_in_a_circle_end() {
    let report = probe(|_| b"HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n".to_vec())
        .await
        .unwrap();
    assert_eq!(report.end, End::Whole);
    assert!(report.requests < 500, "{}", report.requests);
}

#[tokio::test]
async fn pages_without_end_are_left() {
    // Each page leads to new ones.
    let report = probe(|request| {
        let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
        let links: String = (0..50).map(|at| format!("<a href=\"{path}x{at}/\">")).collect();
        page(&links)
    })
    .await
    .unwrap();
    assert!(report.notes.iter().any(|note| note.contains("limits.pages")), "{:?}", report.notes);
}

#[tokio::test]
async fn one_that_falls_over_is_left_alone_and_named() {
    let report = probe(|request| {
        if request.starts_with("GET / ") {
            return page("<a href=/one><a href=/two><a href=/three><a href=/four><a href=/five><a href=/six><a href=/seven>");
        }
        // Closed without a word.
        b"\r".to_vec()
    })
    .await
    .unwrap();
    let End::Early(reason) = &report.end else { panic!("it went on") };
    assert!(reason.contains("got no answer"), "{reason}");
    assert!(!report.journal.is_empty());
}

#[tokio::test]
async fn lengths_that_lie_and_bodies_that_explode_are_bounded() {
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\nContent-Type: text/html\r\n\r\nshort",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\nx",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 6\r\n\r\n{\"a\":[",
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope",
        "HTTP/1.1 999 \r\n\r\n",
    ] {
        let base = server_of(answer.as_bytes().to_vec()).await;
        // Whatever it comes to, it comes to an end.
        let world = world(&[]);
        let running = run(Facts::of(&base), &world, &Silent);
        let _ = tokio::time::timeout(Duration::from_secs(300), running).await.unwrap();
    }
}

async fn server_of(answer: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 16 << 10];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(&answer).await;
            let _ = stream.shutdown().await;
        }
    });
    base
}
