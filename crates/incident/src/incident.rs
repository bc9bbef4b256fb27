//! What the steps of an incident come to. One function judges and applies a step ([`Incident::take`]), when somebody takes it
//! and when it is read again.

use std::collections::{BTreeMap, BTreeSet};

use gabion_model::{Period, Timestamp};
use serde::{Deserialize, Serialize};

use crate::class::{Class, Clocks};
use crate::evidence::Item;
use crate::notify::{self, Regime};
use crate::procedure::{Action, Phase, Role, Template};
use crate::review::Review;
use crate::step::{Alert, Opening, Step, What};
use crate::subject::Subject;

/// Alerts an incident takes; what rings after them is in the ledger and in its timeline.
pub const ALERTS: usize = 100;
/// Subjects of an incident.
pub const SUBJECTS: usize = 100;
/// Steps of an incident.
pub const STEPS: u64 = 5_000;
/// Pieces of evidence.
pub const EVIDENCE: usize = 100;

/// How far the response is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Open,
    /// It does not get worse any more.
    Contained,
    Remediating,
    Recovering,
    /// Everything works as before; what is left is to learn from it.
    Review,
    Closed,
}

impl State {
    pub const ALL: [Self; 6] =
        [Self::Open, Self::Contained, Self::Remediating, Self::Recovering, Self::Review, Self::Closed];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Contained => "contained",
            Self::Remediating => "remediating",
            Self::Recovering => "recovering",
            Self::Review => "review",
            Self::Closed => "closed",
        }
    }
}

impl std::str::FromStr for State {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|state| state.as_str() == text);
        known.ok_or_else(|| {
            "a state is `open`, `contained`, `remediating`, `recovering`, `review` or `closed`".to_owned()
        })
    }
}

/// What it was in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Resolution {
    Duplicate,
    FalseAlarm,
    Resolved,
}

impl Resolution {
    pub const ALL: [Self; 3] = [Self::Duplicate, Self::FalseAlarm, Self::Resolved];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Duplicate => "duplicate",
            Self::FalseAlarm => "false-alarm",
            Self::Resolved => "resolved",
        }
    }
}

impl std::str::FromStr for Resolution {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|resolution| resolution.as_str() == text);
        known.ok_or_else(|| "a resolution is `resolved`, `false-alarm` or `duplicate`".to_owned())
    }
}

/// Why a step is not taken; the text is for whoever asked. Alphabetical.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Somebody did it before.
    #[error("{0} already")]
    Already(String),
    /// It is closed; only reopening it is possible.
    #[error("the incident is closed (hint: `gabion incident move ID open --reason TEXT` opens it again)")]
    Closed,
    #[error("an incident has at most {most} {what}")]
    Full { what: &'static str, most: u64 },
    /// The steps are not those of an incident.
    #[error("step {0} does not follow from those before it")]
    Order(u64),
    /// Something else must have happened before.
    #[error("{reason} (hint: {hint})")]
    TooEarly { reason: String, hint: String },
    #[error("there is no {what} `{name}` (hint: {hint})")]
    Unknown { what: &'static str, name: String, hint: String },
}

/// One task of the checklist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Task {
    #[serde(flatten)]
    pub template: Template,
    /// When it is due.
    pub until: Timestamp,
    pub owner: Option<String>,
    /// Done or not needed: when, by whom, and what they say.
    pub settled: Option<Settled>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Settled {
    pub at: Timestamp,
    pub by: String,
    pub skipped: bool,
    pub text: String,
}

/// Something the gate did for an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Acted {
    pub at: Timestamp,
    pub by: String,
    pub action: Action,
    pub target: String,
    pub failure: Option<String>,
}

