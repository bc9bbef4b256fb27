//! Workflows: what strangers write, put into a script.

use gabion_finding::Span;

use crate::document::Node;
use crate::subject::{Hit, Subject};

/// What anybody may write who can open an issue, a pull request or a comment. Numbers, ids, names of repositories and the like
/// have a closed set of letters and are left out.
const WRITTEN_BY_STRANGERS: &[&str] = &[
    "github.event.issue.title",
    "github.event.issue.body",
    "github.event.pull_request.title",
    "github.event.pull_request.body",
    "github.event.pull_request.head.ref",
    "github.event.pull_request.head.label",
    "github.event.pull_request.head.repo.default_branch",
    "github.event.comment.body",
    "github.event.review.body",
    "github.event.review_comment.body",
    "github.event.discussion.title",
    "github.event.discussion.body",
    "github.event.head_commit.message",
    "github.event.head_commit.author.email",
    "github.event.head_commit.author.name",
    "github.event.workflow_run.head_branch",
    "github.event.workflow_run.head_commit.message",
    "github.event.workflow_run.head_commit.author",
    "github.event.workflow_run.pull_requests",
    "github.event.workflow_run.display_title",
    "github.event.commits",
    "github.event.pages",
    "github.event.client_payload",
    "github.head_ref",
];

/// Expressions in `run`, and in the `script` of actions that run one.
pub(super) fn script_injection(subject: &Subject<'_>, _: &[Subject<'_>]) -> Vec<Hit> {
    let scripts = ["run", "with.script", "with.inlineScript", "with.command"];
    let mut hits = Vec::new();
    for node in scripts.iter().filter_map(|path| subject.node.at(path)) {
        hits.extend(expressions(node, subject.source.text()));
    }
    hits
}

fn expressions(node: &Node, text: &str) -> Vec<Hit> {
    let mut hits = Vec::new();
    let inside = node.span.of(text);
    let mut from = 0_usize;
    while let Some(start) = inside.get(from..).and_then(|rest| rest.find("${{")) {
        let start = from.saturating_add(start);
        let rest = inside.get(start..).unwrap_or_default();
        let length = rest.find("}}").map_or(rest.len(), |end| end.saturating_add(2));
        let expression = rest.get(..length).unwrap_or_default();
        let lower = expression.to_ascii_lowercase().replace("['", ".").replace("']", "");
        let found = WRITTEN_BY_STRANGERS.iter().find(|context| mentions(&lower, context));
        if let Some(context) = found.filter(|_| !only_compared(&lower)) {
            let at = node.span.start.saturating_add(u32::try_from(start).unwrap_or(u32::MAX));
            let span = Span::new(at, at.saturating_add(u32::try_from(length).unwrap_or(u32::MAX)));
            hits.push(Hit::saying(
                span,
                format!("`{context}`, which strangers write, becomes part of a script"),
            ));
        }
        from = start.saturating_add(length.max(1));
        if hits.len() > 50 {
            break;
        }
    }
    hits
}

/// Whether the context stands there itself and not as the beginning of another name.
fn mentions(expression: &str, context: &str) -> bool {
    expression.match_indices(context).any(|(at, _)| {
        let before = expression.get(..at).and_then(|text| text.chars().next_back());
        let after = expression.get(at.saturating_add(context.len())..).and_then(|text| text.chars().next());
        let word = |letter: Option<char>| {
            letter.is_some_and(|letter| letter.is_alphanumeric() || matches!(letter, '_' | '-'))
        };
        !word(before) && before != Some('.') && !word(after)
    })
}

/// `contains(…)`, `startsWith(…)` and comparisons give true or false, and `toJSON` of a text is one still.
fn only_compared(expression: &str) -> bool {
    let inner = expression.trim_start_matches("${{").trim_end_matches("}}").trim();
    let joined = inner.contains("||") || inner.contains("&&");
    let function =
        ["contains(", "startswith(", "endswith(", "hashfiles("].iter().any(|name| inner.starts_with(name));
    !joined && (function || inner.contains("==") || inner.contains("!="))
}
