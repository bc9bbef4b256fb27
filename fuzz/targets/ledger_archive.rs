//! What comes back from an archive: any bytes are a copy of a segment or none, alike in any pieces; or a manifest or none.
#![no_main]

use gabion_ledger::archive::{Intake, Manifest};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(manifest) = Manifest::parse(bytes) {
        assert_eq!(Manifest::parse(&manifest.to_bytes()).as_ref(), Ok(&manifest));
    }
    let taken = |step: usize| {
        let (mut intake, mut leaves) = (Intake::new(1 << 20), Vec::new());
        for piece in bytes.chunks(step) {
            intake.push(piece, |_, leaf| leaves.push(leaf)).ok()?;
        }
        let taken = intake.finish(|_, leaf| leaves.push(leaf)).ok()?;
        Some((taken, leaves))
    };
    assert_eq!(taken(1 << 20), taken(7));
});
