//! Hashes of one password, made with Python's hashlib, bcrypt and argon2-cffi in the formats of their programs.

use gabion_model::Secret;
use proptest::prelude::*;

use super::*;

const PASSWORD: &str = "pass\u{175}ord ✓";

const HASHES: &[&str] = &[
    "$pbkdf2-sha256$i=1000,l=32$AAECAwQFBgcICQoLDA0ODw$4FVcvfS0Mh2LxiCrwZqzUIR5BB8og8VYfFqVEaIGzzo",
    "$pbkdf2-sha512$i=1000$AAECAwQFBgcICQoLDA0ODw$ta7TU4hpsB8E7iqFZvIz25uqlaqaBt1GZFhEng1P2tQZ1w8GchkdRT+Gby8kFDZrHTk4DALjyBgQNys18oZ/rg",
    "$pbkdf2$1000$AAECAwQFBgcICQoLDA0ODw$UdjZ1lbksBtaBhBE.l38tMERQ7k",
    "$pbkdf2-sha256$1000$AAECAwQFBgcICQoLDA0ODw$4FVcvfS0Mh2LxiCrwZqzUIR5BB8og8VYfFqVEaIGzzo",
    "pbkdf2_sha256$1000$seasalt$Yt8cf5ue0MeXrQn/O75hOVzMlD1xfEQ1/Q4Y65CB5uA=",
    "pbkdf2_sha1$1000$seasalt$y9lWut5QwXQim+4gzcI6UIkIgpI=",
    "pbkdf2:sha256:1000$seasalt$62df1c7f9b9ed0c797ad09ff3bbe61395ccc943d717c4435fd0e18eb9081e6e0",
    "scrypt:1024:8:1$seasalt$d5357e11e0e8e89f644401e71140dc24df0521403745b71ed6c9f608c123eadfd6c9ab0b9608190ffc63d49c5c9f720b14b3978c3dc371f8b4690cf9a9f11a05",
    "scrypt$1024$seasalt$8$5$FCAzOM9+BE4bVXH1bKoCjzdrI3m9XlrkQA0jx5+Ae1Btew6Fnv17n9/R2v8kK2fwl/uOFnY4UJz155963f0o7w==",
    "$scrypt$ln=10,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$+H8TckkxsVC9UiqY+5KMeSrRBypHNb/pdoaLdwgq7MI",
    "$2b$04$abcdefghijklmnopqrstuuY3W6vwfbMsd73C4N5cNn/cQmtsMMjOa",
    "$2a$04$abcdefghijklmnopqrstuuY3W6vwfbMsd73C4N5cNn/cQmtsMMjOa",
    "$2y$04$abcdefghijklmnopqrstuuY3W6vwfbMsd73C4N5cNn/cQmtsMMjOa",
    "bcrypt$$2b$04$abcdefghijklmnopqrstuuY3W6vwfbMsd73C4N5cNn/cQmtsMMjOa",
    "bcrypt_sha256$$2b$04$abcdefghijklmnopqrstuuWkQzE8X5X6c.321REUCnuOA7AXtIi1O",
    "$argon2i$v=19$m=64,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$vKi4F/Tzseb0KwWpOy8H8yDTCByRdNNW4rLSSPcx5mQ",
    "$argon2d$v=19$m=64,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$4441JXw3w1q8sJGgqKo9poF2G604P4x+kC/DDl+TJiE",
    "$argon2id$v=16$m=64,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$zqMCx3VNyl8Q7CFxUdT1Wcm0LF7/S7zANBVtlbAYwuE",
    "$argon2id$v=19$m=64,t=3,p=2$AAECAwQFBgcICQoLDA0ODw$413rSEczYkKVol5F7bT6oTti82g401Tr20xpmPwmygeiFdX7Ba4Ow+u+cX5hsZJEfsaLLsDYa5wkU1PmS1bqJQ",
    "argon2$argon2id$v=19$m=64,t=2,p=8$AAECAwQFBgcICQoLDA0ODw$C1vPYQqfOuc/vFUgzfswNPqFkpdVbarDZlY75dKq8o0",
];

