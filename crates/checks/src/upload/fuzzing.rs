//! The way in for the fuzz target `sniff`.

use super::content::{Content, Piece};
use super::judge::{Claim, judge};
use super::{Kind, Settings};

/// A file with the extension of a kind, judged where every kind is taken: what the application would get.
#[must_use]
pub fn judged(kind: Kind, bytes: &[u8]) -> Option<Vec<u8>> {
    let rules = Settings { types: Kind::ALL.to_vec(), ..Settings::default() }.rules(None);
    let extension = kind.facts().extensions.first()?;
    let claim = Claim { name: Some(format!("file.{extension}")), media: None };
    let mut content = Content::whole(bytes.to_vec());
    let verdict = judge(&rules, &claim, &mut content).ok()?;
    let mut out = Vec::new();
    for piece in verdict.pieces {
        match piece {
            Piece::New(bytes) => out.extend_from_slice(&bytes),
            Piece::Keep { at, length } => {
                let (at, length) = (usize::try_from(at).ok()?, usize::try_from(length).ok()?);
                out.extend_from_slice(bytes.get(at..)?.get(..length)?);
            }
        }
    }
    Some(out)
}
