//! `POST /.gabion/api/v1/authorize`: may this principal do this to that object? By the policies that decide at the gate.

pub(crate) mod batch;

use axum::extract::State;
use axum::response::Response;
use axum::routing::{MethodRouter, post};
use gabion_policy::EntityRef;
use gabion_service::{AskedDecision, AskedResource, Decided, Until};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{json, refused};
use crate::Console;
use crate::access::{Application, circumstances, values};
use crate::api::{Body, Problem};

pub(crate) fn route() -> MethodRouter<Console> {
    post(decide)
}

/// A question.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct QuestionOf {
    principal: PrincipalOf,
    /// As policies name it: an operation of the contract, a method, or the team's own.
    action: String,
    resource: ResourceOf,
    /// `ip`, `acr`, `auth_time` (seconds), `credential`, `scopes`, `method`, `host`, `path` of the application's own
    /// request, and what the team's schema declares.
    #[serde(default)]
    #[schema(value_type = Object)]
    context: serde_json::Map<String, serde_json::Value>,
    /// What whoever asks carries out: `mask`. An allowance with another obligation is none.
    #[serde(default)]
    obligations: Vec<ObligationOf>,
}

/// Who wants to do it. Roles, groups and tenant are those of the account.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PrincipalOf {
    /// `user`, `service-account` or `anonymous`.
    #[serde(rename = "type")]
    kind: String,
    /// The account's id (`sub` of `Gabion-Identity`) or name.
    id: String,
}

/// What it is done to.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ResourceOf {
    #[serde(rename = "type")]
    kind: String,
    id: String,
    /// What the application knows of it; the rest is found out.
    #[serde(default)]
    #[schema(value_type = Object)]
    attributes: serde_json::Map<String, serde_json::Value>,
    #[serde(default)]
    parents: Vec<ObjectOf>,
}

/// An object.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ObjectOf {
    #[serde(rename = "type")]
    kind: String,
    id: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ObligationOf {
    Mask,
}

/// The answer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DecisionOf {
    allowed: bool,
    /// Why not: `forbidden`, `mask_needed`, `no_such_object`, `not_permitted`, `step_up`, `undecidable`, `unknown_subject`.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    /// The policies that decided.
    policies: Vec<String>,
    /// Which set of policies decided.
    generation: String,
    /// Take these members out of what is shown: JSON pointers, `*` for every item of an array.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    mask: Vec<String>,
    /// How strongly the person must have signed in (RFC 9470).
    #[serde(skip_serializing_if = "Option::is_none")]
    acr_values: Option<&'static str>,
    /// How many seconds ago at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    max_age: Option<u64>,
}

impl QuestionOf {
    fn asked(self) -> Result<AskedDecision, String> {
        let parents = self.resource.parents.iter().map(|parent| EntityRef::new(&parent.kind, &parent.id));
        Ok(AskedDecision {
            subject_kind: self.principal.kind,
            subject: self.principal.id,
            action: self.action,
            resource: AskedResource {
                parents: parents.collect(),
                kind: self.resource.kind,
                id: self.resource.id,
                attributes: values(self.resource.attributes),
            },
            context: circumstances(self.context)?,
            masks: self.obligations.contains(&ObligationOf::Mask),
        })
    }
}

/// A question, for the fuzz target.
#[cfg(fuzzing)]
pub(crate) fn fuzzed(bytes: &[u8]) {
    if let Ok(question) = crate::api::read::<QuestionOf>(bytes) {
        let _ = question.asked();
    }
}

impl From<Decided> for DecisionOf {
    fn from(decided: Decided) -> Self {
        Self {
            allowed: decided.allowed,
            reason: decided.reason.map(|reason| reason.as_str()),
            policies: decided.policies,
            generation: decided.generation,
            mask: decided.mask,
            acr_values: decided.step_up.map(|(acr, _)| acr.as_str()),
            max_age: decided.step_up.and_then(|(_, age)| age).map(|age| age.as_secs()),
        }
    }
}

/// Decides by the policies of the gate. For applications with the scope `gabion:authorize`.
#[utoipa::path(post, path = "/.gabion/api/v1/authorize", tag = "decisions", operation_id = "authorize",
    request_body = QuestionOf,
    responses((status = 200, body = DecisionOf), (status = 400, body = Problem), (status = 403, body = Problem)))]
pub(crate) async fn decide(
    State(console): State<Console>,
    Application(caller): Application,
    Body(question): Body<QuestionOf>,
) -> Response {
    let asked = match question.asked() {
        Ok(asked) => asked,
        Err(message) => return Problem::new(StatusCode::BAD_REQUEST, message).answer(),
    };
    match console.service.decide(&caller, vec![asked], Until::All).await {
        Ok(decided) => match decided.into_iter().next() {
            Some(decided) => json(StatusCode::OK, &DecisionOf::from(decided)),
            None => Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "nothing was decided").answer(),
        },
        Err(error) => refused(error),
    }
}
