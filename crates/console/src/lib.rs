//! The pages people see: login, one-time links, account. All of them work without JavaScript and are
//! thin: each endpoint's file is named like its address, calls one act of [`Service`] and shows what came
//! of it.
//!
//! Whoever mounts the router puts a [`gabion_checks::Caller`] into each request's extensions; a request
//! without one was judged by nobody and is answered with 500.

mod access;
mod account;
mod api;
mod assets;
mod context;
mod crowdsec;
mod csp_report;
mod email;
mod enrol;
mod federation;
mod forgot;
mod form;
#[cfg(fuzzing)]
pub mod fuzzing;
mod jwks;
mod login;
mod logout;
mod next;
mod notice;
mod oauth;
pub mod page;
mod protected_resource;
mod question;
mod scim;
mod step;
mod welcome;
mod words;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use gabion_model::Clock;
use gabion_service::Service;

use enrol::Place;

pub use access::DecisionSettings;
pub use api::ApiSettings;
pub use api::v1::document as openapi;
pub use api::v1::events::EventSettings;
pub use scim::ScimSettings;

/// What the pages are made of.
#[derive(Debug, Clone)]
pub struct Parts {
    pub service: Service,
    pub clock: Arc<dyn Clock>,
    /// From where the admin API answers.
    pub api: ApiSettings,
    /// Who may provision by SCIM.
    pub scim: ScimSettings,
    /// From where applications ask what somebody may.
    pub decisions: DecisionSettings,
    /// From where applications say what happened in them.
    pub events: EventSettings,
}

/// Everything below `/.gabion/` and `/.well-known/` that the gate answers itself.
pub fn router(parts: Parts) -> Router {
    let console = Console {
        keys: Arc::new(jwks::Published::new(parts.service.keyring())),
        service: parts.service,
        clock: parts.clock,
        api: Arc::new(parts.api),
        scim: Arc::new(parts.scim),
        decisions: Arc::new(parts.decisions),
        events: Arc::new(parts.events),
    };
    oauth::routes(Router::new())
        .route("/.gabion/login", login::route())
        .route("/.gabion/login/passkey", login::passkey::route())
        .route("/.gabion/login/passkey/options", login::passkey::options())
        .route("/.gabion/login/second-factor", login::second_factor::route())
        .route("/.gabion/login/second-factor/passkey", login::second_factor::passkey::route())
        .route("/.gabion/login/second-factor/passkey/options", login::second_factor::passkey::options())
        .route("/.gabion/login/enrol", login::enrol::route())
        .route("/.gabion/login/enrol/totp", enrol::totp::route(Place::Login))
        .route("/.gabion/login/enrol/passkey", enrol::passkey::route(Place::Login))
        .route("/.gabion/login/enrol/passkey/options", enrol::passkey::options(Place::Login))
        .route("/.gabion/logout", logout::route())
        .route("/.gabion/forgot", forgot::route())
        .route("/.gabion/email", email::route())
        .route("/.gabion/welcome", welcome::route())
        .route("/.gabion/account", account::route())
        .route("/.gabion/account/applications", account::applications::route())
        .route("/.gabion/account/applications/revoke", account::applications::revoke::route())
        .route("/.gabion/account/data", account::data::route())
        .route("/.gabion/account/data/export", account::data::export::route())
        .route("/.gabion/account/delete", account::delete::route())
        .route("/.gabion/account/email", account::email::route())
        .route("/.gabion/account/keys", account::keys::route())
        .route("/.gabion/account/keys/new", account::keys::new::route())
        .route("/.gabion/account/keys/{id}", account::keys::one::route())
        .route("/.gabion/account/keys/{id}/revoke", account::keys::one::revoke())
        .route("/.gabion/account/keys/{id}/rotate", account::keys::one::rotate())
        .route("/.gabion/account/password", account::password::route())
        .route("/.gabion/account/profile", account::profile::route())
        .route("/.gabion/account/security", account::security::route())
        .route("/.gabion/account/security/totp", enrol::totp::route(Place::Account))
        .route("/.gabion/account/security/passkey", enrol::passkey::route(Place::Account))
        .route("/.gabion/account/security/passkey/options", enrol::passkey::options(Place::Account))
        .route("/.gabion/account/security/recovery-codes", account::security::recovery_codes::route())
        .route("/.gabion/account/security/factors/{id}", account::security::factors::route())
        .route("/.gabion/account/security/factors/{id}/rename", account::security::factors::rename())
        .route("/.gabion/account/security/factors/{id}/remove", account::security::factors::remove())
        .route("/.gabion/account/sessions/revoke-others", account::sessions::revoke_others::route())
        .route("/.gabion/account/sessions/{id}/revoke", account::sessions::revoke::route())
        .route("/.gabion/account/identities", account::identities::route())
        .route("/.gabion/account/identities/{id}/unlink", account::identities::unlink::route())
        .route("/.gabion/federation/choose", federation::choose::route())
        .route("/.gabion/federation/{provider}/start", federation::start::route())
        .route("/.gabion/federation/{provider}/callback", federation::callback::route())
        .route("/.gabion/federation/{provider}/backchannel-logout", federation::backchannel_logout::route())
        .route("/.gabion/assets/{name}", assets::route())
        .route("/.gabion/csp-report", csp_report::route())
        .route("/.well-known/authzen-configuration", access::configuration::route())
        .route("/.well-known/authzen-configuration/.gabion", access::configuration::route())
        .route("/.well-known/jwks.json", jwks::route())
        .route("/.well-known/oauth-protected-resource", protected_resource::route())
        .route("/.well-known/oauth-protected-resource/{*path}", protected_resource::route())
        .fallback(|| async { page::not_found() })
        .method_not_allowed_fallback(|| async { page::method_not_allowed() })
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .merge(api::v1::routes().layer(DefaultBodyLimit::max(LARGEST_DOCUMENT)))
        .merge(scim::v2::routes().layer(DefaultBodyLimit::max(LARGEST_DOCUMENT)))
        .with_state(console)
}

/// A form holds a name, two passwords and a path; a report is short. More is refused with 413.
const LARGEST_BODY: usize = 16 * 1024;

/// What programs send: a group with thousands of members.
const LARGEST_DOCUMENT: usize = 1024 * 1024;

#[derive(Debug, Clone)]
struct Console {
    service: Service,
    keys: Arc<jwks::Published>,
    clock: Arc<dyn Clock>,
    api: Arc<ApiSettings>,
    scim: Arc<ScimSettings>,
    decisions: Arc<DecisionSettings>,
    events: Arc<EventSettings>,
}
