//! `POST /.gabion/api/v1/events`: an application says that something happened in it. Answered when the record is durable.

use std::net::IpAddr;

use axum::extract::{DefaultBodyLimit, FromRequestParts, State};
use axum::response::Response;
use axum::routing::{MethodRouter, post};
use gabion_model::Problem as Wrong;
use gabion_service::{Caller, IdempotencyKey, Submission, SubmitError};
use http::{StatusCode, request};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{json, refused};
use crate::Console;
use crate::access::caller_from;
use crate::api::{Body, Problem, problems_of_networks, within};

pub(crate) fn route() -> MethodRouter<Console> {
    post(submit).layer(DefaultBodyLimit::max(LARGEST))
}

/// `[events]`: applications say what happened in them (`/.gabion/api/v1/events`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EventSettings {
    /// Whether applications' events are taken.
    pub enabled: bool,
    /// From where: addresses and networks, for instance `"10.1.0.0/16"`. This machine only unless told otherwise.
    pub networks: Vec<String>,
}

impl Default for EventSettings {
    fn default() -> Self {
        Self { enabled: true, networks: vec!["127.0.0.0/8".to_owned(), "::1".to_owned()] }
    }
}

impl EventSettings {
    #[must_use]
    pub fn problems(&self) -> Vec<Wrong> {
        problems_of_networks(&self.networks)
    }

    fn taken_from(&self, client: IpAddr) -> bool {
        self.enabled && within(&self.networks, client)
    }
}

/// An application that submits an event, with the identity its request carries.
#[derive(Debug, Clone)]
pub(crate) struct Submitter(Caller);

impl FromRequestParts<Console> for Submitter {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut request::Parts, console: &Console) -> Result<Self, Response> {
        caller_from(parts, console, |client| console.events.taken_from(client)).await.map(Self)
    }
}

/// The key of a request that may be sent twice (`Idempotency-Key`); none where there is no such field.
#[derive(Debug, Clone)]
pub(crate) struct Once(Option<IdempotencyKey>);

impl<S: Sync> FromRequestParts<S> for Once {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut request::Parts, _: &S) -> Result<Self, Response> {
        let mut fields = parts.headers.get_all(IDEMPOTENCY_KEY).iter();
        let Some(field) = fields.next() else { return Ok(Self(None)) };
        let key = field.to_str().ok().and_then(|value| IdempotencyKey::parse(value.trim()));
        match (key, fields.next()) {
            (Some(key), None) => Ok(Self(Some(key))),
            _ => {
                let detail = "`Idempotency-Key` holds one string of 1 to 128 visible characters";
                Err(Problem::new(StatusCode::BAD_REQUEST, detail).answer())
            }
        }
    }
}

/// Something that happened. Who did it is whoever the request is by: its session, API key or access token.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the words of the document; the service reads the members")]
pub(crate) struct EventOf {
    /// Dotted lower-case words, for instance `order.created`.
    #[schema(max_length = 64, pattern = "^[a-z0-9]+([._-][a-z0-9]+)*$")]
    action: String,
    outcome: OutcomeOf,
    /// What it was done to, for instance a path. What follows a `?` or `#` is not kept.
    #[schema(max_length = 512)]
    resource: Option<String>,
    severity: Option<SeverityOf>,
    /// The browser or program behind the application, where it is not the one that sends this.
    #[schema(max_length = 256)]
    user_agent: Option<String>,
    /// Up to 12 texts of up to 256 bytes.
    #[schema(value_type = Option<std::collections::BTreeMap<String, String>>)]
    metadata: Option<()>,
}

/// How it ended.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "the words of the document")]
pub(crate) enum OutcomeOf {
    Failure,
    Success,
}

/// How bad it is; `informational` unless it is said.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "the words of the document")]
pub(crate) enum SeverityOf {
    Informational,
    Low,
    Medium,
    High,
    Critical,
}

/// Where the record is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Recorded {
    /// In the ledger: `gabion ledger prove POSITION` proves it.
    position: u64,
    /// The request id, which the record holds: `gabion ledger search --request ID` finds it.
    id: String,
    /// When, by the gate's clock.
    time: String,
}

/// Records an event. For applications with the scope `gabion:events`, and for people who are signed in. With the field
/// `Idempotency-Key` (IETF draft httpapi-idempotency-key-header), one that is sent again within an hour gets the same answer and
/// no second record; 422 says that the key was another event's, 409 that the first is still being answered.
#[utoipa::path(post, path = "/.gabion/api/v1/events", tag = "events", operation_id = "submit_event",
    request_body = EventOf,
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 128 visible characters, in quotes or not.")),
    responses((status = 201, body = Recorded), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem), (status = 429), (status = 503, body = Problem)))]
pub(crate) async fn submit(
    State(console): State<Console>,
    Submitter(caller): Submitter,
    Once(key): Once,
    Body(members): Body<serde_json::Map<String, serde_json::Value>>,
) -> Response {
    let event = match Submission::read(members) {
        Ok(event) => event,
        Err(problems) => return Problem::invalid(problems).answer(),
    };
    let submitted = match key {
        None => console.service.submit_event(&caller, event).await.map_err(SubmitError::from),
        Some(key) => console.service.submit_event_once(&caller, key, event).await,
    };
    match submitted {
        Ok(submitted) => {
            let (position, time) = (submitted.position, submitted.time.to_string());
            json(StatusCode::CREATED, &Recorded { position, id: submitted.id.to_string(), time })
        }
        Err(SubmitError::Act(error)) => refused(error),
        Err(error @ SubmitError::InFlight) => Problem::new(StatusCode::CONFLICT, error.to_string()).answer(),
        Err(error @ SubmitError::Reused) => {
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, error.to_string()).answer()
        }
    }
}

const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// The longest event there can be, with every character escaped.
const LARGEST: usize = 32 * 1024;
