//! Access tokens of this gate's own provider.
//!
//! Control: `token.claims`
//!
//! **Standard.** RFC 6750 §2.1, §3; RFC 9068 §4; RFC 8725 §3; RFC 8705 §3; RFC 9449 §7; RFC 9728 §5.1; ASVS 5.0
//! V9.2.2–4, V10.3.1.
//!
//! **Threat.** Spoofing and elevation of privilege: CWE-345, CWE-347 (signatures not checked), CWE-613 (tokens that
//! outlive their revocation), CWE-287 (a token for one service used at another).
//!
//! **Rules.**
//! 1. On a route whose `credentials` name `bearer`, `Authorization: Bearer` and `DPoP` are ours to judge.
//! 2. A token counts when a key of ours signed it with the key's own algorithm, its `typ` is `at+jwt`, its `iss` is this
//!    gate, its `aud` is the route's `resource` (default: this gate's own address), and it has not expired.
//! 3. It is verified once and remembered by its SHA-256; whether its grant or account was revoked is asked every time.
//! 4. A token bound to a certificate counts only on a connection that shows the certificate, while that is good; one
//!    bound to a key only by the scheme `DPoP`, with one proof by that key for this method, this address and this
//!    token, made just now and never used before. Neither is remembered: each request proves it anew. By the scheme
//!    `DPoP` no other token counts.
//! 5. One that does not count is refused, on public routes too. So is more than one, or one beside a session.
//! 6. The application does not see the token, unless the route says `pass_authorization = true`.
//! 7. The address of rule 4 is `gateway.public_url` with the request's path; on a route that declares `hosts`, the
//!    scheme and host of the request. A host that no route declares vouches for nothing: whoever lures a client to an
//!    address of their own could choose it.
//!
//! **Answer.** 401 with the challenge of RFC 6750 (`invalid_token`) or RFC 9449 (`invalid_token`,
//! `invalid_dpop_proof`, `algs`) and the address of the resource's metadata; 400 for several. No nonces are used.
//!
//! **Default.** On; routes take sessions only until they say otherwise, so that an application's own bearer
//! tokens pass untouched.
//!
//! **Caveat.** Roles in a token are those of its issue; a change of roles revokes it.
//!
//! **Example.** `Authorization: Bearer eyJ0eXAiOiJhdCtqd3Qi…`

use std::sync::Arc;

use gabion_identity::oauth::dpop::{ProofError, ProvenRequest};
use gabion_identity::{AccessToken, AccessTokens, CredentialKind};
use gabion_model::{ControlId, Problem};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, request};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::challenge::Challenges;
use crate::check::{Check, Mode, Stop};
use crate::denial::{Denial, Remedy};
use crate::exchange::Exchange;
use crate::normalise;
use crate::order::{self, Needs};
use crate::pipeline::Step;
use crate::route::{RouteIndex, Taken};

/// `[checks.bearer]`
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// `enforce`, `observe` or `off`.
    pub mode: Mode,
}

impl Settings {
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        Vec::new()
    }
}

/// The broken rules. Alphabetical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    #[error("a token beside a session or another credential")]
    BesideAnother,
    #[error("a token that is malformed, not ours, expired or revoked")]
    NotValid,
    #[error("a token for another resource")]
    OtherResource,
    #[error("a token by another scheme than its own")]
    OtherScheme,
    #[error("{0}")]
    Proof(ProofError),
    #[error("more than one `Authorization`")]
    Several,
    #[error("a token without the certificate it is bound to")]
    Unproven,
}

/// What an `Authorization` field holds of ours to judge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Presented<'a> {
    pub token: &'a str,
    pub scheme: Scheme,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    Bearer,
    Dpop,
}

/// Reads `Bearer TOKEN` and `DPoP TOKEN`; every other scheme is nobody's here.
#[must_use]
pub fn authorization(value: &HeaderValue) -> Option<Presented<'_>> {
    let (scheme, token) = value.to_str().ok()?.trim().split_once(' ')?;
    let scheme = if scheme.eq_ignore_ascii_case("bearer") {
        Scheme::Bearer
    } else if scheme.eq_ignore_ascii_case("dpop") {
        Scheme::Dpop
    } else {
        return None;
    };
    Some(Presented { token: token.trim(), scheme })
}

