//! Who asks, and what they send.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::Response;
use gabion_service::Caller;
use gabion_service::scim::{Query, json};
use http::header::{CONTENT_TYPE, IF_MATCH, IF_NONE_MATCH};
use http::{HeaderMap, HeaderName, StatusCode, request};
use serde_json::Value;

use super::Refused;
use crate::Console;
use crate::context::Visitor;

/// A program with the scope for it. That its account is a service account is the service's to say.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) caller: Caller,
    /// `If-Match`: of these versions it must have one. None asks for nothing.
    pub(crate) versions: Option<Vec<String>>,
    /// `If-None-Match`: these need not be sent again.
    pub(crate) known: Vec<String>,
    query: Option<String>,
}

impl Asked {
    /// What the address asks for beside the resource.
    #[expect(clippy::result_large_err, reason = "an answer, made and returned at once")]
    pub(crate) fn query(&self) -> Result<Query, Response> {
        let pairs: Vec<_> =
            form_urlencoded::parse(self.query.as_deref().unwrap_or_default().as_bytes()).collect();
        Query::from_pairs(pairs.iter().map(|(name, value)| (name.as_ref(), value.as_ref())))
            .map_err(|refusal| Refused::from(refusal).answer())
    }

    /// Whether a part of the address has a filter: discovery takes none (RFC 7644, 4).
    pub(crate) fn filters(&self) -> bool {
        let pairs = form_urlencoded::parse(self.query.as_deref().unwrap_or_default().as_bytes());
        pairs.into_iter().any(|(name, _)| name.eq_ignore_ascii_case("filter"))
    }
}

impl FromRequestParts<Console> for Asked {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut request::Parts, console: &Console) -> Result<Self, Response> {
        let visitor = Visitor::from_request_parts(parts, console).await?;
        if !console.scim.answers(visitor.known.client) {
            // As if there were none: who may not come in need not know that there is a door.
            return Err(Refused::not_found().answer());
        }
        let Some(credential) = &visitor.known.credential else {
            let detail = "send an API key or an access token of a service account";
            return Err(Refused::new(StatusCode::UNAUTHORIZED, detail).answer());
        };
        if !credential.scopes.contains(SCOPE) {
            let detail = "this needs a service account with the scope `gabion:scim`";
            return Err(Refused::new(StatusCode::FORBIDDEN, detail).answer());
        }
        let versions = tags(&parts.headers, &IF_MATCH)?.filter(|tags| !tags.iter().any(|tag| tag == "*"));
        Ok(Self {
            caller: visitor.caller(),
            versions,
            known: tags(&parts.headers, &IF_NONE_MATCH)?.unwrap_or_default(),
            query: parts.uri.query().map(str::to_owned),
        })
    }
}

/// The entity tags of a field (RFC 9110, 8.8.3), weak or not: SCIM's are weak, and compared as they are.
#[expect(clippy::result_large_err, reason = "an answer, made and returned at once")]
fn tags(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Vec<String>>, Response> {
    let mut all = Vec::new();
    for value in headers.get_all(name) {
        for part in value.to_str().unwrap_or("?").split(',').map(str::trim) {
            let text = part.strip_prefix("W/").unwrap_or(part);
            match text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
                Some(tag) if !tag.is_empty() && !tag.contains('"') && all.len() < MOST_TAGS => {
                    all.push(tag.to_owned());
                }
                None if part == "*" => all.push("*".to_owned()),
                _ => {
                    let detail = format!("`{name}` holds entity tags in quotes, at most {MOST_TAGS}");
                    return Err(Refused::new(StatusCode::BAD_REQUEST, detail).answer());
                }
            }
        }
    }
    Ok((!all.is_empty()).then_some(all))
}

/// A body, read strictly.
#[derive(Debug)]
pub(crate) struct Document(pub(crate) Value);

impl<S: Send + Sync> FromRequest<S> for Document {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let essence = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        if !matches!(essence.to_ascii_lowercase().as_str(), "application/scim+json" | "application/json") {
            let detail = "send `Content-Type: application/scim+json`";
            return Err(Refused::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail).answer());
        }
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| {
            Refused::new(rejection.status(), "the body is too large or was cut off").answer()
        })?;
        json::parse(&bytes).map(Self).map_err(|refusal| Refused::from(refusal).answer())
    }
}

const SCOPE: &str = "gabion:scim";
const MOST_TAGS: usize = 16;
