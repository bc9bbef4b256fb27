//! Project Wycheproof's vectors, every one judged as labelled but for the rows of
//! `conformance/jose/expected-failures.toml`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::Value;

use crate::hmac_sha256;
use crate::jose::jwe::DecryptionKey;
use crate::jose::{Algorithm, Jwk, Jwks, TokenError, verify};

#[test]
fn json_web_signature() {
    let mut suite = Suite::of("json_web_signature_test.json");
    suite.judge(401, |group, test| {
        let key = if group["public"].is_null() { &group["private"] } else { &group["public"] };
        let Ok(key) = Jwk::from_json(&key.to_string()) else { return false };
        verify(test["jws"].as_str().unwrap_or_default(), &key, ALL).is_ok()
    });
}

#[test]
fn json_web_key() {
    let mut suite = Suite::of("json_web_key_test.json");
    suite.judge(26, |group, test| {
        let keys = if group["public"].is_null() { &group["private"] } else { &group["public"] };
        judged_by_set(keys, test).is_ok()
    });
}

/// One payload signed and encrypted in different ways: here the signed ones.
#[test]
fn json_web_crypto_signed() {
    let mut suite = Suite::of("json_web_crypto_test.json");
    suite.groups.retain(|group| group["tests"][0]["jws"].is_string());
    suite.judge(49, |group, test| {
        let keys = if group["public"].is_null() { &group["private"] } else { &group["public"] };
        if keys["keys"].is_array() {
            return judged_by_set(keys, test).is_ok();
        }
        let Ok(key) = Jwk::from_json(&keys.to_string()) else { return false };
        verify(test["jws"].as_str().unwrap_or_default(), &key, ALL).is_ok()
    });
}

#[test]
fn json_web_encryption() {
    let mut suite = Suite::of("json_web_encryption_test.json");
    suite.judge(139, decrypts);
}

/// The encrypted ones.
#[test]
fn json_web_crypto_encrypted() {
    let mut suite = Suite::of("json_web_crypto_test.json");
    suite.groups.retain(|group| group["tests"][0]["jwe"].is_string());
    suite.judge(34, decrypts);
}

fn decrypts(group: &Value, test: &Value) -> bool {
    let Ok(key) = DecryptionKey::from_json(&group["private"].to_string()) else { return false };
    let Ok(opened) = key.decrypt(test["jwe"].as_str().unwrap_or_default()) else { return false };
    // Where the text is given it must be that.
    test["pt"].is_null() || *opened.expose() == bytes(&test["pt"])
}

/// By a set: the key is chosen by `kid`, and a set that mixes shared secrets with public keys is refused.
fn judged_by_set(keys: &Value, test: &Value) -> Result<(), TokenError> {
    let keys = Jwks::from_json(&keys.to_string()).map_err(|_| TokenError::UnknownKey)?;
    let token = test["jws"].as_str().unwrap_or_default();
    let header = crate::jose::UnverifiedHeader::of(token)?;
    let key = header.kid.as_deref().and_then(|kid| keys.by_kid(kid)).ok_or(TokenError::UnknownKey)?;
    verify(token, key, ALL).map(drop)
}

/// ECDSA in the encoding JWS uses.
#[test]
fn ecdsa_p256_p1363() {
    let mut suite = Suite::of("ecdsa_secp256r1_sha256_p1363_test.json");
    suite.judge(262, |group, test| {
        let Some(key) = Jwk::of_p256(&bytes(&group["publicKey"]["uncompressed"])) else { return false };
        key.verify(Algorithm::Es256, &bytes(&test["msg"]), &bytes(&test["sig"])).is_ok()
    });
}

#[test]
fn ed25519() {
    let mut suite = Suite::of("ed25519_test.json");
    suite.judge(151, |group, test| {
        let Some(key) = Jwk::of_ed25519(&bytes(&group["publicKey"]["pk"])) else { return false };
        key.verify(Algorithm::EdDsa, &bytes(&test["msg"]), &bytes(&test["sig"])).is_ok()
    });
}

#[test]
fn rsa_pkcs1_2048_sha256() {
    let mut suite = Suite::of("rsa_signature_2048_sha256_test.json");
    suite.judge(259, |group, test| rsa(group, test, Algorithm::Rs256));
}

