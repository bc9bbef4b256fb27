//! Holds a tree against the JSON Schema generated from the configuration's types, and finds everything
//! wrong with it at once.
//!
//! It understands what `schemars` writes for plain data types: objects, maps, lists, options, enums
//! (with and without a tag), bounds. Text formats (periods, addresses) are judged when the tree is read
//! into the types.

use serde_json::{Map, Value as Json};

use super::tree::{Node, Path, Value};

/// One thing wrong, and whether the key or the value is to blame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) path: Path,
    pub(crate) at_key: bool,
    pub(crate) reason: String,
    pub(crate) hint: Option<String>,
}

/// The generated schema.
#[derive(Debug, Clone)]
pub(crate) struct Schema {
    root: Json,
}

impl Schema {
    pub(crate) fn of<T: schemars::JsonSchema>() -> Self {
        Self {
            root: schemars::generate::SchemaSettings::draft2020_12()
                .into_generator()
                .into_root_schema_for::<T>()
                .to_value(),
        }
    }

    pub(crate) const fn as_json(&self) -> &Json {
        &self.root
    }

    /// Everything in `tree` that the schema does not allow, in the order of the schema's walk.
    pub(crate) fn check(&self, tree: &Node) -> Vec<Finding> {
        let mut findings = Vec::new();
        self.walk(tree, &self.root, &Path::default(), &mut findings);
        findings
    }

    /// `schema` itself, or what it refers to.
    pub(crate) fn resolve<'a>(&'a self, schema: &'a Json) -> &'a Json {
        let mut schema = schema;
        // A chain of references is short; a circle would be a bug in the types.
        for _ in 0..8 {
            let Some(reference) = schema.get("$ref").and_then(Json::as_str) else { break };
            let Some(target) = reference.strip_prefix('#').and_then(|pointer| self.root.pointer(pointer))
            else {
                break;
            };
            schema = target;
        }
        // `Option<T>` is `T` here: a key that is not written is the same as null.
        match alternatives(schema) {
            Some(branches) => {
                let mut real =
                    branches.iter().filter(|branch| branch.get("type") != Some(&Json::from("null")));
                match (real.next(), real.next()) {
                    (Some(only), None) if branches.len() > 1 => self.resolve(only),
                    _ => schema,
                }
            }
            None => schema,
        }
    }

    /// Whether what stands at `path` is text, so that an environment variable need not be quoted.
    pub(crate) fn is_text(&self, path: &Path) -> bool {
        let mut schema = self.resolve(&self.root);
        for step in &path.0 {
            let super::tree::Step::Key(key) = step else { return false };
            let next = properties(schema).and_then(|properties| properties.get(key));
            let Some(next) =
                next.or_else(|| schema.get("additionalProperties").filter(|more| more.is_object()))
            else {
                return false;
            };
            schema = self.resolve(next);
        }
        expected(schema) == Some("string") || !options(schema).is_empty()
    }

    fn walk(&self, node: &Node, schema: &Json, path: &Path, findings: &mut Vec<Finding>) {
        let schema = self.resolve(schema);
        if let Some(branches) = alternatives(schema) {
            self.walk_alternatives(node, schema, branches, path, findings);
            return;
        }
        for part in schema.get("allOf").and_then(Json::as_array).into_iter().flatten() {
            self.walk(node, part, path, findings);
        }
        let options = options(schema);
        if !options.is_empty() {
            findings.extend(check_option(node, &options, path));
            return;
        }
        if !fits(node, schema) {
            findings.push(mismatch(node, &self.describe(schema), schema, path));
            return;
        }
        match &node.value {
            Value::Table(entries) => {
                let known = properties(schema);
                let more = schema.get("additionalProperties");
                for (key, entry) in entries {
                    if let Some(schema) = known.and_then(|known| known.get(key)) {
                        self.walk(&entry.node, schema, &path.key(key), findings);
                    } else if let Some(schema) = more.filter(|more| more.is_object()) {
                        self.walk(&entry.node, schema, &path.key(key), findings);
                    } else if more == Some(&Json::Bool(false)) {
                        findings.push(self.unknown_key(key, known, path));
                    }
                }
                // A key that was only misspelt is not missing too.
                let names: Vec<&str> = known.into_iter().flatten().map(|(name, _)| name.as_str()).collect();
                let strange = entries.keys().filter(|key| !names.contains(&key.as_str()));
                let meant: Vec<&str> = strange.filter_map(|key| nearest(key, &names)).collect();
                let absent = |key: &&str| !entries.contains_key(*key) && !meant.contains(key);
                for key in required(schema).filter(absent) {
                    findings.push(Finding {
                        path: path.clone(),
                        at_key: false,
                        reason: format!("`{key}` is missing"),
                        hint: known
                            .and_then(|known| known.get(key))
                            .and_then(|schema| example(key, self.resolve(schema))),
                    });
                }
            }
            Value::Array(items) => {
                if let Some(schema) = schema.get("items") {
                    for (index, item) in items.iter().enumerate() {
                        self.walk(item, schema, &path.index(index), findings);
                    }
                }
            }
            Value::Integer(value) => findings.extend(out_of_bounds(*value, schema, path)),
            _ => {}
        }
    }

