//! From file, environment and flags to a configuration, or to everything that is wrong with them.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path as FilePath, PathBuf};

use gabion_model::Problem;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use super::diagnostic::{Diagnostic, Source};
use super::schema::Schema;
use super::settings::Identity;
use super::tree::{self, Node, Origin, Path, Value};
use super::{Config, cross, warnings};
use crate::identity::{self, Looked};

const PREFIX: &str = "GABION_";
const SEPARATOR: &str = "__";
/// Deeper than any setting lies; what a variable names beyond is one unknown key.
const DEEPEST: usize = 16;

/// Everything a configuration is made of, weakest first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sources {
    pub(crate) file: Option<PathBuf>,
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) flags: Vec<FlagValue>,
    /// Also ask whether a gate could start with it: routes, upstreams, listeners, files. Commands that
    /// only need the data directory do not.
    pub(crate) whole: bool,
}

/// A setting given by a flag.
#[derive(Debug, Clone)]
pub(crate) struct FlagValue {
    /// The setting, for instance `data.directory`.
    pub(crate) path: &'static str,
    /// The flag, for instance `--data`.
    pub(crate) flag: &'static str,
    pub(crate) value: String,
}

/// A configuration without a known fault.
#[derive(Debug, Clone)]
pub(crate) struct Loaded {
    pub(crate) config: Config,
    /// What was written, and where.
    pub(crate) tree: Node,
    pub(crate) source: Option<Source>,
    /// The identity file, where there is one and it was asked for.
    pub(crate) declared: Option<Looked>,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadError {
    #[error("cannot read `{path}`")]
    Identity { path: PathBuf, source: std::io::Error },
    #[error("cannot read `{path}`")]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("the configuration has {} wrong", plural(.0.diagnostics.len()))]
    Wrong(Box<Wrong>),
}

/// All the faults of one configuration, in the order of the file.
#[derive(Debug)]
pub(crate) struct Wrong {
    pub(crate) diagnostics: Vec<Diagnostic>,
    pub(crate) source: Option<Source>,
}

impl Sources {
    /// The settings among the process's environment variables; the others may hold any bytes.
    pub(crate) fn with_environment(mut self, variables: impl Iterator<Item = (OsString, OsString)>) -> Self {
        let settings = variables.filter_map(|(name, value)| {
            let name = name.into_string().ok()?;
            let is_setting = name.starts_with(PREFIX) && name.contains(SEPARATOR);
            is_setting.then(|| (name, value.to_string_lossy().into_owned()))
        });
        self.environment = settings.collect();
        self.environment.sort();
        self
    }

    /// Reads, checks and composes. Nothing is started or changed by it.
    ///
    /// # Errors
    /// The file cannot be read, or anything at all is wrong: then everything that is wrong.
    pub(crate) fn load(&self) -> Result<Loaded, LoadError> {
        let source = match &self.file {
            None => None,
            Some(path) => Some(Source {
                name: path.display().to_string(),
                text: std::fs::read_to_string(path)
                    .map_err(|source| LoadError::Unreadable { path: path.clone(), source })?,
            }),
        };
        let base = self.file.as_deref().and_then(FilePath::parent).unwrap_or(FilePath::new(""));
        let mut loaded = self.compose(source, base)?;
        let usual = base.join(Identity::USUAL);
        if self.file.is_some() && loaded.config.identity.file.is_none() && usual.is_file() {
            loaded.config.identity.file = Some(usual);
        }
        if let Some(path) = loaded.config.identity.file.clone().filter(|_| self.whole) {
            loaded.declared = Some(identity::look(&path)?);
        }
        Ok(loaded)
    }

    fn compose(&self, source: Option<Source>, base: &FilePath) -> Result<Loaded, LoadError> {
        let schema = Schema::of::<Config>();
        let mut faults = Faults::default();
        let mut tree = match &source {
            Some(source) => {
                let (tree, errors) = Node::read(&source.text);
                faults.syntax(errors, source);
                tree
            }
            None => Node::empty(),
        };
        self.apply_overrides(&mut tree, &schema, &mut faults);
        let written = tree.clone();
        faults.schema(&schema, &mut tree);
        let mut config: Option<Config> = faults.deserialise(&mut tree);
        if let Some(config) = &mut config {
            config.resolve_paths(base);
            config.share_hosts();
            let problems = config.problems();
            faults.problems(problems, &written);
            if self.whole {
                faults.problems(cross::problems(config), &written);
            }
        }
        if self.whole && !faults.broken_syntax {
            let found = cross::names(&written).into_iter().map(|problem| placed(problem, &written));
            faults.found.extend(found);
        }
        match config {
            Some(config) if faults.found.is_empty() => {
                Ok(Loaded { config, tree: written, source, declared: None })
            }
            _ => Err(LoadError::Wrong(Box::new(Wrong { diagnostics: faults.sorted(), source }))),
        }
    }

