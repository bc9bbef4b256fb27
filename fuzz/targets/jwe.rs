//! Encrypted tokens.
#![no_main]

use gabion_vault::jose::jwe::DecryptionKey;
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static KEYS: LazyLock<Vec<DecryptionKey>> = LazyLock::new(|| {
    [
        r#"{"kty":"oct","k":"AAECAwQFBgcICQoLDA0ODw","alg":"dir"}"#,
        r#"{"kty":"oct","k":"AAECAwQFBgcICQoLDA0ODw"}"#,
        r#"{"kty":"EC","crv":"P-256","d":"AAECAwQFBgcICQoLDA0ODwABAgMEBQYHCAkKCwwNDg8"}"#,
    ]
    .iter()
    .filter_map(|key| DecryptionKey::from_json(key).ok())
    .collect()
});

fuzz_target!(|text: &str| {
    assert_eq!(KEYS.len(), 3);
    for key in KEYS.iter() {
        assert!(key.decrypt(text).is_err(), "a tag was guessed");
    }
    let _ = DecryptionKey::from_json(text);
});
