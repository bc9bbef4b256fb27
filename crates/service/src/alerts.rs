//! Acts on alerts: who has one, which of them nobody is to be told of, and whether they arrive.

use std::fmt;
use std::sync::{Arc, PoisonError};

use gabion_alert::{Change, ChannelStanding, Desk, DeskError, Group, Matcher, NewSilence, Notice, Silence};
use gabion_model::outbound::BoxFuture;
use gabion_model::{Outcome, Period, Problem};
use tokio::task::JoinSet;

use crate::record::{About, failure, to_the_end};
use crate::response::who;
use crate::{Act, ActError, Caller, Service};

/// A silence somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedSilence {
    pub matcher: Matcher,
    /// How long; at most 30 days.
    pub life: Period,
    /// In words: there is none without.
    pub reason: String,
}

/// Why nothing was done. Alphabetical.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AlertError {
    #[error(transparent)]
    Act(#[from] ActError),
    #[error(transparent)]
    Desk(DeskError),
    /// What is asked for cannot be.
    #[error("{0}")]
    Invalid(Problem),
}

/// Tells one channel one thing, now; for whoever waits for what comes of it.
pub trait Teller: Send + Sync + fmt::Debug {
    /// Why it was not told, in words that hold no secret.
    fn tell(&self, notice: Notice) -> BoxFuture<'_, Result<(), String>>;
}

/// What came of a test message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    pub channel: String,
    pub told: Result<(), String>,
}

impl Service {
    /// By whom test messages are told from now on.
    pub fn set_teller(&self, teller: Arc<dyn Teller>) {
        *self.0.teller.write().unwrap_or_else(PoisonError::into_inner) = Some(teller);
    }

    /// Where alerts are kept from now on.
    pub fn set_desk(&self, desk: Arc<Desk>) {
        self.0.alerts.store(desk);
    }

    /// Alerts and what is to be told, for whoever tells it.
    #[must_use]
    pub fn desk(&self) -> Arc<Desk> {
        self.0.alerts.load_full()
    }

    /// Every alert that is remembered, the latest first, and how many messages about them were not delivered yet.
    ///
    /// # Errors
    /// [`ActError::Forbidden`] when the caller may not administer.
    pub async fn alerts(&self, caller: &Caller) -> Result<(Vec<Group>, Vec<Notice>), ActError> {
        self.read(Act::ListAlerts, caller, |inner, _| {
            let desk = inner.alerts.load();
            Ok((desk.groups(), desk.waiting()))
        })
        .await
    }

    /// One alert.
    ///
    /// # Errors
    /// [`ActError::NotFound`] when there is none of that number.
    pub async fn alert(&self, caller: &Caller, id: u64) -> Result<Group, ActError> {
        self.read(Act::ListAlerts, caller, move |inner, _| {
            inner.alerts.load().group(id).ok_or(ActError::NotFound)
        })
        .await
    }

    /// Silences that have not ended.
    ///
    /// # Errors
    /// [`ActError::Forbidden`] when the caller may not administer.
    pub async fn silences(&self, caller: &Caller) -> Result<Vec<Silence>, ActError> {
        self.read(Act::ListAlerts, caller, |inner, _| Ok(inner.alerts.load().silences())).await
    }

    /// Somebody has it.
    ///
    /// # Errors
    /// [`DeskError::NotFound`] and [`DeskError::Closed`] among others.
    pub async fn acknowledge_alert(&self, caller: &Caller, id: u64) -> Result<Group, AlertError> {
        let by = who(&caller.actor);
        self.act(Act::AcknowledgeAlert, caller, self.about_alert(id), move |inner, _| {
            Ok(inner.alerts.load().acknowledge(id, &by, inner.clock.now())?)
        })
        .await
    }

    /// It is over.
    ///
    /// # Errors
    /// As [`acknowledge_alert`](Self::acknowledge_alert).
    pub async fn close_alert(&self, caller: &Caller, id: u64) -> Result<Group, AlertError> {
        let by = who(&caller.actor);
        self.act(Act::CloseAlert, caller, self.about_alert(id), move |inner, _| {
            Ok(inner.alerts.load().close(id, &by, inner.clock.now())?)
        })
        .await
    }

    /// Tells nobody of some alerts for a while.
    ///
    /// # Errors
    /// When it does not say of which, how long and why.
    pub async fn silence_alerts(&self, caller: &Caller, asked: AskedSilence) -> Result<Silence, AlertError> {
        let AskedSilence { matcher, life, reason } = asked;
        if let Some(problem) = matcher.problem() {
            return Err(AlertError::Invalid(problem.under("match")));
        }
        if reason.trim().is_empty() {
            let problem = Problem::new("reason", "is empty");
            return Err(AlertError::Invalid(problem.hint("say in a few words why nobody is to be told")));
        }
        let (least, most) = (Period::from_secs(60), Period::from_secs(30 * 86_400));
        if !(least..=most).contains(&life) {
            let reason = format!("is not between {least} and {most}");
            return Err(AlertError::Invalid(Problem::new("for", reason)));
        }
        let by = who(&caller.actor);
        let mut about = About::of(matcher.rule.clone().unwrap_or_default())
            .with("for", life.to_string())
            .with("why", reason.chars().take(200).collect::<String>());
        if let Some(most) = matcher.at_most {
            about = about.with("at_most", most.as_str());
        }
        for (name, value) in &matcher.fields {
            about = about.with(&format!("match.{name}"), value.clone());
        }
        self.act(Act::SilenceAlerts, caller, about, move |inner, _| {
            let now = inner.clock.now();
            let new = NewSilence { matcher, until: now.saturating_add(life.as_duration()), reason };
            Ok(inner.alerts.load().silence(new, &by, now)?)
        })
        .await
    }

