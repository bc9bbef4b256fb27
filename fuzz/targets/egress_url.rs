//! Addresses somebody else chose, as text: what is let through has one reading.
#![no_main]

use gabion_egress::{Authority, Guard, Host, NamePattern, address};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let guard = Guard { plain: true, ..Guard::internet(Vec::new(), vec![80, 443]) };
    let Ok(target) = guard.judge(text) else { return };
    // What was written again reads the same again.
    let again = target.to_string();
    assert_eq!(guard.judge(&again).as_ref(), Ok(&target), "{text:?} {again:?}");
    assert_eq!(Authority::parse(&target.authority.to_string()).as_ref(), Ok(&target.authority));
    match &target.authority.host {
        Host::Address(public) => assert_eq!(address::judge(*public, &[]), Ok(())),
        Host::Name(name) => {
            assert!(name.contains('.') && name.parse::<std::net::IpAddr>().is_err());
            let only = Guard { only: Some(vec![NamePattern::new("nobody.example.org")]), ..guard };
            assert!(only.judge(text).is_err() || name == "nobody.example.org");
        }
    }
});
