//! Whom a reader believes: a log, and so many of some witnesses.

use crate::note::{NoteError, VerifyingKey};
use crate::{Checkpoint, Note, cosignature};

/// What makes a checkpoint believed.
#[derive(Debug, Clone)]
pub struct Trust {
    pub log: VerifyingKey,
    pub witnesses: Vec<VerifyingKey>,
    /// How many of the witnesses must have cosigned.
    pub quorum: usize,
}

/// Why a checkpoint is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Disbelief {
    #[error(transparent)]
    Log(NoteError),
    #[error("cosigned by {found} of the {wanted} witnesses asked for")]
    Quorum { found: usize, wanted: usize },
}

impl Trust {
    /// The log alone.
    #[must_use]
    pub const fn in_log(log: VerifyingKey) -> Self {
        Self { log, witnesses: Vec::new(), quorum: 0 }
    }

    /// The checkpoint of a note, when the log signed it and enough witnesses did. A witness's line that is not right
    /// counts for nothing; two keys of one witness's name count once.
    pub fn open(&self, note: &Note) -> Result<Checkpoint, Disbelief> {
        let checkpoint = Checkpoint::open(note, &self.log).map_err(Disbelief::Log)?;
        let found = self.cosigners(note);
        if found < self.quorum {
            return Err(Disbelief::Quorum { found, wanted: self.quorum });
        }
        Ok(checkpoint)
    }

    /// How many of the witnesses cosigned the note.
    #[must_use]
    pub fn cosigners(&self, note: &Note) -> usize {
        let mut names: Vec<_> = self
            .witnesses
            .iter()
            .filter(|witness| matches!(cosignature::cosigned(note, witness), Ok(Some(_))))
            .map(VerifyingKey::name)
            .collect();
        names.sort_unstable();
        names.dedup();
        names.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::note::{Purpose, SigningKey};
    use crate::{Hash, cosignature::cosign};
    use gabion_model::Secret;

    #[test]
    fn enough_of_the_known_witnesses() {
        let key = |name, purpose, seed| SigningKey::new(name, purpose, &Secret::new([seed; 32])).unwrap();
        let log = key("log.example/a", Purpose::Log, 1);
        let witnesses = [key("w/1", Purpose::Witness, 2), key("w/2", Purpose::Witness, 3)];
        let stranger = key("w/3", Purpose::Witness, 4);
        let checkpoint = Checkpoint {
            origin: "log.example/a".to_owned(),
            size: 0,
            root: Hash::of_nothing(),
            extensions: vec![],
        };
        let mut note = checkpoint.sign(&log);
        let known: Vec<_> = witnesses.iter().map(|key| key.verifying().clone()).collect();
        let mut trust = Trust { log: log.verifying().clone(), witnesses: known, quorum: 2 };
        assert_eq!(trust.open(&note), Err(Disbelief::Quorum { found: 0, wanted: 2 }));
        note.signatures.extend(cosign(&note.text, 7, &witnesses[0]));
        note.signatures.extend(cosign(&note.text, 8, &witnesses[0]));
        note.signatures.extend(cosign(&note.text, 7, &stranger));
        assert_eq!(trust.open(&note), Err(Disbelief::Quorum { found: 1, wanted: 2 }));
        note.signatures.extend(cosign(&note.text, 7, &witnesses[1]));
        assert_eq!(trust.open(&note), Ok(checkpoint));
        trust.log = key("log.example/a", Purpose::Log, 9).verifying().clone();
        assert_eq!(trust.open(&note), Err(Disbelief::Log(NoteError::Unsigned)));
    }
}
