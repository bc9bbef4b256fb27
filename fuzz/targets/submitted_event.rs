//! What an application says happened in it.
#![no_main]

use gabion_service::fuzzing::submitted_event;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| submitted_event(bytes));
