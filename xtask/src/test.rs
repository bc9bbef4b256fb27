//! `cargo xtask test`: everything that says whether a change is good, in one command. CI runs the same.

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::codegen::Build;
use crate::{cargo, codegen, output, tidy};

mod clients;
mod deny;
mod fuzz;
mod steps;
mod tools;

/// How a step ended.
pub(crate) enum Verdict {
    Passed,
    Failed(String),
    /// Not run, with the reason.
    Skipped(String),
}

struct Step {
    name: &'static str,
    about: &'static str,
    run: fn(&Path) -> Verdict,
}

/// Cheap before dear, so that most mistakes are known within a minute.
const STEPS: &[Step] = &[
    Step { name: "tools", about: "what the tests need from the system", run: tools::run },
    Step { name: "clients", about: "programs from npm and PyPI for the end-to-end tests", run: clients::run },
    Step { name: "format", about: "cargo fmt --check", run: steps::format },
    Step { name: "lint", about: "cargo clippy -D warnings", run: steps::lint },
    Step { name: "tidy", about: "the architecture's rules", run: |root| of(tidy::run(root, &[])) },
    Step { name: "build", about: "the program and all tests", run: steps::build },
    Step {
        name: "generated",
        about: "generated files are current",
        run: |root| of(codegen::run(root, true, Build::Everything)),
    },
    Step { name: "bans", about: "cargo deny: bans, licences, sources", run: deny::bans },
    Step { name: "advisories", about: "cargo deny: known flaws", run: deny::advisories },
    Step { name: "fuzz", about: "ten seconds per fuzz target", run: fuzz::run },
    Step { name: "doc", about: "examples in the documentation", run: steps::doc },
    Step { name: "test", about: "unit, integration, end-to-end and browser tests", run: steps::test },
];

/// Runs all steps, or only those named.
pub(crate) fn run(root: &Path, names: &[String]) -> ExitCode {
    if let Some(unknown) = names.iter().find(|name| !STEPS.iter().any(|step| step.name == **name)) {
        let known: Vec<&str> = STEPS.iter().map(|step| step.name).collect();
        output::error(&format!("no step is called `{unknown}`; there are {}", known.join(", ")));
        return ExitCode::from(2);
    }
    if cargo::shared(root).is_none() {
        output::note(&format!(
            "{} no test data at ../shared (or $GABION_SHARED): the tests that need it say `skipped`",
            output::yellow("note:")
        ));
    }
    let steps: Vec<&Step> =
        STEPS.iter().filter(|step| names.is_empty() || names.iter().any(|name| name == step.name)).collect();
    let mut results = Vec::new();
    for (number, step) in steps.iter().enumerate() {
        output::note(&output::bold(&format!(
            "[{}/{}] {}: {}",
            number + 1,
            steps.len(),
            step.name,
            step.about
        )));
        let start = now();
        let verdict = (step.run)(root);
        let took = now().duration_since(start);
        output::note(&row(step.name, &verdict, took));
        results.push((step.name, verdict, took));
    }
    summary(&results)
}

fn summary(results: &[(&str, Verdict, Duration)]) -> ExitCode {
    output::line("");
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for (name, verdict, took) in results {
        output::line(&row(name, verdict, *took));
        match verdict {
            Verdict::Passed => passed += 1,
            Verdict::Failed(_) => failed += 1,
            Verdict::Skipped(_) => skipped += 1,
        }
    }
    output::line(&format!("steps: {passed} passed, {failed} failed, {skipped} skipped"));
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn row(name: &str, verdict: &Verdict, took: Duration) -> String {
    let seconds = took.as_secs_f64();
    match verdict {
        Verdict::Passed => format!("  {} {name:11} {seconds:7.1} s", output::green("passed ")),
        Verdict::Failed(why) => format!("  {} {name:11} {seconds:7.1} s  {why}", output::red("failed ")),
        Verdict::Skipped(why) => format!("  {} {name:11} {seconds:7.1} s  {why}", output::yellow("skipped")),
    }
}

fn of(code: ExitCode) -> Verdict {
    if code == ExitCode::SUCCESS { Verdict::Passed } else { Verdict::Failed("see above".to_owned()) }
}

#[expect(clippy::disallowed_methods, reason = "how long a step takes is for people, nothing depends on it")]
fn now() -> Instant {
    Instant::now()
}
