//! What a provider adds about somebody (OpenID Connect Core 1.0, section 5.3).

use serde_json::{Map, Value};

/// Why it cannot be used. Alphabetical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UserinfoError {
    #[error("the userinfo answer is no JSON object")]
    Malformed,
    /// It is about somebody else: a token of another person was put in (section 5.3.2).
    #[error("the userinfo answer is about another subject")]
    Subject,
}

/// The claims, if they are about `subject`.
///
/// # Errors
/// When they are not, or cannot be read.
pub fn verify(body: &[u8], subject: &str) -> Result<Map<String, Value>, UserinfoError> {
    if body.len() > LARGEST {
        return Err(UserinfoError::Malformed);
    }
    let claims: Map<String, Value> = serde_json::from_slice(body).map_err(|_| UserinfoError::Malformed)?;
    match claims.get("sub") {
        Some(Value::String(found)) if found == subject => Ok(claims),
        _ => Err(UserinfoError::Subject),
    }
}

/// Group lists can be long.
pub const LARGEST: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_about_the_same_subject() {
        assert!(verify(br#"{"sub":"7","name":"Ada"}"#, "7").is_ok());
        for (body, error) in [
            (r#"{"sub":"8"}"#, UserinfoError::Subject),
            (r#"{"sub":7}"#, UserinfoError::Subject),
            (r#"{"name":"Ada"}"#, UserinfoError::Subject),
            ("eyJhbGciOiJub25lIn0.e30.", UserinfoError::Malformed),
            ("[]", UserinfoError::Malformed),
            ("", UserinfoError::Malformed),
        ] {
            assert_eq!(verify(body.as_bytes(), "7"), Err(error), "{body}");
        }
        assert_eq!(verify(&vec![b' '; LARGEST + 1], "7"), Err(UserinfoError::Malformed));
    }
}
