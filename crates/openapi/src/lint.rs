//! Where a contract is too loose to protect. A contract with findings can be used; each says what would pass.

use std::collections::{BTreeMap, BTreeSet};

use gabion_model::Problem;

use crate::json::{Pointer, Value};
use crate::load::order;
use crate::source::{At, Sources};

/// A loose part of a contract.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// File and line: `openapi.yaml:12`.
    pub place: String,
    pub rule: Loose,
    /// Which part.
    pub what: String,
}

/// What is loose. Alphabetical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Loose {
    /// Any value will do.
    AnyValue,
    /// No security requirement.
    NoAuthentication,
    /// No schema for an answer of type JSON.
    NoAnswerSchema,
    /// Nothing says how errors look.
    NoErrorSchema,
    /// Further members are let in.
    OpenObject,
    UnboundedArray,
    UnboundedNumber,
    UnboundedString,
}

impl Loose {
    pub const ALL: [Self; 8] = [
        Self::AnyValue,
        Self::NoAuthentication,
        Self::NoAnswerSchema,
        Self::NoErrorSchema,
        Self::OpenObject,
        Self::UnboundedArray,
        Self::UnboundedNumber,
        Self::UnboundedString,
    ];

    /// The name of the rule.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::AnyValue => "any-value",
            Self::NoAuthentication => "no-authentication",
            Self::NoAnswerSchema => "no-answer-schema",
            Self::NoErrorSchema => "no-error-schema",
            Self::OpenObject => "open-object",
            Self::UnboundedArray => "unbounded-array",
            Self::UnboundedNumber => "unbounded-number",
            Self::UnboundedString => "unbounded-string",
        }
    }

    /// The way out.
    #[must_use]
    pub const fn hint(self) -> &'static str {
        match self {
            Self::AnyValue => "give it a `type`",
            Self::NoAuthentication => {
                "name who may come under `security`; `security: []` says that everybody may"
            }
            Self::NoAnswerSchema => "describe what is answered, so that nothing else leaves",
            Self::NoErrorSchema => {
                "describe errors under `4XX` or `default`, for instance as `application/problem+json`"
            }
            Self::OpenObject => "name the members, or bound them with `maxProperties` and `propertyNames`",
            Self::UnboundedArray => "say `maxItems`",
            Self::UnboundedNumber => "say `minimum` and `maximum`",
            Self::UnboundedString => "say `maxLength`, an `enum`, or a format that bounds it such as `uuid`",
        }
    }
}

/// Everything that is loose, in the order of the files.
///
/// # Errors
/// Files that cannot be read at all.
pub fn lint(files: &BTreeMap<String, String>, root: &str) -> Result<Vec<Finding>, Vec<Problem>> {
    let sources = Sources::read(files)?;
    let Some(top) = sources.root(root) else {
        return Err(vec![Problem::new(root, "the file of the contract is missing")]);
    };
    let mut linter = Linter { sources: &sources, seen: BTreeSet::new(), findings: BTreeSet::new() };
    linter.document(&top);
    let mut findings: Vec<Finding> = linter.findings.into_iter().collect();
    findings
        .sort_by(|one, other| order(&one.place).cmp(&order(&other.place)).then(one.rule.cmp(&other.rule)));
    Ok(findings)
}

struct Linter<'s> {
    sources: &'s Sources,
    seen: BTreeSet<(&'s str, Pointer)>,
    findings: BTreeSet<Finding>,
}

impl<'s> Linter<'s> {
    fn find(&mut self, at: &At<'_>, rule: Loose, what: impl Into<String>) {
        self.findings.insert(Finding { place: self.sources.place(at), rule, what: what.into() });
    }

    fn document(&mut self, top: &At<'s>) {
        let everywhere = top.value.get("security").is_some();
        for (path, item) in top.members("paths") {
            let Ok(item) = self.sources.resolve(item) else { continue };
            for parameter in item.items("parameters") {
                self.parameter(parameter);
            }
            for (method, operation) in item.own_members() {
                if METHODS.contains(&method) {
                    self.operation(
                        &format!("{} {path}", method.to_ascii_uppercase()),
                        &operation,
                        everywhere,
                    );
                }
            }
        }
    }

    fn operation(&mut self, name: &str, at: &At<'s>, everywhere: bool) {
        if !everywhere && at.value.get("security").is_none() {
            self.find(at, Loose::NoAuthentication, name);
        }
        for parameter in at.items("parameters") {
            self.parameter(parameter);
        }
        if let Some(Ok(body)) = at.get("requestBody").map(|body| self.sources.resolve(body)) {
            for (range, media) in body.members("content") {
                match media.get("schema") {
                    Some(schema) => self.schema(schema, &format!("the body of {name}")),
                    None => self.find(&media, Loose::AnyValue, format!("the body of {name} as `{range}`")),
                }
            }
        }
        let mut errors = false;
        for (status, answer) in at.members("responses") {
            let Ok(answer) = self.sources.resolve(answer) else { continue };
            let content = answer.members("content");
            errors |= (status == "default" || status.starts_with('4'))
                && content.iter().any(|(_, media)| media.get("schema").is_some());
            for (range, media) in content {
                if media.get("schema").is_none() && range.contains("json") {
                    self.find(&media, Loose::NoAnswerSchema, format!("the answer {status} of {name}"));
                }
            }
        }
        if !errors {
            self.find(at, Loose::NoErrorSchema, name);
        }
    }

