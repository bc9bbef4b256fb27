//! Proofs of possession at this server's own endpoints (RFC 9449, 5 and 7).

use gabion_identity::oauth::client::Client;
use gabion_identity::oauth::dpop::{self, ProofError, ProvenRequest};
use gabion_identity::oauth::token::Confirmation;
use gabion_identity::oauth::{ErrorCode, OAuthError};

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
        let (now, url) = (inner.clock.now(), format!("{}{path}", self.origin()));
        let request = ProvenRequest { method, url: &url, access_token: token, now };
        let proof = dpop::verify(proof, &request).map_err(refused)?;
        proof.use_once(&inner.protocols.proofs, now).map_err(refused)?;
        Ok(Some(Confirmation { jkt: Some(proof.jkt), ..Confirmation::default() }))
    }

    /// The same at the token endpoint: a client that is registered for bound tokens must bring a proof.
    ///
    /// # Errors
    /// `invalid_dpop_proof`.
    pub fn confirmation(&self, client: &Client, proofs: &[&str]) -> Result<Option<Confirmation>, OAuthError> {
        let proven = self.proven(proofs, "POST", "/.gabion/oauth/token", None)?;
        if proven.is_none() && client.metadata.dpop_bound_access_tokens {
            return Err(OAuthError::new(
                ErrorCode::InvalidDpopProof,
                "the client is registered for tokens that are bound to a key: a DPoP proof is missing",
            ));
        }
        Ok(proven)
    }
}
