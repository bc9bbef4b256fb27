//! What an authenticator signs (WebAuthn Level 2, 6.1).

use super::PasskeyError;
use super::cbor;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AuthenticatorData<'a> {
    pub(super) rp_id_hash: [u8; 32],
    pub(super) flags: Flags,
    pub(super) sign_count: u32,
    pub(super) attested: Option<Attested<'a>>,
}

/// A new credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Attested<'a> {
    pub(super) aaguid: [u8; 16],
    pub(super) credential: &'a [u8],
    /// A COSE key, not looked at yet.
    pub(super) public_key: &'a [u8],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Flags(u8);

impl Flags {
    pub(super) const fn user_present(self) -> bool {
        self.0 & 1 != 0
    }

    pub(super) const fn user_verified(self) -> bool {
        self.0 & 1 << 2 != 0
    }

    pub(super) const fn backup_eligible(self) -> bool {
        self.0 & 1 << 3 != 0
    }

    pub(super) const fn backed_up(self) -> bool {
        self.0 & 1 << 4 != 0
    }

    const fn has_credential(self) -> bool {
        self.0 & 1 << 6 != 0
    }

    const fn has_extensions(self) -> bool {
        self.0 & 1 << 7 != 0
    }
}

impl<'a> AuthenticatorData<'a> {
    /// # Errors
    /// [`PasskeyError::Malformed`] for anything but the whole structure, to the last byte.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, PasskeyError> {
        let malformed = PasskeyError::Malformed;
        let (rp_id_hash, rest) = bytes.split_first_chunk::<32>().ok_or(malformed)?;
        let (flags, rest) = rest.split_first().ok_or(malformed)?;
        let (sign_count, mut rest) = rest.split_first_chunk::<4>().ok_or(malformed)?;
        let flags = Flags(*flags);
        // What is not eligible for backup cannot be backed up (Level 3, 6.1.3).
        if flags.backed_up() && !flags.backup_eligible() {
            return Err(malformed);
        }
        let mut attested = None;
        if flags.has_credential() {
            let (one, after) = Attested::parse(rest)?;
            (attested, rest) = (Some(one), after);
        }
        if flags.has_extensions() {
            // Nothing is asked for, so nothing in it counts; it must be a map all the same.
            if rest.first().is_none_or(|byte| byte >> 5 != 5) {
                return Err(malformed);
            }
            (_, rest) = cbor::split_item(rest).map_err(|_| malformed)?;
        }
        if !rest.is_empty() {
            return Err(malformed);
        }
        let sign_count = u32::from_be_bytes(*sign_count);
        Ok(Self { rp_id_hash: *rp_id_hash, flags, sign_count, attested })
    }
}

impl<'a> Attested<'a> {
    fn parse(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), PasskeyError> {
        let malformed = PasskeyError::Malformed;
        let (aaguid, rest) = bytes.split_first_chunk::<16>().ok_or(malformed)?;
        let (length, rest) = rest.split_first_chunk::<2>().ok_or(malformed)?;
        let length = usize::from(u16::from_be_bytes(*length));
        // Level 2, 4: at most 1023 bytes.
        if !(1..=LONGEST_CREDENTIAL).contains(&length) {
            return Err(malformed);
        }
        let (credential, rest) = rest.split_at_checked(length).ok_or(malformed)?;
        let (public_key, rest) = cbor::split_item(rest).map_err(|_| malformed)?;
        Ok((Self { aaguid: *aaguid, credential, public_key }, rest))
    }
}

pub(super) const LONGEST_CREDENTIAL: usize = 1023;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn data(flags: u8, more: &[u8]) -> Vec<u8> {
        [&[7; 32][..], &[flags], &[0, 0, 1, 2], more].concat()
    }

    #[test]
    fn flags_and_counter_are_read() {
        let bytes = data(0b0001_1101, &[]);
        let data = AuthenticatorData::parse(&bytes).unwrap();
        assert_eq!((data.rp_id_hash, data.sign_count, data.attested), ([7; 32], 258, None));
        let flags = data.flags;
        assert!(
            flags.user_present() && flags.user_verified() && flags.backup_eligible() && flags.backed_up()
        );
    }

    #[test]
    fn every_byte_belongs_to_it() {
        let credential = [&[1; 16][..], &[0, 3], b"abc", &[0xa1, 1, 2]].concat();
        let whole = data(0b1100_0001, &[&credential[..], &[0xa1, 0x61, b'x', 0xf5]].concat());
        let parsed = AuthenticatorData::parse(&whole).unwrap();
        let attested = parsed.attested.unwrap();
        assert_eq!((attested.credential, attested.public_key), (&b"abc"[..], &[0xa1, 1, 2][..]));
        for cut in 0..whole.len() {
            assert!(AuthenticatorData::parse(&whole[..cut]).is_err(), "{cut}");
        }
        for wrong in [
            [whole.clone(), vec![0]].concat(),
            data(1, &[0]),
            data(0b0100_0001, &[]),
            data(0b1000_0001, &[0x01]),
            data(0b0001_0001, &[]),
            data(0b0100_0001, &[&[1; 16][..], &[0, 0], &[0xa0]].concat()),
            data(0b0100_0001, &[&[1; 16][..], &[4, 0], &[0; 1024], &[0xa0]].concat()),
            data(0b0100_0001, &[&[1; 16][..], &[0xff, 0xff], &[0; 40]].concat()),
        ] {
            assert_eq!(AuthenticatorData::parse(&wrong), Err(PasskeyError::Malformed), "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_judged(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = AuthenticatorData::parse(&bytes);
        }

        #[test]
        fn any_bytes_with_a_sound_head_are_judged(
            flags: u8,
            more in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            let _ = AuthenticatorData::parse(&data(flags, &more));
        }
    }
}
