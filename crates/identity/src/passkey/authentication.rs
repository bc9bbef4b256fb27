//! Proof that somebody holds a passkey (WebAuthn Level 2, 7.2).

use gabion_vault::{constant_time_eq, sha256};

use super::authenticator_data::{AuthenticatorData, LONGEST_CREDENTIAL};
use super::client_data::{self, Ceremony};
use super::{Passkey, PasskeyError, RelyingParty, cose};

/// What a browser sends after `navigator.credentials.get`.
#[derive(Debug, Clone, Copy)]
pub struct Assertion<'a> {
    pub credential: &'a [u8],
    pub client_data: &'a [u8],
    pub authenticator_data: &'a [u8],
    pub signature: &'a [u8],
    /// Whose it is, where the passkey says so: the account's id.
    pub user_handle: Option<&'a [u8]>,
}

/// What it shows, and what is to be kept of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Authenticated {
    pub sign_count: u32,
    pub user_verified: bool,
    pub backed_up: bool,
}

/// What is asked of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Demand {
    pub user_verification: bool,
    /// It must say whose it is: there was no name before it.
    pub user_handle: bool,
}

impl Assertion<'_> {
    /// The challenge it claims to answer.
    ///
    /// # Errors
    /// [`PasskeyError::Malformed`].
    pub fn claimed_challenge(&self) -> Result<Vec<u8>, PasskeyError> {
        client_data::claimed_challenge(self.client_data)
    }

    /// `passkey` is the one whose credential id was named. `user_handle`: it must say whose it is.
    ///
    /// # Errors
    /// The first rule it breaks.
    pub fn verify(
        &self,
        rp: &RelyingParty,
        challenge: &[u8],
        passkey: &Passkey,
        demand: Demand,
    ) -> Result<Authenticated, PasskeyError> {
        if self.credential != passkey.credential || self.credential.len() > LONGEST_CREDENTIAL {
            return Err(PasskeyError::WrongUser);
        }
        let own = passkey.account.as_str().as_bytes();
        if self.user_handle.map_or(demand.user_handle, |handle| handle != own) {
            return Err(PasskeyError::WrongUser);
        }
        client_data::verify(self.client_data, Ceremony::Authentication, challenge, rp)?;
        let data = AuthenticatorData::parse(self.authenticator_data)?;
        if !constant_time_eq(&data.rp_id_hash, &rp.id_hash()) {
            return Err(PasskeyError::WrongRelyingParty);
        }
        if !data.flags.user_present() {
            return Err(PasskeyError::NoUserPresent);
        }
        if demand.user_verification && !data.flags.user_verified() {
            return Err(PasskeyError::NoUserVerified);
        }
        // Level 3, 7.2: whether it can be backed up never changes.
        if data.flags.backup_eligible() != passkey.backup_eligible {
            return Err(PasskeyError::Malformed);
        }
        let key = cose::parse(&passkey.public_key).map_err(|_| PasskeyError::UnsupportedKey)?;
        let signed = [self.authenticator_data, &sha256(self.client_data)].concat();
        key.verify(&signed, self.signature).map_err(|_| PasskeyError::WrongSignature)?;
        // 7.2, 21: only passkeys that count are held to it.
        let counts = data.sign_count != 0 || passkey.sign_count != 0;
        if counts && data.sign_count <= passkey.sign_count {
            return Err(PasskeyError::CounterWentBack);
        }
        Ok(Authenticated {
            sign_count: data.sign_count,
            user_verified: data.flags.user_verified(),
            backed_up: data.flags.backed_up(),
        })
    }
}
