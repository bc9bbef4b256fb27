//! The schema: what the gate knows, written as Cedar would have it, after what the team declares.
//!
//! Whatever the team declares itself is not generated again, so that an operation can be given its resource.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use cedar_policy::SchemaFragment;
use cedar_policy_core::extensions::Extensions;
use cedar_policy_core::validator::ValidatorSchema;
use gabion_model::Problem;
use miette::Diagnostic;

use crate::facts::{Facts, OperationFact};
use crate::place;

/// Entity types the gate fills; a team cannot declare them.
pub(crate) const RESERVED: &[&str] =
    &["Anonymous", "Group", "Role", "Route", "ServiceAccount", "Tenant", "User"];

/// The actions of a route no contract describes: its methods.
pub(crate) const METHODS: &[(&str, &str)] = &[
    ("DELETE", "write"),
    ("GET", "read"),
    ("HEAD", "read"),
    ("OPTIONS", "read"),
    ("PATCH", "write"),
    ("POST", "write"),
    ("PUT", "write"),
];

/// What an operation does: it reads when every method by which it is done does. One that is not known writes.
fn group_of(operation: &OperationFact) -> &'static str {
    let reads =
        |method: &Arc<str>| METHODS.iter().any(|(name, group)| **method == **name && *group == "read");
    let only_reads = !operation.methods.is_empty() && operation.methods.iter().all(reads);
    if only_reads { "read" } else { "write" }
}

/// Whether an action of this name is one of the gate's own: a method, or a group of actions.
#[must_use]
pub fn is_own_action(name: &str) -> bool {
    METHODS.iter().any(|(method, group)| name == *method || name == *group) || name.starts_with("tag:")
}

/// What the team declares.
#[derive(Debug, Default)]
struct Declared {
    entities: BTreeSet<String>,
    actions: BTreeSet<String>,
    types: BTreeSet<String>,
}

/// The schema and its text.
pub(crate) fn build(
    team: Option<&(String, String)>,
    facts: &Facts,
) -> Result<(ValidatorSchema, String), Vec<Problem>> {
    let declared = match team {
        Some((file, text)) => declared(file, text)?,
        None => Declared::default(),
    };
    let mut problems = reserved(team, &declared);
    problems.extend(doubles(facts));
    if !problems.is_empty() {
        return Err(problems);
    }
    // The team's text first, so that offsets in it are those of its file.
    let team_text = team.map_or("", |(_, text)| text);
    let text = format!("{team_text}\n{}", generated(facts, &declared));
    match ValidatorSchema::from_cedarschema_str(&text, Extensions::all_available()) {
        Ok((schema, warnings)) => {
            drop(warnings);
            Ok((schema, text))
        }
        Err(error) => {
            let file = team.map_or("generated schema", |(file, _)| file);
            Err(vec![place::problem(file, &text, &error)])
        }
    }
}

fn declared(file: &str, text: &str) -> Result<Declared, Vec<Problem>> {
    let wrong = |error: &dyn Diagnostic| vec![place::problem(file, text, error)];
    let (fragment, warnings) = SchemaFragment::from_cedarschema_str(text).map_err(|error| wrong(&error))?;
    drop(warnings);
    let json = fragment.to_json_value().map_err(|error| wrong(&error))?;
    let mut declared = Declared::default();
    let namespaces: BTreeMap<String, serde_json::Value> = serde_json::from_value(json).unwrap_or_default();
    for (namespace, content) in &namespaces {
        let names = |key: &str| -> Vec<String> {
            let table = content.get(key).and_then(serde_json::Value::as_object);
            table.map(|table| table.keys().cloned().collect()).unwrap_or_default()
        };
        let qualified = |name: String| match namespace.as_str() {
            "" => name,
            namespace => format!("{namespace}::{name}"),
        };
        declared.entities.extend(names("entityTypes").into_iter().map(qualified));
        if namespace.is_empty() {
            declared.actions.extend(names("actions"));
            declared.types.extend(names("commonTypes"));
        }
    }
    Ok(declared)
}

