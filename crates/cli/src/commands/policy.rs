//! `gabion policy check | test | explain | diff | review | matrix | schema`.

mod ask;
mod told;

use std::path::{Path, PathBuf};

use gabion_ledger::Query;
use gabion_model::{Clock as _, Period, Problem, SystemClock, Timestamp};
use gabion_policy::cases::{Cases, Tried};
use gabion_policy::diff::Difference;
use gabion_policy::review;
use gabion_policy::{Facts, OwnedQuestion, Policies, Recorded, Subject, SubjectKind};
use gabion_service::KnownNames;
use serde::Serialize;

use super::{block_on, for_data, sources};
use crate::arguments::{
    PolicyCheck, PolicyDiff, PolicyExplain, PolicyFolder, PolicyMatrix, PolicyReview, PolicyTest, PolicyVerb,
    ReviewFormat,
};
use crate::config::Config;
use crate::control::directory::{DirectoryRequest, DirectoryRow};
use crate::control::door::Door;
use crate::control::operation::{Reply, Request};
use crate::failure::{Exit, Failure};
use crate::gate::policies;
use crate::output;

pub(super) fn run(verb: &PolicyVerb) -> Result<Exit, Failure> {
    match verb {
        PolicyVerb::Check(arguments) => check(arguments),
        PolicyVerb::Test(arguments) => test(arguments),
        PolicyVerb::Explain(arguments) => explain(arguments),
        PolicyVerb::Diff(arguments) => diff(arguments),
        PolicyVerb::Review(arguments) => review(arguments),
        PolicyVerb::Matrix(arguments) => matrix(arguments),
        PolicyVerb::Schema(arguments) => schema(arguments),
    }
}

/// What the folder is called in messages, and the policies in it.
fn loaded(folder: &PolicyFolder) -> Result<(PathBuf, Policies), Failure> {
    let config = configuration(folder)?;
    let directory = directory(folder, &config)?;
    let policies = compiled(&directory, &facts(&config, None)?)?;
    Ok((directory, policies))
}

/// The same and what they were compared with, the names of the directory included where there is one.
fn loaded_with_names(folder: &PolicyFolder) -> Result<(PathBuf, Policies, Facts), Failure> {
    let config = configuration(folder)?;
    let directory = directory(folder, &config)?;
    let names = block_on(policies::names(&config)).unwrap_or_else(|failure| {
        output::warn(format!("roles, groups and tenants are not compared with the directory's: {failure}"));
        None
    });
    let facts = facts(&config, names.as_ref())?;
    Ok((directory.clone(), compiled(&directory, &facts)?, facts))
}

fn facts(config: &Config, names: Option<&KnownNames>) -> Result<Facts, Failure> {
    let contracts = crate::contract::contracts(config, &gabion_service::Interfaces::default());
    let contracts = contracts.map_err(|problems| wrong(Path::new(""), problems))?;
    Ok(policies::facts::of(config, &contracts, names))
}

/// The configuration; none is needed where `--policies` names the folder.
fn configuration(folder: &PolicyFolder) -> Result<Config, Failure> {
    if folder.policies.is_some() && !folder.config.config.exists() {
        return Ok(Config::default());
    }
    Ok(sources(&folder.config).load()?.config)
}

fn directory(folder: &PolicyFolder, config: &Config) -> Result<PathBuf, Failure> {
    folder.policies.clone().or_else(|| config.policy.directory.clone()).ok_or_else(|| {
        Failure::usage("the configuration names no policies")
            .hint("`[policy]` with `directory = \"policies\"`, or `--policies DIR`")
    })
}

fn compiled(directory: &Path, facts: &Facts) -> Result<Policies, Failure> {
    let sources = policies::sources(directory, 0).map_err(|problem| wrong(Path::new(""), vec![problem]))?;
    Policies::compile(sources, facts).map_err(|problems| wrong(directory, problems))
}

/// Everything that is wrong, each with its place.
fn wrong(directory: &Path, problems: Vec<Problem>) -> Failure {
    let count = problems.len();
    let things = if count == 1 { "one thing".to_owned() } else { format!("{count} things") };
    let mut failure = Failure::usage(format!("{things} wrong with the policies"));
    for problem in problems {
        let at = if directory.as_os_str().is_empty() {
            problem.path.clone()
        } else {
            directory.join(&problem.path).display().to_string()
        };
        let hint = problem.hint.map(|hint| format!(" (hint: {hint})")).unwrap_or_default();
        failure = failure.because_text(format!("{at}: {}{hint}", problem.reason));
    }
    failure
}

