//! Floods, channels that are away for hours, crashes at any moment: it stays bounded and nothing is lost.

use std::collections::BTreeSet;

use super::*;

#[test]
fn what_waits_for_a_channel_that_is_away_is_bounded_and_counted() {
    let storage: Arc<dyn Documents> = Arc::new(MemoryDocuments::default());
    let mut settings = two_steps();
    settings.channels[0].per_hour = 3600;
    let desk = Desk::open(Arc::clone(&storage), settings.clone()).unwrap();
    for number in 0..600_u64 {
        let (rule, network) = (format!("rule-{}", number % 6), number.to_string());
        desk.see(number + 1, &alert(&rule, &[("network", &network)], Severity::High, NOW), NOW).unwrap();
    }
    let count = |desk: &Desk| {
        let waiting = desk.waiting();
        let more: u64 = waiting.iter().map(|notice| notice.more).sum();
        (waiting.iter().filter(|notice| notice.kind == NoticeKind::Raised).count(), more)
    };
    assert_eq!(count(&desk), (WAITING, 600 - WAITING as u64));
    let standing = &desk.channels()[0];
    assert_eq!((standing.waiting, standing.folded), (WAITING + 1, 600 - WAITING as u64));
    let again = Desk::open(storage, settings).unwrap();
    assert_eq!(count(&again), count(&desk), "also after a crash");
    // It comes back: what waited is told one by one, the rest in one.
    let told = tell(&again, after(3600));
    assert_eq!(told.iter().filter(|(_, kind)| *kind == NoticeKind::Raised).count(), WAITING);
    assert_eq!(told.iter().filter(|(_, kind)| *kind == NoticeKind::More).count(), 1);
    assert_eq!(again.waiting(), []);
}

#[test]
fn what_is_counted_while_the_rest_is_told_is_told_next() {
    let mut settings = two_steps();
    settings.channels[0].per_hour = 1;
    let desk = desk(settings);
    let see = |position: u64, at| {
        let event = alert("r", &[("network", &position.to_string())], Severity::High, at);
        desk.see(position, &event, at).unwrap();
    };
    (1..=3).for_each(|position| see(position, NOW));
    tell(&desk, NOW);
    let more = desk.waiting().remove(0);
    assert_eq!((more.kind, more.more), (NoticeKind::More, 2));
    // By a clock that is behind, one more is counted to what is being told at this moment.
    see(4, after(3599));
    desk.told(&more, Change::Delivered, after(3601)).unwrap();
    let rest = desk.waiting().remove(0);
    assert_eq!((rest.kind, rest.more, rest.tries), (NoticeKind::More, 1, 0));
}

/// Whoever makes many alerts hides no worse one behind them.
#[test]
fn what_is_worse_is_told_though_the_hour_is_full() {
    let mut settings = two_steps();
    settings.channels[0].per_hour = 8;
    let desk = desk(settings);
    let mut position = 0;
    let mut see = |severity| {
        position += 1;
        let event = alert("r", &[("network", &position.to_string())], severity, NOW);
        desk.see(position, &event, NOW).unwrap();
    };
    (0..30).for_each(|_| see(Severity::Medium));
    (0..5).for_each(|_| see(Severity::High));
    (0..9).for_each(|_| see(Severity::Critical));
    let count = |severity| {
        let is_it = |notice: &&Notice| notice.group.is_some() && notice.severity() == severity;
        desk.waiting().iter().filter(is_it).count()
    };
    assert_eq!((count(Severity::Medium), count(Severity::High), count(Severity::Critical)), (6, 1, 8));
    let more = desk.waiting().into_iter().find(|notice| notice.kind == NoticeKind::More).unwrap();
    assert_eq!((more.more, more.severity()), (24 + 4 + 1, Severity::Critical));
}

#[test]
fn a_test_that_waits_is_not_made_again() {
    let desk = desk(two_steps());
    let first = desk.test(None, NOW).unwrap();
    assert_eq!(desk.test(None, after(1)).unwrap(), first);
    assert_eq!(desk.test(Some("nobody"), NOW), Err(DeskError::NotFound));
    assert_eq!(desk.waiting().len(), 2);
    // Those that are told at once are numbered and not kept.
    let now = desk.test_now(Some("second"), NOW).unwrap();
    assert_eq!((now.len(), now[0].id > first[1].id, desk.waiting().len()), (1, true, 2));
}

