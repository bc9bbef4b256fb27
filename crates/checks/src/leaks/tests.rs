#![expect(clippy::string_slice, reason = "the texts are ASCII")]

use super::*;
use proptest::prelude::*;

const ALL: &[Kind] = &[
    Kind::BrCpf,
    Kind::Card,
    Kind::DeIdnr,
    Kind::EsDni,
    Kind::FrNir,
    Kind::Iban,
    Kind::Jwt,
    Kind::NlBsn,
    Kind::PasswordHash,
    Kind::PlPesel,
    Kind::PrivateKey,
    Kind::Token,
];

fn found(text: &str) -> Vec<(Kind, &str)> {
    let kinds = Settings::default().kinds;
    scan(text.as_bytes(), true, &kinds).iter().map(|one| (one.kind, &text[one.start..one.end])).collect()
}

/// Put together here, so that no scanner of repositories takes them for secrets.
fn secret(prefix: &str, rest: &str) -> String {
    format!("{prefix}{rest}")
}

#[test]
fn numbers_with_check_digits_are_found() {
    let rows = [
        ("\"4242424242424242\"", Kind::Card, "4242424242424242"),
        ("card 5555 5555 5555 4444.", Kind::Card, "5555 5555 5555 4444"),
        ("3782-822463-10005", Kind::Card, "3782-822463-10005"),
        ("(6011111111111117)", Kind::Card, "6011111111111117"),
        ("2223003122003222,", Kind::Card, "2223003122003222"),
        ("DE89370400440532013000", Kind::Iban, "DE89370400440532013000"),
        ("an GB82 WEST 1234 5698 7654 32 zahlen", Kind::Iban, "GB82 WEST 1234 5698 7654 32"),
        ("\"NO9386011117947\"", Kind::Iban, "NO9386011117947"),
    ];
    for (text, kind, expected) in rows {
        assert_eq!(found(text), [(kind, expected)], "{text}");
    }
}

#[test]
fn national_ids_are_found_where_they_are_asked_for() {
    let rows = [
        ("529.982.247-25", Kind::BrCpf),
        ("52998224725", Kind::BrCpf),
        ("12345678Z", Kind::EsDni),
        ("X1234567L", Kind::EsDni),
        ("44051401359", Kind::PlPesel),
        ("111222333", Kind::NlBsn),
        ("36574261809", Kind::DeIdnr),
        ("255081416802538", Kind::FrNir),
    ];
    for (text, kind) in rows {
        let seen = scan(format!("id: {text}, more").as_bytes(), true, &[kind]);
        assert_eq!(seen.iter().map(|one| one.kind).collect::<Vec<_>>(), [kind], "{text}");
        assert!(found(text).is_empty(), "{text} without being asked");
        let last = if text.ends_with('5') { "6" } else { "5" };
        let wrong = format!("{}{last}", &text[..text.len() - 1]);
        assert!(scan(wrong.as_bytes(), true, &[kind]).is_empty(), "{wrong}");
    }
}

#[test]
fn secrets_are_found_by_their_form() {
    let random = "aB3dE5fG7hI9jK1lM3nO5pQ7rS9tU1vW3xY5zA7bC9dE1fG3hI5jK7lM9nO1pQ3rS5tU7vW9xY1zA3bC5dE7fG9hI";
    let rest = |length: usize| &random[..length];
    let rows = [
        (secret("ghp_", rest(36)), Kind::Token),
        (secret("AKIA", "IOSFODNN7EXAMPLE"), Kind::Token),
        (secret("sk_live_", rest(24)), Kind::Token),
        (secret("xoxb-", rest(50)), Kind::Token),
        (secret("whsec_", rest(32)), Kind::Token),
        (secret("$2b$12$", &format!("{}{}", rest(43), "abcdefghij")), Kind::PasswordHash),
        (secret("$argon2id$v=19$m=19456,t=2,p=1$", rest(60)), Kind::PasswordHash),
        (format!("-----BEGIN {}-----\n{}\n", "EC PRIVATE KEY", rest(64)), Kind::PrivateKey),
    ];
    for (text, kind) in &rows {
        let kinds: Vec<_> =
            found(&format!("\"key\": \"{text}\"")).into_iter().map(|(kind, _)| kind).collect();
        assert_eq!(kinds, [*kind], "{text}");
    }
    let jwt = format!("eyJ{}.eyJ{}.{}", rest(20), rest(40), rest(43));
    assert!(found(&jwt).is_empty(), "applications hand them out");
    assert_eq!(scan(jwt.as_bytes(), true, &[Kind::Jwt]).len(), 1);
}

