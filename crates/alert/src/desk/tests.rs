use gabion_model::{Actor, ControlId, DocumentChange, Outcome, Period, Severity};
use proptest::prelude::*;

use super::*;
use crate::{ChannelKind, Exception, Matcher};

mod endurance;

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

fn after(seconds: u64) -> Timestamp {
    NOW.saturating_add(Duration::from_secs(seconds))
}

fn alert(rule: &str, group: &[(&str, &str)], severity: Severity, at: Timestamp) -> Event {
    let control = ControlId::WATCH_DETECTIONS;
    let mut event = Event::new(at, EventKind::Alert, RAISED, Actor::Gate, Outcome::Success, control);
    rule.clone_into(&mut event.resource);
    event.severity = Some(severity);
    event.reason = Some("because".to_owned());
    event.metadata =
        group.iter().map(|(name, value)| (format!("group.{name}"), (*value).to_owned())).collect();
    event.metadata.insert("rule".to_owned(), format!("id-of-{rule}"));
    event
}

fn channel(name: &str, step: u8) -> ChannelSettings {
    ChannelSettings {
        name: name.to_owned(),
        kind: ChannelKind::PagerDuty,
        url: None,
        url_file: None,
        key_file: None,
        to: Vec::new(),
        ca_file: None,
        least: Severity::Medium,
        rules: Vec::new(),
        step,
        per_hour: 60,
        timeout: Period::from_secs(10),
    }
}

fn two_steps() -> Settings {
    Settings { channels: vec![channel("first", 1), channel("second", 2)], ..Settings::default() }
}

fn desk(settings: Settings) -> Desk {
    Desk::open(Arc::new(MemoryDocuments::default()), settings).unwrap()
}

fn ring(desk: &Desk, position: u64, rule: &str, at: Timestamp) {
    desk.see(position, &alert(rule, &[("network", "192.0.2.0/24")], Severity::High, at), at).unwrap();
}

/// Tells everything that is due, and answers what it was.
fn tell(desk: &Desk, at: Timestamp) -> Vec<(String, NoticeKind)> {
    let mut told = Vec::new();
    for channel in ["first", "second"] {
        while let Some(notice) = desk.due(channel, at) {
            desk.told(&notice, Change::Delivered, at).unwrap();
            told.push((notice.channel, notice.kind));
        }
    }
    told
}

fn first(kind: NoticeKind) -> Vec<(String, NoticeKind)> {
    vec![("first".to_owned(), kind)]
}

#[test]
fn a_thousand_alerts_for_the_same_are_one_message() {
    let desk = desk(two_steps());
    for number in 1..=1000 {
        ring(&desk, number, "stuffing", after(number));
    }
    assert_eq!(tell(&desk, after(1000)), first(NoticeKind::Raised));
    let groups = desk.groups();
    assert_eq!(groups.len(), 1);
    assert_eq!((groups[0].count, groups[0].first_seen, groups[0].last_seen), (1000, after(1), after(1000)));
    assert_eq!(groups[0].alerts.len(), 20);
    // Somebody else's is another.
    let other = alert("stuffing", &[("network", "203.0.113.0/24")], Severity::High, after(1001));
    desk.see(1001, &other, after(1001)).unwrap();
    assert_eq!((desk.groups().len(), tell(&desk, after(1001))), (2, first(NoticeKind::Raised)));
}

#[test]
fn a_record_that_is_shown_twice_changes_nothing() {
    let desk = desk(two_steps());
    ring(&desk, 7, "stuffing", NOW);
    ring(&desk, 7, "stuffing", NOW);
    ring(&desk, 3, "stuffing", NOW);
    assert_eq!(desk.groups()[0].count, 1);
    assert_eq!(desk.waiting().len(), 1);
}

