//! What only the whole tree shows: modules, charts, databases, namespaces, ignored files.

mod environment;

use std::collections::BTreeMap;
use std::sync::Arc;

use gabion_finding::{Source, Tree, Unread, UnreadReason, Verdict};
use serde::{Deserialize, Serialize};

use crate::document::{Entry, Node, span};
use crate::formats::{Format, kubernetes, sql, terraform};
use crate::helm;
use crate::rule::ManifestRules;
use crate::scanner::unread;
use crate::subject::Subject;

/// What is kept of a file for the tree.
#[derive(Debug, Clone, Serialize, Deserialize)]
enum Kept {
    Terraform(String),
    Sql(String),
    Chart(String),
    Ignore(String),
    /// Namespaces with workloads and with policies, and the text of the place of the first workload.
    Kubernetes(Vec<Object>),
    /// `COPY` of the whole context: where, and what it says.
    Copies(Vec<Copied>),
    /// Secrets in the settings of one environment.
    Secrets(Vec<Given>),
}

/// Name, what tells one value from another, first byte and line.
type Given = (String, u64, u32, u32);

/// First byte, line and text.
type Copied = (u32, u32, String);

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Object {
    namespace: String,
    name: String,
    policy: bool,
    start: u32,
    end: u32,
    line: u32,
    text: String,
}

/// The text itself, for formats that only make sense together.
pub(crate) fn text_facts(format: Format, source: &Source) -> Vec<u8> {
    let text = source.text().to_owned();
    encode(&match format {
        Format::Terraform => Kept::Terraform(text),
        Format::Sql => Kept::Sql(text),
        Format::Ignore => Kept::Ignore(text),
        _ => Kept::Chart(text),
    })
}

fn encode(kept: &Kept) -> Vec<u8> {
    serde_json::to_vec(kept).unwrap_or_default()
}

