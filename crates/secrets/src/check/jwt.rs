//! JSON Web Tokens (RFC 7519), read only as far as to know one.

use serde_json::Value;

/// The longest part that is read, in characters.
const LONGEST: usize = 16_384;

/// Whether the first part names an algorithm and the second holds claims, and whether it is a token for somebody: samples of tutorials
/// are not, and neither are keys that are meant for browsers.
pub(crate) fn is_token(text: &str) -> bool {
    let Some((header, claims)) = parts(text) else { return false };
    let sample = claims.get("name").and_then(Value::as_str) == Some("John Doe")
        || claims.get("sub").and_then(Value::as_str) == Some("1234567890");
    let signed = text.rsplit('.').next().is_some_and(|signature| signature.len() >= 22);
    let public = claims.get("role").and_then(Value::as_str) == Some("anon");
    header.get("alg").is_some_and(Value::is_string) && signed && !sample && !public
}

/// A key of Supabase that skips row-level security.
pub(super) fn is_service_role(text: &str) -> bool {
    parts(text).is_some_and(|(_, claims)| claims.get("role").and_then(Value::as_str) == Some("service_role"))
}

fn parts(text: &str) -> Option<(Value, Value)> {
    let mut parts = text.split('.');
    let (header, claims) = (object(parts.next()?)?, object(parts.next()?)?);
    Some((header, claims))
}

fn object(text: &str) -> Option<Value> {
    if text.len() > LONGEST {
        return None;
    }
    serde_json::from_slice::<Value>(&super::decode(text)?).ok().filter(Value::is_object)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_no_tokens() {
        let sample = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c";
        assert!(!is_token(sample));
        assert!(is_token(
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJsZW5hIiwiZXhwIjoxODkzNDU2MDAwfQ.q7Kx2vBn9mWzR4tYc8LpQ1sDf6GhJk3MnPb5VwXyZ0A"
        ));
        for wrong in ["eyJ", "eyJhbGciOiJIUzI1NiJ9", "eyJhbGciOiJIUzI1NiJ9.eyJ.x", "a.b.c"] {
            assert!(!is_token(wrong), "{wrong}");
        }
    }
}
