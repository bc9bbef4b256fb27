//! `GET /.gabion/api/v1/errors`: what goes wrong behind the gate, grouped. `GET …/errors/{fingerprint}`: one group. `POST
//! …/errors/{fingerprint}/resolve`: says that it is over.

use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{MethodRouter, get, post};
use gabion_service::{FaultGroup, FaultState};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Page, json, refused};
use crate::Console;
use crate::api::{Asker, Problem};

pub(crate) fn route() -> MethodRouter<Console> {
    get(list)
}

pub(crate) fn one() -> MethodRouter<Console> {
    get(read)
}

pub(crate) fn resolving() -> MethodRouter<Console> {
    post(resolve)
}

/// Errors that are the same.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ErrorItem {
    /// 32 hexadecimal digits.
    fingerprint: String,
    title: String,
    /// The route's pattern.
    route: String,
    method: String,
    /// 0 for an exception that an application reported.
    status: u16,
    upstream: String,
    /// The control that refused, where the gate said it.
    cause: Option<String>,
    /// Its type.
    exception: Option<String>,
    frames: Vec<String>,
    first: String,
    last: String,
    count: u64,
    first_release: Option<String>,
    last_release: Option<String>,
    /// `open` or `resolved`.
    state: &'static str,
    resolved: Option<String>,
    /// How often it came back after it was resolved.
    regressions: u64,
    /// The id of the request it was seen in last.
    request: Option<String>,
}

impl From<FaultGroup> for ErrorItem {
    fn from(group: FaultGroup) -> Self {
        Self {
            fingerprint: group.fingerprint,
            title: group.title,
            route: group.route,
            method: group.method,
            status: group.status,
            upstream: group.upstream,
            cause: group.cause,
            exception: group.exception,
            frames: group.frames,
            first: group.first.to_string(),
            last: group.last.to_string(),
            count: group.count,
            first_release: group.first_release,
            last_release: group.last_release,
            state: match group.state {
                FaultState::Open => "open",
                FaultState::Resolved => "resolved",
            },
            resolved: group.resolved.map(|time| time.to_string()),
            regressions: group.regressions,
            request: group.request.map(|id| id.to_string()),
        }
    }
}

/// Every group, the one seen last first; at most 1000.
#[utoipa::path(get, path = "/.gabion/api/v1/errors", tag = "errors", operation_id = "list_errors",
    responses((status = 200, body = Page<ErrorItem>), (status = 403, body = Problem)))]
pub(crate) async fn list(State(console): State<Console>, asker: Asker) -> Response {
    match console.service.list_errors(&asker.caller).await {
        Ok(groups) => {
            let items: Vec<ErrorItem> = groups.into_iter().map(ErrorItem::from).collect();
            json(StatusCode::OK, &Page { total: Some(items.len() as u64), items, next: None })
        }
        Err(error) => refused(error),
    }
}

/// One group.
#[utoipa::path(get, path = "/.gabion/api/v1/errors/{fingerprint}", tag = "errors", operation_id = "read_error",
    params(("fingerprint" = String, Path)),
    responses((status = 200, body = ErrorItem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn read(
    State(console): State<Console>,
    asker: Asker,
    Path(fingerprint): Path<String>,
) -> Response {
    match console.service.error_group(&asker.caller, &fingerprint).await {
        Ok(group) => json(StatusCode::OK, &ErrorItem::from(group)),
        Err(error) => refused(error),
    }
}

/// Says that it is over. Seen again, it is open again, and that is a regression.
#[utoipa::path(post, path = "/.gabion/api/v1/errors/{fingerprint}/resolve", tag = "errors", operation_id = "resolve_error",
    params(("fingerprint" = String, Path)),
    responses((status = 200, body = ErrorItem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn resolve(
    State(console): State<Console>,
    asker: Asker,
    Path(fingerprint): Path<String>,
) -> Response {
    match console.service.resolve_error(&asker.caller, &fingerprint).await {
        Ok(group) => json(StatusCode::OK, &ErrorItem::from(group)),
        Err(error) => refused(error),
    }
}
