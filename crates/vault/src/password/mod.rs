//! Password hashing: Argon2id (RFC 9106) in the PHC string format.
//!
//! The floor is 19 MiB, 2 passes, 1 lane (OWASP Password Storage Cheat Sheet). What is read back from
//! storage is bounded, so that a hostile PHC string can neither take the memory nor the processor. Hashes that
//! other programs made are verified as well ([`examine`] says which) and are always due to be hashed anew.

mod foreign;
#[cfg(test)]
mod foreign_tests;

use argon2::{Algorithm, Argon2, Block, Params, PasswordHash, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use gabion_model::{Rng, Secret, random};
use zeroize::Zeroize;

use crate::constant_time_eq;
use foreign::Foreign;

pub use foreign::{HashRefused, examine, from_keycloak};

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
    made: Made,
}

/// By whom a hash was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Made {
    Elsewhere,
    Here(Cost),
    Unreadable,
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

    /// The password is right and its hash is cheaper than `asked` or another program's: hash it anew and
    /// keep that.
    #[must_use]
    pub fn needs_rehash(self, asked: Cost) -> bool {
        let due = match self.made {
            Made::Elsewhere => true,
            Made::Here(cost) => cost.is_below(asked),
            Made::Unreadable => false,
        };
        self.matches && due
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

/// Checks a password against a stored hash. A hash that cannot be read, or demands more than is allowed
/// ([`Cost::CEILING`], [`HashRefused::Costly`]), matches nothing, and that takes as long as one hash at the
/// floor.
#[must_use]
pub fn verify(password: &Secret<String>, stored: &str) -> Verification {
    let password = password.expose().as_bytes();
    if let Some(own) = parse(stored) {
        let matches = derive(password, &own.salt, own.cost)
            .is_some_and(|output| constant_time_eq(&output, &own.output));
        return Verification { matches, made: Made::Here(own.cost) };
    }
    if let Ok(foreign) = Foreign::parse(stored) {
        return Verification { matches: foreign.verify(password), made: Made::Elsewhere };
    }
    let _ = derive(password, &[0; 16], Cost::FLOOR);
    Verification { matches: false, made: Made::Unreadable }
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
    derive_with((Algorithm::Argon2id, Version::V0x13), password, salt, cost, OUTPUT)?.try_into().ok()
}

/// None when the memory cannot be had. The memory is wiped: what is in it is as good as the password to
/// whoever guesses at it.
fn derive_with(
    (algorithm, version): (Algorithm, Version),
    password: &[u8],
    salt: &[u8],
    cost: Cost,
    length: usize,
) -> Option<Vec<u8>> {
    let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(length)).ok()?;
    let mut memory = Vec::new();
    memory.try_reserve_exact(params.block_count()).ok()?;
    memory.resize(params.block_count(), Block::new());
    let mut output = vec![0; length];
    let argon = Argon2::new(algorithm, version, params);
    let derived = argon.hash_password_into_with_memory(password, salt, &mut output, &mut memory);
    memory.iter_mut().for_each(Zeroize::zeroize);
    derived.ok().map(|()| output)
}

