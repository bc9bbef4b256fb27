//! Keys of passkeys: any bytes are a key or are refused.

#![no_main]

use gabion_identity::passkey::{Assertion, Demand, RelyingParty};
use libfuzzer_sys::fuzz_target;

mod passkey;

fuzz_target!(|bytes: &[u8]| {
    let Some(rp) = RelyingParty::of("https://localhost") else { return };
    let (kept, client_data) = (passkey::with_key(bytes), passkey::client_data("webauthn.get"));
    let data = authenticator_data();
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

/// For `localhost`, somebody present.
fn authenticator_data() -> Vec<u8> {
    let mut data = gabion_vault::sha256(b"localhost").to_vec();
    data.extend([1, 0, 0, 0, 1]);
    data
}
