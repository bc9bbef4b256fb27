//! Runs that know of other runs: a finding that is looked at again, a run that goes on, one that is compared, one through a gate.

use std::sync::Mutex;

use gabion_probe::format::{TextOptions, json, text};
use gabion_probe::replay::{Replayed, Standing, replay};
use gabion_probe::through::through;
use gabion_probe::{Course, End, Facts, Kept, Progress, Report, Stop, Verdict, run, run_on};
use gabion_strawman::{Options, serve};

use crate::ground::{Silent, facts, print, world};

/// Reads that need no browser, and one that writes.
const FEW: &[&str] = &["headers", "object-access", "object-write", "sql-injection"];

async fn report(options: Options) -> Report {
    let application = serve(options).await.unwrap();
    let report = run(facts(&application.base()), &world(FEW), &Silent).await.unwrap();
    application.shutdown().await;
    report
}

fn kept(report: &Report) -> Kept {
    Kept::parse(&json(report)).unwrap()
}

/// One finding of a test.
fn one_of(report: &Report, test: &str) -> String {
    let sure =
        |one: &&gabion_probe::Finding| one.about.id == test && one.outcome.verdict > Verdict::Tentative;
    report.findings.iter().find(sure).map(|one| one.id.clone()).unwrap()
}

async fn replayed(options: Options, kept: &Kept, id: &str, change: impl FnOnce(&mut Facts)) -> Replayed {
    let application = serve(options).await.unwrap();
    let mut facts = facts(&application.base());
    change(&mut facts);
    let replayed = replay(facts, &world(&["headers"]), &Silent, kept.find(id).unwrap()).await.unwrap();
    application.shutdown().await;
    println!(
        "{} {}: {:?} {}",
        replayed.finding.test, replayed.finding.operation, replayed.standing, replayed.says
    );
    replayed
}

#[tokio::test]
async fn a_finding_is_still_there_or_gone_and_nobody_is_taken_at_their_word() {
    let report = report(Options::vulnerable()).await;
    let kept = kept(&report);
    // By what is sent again, and by its test: it looks at heads, or writes.
    for test in ["object-access", "object-write", "headers"] {
        let id = one_of(&report, test);
        let again = replayed(Options::vulnerable(), &kept, &id, |_| {}).await;
        assert_eq!(again.standing, Standing::StillThere, "{}: {}", again.finding.test, again.says);
        assert_eq!(again.report.is_none(), test == "object-access", "{}", again.says);
        let again = replayed(Options::repaired(), &kept, &id, |_| {}).await;
        assert_eq!(again.standing, Standing::Gone, "{}: {}", again.finding.test, again.says);
    }
    // Where somebody who is needed is not signed in, nobody knows.
    let id = one_of(&report, "object-access");
    let wrong = |facts: &mut Facts| {
        *facts = Facts::of(&facts.target.url).with("alice", "not-the-one").with("bob", "not-the-one");
    };
    let again = replayed(Options::repaired(), &kept, &id, wrong).await;
    assert_eq!(again.standing, Standing::CannotSay);
    assert!(again.says.contains("not signed in"), "{}", again.says);
}

/// Ends a run when a test begins.
struct StopAt {
    id: &'static str,
    stop: Stop,
    met: Mutex<Vec<String>>,
}

impl Progress for StopAt {
    fn step(&self, what: &str, _done: usize, _of: usize) {
        self.met.lock().unwrap().push(what.to_owned());
        if what == self.id {
            self.stop.now();
        }
    }
}

