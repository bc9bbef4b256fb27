//! Targets that speak HTTP/2: alone by TLS, without TLS where the facts say so, and everything at one moment over one connection.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::http::{HeaderMap, Version as Spoken};
use axum::response::Html;
use axum::routing::{get, post};
use gabion_egress::{TcpDial, Tls};
use gabion_probe::facts::Version;
use gabion_probe::scope::Origin;
use gabion_probe::wire::{BODY, Budget, Request, Wire};
use gabion_probe::{Facts, Verdict, run};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tempfile::TempDir;
use tokio::sync::Barrier;
use tokio_rustls::TlsAcceptor;

use crate::ground::{Silent, print, world};

/// How many requests must be there at one moment before one is answered.
const AT_ONCE: usize = 8;

struct Server {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
    folder: TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn routes() -> Router {
    let barrier = Arc::new(Barrier::new(AT_ONCE));
    Router::new()
        .route("/", get(async || Html("<a href=\"/echo\">echo</a>")))
        .route(
            "/echo",
            get(async |version: Spoken, headers: HeaderMap| {
                let mark = headers.get("x-mark").and_then(|value| value.to_str().ok()).unwrap_or_default();
                format!("{version:?} {mark}")
            }),
        )
        .route(
            "/redeem",
            post(async move |body: String| {
                barrier.wait().await;
                body
            }),
        )
        .route("/large", get(async || vec![b'a'; 3 * BODY]))
}

/// With these protocols by TLS; without any, HTTP/2 at once and no TLS.
async fn serve(protocols: &[&[u8]]) -> Server {
    let folder = TempDir::new().unwrap();
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    std::fs::write(folder.path().join("ca.pem"), made.cert.pem()).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let mut config = rustls::ServerConfig::builder_with_provider(gabion_vault::tls::provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![CertificateDer::from(made.cert.der().to_vec())], key)
        .unwrap();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    let acceptor = (!protocols.is_empty()).then(|| TlsAcceptor::from(Arc::new(config)));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let connections = Arc::new(AtomicUsize::new(0));
    let (counted, routes) = (Arc::clone(&connections), routes());
    let task = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (acceptor, counted) = (acceptor.clone(), Arc::clone(&counted));
            let service = TowerToHyperService::new(routes.clone());
            tokio::spawn(async move {
                let server = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                match acceptor {
                    Some(acceptor) => {
                        let Ok(stream) = acceptor.accept(stream).await else { return };
                        counted.fetch_add(1, Ordering::SeqCst);
                        let _ = server.serve_connection(TokioIo::new(stream), service).await;
                    }
                    None => {
                        counted.fetch_add(1, Ordering::SeqCst);
                        let _ = server.http2_only().serve_connection(TokioIo::new(stream), service).await;
                    }
                }
            });
        }
    });
    Server { address, connections, task, folder }
}

fn wire(server: &Server, scheme: &str, version: Version) -> Wire {
    let origin = Origin::parse(&format!("{scheme}://{}", server.address)).unwrap();
    let tls = Tls::new(Some(&server.folder.path().join("ca.pem"))).unwrap();
    let budget = Budget { rate: 2_000, ..Budget::default() };
    Wire::new(origin, vec![server.address], Arc::new(TcpDial), Some(tls), budget).speaking(version)
}

#[tokio::test]
async fn a_target_that_speaks_nothing_else_is_spoken_to_in_http_2() {
    let server = serve(&[b"h2"]).await;
    let wire = wire(&server, "https", Version::Auto);
    for _ in 0..3 {
        let answer = wire.send(&Request::get("/echo?a=%00").header("X-Mark", "seen")).await.unwrap();
        assert_eq!((answer.status, answer.text().as_str()), (200, "HTTP/2.0 seen"));
    }
    let large = wire.send(&Request::get("/large")).await.unwrap();
    assert!(large.cut && large.body.len() == BODY);
    let answer = wire.send(&Request::get("/echo")).await.unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!((wire.in_second(), server.connections.load(Ordering::SeqCst)), (5, 1));
    // What HTTP/2 cannot say goes to the raw writer, which finds nobody here: an error, and no end.
    let error = wire.send(&Request::get("/a b")).await.unwrap_err();
    assert!(!error.is_end());
}

#[tokio::test]
async fn a_target_that_speaks_both_is_spoken_to_in_http_1_1_unless_the_facts_say_otherwise() {
    let server = serve(&[b"h2", b"http/1.1"]).await;
    let first = wire(&server, "https", Version::Auto);
    assert_eq!(first.send(&Request::get("/echo")).await.unwrap().text(), "HTTP/1.1 ");
    let second = wire(&server, "https", Version::Second);
    assert_eq!(second.send(&Request::get("/echo")).await.unwrap().text(), "HTTP/2.0 ");
    let plain = serve(&[]).await;
    let plain = wire(&plain, "http", Version::Second);
    assert_eq!(plain.send(&Request::get("/echo")).await.unwrap().text(), "HTTP/2.0 ");
}

#[tokio::test]
async fn requests_at_one_moment_go_over_one_connection() {
    let server = serve(&[b"h2", b"http/1.1"]).await;
    let wire = wire(&server, "https", Version::Auto);
    let all: Vec<Request> =
        (0..AT_ONCE).map(|at| Request::new("POST", "/redeem").body("text/plain", format!("n{at}"))).collect();
    let answers = wire.together(&all).await.unwrap();
    // None of them is answered before all of them are there.
    for (at, answer) in answers.into_iter().enumerate() {
        assert_eq!(answer.unwrap().text(), format!("n{at}"));
    }
    assert_eq!((wire.in_second(), wire.sent()), (AT_ONCE, AT_ONCE));
    assert_eq!(server.connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_whole_run_goes_in_http_2() {
    let server = serve(&[b"h2"]).await;
    let mut world = world(&["headers"]);
    world.tls = Some(Tls::new(Some(&server.folder.path().join("ca.pem"))).unwrap());
    let mut facts = Facts::of(&format!("https://{}", server.address));
    facts.limits.rate = 2_000;
    let report = run(facts, &world, &Silent).await.unwrap();
    print(&report);
    assert!(
        report
            .outcomes
            .iter()
            .any(|outcome| outcome.test == "headers" && outcome.verdict > Verdict::NotTested)
    );
}
