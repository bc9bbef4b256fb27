//! Authorize → record → do → complete, once for every act.

use std::collections::BTreeMap;
use std::fmt;

use gabion_identity::{AccountError, StorageError};
use gabion_ledger::{LedgerError, Position};
use gabion_model::{Event, Outcome, RequestId, Severity};

use crate::authorize::Standing;
use crate::service::{Inner, Service};
use crate::{Act, ActError, Caller};

/// What an act is about, as its ledger entries tell it.
#[derive(Debug, Clone, Default)]
pub(crate) struct About {
    pub(crate) resource: String,
    pub(crate) metadata: BTreeMap<String, String>,
    /// How bad it is, where the act knows.
    pub(crate) severity: Option<Severity>,
}

impl About {
    pub(crate) fn of(resource: impl Into<String>) -> Self {
        Self { resource: resource.into(), ..Self::default() }
    }

    pub(crate) fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.metadata.insert(key.to_owned(), value.into());
        self
    }
}

/// An act whose beginning is on record.
pub(crate) struct Begun {
    event: Event,
    /// Where the beginning is in the ledger.
    pub(crate) position: Position,
}

impl Service {
    /// Runs a whole act. `work` gets the caller's standing and is called only once the beginning is
    /// durable; it may block. The act runs to its end even when nobody waits for it any more.
    pub(crate) async fn act<T, E>(
        &self,
        act: Act,
        caller: &Caller,
        about: About,
        work: impl FnOnce(&Inner, Standing) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<ActError> + fmt::Display + Send + 'static,
    {
        let (service, mut caller) = (self.clone(), caller.clone());
        to_the_end(async move {
            let inner = &service.0;
            caller.request_id.get_or_insert_with(|| RequestId::random(&*inner.rng));
            let asked = caller.clone();
            let standing = service.blocking(move |inner| inner.authorize(act, &asked)).await?;
            let begun = inner.begin(act, &caller, about).await?;
            let result = service.blocking_or(move |inner| work(inner, standing)).await;
            begun.complete(inner, failure(&result)).await;
            result
        })
        .await
    }

    /// Authorizes and answers; for what changes nothing.
    pub(crate) async fn read<T, E>(
        &self,
        act: Act,
        caller: &Caller,
        work: impl FnOnce(&Inner, Standing) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<ActError> + Send + 'static,
    {
        let caller = caller.clone();
        self.blocking_or(move |inner| work(inner, inner.authorize(act, &caller)?)).await
    }

    pub(crate) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, ActError> + Send + 'static,
    ) -> Result<T, ActError> {
        self.blocking_or(work).await
    }

    /// Runs what may wait for the disk where waiting is allowed.
    pub(crate) async fn blocking_or<T: Send + 'static, E: From<ActError> + Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        let service = self.clone();
        match tokio::task::spawn_blocking(move || work(&service.0)).await {
            Ok(result) => result,
            Err(error) => {
                tracing::error!(%error, "act did not end");
                Err(ActError::Unavailable.into())
            }
        }
    }
}

impl Inner {
    /// Writes the beginning of an act; without that nothing happens.
    pub(crate) async fn begin(&self, act: Act, caller: &Caller, about: About) -> Result<Begun, ActError> {
        let mut event = self.event(act, caller, Outcome::Begun);
        event.resource = about.resource;
        event.metadata.extend(about.metadata);
        event.severity = about.severity;
        let position = self.ledger.record(event.clone()).await?;
        Ok(Begun { event, position })
    }

    pub(crate) fn event(&self, act: Act, caller: &Caller, outcome: Outcome) -> Event {
        let mut event = Event::new(
            self.clock.now(),
            act.kind(),
            act.action(),
            caller.actor.clone(),
            outcome,
            act.control(),
        );
        if let Some(credential) = &caller.credential {
            event.metadata.insert(credential.kind.as_str().to_owned(), credential.id.to_string());
        }
        event.tenant.clone_from(&caller.tenant);
        event.address = caller.address;
        event.user_agent.clone_from(&caller.user_agent);
        event.request_id = caller.request_id;
        event
    }
}

impl Begun {
    /// Adds to what the completion tells.
    pub(crate) fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.event.metadata.insert(key.to_owned(), value.into());
        self
    }

    /// Writes how it ended. The act stands either way: a failure here leaves the entry open, which is
    /// what the record should show, and the log says so.
    pub(crate) async fn complete(mut self, inner: &Inner, failure: Option<String>) {
        self.event.time = inner.clock.now();
        self.event.outcome = if failure.is_some() { Outcome::Failure } else { Outcome::Success };
        self.event.reason = failure;
        if let Err(error) = inner.ledger.record(self.event).await {
            tracing::error!(%error, "end of an act not recorded");
        }
    }
}

/// Counts that something was looked at. Folded where it is frequent: a program that keeps a directory in
/// step asks all day.
pub(crate) fn observed(inner: &Inner, act: Act, caller: &Caller) {
    inner.ledger.observe(inner.event(act, caller, Outcome::Success));
}

/// Why an act failed, for its entry.
pub(crate) fn failure<T, E: fmt::Display>(result: &Result<T, E>) -> Option<String> {
    result.as_ref().err().map(E::to_string)
}

/// Runs `work` on its own task, so that a caller who goes away (a closed connection) does not stop it
/// between its beginning and its end.
pub(crate) async fn to_the_end<T: Send + 'static, E: From<ActError> + Send + 'static>(
    work: impl Future<Output = Result<T, E>> + Send + 'static,
) -> Result<T, E> {
    match tokio::spawn(work).await {
        Ok(result) => result,
        Err(error) => {
            tracing::error!(%error, "act did not end");
            Err(ActError::Unavailable.into())
        }
    }
}

impl From<LedgerError> for ActError {
    fn from(error: LedgerError) -> Self {
        tracing::error!(%error, "act refused, it cannot be recorded");
        Self::Unavailable
    }
}

impl From<AccountError> for ActError {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::NotFound => Self::NotFound,
            AccountError::Storage(error) => error.into(),
            // Not errors of the acts that use this conversion; a caller learns no more than that.
            AccountError::LastAdministrator | AccountError::Taken => Self::Forbidden,
        }
    }
}

impl From<StorageError> for ActError {
    fn from(error: StorageError) -> Self {
        if error == StorageError::NotFound {
            return Self::NotFound;
        }
        tracing::error!(%error, "act refused by the storage");
        Self::Unavailable
    }
}