    fn parameter(&mut self, at: At<'s>) {
        let Ok(at) = self.sources.resolve(at) else { return };
        let name = at.str("name").unwrap_or_default();
        let what = format!("the {} parameter `{name}`", at.str("in").unwrap_or_default());
        let inside = at.members("content").first().and_then(|(_, media)| media.get("schema"));
        match at.get("schema").or(inside) {
            Some(schema) => self.schema(schema, &what),
            None => self.find(&at, Loose::AnyValue, what),
        }
    }

    fn schema(&mut self, at: At<'s>, what: &str) {
        let Ok(at) = self.sources.resolve(at) else { return };
        if !self.seen.insert((at.file, at.pointer.clone())) || self.seen.len() > MOST_SCHEMAS {
            return;
        }
        // What only answers carry is not for clients to send.
        if at.flag("readOnly") {
            return;
        }
        let mut parts = Vec::new();
        for list in ["allOf", "anyOf", "oneOf"] {
            parts.extend(at.items(list));
        }
        let combined = !parts.is_empty();
        let is_fixed = at.value.get("enum").is_some() || at.value.get("const").is_some();
        let types: Vec<&str> = match at.value.get("type") {
            Some(Value::String(name)) => vec![name],
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            _ if at.value.get("properties").is_some() => vec!["object"],
            _ if at.value.get("items").is_some() => vec!["array"],
            _ => Vec::new(),
        };
        if types.is_empty() && !combined && !is_fixed {
            self.find(&at, Loose::AnyValue, what);
        }
        for name in types {
            self.typed(&at, name, what, is_fixed, combined);
        }
        for part in parts {
            self.schema(part, what);
        }
        for (name, property) in at.members("properties") {
            self.schema(property, &format!("the member `{name}`"));
        }
        if let Some(items) = at.get("items") {
            self.schema(items, &format!("an item of {what}"));
        }
        if let Some(others) =
            at.get("additionalProperties").filter(|others| others.value.as_object().is_some())
        {
            self.schema(others, &format!("further members of {what}"));
        }
    }

    fn typed(&mut self, at: &At<'s>, name: &str, what: &str, is_fixed: bool, combined: bool) {
        let has = |key: &str| at.value.get(key).is_some();
        match name {
            "string" if !is_fixed && !combined => {
                let bounded =
                    has("maxLength") || at.str("format").is_some_and(|format| BOUNDED.contains(&format));
                if !bounded {
                    self.find(at, Loose::UnboundedString, what);
                }
            }
            "integer" | "number" if !is_fixed && !combined => {
                let small = at.str("format") == Some("int32");
                let least = has("minimum") || has("exclusiveMinimum");
                let most = has("maximum") || has("exclusiveMaximum");
                if !(small || least && most) {
                    self.find(at, Loose::UnboundedNumber, what);
                }
            }
            "array" if !is_fixed && !has("maxItems") => self.find(at, Loose::UnboundedArray, what),
            "object" if !combined => {
                let others = at.value.get("additionalProperties");
                let open = match others {
                    None => !has("properties") && !has("patternProperties"),
                    Some(Value::Bool(truth)) => *truth,
                    Some(_) => !has("maxProperties"),
                };
                if open {
                    self.find(at, Loose::OpenObject, what);
                }
            }
            _ => {}
        }
    }
}

const METHODS: [&str; 8] = ["delete", "get", "head", "options", "patch", "post", "put", "trace"];
/// Formats of which no text is long.
const BOUNDED: [&str; 9] =
    ["binary", "date", "date-time", "email", "idn-email", "ipv4", "ipv6", "time", "uuid"];
const MOST_SCHEMAS: usize = 100_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_loose_part_is_found_at_its_line() {
        let text = "openapi: 3.1.0
info: { title: t, version: '1' }
paths:
  /a/{id}:
    post:
      parameters:
        - { name: id, in: path, required: true, schema: { type: integer } }
        - { name: q, in: query, schema: {} }
      requestBody:
        content:
          application/json:
            schema:
              type: object
              properties:
                name: { type: string }
                kind: { type: string, enum: [x] }
                day: { type: string, format: date }
                tags:
                  type: array
                  items: { type: string, maxLength: 9 }
                free: { type: object }
                made: { type: string, readOnly: true }
      responses:
        '200': { description: fine, content: { application/json: {} } }
";
        let files = BTreeMap::from([("a.yaml".to_owned(), text.to_owned())]);
        let found: Vec<(String, &str)> =
            lint(&files, "a.yaml").unwrap().into_iter().map(|one| (one.place, one.rule.id())).collect();
        let found: Vec<(&str, &str)> = found.iter().map(|(place, rule)| (place.as_str(), *rule)).collect();
        assert_eq!(
            found,
            [
                ("a.yaml:6", "no-authentication"),
                ("a.yaml:6", "no-error-schema"),
                ("a.yaml:7", "unbounded-number"),
                ("a.yaml:8", "any-value"),
                ("a.yaml:15", "unbounded-string"),
                ("a.yaml:19", "unbounded-array"),
                ("a.yaml:21", "open-object"),
                ("a.yaml:24", "no-answer-schema"),
            ]
        );
    }
}
