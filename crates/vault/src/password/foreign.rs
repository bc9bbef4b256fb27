//! Passwords that other programs hashed: read, bounded, verified once, then hashed anew with ours.
//!
//! | written by | looks like |
//! |---|---|
//! | PHC string format | `$argon2id$…`, `$argon2i$…`, `$argon2d$…`, `$scrypt$…`, `$pbkdf2-sha256$…` (`-sha1`, `-sha512`) |
//! | bcrypt: devise, Laravel, Spring, htpasswd | `$2a$…`, `$2b$…`, `$2y$…` |
//! | passlib | `$pbkdf2-sha256$29000$…`, `$scrypt$ln=16,r=8,p=1$…` |
//! | Django | `pbkdf2_sha256$…`, `pbkdf2_sha1$…`, `bcrypt_sha256$…`, `bcrypt$…`, `argon2$argon2id$…`, `scrypt$…` |
//! | Werkzeug, Flask | `pbkdf2:sha256:600000$…`, `scrypt:32768:8:1$…` |
//! | Keycloak | two JSON texts; see [`from_keycloak`] |
//!
//! What a hash may cost is bounded ([`HashRefused::Costly`]): whoever can plant a hash must not be able to
//! stop the gate with it.

use std::num::NonZeroU32;

use argon2::{Algorithm, Version};
use aws_lc_rs::pbkdf2;
use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;

use super::{Cost, derive_with};
use crate::{constant_time_eq, sha256};

/// Why a hash cannot be taken over. Alphabetical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HashRefused {
    #[error("the hash asks for more memory or time than a sign-in may take")]
    Costly,
    #[error("the hash is cut off or misspelt")]
    Malformed,
    #[error("the hash is in none of the formats that are understood")]
    Unknown,
}

/// A hash that another program made, read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Foreign {
    Argon2 { algorithm: Algorithm, version: Version, cost: Cost, salt: Vec<u8>, output: Vec<u8> },
    Bcrypt { text: String, prehashed: bool },
    Pbkdf2 { hash: Hash, iterations: NonZeroU32, salt: Vec<u8>, output: Vec<u8> },
    Scrypt { log_n: u8, r: u32, p: u32, salt: Vec<u8>, output: Vec<u8> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hash {
    Sha1,
    Sha256,
    Sha512,
}

/// Judges a stored hash, ours or another program's, and says what it is.
///
/// # Errors
/// When no password could ever be verified against it.
pub fn examine(stored: &str) -> Result<&'static str, HashRefused> {
    if super::parse(stored).is_some() {
        return Ok("Argon2id");
    }
    Ok(match Foreign::parse(stored)? {
        Foreign::Argon2 { .. } => "Argon2",
        Foreign::Bcrypt { .. } => "bcrypt",
        Foreign::Pbkdf2 { .. } => "PBKDF2",
        Foreign::Scrypt { .. } => "scrypt",
    })
}

/// The stored form of a Keycloak credential, from its `credentialData` and `secretData`.
///
/// # Errors
/// When it is not one of Keycloak's own algorithms or a part is missing.
pub fn from_keycloak(credential: &str, secret: &str) -> Result<String, HashRefused> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Credential {
        hash_iterations: u32,
        algorithm: String,
        #[serde(default)]
        additional_parameters: std::collections::BTreeMap<String, Vec<String>>,
    }
    #[derive(Deserialize)]
    struct Secret {
        value: String,
        salt: String,
    }
    let credential: Credential = serde_json::from_str(credential).map_err(|_| HashRefused::Malformed)?;
    let secret: Secret = serde_json::from_str(secret).map_err(|_| HashRefused::Malformed)?;
    let bare = |text: &str| text.trim_end_matches('=').to_owned();
    let (salt, value) = (bare(&secret.salt), bare(&secret.value));
    let iterations = credential.hash_iterations;
    let stored = match credential.algorithm.as_str() {
        "pbkdf2" => format!("$pbkdf2-sha1$i={iterations}${salt}${value}"),
        "pbkdf2-sha256" => format!("$pbkdf2-sha256$i={iterations}${salt}${value}"),
        "pbkdf2-sha512" => format!("$pbkdf2-sha512$i={iterations}${salt}${value}"),
        "argon2" => {
            let more = |name: &str| {
                credential
                    .additional_parameters
                    .get(name)
                    .and_then(|values| values.first())
                    .map(String::as_str)
            };
            let version = match more("version") {
                Some("1.3") | None => 19,
                Some("1.0") => 16,
                Some(_) => return Err(HashRefused::Unknown),
            };
            let (kind, memory) =
                (more("type").unwrap_or("id"), more("memory").ok_or(HashRefused::Malformed)?);
            let lanes = more("parallelism").unwrap_or("1");
            format!("$argon2{kind}$v={version}$m={memory},t={iterations},p={lanes}${salt}${value}")
        }
        _ => return Err(HashRefused::Unknown),
    };
    Foreign::parse(&stored).map(|_| stored)
}

