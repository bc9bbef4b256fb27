use super::*;
use proptest::prelude::*;

fn scheme(name: usize) -> Scheme {
    match name % 5 {
        0 => Scheme::Github,
        1 => Scheme::Slack,
        2 => Scheme::Standard,
        3 => Scheme::Stripe,
        _ => Scheme::Template(Box::new(template("{id}.{timestamp}.{body}").unwrap())),
    }
}

fn template(signed: &str) -> Result<Template, TemplateFault> {
    let signature = ("x-signature", "sha512=", TextEncoding::Base64);
    let fields = (Some("x-id"), Some("x-time"));
    Template::new(Algorithm::Sha512, signature, TextEncoding::Text, fields, signed)
}

fn key(scheme: &Scheme, seed: u8) -> Key {
    let text = match scheme {
        Scheme::Standard => format!("whsec_{}", base64_encode(&[seed; 24])),
        _ => format!("a secret of many bytes {seed}"),
    };
    Key::parse(scheme, &text).unwrap()
}

fn judge(
    scheme: &Scheme,
    keys: &[Key],
    fields: &[(String, String)],
    body: &[u8],
    now: i64,
) -> Result<Verified, Violation> {
    let field = |name: &str| {
        let own = fields.iter().filter(|(own, _)| own == name);
        own.map(|(_, value)| value.as_bytes()).collect::<Vec<_>>()
    };
    verify(scheme, keys, field, body, now, 300)
}