    fn walk_alternatives(
        &self,
        node: &Node,
        whole: &Json,
        branches: &[Json],
        path: &Path,
        findings: &mut Vec<Finding>,
    ) {
        let branches: Vec<&Json> = branches
            .iter()
            .map(|branch| self.resolve(branch))
            .filter(|branch| branch.get("type") != Some(&Json::from("null")))
            .collect();
        let words: Vec<&str> = branches.iter().flat_map(|branch| options(branch)).collect();
        if branches.iter().all(|branch| !options(branch).is_empty()) {
            findings.extend(check_option(node, &words, path));
            return;
        }
        if let (Some((tag, names)), Value::Table(entries)) = (tag_of(&branches), &node.value) {
            match entries.get(tag).map(|entry| &entry.node) {
                None => findings.push(Finding {
                    path: path.clone(),
                    at_key: false,
                    reason: format!("`{tag}` is missing"),
                    hint: Some(format!("`{tag}` is one of {}", listed(&names))),
                }),
                Some(chosen) => {
                    let branch = branches
                        .iter()
                        .zip(&names)
                        .find(|(_, name)| matches!(&chosen.value, Value::String(text) if text == **name));
                    match branch {
                        Some((branch, _)) => self.walk(node, branch, path, findings),
                        None => findings.extend(check_option(chosen, &names, &path.key(tag))),
                    }
                }
            }
            return;
        }
        let only_words = |branch: &&Json| expected(branch) != Some("string") || !options(branch).is_empty();
        if matches!(node.value, Value::String(_)) && !words.is_empty() && branches.iter().all(only_words) {
            findings.extend(check_option(node, &words, path));
            return;
        }
        let mut best: Option<Vec<Finding>> = None;
        for branch in branches.iter().filter(|branch| fits(node, branch)) {
            let mut own = Vec::new();
            self.walk(node, branch, path, &mut own);
            if best.as_ref().is_none_or(|best| own.len() < best.len()) {
                best = Some(own);
            }
        }
        match best {
            Some(best) => findings.extend(best),
            None => findings.push(mismatch(node, &self.describe(whole), whole, path)),
        }
    }

    /// What is expected, as a person would say it.
    pub(crate) fn describe(&self, schema: &Json) -> String {
        let schema = self.resolve(schema);
        let options = options(schema);
        if !options.is_empty() {
            return format!("one of {}", listed(&options));
        }
        if let Some(branches) = alternatives(schema) {
            let mut words: Vec<String> = Vec::new();
            for branch in branches {
                let word = self.describe(branch);
                if !words.contains(&word) {
                    words.push(word);
                }
            }
            return words.join(" or ");
        }
        match expected(schema) {
            Some("array") => {
                let items = schema.get("items").map(|items| self.describe(items)).unwrap_or_default();
                match items.as_str() {
                    "text" => "a list of texts".to_owned(),
                    "a whole number" => "a list of whole numbers".to_owned(),
                    "a table" => "a list of tables".to_owned(),
                    other => format!("a list of {other}"),
                }
            }
            Some("boolean") => "true or false".to_owned(),
            Some("integer") => "a whole number".to_owned(),
            Some("number") => "a number".to_owned(),
            Some("object") => "a table".to_owned(),
            Some("string") => match example_text(schema).as_deref() {
                Some(example) if schema.get("pattern").is_some() && example.ends_with('B') => {
                    format!("a size like `\"{example}\"`")
                }
                Some(example) if schema.get("pattern").is_some() => format!("a period like `\"{example}\"`"),
                _ => "text".to_owned(),
            },
            _ => "a value".to_owned(),
        }
    }

    fn unknown_key(&self, key: &str, known: Option<&Map<String, Json>>, path: &Path) -> Finding {
        let known: Vec<&str> = known.into_iter().flatten().map(|(name, _)| name.as_str()).collect();
        let hint = match nearest(key, &known) {
            Some(near) => format!("did you mean `{near}`?"),
            None => match self.elsewhere(key) {
                Some(place) => format!("did you mean `{place}`?"),
                None if known.is_empty() => "no key is known here".to_owned(),
                None => format!("known here: {}", listed(&known)),
            },
        };
        let reason = if path.0.is_empty() {
            format!("unknown key `{key}`")
        } else {
            format!("unknown key `{key}` in `{path}`")
        };
        Finding { path: path.key(key), at_key: true, reason, hint: Some(hint) }
    }

