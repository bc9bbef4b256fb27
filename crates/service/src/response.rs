//! Acts against whoever attacks: by a rule, and by hand. What they do and how it is bounded is `respond`'s; here it is
//! decided who may, recorded, and done to sessions and accounts.

use std::collections::HashSet;

use gabion_identity::Account;
use gabion_identity::api_key::ApiKeyId;
use gabion_identity::storage::{AccountFilter, AccountPage};
use gabion_ledger::Position;
use gabion_model::{
    AccountId, Actor, ControlId, DocumentError, Event, EventKind, Outcome, Period, Role, Severity,
};
use gabion_respond::{
    Action, Measure, Network, NewMeasure, Origin, Population, Pulled, Register, RegisterError, Settings,
    Shield, Spared, State, Subject, Target, Wish, plan,
};

use crate::record::{About, observed};
use crate::service::Inner;
use crate::{Act, ActError, Caller, DirectoryError, Service, Which};

/// A measure somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakeMeasure {
    pub action: Action,
    pub subject: Subject,
    /// How long; none: as long as the settings say.
    pub life: Option<Period>,
    /// In words, for whoever reads the list.
    pub reason: String,
}

/// Why no measure was taken or ended. Alphabetical.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MeasureError {
    #[error(transparent)]
    Act(#[from] ActError),
    #[error(transparent)]
    Register(RegisterError),
    #[error("a measure lasts from a minute to 30 days")]
    Life,
    /// Nobody may do this to whom it is about.
    #[error("this is not done: {0}")]
    Spared(&'static str),
    #[error("there is no account of that name")]
    UnknownAccount,
    #[error("there is no API key of that id")]
    UnknownKey,
    #[error("no route declares that path")]
    UnknownRoute,
}

impl Service {
    /// Where measures are kept from now on, and what the request path asks.
    pub fn set_register(&self, register: Register) {
        self.0.register.store(register.into());
    }

    /// Who is under a measure, for the request path.
    #[must_use]
    pub fn shield(&self) -> std::sync::Arc<Shield> {
        self.0.register.load().shield()
    }

    /// How many measures are in force.
    #[must_use]
    pub fn measures_in_force(&self) -> usize {
        let now = self.0.clock.now();
        self.0.register.load().all().iter().filter(|measure| measure.holds(now)).count()
    }

    /// Up to where in the ledger alerts were answered.
    #[must_use]
    pub fn answered(&self) -> Option<u64> {
        self.0.register.load().position()
    }

    /// Alerts up to here were answered.
    ///
    /// # Errors
    /// When it cannot be kept.
    pub async fn set_answered(&self, position: Position) -> Result<(), ActError> {
        self.blocking(move |inner| Ok(inner.register.load().answered(position.0)?)).await
    }

    /// Takes a measure by hand. It is not judged by the budget: whoever asks is the person the budget asks for.
    ///
    /// # Errors
    /// Who may not, who is spared, and what cannot be kept.
    pub async fn take_measure(&self, caller: &Caller, asked: TakeMeasure) -> Result<Measure, MeasureError> {
        let origin = Origin::Hand { by: who(&caller.actor) };
        let TakeMeasure { action, subject, life, reason } = asked;
        let about = about(action, &subject).with("reason", reason.chars().take(200).collect::<String>());
        self.act(Act::TakeMeasure, caller, about, move |inner, _| {
            if life.is_some_and(|life| !Settings::may_last(life)) {
                return Err(MeasureError::Life);
            }
            let life = inner.rules().respond.life_of(life);
            inner.take(action, &subject, life, origin, reason, State::Active)
        })
        .await
    }

    /// Does what the settings ask for when an alert rings. Answers the measures, those that wait for somebody among them.
    ///
    /// # Errors
    /// When something cannot be recorded or kept; asking again does nothing twice.
    pub async fn answer_alert(&self, position: Position, event: &Event) -> Result<Vec<Measure>, ActError> {
        let wishes = plan(&self.0.rules().respond, event);
        let mut taken = Vec::new();
        for wish in wishes {
            let Wish { action, subject, life, dry_run, rule, reason } = wish;
            let about = about(action, &subject)
                .with("rule", rule.clone())
                .with("alert", position.to_string())
                .with("dry_run", dry_run.to_string());
            let origin = Origin::Rule { rule, alert: position.0 };
            let state = if dry_run { State::DryRun } else { State::Active };
            let gate = Caller::gate();
            let done = self.act(Act::TakeMeasure, &gate, about, move |inner, _| {
                inner.take(action, &subject, life, origin, reason, state)
            });
            match done.await {
                Ok(measure) => {
                    // Said once, however often the same alert rings.
                    if measure.state == State::Pending && measure.is_of(position.0) {
                        self.0.ledger.record(waits(&self.0, &measure)).await?;
                    }
                    taken.push(measure);
                }
                Err(MeasureError::Act(error)) => return Err(error),
                Err(MeasureError::Register(RegisterError::Storage(error))) => {
                    tracing::error!(%error, action = action.as_str(), "no measure taken");
                    return Err(ActError::Unavailable);
                }
                // It stands in the ledger why. Asking again would not change it, and others wait behind this alert.
                Err(error) => tracing::info!(%error, action = action.as_str(), "no measure taken"),
            }
        }
        Ok(taken)
    }

    /// Ends a measure, or says no to one that waits. Sessions that ended with it stay ended.
    ///
    /// # Errors
    /// [`RegisterError::NotFound`] and [`RegisterError::Over`] among others.
    pub async fn undo_measure(&self, caller: &Caller, id: u64) -> Result<Measure, MeasureError> {
        let by = who(&caller.actor);
        let about = self.about_measure(id);
        self.act(Act::UndoMeasure, caller, about, move |inner, _| {
            let undone = inner.register.load().undo(id, &by, inner.clock.now());
            undone.map_err(MeasureError::Register)
        })
        .await
    }

    /// Takes a measure that waits.
    ///
    /// # Errors
    /// As [`undo_measure`](Self::undo_measure), and who is spared by now.
    pub async fn approve_measure(&self, caller: &Caller, id: u64) -> Result<Measure, MeasureError> {
        let by = who(&caller.actor);
        let about = self.about_measure(id);
        self.act(Act::ApproveMeasure, caller, about, move |inner, _| {
            let register = inner.register.load();
            let waiting = register.one(id).ok_or(MeasureError::Register(RegisterError::NotFound))?;
            inner.may_touch_target(&waiting.target)?;
            let approved = register.approve(id, &by, inner.clock.now()).map_err(MeasureError::Register)?;
            inner.end_of(&approved)?;
            Ok(approved)
        })
        .await
    }

    /// Ends every measure against an address, a network, an account, a key or a route; what waits is refused.
    ///
    /// # Errors
    /// [`RegisterError::NotFound`] when there is none.
    pub async fn lift_measures(&self, caller: &Caller, target: &str) -> Result<Vec<Measure>, MeasureError> {
        let network = target.parse().ok().map(|network| Target::Network { network });
        let is_its = |measure: &Measure| match &measure.target {
            Target::Network { .. } => network.as_ref() == Some(&measure.target),
            Target::Account { id, name } => id.as_str() == target || name.eq_ignore_ascii_case(target),
            Target::Key { id } => id == target,
            Target::Route { path } => path == target,
        };
        let now = self.0.clock.now();
        let open = self.measures(caller).await?.into_iter().filter(|one| one.is_open(now) && is_its(one));
        let open: Vec<_> = open.collect();
        if open.is_empty() {
            return Err(MeasureError::Register(RegisterError::NotFound));
        }
        let mut lifted = Vec::with_capacity(open.len());
        for measure in open {
            lifted.push(self.undo_measure(caller, measure.id).await?);
        }
        Ok(lifted)
    }

    /// All measures that are remembered, the latest first.
    ///
    /// # Errors
    /// [`ActError::Forbidden`] when the caller may not administer.
    pub async fn measures(&self, caller: &Caller) -> Result<Vec<Measure>, ActError> {
        self.read(Act::ListMeasures, caller, |inner, _| Ok(inner.register.load().all())).await
    }

    /// Who is blocked now: for other machines that block, too.
    ///
    /// # Errors
    /// [`ActError::Forbidden`] for whoever has not the scope `gabion:blocks`.
    pub async fn blocks(&self, caller: &Caller) -> Result<Vec<Measure>, ActError> {
        let asked = caller.clone();
        self.read(Act::ExportBlocks, caller, move |inner, _| {
            observed(inner, Act::ExportBlocks, &asked);
            Ok(inner.register.load().blocks(inner.clock.now()))
        })
        .await
    }

    /// What is new to a machine that keeps a list of its own, by the key it shows and the address it asks from.
    ///
    /// # Errors
    /// As [`blocks`](Self::blocks).
    pub async fn pull_blocks(&self, caller: &Caller, starts: bool) -> Result<Pulled, ActError> {
        let asked = caller.clone();
        self.read(Act::ExportBlocks, caller, move |inner, _| {
            observed(inner, Act::ExportBlocks, &asked);
            let key = asked.credential.as_ref().map(|one| one.id.to_string()).unwrap_or_default();
            let from = asked.address.map(|address| address.to_string()).unwrap_or_default();
            let machine = format!("{} {key} {from}", who(&asked.actor));
            // Everything as of one moment: the clock is read first, so that what is taken meanwhile is told next time.
            let now = inner.clock.now();
            Ok(inner.pulls.pull(&machine, starts, &inner.register.load().all(), now))
        })
        .await
    }

    /// Records what ended by itself, and ends what is against somebody who is spared by now: part of
    /// [`tick`](Self::tick).
    ///
    /// # Errors
    /// When it cannot be kept.
    pub async fn sweep_measures(&self, caller: &Caller) -> Result<(), ActError> {
        let ended = self
            .read(Act::SweepMeasures, caller, |inner, _| {
                let (now, register) = (inner.clock.now(), inner.register.load());
                let mut ended: Vec<_> = register.sweep(now)?.into_iter().map(|one| (one, None)).collect();
                let open = register.open_ones(now);
                if open.is_empty() {
                    return Ok(ended);
                }
                let spared = inner.spared()?;
                for measure in open {
                    let Some(why) = inner.why_spared(&spared, &measure.target)? else { continue };
                    match register.undo(measure.id, "gate", now) {
                        Ok(measure) => ended.push((measure, Some(why))),
                        Err(RegisterError::Storage(error)) => return Err(error.into()),
                        // Somebody was faster.
                        Err(_) => {}
                    }
                }
                Ok::<_, ActError>(ended)
            })
            .await?;
        for (measure, why) in ended {
            let inner = &self.0;
            let mut event = inner.event(Act::SweepMeasures, caller, Outcome::Success);
            event.resource = measure.target.to_string();
            event.metadata.insert("action".to_owned(), measure.action.as_str().to_owned());
            event.metadata.insert("measure".to_owned(), measure.id.to_string());
            event.reason = why.map(str::to_owned);
            inner.ledger.record(event).await?;
        }
        Ok(())
    }

    fn about_measure(&self, id: u64) -> About {
        let known = self.0.register.load().one(id);
        let target = known.as_ref().map(|measure| measure.target.to_string()).unwrap_or_default();
        let about = About::of(target).with("measure", id.to_string());
        match known {
            Some(measure) => about.with("action", measure.action.as_str()),
            None => about,
        }
    }
}

impl Inner {
    fn take(
        &self,
        action: Action,
        subject: &Subject,
        life: Period,
        origin: Origin,
        reason: String,
        state: State,
    ) -> Result<Measure, MeasureError> {
        let target = self.target(subject)?;
        // INVARIANT: before anything else.
        self.may_touch_target(&target)?;
        let (now, register) = (self.clock.now(), self.register.load());
        let accounts = self.storage.count_accounts(&AccountFilter::default()).map_err(ActError::from)?;
        let addresses = register.shield().clients(now);
        let known =
            self.sessions.addresses(now).into_iter().map(|address| Network::client(address).address());
        let known: HashSet<_> = known.collect();
        let population = Population { addresses, accounts, known: known.into_iter().collect() };
        let until = now.saturating_add(life.as_duration());
        let new = NewMeasure { action, target, origin, reason, from: now, until, state };
        let budget = self.rules().respond.budget;
        let taken = register.take(new, budget, &population, now).map_err(MeasureError::Register)?.measure();
        if taken.state == State::Active {
            self.end_of(&taken)?;
        }
        Ok(taken)
    }

    /// What ends with a measure, once.
    fn end_of(&self, measure: &Measure) -> Result<(), ActError> {
        let Target::Account { id, .. } = &measure.target else { return Ok(()) };
        match measure.action {
            Action::DisableAccount | Action::RevokeSessions => {
                self.pending.end(id);
                self.accounts.revoke_all(id)?;
            }
            Action::RequireStepUp
            | Action::BlockAddress
            | Action::BlockNetwork
            | Action::DisableKey
            | Action::SlowDown
            | Action::StrictRoute => {}
        }
        Ok(())
    }

    fn target(&self, subject: &Subject) -> Result<Target, MeasureError> {
        Ok(match subject {
            Subject::Account(text) => {
                let found = self.which(&Which::Id(AccountId::new(text)));
                let found = found.or_else(|_| self.which(&Which::Name(text.clone())));
                let account = found.map_err(|error| match error {
                    DirectoryError::NotFound => MeasureError::UnknownAccount,
                    _ => MeasureError::Act(ActError::Unavailable),
                })?;
                Target::Account { id: account.id, name: account.name.to_string() }
            }
            Subject::Key(id) => {
                let key = self.machines.keys.find(&ApiKeyId::new(id), self.clock.now());
                Target::Key { id: key.ok_or(MeasureError::UnknownKey)?.id.as_str().to_owned() }
            }
            Subject::Network(network) => Target::Network { network: *network },
            Subject::Route(path) => {
                let known = self.rules().routes.contains(path);
                known.then(|| Target::Route { path: path.clone() }).ok_or(MeasureError::UnknownRoute)?
            }
        })
    }

    fn may_touch_target(&self, target: &Target) -> Result<(), MeasureError> {
        match self.why_spared(&self.spared()?, target)? {
            Some(why) => Err(MeasureError::Spared(why)),
            None => Ok(()),
        }
    }

    /// Why it is left alone; a key is its owner's.
    fn why_spared(&self, spared: &Spared, target: &Target) -> Result<Option<&'static str>, ActError> {
        let Target::Key { id } = target else { return Ok(spared.why(target)) };
        let Some(key) = self.machines.keys.find(&ApiKeyId::new(id), self.clock.now()) else {
            return Ok(None);
        };
        let owner = self.accounts.by_id(&key.account)?;
        let owner = owner.map(|account| Target::Account { id: account.id, name: account.name.to_string() });
        Ok(owner.and_then(|owner| spared.why(&owner)))
    }

    /// Who is never touched, as of now.
    fn spared(&self) -> Result<Spared, ActError> {
        let now = self.clock.now();
        let administrators = self.administrators()?;
        let sessions = administrators.iter().flat_map(|account| self.sessions.list(&account.id, now));
        let from: Vec<_> = sessions.filter_map(|session| session.address).collect();
        let ids = administrators.into_iter().map(|account| account.id).collect();
        Ok(Spared::new(&self.rules().respond, ids, &from))
    }

    fn administrators(&self) -> Result<Vec<Account>, ActError> {
        let page = AccountPage {
            filter: AccountFilter { role: Some(Role::new(Role::ADMINISTRATOR)), ..AccountFilter::default() },
            limit: MOST_ADMINISTRATORS,
            ..AccountPage::default()
        };
        Ok(self.storage.accounts(&page)?)
    }
}

