//! What people do with an incident.

use std::collections::BTreeMap;

use gabion_incident::incident::{Resolution, State};
use gabion_incident::notify::Regime;
use gabion_incident::{Action, Class, Review, Role, Subject, What, text};
use gabion_model::{Problem, Timestamp};
use gabion_respond::{Action as Measure, Subject as Target};
use serde::{Deserialize, Serialize};

use super::{Changed, IncidentError};
use crate::service::Inner;
use crate::{Act, Caller, Service, TakeMeasure, Which};

/// A change somebody asks for. Alphabetical.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case", deny_unknown_fields)]
pub enum Change {
    Acknowledge,
    /// The gate does something for it, for a task of the checklist or without one.
    Act {
        action: Option<Action>,
        target: String,
        task: Option<String>,
    },
    ActionDone {
        action: u64,
        #[serde(default)]
        text: String,
    },
    /// A role or a task is somebody's.
    Assign {
        to: String,
        role: Option<Role>,
        task: Option<String>,
    },
    Classify {
        class: Class,
        reason: String,
    },
    Close {
        #[serde(default = "resolved")]
        resolution: Resolution,
        text: String,
    },
    /// A task is done.
    Done {
        task: String,
        #[serde(default)]
        text: String,
    },
    /// The clocks of some laws begin; now, or since it was known.
    DutyBegin {
        regimes: Vec<Regime>,
        aware: Option<Timestamp>,
    },
    /// Somebody was told.
    DutyDone {
        duty: String,
        text: String,
    },
    DutyWaive {
        duty: String,
        reason: String,
    },
    /// What notifications say.
    Facts {
        facts: BTreeMap<String, String>,
    },
    Move {
        to: State,
        #[serde(default)]
        reason: String,
    },
    Note {
        text: String,
    },
    Review {
        review: Review,
    },
    /// A task is not needed.
    Skip {
        task: String,
        reason: String,
    },
    /// It is about these, too; as [`Subject::parse`] reads them.
    Subjects {
        subjects: Vec<String>,
    },
}

const fn resolved() -> Resolution {
    Resolution::Resolved
}

impl Service {
    /// Changes an incident.
    ///
    /// # Errors
    /// [`IncidentError::Refused`] for what its state does not allow, [`IncidentError::Invalid`] for a field that cannot be
    /// used.
    pub async fn change_incident(
        &self,
        caller: &Caller,
        id: u64,
        change: Change,
    ) -> Result<Changed, IncidentError> {
        if let Change::Act { action, target, task } = change {
            return self.contain(caller, id, action, target, task).await;
        }
        let act = change.act();
        let incident = self
            .step(act, caller, id, move |inner, kept| {
                let now = inner.clock.now();
                let mut what = change.what(now)?;
                if let What::Classified { class, clocks, .. } = &mut what {
                    *clocks = inner.desk.load().settings.clocks_of(*class);
                }
                if let What::DutyBegan { aware, .. } = &what
                    && *aware > now.max(kept.incident.changed)
                {
                    return Err(IncidentError::invalid("aware", "is in the future"));
                }
                Ok((what, None))
            })
            .await?;
        Ok(Changed { incident, failure: None })
    }

    /// Does it, and puts down how it ended. The act itself is on record as any other of its kind, under the same request.
    async fn contain(
        &self,
        caller: &Caller,
        id: u64,
        action: Option<Action>,
        target: String,
        task: Option<String>,
    ) -> Result<Changed, IncidentError> {
        let target = text::line(&target).map_err(|reason| IncidentError::invalid("target", reason))?;
        let mut caller = caller.clone();
        caller.request_id.get_or_insert_with(|| gabion_model::RequestId::random(&*self.0.rng));
        let (asked, wanted) = (caller.clone(), task.clone());
        let action = self
            .blocking_or(move |inner| {
                inner.authorize(Act::ContainIncident, &asked)?;
                inner.may_act(id, action, wanted.as_deref())
            })
            .await?;
        let done = self.act_for_incident(&caller, id, action, &target).await;
        let failure = done.err();
        let told = failure.clone();
        let incident = self
            .step(Act::ContainIncident, &caller, id, move |_, _| {
                Ok((What::Acted { action, target, task, failure: told }, None))
            })
            .await?;
        Ok(Changed { incident, failure })
    }

    async fn act_for_incident(
        &self,
        caller: &Caller,
        id: u64,
        action: Action,
        target: &str,
    ) -> Result<(), String> {
        let told = |error: &dyn std::fmt::Display| text::clipped(&error.to_string(), text::LINE);
        if let Some(measure) = measure(action) {
            let subject = Target::of(measure, target).map_err(|error| told(&error))?;
            let reason = format!("INC-{id}");
            let asked = TakeMeasure { action: measure, subject, life: None, reason };
            return self.take_measure(caller, asked).await.map(drop).map_err(|error| told(&error));
        }
        match action {
            Action::DisableAccount => {
                self.disable_account(caller, target).await.map_err(|error| told(&error))
            }
            Action::EnableAccount => self.enable_account(caller, target).await.map_err(|error| told(&error)),
            Action::EndSessions => {
                let which = Which::Name(target.to_owned());
                self.end_sessions(caller, which).await.map(drop).map_err(|error| told(&error))
            }
            Action::Lift => self.lift_measures(caller, target).await.map(drop).map_err(|error| told(&error)),
            Action::RevokeApiKey => self.revoke_api_key(caller, target).await.map_err(|error| told(&error)),
            Action::RevokeKey => {
                self.revoke_key(caller, target).await.map(drop).map_err(|error| told(&error))
            }
            Action::BlockAddress
            | Action::BlockNetwork
            | Action::DisableApiKey
            | Action::RequireStepUp
            | Action::SlowDown
            | Action::StrictRoute => Err("this is no act of its own".to_owned()),
        }
    }
}

