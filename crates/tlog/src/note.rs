//! Texts with signatures beside them (C2SP signed-note).
//!
//! ```text
//! <text, ending in a newline>
//! <empty line>
//! — <name of the key> <base64 of key id (4 bytes) and signature>
//! ```

use std::fmt;
use std::sync::Arc;

use gabion_model::Secret;
use gabion_vault::encoding::{base64_decode, base64_encode, hex_decode, hex_encode};
use gabion_vault::sha256_of;
use gabion_vault::signature::{Ed25519Key, PublicKey};

/// The most bytes a note has that is read.
pub const LONGEST: usize = 64 << 10;
/// The most signatures of a note that is read; the specification asks for at least 16.
pub const MOST_SIGNATURES: usize = 64;

/// What a key signs: the byte of the signature type, which the key's id is made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Notes: a log signs its checkpoints (type 1, Ed25519).
    Log,
    /// A witness signs somebody else's checkpoints with the time (type 4, Ed25519).
    Witness,
}

impl Purpose {
    const fn byte(self) -> u8 {
        match self {
            Self::Log => 1,
            Self::Witness => 4,
        }
    }
}

/// The public half of a key: what a reader is given to believe in.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct VerifyingKey {
    name: String,
    id: u32,
    purpose: Purpose,
    public: [u8; 32],
}

/// A key that signs.
#[derive(Debug, Clone)]
pub struct SigningKey {
    verifying: VerifyingKey,
    key: Arc<Ed25519Key>,
}

/// A note that was read; nothing is known yet of its signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// With its final newline.
    pub text: String,
    pub signatures: Vec<Signature>,
}

/// A line below a note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    pub name: String,
    pub id: u32,
    /// As the key's purpose has it.
    pub bytes: Vec<u8>,
}

/// Why a note is not read, or not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    #[error("longer than {LONGEST} bytes")]
    TooLong,
    #[error("not a signed note: {0}")]
    Malformed(&'static str),
    #[error("the signature of `{0}` is not right")]
    WrongSignature(String),
    #[error("no signature of a known key")]
    Unsigned,
}

/// The text is no public key: `<name>+<id, 8 hexadecimal digits>+<base64 of type and key>`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a verification key: {0}")]
pub struct MalformedKey(&'static str);

impl VerifyingKey {
    /// # Errors
    /// When the name is empty or has a space or a plus sign.
    pub fn new(name: &str, purpose: Purpose, public: [u8; 32]) -> Result<Self, MalformedKey> {
        if !is_name(name) {
            return Err(MalformedKey("the name is empty, or has white space or a `+`"));
        }
        let hash = sha256_of(&[name.as_bytes(), b"\n", &[purpose.byte()], &public]);
        let [first, second, third, fourth, ..] = hash;
        let id = u32::from_be_bytes([first, second, third, fourth]);
        Ok(Self { name: name.to_owned(), id, purpose, public })
    }

    /// The same key under another name.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn named(&self, name: &str) -> Result<Self, MalformedKey> {
        Self::new(name, self.purpose, self.public)
    }

    /// From its text.
    pub fn parse(text: &str) -> Result<Self, MalformedKey> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(MalformedKey("three parts are separated by `+`"));
        };
        let key = base64_decode(key).map_err(|_| MalformedKey("the third part is no base64"))?;
        let (purpose, public) = match key.split_first() {
            Some((1, public)) => (Purpose::Log, public),
            Some((4, public)) => (Purpose::Witness, public),
            _ => return Err(MalformedKey("only Ed25519 keys of logs (1) and of witnesses (4) are known")),
        };
        let public = public.try_into().map_err(|_| MalformedKey("an Ed25519 key has 32 bytes"))?;
        let key = Self::new(name, purpose, public)?;
        if hex_encode(&key.id.to_be_bytes()) != id {
            return Err(MalformedKey("the second part is not the id of this name and key"));
        }
        Ok(key)
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    #[must_use]
    pub const fn id(&self) -> u32 {
        self.id
    }

    #[must_use]
    pub const fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// Whether the line names this key. Name and id say nothing about the signature.
    #[must_use]
    pub fn is_named(&self, line: &Signature) -> bool {
        self.id == line.id && self.name == line.name
    }

    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        PublicKey::EdDsa { x: self.public }.verify(message, signature).is_ok()
    }
}

