//! A witness's word on a checkpoint (C2SP tlog-cosignature, Ed25519): at this time, this was the largest tree of this
//! log that it had seen, and everything it had seen before is its beginning.

use crate::Note;
use crate::note::{NoteError, Purpose, Signature, SigningKey, VerifyingKey};

/// The line a witness gives for a checkpoint's text; `time` in seconds since 1970.
///
/// None when the key is no witness's.
#[must_use]
pub fn cosign(text: &str, time: u64, witness: &SigningKey) -> Option<Signature> {
    let witnesses = witness.verifying().purpose() == Purpose::Witness && i64::try_from(time).is_ok();
    witnesses.then(|| witness.line(&time.to_be_bytes(), message(text, time).as_bytes()))
}

/// When this witness cosigned the note, the latest time if more than once; none when it did not.
///
/// # Errors
/// [`NoteError::WrongSignature`] when a line names the witness and is not right.
pub fn cosigned(note: &Note, witness: &VerifyingKey) -> Result<Option<u64>, NoteError> {
    let mut latest = None;
    if witness.purpose() != Purpose::Witness {
        return Ok(None);
    }
    for line in note.signatures.iter().filter(|line| witness.is_named(line)) {
        let wrong = || NoteError::WrongSignature(witness.name().to_owned());
        let (time, signature) = line.bytes.split_first_chunk().ok_or_else(wrong)?;
        let time = u64::from_be_bytes(*time);
        if i64::try_from(time).is_err() || !witness.verifies(message(&note.text, time).as_bytes(), signature)
        {
            return Err(wrong());
        }
        latest = latest.max(Some(time));
    }
    Ok(latest)
}

fn message(text: &str, time: u64) -> String {
    format!("cosignature/v1\ntime {time}\n{text}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Checkpoint, Hash};
    use gabion_model::Secret;

    fn key(name: &str, purpose: Purpose, seed: u8) -> SigningKey {
        SigningKey::new(name, purpose, &Secret::new([seed; 32])).unwrap()
    }

    #[test]
    fn a_cosignature_is_of_this_text_this_time_and_this_witness() {
        let log = key("log.example/a", Purpose::Log, 1);
        let (witness, other) =
            (key("w.example/1", Purpose::Witness, 2), key("w.example/2", Purpose::Witness, 2));
        let checkpoint = Checkpoint {
            origin: "log.example/a".to_owned(),
            size: 0,
            root: Hash::of_nothing(),
            extensions: vec![],
        };
        let mut note = checkpoint.sign(&log);
        assert_eq!(cosigned(&note, witness.verifying()), Ok(None));
        note.signatures.extend(cosign(&note.text, 1_679_315_147, &witness));
        assert_eq!(cosigned(&note, witness.verifying()), Ok(Some(1_679_315_147)));
        assert_eq!(cosigned(&note, other.verifying()), Ok(None));
        assert_eq!(note.check(log.verifying()), Ok(()), "the log's own stays right");

        for at in 0..note.signatures[1].bytes.len() {
            let mut changed = note.clone();
            changed.signatures[1].bytes[at] ^= 1;
            assert!(cosigned(&changed, witness.verifying()).is_err(), "byte {at}");
        }
        let mut changed = note.clone();
        changed.text = changed.text.replace("\n0\n", "\n1\n");
        assert!(cosigned(&changed, witness.verifying()).is_err());

        assert_eq!(cosign(&note.text, 1, &log), None, "a log's key does not witness");
        assert_eq!(cosign(&note.text, u64::MAX, &witness), None);
        assert_eq!(
            note.check(witness.verifying()),
            Err(NoteError::Unsigned),
            "a witness's key signs no notes"
        );
    }

    /// The specification's text: what the witness signs, byte for byte.
    #[test]
    fn the_message_is_the_specification_s() {
        let text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
        assert_eq!(
            message(text, 1_679_315_147),
            "cosignature/v1\ntime 1679315147\nexample.com/behind-the-sofa\n20852163\n\
             CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
        );
    }
}