/// What a check comes to.
#[derive(Debug, Serialize)]
struct Checked {
    generation: String,
    policies: usize,
    actions: usize,
    warnings: Vec<String>,
}

fn check(arguments: &PolicyCheck) -> Result<Exit, Failure> {
    let (directory, policies, _) = loaded_with_names(&arguments.folder)?;
    let checked = Checked {
        generation: policies.generation().to_string(),
        policies: policies.len(),
        actions: policies.actions().len(),
        warnings: policies.warnings().iter().map(ToString::to_string).collect(),
    };
    for warning in &checked.warnings {
        output::warn(warning);
    }
    output::value(arguments.output.format, &checked, || told::checked(&directory, &checked))?;
    Ok(Exit::Success)
}

fn schema(arguments: &PolicyCheck) -> Result<Exit, Failure> {
    let (_, policies, facts) = loaded_with_names(&arguments.folder)?;
    let text = format!("{}\n\n{}", policies.schema_text().trim(), policies::facts::listed(&facts));
    output::data(text.trim())?;
    Ok(Exit::Success)
}

fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path)
        .map_err(|error| Failure::usage(format!("cannot read `{}`", path.display())).because(&error))
}

fn cases(path: &Path) -> Result<Cases, Failure> {
    Cases::parse(&path.display().to_string(), &read(path)?).map_err(|problems| wrong(Path::new(""), problems))
}

/// The files in `tests` of the folder, in order.
fn usual_cases(directory: &Path) -> Result<Vec<PathBuf>, Failure> {
    let tests = directory.join("tests");
    let entries = std::fs::read_dir(&tests).map_err(|error| {
        Failure::usage(format!("cannot read `{}`", tests.display()))
            .because(&error)
            .hint("name the files of cases, or put them there")
    })?;
    let is_yaml = |path: &PathBuf| path.extension().is_some_and(|end| end == "yaml" || end == "yml");
    let mut files: Vec<PathBuf> =
        entries.filter_map(|entry| Some(entry.ok()?.path())).filter(is_yaml).collect();
    files.sort();
    if files.is_empty() {
        return Err(Failure::usage(format!("there is no file of cases in `{}`", tests.display())));
    }
    Ok(files)
}

/// What came of one file.
#[derive(Debug, Serialize)]
struct TriedFile {
    file: String,
    cases: Vec<Tried>,
}

fn test(arguments: &PolicyTest) -> Result<Exit, Failure> {
    let (directory, policies) = loaded(&arguments.folder)?;
    let files = if arguments.files.is_empty() { usual_cases(&directory)? } else { arguments.files.clone() };
    let mut all = Vec::new();
    for path in files {
        let file = path.display().to_string();
        let tried = cases(&path)?.run(&file, &policies).map_err(|problems| wrong(Path::new(""), problems))?;
        all.push(TriedFile { file, cases: tried });
    }
    // Nothing tried proves nothing.
    let passed = all.iter().all(|file| !file.cases.is_empty() && file.cases.iter().all(|case| case.passed));
    output::value(arguments.output.format, &all, || told::tried(&all))?;
    Ok(if passed { Exit::Success } else { Exit::Failed })
}

fn explain(arguments: &PolicyExplain) -> Result<Exit, Failure> {
    let (_, policies) = loaded(&arguments.folder)?;
    let question = ask::question(arguments)?;
    let explanation = policies.explain(&question.as_question());
    output::value(arguments.output.format, &explanation, || told::explanation(&explanation, true))?;
    Ok(if explanation.effect == gabion_policy::Effect::Allow { Exit::Success } else { Exit::Failed })
}

