//! The `claims` parameter (OpenID Connect Core 1.0, 5.5): claims asked for one by one.

use std::collections::BTreeMap;

use gabion_model::Acr;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::OAuthError;
use super::scope;

/// What was asked for, as far as it is understood: other members are ignored, as the specification
/// wants. Values that were asked for are kept only where they decide something.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ClaimsRequest {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub userinfo: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub id_token: Vec<String>,
    /// Who must have signed in (`sub` with a value).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// One of these levels is asked for; weakest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acr: Vec<Acr>,
    /// Without such a level the request fails.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub acr_essential: bool,
    /// `auth_time` was asked for: it is always told anyway.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub auth_time: bool,
}

impl ClaimsRequest {
    /// Reads the parameter.
    ///
    /// # Errors
    /// `invalid_request` when it is not the JSON the specification describes, or larger or deeper than
    /// any such request.
    pub fn parse(text: &str) -> Result<Self, OAuthError> {
        let malformed = || OAuthError::invalid_request("claims is not a claims request");
        if text.len() > LONGEST || is_deep(text) {
            return Err(malformed());
        }
        let members: Members = serde_json::from_str(text).map_err(|_| malformed())?;
        let mut request = Self::default();
        for (name, wish) in members.userinfo.unwrap_or_default() {
            let wish = wish.unwrap_or_default();
            if name == "sub" {
                request.subject = wish.subject(request.subject.take())?;
            }
            request.userinfo.push(name);
        }
        for (name, wish) in members.id_token.unwrap_or_default() {
            let wish = wish.unwrap_or_default();
            match name.as_str() {
                "sub" => request.subject = wish.subject(request.subject.take())?,
                "auth_time" => request.auth_time = true,
                "acr" => {
                    request.acr_essential = wish.essential;
                    let asked = wish.value.iter().chain(&wish.values);
                    let named = asked.clone().count();
                    request.acr = asked.filter_map(Value::as_str).filter_map(Acr::parse).collect();
                    request.acr.sort_unstable();
                    request.acr.dedup();
                    // Essential, and every value unknown: nobody can meet that.
                    if wish.essential && named > 0 && request.acr.is_empty() {
                        return Err(OAuthError::new(
                            super::error::ErrorCode::UnmetAuthenticationRequirements,
                            "none of the essential acr values is supported",
                        ));
                    }
                }
                _ => {}
            }
            request.id_token.push(name);
        }
        request.userinfo.retain(|claim| scope::is_known_claim(claim));
        request.id_token.retain(|claim| scope::is_known_claim(claim));
        Ok(request)
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The claims about the person, wherever they go, each once.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = self.userinfo.iter().chain(&self.id_token).cloned().collect();
        names.sort_unstable();
        names.dedup();
        names.retain(|name| name != "sub");
        names
    }
}

#[derive(Deserialize)]
struct Members {
    userinfo: Option<BTreeMap<String, Option<Wish>>>,
    id_token: Option<BTreeMap<String, Option<Wish>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wish {
    essential: bool,
    value: Option<Value>,
    values: Vec<Value>,
}

impl Wish {
    /// One subject, the same wherever it is named.
    fn subject(&self, former: Option<String>) -> Result<Option<String>, OAuthError> {
        let named = match (&self.value, self.values.as_slice()) {
            (None, []) => return Ok(former),
            (Some(Value::String(one)), []) | (None, [Value::String(one)]) => one.clone(),
            _ => return Err(OAuthError::invalid_request("claims names no single sub")),
        };
        match former {
            Some(former) if former != named => Err(OAuthError::invalid_request("claims names two subjects")),
            _ => Ok(Some(named)),
        }
    }
}

/// Deeper than a claims request is. Brackets within texts count too: no such request has many.
fn is_deep(text: &str) -> bool {
    let mut depth = 0_usize;
    for byte in text.bytes() {
        match byte {
            b'{' | b'[' => depth = depth.saturating_add(1),
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEEPEST {
            return true;
        }
    }
    false
}

const LONGEST: usize = 8 * 1024;
const DEEPEST: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::ErrorCode;
    use proptest::prelude::*;

    #[test]
    fn reads_what_the_specification_shows() {
        // OpenID Connect Core 1.0, 5.5.
        let text = r#"{"userinfo":{"given_name":{"essential":true},"nickname":null,"email":{"essential":true},
            "email_verified":{"essential":true},"picture":null,"http://example.info/claims/groups":null},
            "id_token":{"auth_time":{"essential":true},"acr":{"values":["phr","urn:gabion:acr:2fa","silver"]}}}"#;
        let request = ClaimsRequest::parse(text).unwrap();
        assert_eq!(request.userinfo, ["email", "email_verified", "given_name", "nickname", "picture"]);
        assert_eq!(request.acr, [Acr::TwoFactors, Acr::PhishingResistant]);
        assert!(!request.acr_essential && request.auth_time);
        assert_eq!(request.id_token, Vec::<String>::new());
        let stored: ClaimsRequest = serde_json::from_str(&serde_json::to_string(&request).unwrap()).unwrap();
        assert_eq!(stored, request);
        assert!(ClaimsRequest::parse("{}").unwrap().is_empty());
    }

    #[test]
    fn essential_levels_and_subjects_are_understood() {
        let acr = ClaimsRequest::parse(r#"{"id_token":{"acr":{"essential":true,"value":"phr"}}}"#).unwrap();
        assert!(acr.acr_essential && acr.acr == [Acr::PhishingResistant]);
        let unmet = ClaimsRequest::parse(r#"{"id_token":{"acr":{"essential":true,"values":["gold"]}}}"#);
        assert_eq!(unmet.unwrap_err().code, ErrorCode::UnmetAuthenticationRequirements);
        let sub = ClaimsRequest::parse(r#"{"id_token":{"sub":{"value":"ada"}},"userinfo":{"sub":null}}"#);
        assert_eq!(sub.unwrap().subject.as_deref(), Some("ada"));
        for wrong in [
            r#"{"id_token":{"sub":{"value":"ada"}},"userinfo":{"sub":{"value":"bob"}}}"#,
            r#"{"id_token":{"sub":{"values":["ada","bob"]}}}"#,
            r#"{"id_token":{"sub":{"value":7}}}"#,
        ] {
            assert_eq!(ClaimsRequest::parse(wrong).unwrap_err().code, ErrorCode::InvalidRequest, "{wrong}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        let long = format!(r#"{{"userinfo":{{"{}":null}}}}"#, "x".repeat(LONGEST));
        for wrong in ["", "x", "[]", "7", r#"{"userinfo":[]}"#, r#"{"id_token":{"acr":7}}"#, &deep, &long] {
            assert_eq!(ClaimsRequest::parse(wrong).unwrap_err().code, ErrorCode::InvalidRequest);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in r#"[\{\}\[\]":,a-z0-9 ]{0,80}|.{0,80}"#) {
            let _ = ClaimsRequest::parse(&text);
        }
    }
}
