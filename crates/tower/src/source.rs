//! Where credentials are looked up: at the gate, or in engines of the same process.

use std::sync::Arc;

use gabion_checks::api_key::Violation as KeyViolation;
use gabion_checks::bearer::{Presented, Violation as TokenViolation, suits};
use gabion_checks::identity_header::GABION_IDENTITY;
use gabion_checks::{Alone, Denial, session};
use gabion_identity::oauth::dpop::ProofError;
use gabion_identity::{AccessTokens, ApiKeys};
use gabion_model::Timestamp;
use http::HeaderMap;

use crate::gabion::Gabion;
use crate::principal::Principal;

/// Who is signed in.
#[derive(Debug, Clone)]
pub(crate) enum Sessions {
    /// The gate's word, for this audience.
    Assertion(Gabion, Arc<str>),
    /// The cookie; `secure` says by which name.
    Cookie { sessions: Arc<gabion_identity::Sessions>, secure: bool },
}

/// Whose access token it is.
#[derive(Debug, Clone)]
pub(crate) enum Tokens {
    Gate { gabion: Gabion, resource: Arc<str>, asked: bool },
    Here { tokens: Arc<AccessTokens>, resource: Arc<str> },
}

/// Whose API key it is.
#[derive(Debug, Clone)]
pub(crate) enum Keys {
    Gate(Gabion),
    Here(Arc<ApiKeys>),
}

impl Sessions {
    pub(crate) async fn find(
        &self,
        alone: &Alone,
        headers: &HeaderMap,
        now: Timestamp,
    ) -> Result<Option<Principal>, Denial> {
        match self {
            Self::Cookie { sessions, secure } => {
                let session = session::verify(sessions, headers, *secure, now);
                Ok(session.map(|session| Principal::of_session(&session)))
            }
            Self::Assertion(gabion, audience) => {
                let mut fields = headers.get_all(GABION_IDENTITY).iter();
                let Some(field) = fields.next() else { return Ok(None) };
                let text = field.to_str().ok().filter(|_| fields.next().is_none());
                // A proxy that asked the gate says of a stranger that it is nobody.
                if text == Some("") {
                    return Ok(None);
                }
                let text = text.ok_or_else(|| alone.not_vouched_for())?;
                let found = gabion.vouched_for(text, audience, now).await;
                found.map(Some).map_err(|failed| failed.denial(|| alone.not_vouched_for()))
            }
        }
    }
}

impl Tokens {
    pub(crate) async fn find(
        &self,
        alone: &Alone,
        shown: Presented<'_>,
        now: Timestamp,
    ) -> Result<Principal, Denial> {
        let not_valid = || alone.not_valid(TokenViolation::NotValid);
        let resource = match self {
            Self::Gate { resource, .. } | Self::Here { resource, .. } => resource,
        };
        let token = match self {
            Self::Here { tokens, .. } => tokens.resolve(shown.token, now).map_err(|_| not_valid())?,
            Self::Gate { gabion, .. } => {
                let read = gabion.access_token(shown.token, now).await;
                Arc::new(read.map_err(|failed| failed.denial(not_valid))?)
            }
        };
        suits(&token, shown.scheme, resource, None, || Err(ProofError::Missing))
            .map_err(|broken| alone.not_valid(broken))?;
        if let Self::Gate { gabion, asked: true, .. } = self {
            let told = gabion.introspect(shown.token).await.map_err(|failed| failed.denial(not_valid))?;
            if told.sub != token.credential.principal.account.as_str() {
                return Err(not_valid());
            }
        }
        Ok(Principal::of_credential(&token.credential))
    }

    pub(crate) const fn ask(&mut self) {
        if let Self::Gate { asked, .. } = self {
            *asked = true;
        }
    }

    pub(crate) fn can_ask(&self) -> bool {
        match self {
            Self::Gate { gabion, asked, .. } => !asked || gabion.is_known(),
            Self::Here { .. } => true,
        }
    }
}

impl Keys {
    pub(crate) async fn find(&self, alone: &Alone, key: &str, now: Timestamp) -> Result<Principal, Denial> {
        let not_valid = || alone.not_valid(KeyViolation::NotValid);
        match self {
            Self::Here(keys) => {
                let found = keys.resolve(key, now).ok_or_else(not_valid)?;
                Ok(Principal::of_credential(&found))
            }
            Self::Gate(gabion) => {
                gabion.api_key_holder(key, now).await.map_err(|failed| failed.denial(not_valid))
            }
        }
    }

    pub(crate) fn can_ask(&self) -> bool {
        match self {
            Self::Gate(gabion) => gabion.is_known(),
            Self::Here(_) => true,
        }
    }
}
