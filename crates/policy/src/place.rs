//! Where in a file something is wrong.

use gabion_model::Problem;
use miette::Diagnostic;

/// The line of an offset, from 1.
pub(crate) fn line(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count().saturating_add(1)
}

/// What one of Cedar's messages says, at its place: `orders.cedar:12`.
pub(crate) fn problem(file: &str, text: &str, error: &dyn Diagnostic) -> Problem {
    let first = error.labels().and_then(|mut labels| labels.next());
    let path = match &first {
        Some(label) => format!("{file}:{}", line(text, label.offset())),
        None => file.to_owned(),
    };
    let mut reason = error.to_string();
    // Its number says nothing beside the line.
    if let Some((_, rest)) = reason.strip_prefix("for policy `").and_then(|rest| rest.split_once("`, ")) {
        reason = rest.to_owned();
    }
    if let Some(cause) = first.as_ref().and_then(miette::LabeledSpan::label) {
        reason = format!("{reason}: {cause}");
    }
    let problem = Problem::new(path, reason.trim_end_matches('.').to_owned());
    match error.help() {
        Some(help) => problem.hint(help.to_string()),
        None => problem,
    }
}
