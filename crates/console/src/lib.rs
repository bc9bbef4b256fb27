//! The pages people see: login, one-time links, account. All of them work without JavaScript and are
//! thin: each endpoint's file is named like its address, calls one act of [`Service`] and shows what came
//! of it.
//!
//! Whoever mounts the router puts a [`gabion_checks::Caller`] into each request's extensions; a request
//! without one was judged by nobody and is answered with 500.

mod account;
mod assets;
mod context;
mod csp_report;
mod email;
mod forgot;
mod form;
mod jwks;
mod login;
mod logout;
mod next;
mod notice;
mod oauth;
pub mod page;
mod welcome;
mod words;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use gabion_model::Clock;
use gabion_service::Service;

/// What the pages are made of.
#[derive(Debug, Clone)]
pub struct Parts {
    pub service: Service,
    pub clock: Arc<dyn Clock>,
}

/// Everything below `/.gabion/` and `/.well-known/` that the gate answers itself.
pub fn router(parts: Parts) -> Router {
    let console = Console {
        keys: Arc::new(jwks::Published::new(parts.service.keyring())),
        service: parts.service,
        clock: parts.clock,
    };
    oauth::routes(Router::new())
        .route("/.gabion/login", login::route())
        .route("/.gabion/logout", logout::route())
        .route("/.gabion/forgot", forgot::route())
        .route("/.gabion/email", email::route())
        .route("/.gabion/welcome", welcome::route())
        .route("/.gabion/account", account::route())
        .route("/.gabion/account/email", account::email::route())
        .route("/.gabion/account/password", account::password::route())
        .route("/.gabion/account/sessions/revoke-others", account::sessions::revoke_others::route())
        .route("/.gabion/account/sessions/{id}/revoke", account::sessions::revoke::route())
        .route("/.gabion/assets/{name}", assets::route())
        .route("/.gabion/csp-report", csp_report::route())
        .route("/.well-known/jwks.json", jwks::route())
        .fallback(|| async { page::not_found() })
        .method_not_allowed_fallback(|| async { page::method_not_allowed() })
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .with_state(console)
}

/// A form holds a name, two passwords and a path; a report is short. More is refused with 413.
const LARGEST_BODY: usize = 16 * 1024;

#[derive(Debug, Clone)]
struct Console {
    service: Service,
    keys: Arc<jwks::Published>,
    clock: Arc<dyn Clock>,
}
