//! Requests of applications: a form in the body, read strictly, and how the client says who it is.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::response::Response;
use gabion_model::Secret;
use gabion_service::oauth::ClientCredentials;
use gabion_service::oauth::{ErrorCode, OAuthError, Parameters};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};

use super::error;
use crate::context::Visitor;

/// A posted form of an application.
pub(crate) struct Posted {
    pub(crate) visitor: Visitor,
    pub(crate) headers: HeaderMap,
    pub(crate) parameters: Parameters,
}

impl<S: Send + Sync> FromRequest<S> for Posted {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        use axum::extract::FromRequestParts as _;
        let (mut head, body) = request.into_parts();
        let visitor = Visitor::from_request_parts(&mut head, state).await?;
        let headers = head.headers.clone();
        if !is_form(&headers) {
            return Err(error::answer(&OAuthError::invalid_request(
                "the body must be application/x-www-form-urlencoded",
            )));
        }
        let body =
            Bytes::from_request(Request::from_parts(head, body), state).await.map_err(|rejection| {
                let mut answer = error::answer(&OAuthError::invalid_request("the body cannot be read"));
                *answer.status_mut() = rejection.status();
                answer
            })?;
        let text = std::str::from_utf8(&body).map_err(|_| malformed())?;
        let parameters = Parameters::parse(text).map_err(|_| malformed())?;
        Ok(Self { visitor, headers, parameters })
    }
}

impl Posted {
    /// How the client says who it is.
    ///
    /// # Errors
    /// `invalid_request` when the header comes twice or is no text.
    pub(crate) fn credentials(&self) -> Result<ClientCredentials, OAuthError> {
        Ok(ClientCredentials {
            authorization: authorization(&self.headers)?,
            certificate: self.visitor.known.certificate.clone(),
        })
    }
}

/// The one `Authorization` field.
///
/// # Errors
/// `invalid_request` when there are two, or it is no text.
pub(crate) fn authorization(headers: &HeaderMap) -> Result<Option<Secret<String>>, OAuthError> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let malformed = || OAuthError::invalid_request("the Authorization field cannot be read");
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => {
            value.to_str().map(|text| Some(Secret::new(text.to_owned()))).map_err(|_| malformed())
        }
        (Some(_), Some(_)) => Err(malformed()),
    }
}

/// The proofs of possession that came (RFC 9449, 4.1).
///
/// # Errors
/// `invalid_dpop_proof` when one is no text.
pub(crate) fn proofs(headers: &HeaderMap) -> Result<Vec<&str>, OAuthError> {
    let values = headers.get_all("dpop").iter().map(http::HeaderValue::to_str);
    values
        .collect::<Result<_, _>>()
        .map_err(|_| OAuthError::new(ErrorCode::InvalidDpopProof, "the DPoP field cannot be read"))
}

pub(crate) fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

fn malformed() -> Response {
    let mut answer = error::answer(&OAuthError::invalid_request("the body is not a form in UTF-8"));
    *answer.status_mut() = StatusCode::BAD_REQUEST;
    answer
}
