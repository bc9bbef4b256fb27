//! What rules in the format of semgrep say of places of a module, found by place.

use gabion_finding::Span;
use gabion_patterns::{Mark, Marks, Role};
use hashbrown::HashMap;

/// The places of one module.
#[derive(Debug, Default)]
pub(crate) struct MarkIndex {
    /// Sources and propagators, by where exactly they stand.
    at: HashMap<Span, Vec<Mark>>,
    /// Sinks and sanitizers: what stands in them counts, too.
    around: Vec<Mark>,
}

impl MarkIndex {
    pub(crate) fn new(marks: &Marks) -> Self {
        let mut own = Self::default();
        for mark in &marks.0 {
            match mark.role {
                Role::Source { .. } | Role::Propagator { .. } => {
                    own.at.entry(mark.span).or_default().push(mark.clone());
                }
                Role::Sink { .. } | Role::Sanitizer { .. } => own.around.push(mark.clone()),
            }
        }
        own
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.at.is_empty() && self.around.is_empty()
    }

    /// Whether exactly this is a sink.
    pub(crate) fn is_sink(&self, span: Span) -> bool {
        self.around.iter().any(|mark| mark.span == span && matches!(mark.role, Role::Sink { .. }))
    }

    pub(crate) fn at(&self, span: Span) -> &[Mark] {
        self.at.get(&span).map_or(&[], Vec::as_slice)
    }

    /// The sinks and sanitizers in which this stands.
    pub(crate) fn around(&self, span: Span) -> impl Iterator<Item = &Mark> {
        self.around.iter().filter(move |mark| match mark.role {
            Role::Sink { exact, .. } | Role::Sanitizer { exact, .. } => {
                mark.span == span || (!exact && mark.span.contains(span))
            }
            _ => false,
        })
    }
}
