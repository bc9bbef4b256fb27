//! The application: a shop with orders and notes, for the people of two tenants.

use std::net::SocketAddr;

use axum::Router;
use tokio::sync::watch;

use crate::serve::Options;

/// The whole application. `stopped` ends its live streams.
pub(crate) async fn router(
    options: &Options,
    address: SocketAddr,
    stopped: watch::Receiver<bool>,
) -> Result<Router, String> {
    let _ = (options, address, stopped);
    Ok(Router::new())
}