    fn apply_overrides(&self, tree: &mut Node, schema: &Schema, faults: &mut Faults) {
        let environment = self.environment.iter().map(|(name, value)| {
            let keys = name.strip_prefix(PREFIX).unwrap_or(name).to_lowercase();
            let path =
                Path(keys.splitn(DEEPEST, SEPARATOR).map(|key| tree::Step::Key(key.to_owned())).collect());
            (path, Origin::Environment(name.clone()), value.as_str())
        });
        let flags = self
            .flags
            .iter()
            .map(|flag| (Path::parse(flag.path), Origin::Flag(flag.flag), flag.value.as_str()));
        for (path, origin, text) in environment.chain(flags) {
            let value = if schema.is_text(&path) {
                Value::String(text.to_owned())
            } else {
                tree::read_value(text, &origin)
            };
            if !tree.set(&path, value, &origin) {
                faults.found.push(Diagnostic {
                    path,
                    origin,
                    reason: "sets a key inside something that is not a table".to_owned(),
                    hint: Some("see `gabion config explain` for the keys there are".to_owned()),
                });
            }
        }
    }
}

/// What was found so far. Faulty parts are taken out of the tree so that the search can go on; what
/// would only be a consequence of that is not reported.
#[derive(Debug, Default)]
struct Faults {
    found: Vec<Diagnostic>,
    /// Tables with something taken out: judging them further would blame the wrong thing.
    cut: BTreeSet<String>,
    broken_syntax: bool,
}

impl Faults {
    fn syntax(&mut self, errors: Vec<(std::ops::Range<usize>, String)>, source: &Source) {
        let mut lines = BTreeSet::new();
        for (span, reason) in errors {
            self.broken_syntax = true;
            // The parser goes on after an error; what it says next on the same line is an echo.
            if lines.insert(source.place(span.start).0) {
                let hint = syntax_hint(&reason);
                self.found.push(Diagnostic {
                    path: Path::default(),
                    origin: Origin::File(span),
                    reason,
                    hint,
                });
            }
        }
    }

    fn schema(&mut self, schema: &Schema, tree: &mut Node) {
        if self.broken_syntax {
            return;
        }
        for finding in schema.check(tree) {
            let origin = match (finding.at_key, finding.path.last_key(), tree.find(&finding.path.parent())) {
                (true, Some(key), Some(Node { value: Value::Table(entries), .. })) => {
                    entries.get(key).map(|entry| entry.key.clone())
                }
                _ => None,
            };
            let origin = origin.unwrap_or_else(|| tree.origin_of(&finding.path));
            self.cut.insert(finding.path.section().to_owned());
            self.found.push(Diagnostic {
                path: finding.path,
                origin,
                reason: finding.reason,
                hint: finding.hint,
            });
        }
        for diagnostic in &self.found {
            tree.remove(&diagnostic.path);
        }
    }

    fn deserialise<T: DeserializeOwned>(&mut self, tree: &mut Node) -> Option<T> {
        if self.broken_syntax {
            return None;
        }
        // Every round takes at least one value out of the tree, so this ends.
        loop {
            let error = match serde_path_to_error::deserialize::<_, T>(tree.to_json()) {
                Ok(config) => return Some(config),
                Err(error) => error,
            };
            let path = Path::parse(&error.path().to_string());
            let (reason, hint) = in_words(&error.inner().to_string(), tree.find(&path));
            let consequence = self.cut.contains(path.section()) && reason.starts_with("missing field");
            if !consequence {
                let origin = tree.origin_of(&path);
                self.found.push(Diagnostic { path: path.clone(), origin, reason, hint });
            }
            self.cut.insert(path.section().to_owned());
            let mut path = path;
            while !tree.remove(&path) {
                if path.0.is_empty() {
                    return None;
                }
                path = path.parent();
            }
        }
    }

    /// In the order of the file; two parts of the program may see the same fault.
    fn sorted(mut self) -> Vec<Diagnostic> {
        self.found.sort_by_key(Diagnostic::order);
        let mut seen: Vec<Diagnostic> = Vec::with_capacity(self.found.len());
        for fault in self.found {
            if !seen.contains(&fault) {
                seen.push(fault);
            }
        }
        seen
    }

