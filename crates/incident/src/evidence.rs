//! Evidence, and who had it in hands: what can be verified with the ledger's public key and nothing else.
//!
//! A piece of evidence is a file somebody added or a sealed copy of records of the ledger ([`Records`]): their bytes, the
//! proof that each is in the ledger's tree, and the checkpoint the ledger signed. Its SHA-256 stands in a step of the
//! incident, and the digest of that step in the ledger. A [`Pack`] takes all of it out of the house: the pieces, every step of
//! the incident, and for each step the record that has its digest, with its proof. [`Pack::verify`] finds any byte that
//! is not what it was.

use gabion_tlog::trust::{Disbelief, Trust};
use gabion_tlog::{Checkpoint, Hash, Note, proof};
use gabion_vault::digest::sha256;
use gabion_vault::encoding::{base64_decode, base64_encode, hex_encode};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::incident::Incident;
use crate::personal;
use crate::step::{self, Step, What};

/// The most bytes of a piece.
pub const LONGEST: usize = 8 << 20;
/// The most records of a sealed copy.
pub const RECORDS: usize = 2_000;
/// The most bytes of a pack.
pub const LONGEST_PACK: usize = 256 << 20;

const FORMAT: &str = "gabion-evidence-v1";
const RECORDS_FORMAT: &str = "gabion-records-v1";

/// A piece of evidence, without what it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// From 1, in the order in which it was kept.
    pub id: u64,
    pub name: String,
    pub kind: Kind,
    /// In hexadecimal.
    pub sha256: String,
    pub bytes: u64,
    /// Where it is from: a machine, a path, a person.
    pub source: String,
    /// How many records, and of how many sealed ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records: Option<u64>,
    /// Whether it names accounts and is sealed for them where it is kept, so that it is erased with any of them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sealed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    File,
    Records,
}

impl Item {
    /// Describes a piece.
    #[must_use]
    pub fn of(id: u64, name: String, kind: Kind, content: &[u8], source: String) -> Self {
        let (sha256, bytes) = (hex_encode(&sha256(content)), content.len() as u64);
        Self { id, name, kind, sha256, bytes, source, records: None, sealed: false }
    }
}

/// Records with the proof that they are in the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Records {
    format: String,
    pub incident: u64,
    /// A signed note (C2SP tlog-checkpoint).
    pub checkpoint: String,
    pub records: Vec<Proven>,
}

impl Records {
    #[must_use]
    pub fn new(incident: u64, checkpoint: &Note, records: Vec<Proven>) -> Self {
        Self { format: RECORDS_FORMAT.to_owned(), incident, checkpoint: checkpoint.to_string(), records }
    }

    /// As it is kept.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    fn verify(&self, trust: &Trust, open: &Open<'_>) -> Result<Checkpoint, Broken> {
        if self.format != RECORDS_FORMAT {
            return Err(Broken::Format);
        }
        let checkpoint = believed(trust, &self.checkpoint)?;
        self.records.iter().try_for_each(|record| record.check(&checkpoint, open).map(drop))?;
        Ok(checkpoint)
    }
}

/// A record somebody disclosed: what the tree vouches for, and what it says.
#[derive(Debug)]
pub struct Disclosed {
    pub stored: Vec<u8>,
    pub json: Vec<u8>,
}

/// Reads a record as the ledger discloses it; none when it discloses nothing. The ledger's own function, which is not known
/// here.
pub type Open<'a> = dyn Fn(u64, &[u8]) -> Option<Disclosed> + 'a;

/// Reads a sealed text of a step by what opens it, or says what stands for one that was erased; none when it is not what was
/// committed to. The ledger's own function, too.
pub type Reveal<'a> = dyn Fn(&Value, Option<&str>) -> Option<Revealed> + 'a;

/// What became of a sealed text.
#[derive(Debug)]
pub enum Revealed {
    Erased(String),
    Text(String),
}

