//! Addresses of redirects: what is said to stay on this site names no other.
#![no_main]

use gabion_checks::redirects::{Address, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|address: &[u8]| {
    if read(address) == Ok(Address::Here) {
        let text: Vec<u8> = address.iter().copied().skip_while(|byte| *byte <= b' ').take(2).collect();
        assert!(!(text.len() == 2 && text.iter().all(|byte| matches!(byte, b'/' | b'\\'))));
    }
});