fn reserved(team: Option<&(String, String)>, declared: &Declared) -> Vec<Problem> {
    let Some((file, text)) = team else { return Vec::new() };
    let at = |name: &str, word: &str| {
        let line = text.lines().position(|line| {
            let mut words = line.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
            words.clone().any(|one| one == word) && words.any(|one| one == name)
        });
        format!("{file}:{}", line.map_or(1, |line| line.saturating_add(1)))
    };
    let mut problems = Vec::new();
    for name in RESERVED.iter().filter(|name| declared.entities.contains(**name)) {
        let reason = format!("the entity type `{name}` is filled by the gate and cannot be declared");
        let hint = "declare `type Profile = { … };` for attributes of principals of your own";
        problems.push(Problem::new(at(name, "entity"), reason).hint(hint));
    }
    if declared.types.contains("RequestContext") {
        let reason = "the type `RequestContext` is made by the gate and cannot be declared";
        let hint = "declare the actions whose context differs, with a type of another name";
        problems.push(Problem::new(at("RequestContext", "type"), reason).hint(hint));
    }
    problems
}

fn doubles(facts: &Facts) -> Vec<Problem> {
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let mut problems = Vec::new();
    for operation in &facts.operations {
        if is_own_action(&operation.id) || !seen.insert(&operation.id) {
            let reason = format!("`{}` names two actions", operation.id);
            problems.push(
                Problem::new("actions", reason)
                    .hint("name it otherwise: not as a method, and not `read`, `write` or `tag:…`"),
            );
        }
    }
    problems
}

/// What the gate knows, in Cedar's schema language.
fn generated(facts: &Facts, declared: &Declared) -> String {
    let mut out = String::new();
    let profile = if declared.types.contains("Profile") { " profile?: Profile," } else { "" };
    out.push_str("entity Tenant;\nentity Role in [Role];\nentity Group in [Group, Role];\n");
    for principal in ["User", "ServiceAccount", "Anonymous"] {
        let _ = writeln!(
            out,
            "entity {principal} in [Group, Role, Tenant] = {{ id: String, name: String, tenant?: Tenant, \
             roles: Set<String>, groups: Set<String>,{profile} }};"
        );
    }
    out.push_str("entity Route in [Tenant] = { path: String } tags String;\n");
    out.push_str(CONTEXT);
    let mut groups: BTreeSet<String> = ["read".to_owned(), "write".to_owned()].into();
    groups.extend(
        facts.operations.iter().flat_map(|operation| operation.tags.iter().map(|tag| format!("tag:{tag}"))),
    );
    for group in groups.iter().filter(|group| !declared.actions.contains(*group)) {
        let _ = writeln!(out, "action {};", quoted(group));
    }
    let mut resources: BTreeSet<&str> = BTreeSet::new();
    let mut action = |id: &str, groups: &[String], resources: &str| {
        if !declared.actions.contains(id) {
            let groups: Vec<_> = groups.iter().map(|group| quoted(group)).collect();
            let _ = writeln!(
                out,
                "action {} in [{}] appliesTo {{ principal: [User, ServiceAccount, Anonymous], \
                 resource: [{resources}], context: RequestContext }};",
                quoted(id),
                groups.join(", ")
            );
        }
    };
    for (method, group) in METHODS {
        action(method, &[(*group).to_owned()], "Route");
    }
    for operation in &facts.operations {
        let mut groups = vec![group_of(operation).to_owned()];
        groups.extend(operation.tags.iter().map(|tag| format!("tag:{tag}")));
        let named: Vec<&str> =
            operation.resources.iter().map(|name| &**name).filter(|name| is_type_name(name)).collect();
        action(&operation.id, &groups, &if named.is_empty() { "Route".to_owned() } else { named.join(", ") });
        resources.extend(named);
    }
    for resource in
        resources.iter().filter(|name| !RESERVED.contains(*name) && !declared.entities.contains(**name))
    {
        if !resource.contains("::") {
            let _ = writeln!(out, "entity {resource} in [Tenant] = {{ owner?: User, tenant?: Tenant }};");
        }
    }
    out
}

/// What is known of every request.
const CONTEXT: &str = "type RequestContext = { now: datetime, hour: Long, weekday: Long, ip?: ipaddr, secure: Bool, \
acr: Long, factors: Set<String>, authenticated_at?: datetime, credential: String, scopes: Set<String>, \
device?: String, method?: String, host?: String, path?: String };\n";

/// A name of Cedar's, perhaps in a namespace.
fn is_type_name(name: &str) -> bool {
    name.split("::").all(|part| {
        let mut letters = part.chars();
        letters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
            && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
    })
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.escape_default())
}
