//! Every key there is: what it means, what it may be, what it is now and who said so.

use serde::Serialize;
use serde_json::Value as Json;

use super::schema::{Schema, alternatives, options, properties};
use super::tree::{Node, Path, Step, Value};
use super::{Config, Loaded};

/// One key.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Key {
    /// Its path; `<name>` and `[]` stand for what the author chooses.
    pub(crate) path: String,
    /// What it means; the first line says it shortly.
    pub(crate) doc: String,
    /// What it may be.
    pub(crate) kind: String,
    /// The words it may be, each with its meaning, when only certain words are allowed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) choices: Vec<Choice>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) default: Option<Json>,
    /// Where the configuration says otherwise, once for each place.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) set: Vec<Set>,
    /// Whether it is a table that holds other keys.
    pub(crate) table: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Choice {
    pub(crate) word: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) doc: String,
}

/// A present value and its origin.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Set {
    pub(crate) path: String,
    pub(crate) value: Json,
    /// For instance `gabion.toml:12` or `GABION_DATA__DIRECTORY`.
    pub(crate) origin: String,
}

/// Every key below `prefix` (all for an empty one), in the order of the schema. `loaded` adds what is
/// set now.
pub(crate) fn keys(schema: &Schema, loaded: Option<&Loaded>, prefix: &str) -> Vec<Key> {
    let defaults = serde_json::to_value(Config::default()).unwrap_or_default();
    let mut walk = Walk { schema, loaded, keys: Vec::new(), depth: 0 };
    walk.table(schema.as_json(), &Path::default(), Some(&defaults));
    let wanted = Path::parse(prefix);
    walk.keys.retain(|key| is_below(&Path::parse(&key.path), &wanted));
    walk.keys
}

/// Every path, for suggestions.
pub(crate) fn all_paths(schema: &Schema) -> Vec<String> {
    keys(schema, None, "").into_iter().map(|key| key.path).collect()
}

/// Whether a key is what was asked for or stands below it. `routes[2]` and `upstreams.app` ask about
/// `routes[]` and `upstreams.<name>`.
fn is_below(key: &Path, wanted: &Path) -> bool {
    let fits = |(own, asked): (&Step, &Step)| match (own, asked) {
        (Step::Key(own), Step::Key(asked)) => own == asked || own == "<name>",
        (Step::Key(own), Step::Index(_)) => own.is_empty(),
        (Step::Index(_), _) => false,
    };
    wanted.0.len() <= key.0.len() && key.0.iter().zip(&wanted.0).all(fits)
}

struct Walk<'a> {
    schema: &'a Schema,
    loaded: Option<&'a Loaded>,
    keys: Vec<Key>,
    depth: usize,
}

impl Walk<'_> {
    fn table(&mut self, schema: &Json, path: &Path, defaults: Option<&Json>) {
        // Types do not contain themselves; a bound all the same.
        if self.depth > 12 {
            return;
        }
        self.depth += 1;
        let schema = self.schema.resolve(schema);
        for (name, property) in properties(schema).into_iter().flatten() {
            let default = defaults.and_then(|defaults| defaults.get(name));
            self.key(property, &path.key(name), default);
        }
        for branch in alternatives(schema).into_iter().flatten() {
            let branch = self.schema.resolve(branch);
            for (name, property) in properties(branch).into_iter().flatten() {
                let path = path.key(name);
                let known = self.keys.iter().any(|key| key.path == path.to_string());
                if !known && property.get("const").is_none() {
                    self.key(property, &path, None);
                }
            }
        }
        self.depth -= 1;
    }

    fn key(&mut self, property: &Json, path: &Path, default: Option<&Json>) {
        let schema = self.schema.resolve(property);
        let default = default.or_else(|| property.get("default")).filter(|value| !value.is_null());
        let entries = schema.get("additionalProperties").filter(|more| more.is_object());
        let items = schema.get("items").map(|items| self.schema.resolve(items));
        let holds_tables = |inner: &Json| properties(self.schema.resolve(inner)).is_some();
        let is_table = properties(schema).is_some()
            || alternatives(schema).is_some_and(|branches| branches.iter().any(holds_tables))
            || entries.is_some()
            || items.is_some_and(holds_tables);
        self.keys.push(Key {
            path: path.to_string(),
            doc: doc(property).or_else(|| doc(schema)).unwrap_or_default(),
            kind: self.schema.describe(schema),
            choices: self.choices(schema),
            default: if is_table { None } else { default.cloned() },
            set: if is_table { Vec::new() } else { self.present(path) },
            table: is_table,
        });
        match (entries, items) {
            (Some(entry), _) => self.table(entry, &path.key("<name>"), None),
            (None, Some(item)) if holds_tables(item) => {
                self.table(item, &Path(vec![Step::Key(format!("{path}[]"))]), None)
            }
            _ if is_table => self.table(schema, path, default),
            _ => {}
        }
    }

    fn choices(&self, schema: &Json) -> Vec<Choice> {
        let choice = |word: &str, schema: &Json| Choice {
            word: word.to_owned(),
            doc: doc(schema).unwrap_or_default(),
        };
        match alternatives(schema) {
            Some(branches) => branches
                .iter()
                .flat_map(|branch| options(branch).into_iter().map(move |word| choice(word, branch)))
                .collect(),
            None => options(schema)
                .into_iter()
                .map(|word| Choice { word: word.to_owned(), doc: String::new() })
                .collect(),
        }
    }

    fn present(&self, path: &Path) -> Vec<Set> {
        let Some(loaded) = self.loaded else { return Vec::new() };
        let mut found = Vec::new();
        let wanted = path.to_string();
        collect(&loaded.tree, &Path::default(), &mut |place, node| {
            let matches = place.to_string() == wanted || same_shape(place, &wanted);
            if matches {
                found.push(Set {
                    path: place.to_string(),
                    value: node.to_json(),
                    origin: loaded.describe_origin(&node.origin),
                });
            }
        });
        found
    }
}

/// Whether a concrete place is one the pattern (`upstreams.<name>.url`, `routes[].path`) means.
fn same_shape(place: &Path, pattern: &str) -> bool {
    let mut steps = place.0.iter();
    for part in pattern.split('.') {
        let (name, list) = part.strip_suffix("[]").map_or((part, false), |name| (name, true));
        let fits = match steps.next() {
            Some(Step::Key(key)) => name == "<name>" || key == name,
            _ => false,
        };
        if !fits || list && !matches!(steps.next(), Some(Step::Index(_))) {
            return false;
        }
    }
    steps.next().is_none()
}

fn collect(node: &Node, path: &Path, visit: &mut dyn FnMut(&Path, &Node)) {
    visit(path, node);
    match &node.value {
        Value::Table(entries) => {
            for (key, entry) in entries {
                collect(&entry.node, &path.key(key), visit);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                collect(item, &path.index(index), visit);
            }
        }
        _ => {}
    }
}

fn doc(schema: &Json) -> Option<String> {
    schema.get("description").and_then(Json::as_str).map(str::to_owned)
}
