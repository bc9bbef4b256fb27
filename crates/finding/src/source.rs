//! A file as the scanners see it.

use std::sync::Arc;

use crate::{Finding, Fingerprint, LineIndex, Place, Rule, Span};

/// A text and where its lines begin. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Source {
    path: Arc<str>,
    text: Arc<String>,
    lines: Arc<LineIndex>,
}

impl Source {
    /// The path is relative to what is scanned, with `/` between its parts.
    #[must_use]
    pub fn new(path: &str, text: &str) -> Self {
        Self::of(path.into(), text.to_owned())
    }

    /// Of a text that is given away, without a copy.
    #[must_use]
    pub fn of(path: Arc<str>, text: String) -> Self {
        let lines = Arc::new(LineIndex::new(&text));
        Self { path, text: Arc::new(text), lines }
    }

    /// The text back, so that the next one is read into the same memory. None where somebody still has it.
    #[must_use]
    pub fn into_text(self) -> Option<String> {
        Arc::into_inner(self.text)
    }

    #[must_use]
    pub const fn path(&self) -> &Arc<str> {
        &self.path
    }

    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    #[must_use]
    pub fn lines(&self) -> &LineIndex {
        &self.lines
    }

    #[must_use]
    pub fn place(&self, span: Span) -> Place {
        self.lines.place(&self.path, span, &self.text)
    }

    /// The bytes of a line, counted from 1.
    #[must_use]
    pub fn line(&self, line: u32) -> Span {
        self.lines.span(line, &self.text)
    }

    /// What the rule found there; its fingerprint is of the text of the place.
    #[must_use]
    pub fn finding(&self, rule: &Rule, span: Span, message: impl Into<String>) -> Finding {
        Finding {
            rule: rule.id.clone(),
            message: message.into(),
            severity: rule.severity,
            confidence: rule.confidence,
            place: self.place(span),
            trace: Vec::new(),
            fix: None,
            properties: std::collections::BTreeMap::new(),
            hidden: Vec::new(),
            fingerprint: Fingerprint::new(rule.id.as_str(), &self.path, span.of(&self.text)),
        }
    }
}
