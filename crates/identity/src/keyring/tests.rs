use std::collections::BTreeSet;
use std::time::Duration;

use gabion_model::Period;
use gabion_model::random::SeededRng;
use proptest::prelude::*;

use super::*;
use crate::storage::MemoryStorage;

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

const CHEAP: &[Algorithm] = &[Algorithm::Es256, Algorithm::EdDsa];

struct House {
    storage: Arc<MemoryStorage>,
    sealing: Arc<SealingKey>,
    settings: KeySettings,
    rng: SeededRng,
}

impl House {
    fn new() -> Self {
        let rng = SeededRng::new(1);
        let sealing = SealingKey::from_bytes(&SealingKey::generate(&rng)).unwrap();
        Self {
            storage: Arc::new(MemoryStorage::new()),
            sealing: Arc::new(sealing),
            settings: KeySettings::default(),
            rng,
        }
    }

    fn open(&self, now: Timestamp) -> Arc<Keyring> {
        self.open_with(None, now).unwrap()
    }

    fn open_with(&self, imported: Option<SigningKey>, now: Timestamp) -> Result<Arc<Keyring>, KeyringError> {
        let (storage, sealing) = (Arc::clone(&self.storage) as Arc<_>, Arc::clone(&self.sealing));
        Keyring::open(storage, sealing, self.settings.clone(), imported, now, &self.rng)
    }

    /// Without the keys that take long to make.
    fn open_cheap(&self, now: Timestamp) -> Arc<Keyring> {
        let (storage, sealing) = (Arc::clone(&self.storage) as Arc<_>, Arc::clone(&self.sealing));
        let kept = Kept::new(storage, sealing, self.settings.clone(), CHEAP);
        Keyring::of_kept(kept, None, now, &self.rng).unwrap()
    }
}

fn after(start: Timestamp, seconds: u64) -> Timestamp {
    start.saturating_add(Duration::from_secs(seconds))
}

fn standings(ring: &Keyring, algorithm: Algorithm, now: Timestamp) -> Vec<Standing> {
    let views = ring.list(now).into_iter().filter(|one| one.algorithm == algorithm);
    views.map(|one| one.standing).collect()
}

#[test]
fn there_is_a_key_for_each_algorithm_and_it_outlives_a_restart() {
    let house = House::new();
    let ring = house.open(NOW);
    assert_eq!(ring.signing().algorithm(), Algorithm::Es256);
    assert_eq!(ring.algorithms().len(), 3);
    for algorithm in Algorithm::SIGNING {
        let key = ring.signing_with(*algorithm).unwrap();
        assert_eq!(ring.public().by_kid(key.kid()), Some(key.public()));
        let again = house.open(after(NOW, 5));
        assert_eq!(again.signing_with(*algorithm).unwrap().kid(), key.kid());
        assert_eq!(again.public().keys.len(), 3);
    }
    assert!(!ring.is_due(after(NOW, 5)));
    assert!(ring.signing_with(Algorithm::Ps256).is_none());
}

#[test]
fn a_key_of_former_days_goes_on_signing() {
    let house = House::new();
    let (key, kid) =
        SigningKey::generate().map(|key| (SigningKey::from_pkcs8(key.pkcs8().clone()), key)).unwrap();
    let ring = house.open_with(Some(key.unwrap()), NOW).unwrap();
    assert_eq!(ring.signing().kid(), kid.kid());
    // Another one comes too late.
    let ring = house.open_with(Some(SigningKey::generate().unwrap()), NOW).unwrap();
    assert_eq!(ring.signing().kid(), kid.kid());
    assert_eq!(ring.public().keys.len(), 3);
}

