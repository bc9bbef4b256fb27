//! What ends elsewhere ends here: sessions and accounts take their grants with them, at once in memory
//! and, at the next tick, in the storage.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gabion_identity::account::Follower;
use gabion_identity::oauth::storage::Ending;
use gabion_identity::oauth::{ProviderSettings, Revocations};
use gabion_identity::session::Watcher;
use gabion_identity::storage::{AccountChange, AccountStorage, Storage};
use gabion_identity::{Account, Session, Sessions, StorageError};
use gabion_model::{AccountId, Clock, SessionId, Timestamp};

/// Tells the list of revocations what ended, and remembers what the storage must still be told.
#[derive(Debug)]
pub(crate) struct Watch {
    pub(crate) revocations: Arc<Revocations>,
    clock: Arc<dyn Clock>,
    untold: Mutex<Untold>,
}

#[derive(Debug, Default)]
struct Untold {
    sessions: Vec<SessionId>,
    accounts: bool,
}

impl Watch {
    /// Loads what ended before the restart and may still have living tokens.
    pub(crate) fn open(
        storage: &dyn Storage,
        sessions: &Sessions,
        clock: &Arc<dyn Clock>,
    ) -> Result<Arc<Self>, StorageError> {
        let now = clock.now();
        let revocations = Arc::new(Revocations::new(ProviderSettings::longest_access_token()));
        storage.end_grants(&Ending::Stale, now)?;
        let living = sessions.ids();
        let mut dead = Vec::new();
        for (session, grant) in storage.bound_grants()? {
            if living.contains(&session) {
                revocations.bind(&session, &grant);
            } else if dead.last() != Some(&session) {
                dead.push(session);
            }
        }
        for session in dead {
            storage.end_grants(&Ending::Session(&session), now)?;
        }
        for (grant, ended) in storage.ended_since(longest_ago(now))? {
            revocations.revoke_grant(&grant, ended);
        }
        let mut programs = HashSet::new();
        for client in storage.clients()? {
            if let Some(id) = client.account.filter(|_| !client.disabled)
                && AccountStorage::by_id(storage, &id)?.is_some_and(|account| !account.disabled)
            {
                programs.insert(id);
            }
        }
        revocations.begin_with(programs, now);
        Ok(Arc::new(Self { revocations, clock: Arc::clone(clock), untold: Mutex::default() }))
    }

    /// Tells the storage what ended, and forgets what is over.
    pub(crate) fn tick(&self, storage: &dyn Storage) -> Result<(), StorageError> {
        let now = self.clock.now();
        let Untold { sessions, accounts } = std::mem::take(&mut *self.untold());
        for session in &sessions {
            if let Err(error) = storage.end_grants(&Ending::Session(session), now) {
                let mut untold = self.untold();
                untold.sessions.extend(sessions.iter().cloned());
                untold.accounts |= accounts;
                return Err(error);
            }
        }
        if accounts && let Err(error) = storage.end_grants(&Ending::Stale, now) {
            self.untold().accounts = true;
            return Err(error);
        }
        self.revocations.purge(now);
        // A code that comes back within the hour is still known as used.
        storage.purge_oauth(now, longest_ago(now))
    }

    fn untold(&self) -> MutexGuard<'_, Untold> {
        self.untold.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watcher for Watch {
    fn session_ended(&self, session: &Session) {
        if !self.revocations.end_session(&session.id, self.clock.now()).is_empty() {
            self.untold().sessions.push(session.id.clone());
        }
    }
}

impl Follower for Watch {
    fn changed(&self, account: &Account, change: &AccountChange) {
        if change.raises_epoch() {
            self.removed(&account.id);
        }
    }

    fn removed(&self, account: &AccountId) {
        self.revocations.revoke_account(account, self.clock.now());
        self.untold().accounts = true;
    }
}

fn longest_ago(now: Timestamp) -> Timestamp {
    let longest = i64::try_from(ProviderSettings::longest_access_token().as_micros()).unwrap_or(i64::MAX);
    Timestamp::from_micros(now.as_micros().saturating_sub(longest))
}