#[test]
fn knows_the_published_examples() {
    // Standard Webhooks 1.0, example of the specification's libraries.
    let keys = [Key::parse(&Scheme::Standard, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap()];
    let fields = sign(
        &Scheme::Standard,
        &keys,
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1_614_265_330,
        b"{\"test\": 2432232314}",
    );
    let expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    assert_eq!(fields.unwrap().last().unwrap().1, expected);
    // GitHub, "Validating webhook deliveries".
    let keys = [Key::parse(&Scheme::Github, "It's a Secret to Everybody").unwrap()];
    let fields = sign(&Scheme::Github, &keys, "1", 0, b"Hello, World!").unwrap();
    let expected = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    assert_eq!(fields.last().unwrap().1, expected);
    // Slack, "Verifying requests from Slack".
    let keys = [Key::parse(&Scheme::Slack, "8f742231b10e8888abcd99yyyzzz85a5").unwrap()];
    let body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&\
        channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=\
        https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=\
        398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    let fields = sign(&Scheme::Slack, &keys, "1", 1_531_420_618, body.as_bytes()).unwrap();
    let expected = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";
    assert_eq!(fields.last().unwrap().1, expected);
}

#[test]
fn a_pair_signs_and_its_public_half_verifies() {
    let seed = [7; 32];
    let secret = Key::parse(&Scheme::Standard, &format!("whsk_{}", base64_encode(&seed))).unwrap();
    let public = {
        use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
        format!("whpk_{}", base64_encode(pair.public_key().as_ref()))
    };
    let public = Key::parse(&Scheme::Standard, &public).unwrap();
    assert_eq!(sign(&Scheme::Standard, std::slice::from_ref(&public), "m", 1, b""), Err(SignFault::NoKey));
    let fields = sign(&Scheme::Standard, &[secret], "m", 1000, b"body").unwrap();
    assert!(fields[2].1.starts_with("v1a,"));
    let keys = [key(&Scheme::Standard, 1), public];
    assert!(judge(&Scheme::Standard, &keys, &fields, b"body", 1000).is_ok());
    assert_eq!(judge(&Scheme::Standard, &keys, &fields, b"bodY", 1000), Err(Violation::SignatureWrong));
    assert_eq!(judge(&Scheme::Standard, &keys[..1], &fields, b"body", 1000), Err(Violation::SignatureWrong));
}

#[test]
fn every_rule_has_its_name() {
    let keys = [key(&Scheme::Standard, 1)];
    let good = sign(&Scheme::Standard, &keys, "msg_1", 10_000, b"{}").unwrap();
    let with = |name: &str, value: Option<&str>| {
        let mut fields: Vec<_> = good.iter().filter(|(own, _)| own != name).cloned().collect();
        fields.extend(value.map(|value| (name.to_owned(), value.to_owned())));
        fields
    };
    let rows = [
        (with("webhook-id", None), 10_000, Violation::IdMissing),
        (with("webhook-id", Some("a.b")), 10_000, Violation::IdMalformed),
        (with("webhook-id", Some("other")), 10_000, Violation::SignatureWrong),
        (with("webhook-timestamp", None), 10_000, Violation::TimestampMissing),
        (with("webhook-timestamp", Some("+10000")), 10_000, Violation::TimestampMalformed),
        (with("webhook-timestamp", Some(" 10000")), 10_000, Violation::TimestampMalformed),
        (with("webhook-timestamp", Some("10001")), 10_000, Violation::SignatureWrong),
        (with("webhook-signature", None), 10_000, Violation::SignatureMissing),
        (with("webhook-signature", Some("v2,AAAA")), 10_000, Violation::SignatureMissing),
        (with("webhook-signature", Some("v1,?")), 10_000, Violation::SignatureMalformed),
        ([good.clone(), good.clone()].concat(), 10_000, Violation::HeaderRepeated),
        (good.clone(), 10_301, Violation::TooOld),
        (good.clone(), 9_699, Violation::FromTheFuture),
    ];
    for (fields, now, expected) in rows {
        assert_eq!(judge(&Scheme::Standard, &keys, &fields, b"{}", now), Err(expected), "{fields:?}");
    }
    assert!(judge(&Scheme::Standard, &keys, &good, b"{}", 10_300).is_ok());
    let many = vec!["v1,AAAA"; MOST_SIGNATURES + 1].join(" ");
    let fields = with("webhook-signature", Some(&many));
    assert_eq!(judge(&Scheme::Standard, &keys, &fields, b"{}", 10_000), Err(Violation::SignatureMalformed));
}

#[test]
fn templates_and_keys_that_protect_nothing_are_refused() {
    let rows = [
        ("{id}{body}", Err(TemplateFault::Id)),
        ("{body}{id}", Err(TemplateFault::Id)),
        ("{id}.{timestamp}", Err(TemplateFault::Body)),
        ("{body}.{body}", Err(TemplateFault::Body)),
        ("{who}.{body}", Err(TemplateFault::Placeholder)),
        ("{timestamp}{timestamp}{body}", Err(TemplateFault::Timestamp)),
        ("{body", Err(TemplateFault::Placeholder)),
        ("{timestamp}{body}", Ok(())),
        ("v0:{timestamp}:{body}", Ok(())),
    ];
    for (signed, expected) in rows {
        assert_eq!(template(signed).map(|_| ()), expected, "{signed}");
    }
    assert_eq!(Key::parse(&Scheme::Github, "hunter2").err(), Some(KeyFault::TooShort));
    assert_eq!(Key::parse(&Scheme::Standard, "whsec_!").err(), Some(KeyFault::Malformed));
    assert_eq!(Key::parse(&Scheme::Standard, "whpk_AAAA").err(), Some(KeyFault::Malformed));
    assert_eq!(format!("{:?}", key(&Scheme::Github, 1)), "***");
}

proptest! {
    #[test]
    fn what_is_signed_is_believed_and_nothing_else(
        name in 0_usize..5, id in "[a-z0-9_-]{1,20}", time in 1_000_i64..2_000_000_000, body: Vec<u8>, flip: usize, old: bool,
    ) {
        let scheme = scheme(name);
        let keys = [key(&scheme, 1), key(&scheme, 2)];
        let fields = sign(&scheme, &keys[usize::from(old)..], &id, time, &body).unwrap();
        let verified = judge(&scheme, &keys, &fields, &body, time + 300).unwrap();
        prop_assert_eq!(verified.timestamp, scheme.signs_time().then_some(time));
        let again = judge(&scheme, &keys, &fields, &body, time).unwrap();
        prop_assert_eq!(verified.once, again.once);
        prop_assert_eq!(judge(&scheme, &[key(&scheme, 3)], &fields, &body, time), Err(Violation::SignatureWrong));
        let mut other = body.clone();
        if other.is_empty() { other.push(0) } else { let at = flip % other.len(); other[at] ^= 1 }
        prop_assert_eq!(judge(&scheme, &keys, &fields, &other, time), Err(Violation::SignatureWrong));
        if scheme.signs_time() {
            prop_assert_eq!(judge(&scheme, &keys, &fields, &body, time + 301), Err(Violation::TooOld));
        }
    }

    #[test]
    fn no_header_makes_it_panic(name in 0_usize..5, values in proptest::collection::vec(".{0,60}", 3), body: Vec<u8>) {
        let scheme = scheme(name);
        let fields: Vec<_> = scheme.headers().into_iter().map(str::to_owned).zip(values).collect();
        prop_assert!(judge(&scheme, &[key(&scheme, 1)], &fields, &body, 0).is_err());
    }
}
