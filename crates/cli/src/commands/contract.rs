//! `gabion contract check | lint | learn | shadow`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use gabion_checks::ContractSettings;
use gabion_model::{Problem, Timestamp};
use gabion_openapi::inventory::{Report, Shadow, Usage};
use gabion_openapi::learn::{self, Draft};
use gabion_openapi::lint;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{for_data, sources};
use crate::arguments::{ContractFile, ContractLearn, ContractShadow, ContractVerb, Format};
use crate::contract::{DRAFTS, INVENTORY, files, load};
use crate::failure::{Exit, Failure};
use crate::output::table::{Cell, styled, table};
use crate::output::{self, FAINT, GOOD, PLACE, STRONG, WARN};

pub(super) fn run(verb: &ContractVerb) -> Result<Exit, Failure> {
    match verb {
        ContractVerb::Check(arguments) => check(arguments),
        ContractVerb::Lint(arguments) => lint(arguments),
        ContractVerb::Learn(arguments) => learn(arguments),
        ContractVerb::Shadow(arguments) => shadow(arguments),
    }
}

/// The contract that was named, or all of the configuration.
fn asked(arguments: &ContractFile) -> Result<Vec<(String, ContractSettings)>, Failure> {
    if let Some(file) = &arguments.file {
        let settings = ContractSettings { file: file.clone(), ..ContractSettings::default() };
        return Ok(vec![(file.display().to_string(), settings)]);
    }
    let contracts = sources(&arguments.config).load()?.config.contracts;
    if contracts.is_empty() {
        return Err(Failure::usage("the configuration names no contract")
            .hint("`[contracts.app]` with `file = \"openapi.yaml\"`, or name a file: `gabion contract check openapi.yaml`"));
    }
    Ok(contracts.into_iter().collect())
}

#[derive(Serialize)]
struct Checked {
    contract: String,
    operations: usize,
    not_enforced: Vec<NotEnforced>,
}

#[derive(Serialize)]
struct NotEnforced {
    place: String,
    what: String,
}

fn check(arguments: &ContractFile) -> Result<Exit, Failure> {
    let mut all = Vec::new();
    for (contract, settings) in asked(arguments)? {
        let loaded = load(&settings).map_err(|problems| unusable(&contract, problems))?;
        let not_enforced = loaded.not_enforced.into_iter();
        all.push(Checked {
            contract,
            operations: loaded.contract.operations().len(),
            not_enforced: not_enforced
                .map(|limit| NotEnforced { place: limit.place, what: limit.what })
                .collect(),
        });
    }
    output::value(arguments.output.format, &all, || {
        let mut out = String::new();
        for one in &all {
            for limit in &one.not_enforced {
                let _ = writeln!(
                    out,
                    "{PLACE}{}{PLACE:#}  {WARN}not enforced{WARN:#}  {}",
                    limit.place, limit.what
                );
            }
            let _ = writeln!(
                out,
                "{GOOD}ok{GOOD:#}  {}: {}, {} not enforced",
                one.contract,
                count(one.operations, "operation"),
                count(one.not_enforced.len(), "part"),
            );
        }
        out
    })?;
    Ok(Exit::Success)
}

#[derive(Serialize)]
struct Found {
    place: String,
    rule: &'static str,
    what: String,
    hint: &'static str,
}

fn lint(arguments: &ContractFile) -> Result<Exit, Failure> {
    let mut all = Vec::new();
    for (contract, settings) in asked(arguments)? {
        let found = files(&settings.file).and_then(|(files, root)| lint::lint(&files, &root));
        for finding in found.map_err(|problems| unusable(&contract, problems))? {
            let (rule, hint) = (finding.rule.id(), finding.rule.hint());
            all.push(Found { place: finding.place, rule, what: finding.what, hint });
        }
    }
    output::value(arguments.output.format, &all, || {
        let mut out = String::new();
        for one in &all {
            let _ = writeln!(
                out,
                "{PLACE}{}{PLACE:#}  {STRONG}{}{STRONG:#}  {}  {FAINT}{}{FAINT:#}",
                one.place, one.rule, one.what, one.hint
            );
        }
        let _ = writeln!(out, "{}", count(all.len(), "finding"));
        out
    })?;
    Ok(if all.is_empty() { Exit::Success } else { Exit::Failed })
}