/// An incident, as its steps made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Incident {
    pub id: u64,
    pub title: String,
    pub class: Class,
    /// The worst class it ever had: by it is decided whether it needs a review.
    pub worst: Class,
    pub clocks: Clocks,
    pub kind: String,
    pub state: State,
    pub automatic: bool,
    /// The first event there is of it.
    pub detected: Timestamp,
    pub alerted: Timestamp,
    pub opened: Timestamp,
    pub acknowledged: Option<Timestamp>,
    pub contained: Option<Timestamp>,
    pub resolved: Option<Timestamp>,
    pub closed: Option<Timestamp>,
    pub resolution: Option<Resolution>,
    pub subjects: BTreeSet<Subject>,
    pub alerts: Vec<Alert>,
    pub roles: BTreeMap<Role, String>,
    pub tasks: Vec<Task>,
    pub acted: Vec<Acted>,
    pub evidence: Vec<Item>,
    pub regimes: BTreeMap<Regime, Timestamp>,
    pub duties: BTreeMap<String, Settled>,
    pub facts: BTreeMap<String, String>,
    pub review: Option<Review>,
    /// The actions of the review that are done, and when.
    pub actions_done: BTreeMap<u64, Timestamp>,
    /// What somebody was reminded of.
    #[serde(skip)]
    pub reminded: BTreeSet<String>,
    /// The number of the last step.
    pub steps: u64,
    /// The time of the last step.
    pub changed: Timestamp,
}

