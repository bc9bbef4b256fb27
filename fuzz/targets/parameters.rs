//! Parameters in every style, media types and bodies, against a contract with one of each.
#![no_main]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use gabion_openapi::{BodyPlan, Contract, Fields, Match, Options, encoding, multipart};
use libfuzzer_sys::fuzz_target;

static CONTRACT: LazyLock<Contract> = LazyLock::new(|| {
    let text = include_str!("parameters.yaml").to_owned();
    let files = BTreeMap::from([("parameters.yaml".to_owned(), text)]);
    Contract::load(&files, "parameters.yaml", &Options::default()).expect("the contract is right").contract
});

struct Head<'a>(&'a [u8]);

impl Fields for Head<'_> {
    fn all<'s>(&'s self, _: &str) -> Vec<&'s [u8]> {
        vec![self.0]
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    if let Match::Operation(matched) = CONTRACT.operation("GET", first) {
        let _ = matched.head(Some(rest), &Head(bytes));
    }
    if let Match::Operation(matched) = CONTRACT.operation("POST", "/body") {
        for media_type in [
            first,
            "application/json",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
        ] {
            if let Ok(BodyPlan::Whole(_, judge)) = matched.body(Some(media_type), true) {
                let _ = judge.check(rest.as_bytes());
            }
        }
    }
    if let Ok(parts) = multipart::parse(bytes, "x", 16) {
        assert!(parts.iter().map(|part| part.bytes.len()).sum::<usize>() < bytes.len());
    }
    if let Ok(decoded) = encoding::decode(bytes, true) {
        assert!(decoded.len() <= bytes.len());
    }
});
