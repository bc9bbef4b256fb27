//! The whole probe against the straw man, and against its repaired twin.

use std::sync::Arc;

use gabion_egress::TcpDial;
use gabion_egress::resolve::SystemResolver;
use gabion_model::SystemClock;
use gabion_model::random::SeededRng;
use gabion_probe::{Facts, Progress, Report, Verdict, World, run};
use gabion_strawman::{Options, accounts, serve};

/// What must be found, and where.
const FOUND: &[(&str, &str)] = &[
    ("headers", "GET /"),
    ("object-access", "GET /api/notes/{id}"),
    ("object-access", "GET /api/orders/{id}"),
    ("object-access", "GET /notes/{id}"),
    ("sql-injection", "GET /search"),
];

struct Silent;

impl Progress for Silent {
    fn step(&self, _what: &str, _done: usize, _of: usize) {}
}

fn world() -> World {
    World {
        clock: Arc::new(SystemClock),
        rng: Arc::new(SeededRng::new(7)),
        resolver: Arc::new(SystemResolver),
        dial: Arc::new(TcpDial),
        tls: None,
        documents: Vec::new(),
        only: Vec::new(),
        skip: Vec::new(),
    }
}

/// Everybody who has an account, with what is known of them.
pub(crate) fn facts(base: &str) -> Facts {
    let mut facts = Facts::of(base);
    for account in accounts() {
        facts = facts.with(&account.name, &account.password);
        let last = facts.identities.last_mut().unwrap();
        (last.role, last.tenant) = (Some(account.role), Some(account.tenant));
    }
    facts
}

async fn probe(options: Options) -> Report {
    let application = serve(options).await.unwrap();
    let report = run(facts(&application.base()), &world(), &Silent).await.unwrap();
    application.shutdown().await;
    report
}

fn print(report: &Report) {
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

#[tokio::test]
async fn the_straw_man_is_seen_through() {
    let report = probe(Options::vulnerable()).await;
    print(&report);
    for (test, operation) in FOUND {
        let found = |finding: &&gabion_probe::Finding| {
            finding.about.id == *test
                && finding.outcome.operation == *operation
                && finding.outcome.verdict == Verdict::Proven
        };
        assert!(report.findings.iter().any(|finding| found(&finding)), "{test} at {operation}");
    }
}

#[tokio::test]
async fn the_repaired_twin_is_left_in_peace() {
    let report = probe(Options::repaired()).await;
    print(&report);
    let sure = report.findings.iter().filter(|finding| finding.outcome.verdict > Verdict::Tentative);
    assert_eq!(sure.map(|finding| finding.about.id.as_str()).collect::<Vec<_>>(), [""; 0]);
    assert!(report.findings.len() <= 2, "{} are tentative", report.findings.len());
}
