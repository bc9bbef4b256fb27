//! Signatures by keys that somebody else holds and of which we know the public half (passkeys, logs, witnesses), and
//! the key of a log or a witness of our own.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ED25519, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_2048_8192_SHA256,
    RsaPublicKeyComponents, UnparsedPublicKey,
};
use gabion_model::Secret;

/// A public key and, with it, the one algorithm it is used with: nobody else gets to choose it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PublicKey {
    /// ECDSA on P-256 with SHA-256; signatures in DER.
    Es256 { x: [u8; 32], y: [u8; 32] },
    /// Ed25519.
    EdDsa { x: [u8; 32] },
    /// RSASSA-PKCS1-v1_5 with SHA-256, 2048 to 8192 bits; big-endian without leading zeros.
    Rs256 { n: Vec<u8>, e: Vec<u8> },
}

/// It is not this key's signature of this message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signature is not right")]
pub struct WrongSignature;

impl PublicKey {
    /// # Errors
    /// [`WrongSignature`], also where the key is no key: not on the curve, too short.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), WrongSignature> {
        let verified = match self {
            Self::Es256 { x, y } => {
                let point = [&[UNCOMPRESSED][..], x, y].concat();
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).verify(message, signature)
            }
            Self::EdDsa { x } => UnparsedPublicKey::new(&ED25519, x).verify(message, signature),
            Self::Rs256 { n, e } => {
                let key: RsaPublicKeyComponents<&[u8]> = RsaPublicKeyComponents { n, e };
                key.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
            }
        };
        verified.map_err(|_| WrongSignature)
    }
}

/// An Ed25519 key that signs (RFC 8032).
#[derive(Debug)]
pub struct Ed25519Key(Ed25519KeyPair);

impl Ed25519Key {
    /// None only where the library takes no seed.
    #[must_use]
    pub fn from_seed(seed: &Secret<[u8; 32]>) -> Option<Self> {
        Ed25519KeyPair::from_seed_unchecked(seed.expose()).ok().map(Self)
    }

    #[must_use]
    pub fn public(&self) -> [u8; 32] {
        let mut out = [0; 32];
        out.copy_from_slice(self.0.public_key().as_ref());
        out
    }

    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.0.sign(message).as_ref().to_vec()
    }
}

/// SEC 1, 2.3.3.
const UNCOMPRESSED: u8 = 4;

/// An authenticator's half, for the tests of whoever verifies.
#[doc(hidden)]
pub mod testing {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};

    /// Signs as an authenticator does.
    #[derive(Debug)]
    pub struct Es256Pair(EcdsaKeyPair);

    #[expect(clippy::expect_used, reason = "for tests: a failure is a panic")]
    impl Es256Pair {
        #[must_use]
        pub fn generate() -> Self {
            Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key"))
        }

        /// The coordinates.
        #[must_use]
        pub fn public(&self) -> ([u8; 32], [u8; 32]) {
            let (_, point) = self.0.public_key().as_ref().split_first().expect("a point");
            let (x, y) = point.split_at_checked(32).expect("two coordinates");
            (x.try_into().expect("32 bytes"), y.try_into().expect("32 bytes"))
        }

        #[must_use]
        pub fn sign(&self, message: &[u8]) -> Vec<u8> {
            self.0.sign(&SystemRandom::new(), message).expect("a signature").as_ref().to_vec()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::rsa::KeySize;
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
    };

    fn es256() -> (PublicKey, Vec<u8>) {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        let point = pair.public_key().as_ref();
        let (x, y) = (point[1..33].try_into().unwrap(), point[33..].try_into().unwrap());
        let signature = pair.sign(&SystemRandom::new(), b"message").unwrap();
        (PublicKey::Es256 { x, y }, signature.as_ref().to_vec())
    }

    fn eddsa() -> (PublicKey, Vec<u8>) {
        let pair = Ed25519KeyPair::generate().unwrap();
        let x = pair.public_key().as_ref().try_into().unwrap();
        (PublicKey::EdDsa { x }, pair.sign(b"message").as_ref().to_vec())
    }

    fn rs256() -> (PublicKey, Vec<u8>) {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), b"message", &mut signature).unwrap();
        let key = pair.public_key();
        let n = key.modulus().big_endian_without_leading_zero().to_vec();
        let e = key.exponent().big_endian_without_leading_zero().to_vec();
        (PublicKey::Rs256 { n, e }, signature)
    }

    #[test]
    fn only_its_own_signature_of_the_very_message_is_right() {
        let kinds = [es256(), eddsa(), rs256()];
        for (at, (key, signature)) in kinds.iter().enumerate() {
            assert_eq!(key.verify(b"message", signature), Ok(()), "{key:?}");
            assert_eq!(key.verify(b"massage", signature), Err(WrongSignature), "{key:?}");
            assert_eq!(key.verify(b"message", b""), Err(WrongSignature), "{key:?}");
            let mut other = signature.clone();
            other[8] ^= 1;
            assert_eq!(key.verify(b"message", &other), Err(WrongSignature), "{key:?}");
            let (_, foreign) = &kinds[(at + 1) % kinds.len()];
            assert_eq!(key.verify(b"message", foreign), Err(WrongSignature), "{key:?}");
        }
    }

    #[test]
    fn what_is_no_key_verifies_nothing() {
        let nothing = PublicKey::Es256 { x: [1; 32], y: [1; 32] };
        assert_eq!(nothing.verify(b"message", b"x"), Err(WrongSignature), "not on the curve");
        let short = PublicKey::Rs256 { n: vec![0xff; 128], e: vec![1, 0, 1] };
        assert_eq!(short.verify(b"message", &[0; 128]), Err(WrongSignature), "1024 bits");
        assert!(PublicKey::EdDsa { x: [0; 32] }.verify(b"message", &[0; 64]).is_err());
    }
}
