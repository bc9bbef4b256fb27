//! The application behind the gate: echoes what it received, so that a test can compare what was sent
//! with what arrived.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinHandle;

/// An application listening on loopback until it is dropped or killed.
pub(crate) struct Application {
    pub(crate) address: SocketAddr,
    served: Arc<AtomicU64>,
    accepting: JoinHandle<()>,
}

impl Application {
    pub(crate) async fn start() -> Self {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0))).await
    }

    /// Starts at an address that an earlier application may just have left.
    pub(crate) async fn start_at(address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_reuseaddr(true).expect("the address may be reused");
        socket.bind(address).expect("the address is free");
        let listener = socket.listen(1024).expect("listens");
        let address = listener.local_addr().expect("has an address");
        let served = Arc::new(AtomicU64::new(0));
        let accepting = tokio::spawn(accept(listener, served.clone()));
        Self { address, served, accepting }
    }

    /// Closes the port and every connection, as `kill -9` would; gone when this returns.
    pub(crate) async fn kill(mut self) {
        self.accepting.abort();
        let _ = (&mut self.accepting).await;
    }

    pub(crate) fn served(&self) -> u64 {
        self.served.load(Ordering::Relaxed)
    }
}

impl Drop for Application {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, served: Arc<AtomicU64>) {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else { return };
        let served = served.clone();
        connections.spawn(async move {
            let service = service_fn(move |request| answer(request, served.clone()));
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
        while connections.try_join_next().is_some() {}
    }
}

/// With the status that a part of the path like `answer-404` asks for:
/// `METHOD TARGET`, the caller's name as the gate tells it, and the body.
async fn answer(
    request: Request<Incoming>,
    served: Arc<AtomicU64>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    served.fetch_add(1, Ordering::Relaxed);
    let target = request.uri().path().to_owned();
    let asked = target.split_once("answer-").map(|(_, code)| code);
    let identity = request.headers().get("gabion-identity").is_some();
    let head = format!("{} {} identity={identity}\n", request.method(), request.uri());
    let body =
        request.into_body().collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let mut echo = head.into_bytes();
    echo.extend_from_slice(&body);
    let status = asked.and_then(|code| code.get(..3)?.parse().ok()).unwrap_or(200_u16);
    Ok(Response::builder()
        .status(status)
        .header("content-type", "text/plain")
        .body(Full::from(echo))
        .expect("a response"))
}
