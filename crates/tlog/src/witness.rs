//! What a witness asks before it gives its word (C2SP tlog-witness, `add-checkpoint`).
//!
//! ```text
//! old <size of the last checkpoint it cosigned>
//! <base64 of a hash of the consistency proof>   (0 to 63 lines)
//! <empty line>
//! <the new checkpoint>
//! ```
//!
//! The judgement is pure; keeping what was cosigned last, durable before the answer and with one request of a log
//! after the other, is the caller's part.

use std::fmt;

use crate::cosignature::cosigned;
use crate::lines::{line, number};
use crate::note::{self, NoteError, Signature, VerifyingKey};
use crate::proof::{self, MOST_HASHES};
use crate::{Checkpoint, Hash, Note, tree};

/// A request to cosign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddCheckpoint {
    pub old: u64,
    pub proof: Vec<Hash>,
    pub checkpoint: Note,
}

/// The tree a witness cosigned last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    pub size: u64,
    pub root: Hash,
}

/// Why a witness does not cosign, with the status it answers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// 400
    #[error("not a request to add a checkpoint: {0}")]
    Malformed(&'static str),
    /// 404
    #[error("the log is not known here")]
    UnknownLog,
    /// 403
    #[error("no right signature of the log")]
    Unsigned,
    /// 409, with the size in the body.
    #[error("the last checkpoint cosigned here has {0} entries")]
    OtherSize(u64),
    /// 409: the same size with another root. Proof that the log lied.
    #[error("another tree of the same size was cosigned here")]
    OtherRoot(u64),
    /// 422
    #[error("the new tree does not begin with the old one")]
    Inconsistent,
}

impl Refusal {
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::Malformed(_) => 400,
            Self::Unsigned => 403,
            Self::UnknownLog => 404,
            Self::OtherSize(_) | Self::OtherRoot(_) => 409,
            Self::Inconsistent => 422,
        }
    }

    /// The size that the answer's body says (`text/x.tlog.size`).
    #[must_use]
    pub const fn size(&self) -> Option<u64> {
        match self {
            Self::OtherSize(size) | Self::OtherRoot(size) => Some(*size),
            _ => None,
        }
    }
}

impl AddCheckpoint {
    /// The most bytes a request has.
    pub const LONGEST: usize = note::LONGEST + (MOST_HASHES + 2) * 45;

    pub fn parse(body: &[u8]) -> Result<Self, Refusal> {
        use Refusal::Malformed;
        if body.len() > Self::LONGEST {
            return Err(Malformed("too long"));
        }
        let text = std::str::from_utf8(body).map_err(|_| Malformed("not UTF-8"))?;
        let (old, mut rest) = line(text).ok_or(Malformed("no line `old`"))?;
        let old = old.strip_prefix("old ").and_then(number).filter(|old| *old <= tree::MOST);
        let old = old.ok_or(Malformed("the first line is not `old` and a size"))?;
        let mut proof = Vec::new();
        loop {
            let (hash, more) = line(rest).ok_or(Malformed("no empty line before the checkpoint"))?;
            rest = more;
            if hash.is_empty() {
                break;
            }
            if proof.len() == MOST_HASHES {
                return Err(Malformed("a proof has at most 63 hashes"));
            }
            proof.push(
                Hash::from_base64(hash).ok_or(Malformed("a line of the proof is not 32 bytes in base64"))?,
            );
        }
        let checkpoint =
            Note::parse(rest.as_bytes()).map_err(|_| Malformed("the checkpoint is no signed note"))?;
        Ok(Self { old, proof, checkpoint })
    }