#[test]
fn a_restart_forgets_nothing_and_tells_what_was_not_told() {
    let storage: Arc<dyn Documents> = Arc::new(MemoryDocuments::default());
    let settings = two_steps();
    {
        let desk = Desk::open(Arc::clone(&storage), settings.clone()).unwrap();
        ring(&desk, 7, "stuffing", NOW);
        ring(&desk, 8, "spraying", NOW);
        let told = desk.due("first", NOW).unwrap();
        desk.told(&told, Change::Delivered, NOW).unwrap();
        let waits = desk.due("first", NOW).unwrap();
        desk.told(&waits, Change::Again { at: after(60), tries: 3 }, NOW).unwrap();
        let matcher = Matcher { rule: Some("noise".to_owned()), ..Matcher::default() };
        desk.silence(NewSilence { matcher, until: after(600), reason: "known".into() }, "ann", NOW).unwrap();
    }
    let desk = Desk::open(Arc::clone(&storage), settings.clone()).unwrap();
    assert_eq!((desk.position(), desk.groups().len(), desk.silences().len()), (Some(8), 2, 1));
    assert_eq!(desk.due("first", after(59)), None);
    let waits = desk.due("first", after(60)).unwrap();
    assert_eq!((waits.tries, waits.group.unwrap().rule), (3, "spraying".to_owned()));
    let highest = desk.silences()[0].id;
    ring(&desk, 9, "other", after(61));
    assert!(desk.groups()[0].id > highest, "no number is given twice");

    let broken = DocumentChange::Put { id: "group/1".into(), text: "{}".into() };
    storage.change_documents(AREA, &[broken]).unwrap();
    Desk::open(storage, settings).unwrap_err();
}

#[test]
fn nobody_acknowledges_so_others_are_told_and_then_all_again() {
    let desk = desk(two_steps());
    ring(&desk, 1, "stuffing", NOW);
    assert_eq!(tell(&desk, NOW), first(NoticeKind::Raised));
    desk.tick(after(14 * 60)).unwrap();
    assert_eq!(tell(&desk, after(14 * 60)), []);
    desk.tick(after(15 * 60)).unwrap();
    assert_eq!(tell(&desk, after(15 * 60)), [("second".to_owned(), NoticeKind::Escalated)]);
    desk.tick(after(16 * 60)).unwrap();
    assert_eq!(tell(&desk, after(16 * 60)), []);
    let later = after(15 * 60 + 4 * 3600);
    desk.tick(later).unwrap();
    let all = [("first".to_owned(), NoticeKind::Repeated), ("second".to_owned(), NoticeKind::Repeated)];
    assert_eq!(tell(&desk, later), all);
}

#[test]
fn what_somebody_has_is_told_to_nobody_until_it_is_worse() {
    let desk = desk(two_steps());
    ring(&desk, 1, "stuffing", NOW);
    tell(&desk, NOW);
    let id = desk.groups()[0].id;
    let taken = desk.acknowledge(id, "ann", after(60)).unwrap();
    assert_eq!(taken.acknowledged, Some(Touched { by: "ann".into(), at: after(60) }));
    assert_eq!(desk.acknowledge(id, "bob", after(61)).unwrap().acknowledged, taken.acknowledged);
    assert_eq!(
        tell(&desk, after(61)),
        first(NoticeKind::Acknowledged),
        "those that keep alerts hear of it, once"
    );
    ring(&desk, 2, "stuffing", after(120));
    desk.tick(after(3600)).unwrap();
    assert_eq!(tell(&desk, after(3600)), []);
    let worse = alert("stuffing", &[("network", "192.0.2.0/24")], Severity::Critical, after(3601));
    desk.see(3, &worse, after(3601)).unwrap();
    assert_eq!(tell(&desk, after(3601)), first(NoticeKind::Raised));
    assert_eq!(desk.group(id).unwrap().state, GroupState::Open);
    desk.close(id, "ann", after(3700)).unwrap();
    assert_eq!(tell(&desk, after(3700)), first(NoticeKind::Closed));
    assert_eq!(desk.close(id, "ann", after(3701)), Err(DeskError::Closed));
    assert_eq!(desk.acknowledge(99, "ann", NOW), Err(DeskError::NotFound));
    ring(&desk, 4, "stuffing", after(3702));
    assert_eq!(desk.groups().len(), 2, "after a close it is another");
}

#[test]
fn a_silence_keeps_quiet_until_its_end_and_then_what_is_open_is_told() {
    let desk = desk(two_steps());
    ring(&desk, 1, "stuffing", NOW);
    let matcher =
        Matcher { fields: [("network".to_owned(), "192.0.2.0/24".to_owned())].into(), ..Matcher::default() };
    let silence = NewSilence { matcher, until: after(600), reason: "a test of ours".into() };
    let silence = desk.silence(silence, "ann", NOW).unwrap();
    assert_eq!(tell(&desk, NOW), [], "what was not told yet is not told any more");
    ring(&desk, 2, "spraying", after(60));
    let other = alert("stuffing", &[("network", "203.0.113.0/24")], Severity::High, after(61));
    desk.see(3, &other, after(61)).unwrap();
    assert_eq!(tell(&desk, after(61)), first(NoticeKind::Raised), "others are told of as ever");
    desk.tick(after(599)).unwrap();
    assert_eq!(tell(&desk, after(599)), []);
    desk.tick(after(600)).unwrap();
    assert_eq!(tell(&desk, after(600)).len(), 2);
    assert_eq!(desk.silences(), []);
    assert_eq!(desk.unsilence(silence.id, NOW), Err(DeskError::NotFound));
}

