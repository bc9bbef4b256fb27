//! The policies of a configuration: read from their folder and compiled, all of them or none.

pub(crate) mod facts;

use std::path::Path;
use std::sync::Arc;

use gabion_checks::Contracts;
use gabion_egress::{Client, EgressSettings};
use gabion_model::outbound::Fetch;
use gabion_model::{Period, Problem};
use gabion_policy::{Policies, Sources, is_own_action};
use gabion_service::KnownNames;
use gabion_service::resources::{ResolverSettings, Resolvers, Tools};

use crate::config::Config;
use crate::control::directory::{DirectoryRequest, DirectoryRow};
use crate::control::door::Door;
use crate::control::operation::{Reply, Request};
use crate::failure::Failure;

/// The files of the folder.
///
/// # Errors
/// What cannot be read, or is too much.
pub(crate) fn sources(directory: &Path, cache: u32) -> Result<Sources, Problem> {
    let unreadable = |path: &Path, error: &dyn std::fmt::Display| {
        Problem::new("policy.directory", format!("cannot read `{}`: {error}", path.display()))
            .hint("a folder with `*.cedar` files")
    };
    let entries = std::fs::read_dir(directory).map_err(|error| unreadable(directory, &error))?;
    let mut sources = Sources { cache, ..Sources::default() };
    let mut bytes = 0_usize;
    for entry in entries {
        let path = entry.map_err(|error| unreadable(directory, &error))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // What editors leave beside a file is no policy.
        let is_policy = name.ends_with(".cedar") && !name.starts_with('.');
        if !is_policy && name != SCHEMA && name != ENTITIES {
            if let Some(problem) = passed_over(&path, &name) {
                return Err(problem);
            }
            continue;
        }
        let text = std::fs::read_to_string(&path).map_err(|error| unreadable(&path, &error))?;
        bytes = bytes.saturating_add(text.len());
        if bytes > MOST_BYTES {
            let reason = format!("the files of `{}` are larger than 64 MiB together", directory.display());
            return Err(Problem::new("policy.directory", reason));
        }
        match name.as_str() {
            SCHEMA => sources.schema = Some((name, text)),
            ENTITIES => sources.entities = Some((name, text)),
            _ => {
                sources.policies.insert(name, text);
            }
        }
    }
    if sources.policies.is_empty() {
        let reason = format!("there is no `*.cedar` file in `{}`", directory.display());
        return Err(Problem::new("policy.directory", reason)
            .hint("without a policy everything would be denied; write one, or remove `policy.directory`"));
    }
    Ok(sources)
}

/// A policy or a schema that somebody wrote and nobody would read: a `forbid` that forbids nothing.
fn passed_over(path: &Path, name: &str) -> Option<Problem> {
    if name.starts_with('.') {
        return None;
    }
    let (what, hint) = if name.ends_with(".cedarschema") || name.ends_with(".cedarschema.json") {
        (path.to_path_buf(), format!("the schema is the file `{SCHEMA}`, in Cedar's schema language"))
    } else {
        let below = std::fs::read_dir(path).ok()?.filter_map(Result::ok).map(|entry| entry.path());
        let policy = below.into_iter().find(|path| path.extension().is_some_and(|end| end == "cedar"))?;
        (policy, "policies stand in the folder itself, not in one below it".to_owned())
    };
    let reason = format!("`{}` would be passed over", what.display());
    Some(Problem::new("policy.directory", reason).hint(hint))
}

/// The policies of a configuration; none where it has no folder. `names` are those of the directory, where it can be
/// looked into.
///
/// # Errors
/// Everything that is wrong with them.
pub(crate) fn compile(
    config: &Config,
    contracts: &Contracts,
    names: Option<&KnownNames>,
) -> Result<Option<Policies>, Vec<Problem>> {
    let Some(directory) = &config.policy.directory else { return Ok(None) };
    let sources = sources(directory, config.policy.cache.0).map_err(|problem| vec![problem])?;
    let under = |problems: Vec<Problem>| {
        problems
            .into_iter()
            // The files are no part of the configuration: where a problem lies is said in its text.
            .map(|problem| Problem {
                path: "policy.directory".to_owned(),
                reason: format!("`{}`: {}", directory.join(&problem.path).display(), problem.reason),
                hint: problem.hint,
            })
            .collect::<Vec<_>>()
    };
    if sources.schema.is_none() {
        // Said first: policies about such an action fail as well, in Cedar's words.
        refuse_unless(config, |action, kind| kind == "Route" || !is_own_action(action))?;
    }
    let policies = Policies::compile(sources, &facts::of(config, contracts, names)).map_err(under)?;
    let known = policies.actions();
    refuse_unless(config, |action, kind| {
        known.get(action).is_some_and(|kinds| kinds.iter().any(|one| **one == *kind))
    })?;
    Ok(Some(policies))
}

