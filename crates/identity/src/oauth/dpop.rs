//! Proofs of possession (RFC 9449): a token that is bound to a key works only beside a proof, made with
//! that key just now, for this very request.
//!
//! The verifier is pure. Whether a proof was seen before is [`Replay`]'s to say, after everything else was
//! found right.

use std::time::Duration;

use gabion_model::Timestamp;
use gabion_vault::encoding::base64url_encode;
use gabion_vault::jose::{self, Algorithm, UnverifiedHeader};
use gabion_vault::{constant_time_eq, sha256};
use serde::Deserialize;
use url::Url;

use super::replay::{Replay, ReplayError};

/// The request a proof must be for.
#[derive(Debug, Clone, Copy)]
pub struct ProvenRequest<'a> {
    pub method: &'a str,
    /// Its address, or each by which it may be known, without query and fragment or with them: they do not count
    /// (RFC 9449, 4.2).
    pub urls: &'a [&'a str],
    /// The access token beside which the proof came; none at the token endpoint.
    pub access_token: Option<&'a str>,
    pub now: Timestamp,
}

/// A proof that is right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The thumbprint of its key: what `cnf.jkt` holds.
    pub jkt: String,
    pub jti: String,
}

/// Why a proof is none. Alphabetical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    #[error("the proof's algorithm is not one that is understood")]
    Algorithm,
    #[error("the proof's claims are missing or malformed")]
    Claims,
    #[error("the proof is by another key than the one the token is bound to")]
    Key,
    #[error("the proof is not a token of the type dpop+jwt with a public key")]
    Malformed,
    #[error("the proof is for another method")]
    Method,
    #[error("the proof is missing")]
    Missing,
    #[error("there is more than one proof")]
    Repeated,
    #[error("the proof was used before")]
    Replayed,
    #[error("the proof's signature is wrong")]
    Signature,
    #[error("the proof was not made just now")]
    Time,
    #[error("the proof is for another access token")]
    Token,
    #[error("the proof is for another address")]
    Url,
}

/// Judges the one proof of a request.
///
/// # Errors
/// The first reason not to believe it.
pub fn verify(proof: &str, request: &ProvenRequest<'_>) -> Result<Proof, ProofError> {
    let header = UnverifiedHeader::of(proof).map_err(|error| match error {
        jose::TokenError::Algorithm => ProofError::Algorithm,
        _ => ProofError::Malformed,
    })?;
    if !header.is_of_type("dpop+jwt") {
        return Err(ProofError::Malformed);
    }
    let key = header.jwk.ok_or(ProofError::Malformed)?;
    let verified = jose::verify(proof, &key, Algorithm::ASYMMETRIC).map_err(|error| match error {
        jose::TokenError::Algorithm => ProofError::Algorithm,
        jose::TokenError::Signature => ProofError::Signature,
        _ => ProofError::Malformed,
    })?;
    let claims: Claims = serde_json::from_slice(&verified.payload).map_err(|_| ProofError::Claims)?;
    if claims.jti.is_empty() || claims.jti.len() > LONGEST_ID {
        return Err(ProofError::Claims);
    }
    if claims.htm != request.method {
        return Err(ProofError::Method);
    }
    let own = bare(&claims.htu).ok_or(ProofError::Url)?;
    if !request.urls.iter().any(|url| bare(url).is_some_and(|asked| asked == own)) {
        return Err(ProofError::Url);
    }
    let made = Timestamp::from_secs(claims.iat);
    if request.now.saturating_since(made) > LIFE || made.saturating_since(request.now) > LEEWAY {
        return Err(ProofError::Time);
    }
    if let Some(token) = request.access_token {
        let hash = base64url_encode(&sha256(token.as_bytes()));
        let right = claims.ath.is_some_and(|ath| constant_time_eq(ath.as_bytes(), hash.as_bytes()));
        if !right {
            return Err(ProofError::Token);
        }
    }
    Ok(Proof { jkt: key.thumbprint().to_owned(), jti: claims.jti })
}

