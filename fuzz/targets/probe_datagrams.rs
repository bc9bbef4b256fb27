//! What comes to the probe by datagram is read under bounds: answers of services, and questions to its name server.
#![no_main]

use gabion_probe::datagram::{Nonce, SERVICES};
use gabion_probe::name_server::Zone;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((nonce, bytes)) = bytes.split_first_chunk::<16>() else { return };
    let nonce: &Nonce = nonce;
    for service in SERVICES {
        for (ask, hole) in service.asks() {
            let _ = (ask.read)(nonce, bytes);
            if let Some(hole) = hole {
                let _ = (hole.twin.read)(nonce, bytes);
            }
        }
    }
    if let Some(zone) = Zone::new("cb.example", [127, 0, 0, 1].into())
        && let Some((answer, _)) = zone.answer(bytes)
    {
        assert!(answer.len() <= bytes.len() + 200);
    }
});
