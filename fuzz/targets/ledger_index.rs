//! Indexes of the ledger as a disk, or somebody who has the key, may leave them.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| gabion_ledger::probe_index(bytes));
