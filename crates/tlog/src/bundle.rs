//! Entries as files (C2SP tlog-tiles, "Log entries"): 256 of them, each behind its length in two bytes.

/// The most bytes an entry has.
pub const LONGEST: usize = u16::MAX as usize;

/// The bytes are no bundle of so many entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a bundle of so many entries")]
pub struct Malformed;

/// Appends an entry to a bundle; false, and nothing appended, when it is too long.
#[must_use]
pub fn push(bundle: &mut Vec<u8>, entry: &[u8]) -> bool {
    let Ok(length) = u16::try_from(entry.len()) else { return false };
    bundle.extend_from_slice(&length.to_be_bytes());
    bundle.extend_from_slice(entry);
    true
}

/// The entries of a bundle of `count`.
pub fn entries(mut bundle: &[u8], count: u16) -> Result<Vec<&[u8]>, Malformed> {
    let mut entries = Vec::with_capacity(usize::from(count));
    while let Some((length, rest)) = bundle.split_first_chunk() {
        let length = usize::from(u16::from_be_bytes(*length));
        let (entry, rest) = rest.split_at_checked(length).ok_or(Malformed)?;
        entries.push(entry);
        bundle = rest;
        if entries.len() > usize::from(count) {
            return Err(Malformed);
        }
    }
    if bundle.is_empty() && entries.len() == usize::from(count) { Ok(entries) } else { Err(Malformed) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn round_trip(all in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..20)) {
            let mut bundle = Vec::new();
            prop_assert!(all.iter().all(|entry| push(&mut bundle, entry)));
            let count = u16::try_from(all.len()).unwrap();
            prop_assert_eq!(entries(&bundle, count), Ok(all.iter().map(Vec::as_slice).collect()));
            prop_assert_eq!(entries(&bundle, count + 1), Err(Malformed));
            bundle.push(0);
            prop_assert_eq!(entries(&bundle, count), Err(Malformed));
        }

        #[test]
        fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..300), count in any::<u16>()) {
            let _ = entries(&bytes, count);
        }
    }

    #[test]
    fn the_longest_entry() {
        let mut bundle = Vec::new();
        assert!(push(&mut bundle, &vec![7; LONGEST]));
        assert!(!push(&mut bundle, &vec![7; LONGEST + 1]));
        assert_eq!(entries(&bundle, 1).map(|entries| entries[0].len()), Ok(LONGEST));
    }
}