fn diff(arguments: &PolicyDiff) -> Result<Exit, Failure> {
    let config = configuration(&arguments.folder)?;
    let facts = facts(&config, None)?;
    let before = compiled(&directory(&arguments.folder, &config)?, &facts)?;
    let after = compiled(&arguments.new, &facts)?;
    let (questions, unreadable) = match &arguments.questions {
        Some(path) => (ask::questions(path)?, 0),
        None => recorded(arguments)?,
    };
    if unreadable > 0 {
        output::warn(format!("{unreadable} recorded decisions hold too little to be asked again"));
    }
    let difference = Difference::of(&before, &after, &questions);
    output::value(arguments.output.format, &difference, || told::difference(&difference))?;
    Ok(if difference.changes.is_empty() { Exit::Success } else { Exit::Changes })
}

/// The decisions of the ledger, and how many could not be read.
fn recorded(arguments: &PolicyDiff) -> Result<(Vec<OwnedQuestion>, usize), Failure> {
    let config = for_data(&arguments.folder.config)?.config;
    let period: Period =
        arguments.since.parse().map_err(|error| Failure::usage(format!("`--since`: {error}")))?;
    let micros = i64::try_from(period.as_duration().as_micros()).unwrap_or(i64::MAX);
    let query = Query {
        since: Some(Timestamp::from_micros(SystemClock.now().as_micros().saturating_sub(micros))),
        ..Query::default()
    };
    let (mut questions, mut unreadable) = (Vec::new(), 0_usize);
    block_on(async {
        Door::open(&config, false)
            .await?
            .ask(Request::Search { query }, |reply| {
                let Reply::Record(record) = reply else { return Ok(()) };
                let metadata = &record.event.metadata;
                if !metadata.contains_key(gabion_policy::record::ACTION) || questions.len() >= arguments.limit
                {
                    return Ok(());
                }
                match Recorded::read(metadata) {
                    Some(recorded) => questions.push(recorded.question),
                    None => unreadable = unreadable.saturating_add(1),
                }
                Ok(())
            })
            .await
    })?;
    Ok((questions, unreadable))
}

fn review(arguments: &PolicyReview) -> Result<Exit, Failure> {
    let (_, policies) = loaded(&arguments.folder)?;
    let principals = match &arguments.principals {
        Some(path) => ask::principals(&cases(path)?)?,
        None => accounts(&arguments.folder)?,
    };
    let rows = policies.review(&principals);
    let generation = policies.generation().to_string();
    match arguments.format {
        ReviewFormat::Text => output::data(told::review(&rows).trim_end())?,
        ReviewFormat::Json => output::json(&rows)?,
        ReviewFormat::Csv => output::data(review::csv(&rows).trim_end())?,
        ReviewFormat::Html => output::data(review::html(&rows, "Access review", &generation).trim_end())?,
    }
    Ok(Exit::Success)
}

/// Everybody who is not disabled, people and programs, with the roles their groups give; and whoever did not sign in.
fn accounts(folder: &PolicyFolder) -> Result<Vec<Subject>, Failure> {
    let config = for_data(&folder.config)?.config;
    let mut subjects = Vec::new();
    for (kind, subject_kind) in [
        (gabion_service::AccountKind::Person, SubjectKind::User),
        (gabion_service::AccountKind::Service, SubjectKind::ServiceAccount),
    ] {
        let request = Request::Directory { directory: DirectoryRequest::People { kind } };
        let take = |reply| {
            let Reply::Directory(row) = reply else { return Ok(()) };
            if let DirectoryRow::Person(person) = *row
                && person.state != "disabled"
            {
                let roles: Vec<&str> = person.effective_roles.iter().map(String::as_str).collect();
                let groups: Vec<&str> = person.groups.iter().map(String::as_str).collect();
                let none = std::collections::BTreeMap::new();
                let tenant = Some(person.tenant.as_str());
                subjects.push(Subject::new(
                    subject_kind,
                    &person.id,
                    &person.name,
                    tenant,
                    &roles,
                    &groups,
                    none,
                ));
            }
            Ok(())
        };
        block_on(async { Door::open(&config, false).await?.ask(request, take).await })?;
    }
    subjects.push(Subject::anonymous());
    Ok(subjects)
}

fn matrix(arguments: &PolicyMatrix) -> Result<Exit, Failure> {
    let (_, policies) = loaded(&arguments.folder)?;
    let file = arguments.file.display().to_string();
    let questions = cases(&arguments.file)?
        .everything(&file, &policies)
        .map_err(|problems| wrong(Path::new(""), problems))?;
    output::data(review::matrix(&policies, &questions).trim_end())?;
    Ok(Exit::Success)
}