impl Incident {
    /// `INC-7`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("INC-{}", self.id)
    }

    /// What the steps come to.
    ///
    /// # Errors
    /// The first that does not follow from those before it.
    pub fn of(id: u64, steps: &[Step]) -> Result<Self, Refused> {
        let (first, rest) = steps.split_first().ok_or(Refused::Order(1))?;
        let mut incident = Self::open(id, first)?;
        for step in rest {
            incident.take(step).map_err(|_| Refused::Order(step.number))?;
        }
        Ok(incident)
    }

    /// An incident that begins with this step.
    ///
    /// # Errors
    /// [`Refused::Order`] when it is not a beginning.
    pub fn open(id: u64, step: &Step) -> Result<Self, Refused> {
        let What::Opened(opening) = &step.what else { return Err(Refused::Order(step.number)) };
        if step.number != 1 {
            return Err(Refused::Order(step.number));
        }
        let Opening { title, class, clocks, kind, detected, alerted, alerts, subjects, tasks, automatic } =
            (**opening).clone();
        let mut incident = Self {
            id,
            title,
            class,
            worst: class,
            clocks,
            kind,
            state: State::Open,
            automatic,
            detected,
            alerted,
            opened: step.at,
            acknowledged: None,
            contained: None,
            resolved: None,
            closed: None,
            resolution: None,
            subjects: subjects.into_iter().take(SUBJECTS).collect(),
            alerts,
            roles: BTreeMap::new(),
            tasks: Vec::new(),
            acted: Vec::new(),
            evidence: Vec::new(),
            regimes: BTreeMap::new(),
            duties: BTreeMap::new(),
            facts: BTreeMap::new(),
            review: None,
            actions_done: BTreeMap::new(),
            reminded: BTreeSet::new(),
            steps: 1,
            changed: step.at,
        };
        let task = |template| Task { until: step.at, template, owner: None, settled: None };
        incident.tasks = tasks.into_iter().map(task).collect();
        incident.reckon();
        if !automatic {
            // Whoever opens it by hand looks after it.
            incident.acknowledged = Some(step.at);
        }
        Ok(incident)
    }

    /// Judges a step and applies it; nothing is changed when it is refused.
    ///
    /// # Errors
    /// The rule it breaks.
    pub fn take(&mut self, step: &Step) -> Result<(), Refused> {
        if step.number != self.steps.saturating_add(1) || step.at < self.changed {
            return Err(Refused::Order(step.number));
        }
        if step.number > STEPS {
            return Err(Refused::Full { what: "steps", most: STEPS });
        }
        let stays = matches!(
            step.what,
            What::Noted { .. }
                | What::EvidenceRead { .. }
                | What::ActionDone { .. }
                | What::DutyDone { .. }
                | What::Reminded { .. }
                | What::Moved { to: State::Open, .. }
        );
        if self.state == State::Closed && !stays {
            return Err(Refused::Closed);
        }
        self.judge(step)?;
        self.steps = step.number;
        self.changed = step.at;
        // Whatever a person does shows that somebody looks after it.
        if step.by != GATE && self.acknowledged.is_none() && !matches!(step.what, What::EvidenceRead { .. }) {
            self.acknowledged = Some(step.at);
        }
        Ok(())
    }

    fn judge(&mut self, step: &Step) -> Result<(), Refused> {
        let settled = |text: &str, skipped| Settled {
            at: step.at,
            by: step.by.clone(),
            skipped,
            text: text.to_owned(),
        };
        match &step.what {
            What::Opened(_) => return Err(Refused::Order(step.number)),
            What::Acknowledged => {
                if self.acknowledged.is_some() {
                    return Err(Refused::Already("it is acknowledged".to_owned()));
                }
            }
            What::Acted { action, target, task, failure } => {
                if let Some(id) = task {
                    let task = self.task(id)?;
                    if failure.is_none() && task.settled.is_none() {
                        task.settled = Some(settled(&format!("{action} {target}"), false));
                    }
                }
                // By this the timeline shows what it did, and later alerts find their incident.
                let subject = match action.target() {
                    "account" => Some(Subject::Account(target.clone())),
                    // Who was not blocked may be a friend: nobody is accused by a try.
                    kind @ ("address" | "network") if failure.is_none() => {
                        Subject::parse(&format!("{kind}:{target}")).ok()
                    }
                    _ => None,
                };
                self.about(subject.as_slice());
                let (action, target, failure) = (*action, target.clone(), failure.clone());
                self.acted.push(Acted { at: step.at, by: step.by.clone(), action, target, failure });
            }
            What::ActionDone { action, .. } => {
                let count = self.review.as_ref().map_or(0, |review| review.actions.len() as u64);
                if *action == 0 || *action > count {
                    let hint = "`gabion incident review ID` lists them".to_owned();
                    return Err(Refused::Unknown { what: "action", name: action.to_string(), hint });
                }
                if self.actions_done.insert(*action, step.at).is_some() {
                    return Err(Refused::Already("it is done".to_owned()));
                }
            }
            What::Assigned { to, to_role, to_task } => {
                if let Some(role) = to_role {
                    self.roles.insert(*role, to.clone());
                }
                if let Some(id) = to_task {
                    self.task(id)?.owner = Some(to.clone());
                }
            }
            What::Classified { class, clocks, .. } => {
                if *class == self.class {
                    return Err(Refused::Already(format!("it is {class}")));
                }
                self.class = *class;
                self.worst = self.worst.min(*class);
                self.clocks = *clocks;
                self.reckon();
            }
            What::Closed { resolution, .. } => self.close(step.at, *resolution)?,
            What::Done { task, text } => self.settle(task, settled(text, false))?,
            What::Skipped { task, reason } => self.settle(task, settled(reason, true))?,
            What::DutyBegan { regimes, aware } => {
                for regime in regimes {
                    // The earlier awareness counts: a clock is not set back.
                    let since = self.regimes.entry(*regime).or_insert(*aware);
                    *since = (*since).min(*aware);
                }
            }
            What::DutyDone { duty, text } => self.duty(duty, settled(text, false))?,
            What::DutyWaived { duty, reason } => self.duty(duty, settled(reason, true))?,
            What::EvidenceKept(item) => {
                if self.evidence.len() >= EVIDENCE {
                    return Err(Refused::Full { what: "pieces of evidence", most: EVIDENCE as u64 });
                }
                if item.id != self.evidence.len() as u64 + 1 {
                    return Err(Refused::Order(step.number));
                }
                self.evidence.push(item.clone());
            }
            What::EvidenceRead { evidence, .. } => {
                if !self.evidence.iter().any(|item| item.id == *evidence) {
                    let hint = "`gabion incident evidence list ID` lists it".to_owned();
                    return Err(Refused::Unknown { what: "evidence", name: evidence.to_string(), hint });
                }
            }
            What::Facts { facts } => {
                if let Some(name) = facts.keys().find(|name| !notify::is_fact(name)) {
                    let hint = format!("they are {}", notify::fact_names());
                    return Err(Refused::Unknown { what: "fact", name: name.clone(), hint });
                }
                self.facts.extend(facts.iter().map(|(name, value)| (name.clone(), value.clone())));
            }
            What::Joined { alert, subjects } => {
                if self.alerts.iter().any(|known| known.position == alert.position) {
                    return Err(Refused::Already("the alert belongs to it".to_owned()));
                }
                if self.alerts.len() >= ALERTS {
                    return Err(Refused::Full { what: "alerts", most: ALERTS as u64 });
                }
                self.alerts.push(alert.clone());
                self.about(subjects);
            }
            What::Moved { to, .. } => self.shift(*to, step.at)?,
            What::Noted { .. } => {}
            What::Reminded { items } => self.reminded.extend(items.iter().cloned()),
            What::Reviewed(review) => self.review = Some((**review).clone()),
            What::Subjects { subjects } => {
                if self.subjects.len() + subjects.len() > SUBJECTS {
                    return Err(Refused::Full { what: "subjects", most: SUBJECTS as u64 });
                }
                self.about(subjects);
            }
        }
        Ok(())
    }

    fn about(&mut self, subjects: &[Subject]) {
        for subject in subjects {
            if self.subjects.len() < SUBJECTS {
                self.subjects.insert(subject.clone());
            }
        }
    }

    fn task(&mut self, id: &str) -> Result<&mut Task, Refused> {
        let hint = "`gabion incident show ID` lists them".to_owned();
        let found = self.tasks.iter_mut().find(|task| task.template.id == id);
        found.ok_or_else(|| Refused::Unknown { what: "task", name: id.to_owned(), hint })
    }

    fn settle(&mut self, id: &str, settled: Settled) -> Result<(), Refused> {
        let task = self.task(id)?;
        if let Some(former) = &task.settled {
            let word = if former.skipped { "put aside" } else { "done" };
            return Err(Refused::Already(format!("{} has it {word}", former.by)));
        }
        task.settled = Some(settled);
        Ok(())
    }

    fn duty(&mut self, id: &str, settled: Settled) -> Result<(), Refused> {
        if notify::duty(id).is_none() {
            let hint = format!("they are {}", notify::duty_names());
            return Err(Refused::Unknown { what: "duty", name: id.to_owned(), hint });
        }
        if let Some(former) = self.duties.get(id)
            && !former.skipped
        {
            return Err(Refused::Already(format!("{} did it", former.by)));
        }
        self.duties.insert(id.to_owned(), settled);
        Ok(())
    }

    fn shift(&mut self, to: State, at: Timestamp) -> Result<(), Refused> {
        if to == self.state {
            return Err(Refused::Already(format!("it is {}", to.as_str())));
        }
        if to == State::Closed {
            let (reason, hint) = ("closing says how it ended", "`gabion incident close ID`");
            return Err(Refused::TooEarly { reason: reason.to_owned(), hint: hint.to_owned() });
        }
        // Who goes forward over a state has been there; who goes back has not.
        self.contained = if to >= State::Contained { self.contained.or(Some(at)) } else { None };
        self.resolved = if to >= State::Review { self.resolved.or(Some(at)) } else { None };
        (self.closed, self.resolution) = (None, None);
        self.state = to;
        Ok(())
    }

    fn close(&mut self, at: Timestamp, resolution: Resolution) -> Result<(), Refused> {
        if self.worst.needs_review() && self.review.is_none() {
            let reason = format!(
                "an incident that was {} closes with a review, also when it was a false alarm",
                self.worst
            );
            let hint = "`gabion incident review ID --template` prints one to fill in".to_owned();
            return Err(Refused::TooEarly { reason, hint });
        }
        let open = notify::standing(self, at).into_iter().find(|duty| duty.settled.is_none());
        if let Some(duty) = open {
            let reason = format!("nobody said yet whether {} was told ({})", duty.to, duty.id);
            let hint = format!("`gabion incident notify ID {0} --sent TEXT`, or `--waive TEXT`", duty.id);
            return Err(Refused::TooEarly { reason, hint });
        }
        self.contained = self.contained.or(Some(at));
        self.resolved = self.resolved.or(Some(at));
        self.closed = Some(at);
        self.resolution = Some(resolution);
        self.state = State::Closed;
        Ok(())
    }

    /// When the tasks are due: as the procedure says, never before the class asks for a response at all.
    fn reckon(&mut self) {
        let (opened, least) = (self.opened, self.clocks.acknowledge);
        for task in &mut self.tasks {
            let due = task.template.due.unwrap_or_else(|| task.template.phase.ends());
            task.until = opened.saturating_add(due.max(least).as_duration());
        }
    }

    /// The phase that is next: the first with a task that is not settled.
    #[must_use]
    pub fn phase(&self) -> Option<Phase> {
        self.tasks.iter().filter(|task| task.settled.is_none()).map(|task| task.template.phase).min()
    }

    /// When its clocks end.
    #[must_use]
    pub fn until(&self, clock: Period) -> Timestamp {
        self.opened.saturating_add(clock.as_duration())
    }
}

/// Who takes the steps nobody takes.
pub const GATE: &str = "gate";