impl Proof {
    /// The last step: nobody used it before. Owned by the key, so that nobody fills another's room.
    ///
    /// # Errors
    /// [`ProofError::Replayed`], also when it cannot be known.
    pub fn use_once(&self, seen: &Replay, now: Timestamp) -> Result<(), ProofError> {
        seen.first_use(&self.jkt, &self.jti, now).map_err(|_: ReplayError| ProofError::Replayed)
    }
}

/// How long proofs must be remembered.
#[must_use]
pub const fn window() -> Duration {
    Duration::from_secs(LIFE.as_secs() + LEEWAY.as_secs() + 1)
}

#[derive(Deserialize)]
struct Claims {
    jti: String,
    htm: String,
    htu: String,
    iat: i64,
    ath: Option<String>,
}

/// Syntax- and scheme-based normal form (RFC 3986, 6.2.2 and 6.2.3) without query and fragment.
fn bare(text: &str) -> Option<String> {
    if text.len() > LONGEST_URL || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return None;
    }
    let mut url = Url::parse(text).ok()?;
    url.set_query(None);
    url.set_fragment(None);
    Some(plain_triplets(url.as_str()))
}

/// RFC 3986, 6.2.2: triplets of unreserved characters stand for these, others are written in upper case.
fn plain_triplets(text: &str) -> String {
    let mut parts = text.split('%');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let triplet = part.split_at_checked(2);
        match triplet.and_then(|(digits, rest)| Some((u8::from_str_radix(digits, 16).ok()?, digits, rest))) {
            Some((byte, _, rest)) if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
                plain.push(char::from(byte));
                plain.push_str(rest);
            }
            Some((_, digits, rest)) => {
                plain.push('%');
                plain.push_str(&digits.to_ascii_uppercase());
                plain.push_str(rest);
            }
            None => {
                plain.push('%');
                plain.push_str(part);
            }
        }
    }
    plain
}

const LONGEST_ID: usize = 256;
const LONGEST_URL: usize = 8192;
/// How old a proof may be.
const LIFE: Duration = Duration::from_secs(60);
/// How far ahead the client's clock may be.
const LEEWAY: Duration = Duration::from_secs(15);

#[cfg(test)]
mod tests {
    use super::*;
    use gabion_vault::jose::SigningKey;
    use serde_json::{Value, json};

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
    const URL: &str = "https://id.example/.gabion/oauth/token";

    /// A proof as a client makes it, with its key in the header.
    fn proof(key: &SigningKey, typ: &str, claims: &Value) -> String {
        key.prove(typ, claims).unwrap()
    }

    fn claims() -> Value {
        json!({ "jti": "one", "htm": "POST", "htu": URL, "iat": NOW.as_secs() })
    }