const OUTPUT: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use gabion_model::random::SeededRng;
    use proptest::prelude::*;

    fn secret(text: &str) -> Secret<String> {
        Secret::new(text.to_owned())
    }

    /// Made with the reference implementation (argon2-cffi).
    const REFERENCE: &str =
        "$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$P8f1wIjVLr8y/5kcGL9GSqgPQXWRcWgfnP/CeEj6lYM";

    #[test]
    fn agrees_with_the_reference_implementation() {
        assert!(verify(&secret("pass\u{175}ord ✓"), REFERENCE).matches());
        assert!(!verify(&secret("password ✓"), REFERENCE).matches());
        let salt: Vec<_> = (0..16).collect();
        let output = derive("pass\u{175}ord ✓".as_bytes(), &salt, Cost::FLOOR).unwrap();
        assert_eq!(print(Cost::FLOOR, &salt, &output), REFERENCE);
    }

    #[test]
    fn a_hash_is_salted_and_matches_its_password_only() {
        let rng = SeededRng::new(1);
        let phc = hash(&secret("correct horse"), Cost::FLOOR, &rng).unwrap();
        assert_ne!(phc, hash(&secret("correct horse"), Cost::FLOOR, &rng).unwrap());
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{phc}");
        for (password, expected) in
            [("correct horse", true), ("correct hors", false), ("Correct horse", false), ("", false)]
        {
            assert_eq!(verify(&secret(password), &phc).matches(), expected, "{password}");
        }
        // Nothing is cut off, wherever the difference is.
        let long = "x".repeat(500);
        let phc = hash(&secret(&format!("{long}1")), Cost::FLOOR, &rng).unwrap();
        assert!(!verify(&secret(&format!("{long}2")), &phc).matches());
        let nul = hash(&secret("a\0b"), Cost::FLOOR, &rng).unwrap();
        assert!(!verify(&secret("a\0c"), &nul).matches());
    }

    #[test]
    fn a_cheaper_hash_is_to_be_renewed_when_the_password_is_right() {
        let (costlier, longer) = (Cost::new(32 * 1024, 2, 1).unwrap(), Cost::new(19_456, 3, 1).unwrap());
        let right = verify(&secret("pass\u{175}ord ✓"), REFERENCE);
        assert!(!right.needs_rehash(Cost::FLOOR));
        assert!(right.needs_rehash(costlier) && right.needs_rehash(longer));
        assert!(!verify(&secret("wrong"), REFERENCE).needs_rehash(costlier));
    }

    #[test]
    fn nobody_matches_the_dummy_and_it_costs_the_same() {
        let dummy = dummy(Cost::FLOOR, &SeededRng::new(1));
        assert!(!verify(&secret(""), &dummy).matches());
        assert_eq!(dummy.len(), REFERENCE.len());
        assert_eq!(parse(&dummy).unwrap().cost, Cost::FLOOR);
    }

    #[test]
    fn a_hostile_hash_takes_neither_memory_nor_time() {
        let (head, tail) = REFERENCE.split_at(15);
        for params in [
            "m=4294967295,t=2,p=1",
            "m=19456,t=4294967295,p=1",
            "m=262145,t=2,p=1",
            "m=19456,t=17,p=1",
            "m=19456,t=2,p=17",
        ] {
            let hostile = format!("{head}{}", tail.replacen("m=19456,t=2,p=1", params, 1));
            assert!(hostile.contains(params));
            assert!(parse(&hostile).is_none(), "{hostile}");
        }
        for malformed in [
            "",
            "$",
            "$argon2id$",
            "plain",
            &REFERENCE.replace("argon2id", "argon2i"),
            &REFERENCE.replace("v=19", "v=16"),
            REFERENCE.split_at(REFERENCE.len() - 4).0,
            &REFERENCE.replace("AAECAwQFBgcICQoLDA0ODw", "AAEC"),
            &REFERENCE.replace("$P8f1", "$P8f1="),
            &format!("{REFERENCE}$"),
        ] {
            assert!(parse(malformed).is_none(), "{malformed}");
        }
        assert!(!verify(&secret(""), "").matches());
    }

    #[test]
    fn costs_stay_between_floor_and_ceiling() {
        assert_eq!(Cost::new(19_455, 2, 1), Err(CostOutOfRange::Memory));
        assert_eq!(Cost::new(262_145, 2, 1), Err(CostOutOfRange::Memory));
        assert_eq!(Cost::new(19_456, 1, 1), Err(CostOutOfRange::Passes));
        assert_eq!(Cost::new(19_456, 17, 1), Err(CostOutOfRange::Passes));
        assert_eq!(Cost::new(19_456, 2, 0), Err(CostOutOfRange::Lanes));
        assert_eq!(Cost::new(19_456, 2, 1), Ok(Cost::default()));
        assert_eq!(CostOutOfRange::Memory.to_string(), "memory must be between 19456 and 262144 KiB");
    }

    proptest! {
        #[test]
        fn any_stored_text_is_parsed_or_refused_within_the_ceiling(
            text in ".{0,120}|\\$argon2id\\$v=19\\$m=[0-9]{1,10},t=[0-9]{1,10},p=[0-9]{1,8}\\$[A-Za-z0-9+/]{8,30}\\$[A-Za-z0-9+/]{40,46}"
        ) {
            if let Some(stored) = parse(&text) {
                prop_assert!(stored.cost.within_ceiling());
            }
        }
    }
}
