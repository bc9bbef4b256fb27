//! A search with an index answers as one that reads everything: whatever is asked, whenever it is asked, and whatever became of
//! the index.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use gabion_ledger::{
    IndexStorage, Keys, Ledger, MemoryIndexes, MemorySegments, Order, Protection, Query, Record,
    RecordSealing, SegmentId, SegmentSource, SegmentStorage,
};
use gabion_model::random::SeededRng;
use gabion_model::{
    AccountId, Actor, ControlId, Event, EventKind, Outcome, RequestId, Secret, TenantId, Timestamp,
};
use proptest::prelude::*;

use crate::support::{clock, small};

const ACTIONS: [&str; 4] = ["login", "account.disable", "order.refunded", "request.refused"];
const PATHS: [&str; 5] = ["/orders/1", "/orders/12", "/Orders/1/refund", "/", "/health"];
const WORDS: [&str; 6] = ["curl/8.5", "Mozilla/5.0 (X11)", "password wrong", "zürich", "ab", "%2e%2e"];

/// The `number`th event: everything about it follows from the number and is as it were thrown with dice.
fn event(number: u64) -> Event {
    let dice = |sides: usize, salt: u64| {
        let mixed = (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(17)
            ^ salt.wrapping_mul(0xbf58_476d_1ce4_e5b9);
        usize::try_from(mixed.wrapping_mul(0x94d0_49bb_1331_11eb) >> 40).unwrap() % sides
    };
    let time = Timestamp::from_secs(
        1_000_000 + i64::try_from(number).unwrap() / 3 - i64::from(dice(9, 1) == 0) * 50,
    );
    let actor = match dice(6, 2) {
        0 => Actor::Anonymous,
        1 => Actor::Gate,
        2 => Actor::Operator,
        name => Actor::Account {
            id: AccountId::new(&format!("id{name}")),
            name: format!("User{name}"),
            session: None,
        },
    };
    let kind = EventKind::ALL[dice(EventKind::ALL.len(), 3)];
    let outcome = Outcome::ALL[dice(3, 4)];
    let control =
        [ControlId::WEB_CSRF, ControlId::AUTHN_LOGIN_THROTTLE, ControlId::LEDGER_ADMIN_ACTS][dice(3, 5)];
    let mut event = Event::new(time, kind, ACTIONS[dice(4, 6)], actor, outcome, control);
    event.resource = PATHS[dice(5, 7)].to_owned();
    if dice(3, 8) > 0 {
        event.address = Some(IpAddr::V4(Ipv4Addr::new(10, 0, 0, u8::try_from(dice(20, 9)).unwrap())));
    }
    if dice(2, 10) == 0 {
        event.user_agent = Some(WORDS[dice(6, 11)].to_owned());
    }
    if dice(4, 12) == 0 {
        event.reason = Some(WORDS[dice(6, 13)].to_owned());
    }
    event.request_id = Some(RequestId::from_bytes([u8::try_from(number % 251).unwrap(); 12]));
    event.tenant = [None, Some("acme"), Some("beta")][dice(3, 14)].map(TenantId::new);
    event.metadata.insert("number".to_owned(), format!("n{number}"));
    event
}

struct Kept {
    segments: Arc<MemorySegments>,
    indexes: Arc<MemoryIndexes>,
    ledger: Ledger,
}

impl Kept {
    fn new(sealed: bool) -> Self {
        let (segments, indexes) = (Arc::new(MemorySegments::new()), Arc::new(MemoryIndexes::default()));
        let ledger = Self::open(&segments, &indexes, sealed);
        Self { segments, indexes, ledger }
    }

    fn open(segments: &Arc<MemorySegments>, indexes: &Arc<MemoryIndexes>, sealed: bool) -> Ledger {
        let rng = Arc::new(SeededRng::new(7));
        let keys = || Arc::new(Keys::parse("key", &Secret::new(vec![5; 32])).unwrap());
        let records = sealed.then(|| RecordSealing { keys: keys(), rng, subjects: None });
        let storage = Arc::clone(segments) as Arc<dyn SegmentStorage>;
        let protection = Protection { records, ..Protection::default() };
        let (ledger, _) = Ledger::open_protected(storage, &small(), clock(), protection).unwrap();
        ledger.with_indexes(Arc::clone(indexes) as Arc<dyn IndexStorage>)
    }

    fn record(&self, range: std::ops::Range<u64>) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for number in range {
            runtime.block_on(self.ledger.record(event(number))).unwrap();
        }
    }

    /// What a search that reads everything answers.
    fn all(&self) -> Vec<Record> {
        self.ledger.search(Query::default()).collect::<Result<_, _>>().unwrap()
    }

    fn check(&self, query: &Query) {
        let mut expected = self.all();
        if query.order == Order::OldestFirst {
            expected.reverse();
        }
        expected.retain(|record| query.matches(&record.event));
        expected.truncate(query.limit.unwrap_or(usize::MAX));
        let found: Vec<_> = self.ledger.search(query.clone()).collect::<Result<_, _>>().unwrap();
        assert_eq!(positions(&found), positions(&expected), "{query:?}");
        assert_eq!(found, expected);
    }

    fn finished(&self) -> Vec<SegmentId> {
        let mut segments = self.segments.list().unwrap();
        segments.pop();
        segments
    }
}