#[test]
fn keys_lie_sealed_and_a_moved_or_foreign_one_is_not_opened() {
    let house = House::new();
    let ring = house.open(NOW);
    let pkcs8 = ring.signing().pkcs8().expose().clone();
    let mut stored = house.storage.keys().unwrap();
    assert_eq!(stored.len(), 3);
    for key in &stored {
        assert!(!key.sealed.windows(16).any(|part| pkcs8.windows(16).any(|own| own == part)));
    }
    let sealing = SealingKey::from_bytes(&SealingKey::generate(&SeededRng::new(2))).unwrap();
    let other = House { sealing: Arc::new(sealing), ..House::new() };
    for key in &stored {
        other.storage.add_key(key).unwrap();
    }
    assert!(matches!(other.open_with(None, NOW), Err(KeyringError::Sealed { .. })));

    let swapped = House { sealing: Arc::clone(&house.sealing), ..House::new() };
    let (first, rest) = stored.split_at_mut(1);
    std::mem::swap(&mut first[0].kid, &mut rest[0].kid);
    for key in &stored {
        swapped.storage.add_key(key).unwrap();
    }
    assert!(matches!(swapped.open_with(None, NOW), Err(KeyringError::Sealed { .. })));
}

#[test]
fn a_rotation_announces_then_signs_then_retires_then_forgets() {
    use Standing::{Active, Next, Retired};
    let house = House::new();
    let ring = house.open(NOW);
    let algorithm = Algorithm::Es256;
    let former = ring.signing();
    let announced = ring.rotate(algorithm, NOW, &house.rng).unwrap();
    assert_eq!(ring.rotate(algorithm, NOW, &house.rng).unwrap(), announced, "one at a time");
    assert_eq!(standings(&ring, algorithm, NOW), [Active, Next]);
    assert!(ring.public().by_kid(&announced.kid).is_some());
    assert_eq!(ring.signing().kid(), former.kid(), "not before everybody knows it");

    let begins = after(NOW, 3600);
    assert!(!ring.is_due(after(NOW, 3599)));
    assert!(ring.is_due(begins));
    ring.turn(begins, &house.rng).unwrap();
    assert_eq!(ring.signing().kid(), announced.kid);
    assert_eq!(standings(&ring, algorithm, begins), [Active, Retired]);
    assert!(!ring.is_due(begins));
    let again = house.open(begins);
    assert_eq!((again.signing().kid(), again.public().keys.len()), (announced.kid.as_str(), 4));

    let ends = after(begins, 2 * 24 * 3600);
    ring.turn(after(ends, 0), &house.rng).unwrap();
    assert!(ring.public().by_kid(former.kid()).is_none());
    assert_eq!(standings(&ring, algorithm, ends), [Active]);
}

#[test]
fn the_schedule_rotates_by_itself() {
    let house = House::new();
    let ring = house.open(NOW);
    let former = ring.signing();
    let announced = after(NOW, 30 * 24 * 3600 - 3600);
    assert!(!ring.is_due(after(NOW, 30 * 24 * 3600 - 3601)));
    ring.turn(announced, &house.rng).unwrap();
    assert_eq!((ring.signing().kid(), ring.public().keys.len()), (former.kid(), 6));
    ring.turn(after(announced, 3600), &house.rng).unwrap();
    assert_ne!(ring.signing().kid(), former.kid());
}

#[test]
fn a_revoked_key_is_gone_at_once() {
    let house = House::new();
    let ring = house.open(NOW);
    let (former, others) = (ring.signing(), ring.public().keys.len());
    let revoked = ring.revoke(former.kid(), NOW, &house.rng).unwrap();
    assert_eq!((revoked.kid.as_str(), revoked.standing), (former.kid(), Standing::Active));
    assert!(ring.public().by_kid(former.kid()).is_none());
    assert_ne!(ring.signing().kid(), former.kid());
    assert_eq!((ring.signing().algorithm(), ring.public().keys.len()), (Algorithm::Es256, others));
    assert!(house.open(NOW).public().by_kid(former.kid()).is_none(), "after a restart, too");
    assert_eq!(ring.revoke(former.kid(), NOW, &house.rng), Err(KeyringError::NotFound));

    // One that is announced only: the next turn announces another when it is time.
    let announced = ring.rotate(Algorithm::Es256, NOW, &house.rng).unwrap();
    ring.revoke(&announced.kid, NOW, &house.rng).unwrap();
    assert_eq!(standings(&ring, Algorithm::Es256, NOW), [Standing::Active]);
}

