//! Who a client is: the client authentication of RFC 6749, 2.3, OpenID Connect Core 1.0, 9, RFC 7523 and RFC 8705.
//!
//! One way only (RFC 6749, 2.3.1), and the one it is registered for. Whatever fails, fails as
//! `invalid_client`, whether or not there is such a client, after the same comparison. Wrong tries are
//! counted by address: whoever knows a client's id, which is no secret, can lock nobody else out.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use gabion_identity::oauth::client::assertion::{self, ASSERTION_TYPE};
use gabion_identity::oauth::client::{AuthenticationMethod, Client, ClientId};
use gabion_identity::oauth::{ErrorCode, OAuthError, Parameters};
use gabion_model::{Outcome, Secret};
use gabion_vault::encoding::base64url_encode;
use gabion_vault::jwt::{Jwks, TokenError};
use gabion_vault::x509::PeerCertificate;
use gabion_vault::{constant_time_eq, sha256};

use super::Failed;
use super::edge::good;
use crate::{Act, Caller, Service};

/// What a request brought by which its client can be known.
#[derive(Debug, Clone, Default)]
pub struct ClientCredentials {
    /// The value of the `Authorization` field.
    pub authorization: Option<Secret<String>>,
    /// The certificate of the connection, or the one a trusted proxy told.
    pub certificate: Option<Arc<PeerCertificate>>,
}

/// How the client of a request says who it is.
struct Presented {
    id: ClientId,
    proof: Proof,
}

enum Proof {
    Assertion(Secret<String>),
    None,
    Secret(AuthenticationMethod, Secret<String>),
}

impl Service {
    /// The client that asks, if it proves to be it; a public client is believed its name.
    ///
    /// # Errors
    /// `invalid_client`.
    pub async fn authenticate_client(
        &self,
        caller: &Caller,
        credentials: &ClientCredentials,
        parameters: &Parameters,
    ) -> Result<Arc<Client>, OAuthError> {
        parameters.check_unique()?;
        let inner = &self.0;
        let refused = |reason: &str| {
            let mut event = inner.event(Act::IssueTokens, caller, Outcome::Failure);
            event.reason = Some(reason.to_owned());
            inner.ledger.observe(event);
            OAuthError::invalid_client()
        };
        let presented = Presented::read(credentials, parameters)?
            .ok_or_else(|| refused("client authentication failed"))?;
        let now = inner.clock.now();
        let address = caller.address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        let place = format!("{} {address}", presented.id);
        let attempt = match inner.protocols.tries.reserve(&place, address, now) {
            Ok(attempt) => attempt,
            Err(throttled) => {
                refused("too many failed client authentications");
                let error = OAuthError::new(
                    ErrorCode::TemporarilyUnavailable,
                    "too many failed tries, wait a little",
                );
                return Err(error.after(throttled.retry_after));
            }
        };
        let client =
            self.known_client_from(presented.id.as_str(), address).await.map_err(|Failed(error)| error)?;
        let proven = match presented.proof {
            Proof::Secret(method, secret) => {
                let hash = sha256(secret.expose().as_bytes());
                let unknown = constant_time_eq(&hash, &[0; 32]);
                client.as_ref().is_some_and(|client| {
                    let own = client.secrets.iter().filter(|own| !own.is_expired(now));
                    // Every secret is compared: nothing tells which of them, or whether any, was close.
                    let right = own.fold(unknown, |right, own| constant_time_eq(&hash, &own.hash) || right);
                    client.metadata.authentication == method && right
                })
            }
            Proof::Assertion(assertion) => match &client {
                Some(client) => self.believes(client, &assertion).await,
                None => false,
            },
            Proof::None => match &client {
                Some(client) => self.shows_certificate(client, credentials.certificate.as_ref()).await,
                None => false,
            },
        };
        match client.filter(|_| proven) {
            Some(client) => {
                attempt.succeeded();
                Ok(client)
            }
            None => {
                attempt.failed();
                Err(refused("client authentication failed"))
            }
        }
    }

    /// Whether the request is the client's by the certificate beside it (RFC 8705, 2). A public client needs none.
    async fn shows_certificate(&self, client: &Client, shown: Option<&Arc<PeerCertificate>>) -> bool {
        let certificate = match client.metadata.authentication {
            AuthenticationMethod::None => return true,
            AuthenticationMethod::Tls | AuthenticationMethod::SelfSignedTls => shown,
            _ => None,
        };
        let Some(certificate) = good(certificate, self.0.clock.now()) else { return false };
        if client.metadata.authentication == AuthenticationMethod::Tls {
            // A name counts only where an authority says whose it is.
            let subject = client.metadata.certificate_subject.as_ref();
            return certificate.vouched_for && subject.is_some_and(|subject| subject.is_in(certificate));
        }
        let thumbprint = base64url_encode(&certificate.thumbprint);
        if client.metadata.certificate_thumbprints.contains(&thumbprint) {
            return true;
        }
        let Some(key) = &certificate.key else { return false };
        for again in [false, true] {
            let Some(keys) = self.keys_of(client, again).await else { return false };
            if keys.keys.iter().any(|own| own.is_public() && own.thumbprint() == key) {
                return true;
            }
        }
        false
    }

