//! The places of a file that rules speak of.

use gabion_finding::{Source, Span};

use crate::document::Node;

/// One container, step, resource, statement: whatever a rule is `on`.
#[derive(Debug, Clone)]
pub(crate) struct Subject<'a> {
    /// `kubernetes.container`.
    pub(crate) kind: &'static str,
    /// What stands behind the `:` of a rule's `on`: `aws_s3_bucket`, `Ingress`, `RUN`.
    pub(crate) sort: &'a str,
    /// What its author calls it.
    pub(crate) name: String,
    /// Where a finding points to when something is missing.
    pub(crate) anchor: Span,
    pub(crate) node: &'a Node,
    /// Other values a condition may begin at: `$pod`.
    pub(crate) named: Vec<(&'static str, &'a Node)>,
    pub(crate) source: &'a Source,
}

/// What a check found.
#[derive(Debug, Clone)]
pub(crate) struct Hit {
    pub(crate) span: Span,
    /// Instead of the rule's own words.
    pub(crate) says: Option<String>,
}

impl Hit {
    pub(crate) const fn at(span: Span) -> Self {
        Self { span, says: None }
    }

    pub(crate) fn saying(span: Span, says: impl Into<String>) -> Self {
        Self { span, says: Some(says.into()) }
    }
}

/// A check written in Rust, for what a condition cannot say.
pub(crate) type Check = fn(&Subject<'_>, &[Subject<'_>]) -> Vec<Hit>;
