//! Any bytes, in bounded time.

use gabion_secrets::Secrets;
use proptest::prelude::*;

fn secrets() -> &'static Secrets {
    static SECRETS: std::sync::OnceLock<Secrets> = std::sync::OnceLock::new();
    SECRETS.get_or_init(|| Secrets::new().unwrap())
}

/// What rules look for, in pieces.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("password".to_owned()),
        Just("token".to_owned()),
        Just(" = ".to_owned()),
        Just("\"".to_owned()),
        Just("\\\"".to_owned()),
        Just("\n".to_owned()),
        Just("://a:".to_owned()),
        Just("@".to_owned()),
        Just("-----BEGIN PRIVATE KEY-----".to_owned()),
        Just("-----END".to_owned()),
        Just("ghp_".to_owned()),
        Just("AKIA".to_owned()),
        Just("Z2hwX".to_owned()),
        Just("6768705f".to_owned()),
        Just("bearer ".to_owned()),
        Just("basic ".to_owned()),
        Just("(".to_owned()),
        Just("ä€😀".to_owned()),
        Just("kind: Secret".to_owned()),
        Just("=".to_owned()),
        Just(": ".to_owned()),
        "[A-Za-z0-9+/]{1,40}",
        "\\PC{0,12}",
    ];
    proptest::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_text_is_read_and_every_span_lies_in_it(text in pieces()) {
        for path in ["a.py", "a.yaml", "README.md"] {
            let (found, _) = secrets().matches(path, &text);
            for found in &found {
                prop_assert!(!found.span.of(&text).is_empty());
            }
            prop_assert!(found.windows(2).all(|two| two[0].span.end <= two[1].span.start));
            prop_assert_eq!(&found, &secrets().matches(path, &text).0);
        }
    }

    #[test]
    fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let report = secrets().bytes("a", &bytes);
        prop_assert!(report.verdict.findings.len() <= 400);
    }
}

#[test]
fn hostile_repetition_is_cut_off_and_said_or_done() {
    for piece in [
        "key=",
        "-----BEGIN PRIVATE KEY-----\n",
        "://a:b",
        "password=\"",
        "Z2hwX",
        "6768705f",
        "eyJhbGciOi.",
        "AKIA",
        "datadog",
        "bearer ",
        "\"kty\"",
        "mysql -p",
        "key:key=key(",
    ] {
        let text = piece.repeat(400_000 / piece.len());
        let (found, unread) = secrets().matches("a.yaml", &text);
        assert!(found.len() <= 2_000 || unread.is_some(), "{piece}");
    }
}

#[test]
fn many_secrets_are_counted_up_to_a_bound() {
    let line = "x = \"glpat-q7Kx2vBn9mWzR4tYc8Lp\"\n";
    let (found, unread) = secrets().matches("a.py", &line.repeat(3_000));
    assert_eq!(found.len(), 2_000);
    assert!(unread.is_some());
}
