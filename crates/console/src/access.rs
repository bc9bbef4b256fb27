//! AuthZEN: the Authorization API 1.0 of the OpenID Foundation, below `/.gabion/access/v1/`. What it answers is what
//! `POST /.gabion/api/v1/authorize` answers, in the standard's shapes; fields the standard does not name are passed over, as
//! it asks.

pub(crate) mod configuration;
pub(crate) mod evaluation;
pub(crate) mod evaluations;
mod question;
pub(crate) mod search;

use std::collections::BTreeMap;
use std::net::IpAddr;

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::middleware::Next;
use axum::response::Response;
use gabion_checks::request_id::{SentId, X_REQUEST_ID};
use gabion_model::{Acr, Methods, Problem as Wrong, Timestamp};
use gabion_policy::Value;
use gabion_service::{AskedContext, Caller, Decided, DecisionReason};
use gabion_vault::json;
use http::header::CONTENT_TYPE;
use http::{StatusCode, request};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Map;

use crate::Console;
use crate::api::{Problem, problems_of_networks, within};
use crate::context::Visitor;
use crate::oauth::error;

/// `[decisions]`: applications ask what somebody may (`/.gabion/api/v1/authorize` and AuthZEN) and say what their objects
/// are (`/.gabion/api/v1/resources`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DecisionSettings {
    /// Whether applications are answered.
    pub enabled: bool,
    /// From where they may ask: addresses and networks, for instance `"10.1.0.0/16"`. This machine only unless
    /// told otherwise.
    pub networks: Vec<String>,
}

impl Default for DecisionSettings {
    fn default() -> Self {
        Self { enabled: true, networks: vec!["127.0.0.0/8".to_owned(), "::1".to_owned()] }
    }
}

impl DecisionSettings {
    #[must_use]
    pub fn problems(&self) -> Vec<Wrong> {
        problems_of_networks(&self.networks)
    }

    fn answers(&self, client: IpAddr) -> bool {
        self.enabled && within(&self.networks, client)
    }
}

/// An application that asks; what it may is the service's to say.
#[derive(Debug, Clone)]
pub(crate) struct Application(pub(crate) Caller);

impl FromRequestParts<Console> for Application {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut request::Parts, console: &Console) -> Result<Self, Response> {
        caller_from(parts, console, |client| console.decisions.answers(client)).await.map(Self)
    }
}

/// Whoever asks, with a session or a credential, from where it is answered.
pub(crate) async fn caller_from(
    parts: &mut request::Parts,
    console: &Console,
    answers: impl Fn(IpAddr) -> bool + Send,
) -> Result<Caller, Response> {
    let visitor = Visitor::from_request_parts(parts, console).await?;
    if !answers(visitor.known.client) {
        // As if there were none: who may not come in need not know that there is a door.
        return Err(Problem::new(StatusCode::NOT_FOUND, "there is nothing at this address").answer());
    }
    let living = visitor.known.session.as_ref().is_some_and(|session| !session.is_ended());
    if !living && visitor.known.credential.is_none() {
        return Err(error::of_this_site(Problem::unauthenticated().answer(), console));
    }
    Ok(visitor.caller())
}

/// What is asked, a JSON object. Unlike elsewhere, what cannot be read is always 400 (10.1.5).
#[derive(Debug)]
pub(crate) struct Asked(Map<String, serde_json::Value>);

impl FromRequest<Console> for Asked {
    type Rejection = Response;

    async fn from_request(request: Request, console: &Console) -> Result<Self, Response> {
        let mut types = request.headers().get_all(CONTENT_TYPE).iter();
        let is_json = match (types.next().and_then(|value| value.to_str().ok()), types.next()) {
            (Some(text), None) => {
                let essence = text.split(';').next().unwrap_or_default().trim();
                essence.eq_ignore_ascii_case("application/json")
            }
            _ => false,
        };
        if !is_json {
            return Err(unusable("send `Content-Type: application/json`"));
        }
        let bytes = axum::body::Bytes::from_request(request, console).await.map_err(|rejection| {
            Problem::new(rejection.status(), "the body is too large or was cut off").answer()
        })?;
        let members = json::object(&bytes);
        members.map(Self).ok_or_else(|| unusable("the body is no JSON object in which each name stands once"))
    }
}

