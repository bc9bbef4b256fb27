//! How much a text looks like words: a model of the characters of identifiers and prose.
//!
//! `words/characters.txt` says for every two characters how surprising each third is, in quarters of a bit; it was counted over the
//! distinct words of published source code by `examples/train.rs`, which writes it anew. What people name and write scores low,
//! what a generator drew scores high, whatever its alphabet: `databaseConnection` 2.6, `x7Kq9vBn2mWz` 8.0. Entropy cannot tell
//! these two apart; they use as many different characters.

use std::sync::OnceLock;

/// Letters of either case, digits, and everything else as one.
const SYMBOLS: usize = 37;
/// What the table's characters count from.
const ZERO: u8 = b'0';
static TABLE: &str = include_str!("words/characters.txt");

/// How surprising the characters of a text are, in bits for each, ends included: words of people lie below 4.5, drawn characters above 5.5.
pub(crate) fn surprise(text: &str) -> f32 {
    let mut total = 0_u32;
    let mut count = 0_u32;
    let (mut first, mut second) = (SYMBOLS - 1, SYMBOLS - 1);
    for third in text.bytes().map(symbol).chain(std::iter::once(SYMBOLS - 1)) {
        // Several signs in a row are one.
        if third == SYMBOLS - 1 && second == SYMBOLS - 1 {
            continue;
        }
        total = total.saturating_add(u32::from(quarters(first, second, third)));
        count = count.saturating_add(1);
        (first, second) = (second, third);
    }
    if count == 0 {
        0.0
    } else {
        f32::from(u16::try_from(total.min(60_000)).unwrap_or(0)) / 4.0 / small(count)
    }
}

/// The surprise of three bytes, the third after the two, in quarters of a bit.
pub(crate) fn surprise_of(three: &[u8]) -> u8 {
    match three {
        [first, second, third] => quarters(symbol(*first), symbol(*second), symbol(*third)),
        _ => 0,
    }
}

fn small(count: u32) -> f32 {
    f32::from(u16::try_from(count).unwrap_or(u16::MAX))
}

fn quarters(first: usize, second: usize, third: usize) -> u8 {
    let place = (first * SYMBOLS + second) * SYMBOLS + third;
    table().get(place).copied().unwrap_or(0)
}

fn table() -> &'static [u8] {
    static READ: OnceLock<Vec<u8>> = OnceLock::new();
    READ.get_or_init(|| {
        let signs = TABLE.lines().flat_map(str::bytes);
        signs.map(|sign| sign.saturating_sub(ZERO)).collect()
    })
}

/// The number of a character in the table.
fn symbol(byte: u8) -> usize {
    let number = match byte {
        b'a'..=b'z' => byte - b'a',
        b'A'..=b'Z' => byte - b'A',
        b'0'..=b'9' => byte - b'0' + 26,
        _ => 36,
    };
    usize::from(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_whole() {
        assert_eq!(table().len(), SYMBOLS * SYMBOLS * SYMBOLS);
        assert!(table().iter().all(|quarters| *quarters < 64));
    }

    #[test]
    fn words_are_told_from_drawn_characters() {
        let words = [
            "databaseConnection",
            "password_confirmation",
            "getUserAuthenticationToken",
            "my-application-name",
            "organization.settings.members",
            "CONNECTION_TIMEOUT_SECONDS",
            "this is a sentence of a manual",
        ];
        let drawn = [
            "x7Kq9vBn2mWz",
            "hfbpozfhvuwgtfosmo2imqskc73w04jf",
            "9f86d081884c7d659a2feaa0c55ad015",
            "wJalrXUtnFEMIK7MDENGbPxRfiCY",
            "Zk3pQ8sLw0TgYb5NcVd1",
        ];
        for text in words {
            assert!(surprise(text) < 4.2, "{text} {}", surprise(text));
        }
        for text in drawn {
            assert!(surprise(text) > 4.6, "{text} {}", surprise(text));
        }
        assert!(surprise("").is_finite());
    }
}