impl Foreign {
    pub(super) fn parse(stored: &str) -> Result<Self, HashRefused> {
        if stored.len() > LONGEST {
            return Err(HashRefused::Malformed);
        }
        let fields: Vec<&str> = stored.split('$').collect();
        let hash = |word: &str| {
            Some(match word {
                "sha1" => Hash::Sha1,
                "sha256" => Hash::Sha256,
                "sha512" => Hash::Sha512,
                _ => return None,
            })
        };
        match fields.as_slice() {
            ["", kind @ ("2a" | "2b" | "2y"), cost, rest]
            | ["bcrypt", "", kind @ ("2a" | "2b" | "2y"), cost, rest] => bcrypt(kind, cost, rest, false),
            ["bcrypt_sha256", "", kind @ ("2a" | "2b" | "2y"), cost, rest] => bcrypt(kind, cost, rest, true),
            ["", kind @ ("argon2id" | "argon2i" | "argon2d"), rest @ ..]
            | ["argon2", kind @ ("argon2id" | "argon2i" | "argon2d"), rest @ ..] => argon2(kind, rest),
            ["", "scrypt", parameters, salt, output] => {
                let [n, r, p] = parameters_of(parameters, ["ln", "r", "p"])?;
                scrypt(n, r, p, base64(salt)?, base64(output)?)
            }
            // Django: work factor, salt as it stands, block size, lanes.
            ["scrypt", n, salt, r, p, output] => {
                scrypt(log2(number(n)?)?, number(r)?, number(p)?, salt.as_bytes().to_vec(), base64(output)?)
            }
            ["", "pbkdf2", parameters, salt, output] => pbkdf2(Hash::Sha1, parameters, salt, output),
            ["", scheme, parameters, salt, output] => {
                let word = scheme.strip_prefix("pbkdf2-").ok_or(HashRefused::Unknown)?;
                pbkdf2(hash(word).ok_or(HashRefused::Unknown)?, parameters, salt, output)
            }
            // Django: the salt as it stands.
            [scheme, count, salt, output] if scheme.starts_with("pbkdf2_") => {
                let hash = hash(after(scheme, "pbkdf2_")).ok_or(HashRefused::Unknown)?;
                pbkdf2_of(hash, number(count)?, salt.as_bytes().to_vec(), base64(output)?)
            }
            // Werkzeug: everything in the first field, the output in hexadecimal.
            [method, salt, output] => {
                let (salt, output) = (salt.as_bytes().to_vec(), hex(output)?);
                match method.split(':').collect::<Vec<_>>().as_slice() {
                    ["scrypt", n, r, p] => scrypt(log2(number(n)?)?, number(r)?, number(p)?, salt, output),
                    ["pbkdf2", word, count] => {
                        pbkdf2_of(hash(word).ok_or(HashRefused::Unknown)?, number(count)?, salt, output)
                    }
                    _ => Err(HashRefused::Unknown),
                }
            }
            _ => Err(HashRefused::Unknown),
        }
    }

