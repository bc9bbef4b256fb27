//! Texts that are kept elsewhere and speak of accounts, sealed with the keys of those accounts: what an incident keeps of people
//! goes with what the records say of them.
//!
//! ```text
//! {"subjects":["<id>",…],"commitment":"<base64>","key":"<base64>","sealed":["<base64>",…]}
//! ```
//!
//! `commitment` is the SHA-256 of a label, a salt of 32 bytes and the text. Salt and text are sealed, in pieces, with a key of
//! their own, and that key with the keys of all accounts the text speaks of, one around the other: without any one of them
//! nothing can be read. Whoever is given salt and text ([`Opening`]) can tell that they are what was committed to.

use std::io;

use gabion_model::{Secret, random};
use gabion_vault::encoding::{base64_decode, base64_encode};
use gabion_vault::{SealingKey, constant_time_eq, sha256_of};
use serde::{Deserialize, Serialize};

use crate::Ledger;
use crate::personal::{ERASED, SubjectId};

/// A sealed text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attached {
    /// Whose it is, in hexadecimal. None when everybody it speaks of was erased before it was written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subjects: Vec<String>,
    pub commitment: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    key: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    sealed: Vec<String>,
}

/// What opens a commitment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    salt: [u8; SALT],
    pub text: Vec<u8>,
}

/// What became of a sealed text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Detached {
    /// A key it was sealed with is destroyed.
    Erased,
    Text(Opening),
}

const COMMITMENT: &[u8] = b"gabion attached text, version 1";
const SALT: usize = 32;
/// Bytes sealed at once.
const PIECE: usize = 48 << 10;
/// The most accounts one text is sealed for.
pub const MOST_SUBJECTS: usize = 1_000;

impl Opening {
    /// As it is written beside what it opens.
    #[must_use]
    pub fn encode(&self) -> String {
        base64_encode(&[&self.salt[..], &self.text].concat())
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = base64_decode(text).ok()?;
        let (salt, text) = bytes.split_first_chunk::<SALT>()?;
        Some(Self { salt: *salt, text: text.to_vec() })
    }

    /// Whether it is what was committed to.
    #[must_use]
    pub fn opens(&self, attached: &Attached) -> bool {
        let sum = sha256_of(&[COMMITMENT, &self.salt, &self.text]);
        base64_decode(&attached.commitment).is_ok_and(|commitment| constant_time_eq(&commitment, &sum))
    }
}

impl Attached {
    /// What stands for it when it cannot be read: `erased` or, without a key here, `sealed`, and the beginning of the first
    /// subject's id.
    #[must_use]
    pub fn stand_in(&self, word: &str) -> String {
        match self.subjects.first() {
            Some(subject) => format!("{word}:{}", subject.get(..8).unwrap_or_default()),
            None => ERASED.to_owned(),
        }
    }
}

fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a sealed text was changed")
}

impl Ledger {
    /// Which of the words are names of accounts: whose, and the words that name one that was erased. May block.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub fn spoken_of<'a>(
        &self,
        words: impl IntoIterator<Item = &'a str>,
    ) -> io::Result<(Vec<SubjectId>, Vec<String>)> {
        let (mut subjects, mut erased) = (Vec::new(), Vec::new());
        for word in words {
            match self.opener.standing(&word.to_lowercase())? {
                None => {}
                Some(None) => erased.push(word.to_lowercase()),
                Some(Some(subject)) if subjects.contains(&subject) => {}
                Some(Some(subject)) => subjects.push(subject),
            }
        }
        Ok((subjects, erased))
    }

    /// Seals a text for these accounts; for none of them, it is forgotten at once.
    ///
    /// # Errors
    /// When a key is not there, or they are more than [`MOST_SUBJECTS`].
    pub fn attach(&self, subjects: &[SubjectId], text: &[u8]) -> io::Result<Attached> {
        let rng = self.opener.rng().ok_or_else(|| io::Error::from(io::ErrorKind::Unsupported))?;
        if subjects.len() > MOST_SUBJECTS {
            return Err(io::Error::other("the text speaks of too many accounts"));
        }
        let opening = Opening { salt: random::bytes(&*rng), text: text.to_vec() };
        let sum = sha256_of(&[COMMITMENT, &opening.salt, &opening.text]);
        let commitment = base64_encode(&sum);
        if subjects.is_empty() {
            return Ok(Attached { subjects: Vec::new(), commitment, key: String::new(), sealed: Vec::new() });
        }
        let bytes = SealingKey::generate(&*rng);
        let own = SealingKey::from_bytes(&bytes).map_err(io::Error::other)?;
        let whole = Secret::new([&opening.salt[..], &opening.text].concat());
        let sealed = whole.expose().chunks(PIECE).zip(0_u64..).map(|(piece, number)| {
            let sealed = own.seal(&context(number), piece, &*rng).map_err(io::Error::other)?;
            Ok(base64_encode(&sealed))
        });
        let sealed = sealed.collect::<io::Result<Vec<_>>>()?;
        let mut key = bytes.expose().clone();
        for subject in subjects {
            let theirs = self.opener.subject_key(*subject)?.ok_or_else(damaged)?;
            key = theirs.seal(&key_context(*subject), &key, &*rng).map_err(io::Error::other)?;
        }
        let subjects = subjects.iter().map(ToString::to_string).collect();
        Ok(Attached { subjects, commitment, key: base64_encode(&key), sealed })
    }

    /// Reads it, where every key is there.
    ///
    /// # Errors
    /// When it was changed, or the store cannot be asked.
    pub fn detach(&self, attached: &Attached) -> io::Result<Detached> {
        if attached.subjects.is_empty() {
            return Ok(Detached::Erased);
        }
        let mut key = base64_decode(&attached.key).map_err(|_| damaged())?;
        for subject in attached.subjects.iter().rev() {
            let subject = SubjectId::parse(subject).ok_or_else(damaged)?;
            let Some(theirs) = self.opener.subject_key(subject)? else { return Ok(Detached::Erased) };
            let opened = theirs.open(&key_context(subject), &key).map_err(|_| damaged())?;
            key = opened.expose().clone();
        }
        let own = SealingKey::from_bytes(&Secret::new(key)).map_err(|_| damaged())?;
        let mut whole = Vec::new();
        for (piece, number) in attached.sealed.iter().zip(0_u64..) {
            let piece = base64_decode(piece).map_err(|_| damaged())?;
            whole.extend_from_slice(own.open(&context(number), &piece).map_err(|_| damaged())?.expose());
        }
        let (salt, text) = whole.split_first_chunk::<SALT>().ok_or_else(damaged)?;
        let opening = Opening { salt: *salt, text: text.to_vec() };
        if opening.opens(attached) { Ok(Detached::Text(opening)) } else { Err(damaged()) }
    }
}

fn context(number: u64) -> String {
    format!("ledger:attached:{number}")
}

fn key_context(subject: SubjectId) -> String {
    format!("ledger:attached:key:{subject}")
}
