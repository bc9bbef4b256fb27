//! Files of every kind: judging never fails but by a refusal, and what was judged is judged the same again.
#![no_main]

use gabion_checks::upload::{self, Kind};
use libfuzzer_sys::fuzz_target;

// First byte: which kind the name says.
fuzz_target!(|bytes: &[u8]| {
    let [which, bytes @ ..] = bytes else { return };
    let _ = (upload::sniff(bytes), upload::marker(bytes));
    let Some(kind) = Kind::ALL.get(usize::from(*which) % Kind::ALL.len()) else { return };
    let Some(out) = upload::fuzzing::judged(*kind, bytes) else { return };
    assert_eq!(
        upload::fuzzing::judged(*kind, &out).as_ref(),
        Some(&out),
        "what passed passes again, unchanged"
    );
});