impl fmt::Display for VerifyingKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [&[self.purpose.byte()], &self.public[..]].concat();
        write!(formatter, "{}+{}+{}", self.name, hex_encode(&self.id.to_be_bytes()), base64_encode(&key))
    }
}

impl SigningKey {
    /// From the 32 bytes of an Ed25519 seed (RFC 8032, 5.1.5).
    pub fn new(name: &str, purpose: Purpose, seed: &Secret<[u8; 32]>) -> Result<Self, MalformedKey> {
        let key = Ed25519Key::from_seed(seed).ok_or(MalformedKey("not an Ed25519 seed"))?;
        Ok(Self { verifying: VerifyingKey::new(name, purpose, key.public())?, key: Arc::new(key) })
    }

    /// The same key under another name: of another log, whose checkpoints its notes are.
    ///
    /// # Errors
    /// When the name is empty or has a space or a plus sign.
    pub fn named(&self, name: &str) -> Result<Self, MalformedKey> {
        Ok(Self { verifying: self.verifying.named(name)?, key: Arc::clone(&self.key) })
    }

    /// What its readers are given.
    #[must_use]
    pub const fn verifying(&self) -> &VerifyingKey {
        &self.verifying
    }

    pub(crate) fn line(&self, prefix: &[u8], message: &[u8]) -> Signature {
        let bytes = [prefix, &self.key.sign(message)].concat();
        Signature { name: self.verifying.name.clone(), id: self.verifying.id, bytes }
    }
}

impl Note {
    /// The text, signed. The text ends in a newline.
    #[must_use]
    pub fn sign(text: String, key: &SigningKey) -> Self {
        debug_assert!(text.ends_with('\n') && key.verifying.purpose == Purpose::Log, "the caller's part");
        let line = key.line(&[], text.as_bytes());
        Self { text, signatures: vec![line] }
    }

    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        use NoteError::Malformed;
        if bytes.len() > LONGEST {
            return Err(NoteError::TooLong);
        }
        let whole = std::str::from_utf8(bytes).map_err(|_| Malformed("not UTF-8"))?;
        if whole.bytes().any(|byte| byte < b' ' && byte != b'\n') {
            return Err(Malformed("a control character"));
        }
        let (body, lines) = whole.rsplit_once("\n\n").ok_or(Malformed("no empty line before signatures"))?;
        let lines = lines.strip_suffix('\n').ok_or(Malformed("no newline at the end"))?;
        let signatures: Vec<_> = lines
            .split('\n')
            .take(MOST_SIGNATURES + 1)
            .map(|line| signature(line).ok_or(Malformed("a line below the text is no signature")))
            .collect::<Result<_, _>>()?;
        if signatures.len() > MOST_SIGNATURES {
            return Err(Malformed("too many signatures"));
        }
        Ok(Self { text: format!("{body}\n"), signatures })
    }

    /// Checks that this key of a log signed the text.
    ///
    /// # Errors
    /// [`NoteError::Unsigned`] without a line of this key, [`NoteError::WrongSignature`] when one is not right.
    pub fn check(&self, key: &VerifyingKey) -> Result<(), NoteError> {
        if key.purpose != Purpose::Log {
            return Err(NoteError::Unsigned);
        }
        let mut any = false;
        for line in self.signatures.iter().filter(|line| key.is_named(line)) {
            if !key.verifies(self.text.as_bytes(), &line.bytes) {
                return Err(NoteError::WrongSignature(key.name.clone()));
            }
            any = true;
        }
        if any { Ok(()) } else { Err(NoteError::Unsigned) }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{}", self.text)?;
        self.signatures.iter().try_for_each(|line| writeln!(formatter, "{line}"))
    }
}

impl fmt::Display for Signature {
    /// The line without its newline.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [&self.id.to_be_bytes(), self.bytes.as_slice()].concat();
        write!(formatter, "\u{2014} {} {}", self.name, base64_encode(&bytes))
    }
}

