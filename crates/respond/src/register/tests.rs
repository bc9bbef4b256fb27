use std::net::IpAddr;
use std::time::Duration;

use gabion_model::AccountId;

use super::*;
use crate::{Action, Target};
use crate::{Network, Standing, Verdict};

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
const HOUR: Duration = Duration::from_secs(3600);
const FREE: &Population = &Population { addresses: 1_000_000, accounts: 1_000_000, known: Vec::new() };

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn network(text: &str) -> Target {
    Target::Network { network: text.parse().unwrap() }
}

fn new(action: Action, target: Target) -> NewMeasure {
    NewMeasure {
        action,
        target,
        origin: Origin::Rule { rule: "r".into(), alert: 7 },
        reason: "because".into(),
        from: NOW,
        until: NOW.saturating_add(HOUR),
        state: State::Active,
    }
}

fn hand(action: Action, target: Target) -> NewMeasure {
    NewMeasure { origin: Origin::Hand { by: "ann".into() }, ..new(action, target) }
}

fn take(register: &Register, new: NewMeasure) -> Measure {
    register.take(new, Budget::default(), FREE, NOW).unwrap().measure()
}

#[test]
fn a_block_holds_for_its_time_for_its_address_and_for_nobody_else() {
    let register = Register::forgetful();
    let shield = register.shield();
    take(&register, new(Action::BlockAddress, network("192.0.2.7")));
    take(&register, new(Action::BlockAddress, network("2001:db8:1:2:3::1")));
    take(&register, new(Action::BlockNetwork, network("198.51.100.0/24")));
    for text in ["192.0.2.7", "::ffff:192.0.2.7", "2001:db8:1:2:ffff::9", "198.51.100.255"] {
        assert!(matches!(shield.judge(address(text), NOW), Verdict::Blocked), "{text}");
    }
    for text in ["192.0.2.8", "2001:db8:1:3::1", "198.51.101.0", "::192.0.2.7"] {
        assert!(matches!(shield.judge(address(text), NOW), Verdict::Free), "{text}");
    }
    let over = NOW.saturating_add(HOUR);
    assert!(matches!(shield.judge(address("192.0.2.7"), over), Verdict::Free), "without anybody's doing");
    assert_eq!(register.sweep(over).unwrap().len(), 3);
    assert_eq!(register.sweep(over).unwrap(), []);
    assert!(register.all().iter().all(|measure| measure.state == State::Expired));
}

#[test]
fn it_survives_a_restart_and_so_does_its_end() {
    let storage: Arc<dyn Documents> = Arc::new(MemoryDocuments::default());
    let (kept, undone) = {
        let register = Register::open(Arc::clone(&storage)).unwrap();
        let kept = take(&register, new(Action::BlockAddress, network("192.0.2.7")));
        let undone = take(&register, new(Action::BlockAddress, network("192.0.2.8")));
        register.undo(undone.id, "ann", NOW).unwrap();
        register.answered(41).unwrap();
        register.answered(12).unwrap();
        (kept, undone)
    };
    let register = Register::open(Arc::clone(&storage)).unwrap();
    assert_eq!(register.position(), Some(41));
    assert_eq!(register.one(kept.id), Some(kept.clone()));
    assert_eq!(register.one(undone.id).unwrap().state, State::Undone);
    let shield = register.shield();
    assert!(shield.is_blocked(address("192.0.2.7"), NOW) && !shield.is_blocked(address("192.0.2.8"), NOW));
    assert_eq!(take(&register, new(Action::BlockAddress, network("192.0.2.9"))).id, undone.id + 1);

    let broken = DocumentChange::Put { id: key(99), text: "{}".into() };
    storage.change_documents(AREA, &[broken]).unwrap();
    Register::open(storage).unwrap_err();
}

