//! `Cookie` header values: what we take for a ticket, and what is left for the application.
#![no_main]

use gabion_identity::cookie;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|header: &str| {
    for secure in [false, true] {
        assert!(cookie::tickets([header], secure).count() <= 8);
    }
    let left = cookie::strip(header);
    assert!(!left.split(';').any(cookie::is_ours), "our cookie reaches the application: {left:?}");
    assert_eq!(cookie::strip(&left), left, "stripping twice changes nothing more");
});
