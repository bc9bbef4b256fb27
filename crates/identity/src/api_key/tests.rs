use std::sync::Arc;
use std::time::Duration;

use gabion_model::random::SeededRng;
use gabion_model::{Period, Role, Secret, Timestamp};

use super::{ApiKey, ApiKeyError, ApiKeys, NewApiKey};
use crate::account::{Account, Accounts, Follower, NewAccount};
use crate::credential::Scopes;
use crate::session::Sessions;
use crate::settings::{MachineSettings, SessionSettings};
use crate::storage::MemoryStorage;

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

struct House {
    storage: Arc<MemoryStorage>,
    keys: Arc<ApiKeys>,
    accounts: Accounts,
    bot: Account,
    rng: SeededRng,
}

fn house() -> House {
    let (storage, rng) = (Arc::new(MemoryStorage::new()), SeededRng::new(1));
    let sessions = Sessions::open(storage.clone(), &SessionSettings::default(), NOW).unwrap();
    let keys = ApiKeys::open(storage.clone(), &MachineSettings::default(), NOW).unwrap();
    let accounts =
        Accounts::new(storage.clone(), sessions).followed_by(Arc::clone(&keys) as Arc<dyn Follower>);
    let bot = accounts.create(NewAccount::person("bot".parse().unwrap()), NOW, &rng).unwrap();
    House { storage, keys, accounts, bot, rng }
}

fn new(scopes: &str) -> NewApiKey {
    NewApiKey { label: "build".to_owned(), scopes: Scopes::parse(scopes).unwrap(), life: None }
}

fn later(seconds: u64) -> Timestamp {
    NOW.saturating_add(Duration::from_secs(seconds))
}

impl House {
    fn make(&self) -> (Secret<String>, ApiKey) {
        self.keys.create(&self.bot, new("read"), NOW, &self.rng).unwrap()
    }

    fn lives(&self, key: &Secret<String>, now: Timestamp) -> bool {
        self.keys.resolve(key.expose(), now).is_some()
    }

    /// What a restart would bring back.
    fn reopened(&self, now: Timestamp) -> Arc<ApiKeys> {
        ApiKeys::open(self.storage.clone(), &MachineSettings::default(), now).unwrap()
    }
}

#[test]
fn a_key_is_its_accounts_until_its_date() {
    let house = house();
    let (key, stored) = house.make();
    assert!(key.expose().starts_with("gab_live_") && key.expose().starts_with(&stored.hint));
    let credential = house.keys.resolve(key.expose(), NOW).unwrap();
    assert_eq!(credential.principal.account, house.bot.id);
    assert!(credential.scopes.contains("read"));
    let day = 24 * 3600;
    assert!(house.lives(&key, later(90 * day - 1)));
    assert!(!house.lives(&key, later(90 * day)));
    assert!(house.reopened(later(1)).resolve(key.expose(), later(1)).is_some());
    assert_eq!(house.keys.purge(later(90 * day)), Ok(1));
    assert!(credential.is_ended(), "its streams end");
    assert!(house.reopened(later(90 * day)).list_all(NOW).is_empty());
}

#[test]
fn the_key_is_kept_nowhere() {
    let house = house();
    let (key, stored) = house.make();
    let kept = format!("{:?} {stored:?} {:?}", house.storage, house.keys.list_all(NOW));
    assert!(!kept.contains(key.expose()));
    assert_eq!(house.keys.find(&stored.id, NOW).unwrap().hash, gabion_vault::sha256(key.expose().as_bytes()));
}

#[test]
fn what_is_not_a_key_is_nobodys() {
    let house = house();
    let (key, _) = house.make();
    for wrong in ["", "gab_live_", key.expose().get(..57).unwrap(), &format!("{} ", key.expose()), "Bearer x"]
    {
        assert!(house.keys.resolve(wrong, NOW).is_none(), "{wrong}");
    }
    let (_, elsewhere) = (1, super::format::generate("live", &SeededRng::new(99)));
    assert!(house.keys.resolve(elsewhere.expose(), NOW).is_none(), "well-formed, but nobody's");
}