/// `credentialData` and `secretData`.
const KEYCLOAK: &[(&str, &str)] = &[
    (
        r#"{"hashIterations": 1000, "algorithm": "pbkdf2", "additionalParameters": {}}"#,
        r#"{"value": "UdjZ1lbksBtaBhBE+l38tMERQ7kfI18KQl8niKpktr/AN6wXGecuzWtySo7BuUqZahBE7+V/6sS3bsnzxJXPbg==", "salt": "AAECAwQFBgcICQoLDA0ODw==", "additionalParameters": {}}"#,
    ),
    (
        r#"{"hashIterations": 1000, "algorithm": "pbkdf2-sha256", "additionalParameters": {}}"#,
        r#"{"value": "4FVcvfS0Mh2LxiCrwZqzUIR5BB8og8VYfFqVEaIGzzqJKp+eS6wcL35LcMfm8kNkZyH4+/BT9MrVnh+hosXcaw==", "salt": "AAECAwQFBgcICQoLDA0ODw==", "additionalParameters": {}}"#,
    ),
    (
        r#"{"hashIterations": 1000, "algorithm": "pbkdf2-sha512", "additionalParameters": {}}"#,
        r#"{"value": "ta7TU4hpsB8E7iqFZvIz25uqlaqaBt1GZFhEng1P2tQZ1w8GchkdRT+Gby8kFDZrHTk4DALjyBgQNys18oZ/rg==", "salt": "AAECAwQFBgcICQoLDA0ODw==", "additionalParameters": {}}"#,
    ),
    (
        r#"{"hashIterations": 5, "algorithm": "argon2", "additionalParameters": {"hashLength": ["32"], "memory": ["64"], "type": ["id"], "version": ["1.3"], "parallelism": ["1"]}}"#,
        r#"{"value": "09slw1KAtlu6HqRikeFN7N2cqXMR+NF1reX/qbaXeMY=", "salt": "AAECAwQFBgcICQoLDA0ODw==", "additionalParameters": {}}"#,
    ),
];

fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

#[test]
fn every_format_lets_in_with_its_password_only_and_is_due_to_be_hashed_anew() {
    let converted: Vec<String> =
        KEYCLOAK.iter().map(|(credential, secret)| from_keycloak(credential, secret).unwrap()).collect();
    for stored in HASHES.iter().copied().chain(converted.iter().map(String::as_str)) {
        assert!(examine(stored).is_ok(), "{stored}: {:?}", examine(stored));
        let right = verify(&secret(PASSWORD), stored);
        assert!(right.matches(), "{stored}");
        assert!(right.needs_rehash(Cost::FLOOR), "{stored}");
        for wrong in ["", "pass\u{175}ord", "Pass\u{175}ord ✓", "pass\u{175}ord ✓\0"] {
            assert!(!verify(&secret(wrong), stored).matches(), "{stored}: {wrong:?}");
        }
    }
}

/// bcrypt reads 72 bytes; whoever has a longer password came in with its first 72 before, and does once more.
#[test]
fn bcrypt_reads_seventy_two_bytes_and_no_nul() {
    let stored = "$2b$04$abcdefghijklmnopqrstuubzadhGtS2zEF.gu0yd0opP6cVzb.e0i";
    for (length, matches) in [(71, false), (72, true), (73, true), (200, true)] {
        assert_eq!(verify(&secret(&"x".repeat(length)), stored).matches(), matches, "{length}");
    }
    assert!(!verify(&secret(&format!("{}\0", "x".repeat(72))), stored).matches());
    // devise appends its pepper.
    let peppered = "$2a$04$abcdefghijklmnopqrstuuV6sTBH1mGbj6E2KwUAHa/yLgPw9hXYG";
    assert!(verify(&secret(&format!("{PASSWORD}pepper")), peppered).matches());
    assert!(!verify(&secret(PASSWORD), peppered).matches());
}

/// CWE-400: a planted hash must not stop the gate.
#[test]
fn what_costs_too_much_is_refused_unread() {
    for costly in [
        "$2b$15$abcdefghijklmnopqrstuuY3W6vwfbMsd73C4N5cNn/cQmtsMMjOa",
        "$2b$31$abcdefghijklmnopqrstuuY3W6vwfbMsd73C4N5cNn/cQmtsMMjOa",
        "pbkdf2_sha256$2500001$seasalt$Yt8cf5ue0MeXrQn/O75hOVzMlD1xfEQ1/Q4Y65CB5uA=",
        "pbkdf2_sha256$99999999999$seasalt$Yt8cf5ue0MeXrQn/O75hOVzMlD1xfEQ1/Q4Y65CB5uA=",
        "pbkdf2_sha1$1300000$seasalt$Yt8cf5ue0MeXrQn/O75hOVzMlD1xfEQ1/Q4Y65CB5uA=",
        "$scrypt$ln=18,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$+H8TckkxsVC9UiqY+5KMeSrRBypHNb/pdoaLdwgq7MI",
        "$scrypt$ln=63,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$+H8TckkxsVC9UiqY+5KMeSrRBypHNb/pdoaLdwgq7MI",
        "$scrypt$ln=10,r=4000000000,p=4000000000$AAECAwQFBgcICQoLDA0ODw$+H8TckkxsVC9UiqY+5KMeSrRBypHNb/pdoaLdwgq7MI",
        "$scrypt$ln=17,r=8,p=16$AAECAwQFBgcICQoLDA0ODw$+H8TckkxsVC9UiqY+5KMeSrRBypHNb/pdoaLdwgq7MI",
        "$argon2i$v=19$m=262145,t=1,p=1$AAECAwQFBgcICQoLDA0ODw$vKi4F/Tzseb0KwWpOy8H8yDTCByRdNNW4rLSSPcx5mQ",
        "$argon2i$v=19$m=262144,t=5,p=1$AAECAwQFBgcICQoLDA0ODw$vKi4F/Tzseb0KwWpOy8H8yDTCByRdNNW4rLSSPcx5mQ",
        "$argon2i$v=19$m=64,t=2,p=17$AAECAwQFBgcICQoLDA0ODw$vKi4F/Tzseb0KwWpOy8H8yDTCByRdNNW4rLSSPcx5mQ",
    ] {
        assert_eq!(examine(costly), Err(HashRefused::Costly), "{costly}");
        assert!(!verify(&secret(PASSWORD), costly).matches());
    }
}

