//! Recovery codes: for whoever lost every other second factor.
//!
//! Ten codes of 120 random bits each, shown once; we keep a SHA-256 of each, bound to its account. At
//! more than 112 bits a plain hash is enough (ASVS 6.5.2): nobody tries 2^120. Each works once, taken out
//! of the storage atomically; new codes replace all old ones.

use gabion_model::{AccountId, Rng, Secret, random};
use gabion_vault::sha256;

/// How many there are.
pub const CODES: usize = 10;

/// Ten new codes, as people write them: `K7QX-…`, six groups of four.
#[must_use]
pub fn generate(rng: &dyn Rng) -> Vec<Secret<String>> {
    (0..CODES)
        .map(|_| {
            let bytes = random::bytes::<{ GROUPS * GROUP }>(rng);
            let letters: Vec<char> = bytes.iter().map(|byte| letter(*byte)).collect();
            let groups: Vec<String> = letters.chunks(GROUP).map(|group| group.iter().collect()).collect();
            Secret::new(groups.join("-"))
        })
        .collect()
}

/// What is kept of a code; none for what cannot be one. Case, spaces and dashes do not matter, and
/// letters that look like digits are read as those.
#[must_use]
pub fn hash(account: &AccountId, typed: &Secret<String>) -> Option<[u8; 32]> {
    let typed = typed.expose();
    if typed.len() > 4 * GROUPS * GROUP {
        return None;
    }
    let letters: Option<String> = typed
        .chars()
        .filter(|one| !one.is_whitespace() && !matches!(one, '-' | '\u{2010}'..='\u{2015}'))
        .map(|one| match one.to_ascii_uppercase() {
            'O' => Some('0'),
            'I' | 'L' => Some('1'),
            other => LETTERS.contains(other).then_some(other),
        })
        .collect();
    let letters = Secret::new(letters.filter(|letters| letters.len() == GROUPS * GROUP)?);
    Some(sha256(&[b"recovery:", account.as_str().as_bytes(), b":", letters.expose().as_bytes()].concat()))
}

/// Five bits of a random byte each: all letters are equally likely.
fn letter(byte: u8) -> char {
    LETTERS.chars().nth(usize::from(byte & 31)).unwrap_or('0')
}

/// Crockford's: without I, L, O and U.
const LETTERS: &str = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const GROUPS: usize = 6;
const GROUP: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use gabion_model::random::SeededRng;
    use std::collections::HashSet;

    #[test]
    fn codes_are_many_different_and_readable() {
        let codes = generate(&SeededRng::new(1));
        assert_eq!(codes.len(), CODES);
        let unique: HashSet<_> = codes.iter().map(|code| code.expose().clone()).collect();
        assert_eq!(unique.len(), CODES);
        for code in &unique {
            assert_eq!(code.len(), 29);
            assert!(code.split('-').all(|group| group.len() == 4), "{code}");
        }
        let letters: HashSet<_> = generate(&SeededRng::new(2))
            .iter()
            .chain(&generate(&SeededRng::new(3)))
            .flat_map(|code| code.expose().chars().collect::<Vec<_>>())
            .collect();
        assert_eq!(letters.len(), 33, "all letters occur, and the dash");
    }

    #[test]
    fn a_code_is_known_however_it_is_typed_and_by_its_account_only() {
        let (ada, bob) = (AccountId::new("ada"), AccountId::new("bob"));
        let secret = |text: &str| Secret::new(text.to_owned());
        let code = "0123-4567-89AB-CDEF-GHJK-MNPQ";
        let kept = hash(&ada, &secret(code)).unwrap();
        for same in [
            "0123456789abcdefghjkmnpq",
            " 0123 4567 89ab cdef ghjk mnpq ",
            "O1I3-4567-89AB-CDEF-GHJK-MNPQ".replace("1I", "12").as_str(),
            "o1234567—89AB-CDEF-GHJK-MNPQ",
        ] {
            let expected = (same.chars().filter(char::is_ascii_alphanumeric).count() == 24).then_some(kept);
            assert_eq!(hash(&ada, &secret(same)), expected, "{same}");
        }
        assert_ne!(hash(&bob, &secret(code)), Some(kept));
        for wrong in ["", "0123", "0123-4567-89AB-CDEF-GHJK-MNPU", &"0".repeat(25), &"-".repeat(10_000)] {
            assert_eq!(hash(&ada, &secret(wrong)), None, "{wrong}");
        }
    }
}
