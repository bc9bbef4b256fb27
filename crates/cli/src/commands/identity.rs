//! `gabion identity`.

use std::path::{Path, PathBuf};

use gabion_model::Problem;
use gabion_service::{Kept, PlannedAction, PlannedChange};
use gabion_vault::SystemRng;
use serde::Serialize;

use super::{block_on, for_data};
use crate::arguments::{
    ConfigFile, Format, IdentityApply, IdentityExport, IdentityHash, IdentityPlan, IdentityVerb,
};
use crate::config::{Config, Schema};
use crate::control::door::Door;
use crate::control::identity::{IdentityReply, IdentityRequest};
use crate::control::operation::{Reply, Request};
use crate::failure::{Exit, Failure};
use crate::identity::file::IdentityFile;
use crate::identity::{look, place, reconcile};
use crate::output::{self, BAD, FAINT, GOOD, STRONG, WARN};

pub(super) fn run(verb: IdentityVerb) -> Result<Exit, Failure> {
    match verb {
        IdentityVerb::Plan(arguments) => plan(arguments),
        IdentityVerb::Apply(arguments) => apply(arguments),
        IdentityVerb::Export(arguments) => export(&arguments),
        IdentityVerb::HashPassword(arguments) => hash(&arguments),
        IdentityVerb::Schema => {
            output::json(Schema::of::<IdentityFile>().as_json())?;
            Ok(Exit::Success)
        }
    }
}

/// What came of a plan or of applying it.
#[derive(Debug, Default, Serialize)]
struct Told {
    file: String,
    changes: Vec<PlannedChange>,
    kept: Vec<Kept>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failed: Vec<NotDone>,
    #[serde(skip)]
    without_password: Vec<String>,
}

#[derive(Debug, Serialize)]
struct NotDone {
    #[serde(flatten)]
    change: PlannedChange,
    reason: String,
}

fn plan(arguments: IdentityPlan) -> Result<Exit, Failure> {
    let IdentityPlan { file, prune, output, config } = arguments;
    let (loaded, file) = file_of(&config, file)?;
    let told = ask(&loaded, &file, false, IdentityRequest::Plan { file: file.clone(), prune })?;
    output::value(output.format, &told, || planned(&told))?;
    Ok(if told.changes.is_empty() { Exit::Success } else { Exit::Changes })
}

fn apply(arguments: IdentityApply) -> Result<Exit, Failure> {
    let IdentityApply { file, prune, output, config } = arguments;
    let (loaded, file) = file_of(&config, file)?;
    let told = ask(&loaded, &file, true, IdentityRequest::Apply { file: file.clone(), prune })?;
    output::value(output.format, &told, || applied(&told))?;
    if output.format == Format::Text {
        for name in &told.without_password {
            output::note(format_args!(
                "{FAINT}{name} has no password yet; `gabion user invite {name}` prints the link to choose one{FAINT:#}"
            ));
        }
        for one in &told.failed {
            output::warn(reconcile::failed(&one.change, &plain(&one.reason)));
        }
    }
    Ok(if told.failed.is_empty() { Exit::Success } else { Exit::Failed })
}

/// The configuration, and the absolute path of the file.
fn file_of(config: &ConfigFile, file: Option<PathBuf>) -> Result<(Config, PathBuf), Failure> {
    let loaded = for_data(config)?.config;
    let file = file.or_else(|| loaded.identity.file.clone()).ok_or_else(|| {
        Failure::usage("there is no identity file").hint(
            "write `identity.toml` beside the configuration, set `identity.file`, or name one here; `gabion identity export` prints one",
        )
    })?;
    let absolute = std::path::absolute(&file);
    let absolute = absolute
        .map_err(|error| Failure::usage(format!("cannot find `{}`", file.display())).because(&error))?;
    Ok((loaded, absolute))
}

fn ask(config: &Config, file: &Path, make: bool, request: IdentityRequest) -> Result<Told, Failure> {
    // What is wrong with the file by itself is shown by this end, with excerpts.
    let looked = look(file)?;
    let mut told = Told { file: file.display().to_string(), ..Told::default() };
    let mut wrong = Vec::new();
    block_on(async {
        Door::open(config, make)
            .await?
            .ask(Request::Identity { identity: request }, |reply| {
                let Reply::Identity(reply) = reply else { return Ok(()) };
                match *reply {
                    IdentityReply::Change(change) => told.changes.push(change),
                    IdentityReply::Failed { change, reason } => told.failed.push(NotDone { change, reason }),
                    IdentityReply::Kept(kept) => told.kept.push(kept),
                    IdentityReply::Part(_) => {}
                    IdentityReply::WithoutPassword(name) => told.without_password.push(name),
                    IdentityReply::Wrong { path, reason, hint } => wrong.push(Problem { path, reason, hint }),
                }
                Ok(())
            })
            .await
    })?;
    if wrong.is_empty() { Ok(told) } else { Err(place(&looked, wrong).into()) }
}

