//! What is told of incidents.

use gabion_incident::incident::State;
use gabion_incident::report::{Agreement, Material};
use gabion_incident::timeline::{self, Entry};
use gabion_incident::{Class, Due, Incident, Metrics, due, evidence};
use gabion_ledger::{Position, Query, Reader};
use gabion_model::{EventKind, Outcome, Timestamp};
use gabion_vault::encoding::hex_encode;
use serde::Serialize;

use super::IncidentError;
use super::steps::Kept;
use crate::record::observed;
use crate::service::Inner;
use crate::{Act, Caller, Service};

/// An incident in a line.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    pub id: u64,
    pub name: String,
    pub title: String,
    pub class: Class,
    pub kind: String,
    pub state: State,
    pub opened: Timestamp,
    pub commander: Option<String>,
    /// What is due next.
    pub next: Option<Due>,
    pub late: usize,
    /// Why it cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub damaged: Option<String>,
}

impl Service {
    /// Incidents, those that are not closed or all, the latest first; at most `limit` below `before`.
    ///
    /// # Errors
    /// When the caller may not administer.
    pub async fn incidents(
        &self,
        caller: &Caller,
        open: bool,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Summary>, IncidentError> {
        let asked = caller.clone();
        self.read(Act::FindIncidents, caller, move |inner, _| {
            observed(inner, Act::FindIncidents, &asked);
            let ids = inner.desk.load().storage.ids(before, open, limit.min(MOST))?;
            let now = inner.clock.now();
            Ok(ids.into_iter().map(|id| summary(id, inner.kept(id), now)).collect())
        })
        .await
    }

    /// Everything there is to tell of an incident.
    ///
    /// # Errors
    /// [`IncidentError::NotFound`], [`IncidentError::Damaged`]
    pub async fn incident(&self, caller: &Caller, id: u64) -> Result<Material, IncidentError> {
        let asked = caller.clone();
        self.read(Act::ReadIncident, caller, move |inner, _| {
            observed(inner, Act::ReadIncident, &asked);
            let kept = inner.kept(id)?;
            let (events, cut) = inner.timeline(&kept.incident)?;
            let agrees = inner.agreement(&kept)?;
            let timeline = timeline::merge(events, &kept.steps);
            Ok(Material::new(kept.incident, timeline, cut, agrees, inner.clock.now()))
        })
        .await
    }

    /// Figures over all incidents that can be read.
    ///
    /// # Errors
    /// When the caller may not administer.
    pub async fn incident_metrics(&self, caller: &Caller) -> Result<Metrics, IncidentError> {
        let asked = caller.clone();
        self.read(Act::FindIncidents, caller, move |inner, _| {
            observed(inner, Act::FindIncidents, &asked);
            let ids = inner.desk.load().storage.ids(None, false, usize::MAX)?;
            let incidents: Vec<Incident> =
                ids.into_iter().filter_map(|id| inner.kept(id).ok()).map(|kept| kept.incident).collect();
            Ok(Metrics::of(&incidents))
        })
        .await
    }

    /// Who notifies, for drafts.
    #[must_use]
    pub fn organisation(&self) -> Option<String> {
        self.0.desk.load().settings.organisation.clone()
    }
}

impl Inner {
    /// Those that are not closed and can be read.
    pub(super) fn open_incidents(&self) -> Result<Vec<Incident>, IncidentError> {
        let ids = self.desk.load().storage.ids(None, true, MOST)?;
        let read = |id| match self.kept(id) {
            Ok(kept) => Some(kept.incident),
            Err(error) => {
                tracing::error!(%error, "incident left out");
                None
            }
        };
        Ok(ids.into_iter().filter_map(read).collect())
    }

    /// The events about an incident, the latest [`timeline::MOST`] of them, and whether there are more.
    fn timeline(&self, incident: &Incident) -> Result<(Vec<Entry>, bool), IncidentError> {
        let since = micros(incident.detected.min(incident.opened), -BEFORE);
        let until = incident.closed.map(|closed| micros(closed, 1));
        let query = Query { since: Some(since), until, ..Query::default() };
        let reader = self.ledger.reader();
        let first = first_of(incident);
        let (mut entries, mut cut) = (Vec::new(), false);
        for record in reader.search(query) {
            let Ok(record) = record else {
                cut = true;
                continue;
            };
            let (position, event) = (record.position.0, record.event);
            if !timeline::concerns(incident, position, &event) {
                continue;
            }
            let Some(entry) = timeline::of_event(position, &event) else { continue };
            if entries.len() >= timeline::MOST && position < first {
                cut = true;
                break;
            }
            if entries.len() >= timeline::MOST * 2 {
                cut = true;
                break;
            }
            entries.push(entry);
        }
        entries.reverse();
        Ok((entries, cut))
    }