#[test]
fn exceptions_are_kept_and_never_told() {
    let mut settings = two_steps();
    let matcher = Matcher { rule: Some("id-of-noise".to_owned()), ..Matcher::default() };
    settings.exceptions = vec![Exception { matcher, reason: "our scanner".into() }];
    let desk = desk(settings);
    ring(&desk, 1, "noise", NOW);
    desk.tick(after(3600)).unwrap();
    assert_eq!(tell(&desk, after(3600)), []);
    assert_eq!(desk.groups()[0].state, GroupState::Silenced);
}

#[test]
fn a_channel_that_had_its_share_gets_one_message_about_the_rest() {
    let mut settings = two_steps();
    settings.channels[0].per_hour = 3;
    let desk = desk(settings);
    for number in 1..=10_u64 {
        let event = alert("stuffing", &[("network", &number.to_string())], Severity::High, NOW);
        desk.see(number, &event, NOW).unwrap();
    }
    assert_eq!(tell(&desk, NOW).len(), 3);
    desk.tick(after(3599)).unwrap();
    let escalated = tell(&desk, after(3599));
    assert!(escalated.iter().all(|(channel, _)| channel == "second"), "{escalated:?}");
    desk.tick(after(3600)).unwrap();
    let more = desk.waiting().into_iter().find(|notice| notice.kind == NoticeKind::More).unwrap();
    assert_eq!((more.channel.as_str(), more.more), ("first", 7));
}

#[test]
fn a_rule_that_rings_for_everybody_hides_no_other_and_fills_nothing() {
    let desk = desk(two_steps());
    for number in 1..=3000_u64 {
        let event = alert("flood", &[("network", &number.to_string())], Severity::High, NOW);
        desk.see(number, &event, NOW).unwrap();
        if number % 100 == 0 {
            tell(&desk, NOW);
        }
    }
    ring(&desk, 3001, "stuffing", NOW);
    let groups = desk.groups();
    assert_eq!(groups.len(), PER_RULE + 2);
    assert_eq!(groups[0].rule, "stuffing");
    let many = groups.iter().find(|group| group.fields.contains_key("many")).unwrap();
    assert_eq!(many.count, 3000 - PER_RULE as u64);
}

#[test]
fn only_channels_that_want_it_are_told() {
    let mut settings = two_steps();
    settings.channels[1].step = 1;
    settings.channels[1].rules = vec!["stuffing".to_owned()];
    settings.channels[1].least = Severity::Critical;
    let desk = desk(settings);
    let say = |position, rule: &str, severity| {
        desk.see(position, &alert(rule, &[], severity, NOW), NOW).unwrap();
        tell(&desk, NOW).into_iter().map(|(channel, _)| channel).collect::<Vec<_>>()
    };
    assert_eq!(say(1, "a", Severity::Low), [""; 0]);
    assert_eq!(say(2, "b", Severity::Critical), ["first"]);
    assert_eq!(say(3, "stuffing", Severity::Critical), ["first", "second"]);
    let failing = alert("alert-channel-failing", &[("channel", "first")], Severity::High, NOW);
    desk.see(4, &failing, NOW).unwrap();
    assert_eq!(tell(&desk, NOW), [], "the channel that fails is not told that it fails");
}

