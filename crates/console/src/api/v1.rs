//! `/.gabion/api/v1/…`

#![expect(unused_qualifications, reason = "what `utoipa::path` makes of a handler's arguments")]

pub(crate) mod alerts;
pub(crate) mod api_keys;
pub(crate) mod authorize;
pub(crate) mod clients;
pub(crate) mod contract_drafts;
pub(crate) mod errors;
pub(crate) mod events;
pub(crate) mod groups;
pub(crate) mod incidents;
pub(crate) mod keys;
pub(crate) mod measures;
pub(crate) mod operations;
pub(crate) mod resources;
pub(crate) mod roles;
pub(crate) mod service_accounts;
pub(crate) mod sessions;
pub(crate) mod users;

use axum::middleware::from_fn;
use axum::response::{IntoResponse as _, Response};
use axum::{Json, Router};
use http::header::ETAG;
use http::{HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{IntoParams, Modify, OpenApi, ToSchema};

use super::{Field, Problem};
use crate::access::{evaluation, evaluations, named, search};
use crate::{Console, page};

pub(crate) fn routes() -> Router<Console> {
    Router::new()
        .route("/.gabion/api/v1/users", users::route())
        .route("/.gabion/api/v1/users/{id}", users::one::route())
        .route("/.gabion/api/v1/users/{id}/reset", users::reset::route())
        .route("/.gabion/api/v1/users/{id}/revoke", users::revoke::route())
        .route("/.gabion/api/v1/users/{id}/sessions", users::sessions::route())
        .route("/.gabion/api/v1/users/{id}/grants", users::grants::route())
        .route("/.gabion/api/v1/users/{id}/grants/{client}", users::grants::one())
        .route("/.gabion/api/v1/users/{id}/invite", users::invite::route())
        .route("/.gabion/api/v1/users/{id}/factors", users::factors::route())
        .route("/.gabion/api/v1/users/{id}/factors/{factor}", users::factors::one())
        .route("/.gabion/api/v1/users/{id}/api-keys", users::api_keys::route())
        .route("/.gabion/api/v1/service-accounts", service_accounts::route())
        .route("/.gabion/api/v1/service-accounts/{id}", service_accounts::one::route())
        .route("/.gabion/api/v1/service-accounts/{id}/disable", service_accounts::one::disabling())
        .route("/.gabion/api/v1/service-accounts/{id}/enable", service_accounts::one::enabling())
        .route("/.gabion/api/v1/api-keys", api_keys::route())
        .route("/.gabion/api/v1/api-keys/{id}", api_keys::one())
        .route("/.gabion/api/v1/api-keys/{id}/rotate", api_keys::rotation())
        .route("/.gabion/api/v1/groups", groups::route())
        .route("/.gabion/api/v1/groups/{id}", groups::one::route())
        .route("/.gabion/api/v1/groups/{id}/members", groups::members::route())
        .route("/.gabion/api/v1/roles", roles::route())
        .route("/.gabion/api/v1/sessions", sessions::route())
        .route("/.gabion/api/v1/sessions/{id}", sessions::one::route())
        .route("/.gabion/api/v1/clients", clients::route())
        .route("/.gabion/api/v1/clients/{id}", clients::one::route())
        .route("/.gabion/api/v1/clients/{id}/secret", clients::secret::route())
        .route("/.gabion/api/v1/clients/{id}/disable", clients::state::disabling())
        .route("/.gabion/api/v1/clients/{id}/enable", clients::state::enabling())
        .route("/.gabion/api/v1/keys", keys::route())
        .route("/.gabion/api/v1/keys/rotate", keys::rotation())
        .route("/.gabion/api/v1/keys/{kid}", keys::one())
        .route("/.gabion/api/v1/alerts", alerts::route())
        .route("/.gabion/api/v1/alerts/channels", alerts::channels())
        .route("/.gabion/api/v1/alerts/test", alerts::testing())
        .route("/.gabion/api/v1/alerts/{id}", alerts::one())
        .route("/.gabion/api/v1/alerts/{id}/acknowledge", alerts::acknowledging())
        .route("/.gabion/api/v1/alerts/{id}/close", alerts::closing())
        .route("/.gabion/api/v1/silences", alerts::silences())
        .route("/.gabion/api/v1/silences/{id}", alerts::silence_of())
        .route("/.gabion/api/v1/measures", measures::route())
        .route("/.gabion/api/v1/measures/{id}/undo", measures::undoing())
        .route("/.gabion/api/v1/measures/{id}/approve", measures::approving())
        .route("/.gabion/api/v1/blocks", measures::blocks())
        .route("/.gabion/api/v1/operations", operations::route())
        .route("/.gabion/api/v1/contract-drafts/{name}", contract_drafts::route())
        .route("/.gabion/api/v1/authorize", authorize::route())
        .route("/.gabion/api/v1/authorize/batch", authorize::batch::route())
        .route("/.gabion/api/v1/errors", errors::route())
        .route("/.gabion/api/v1/errors/{fingerprint}", errors::one())
        .route("/.gabion/api/v1/errors/{fingerprint}/resolve", errors::resolving())
        .route("/.gabion/api/v1/events", events::route())
        .route("/.gabion/api/v1/resources/{type}/{id}", resources::route())
        .route("/.gabion/api/v1/incidents", incidents::route())
        .route("/.gabion/api/v1/incidents/metrics", incidents::metrics::route())
        .route("/.gabion/api/v1/incidents/{id}", incidents::one::route())
        .route("/.gabion/api/v1/incidents/{id}/steps", incidents::steps::route())
        .route("/.gabion/api/v1/incidents/{id}/report", incidents::report::route())
        .route("/.gabion/api/v1/incidents/{id}/evidence", incidents::evidence::route())
        .merge(access())
        .merge(crate::crowdsec::routes())
}

/// AuthZEN.
fn access() -> Router<Console> {
    Router::new()
        .route("/.gabion/access/v1/evaluation", evaluation::route())
        .route("/.gabion/access/v1/evaluations", evaluations::route())
        .route("/.gabion/access/v1/search/action", search::action::route())
        .route("/.gabion/access/v1/search/resource", search::resource::route())
        .route("/.gabion/access/v1/search/subject", search::subject::route())
        .layer(from_fn(named))
}

/// The document of the whole API (OpenAPI 3.1).
#[derive(OpenApi)]
#[openapi(
    info(title = "Gabion admin API", version = "1", description = "Users, groups, roles, applications, sessions and keys of a Gabion gate, its decisions, and what applications have it record."),
    modifiers(&Security),
    security(("bearer" = []), ("session" = [])),
    paths(
        users::list, users::create, users::one::read, users::one::change, users::one::remove,
        users::reset::reset, users::revoke::revoke, users::sessions::list, users::sessions::end,
        users::invite::invite, users::factors::list, users::factors::reset, users::factors::remove,
        users::api_keys::list, users::api_keys::create, service_accounts::list, service_accounts::create,
        service_accounts::one::read, service_accounts::one::remove, service_accounts::one::disable,
        service_accounts::one::enable, api_keys::list, api_keys::revoke, api_keys::rotate, users::grants::list,
        users::grants::revoke, groups::list, groups::create, groups::one::read, groups::one::change,
        groups::one::remove, groups::members::list, groups::members::change, roles::list, sessions::list,
        sessions::one::end, clients::list, clients::create, clients::one::read, clients::one::change, clients::secret::rotate,
        clients::one::remove, clients::state::disable,
        clients::state::enable, keys::list, keys::rotate, keys::revoke, authorize::decide, authorize::batch::decide,
        operations::list, contract_drafts::read, resources::read, resources::register, resources::remove, events::submit,
        incidents::list, incidents::open, incidents::one::read, incidents::steps::take, incidents::report::read,
        incidents::evidence::keep, incidents::evidence::take_out, incidents::metrics::read,
        errors::list, errors::read, errors::resolve,
        alerts::list, alerts::list_channels, alerts::read, alerts::acknowledge, alerts::close, alerts::test, alerts::list_silences,
        alerts::silence, alerts::unsilence, measures::list, measures::take, measures::undo, measures::approve,
        measures::list_blocks
    ),
    components(schemas(Problem, Field))
)]
struct Document;