    /// Whether an assertion is the client's. Keys at an address are fetched once more when the assertion
    /// names one that is not known, at most once in a while.
    async fn believes(&self, client: &Arc<Client>, assertion: &Secret<String>) -> bool {
        if client.metadata.authentication != AuthenticationMethod::PrivateKeyJwt {
            return false;
        }
        for again in [false, true] {
            let Some(keys) = self.keys_of(client, again).await else { return false };
            let (inner, client, assertion) = (self.clone(), Arc::clone(client), assertion.clone());
            let judged = tokio::task::spawn_blocking(move || inner.judge(&client, &assertion, &keys)).await;
            match judged {
                Ok(Ok(())) => return true,
                Ok(Err(assertion::AssertionError::Token(TokenError::UnknownKey))) => {}
                Ok(Err(error)) => {
                    tracing::debug!(%error, "client assertion refused");
                    return false;
                }
                Err(error) => {
                    tracing::error!(%error, "client assertion not judged");
                    return false;
                }
            }
        }
        false
    }

    fn judge(
        &self,
        client: &Client,
        assertion: &Secret<String>,
        keys: &Jwks,
    ) -> Result<(), assertion::AssertionError> {
        let (inner, issuer) = (&self.0, self.origin());
        let alias = inner.rules().provider.edge.certificate_origin(&issuer);
        let origins = [Some(issuer.to_string()), alias];
        let endpoint = |origin: &String| ENDPOINTS.map(|name| format!("{origin}/.gabion/oauth/{name}"));
        let endpoints: Vec<String> = origins.iter().flatten().flat_map(endpoint).collect();
        let names: Vec<&str> =
            std::iter::once(&*issuer).chain(endpoints.iter().map(String::as_str)).collect();
        assertion::verify(
            assertion.expose(),
            client,
            keys,
            &names,
            &inner.protocols.assertions,
            inner.clock.now(),
        )
    }

    /// The client of that name, unless it is disabled.
    pub(crate) async fn known_client(&self, id: &str) -> Result<Option<Arc<Client>>, Failed> {
        self.known_client_from(id, IpAddr::V4(Ipv4Addr::UNSPECIFIED)).await
    }

    /// The same, asked for from an address: what strangers make us fetch is counted.
    pub(crate) async fn known_client_from(
        &self,
        id: &str,
        address: IpAddr,
    ) -> Result<Option<Arc<Client>>, Failed> {
        let Ok(id) = id.parse::<ClientId>() else { return Ok(None) };
        if id.is_document() {
            return Ok(self.described_client(&id, address).await);
        }
        let client = self.0.clients.find(&id).map_err(|error| {
            tracing::error!(%error, "client not read");
            Failed(OAuthError::unavailable())
        })?;
        Ok(client.filter(|client| !client.disabled))
    }
}

impl Presented {
    /// None when nothing names a client, or what names it is malformed.
    fn read(credentials: &ClientCredentials, parameters: &Parameters) -> Result<Option<Self>, OAuthError> {
        let named = parameters.get("client_id");
        let (in_form, assertion) = (parameters.get("client_secret"), parameters.get("client_assertion"));
        let ways = [credentials.authorization.is_some(), in_form.is_some(), assertion.is_some()];
        if ways.into_iter().filter(|way| *way).count() > 1 {
            return Err(OAuthError::invalid_request("the client authenticates in more than one way"));
        }
        let (id, proof) = if let Some(authorization) = &credentials.authorization {
            let Some((id, secret)) = basic(authorization) else { return Ok(None) };
            (Some(id), Proof::Secret(AuthenticationMethod::SecretBasic, secret))
        } else if let Some(secret) = in_form {
            let secret = Secret::new(secret.to_owned());
            (named.map(str::to_owned), Proof::Secret(AuthenticationMethod::SecretPost, secret))
        } else if let Some(assertion) = assertion {
            if parameters.get("client_assertion_type") != Some(ASSERTION_TYPE) {
                return Err(OAuthError::invalid_request(
                    "client_assertion_type is not one that is understood",
                ));
            }
            let Some(id) = assertion::client_of(assertion) else { return Ok(None) };
            (Some(id.to_string()), Proof::Assertion(Secret::new(assertion.to_owned())))
        } else {
            (named.map(str::to_owned), Proof::None)
        };
        let Some(id) = id else { return Ok(None) };
        if named.is_some_and(|named| named != id) {
            return Err(OAuthError::invalid_request("client_id names another client"));
        }
        Ok(id.parse().ok().map(|id| Self { id, proof }))
    }
}

/// Where clients authenticate.
pub(super) const ENDPOINTS: [&str; 5] = ["token", "par", "introspect", "revoke", "device_authorization"];

/// Name and secret of `Basic` (RFC 7617), each form-encoded before (RFC 6749, 2.3.1).
fn basic(authorization: &Secret<String>) -> Option<(String, Secret<String>)> {
    let (scheme, encoded) = authorization.expose().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let bytes = Secret::new(gabion_vault::encoding::base64_decode(encoded.trim()).ok()?);
    let (id, secret) = std::str::from_utf8(bytes.expose()).ok()?.split_once(':')?;
    let decoded = |text: &str| -> Option<String> {
        let parameters = Parameters::parse(&format!("x={}", text.replace('&', "%26"))).ok()?;
        parameters.get("x").map(str::to_owned)
    };
    Some((decoded(id)?, Secret::new(decoded(secret)?)))
}
