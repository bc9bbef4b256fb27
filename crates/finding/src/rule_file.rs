//! Reads files of rules: what all rules have in common, and what is left to the scanner.

use gabion_model::Problem;
use serde::de::DeserializeOwned;
use toml::{Table, Value};

use crate::Rule;

/// A file of rules, in TOML:
///
/// ```toml
/// [[rule]]
/// id = "docker.user.root"
/// title = "the container runs as root"
/// control = "supply.images"
/// cwe = [250]
/// severity = "medium"
/// confidence = "high"
/// why = "…"
/// fix = "…"
/// references = ["https://…"]
///
/// [[rule.example]]
/// file = "Dockerfile"
/// vulnerable = "FROM alpine:3.22\n"
/// repaired = "FROM alpine:3.22\nUSER 1000\n"
/// ```
///
/// Every other key belongs to the scanner (`T`), which refuses what it does not know.
#[derive(Debug, Clone)]
pub struct RuleFile<T> {
    pub rules: Vec<(Rule, T)>,
}

/// What is wrong in a file of rules: everything, not only the first.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {}", lines(.problems))]
pub struct RuleError {
    pub file: String,
    pub problems: Vec<Problem>,
}

/// The keys of [`Rule`].
const COMMON: &[&str] =
    &["id", "title", "control", "cwe", "severity", "confidence", "why", "fix", "references", "example"];
/// No file of rules is longer.
const LARGEST: usize = 4 << 20;

impl<T: DeserializeOwned> RuleFile<T> {
    /// A file of the program, as its build made it: a list of pairs, what all rules say and the rest. What [`RuleFile::read`] would
    /// refuse is left to the tests of whose rules they are.
    ///
    /// # Errors
    /// When it is no such file, which no build that passed its tests has.
    pub fn built_in(file: &str, json: &str) -> Result<Self, RuleError> {
        let read: Result<Vec<(Rule, T)>, serde_json::Error> = serde_json::from_str(json);
        let fail = |error: serde_json::Error| RuleError {
            file: file.to_owned(),
            problems: vec![Problem::new("", error.to_string())],
        };
        Ok(Self { rules: read.map_err(fail)? })
    }

    /// # Errors
    /// When it is no such file; names every rule that is wrong.
    pub fn read(file: &str, text: &str) -> Result<Self, RuleError> {
        let fail = |problems| RuleError { file: file.to_owned(), problems };
        if text.len() > LARGEST {
            return Err(fail(vec![Problem::new("", "is longer than 4 MiB")]));
        }
        let document: Table = toml::from_str(text).map_err(|error| fail(vec![syntax(&error)]))?;
        let mut problems: Vec<Problem> = (document.keys().filter(|key| *key != "rule"))
            .map(|key| {
                Problem::new(key, "is no key of a file of rules").hint("each rule begins with `[[rule]]`")
            })
            .collect();
        let written = match document.get("rule") {
            Some(Value::Array(rules)) => rules.as_slice(),
            _ => {
                problems.push(Problem::new("rule", "is missing").hint("each rule begins with `[[rule]]`"));
                &[]
            }
        };
        let mut rules: Vec<(Rule, T)> = Vec::new();
        for (at, value) in written.iter().enumerate() {
            let id = value.get("id").and_then(Value::as_str);
            let name = id.map_or_else(|| format!("rule[{at}]"), |id| format!("rule `{id}`"));
            match one(value) {
                Ok((rule, _)) if rules.iter().any(|(other, _)| other.id == rule.id) => {
                    problems.push(Problem::new(name, "stands here twice"));
                }
                Ok(rule) => rules.push(rule),
                Err(found) => problems.extend(found.into_iter().map(|problem| problem.under(&name))),
            }
        }
        if problems.is_empty() { Ok(Self { rules }) } else { Err(fail(problems)) }
    }
}

fn one<T: DeserializeOwned>(value: &Value) -> Result<(Rule, T), Vec<Problem>> {
    let Value::Table(table) = value else { return Err(vec![Problem::new("", "is no table")]) };
    let (common, own): (Table, Table) =
        (table.clone()).into_iter().partition(|(key, _)| COMMON.contains(&key.as_str()));
    let rule = common.try_into::<Rule>().map_err(|error| vec![shape(&error)]);
    let own = own.try_into::<T>().map_err(|error| vec![shape(&error)]);
    match (rule, own) {
        (Ok(rule), Ok(own)) => {
            let problems = problems(&rule);
            if problems.is_empty() { Ok((rule, own)) } else { Err(problems) }
        }
        (rule, own) => Err(rule.err().into_iter().chain(own.err()).flatten().collect()),
    }
}

fn problems(rule: &Rule) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (key, text) in [("title", &rule.title), ("why", &rule.why), ("fix", &rule.fix)] {
        if text.trim().is_empty() {
            problems.push(Problem::new(key, "is empty"));
        }
    }
    if rule.cwe.is_empty() {
        problems.push(Problem::new("cwe", "is empty").hint("name the closest weakness, as `cwe = [89]`"));
    }
    for (at, example) in rule.examples.iter().enumerate() {
        if example.vulnerable == example.repaired {
            problems.push(Problem::new(format!("example[{at}]"), "is the same on both sides"));
        }
    }
    for link in rule.references.iter().filter(|link| !link.starts_with("https://")) {
        problems.push(Problem::new("references", format!("`{link}` is no https address")));
    }
    problems
}

fn syntax(error: &toml::de::Error) -> Problem {
    Problem::new("", error.to_string().trim_end().replace('\n', " "))
}

fn shape(error: &toml::de::Error) -> Problem {
    Problem::new("", error.message().replace('\n', " "))
}

fn lines(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Own {
        pattern: String,
    }

    const GOOD: &str = r#"
[[rule]]
id = "docker.user.root"
title = "the container runs as root"
control = "web.csrf"
cwe = [250]
severity = "medium"
confidence = "high"
why = "because"
fix = "instead"
pattern = "FROM"

[[rule.example]]
file = "Dockerfile"
vulnerable = "FROM a"
repaired = "FROM a\nUSER 1"
"#;

    fn reasons(text: &str) -> String {
        RuleFile::<Own>::read("a.toml", text).unwrap_err().to_string()
    }

    #[test]
    fn a_rule_is_its_head_and_what_its_scanner_knows() {
        let file = RuleFile::<Own>::read("a.toml", GOOD).unwrap();
        let (rule, own) = &file.rules[0];
        assert_eq!((rule.id.as_str(), own.pattern.as_str()), ("docker.user.root", "FROM"));
        assert!(rule.id.is_under("docker") && rule.id.is_under("docker.user") && !rule.id.is_under("dock"));
    }

    #[test]
    fn everything_wrong_is_named_with_its_rule() {
        let twice = format!("{GOOD}{GOOD}");
        assert!(reasons(&twice).contains("twice"));
        assert!(reasons(&GOOD.replace("pattern", "patern")).contains("patern"));
        assert!(reasons(&GOOD.replace("[250]", "[]")).contains("`rule `docker.user.root`.cwe`"));
        assert!(reasons(&GOOD.replace("web.csrf", "web.nothing")).contains("web.nothing"));
        assert!(reasons(&GOOD.replace("docker.user.root", "Docker root")).contains("is no name of a rule"));
        assert!(reasons("rules = 1").contains("each rule begins with `[[rule]]`"));
        assert!(reasons("[[rule]").contains("a.toml"));
    }
}
