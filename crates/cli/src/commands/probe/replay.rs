//! `gabion probe replay`: one finding of a report, looked at again.

use std::path::{Path, PathBuf};

use gabion_finding::visible;
use gabion_probe::kept::{KeptFinding, Which};
use gabion_probe::replay::{Replayed, Standing, replay};
use serde::Serialize;

use super::{Watched, given, last, refused};
use crate::arguments::ProbeReplay;
use crate::commands::block_on;
use crate::failure::{Exit, Failure};
use crate::output::{self, BAD, FAINT, GOOD, PLACE, STRONG, WARN};

/// What is printed with `--format json`.
#[derive(Serialize)]
struct Told<'a> {
    id: &'a str,
    test: &'a str,
    operation: &'a str,
    /// `still_there`, `gone` or `cannot_say`.
    standing: &'static str,
    says: &'a str,
    sent: Vec<Sent<'a>>,
    /// Whether its test was asked too.
    tested: bool,
}

#[derive(Serialize)]
struct Sent<'a> {
    /// `attack` or `twin`.
    what: &'static str,
    who: &'a str,
    /// The status now, and in the report.
    status: u16,
    was: u16,
    curl: String,
}

pub(super) fn run(arguments: &ProbeReplay) -> Result<Exit, Failure> {
    let mut target = arguments.target.clone();
    let file = arguments.report.clone().unwrap_or_else(|| last::file(&folder(arguments)));
    let kept = last::read(&file)?;
    let named = target.target.is_some() || target.facts.is_some();
    if !named && !Path::new(given::FILE).exists() {
        target.target = Some(kept.base().to_owned());
    }
    let finding = kept.find(&arguments.id).map_err(|error| which(&error, &kept.findings))?;
    let (facts, world) = given::read(&target)?.prepare(&target)?;
    let progress = Watched::new();
    let replayed =
        block_on(async { replay(facts, &world, &progress, finding).await.map_err(|error| refused(&error)) });
    progress.finish();
    let replayed = replayed?;
    let told = told(&replayed);
    output::value(arguments.output.format, &told, || text(&replayed, &told))?;
    Ok(match replayed.standing {
        Standing::StillThere => Exit::Failed,
        Standing::Gone => Exit::Success,
        Standing::CannotSay => Exit::Incomplete,
    })
}

/// The folder of the facts.
fn folder(arguments: &ProbeReplay) -> PathBuf {
    let named = arguments.target.target.as_deref().filter(|name| !name.contains("://")).map(Path::new);
    let facts = named.or(arguments.target.facts.as_deref());
    facts.and_then(Path::parent).map(Path::to_owned).unwrap_or_default()
}

fn which(error: &Which, findings: &[KeptFinding]) -> Failure {
    let failure = Failure::usage(visible(&error.to_string()));
    match (error, findings.first()) {
        (Which::None(_), Some(first)) => failure.hint(format!(
            "the last line of each finding begins with its id: `{}` is one of {}",
            visible(&first.id),
            visible(&first.test)
        )),
        (Which::None(_), None) => failure.hint("the report has no findings"),
        (Which::Several(..), _) => failure.hint("give more of it"),
    }
}

fn told(replayed: &Replayed) -> Told<'_> {
    let sent = replayed.sent.iter().map(|(what, exchange, was)| Sent {
        what,
        who: &exchange.who,
        status: exchange.status,
        was: *was,
        curl: replayed.hidden.curl(&replayed.base, &exchange.request),
    });
    Told {
        id: &replayed.finding.id,
        test: &replayed.finding.test,
        operation: &replayed.finding.operation,
        standing: replayed.standing.as_str(),
        says: &replayed.says,
        sent: sent.collect(),
        tested: replayed.report.is_some(),
    }
}

fn text(replayed: &Replayed, told: &Told<'_>) -> String {
    let finding = &replayed.finding;
    let operation = if finding.operation.is_empty() { "the application" } else { &finding.operation };
    let mut out = format!(
        "{STRONG}{}{STRONG:#}[{}] at {}\n",
        visible(&finding.title),
        visible(&finding.test),
        visible(operation)
    );
    for one in &told.sent {
        let was = if one.status == one.was { String::new() } else { format!(", was {}", one.was) };
        out.push_str(&format!(
            "  {PLACE}={PLACE:#} {STRONG}{}{STRONG:#}: {} {FAINT}# {}{was} as {}{FAINT:#}\n",
            one.what,
            visible(&one.curl),
            one.status,
            visible(one.who)
        ));
    }
    let look = match replayed.standing {
        Standing::StillThere => BAD,
        Standing::Gone => GOOD,
        Standing::CannotSay => WARN,
    };
    let says = visible(&replayed.says.split_whitespace().collect::<Vec<_>>().join(" "));
    out.push_str(&format!("{look}{}{look:#}: {says}\n", replayed.standing.words()));
    out
}
