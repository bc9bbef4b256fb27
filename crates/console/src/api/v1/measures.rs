//! `GET /.gabion/api/v1/measures`: what is done against whoever attacks. `POST`: does something by hand. `POST …/{id}/undo`,
//! `…/{id}/approve`: ends one, takes one that waits. `GET /.gabion/api/v1/blocks`: who is blocked, one a line.

use axum::extract::{FromRequestParts, Path, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodRouter, get, post};
use gabion_model::Period;
use gabion_service::respond::{Action, Measure, Origin, RegisterError, Subject, Target};
use gabion_service::{Caller, MeasureError, TakeMeasure};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode, request};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::alerts::number;
use super::{Page, json, limit, refused};
use crate::access::caller_from;
use crate::api::{Asker, Body, Problem, Query};
use crate::{Console, page};

pub(crate) fn route() -> MethodRouter<Console> {
    get(list).post(take)
}

pub(crate) fn undoing() -> MethodRouter<Console> {
    post(undo)
}

pub(crate) fn approving() -> MethodRouter<Console> {
    post(approve)
}

pub(crate) fn blocks() -> MethodRouter<Console> {
    get(list_blocks)
}

/// Another machine that blocks, with the identity its request carries.
#[derive(Debug, Clone)]
pub(crate) struct Bouncer(pub(crate) Caller);

impl FromRequestParts<Console> for Bouncer {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut request::Parts, console: &Console) -> Result<Self, Response> {
        caller_from(parts, console, |client| console.api.api_answers(client)).await.map(Self)
    }
}

/// What is done to whom, why and until when.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MeasureItem {
    id: u64,
    action: &'static str,
    target: String,
    /// `active`, `dry_run`, `pending`, `expired` or `undone`.
    state: &'static str,
    from: String,
    until: String,
    reason: String,
    /// Who wanted it; none where a rule did.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<String>,
    /// The alert's place in the ledger.
    #[serde(skip_serializing_if = "Option::is_none")]
    alert: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    approved_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<String>,
}

impl From<Measure> for MeasureItem {
    fn from(measure: Measure) -> Self {
        let (by, rule, alert) = match measure.origin {
            Origin::Hand { by } => (Some(by), None, None),
            Origin::Rule { rule, alert } => (None, Some(rule), Some(alert)),
        };
        Self {
            id: measure.id,
            action: measure.action.as_str(),
            target: measure.target.to_string(),
            state: measure.state.as_str(),
            from: measure.from.to_string(),
            until: measure.until.to_string(),
            reason: measure.reason,
            by,
            rule,
            alert,
            approved_by: measure.approved_by,
            ended_by: measure.ended.as_ref().map(|ended| ended.by.clone()),
            ended_at: measure.ended.map(|ended| ended.at.to_string()),
        }
    }
}

/// Which measures.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct MeasuresOf {
    /// `active`, `dry_run`, `pending`, `expired` or `undone`.
    state: Option<String>,
    /// The number of the last one seen: the page begins with older ones.
    page: Option<u64>,
    /// How many, at most 200; 50 when not given.
    limit: Option<usize>,
}

/// A measure to take.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewMeasureOf {
    /// `block_address`, `block_network`, `slow_down`, `disable_account`, `disable_key`, `require_step_up`,
    /// `revoke_sessions` or `strict_route`.
    #[schema(value_type = String)]
    action: Action,
    /// The address or network, the account's name or id, the key's id, or the route's path.
    target: String,
    /// For instance `1h`.
    #[serde(rename = "for", default)]
    #[schema(value_type = Option<String>)]
    life: Option<Period>,
    reason: String,
}

/// What is done against whoever attacks, the latest first.
#[utoipa::path(get, path = "/.gabion/api/v1/measures", tag = "response", operation_id = "list_measures", params(MeasuresOf),
    responses((status = 200, body = Page<MeasureItem>), (status = 403, body = Problem)))]