/// One signature line, without its newline.
#[must_use]
pub fn signature(line: &str) -> Option<Signature> {
    let (name, bytes) = line.strip_prefix("\u{2014} ")?.split_once(' ')?;
    let bytes = base64_decode(bytes).ok()?;
    let (id, signature) = bytes.split_first_chunk()?;
    let right = is_name(name) && !signature.is_empty();
    right.then(|| Signature { name: name.to_owned(), id: u32::from_be_bytes(*id), bytes: signature.to_vec() })
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.chars().any(|char| char.is_whitespace() || char.is_control() || char == '+')
}

/// The id of a key in its text, for what is written by hand.
#[must_use]
pub fn id_of(text: &str) -> Option<u32> {
    hex_decode(text)?.try_into().ok().map(u32::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(name: &str, seed: u8) -> SigningKey {
        SigningKey::new(name, Purpose::Log, &Secret::new([seed; 32])).unwrap()
    }

    #[test]
    fn a_note_is_believed_for_its_own_key_only() {
        let (own, other, namesake) =
            (key("log.example/a", 1), key("log.example/b", 1), key("log.example/a", 2));
        let note = Note::sign("one\n\ntwo\n".to_owned(), &own);
        let read = Note::parse(note.to_string().as_bytes()).unwrap();
        assert_eq!(read, note);
        assert_eq!(read.text, "one\n\ntwo\n", "the last empty line separates");
        assert_eq!(read.check(own.verifying()), Ok(()));
        assert_eq!(read.check(other.verifying()), Err(NoteError::Unsigned));
        assert_eq!(read.check(namesake.verifying()), Err(NoteError::Unsigned));

        let mut changed = read.clone();
        changed.text = "one\n\nthree\n".to_owned();
        let wrong = Err(NoteError::WrongSignature("log.example/a".to_owned()));
        assert_eq!(changed.check(own.verifying()), wrong);
        // A right signature beside a wrong one of the same key does not make the note right.
        let mut both = read.clone();
        both.signatures.push(Signature { bytes: vec![0; 64], ..read.signatures[0].clone() });
        assert_eq!(both.check(own.verifying()), wrong);
    }

    #[test]
    fn keys_have_one_spelling() {
        let text = key("log.example/a", 1).verifying().to_string();
        assert_eq!(VerifyingKey::parse(&text).map(|key| key.to_string()), Ok(text.clone()));
        let (name, rest) = text.split_once('+').unwrap();
        let (id, public) = rest.split_once('+').unwrap();
        for wrong in [
            format!("{name}+{}+{public}", id.to_uppercase()),
            format!("other+{id}+{public}"),
            format!("{name}+{id}+{public}="),
            format!("{name}+{id}"),
            format!("+{id}+{public}"),
            format!("a b+{id}+{public}"),
            String::new(),
        ] {
            assert!(VerifyingKey::parse(&wrong).is_err() || wrong == text, "{wrong}");
        }
    }

    #[test]
    fn what_is_no_note() {
        let line = Note::sign("a\n".to_owned(), &key("k", 1)).signatures[0].to_string();
        for wrong in [
            String::new(),
            "a\n".to_owned(),
            format!("a\n\n{line}"),
            format!("a\n{line}\n"),
            format!("a\r\n\n{line}\n"),
            format!("a\0\n\n{line}\n"),
            format!("a\n\n{line}\n\n"),
            "a\n\n- k AAAA\n".to_owned(),
            format!("a\n\n{}", format!("{line}\n").repeat(MOST_SIGNATURES + 1)),
            "a".repeat(LONGEST + 1),
        ] {
            assert!(Note::parse(wrong.as_bytes()).is_err(), "{wrong:?}");
        }
        assert!(Note::parse(b"\xff\n\n").is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "[a\n\u{2014} +=]{0,60}") {
            let _ = (Note::parse(&bytes), Note::parse(text.as_bytes()), VerifyingKey::parse(&text));
        }

        #[test]
        fn what_is_read_is_written_the_same(text in "([a-z ]{0,9}\n){1,5}", seeds in prop::collection::vec(any::<u8>(), 1..5)) {
            let mut note = Note { text: text.clone(), signatures: Vec::new() };
            for seed in seeds {
                note.signatures.extend(Note::sign(text.clone(), &key("some.name/x", seed)).signatures);
            }
            prop_assert_eq!(Note::parse(note.to_string().as_bytes()), Ok(note));
        }
    }
}
