//! What surrounds the bytes under test.

use gabion_identity::factors::FactorId;
use gabion_identity::passkey::Passkey;
use gabion_model::{AccountId, Timestamp};

pub const CHALLENGE: [u8; 32] = [0; 32];

pub fn client_data(kind: &str) -> String {
    let challenge = "A".repeat(43);
    format!("{{\"type\":\"{kind}\",\"challenge\":\"{challenge}\",\"origin\":\"https://localhost\"}}")
}

pub fn with_key(public_key: &[u8]) -> Passkey {
    Passkey {
        id: FactorId::new("one"),
        account: AccountId::new("ada"),
        name: String::new(),
        credential: vec![1; 16],
        public_key: public_key.to_vec(),
        sign_count: 0,
        backup_eligible: false,
        backed_up: false,
        transports: Vec::new(),
        aaguid: [0; 16],
        created: Timestamp::from_secs(0),
        last_used: None,
    }
}