/// What is done for a time, and taken back by itself.
const fn measure(action: Action) -> Option<Measure> {
    Some(match action {
        Action::BlockAddress => Measure::BlockAddress,
        Action::BlockNetwork => Measure::BlockNetwork,
        Action::DisableApiKey => Measure::DisableKey,
        Action::RequireStepUp => Measure::RequireStepUp,
        Action::SlowDown => Measure::SlowDown,
        Action::StrictRoute => Measure::StrictRoute,
        _ => return None,
    })
}

impl Inner {
    /// What is to be done, once it is sure that the incident takes it: nothing happens for one that is closed.
    fn may_act(&self, id: u64, action: Option<Action>, task: Option<&str>) -> Result<Action, IncidentError> {
        let incident = self.kept(id)?.incident;
        if incident.state == State::Closed {
            return Err(gabion_incident::Refused::Closed.into());
        }
        let named = task.map(|wanted| {
            let found = incident.tasks.iter().find(|task| task.template.id == wanted);
            found.ok_or_else(|| gabion_incident::Refused::Unknown {
                what: "task",
                name: text::clipped(wanted, 64),
                hint: "`gabion incident show ID` lists them".to_owned(),
            })
        });
        let own = named.transpose()?.and_then(|task| task.template.action);
        action.or(own).ok_or_else(|| {
            let problem = Problem::new("action", "is missing: this task is nothing the gate does itself");
            IncidentError::Invalid(
                problem.hint("`--action end-sessions`, or leave the target away to say that it is done"),
            )
        })
    }
}

impl Change {
    const fn act(&self) -> Act {
        match self {
            Self::Acknowledge => Act::AcknowledgeIncident,
            Self::Act { .. } => Act::ContainIncident,
            Self::Assign { .. } => Act::AssignIncident,
            Self::Classify { .. } => Act::ClassifyIncident,
            Self::Close { .. } => Act::CloseIncident,
            Self::Done { .. } | Self::Skip { .. } => Act::SettleTask,
            Self::DutyBegin { .. } | Self::DutyDone { .. } | Self::DutyWaive { .. } | Self::Facts { .. } => {
                Act::NotifyIncident
            }
            Self::Move { .. } => Act::MoveIncident,
            Self::Note { .. } | Self::Subjects { .. } => Act::NoteIncident,
            Self::ActionDone { .. } | Self::Review { .. } => Act::ReviewIncident,
        }
    }

    fn what(self, now: Timestamp) -> Result<What, IncidentError> {
        let bad = |field: &'static str| move |reason: String| IncidentError::invalid(field, reason);
        let line = |field, written: &str| text::line(written).map_err(bad(field));
        let must = |field, written: &str| text::block(written, text::NOTE).map_err(bad(field));
        let may = |field, written: &str| {
            if written.trim().is_empty() { Ok(String::new()) } else { must(field, written) }
        };
        Ok(match self {
            Self::Acknowledge | Self::Act { .. } => What::Acknowledged,
            Self::ActionDone { action, text } => What::ActionDone { action, text: may("text", &text)? },
            Self::Assign { to, role, task } => {
                if role.is_some() == task.is_some() {
                    return Err(IncidentError::invalid("role", "either a role or a task"));
                }
                What::Assigned { to: line("to", &to)?, to_role: role, to_task: task }
            }
            Self::Classify { class, reason } => {
                What::Classified { class, clocks: class.clocks(), reason: must("reason", &reason)? }
            }
            Self::Close { resolution, text } => What::Closed { resolution, text: must("text", &text)? },
            Self::Done { task, text } => What::Done { task: line("task", &task)?, text: may("text", &text)? },
            Self::Skip { task, reason } => {
                What::Skipped { task: line("task", &task)?, reason: must("reason", &reason)? }
            }
            Self::DutyBegin { mut regimes, aware } => {
                regimes.sort_unstable();
                regimes.dedup();
                if regimes.is_empty() {
                    return Err(IncidentError::invalid("regimes", "are missing: `gdpr`, `hipaa` or `pci`"));
                }
                What::DutyBegan { regimes, aware: aware.unwrap_or(now) }
            }
            Self::DutyDone { duty, text } => What::DutyDone { duty, text: must("text", &text)? },
            Self::DutyWaive { duty, reason } => What::DutyWaived { duty, reason: must("reason", &reason)? },
            Self::Facts { facts } => {
                let mut clean = BTreeMap::new();
                for (name, value) in facts {
                    let value = text::block(&value, FACT)
                        .map_err(|reason| IncidentError::invalid("facts", reason))?;
                    clean.insert(name, value);
                }
                What::Facts { facts: clean }
            }
            Self::Move { to, reason } => {
                // Who goes back says why.
                let reason =
                    if to == State::Open { must("reason", &reason)? } else { may("reason", &reason)? };
                What::Moved { to, reason }
            }
            Self::Note { text } => What::Noted { text: must("text", &text)? },
            Self::Review { review } => {
                let checked = review.checked();
                What::Reviewed(Box::new(
                    checked.map_err(|(field, reason)| IncidentError::invalid(&field, reason))?,
                ))
            }
            Self::Subjects { subjects } => {
                let parse = |(index, written): (usize, &String)| {
                    let parsed = Subject::parse(written);
                    parsed.map_err(|reason| IncidentError::invalid(&format!("subjects[{index}]"), reason))
                };
                What::Subjects { subjects: subjects.iter().enumerate().map(parse).collect::<Result<_, _>>()? }
            }
        })
    }
}

/// Longest fact.
const FACT: usize = 2_000;
