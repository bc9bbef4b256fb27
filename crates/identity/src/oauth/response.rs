//! The authorization response (RFC 6749, 4.1.2; RFC 9207): a code or an error on its way back.

use std::fmt::Write as _;

use gabion_model::Secret;

use super::error::OAuthError;
use super::request::{ResponseMode, Target};

/// What goes back to the application through the browser. Holds a code: not printed.
#[derive(Clone)]
pub struct AuthorizationResponse {
    pub redirect_uri: String,
    pub mode: ResponseMode,
    fields: Vec<(&'static str, Secret<String>)>,
}

impl AuthorizationResponse {
    #[must_use]
    pub fn granted(target: &Target, code: &Secret<String>, issuer: &str) -> Self {
        Self::new(target, vec![("code", code.clone())], issuer)
    }

    #[must_use]
    pub fn refused(target: &Target, error: &OAuthError, issuer: &str) -> Self {
        let fields = vec![
            ("error", Secret::new(error.code.as_str().to_owned())),
            ("error_description", Secret::new(error.description().to_owned())),
        ];
        Self::new(target, fields, issuer)
    }

    fn new(target: &Target, mut fields: Vec<(&'static str, Secret<String>)>, issuer: &str) -> Self {
        if let Some(state) = &target.state {
            fields.push(("state", Secret::new(state.clone())));
        }
        // RFC 9207: with every answer, errors too.
        fields.push(("iss", Secret::new(issuer.to_owned())));
        Self { redirect_uri: target.redirect_uri.clone(), mode: target.mode, fields }
    }

    /// The fields of the form, for `form_post`.
    pub fn fields(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.fields.iter().map(|(name, value)| (*name, value.expose().as_str()))
    }

    /// The address to go to, for `query`: the query the address was registered with is kept (RFC 6749,
    /// 3.1.2).
    #[must_use]
    pub fn location(&self) -> Secret<String> {
        let mut location = self.redirect_uri.clone();
        let mut separator = match location.split_once('?') {
            None => '?',
            Some((_, "")) => '\0',
            Some(_) => '&',
        };
        for (name, value) in self.fields() {
            if separator != '\0' {
                location.push(separator);
            }
            separator = '&';
            location.push_str(name);
            location.push('=');
            encode(value, &mut location);
        }
        Secret::new(location)
    }
}

impl std::fmt::Debug for AuthorizationResponse {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("AuthorizationResponse")
            .field("redirect_uri", &self.redirect_uri)
            .finish_non_exhaustive()
    }
}

/// Everything but unreserved characters (RFC 3986, 2.3) as octets.
fn encode(text: &str, out: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String does not fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::ErrorCode;
    use crate::oauth::client::ClientId;

    fn target(uri: &str, state: Option<&str>) -> Target {
        Target {
            client: "shop".parse::<ClientId>().unwrap(),
            redirect_uri: uri.to_owned(),
            mode: ResponseMode::Query,
            state: state.map(str::to_owned),
        }
    }

    #[test]
    fn answers_carry_state_and_issuer() {
        let code = Secret::new("c0de".to_owned());
        let with = |uri, state| {
            let answer = AuthorizationResponse::granted(&target(uri, state), &code, "https://id.example");
            assert!(!format!("{answer:?}").contains("c0de"));
            answer.location().expose().clone()
        };
        assert_eq!(
            with("https://app.example/cb", Some("a b&c=d\r\n#")),
            "https://app.example/cb?code=c0de&state=a%20b%26c%3Dd%0D%0A%23&iss=https%3A%2F%2Fid.example"
        );
        assert_eq!(
            with("https://app.example/cb?t=1", None),
            "https://app.example/cb?t=1&code=c0de&iss=https%3A%2F%2Fid.example"
        );
        assert_eq!(
            with("https://app.example/cb?", None),
            "https://app.example/cb?code=c0de&iss=https%3A%2F%2Fid.example"
        );
        let error = OAuthError::new(ErrorCode::AccessDenied, "no");
        let refused =
            AuthorizationResponse::refused(&target("https://a.example/", Some("s")), &error, "https://i");
        assert_eq!(
            refused.location().expose(),
            "https://a.example/?error=access_denied&error_description=no&state=s&iss=https%3A%2F%2Fi"
        );
    }
}
