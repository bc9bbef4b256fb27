//! One entry's proof in one text file, to be checked without a network (C2SP tlog-proof, `.tlog-proof`).
//!
//! ```text
//! c2sp.org/tlog-proof@v1
//! extra <base64>                       (may be missing; nobody vouches for it)
//! index <number of the entry, from 0>
//! <base64 of a hash of the inclusion proof>
//! <empty line>
//! <the checkpoint with its signatures>
//! ```

use std::fmt;

use gabion_vault::encoding::{base64_decode, base64_encode};

use crate::lines::{line, number};
use crate::note::{self, NoteError};
use crate::proof::{self, DoesNotHold, MOST_HASHES};
use crate::{Checkpoint, Hash, Note};

/// The proof that an entry is in a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    pub extra: Option<Vec<u8>>,
    /// The entry's number, from 0.
    pub index: u64,
    pub path: Vec<Hash>,
    pub checkpoint: Note,
}

const FIRST: &str = "c2sp.org/tlog-proof@v1";
/// The most bytes of `extra` in base64.
const LONGEST_EXTRA: usize = 128 << 10;

impl Evidence {
    /// The most bytes of a file.
    pub const LONGEST: usize = note::LONGEST + LONGEST_EXTRA + (MOST_HASHES + 4) * 45;

    pub fn parse(file: &[u8]) -> Result<Self, NoteError> {
        use NoteError::Malformed;
        if file.len() > Self::LONGEST {
            return Err(NoteError::TooLong);
        }
        let text = std::str::from_utf8(file).map_err(|_| Malformed("not UTF-8"))?;
        let next = |rest| line(rest).ok_or(Malformed("the file ends early"));
        let (first, rest) = next(text)?;
        if first != FIRST {
            return Err(Malformed("the first line is not `c2sp.org/tlog-proof@v1`"));
        }
        let (mut current, mut rest) = next(rest)?;
        let mut extra = None;
        if let Some(base64) = current.strip_prefix("extra ") {
            extra = Some(base64_decode(base64).map_err(|_| Malformed("`extra` is no base64"))?);
            (current, rest) = next(rest)?;
        }
        let index = current
            .strip_prefix("index ")
            .and_then(number)
            .ok_or(Malformed("no line `index` and a number"))?;
        let mut path = Vec::new();
        loop {
            let (hash, more) = next(rest)?;
            rest = more;
            if hash.is_empty() {
                break;
            }
            if path.len() == MOST_HASHES {
                return Err(Malformed("a proof has at most 63 hashes"));
            }
            path.push(
                Hash::from_base64(hash).ok_or(Malformed("a line of the proof is not 32 bytes in base64"))?,
            );
        }
        Ok(Self { extra, index, path, checkpoint: Note::parse(rest.as_bytes())? })
    }

    /// Checks that `entry` is in the tree of `checkpoint`, which the caller got from this evidence's note and whose
    /// signatures they checked (see [`crate::trust`]).
    pub fn check(&self, entry: &[u8], checkpoint: &Checkpoint) -> Result<(), DoesNotHold> {
        proof::check_inclusion(Hash::leaf(entry), self.index, checkpoint.size, checkpoint.root, &self.path)
    }
}

impl fmt::Display for Evidence {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{FIRST}")?;
        if let Some(extra) = &self.extra {
            writeln!(formatter, "extra {}", base64_encode(extra))?;
        }
        writeln!(formatter, "index {}", self.index)?;
        self.path.iter().try_for_each(|hash| writeln!(formatter, "{hash}"))?;
        write!(formatter, "\n{}", self.checkpoint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::note::{Purpose, SigningKey};
    use crate::tree::InMemory;
    use gabion_model::Secret;
    use proptest::prelude::*;

    fn evidence(extra: Option<Vec<u8>>) -> (Evidence, Checkpoint) {
        let log = SigningKey::new("log.example/a", Purpose::Log, &Secret::new([1; 32])).unwrap();
        let mut tree = InMemory::new();
        (0..40_u32).for_each(|number| tree.push(Hash::leaf(&number.to_be_bytes())));
        let root = tree.tree().root();
        let checkpoint =
            Checkpoint { origin: "log.example/a".to_owned(), size: 40, root, extensions: vec![] };
        let path = proof::inclusion(&tree, 33, 40).unwrap().unwrap();
        (Evidence { extra, index: 33, path, checkpoint: checkpoint.sign(&log) }, checkpoint)
    }

    #[test]
    fn evidence_is_of_this_entry_only() {
        for extra in [None, Some(b"context".to_vec())] {
            let (evidence, checkpoint) = evidence(extra);
            let read = Evidence::parse(evidence.to_string().as_bytes()).unwrap();
            assert_eq!(read, evidence);
            assert_eq!(read.check(&33_u32.to_be_bytes(), &checkpoint), Ok(()));
            assert_eq!(read.check(&34_u32.to_be_bytes(), &checkpoint), Err(DoesNotHold));
            assert!(Evidence { index: 34, ..read }.check(&33_u32.to_be_bytes(), &checkpoint).is_err());
        }
    }

    proptest! {
        #[test]
        fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..300), at in 0_usize..400, change in any::<u8>()) {
            let _ = Evidence::parse(&bytes);
            let mut text = evidence(None).0.to_string().into_bytes();
            if let Some(byte) = text.get_mut(at) {
                *byte = change;
            }
            if let Ok(read) = Evidence::parse(&text) {
                prop_assert_eq!(read.to_string().into_bytes(), text);
            }
        }
    }
}
