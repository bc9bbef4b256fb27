//! What was found, and which of several findings at one place stands.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use gabion_finding::{Confidence, Fingerprint, Rule, Span};
use gabion_model::Severity;

use crate::check::is_random;

/// A secret in a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Match<'a> {
    pub rule: &'a Rule,
    /// Where it stands: the secret, or the encoded text that holds it.
    pub span: Span,
    pub severity: Severity,
    pub confidence: Confidence,
    /// What was found, without it.
    pub message: String,
    /// `secret`: the same for the same secret; `encoding`; `context`; `checksum`.
    pub properties: BTreeMap<String, String>,
}

/// What might be one, before it is known what else was found there.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    /// Its number among the rules.
    pub rule: usize,
    pub span: Range<usize>,
    pub secret: String,
    /// The name it was given to.
    pub name: Option<String>,
    pub confidence: Confidence,
    /// Lower is more specific.
    pub rank: u8,
    /// Through which encodings it was read, outermost first.
    pub encodings: Vec<&'static str>,
    /// The checksum that its kind has does not fit.
    pub unsound: bool,
    /// It stands in a test, an example or documentation.
    pub test: bool,
}

/// Of those that overlap the most specific.
pub(crate) fn settle(mut candidates: Vec<Candidate>, severity: impl Fn(usize) -> Severity) -> Vec<Candidate> {
    candidates.sort_by_key(|one| {
        let severity = std::cmp::Reverse(severity(one.rule));
        (
            one.rank,
            std::cmp::Reverse(one.confidence),
            std::cmp::Reverse(one.span.len()),
            severity,
            one.span.start,
            one.rule,
        )
    });
    let mut taken: BTreeMap<usize, usize> = BTreeMap::new();
    candidates.retain(|one| {
        let before = taken.range(..one.span.end).next_back();
        let free = before.is_none_or(|(_, end)| *end <= one.span.start);
        if free {
            taken.insert(one.span.start, one.span.end);
        }
        free
    });
    candidates.sort_by_key(|one| (one.span.start, one.rule));
    candidates
}

impl Candidate {
    /// As others see it.
    pub(crate) fn shown<'a>(&self, rule: &'a Rule) -> Match<'a> {
        let mut message = match &self.name {
            Some(name) => format!("{}: `{name}`", rule.title),
            None => rule.title.clone(),
        };
        let mut properties = BTreeMap::new();
        if !self.encodings.is_empty() {
            let path = self.encodings.join(" in ");
            message.push_str(&format!(", in {path}"));
            properties.insert("encoding".to_owned(), self.encodings.join(","));
        }
        if self.unsound {
            message.push_str("; its checksum is wrong, so it was changed or made up");
            properties.insert("checksum".to_owned(), "wrong".to_owned());
        }
        if self.test {
            properties.insert("context".to_owned(), "test".to_owned());
        }
        if self.secret.len() >= 16 && is_random(&self.secret) || self.secret.len() >= 64 {
            properties.insert("secret".to_owned(), digest(&self.secret));
        }
        let number = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Match {
            rule,
            span: Span::new(number(self.span.start), number(self.span.end)),
            severity: rule.severity,
            confidence: self.confidence,
            message,
            properties,
        }
    }
}

/// 64 bits that are the same for the same secret.
fn digest(secret: &str) -> String {
    let whole = Fingerprint::new("secret", "", secret).to_string();
    whole.get(..16).unwrap_or_default().to_owned()
}

/// Counts how often a fingerprint came before.
#[derive(Debug, Default)]
pub(crate) struct Occurrences(HashMap<Fingerprint, usize>);

impl Occurrences {
    pub(crate) fn of(&mut self, fingerprint: Fingerprint) -> usize {
        let count = self.0.entry(fingerprint).or_default();
        let before = *count;
        *count = count.saturating_add(1);
        before
    }
}
