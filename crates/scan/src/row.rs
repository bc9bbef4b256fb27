//! What is known of one file after it was read: in one form for what was just found and for what was kept.

use std::io;
use std::ops::Range;

use gabion_finding::{FileReport, Use, Verdict};
use gabion_vault::sha256_of;
use serde::{Deserialize, Serialize};

use crate::allow::Allow;
use crate::cache::{Reader, put};
use crate::walk::Stamp;

/// What the scan itself says of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Own {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) allows: Vec<Allow>,
    #[serde(default)]
    pub(crate) verdict: Verdict,
}

/// The head of a row and where the rest of it stands in its bytes.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) stamp: Stamp,
    pub(crate) hash: [u8; 32],
    pub(crate) lines: u32,
    pub(crate) own: Own,
    pub(crate) parts: Vec<Part>,
}

/// What one scanner said.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) verdict: Verdict,
    /// Of what its `tree` and those of others will see.
    pub(crate) digest: [u8; 32],
    facts: Range<usize>,
    uses: Range<usize>,
}

/// Everything of a file as bytes.
pub(crate) fn encode(
    stamp: Stamp,
    hash: [u8; 32],
    lines: u32,
    own: &Own,
    reports: &[FileReport],
) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    out.extend_from_slice(&stamp.size.to_le_bytes());
    out.extend_from_slice(&stamp.modified.to_le_bytes());
    out.extend_from_slice(&stamp.changed.to_le_bytes());
    out.extend_from_slice(&stamp.inode.to_le_bytes());
    out.extend_from_slice(&stamp.device.to_le_bytes());
    out.extend_from_slice(&hash);
    out.extend_from_slice(&lines.to_le_bytes());
    put(&mut out, &json(own, &Own::default())?)?;
    for report in reports {
        let verdict = json(&report.verdict, &Verdict::default())?;
        let uses = json(&report.uses, &Vec::new())?;
        put(&mut out, &verdict)?;
        out.extend_from_slice(&sha256_of(&[&sha256_of(&[&report.facts]), &uses]));
        put(&mut out, &report.facts)?;
        put(&mut out, &uses)?;
    }
    Ok(out)
}

/// The default is no bytes.
fn json<T: Serialize + PartialEq>(value: &T, default: &T) -> io::Result<Vec<u8>> {
    if value == default { Ok(Vec::new()) } else { Ok(serde_json::to_vec(value)?) }
}

fn from_json<T: Default + for<'a> Deserialize<'a>>(bytes: &[u8]) -> Option<T> {
    if bytes.is_empty() { Some(T::default()) } else { serde_json::from_slice(bytes).ok() }
}

impl Row {
    /// What is needed to know whether the file changed.
    pub(crate) fn head(bytes: &[u8]) -> Option<(Stamp, [u8; 32])> {
        let mut reader = Reader { bytes, at: 0 };
        let stamp = stamp(&mut reader)?;
        Some((stamp, reader.array()?))
    }

    pub(crate) fn decode(bytes: &[u8], scanners: usize) -> Option<Self> {
        let mut reader = Reader { bytes, at: 0 };
        let stamp = stamp(&mut reader)?;
        let hash = reader.array()?;
        let lines = u32::from_le_bytes(reader.array()?);
        let own = from_json(bytes.get(reader.blob()?)?)?;
        let mut parts = Vec::with_capacity(scanners);
        for _ in 0..scanners {
            let verdict = from_json(bytes.get(reader.blob()?)?)?;
            let digest = reader.array()?;
            let (facts, uses) = (reader.blob()?, reader.blob()?);
            parts.push(Part { verdict, digest, facts, uses });
        }
        (reader.at == bytes.len()).then_some(Self { stamp, hash, lines, own, parts })
    }
}

fn stamp(reader: &mut Reader<'_>) -> Option<Stamp> {
    Some(Stamp {
        size: u64::from_le_bytes(reader.array()?),
        modified: i64::from_le_bytes(reader.array()?),
        changed: i64::from_le_bytes(reader.array()?),
        inode: u64::from_le_bytes(reader.array()?),
        device: u64::from_le_bytes(reader.array()?),
    })
}

impl Part {
    pub(crate) fn facts<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        bytes.get(self.facts.clone()).unwrap_or_default()
    }

    pub(crate) fn uses(&self, bytes: &[u8]) -> Vec<Use> {
        bytes.get(self.uses.clone()).and_then(from_json).unwrap_or_default()
    }
}