#[test]
fn revoked_is_revoked_at_once_and_after_a_restart() {
    let house = house();
    let (key, stored) = house.make();
    let credential = house.keys.resolve(key.expose(), NOW).unwrap();
    assert_eq!(house.keys.revoke(&stored.id), Ok(true));
    assert!(credential.is_ended() && !house.lives(&key, NOW));
    assert_eq!(house.keys.revoke(&stored.id), Ok(false));
    assert!(house.reopened(NOW).resolve(key.expose(), NOW).is_none());
}

#[test]
fn both_work_while_a_key_is_replaced_then_only_the_successor() {
    let house = house();
    let (former, stored) = house.make();
    let overlap = Some(Period::from_secs(3600));
    let (next, successor) =
        house.keys.rotate(&house.bot, &stored.id, overlap, later(10), &house.rng).unwrap();
    assert_eq!((&successor.label, &successor.scopes), (&stored.label, &stored.scopes));
    assert_eq!(successor.life(), stored.life());
    for keys in [Arc::clone(&house.keys), house.reopened(later(11))] {
        let both = |now| [&former, &next].map(|key| keys.resolve(key.expose(), now).is_some());
        assert_eq!(both(later(3609)), [true, true]);
        assert_eq!(both(later(3610)), [false, true]);
    }
    let again = house.keys.rotate(&house.bot, &stored.id, overlap, later(12), &house.rng);
    assert_eq!(again.unwrap_err(), ApiKeyError::Replaced);
    let unknown = house.keys.rotate(&house.bot, &super::ApiKeyId::new("x"), overlap, later(12), &house.rng);
    assert_eq!(unknown.unwrap_err(), ApiKeyError::NotFound);
}

/// Zitadel CVE-2023-22492: what was granted outlived the locked account.
#[test]
fn zitadel_cve_2023_22492_disabling_the_account_ends_its_keys() {
    let house = house();
    let (key, _) = house.make();
    let credential = house.keys.resolve(key.expose(), NOW).unwrap();
    house.accounts.disable(&house.bot.id).unwrap();
    assert!(credential.is_ended() && !house.lives(&key, NOW));
    house.accounts.enable(&house.bot.id).unwrap();
    assert!(!house.lives(&key, NOW), "and they do not come back");
    assert!(house.reopened(NOW).resolve(key.expose(), NOW).is_none());
    let stale = house.keys.create(&house.bot, new("read"), NOW, &house.rng);
    assert_eq!(stale.unwrap_err(), ApiKeyError::NotFound, "the account is not as it was");
}

#[test]
fn other_roles_hold_at_once_and_end_what_streams_with_the_former() {
    let house = house();
    let (key, _) = house.make();
    let before = house.keys.resolve(key.expose(), NOW).unwrap();
    house.accounts.set_roles(&house.bot.id, vec![Role::new("clerk")]).unwrap();
    assert!(before.is_ended());
    let after = house.keys.resolve(key.expose(), NOW).unwrap();
    assert!(after.principal.has_role("clerk"));
}

#[test]
fn last_use_is_kept() {
    let house = house();
    let (key, stored) = house.make();
    assert_eq!(house.keys.flush(), Ok(0));
    assert!(house.lives(&key, later(30)));
    assert_eq!(house.keys.flush(), Ok(1));
    assert_eq!(house.keys.flush(), Ok(0));
    assert_eq!(house.reopened(NOW).find(&stored.id, NOW).unwrap().last_used, Some(later(30)));
}

#[test]
fn what_cannot_be_a_key_is_refused_with_the_reason() {
    let house = house();
    let create = |new| house.keys.create(&house.bot, new, NOW, &house.rng).unwrap_err();
    assert_eq!(create(new("")), ApiKeyError::Scopes);
    assert_eq!(create(NewApiKey { label: " ".to_owned(), ..new("a") }), ApiKeyError::Label);
    let longest = MachineSettings::default().api_key_longest;
    for seconds in [59, longest.as_duration().as_secs() + 1] {
        let life = Some(Period::from_secs(seconds));
        assert_eq!(create(NewApiKey { life, ..new("a") }), ApiKeyError::Life(longest));
    }
    for _ in 0..50 {
        house.make();
    }
    assert_eq!(create(new("a")), ApiKeyError::TooMany(50));
}
