//! What the gate does by itself: incidents from alerts, and reminders.

use gabion_incident::opening::{self, Decision};
use gabion_incident::report::span;
use gabion_incident::step::Alert;
use gabion_incident::{Class, Incident, Opening, Subject, What, due};
use gabion_model::outbound::Letter;
use gabion_model::{Event, EventKind, Secret};

use super::IncidentError;
use crate::{Act, Caller, Service};

/// What became of an alert.
#[derive(Debug, Clone, PartialEq)]
pub enum Rang {
    /// It belongs to this incident.
    Joined(Box<Incident>),
    Left,
    Opened(Box<Incident>),
}

impl Service {
    /// The last record that was looked at for alerts.
    ///
    /// # Errors
    /// When the storage fails.
    pub async fn incident_cursor(&self) -> Result<Option<u64>, IncidentError> {
        self.blocking_or(|inner| Ok(inner.desk.load().storage.cursor()?)).await
    }

    /// # Errors
    /// When the storage fails.
    pub async fn set_incident_cursor(&self, position: u64) -> Result<(), IncidentError> {
        self.blocking_or(move |inner| Ok(inner.desk.load().storage.set_cursor(position)?)).await
    }

    /// Opens an incident for an alert of the ledger, or adds it to one that is open. The same alert twice does nothing.
    ///
    /// # Errors
    /// When it cannot be recorded or kept: the caller tries again.
    pub async fn alert_rang(&self, position: u64, event: &Event) -> Result<Rang, IncidentError> {
        if event.kind != EventKind::Alert {
            return Ok(Rang::Left);
        }
        let (alert, subjects) = (Alert::of(position, event), Subject::of_alert(event));
        let (known, about) = (alert.clone(), subjects.clone());
        let decision = self
            .blocking_or(move |inner| {
                let desk = inner.desk.load();
                let open = inner.open_incidents()?;
                // One that is closed already knows the alert, too.
                let latest = desk.storage.ids(None, false, CLOSED)?;
                let is_known = |id: &u64| {
                    inner.kept(*id).is_ok_and(|kept| {
                        kept.incident.alerts.iter().any(|own| own.position == known.position)
                    })
                };
                if latest.iter().any(is_known) {
                    return Ok::<_, IncidentError>(Decision::Leave);
                }
                Ok(opening::decide(&desk.settings, &open, &known, &about, inner.clock.now()))
            })
            .await?;
        match decision {
            Decision::Leave => Ok(Rang::Left),
            Decision::Open(class) => self.open_by_rule(alert, subjects, class).await,
            Decision::Join { incident, raise } => self.join(incident, alert, subjects, raise).await,
        }
    }

    async fn open_by_rule(
        &self,
        alert: Alert,
        subjects: Vec<Subject>,
        class: Class,
    ) -> Result<Rang, IncidentError> {
        let make = move |inner: &crate::service::Inner| {
            let desk = inner.desk.load();
            let kind = desk.procedures.kind_of(&alert.rule).to_owned();
            Ok(What::Opened(Box::new(Opening {
                title: alert.title.clone(),
                class,
                clocks: desk.settings.clocks_of(class),
                tasks: desk.procedures.of(&kind),
                kind,
                detected: inner.detected(&alert),
                alerted: alert.at,
                alerts: vec![alert],
                subjects,
                automatic: true,
            })))
        };
        let incident = self.first_step(Act::OpenIncident, &Caller::gate(), make).await?;
        self.tell_opened(&incident);
        Ok(Rang::Opened(Box::new(incident)))
    }

    async fn join(
        &self,
        id: u64,
        alert: Alert,
        subjects: Vec<Subject>,
        raise: Option<Class>,
    ) -> Result<Rang, IncidentError> {
        let title = alert.title.clone();
        let joined = What::Joined { alert, subjects };
        let gate = Caller::gate();
        let mut incident = self.step(Act::JoinIncident, &gate, id, move |_, _| Ok((joined, None))).await?;
        if let Some(class) = raise {
            let reason = format!("the alert: {title}");
            incident = self
                .step(Act::ClassifyIncident, &gate, id, move |inner, _| {
                    let clocks = inner.desk.load().settings.clocks_of(class);
                    Ok((What::Classified { class, clocks, reason }, None))
                })
                .await?;
            let subject = format!("{} is {} now: {}", incident.name(), incident.class, incident.title);
            self.letter(&subject, &self.lines(&incident));
        }
        Ok(Rang::Joined(Box::new(incident)))
    }

    /// Reminds of what is late or nearly so, once each.
    ///
    /// # Errors
    /// When it cannot be recorded or kept: the next call tries again.
    pub async fn remind(&self) -> Result<(), IncidentError> {
        let open = self.blocking_or(|inner| inner.open_incidents()).await?;
        let now = self.0.clock.now();
        for incident in open {
            let due = due::reminders(&incident, now);
            if due.is_empty() {
                continue;
            }
            let items: Vec<_> = due.iter().map(due::Due::reminder).collect();
            let step = What::Reminded { items };
            self.step(Act::RemindIncident, &Caller::gate(), incident.id, move |_, _| Ok((step, None)))
                .await?;
            let mut lines = String::new();
            for due in &due {
                let when = if due.late { "since" } else { "until" };
                let owner = due.owner.as_deref().unwrap_or("nobody yet");
                lines.push_str(&format!("- {} ({when} {}, owner: {owner})\n", due.what, due.until));
                tracing::warn!(
                    incident = incident.name(),
                    due = due.id,
                    late = due.late,
                    "incident needs somebody"
                );
            }
            let subject = format!("{} ({}): something is due", incident.name(), incident.class);
            self.letter(&subject, &format!("{lines}\n{}", self.lines(&incident)));
        }
        Ok(())
    }

    pub(super) fn tell_opened(&self, incident: &Incident) {
        tracing::warn!(
            incident = incident.name(),
            class = incident.class.as_str(),
            title = incident.title,
            "incident opened"
        );
        let subject = format!("{} {}: {}", incident.class, incident.name(), incident.title);
        self.letter(&subject, &self.lines(incident));
    }

    fn lines(&self, incident: &Incident) -> String {
        let about: Vec<_> =
            incident.subjects.iter().take(10).map(|one| format!("{} {}", one.kind(), one.value())).collect();
        let soon = incident.until(incident.clocks.acknowledge).saturating_since(self.0.clock.now());
        let waits = match incident.acknowledged {
            Some(at) => format!("acknowledged {at}"),
            None => format!("to be acknowledged within {}", span(soon.as_secs())),
        };
        let (id, class, state) = (incident.id, incident.class, incident.state.as_str());
        let (title, alerted, about) = (&incident.title, incident.alerted, about.join(", "));
        format!(
            "{title}\n\nclass   {class}\nstate   {state}, {waits}\nalert   {alerted}\nabout   {about}\n\n\
             See it:       gabion incident show {id}\nTake it on:   gabion incident ack {id}\n"
        )
    }

    /// To everybody who is to know. A letter that is not taken is logged: the incident stands without it.
    fn letter(&self, subject: &str, text: &str) {
        let desk = self.0.desk.load();
        for to in &desk.settings.letters_to {
            let letter = Letter {
                to: to.clone(),
                subject: subject.chars().map(|one| if one.is_control() { ' ' } else { one }).collect(),
                text: Secret::new(text.to_owned()),
                html: None,
            };
            if let Err(error) = self.0.mail.send(letter) {
                tracing::error!(%error, "letter about an incident not sent");
            }
        }
    }
}

/// Closed incidents that are asked whether they know an alert.
const CLOSED: usize = 50;