fn positions(records: &[Record]) -> Vec<u64> {
    records.iter().map(|record| record.position.0).collect()
}

fn query() -> impl Strategy<Value = Query> {
    let maybe = |some| prop_oneof![2 => Just(false), 1 => Just(some)];
    let words = prop_oneof![
        prop::sample::select(&WORDS[..]).prop_map(str::to_owned),
        prop::sample::select(&ACTIONS[..]).prop_map(str::to_owned),
        "[a-z/0-9.]{1,5}",
        (0..900_u64).prop_map(|number| format!("N{number}")),
        Just("USER3".to_owned()),
    ];
    let texts = prop::option::weighted(0.4, words);
    let actors =
        prop::sample::select(&["user3", "id4", "ID4", "anonymous", "gate", "operator", "nobody"][..]);
    let paths = prop::sample::select(&["/orders/1", "/orders/*", "/Ord*", "*", "/x", "/"][..]);
    let fields = (
        (maybe(true), 0..9_usize),
        (maybe(true), 0..3_usize),
        (maybe(true), 0..24_u8),
        prop::option::weighted(0.3, actors),
        prop::option::weighted(0.3, paths),
        prop::option::weighted(0.2, prop::sample::select(&ACTIONS[..])),
        prop::option::weighted(0.1, 0..252_u8),
        prop::option::weighted(0.2, prop::sample::select(&["acme", "beta", "acm"][..])),
    );
    let times = (prop::option::weighted(0.3, 0..400_i64), prop::option::weighted(0.3, 0..400_i64));
    (fields, texts, times, prop::option::of(1..40_usize), any::<bool>()).prop_map(
        |(
            (kind, outcome, address, actor, resource, action, request, tenant),
            text,
            (since, until),
            limit,
            oldest,
        )| Query {
            since: since.map(|secs| Timestamp::from_secs(1_000_000 + secs)),
            until: until.map(|secs| Timestamp::from_secs(1_000_000 + secs)),
            kind: kind.0.then(|| EventKind::ALL[kind.1]),
            outcome: outcome.0.then(|| Outcome::ALL[outcome.1]),
            control: None,
            action: action.map(str::to_owned),
            resource: resource.map(str::to_owned),
            actor: actor.map(str::to_owned),
            address: address.0.then(|| IpAddr::V4(Ipv4Addr::new(10, 0, 0, address.1))),
            request_id: request.map(|byte| RequestId::from_bytes([byte; 12])),
            tenant: tenant.map(TenantId::new),
            text,
            limit,
            order: if oldest { Order::OldestFirst } else { Order::NewestFirst },
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10))]

    #[test]
    fn a_search_with_an_index_answers_like_one_without(
        sealed: bool,
        counts in (0..700_u64, 0..300_u64),
        queries in prop::collection::vec(query(), 12),
    ) {
        let kept = Kept::new(sealed);
        kept.record(0..counts.0);
        kept.ledger.make_indexes();
        prop_assert_eq!(kept.indexes.list().unwrap(), kept.finished());
        // What came after the index was made is found as well.
        kept.record(counts.0..counts.0 + counts.1);
        queries.iter().for_each(|query| kept.check(query));
        kept.ledger.make_indexes();
        queries.iter().for_each(|query| kept.check(query));
        // The next start finds the indexes, and nothing of the segment that grows.
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(kept.ledger.close()).unwrap();
        let ledger = Kept::open(&kept.segments, &kept.indexes, sealed);
        let kept = Kept { ledger, ..kept };
        queries.iter().for_each(|query| kept.check(query));
    }
}

/// Few records are read where few fit: damage elsewhere is not come across.
#[test]
fn an_index_spares_reading() {
    let kept = Kept::new(false);
    kept.record(0..2_000);
    kept.ledger.make_indexes();
    let wanted = Query { text: Some("n1999".to_owned()), limit: Some(1), ..Query::default() };
    let oldest =
        Query { text: Some("N3".to_owned()), order: Order::OldestFirst, limit: Some(1), ..Query::default() };
    kept.check(&wanted);
    kept.check(&oldest);
    let segments = kept.finished();
    assert!(segments.len() > 5);
    let rare = Query { text: Some("n1234".to_owned()), ..Query::default() };
    let before: Vec<_> = kept.ledger.search(rare.clone()).collect::<Result<_, _>>().unwrap();
    assert_eq!(before.len(), 1);
    for segment in &segments {
        let mut bytes = kept.segments.bytes(*segment);
        let header = 100;
        bytes[header] ^= 1;
        kept.segments.put(*segment, bytes);
    }
    assert!(kept.ledger.search(Query::default()).any(|record| record.is_err()));
    let after: Vec<_> = kept.ledger.search(rare).collect::<Result<_, _>>().unwrap();
    assert_eq!(after, before);
}

