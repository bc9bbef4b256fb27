//! Tokens that are JSON Web Tokens (RFC 7519): what they claim, read without any check.

use gabion_vault::encoding::base64url_decode;
use serde_json::Value;

use crate::session::Session;

/// The longest token that is read, in bytes.
const LONGEST: usize = 16 << 10;

/// Head and claims of a text, where it is a token.
#[must_use]
pub(crate) fn read(text: &str) -> Option<(Value, Value)> {
    if text.len() > LONGEST {
        return None;
    }
    let mut parts = text.split('.');
    let (head, claims, _signature) = (parts.next()?, parts.next()?, parts.next()?);
    let part = |text: &str| serde_json::from_slice::<Value>(&base64url_decode(text).ok()?).ok();
    let (head, claims) = (part(head)?, part(claims)?);
    (parts.next().is_none() && head.is_object() && claims.is_object()).then_some((head, claims))
}

/// Everything in a session that may be a token, as it stands: values of cookies, and of header fields without their scheme.
pub(crate) fn values(session: &Session) -> impl Iterator<Item = &str> {
    let cookies = session.cookies.iter().map(|(_, value)| value.as_str());
    let headers = session.headers.iter().map(|(_, value)| value.rsplit(' ').next().unwrap_or(value));
    cookies.chain(headers)
}

/// What the tokens of a session claim.
#[must_use]
pub(crate) fn claims_of(session: &Session) -> Vec<Value> {
    values(session).filter_map(read).map(|(_, claims)| claims).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_told_from_other_texts() {
        // {"alg":"none"} . {"sub":"7"}
        let (head, claims) = read("eyJhbGciOiJub25lIn0.eyJzdWIiOiI3In0.").unwrap();
        assert_eq!((head["alg"].as_str(), claims["sub"].as_str()), (Some("none"), Some("7")));
        for text in ["", "a.b.c", "1.2.3", "eyJhbGciOiJub25lIn0.eyJzdWIiOiI3In0", "e.e.e.e"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