/// Rules 1 and 5: the one token a request shows. API keys in the same field are another check's.
pub fn verify(headers: &HeaderMap) -> Result<Option<Presented<'_>>, Violation> {
    let mut fields = headers.get_all(AUTHORIZATION).iter();
    let Some(first) = fields.next() else { return Ok(None) };
    if fields.next().is_some() {
        return Err(Violation::Several);
    }
    let shown = authorization(first);
    Ok(shown.filter(|shown| !shown.token.starts_with(gabion_identity::api_key::PREFIX)))
}

/// Rules 2 and 4, for a token whose signature, issuer and life are right. `proven` judges the proof beside it.
pub fn suits(
    token: &AccessToken,
    scheme: Scheme,
    resource: &str,
    thumbprint: Option<&[u8; 32]>,
    proven: impl FnOnce() -> Result<(), ProofError>,
) -> Result<(), Violation> {
    if !token.is_for(resource) {
        return Err(Violation::OtherResource);
    }
    let bound = &token.confirmation;
    if bound.key.is_some() != (scheme == Scheme::Dpop) {
        return Err(Violation::OtherScheme);
    }
    if bound.certificate.is_some() && bound.certificate.as_ref() != thumbprint {
        return Err(Violation::Unproven);
    }
    // Last: what is refused for another reason uses no proof up.
    if bound.key.is_some() { proven().map_err(Violation::Proof) } else { Ok(()) }
}

/// Rule 7: the addresses a proof may be for.
fn addresses(issuer: &str, named: bool, exchange: &Exchange) -> SmallVec<[String; 2]> {
    let (path, host) = (exchange.path(), exchange.host_str());
    let own = issuer.split_once("://").map_or("", |(_, authority)| authority);
    let mut addresses = SmallVec::new();
    if !named || normalise::host_name(own) == normalise::host_name(host) {
        addresses.push(format!("{issuer}{path}"));
    }
    if named {
        let scheme = if exchange.secure { "https" } else { "http" };
        addresses.push(format!("{scheme}://{host}{path}"));
    }
    addresses
}

impl From<Violation> for Denial {
    fn from(violation: Violation) -> Self {
        let (status, public) = match violation {
            Violation::BesideAnother | Violation::Several => {
                (StatusCode::BAD_REQUEST, "The request shows more than one credential. Send one.")
            }
            Violation::NotValid
            | Violation::OtherResource
            | Violation::OtherScheme
            | Violation::Proof(_)
            | Violation::Unproven => (StatusCode::UNAUTHORIZED, "The access token is not valid here."),
        };
        Self::new(ControlId::TOKEN_CLAIMS, status, public, violation.to_string())
    }
}

pub(crate) fn step(needs: &Needs<'_, '_>) -> Option<Step> {
    let parts = needs.parts?;
    let tokens = Arc::clone(&parts.machines.as_ref()?.tokens);
    let resource = |route: &crate::route::Compiled| {
        route.declared.resource.clone().unwrap_or_else(|| parts.issuer.clone())
    };
    order::step(
        needs.settings.bearer.mode,
        Bearer {
            tokens,
            takes: needs.routes.iter().map(|route| route.taken()).collect(),
            pass: needs.routes.iter().map(|route| route.declared.pass_authorization).collect(),
            resources: needs.routes.iter().map(resource).collect(),
            named: needs.routes.iter().map(|route| !route.declared.hosts.is_empty()).collect(),
            issuer: parts.issuer.clone(),
            challenges: Challenges::new(needs.routes, &parts.issuer),
        },
    )
}

/// The check.
#[derive(Debug)]
pub struct Bearer {
    tokens: Arc<AccessTokens>,
    /// Per route.
    takes: Vec<Taken>,
    pass: Vec<bool>,
    resources: Vec<String>,
    /// Whether the route says to which hosts it answers.
    named: Vec<bool>,
    issuer: String,
    challenges: Challenges,
}

impl Bearer {
    fn refuse(&self, violation: Violation, scheme: Scheme, exchange: &Exchange) -> Stop {
        let denial = Denial::from(violation);
        if denial.status != StatusCode::UNAUTHORIZED {
            return denial.into();
        }
        let challenge = match (violation, scheme) {
            (Violation::Proof(_), _) => self.challenges.proof(exchange.route),
            // What is wrong with it is answered in the scheme that would do.
            (Violation::OtherScheme, Scheme::Bearer) => self.challenges.unproven(exchange.route),
            (Violation::OtherScheme, Scheme::Dpop) | (_, Scheme::Bearer) => {
                self.challenges.invalid(exchange.route)
            }
            (_, Scheme::Dpop) => self.challenges.unproven(exchange.route),
        };
        denial.remedy(Remedy::Challenge(Box::new(challenge))).into()
    }