    fn problems(&mut self, problems: Vec<Problem>, written: &Node) {
        for problem in problems {
            let diagnostic = placed(problem, written);
            if !self.cut.contains(diagnostic.path.section()) {
                self.found.push(diagnostic);
            }
        }
    }
}

/// Reads another file than the configuration by the schema of its own type: the value and where each part of
/// it was written, or everything that is wrong with it.
pub(crate) fn read_as<T: DeserializeOwned + JsonSchema>(
    source: &Source,
    problems: impl FnOnce(&T) -> Vec<Problem>,
) -> Result<(T, Node), Vec<Diagnostic>> {
    let mut faults = Faults::default();
    let (mut tree, errors) = Node::read(&source.text);
    faults.syntax(errors, source);
    let written = tree.clone();
    faults.schema(&Schema::of::<T>(), &mut tree);
    let value: Option<T> = faults.deserialise(&mut tree);
    if let Some(value) = value.as_ref().filter(|_| faults.found.is_empty()) {
        faults.problems(problems(value), &written);
    }
    match value {
        Some(value) if faults.found.is_empty() => Ok((value, written)),
        _ => Err(faults.sorted()),
    }
}

/// The problem, where its key was written.
pub(crate) fn placed(problem: Problem, written: &Node) -> Diagnostic {
    let path = Path::parse(&problem.path);
    let reason = with_subject(problem.reason, &path);
    Diagnostic { origin: written.origin_of(&path), path, reason, hint: problem.hint }
}

/// A table says of its key what it `is` or `must` be; which key that is has to be said too, all the more
/// where it is missing and the excerpt cannot show it.
fn with_subject(reason: String, path: &Path) -> String {
    if !["is ", "must ", "only works "].iter().any(|verb| reason.starts_with(verb)) {
        return reason;
    }
    match path.last_key() {
        Some(key) => format!("`{key}` {reason}"),
        None => format!("`{path}` {reason}"),
    }
}

impl Loaded {
    /// What it leaves open, in the order of the file.
    pub(crate) fn warnings(&self) -> Vec<Diagnostic> {
        let found = warnings::of(&self.config).into_iter();
        let mut warnings: Vec<Diagnostic> = found.map(|problem| placed(problem, &self.tree)).collect();
        warnings.sort_by_key(Diagnostic::order);
        warnings
    }

    /// For instance `gabion.toml:12`, `GABION_DATA__DIRECTORY` or `--data`.
    pub(crate) fn describe_origin(&self, origin: &Origin) -> String {
        match (origin, &self.source) {
            (Origin::File(span), Some(source)) => format!("{}:{}", source.name, source.place(span.start).0),
            (Origin::File(_), None) => "default".to_owned(),
            (Origin::Environment(name), _) => name.clone(),
            (Origin::Flag(name), _) => (*name).to_owned(),
        }
    }
}

/// What a parser of the standard library says, for people.
fn in_words(reason: &str, node: Option<&Node>) -> (String, Option<String>) {
    let Some(Node { value: Value::String(text), .. }) = node else { return (reason.to_owned(), None) };
    if reason.contains("socket address") {
        let hint = "an address and a port, for instance `127.0.0.1:8080` or `[::]:8443`";
        return (format!("`{text}` is not an address to listen on"), Some(hint.to_owned()));
    }
    if reason.contains("IP address") {
        return (format!("`{text}` is not an IP address"), None);
    }
    match reason.split_once(": write ") {
        Some((what, hint)) => (what.to_owned(), Some(format!("write {hint}"))),
        None => (reason.to_owned(), None),
    }
}

fn syntax_hint(reason: &str) -> Option<String> {
    let hint = if reason.contains("duplicate key") {
        "each key stands once in its table; keep one of the two"
    } else if reason.contains("string values must be quoted") || reason.contains("quoted") {
        "text stands in double quotes: `key = \"value\"`"
    } else {
        "TOML is `key = value` under `[table]`; text in double quotes, lists in brackets"
    };
    Some(hint.to_owned())
}

fn plural(count: usize) -> String {
    match count {
        1 => "one thing".to_owned(),
        count => format!("{count} things"),
    }
}

/// For tests and for what is not in a file: the same as [`Sources::load`] from a text.
#[cfg(test)]
pub(crate) fn load_text(text: &str) -> Result<Loaded, LoadError> {
    let source = Source { name: "gabion.toml".to_owned(), text: text.to_owned() };
    Sources { whole: true, ..Sources::default() }.compose(Some(source), FilePath::new(""))
}
