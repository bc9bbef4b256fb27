//! Sign-ins that are half done: one factor is proved, another is asked for.
//!
//! The browser that began one holds a ticket of 256 random bits in a cookie of its own; the table holds
//! its SHA-256. Every sign-in gets a new ticket (Keycloak CVE-2025-12390), a ticket of somebody else's
//! browser is not found by guessing (CVE-2026-7507), and of any number of requests that finish one at
//! once exactly one gets it.
//!
//! The table lives in memory: it is lost with the process, and then the person begins again, which costs
//! a password. It is bounded per account, so that whoever knows one password crowds out nobody else, and
//! in all.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gabion_model::{AccountId, Acr, Methods, Rng, Secret, Timestamp, random};
use gabion_vault::encoding::{base64url_decode_32, base64url_encode};
use gabion_vault::sha256;

use crate::federation::Origin;

/// One half-done sign-in.
#[derive(Clone)]
pub struct PendingSignIn {
    pub account: AccountId,
    /// The account's epoch when the first factor was proved. Anything revoked since ends the sign-in.
    pub epoch: u64,
    /// What was proved so far.
    pub methods: Methods,
    /// The password hashed at today's cost, where it is due.
    pub rehashed: Option<String>,
    /// What whoever sent the person here asked for, at least.
    pub wanted: Acr,
    /// There is no second factor yet, and there must be one before the sign-in can end.
    pub enrol: bool,
    /// Where the first factor was another provider's word: its session.
    pub origin: Option<Origin>,
    pub begun: Timestamp,
}

/// All of them.
#[derive(Debug, Default)]
pub struct PendingSignIns(Mutex<HashMap<[u8; 32], PendingSignIn>>);

impl PendingSignIns {
    /// Keeps a sign-in and makes the ticket for the browser's cookie.
    pub fn begin(&self, pending: PendingSignIn, rng: &dyn Rng) -> Secret<String> {
        let ticket = Secret::new(random::bytes::<32>(rng));
        let mut table = self.table();
        let now = pending.begun;
        table.retain(|_, one| !one.is_expired(now));
        make_room(&mut table, PER_ACCOUNT, |one| one.account == pending.account);
        make_room(&mut table, IN_ALL, |_| true);
        table.insert(sha256(ticket.expose()), pending);
        Secret::new(base64url_encode(ticket.expose()))
    }

    /// The sign-in a ticket stands for, if it is still open at `now`.
    #[must_use]
    pub fn find(&self, ticket: &str, now: Timestamp) -> Option<PendingSignIn> {
        let table = self.table();
        table.get(&hash(ticket)?).filter(|one| !one.is_expired(now)).cloned()
    }

    /// Takes the sign-in out of the table: whoever gets it ends it.
    #[must_use]
    pub fn take(&self, ticket: &str, now: Timestamp) -> Option<PendingSignIn> {
        let taken = self.table().remove(&hash(ticket)?);
        taken.filter(|one| !one.is_expired(now))
    }

    /// Ends all sign-ins of an account.
    pub fn end(&self, account: &AccountId) {
        self.table().retain(|_, one| one.account != *account);
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.table().len()
    }

    fn table(&self) -> MutexGuard<'_, HashMap<[u8; 32], PendingSignIn>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PendingSignIn {
    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        now.saturating_since(self.begun) >= LIFE || now < self.begun
    }
}

impl fmt::Debug for PendingSignIn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("PendingSignIn")
            .field("account", &self.account)
            .field("methods", &self.methods)
            .field("wanted", &self.wanted)
            .field("enrol", &self.enrol)
            .finish_non_exhaustive()
    }
}

/// Removes the oldest until there is room for one more.
fn make_room(
    table: &mut HashMap<[u8; 32], PendingSignIn>,
    most: usize,
    counts: impl Fn(&PendingSignIn) -> bool,
) {
    loop {
        let counted = table.iter().filter(|(_, one)| counts(one));
        let number = counted.clone().count();
        let oldest = counted.min_by_key(|(_, one)| one.begun).map(|(key, _)| *key);
        match oldest {
            Some(key) if number >= most => table.remove(&key),
            _ => return,
        };
    }
}

fn hash(ticket: &str) -> Option<[u8; 32]> {
    base64url_decode_32(ticket).ok().map(|ticket| sha256(&ticket))
}

/// How long a person may take.
pub const LIFE: Duration = Duration::from_mins(10);

const PER_ACCOUNT: usize = 8;
const IN_ALL: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;
    use gabion_model::random::SeededRng;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn pending(account: &str, begun: Timestamp) -> PendingSignIn {
        PendingSignIn {
            account: AccountId::new(account),
            epoch: 0,
            methods: Methods::PASSWORD,
            rehashed: None,
            wanted: Acr::OneFactor,
            enrol: false,
            origin: None,
            begun,
        }
    }

    fn later(seconds: u64) -> Timestamp {
        NOW.saturating_add(Duration::from_secs(seconds))
    }

    /// Keycloak CVE-2026-7507, CVE-2025-12390: bound to the browser's ticket, and a new one each time.
    #[test]
    fn keycloak_cve_2026_7507_cve_2025_12390_a_sign_in_is_its_browsers_and_each_has_a_new_ticket() {
        let (table, rng) = (PendingSignIns::default(), SeededRng::new(1));
        let one = table.begin(pending("ada", NOW), &rng);
        let other = table.begin(pending("ada", NOW), &rng);
        assert_ne!(one.expose(), other.expose());
        assert_eq!(table.find(one.expose(), NOW).unwrap().account.as_str(), "ada");
        for foreign in
            ["", "x", &"A".repeat(43), &format!("{}=", one.expose()), one.expose().get(1..).unwrap()]
        {
            assert!(table.find(foreign, NOW).is_none(), "{foreign}");
            assert!(table.take(foreign, NOW).is_none(), "{foreign}");
        }
        assert!(table.take(one.expose(), NOW).is_some());
        assert!(table.take(one.expose(), NOW).is_none(), "once");
        assert!(table.find(one.expose(), NOW).is_none());
        assert!(table.find(other.expose(), NOW).is_some());
        table.end(&AccountId::new("ada"));
        assert!(table.find(other.expose(), NOW).is_none());
    }

    #[test]
    fn a_sign_in_lives_ten_minutes() {
        let (table, rng) = (PendingSignIns::default(), SeededRng::new(1));
        let ticket = table.begin(pending("ada", NOW), &rng);
        assert!(table.find(ticket.expose(), later(599)).is_some());
        assert!(table.find(ticket.expose(), later(600)).is_none());
        assert!(table.take(ticket.expose(), later(600)).is_none());
        let backwards = table.begin(pending("ada", later(60)), &rng);
        assert!(table.find(backwards.expose(), NOW).is_none(), "the clock was set back");
    }

    #[test]
    fn whoever_knows_one_password_crowds_out_nobody() {
        let (table, rng) = (PendingSignIns::default(), SeededRng::new(1));
        let ada = table.begin(pending("ada", NOW), &rng);
        let first = table.begin(pending("eve", NOW), &rng);
        for second in 1..100 {
            let _ = table.begin(pending("eve", later(second)), &rng);
        }
        assert_eq!(table.count(), PER_ACCOUNT + 1);
        assert!(table.find(ada.expose(), later(100)).is_some());
        assert!(table.find(first.expose(), later(100)).is_none());
    }
}
