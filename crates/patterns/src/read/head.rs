//! What a rule says of itself, in the words all our rules have.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use gabion_finding::{Confidence, Rule, RuleId};
use gabion_model::{ControlId, Severity};

use super::Reader;
use crate::text_pattern::variable;
use crate::yaml::Node;

/// A weakness without a number: improper adherence to coding standards.
const NONE: u16 = 710;
/// Of a message, so much is a title.
const TITLE: usize = 120;

impl Reader {
    pub(super) fn head(&mut self, node: &Node, message: &str) -> Option<Rule> {
        let id = self.required(node, "id")?;
        let severity = self.severity(node)?;
        let name = name(&id);
        let Some(id) = RuleId::new(&name) else {
            self.wrong(node.line, format!("`{id}` is no name of a rule"));
            return None;
        };
        let metadata = node.get("metadata");
        let of = |key: &str| metadata.and_then(|metadata| metadata.get(key));
        let texts = |key: &str| -> Vec<String> {
            of(key).map_or_else(Vec::new, |node| {
                node.each().iter().filter_map(Node::text).map(str::to_owned).collect()
            })
        };
        let mut cwe: Vec<u16> = texts("cwe").iter().filter_map(|text| number(text)).collect();
        cwe.dedup();
        let control = match of("control").and_then(Node::text) {
            Some(text) => match text.parse::<ControlId>() {
                Ok(control) => control,
                Err(error) => {
                    self.wrong(of("control").map_or(node.line, |node| node.line), error.to_string());
                    return None;
                }
            },
            None => cwe.iter().find_map(|cwe| control(*cwe)).unwrap_or(ControlId::INPUT_CONTRACT),
        };
        if cwe.is_empty() {
            cwe.push(NONE);
        }
        let confidence = match of("confidence").and_then(Node::text).map(str::to_ascii_uppercase).as_deref() {
            Some("HIGH") => Confidence::High,
            Some("LOW") => Confidence::Low,
            _ => Confidence::Medium,
        };
        let mut references = texts("references");
        references.extend(texts("source"));
        references.retain(|link| link.starts_with("https://"));
        let plain = message.split_whitespace().collect::<Vec<_>>().join(" ");
        Some(Rule {
            id,
            title: title(&plain),
            control,
            cwe,
            severity,
            confidence,
            why: plain.clone(),
            fix: "as the message says".to_owned(),
            references,
            examples: Vec::new(),
        })
    }

    fn severity(&mut self, node: &Node) -> Option<Severity> {
        let text = self.required(node, "severity")?;
        Some(match text.to_ascii_uppercase().as_str() {
            "CRITICAL" => Severity::Critical,
            "ERROR" | "HIGH" => Severity::High,
            "WARNING" | "MEDIUM" | "EXPERIMENT" => Severity::Medium,
            "LOW" => Severity::Low,
            "INFO" | "INVENTORY" => Severity::Low,
            _ => {
                self.wrong(
                    node.line,
                    format!("`{text}` is no severity: `INFO`, `WARNING`, `ERROR`, or `LOW` to `CRITICAL`"),
                );
                return None;
            }
        })
    }
}

/// A name as our rules have it: `a.b_C` is `a.b-c`.
pub(crate) fn name(id: &str) -> String {
    let plain = |sign: char| match sign {
        'a'..='z' | '0'..='9' | '.' | '-' => sign,
        'A'..='Z' => sign.to_ascii_lowercase(),
        _ => '-',
    };
    let words: Vec<String> = id
        .split(['.', '/'])
        .filter(|word| !word.is_empty())
        .map(|word| word.chars().map(plain).collect())
        .collect();
    let name = words.join(".");
    // The end of a long name says more than its beginning.
    let cut = name.len().saturating_sub(RuleId::LONGEST);
    name.get(cut..).unwrap_or(&name).trim_start_matches(['.', '-']).to_owned()
}

/// The first sentence, without variables.
fn title(message: &str) -> String {
    let end = message.find(". ").unwrap_or(message.len());
    let sentence = message.get(..end).unwrap_or(message).trim_end_matches('.');
    let mut title = String::new();
    for word in sentence.split(' ') {
        if title.len().saturating_add(word.len()) > TITLE {
            title.push_str(" …");
            break;
        }
        if !title.is_empty() {
            title.push(' ');
        }
        let shown = variable(word).map_or(word, |_| "…");
        title.push_str(shown);
    }
    let mut letters = title.chars();
    let second = title.chars().nth(1);
    match letters.next() {
        Some(first) if !second.is_some_and(char::is_uppercase) => {
            first.to_lowercase().chain(letters).collect()
        }
        _ => title,
    }
}

/// `CWE-89: …`.
fn number(text: &str) -> Option<u16> {
    let digits = text.trim().trim_start_matches(|sign: char| !sign.is_ascii_digit());
    let end = digits.find(|sign: char| !sign.is_ascii_digit()).unwrap_or(digits.len());
    digits.get(..end)?.parse().ok()
}

/// The promise a weakness breaks.
fn control(cwe: u16) -> Option<ControlId> {
    CONTROLS.get(&cwe).copied()
}

static CONTROLS: LazyLock<BTreeMap<u16, ControlId>> =
    LazyLock::new(|| controls(include_str!("../../../../rules/weaknesses.toml")).unwrap_or_default());

fn controls(text: &str) -> Result<BTreeMap<u16, ControlId>, toml::de::Error> {
    let written: BTreeMap<ControlId, Vec<u16>> = toml::from_str(text)?;
    let pairs = written.into_iter().flat_map(|(id, all)| all.into_iter().map(move |cwe| (cwe, id)));
    Ok(pairs.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_weakness_has_one_control() {
        let text = include_str!("../../../../rules/weaknesses.toml");
        let written: BTreeMap<ControlId, Vec<u16>> = toml::from_str(text).unwrap();
        assert_eq!(controls(text).unwrap().len(), written.values().map(Vec::len).sum::<usize>());
        assert_eq!(control(89).map(|id| id.as_str()), Some("input.queries"));
        assert_eq!(control(9_999), None);
    }
}
