//! `gabion probe`.

mod accepted;
mod deliver;
mod given;
mod init;
mod last;
mod login;
mod other_runs;
mod own;
mod replay;
mod tests;

use std::sync::Mutex;

use gabion_finding::visible;
use gabion_model::Severity;
use gabion_probe::{Course, Kept, Report, RunError, World};

use super::block_on;
use crate::arguments::{FailOn, Probe, ProbeVerb};
use crate::failure::{Exit, Failure};
use crate::output;
use crate::output::progress::Progress;

pub(super) use tests::{explain, near};

pub(super) fn run(arguments: &Probe) -> Result<Exit, Failure> {
    match &arguments.verb {
        Some(ProbeVerb::Init(arguments)) => return init::run(arguments),
        Some(ProbeVerb::Replay(arguments)) => return replay::run(arguments),
        Some(ProbeVerb::Tests(arguments)) => return tests::run(arguments),
        Some(ProbeVerb::Login(arguments)) => return login::run(arguments),
        Some(ProbeVerb::ReportSchema) => {
            output::json(&gabion_probe::format::schema())?;
            return Ok(Exit::Success);
        }
        None => {}
    }
    let given = given::read(&arguments.target)?;
    let (file, baseline) = accepted::read(&arguments.report, &given.folder)?;
    let (facts, mut world) = given.prepare(&arguments.target)?;
    let facts = given::chosen(facts, &mut world, &arguments.choice)?;
    let resume = other_runs::resumed(arguments, &given.folder, &facts, &mut world)?;
    let since = match &arguments.report.since {
        Some(word) => last::since(word, &given.folder)?,
        None => None,
    };
    let mut report = attack(facts.clone(), &world, resume)?;
    if let Some(baseline) = &baseline {
        report.accept(baseline);
    }
    if let Some(since) = &since {
        report.since(since);
    }
    if let Some(gate) = &arguments.choice.through {
        other_runs::through(&mut report, facts, &world, gate, arguments)?;
    }
    last::keep(&report, &given.folder);
    if arguments.report.write_baseline {
        return accepted::write(&arguments.report, &file, baseline.unwrap_or_default(), &report);
    }
    deliver::deliver(&report, &arguments.report)?;
    let least = fail_on(arguments.report.fail_on);
    let fails = least.is_some_and(|least| report.failing(least).next().is_some());
    Ok(match (fails, report.is_complete()) {
        (true, _) => Exit::Failed,
        (false, true) => Exit::Success,
        (false, false) => Exit::Incomplete,
    })
}

fn attack(facts: gabion_probe::Facts, world: &World, resume: Option<Kept>) -> Result<Report, Failure> {
    let progress = Watched::new();
    let course = Course { resume, ..Course::default() };
    let report = block_on(async {
        let listening = tokio::spawn(other_runs::listen(course.stop.clone()));
        let report = gabion_probe::run_on(facts, world, &progress, &course).await;
        listening.abort();
        report.map_err(|error| refused(&error))
    });
    progress.finish();
    report
}

/// Why there was no run: the hint of the error is the way out.
fn refused(error: &RunError) -> Failure {
    let text = visible(&error.to_string());
    let failure = |message: &str| match error {
        RunError::Unreachable { .. } | RunError::Untrusted { .. } => {
            Failure::new(message).exit(Exit::Incomplete)
        }
        RunError::Scope(_) | RunError::NotOwned(_) | RunError::Unverified(_) => Failure::usage(message),
    };
    match text.split_once("; hint: ") {
        Some((message, hint)) => failure(message).hint(hint),
        None => failure(&text),
    }
}

/// Shows which part is done, and about how long the rest will take.
struct Watched {
    bar: Progress,
    shown: Mutex<usize>,
}

impl Watched {
    fn new() -> Self {
        Self { bar: Progress::timed(), shown: Mutex::default() }
    }

    fn finish(&self) {
        self.bar.finish();
    }
}

impl gabion_probe::Progress for Watched {
    fn step(&self, what: &str, done: usize, of: usize) {
        // A part of another length begins anew, also for what is left of it.
        let mut shown = self.shown.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if *shown != of {
            *shown = of;
            self.bar.begin_again();
        }
        self.bar.at(done, of, || visible(what));
    }
}

const fn fail_on(word: FailOn) -> Option<Severity> {
    Some(match word {
        FailOn::Critical => Severity::Critical,
        FailOn::High => Severity::High,
        FailOn::Medium => Severity::Medium,
        FailOn::Low => Severity::Low,
        FailOn::Informational => Severity::Informational,
        FailOn::Never => return None,
    })
}
