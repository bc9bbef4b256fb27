//! Signed tokens, keys and key sets that strangers hand in.
#![no_main]

use gabion_model::Timestamp;
use gabion_vault::jose::{Algorithm, Jwk, Jwks, SigningKey, UnverifiedHeader, verify};
use gabion_vault::jwt::{self, Foreign};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use std::time::Duration;

static OWN: LazyLock<Vec<Jwk>> = LazyLock::new(|| {
    let keys = [Algorithm::Es256, Algorithm::EdDsa, Algorithm::Rs256].map(SigningKey::generate_for);
    keys.into_iter().flatten().map(|key| key.public().clone()).collect()
});

fuzz_target!(|text: &str| {
    // The input is a token, or a key and a token on two lines.
    let (key, token) = text.split_once('\n').unwrap_or(("", text));
    for own in OWN.iter() {
        assert!(verify(token, own, Algorithm::ASYMMETRIC).is_err(), "a signature was guessed");
    }
    if let Ok(key) = Jwk::from_json(key) {
        // A stranger's key may well verify a stranger's token, but only by an algorithm it is for.
        if let Ok(verified) = verify(token, &key, Algorithm::ASYMMETRIC) {
            assert!(key.is_for(verified.header.alg));
        }
        if key.is_public() {
            let Ok(json) = serde_json::to_string(&key) else { panic!("a public key is not written") };
            assert!(Jwk::from_json(&json).is_ok_and(|again| again.thumbprint() == key.thumbprint()));
        } else {
            assert!(
                !matches!(serde_json::to_string(&key), Ok(json) if json.contains("\"k\"") || json.contains("\"d\""))
            );
        }
    }
    if let Ok(header) = UnverifiedHeader::of(token)
        && let Some(jwk) = header.jwk
    {
        assert!(jwk.is_public(), "a private key was taken from a header");
    }
    let keys = Jwks::from_json(key).unwrap_or_default();
    let expected = Foreign {
        allowed: Algorithm::ASYMMETRIC,
        types: &["JWT"],
        issuer: "fuzz",
        audiences: &["fuzz"],
        now: Timestamp::from_secs(0),
        leeway: Duration::ZERO,
    };
    let _ = jwt::verify_foreign::<serde_json::Value>(token, &keys, &expected);
});
