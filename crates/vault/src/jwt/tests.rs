use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::encoding::{base64url_decode, base64url_encode};
use crate::hmac_sha256;

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

const EXPECTED: Expected<'static> = Expected {
    typ: "gabion-identity+jwt",
    issuer: "https://gate.example",
    audience: "app",
    now: NOW,
    leeway: Duration::from_secs(5),
};

fn claims() -> Value {
    json!({"iss": "https://gate.example", "aud": "app", "sub": "ada", "exp": NOW.as_secs() + 60})
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

fn judge(key: &SigningKey, claims: &Value) -> Result<Value, TokenError> {
    let token = key.sign(EXPECTED.typ, claims).unwrap();
    verify(&token, &Jwks::of([key]), &EXPECTED)
}

/// A token with any header, rightly signed.
fn forge(key: &SigningKey, header: &Value, claims: &Value) -> String {
    let part = |value: &Value| base64url_encode(value.to_string().as_bytes());
    let signed = format!("{}.{}", part(header), part(claims));
    format!("{signed}.{}", base64url_encode(&key.sign_bytes(signed.as_bytes()).unwrap()))
}

#[test]
fn what_was_signed_is_believed() {
    let key = SigningKey::generate().unwrap();
    assert_eq!(judge(&key, &claims()), Ok(claims()));
    assert_eq!(judge(&key, &with("aud", json!(["other", "app"]))).map(drop), Ok(()));
    assert_eq!(judge(&key, &with("nbf", json!(NOW.as_secs()))).map(drop), Ok(()));
}

#[test]
fn claims_that_are_not_what_was_expected_are_refused() {
    let key = SigningKey::generate().unwrap();
    let seconds = NOW.as_secs();
    for (name, value, why) in [
        ("iss", json!("https://evil.example"), TokenError::Issuer),
        ("iss", json!(null), TokenError::Issuer),
        ("aud", json!("other"), TokenError::Audience),
        ("aud", json!([]), TokenError::Audience),
        ("aud", json!(null), TokenError::Audience),
        ("aud", json!(1), TokenError::Malformed),
        ("exp", json!(seconds - 5), TokenError::Expired),
        ("exp", json!(null), TokenError::Expired),
        ("exp", json!("2030-01-01"), TokenError::Malformed),
        ("exp", json!(true), TokenError::Malformed),
        ("nbf", json!(seconds + 6), TokenError::NotYetValid),
    ] {
        assert_eq!(judge(&key, &with(name, value.clone())), Err(why), "{name} {value}");
    }
    assert!(judge(&key, &with("exp", json!(seconds - 4))).is_ok(), "within the leeway");
    assert!(
        judge(&key, &with("exp", json!(seconds as f64 + 0.5))).is_ok(),
        "a NumericDate may have a fraction"
    );
    #[derive(Debug, serde::Deserialize)]
    struct Wanted {
        #[expect(dead_code, reason = "only its absence matters")]
        tenant: String,
    }
    let token = key.sign(EXPECTED.typ, &claims()).unwrap();
    assert_eq!(verify::<Wanted>(&token, &Jwks::of([&key]), &EXPECTED).unwrap_err(), TokenError::Claims);
}

/// RFC 8725 §2.1: the algorithm is the verifier's to choose.
#[test]
fn the_algorithm_is_never_the_tokens_choice() {
    let key = SigningKey::generate().unwrap();
    let keys = Jwks::of([&key]);
    let header = |alg: &str| json!({"alg": alg, "typ": EXPECTED.typ, "kid": key.kid()});
    let part = |value: &Value| base64url_encode(value.to_string().as_bytes());
    assert!(
        verify::<Value>(&forge(&key, &header("ES256"), &claims()), &keys, &EXPECTED).is_ok(),
        "the forge works"
    );
    for alg in ["none", "None", "HS256", "RS256", "ES384", "es256", ""] {
        let forged = forge(&key, &header(alg), &claims());
        assert_eq!(verify::<Value>(&forged, &keys, &EXPECTED), Err(TokenError::Algorithm), "{alg}");
    }
    let unsigned = format!("{}.{}.", part(&header("none")), part(&claims()));
    assert_eq!(verify::<Value>(&unsigned, &keys, &EXPECTED), Err(TokenError::Algorithm));
    // The public key used as an HMAC secret.
    let signed = format!("{}.{}", part(&header("HS256")), part(&claims()));
    let public = serde_json::to_vec(key.public()).unwrap();
    let confused = format!("{signed}.{}", base64url_encode(&hmac_sha256(&public, signed.as_bytes())));
    assert_eq!(verify::<Value>(&confused, &keys, &EXPECTED), Err(TokenError::Algorithm));
}

#[test]
fn headers_that_are_not_what_was_expected_are_refused() {
    let key = SigningKey::generate().unwrap();
    for (header, why) in [
        (json!({"alg": "ES256", "typ": "JWT", "kid": key.kid()}), TokenError::Type),
        (json!({"alg": "ES256", "kid": key.kid()}), TokenError::Type),
        (
            json!({"alg": "ES256", "typ": EXPECTED.typ, "kid": key.kid(), "crit": ["b64"]}),
            TokenError::Critical,
        ),
        (json!({"alg": "ES256", "typ": EXPECTED.typ}), TokenError::UnknownKey),
        (json!({"alg": "ES256", "typ": EXPECTED.typ, "kid": "other"}), TokenError::UnknownKey),
        (json!({"typ": EXPECTED.typ, "kid": key.kid()}), TokenError::Malformed),
        (json!([]), TokenError::Malformed),
    ] {
        let forged = forge(&key, &header, &claims());
        assert_eq!(verify::<Value>(&forged, &Jwks::of([&key]), &EXPECTED), Err(why), "{header}");
    }
    let embedded = json!({"alg": "ES256", "typ": EXPECTED.typ, "kid": "mine", "jwk": key.public()});
    let other = SigningKey::generate().unwrap();
    let forged = forge(&key, &embedded, &claims());
    assert_eq!(verify::<Value>(&forged, &Jwks::of([&other]), &EXPECTED), Err(TokenError::UnknownKey));
}

#[test]
fn every_changed_character_is_noticed() {
    let key = SigningKey::generate().unwrap();
    let (token, keys) = (key.sign(EXPECTED.typ, &claims()).unwrap(), Jwks::of([&key]));
    for index in 0..token.len() {
        let mut changed = token.clone();
        let other = if token.as_bytes()[index] == b'A' { "B" } else { "A" };
        changed.replace_range(index..=index, other);
        assert!(verify::<Value>(&changed, &keys, &EXPECTED).is_err(), "{index}");
        assert!(verify::<Value>(token.split_at(index).0, &keys, &EXPECTED).is_err(), "{index}");
    }
    for changed in [format!("{token}="), format!("{token} "), format!("{token}."), format!(" {token}")] {
        assert!(verify::<Value>(&changed, &keys, &EXPECTED).is_err(), "{changed}");
    }
}

#[test]
fn a_key_is_the_same_key_after_a_file() {
    let key = SigningKey::generate().unwrap();
    let pem = key.to_pkcs8_pem();
    assert!(pem.expose().starts_with("-----BEGIN PRIVATE KEY-----\n"));
    let again = SigningKey::from_pkcs8_pem(pem.expose()).unwrap();
    assert_eq!(again.public(), key.public());
    let token = again.sign(EXPECTED.typ, &claims()).unwrap();
    assert!(verify::<Value>(&token, &Jwks::of([&key]), &EXPECTED).is_ok());
    for wrong in ["", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"] {
        assert_eq!(SigningKey::from_pkcs8_pem(wrong).unwrap_err(), KeyError::Malformed);
    }
    let debug = format!("{key:?}");
    assert!(debug.contains(key.kid()) && debug.len() < 100, "{debug}");
}

#[test]
fn the_key_set_is_what_the_standard_says_and_has_no_private_part() {
    let key = SigningKey::generate().unwrap();
    let jwks = serde_json::to_value(Jwks::of([&key])).unwrap();
    let own = &jwks["keys"][0];
    for (name, value) in
        [("kty", "EC"), ("crv", "P-256"), ("alg", "ES256"), ("use", "sig"), ("kid", key.kid())]
    {
        assert_eq!(own[name], value);
    }
    let mut names: Vec<_> = own.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["alg", "crv", "kid", "kty", "use", "x", "y"]);
    assert_eq!(serde_json::from_value::<Jwks>(jwks).unwrap(), Jwks::of([&key]));
}

#[test]
fn the_kid_is_the_thumbprint() {
    // RFC 7517 appendix A.1's P-256 key; its thumbprint computed with another implementation.
    let mut point = vec![4];
    point.extend(base64url_decode("MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4").unwrap());
    point.extend(base64url_decode("4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM").unwrap());
    let key = Jwk::of_p256(&point).unwrap();
    assert_eq!(key.kid(), Some("cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s"));
    assert_eq!(Jwk::of_p256(&point[1..]), None);
    assert_eq!(Jwk::of_p256(&point[..64]), None);
}

proptest! {
    #[test]
    fn any_text_is_refused(token in ".{0,80}|[A-Za-z0-9_-]{0,40}\\.[A-Za-z0-9_-]{0,40}\\.[A-Za-z0-9_-]{0,90}") {
        let keys = Jwks::of([&SigningKey::generate().unwrap()]);
        prop_assert!(verify::<Value>(&token, &keys, &EXPECTED).is_err());
    }
}