struct Security;

impl Modify for Security {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("An API key or an access token with the scope `gabion:admin`."))
            .build();
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
        let cookie = ApiKeyValue::with_description("__Host-gabion", "The session of an administrator.");
        components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    }
}

/// The document as it is committed.
#[must_use]
pub fn document() -> String {
    let mut text = Document::openapi().to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}

/// Which part of a list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Paging {
    /// `next` of an earlier page of the same list.
    pub(crate) page: Option<String>,
    /// How many, at most 200; 50 when not given.
    pub(crate) limit: Option<usize>,
}

/// A part of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    /// How many there are in all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) total: Option<u64>,
    /// Ask with `page=` this for what follows; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<String>,
}

#[expect(clippy::result_large_err, reason = "an answer, made and returned at once")]
pub(crate) fn limit(asked: Option<usize>) -> Result<usize, Response> {
    match asked {
        None => Ok(50),
        Some(limit @ 1..=200) => Ok(limit),
        Some(_) => Err(Problem::field(StatusCode::BAD_REQUEST, "limit", "from 1 to 200").answer()),
    }
}

/// A JSON answer with the headers every answer carries.
pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Response {
    let mut answer = (status, Json(value)).into_response();
    page::harden(answer.headers_mut());
    answer
}

/// With the entity tag that changes are made under.
pub(crate) fn tagged(status: StatusCode, value: &impl Serialize, version: &str) -> Response {
    let mut answer = json(status, value);
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{version}\"")) {
        answer.headers_mut().insert(ETAG, tag);
    }
    answer
}

pub(crate) fn refused(error: impl Into<Problem>) -> Response {
    error.into().answer()
}

pub(crate) fn done() -> Response {
    page::empty(StatusCode::NO_CONTENT)
}