    /// Holds every step beside the record that has its digest.
    fn agreement(&self, kept: &Kept) -> Result<Agreement, IncidentError> {
        let reader = self.ledger.reader();
        let id = kept.incident.id;
        for step in &kept.stored {
            let not = |reason: &str| Agreement::Not { step: step.number, reason: reason.to_owned() };
            match self.told(&reader, step.record) {
                Told::Gone => return Ok(not("its record is not in the ledger any more")),
                Told::Other => return Ok(not("the record is another one")),
                Told::Step(incident, number, digest) => {
                    if (incident, number, digest) != (id, step.number, hex_encode(&step.digest)) {
                        return Ok(not("the ledger has another digest"));
                    }
                }
            }
        }
        // Steps that were acknowledged and are not kept any more, also where another one has their number now.
        let since = Some(micros(kept.incident.opened, -BEFORE));
        let query = Query {
            kind: Some(EventKind::Incident),
            outcome: Some(Outcome::Success),
            since,
            ..Query::default()
        };
        let mut missing: Option<u64> = None;
        for record in reader.search(query).flatten() {
            let told = serde_json::to_vec(&record.event).ok().and_then(|json| evidence::told(&json));
            let Some((incident, number, digest)) = told else { continue };
            let is_kept =
                kept.stored.iter().any(|step| step.number == number && hex_encode(&step.digest) == digest);
            if incident == id && !is_kept {
                missing = Some(missing.map_or(number, |first| first.min(number)));
            }
        }
        if let Some(step) = missing {
            let reason = "the ledger has one that is not kept here any more".to_owned();
            return Ok(Agreement::Not { step, reason });
        }
        Ok(Agreement::Yes)
    }

    fn told(&self, reader: &Reader, record: u64) -> Told {
        let Ok(Some(record)) = reader.record(Position(record)) else { return Told::Gone };
        let json = serde_json::to_vec(&record.event).unwrap_or_default();
        match evidence::told(&json) {
            Some((incident, step, digest)) => Told::Step(incident, step, digest),
            None => Told::Other,
        }
    }
}

enum Told {
    Gone,
    Other,
    Step(u64, u64, String),
}

/// The first record an alert rang for: the timeline reaches back to it.
fn first_of(incident: &Incident) -> u64 {
    incident
        .alerts
        .iter()
        .flat_map(|alert| alert.events.iter().chain([&alert.position]))
        .copied()
        .min()
        .unwrap_or(0)
}

fn summary(id: u64, kept: Result<Kept, IncidentError>, now: Timestamp) -> Summary {
    match kept {
        Ok(Kept { incident, .. }) => {
            let due = due::of(&incident, now);
            Summary {
                id,
                name: incident.name(),
                late: due.iter().filter(|due| due.late).count(),
                next: due.into_iter().next(),
                commander: incident.roles.get(&gabion_incident::Role::Commander).cloned(),
                title: incident.title,
                class: incident.class,
                kind: incident.kind,
                state: incident.state,
                opened: incident.opened,
                damaged: None,
            }
        }
        // It is shown, and as the worst there is: somebody may want it not to be seen.
        Err(error) => Summary {
            id,
            name: format!("INC-{id}"),
            title: "cannot be read".to_owned(),
            class: Class::P0,
            kind: String::new(),
            state: State::Open,
            opened: now,
            commander: None,
            next: None,
            late: 0,
            damaged: Some(error.to_string()),
        },
    }
}

fn micros(at: Timestamp, seconds: i64) -> Timestamp {
    Timestamp::from_micros(at.as_micros().saturating_add(seconds.saturating_mul(1_000_000)))
}

/// Seconds before the first event that the timeline shows, too.
const BEFORE: i64 = 900;
/// Incidents of one answer.
pub(crate) const MOST: usize = 200;