    /// Whether a witness that knows the log by these keys and cosigned `seen` last may cosign this.
    ///
    /// The log is looked up by the checkpoint's [origin](Self::origin), and none of its keys means that it is unknown.
    pub fn judge(&self, keys: &[VerifyingKey], seen: Option<Seen>) -> Result<Checkpoint, Refusal> {
        let checkpoint = Checkpoint::parse(&self.checkpoint.text)
            .map_err(|_| Refusal::Malformed("the note is no checkpoint"))?;
        if keys.is_empty() {
            return Err(Refusal::UnknownLog);
        }
        let mut signed = false;
        for key in keys {
            match self.checkpoint.check(key) {
                Ok(()) => signed = true,
                Err(NoteError::Unsigned) => {}
                Err(_) => return Err(Refusal::Unsigned),
            }
        }
        if !signed {
            return Err(Refusal::Unsigned);
        }
        if self.old > checkpoint.size {
            return Err(Refusal::Malformed("the old size is larger than the checkpoint's"));
        }
        let seen = seen.unwrap_or(Seen { size: 0, root: Hash::of_nothing() });
        if self.old != seen.size {
            return Err(Refusal::OtherSize(seen.size));
        }
        if checkpoint.size == seen.size && checkpoint.root != seen.root {
            return Err(Refusal::OtherRoot(seen.size));
        }
        proof::check_consistency((seen.size, seen.root), (checkpoint.size, checkpoint.root), &self.proof)
            .map_err(|_| Refusal::Inconsistent)?;
        Ok(checkpoint)
    }

    /// Whose checkpoint it says it is.
    #[must_use]
    pub fn origin(&self) -> &str {
        line(&self.checkpoint.text).map_or("", |(origin, _)| origin)
    }
}

/// What a witness answered, with everything in it that could be checked checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Its lines for this very checkpoint, one or more, each right.
    Cosigned(Vec<Signature>),
    /// It cosigned a tree of this size last.
    Knows(u64),
}

/// An answer that says nothing, or is not this witness's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// 409 with the size that was asked about: it saw another tree of it. Or 422.
    #[error("it says that this log shows others another history (status {0})")]
    Contradicted(u16),
    #[error("it does not know this log (status 404)")]
    UnknownLog,
    #[error("it does not know this log's key (status 403)")]
    UnknownKey,
    #[error("it answered with status {0}")]
    Status(u16),
    #[error("its answer is no cosignature, or no size")]
    Malformed,
    #[error("its answer has no signature of the key it is known by")]
    OtherKey,
    #[error("its signature is not right: it is not of this checkpoint")]
    WrongSignature,
}

impl Answer {
    /// The most bytes of an answer that is read.
    pub const LONGEST: usize = 16 << 10;

    /// Reads what the witness with this key answered to `request` (C2SP tlog-witness, `add-checkpoint`).
    ///
    /// # Errors
    /// Everything but a right cosignature of the very checkpoint, or a size other than the one that was sent.
    pub fn read(
        request: &AddCheckpoint,
        witness: &VerifyingKey,
        status: u16,
        body: &[u8],
    ) -> Result<Self, NoAnswer> {
        match status {
            200 => {}
            409 => {
                let text = std::str::from_utf8(body).map_err(|_| NoAnswer::Malformed)?;
                let size = number(text.strip_suffix('\n').unwrap_or(text));
                let size = size.filter(|size| *size <= tree::MOST).ok_or(NoAnswer::Malformed)?;
                return if size == request.old {
                    Err(NoAnswer::Contradicted(409))
                } else {
                    Ok(Self::Knows(size))
                };
            }
            422 => return Err(NoAnswer::Contradicted(422)),
            403 => return Err(NoAnswer::UnknownKey),
            404 => return Err(NoAnswer::UnknownLog),
            other => return Err(NoAnswer::Status(other)),
        }
        if body.len() > Self::LONGEST {
            return Err(NoAnswer::Malformed);
        }
        let answered = [request.checkpoint.text.as_bytes(), b"\n", body].concat();
        let mut note = Note::parse(&answered).map_err(|_| NoAnswer::Malformed)?;
        // A body that goes on where the text ends would make another text.
        if note.text != request.checkpoint.text {
            return Err(NoAnswer::Malformed);
        }
        note.signatures.retain(|line| witness.is_named(line));
        match cosigned(&note, witness) {
            Ok(Some(_)) => Ok(Self::Cosigned(note.signatures)),
            Ok(None) => Err(NoAnswer::OtherKey),
            Err(_) => Err(NoAnswer::WrongSignature),
        }
    }
}

