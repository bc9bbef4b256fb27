//! Tokens and hashes that come back from outside.
#![no_main]

use gabion_model::Timestamp;
use gabion_vault::encoding::{base64url_decode, base64url_encode};
use gabion_vault::jwt::{self, Expected, Jwks, SigningKey};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use std::time::Duration;

static KEYS: LazyLock<Jwks> = LazyLock::new(|| {
    let Ok(key) = SigningKey::generate() else { std::process::abort() };
    Jwks::of([&key])
});

fuzz_target!(|text: &str| {
    let expected = Expected {
        typ: "JWT",
        issuer: "fuzz",
        audience: "fuzz",
        now: Timestamp::from_secs(0),
        leeway: Duration::ZERO,
    };
    let verified = jwt::verify::<serde_json::Value>(text, &KEYS, &expected);
    assert!(verified.is_err(), "a signature was guessed");
    if let Ok(bytes) = base64url_decode(text) {
        assert_eq!(base64url_encode(&bytes), text, "one text for one value");
    }
});