#[test]
fn the_default_follows_the_settings_and_a_clock_put_back_stops_nothing() {
    let mut house = House::new();
    let ring = house.open(NOW);
    house.settings.algorithm = SigningAlgorithm::EdDsa;
    ring.set_settings(&house.settings);
    assert!(ring.is_due(NOW));
    ring.turn(NOW, &house.rng).unwrap();
    assert_eq!(ring.signing().algorithm(), Algorithm::EdDsa);
    assert_eq!(ring.algorithms().first(), Some(&Algorithm::EdDsa));
    let again = house.open(Timestamp::from_secs(1_000));
    assert_eq!(again.signing().kid(), ring.signing().kid());
    assert_eq!(again.public().keys.len(), 3);
}

#[test]
fn settings_are_judged() {
    assert_eq!(KeySettings::default().problems(), []);
    let wrong = KeySettings {
        rotation: Period::from_secs(60),
        announced: Period::from_secs(60),
        retained: Period::from_secs(3600),
        ..KeySettings::default()
    };
    let paths: Vec<_> = wrong.problems().into_iter().map(|one| one.path).collect();
    assert_eq!(paths, ["rotation", "announced", "retained"]);
    let day = Period::from_secs(24 * 3600);
    let wrong = KeySettings { rotation: day, announced: day, ..KeySettings::default() };
    assert_eq!(wrong.problems().len(), 1);
    const { assert!(KEPT_BY_CLIENTS.as_secs() < 15 * 60, "shorter than any announcement") };
}

/// What happens to a ring.
#[derive(Debug, Clone)]
enum Happens {
    Command(Algorithm),
    Restart,
    Tick,
}

fn happens() -> impl Strategy<Value = (u64, Happens)> {
    let algorithm = prop_oneof![Just(Algorithm::Es256), Just(Algorithm::EdDsa)];
    let what = prop_oneof![
        4 => Just(Happens::Tick),
        1 => Just(Happens::Restart),
        1 => algorithm.prop_map(Happens::Command),
    ];
    // From a minute, as housekeeping does, to days, as a gate that was switched off.
    (prop_oneof![5 => 60_u64..600, 3 => 600_u64..40_000, 1 => 40_000_u64..400_000], what)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// At every instant every token that has not expired verifies under whatever a client holds that keeps
    /// the published keys for as long as it is told it may.
    #[test]
    fn every_living_token_verifies_for_whoever_caches_as_told(
        story in proptest::collection::vec(happens(), 1..40),
    ) {
        let mut house = House::new();
        house.settings.rotation = Period::from_secs(24 * 3600);
        let mut ring = house.open_cheap(NOW);
        let mut now = NOW;
        // What was published since when; what was signed until when.
        let mut published: Vec<(Timestamp, BTreeSet<String>)> = Vec::new();
        let mut signed: Vec<(String, Timestamp)> = Vec::new();
        let life = Duration::from_secs(24 * 3600);
        for (wait, what) in story {
            now = after(now, wait);
            match what {
                Happens::Command(algorithm) => drop(ring.rotate(algorithm, now, &house.rng).unwrap()),
                Happens::Restart => ring = house.open_cheap(now),
                Happens::Tick => ring.turn(now, &house.rng).unwrap(),
            }
            prop_assert!(!ring.is_due(now) || !matches!(what, Happens::Tick | Happens::Restart));
            let kids = ring.public().keys.iter().filter_map(|key| key.kid().map(str::to_owned)).collect();
            published.push((now, kids));
            for algorithm in CHEAP {
                let key = ring.signing_with(*algorithm).unwrap();
                signed.push((key.kid().to_owned(), now.saturating_add(life)));
            }
            signed.retain(|(_, expires)| *expires > now);
            // A client may hold everything that was published at some time within the last five minutes:
            // the last answer before that span, and all in it.
            let since = Timestamp::from_secs(now.as_secs() - 300);
            let begin = published.iter().rposition(|(time, _)| *time <= since).unwrap_or(0);
            for (_, kids) in &published[begin..] {
                for (kid, _) in &signed {
                    prop_assert!(kids.contains(kid), "{kid} is not known at {now}");
                }
            }
        }
    }
}