/// A request that is none.
fn unusable(message: impl Into<String>) -> Response {
    Problem::new(StatusCode::BAD_REQUEST, message).answer()
}

/// Sends back what a client calls its question (10.1.8).
pub(crate) async fn named(request: Request, next: Next) -> Response {
    let sent = request.extensions().get::<SentId>().cloned();
    let mut answer = next.run(request).await;
    if let Some(SentId(id)) = sent {
        answer.headers_mut().insert(X_REQUEST_ID, id);
    }
    answer
}

/// An answer (5.5).
#[derive(Debug, Serialize)]
struct Decision {
    decision: bool,
    #[serde(skip_serializing_if = "Map::is_empty")]
    context: Map<String, serde_json::Value>,
}

/// The circumstances: what Gabion knows by name, and whatever else the team's schema declares.
pub(crate) fn circumstances(mut context: Map<String, serde_json::Value>) -> Result<AskedContext, String> {
    let mut text = |name: &str| match context.remove(name) {
        None | Some(serde_json::Value::Null) => Ok(None),
        Some(serde_json::Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(format!("`context.{name}` is no text")),
    };
    let ip = text("ip")?.map(|text| text.parse().map_err(|_| "`context.ip` is no address")).transpose()?;
    let acr = text("acr")?
        .map(|text| Acr::parse(&text).ok_or("`context.acr` is none that is known"))
        .transpose()?;
    let (credential, method) = (text("credential")?, text("method")?);
    let (host, path) = (text("host")?, text("path")?);
    let authenticated_at = match context.remove("auth_time") {
        None | Some(serde_json::Value::Null) => None,
        Some(time) => {
            let seconds = time.as_i64().filter(|time| (0..=FAR).contains(time));
            Some(Timestamp::from_secs(seconds.ok_or("`context.auth_time` is no time in seconds")?))
        }
    };
    let scopes = match context.remove("scopes") {
        None | Some(serde_json::Value::Null) => Vec::new(),
        Some(scopes) => serde_json::from_value(scopes).map_err(|_| "`context.scopes` is no list of texts")?,
    };
    Ok(AskedContext {
        ip,
        acr,
        methods: Methods::NONE,
        authenticated_at,
        credential,
        scopes,
        method,
        host,
        path,
        attributes: values(context),
    })
}

pub(crate) fn values(members: Map<String, serde_json::Value>) -> BTreeMap<String, Value> {
    members.into_iter().filter_map(|(name, value)| Some((name, Value::of_json(&value)?))).collect()
}

impl From<Decided> for Decision {
    fn from(decided: Decided) -> Self {
        let mut context = Map::new();
        let mut put = |name: &str, value: serde_json::Value| {
            context.insert(name.to_owned(), value);
        };
        if let Some(reason) = decided.reason {
            put("reason", reason.as_str().into());
        }
        if decided.reason == Some(DecisionReason::Undecidable) {
            let message = "what the policies read of the resource cannot be found out right now";
            put("error", serde_json::json!({ "status": 503, "message": message }));
        }
        if !decided.policies.is_empty() {
            put("policies", decided.policies.into());
        }
        put("generation", decided.generation.into());
        if !decided.mask.is_empty() {
            put("mask", decided.mask.into());
        }
        if let Some((acr, max_age)) = decided.step_up {
            put("acr_values", acr.as_str().into());
            if let Some(age) = max_age {
                put("max_age", age.as_secs().into());
            }
        }
        Self { decision: decided.allowed, context }
    }
}

impl Decision {
    /// A question that is none.
    fn unusable(message: String) -> Self {
        let error = serde_json::json!({ "status": 400, "message": message });
        Self { decision: false, context: Map::from_iter([("error".to_owned(), error)]) }
    }
}

/// Each question AuthZEN has, for the fuzz target.
#[cfg(fuzzing)]
pub(crate) fn fuzzed(bytes: &[u8]) {
    let Some(members) = json::object(bytes) else { return };
    search::fuzzed(&members);
    if let Ok(question) = question::Question::read(members.into()) {
        let defaults = question.clone();
        assert_eq!(question.clone().or(&defaults), question, "its own defaults change nothing");
        let _ = question.asked(question::Open::Nothing);
    }
}

/// Questions of one request.
pub(crate) const MOST_QUESTIONS: usize = 100;
/// The year 9999, in seconds.
const FAR: i64 = 253_402_300_799;
