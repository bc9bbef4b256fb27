//! A passkey in software, for questions and answers as browsers speak them.

use gabion_service::PasskeyAnswer;
use gabion_vault::encoding::{base64url_decode, base64url_encode};
use gabion_vault::sha256;
use gabion_vault::signature::testing::Es256Pair;
use serde_json::{Value, json};

pub(crate) struct Authenticator {
    key: Es256Pair,
    pub(crate) credential: Vec<u8>,
    pub(crate) user: String,
    pub(crate) count: u32,
    pub(crate) verifies: bool,
    pub(crate) origin: String,
}

impl Authenticator {
    pub(crate) fn new(number: u8) -> Self {
        Self {
            key: Es256Pair::generate(),
            credential: vec![number; 16],
            user: String::new(),
            count: 1,
            verifies: true,
            origin: format!("https://{HOST}"),
        }
    }

    pub(crate) fn create(&mut self, options: &Value) -> PasskeyAnswer {
        assert_eq!((&options["attestation"], &options["rp"]["id"]), (&json!("none"), &json!(HOST)));
        self.user = options["user"]["id"].as_str().unwrap().to_owned();
        let mut data = self.data(true);
        data.extend([0; 16]);
        data.extend(u16::try_from(self.credential.len()).unwrap().to_be_bytes());
        data.extend(&self.credential);
        let (x, y) = self.key.public();
        data.extend([0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32]);
        data.extend(x);
        data.extend([0x22, 0x58, 32]);
        data.extend(y);
        let mut object = vec![0xa3, 0x63];
        object.extend(b"fmt\x64none\x67attStmt\xa0\x68authData\x59");
        object.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
        object.extend(&data);
        answer(json!({
            "rawId": base64url_encode(&self.credential),
            "type": "public-key",
            "response": {
                "clientDataJSON": base64url_encode(&self.client_data("webauthn.create", options)),
                "attestationObject": base64url_encode(&object),
                "transports": ["internal", "unheard-of"],
            },
        }))
    }

    pub(crate) fn get(&mut self, options: &Value) -> PasskeyAnswer {
        self.count += 1;
        let (data, client_data) = (self.data(false), self.client_data("webauthn.get", options));
        let signature = self.key.sign(&[&data[..], &sha256(&client_data)].concat());
        answer(json!({
            "rawId": base64url_encode(&self.credential),
            "type": "public-key",
            "response": {
                "clientDataJSON": base64url_encode(&client_data),
                "authenticatorData": base64url_encode(&data),
                "signature": base64url_encode(&signature),
                "userHandle": self.user,
            },
        }))
    }

    fn client_data(&self, kind: &str, options: &Value) -> Vec<u8> {
        assert!(base64url_decode(options["challenge"].as_str().unwrap()).unwrap().len() >= 16);
        json!({ "type": kind, "challenge": options["challenge"], "origin": self.origin })
            .to_string()
            .into_bytes()
    }

    fn data(&self, credential: bool) -> Vec<u8> {
        let mut data = sha256(HOST.as_bytes()).to_vec();
        data.push(1 | if self.verifies { 4 } else { 0 } | if credential { 64 } else { 0 });
        data.extend(self.count.to_be_bytes());
        data
    }
}

fn answer(value: Value) -> PasskeyAnswer {
    serde_json::from_value(value).unwrap()
}

/// Where the world is reached.
const HOST: &str = "gate.example";
