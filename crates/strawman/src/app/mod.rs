//! The application: a shop with orders and notes, for the people of two tenants. One file per feature; each
//! weakness is marked `HOLE <id>` and has its repaired branch beside it.

use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use gabion_model::{SystemClock, Timestamp};
use gabion_vault::SystemRng;
use gabion_vault::jwt::SigningKey;
use rusqlite::Connection;
use tokio::sync::{broadcast, watch};

use self::caller::Trust;
use self::files::Files;
use self::live::News;
use self::login::{Failures, Sessions};
use crate::serve::Options;

mod admin;
mod caller;
mod csrf;
mod database;
mod document;
mod files;
mod headers;
mod import;
mod label;
mod live;
mod login;
mod note;
mod openapi;
mod order;
mod page;
mod partner;
mod preview;
mod profile;
mod redirect;
mod refusal;
mod report;
pub(crate) mod resource;
mod share;
mod shop;
mod token;
mod upload;
mod voucher;
pub(crate) mod webhook;

/// The whole application. `stopped` ends its live streams.
pub(crate) async fn router(
    options: &Options,
    address: SocketAddr,
    stopped: watch::Receiver<bool>,
) -> Result<Router, String> {
    let app = App(Arc::new(Inner {
        repaired: options.repaired,
        trust: Trust::new(&options.identity)?,
        address,
        database: Mutex::new(database::open().map_err(|error| error.to_string())?),
        files: Files::create().map_err(|error| error.to_string())?,
        partner: partner::start(stopped.clone()).await.map_err(|error| error.to_string())?,
        key: SigningKey::generate().map_err(|error| error.to_string())?,
        rng: SystemRng::new(),
        sessions: Mutex::new(Sessions::default()),
        failures: Mutex::new(Failures::default()),
        news: broadcast::channel(64).0,
        stopped,
    }));
    Ok(Router::new()
        .merge(shop::routes())
        .merge(order::routes())
        .merge(voucher::routes())
        .merge(note::routes())
        .merge(share::routes())
        .merge(profile::routes())
        .merge(login::routes())
        .merge(admin::routes())
        .merge(report::routes())
        .merge(resource::routes())
        .merge(token::routes())
        .merge(document::routes())
        .merge(upload::routes())
        .merge(preview::routes())
        .merge(import::routes())
        .merge(label::routes())
        .merge(webhook::routes())
        .merge(redirect::routes())
        .merge(live::routes())
        .merge(openapi::routes())
        .layer(from_fn_with_state(app.clone(), csrf::layer))
        .layer(from_fn_with_state(app.clone(), headers::layer))
        .layer(DefaultBodyLimit::max(1 << 20))
        .with_state(app))
}

/// The running application's state. Cheap to clone.
#[derive(Clone)]
struct App(Arc<Inner>);

struct Inner {
    /// Whether every hole is mended.
    repaired: bool,
    trust: Trust,
    address: SocketAddr,
    database: Mutex<Connection>,
    files: Files,
    /// The one other site that link previews are meant for.
    partner: SocketAddr,
    /// Signs the API's tokens.
    key: SigningKey,
    rng: SystemRng,
    sessions: Mutex<Sessions>,
    failures: Mutex<Failures>,
    news: broadcast::Sender<News>,
    stopped: watch::Receiver<bool>,
}

impl Deref for App {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Inner {
    fn database(&self) -> MutexGuard<'_, Connection> {
        lock(&self.database)
    }

    /// Where people reach the application: at the gate when there is one.
    fn origin(&self) -> String {
        match &self.trust {
            Trust::OwnLogin => format!("http://{}", self.address),
            Trust::Gate { issuer, .. } => issuer.clone(),
        }
    }

    fn now(&self) -> Timestamp {
        gabion_model::Clock::now(&SystemClock)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