fn export(arguments: &IdentityExport) -> Result<Exit, Failure> {
    let config = for_data(&arguments.config)?.config;
    let mut text = String::new();
    block_on(async {
        let request = IdentityRequest::Export { secrets: arguments.with_secrets };
        Door::open(&config, false)
            .await?
            .ask(Request::Identity { identity: request }, |reply| {
                if let Reply::Identity(reply) = reply
                    && let IdentityReply::Part(part) = *reply
                {
                    text.push_str(&part);
                }
                Ok(())
            })
            .await
    })?;
    output::data(text.trim_end())?;
    Ok(Exit::Success)
}

fn hash(arguments: &IdentityHash) -> Result<Exit, Failure> {
    let config = for_data(&arguments.config)?.config;
    let from = &arguments.password;
    let password = match super::user::told(from, &arguments.name)? {
        Some(password) => password.0,
        None => super::user::from_stdin(&arguments.name)?,
    };
    match gabion_service::hash_password(&config.passwords, &arguments.name, &password, &SystemRng::new()) {
        Ok(hash) => {
            output::data(hash)?;
            Ok(Exit::Success)
        }
        Err(rules) => {
            Err(rules.into_iter().fold(Failure::new("the password is refused"), Failure::because_text))
        }
    }
}

fn planned(told: &Told) -> String {
    let file = &told.file;
    if told.changes.is_empty() {
        return format!("{}{GOOD}no changes{GOOD:#}: everything is as `{file}` says", lines(told));
    }
    let count = |action| told.changes.iter().filter(|change| change.action == action).count();
    format!(
        "{}{STRONG}{}{STRONG:#} to create, {STRONG}{}{STRONG:#} to change, {STRONG}{}{STRONG:#} to remove",
        lines(told),
        count(PlannedAction::Create),
        count(PlannedAction::Change),
        count(PlannedAction::Remove)
    )
}

fn applied(told: &Told) -> String {
    let count = |action| told.changes.iter().filter(|change| change.action == action).count();
    if told.changes.is_empty() && told.failed.is_empty() {
        return format!("{}{GOOD}no changes{GOOD:#}: everything is as `{}` says", lines(told), told.file);
    }
    format!(
        "{}{GOOD}done{GOOD:#}: {} created, {} changed, {} removed",
        lines(told),
        count(PlannedAction::Create),
        count(PlannedAction::Change),
        count(PlannedAction::Remove)
    )
}

/// A line for each change, one more for each of its fields, and what stays.
fn lines(told: &Told) -> String {
    let mut out = String::new();
    for change in &told.changes {
        let (sign, look) = match change.action {
            PlannedAction::Create => ('+', GOOD),
            PlannedAction::Change => ('~', WARN),
            PlannedAction::Remove => ('-', BAD),
        };
        let (kind, name) = (change.kind.words(), plain(&change.name));
        out.push_str(&format!("{look}{sign} {kind}{look:#} {STRONG}{name}{STRONG:#}\n"));
        for field in &change.fields {
            let text = match (&field.before, &field.after) {
                (Some(before), Some(after)) => {
                    format!("{} {FAINT}\u{2192}{FAINT:#} {}", told_as(before), told_as(after))
                }
                (Some(before), None) => format!("{} {FAINT}\u{2192}{FAINT:#} none", told_as(before)),
                (None, Some(after)) => told_as(after),
                (None, None) => "none".to_owned(),
            };
            out.push_str(&format!("    {FAINT}{}{FAINT:#} {text}\n", field.field));
        }
    }
    for kept in &told.kept {
        let (kind, name) = (kept.kind.words(), plain(&kept.name));
        out.push_str(&format!(
            "{FAINT}= {kind}{FAINT:#} {name} {FAINT}stays: {}{FAINT:#}\n",
            plain(&kept.reason)
        ));
    }
    if !out.is_empty() {
        out.push('\n');
    }
    out
}

fn told_as(text: &str) -> String {
    if text.is_empty() { "none".to_owned() } else { plain(text) }
}

/// Without what would move a terminal.
fn plain(text: &str) -> String {
    text.chars().map(|one| if one.is_control() { '\u{fffd}' } else { one }).collect()
}
