//! Encrypted tokens by hand-made cases: the examples of the RFCs are among Wycheproof's.

use proptest::prelude::*;
use serde_json::json;

use crate::encoding::base64url_encode;
use crate::jose::jwe::{DecryptionKey, JweError};

fn key(alg: &str) -> DecryptionKey {
    let key = json!({"kty": "oct", "k": base64url_encode(&[7; 16]), "alg": alg});
    DecryptionKey::from_json(&key.to_string()).unwrap()
}

fn token(header: &str) -> String {
    let part = base64url_encode;
    format!(
        "{}.{}.{}.{}.{}",
        part(header.as_bytes()),
        part(&[1; 24]),
        part(&[2; 12]),
        part(b"body"),
        part(&[3; 16])
    )
}

#[test]
fn headers_decide_before_anything_is_computed() {
    let judge = |key: &DecryptionKey, header: &str| key.decrypt(&token(header)).map(drop);
    let wrapping = key("A128KW");
    for (header, why) in [
        (r#"{"alg":"A128KW","enc":"A128GCM"}"#, JweError::Decrypt),
        (r#"{"alg":"A128KW","alg":"A128KW","enc":"A128GCM"}"#, JweError::Malformed),
        (r#"{"alg":"A128KW"}"#, JweError::Malformed),
        (r#"{"alg":"A128KW","enc":"A128GCM","crit":["exp"]}"#, JweError::Critical),
        (r#"{"alg":"A128KW","enc":"A128GCM","zip":"DEF"}"#, JweError::Algorithm),
        (r#"{"alg":"A128KW","enc":"A128CTR"}"#, JweError::Algorithm),
        (r#"{"alg":"dir","enc":"A128GCM"}"#, JweError::Algorithm),
        (r#"{"alg":"RSA1_5","enc":"A128GCM"}"#, JweError::Algorithm),
        (r#"{"alg":"PBES2-HS256+A128KW","enc":"A128GCM","p2c":1000,"p2s":"AAAA"}"#, JweError::Algorithm),
    ] {
        assert_eq!(judge(&wrapping, header), Err(why), "{header}");
    }
    // A token must not decide how long we work (CVE-2023-49295's kin: a count of billions).
    let password = key("PBES2-HS256+A128KW");
    for (count, why) in [
        ("1000", JweError::Decrypt),
        ("999", JweError::Algorithm),
        ("100001", JweError::Algorithm),
        ("4294967296", JweError::Algorithm),
        ("-1", JweError::Algorithm),
        ("\"1000\"", JweError::Algorithm),
    ] {
        let header = format!(r#"{{"alg":"PBES2-HS256+A128KW","enc":"A128GCM","p2c":{count},"p2s":"AAAA"}}"#);
        assert_eq!(judge(&password, &header), Err(why), "{count}");
    }
}

#[test]
fn keys_for_signatures_do_not_decrypt() {
    let with = |name: &str, value: serde_json::Value| {
        let mut key = json!({"kty": "oct", "k": "AAAA"});
        key[name] = value;
        DecryptionKey::from_json(&key.to_string()).is_ok()
    };
    assert!(with("use", json!("enc")) && with("key_ops", json!(["unwrapKey"])) && with("x", json!(1)));
    for (name, value) in [
        ("use", json!("sig")),
        ("use", json!(1)),
        ("key_ops", json!(["verify"])),
        ("key_ops", json!("decrypt")),
        ("k", json!("A")),
        ("kty", json!("EC")),
    ] {
        assert!(!with(name, value.clone()), "{name} {value}");
    }
    assert!(!format!("{:?}", key("dir")).contains('7'));
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in ".{0,80}|([A-Za-z0-9_-]{0,30}\\.){4}[A-Za-z0-9_-]{0,30}") {
        prop_assert!(key("dir").decrypt(&text).is_err());
        let _ = DecryptionKey::from_json(&text);
    }
}