#[tokio::test]
async fn a_run_that_was_ended_says_what_it_has_and_another_goes_on() {
    let application = serve(Options::vulnerable()).await.unwrap();
    let course = Course::default();
    let progress = StopAt { id: "sql-injection", stop: course.stop.clone(), met: Mutex::default() };
    let facts = facts(&application.base());
    let first = run_on(facts.clone(), &world(FEW), &progress, &course).await.unwrap();
    print(&first);
    assert!(matches!(&first.end, End::Early(why) if why.contains("interrupted")), "{:?}", first.end);
    assert!(!first.is_complete() && !first.left.contains("headers"));
    assert!(first.left.contains("sql-injection"), "{:?}", first.left);
    assert!(first.findings.iter().any(|one| one.about.id == "headers"));
    assert!(text(&first, TextOptions::default()).contains("`gabion probe --resume` goes on with"));

    let kept = kept(&first);
    let progress = StopAt { id: "nothing", stop: Stop::default(), met: Mutex::default() };
    let course = Course { resume: Some(kept), ..Course::default() };
    let second = run_on(facts.clone(), &world(FEW), &progress, &course).await.unwrap();
    print(&second);
    let met = progress.met.lock().unwrap().clone();
    assert!(
        met.iter().any(|step| step == "sql-injection") && !met.iter().any(|step| step == "headers"),
        "{met:?}"
    );
    assert!(second.end == End::Whole && second.left.is_empty() && second.is_complete());
    assert!(second.requests > first.requests);

    // Both together are what one run is.
    let whole = run(facts, &world(FEW), &Silent).await.unwrap();
    application.shutdown().await;
    let ids = |report: &Report| {
        let mut all: Vec<(String, String, Verdict)> = report
            .findings
            .iter()
            .map(|one| (one.about.id.clone(), one.id.clone(), one.outcome.verdict))
            .collect();
        all.sort();
        all
    };
    assert_eq!(ids(&second), ids(&whole));
    for written in [json(&second), text(&second, TextOptions::default())] {
        for account in gabion_strawman::accounts() {
            assert!(!written.contains(&account.password));
        }
        for (line, _) in &second.variables {
            assert!(!written.contains(line.split_once(": ").unwrap().1), "{line}");
        }
    }
    let proofs = |report: &Report| {
        let document: serde_json::Value = serde_json::from_str(&json(report)).unwrap();
        let findings = document["findings"].as_array().unwrap().clone();
        findings.iter().map(|one| one["proof"].to_string()).collect::<String>()
    };
    let curl = |report: &Report| proofs(report).matches("-H \\\"$").count();
    assert_eq!(curl(&second), curl(&whole), "lines that send requests again name the same variables");
}

#[tokio::test]
async fn a_run_that_is_ended_before_it_learned_goes_on_with_everything() {
    let application = serve(Options::repaired()).await.unwrap();
    let mut facts = facts(&application.base());
    facts.limits.requests = 3;
    let first = run(facts.clone(), &world(FEW), &Silent).await.unwrap();
    application.shutdown().await;
    assert!(matches!(&first.end, End::Early(why) if why.contains("budget")), "{:?}", first.end);
    assert_eq!(first.left.len(), FEW.len());
    assert!(first.outcomes.iter().all(|outcome| outcome.verdict == Verdict::NotTested));
    assert_eq!(kept(&first).left, first.left);
}

#[tokio::test]
async fn what_was_repaired_is_gone_since_the_run_before() {
    let before = report(Options::vulnerable()).await;
    let mut now = report(Options::repaired()).await;
    now.since(&kept(&before));
    let trend = now.trend.clone().unwrap();
    println!("{}", text(&now, TextOptions::default()));
    assert!(trend.new.is_empty() && trend.still.is_empty(), "{trend:?}");
    let gone: Vec<&str> = trend.gone().map(|one| one.test.as_str()).collect();
    assert!(FEW.iter().all(|test| gone.contains(test)), "{gone:?}");
    assert_eq!(trend.unseen().count(), 0, "{:?}", trend.unseen().collect::<Vec<_>>());
    // And back: all of it is new.
    let mut after = before;
    after.since(&kept(&now));
    let trend = after.trend.clone().unwrap();
    assert_eq!(trend.runs.len(), 2);
    assert!(trend.still.is_empty() && trend.new.len() > 3 && trend.missing.is_empty(), "{trend:?}");
}

#[tokio::test]
async fn a_gate_stops_what_it_stops() {
    let application = serve(Options::vulnerable()).await.unwrap();
    let mut direct = run(facts(&application.base()), &world(FEW), &Silent).await.unwrap();
    application.shutdown().await;
    for (gate, stops) in [(Options::repaired(), true), (Options::vulnerable(), false)] {
        let gate = serve(gate).await.unwrap();
        let compared = through(facts(&gate.base()), &world(FEW), &Silent, &direct).await.unwrap();
        gate.shutdown().await;
        assert!(compared.gaps.is_empty(), "{:?}", compared.gaps);
        direct.compare(compared);
        println!("{}", text(&direct, TextOptions::default()));
        let compared = direct.through.as_ref().unwrap();
        let standing = if stops { Standing::Gone } else { Standing::StillThere };
        assert_eq!(compared.count(standing), compared.rows.len());
        assert!(compared.rows.len() > 3 && compared.only.is_empty(), "{:?}", compared.only);
        assert_eq!(direct.failing(gabion_model::Severity::Low).next().is_none(), stops);
        let document: serde_json::Value = serde_json::from_str(&json(&direct)).unwrap();
        let word = document.pointer("/through/findings/0/standing").unwrap();
        assert_eq!(word, if stops { "stopped" } else { "still_there" });
    }
}