#[test]
fn the_same_again_makes_it_longer_and_not_twice() {
    let register = Register::forgetful();
    let first = take(&register, new(Action::BlockAddress, network("192.0.2.7")));
    let longer = NewMeasure {
        until: first.until.saturating_add(HOUR),
        ..new(Action::BlockAddress, network("192.0.2.7"))
    };
    let again = register.take(longer, Budget::default(), FREE, NOW).unwrap();
    let Taken::Extended(again) = again else { panic!("{again:?}") };
    assert_eq!((again.id, again.until), (first.id, first.until.saturating_add(HOUR)));
    let shorter = take(&register, new(Action::BlockAddress, network("192.0.2.7")));
    assert_eq!(shorter.until, again.until);
    assert_eq!(register.all().len(), 1);
}

#[test]
fn what_a_person_undid_is_left_alone_by_rules_and_not_by_people() {
    let register = Register::forgetful();
    let first = take(&register, new(Action::BlockAddress, network("192.0.2.7")));
    register.undo(first.id, "ann", NOW).unwrap();
    assert_eq!(register.undo(first.id, "ann", NOW), Err(RegisterError::Over));
    assert!(!register.shield().is_blocked(address("192.0.2.7"), NOW));
    let again = || new(Action::BlockAddress, network("192.0.2.7"));
    let tried = register.take(again(), Budget::default(), FREE, NOW);
    assert_eq!(tried, Err(RegisterError::LeftAlone));
    take(&register, hand(Action::BlockAddress, network("192.0.2.7")));
    assert!(register.shield().is_blocked(address("192.0.2.7"), NOW));
}

#[test]
fn beyond_the_budget_it_waits_for_a_person() {
    let register = Register::forgetful();
    let budget = Budget { addresses_percent: 5, accounts_percent: 2, floor: 2, most: 1000 };
    let people = &Population { addresses: 60, accounts: 10, known: Vec::new() };
    let one = |number: u8| new(Action::BlockAddress, network(&format!("192.0.2.{number}")));
    for number in 1..=3 {
        let taken = register.take(one(number), budget, people, NOW).unwrap().measure();
        assert_eq!(taken.state, State::Active, "{number} of 3");
    }
    let fourth = register.take(one(4), budget, people, NOW).unwrap().measure();
    assert_eq!(fourth.state, State::Pending);
    assert!(!register.shield().is_blocked(address("192.0.2.4"), NOW));
    // The alert rings again: it waits on, and is not taken by asking often.
    assert_eq!(register.take(one(4), budget, people, NOW).unwrap().measure().state, State::Pending);
    let later = NOW.saturating_add(Duration::from_secs(60));
    let approved = register.approve(fourth.id, "ann", later).unwrap();
    assert_eq!((approved.state, approved.until), (State::Active, later.saturating_add(HOUR)));
    assert!(register.shield().is_blocked(address("192.0.2.4"), later));
    assert_eq!(register.approve(fourth.id, "ann", later), Err(RegisterError::Over));
    // By hand there is no budget.
    let by_hand = register.take(hand(Action::BlockNetwork, network("203.0.113.0/24")), budget, people, NOW);
    assert_eq!(by_hand.unwrap().measure().state, State::Active);
}

#[test]
fn a_dry_run_does_nothing_and_stands_in_nobodys_way() {
    let register = Register::forgetful();
    let dry = NewMeasure { state: State::DryRun, ..new(Action::BlockAddress, network("192.0.2.7")) };
    let dry = take(&register, dry);
    assert!(!register.shield().is_blocked(address("192.0.2.7"), NOW));
    let real = take(&register, new(Action::BlockAddress, network("192.0.2.7")));
    assert_ne!(dry.id, real.id);
    assert!(register.shield().is_blocked(address("192.0.2.7"), NOW));
}

