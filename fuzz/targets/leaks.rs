//! Answers that are searched: places are inside the text, and masking hides what was found.
#![no_main]

use gabion_checks::leaks::{Kind, Settings, mask, scan};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    let mut kinds = Settings::default().kinds;
    kinds.extend([
        Kind::BrCpf,
        Kind::DeIdnr,
        Kind::EsDni,
        Kind::FrNir,
        Kind::Jwt,
        Kind::NlBsn,
        Kind::PlPesel,
    ]);
    let found = scan(text, true, &kinds);
    assert!(found.iter().all(|one| one.start < one.end && one.end <= text.len()));
    let masked = mask(text, &found);
    assert_eq!(masked.len(), text.len());
    let _ = scan(text, false, &kinds);
});
