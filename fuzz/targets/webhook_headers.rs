//! Header fields of webhooks: nothing is believed without a key's signature, and what we sign ourselves is.
#![no_main]

use gabion_vault::webhook::{Key, Scheme, sign, verify};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, Vec<(u8, Vec<u8>)>, Vec<u8>)| {
    let (scheme, fields, body) = input;
    let scheme = match scheme % 4 {
        0 => Scheme::Github,
        1 => Scheme::Slack,
        2 => Scheme::Standard,
        _ => Scheme::Stripe,
    };
    let Ok(key) = Key::parse(&scheme, "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw") else { std::process::abort() };
    let keys = [key];
    let names = scheme.headers();
    let field = |name: &str| -> Vec<&[u8]> {
        let is = |index: u8| names.get(usize::from(index) % names.len()).is_some_and(|own| *own == name);
        fields.iter().filter(|(index, _)| is(*index)).map(|(_, value)| value.as_slice()).collect()
    };
    assert!(verify(&scheme, &keys, field, &body, 1_000, 300).is_err(), "a signature was guessed");
    let Ok(signed) = sign(&scheme, &keys, "msg_1", 1_000, &body) else { std::process::abort() };
    let field = |name: &str| -> Vec<&[u8]> {
        signed.iter().filter(|(own, _)| own == name).map(|(_, value)| value.as_bytes()).collect()
    };
    assert!(verify(&scheme, &keys, field, &body, 1_000, 300).is_ok());
});