    /// The proof beside a token that is bound to a key.
    fn prove(
        &self,
        token: &AccessToken,
        text: &str,
        route: RouteIndex,
        headers: &HeaderMap,
        exchange: &Exchange,
    ) -> Result<(), ProofError> {
        let proofs: SmallVec<[&str; 1]> =
            headers.get_all(DPOP).iter().map(|value| value.to_str().unwrap_or_default()).collect();
        let named = self.named.get(route).is_some_and(|named| *named);
        let addresses = addresses(&self.issuer, named, exchange);
        let urls: SmallVec<[&str; 2]> = addresses.iter().map(String::as_str).collect();
        let request = ProvenRequest {
            method: exchange.method.as_str(),
            urls: &urls,
            access_token: Some(text),
            now: exchange.now,
        };
        self.tokens.prove(token, &proofs, &request)
    }
}

impl Check for Bearer {
    fn name(&self) -> &'static str {
        "bearer"
    }

    fn control(&self) -> ControlId {
        ControlId::TOKEN_CLAIMS
    }

    fn request(&self, head: &mut request::Parts, exchange: &mut Exchange) -> Result<(), Stop> {
        if !head.headers.contains_key(AUTHORIZATION) {
            return Ok(());
        }
        let Some(route) = exchange.route else { return Ok(()) };
        if !self.takes.get(route).is_some_and(|takes| takes.contains(CredentialKind::Bearer)) {
            return Ok(());
        }
        let several = |violation| self.refuse(violation, Scheme::Bearer, exchange);
        let Some(shown) = verify(&head.headers).map_err(several)? else { return Ok(()) };
        let refuse = |violation| self.refuse(violation, shown.scheme, exchange);
        let token =
            self.tokens.resolve(shown.token, exchange.now).map_err(|_| refuse(Violation::NotValid))?;
        if exchange.session.is_some() || exchange.credential.is_some() {
            return Err(refuse(Violation::BesideAnother));
        }
        let resource = self.resources.get(route).map_or("", String::as_str);
        let certificate = exchange.certificate.as_ref().filter(|one| one.is_valid(exchange.now));
        let thumbprint = certificate.map(|certificate| &certificate.thumbprint);
        let proven = || self.prove(&token, shown.token, route, &head.headers, exchange);
        suits(&token, shown.scheme, resource, thumbprint, proven).map_err(refuse)?;
        exchange.bound_to_certificate = token.confirmation.certificate.is_some();
        exchange.credential = Some(Arc::clone(&token.credential));
        if !self.pass.get(route).is_some_and(|pass| *pass) {
            head.headers.remove(AUTHORIZATION);
            head.headers.remove(DPOP);
        }
        Ok(())
    }
}

/// RFC 9449 §4.1.
const DPOP: HeaderName = HeaderName::from_static("dpop");

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn schemes_are_read_without_regard_to_case() {
        let read = |text: &str| {
            let value = HeaderValue::from_str(text).unwrap();
            authorization(&value).map(|shown| (shown.scheme, shown.token.to_owned()))
        };
        assert_eq!(read("bearer x"), Some((Scheme::Bearer, "x".to_owned())));
        assert_eq!(read("DPoP  x "), Some((Scheme::Dpop, "x".to_owned())));
        for other in ["", "Bearer", "Basic x", "Bearerx y", "Digest a=b"] {
            assert_eq!(read(other), None, "{other}");
        }
        let mut two = HeaderMap::new();
        two.append(AUTHORIZATION, HeaderValue::from_static("Bearer a"));
        two.append(AUTHORIZATION, HeaderValue::from_static("Basic b"));
        assert_eq!(verify(&two), Err(Violation::Several));
    }

    proptest! {
        #[test]
        fn any_field_is_read(bytes in proptest::collection::vec(0x20_u8..=0xff, 0..60)) {
            if let Ok(value) = HeaderValue::from_bytes(&bytes) {
                let _ = authorization(&value);
            }
        }
    }
}
