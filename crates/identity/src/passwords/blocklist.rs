//! Common passwords, recognised by how they are made rather than listed one by one.
//!
//! Lists of leaked passwords are, for the most part, a few hundred words dressed in a few ways: capitals,
//! digits and signs before, between and behind, letters replaced by look-alikes, a word twice, a walk
//! over the keyboard, one key held down. The words here are our own selection of what is publicly known
//! to be common (`common_words.txt`); together with the ways to dress them they cover many millions of
//! passwords. It is no list of breached passwords: a password that leaked once somewhere and is built
//! like none of these passes.

use std::collections::HashSet;
use std::sync::LazyLock;

/// Whether the password is, or is a simple dressing of, one of the first an attacker tries.
pub(super) fn is_common(password: &str) -> bool {
    let password: Vec<char> = password.to_lowercase().chars().collect();
    has_few_characters(&password)
        || repeats(&password)
        || is_walk(&password)
        || is_dressed(&password, &[])
        || LOOK_ALIKES.iter().any(|look_alikes| is_dressed(&password, look_alikes))
}

/// `aaaaaaaaaaaa`, `abababbbaaab`.
fn has_few_characters(password: &[char]) -> bool {
    password.iter().collect::<HashSet<_>>().len() <= 3
}

/// `x7!qx7!qx7!q`: up to four characters over and over.
fn repeats(password: &[char]) -> bool {
    (1..=4).any(|period| {
        password.len() >= 2 * period
            && password.iter().zip(password.iter().skip(period)).all(|(one, next)| one == next)
    })
}

/// `1qaz2wsx3edc`, `abcdefgh4321`: runs of neighbours, at least three characters each on average.
fn is_walk(password: &[char]) -> bool {
    let pairs = password.iter().zip(password.iter().skip(1));
    let breaks = pairs.filter(|(one, next)| !are_neighbours(**one, **next)).count();
    (breaks + 1) * 3 <= password.len()
}

fn are_neighbours(one: char, next: char) -> bool {
    let follows = |walk: &str, one: char, next: char| {
        walk.chars().zip(walk.chars().skip(1)).any(|pair| pair == (one, next))
    };
    one == next || WALKS.iter().any(|walk| follows(walk, one, next) || follows(walk, next, one))
}

/// One or two common words, or one of them any number of times, with not much else around them.
fn is_dressed(password: &[char], look_alikes: &[(char, char)]) -> bool {
    // Digits and signs at the ends are dress even where one of them could be a letter: `passw0rd1`.
    let is_dress = |character: &&char| !character.is_alphabetic();
    let before = password.iter().take_while(is_dress).count();
    let behind = password.iter().rev().take_while(is_dress).count();
    let Some(middle) = password.get(before..password.len().saturating_sub(behind)) else { return false };
    let read = |character: &char| {
        look_alikes.iter().find(|(from, _)| from == character).map_or(*character, |(_, to)| *to)
    };
    let word: String = middle.iter().map(read).filter(|character| character.is_alphabetic()).collect();
    let dress = password.len().saturating_sub(word.chars().count());
    dress <= MOST_DRESS && is_words(&word)
}

fn is_words(text: &str) -> bool {
    let is_word = |text: &str| WORDS.contains(text);
    text.char_indices().skip(1).map(|(at, _)| at).chain([text.len()]).any(|at| {
        let Some((first, rest)) = text.split_at_checked(at) else { return false };
        is_word(first)
            && (rest.is_empty()
                || is_word(rest)
                || rest.as_bytes().chunks(at).all(|chunk| chunk == first.as_bytes()))
    })
}

static WORDS: LazyLock<HashSet<&str>> =
    LazyLock::new(|| include_str!("common_words.txt").split_whitespace().collect());