#[test]
fn what_is_not_a_hash_is_refused_with_its_reason() {
    use HashRefused::{Malformed, Unknown};
    for (text, why) in [
        ("", Unknown),
        ("plain", Unknown),
        ("!", Unknown),
        ("md5$salt$0123456789abcdef0123456789abcdef", Unknown),
        ("5f4dcc3b5aa765d61d8327deb882cf99", Unknown),
        ("$6$rounds=5000$salt$hash", Unknown),
        ("pbkdf2_md5$1000$seasalt$Yt8cf5ue0MeXrQn/O75hOVzMlD1xfEQ1/Q4Y65CB5uA=", Unknown),
        ("$2x$04$abcdefghijklmnopqrstuuY3W6vwfbMsd73C4N5cNn/cQmtsMMjOa", Unknown),
        ("$2b$4$abcdefghijklmnopqrstuuY3W6vwfbMsd73C4N5cNn/cQmtsMMjOa", Malformed),
        ("$2b$03$abcdefghijklmnopqrstuuY3W6vwfbMsd73C4N5cNn/cQmtsMMjOa", Malformed),
        ("$2b$04$abcdefghijklmnopqrstuuY3W6vwfbMsd73C4N5cNn/cQmtsMMjO", Malformed),
        ("pbkdf2_sha256$0$seasalt$Yt8cf5ue0MeXrQn/O75hOVzMlD1xfEQ1/Q4Y65CB5uA=", Malformed),
        ("pbkdf2_sha256$-1$seasalt$Yt8cf5ue0MeXrQn/O75hOVzMlD1xfEQ1/Q4Y65CB5uA=", Malformed),
        ("pbkdf2_sha256$1000$seasalt$Yt8c", Malformed),
        ("pbkdf2_sha256$1000$seasalt$", Malformed),
        ("scrypt$1023$seasalt$8$1$Yt8cf5ue0MeXrQn/O75hOVzMlD1xfEQ1/Q4Y65CB5uA=", Malformed),
        (
            "scrypt:1024:8:0$seasalt$62df1c7f9b9ed0c797ad09ff3bbe61395ccc943d717c4435fd0e18eb9081e6e0",
            Malformed,
        ),
        (
            "$argon2i$v=19$m=7,t=1,p=1$AAECAwQFBgcICQoLDA0ODw$vKi4F/Tzseb0KwWpOy8H8yDTCByRdNNW4rLSSPcx5mQ",
            Malformed,
        ),
        (
            "$argon2i$v=19$t=1,m=64,p=1$AAECAwQFBgcICQoLDA0ODw$vKi4F/Tzseb0KwWpOy8H8yDTCByRdNNW4rLSSPcx5mQ",
            Malformed,
        ),
    ] {
        assert_eq!(examine(text), Err(why), "{text}");
    }
    let (credential, value) = KEYCLOAK[0];
    for (credential, value) in [("{}", value), (credential, "{}"), ("[", value)] {
        assert_eq!(from_keycloak(credential, value), Err(Malformed));
    }
    assert_eq!(from_keycloak(&credential.replace("pbkdf2", "md5"), value), Err(Unknown));
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused_and_never_costly(
        text in "[$a-z0-9_:=,./+-]{0,80}|(pbkdf2_sha256|scrypt|\\$scrypt|\\$argon2i|bcrypt_sha256)\\$[$=,a-z0-9]{0,60}"
    ) {
        let _ = examine(&text);
    }
}
