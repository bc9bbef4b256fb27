use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_secs(1_800_000_000 + seconds)
}

fn answer(route: &str, status: u16, time: Timestamp) -> Occurrence {
    Occurrence {
        time,
        route: route.to_owned(),
        method: "GET".to_owned(),
        status,
        upstream: "shop".to_owned(),
        cause: None,
        exception: None,
        release: Some("shop@1".to_owned()),
        request: None,
        count: 1,
    }
}

fn exception(kind: &str, time: Timestamp) -> Occurrence {
    let exception = Some(Exception { kind: kind.to_owned(), frames: vec!["at a".to_owned()] });
    Occurrence { exception, ..answer("", 0, time) }
}

#[derive(Debug, Default)]
struct Memory(Mutex<Option<Vec<u8>>>);

impl Keep for Memory {
    fn read(&self) -> io::Result<Option<Vec<u8>>> {
        Ok(self.0.lock().unwrap().clone())
    }

    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        *self.0.lock().unwrap() = Some(bytes.to_owned());
        Ok(())
    }
}

#[test]
fn the_first_is_told_at_once_and_the_others_as_a_count() {
    let faults = Faults::default();
    assert!(faults.due(at(0)).is_empty());
    let first = faults.take(answer("/orders/{id}", 500, at(0))).unwrap();
    assert_eq!((&*first.action, first.kind, first.count), ("error.new", EventKind::Error, 1));
    assert_eq!((&*first.resource, &*first.metadata["status"]), ("/orders/{id}", "500"));
    for second in 1..=5 {
        let again =
            Occurrence { release: Some("shop@2".to_owned()), ..answer("/orders/{id}", 500, at(second)) };
        assert_eq!(faults.take(again), None);
    }
    assert!(faults.due(at(9)).is_empty());
    let told = faults.due(at(10));
    assert_eq!(told.len(), 1);
    assert_eq!((&*told[0].action, told[0].count, told[0].time), ("error.seen", 5, at(5)));
    assert!(faults.due(at(30)).is_empty(), "told once");
    let group = &faults.list()[0];
    assert_eq!((group.count, group.first, group.last), (6, at(0), at(5)));
    assert_eq!(
        (group.first_release.as_deref(), group.last_release.as_deref()),
        (Some("shop@1"), Some("shop@2"))
    );
    assert_eq!(group.title, "GET /orders/{id} 500");
}

#[test]
fn what_differs_in_anything_that_counts_is_another_group() {
    let faults = Faults::default();
    let one = answer("/a", 500, at(0));
    let others = [
        answer("/b", 500, at(0)),
        answer("/a", 502, at(0)),
        Occurrence { method: "POST".to_owned(), ..one.clone() },
        Occurrence { upstream: "other".to_owned(), ..one.clone() },
        Occurrence { cause: Some(ControlId::API_ERRORS), ..one.clone() },
        exception("ValueError", at(0)),
        exception("KeyError", at(0)),
    ];
    assert!(faults.take(one.clone()).is_some());
    for other in others {
        assert!(faults.take(other).is_some());
    }
    assert!(
        faults.take(Occurrence { release: None, time: at(4), ..one }).is_none(),
        "no release is part of it"
    );
    assert_eq!(faults.figures(), (8, 0));
}

#[test]
fn what_comes_back_after_it_was_resolved_is_a_regression() {
    let faults = Faults::default();
    faults.take(answer("/a", 500, at(0)));
    let fingerprint = faults.list()[0].fingerprint.clone();
    assert_eq!(faults.resolve(&fingerprint, at(10)).unwrap().state, FaultState::Resolved);
    assert_eq!(faults.figures().0, 0);
    assert_eq!(faults.take(answer("/a", 500, at(9))), None, "it was before");
    assert_eq!(faults.one(&fingerprint).unwrap().state, FaultState::Resolved);
    let back = faults.take(answer("/a", 500, at(11))).unwrap();
    assert_eq!(back.action, "error.regressed");
    let group = faults.one(&fingerprint).unwrap();
    assert_eq!((group.state, group.regressions, group.count), (FaultState::Open, 1, 3));
    assert!(faults.resolve("none", at(0)).is_none());
}

#[test]
fn newcomers_cannot_flush_what_is_known() {
    let faults = Faults::default();
    faults.take(answer("/known", 500, at(0)));
    for number in 0..3 * MOST_GROUPS {
        faults.take(exception(&format!("Made{number}Up"), at(1)));
    }
    let (groups, others) = faults.figures();
    assert_eq!((groups, others), (MOST_GROUPS / 2 + 1, 3 * MOST_GROUPS as u64 - MOST_GROUPS as u64 / 2));
    for number in 0..2 * MOST_GROUPS {
        faults.take(answer(&format!("/{number}"), 500, at(2)));
    }
    assert_eq!(faults.figures().0, MOST_GROUPS);
    assert!(faults.take(answer("/known", 500, at(3))).is_none(), "still known");
    // What nothing was heard of for long gives up its place.
    let later = at(2).saturating_add(FORGOTTEN).saturating_add(Duration::from_secs(1));
    assert!(faults.take(answer("/new", 500, later)).is_some());
    assert_eq!(faults.figures().0, MOST_GROUPS);
    assert!(serde_json::to_vec(&*faults.table()).unwrap().len() < LARGEST / 4);
}

#[test]
fn the_table_is_kept_and_what_is_damaged_is_said() {
    let kept = Arc::new(Memory::default());
    let faults = Faults::default();
    faults.open(kept.clone()).unwrap();
    faults.take(answer("/a", 500, at(0)));
    faults.take(exception("ValueError", at(1)));
    faults.take(exception("ValueError", at(2)));
    faults.read_to(7);
    faults.keep().unwrap();
    let again = Faults::default();
    again.open(kept.clone()).unwrap();
    assert_eq!(again.list(), faults.list());
    assert_eq!(again.position(), Some(7));
    assert_eq!(again.drain(at(3)).len(), 1, "what was not told is told");
    for damaged in ["", "{}", "[1]", r#"{"version":2,"groups":{},"others":0,"position":null}"#] {
        kept.write(damaged.as_bytes()).unwrap();
        let faults = Faults::default();
        assert!(faults.open(kept.clone()).is_err(), "{damaged}");
        assert!(faults.list().is_empty());
    }
}
