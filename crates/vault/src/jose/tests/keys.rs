//! Keys, headers and signatures by hand-made cases.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::encoding::base64url_encode;
use crate::hmac_sha256;
use crate::jose::{Algorithm, Jwk, Jwks, KeyError, SigningKey, TokenError, UnverifiedHeader, verify};

fn signed(key: &SigningKey, header: &str, payload: &str) -> String {
    let signed = format!("{}.{}", base64url_encode(header.as_bytes()), base64url_encode(payload.as_bytes()));
    format!("{signed}.{}", base64url_encode(&key.sign_bytes(signed.as_bytes()).unwrap()))
}

fn read(json: &Value) -> Option<Jwk> {
    Jwk::from_json(&json.to_string()).ok()
}

fn ec() -> Value {
    serde_json::to_value(SigningKey::generate().unwrap().public()).unwrap()
}

#[test]
fn each_algorithm_signs_what_its_public_key_verifies() {
    for alg in Algorithm::SIGNING {
        let key = SigningKey::generate_for(*alg).unwrap();
        let token = key.sign("x+jwt", &json!({"sub": "ada"})).unwrap();
        let verified = verify(&token, key.public(), &[*alg]).unwrap();
        assert_eq!(verified.payload, br#"{"sub":"ada"}"#);
        assert_eq!((verified.header.alg, verified.header.kid.as_deref()), (*alg, Some(key.kid())));
        assert!(verified.header.is_of_type("X+JWT") && verified.header.is_of_type("application/x+jwt"));
        assert!(!verified.header.is_of_type("jwt"));
        assert_eq!(verify(&token, key.public(), &[]), Err(TokenError::Algorithm));

        let again = SigningKey::from_pkcs8_pem(key.to_pkcs8_pem().expose()).unwrap();
        assert_eq!((again.kid(), again.algorithm()), (key.kid(), *alg));
        let published = serde_json::to_string(&Jwks::of([&again])).unwrap();
        let known: Jwks = serde_json::from_str(&published).unwrap();
        assert_eq!(known.by_kid(key.kid()), Some(key.public()));
        verify(&token, &known.keys[0], Algorithm::ASYMMETRIC).unwrap();
        for private in ["\"d\"", "\"p\"", "\"q\"", "\"dp\"", "\"k\""] {
            assert!(!published.contains(private), "{alg}: {private}");
        }
        let debug = format!("{key:?} {known:?}");
        assert!(debug.len() < 300, "{debug}");
    }
    assert_eq!(SigningKey::generate_for(Algorithm::Hs256).unwrap_err(), KeyError::Unsupported);
}

/// RFC 7638 §3.1 and RFC 8037 appendix A.3.
#[test]
fn thumbprints_are_those_of_the_standards() {
    let rsa = json!({
        "kty": "RSA", "e": "AQAB", "alg": "RS256", "kid": "2011-04-29",
        "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
    });
    assert_eq!(read(&rsa).unwrap().thumbprint(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    let ed = json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
    assert_eq!(read(&ed).unwrap().thumbprint(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}

/// RFC 7517 §5, RFC 7518 §6: unknown members are passed over, known ones must be right.
#[test]
fn a_key_with_a_wrong_member_is_no_key() {
    let with = |name: &str, value: Value| {
        let mut key = ec();
        key[name] = value;
        read(&key)
    };
    for (name, value) in [
        ("kty", json!("RSA")),
        ("kty", json!(1)),
        ("crv", json!("P-384")),
        ("crv", json!("secp256k1")),
        ("x", json!("")),
        ("x", json!("AA")),
        ("x", json!(base64url_encode(&[1; 32]))),
        ("x", json!(base64url_encode(&[0xff; 32]))),
        ("y", json!(null)),
        ("kid", json!(7)),
        ("kid", json!("x".repeat(2000))),
        ("alg", json!(["ES256"])),
        ("use", json!(true)),
        ("key_ops", json!("verify")),
        ("key_ops", json!(["verify", "verify"])),
        ("key_ops", json!([1])),
    ] {
        assert_eq!(with(name, value.clone()), None, "{name}: {value}");
    }
    for (name, value, usable) in [
        ("x5t", json!("anything"), true),
        ("key_ops", json!(["verify"]), true),
        ("key_ops", json!(["sign"]), false),
        ("key_ops", json!([]), false),
        ("use", json!("enc"), false),
        ("alg", json!("ECDH-ES"), false),
        ("alg", json!("ES384"), false),
    ] {
        assert_eq!(with(name, value.clone()).unwrap().is_for(Algorithm::Es256), usable, "{name}: {value}");
    }
    let text = ec().to_string();
    assert!(Jwk::from_json(&text.replacen('{', r#"{"kty":"EC","#, 1)).is_err(), "a repeated member");
    assert!(Jwk::from_json(&text.replacen('{', r#"{"a":{"b":1,"b":1},"#, 1)).is_err(), "a nested one");
    let secret = json!({"kty": "oct", "k": base64url_encode(&[7; 32])});
    let secret = read(&secret).unwrap();
    assert!(!secret.is_public() && serde_json::to_string(&secret).is_err(), "a secret is never published");
    assert!(!with("d", json!("AA")).unwrap().is_public(), "a private key is not taken for a public one");
}

#[test]
fn weak_rsa_keys_are_no_keys() {
    let modulus = |bits: usize| {
        let mut bytes = vec![0xff; bits / 8];
        bytes[0] = 0x80;
        base64url_encode(&bytes)
    };
    let key = |n: String, e: &[u8]| read(&json!({"kty": "RSA", "n": n, "e": base64url_encode(e)}));
    assert!(key(modulus(2048), &[1, 0, 1]).is_some());
    for (bits, e) in [
        (1024, &[1, 0, 1][..]),
        (2040, &[1, 0, 1]),
        (8200, &[1, 0, 1]),
        (2048, &[]),
        (2048, &[1]),
        (2048, &[2]),
        (2048, &[0, 1, 0, 1]),
        (2048, &[1, 0, 0, 0, 0, 1]),
    ] {
        assert!(key(modulus(bits), e).is_none(), "{bits} {e:?}");
    }
}

#[test]
fn sets_pass_over_what_they_do_not_know_and_are_bounded() {
    let set = json!({"keys": [ec(), {"kty": "AKP"}, {"kty": "EC", "crv": "P-256"}, 7], "more": 1});
    assert_eq!(Jwks::from_json(&set.to_string()).unwrap().keys.len(), 1);
    let many = json!({"keys": vec![json!({}); 129]});
    assert!(Jwks::from_json(&many.to_string()).is_err());
    for wrong in ["", "{}", "[]", r#"{"keys":{}}"#, r#"{"keys":[],"keys":[]}"#] {
        assert!(Jwks::from_json(wrong).is_err(), "{wrong}");
    }
}

/// RFC 8725 §2.1, §3.1: a public key is never an HMAC secret, and the caller's list is final.
#[test]
fn the_key_says_what_it_is_for() {
    let key = SigningKey::generate().unwrap();
    let public = serde_json::to_vec(key.public()).unwrap();
    let body = format!("{}.{}", base64url_encode(br#"{"alg":"HS256"}"#), base64url_encode(b"{}"));
    let confused = format!("{body}.{}", base64url_encode(&hmac_sha256(&public, body.as_bytes())));
    let all = [Algorithm::Hs256, Algorithm::Es256];
    assert_eq!(verify(&confused, key.public(), &all), Err(TokenError::Algorithm));

    let secret = gabion_model::Secret::new(vec![7; 32]);
    let shared = Jwk::shared(secret.clone(), Algorithm::Hs256).unwrap();
    let right = format!("{body}.{}", base64url_encode(&hmac_sha256(secret.expose(), body.as_bytes())));
    assert!(verify(&right, &shared, &all).is_ok());
    assert_eq!(verify(&right, &shared, Algorithm::ASYMMETRIC), Err(TokenError::Algorithm));
    assert!(Jwk::shared(secret.clone(), Algorithm::Hs384).is_err(), "shorter than its hash");
    assert!(Jwk::shared(secret, Algorithm::Es256).is_err());
}

#[test]
fn headers_are_read_strictly() {
    let key = SigningKey::generate().unwrap();
    let judge =
        |header: &str| verify(&signed(&key, header, "{}"), key.public(), Algorithm::ASYMMETRIC).map(drop);
    assert_eq!(judge(r#"{"alg":"ES256","unknown":{"a":[1]}}"#), Ok(()));
    for (header, why) in [
        (r#"{"alg":"ES256","alg":"ES256"}"#, TokenError::Malformed),
        (r#"{"alg":"none","alg":"ES256"}"#, TokenError::Malformed),
        (r#"{"alg":"ES256","x":1,"x":1}"#, TokenError::Malformed),
        (r#"{"alg":"ES256","kid":7}"#, TokenError::Malformed),
        (r#"{"alg":"ES256","typ":null}"#, TokenError::Malformed),
        (r#"{"alg":"ES256","jwk":"x"}"#, TokenError::Malformed),
        (r#"{"alg":"ES256"}x"#, TokenError::Malformed),
        (r#"["ES256"]"#, TokenError::Malformed),
        (r#"{"alg":"ES256","crit":[]}"#, TokenError::Critical),
        (r#"{"alg":"ES256","crit":["exp"],"exp":1}"#, TokenError::Critical),
        (r#"{"alg":"ES256","b64":false}"#, TokenError::Critical),
        (r#"{"alg":"none"}"#, TokenError::Algorithm),
        (r#"{"alg":"RS256"}"#, TokenError::Algorithm),
    ] {
        assert_eq!(judge(header), Err(why), "{header}");
    }
    let deep = format!(r#"{{"alg":"ES256","x":{}1{}}}"#, "[".repeat(200), "]".repeat(200));
    assert_eq!(judge(&deep), Err(TokenError::Malformed), "deeper than anybody needs");
}

/// RFC 9449 §4.2: a proof brings its public key along; private and shared keys are not taken.
#[test]
fn an_embedded_key_is_a_public_one() {
    let key = SigningKey::generate().unwrap();
    let jwk = serde_json::to_value(key.public()).unwrap();
    let header = json!({"alg": "ES256", "typ": "dpop+jwt", "jwk": jwk}).to_string();
    let token = signed(&key, &header, "{}");
    let unverified = UnverifiedHeader::of(&token).unwrap();
    assert_eq!(unverified.jwk.as_ref().map(Jwk::thumbprint), Some(key.kid()));
    verify(&token, &unverified.jwk.unwrap(), &[Algorithm::Es256]).unwrap();

    let mut private = serde_json::to_value(key.public()).unwrap();
    private["d"] = json!("AAAA");
    for embedded in [private, json!({"kty": "oct", "k": base64url_encode(&[1; 32])}), json!({})] {
        let header = json!({"alg": "ES256", "jwk": embedded}).to_string();
        assert_eq!(UnverifiedHeader::of(&signed(&key, &header, "{}")), Err(TokenError::Malformed));
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in ".{0,120}") {
        let _ = (Jwk::from_json(&text), Jwks::from_json(&text), UnverifiedHeader::of(&text));
    }

    #[test]
    fn what_is_read_is_written_back_the_same(kid in "[ -~]{0,20}") {
        let mut key = ec();
        key["kid"] = json!(kid);
        let read = read(&key).unwrap();
        let written = serde_json::to_value(&read).unwrap();
        prop_assert_eq!(&written, &key);
        prop_assert_eq!(Jwk::from_json(&written.to_string()).unwrap(), read);
    }
}
