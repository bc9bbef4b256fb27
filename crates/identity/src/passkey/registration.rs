//! A new passkey (WebAuthn Level 2, 7.1).

use gabion_vault::constant_time_eq;
use minicbor::Decoder;

use super::authenticator_data::{Attested, AuthenticatorData};
use super::cbor::{self, Malformed};
use super::client_data::{self, Ceremony};
use super::{PasskeyError, RelyingParty, cose};

/// What a browser sends after `navigator.credentials.create`.
#[derive(Debug, Clone, Copy)]
pub struct Registration<'a> {
    /// The credential id beside the answer; the one inside it counts, and they must be the same.
    pub credential: &'a [u8],
    pub client_data: &'a [u8],
    pub attestation_object: &'a [u8],
}

/// What is kept of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    pub credential: Vec<u8>,
    pub public_key: Vec<u8>,
    pub sign_count: u32,
    pub user_verified: bool,
    pub backup_eligible: bool,
    pub backed_up: bool,
    pub aaguid: [u8; 16],
}

impl Registration<'_> {
    /// The challenge it claims to answer.
    ///
    /// # Errors
    /// [`PasskeyError::Malformed`].
    pub fn claimed_challenge(&self) -> Result<Vec<u8>, PasskeyError> {
        client_data::claimed_challenge(self.client_data)
    }

    /// # Errors
    /// The first rule it breaks.
    pub fn verify(
        &self,
        rp: &RelyingParty,
        challenge: &[u8],
        user_verification: bool,
    ) -> Result<Registered, PasskeyError> {
        client_data::verify(self.client_data, Ceremony::Registration, challenge, rp)?;
        let data = authenticator_data(self.attestation_object).map_err(|_| PasskeyError::Malformed)?;
        let data = AuthenticatorData::parse(data)?;
        if !constant_time_eq(&data.rp_id_hash, &rp.id_hash()) {
            return Err(PasskeyError::WrongRelyingParty);
        }
        if !data.flags.user_present() {
            return Err(PasskeyError::NoUserPresent);
        }
        if user_verification && !data.flags.user_verified() {
            return Err(PasskeyError::NoUserVerified);
        }
        let Attested { aaguid, credential, public_key } = data.attested.ok_or(PasskeyError::Malformed)?;
        if credential != self.credential {
            return Err(PasskeyError::Malformed);
        }
        cose::parse(public_key).map_err(|_| PasskeyError::UnsupportedKey)?;
        Ok(Registered {
            credential: credential.to_vec(),
            public_key: public_key.to_vec(),
            sign_count: data.sign_count,
            user_verified: data.flags.user_verified(),
            backup_eligible: data.flags.backup_eligible(),
            backed_up: data.flags.backed_up(),
            aaguid,
        })
    }
}

/// The `authData` of an attestation object (6.5.4); its statement is passed over.
fn authenticator_data(bytes: &[u8]) -> Result<&[u8], Malformed> {
    if bytes.len() > LARGEST {
        return Err(Malformed);
    }
    let mut decoder = Decoder::new(bytes);
    let (mut data, mut format, mut statement) = (None, false, false);
    for _ in 0..cbor::bounded(decoder.map()?)? {
        let twice = match decoder.str()? {
            "authData" => data.replace(decoder.bytes()?).is_some(),
            "fmt" => {
                decoder.str()?;
                std::mem::replace(&mut format, true)
            }
            "attStmt" => {
                cbor::skip(&mut decoder, cbor::DEEPEST)?;
                std::mem::replace(&mut statement, true)
            }
            _ => {
                cbor::skip(&mut decoder, cbor::DEEPEST)?;
                false
            }
        };
        if twice {
            return Err(Malformed);
        }
    }
    if decoder.position() != bytes.len() || !format || !statement {
        return Err(Malformed);
    }
    data.ok_or(Malformed)
}

const LARGEST: usize = 16 * 1024;