    /// A key of this name, or nearly, in a table directly under the root.
    fn elsewhere(&self, key: &str) -> Option<String> {
        let sections = properties(self.resolve(&self.root))?;
        sections.iter().find_map(|(name, section)| {
            let names: Vec<&str> = properties(self.resolve(section))?.keys().map(String::as_str).collect();
            nearest(key, &names).map(|near| format!("{name}.{near}"))
        })
    }
}

pub(crate) fn properties(schema: &Json) -> Option<&Map<String, Json>> {
    schema.get("properties").and_then(Json::as_object)
}

fn required(schema: &Json) -> impl Iterator<Item = &str> {
    schema.get("required").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str)
}

pub(crate) fn alternatives(schema: &Json) -> Option<&Vec<Json>> {
    schema.get("oneOf").or_else(|| schema.get("anyOf")).and_then(Json::as_array)
}

/// The words a schema allows, when it allows only certain words.
pub(crate) fn options(schema: &Json) -> Vec<&str> {
    let own = |schema: &Json| schema.get("const").is_some() || schema.get("enum").is_some();
    if own(schema) {
        let listed = schema.get("enum").and_then(Json::as_array).into_iter().flatten();
        return listed.chain(schema.get("const")).filter_map(Json::as_str).collect();
    }
    match alternatives(schema) {
        Some(branches) if branches.iter().all(own) => branches.iter().flat_map(options).collect(),
        _ => Vec::new(),
    }
}

/// The JSON type a schema wants; of `["string", "null"]` the one that is not null.
pub(crate) fn expected(schema: &Json) -> Option<&str> {
    match schema.get("type") {
        Some(Json::String(name)) => Some(name),
        Some(Json::Array(names)) => names.iter().filter_map(Json::as_str).find(|name| *name != "null"),
        _ => None,
    }
}

fn fits(node: &Node, schema: &Json) -> bool {
    match expected(schema) {
        None => true,
        Some("array") => matches!(node.value, Value::Array(_)),
        Some("boolean") => matches!(node.value, Value::Boolean(_)),
        Some("integer") => matches!(node.value, Value::Integer(_)),
        Some("number") => matches!(node.value, Value::Integer(_) | Value::Float(_)),
        Some("object") => matches!(node.value, Value::Table(_)),
        Some("string") => matches!(node.value, Value::String(_)),
        Some(_) => false,
    }
}

/// The key every branch pins to a word of its own, and those words.
fn tag_of<'a>(branches: &[&'a Json]) -> Option<(&'a str, Vec<&'a str>)> {
    let first = properties(branches.first()?)?;
    first.keys().find_map(|key| {
        let names: Option<Vec<&str>> =
            branches.iter().map(|branch| properties(branch)?.get(key)?.get("const")?.as_str()).collect();
        names.map(|names| (key.as_str(), names))
    })
}

fn check_option(node: &Node, options: &[&str], path: &Path) -> Option<Finding> {
    let Value::String(text) = &node.value else {
        return Some(Finding {
            path: path.clone(),
            at_key: false,
            reason: format!("expected text, found {}", node.kind()),
            hint: Some(format!("one of {}", listed(options))),
        });
    };
    if options.contains(&text.as_str()) {
        return None;
    }
    let hint = match nearest(text, options) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("one of {}", listed(options)),
    };
    Some(Finding {
        path: path.clone(),
        at_key: false,
        reason: format!("`{text}` is not a choice for `{}`", path.last_key().unwrap_or_default()),
        hint: Some(hint),
    })
}

fn mismatch(node: &Node, wanted: &str, schema: &Json, path: &Path) -> Finding {
    let name = path.last_key().unwrap_or("value");
    let hint = match (&node.value, expected(schema)) {
        (Value::String(text), Some("integer" | "number" | "boolean"))
            if text.parse::<f64>().is_ok() || text == "true" || text == "false" =>
        {
            Some(format!("without quotes: `{name} = {text}`"))
        }
        (Value::String(text), Some("array")) => Some(format!("in brackets: `{name} = [{text:?}]`")),
        (Value::Integer(number), Some("string")) => match example_text(schema) {
            Some(example) if example.ends_with('B') => {
                Some(format!("with its unit: `{name} = \"{number}MB\"`"))
            }
            Some(_) => Some(format!("with its unit: `{name} = \"{number}s\"`")),
            None => Some(format!("in quotes: `{name} = \"{number}\"`")),
        },
        (_, Some("object")) => Some(format!("write a table: `[{path}]`")),
        _ => None,
    };
    Finding {
        path: path.clone(),
        at_key: false,
        reason: format!("expected {wanted}, found {}", node.kind()),
        hint,
    }
}

