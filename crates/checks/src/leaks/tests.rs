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
        ("111.444.777-35", Kind::BrCpf),
        ("00000000T", Kind::EsDni),
        ("Z1234567R", Kind::EsDni),
        ("02070803628", Kind::PlPesel),
        ("123456782", Kind::NlBsn),
        ("86095742719", Kind::DeIdnr),
        ("47036892816", Kind::DeIdnr),
        ("65929970489", Kind::DeIdnr),
        ("57549285017", Kind::DeIdnr),
        ("25768131411", Kind::DeIdnr),
    ];
    for (text, kind) in rows {
        let seen = scan(format!("id: {text}, more").as_bytes(), true, &[kind]);
        assert_eq!(seen.iter().map(|one| one.kind).collect::<Vec<_>>(), [kind], "{text}");
        assert!(found(text).is_empty(), "{text} without being asked");
        let last = if text.ends_with('5') { "6" } else { "5" };
        let wrong = format!("{}{last}", &text[..text.len() - 1]);
        assert!(scan(wrong.as_bytes(), true, &[kind]).is_empty(), "{wrong}");
    }
    // In Corsica, by the formula: 97 less the remainder by 97, with 19 for 2A and 18 for 2B.
    for (department, counted) in [("2A", 19_u64), ("2B", 18)] {
        let key = 97 - (18_512 * 100_000_000 + counted * 1_000_000 + 123_456) % 97;
        let text = format!("18512{department}123456{key:02}");
        assert_eq!(scan(text.as_bytes(), true, &[Kind::FrNir]).len(), 1, "{text}");
    }
    // Ten digits of which none stands twice were never given to anybody.
    assert!(scan(b"12345678903", true, &[Kind::DeIdnr]).is_empty());
}

/// The whole and the pieces of it are read alike, wherever it is cut.
fn in_pieces(text: &[u8], cuts: &[usize], action: Action, kinds: &[Kind]) -> Option<Vec<u8>> {
    let mut stream = stream::Stream::new(&kinds.into(), action);
    let (mut out, mut from) = (Vec::new(), 0);
    for &cut in cuts.iter().chain([&text.len()]) {
        let piece = Bytes::copy_from_slice(&text[from..cut]);
        from = cut;
        out.extend(stream.take(Some(piece)).ok()?);
    }
    out.extend(stream.take(None).ok()?);
    Some(out)
}

#[test]
fn what_stands_at_the_border_of_two_pieces_is_found_wherever_the_border_is() {
    let random = "aB3dE5fG7hI9jK1lM3nO5pQ7rS9tU1vW3xY5zA7bC9dE1fG3hI5jK7lM9nO1pQ3rS5tU7vW9xY1zA3bC5dE7fG9hI";
    let texts = [
        "a 4242 4242 4242 4242 b".to_owned(),
        "4242424242424242".to_owned(),
        "\"NO9386011117947\", GB82 WEST 1234 5698 7654 32.".to_owned(),
        format!("x={}&y", secret("ghp_", &random[..36])),
        format!("[{}]", secret("$2b$12$", &format!("{}abcdefghij", &random[..43]))),
        format!(
            "k -----BEGIN {}-----\n{random}\n-----END {}-----\nafter",
            "RSA PRIVATE KEY", "RSA PRIVATE KEY"
        ),
        format!("-----BEGIN {}-----\n{random}", "PRIVATE KEY"),
    ];
    let kinds = Settings::default().kinds;
    for text in texts {
        let bytes = text.as_bytes();
        let masked = mask(bytes, &scan(bytes, true, &kinds));
        assert_ne!(masked, bytes);
        for one in 0..=bytes.len() {
            for two in [one, (one + 1).min(bytes.len()), (one + 7).min(bytes.len())] {
                let cuts = [one, two];
                assert_eq!(
                    in_pieces(bytes, &cuts, Action::Mask, &kinds),
                    Some(masked.clone()),
                    "{text:?} {cuts:?}"
                );
                assert_eq!(in_pieces(bytes, &cuts, Action::Block, &kinds), None, "{text:?} {cuts:?}");
            }
        }
        let each: Vec<usize> = (1..bytes.len()).collect();
        assert_eq!(
            in_pieces(bytes, &each, Action::Mask, &kinds),
            Some(masked.clone()),
            "{text:?} byte by byte"
        );
    }
}

#[test]
fn a_piece_that_ends_with_a_line_is_not_held_back() {
    let kinds: Arc<[Kind]> = ALL.into();
    let mut stream = stream::Stream::new(&kinds, Action::Block);
    for piece in ["data: {\"price\":12.5}\n\n", "id: 5\n", "<p>hello</p>", "{\"a\":\"b-c\"}"] {
        assert_eq!(stream.take(Some(Bytes::from(piece))).unwrap(), piece);
    }
    assert_eq!(stream.take(Some("price 12".into())).unwrap(), "price ", "a card may follow");
    assert_eq!(stream.take(Some("30 EUR".into())).unwrap(), "1230 ", "a token may follow");
    assert_eq!(stream.take(None).unwrap(), "EUR");
    let long = "a-".repeat(20_000);
    let held = long.len() - stream.take(Some(long.clone().into())).unwrap().len();
    assert!(held <= scan::LONGEST, "{held} bytes are held back of a word that never ends");
}

/// Texts that make a careless scanner read everything again and again: it would not end while the tests wait.
#[test]
fn hostile_texts_are_read_once() {
    for text in ["a-", "1 ", "DE12 ", "$6$", "-----BEGIN ", "1.", "9-", "eyJ.", "-", "AB12CD"] {
        let long = text.repeat(300_000 / text.len());
        assert!(scan(long.as_bytes(), true, ALL).len() <= MOST, "{text:?}");
    }
}

/// What ordinary applications send: pages, JSON, scripts, styles, feeds, logs.
#[test]
fn ordinary_answers_hold_nothing() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let own = root.join("src/leaks/ordinary");
    let mut files: Vec<_> = std::fs::read_dir(own).unwrap().map(|entry| entry.unwrap().path()).collect();
    for name in ["Cargo.lock", "schema/openapi.json", "schema/gabion.schema.json", "deny.toml", "README.md"] {
        files.push(root.join("../..").join(name));
    }
    assert!(files.len() >= 11, "the texts are missing");
    for file in files {
        let text = std::fs::read(&file).unwrap();
        let found = scan(&text, true, &Settings::default().kinds);
        let words: Vec<_> =
            found.iter().map(|one| String::from_utf8_lossy(&text[one.start..one.end])).collect();
        assert!(found.is_empty(), "{}: {words:?}", file.display());
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
    fn pieces_are_read_as_the_whole(
        text in "([0-9]{1,20}[ .-]?|4242 4242 4242 4242|NO9386011117947|-----BEGIN PRIVATE KEY-----|-----END|[$]6[$][a-z]{0,50}|[A-Za-z]{1,9}|[ ,.\n\"-]){0,30}",
        cuts in proptest::collection::vec(0_usize..600, 0..8),
    ) {
        let bytes = text.as_bytes();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
        cuts.sort_unstable();
        let found = scan(bytes, true, ALL);
        prop_assert_eq!(in_pieces(bytes, &cuts, Action::Mask, ALL), Some(mask(bytes, &found)));
        prop_assert_eq!(in_pieces(bytes, &cuts, Action::Block, ALL).is_none(), !found.is_empty());
    }

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
