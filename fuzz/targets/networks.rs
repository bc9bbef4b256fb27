//! Addresses and networks as people and bouncers write them.
#![no_main]

use std::net::IpAddr;

use gabion_respond::{Action, Network, Subject};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(network) = text.parse::<Network>() else {
        assert!(text.parse::<IpAddr>().is_err(), "every address is one");
        assert!(Subject::of(Action::SlowDown, text).is_err());
        return;
    };
    assert_eq!(network.to_string().parse(), Ok(network), "one text for one network");
    assert!(network.contains(network.address()) && network.covers(&network) && network.clients() > 0);
    let is_blockable = Subject::of(Action::BlockAddress, text).is_ok();
    assert_eq!(is_blockable, network.is_client());
    if let Ok(address) = text.parse::<IpAddr>() {
        assert!(network.contains(address) && network.is_client());
        assert!(network.covers(&Network::host(address)));
    }
});