#[test]
fn rsa_pss_2048_sha256() {
    let mut suite = Suite::of("rsa_pss_2048_sha256_mgf1_32_test.json");
    suite.judge(108, |group, test| rsa(group, test, Algorithm::Ps256));
}

fn rsa(group: &Value, test: &Value, alg: Algorithm) -> bool {
    let part = |name: &str| {
        let mut bytes = bytes(&group["publicKey"][name]);
        while bytes.first() == Some(&0) {
            bytes.remove(0);
        }
        bytes
    };
    let json = serde_json::json!({
        "kty": "RSA",
        "n": crate::encoding::base64url_encode(&part("modulus")),
        "e": crate::encoding::base64url_encode(&part("publicExponent")),
    });
    let Ok(key) = Jwk::from_json(&json.to_string()) else { return false };
    key.verify(alg, &bytes(&test["msg"]), &bytes(&test["sig"])).is_ok()
}

#[test]
fn hmac_sha256_vectors() {
    let mut suite = Suite::of("hmac_sha256_test.json");
    suite.judge(174, |_, test| {
        let (mac, tag) = (hmac_sha256(&bytes(&test["key"]), &bytes(&test["msg"])), bytes(&test["tag"]));
        crate::constant_time_eq(&mac[..tag.len().min(32)], &tag)
    });
}

/// One file of vectors and what of it is known to differ.
pub(super) struct Suite {
    pub(super) groups: Vec<Value>,
    known: BTreeMap<u64, String>,
    file: &'static str,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exclusions {
    exclusion: Vec<Exclusion>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exclusion {
    file: String,
    cases: Vec<u64>,
    reason: String,
}

impl Suite {
    #[expect(clippy::disallowed_methods, reason = "where the test data lies is the environment's to say")]
    pub(super) fn of(file: &'static str) -> Self {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let shared =
            std::env::var_os("GABION_SHARED").map_or_else(|| root.join("../../../shared"), PathBuf::from);
        let Ok(text) = std::fs::read_to_string(shared.join("data/wycheproof").join(file)) else {
            println!("skipped: wycheproof {file}: no test data");
            return Self { groups: Vec::new(), known: BTreeMap::new(), file };
        };
        let suite: Value = serde_json::from_str(&text).unwrap();
        let excluded = root.join("../../conformance/jose/expected-failures.toml");
        let excluded: Exclusions = toml::from_str(&std::fs::read_to_string(excluded).unwrap()).unwrap();
        let mut known = BTreeMap::new();
        for row in excluded.exclusion.into_iter().filter(|row| row.file == file) {
            assert!(row.reason.len() > 20, "{file}: a reason is a sentence");
            for case in row.cases {
                assert!(known.insert(case, row.reason.clone()).is_none(), "{file} {case} is excluded twice");
            }
        }
        Self { groups: suite["testGroups"].as_array().unwrap().clone(), known, file }
    }

    /// Judges every case; `total` is how many there are. What is excluded must really differ.
    pub(super) fn judge(&mut self, total: usize, mut accepts: impl FnMut(&Value, &Value) -> bool) {
        if self.groups.is_empty() {
            return;
        }
        let (mut judged, mut wrong) = (0, Vec::new());
        for group in &self.groups {
            for test in group["tests"].as_array().unwrap() {
                judged += 1;
                let case = test["tcId"].as_u64().unwrap();
                let differs = accepts(group, test) != (test["result"] == "valid");
                if differs != self.known.contains_key(&case) {
                    wrong.push(format!(
                        "{case} {} ({}) {}: labelled {}",
                        test["comment"], group["comment"], test["flags"], test["result"]
                    ));
                }
            }
        }
        assert!(wrong.is_empty(), "{}:\n{}", self.file, wrong.join("\n"));
        assert_eq!(judged, total, "{}", self.file);
    }
}

pub(super) fn bytes(hex: &Value) -> Vec<u8> {
    let hex = hex.as_str().unwrap().as_bytes();
    hex.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

const ALL: &[Algorithm] = &[
    Algorithm::EdDsa,
    Algorithm::Es256,
    Algorithm::Es384,
    Algorithm::Es512,
    Algorithm::Hs256,
    Algorithm::Hs384,
    Algorithm::Hs512,
    Algorithm::Ps256,
    Algorithm::Ps384,
    Algorithm::Ps512,
    Algorithm::Rs256,
    Algorithm::Rs384,
    Algorithm::Rs512,
];