/// Every byte of an index changed, every length: it is not believed, made again, and the answer is the same.
#[test]
fn an_index_that_is_torn_changed_or_another_segments_is_made_again() {
    for sealed in [false, true] {
        let kept = Kept::new(sealed);
        kept.record(0..500);
        kept.ledger.make_indexes();
        let segments = kept.finished();
        let (first, whole) = (segments[0], kept.indexes.bytes(segments[0]));
        let query =
            Query { actor: Some("user3".to_owned()), text: Some("order".to_owned()), ..Query::default() };
        let reopened = || {
            let ledger = Kept::open(&kept.segments, &kept.indexes, sealed);
            Kept { segments: Arc::clone(&kept.segments), indexes: Arc::clone(&kept.indexes), ledger }
        };
        let flips = (0..whole.len()).step_by(whole.len() / 20).map(|at| {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << (at % 8);
            bytes
        });
        let cuts = (0..whole.len()).step_by(whole.len() / 6).map(|at| whole[..at].to_vec());
        let others =
            [kept.indexes.bytes(segments[1]), Vec::new(), vec![0; 70_000], [&whole[..], b"x"].concat()];
        for bytes in flips.chain(cuts).chain(others) {
            kept.indexes.put(first, &bytes).unwrap();
            let again = reopened();
            again.check(&query);
            assert_eq!(again.indexes.bytes(first), [0; 0], "it was removed");
            again.ledger.make_indexes();
            assert_eq!(again.indexes.bytes(first).len(), whole.len());
            again.check(&query);
        }
    }
}

/// Made by the rules, for another beginning of the ledger: right in itself, and of no use here.
#[test]
fn an_index_of_another_ledger_is_not_believed() {
    let (own, other) = (Kept::new(false), Kept::new(false));
    own.record(0..500);
    other.record(1..501);
    other.ledger.make_indexes();
    for segment in own.finished() {
        own.indexes.put(segment, &other.indexes.bytes(segment)).unwrap();
    }
    for text in ["n0", "n255", "n499"] {
        own.check(&Query { text: Some(text.to_owned()), ..Query::default() });
    }
}

/// The words of a sealed ledger's index tell nothing without its key, and another segment has other words for the same.
#[test]
fn an_index_tells_nothing_of_what_it_indexes() {
    let kept = Kept::new(true);
    kept.record(0..500);
    kept.ledger.make_indexes();
    for segment in kept.finished() {
        let bytes = kept.indexes.bytes(segment);
        for text in [&b"User3"[..], b"user3", b"/orders", b"mozilla", b"login", b"use"] {
            assert!(!bytes.windows(text.len()).any(|window| window == text));
        }
    }
}

#[test]
fn what_was_forgotten_is_made_again_and_what_is_gone_is_removed() {
    let kept = Kept::new(true);
    kept.record(0..900);
    kept.ledger.make_indexes();
    let segments = kept.finished();
    assert!(segments.len() >= 3);
    kept.ledger.make_indexes_again().unwrap();
    assert_eq!(kept.indexes.list().unwrap(), []);
    kept.check(&Query { text: Some("n17".to_owned()), ..Query::default() });
    kept.ledger.make_indexes();
    assert_eq!(kept.indexes.list().unwrap(), segments);
    kept.segments.remove(segments[0]).unwrap();
    kept.ledger.make_indexes();
    assert_eq!(kept.indexes.list().unwrap(), segments[1..]);
    kept.check(&Query { text: Some("n700".to_owned()), ..Query::default() });
}

/// The thread that makes indexes and whoever searches get in nobody's way.
#[test]
fn searching_while_it_grows_finds_what_was_acknowledged() {
    let kept = Kept::new(true);
    kept.ledger.keep_indexes().unwrap();
    for round in 0..40_u64 {
        kept.record(round * 30..(round + 1) * 30);
        let last = round * 30 + 29;
        let wanted = Query { text: Some(format!("n{last}")), ..Query::default() };
        let found: Vec<_> = kept.ledger.search(wanted).collect::<Result<_, _>>().unwrap();
        assert!(found.iter().any(|record| record.position.0 == last + 1), "{last}");
        kept.check(&Query { actor: Some("id4".to_owned()), limit: Some(7), ..Query::default() });
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(kept.ledger.close()).unwrap();
}
