//! What was granted and has ended: asked on every request with a token, answered from memory.
//!
//! A signed token cannot be called back, so whoever believes one asks here first. The list is
//! authoritative in memory and loaded from the storage at the start; an entry is forgotten when the last
//! token it could concern has expired by itself, which bounds it.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{PoisonError, RwLock, Weak};
use std::time::Duration;

use gabion_model::{AccountId, SessionId, Timestamp};

use super::grant_id::GrantId;

/// Everything that ended before its tokens did.
#[derive(Debug)]
pub struct Revocations {
    state: RwLock<State>,
    watchers: RwLock<Vec<Weak<dyn Watcher>>>,
    /// No token lives longer.
    longest: Duration,
}

/// Learns at once that something was revoked; what, it asks. May not revoke anything itself, and may not wait.
pub trait Watcher: Send + Sync + fmt::Debug {
    fn revoked(&self);
}

#[derive(Debug, Default)]
struct State {
    grants: HashMap<GrantId, Timestamp>,
    /// What was issued up to this second does not count any more.
    accounts: HashMap<AccountId, Timestamp>,
    /// What ends with a session.
    sessions: HashMap<SessionId, Vec<GrantId>>,
    /// Since when these ends are known, and whose tokens of before that second go on without a grant.
    known: Option<(i64, HashSet<AccountId>)>,
}

impl Revocations {
    /// `longest`: what no access token outlives.
    #[must_use]
    pub fn new(longest: Duration) -> Self {
        Self { state: RwLock::default(), watchers: RwLock::default(), longest }
    }

    /// Tells `watcher`, as long as it lives, of every revocation from now on.
    pub fn watch(&self, watcher: Weak<dyn Watcher>) {
        let mut watchers = self.watchers.write().unwrap_or_else(PoisonError::into_inner);
        watchers.retain(|one| one.strong_count() > 0);
        watchers.push(watcher);
    }

    /// Whether a token counts no more. `grant` is its `gid`, `issued` its `iat`.
    #[must_use]
    pub fn is_revoked(&self, grant: Option<&str>, account: &AccountId, issued: i64) -> bool {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        grant.is_some_and(|grant| state.grants.contains_key(grant))
            || state.accounts.get(account).is_some_and(|until| issued <= until.as_secs())
    }

    /// Whether a token that was made without a grant, before the last start, counts no more: nobody knows
    /// whether it was ended by itself, and its program is none any more.
    #[must_use]
    pub fn is_forgotten(&self, account: &AccountId, issued: i64) -> bool {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        state.known.as_ref().is_some_and(|(since, living)| issued < *since && !living.contains(account))
    }

    /// The second a token made now is issued in: after everything that has ended, so that who signs in
    /// anew within the second of a revocation gets a token that counts.
    #[must_use]
    pub fn issued(&self, account: &AccountId, now: Timestamp) -> i64 {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let ended = state.accounts.get(account).map_or(i64::MIN, |ended| ended.as_secs().saturating_add(1));
        now.as_secs().max(ended)
    }

    /// After a restart: what ended before is known of grants, from the storage. Of what programs were given
    /// without one, only that of the `living` goes on.
    pub fn begin_with(&self, living: HashSet<AccountId>, now: Timestamp) {
        self.write(|state| state.known = Some((now.as_secs(), living)));
    }

    /// The grant has ended.
    pub fn revoke_grant(&self, grant: &GrantId, now: Timestamp) {
        self.write(|state| {
            state.grants.insert(grant.clone(), now);
        });
        self.tell();
    }

    /// Everything the account was granted before has ended: it was disabled, deleted, or its epoch rose.
    pub fn revoke_account(&self, account: &AccountId, now: Timestamp) {
        // What was issued since the last end may be stamped with the second after it (`issued`), and that
        // second may still be to come.
        let later = |ended: &Timestamp| ended.saturating_add(Duration::from_secs(1));
        self.write(|state| {
            let ended = state.accounts.get(account).map_or(now, |ended| now.max(later(ended)));
            state.accounts.insert(account.clone(), ended);
        });
        self.tell();
    }

    /// The grant ends with the session.
    pub fn bind(&self, session: &SessionId, grant: &GrantId) {
        self.write(|state| state.sessions.entry(session.clone()).or_default().push(grant.clone()));
    }