    /// Ends a silence now.
    ///
    /// # Errors
    /// [`DeskError::NotFound`] when there is none.
    pub async fn unsilence_alerts(&self, caller: &Caller, id: u64) -> Result<Silence, AlertError> {
        let about = About::default().with("silence", id.to_string());
        self.act(Act::UnsilenceAlerts, caller, about, move |inner, _| {
            Ok(inner.alerts.load().unsilence(id, inner.clock.now())?)
        })
        .await
    }

    /// A test message to one channel, or to all. What becomes of it stands in the ledger.
    ///
    /// # Errors
    /// [`DeskError::NotFound`] when there is no such channel.
    pub async fn test_alerts(
        &self,
        caller: &Caller,
        channel: Option<String>,
    ) -> Result<Vec<Notice>, AlertError> {
        let about = About::of(channel.clone().unwrap_or_else(|| "all".to_owned()));
        self.act(Act::TestAlerts, caller, about, move |inner, _| {
            Ok(inner.alerts.load().test(channel.as_deref(), inner.clock.now())?)
        })
        .await
    }

    /// A test message to one channel, or to all, now: what came of each is answered and recorded.
    ///
    /// # Errors
    /// When there is no such channel.
    pub async fn try_channels(
        &self,
        caller: &Caller,
        channel: Option<String>,
    ) -> Result<Vec<Tried>, AlertError> {
        let about = About::of(channel.clone().unwrap_or_else(|| "all".to_owned())).with("now", "true");
        let (service, caller) = (self.clone(), caller.clone());
        to_the_end(async move {
            let asked = caller.clone();
            service.blocking(move |inner| inner.authorize(Act::TestAlerts, &asked)).await?;
            let begun = service.0.begin(Act::TestAlerts, &caller, about).await?;
            let result = service.tell_now(channel).await;
            begun.complete(&service.0, failure(&result)).await;
            result
        })
        .await
    }

    async fn tell_now(&self, channel: Option<String>) -> Result<Vec<Tried>, AlertError> {
        let teller = self.0.teller.read().unwrap_or_else(PoisonError::into_inner).clone();
        let teller = teller.ok_or(ActError::Unavailable)?;
        let asked = channel.clone();
        let made = self.blocking_or(move |inner| {
            Ok::<_, AlertError>(inner.alerts.load().test_now(asked.as_deref(), inner.clock.now())?)
        });
        let notices = made.await.map_err(|error| match (error, channel) {
            (AlertError::Desk(DeskError::NotFound), channel) => {
                let reason = channel.map_or("there is none", |_| "there is no channel of this name");
                let problem = Problem::new("channel", reason);
                AlertError::Invalid(
                    problem.hint("`[[alerts.channels]]` makes one; `gabion alert channels` shows them"),
                )
            }
            (error, _) => error,
        })?;
        let mut trying = JoinSet::new();
        for notice in notices {
            let teller = Arc::clone(&teller);
            trying.spawn(async move {
                let told = teller.tell(notice.clone()).await;
                (notice, told)
            });
        }
        let mut tried = Vec::new();
        while let Some(ended) = trying.join_next().await {
            let (notice, told) = ended.map_err(|_| ActError::Unavailable)?;
            let now = self.0.clock.now();
            if told.is_ok() {
                self.desk().works(&notice.channel, now);
            }
            let said = told.as_ref().copied().map_err(String::as_str);
            self.0.ledger.record(notice.ended(said, now)).await.map_err(ActError::from)?;
            tried.push((notice.id, Tried { channel: notice.channel, told }));
        }
        tried.sort_by_key(|(id, _)| *id);
        Ok(tried.into_iter().map(|(_, tried)| tried).collect())
    }

    /// How each channel does.
    ///
    /// # Errors
    /// [`ActError::Forbidden`] when the caller may not administer.
    pub async fn alert_channels(&self, caller: &Caller) -> Result<Vec<ChannelStanding>, ActError> {
        self.read(Act::ListAlerts, caller, |inner, _| Ok(inner.alerts.load().channels())).await
    }

    /// What time does to alerts; those that it closed are recorded.
    ///
    /// # Errors
    /// When it cannot be kept or recorded.
    pub async fn tick_alerts(&self) -> Result<(), ActError> {
        let closed = self.blocking(|inner| Ok(inner.alerts.load().tick(inner.clock.now())?)).await?;
        for group in closed {
            let inner = &self.0;
            let mut event = inner.event(Act::CloseAlert, &Caller::gate(), Outcome::Success);
            event.resource.clone_from(&group.rule);
            event.metadata.insert("alert".to_owned(), group.id.to_string());
            inner.ledger.record(event).await?;
        }
        self.give_up_orphans().await
    }

    /// What waits for a channel that is no more is told to nobody; that is recorded.
    async fn give_up_orphans(&self) -> Result<(), ActError> {
        for notice in self.desk().orphans() {
            let now = self.0.clock.now();
            self.0.ledger.record(notice.ended(Err("there is no such channel any more"), now)).await?;
            self.blocking(move |inner| Ok(inner.alerts.load().told(&notice, Change::GivenUp, now)?)).await?;
        }
        Ok(())
    }

    fn about_alert(&self, id: u64) -> About {
        let group = self.0.alerts.load().group(id);
        About::of(group.map(|group| group.rule).unwrap_or_default()).with("alert", id.to_string())
    }
}

impl From<DeskError> for AlertError {
    fn from(error: DeskError) -> Self {
        match error {
            DeskError::Storage(error) => Self::Act(error.into()),
            error => Self::Desk(error),
        }
    }
}
