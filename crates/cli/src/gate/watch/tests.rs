//! The thread under faults: killed in the middle, records it cannot read, a ledger that does not take its alerts.

use gabion_ledger::{MemorySegments, SegmentId, SegmentStorage, Settings};
use gabion_model::ManualClock;
use tokio::task::JoinHandle;

use super::*;

const START: Timestamp = Timestamp::from_secs(1_767_571_200);

struct Machine {
    segments: Arc<MemorySegments>,
    clock: Arc<ManualClock>,
    ledger: Ledger,
    figures: Arc<Figures>,
    plan: Sender<Plan>,
}

impl Machine {
    fn on(segments: Arc<MemorySegments>, clock: Arc<ManualClock>) -> Self {
        let storage = Arc::clone(&segments) as Arc<dyn SegmentStorage>;
        let (ledger, _) = Ledger::open(storage, &Settings::default(), clock.clone()).unwrap();
        let rules = Rules::load(&pack::sources(), &std::collections::BTreeMap::new()).unwrap();
        let plan = Plan { mode: Mode::On, rules: Arc::new(rules), places: None };
        Self { segments, clock, ledger, figures: Arc::default(), plan: Sender::new(plan) }
    }

    fn new() -> Self {
        Self::on(Arc::default(), Arc::new(ManualClock::at(START)))
    }

    fn watch(&self) -> JoinHandle<()> {
        let plan = self.plan.borrow().clone();
        let watch = Watch {
            ledger: self.ledger.clone(),
            clock: self.clock.clone(),
            watcher: Watcher::new(plan.rules, 7),
            plan: self.plan.subscribe(),
            figures: Arc::clone(&self.figures),
            tally: Arc::default(),
            untold: VecDeque::new(),
        };
        tokio::spawn(watch.run())
    }

    /// Somebody tries a name that nobody has.
    async fn guess(&self, number: u8) {
        self.clock.advance(Duration::from_secs(1));
        let (kind, control) = (EventKind::Login, ControlId::AUTHN_NO_ENUMERATION);
        let now = self.clock.now();
        let mut event = Event::new(now, kind, "account.sign-in", Actor::Anonymous, Outcome::Failure, control);
        event.address = Some([192, 0, 2, number].into());
        self.ledger.record(event).await.unwrap();
    }

    /// Waits until that many alerts of a rule are on record.
    async fn rang(&self, rule: &str, times: usize) {
        while self.alerts(rule) < times {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn alerts(&self, rule: &str) -> usize {
        let query = Query { order: Order::NewestFirst, ..Query::default() };
        let records = self.ledger.search(query).map_while(Result::ok);
        records
            .filter(|record| record.event.kind == EventKind::Alert && record.event.resource == rule)
            .count()
    }
}

#[tokio::test]
async fn a_gate_that_is_killed_loses_no_alert_and_rings_none_twice() {
    let machine = Machine::new();
    let watching = machine.watch();
    for number in 0..3 {
        machine.guess(number).await;
    }
    watching.abort();
    let _ = watching.await;
    // What happens while nobody watches.
    for number in 3..6 {
        machine.guess(number).await;
    }
    assert_eq!(machine.alerts("credential-stuffing"), 0);
    for _ in 0..3 {
        let watching = machine.watch();
        machine.rang("credential-stuffing", 1).await;
        // What comes now is seen after all that was missed.
        machine.clock.advance(Duration::from_secs(1));
        let mut event = Event::new(
            machine.clock.now(),
            EventKind::Refusal,
            "request.refused",
            Actor::Anonymous,
            Outcome::Failure,
            ControlId::AUTHZ_DECLARED_ROUTES,
        );
        event.resource = "/canary-1".to_owned();
        event.address = Some([10, 0, (machine.clock.now().as_secs() % 200) as u8, 1].into());
        let before = machine.alerts("canary-address");
        machine.ledger.record(event).await.unwrap();
        machine.rang("canary-address", before + 1).await;
        assert_eq!(machine.alerts("credential-stuffing"), 1);
        watching.abort();
        let _ = watching.await;
    }
}

#[tokio::test]
async fn what_was_learnt_is_there_again_after_a_restart() {
    let machine = Machine::new();
    let sign_in = |address: [u8; 4]| {
        let id = gabion_model::AccountId::new("a");
        let actor = Actor::Account { id, name: "ann".to_owned(), session: None };
        let (kind, control) = (EventKind::Login, ControlId::AUTHN_PASSWORD_HASHING);
        let mut event =
            Event::new(machine.clock.now(), kind, "account.sign-in", actor, Outcome::Success, control);
        event.resource = "ann".to_owned();
        event.address = Some(address.into());
        event.user_agent = Some(if address[0] == 10 { "curl" } else { "Firefox" }.to_owned());
        event
    };
    for _ in 0..12 {
        for _ in 0..8 {
            machine.ledger.record(sign_in([198, 51, 100, 1])).await.unwrap();
            machine.clock.advance(Duration::from_secs(3600));
        }
        machine.clock.advance(Duration::from_secs(16 * 3600));
    }
    // Nobody has watched until now: all of it comes from the ledger.
    machine.clock.advance(Duration::from_secs(14 * 3600));
    let watching = machine.watch();
    machine.ledger.record(sign_in([10, 1, 2, 3])).await.unwrap();
    machine.rang("new-device-odd-hour", 1).await;
    watching.abort();
}

#[tokio::test(start_paused = true)]
async fn records_that_cannot_be_read_are_told_of_and_what_comes_after_is_watched() {
    let machine = Machine::new();
    for number in 0..3 {
        machine.guess(number).await;
    }
    // A bit flips where the writer has been; it appends behind and knows nothing of it.
    let damage = |at_end: usize| {
        let mut bytes = machine.segments.bytes(SegmentId::FIRST);
        let at = bytes.len() - at_end;
        bytes[at] ^= 1;
        machine.segments.put(SegmentId::FIRST, bytes);
    };
    damage(100);
    // A start finds it.
    let watching = machine.watch();
    machine.rang("detection-gap", 1).await;
    assert_eq!(machine.figures.unread.load(Ordering::Relaxed), 2, "at the look back, and when it follows");
    for number in 0..5 {
        machine.guess(100 + number).await;
    }
    machine.rang("credential-stuffing", 1).await;
    // It goes on for as long as the damage is there, and does not tell of it again.
    tokio::time::sleep(Duration::from_secs(600)).await;
    machine.clock.advance(Duration::from_secs(7200));
    for number in 0..5 {
        machine.guess(200 + number).await;
    }
    machine.rang("credential-stuffing", 2).await;
    assert_eq!(machine.figures.unread.load(Ordering::Relaxed), 2);
    watching.abort();
}
