//! Opening an incident by hand.

use gabion_incident::step::Alert;
use gabion_incident::{Class, Incident, Opening, Subject, What, procedure, text};
use gabion_ledger::Position;
use gabion_model::{Event, EventKind, Timestamp};
use serde::{Deserialize, Serialize};

use super::IncidentError;
use crate::service::Inner;
use crate::{Act, Caller, Service};

/// An incident somebody opens.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NewIncident {
    /// May be left out where there is an alert.
    pub title: Option<String>,
    /// May be left out where there is an alert.
    pub class: Option<Class>,
    /// The id of a procedure; that of the alert's rule, or `general`.
    pub kind: Option<String>,
    /// As [`Subject::parse`] reads them.
    pub subjects: Vec<String>,
    /// The record of an alert it begins with.
    pub alert: Option<u64>,
}

impl Service {
    /// Opens an incident.
    ///
    /// # Errors
    /// [`IncidentError::Invalid`] for a field that cannot be used.
    pub async fn open_incident(&self, caller: &Caller, new: NewIncident) -> Result<Incident, IncidentError> {
        let incident = self
            .first_step(Act::OpenIncident, caller, move |inner| {
                Ok(What::Opened(Box::new(inner.opening(new)?)))
            })
            .await?;
        self.tell_opened(&incident);
        Ok(incident)
    }
}

impl Inner {
    fn opening(&self, new: NewIncident) -> Result<Opening, IncidentError> {
        let desk = self.desk.load();
        let mut subjects = Vec::new();
        for (index, written) in new.subjects.iter().enumerate() {
            let subject = Subject::parse(written);
            subjects.push(
                subject.map_err(|reason| IncidentError::invalid(&format!("subjects[{index}]"), reason))?,
            );
        }
        let now = self.clock.now();
        let alert = new.alert.map(|position| self.alert(position)).transpose()?;
        let title = match (&new.title, &alert) {
            (Some(title), _) => {
                text::line(title).map_err(|reason| IncidentError::invalid("title", reason))?
            }
            (None, Some((alert, _))) => alert.title.clone(),
            (None, None) => {
                return Err(IncidentError::invalid("title", "is missing: say what happened in a line"));
            }
        };
        let by_alert = alert.as_ref().map(|(alert, _)| Class::of(alert.level));
        let class = new.class.or(by_alert);
        let class =
            class.ok_or_else(|| IncidentError::invalid("class", "is missing: `P0`, `P1`, `P2` or `P3`"))?;
        let kind = match (new.kind, &alert) {
            (Some(kind), _) if desk.procedures.knows(&kind) => kind,
            (Some(_), _) => {
                let known: Vec<_> = desk.procedures.iter().map(|own| format!("`{}`", own.id)).collect();
                let reason = format!("is none of {}", known.join(", "));
                return Err(IncidentError::invalid("kind", reason));
            }
            (None, Some((alert, _))) => desk.procedures.kind_of(&alert.rule).to_owned(),
            (None, None) => procedure::GENERAL.to_owned(),
        };
        let mut opening = Opening {
            title,
            class,
            clocks: desk.settings.clocks_of(class),
            tasks: desk.procedures.of(&kind),
            kind,
            detected: now,
            alerted: now,
            alerts: Vec::new(),
            subjects,
            automatic: false,
        };
        if let Some((alert, event)) = alert {
            opening.detected = self.detected(&alert);
            opening.alerted = alert.at;
            opening.subjects.extend(Subject::of_alert(&event));
            opening.alerts.push(alert);
        }
        opening.subjects.sort();
        opening.subjects.dedup();
        Ok(opening)
    }

    /// The alert of a record.
    pub(super) fn alert(&self, position: u64) -> Result<(Alert, Event), IncidentError> {
        let event = self.event_at(position).filter(|event| event.kind == EventKind::Alert);
        let event = event.ok_or_else(|| {
            IncidentError::invalid(
                "alert",
                "is no record of an alert: `gabion ledger search --kind alert` lists them",
            )
        })?;
        Ok((Alert::of(position, &event), event))
    }

    /// When the first of the events happened that an alert rang for.
    pub(super) fn detected(&self, alert: &Alert) -> Timestamp {
        let times = alert.events.iter().filter_map(|position| self.event_at(*position));
        times.map(|event| event.time).chain([alert.at]).min().unwrap_or(alert.at)
    }

    pub(super) fn event_at(&self, position: u64) -> Option<Event> {
        let record = self.ledger.reader().record(Position(position)).ok()??;
        Some(record.event)
    }
}
