//! The only crate that names a cryptographic primitive or holds a key.
//!
//! Everything else asks for a purpose, not an algorithm: [`password::hash`], [`jose::SigningKey::sign`],
//! [`tls::provider`]. One stack stands below it: aws-lc-rs, with Argon2id from the `argon2` crate.

pub mod digest;
pub mod encoding;
pub mod jose;
pub mod json;
pub mod jwt;
pub mod password;
mod pem;
mod random;
pub mod seal;
pub mod signature;
pub mod tls;
pub mod webhook;
pub mod x509;

pub use digest::{constant_time_eq, hmac_sha1, hmac_sha256, hmac_sha512, sha1, sha256, sha256_of, sha512};
pub use random::SystemRng;
pub use seal::SealingKey;
