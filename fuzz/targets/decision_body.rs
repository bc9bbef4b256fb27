//! Questions of applications: the decision API, AuthZEN evaluations and searches.
#![no_main]

use gabion_console::fuzzing::decision_body;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| decision_body(bytes));