#[test]
fn whoever_is_slowed_down_gets_one_request_in_two_seconds_and_others_wait_for_their_turn() {
    let register = Register::forgetful();
    let shield = register.shield();
    take(&register, new(Action::SlowDown, network("192.0.2.7")));
    let at =
        |millis: u64| shield.judge(address("192.0.2.7"), NOW.saturating_add(Duration::from_millis(millis)));
    let waits = |verdict: Verdict| match verdict {
        Verdict::Later(turn) => turn.wait().as_millis(),
        other => panic!("{other:?}"),
    };
    assert!(matches!(at(0), Verdict::Free));
    assert_eq!(waits(at(500)), 1_500);
    // Another measure does not give a turn back.
    take(&register, new(Action::BlockAddress, network("192.0.2.9")));
    assert_eq!(waits(at(1_000)), 3_000);
    for turn in 3..=5 {
        assert_eq!(waits(at(1_000)), turn * 2_000 - 1_000);
    }
    assert!(matches!(at(1_000), Verdict::TooSoon(11)), "nobody waits longer than ten seconds");
    assert!(matches!(at(1_001), Verdict::TooSoon(11)), "and who is refused takes no turn");
    assert!(matches!(at(12_000), Verdict::Free));
    assert!(matches!(shield.judge(address("192.0.2.8"), NOW), Verdict::Free));
    take(&register, new(Action::BlockAddress, network("192.0.2.7")));
    assert!(matches!(at(20_000), Verdict::Blocked));
}

#[test]
fn only_so_many_wait_at_once_however_many_are_slowed_down() {
    let register = Register::forgetful();
    let shield = register.shield();
    take(&register, hand(Action::SlowDown, network("192.0.2.0/24")));
    for third in 0..200_u8 {
        take(&register, hand(Action::SlowDown, network(&format!("198.51.{third}.0/24"))));
    }
    let (mut waiting, mut refused) = (Vec::new(), 0);
    for third in 0..200_u8 {
        for _ in 0..3 {
            match shield.judge(address(&format!("198.51.{third}.9")), NOW) {
                Verdict::Later(turn) => waiting.push(turn),
                Verdict::TooSoon(_) => refused += 1,
                Verdict::Free => {}
                Verdict::Blocked => panic!("nobody is blocked"),
            }
        }
    }
    assert_eq!((waiting.len(), refused), (256, 144));
    assert!(
        matches!(shield.judge(address("192.0.2.1"), NOW), Verdict::Free),
        "who does not wait needs no seat"
    );
    assert!(matches!(shield.judge(address("192.0.2.1"), NOW), Verdict::TooSoon(2)));
    waiting.pop();
    assert!(matches!(shield.judge(address("192.0.2.1"), NOW), Verdict::Later(_)), "a seat given back");
}

#[test]
fn whoever_pretends_to_be_everybody_gets_few_blocked_and_nobody_who_is_signed_in() {
    let register = Register::forgetful();
    let shield = register.shield();
    // Behind a proxy that is believed: two hundred thousand addresses nobody has, and those of the people who are signed in.
    for number in 0..200_000_u32 {
        let _ = shield.judge(IpAddr::from((0x0b00_0000 + number).to_be_bytes()), NOW);
    }
    let people: Vec<IpAddr> = (0..200).map(|last| IpAddr::from([203, 0, 113, last])).collect();
    let population = Population { addresses: shield.clients(NOW), accounts: 1_000, known: people.clone() };
    assert!(population.addresses > 150_000);
    let budget = Budget::default();
    let mut blocked = 0;
    for person in &people {
        let measure = new(Action::BlockAddress, network(&person.to_string()));
        let taken = register.take(measure, budget, &population, NOW).unwrap().measure();
        blocked += u32::from(taken.state == State::Active);
    }
    assert_eq!(blocked, 10, "five in a hundred of those who are signed in");
    for third in 0..40_u8 {
        for last in 0..50_u8 {
            let measure = new(Action::BlockAddress, network(&format!("192.168.{third}.{last}")));
            let _ = register.take(measure, budget, &population, NOW);
        }
    }
    let holding = register.all().iter().filter(|one| one.state == State::Active).count();
    let waiting = register.all().iter().filter(|one| one.state == State::Pending).count();
    assert_eq!((holding, waiting), (1_000, 1_000), "never more than `most`, and never more to decide about");
    let more = register.take(new(Action::BlockAddress, network("192.0.2.7")), budget, &population, NOW);
    assert_eq!(more, Err(RegisterError::TooMany));
    take(&register, hand(Action::BlockAddress, network("192.0.2.7")));
    assert!(shield.is_blocked(address("192.0.2.7"), NOW), "a person is not held up by it");
}

