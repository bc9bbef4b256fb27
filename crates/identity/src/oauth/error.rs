//! The errors of OAuth and OpenID Connect: one word from a registry, and a sentence.
//!
//! The words are those of RFC 6749 (4.1.2.1, 5.2), OpenID Connect Core 1.0 (3.1.2.6), RFC 6750 (3.1),
//! RFC 7591 (3.2.2), RFC 8628 (3.5), RFC 8707 (2), RFC 9126, RFC 9449 (5, 8), RFC 9470 (3) and OpenID
//! Connect Unmet Authentication Requirements 1.0; there are no others.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

/// Why a request was not granted. The description is for developers; it never repeats what was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OAuthError {
    pub code: ErrorCode,
    description: Cow<'static, str>,
    /// When to ask again, where that is known.
    pub retry_after: Option<Duration>,
}

macro_rules! codes {
    ($($(#[doc = $doc:literal])* $name:ident = $text:literal, $status:literal;)*) => {
        /// The registered words. Alphabetical.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ErrorCode {
            $($(#[doc = $doc])* $name,)*
        }

        impl ErrorCode {
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The word in answers.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            /// The HTTP status where the error is answered directly and not by redirect.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self {
                    $(Self::$name => $status,)*
                }
            }
        }
    };
}

codes! {
    AccessDenied = "access_denied", 400;
    AccountSelectionRequired = "account_selection_required", 400;
    AuthorizationPending = "authorization_pending", 400;
    ConsentRequired = "consent_required", 400;
    ExpiredToken = "expired_token", 400;
    InsufficientScope = "insufficient_scope", 403;
    InsufficientUserAuthentication = "insufficient_user_authentication", 401;
    InteractionRequired = "interaction_required", 400;
    /// Client authentication failed. 401, whichever way the client tried (RFC 6749, 5.2 allows it).
    InvalidClient = "invalid_client", 401;
    InvalidClientMetadata = "invalid_client_metadata", 400;
    InvalidDpopProof = "invalid_dpop_proof", 400;
    InvalidGrant = "invalid_grant", 400;
    InvalidRedirectUri = "invalid_redirect_uri", 400;
    InvalidRequest = "invalid_request", 400;
    InvalidRequestObject = "invalid_request_object", 400;
    InvalidRequestUri = "invalid_request_uri", 400;
    InvalidScope = "invalid_scope", 400;
    InvalidSoftwareStatement = "invalid_software_statement", 400;
    InvalidTarget = "invalid_target", 400;
    InvalidToken = "invalid_token", 401;
    LoginRequired = "login_required", 400;
    RegistrationNotSupported = "registration_not_supported", 400;
    RequestNotSupported = "request_not_supported", 400;
    RequestUriNotSupported = "request_uri_not_supported", 400;
    ServerError = "server_error", 500;
    SlowDown = "slow_down", 400;
    TemporarilyUnavailable = "temporarily_unavailable", 503;
    UnapprovedSoftwareStatement = "unapproved_software_statement", 400;
    UnauthorizedClient = "unauthorized_client", 400;
    UnmetAuthenticationRequirements = "unmet_authentication_requirements", 400;
    UnsupportedGrantType = "unsupported_grant_type", 400;
    UnsupportedResponseType = "unsupported_response_type", 400;
    UnsupportedTokenType = "unsupported_token_type", 400;
    UseDpopNonce = "use_dpop_nonce", 400;
}

impl OAuthError {
    /// An error with a sentence for developers. What may not stand in `error_description` (RFC 6749,
    /// 5.2: printable ASCII without `"` and `\`) is replaced, and so is what markup is made of, so that
    /// the text is harmless wherever it is shown (Hydra GO-2026-4861); it is cut at 200 characters.
    #[must_use]
    pub fn new(code: ErrorCode, description: impl Into<Cow<'static, str>>) -> Self {
        let mut description = description.into();
        if description.len() > LONGEST || !description.bytes().all(is_harmless) {
            let clean =
                |letter: char| if letter.is_ascii() && is_harmless(letter as u8) { letter } else { '?' };
            description = description.chars().take(LONGEST).map(clean).collect::<String>().into();
        }
        Self { code, description, retry_after: None }
    }

    /// The same, to be asked again after a while.
    #[must_use]
    pub const fn after(mut self, retry_after: Duration) -> Self {
        self.retry_after = Some(retry_after);
        self
    }

    #[must_use]
    pub fn description(&self) -> &str {
        &self.description
    }

    #[must_use]
    pub fn invalid_request(description: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::InvalidRequest, description)
    }

    /// The grant, code or token is not good. Never said why: unknown, expired, used, somebody else's.
    #[must_use]
    pub fn invalid_grant() -> Self {
        Self::new(ErrorCode::InvalidGrant, "the grant is unknown, expired, revoked or not this client's")
    }

    #[must_use]
    pub fn invalid_client() -> Self {
        Self::new(ErrorCode::InvalidClient, "client authentication failed")
    }

    #[must_use]
    pub fn invalid_token() -> Self {
        Self::new(ErrorCode::InvalidToken, "the token is malformed, expired, revoked or not meant for this")
    }

    /// Storage or ledger cannot do it now.
    #[must_use]
    pub fn unavailable() -> Self {
        Self::new(ErrorCode::TemporarilyUnavailable, "this cannot be done right now, try again in a minute")
    }

    /// What went wrong is ours; the log says what.
    #[must_use]
    pub fn server_error() -> Self {
        Self::new(ErrorCode::ServerError, "something went wrong on this side")
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl fmt::Display for OAuthError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.code, self.description)
    }
}

impl std::error::Error for OAuthError {}

const fn is_harmless(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\' | b'<' | b'>' | b'&')
}

const LONGEST: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_unique_and_as_registered() {
        for (index, code) in ErrorCode::ALL.iter().enumerate() {
            assert!(code.as_str().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'));
            assert!(ErrorCode::ALL.iter().skip(index + 1).all(|other| other.as_str() != code.as_str()));
            assert!((400..=503).contains(&code.status()));
        }
        // RFC 6749, 5.2.
        assert_eq!((ErrorCode::InvalidGrant.status(), ErrorCode::InvalidClient.status()), (400, 401));
    }

    /// Hydra GO-2026-4861: what came in as a hint went out as markup.
    #[test]
    fn hydra_go_2026_4861_descriptions_are_harmless_everywhere() {
        let error = OAuthError::invalid_request("<script>\"\\ünï\r\nSet-Cookie: x&y".to_owned());
        assert_eq!(error.description(), "?script????n???Set-Cookie: x?y");
        assert_eq!(OAuthError::invalid_request("x".repeat(1000)).description().len(), 200);
        assert_eq!(
            OAuthError::invalid_grant().description(),
            OAuthError::invalid_grant().description.as_ref()
        );
    }
}