fn learn(arguments: &ContractLearn) -> Result<Exit, Failure> {
    let mut draft = match &arguments.live {
        Some(name) => live(arguments, name)?,
        None => Draft::default(),
    };
    for path in &arguments.archives {
        let name = path.display();
        let bytes = std::fs::read(path)
            .map_err(|error| Failure::new(format!("cannot read `{name}`")).because(&error))?;
        let learned = learn::har(&bytes, &arguments.host).map_err(|reason| {
            Failure::new(format!("`{name}` cannot be learned from")).because_text(reason)
        })?;
        draft.merge(learned);
    }
    if draft.operations() == 0 {
        return Err(Failure::new("nothing was learned: no successful request of an interface is in there")
            .hint("see `--host`, and record requests with their bodies"));
    }
    output::data(gabion_openapi::yaml(&draft.document(&arguments.title)).trim_end())?;
    if draft.is_full() {
        output::note("a draft has bounds, and not everything found room");
    }
    output::note(format_args!(
        "a draft of {}: read it, tighten it, then `gabion contract lint`",
        count(draft.operations(), "operation")
    ));
    Ok(Exit::Success)
}

/// The draft the gate keeps under that name, or the only one.
fn live(arguments: &ContractLearn, name: &str) -> Result<Draft, Failure> {
    let config = for_data(&arguments.config)?.config;
    let path = config.data.directory.join(DRAFTS);
    let Some(mut drafts) = kept::<BTreeMap<String, Draft>>(&path)? else {
        return Err(Failure::new("nothing was learned yet: there are no drafts").hint(
            "give a route `learn = \"app\"`; the gate writes what it learns every half minute and when it stops",
        ));
    };
    let names: Vec<String> = drafts.keys().cloned().collect();
    let name = match names.as_slice() {
        [only] if name.is_empty() => only.as_str(),
        _ => name,
    };
    drafts.remove(name).ok_or_else(|| {
        let failure = match name {
            "" => Failure::usage("there is more than one draft"),
            name => Failure::usage(format!("there is no draft `{name}`")),
        };
        failure.hint(format!("there are {}: `--live=NAME`", names.join(", ")))
    })
}

fn shadow(arguments: &ContractShadow) -> Result<Exit, Failure> {
    let config = for_data(&arguments.config)?.config;
    let path = config.data.directory.join(INVENTORY);
    let report = read(&path)?;
    if arguments.output.format == Format::Json {
        output::json(&report)?;
        return Ok(Exit::Success);
    }
    output::data(text(&report).trim_end())?;
    Ok(Exit::Success)
}

fn read(path: &Path) -> Result<Report, Failure> {
    kept(path)?.ok_or_else(|| {
        Failure::new("nothing was seen yet: there is no inventory")
            .hint("a gate with a contract writes it every half minute and when it stops")
    })
}

/// What the gate keeps in a file of its data directory; none where there is no such file yet.
fn kept<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, Failure> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Failure::new(format!("cannot read `{}`", path.display())).because(&error)),
    };
    serde_json::from_slice(&bytes).map(Some).map_err(|error| {
        Failure::new(format!("`{}` is not what a gate writes", path.display())).because(&error)
    })
}

fn text(report: &Report) -> String {
    let mut out = String::new();
    let day = |moment: Timestamp| moment.to_string().get(..16).unwrap_or_default().replace('T', " ");
    if report.shadows.is_empty() {
        let _ = writeln!(out, "{GOOD}ok{GOOD:#}  nothing was asked for that the contracts do not know");
    } else {
        let row = |shadow: &Shadow| -> Vec<Cell> {
            let style = if shadow.answered > 0 { WARN } else { FAINT };
            vec![
                shadow.contract.clone().into(),
                shadow.method.clone().into(),
                styled(shadow.path.clone(), style),
                shadow.answered.to_string().into(),
                shadow.refused.to_string().into(),
                day(shadow.first_seen).into(),
                day(shadow.last_seen).into(),
            ]
        };
        let head = ["contract", "method", "path", "answered", "refused", "first seen", "last seen"];
        out.push_str(&table(&head, &report.shadows.iter().map(row).collect::<Vec<_>>()));
    }
    if report.forgotten > 0 {
        let _ = writeln!(out, "{} more requests to other paths were only counted", report.forgotten);
    }
    let unused: Vec<&Usage> = report.operations.iter().filter(|usage| usage.count == 0).collect();
    if !unused.is_empty() {
        let _ = writeln!(out, "\nnever used:");
        let row = |usage: &&Usage| -> Vec<Cell> {
            vec![usage.contract.clone().into(), usage.method.clone().into(), usage.path.clone().into()]
        };
        out.push_str(&table(&["contract", "method", "path"], &unused.iter().map(row).collect::<Vec<_>>()));
    }
    out
}

fn unusable(contract: &str, problems: Vec<Problem>) -> Failure {
    let mut failure = Failure::usage(format!("the contract `{contract}` cannot be used"));
    for problem in problems {
        let hint = problem.hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
        failure = failure.because_text(format!("{}: {}{hint}", problem.path, problem.reason));
    }
    failure
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