#[test]
fn accounts_keys_and_routes() {
    let register = Register::forgetful();
    let shield = register.shield();
    let ann = AccountId::new("ann");
    let account = || Target::Account { id: ann.clone(), name: "ann".into() };
    take(&register, new(Action::RequireStepUp, account()));
    assert_eq!(shield.account(&ann, NOW), Standing::StepUp { since: NOW });
    let disabled = take(&register, new(Action::DisableAccount, account()));
    assert_eq!(shield.account(&ann, NOW), Standing::Disabled);
    assert_eq!(shield.account(&AccountId::new("bob"), NOW), Standing::Free);
    register.undo(disabled.id, "eve", NOW).unwrap();
    assert_eq!(shield.account(&ann, NOW), Standing::StepUp { since: NOW });
    take(&register, new(Action::DisableKey, Target::Key { id: "k1".into() }));
    assert!(shield.is_key_disabled("k1", NOW) && !shield.is_key_disabled("k2", NOW));
    take(&register, hand(Action::StrictRoute, Target::Route { path: "/api/*".into() }));
    assert!(shield.is_strict("/api/*", NOW) && !shield.is_strict("/*", NOW));
    assert_eq!(shield.account(&ann, NOW.saturating_add(HOUR)), Standing::Free);
    let wrong = new(Action::BlockAddress, account());
    assert_eq!(register.take(wrong, Budget::default(), FREE, NOW), Err(RegisterError::Unfit));
}

#[tokio::test]
async fn a_stream_of_a_blocked_address_hears_of_it() {
    let register = Arc::new(Register::forgetful());
    let shield = register.shield();
    let waiting =
        tokio::spawn(
            async move { shield.until(|shield| shield.is_blocked(address("192.0.2.7"), NOW)).await },
        );
    tokio::task::yield_now().await;
    take(&register, new(Action::BlockAddress, network("192.0.2.8")));
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished(), "somebody else's block is none of its business");
    take(&register, new(Action::BlockAddress, network("192.0.2.7")));
    waiting.await.unwrap();
}

/// A storage that is full.
#[derive(Debug)]
struct Full;

impl Documents for Full {
    fn documents(&self, _: &str) -> Result<Vec<(String, String)>, DocumentError> {
        Ok(Vec::new())
    }

    fn change_documents(&self, _: &str, _: &[DocumentChange]) -> Result<(), DocumentError> {
        Err(DocumentError("full".into()))
    }
}

#[test]
fn what_cannot_be_kept_is_not_done() {
    let register = Register::open(Arc::new(Full)).unwrap();
    let tried = register.take(new(Action::BlockAddress, network("192.0.2.7")), Budget::default(), FREE, NOW);
    assert_eq!(tried, Err(RegisterError::Storage(DocumentError("full".into()))));
    assert!(!register.shield().is_blocked(address("192.0.2.7"), NOW));
    assert_eq!(register.all(), []);
}

#[test]
fn networks_of_every_length_are_found() {
    let register = Register::forgetful();
    for prefix in 1..=32 {
        take(&register, hand(Action::BlockNetwork, network(&format!("224.0.0.0/{prefix}"))));
    }
    take(&register, hand(Action::BlockNetwork, network("8000::/1")));
    let blocked = |text: &str| register.shield().is_blocked(address(text), NOW);
    assert!(blocked("224.0.0.0") && blocked("255.1.2.3") && blocked("f000::1"));
    assert!(!blocked("1.2.3.4") && !blocked("2001:db8::1"));
    let _: Network = "0.0.0.0/0".parse().unwrap();
}