impl fmt::Display for AddCheckpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "old {}", self.old)?;
        self.proof.iter().try_for_each(|hash| writeln!(formatter, "{hash}"))?;
        write!(formatter, "\n{}", self.checkpoint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::note::{Purpose, SigningKey};
    use crate::tree::{self, InMemory};
    use gabion_model::Secret;
    use proptest::prelude::*;

    fn log(seed: u8) -> SigningKey {
        SigningKey::new("log.example/a", Purpose::Log, &Secret::new([seed; 32])).unwrap()
    }

    fn whole() -> InMemory {
        let mut tree = InMemory::new();
        (0..40_u32).for_each(|number| tree.push(Hash::leaf(&number.to_be_bytes())));
        tree
    }

    fn request(old: u64, new: u64, key: &SigningKey) -> AddCheckpoint {
        let tree = whole();
        let root = tree::root(&tree, new).unwrap();
        let origin = key.verifying().name().to_owned();
        let checkpoint = Checkpoint { origin, size: new, root, extensions: vec![] }.sign(key);
        AddCheckpoint {
            old,
            proof: proof::consistency(&tree, old, new).unwrap().unwrap_or_default(),
            checkpoint,
        }
    }

    fn seen(size: u64) -> Option<Seen> {
        Some(Seen { size, root: tree::root(&whole(), size).unwrap() })
    }

    #[test]
    fn every_answer_of_the_specification() {
        let (key, thief) = (log(1), log(2));
        let known = [key.verifying().clone()];
        let judge =
            |request: &AddCheckpoint, seen| request.judge(&known, seen).map(|checkpoint| checkpoint.size);
        assert_eq!(judge(&request(0, 7, &key), None), Ok(7));
        assert_eq!(judge(&request(7, 20, &key), seen(7)), Ok(20));
        assert_eq!(judge(&request(7, 7, &key), seen(7)), Ok(7), "again");
        assert_eq!(judge(&request(0, 0, &key), None), Ok(0));

        assert_eq!(request(0, 7, &key).judge(&[], None), Err(Refusal::UnknownLog));
        assert_eq!(judge(&request(0, 7, &thief), None), Err(Refusal::Unsigned));
        assert_eq!(judge(&request(0, 20, &key), seen(7)), Err(Refusal::OtherSize(7)));
        assert_eq!(judge(&request(7, 20, &key), seen(20)), Err(Refusal::OtherSize(20)));
        assert_eq!(judge(&request(7, 20, &key), None), Err(Refusal::OtherSize(0)));
        let backwards = AddCheckpoint { old: 20, ..request(7, 7, &key) };
        assert_eq!(judge(&backwards, seen(20)).map_err(|refusal| refusal.status()), Err(400));
        let lied = Some(Seen { size: 7, root: Hash([7; 32]) });
        assert_eq!(judge(&request(7, 7, &key), lied), Err(Refusal::OtherRoot(7)));
        assert_eq!(judge(&request(7, 20, &key), lied), Err(Refusal::Inconsistent));
        let unproven = AddCheckpoint { proof: vec![], ..request(7, 20, &key) };
        assert_eq!(judge(&unproven, seen(7)), Err(Refusal::Inconsistent));
        let eager = AddCheckpoint { proof: vec![Hash([1; 32])], ..request(0, 7, &key) };
        assert_eq!(judge(&eager, None), Err(Refusal::Inconsistent), "nothing is to prove from nothing");
    }

    #[test]
    fn a_request_is_written_and_read() {
        let request = request(7, 20, &log(1));
        assert_eq!(AddCheckpoint::parse(request.to_string().as_bytes()), Ok(request.clone()));
        assert_eq!(request.origin(), "log.example/a");
        let text = request.to_string();
        for wrong in [
            text.replace("old 7", "old 07"),
            text.replace("old 7", "old  7"),
            text.replace("old 7\n", ""),
            text.replace("old 7\n", &format!("old 7\n{}", format!("{}\n", Hash([1; 32])).repeat(64))),
            text.replacen("\n\n", "\n", 1),
            text.replacen("=\n", "\n", 1),
        ] {
            assert!(matches!(AddCheckpoint::parse(wrong.as_bytes()), Err(Refusal::Malformed(_))), "{wrong}");
        }
    }

    #[test]
    fn only_a_right_cosignature_of_this_checkpoint_is_an_answer() {
        let key = |name, seed| SigningKey::new(name, Purpose::Witness, &Secret::new([seed; 32])).unwrap();
        let (witness, stranger) = (key("w.example/1", 2), key("w.example/1", 3));
        let other = request(7, 21, &log(1)).checkpoint.text;
        let request = request(7, 20, &log(1));
        let line = |key: &SigningKey, text: &str| {
            format!("{}\n", crate::cosignature::cosign(text, 1_700_000_000, key).unwrap())
        };
        let read = |status, body: &str| Answer::read(&request, witness.verifying(), status, body.as_bytes());
        let right = line(&witness, &request.checkpoint.text);
        assert!(matches!(read(200, &right), Ok(Answer::Cosigned(lines)) if lines.len() == 1));
        let others = format!("{}{right}", line(&stranger, &request.checkpoint.text));
        assert!(
            matches!(read(200, &others), Ok(Answer::Cosigned(lines)) if lines.len() == 1),
            "the rest is dropped"
        );
        assert_eq!(read(200, &line(&stranger, &request.checkpoint.text)), Err(NoAnswer::OtherKey));
        assert_eq!(read(200, &line(&witness, &other)), Err(NoAnswer::WrongSignature), "of another size");
        let elsewhere = request.checkpoint.text.replace("log.example/a", "log.example/b");
        assert_eq!(read(200, &line(&witness, &elsewhere)), Err(NoAnswer::WrongSignature), "of another log");
        for body in
            ["", "\n", "nonsense", &format!("more\n\n{right}"), &right.repeat(65), &format!("{right}x")]
        {
            assert_eq!(read(200, body), Err(NoAnswer::Malformed), "{body:?}");
        }
        assert_eq!(read(409, "12\n"), Ok(Answer::Knows(12)));
        assert_eq!(read(409, "7\n"), Err(NoAnswer::Contradicted(409)), "the same size, another root");
        for body in ["", "-1\n", "012\n", "99999999999999999999\n", "12\n\n"] {
            assert_eq!(read(409, body), Err(NoAnswer::Malformed), "{body:?}");
        }
        assert_eq!(read(422, ""), Err(NoAnswer::Contradicted(422)));
        assert_eq!(read(404, ""), Err(NoAnswer::UnknownLog));
        assert_eq!(read(403, ""), Err(NoAnswer::UnknownKey));
        assert_eq!(read(302, &right), Err(NoAnswer::Status(302)));
    }

    proptest! {
        #[test]
        fn any_answer(status in prop::sample::select(vec![200_u16, 409]), body in prop::collection::vec(any::<u8>(), 0..300)) {
            let witness = SigningKey::new("w", Purpose::Witness, &Secret::new([2; 32])).unwrap();
            let answer = Answer::read(&request(7, 20, &log(1)), witness.verifying(), status, &body);
            prop_assert!(!matches!(answer, Ok(Answer::Cosigned(_))));
        }

        #[test]
        fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..300), text in "old [0-9]{1,3}\n[a-zA-Z=\n\u{2014} ]{0,80}") {
            for body in [bytes.as_slice(), text.as_bytes()] {
                if let Ok(request) = AddCheckpoint::parse(body) {
                    let _ = request.judge(&[log(1).verifying().clone()], None);
                }
            }
        }
    }
}
