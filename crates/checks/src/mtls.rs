//! Client certificates: programs that prove who they are in the TLS handshake.
//!
//! Control: `authz.trusted-identity`
//!
//! **Standard.** RFC 8446 §4.4.2, RFC 5280 §6; RFC 9440 (`Client-Cert`, from trusted proxies only).
//!
//! **Threat.** Spoofing: CWE-290, CWE-295 (certificates not verified).
//!
//! **Rules.**
//! 1. The handshake verified the certificate against `gateway.tls.client_certificates.ca_file`; one that fails ends
//!    the connection. Behind a proxy that ends TLS, `Client-Cert` counts when the proxy is trusted and
//!    `forwarded = true`; from everybody else it is removed unread. What a trusted proxy itself shows in its
//!    handshake is never taken for its clients'.
//! 2. On a route whose `credentials` name `certificate`, a certificate with a name that `[[machines.certificates]]`
//!    binds is that account, while certificate and account are good. One that is bound to nobody is a stranger's, and
//!    so is one that no authority vouches for (`self_signed`, `forwarded_verified = false`): such only prove a key.
//! 3. Beside another credential of the same account it adds nothing; beside one of another account the request is
//!    ambiguous: refused.
//!
//! **Answer.** 400 for 3 and for a `Client-Cert` that cannot be read.
//!
//! **Default.** On, without bindings: certificates are nobody's. `forwarded` is off.
//!
//! **Caveat.** A browser shows a certificate by itself, as it does a cookie: `csrf` guards such requests too.
//!
//! **Example.** `[[machines.certificates]] account = "billing"`, `dns = "billing.internal"`, `scopes = ["invoices"]`.

use std::sync::Arc;

use gabion_identity::{Certificates, CredentialKind};
use gabion_model::{ControlId, Problem};
use gabion_vault::encoding::base64_decode;
use gabion_vault::x509::PeerCertificate;
use http::{HeaderMap, HeaderName, StatusCode, request};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check::{Check, Mode, Stop};
use crate::denial::Denial;
use crate::exchange::Exchange;
use crate::order::{self, Needs};
use crate::pipeline::Step;
use crate::route::Taken;

/// `[checks.mtls]`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// `enforce`, `observe` or `off`.
    pub mode: Mode,
    /// A trusted proxy ends TLS, verifies client certificates and tells them in `Client-Cert` (RFC 9440). It must
    /// remove what clients send under that name.
    pub forwarded: bool,
    /// The proxy verifies certificates against an authority before it tells them. `false`: it tells any, so that their
    /// names count for nothing, and only OAuth clients that registered them and tokens bound to them can use them.
    pub forwarded_verified: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { mode: Mode::Enforce, forwarded: false, forwarded_verified: true }
    }
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
    #[error("a certificate beside a credential of another account")]
    AnotherAccount,
    #[error("a forwarded certificate that cannot be read")]
    NotReadable,
}

/// The certificate a trusted proxy tells (RFC 9440 §2): one byte sequence, once.
pub fn verify(headers: &HeaderMap) -> Result<Option<PeerCertificate>, Violation> {
    let mut fields = headers.get_all(CLIENT_CERT).iter();
    let Some(first) = fields.next() else { return Ok(None) };
    let text = first.to_str().map_err(|_| Violation::NotReadable)?.trim();
    let inner = text.strip_prefix(':').and_then(|text| text.strip_suffix(':'));
    let (Some(inner), None) = (inner, fields.next()) else { return Err(Violation::NotReadable) };
    let der = base64_decode(inner).map_err(|_| Violation::NotReadable)?;
    PeerCertificate::parse(&der).map(Some).map_err(|_| Violation::NotReadable)
}

impl From<Violation> for Denial {
    fn from(violation: Violation) -> Self {
        let public = match violation {
            Violation::AnotherAccount => "The request shows credentials of two accounts. Send one.",
            Violation::NotReadable => "The request is malformed or ambiguous.",
        };
        Self::new(ControlId::AUTHZ_TRUSTED_IDENTITY, StatusCode::BAD_REQUEST, public, violation.to_string())
    }
}

/// What a trusted proxy says, before `normalise` removes it.
pub(crate) fn forwarded_step(needs: &Needs<'_, '_>) -> Option<Step> {
    let Settings { mode, forwarded, forwarded_verified } = needs.settings.mtls;
    // Off or not, what a trusted proxy shows for itself is not its clients'.
    let (mode, forwarded) = if mode == Mode::Off { (Mode::Enforce, false) } else { (mode, forwarded) };
    let source = Source::Proxy { forwarded, verified: forwarded_verified };
    order::step(mode, Mtls { source, takes: Vec::new() })
}

pub(crate) fn step(needs: &Needs<'_, '_>) -> Option<Step> {
    let source = Source::Bindings(Arc::clone(&needs.parts?.machines.as_ref()?.certificates));
    let takes = needs.routes.iter().map(|route| route.taken()).collect();
    order::step(needs.settings.mtls.mode, Mtls { source, takes })
}

/// The check, in two instances: what a proxy forwards, and whose it is.
#[derive(Debug)]
pub struct Mtls {
    source: Source,
    /// Per route.
    takes: Vec<Taken>,
}

#[derive(Debug)]
enum Source {
    Bindings(Arc<Certificates>),
    Proxy { forwarded: bool, verified: bool },
}

impl Check for Mtls {
    fn name(&self) -> &'static str {
        "mtls"
    }

    fn control(&self) -> ControlId {
        ControlId::AUTHZ_TRUSTED_IDENTITY
    }

    fn request(&self, head: &mut request::Parts, exchange: &mut Exchange) -> Result<(), Stop> {
        let certificates = match &self.source {
            Source::Bindings(certificates) => certificates,
            Source::Proxy { forwarded, verified } => {
                if exchange.trusted_peer {
                    // The connection's own certificate is the proxy's, not the client's.
                    exchange.certificate = None;
                    let told = if *forwarded { verify(&head.headers).map_err(Denial::from)? } else { None };
                    let judged = |told: PeerCertificate| if *verified { told.by_authority() } else { told };
                    exchange.certificate = told.map(judged).map(Arc::new);
                }
                return Ok(());
            }
        };
        let Some(certificate) = &exchange.certificate else { return Ok(()) };
        let takes = exchange.route.and_then(|route| self.takes.get(route));
        if !takes.is_some_and(|takes| takes.contains(CredentialKind::Certificate)) {
            return Ok(());
        }
        let Some(credential) = certificates.resolve(certificate, exchange.now) else { return Ok(()) };
        match exchange.principal() {
            None => exchange.credential = Some(credential),
            Some(other) if other.account == credential.principal.account => {}
            Some(_) => return Err(Denial::from(Violation::AnotherAccount).into()),
        }
        Ok(())
    }
}

/// RFC 9440.
pub const CLIENT_CERT: HeaderName = HeaderName::from_static("client-cert");

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn whatever_is_forwarded_is_a_certificate_or_refused(text in "[ -~]{0,80}|:[A-Za-z0-9+/=]{0,80}:") {
            let mut headers = HeaderMap::new();
            headers.insert(CLIENT_CERT, HeaderValue::from_str(&text).unwrap());
            prop_assert!(matches!(verify(&headers), Err(Violation::NotReadable)));
        }
    }
}
