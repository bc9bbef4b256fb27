//! A token's header, before anything about it is believed.

use serde_json::{Map, Value};

use super::{Algorithm, Jwk, LONGEST_TOKEN, TokenError};
use crate::encoding::base64url_decode;
use crate::json;

/// What a token says about itself. Nobody has vouched for it: it is for choosing the key to verify with,
/// and for nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnverifiedHeader {
    pub alg: Algorithm,
    pub typ: Option<String>,
    pub kid: Option<String>,
    /// The public key that the token brings along (RFC 9449 DPoP proofs). Believing it is the caller's
    /// decision; [`verify`](super::verify) never looks at it.
    pub jwk: Option<Jwk>,
}

impl UnverifiedHeader {
    /// Reads the header of a compact token.
    ///
    /// # Errors
    /// When it is malformed, repeats a member, names an unknown algorithm or any `crit`, or brings a
    /// private or shared key.
    pub fn of(token: &str) -> Result<Self, TokenError> {
        if token.len() > LONGEST_TOKEN {
            return Err(TokenError::Malformed);
        }
        let (header, _) = token.split_once('.').ok_or(TokenError::Malformed)?;
        let mut members = read(header)?;
        let alg = algorithm(&members)?;
        let (typ, kid) = (text(&mut members, "typ")?, text(&mut members, "kid")?);
        let jwk = match members.remove("jwk") {
            None => None,
            Some(Value::Object(members)) => {
                let jwk = Jwk::from_members(&members).map_err(|_| TokenError::Malformed)?;
                if !jwk.is_public() {
                    return Err(TokenError::Malformed);
                }
                Some(jwk)
            }
            Some(_) => return Err(TokenError::Malformed),
        };
        Ok(Self { alg, typ, kid, jwk })
    }

    /// Whether `typ` is this one: compared without regard to case, `application/` may stand before it
    /// (RFC 7515 §4.1.9).
    #[must_use]
    pub fn is_of_type(&self, typ: &str) -> bool {
        self.typ.as_deref().is_some_and(|own| same_type(own, typ))
    }
}

/// The members of a header part that understands no `crit`.
pub(crate) fn read(part: &str) -> Result<Map<String, Value>, TokenError> {
    let bytes = base64url_decode(part).map_err(|_| TokenError::Malformed)?;
    let members = json::object(&bytes).ok_or(TokenError::Malformed)?;
    if !members.get("alg").is_some_and(Value::is_string) {
        return Err(TokenError::Malformed);
    }
    Ok(members)
}

pub(crate) fn algorithm(members: &Map<String, Value>) -> Result<Algorithm, TokenError> {
    let alg = members.get("alg").and_then(Value::as_str).ok_or(TokenError::Malformed)?;
    let alg = alg.parse().map_err(|_| TokenError::Algorithm)?;
    // RFC 7797's unencoded payload must be critical; where it is not, the token is made to be misread.
    if members.contains_key("crit") || members.contains_key("b64") {
        return Err(TokenError::Critical);
    }
    Ok(alg)
}

pub(crate) fn text(members: &mut Map<String, Value>, name: &str) -> Result<Option<String>, TokenError> {
    match members.remove(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(TokenError::Malformed),
    }
}

pub(crate) fn same_type(own: &str, wanted: &str) -> bool {
    let bare = |text: &str| {
        let (head, rest) = text.split_at_checked(12).unwrap_or(("", text));
        if head.eq_ignore_ascii_case("application/") {
            rest.to_ascii_lowercase()
        } else {
            text.to_ascii_lowercase()
        }
    };
    bare(own) == bare(wanted)
}
