//! An application's answer about one of its objects, and what it registers.
#![no_main]

use gabion_service::fuzzing::resolver_answer;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| resolver_answer(bytes));