    /// The session has ended, and with it what was bound to it. Returns what did.
    pub fn end_session(&self, session: &SessionId, now: Timestamp) -> Vec<GrantId> {
        let bound = |state: &State| state.sessions.contains_key(session);
        if !bound(&self.state.read().unwrap_or_else(PoisonError::into_inner)) {
            return Vec::new();
        }
        let mut ended = Vec::new();
        self.write(|state| {
            ended = state.sessions.remove(session).unwrap_or_default();
            state.grants.extend(ended.iter().map(|grant| (grant.clone(), now)));
        });
        self.tell();
        ended
    }

    /// Forgets what concerns no living token.
    pub fn purge(&self, now: Timestamp) {
        let recent = |ended: &mut Timestamp| now.saturating_since(*ended) <= self.longest;
        self.write(|state| {
            state.grants.retain(|_, ended| recent(ended));
            state.accounts.retain(|_, ended| recent(ended));
        });
    }

    /// How many entries there are.
    #[must_use]
    pub fn count(&self) -> usize {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        state.grants.len() + state.accounts.len()
    }

    fn tell(&self) {
        let watchers = self.watchers.read().unwrap_or_else(PoisonError::into_inner).clone();
        watchers.iter().filter_map(Weak::upgrade).for_each(|watcher| watcher.revoked());
    }

    fn write(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.write().unwrap_or_else(PoisonError::into_inner));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
    const LONGEST: Duration = Duration::from_secs(900);

    fn ada() -> AccountId {
        AccountId::new("ada")
    }

    fn revocations() -> Revocations {
        Revocations::new(LONGEST)
    }

    #[test]
    fn a_revoked_grant_is_seen_at_once_and_forgotten_when_its_tokens_are_dead() {
        let (list, grant) = (revocations(), GrantId::new("g"));
        assert!(!list.is_revoked(Some("g"), &ada(), NOW.as_secs()));
        list.revoke_grant(&grant, NOW);
        assert!(list.is_revoked(Some("g"), &ada(), NOW.as_secs()));
        assert!(!list.is_revoked(Some("h"), &ada(), NOW.as_secs()));
        list.purge(NOW.saturating_add(LONGEST));
        assert_eq!(list.count(), 1, "a token of the last moment is still alive");
        list.purge(NOW.saturating_add(LONGEST + Duration::from_secs(1)));
        assert_eq!(list.count(), 0);
    }

    #[test]
    fn an_account_ends_what_was_issued_before_and_nothing_after() {
        let list = revocations();
        list.revoke_account(&ada(), NOW);
        assert!(list.is_revoked(None, &ada(), NOW.as_secs() - 60));
        assert!(list.is_revoked(None, &ada(), NOW.as_secs()), "the same second: closed");
        assert!(!list.is_revoked(None, &ada(), NOW.as_secs() + 1));
        assert!(!list.is_revoked(None, &ada(), list.issued(&ada(), NOW)), "issued after it");
        assert_eq!(list.issued(&AccountId::new("bob"), NOW), NOW.as_secs());
        assert!(!list.is_revoked(None, &AccountId::new("bob"), NOW.as_secs() - 60));
    }

    /// A program was disabled or removed, and then the gate restarted.
    #[test]
    fn after_a_restart_what_living_programs_were_given_goes_on_and_nothing_else() {
        let (list, bot) = (revocations(), AccountId::new("bot"));
        list.begin_with(HashSet::from([bot.clone()]), NOW);
        let before = NOW.as_secs() - 1;
        assert!(!list.is_forgotten(&bot, before));
        assert!(list.is_forgotten(&ada(), before), "nobody knows what became of it");
        assert!(!list.is_forgotten(&ada(), NOW.as_secs()), "made since");
        assert!(!list.is_revoked(Some("g"), &ada(), before), "grants are known");
    }

    /// Two ends within one second, and a token between them.
    #[test]
    fn what_was_issued_between_two_ends_of_one_second_ends_too() {
        let list = revocations();
        for _ in 0..3 {
            list.revoke_account(&ada(), NOW);
            let issued = list.issued(&ada(), NOW);
            assert!(!list.is_revoked(None, &ada(), issued), "issued after the first");
            list.revoke_account(&ada(), NOW);
            assert!(list.is_revoked(None, &ada(), issued), "and before the second");
        }
    }

    #[test]
    fn a_session_ends_what_is_bound_to_it() {
        let (list, session) = (revocations(), SessionId::new("s"));
        list.bind(&session, &GrantId::new("g"));
        assert!(!list.is_revoked(Some("g"), &ada(), 0));
        assert_eq!(list.end_session(&SessionId::new("other"), NOW), []);
        assert_eq!(list.end_session(&session, NOW), [GrantId::new("g")]);
        assert!(list.is_revoked(Some("g"), &ada(), 0));
        assert_eq!(list.end_session(&session, NOW), []);
    }
}
