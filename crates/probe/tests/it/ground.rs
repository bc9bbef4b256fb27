//! What every test here begins with: the straw man, everybody who has an account there, and a run.

use std::sync::Arc;
use std::time::Duration;

use gabion_egress::TcpDial;
use gabion_egress::resolve::SystemResolver;
use gabion_model::random::SeededRng;
use gabion_model::{Secret, SystemClock};
use gabion_probe::facts::{Effect, Grant, Text, Webhook, WebhookScheme};
use gabion_probe::{Chromium, Facts, Own, Progress, Report, Verdict, World, run};
use gabion_strawman::{Options, PAYMENT_SECRET, accounts, serve};

pub(crate) struct Silent;

impl Progress for Silent {
    fn step(&self, _what: &str, _done: usize, _of: usize) {}
}

/// Only these tests; all where there are none.
pub(crate) fn world(only: &[&str]) -> World {
    World {
        clock: Arc::new(SystemClock),
        rng: Arc::new(SeededRng::new(7)),
        resolver: Arc::new(SystemResolver),
        dial: Arc::new(TcpDial),
        tls: None,
        documents: Vec::new(),
        advisories: gabion_dependencies::Advisories::Missing,
        browser: needs_browser(only).then(Chromium::default),
        only: only.iter().map(|id| (*id).to_owned()).collect(),
        skip: Vec::new(),
        own: Own::default(),
    }
}

/// Whether one of the tests is of the theme `browser`, or all are wanted.
fn needs_browser(only: &[&str]) -> bool {
    let theirs = ["csrf", "upload-execution", "xss-dom", "xss-reflected", "xss-stored"];
    only.is_empty() || only.iter().any(|id| theirs.contains(id))
}

/// Everybody who has an account at the straw man, with what is known of them.
pub(crate) fn facts(base: &str) -> Facts {
    let mut facts = Facts::of(base);
    for account in accounts() {
        facts = facts.with(&account.name, &account.password);
        let last = facts.identities.last_mut().unwrap();
        (last.role, last.tenant) = (Some(account.role), Some(account.tenant));
    }
    // Nobody else is on this machine's loopback.
    facts.limits.rate = 2_000;
    facts.policy = vec![
        grant(&["* /admin", "* /api/admin/*", "* /api/export/*", "GET /api/reports/*"], &["admin"]),
        grant(&["GET /files/{name}"], &["*"]),
    ];
    facts.webhooks = vec![Webhook {
        operation: "POST /hooks/payment".to_owned(),
        secret: Text::Plain(Secret::new(PAYMENT_SECRET.to_owned())),
        scheme: WebhookScheme::StandardWebhooks,
        body: r#"{"id": "{id}", "order": 2, "status": "paid"}"#.to_owned(),
        effect: Some(Effect {
            request: "GET /api/orders/2".to_owned(),
            identity: "bob".to_owned(),
            holds: "paid".to_owned(),
        }),
    }];
    facts
}

fn grant(operations: &[&str], roles: &[&str]) -> Grant {
    let own = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect();
    Grant { operations: own(operations), roles: own(roles) }
}

/// Runs some tests against the straw man, as it is or repaired. What it says is printed: `--no-capture` shows it.
pub(crate) async fn probe(options: Options, only: &[&str]) -> Report {
    let application = serve(options).await.unwrap();
    let report = run(facts(&application.base()), &world(only), &Silent).await.unwrap();
    application.shutdown().await;
    print(&report);
    report
}

/// Each of these findings is there, proven: test, operation, aspect.
pub(crate) fn assert_proven(report: &Report, found: &[(&str, &str, &str)]) {
    for (test, operation, aspect) in found {
        let fits = |finding: &&gabion_probe::Finding| {
            finding.about.id == *test
                && finding.outcome.operation == *operation
                && finding.outcome.aspect == *aspect
                && finding.outcome.verdict == Verdict::Proven
        };
        assert!(report.findings.iter().any(|finding| fits(&finding)), "{test} at {operation} {aspect}");
    }
}

/// Nothing is found that would fail a run, and at most two things are worth a look.
pub(crate) fn assert_quiet(report: &Report) {
    let sure = report.findings.iter().filter(|finding| finding.outcome.verdict > Verdict::Tentative);
    let sure: Vec<String> =
        sure.map(|finding| format!("{} {}", finding.about.id, finding.outcome.operation)).collect();
    assert_eq!(sure, [""; 0]);
    assert!(report.findings.len() <= 2, "{} are tentative", report.findings.len());
}

/// What each part of a run cost: requests, the time from its first to its last, in answers and in waiting for turns.
fn print_costs(report: &Report) {
    let mut steps: Vec<&str> = Vec::new();
    for one in &report.trace {
        if !steps.contains(&one.step.as_str()) {
            steps.push(&one.step);
        }
    }
    for step in steps {
        let own: Vec<_> = report.trace.iter().filter(|one| one.step == step).collect();
        let (first, last) = (own[0].at, own[own.len() - 1].at);
        let (took, waited): (Duration, Duration) =
            (own.iter().map(|one| one.took).sum(), own.iter().map(|one| one.waited).sum());
        println!(
            "cost {:5} {:6} ms, answers {:6} ms, waiting {:5} ms  {step}",
            own.len(),
            last.saturating_sub(first).as_millis(),
            took.as_millis(),
            waited.as_millis()
        );
    }
}

pub(crate) fn print(report: &Report) {
    print_costs(report);
    for note in &report.notes {
        println!("note: {note}");
    }
    println!("{} requests in {:?}, {:?}", report.requests, report.elapsed, report.end);
    for surface in &report.operations {
        println!("{} {}", if surface.reached { "+" } else { "-" }, surface.operation.id());
    }
    for outcome in &report.outcomes {
        let point = outcome.point.as_ref().map(ToString::to_string).unwrap_or_default();
        println!(
            "{:12} {:16} {} {point}: {} {}",
            outcome.verdict, outcome.test, outcome.operation, outcome.aspect, outcome.says
        );
    }
}