pub(crate) async fn list(
    State(console): State<Console>,
    asker: Asker,
    Query(which): Query<MeasuresOf>,
) -> Response {
    let limit = match limit(which.limit) {
        Ok(limit) => limit,
        Err(answer) => return answer,
    };
    match console.service.measures(&asker.caller).await {
        Ok(measures) => {
            let wanted = |measure: &Measure| {
                which.state.as_ref().is_none_or(|state| measure.state.as_str() == state)
                    && which.page.is_none_or(|page| measure.id < page)
            };
            let found = measures.into_iter().filter(wanted).take(limit.saturating_add(1));
            let mut items: Vec<MeasureItem> = found.map(MeasureItem::from).collect();
            let more = items.len() > limit;
            items.truncate(limit);
            let next = items.last().filter(|_| more).map(|last| last.id.to_string());
            json(StatusCode::OK, &Page { items, total: None, next })
        }
        Err(error) => refused(error),
    }
}

/// Does something against whoever attacks, by hand.
#[utoipa::path(post, path = "/.gabion/api/v1/measures", tag = "response", operation_id = "take_measure", request_body = NewMeasureOf,
    responses((status = 201, body = MeasureItem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn take(
    State(console): State<Console>,
    asker: Asker,
    Body(asked): Body<NewMeasureOf>,
) -> Response {
    let NewMeasureOf { action, target, life, reason } = asked;
    let subject = match Subject::of(action, &target) {
        Ok(subject) => subject,
        Err(error) => {
            return Problem::field(StatusCode::UNPROCESSABLE_ENTITY, "target", error.to_string()).answer();
        }
    };
    let asked = TakeMeasure { action, subject, life, reason };
    match console.service.take_measure(&asker.caller, asked).await {
        Ok(measure) => json(StatusCode::CREATED, &MeasureItem::from(measure)),
        Err(error) => refused(error),
    }
}

/// Ends a measure, or says no to one that waits.
#[utoipa::path(post, path = "/.gabion/api/v1/measures/{id}/undo", tag = "response", operation_id = "undo_measure",
    params(("id" = u64, Path)),
    responses((status = 200, body = MeasureItem), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn undo(State(console): State<Console>, asker: Asker, Path(id): Path<String>) -> Response {
    match console.service.undo_measure(&asker.caller, number(&id)).await {
        Ok(measure) => json(StatusCode::OK, &MeasureItem::from(measure)),
        Err(error) => refused(error),
    }
}

/// Takes a measure that waits because it is beyond the budget.
#[utoipa::path(post, path = "/.gabion/api/v1/measures/{id}/approve", tag = "response", operation_id = "approve_measure",
    params(("id" = u64, Path)),
    responses((status = 200, body = MeasureItem), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn approve(
    State(console): State<Console>,
    asker: Asker,
    Path(id): Path<String>,
) -> Response {
    match console.service.approve_measure(&asker.caller, number(&id)).await {
        Ok(measure) => json(StatusCode::OK, &MeasureItem::from(measure)),
        Err(error) => refused(error),
    }
}

/// Addresses and networks that are blocked now, one a line: for firewalls. Also for keys with the scope `gabion:blocks`.
#[utoipa::path(get, path = "/.gabion/api/v1/blocks", tag = "response", operation_id = "list_blocks",
    responses((status = 200, body = String, content_type = "text/plain"), (status = 403, body = Problem)))]
pub(crate) async fn list_blocks(State(console): State<Console>, bouncer: Bouncer) -> Response {
    match console.service.blocks(&bouncer.0).await {
        Ok(blocks) => {
            let mut text = String::new();
            for block in blocks {
                if let Target::Network { network } = block.target {
                    text.push_str(&network.to_string());
                    text.push('\n');
                }
            }
            let mut answer = text.into_response();
            answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
            page::harden(answer.headers_mut());
            answer
        }
        Err(error) => refused(error),
    }
}

impl From<MeasureError> for Problem {
    fn from(error: MeasureError) -> Self {
        match error {
            MeasureError::Act(error) => error.into(),
            MeasureError::Register(RegisterError::NotFound) => {
                Self::new(StatusCode::NOT_FOUND, error.to_string())
            }
            MeasureError::Register(RegisterError::Storage(_)) => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "it cannot be kept, so it was not done")
            }
            MeasureError::Register(_) | MeasureError::Spared(_) => {
                Self::new(StatusCode::CONFLICT, error.to_string())
            }
            MeasureError::Life => {
                Self::field(StatusCode::UNPROCESSABLE_ENTITY, "for", "is not between a minute and 30 days")
            }
            MeasureError::UnknownAccount | MeasureError::UnknownKey | MeasureError::UnknownRoute => {
                Self::field(StatusCode::UNPROCESSABLE_ENTITY, "target", error.to_string())
            }
        }
    }
}
