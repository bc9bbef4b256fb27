//! Keeping evidence, and taking it out of the house.

use gabion_incident::evidence::{self, Item, Kind, Link, Pack, Piece, Proven, Records};
use gabion_incident::{Incident, What, text, timeline};
use gabion_ledger::{Position, Query, Sealed};
use gabion_model::Timestamp;
use gabion_vault::encoding::base64_encode;
use serde::Serialize;

use super::steps::Kept;
use super::{IncidentError, personal};
use crate::service::Inner;
use crate::{Act, ActError, Caller, Service};

/// A file somebody adds.
#[derive(Debug, Clone)]
pub struct NewEvidence {
    pub name: String,
    /// Where it is from.
    pub source: String,
    pub content: Vec<u8>,
}

/// A piece that was kept.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Taken {
    pub item: Item,
    /// Records that belong to it and are not in the ledger's checkpoint yet, or too many for one piece.
    pub left_out: u64,
}

impl Service {
    /// Keeps a file.
    ///
    /// # Errors
    /// [`IncidentError::Invalid`] for one that is empty or too large.
    pub async fn keep_evidence(
        &self,
        caller: &Caller,
        id: u64,
        new: NewEvidence,
    ) -> Result<Taken, IncidentError> {
        let name = text::line(&new.name).map_err(|reason| IncidentError::invalid("name", reason))?;
        let source = text::line(&new.source).map_err(|reason| IncidentError::invalid("source", reason))?;
        if new.content.is_empty() || new.content.len() > evidence::LONGEST {
            let reason = format!("has no bytes, or more than {}", evidence::LONGEST);
            return Err(IncidentError::invalid("content", reason));
        }
        let incident = self
            .step(Act::KeepEvidence, caller, id, move |inner, kept| {
                let mut item = Item::of(next(&kept.incident), name, Kind::File, &new.content, source);
                let number = item.id;
                let (content, sealed) = inner.sealed_file(new.content)?;
                item.sealed = sealed;
                Ok((What::EvidenceKept(item), Some((number, content))))
            })
            .await?;
        taken(&incident, 0)
    }

    /// Keeps a sealed copy of every record about the incident that the ledger's checkpoint has.
    ///
    /// # Errors
    /// [`IncidentError::Unsealed`] when there is no checkpoint yet.
    pub async fn collect_evidence(&self, caller: &Caller, id: u64) -> Result<Taken, IncidentError> {
        let (sender, counted) = std::sync::mpsc::channel();
        let incident = self
            .step(Act::KeepEvidence, caller, id, move |inner, kept| {
                let (records, left_out) = inner.sealed_records(&kept.incident)?;
                let content = records.to_bytes();
                let (name, source) = ("records.json".to_owned(), "the ledger".to_owned());
                let mut item = Item::of(next(&kept.incident), name, Kind::Records, &content, source);
                item.records = Some(records.records.len() as u64);
                let number = item.id;
                let _ = sender.send(left_out);
                Ok((What::EvidenceKept(item), Some((number, content))))
            })
            .await?;
        taken(&incident, counted.try_recv().unwrap_or(0))
    }

    /// Everything there is of evidence, with the proofs, and on record that it was taken out.
    ///
    /// # Errors
    /// [`IncidentError::Unsealed`] while the ledger has not signed the last step: a moment later it has.
    pub async fn export_evidence(
        &self,
        caller: &Caller,
        id: u64,
        purpose: &str,
    ) -> Result<Pack, IncidentError> {
        let purpose = text::line(purpose).map_err(|reason| IncidentError::invalid("purpose", reason))?;
        let asked = caller.clone();
        let wanted = purpose.clone();
        // Who takes it out twice while the ledger signs is written down once.
        let (last, by) = self
            .blocking_or(move |inner| {
                inner.authorize(Act::ReadEvidence, &asked)?;
                let kept = inner.kept(id)?;
                let last = kept.incident.evidence.last().map(|item| item.id);
                let by = timeline::who(&asked.actor);
                let is_told = kept.steps.last().is_some_and(|step| {
                    step.by == by
                        && matches!(&step.what, What::EvidenceRead { purpose, .. } if *purpose == wanted)
                });
                Ok::<_, IncidentError>((last, is_told))
            })
            .await?;
        let Some(last) = last else {
            return Err(IncidentError::invalid(
                "evidence",
                "there is none: `gabion incident evidence collect ID`",
            ));
        };
        if !by {
            let read = What::EvidenceRead { evidence: last, purpose };
            self.step(Act::ReadEvidence, caller, id, move |_, _| Ok((read, None))).await?;
        }
        self.blocking_or(move |inner| inner.pack(&inner.kept(id)?)).await
    }
}

