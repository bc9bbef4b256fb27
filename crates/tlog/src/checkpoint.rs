//! What a log says of itself, signed: its name, its size, its root (C2SP tlog-checkpoint).

use std::fmt;

use crate::lines::{line, number};
use crate::note::{NoteError, SigningKey, VerifyingKey};
use crate::{Hash, Note, tree};

/// A tree at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's name, the same for all of its life.
    pub origin: String,
    pub size: u64,
    pub root: Hash,
    /// Lines behind the three, which the log's readers agreed on; each without its newline.
    pub extensions: Vec<String>,
}

/// The most extension lines that are read.
const MOST_EXTENSIONS: usize = 16;

impl Checkpoint {
    /// From the text of a note, whose signatures are somebody else's to check.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        use NoteError::Malformed;
        let (origin, rest) = line(text).ok_or(Malformed("a checkpoint has three lines"))?;
        let (size, rest) = line(rest).ok_or(Malformed("a checkpoint has three lines"))?;
        let (root, mut rest) = line(rest).ok_or(Malformed("a checkpoint has three lines"))?;
        if origin.is_empty() {
            return Err(Malformed("the checkpoint's origin is empty"));
        }
        let size = number(size)
            .filter(|size| *size <= tree::MOST)
            .ok_or(Malformed("the tree's size is no number"))?;
        let root = Hash::from_base64(root).ok_or(Malformed("the root is not 32 bytes in base64"))?;
        let mut extensions = Vec::new();
        while !rest.is_empty() {
            let (extension, more) = line(rest).ok_or(Malformed("the last line has no newline"))?;
            if extension.is_empty() || extensions.len() == MOST_EXTENSIONS {
                return Err(Malformed("an empty line in a checkpoint, or too many"));
            }
            extensions.push(extension.to_owned());
            rest = more;
        }
        let empty = size == 0;
        if empty && root != Hash::of_nothing() {
            return Err(Malformed("the root is not that of an empty tree"));
        }
        Ok(Self { origin: origin.to_owned(), size, root, extensions })
    }

    /// From a note that this log signed, of this log and no other.
    pub fn open(note: &Note, log: &VerifyingKey) -> Result<Self, NoteError> {
        note.check(log)?;
        let checkpoint = Self::parse(&note.text)?;
        if checkpoint.origin != log.name() {
            return Err(NoteError::Malformed("the checkpoint is another log's"));
        }
        Ok(checkpoint)
    }

    #[must_use]
    pub fn sign(&self, log: &SigningKey) -> Note {
        Note::sign(self.to_string(), log)
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{}\n{}\n{}", self.origin, self.size, self.root)?;
        self.extensions.iter().try_for_each(|line| writeln!(formatter, "{line}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The specification's example.
    const EXAMPLE: &str =
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

    #[test]
    fn the_specification_s_example() {
        let read = Checkpoint::parse(EXAMPLE).unwrap();
        assert_eq!((read.origin.as_str(), read.size), ("example.com/behind-the-sofa", 20_852_163));
        assert_eq!(read.to_string(), EXAMPLE);
    }

    #[test]
    fn what_is_no_checkpoint() {
        for (from, to) in [
            ("20852163", "020852163"),
            ("20852163", "+1"),
            ("20852163", "-1"),
            ("20852163", ""),
            ("20852163", "9223372036854775808"),
            ("20852163", "18446744073709551616"),
            ("20852163", "0"),
            ("example.com/behind-the-sofa", ""),
            ("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=", "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I"),
            ("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=", "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J="),
            ("2I=\n", "2I="),
            ("2I=\n", "2I=\n\nextension\n"),
            ("2I=\n", "2I=\nextension"),
        ] {
            assert!(Checkpoint::parse(&EXAMPLE.replace(from, to)).is_err(), "{from} as {to}");
        }
        let extended = EXAMPLE.to_owned() + "one\ntwo\n";
        assert_eq!(Checkpoint::parse(&extended).map(|read| read.to_string()), Ok(extended));
    }

    proptest! {
        #[test]
        fn any_text(text in "[a-z0-9=\n]{0,80}") {
            if let Ok(read) = Checkpoint::parse(&text) {
                prop_assert_eq!(read.to_string(), text);
            }
        }
    }
}