    pub(super) fn verify(&self, password: &[u8]) -> bool {
        // To bcrypt in C a NUL ends the password, to HMAC one at its end is padding: two would be one.
        if password.contains(&0) {
            return false;
        }
        match self {
            Self::Argon2 { algorithm, version, cost, salt, output } => {
                derive_with((*algorithm, *version), password, salt, *cost, output.len())
                    .is_some_and(|own| constant_time_eq(&own, output))
            }
            Self::Bcrypt { text, prehashed: false } => bcrypt::verify(password, text).unwrap_or(false),
            Self::Bcrypt { text, prehashed: true } => {
                let hashed: String = sha256(password).iter().map(|byte| format!("{byte:02x}")).collect();
                bcrypt::verify(hashed, text).unwrap_or(false)
            }
            Self::Pbkdf2 { hash, iterations, salt, output } => {
                let algorithm = match hash {
                    Hash::Sha1 => pbkdf2::PBKDF2_HMAC_SHA1,
                    Hash::Sha256 => pbkdf2::PBKDF2_HMAC_SHA256,
                    Hash::Sha512 => pbkdf2::PBKDF2_HMAC_SHA512,
                };
                pbkdf2::verify(algorithm, *iterations, salt, password, output).is_ok()
            }
            Self::Scrypt { log_n, r, p, salt, output } => {
                let Ok(parameters) = scrypt::Params::new(*log_n, *r, *p) else { return false };
                let mut own = vec![0; output.len()];
                scrypt::scrypt(password, salt, &parameters, &mut own).is_ok()
                    && constant_time_eq(&own, output)
            }
        }
    }
}

fn argon2(kind: &str, rest: &[&str]) -> Result<Foreign, HashRefused> {
    let algorithm = match kind {
        "argon2id" => Algorithm::Argon2id,
        "argon2i" => Algorithm::Argon2i,
        _ => Algorithm::Argon2d,
    };
    let (version, rest) = match rest {
        ["v=19", rest @ ..] => (Version::V0x13, rest),
        ["v=16", rest @ ..] => (Version::V0x10, rest),
        // The first version said none.
        rest => (Version::V0x10, rest),
    };
    let [parameters, salt, output] = rest else { return Err(HashRefused::Malformed) };
    let [memory_kib, passes, lanes] = parameters_of(parameters, ["m", "t", "p"])?;
    let cost = Cost { memory_kib, passes, lanes };
    let (salt, output) = (base64(salt)?, base64(output)?);
    if !cost.within_ceiling() || u64::from(memory_kib) * u64::from(passes) > MOST_KIB_PASSES {
        return Err(HashRefused::Costly);
    }
    let sound = memory_kib >= lanes.saturating_mul(8) && passes > 0 && lanes > 0;
    if !sound || !(8..=64).contains(&salt.len()) {
        return Err(HashRefused::Malformed);
    }
    checked(&output)?;
    Ok(Foreign::Argon2 { algorithm, version, cost, salt, output })
}

fn bcrypt(kind: &str, cost: &str, rest: &str, prehashed: bool) -> Result<Foreign, HashRefused> {
    let alphabet = |byte: u8| byte.is_ascii_alphanumeric() || b"./".contains(&byte);
    if cost.len() != 2 || rest.len() != 53 || !rest.bytes().all(alphabet) {
        return Err(HashRefused::Malformed);
    }
    match number(cost)? {
        4..=MOST_BCRYPT => Ok(Foreign::Bcrypt { text: format!("${kind}${cost}${rest}"), prehashed }),
        0..4 => Err(HashRefused::Malformed),
        _ => Err(HashRefused::Costly),
    }
}

/// `29000` (passlib) or `i=29000` or `i=29000,l=32`.
fn pbkdf2(hash: Hash, parameters: &str, salt: &str, output: &str) -> Result<Foreign, HashRefused> {
    let mut words = parameters.split(',');
    let count = words.next().unwrap_or_default();
    let iterations = number(count.strip_prefix("i=").unwrap_or(count))?;
    let output = base64(output)?;
    if let Some(length) = words.next()
        && length.strip_prefix("l=").map(number) != Some(Ok(u32::try_from(output.len()).unwrap_or(0)))
    {
        return Err(HashRefused::Malformed);
    }
    if words.next().is_some() {
        return Err(HashRefused::Malformed);
    }
    pbkdf2_of(hash, iterations, base64(salt)?, output)
}

