//! What a browser brings back from a provider (OpenID Connect Core 1.0, sections 3.1.2.5 and 3.1.2.6;
//! RFC 9207).

use super::discovery::Metadata;

/// The parameters, each at most once. Nothing in them is true yet.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Callback {
    pub state: Option<String>,
    code: Option<String>,
    iss: Option<String>,
    error: Option<String>,
}

/// Why there is no code to redeem. Alphabetical.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallbackError {
    /// The person said no (`access_denied`).
    #[error("the person did not agree at the provider")]
    Denied,
    /// It names another issuer, or none where it must: an answer of one provider was brought to another
    /// (mix-up, RFC 9207, section 2.4).
    #[error("the answer is another provider's")]
    Issuer,
    #[error("the answer has neither a code nor an error, or both")]
    Malformed,
    /// The code is one of RFC 6749 or OpenID Connect, reduced to what is safe to keep.
    #[error("the provider refused: `{0}`")]
    Refused(String),
    /// RFC 6749, section 3.1: parameters must not be repeated.
    #[error("a parameter is there twice")]
    Repeated,
    #[error("the answer is too long")]
    TooLong,
}

impl Callback {
    /// Reads the decoded pairs of the query. Unknown ones are passed over (RFC 6749, section 4.1.2).
    ///
    /// # Errors
    /// [`CallbackError::Repeated`] and [`CallbackError::TooLong`].
    pub fn parse<K: AsRef<str>, V: AsRef<str>>(
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Self, CallbackError> {
        let mut callback = Self::default();
        for (name, value) in pairs {
            let place = match name.as_ref() {
                "state" => &mut callback.state,
                "code" => &mut callback.code,
                "iss" => &mut callback.iss,
                "error" => &mut callback.error,
                _ => continue,
            };
            if value.as_ref().len() > LONGEST {
                return Err(CallbackError::TooLong);
            }
            if place.replace(value.as_ref().to_owned()).is_some() {
                return Err(CallbackError::Repeated);
            }
        }
        Ok(callback)
    }

    /// The code, if this is an answer of the provider the attempt was sent to.
    ///
    /// # Errors
    /// When it is not, or is a refusal.
    pub fn accept(&self, metadata: &Metadata) -> Result<&str, CallbackError> {
        match &self.iss {
            Some(iss) if *iss != metadata.issuer => return Err(CallbackError::Issuer),
            None if metadata.names_issuer => return Err(CallbackError::Issuer),
            Some(_) | None => {}
        }
        match (&self.code, &self.error) {
            (Some(code), None) if !code.is_empty() => Ok(code),
            (None, Some(error)) if error == "access_denied" => Err(CallbackError::Denied),
            (None, Some(error)) => Err(CallbackError::Refused(safe(error))),
            _ => Err(CallbackError::Malformed),
        }
    }
}

/// What somebody else wrote, fit for a log: RFC 6749's error codes are of these letters. What they call
/// its description is never shown or kept (GO-2026-4861).
pub(super) fn safe(error: &str) -> String {
    let well = (1..=64).contains(&error.len())
        && error.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'));
    if well { error.to_owned() } else { "unreadable".to_owned() }
}

/// Some providers' codes have two KiB.
const LONGEST: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(names_issuer: bool) -> Metadata {
        let body = format!(
            r#"{{"issuer":"https://op.example","authorization_endpoint":"https://op.example/a",
            "token_endpoint":"https://op.example/t","jwks_uri":"https://op.example/j",
            "authorization_response_iss_parameter_supported":{names_issuer}}}"#
        );
        Metadata::parse(body.as_bytes(), "https://op.example").unwrap()
    }

    fn accept(pairs: &[(&str, &str)], names_issuer: bool) -> Result<String, CallbackError> {
        let callback = Callback::parse(pairs.iter().copied())?;
        callback.accept(&metadata(names_issuer)).map(str::to_owned)
    }

    #[test]
    fn one_code_of_the_right_provider() {
        let right = ("iss", "https://op.example");
        assert_eq!(accept(&[("code", "c"), ("state", "s"), ("session_state", "x")], false), Ok("c".into()));
        assert_eq!(accept(&[("code", "c"), right], true), Ok("c".into()));
        for (pairs, names_issuer, error) in [
            (&[("code", "c")][..], true, CallbackError::Issuer),
            (&[("code", "c"), ("iss", "https://evil.example")], false, CallbackError::Issuer),
            (&[("code", "c"), ("iss", "https://op.example/")], true, CallbackError::Issuer),
            (&[("code", "c"), ("iss", "")], false, CallbackError::Issuer),
            (&[("error", "access_denied"), ("iss", "https://evil.example")], false, CallbackError::Issuer),
            (&[("error", "access_denied")], false, CallbackError::Denied),
            (&[("error", "server_error")], false, CallbackError::Refused("server_error".into())),
            (&[("error", "<script>")], false, CallbackError::Refused("unreadable".into())),
            (&[("error", "")], false, CallbackError::Refused("unreadable".into())),
            (&[], false, CallbackError::Malformed),
            (&[("code", "")], false, CallbackError::Malformed),
            (&[("code", "c"), ("error", "x")], false, CallbackError::Malformed),
            (&[("code", "c"), ("code", "c")], false, CallbackError::Repeated),
            (&[("code", "c"), ("state", "a"), ("state", "b")], false, CallbackError::Repeated),
            (&[("iss", "a"), ("iss", "https://op.example"), ("code", "c")], false, CallbackError::Repeated),
        ] {
            assert_eq!(accept(pairs, names_issuer), Err(error), "{pairs:?}");
        }
        let long = "c".repeat(LONGEST + 1);
        assert_eq!(accept(&[("code", &long)], false), Err(CallbackError::TooLong));
    }
}