fn taken(incident: &Incident, left_out: u64) -> Result<Taken, IncidentError> {
    let item = incident.evidence.last().cloned().ok_or(ActError::Unavailable)?;
    Ok(Taken { item, left_out })
}

fn next(incident: &Incident) -> u64 {
    incident.evidence.len() as u64 + 1
}

impl Inner {
    /// The tree of the last checkpoint.
    fn sealed(&self) -> Result<Sealed, IncidentError> {
        let desk = self.desk.load();
        let tree = desk.tree.clone().ok_or(IncidentError::Unsealed)?;
        let sealed = Sealed::open(tree, &self.ledger.reader()).map_err(|error| {
            tracing::error!(%error, "the ledger's tree cannot be read");
            IncidentError::Act(ActError::Unavailable)
        })?;
        sealed.ok_or(IncidentError::Unsealed)
    }

    fn proven_record(&self, sealed: &Sealed, record: u64) -> Result<Option<Proven>, IncidentError> {
        let unread = |error: &dyn std::fmt::Display| {
            tracing::error!(%error, "a record cannot be proven");
            IncidentError::Act(ActError::Unavailable)
        };
        let position = Position(record);
        let path = sealed.inclusion(position).map_err(|error| unread(&error))?;
        let disclosed = self.ledger.reader().disclose(position).map_err(|error| unread(&error))?;
        Ok(path.zip(disclosed).map(|(path, disclosed)| Proven::new(record, &disclosed.encode(), &path)))
    }

    fn sealed_records(&self, incident: &Incident) -> Result<(Records, u64), IncidentError> {
        let sealed = self.sealed()?;
        let since = incident.detected.min(incident.opened).as_micros().saturating_sub(BEFORE);
        let query = Query { since: Some(Timestamp::from_micros(since)), ..Query::default() };
        let mut found = Vec::new();
        for record in self.ledger.reader().search(query).flatten() {
            if timeline::concerns(incident, record.position.0, &record.event) {
                found.push(record.position.0);
            }
        }
        // The oldest first: they are how it began.
        found.reverse();
        let (all, mut records, mut bytes) = (found.len() as u64, Vec::new(), 0);
        for position in found.into_iter().take(evidence::RECORDS) {
            let Some(proven) = self.proven_record(&sealed, position)? else { continue };
            bytes += proven.payload.len() + proven.path.len() * 48 + 64;
            if bytes > evidence::LONGEST {
                break;
            }
            records.push(proven);
        }
        let left_out = all.saturating_sub(records.len() as u64);
        Ok((Records::new(incident.id, sealed.note(), records), left_out))
    }

    fn pack(&self, kept: &Kept) -> Result<Pack, IncidentError> {
        let (sealed, id) = (self.sealed()?, kept.incident.id);
        let mut custody = Vec::new();
        for step in &kept.stored {
            let proof = self.proven_record(&sealed, step.record)?.ok_or(IncidentError::Unsealed)?;
            let text = String::from_utf8(step.step.clone());
            let text = text.map_err(|_| IncidentError::Damaged { incident: id, step: step.number })?;
            let opened = self.openings(&step.step)?;
            custody.push(Link { step: text, opened, proof });
        }
        let mut pieces = Vec::new();
        for item in &kept.incident.evidence {
            let (content, erased) = match self.piece(&kept.incident, item.id)? {
                personal::Piece::Content(content) => (base64_encode(&content), false),
                personal::Piece::Erased => (String::new(), true),
                personal::Piece::Missing => {
                    return Err(IncidentError::Damaged { incident: id, step: kept.incident.steps });
                }
            };
            pieces.push(Piece { id: item.id, content, erased });
        }
        Ok(Pack::new(id, sealed.note(), pieces, custody))
    }
}

/// Microseconds before the first event from which records are looked at.
const BEFORE: i64 = 900_000_000;
