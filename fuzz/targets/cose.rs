//! Keys of passkeys: any bytes are a key or are refused.

#![no_main]

use gabion_identity::passkey::{Assertion, Demand, RelyingParty};
use libfuzzer_sys::fuzz_target;

mod passkey;

fuzz_target!(|bytes: &[u8]| {
    let Some(rp) = RelyingParty::of("https://localhost") else { return };
    let (kept, client_data) = (passkey::with_key(bytes), passkey::client_data("webauthn.get"));
    let data = passkey::authenticator_data();
    let answer = Assertion {
        credential: &kept.credential,
        client_data: client_data.as_bytes(),
        authenticator_data: &data,
        signature: bytes,
        user_handle: None,
    };
    let demand = Demand { user_verification: false, user_handle: false };
    let _ = answer.verify(&rp, &passkey::CHALLENGE, &kept, demand);
});
