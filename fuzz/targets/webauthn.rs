//! Answers of passkeys: any bytes as attestation object, authenticator data or client data.

#![no_main]

use gabion_identity::passkey::{Assertion, Demand, Registration, RelyingParty};
use libfuzzer_sys::fuzz_target;

mod passkey;

fuzz_target!(|bytes: &[u8]| {
    let Some(rp) = RelyingParty::of("https://localhost") else { return };
    let (create, get) = (passkey::client_data("webauthn.create"), passkey::client_data("webauthn.get"));
    for client_data in [create.as_bytes(), bytes] {
        let made = Registration { credential: bytes, client_data, attestation_object: bytes };
        let _ = (made.claimed_challenge(), made.verify(&rp, &passkey::CHALLENGE, false));
    }
    let kept = passkey::with_key(&[0xa0]);
    for client_data in [get.as_bytes(), bytes] {
        let answer = Assertion {
            credential: &kept.credential,
            client_data,
            authenticator_data: bytes,
            signature: bytes,
            user_handle: Some(bytes),
        };
        let demand = Demand { user_verification: true, user_handle: true };
        assert!(answer.verify(&rp, &passkey::CHALLENGE, &kept, demand).is_err());
    }
});