#[test]
fn nothing_that_is_open_makes_room() {
    let desk = desk(two_steps());
    let mut position = 0;
    let mut see = |rule: &str, network: u64| {
        position += 1;
        let event = alert(rule, &[("network", &network.to_string())], Severity::Low, NOW);
        desk.see(position, &event, NOW).unwrap();
    };
    for rule in 0..10 {
        (0..200).for_each(|network| see(&format!("flood-{rule}"), network));
    }
    (0..3).for_each(|network| see("rare", network));
    let groups = desk.groups();
    assert_eq!(groups.len(), GROUPS + 1);
    let rare = &groups[0];
    assert_eq!((rare.rule.as_str(), rare.count), ("rare", 3));
    assert!(rare.fields.contains_key("many"));
    // One that is over makes room.
    desk.close(groups[GROUPS].id, "ann", NOW).unwrap();
    desk.close(groups[GROUPS - 1].id, "ann", NOW).unwrap();
    see("late", 7);
    assert_eq!(desk.groups()[0].fields["network"], "7");
    for rule in 0..RULES + 5 {
        see(&format!("more-{rule}"), 1);
    }
    let groups = desk.groups();
    assert!(groups.len() <= GROUPS + RULES + 1, "{}", groups.len());
    assert_eq!(
        groups.iter().map(|group| group.count).sum::<u64>() + 2,
        position,
        "all but the two that made room"
    );
}

#[test]
fn others_are_told_in_time_though_the_first_channel_is_away() {
    let desk = desk(two_steps());
    ring(&desk, 1, "stuffing", NOW);
    desk.tick(after(15 * 60)).unwrap();
    let kinds: Vec<_> = desk.waiting().into_iter().map(|notice| (notice.channel, notice.kind)).collect();
    assert_eq!(
        kinds,
        [("first".to_owned(), NoticeKind::Raised), ("second".to_owned(), NoticeKind::Escalated)]
    );
    // It is not repeated to whoever has not even got the first.
    desk.tick(after(10 * 3600)).unwrap();
    assert_eq!(desk.waiting().len(), 2);
}

#[test]
fn others_hear_once_that_a_channel_fails() {
    let desk = desk(two_steps());
    let fails = |at| desk.fails("first", "away", false, after(at));
    assert_eq!(
        (0..8).map(fails).collect::<Vec<_>>(),
        [false, false, false, false, true, false, false, false]
    );
    let standing = &desk.channels()[0];
    assert_eq!((standing.failures, standing.failing_since), (8, Some(after(0))));
    assert!(desk.works("first", after(9)) && !desk.works("first", after(10)));
    assert!(desk.fails("first", "gone", true, after(11)), "what does not pass by itself is told at once");
    assert!(!desk.fails("first", "gone", true, after(12)));
    let standing = &desk.channels()[0];
    assert_eq!((standing.delivered, standing.reason.as_deref()), (Some(after(10)), Some("gone")));
    desk.set_settings(Settings { channels: vec![channel("second", 1)], ..Settings::default() });
    desk.set_settings(two_steps());
    assert_eq!(desk.channels()[0].failures, 0, "a channel that was away from the configuration begins anew");
}

#[test]
fn what_waits_for_a_channel_that_is_no_more_is_known() {
    let desk = desk(two_steps());
    ring(&desk, 1, "stuffing", NOW);
    assert_eq!(desk.orphans(), []);
    desk.set_settings(Settings { channels: vec![channel("second", 1)], ..Settings::default() });
    let orphan = desk.orphans().remove(0);
    assert_eq!(orphan.channel, "first");
    desk.told(&orphan, Change::GivenUp, NOW).unwrap();
    assert_eq!((desk.orphans(), desk.waiting()), (vec![], vec![]));
}