#[test]
fn a_message_is_tried_for_a_day_and_no_longer() {
    let desk = desk(two_steps());
    ring(&desk, 1, "stuffing", NOW);
    let mut now = NOW;
    let mut tries = 0;
    let failed = Told::Failed { again_in: None };
    loop {
        let notice = desk.due("first", now).unwrap();
        let change = Desk::outcome(&notice, &failed, now);
        desk.told(&notice, change, now).unwrap();
        tries += 1;
        match change {
            Change::Again { at, .. } => now = at,
            Change::GivenUp => break,
            Change::Delivered => panic!("it was not"),
        }
    }
    assert!((100..400).contains(&tries), "{tries}");
    assert!(now.saturating_since(NOW) >= Duration::from_secs(86_400));
    assert_eq!(desk.waiting(), []);
    let notice = Notice { made: now, tries: 0, ..desk.test(Some("first"), now).unwrap().remove(0) };
    let asked =
        |seconds| Desk::outcome(&notice, &Told::Failed { again_in: Some(Duration::from_secs(seconds)) }, now);
    let at = |seconds| Change::Again { at: now.saturating_add(Duration::from_secs(seconds)), tries: 1 };
    assert_eq!((asked(30), asked(1_000_000)), (at(30), at(3600)));
    assert_eq!(Desk::outcome(&notice, &Told::Refused, now), Change::GivenUp);
}

#[test]
fn what_is_quiet_is_closed_and_forgotten_in_the_end() {
    let desk = desk(two_steps());
    ring(&desk, 1, "stuffing", NOW);
    tell(&desk, NOW);
    let day = 86_400;
    assert_eq!(desk.tick(after(day)).unwrap(), [], "nobody acknowledged: it stays longer");
    tell(&desk, after(day));
    assert_eq!(desk.tick(after(3 * day)).unwrap().len(), 1);
    assert_eq!(desk.groups()[0].closed.as_ref().unwrap().by, "gate");
    desk.tick(after(34 * day)).unwrap();
    assert_eq!(desk.groups(), []);
}

/// A storage that is full after some writes.
#[derive(Debug)]
struct Filling(Mutex<u32>);

impl Documents for Filling {
    fn documents(&self, _: &str) -> Result<Vec<(String, String)>, DocumentError> {
        Ok(Vec::new())
    }

    fn change_documents(&self, _: &str, _: &[DocumentChange]) -> Result<(), DocumentError> {
        let mut left = self.0.lock().unwrap();
        *left = left.checked_sub(1).ok_or_else(|| DocumentError("full".into()))?;
        Ok(())
    }
}

#[test]
fn what_cannot_be_kept_did_not_happen_and_is_shown_again() {
    let desk = Desk::open(Arc::new(Filling(Mutex::new(1))), two_steps()).unwrap();
    ring(&desk, 1, "stuffing", NOW);
    let again = alert("stuffing", &[("network", "192.0.2.0/24")], Severity::High, NOW);
    desk.see(2, &again, NOW).unwrap_err();
    assert_eq!((desk.position(), desk.groups()[0].count), (Some(1), 1));
    desk.acknowledge(desk.groups()[0].id, "ann", NOW).unwrap_err();
    assert_eq!(desk.groups()[0].state, GroupState::Open);
}

proptest! {
    #[test]
    fn whatever_happens_it_stays_bounded_and_reads_again(
        steps in prop::collection::vec((0_u8..8, 0_u64..6, 0_u64..7200), 0..60),
    ) {
        let storage: Arc<dyn Documents> = Arc::new(MemoryDocuments::default());
        let desk = Desk::open(Arc::clone(&storage), two_steps()).unwrap();
        let mut now = NOW;
        for (position, (step, number, pause)) in (1..).zip(steps) {
            now = now.saturating_add(Duration::from_secs(pause));
            let text = number.to_string();
            let id = desk.groups().first().map_or(0, |group| group.id);
            match step {
                0..=2 => desk.see(position, &alert(&text, &[("x", &text)], Severity::High, now), now).unwrap(),
                3 => drop(desk.acknowledge(id, "a", now)),
                4 => drop(desk.close(id, "a", now)),
                5 => {
                    let matcher = Matcher { rule: Some(text), ..Matcher::default() };
                    let until = now.saturating_add(Duration::from_secs(pause));
                    desk.silence(NewSilence { matcher, until, reason: "r".into() }, "a", now).unwrap();
                }
                6 => drop(tell(&desk, now)),
                _ => drop(desk.tick(now).unwrap()),
            }
        }
        for group in desk.groups() {
            prop_assert_eq!(group.closed.is_some(), group.is_closed());
            prop_assert!(group.first_seen <= group.last_seen && group.count > 0);
        }
        let again = Desk::open(storage, two_steps()).unwrap();
        prop_assert_eq!(again.groups(), desk.groups());
        prop_assert_eq!(again.silences(), desk.silences());
        prop_assert_eq!(again.waiting(), desk.waiting());
    }
}