    fn request() -> ProvenRequest<'static> {
        ProvenRequest { method: "POST", urls: &[URL], access_token: None, now: NOW }
    }

    fn with(name: &str, value: Value) -> Value {
        let mut claims = claims();
        claims[name] = value;
        claims
    }

    #[test]
    fn a_proof_for_this_request_made_just_now_is_right() {
        for algorithm in Algorithm::SIGNING {
            let key = SigningKey::generate_for(*algorithm).unwrap();
            let proven = verify(&proof(&key, "dpop+jwt", &claims()), &request()).unwrap();
            assert_eq!((proven.jkt.as_str(), proven.jti.as_str()), (key.public().thumbprint(), "one"));
        }
        let key = SigningKey::generate().unwrap();
        for same in [
            "HTTPS://ID.example/.gabion/oauth/token",
            "https://id.example:443/.gabion/oauth/token",
            "https://id.example/.gabion/oauth/token?x=1#y",
        ] {
            assert!(
                verify(&proof(&key, "dpop+jwt", &with("htu", same.into())), &request()).is_ok(),
                "{same}"
            );
        }
        let spelt =
            ProvenRequest { urls: &["https://other.example/", "https://id.example/a%2Fb/~c"], ..request() };
        for same in ["https://id.example/a%2fb/%7Ec", "https://id.example/x/../a%2Fb/~c"] {
            assert!(verify(&proof(&key, "dpop+jwt", &with("htu", same.into())), &spelt).is_ok(), "{same}");
        }
        for other in
            ["https://id.example/a/b/~c", "https://id.example/a%252Fb/~c", "https://other.example/a%2Fb/~c"]
        {
            let judged = verify(&proof(&key, "dpop+jwt", &with("htu", other.into())), &spelt);
            assert_eq!(judged, Err(ProofError::Url), "{other}");
        }
        for seconds in [-60, 0, 15] {
            let made = with("iat", (NOW.as_secs() + seconds).into());
            assert!(verify(&proof(&key, "dpop+jwt", &made), &request()).is_ok(), "{seconds}");
        }
    }

    #[test]
    fn anything_else_is_not() {
        let key = SigningKey::generate().unwrap();
        for (claims, why) in [
            (with("htm", "GET".into()), ProofError::Method),
            (with("htm", "post".into()), ProofError::Method),
            (with("htu", "https://id.example/".into()), ProofError::Url),
            (with("htu", "http://id.example/.gabion/oauth/token".into()), ProofError::Url),
            (with("htu", "https://id.example:8443/.gabion/oauth/token".into()), ProofError::Url),
            (with("htu", "token".into()), ProofError::Url),
            (with("iat", (NOW.as_secs() - 61).into()), ProofError::Time),
            (with("iat", (NOW.as_secs() + 16).into()), ProofError::Time),
            (with("iat", Value::Null), ProofError::Claims),
            (with("iat", "now".into()), ProofError::Claims),
            (with("jti", "".into()), ProofError::Claims),
            (with("jti", "x".repeat(257).into()), ProofError::Claims),
        ] {
            assert_eq!(verify(&proof(&key, "dpop+jwt", &claims), &request()), Err(why), "{claims}");
        }
        assert_eq!(verify(&proof(&key, "JWT", &claims()), &request()), Err(ProofError::Malformed));
        let bare = key.sign("dpop+jwt", &claims()).unwrap();
        assert_eq!(verify(&bare, &request()), Err(ProofError::Malformed), "no key in the header");
        assert_eq!(verify("", &request()), Err(ProofError::Malformed));
        let right = proof(&key, "dpop+jwt", &claims());
        let (signed, _) = right.rsplit_once('.').unwrap();
        let other = proof(&SigningKey::generate().unwrap(), "dpop+jwt", &claims());
        let (_, signature) = other.rsplit_once('.').unwrap();
        assert_eq!(verify(&format!("{signed}.{signature}"), &request()), Err(ProofError::Signature));
    }

    #[test]
    fn beside_a_token_it_names_that_token() {
        let key = SigningKey::generate().unwrap();
        let beside = ProvenRequest { access_token: Some("token"), ..request() };
        assert_eq!(verify(&proof(&key, "dpop+jwt", &claims()), &beside), Err(ProofError::Token));
        let hash = base64url_encode(&sha256(b"token"));
        assert!(verify(&proof(&key, "dpop+jwt", &with("ath", hash.into())), &beside).is_ok());
        let wrong = base64url_encode(&sha256(b"another"));
        assert_eq!(
            verify(&proof(&key, "dpop+jwt", &with("ath", wrong.into())), &beside),
            Err(ProofError::Token)
        );
    }

    #[test]
    fn a_proof_works_once() {
        let key = SigningKey::generate().unwrap();
        let seen = Replay::new(window(), NOW);
        let proven = verify(&proof(&key, "dpop+jwt", &claims()), &request()).unwrap();
        assert_eq!(proven.use_once(&seen, NOW), Ok(()));
        let last = NOW.saturating_add(window());
        assert_eq!(proven.use_once(&seen, NOW), Err(ProofError::Replayed));
        assert_eq!(
            proven.use_once(&seen, last),
            Err(ProofError::Replayed),
            "as long as it would be believed"
        );
    }
}
