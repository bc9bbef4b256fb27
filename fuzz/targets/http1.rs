//! HTTP/1.1 messages as they come off the wire, in both roles and in any pieces.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| gabion_gateway::fuzzing::http1(bytes));
