//! How every answer of SCIM is made.

use axum::response::{IntoResponse as _, Response};
use gabion_service::scim::{Kind, Map, Refusal};
use gabion_service::{ActError, DirectoryError, ScimError, ScimList, ScimResource};
use http::header::{CONTENT_TYPE, ETAG, LOCATION, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};

use crate::page;

/// What is told when something was not done (RFC 7644, 3.12).
#[derive(Debug, Clone)]
pub(crate) struct Refused {
    status: StatusCode,
    kind: Option<Kind>,
    detail: String,
}

impl Refused {
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, kind: None, detail: detail.into() }
    }

    pub(crate) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "there is nothing at this address")
    }

    pub(crate) fn method() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "the address exists, but not for this kind of request")
    }

    pub(crate) fn answer(self) -> Response {
        let mut body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
            "status": self.status.as_u16().to_string(),
            "detail": self.detail,
        });
        if let (Some(kind), Some(map)) = (self.kind, body.as_object_mut()) {
            map.insert("scimType".to_owned(), kind.as_str().into());
        }
        let mut answer = json(self.status, &body);
        if self.status == StatusCode::UNAUTHORIZED {
            answer.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            return page::retry_after(answer, 30);
        }
        answer
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        let status = match refusal.kind {
            Kind::Uniqueness => StatusCode::CONFLICT,
            _ => StatusCode::BAD_REQUEST,
        };
        Self { status, kind: Some(refusal.kind), detail: refusal.detail }
    }
}

impl From<ScimError> for Refused {
    fn from(error: ScimError) -> Self {
        let (kind, detail) = error.detail();
        let status = match (&error, kind) {
            (_, Some(Kind::Uniqueness)) => StatusCode::CONFLICT,
            (_, Some(_)) => StatusCode::BAD_REQUEST,
            (ScimError::Directory(error), None) => match error {
                DirectoryError::Changed => StatusCode::PRECONDITION_FAILED,
                DirectoryError::LastAdministrator => StatusCode::CONFLICT,
                DirectoryError::NotFound | DirectoryError::Act(ActError::NotFound) => StatusCode::NOT_FOUND,
                DirectoryError::Act(ActError::Busy | ActError::Unavailable) => {
                    StatusCode::SERVICE_UNAVAILABLE
                }
                _ => StatusCode::FORBIDDEN,
            },
            (ScimError::Refused(_), None) => StatusCode::BAD_REQUEST,
        };
        Self { status, kind, detail }
    }
}

/// One resource, with its entity tag.
pub(crate) fn one(resource: ScimResource) -> Response {
    tagged(StatusCode::OK, resource)
}

pub(crate) fn created(resource: ScimResource) -> Response {
    let location =
        resource.body.get("meta").and_then(|meta| meta.get("location")?.as_str().map(str::to_owned));
    let mut answer = tagged(StatusCode::CREATED, resource);
    if let Some(Ok(location)) = location.map(|location| HeaderValue::from_str(&location)) {
        answer.headers_mut().insert(LOCATION, location);
    }
    answer
}

/// The client has it already (RFC 9110, 15.4.5).
pub(crate) fn unchanged(version: &str) -> Response {
    with_tag(page::empty(StatusCode::NOT_MODIFIED), version)
}

pub(crate) fn no_content() -> Response {
    page::empty(StatusCode::NO_CONTENT)
}

/// A part of a list (RFC 7644, 3.4.2).
pub(crate) fn list(found: ScimList) -> Response {
    let resources: Vec<Value> = found.resources.into_iter().map(Value::Object).collect();
    of_values(found.total, found.start, resources)
}

pub(crate) fn of_values(total: u64, start: u64, resources: Vec<Value>) -> Response {
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": total,
        "startIndex": start,
        "itemsPerPage": resources.len(),
        "Resources": resources,
    });
    json(StatusCode::OK, &body)
}

pub(crate) fn json(status: StatusCode, body: &Value) -> Response {
    let mut answer = (status, body.to_string()).into_response();
    page::harden(answer.headers_mut());
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/scim+json"));
    answer
}

fn tagged(status: StatusCode, resource: ScimResource) -> Response {
    let body: Map = resource.body;
    with_tag(json(status, &Value::Object(body)), &resource.version)
}

fn with_tag(mut answer: Response, version: &str) -> Response {
    if let Ok(tag) = HeaderValue::from_str(&format!("W/\"{version}\"")) {
        answer.headers_mut().insert(ETAG, tag);
    }
    answer
}
