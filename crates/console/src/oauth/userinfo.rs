//! `GET` and `POST /.gabion/oauth/userinfo` (OpenID Connect Core 1.0, 5.3): the token in the
//! `Authorization` field, or in the body of a form (RFC 6750, 2.1 and 2.2), never in the address.

use std::sync::Arc;

use axum::extract::{FromRequest as _, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use gabion_checks::PeerCertificate;
use gabion_model::Secret;
use gabion_service::oauth::Confirmation;
use gabion_service::oauth::Userinfo;
use gabion_service::oauth::{ErrorCode, OAuthError};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};

use super::error::{self, Scheme};
use super::form::{self, Posted};
use crate::context::Visitor;
use crate::{Console, page};

pub(crate) fn route() -> MethodRouter<Console> {
    get(read).post(post).fallback(|| async { error::wrong_method("GET, POST") })
}

async fn read(State(console): State<Console>, visitor: Visitor, headers: HeaderMap) -> Response {
    let asked = Asked { headers: &headers, method: "GET", certificate: visitor.known.certificate.as_ref() };
    let answer = match presented(&headers) {
        Ok(Some((scheme, token))) => answer(&console, &asked, scheme, token).await,
        Ok(None) => error::challenge(),
        Err(error) => error::answer_with(&error, Scheme::Bearer),
    };
    error::of_this_site(answer, &console)
}

async fn post(State(console): State<Console>, visitor: Visitor, request: Request) -> Response {
    let answer = posted(&console, &visitor, request).await;
    error::of_this_site(answer, &console)
}

/// The request beside a token.
struct Asked<'a> {
    headers: &'a HeaderMap,
    method: &'a str,
    certificate: Option<&'a Arc<PeerCertificate>>,
}

async fn posted(console: &Console, visitor: &Visitor, request: Request) -> Response {
    let headers = request.headers().clone();
    let in_field = match presented(&headers) {
        Ok(found) => found,
        Err(error) => return error::answer_with(&error, Scheme::Bearer),
    };
    let in_body = if form::is_form(&headers) {
        match Posted::from_request(request, &()).await {
            Ok(posted) => posted.parameters.get("access_token").map(|token| Secret::new(token.to_owned())),
            Err(refused) => return refused,
        }
    } else {
        None
    };
    let asked = Asked { headers: &headers, method: "POST", certificate: visitor.known.certificate.as_ref() };
    match (in_field, in_body) {
        (Some((scheme, token)), None) => answer(console, &asked, scheme, token).await,
        (None, Some(token)) => answer(console, &asked, Scheme::Bearer, token).await,
        (None, None) => error::challenge(),
        // RFC 6750, 2: one way only.
        (Some(_), Some(_)) => {
            let error = OAuthError::invalid_request("the token was sent in more than one way");
            error::answer_with(&error, Scheme::Bearer)
        }
    }
}

async fn answer(console: &Console, asked: &Asked<'_>, scheme: Scheme, token: Secret<String>) -> Response {
    let proven = match proven(console, asked, scheme, &token) {
        Ok(proven) => proven,
        Err(error) => return refused(&error, scheme),
    };
    match console.service.userinfo(token, proven).await {
        Ok(Userinfo::Json(claims)) => error::json_answer(StatusCode::OK, &claims),
        Ok(Userinfo::Jwt(token)) => {
            let mut answer = (StatusCode::OK, token.expose().clone()).into_response();
            page::harden(answer.headers_mut());
            answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/jwt"));
            answer
        }
        Err(error) => error::answer_with(&error, scheme),
    }
}

/// What stands beside the token shows: a certificate, a proof. A bound token under the scheme `Bearer` proves nothing
/// (RFC 9449, 7.2), and the scheme `DPoP` needs a proof.
fn proven(
    console: &Console,
    asked: &Asked<'_>,
    scheme: Scheme,
    token: &Secret<String>,
) -> Result<Confirmation, OAuthError> {
    let x5t_s256 = console.service.held(asked.certificate);
    if scheme != Scheme::Dpop {
        return Ok(Confirmation { jkt: None, x5t_s256 });
    }
    let (proofs, token) = (form::proofs(asked.headers)?, Some(token.expose().as_str()));
    let proven = console.service.proven(&proofs, asked.method, "/.gabion/oauth/userinfo", token)?;
    let proven = proven.ok_or_else(|| {
        OAuthError::new(ErrorCode::InvalidDpopProof, "the proof beside the token is missing")
    })?;
    Ok(Confirmation { x5t_s256, ..proven })
}

/// At a resource a wrong proof is answered with 401 (RFC 9449, 7.1).
fn refused(error: &OAuthError, scheme: Scheme) -> Response {
    let mut answer = error::answer_with(error, scheme);
    *answer.status_mut() = StatusCode::UNAUTHORIZED;
    answer
}

/// The token of the `Authorization` field.
fn presented(headers: &HeaderMap) -> Result<Option<(Scheme, Secret<String>)>, OAuthError> {
    let Some(value) = form::authorization(headers)? else { return Ok(None) };
    let malformed = || OAuthError::invalid_request("the Authorization field holds no token");
    let (scheme, token) = value.expose().split_once(' ').ok_or_else(malformed)?;
    let scheme = if scheme.eq_ignore_ascii_case("bearer") {
        Scheme::Bearer
    } else if scheme.eq_ignore_ascii_case("dpop") {
        Scheme::Dpop
    } else {
        return Err(malformed());
    };
    Ok(Some((scheme, Secret::new(token.trim().to_owned()))))
}