/// What ordinary answers hold.
#[test]
fn ordinary_text_holds_nothing() {
    for text in [
        "{\"id\":1234567890123456,\"created\":1700000000000,\"price\":42.4242424242424242}",
        "uuid 4242a424-4242-4242-8242-424242424242 and 550e8400-e29b-41d4-a716-446655440000",
        "<a href=\"/orders/4242424242424242x\">order</a> sha256:5555555555554444aaaa",
        "tel +49 30 901820, (0) 30-12345678, 2026-11-22 04:05:06, 10.0.0.1, v1.2.3-4242424242424242",
        "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx sk_live_ AKIAXXXX sk_test_aB3dE5fG7hI9jK1lM3nO5pQ7",
        "DE89 is no account; DE00370400440532013000 neither; GB82WEST12345698765433",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----BEGIN PUBLIC KEY-----",
        "4444444444444444 0000000000000000 1111111111111111 ISBN 978-3-16-148410-0 EAN 4006381333931",
        "$200 $2.50 $6 and $argon2id is a function",
        "data:image/png;base64,iVBORw0KGgo4242424242424242AAAA/4242424242424242+",
    ] {
        assert_eq!(found(text), [], "{text}");
    }
}

/// How many long numbers that are nobody's card are taken for one: issuer ranges leave about a fifth of all numbers
/// of sixteen digits, the check digit a tenth of those.
#[test]
fn false_positives_are_as_many_as_chance_allows() {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let numbers: Vec<u64> =
        (0..20_000).map(|_| 1_000_000_000_000_000 + next() % 9_000_000_000_000_000).collect();
    let random = numbers.iter().filter(|number| !found(&format!("{number}")).is_empty()).count();
    assert!(random < 900, "{random} of 20000 random numbers of sixteen digits");
    // Times in milliseconds and microseconds, snowflakes and counters are not in any issuer's range and length.
    let times = (0..20_000_u64).filter(|index| {
        let text = format!("{},{}", 1_700_000_000_000 + index * 977, 1_700_000_000_000_000 + index * 977_331);
        !found(&text).is_empty()
    });
    assert_eq!(times.count(), 0);
}

#[test]
fn masking_keeps_the_length_and_the_last_four() {
    let text = b"{\"card\":\"4242 4242 4242 4242\",\"iban\":\"NO9386011117947\"}";
    let kinds = Settings::default().kinds;
    let masked = mask(text, &scan(text, true, &kinds));
    assert_eq!(
        std::str::from_utf8(&masked).unwrap(),
        "{\"card\":\"**** **** **** 4242\",\"iban\":\"***********7947\"}"
    );
    assert!(scan(&masked, true, &kinds).is_empty());
}

#[test]
fn what_is_said_names_kinds_and_no_values() {
    let text = b"4242424242424242 5555555555554444 NO9386011117947";
    let said = said(&scan(text, true, &Settings::default().kinds));
    assert_eq!(said, "the answer holds Card (2), Iban (1)");
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in "[0-9A-Za-z $._-]{0,80}") {
        for text in [bytes.as_slice(), text.as_bytes()] {
            let seen = scan(text, true, ALL);
            prop_assert!(seen.iter().all(|one| one.start < one.end && one.end <= text.len()));
            prop_assert_eq!(mask(text, &seen).len(), text.len());
        }
    }

    #[test]
    fn a_card_is_found_whatever_stands_around(
        before in "[a-z\", :]{0,20}[\", :]", after in "[\", }][a-z\", }]{0,20}", number in 0_u64..1_000_000_000_000,
    ) {
        let body = format!("4{number:014}");
        let sum: u32 = body.bytes().rev().enumerate().map(|(index, digit)| {
            let value = u32::from(digit - b'0') * if index % 2 == 0 { 2 } else { 1 };
            value / 10 + value % 10
        }).sum();
        let card = format!("{body}{}", (10 - sum % 10) % 10);
        let text = format!("{before}{card}{after}");
        prop_assert_eq!(found(&text), [(Kind::Card, card.as_str())]);
    }
}
