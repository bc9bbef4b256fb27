//! What is told when something was not done (RFC 9457).

use axum::Json;
use axum::response::{IntoResponse as _, Response};
use gabion_service::{
    ActError, AddAccountError, ApiKeyActError, ClientActError, DirectoryError, DisableAccountError,
};
use http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use crate::page;

/// A problem (RFC 9457).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// The class of problem; `about:blank` where the status says it all.
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    pub(crate) title: &'static str,
    #[schema(value_type = u16)]
    #[serde(serialize_with = "code")]
    pub(crate) status: StatusCode,
    /// What happened, for people.
    pub(crate) detail: String,
    /// Every field that breaks a rule.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) errors: Vec<Field>,
}

/// A field and the rule it breaks.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Field {
    pub(crate) field: String,
    pub(crate) reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hint: Option<String>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        let title = status.canonical_reason().unwrap_or("Error");
        Self { kind: "about:blank", title, status, detail: detail.into(), errors: Vec::new() }
    }

    pub(crate) fn field(status: StatusCode, field: &str, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        let errors = vec![Field { field: field.to_owned(), reason: reason.clone(), hint: None }];
        Self { errors, ..Self::new(status, format!("{field}: {reason}")) }
    }

    pub(crate) fn unauthenticated() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "sign in, or send an API key or an access token")
    }

    pub(crate) fn answer(self) -> Response {
        let status = self.status;
        let mut answer = (status, Json(self)).into_response();
        let headers = answer.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        page::harden(headers);
        if status == StatusCode::SERVICE_UNAVAILABLE {
            return page::retry_after(answer, 30);
        }
        answer
    }
}

fn code<S: serde::Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}

impl From<ActError> for Problem {
    fn from(error: ActError) -> Self {
        let status = match error {
            ActError::Busy | ActError::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            ActError::Forbidden => StatusCode::FORBIDDEN,
            ActError::NotFound => StatusCode::NOT_FOUND,
            // As RFC 9470 says it: the same question, asked by somebody who signed in just now.
            ActError::StepUp { .. } => StatusCode::UNAUTHORIZED,
        };
        Self::new(status, error.to_string())
    }
}

impl From<DirectoryError> for Problem {
    fn from(error: DirectoryError) -> Self {
        let detail = error.to_string();
        match error {
            DirectoryError::Act(error) => error.into(),
            DirectoryError::Changed => Self::new(StatusCode::PRECONDITION_FAILED, detail),
            DirectoryError::Invalid(problems) => Self::invalid(problems),
            DirectoryError::LastAdministrator => Self::new(StatusCode::CONFLICT, detail),
            DirectoryError::NotFound => Self::new(StatusCode::NOT_FOUND, detail),
            DirectoryError::Protected => Self::new(StatusCode::FORBIDDEN, detail),
            DirectoryError::Taken(field) => {
                Self::field(StatusCode::CONFLICT, field, "is taken, or was a removed account's and is kept")
            }
        }
    }
}

impl From<ClientActError> for Problem {
    fn from(error: ClientActError) -> Self {
        let detail = error.to_string();
        match error {
            ClientActError::Act(error) => error.into(),
            ClientActError::Changed => Self::new(StatusCode::PRECONDITION_FAILED, detail),
            ClientActError::Invalid(problems) => Self::invalid(problems),
            ClientActError::NotFound => Self::new(StatusCode::NOT_FOUND, detail),
            ClientActError::NoSecret | ClientActError::Taken | ClientActError::TooMany => {
                Self::new(StatusCode::CONFLICT, detail)
            }
        }
    }
}

impl From<ApiKeyActError> for Problem {
    fn from(error: ApiKeyActError) -> Self {
        match error {
            ApiKeyActError::Act(error) => error.into(),
            ApiKeyActError::Invalid(problem) => Self::invalid(vec![problem]),
        }
    }
}

impl From<DisableAccountError> for Problem {
    fn from(error: DisableAccountError) -> Self {
        match error {
            DisableAccountError::Act(error) => error.into(),
            DisableAccountError::LastAdministrator => Self::new(StatusCode::CONFLICT, error.to_string()),
        }
    }
}

impl From<AddAccountError> for Problem {
    fn from(error: AddAccountError) -> Self {
        let detail = error.to_string();
        match error {
            AddAccountError::Act(error) => error.into(),
            AddAccountError::Invalid(problem) => Self::invalid(vec![problem]),
            AddAccountError::NameTaken(_) => Self::field(StatusCode::CONFLICT, "name", detail),
        }
    }
}

impl Problem {
    pub(crate) fn invalid(problems: Vec<gabion_model::Problem>) -> Self {
        let detail = problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        let errors = problems.into_iter().map(|problem| Field {
            field: problem.path,
            reason: problem.reason,
            hint: problem.hint,
        });
        Self { errors: errors.collect(), ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail) }
    }
}
