//! The partner's site: another server on loopback, whose news the shop likes to preview.

use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// Starts the site; it ends with the application.
pub(super) async fn start(mut stopped: watch::Receiver<bool>) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let site = Router::new().route("/news", get(async || Html(NEWS)));
    tokio::spawn(async move {
        let until = async move {
            let _ = stopped.wait_for(|stop| *stop).await;
        };
        let _ = axum::serve(listener, site).with_graceful_shutdown(until).await;
    });
    Ok(address)
}

const NEWS: &str = "<!doctype html><title>Wick &amp; Partner: news</title>\
                    <p>This year's wicks are woven from recycled cotton.</p>";