/// Refuses routes that ask an action about something to which it does not apply: they would be closed to everybody.
fn refuse_unless(config: &Config, applies: impl Fn(&str, &str) -> bool) -> Result<(), Vec<Problem>> {
    let mut problems = Vec::new();
    for (index, route) in config.routes.iter().enumerate() {
        let Some(policy) = route.policy.as_ref().filter(|policy| policy.off.is_none()) else { continue };
        let kind = policy.resource.as_deref().unwrap_or("Route");
        for (key, action) in [("action", &policy.action), ("known_by", &policy.known_by)] {
            let Some(action) = action.as_deref().filter(|action| !applies(action, kind)) else { continue };
            let hint = if is_own_action(action) {
                "methods, `read`, `write` and `tag:…` are the gate's own, about routes: take another name"
            } else {
                "see `gabion policy schema`"
            };
            let reason = format!("the action `{action}` does not apply to `{kind}`");
            problems.push(Problem::new(format!("routes[{index}].policy.{key}"), reason).hint(hint));
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// The names of the directory, from the gate that runs or from the data themselves; none before the first start.
pub(crate) async fn names(config: &Config) -> Result<Option<KnownNames>, Failure> {
    if !config.data.directory.exists() {
        return Ok(None);
    }
    let mut names = None;
    let request = Request::Directory { directory: DirectoryRequest::Names };
    let take = |reply| {
        if let Reply::Directory(row) = reply
            && let DirectoryRow::Names(found) = *row
        {
            names = Some(found);
        }
        Ok(())
    };
    Door::open(config, false).await?.ask(request, take).await?;
    Ok(names)
}

/// What stands in the way of policies in a configuration; `contracts` are `None` where they cannot be used, and then
/// nobody can say what policies about their operations mean.
pub(crate) fn problems(config: &Config, contracts: Option<&Contracts>) -> Vec<Problem> {
    let mut problems = Vec::new();
    if config.policy.directory.is_none() {
        for (index, route) in config.routes.iter().enumerate() {
            if route.policy.as_ref().is_some_and(|policy| policy.off.is_none()) {
                problems.push(
                    Problem::new(format!("routes[{index}].policy"), "there are no policies to ask")
                        .hint("for instance `[policy]` with `directory = \"policies\"`"),
                );
            }
        }
        if config.checks.policy.routes == gabion_checks::policy::Where::All {
            problems.push(
                Problem::new("checks.policy.routes", "there are no policies to ask")
                    .hint("for instance `[policy]` with `directory = \"policies\"`"),
            );
        }
        return problems;
    }
    if let Some(Err(found)) = contracts.map(|contracts| compile(config, contracts, None)) {
        problems.extend(found);
    }
    problems
}

/// Who knows what of the application's objects, each with a way out that reaches its own address only.
pub(crate) fn resolvers(config: &Config, tools: &Tools) -> Result<Resolvers, Failure> {
    let mut refused = None;
    let resolvers = Resolvers::new(&config.resolvers, tools, |one| match way_out(one) {
        Ok(client) => Some(Arc::new(client) as Arc<dyn Fetch>),
        Err(error) => {
            refused = Some(error);
            None
        }
    });
    match refused {
        Some(error) => Err(Failure::usage("a resolver cannot be asked")
            .because(&error)
            .hint("see `ca_file` of `[resolvers]`")),
        None => Ok(resolvers),
    }
}

fn way_out(resolver: &ResolverSettings) -> Result<Client, gabion_egress::TlsError> {
    Client::new(&EgressSettings {
        allow: resolver.authority().into_iter().collect(),
        ports: Vec::new(),
        ca_file: resolver.ca_file.clone(),
        timeout: Period::from_secs(30),
    })
}

const SCHEMA: &str = "schema.cedarschema";
const ENTITIES: &str = "entities.json";
const MOST_BYTES: usize = 64 << 20;