fn pbkdf2_of(hash: Hash, iterations: u32, salt: Vec<u8>, output: Vec<u8>) -> Result<Foreign, HashRefused> {
    let block: usize = match hash {
        Hash::Sha1 => 20,
        Hash::Sha256 => 32,
        Hash::Sha512 => 64,
    };
    let blocks = u32::try_from(output.len().div_ceil(block)).unwrap_or(u32::MAX);
    if iterations.saturating_mul(blocks) > MOST_ITERATIONS {
        return Err(HashRefused::Costly);
    }
    checked(&output)?;
    let iterations = NonZeroU32::new(iterations).ok_or(HashRefused::Malformed)?;
    Ok(Foreign::Pbkdf2 { hash, iterations, salt, output })
}

fn scrypt(log_n: u32, r: u32, p: u32, salt: Vec<u8>, output: Vec<u8>) -> Result<Foreign, HashRefused> {
    if log_n == 0 || r == 0 || p == 0 {
        return Err(HashRefused::Malformed);
    }
    let blocks = 1_u64.checked_shl(log_n).filter(|_| log_n < 32).map(|n| n.saturating_mul(u64::from(r)));
    let costly = |blocks: u64| {
        blocks > MOST_SCRYPT_BLOCKS || blocks.saturating_mul(u64::from(p)) > 8 * MOST_SCRYPT_BLOCKS
    };
    if blocks.is_none_or(costly) || r > 64 || p > 64 {
        return Err(HashRefused::Costly);
    }
    checked(&output)?;
    let log_n = u8::try_from(log_n).map_err(|_| HashRefused::Costly)?;
    Ok(Foreign::Scrypt { log_n, r, p, salt, output })
}

/// Fewer than 16 bytes can be met by chance, and more than 128 are no hash.
fn checked(output: &[u8]) -> Result<(), HashRefused> {
    if (16..=128).contains(&output.len()) { Ok(()) } else { Err(HashRefused::Malformed) }
}

/// `m=…,t=…,p=…`: these, in this order, no others.
fn parameters_of(text: &str, names: [&str; 3]) -> Result<[u32; 3], HashRefused> {
    let mut words = text.split(',');
    let mut next = |name: &str| {
        let word = words.next().and_then(|word| word.strip_prefix(name)?.strip_prefix('='));
        word.ok_or(HashRefused::Malformed).and_then(number)
    };
    let [first, second, third] = names;
    let found = [next(first)?, next(second)?, next(third)?];
    if words.next().is_some() { Err(HashRefused::Malformed) } else { Ok(found) }
}

fn number(text: &str) -> Result<u32, HashRefused> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits {
        return Err(HashRefused::Malformed);
    }
    // More digits than a number has are a cost nobody pays.
    text.parse().map_err(|_| HashRefused::Costly)
}

fn log2(n: u32) -> Result<u32, HashRefused> {
    if n.is_power_of_two() { Ok(n.trailing_zeros()) } else { Err(HashRefused::Malformed) }
}

/// With or without padding, and with the `.` that passlib writes for `+`.
fn base64(text: &str) -> Result<Vec<u8>, HashRefused> {
    let engine = GeneralPurpose::new(
        &alphabet::STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    engine.decode(text.replace('.', "+")).map_err(|_| HashRefused::Malformed)
}

fn hex(text: &str) -> Result<Vec<u8>, HashRefused> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let bytes =
        pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect::<Option<_>>();
    bytes.filter(|_| rest.is_empty()).ok_or(HashRefused::Malformed)
}

fn after<'a>(text: &'a str, prefix: &str) -> &'a str {
    text.strip_prefix(prefix).unwrap_or_default()
}

const LONGEST: usize = 1024;
/// About a second on one core: cost 12 takes 0.3 s.
const MOST_BCRYPT: u32 = 14;
/// Django's default of 2026 is 1,200,000.
const MOST_ITERATIONS: u32 = 2_500_000;
/// Of 128 bytes: 128 MiB.
const MOST_SCRYPT_BLOCKS: u64 = 1 << 20;
/// 256 MiB four times over.
const MOST_KIB_PASSES: u64 = 1 << 20;
