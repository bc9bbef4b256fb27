//! What rules in the format of semgrep say of places of a module, found by place.

use gabion_finding::Span;
use gabion_patterns::{Mark, Marks, Role};
use hashbrown::{HashMap, HashSet};

/// The places of one module.
#[derive(Debug, Default)]
pub(crate) struct MarkIndex {
    /// Sources and propagators, by where exactly they stand.
    at: HashMap<Span, Vec<Mark>>,
    /// Sinks and sanitizers, by where they begin: what stands in them counts, too.
    around: Vec<Mark>,
    /// The longest of them, in bytes.
    longest: u32,
    /// Where exactly sinks stand.
    sinks: HashSet<Span>,
}

impl MarkIndex {
    pub(crate) fn new(marks: &Marks) -> Self {
        let mut own = Self::default();
        for mark in &marks.0 {
            match mark.role {
                Role::Source { .. } | Role::Propagator { .. } => {
                    own.at.entry(mark.span).or_default().push(mark.clone());
                }
                Role::Sink { .. } | Role::Sanitizer { .. } => {
                    own.longest = own.longest.max(mark.span.len());
                    own.around.push(mark.clone());
                    if matches!(mark.role, Role::Sink { .. }) {
                        own.sinks.insert(mark.span);
                    }
                }
            }
        }
        own.around.sort_by_key(|mark| mark.span.start);
        own
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.at.is_empty() && self.around.is_empty()
    }

    /// Whether exactly this is a sink.
    pub(crate) fn is_sink(&self, span: Span) -> bool {
        !self.sinks.is_empty() && self.sinks.contains(&span)
    }

    pub(crate) fn at(&self, span: Span) -> &[Mark] {
        self.at.get(&span).map_or(&[], Vec::as_slice)
    }

    /// The sinks and sanitizers in which this stands.
    pub(crate) fn around(&self, span: Span) -> impl Iterator<Item = &Mark> {
        // What begins behind it, or too far before it to end behind it, holds it not.
        let from = span.end.saturating_sub(self.longest);
        let begin = self.around.partition_point(|mark| mark.span.start < from);
        let end = self.around.partition_point(|mark| mark.span.start <= span.start);
        self.around.get(begin..end).unwrap_or_default().iter().filter(move |mark| match mark.role {
            Role::Sink { exact, .. } | Role::Sanitizer { exact, .. } => {
                mark.span == span || (!exact && mark.span.contains(span))
            }
            _ => false,
        })
    }
}