/// What the tree must know of a file that was already looked at.
pub(crate) fn facts(format: Format, subjects: &[Subject<'_>]) -> Vec<u8> {
    match format {
        Format::Kubernetes => {
            let objects: Vec<Object> = subjects.iter().filter_map(object).collect();
            if objects.is_empty() { Vec::new() } else { encode(&Kept::Kubernetes(objects)) }
        }
        Format::Dockerfile => {
            let copies: Vec<Copied> = subjects
                .iter()
                .filter(|subject| subject.kind == "dockerfile" && matches!(subject.sort, "COPY" | "ADD"))
                // What a stage for building holds is not shipped.
                .filter(|subject| {
                    subject.named.iter().any(|(_, node)| node.get("last").is_some_and(Node::is_true))
                })
                .filter(|subject| {
                    let flags = subject.node.get("flags").map(Node::items).unwrap_or_default();
                    !flags.iter().any(|flag| flag.scalar().is_some_and(|flag| flag.starts_with("--from")))
                })
                .filter(|subject| {
                    let sources = subject.node.get("sources").map(Node::items).unwrap_or_default();
                    sources.iter().any(|source| {
                        source.scalar().is_some_and(|path| matches!(path, "." | "./" | "*" | "/"))
                    })
                })
                .map(|subject| {
                    let text = subject.anchor.of(subject.source.text()).to_owned();
                    (subject.anchor.start, subject.source.lines().line(subject.anchor.start), text)
                })
                .collect();
            if copies.is_empty() { Vec::new() } else { encode(&Kept::Copies(copies)) }
        }
        Format::Env => {
            let given: Vec<Given> = subjects.iter().flat_map(environment::secrets).collect();
            if given.is_empty() { Vec::new() } else { encode(&Kept::Secrets(given)) }
        }
        _ => Vec::new(),
    }
}

fn object(subject: &Subject<'_>) -> Option<Object> {
    if subject.kind != "kubernetes" {
        return None;
    }
    let policy = subject.sort.ends_with("NetworkPolicy") || subject.sort.ends_with("NetworkPolicyV2");
    if !policy && kubernetes::pod_path(subject.sort).is_none() {
        return None;
    }
    let namespace = subject.node.at("metadata.namespace");
    let namespace = match namespace {
        Some(node) => node.scalar().unwrap_or("?").to_owned(),
        None => String::new(),
    };
    let text = subject.anchor.of(subject.source.text()).to_owned();
    let (start, end) = (subject.anchor.start, subject.anchor.end);
    let line = subject.source.lines().line(start);
    let name = subject.name.clone();
    Some(Object { namespace, name, policy, start, end, line, text })
}

fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Everything the tree shows.
pub(crate) fn verdict(rules: &ManifestRules, tree: &Tree<'_>) -> Verdict {
    let mut verdict = Verdict::default();
    let (mut modules, mut database, mut charts) =
        (BTreeMap::<&str, Vec<Source>>::new(), Vec::new(), Vec::new());
    let (mut objects, mut copies, mut ignores) = (Vec::new(), Vec::new(), BTreeMap::new());
    let mut given: BTreeMap<&str, Vec<Given>> = BTreeMap::new();
    for (path, facts) in tree.facts {
        match serde_json::from_slice::<Kept>(facts) {
            Ok(Kept::Terraform(text)) => {
                modules.entry(folder(path)).or_default().push(Source::new(path, &text))
            }
            Ok(Kept::Sql(text)) => database.push(Source::new(path, &text)),
            Ok(Kept::Chart(text)) => charts.push(Source::new(path, &text)),
            Ok(Kept::Ignore(text)) => drop(ignores.insert(path.as_ref(), text)),
            Ok(Kept::Kubernetes(all)) => {
                objects.extend(all.into_iter().map(|object| (Arc::clone(path), object)))
            }
            Ok(Kept::Secrets(all)) => drop(given.insert(path, all)),
            Ok(Kept::Copies(all)) => copies.extend(all.into_iter().map(|copy| (Arc::clone(path), copy))),
            Err(error) => {
                let detail = format!("what was kept of it cannot be read: {error}");
                verdict.unread.push(Unread { path: Arc::clone(path), reason: UnreadReason::Syntax, detail });
            }
        }
    }
    for sources in modules.values() {
        terraform_module(rules, sources, &mut verdict);
    }
    migrations(rules, &database, &mut verdict);
    let mut rendered = charts_of(rules, tree, &charts, &mut verdict);
    objects.append(&mut rendered);
    namespaces(rules, &objects, &mut verdict);
    contexts(rules, tree, &copies, &ignores, &mut verdict);
    git_ignores(rules, tree, &ignores, &mut verdict);
    environment::same(rules, &given, &mut verdict);
    verdict
}

fn terraform_module(rules: &ManifestRules, sources: &[Source], verdict: &mut Verdict) {
    let sources: Vec<&Source> = sources.iter().collect();
    let files = terraform::module(&sources);
    let declared = terraform::declared(&files);
    let mut subjects = Vec::new();
    for file in &files {
        file.subjects(&declared, &mut subjects);
        verdict.unread.extend(file.gaps().iter().map(|gap| unread(file.source, gap.clone())));
    }
    verdict.findings.extend(rules.findings(&subjects));
}

fn migrations(rules: &ManifestRules, sources: &[Source], verdict: &mut Verdict) {
    let files: Vec<sql::SqlFile<'_>> = sources.iter().map(sql::read).collect();
    let database = sql::Database::new(files.iter());
    for file in &files {
        let nodes = database.nodes(file);
        let mut subjects = Vec::new();
        sql::subjects(file, &nodes, &mut subjects);
        verdict.findings.extend(rules.findings(&subjects));
        verdict.unread.extend(file.gaps.iter().map(|gap| unread(file.source, gap.clone())));
    }
}

/// Renders every chart; gives back what its objects are to their namespaces.
fn charts_of(
    rules: &ManifestRules,
    tree: &Tree<'_>,
    sources: &[Source],
    verdict: &mut Verdict,
) -> Vec<(Arc<str>, Object)> {
    let mut roots: Vec<&str> = tree.paths.iter().filter_map(|path| path.strip_suffix("Chart.yaml")).collect();
    // The innermost chart a file lies in is its own.
    roots.sort_by_key(|root| std::cmp::Reverse(root.len()));
    let mut charts: BTreeMap<&str, BTreeMap<&str, &Source>> = BTreeMap::new();
    for source in sources {
        let path: &str = source.path();
        match roots.iter().find_map(|root| path.strip_prefix(root).map(|rest| (*root, rest))) {
            Some((root, rest)) => drop(charts.entry(root).or_default().insert(rest, source)),
            None if path.contains("templates/") => {
                let detail = "a template without a Chart.yaml above it".to_owned();
                verdict.unread.push(Unread {
                    path: Arc::clone(source.path()),
                    reason: UnreadReason::Syntax,
                    detail,
                });
            }
            None => {}
        }
    }
    let mut objects = Vec::new();
    for files in charts.values() {
        for made in helm::render(files) {
            verdict.unread.extend(made.gaps.iter().map(|gap| unread(&made.source, gap.clone())));
            let mut subjects = Vec::new();
            let roots: Vec<Node> = made.roots.iter().cloned().flat_map(kubernetes::written_out).collect();
            for root in &roots {
                kubernetes::subjects(root, &made.source, &mut subjects);
            }
            let Some(source) = files.values().find(|source| source.path() == made.source.path()) else {
                continue;
            };
            let line_of = |line: u32| {
                (line as usize).checked_sub(1).and_then(|at| made.lines.get(at)).copied().unwrap_or(1)
            };
            for mut finding in rules.findings(&subjects) {
                let line = line_of(finding.place.start.line);
                finding.place = source.place(trimmed(source, line));
                finding.hidden.clear();
                verdict.findings.push(finding);
            }
            objects.extend(subjects.iter().filter_map(object).map(|mut object| {
                let place = trimmed(source, line_of(object.line));
                (object.start, object.end) = (place.start, place.end);
                object.text = place.of(source.text()).to_owned();
                object.line = line_of(object.line);
                (Arc::clone(source.path()), object)
            }));
        }
    }
    objects
}

/// A line without its indentation.
fn trimmed(source: &Source, line: u32) -> gabion_finding::Span {
    let whole = source.line(line);
    let text = whole.of(source.text());
    let indent = text.len().saturating_sub(text.trim_start().len());
    gabion_finding::Span::new(whole.start.saturating_add(u32::try_from(indent).unwrap_or(0)), whole.end)
}

/// A source that holds one line at its own line number, for a place in a file that is no longer at hand.
fn stub(path: &str, line: u32, text: &str) -> (Source, gabion_finding::Span) {
    let before = (line as usize).saturating_sub(1).min(1 << 20);
    let whole = format!("{}{text}", "\n".repeat(before));
    (Source::new(path, &whole), span(before, whole.len()))
}

fn flags(place: gabion_finding::Span, all: &[(&str, bool)]) -> Node {
    let entry = |(key, value): &(&str, bool)| Entry {
        key: (*key).into(),
        key_span: place,
        node: Node::bool(place, *value),
    };
    Node::map(place, all.iter().map(entry).collect())
}

/// Asks the rules about one place of a file that was read before. `start` is where it stands in that file.
fn ask(
    rules: &ManifestRules,
    kind: &'static str,
    (path, line, start, text): (&str, u32, u32, &str),
    (name, facts): (&str, &[(&str, bool)]),
    verdict: &mut Verdict,
) {
    let (source, place) = stub(path, line, text);
    let node = flags(place, facts);
    let named = Vec::new();
    let subject =
        Subject { kind, sort: "", name: name.to_owned(), anchor: place, node: &node, named, source: &source };
    for mut finding in rules.findings(&[subject]) {
        let length = finding.place.span.len();
        finding.place.span = gabion_finding::Span::new(start, start.saturating_add(length));
        verdict.findings.push(finding);
    }
}

/// Workloads in a namespace for which no policy stands anywhere.
fn namespaces(rules: &ManifestRules, objects: &[(Arc<str>, Object)], verdict: &mut Verdict) {
    // A policy without a namespace is put where its workloads are.
    let anywhere = objects
        .iter()
        .any(|(_, object)| object.policy && (object.namespace.is_empty() || object.namespace == "?"));
    let mut seen: Vec<&str> = Vec::new();
    for (path, object) in objects.iter().filter(|(_, object)| !object.policy) {
        let namespace = object.namespace.as_str();
        if seen.contains(&namespace) || namespace == "?" {
            continue;
        }
        seen.push(namespace);
        let covered = anywhere
            || objects
                .iter()
                .any(|(_, other)| other.policy && (other.namespace == namespace || namespace.is_empty()));
        let shown = if namespace.is_empty() { "default" } else { namespace };
        ask(
            rules,
            "tree.namespace",
            (path, object.line, object.start, &object.text),
            (shown, &[("policy", covered)]),
            verdict,
        );
    }
}

/// Whole build contexts that are copied, and what is kept out of them.
fn contexts(
    rules: &ManifestRules,
    tree: &Tree<'_>,
    copies: &[(Arc<str>, Copied)],
    ignores: &BTreeMap<&str, String>,
    verdict: &mut Verdict,
) {
    let mut seen: Vec<&str> = Vec::new();
    for (path, (start, line, text)) in copies {
        if seen.contains(&path.as_ref()) {
            continue;
        }
        seen.push(path);
        let here = folder(path);
        // The context may be any folder above; what is kept out of one of them is kept out.
        let above = |file: &str| {
            file == format!("{path}.dockerignore")
                || (file.ends_with(".dockerignore")
                    && (folder(file).is_empty()
                        || here == folder(file)
                        || here.starts_with(&format!("{}/", folder(file)))))
        };
        let found: Vec<&String> =
            ignores.iter().filter(|(file, _)| above(file)).map(|(_, text)| text).collect();
        let keeps_out = |name: &str| found.iter().any(|text| covers(text, name));
        let inside = |name: &str| {
            let prefix = if here.is_empty() { String::new() } else { format!("{here}/") };
            tree.paths.iter().any(|other| {
                other.strip_prefix(&prefix).is_some_and(|rest| {
                    rest == name
                        || (rest.starts_with(&format!("{name}."))
                            && crate::formats::recognise(other, "") == Some(Format::Env))
                })
            })
        };
        let facts = [
            ("dockerignore", !found.is_empty()),
            ("env", inside(".env") && !keeps_out(".env")),
            ("git", !found.is_empty() && !keeps_out(".git")),
        ];
        ask(rules, "tree.docker-context", (path, *line, *start, text), (here, &facts), verdict);
    }
}

/// Whether a file of patterns leaves the name out; the last that fits decides.
fn covers(text: &str, name: &str) -> bool {
    let mut covered = false;
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (keep, pattern) = line.strip_prefix('!').map_or((false, line), |rest| (true, rest));
        let pattern = pattern
            .trim_start_matches("**/")
            .trim_start_matches('/')
            .trim_end_matches("/**")
            .trim_end_matches('/');
        if glob(pattern, name) {
            covered = !keep;
        }
    }
    covered
}

