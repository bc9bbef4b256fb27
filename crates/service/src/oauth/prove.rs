//! What a request proves to hold, at this server's own endpoints: a key (RFC 9449, 5 and 7), a certificate
//! (RFC 8705, 3).

use std::sync::Arc;

use gabion_identity::oauth::client::Client;
use gabion_identity::oauth::dpop::{self, ProofError, ProvenRequest};
use gabion_identity::oauth::token::Confirmation;
use gabion_identity::oauth::{ErrorCode, OAuthError};
use gabion_vault::encoding::base64url_encode;
use gabion_vault::x509::PeerCertificate;

use super::edge::good;
use crate::Service;

impl Service {
    /// What the `DPoP` fields of a request prove, if there are any. `path` is below this server's own
    /// address; `token` is the access token beside the proof, where there is one.
    ///
    /// # Errors
    /// `invalid_dpop_proof`.
    pub fn proven(
        &self,
        proofs: &[&str],
        method: &str,
        path: &str,
        token: Option<&str>,
    ) -> Result<Option<Confirmation>, OAuthError> {
        let refused = |error: ProofError| OAuthError::new(ErrorCode::InvalidDpopProof, error.to_string());
        let proof = match proofs {
            [] => return Ok(None),
            [one] => *one,
            _ => return Err(refused(ProofError::Repeated)),
        };
        let inner = &self.0;
        let (now, origin) = (inner.clock.now(), self.origin());
        let alias = inner.rules().provider.edge.certificate_origin(&origin);
        let urls = [Some(origin.to_string()), alias].into_iter().flatten().map(|one| format!("{one}{path}"));
        let urls: Vec<String> = urls.collect();
        let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
        let request = ProvenRequest { method, urls: &urls, access_token: token, now };
        let proof = dpop::verify(proof, &request).map_err(refused)?;
        proof.use_once(&inner.protocols.proofs, now).map_err(refused)?;
        Ok(Some(Confirmation { jkt: Some(proof.jkt), ..Confirmation::default() }))
    }

    /// The thumbprint of a certificate that is good now, as tokens are bound to it.
    #[must_use]
    pub fn held(&self, certificate: Option<&Arc<PeerCertificate>>) -> Option<String> {
        let certificate = good(certificate, self.0.clock.now())?;
        Some(base64url_encode(&certificate.thumbprint))
    }

    /// The same at the token endpoint: a client that is registered for bound tokens must bring a proof, or a
    /// certificate.
    ///
    /// # Errors
    /// `invalid_dpop_proof`, or `invalid_request` without a certificate.
    pub fn confirmation(
        &self,
        client: &Client,
        proofs: &[&str],
        certificate: Option<&Arc<PeerCertificate>>,
    ) -> Result<Option<Confirmation>, OAuthError> {
        let proven = self.proven(proofs, "POST", "/.gabion/oauth/token", None)?;
        if proven.is_none() && client.metadata.dpop_bound_access_tokens {
            return Err(OAuthError::new(
                ErrorCode::InvalidDpopProof,
                "the client is registered for tokens that are bound to a key: a DPoP proof is missing",
            ));
        }
        let mut shown = proven.unwrap_or_default();
        if client.metadata.certificate_bound_access_tokens {
            let held = self.held(certificate).ok_or_else(|| {
                OAuthError::invalid_request(
                    "the client is registered for tokens that are bound to its certificate: none was shown",
                )
            })?;
            shown.x5t_s256 = Some(held);
        }
        Ok(Some(shown).filter(|shown| !shown.is_empty()))
    }
}