/// More have nobody who knows them.
const MOST_ADMINISTRATORS: usize = 10_000;

/// An alert that something waits for a person.
fn waits(inner: &Inner, measure: &Measure) -> Event {
    let (now, control) = (inner.clock.now(), ControlId::INCIDENT_PROCEDURE);
    let mut event = Event::new(now, EventKind::Alert, "alert.raised", Actor::Gate, Outcome::Success, control);
    "response-waits".clone_into(&mut event.resource);
    event.severity = Some(Severity::High);
    event.reason = Some(format!(
        "A measure waits for approval: {} against {} is beyond `respond.budget`; `gabion respond approve {}` takes it",
        measure.action.as_str(),
        measure.target,
        measure.id
    ));
    event.metadata.insert("rule".to_owned(), "response-waits".to_owned());
    event.metadata.insert("measure".to_owned(), measure.id.to_string());
    event
}

fn about(action: Action, subject: &Subject) -> About {
    let text = match subject {
        Subject::Account(text) | Subject::Key(text) | Subject::Route(text) => text.clone(),
        Subject::Network(network) => network.to_string(),
    };
    About::of(text.chars().take(200).collect::<String>()).with("action", action.as_str())
}

/// By whom, for whoever reads the list.
pub(crate) fn who(actor: &Actor) -> String {
    match actor {
        Actor::Account { name, .. } => name.clone(),
        Actor::Anonymous => "nobody".to_owned(),
        Actor::Gate => "gate".to_owned(),
        Actor::Operator => "operator".to_owned(),
    }
}

impl From<DocumentError> for ActError {
    fn from(error: DocumentError) -> Self {
        tracing::error!(%error, "act refused by the storage");
        Self::Unavailable
    }
}