/// One record and its proof (RFC 6962, 2.1.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proven {
    /// Its place in the ledger, from 1.
    pub record: u64,
    /// The record as the ledger discloses it, in base64: its stored bytes, and the key of this record alone.
    pub payload: String,
    /// Hashes in base64.
    pub path: Vec<String>,
}

impl Proven {
    #[must_use]
    pub fn new(record: u64, payload: &[u8], path: &[Hash]) -> Self {
        Self { record, payload: base64_encode(payload), path: path.iter().map(ToString::to_string).collect() }
    }

    /// The record's JSON.
    fn check(&self, checkpoint: &Checkpoint, open: &Open<'_>) -> Result<Vec<u8>, Broken> {
        let wrong = || Broken::Record(self.record);
        let payload = base64_decode(&self.payload).map_err(|_| wrong())?;
        let path: Option<Vec<Hash>> = self.path.iter().map(|hash| Hash::from_base64(hash)).collect();
        let index = self.record.checked_sub(1).ok_or_else(wrong)?;
        let Disclosed { stored, json } = open(self.record, &payload).ok_or_else(wrong)?;
        let leaf = Hash::leaf(&stored);
        proof::check_inclusion(leaf, index, checkpoint.size, checkpoint.root, &path.ok_or_else(wrong)?)
            .map_err(|_| wrong())?;
        Ok(json)
    }
}

/// Everything that belongs to the evidence of an incident, in one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pack {
    format: String,
    pub incident: u64,
    pub checkpoint: String,
    pub evidence: Vec<Piece>,
    /// Every step of the incident.
    pub custody: Vec<Link>,
}

/// A piece and what it is, in base64.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Piece {
    pub id: u64,
    /// Empty when it was erased.
    pub content: String,
    /// It named an account that was erased; its SHA-256 is what is left of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub erased: bool,
}

/// A step and the record that has its digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// The step as it is kept, byte for byte.
    pub step: String,
    /// What opens each of its sealed texts, as the ledger writes it; none for what was erased.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub opened: Vec<Option<String>>,
    pub proof: Proven,
}

/// Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verified {
    pub incident: u64,
    pub title: String,
    pub origin: String,
    /// How many records the ledger had signed.
    pub size: u64,
    pub steps: u64,
    pub records: u64,
    pub evidence: Vec<Item>,
    /// Pieces that were erased with an account they named.
    pub erased: Vec<u64>,
    /// Who took which step when: the chain of custody.
    pub custody: Vec<Held>,
}

/// Somebody had a piece in hands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Held {
    pub at: String,
    pub by: String,
    pub from: Option<String>,
    pub text: String,
}

/// What is not as it was. Alphabetical.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    #[error("the checkpoint is not believed: {0}")]
    Checkpoint(String),
    #[error("evidence {0} is not what was kept")]
    Evidence(u64),
    #[error("it is no evidence of this version")]
    Format,
    #[error("evidence {0} is missing")]
    Missing(u64),
    #[error("record {0} is not the one the ledger signed")]
    Record(u64),
    #[error("step {0} of the incident is not the one the ledger has")]
    Step(u64),
}

impl From<Disbelief> for Broken {
    fn from(error: Disbelief) -> Self {
        Self::Checkpoint(error.to_string())
    }
}

fn believed(trust: &Trust, note: &str) -> Result<Checkpoint, Broken> {
    let note = Note::parse(note.as_bytes()).map_err(|error| Broken::Checkpoint(error.to_string()))?;
    Ok(trust.open(&note)?)
}

impl Pack {
    #[must_use]
    pub fn new(incident: u64, checkpoint: &Note, evidence: Vec<Piece>, custody: Vec<Link>) -> Self {
        Self { format: FORMAT.to_owned(), incident, checkpoint: checkpoint.to_string(), evidence, custody }
    }

    /// # Errors
    /// [`Broken::Format`]
    pub fn parse(bytes: &[u8]) -> Result<Self, Broken> {
        if bytes.len() > LONGEST_PACK {
            return Err(Broken::Format);
        }
        serde_json::from_slice(bytes).map_err(|_| Broken::Format)
    }

