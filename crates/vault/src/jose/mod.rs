//! JSON object signing and encryption: keys (RFC 7517, 7638, 8037), signatures (RFC 7515, 7518) and
//! encryption (RFC 7516).
//!
//! The algorithm is pinned to the key, never taken from the token: a key says by its kind, its curve, its
//! `alg`, `use` and `key_ops` what it may be used for, the caller says what it accepts, and the token's
//! `alg` must be in both (RFC 8725 §3.1). `none` has no name here. No `crit` is understood, so any is
//! refused. Base64url, JSON and numbers have one spelling each; a repeated member is refused.
//!
//! Claims are read in [`crate::jwt`].

mod algorithm;
pub(crate) mod der;
pub(crate) mod header;
pub mod jwe;
mod jwk;
pub(crate) mod jws;
mod signing;
#[cfg(test)]
mod tests;

pub use algorithm::Algorithm;
pub use header::UnverifiedHeader;
pub use jwk::{Jwk, Jwks, MalformedKey};
pub use jws::{Verified, left_half_hash, verify};
pub use signing::{KeyError, SignError, SigningKey};

/// Why a token is not believed. Alphabetical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Unknown, `none`, not allowed here, or not the key's.
    #[error("the token's algorithm is not the key's or is not allowed")]
    Algorithm,
    #[error("the token is meant for somebody else")]
    Audience,
    #[error("the token's claims are not what was expected")]
    Claims,
    #[error("the token names an extension that is not understood")]
    Critical,
    #[error("the token has expired or does not say when it does")]
    Expired,
    #[error("the token was issued by somebody else")]
    Issuer,
    #[error("the token is not three parts of canonical base64url JSON")]
    Malformed,
    #[error("the token is not valid yet")]
    NotYetValid,
    #[error("the token's signature is wrong")]
    Signature,
    #[error("the token is of another type")]
    Type,
    #[error("the token was signed with a key that is not known")]
    UnknownKey,
}

/// Far above any token we mint; bounds the work a stranger can ask for.
pub const LONGEST_TOKEN: usize = 16 * 1024;