/// A day of a gate: alerts, channels that are up and down, people, crashes between any two steps.
struct Day {
    storage: Arc<dyn Documents>,
    desk: Desk,
    dice: u64,
    rings: Vec<(u64, Event)>,
    /// Groups somebody was told of, took or closed.
    known: BTreeSet<u64>,
    /// Told or given up together.
    together: u64,
}

impl Day {
    fn new(dice: u64) -> Self {
        let storage: Arc<dyn Documents> = Arc::new(MemoryDocuments::default());
        let desk = Desk::open(Arc::clone(&storage), two_steps()).unwrap();
        Self { storage, desk, dice, rings: Vec::new(), known: BTreeSet::new(), together: 0 }
    }

    fn roll(&mut self, sides: u64) -> u64 {
        self.dice = self.dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.dice >> 33) % sides
    }

    fn ring(&mut self, at: Timestamp) {
        let (rule, network) = (self.roll(5).to_string(), self.roll(60).to_string());
        let position = self.rings.len() as u64 + 1;
        let event = alert(&rule, &[("network", &network)], Severity::High, at);
        self.desk.see(position, &event, at).unwrap();
        self.rings.push((position, event));
    }

    /// What was not told yet is read again, and what was shown lately is shown again.
    fn crash(&mut self, at: Timestamp) {
        self.desk = Desk::open(Arc::clone(&self.storage), two_steps()).unwrap();
        for (position, event) in self.rings.iter().rev().take(9).rev() {
            self.desk.see(*position, event, at).unwrap();
        }
    }

    fn tell(&mut self, name: &str, is_up: bool, at: Timestamp) {
        while let Some(notice) = self.desk.due(name, at) {
            let told = if is_up { Told::Delivered } else { Told::Failed { again_in: None } };
            let change = Desk::outcome(&notice, &told, at);
            if is_up && self.roll(20) == 0 {
                // It was told, and nobody could write that down any more: it is told again.
                self.crash(at);
                continue;
            }
            self.desk.told(&notice, change, at).unwrap();
            if !matches!(change, Change::Again { .. }) {
                self.together += notice.more;
                self.known.extend(notice.group.map(|group| group.id));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2))]
    #[test]
    fn a_day_of_failures_and_crashes_loses_no_alert(dice in any::<u64>()) {
        let mut day = Day::new(dice);
        let mut up = [true, true];
        for minute in 0..24 * 60_u64 {
            let now = after(minute * 60);
            if day.roll(4) == 0 {
                day.ring(now);
            }
            for (index, name) in ["first", "second"].into_iter().enumerate() {
                if day.roll(90) == 0 {
                    up[index] = !up[index];
                }
                day.tell(name, up[index], now);
            }
            let ids: Vec<u64> = day.desk.groups().iter().filter(|group| !group.is_closed()).map(|group| group.id).collect();
            let pick = ids.get(usize::try_from(day.roll(40)).unwrap()).copied();
            match (day.roll(30), pick) {
                (0, Some(id)) => {
                    day.desk.acknowledge(id, "ann", now).unwrap();
                    day.known.insert(id);
                }
                (1, Some(id)) => {
                    day.desk.close(id, "ann", now).unwrap();
                    day.known.insert(id);
                }
                (2, _) => day.crash(now),
                _ => {}
            }
            day.desk.tick(now).unwrap();
            for name in ["first", "second"] {
                let its = day.desk.waiting().iter().filter(|notice| notice.channel == name && notice.kind.rings()).count();
                prop_assert!(its <= WAITING + 2, "{}", its);
            }
        }
        // Everything is up again: what waits is told within two hours.
        for minute in 0..120_u64 {
            let now = after(24 * 3600 + minute * 60);
            day.tell("first", true, now);
            day.tell("second", true, now);
        }
        prop_assert_eq!(day.desk.waiting(), vec![]);
        let groups = day.desk.groups();
        prop_assert_eq!(groups.iter().map(|group| group.count).sum::<u64>(), day.rings.len() as u64);
        let untold = groups.iter().filter(|group| !day.known.contains(&group.id)).count() as u64;
        prop_assert!(untold <= day.together, "{} of {} groups were told to nobody", untold, groups.len());
    }
}