    /// Checks every byte of it.
    ///
    /// # Errors
    /// The first thing that is not as it was.
    pub fn verify(&self, trust: &Trust, open: &Open<'_>, reveal: &Reveal<'_>) -> Result<Verified, Broken> {
        if self.format != FORMAT {
            return Err(Broken::Format);
        }
        let checkpoint = believed(trust, &self.checkpoint)?;
        let mut former = step::beginning(self.incident);
        let mut steps: Vec<Step> = Vec::new();
        for (number, link) in (1..).zip(&self.custody) {
            let payload = link.proof.check(&checkpoint, open)?;
            former = step::digest(&former, link.step.as_bytes());
            let wrong = || Broken::Step(number);
            if told(&payload) != Some((self.incident, number, hex_encode(&former))) {
                return Err(wrong());
            }
            steps.push(link.read(reveal).ok_or_else(wrong)?);
        }
        let incident = Incident::of(self.incident, &steps).map_err(|_| Broken::Step(steps.len() as u64))?;
        let (mut records, mut erased) = (0, Vec::new());
        for piece in &self.evidence {
            let wrong = || Broken::Evidence(piece.id);
            let item = incident.evidence.iter().find(|item| item.id == piece.id).ok_or_else(wrong)?;
            if piece.erased {
                if !item.sealed || !piece.content.is_empty() {
                    return Err(wrong());
                }
                erased.push(item.id);
                continue;
            }
            let content = base64_decode(&piece.content).map_err(|_| wrong())?;
            if hex_encode(&sha256(&content)) != item.sha256 || content.len() as u64 != item.bytes {
                return Err(wrong());
            }
            if item.kind == Kind::Records {
                let sealed: Records = serde_json::from_slice(&content).map_err(|_| wrong())?;
                sealed.verify(trust, open)?;
                records += sealed.records.len() as u64;
            }
        }
        if let Some(item) =
            incident.evidence.iter().find(|item| !self.evidence.iter().any(|one| one.id == item.id))
        {
            return Err(Broken::Missing(item.id));
        }
        let held = |step: &Step| Held {
            at: step.at.to_string(),
            by: step.by.clone(),
            from: step.from.map(|address| address.to_string()),
            text: step.what.text(),
        };
        let custody = |step: &&Step| matches!(step.what, What::EvidenceKept(_) | What::EvidenceRead { .. });
        Ok(Verified {
            incident: self.incident,
            title: incident.title.clone(),
            origin: checkpoint.origin,
            size: checkpoint.size,
            steps: incident.steps,
            records,
            erased,
            custody: steps.iter().filter(custody).map(held).collect(),
            evidence: incident.evidence,
        })
    }
}

impl Link {
    /// The step, with what stood in its sealed places.
    fn read(&self, reveal: &Reveal<'_>) -> Option<Step> {
        let (mut step, parts) = personal::read::<Value>(self.step.as_bytes()).ok()?;
        if parts.len() != self.opened.len() {
            return None;
        }
        for (part, opened) in parts.iter().zip(&self.opened) {
            let done = match reveal(&part.text, opened.as_deref())? {
                Revealed::Text(text) => personal::at(&mut step, part.slot, |slot| slot.put(&text)),
                Revealed::Erased(word) => personal::at(&mut step, part.slot, |slot| {
                    slot.stand_in(&word);
                    true
                }),
            };
            if done != Some(true) {
                return None;
            }
        }
        Some(step)
    }
}

/// Incident, number and digest of the step a record tells of.
#[must_use]
pub fn told(json: &[u8]) -> Option<(u64, u64, String)> {
    let record: Value = serde_json::from_slice(json).ok()?;
    if record.get("kind").and_then(Value::as_str) != Some("incident") {
        return None;
    }
    let text = |name: &str| record.get("metadata")?.get(name)?.as_str();
    Some((text("incident")?.parse().ok()?, text("step")?.parse().ok()?, text("digest")?.to_owned()))
}
