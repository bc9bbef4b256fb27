//! `GET /.gabion/api/v1/operations`: which operations of the applications' interfaces were used, and which of them no
//! contract knows.

use axum::extract::State;
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use gabion_openapi::inventory::{Report, Shadow, Usage};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Page, json, limit, refused};
use crate::Console;
use crate::api::{Asker, Problem, Query};

pub(crate) fn route() -> MethodRouter<Console> {
    get(list)
}

/// Which operations.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// Only those that a contract knows, or only those that none does.
    documented: Option<bool>,
    /// `next` of an earlier page.
    page: Option<usize>,
    /// How many, at most 200; 50 when not given.
    limit: Option<usize>,
}

/// A method of a path. Counts begin with the data directory.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OperationItem {
    /// The name of the contract that knows it, or of the one of the route it came by.
    contract: String,
    method: String,
    /// The contract's template; a guessed one where no contract knows the path.
    path: String,
    /// Whether the contract knows it.
    documented: bool,
    /// How many requests came.
    count: u64,
    /// How many of those to what no contract knows the application had an answer for.
    #[serde(skip_serializing_if = "Option::is_none")]
    answered: Option<u64>,
    /// None: never seen.
    first_seen: Option<String>,
    last_seen: Option<String>,
}

impl From<Usage> for OperationItem {
    fn from(usage: Usage) -> Self {
        Self {
            contract: usage.contract,
            method: usage.method,
            path: usage.path,
            documented: true,
            count: usage.count,
            answered: None,
            first_seen: usage.first_seen.map(|time| time.to_string()),
            last_seen: usage.last_seen.map(|time| time.to_string()),
        }
    }
}

impl From<Shadow> for OperationItem {
    fn from(shadow: Shadow) -> Self {
        Self {
            contract: shadow.contract,
            method: shadow.method,
            path: shadow.path,
            documented: false,
            count: shadow.answered.saturating_add(shadow.refused),
            answered: Some(shadow.answered),
            first_seen: Some(shadow.first_seen.to_string()),
            last_seen: Some(shadow.last_seen.to_string()),
        }
    }
}

/// Those that no contract knows first, the most answered of them at the top; then those of the contracts.
fn items(report: Report, documented: Option<bool>) -> Vec<OperationItem> {
    let shadows = report.shadows.into_iter().map(OperationItem::from);
    let all = shadows.chain(report.operations.into_iter().map(OperationItem::from));
    all.filter(|item| documented.is_none_or(|wanted| wanted == item.documented)).collect()
}

/// Operations that were used, and which of them no contract knows (the shadow API).
#[utoipa::path(get, path = "/.gabion/api/v1/operations", tag = "contracts", operation_id = "list_operations", params(Which),
    responses((status = 200, body = Page<OperationItem>), (status = 403, body = Problem)))]
pub(crate) async fn list(
    State(console): State<Console>,
    asker: Asker,
    Query(which): Query<Which>,
) -> Response {
    let limit = match limit(which.limit) {
        Ok(limit) => limit,
        Err(answer) => return answer,
    };
    let start = which.page.unwrap_or_default();
    match console.service.inventory(&asker.caller).await {
        Ok(report) => {
            let all = items(report, which.documented);
            let total = all.len();
            let end = start.saturating_add(limit);
            let items: Vec<OperationItem> = all.into_iter().skip(start).take(limit).collect();
            let next = (end < total).then(|| end.to_string());
            json(StatusCode::OK, &Page { items, total: Some(total as u64), next })
        }
        Err(error) => refused(error),
    }
}
