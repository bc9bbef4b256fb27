//! The policies of a configuration: read from their folder and compiled, all of them or none.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use gabion_egress::{Client, EgressSettings};
use gabion_model::outbound::Fetch;
use gabion_model::{Period, Problem};
use gabion_policy::{Facts, OperationFact, Policies, RouteFact, Sources};
use gabion_service::resources::{ResolverSettings, Resolvers, Tools};

use crate::config::Config;
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
        let Some(name) = path.file_name().and_then(|name| name.to_str()).map(str::to_owned) else { continue };
        // What editors leave beside a file is no policy.
        let is_policy = name.ends_with(".cedar") && !name.starts_with('.');
        if !is_policy && name != SCHEMA && name != ENTITIES {
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

/// What the configuration says about itself.
pub(crate) fn facts(config: &Config) -> Facts {
    let routes = config
        .routes
        .iter()
        .map(|route| RouteFact { id: route.policy_id().into(), path: route.path.as_str().into() });
    let roles: BTreeSet<Arc<str>> =
        config.routes.iter().flat_map(|route| &route.roles).map(|role| role.as_str().into()).collect();
    // What routes name as action and type of object need not be declared a second time.
    let mut operations: BTreeMap<&str, OperationFact> = BTreeMap::new();
    for route in &config.routes {
        let Some(policy) = &route.policy else { continue };
        let reading = policy.known_by.as_deref();
        for action in policy.action.as_deref().into_iter().chain(reading) {
            if METHODS.contains(&action) {
                continue;
            }
            let method = route.methods.first().map_or("GET", String::as_str);
            operations.entry(action).or_insert_with(|| OperationFact {
                id: action.into(),
                method: if Some(action) == reading { "GET" } else { method }.into(),
                path: route.path.as_str().into(),
                tags: Vec::new(),
                resource: policy.resource.as_deref().map(Into::into),
            });
        }
    }
    Facts {
        routes: routes.collect(),
        operations: operations.into_values().collect(),
        roles,
        groups: BTreeMap::new(),
        tenants: BTreeSet::new(),
    }
}

/// The policies of a configuration; none where it has no folder.
///
/// # Errors
/// Everything that is wrong with them.
pub(crate) fn compile(config: &Config) -> Result<Option<Policies>, Vec<Problem>> {
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
    Policies::compile(sources, &facts(config)).map(Some).map_err(under)
}

/// What stands in the way of policies in a configuration.
pub(crate) fn problems(config: &Config) -> Vec<Problem> {
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
    if let Err(found) = compile(config) {
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

/// Actions of every route.
const METHODS: &[&str] = &["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];
const SCHEMA: &str = "schema.cedarschema";
const ENTITIES: &str = "entities.json";
const MOST_BYTES: usize = 64 << 20;
