//! Private keys of one's own.

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
};
use gabion_model::Secret;
use serde::Serialize;

use super::{Algorithm, Jwk, der};
use crate::encoding::base64url_encode;
use crate::pem;

/// A private key for ES256, RS256 or EdDSA. `Debug` shows its `kid` only; the copy of its bytes is wiped on
/// drop.
pub struct SigningKey {
    pair: Pair,
    pkcs8: Secret<Vec<u8>>,
    public: Jwk,
}

enum Pair {
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
    Rsa(rsa::KeyPair),
}

/// Why a key cannot be made or read. Alphabetical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("a key could not be generated")]
    Generate,
    #[error("not a PKCS#8 PEM file with a P-256, an Ed25519 or an RSA key of 2048 to 8192 bits")]
    Malformed,
    #[error("keys for this algorithm are not made: ES256, RS256 and EdDSA are")]
    Unsupported,
}

/// The claims could not be written as JSON or signing failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the token could not be signed")]
pub struct SignError;

impl SigningKey {
    /// A new ES256 key from the system's random source.
    ///
    /// # Errors
    /// When the source fails.
    pub fn generate() -> Result<Self, KeyError> {
        Self::generate_for(Algorithm::Es256)
    }

    /// A new key for one of [`Algorithm::SIGNING`]; RSA keys have 2048 bits and take up to a second.
    ///
    /// # Errors
    /// [`KeyError::Unsupported`] for another algorithm.
    pub fn generate_for(algorithm: Algorithm) -> Result<Self, KeyError> {
        let random = SystemRandom::new();
        let pkcs8 = match algorithm {
            Algorithm::Es256 => {
                let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random)
                    .map_err(|_| KeyError::Generate)?;
                document.as_ref().to_vec()
            }
            Algorithm::EdDsa => {
                let document = Ed25519KeyPair::generate_pkcs8v1(&random).map_err(|_| KeyError::Generate)?;
                document.as_ref().to_vec()
            }
            Algorithm::Rs256 => {
                let pair = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).map_err(|_| KeyError::Generate)?;
                pair.as_der().map_err(|_| KeyError::Generate)?.as_ref().to_vec()
            }
            _ => return Err(KeyError::Unsupported),
        };
        Self::from_pkcs8(Secret::new(pkcs8))
    }

    /// # Errors
    /// When the text holds no P-256, Ed25519 or RSA key in PKCS#8.
    pub fn from_pkcs8_pem(text: &str) -> Result<Self, KeyError> {
        Self::from_pkcs8(pem::read_pkcs8(text).ok_or(KeyError::Malformed)?)
    }

    #[must_use]
    pub fn to_pkcs8_pem(&self) -> Secret<String> {
        pem::write_pkcs8(self.pkcs8.expose())
    }

    /// The key from the bytes of [`pkcs8`](Self::pkcs8).
    ///
    /// # Errors
    /// When they are no P-256, Ed25519 or RSA key.
    pub fn from_pkcs8(pkcs8: Secret<Vec<u8>>) -> Result<Self, KeyError> {
        let bytes = pkcs8.expose();
        let (pair, public) =
            if let Ok(pair) = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, bytes) {
                let public = Jwk::of_p256(pair.public_key().as_ref());
                (Pair::Ec(pair), public)
            } else if let Ok(pair) = Ed25519KeyPair::from_pkcs8_maybe_unchecked(bytes) {
                let public = Jwk::of_ed25519(pair.public_key().as_ref());
                (Pair::Ed(pair), public)
            } else {
                let pair = rsa::KeyPair::from_pkcs8(bytes).map_err(|_| KeyError::Malformed)?;
                let public = der::rsa_public(pair.public_key().as_ref())
                    .and_then(|(modulus, exponent)| Jwk::of_rsa(modulus, exponent));
                (Pair::Rsa(pair), public)
            };
        Ok(Self { pair, public: public.ok_or(KeyError::Malformed)?, pkcs8 })
    }

    /// The private key as PKCS#8 DER, to be sealed.
    #[must_use]
    pub const fn pkcs8(&self) -> &Secret<Vec<u8>> {
        &self.pkcs8
    }

    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        match self.pair {
            Pair::Ec(_) => Algorithm::Es256,
            Pair::Ed(_) => Algorithm::EdDsa,
            Pair::Rsa(_) => Algorithm::Rs256,
        }
    }

    /// The key's RFC 7638 thumbprint.
    #[must_use]
    pub fn kid(&self) -> &str {
        self.public.thumbprint()
    }

    #[must_use]
    pub const fn public(&self) -> &Jwk {
        &self.public
    }

    /// The compact serialisation of `claims`, with `typ` and `kid` in the header.
    ///
    /// # Errors
    /// When the claims do not serialise.
    pub fn sign(&self, typ: &str, claims: &impl Serialize) -> Result<String, SignError> {
        #[derive(Serialize)]
        struct Header<'a> {
            alg: Algorithm,
            typ: &'a str,
            kid: &'a str,
        }
        self.sign_as(&Header { alg: self.algorithm(), typ, kid: self.kid() }, claims)
    }

    /// The same with the public key itself in the header: a proof of possession (RFC 9449, 4.2).
    ///
    /// # Errors
    /// When the claims do not serialise.
    pub fn prove(&self, typ: &str, claims: &impl Serialize) -> Result<String, SignError> {
        #[derive(Serialize)]
        struct Header<'a> {
            alg: Algorithm,
            typ: &'a str,
            jwk: &'a Jwk,
        }
        self.sign_as(&Header { alg: self.algorithm(), typ, jwk: &self.public }, claims)
    }

    /// The same with any header, which has to name the algorithm itself: for whoever tests how others read headers.
    ///
    /// # Errors
    /// When header or claims do not serialise.
    pub fn sign_as(&self, header: &impl Serialize, claims: &impl Serialize) -> Result<String, SignError> {
        let header = serde_json::to_vec(header).map_err(|_| SignError)?;
        let claims = serde_json::to_vec(claims).map_err(|_| SignError)?;
        let mut token = base64url_encode(&header);
        token.push('.');
        token.push_str(&base64url_encode(&claims));
        let signature = self.sign_bytes(token.as_bytes())?;
        token.push('.');
        token.push_str(&base64url_encode(&signature));
        Ok(token)
    }

    /// The same with nothing but the algorithm in the header: for whoever knows the one key there is.
    ///
    /// # Errors
    /// When the claims do not serialise.
    pub fn sign_bare(&self, claims: &impl Serialize) -> Result<String, SignError> {
        let header = serde_json::json!({ "alg": self.algorithm() });
        let header = serde_json::to_vec(&header).map_err(|_| SignError)?;
        let claims = serde_json::to_vec(claims).map_err(|_| SignError)?;
        let signed = format!("{}.{}", base64url_encode(&header), base64url_encode(&claims));
        let signature = self.sign_bytes(signed.as_bytes())?;
        Ok(format!("{signed}.{}", base64url_encode(&signature)))
    }

    pub(crate) fn sign_bytes(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Ec(pair) => pair
                .sign(&random, message)
                .map(|signature| signature.as_ref().to_vec())
                .map_err(|_| SignError),
            Pair::Ed(pair) => {
                pair.try_sign(message).map(|signature| signature.as_ref().to_vec()).map_err(|_| SignError)
            }
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).map_err(|_| SignError)?;
                Ok(signature)
            }
        }
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("SigningKey").field("kid", &self.kid()).finish_non_exhaustive()
    }
}
