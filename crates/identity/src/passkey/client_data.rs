//! What the browser says about a ceremony (WebAuthn Level 2, 5.8.1).

use gabion_vault::constant_time_eq;
use gabion_vault::encoding::base64url_decode;
use serde::Deserialize;

use super::{PasskeyError, RelyingParty};

/// Which ceremony it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ceremony {
    Registration,
    Authentication,
}

/// Members we do not know are passed over (the browser may add some); of those we know, none may stand
/// twice.
#[derive(Deserialize)]
struct ClientData {
    #[serde(rename = "type")]
    kind: String,
    challenge: String,
    origin: String,
    #[serde(default, rename = "crossOrigin")]
    cross_origin: bool,
    #[serde(default, rename = "topOrigin")]
    top_origin: Option<String>,
}

/// Judges it: the right ceremony, the very challenge, exactly our origin, and not inside somebody else's
/// page.
pub(super) fn verify(
    bytes: &[u8],
    ceremony: Ceremony,
    challenge: &[u8],
    rp: &RelyingParty,
) -> Result<(), PasskeyError> {
    let data = read(bytes)?;
    let kind = match ceremony {
        Ceremony::Registration => "webauthn.create",
        Ceremony::Authentication => "webauthn.get",
    };
    if data.kind != kind {
        return Err(PasskeyError::WrongCeremony);
    }
    let given = base64url_decode(&data.challenge).map_err(|_| PasskeyError::Malformed)?;
    if !constant_time_eq(&given, challenge) {
        return Err(PasskeyError::WrongChallenge);
    }
    // INVARIANT: equality, nothing like "ends with" (`badexample.com` is not `example.com`).
    if data.origin != rp.origin() || data.cross_origin || data.top_origin.is_some() {
        return Err(PasskeyError::WrongOrigin);
    }
    Ok(())
}

/// The challenge an answer claims to be for, to find the ceremony by; [`verify`] judges it.
pub(super) fn claimed_challenge(bytes: &[u8]) -> Result<Vec<u8>, PasskeyError> {
    base64url_decode(&read(bytes)?.challenge).map_err(|_| PasskeyError::Malformed)
}

fn read(bytes: &[u8]) -> Result<ClientData, PasskeyError> {
    if bytes.len() > LONGEST {
        return Err(PasskeyError::Malformed);
    }
    serde_json::from_slice(bytes).map_err(|_| PasskeyError::Malformed)
}

const LONGEST: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;
    use gabion_vault::encoding::base64url_encode;
    use serde_json::json;

    const CHALLENGE: &[u8] = &[5; 32];

    fn judge(change: impl FnOnce(&mut serde_json::Value)) -> Result<(), PasskeyError> {
        let mut data = json!({
            "type": "webauthn.get",
            "challenge": base64url_encode(CHALLENGE),
            "origin": "https://example.com:8443",
            "crossOrigin": false,
            "other_keys_can_be_added_here": "do not compare clientDataJSON against a template",
        });
        change(&mut data);
        let rp = RelyingParty::of("https://example.com:8443").unwrap();
        verify(data.to_string().as_bytes(), Ceremony::Authentication, CHALLENGE, &rp)
    }

    #[test]
    fn what_a_browser_says_is_right() {
        assert_eq!(judge(|_| ()), Ok(()));
        assert_eq!(judge(|data| data["type"] = json!("webauthn.create")), Err(PasskeyError::WrongCeremony));
        for wrong in ["", "AAAA", &base64url_encode(&[6; 32]), &base64url_encode(&[5; 31])] {
            assert_eq!(judge(|data| data["challenge"] = json!(wrong)), Err(PasskeyError::WrongChallenge));
        }
        assert_eq!(judge(|data| data["challenge"] = json!("A+/=")), Err(PasskeyError::Malformed));
    }

    /// kanidm 1.10.0: `badexample.com` passed for `example.com`.
    #[test]
    fn kanidm_1_10_the_origin_is_exactly_ours() {
        for origin in [
            "https://badexample.com:8443",
            "https://example.com",
            "https://example.com:8443/",
            "http://example.com:8443",
            "https://sub.example.com:8443",
            "https://EXAMPLE.com:8443",
            "https://example.com:8443.evil.example",
            "https://evil.example/https://example.com:8443",
            "",
            "null",
        ] {
            assert_eq!(
                judge(|data| data["origin"] = json!(origin)),
                Err(PasskeyError::WrongOrigin),
                "{origin}"
            );
        }
        assert_eq!(judge(|data| data["crossOrigin"] = json!(true)), Err(PasskeyError::WrongOrigin));
        assert_eq!(judge(|data| data["topOrigin"] = json!("https://x")), Err(PasskeyError::WrongOrigin));
    }

    #[test]
    fn what_is_no_client_data_is_refused() {
        let rp = RelyingParty::of("https://example.com").unwrap();
        let long = format!("{{\"x\":\"{}\"}}", "a".repeat(5000));
        let twice =
            "{\"type\":\"webauthn.get\",\"type\":\"webauthn.get\",\"challenge\":\"\",\"origin\":\"\"}";
        for wrong in ["", "{}", "[]", "{\"type\":1}", twice, &long, &"[".repeat(3000)] {
            let judged = verify(wrong.as_bytes(), Ceremony::Authentication, CHALLENGE, &rp);
            assert_eq!(judged, Err(PasskeyError::Malformed), "{wrong:.60}");
        }
    }
}