fn out_of_bounds(value: i64, schema: &Json, path: &Path) -> Option<Finding> {
    let bound = |name: &str| schema.get(name).and_then(Json::as_i64);
    let lowest = bound("minimum");
    let highest = bound("maximum").or_else(|| match schema.get("format").and_then(Json::as_str) {
        Some("uint32") => Some(i64::from(u32::MAX)),
        Some("uint16") => Some(i64::from(u16::MAX)),
        _ => None,
    });
    if lowest.is_none_or(|lowest| value >= lowest) && highest.is_none_or(|highest| value <= highest) {
        return None;
    }
    let hint = match (lowest, highest) {
        (Some(lowest), Some(highest)) => format!("from {lowest} to {highest}"),
        (Some(lowest), None) => format!("{lowest} or more"),
        (None, Some(highest)) => format!("{highest} or less"),
        (None, None) => return None,
    };
    Some(Finding {
        path: path.clone(),
        at_key: false,
        reason: format!("`{value}` is out of bounds"),
        hint: Some(hint),
    })
}

fn example_text(schema: &Json) -> Option<String> {
    schema.get("examples")?.get(0)?.as_str().map(str::to_owned)
}

fn example(key: &str, schema: &Json) -> Option<String> {
    let options = options(schema);
    if !options.is_empty() {
        return Some(format!("`{key}` is one of {}", listed(&options)));
    }
    example_text(schema).map(|example| format!("for instance `{key} = {example:?}`"))
}

/// The word most like `text`, when one is like it at all.
pub(crate) fn nearest<'a>(text: &str, words: &[&'a str]) -> Option<&'a str> {
    let lower = text.to_lowercase().replace('-', "_");
    words
        .iter()
        .map(|word| {
            (
                strsim::jaro_winkler(&lower, &word.to_lowercase()),
                strsim::damerau_levenshtein(&lower, word),
                *word,
            )
        })
        .filter(|(likeness, distance, _)| *likeness > 0.85 || *distance <= 2 && lower.len() > 3)
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, _, word)| word)
}

fn listed(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use gabion_model::{ByteSize, Period};
    use schemars::JsonSchema;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its schema is used")]
    struct Sample {
        name: String,
        port: Option<u16>,
        idle: Option<Period>,
        body: Option<ByteSize>,
        tags: Option<Vec<String>>,
        mode: Option<Mode>,
        tls: Option<Tls>,
        list: Option<Vec<Inner>>,
        #[serde(default)]
        map: BTreeMap<String, Inner>,
        either: Option<Either>,
    }

    /// A choice whose words have documents.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(rename_all = "kebab-case")]
    enum Mode {
        /// Refuses.
        Enforce,
        /// Records.
        Observe,
    }

    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(tag = "mode", rename_all = "kebab-case", deny_unknown_fields)]
    #[expect(dead_code, reason = "only its schema is used")]
    enum Tls {
        Off {},
        Files { certificate: String },
    }

    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its schema is used")]
    struct Inner {
        size: u32,
    }

    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(untagged)]
    #[expect(dead_code, reason = "only its schema is used")]
    enum Either {
        One(String),
        Many(Vec<String>),
    }

    fn findings(text: &str) -> String {
        let (tree, errors) = Node::read(text);
        assert!(errors.is_empty(), "{errors:?}");
        let mut lines: Vec<String> = Schema::of::<Sample>()
            .check(&tree)
            .into_iter()
            .map(|finding| {
                format!("{}: {} ({})", finding.path, finding.reason, finding.hint.unwrap_or_default())
            })
            .collect();
        lines.sort();
        lines.join("\n")
    }

    #[test]
    fn what_is_right_has_no_findings() {
        let text = r#"
            name = "x"
            port = 8080
            idle = "15m"
            tags = ["a"]
            mode = "observe"
            tls = { mode = "files", certificate = "a.pem" }
            list = [{ size = 1 }]
            either = ["a", "b"]
            map.a.size = 1
        "#;
        assert_eq!(findings(text), "");
    }

    #[test]
    fn everything_wrong_is_found_at_once() {
        let text = r#"
            prot = 8080
            port = 70000
            idle = 15
            body = 10
            tags = "a"
            mode = "enforced"
            tls = { mode = "file" }
            list = [{ size = "1" }, { seize = 1 }]
            either = 5
            map.a.zzz = 1
        "#;
        insta::assert_snapshot!(findings(text));
    }

    #[test]
    fn a_tagged_choice_is_judged_by_its_tag() {
        assert_eq!(
            findings("name = \"x\"\ntls = { mode = \"files\", certifcate = \"a\" }"),
            "tls.certifcate: unknown key `certifcate` in `tls` (did you mean `certificate`?)"
        );
        assert_eq!(
            findings("name = \"x\"\ntls = {}"),
            "tls: `mode` is missing (`mode` is one of `off`, `files`)"
        );
    }
}