/// `*` and `?` within one name.
fn glob(pattern: &str, name: &str) -> bool {
    let (mut rest, mut first) = (name, true);
    let parts: Vec<&str> = pattern.split('*').collect();
    if parts.len() == 1 {
        return pattern == name;
    }
    for (at, part) in parts.iter().enumerate() {
        let last = at.saturating_add(1) == parts.len();
        rest = match (first, last) {
            (true, _) => match rest.strip_prefix(part) {
                Some(rest) => rest,
                None => return false,
            },
            (_, true) => return rest.ends_with(part),
            _ => match rest.find(part) {
                Some(found) => rest.get(found.saturating_add(part.len())..).unwrap_or_default(),
                None => return false,
            },
        };
        first = false;
    }
    true
}

/// Packages that read `.env`.
const READERS: &[&str] =
    &["dotenv", "dotenv-flow", "dotenv-safe", "dotenv_flow", "dotenvy", "environ", "environs", "decouple"];
const GODOTENV: &str = "github.com/joho/godotenv";

/// `.gitignore` files at the top of a project that let secrets in.
fn git_ignores(
    rules: &ManifestRules,
    tree: &Tree<'_>,
    ignores: &BTreeMap<&str, String>,
    verdict: &mut Verdict,
) {
    let Some(text) = ignores.get(".gitignore") else { return };
    // Who has no such files need not keep them out.
    let used = |names: &[&str]| {
        tree.paths.iter().any(|path| {
            let name = path.rsplit('/').next().unwrap_or(path);
            names.iter().any(|pattern| glob(pattern, name))
        })
    };
    let reads = || {
        let mut modules =
            tree.uses.iter().map(|used| used.module.split(['/', '.', ':']).next().unwrap_or_default());
        modules.any(|module| READERS.contains(&module))
            || tree.uses.iter().any(|used| &*used.module == GODOTENV)
    };
    let files = [".env*", "*.env.example", "docker-compose*.y*ml", "compose*.y*ml"];
    let environment = !covers(text, ".env") && (used(&files) || reads());
    let terraform = used(&["*.tf"]) && !covers(text, "terraform.tfstate");
    let facts = [("env", environment), ("state", terraform)];
    let first = text.lines().next().unwrap_or_default();
    ask(rules, "tree.ignore", (".gitignore", 1, 0, first), (".gitignore", &facts), verdict);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Value;

    #[test]
    fn patterns_cover_as_git_does() {
        for (text, name, covered) in [
            (".env\n", ".env", true),
            (".env*\n", ".env", true),
            ("*.env\n", ".env", true),
            ("**/.env\n", ".env", true),
            ("/.env\n", ".env", true),
            (".env*\n!.env\n", ".env", false),
            ("env\n", ".env", false),
            ("*\n", ".git", true),
            (".git/\n", ".git", true),
            ("*.tfstate*\n", "terraform.tfstate", true),
        ] {
            assert_eq!(covers(text, name), covered, "{text} {name}");
        }
    }

    #[test]
    fn every_value_of_the_flags_is_a_truth() {
        let node = flags(span(0, 0), &[("a", true), ("b", false)]);
        assert!(matches!(node.get("a").map(|node| &node.value), Some(Value::Bool(true))));
    }
}