/// Neighbours on keyboards (English, German, French) and in the alphabet.
const WALKS: &[&str] = &[
    "abcdefghijklmnopqrstuvwxyz",
    "1234567890",
    "qwertyuiop[]",
    "asdfghjkl;'",
    "zxcvbnm,./",
    "qwertzuiopü",
    "yxcvbnm",
    "azertyuiop",
    "qsdfghjklm",
    "wxcvbn",
    "!@#$%^&*()_+",
    "1qaz",
    "2wsx",
    "3edc",
    "4rfv",
    "5tgb",
    "6yhn",
    "7ujm",
    "8ik,",
    "9ol.",
    "0p;/",
];

/// Two readings, because `1` and `!` stand for two letters.
const LOOK_ALIKES: &[&[(char, char)]] = &[
    &[
        ('0', 'o'),
        ('1', 'i'),
        ('!', 'i'),
        ('3', 'e'),
        ('4', 'a'),
        ('@', 'a'),
        ('5', 's'),
        ('$', 's'),
        ('7', 't'),
        ('+', 't'),
    ],
    &[
        ('0', 'o'),
        ('1', 'l'),
        ('!', 'l'),
        ('3', 'e'),
        ('4', 'a'),
        ('@', 'a'),
        ('5', 's'),
        ('$', 's'),
        ('7', 't'),
        ('8', 'b'),
        ('9', 'g'),
    ],
];

/// More characters than this around a common word make a password that is not guessed early.
const MOST_DRESS: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_attackers_try_first_is_common() {
        for common in [
            "password",
            "Password123!",
            "P@ssw0rd2026",
            "passw0rd1234",
            "!!!Password!!!",
            "Welcome-2026",
            "Summer2026!!",
            "letmeinletmein",
            "passwordpassword",
            "monkeymonkeymonkey",
            "dragonmaster",
            "iloveyou12345",
            "ILOVEYOU123456",
            "123456789012",
            "qwertyuiop123",
            "1qaz2wsx3edc",
            "zaq12wsx",
            "abcdefghijkl",
            "aaaaaaaaaaaaaa",
            "abababababab",
            "x7!qx7!qx7!q",
            "098765432109",
            "qwertzuiop12",
            "azertyuiop12",
            "Qwerty123456",
            "Adm1n1strat0r",
            "trustno1",
            "changeme1234",
            "",
        ] {
            assert!(is_common(common), "{common}");
        }
    }

    #[test]
    fn what_people_should_choose_is_not() {
        for good in [
            "correct horse battery staple",
            "we row to the far island",
            "Kx9#mQ2$vL7p",
            "tangerine-oboe-glacier",
            "pa55 the salt over here",
            "ein Fass voll Regenwasser",
            "雨が降ると猫は寝ています今日",
            "winter tastes of tin and plum",
            "dragon 8364 lamp 5720",
            "gmzk qpwa xoty",
        ] {
            assert!(!is_common(good), "{good}");
        }
    }

    #[test]
    fn the_words_are_clean() {
        assert!(WORDS.len() > 500, "{}", WORDS.len());
        for word in &*WORDS {
            assert!(word.chars().all(|character| character.is_ascii_lowercase()), "{word}");
            assert!(is_common(word), "{word}");
        }
    }

    proptest! {
        #[test]
        fn any_dress_is_seen_through(
            index in 0..500_usize,
            before in "[0-9!. ]{0,2}",
            behind in "[0-9!?*]{0,6}",
            upper: bool,
        ) {
            let word = WORDS.iter().nth(index).unwrap();
            let word = if upper { word.to_uppercase() } else { (*word).to_owned() };
            let dressed = format!("{before}{word}{behind}");
            prop_assert!(is_common(&dressed), "{}", dressed);
        }

        #[test]
        fn random_passwords_are_rarely_refused(bytes: [u8; 12]) {
            // 16 characters of base64url: the chance to look common is far below one in a million.
            let password = gabion_vault::encoding::base64url_encode(&bytes);
            prop_assume!(bytes.iter().collect::<HashSet<_>>().len() > 6);
            prop_assert!(!is_common(&password), "{}", password);
        }

        #[test]
        fn any_text_is_judged(text in ".{0,128}") {
            let _ = is_common(&text);
        }
    }
}
