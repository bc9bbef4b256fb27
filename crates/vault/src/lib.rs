//! The only crate that names a cryptographic primitive or holds a key.
//!
//! Everything else asks for a purpose, not an algorithm: [`password::hash`], [`jose::SigningKey::sign`],
//! [`tls::provider`]. One stack stands below it: aws-lc-rs, with Argon2id from the `argon2` crate.
//!
//! Without the feature `full` there is what reading a signed log takes: hashes, encodings, seals and signatures.

pub mod digest;
pub mod encoding;
mod index;
#[cfg(feature = "full")]
pub mod jose;
#[cfg(feature = "full")]
pub mod json;
#[cfg(feature = "full")]
pub mod jwt;
#[cfg(feature = "full")]
pub mod password;
#[cfg(feature = "full")]
mod pem;
mod random;
pub mod record;
pub mod seal;
pub mod signature;
#[cfg(feature = "full")]
pub mod sigv4;
#[cfg(feature = "full")]
pub mod tls;
#[cfg(feature = "full")]
pub mod webhook;
#[cfg(feature = "full")]
pub mod x509;

pub use digest::{
    Sha256, constant_time_eq, hmac_sha1, hmac_sha256, hmac_sha384, hmac_sha512, md5, sha1, sha256, sha256_of,
    sha512,
};
pub use index::{IndexKey, IndexSum};
pub use random::SystemRng;
pub use record::{RecordKey, SegmentKey};
pub use seal::SealingKey;
