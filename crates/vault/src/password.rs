//! Password hashing: Argon2id (RFC 9106) in the PHC string format.
//!
//! The floor is 19 MiB, 2 passes, 1 lane (OWASP Password Storage Cheat Sheet). What is read back from
//! storage is bounded, so that a hostile PHC string can neither take the memory nor the processor.

use argon2::{Algorithm, Argon2, Params, PasswordHash, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use gabion_model::{Rng, Secret, random};

use crate::constant_time_eq;

/// How much work one hash takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

/// What looking at a password against a stored hash showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verification {
    matches: bool,
    cost: Option<Cost>,
}

/// Why a cost is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CostOutOfRange {
    #[error("lanes must be between 1 and {}", Cost::CEILING.lanes)]
    Lanes,
    #[error("memory must be between {} and {} KiB", Cost::FLOOR.memory_kib, Cost::CEILING.memory_kib)]
    Memory,
    #[error("passes must be between {} and {}", Cost::FLOOR.passes, Cost::CEILING.passes)]
    Passes,
}

/// The memory for one hash could not be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not enough memory to hash a password")]
pub struct HashFailed;

impl Cost {
    /// 19 MiB, 2 passes, 1 lane. Also the default.
    pub const FLOOR: Self = Self { memory_kib: 19_456, passes: 2, lanes: 1 };
    /// The most a configuration may ask for and a stored hash may demand.
    pub const CEILING: Self = Self { memory_kib: 256 * 1024, passes: 16, lanes: 16 };

    /// # Errors
    /// When a number lies below the floor or above the ceiling.
    pub const fn new(memory_kib: u32, passes: u32, lanes: u32) -> Result<Self, CostOutOfRange> {
        if memory_kib < Self::FLOOR.memory_kib || memory_kib > Self::CEILING.memory_kib {
            return Err(CostOutOfRange::Memory);
        }
        if passes < Self::FLOOR.passes || passes > Self::CEILING.passes {
            return Err(CostOutOfRange::Passes);
        }
        if lanes < Self::FLOOR.lanes || lanes > Self::CEILING.lanes {
            return Err(CostOutOfRange::Lanes);
        }
        Ok(Self { memory_kib, passes, lanes })
    }

    #[must_use]
    pub const fn memory_bytes(self) -> u64 {
        self.memory_kib as u64 * 1024
    }

    #[must_use]
    pub const fn passes(self) -> u32 {
        self.passes
    }

    #[must_use]
    pub const fn lanes(self) -> u32 {
        self.lanes
    }

    const fn is_below(self, asked: Self) -> bool {
        self.memory_kib < asked.memory_kib || self.passes < asked.passes
    }

    fn within_ceiling(self) -> bool {
        self.memory_kib <= Self::CEILING.memory_kib
            && self.passes <= Self::CEILING.passes
            && self.lanes <= Self::CEILING.lanes
    }
}

impl Default for Cost {
    fn default() -> Self {
        Self::FLOOR
    }
}

impl Verification {
    /// The password is the one that was hashed.
    #[must_use]
    pub const fn matches(self) -> bool {
        self.matches
    }

    /// The password is right and its hash is cheaper than `asked`: hash it anew and keep that.
    #[must_use]
    pub fn needs_rehash(self, asked: Cost) -> bool {
        self.matches && self.cost.is_some_and(|cost| cost.is_below(asked))
    }
}

/// Hashes a password with a fresh 128-bit salt. Takes tens of milliseconds: never on a thread that
/// serves requests.
///
/// # Errors
/// When the memory cannot be had.
pub fn hash(password: &Secret<String>, cost: Cost, rng: &dyn Rng) -> Result<String, HashFailed> {
    let salt: [u8; 16] = random::bytes(rng);
    let output = derive(password.expose().as_bytes(), &salt, cost).ok_or(HashFailed)?;
    Ok(print(cost, &salt, &output))
}

/// Checks a password against a stored hash. A hash that cannot be read, or demands more than
/// [`Cost::CEILING`], matches nothing, and that takes as long as one hash at the floor.
#[must_use]
pub fn verify(password: &Secret<String>, phc: &str) -> Verification {
    let Some(stored) = parse(phc) else {
        let _ = derive(password.expose().as_bytes(), &[0; 16], Cost::FLOOR);
        return Verification { matches: false, cost: None };
    };
    let matches = derive(password.expose().as_bytes(), &stored.salt, stored.cost)
        .is_some_and(|output| constant_time_eq(&output, &stored.output));
    Verification { matches, cost: Some(stored.cost) }
}

/// A hash of nobody's password at the given cost: what an unknown name is verified against, so that it
/// takes as long as a known one. Its output is random, so nothing matches it.
#[must_use]
pub fn dummy(cost: Cost, rng: &dyn Rng) -> String {
    let (salt, output): ([u8; 16], [u8; 32]) = (random::bytes(rng), random::bytes(rng));
    print(cost, &salt, &output)
}

struct Stored {
    cost: Cost,
    salt: Vec<u8>,
    output: Vec<u8>,
}

fn parse(phc: &str) -> Option<Stored> {
    let hash = PasswordHash::new(phc).ok()?;
    if hash.algorithm.as_str() != "argon2id" || hash.version != Some(0x13) {
        return None;
    }
    let params = Params::try_from(&hash).ok()?;
    let cost = Cost { memory_kib: params.m_cost(), passes: params.t_cost(), lanes: params.p_cost() };
    let (salt, output) = (hash.salt?, hash.hash?);
    let sound = cost.within_ceiling() && salt.len() >= 8 && output.len() == OUTPUT;
    sound.then(|| Stored { cost, salt: salt.to_vec(), output: output.as_bytes().to_vec() })
}

fn print(cost: Cost, salt: &[u8], output: &[u8]) -> String {
    let Cost { memory_kib, passes, lanes } = cost;
    let (salt, output) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(output));
    format!("$argon2id$v=19$m={memory_kib},t={passes},p={lanes}${salt}${output}")
}

fn derive(password: &[u8], salt: &[u8], cost: Cost) -> Option<[u8; OUTPUT]> {
    let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(OUTPUT)).ok()?;
    let mut output = [0; OUTPUT];
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon.hash_password_into(password, salt, &mut output).ok()?;
    Some(output)
}

const OUTPUT: usize = 32;
