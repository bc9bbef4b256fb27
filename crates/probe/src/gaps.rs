//! What a run did not look at: said plainly, so that nobody takes little for much.

use crate::field::Field;
use crate::report::End;
use crate::verdict::{Outcome, Verdict};

/// Something that was not looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// In one line, with the way out.
    pub says: String,
    /// Whether the run is not what was asked for: it ends with 3 where nothing worse was found.
    pub incomplete: bool,
}

impl Gap {
    fn incomplete(says: impl Into<String>) -> Self {
        Self { says: says.into(), incomplete: true }
    }

    fn note(says: impl Into<String>) -> Self {
        Self { says: says.into(), incomplete: false }
    }
}

/// Of a run that ended.
pub(crate) fn gaps(field: &Field, end: &End, outcomes: &[Outcome], reached: usize) -> Vec<Gap> {
    let mut gaps = Vec::new();
    if let End::Early(why) = end {
        gaps.push(Gap::incomplete(format!("the run ended early: {why}")));
    }
    let people: Vec<_> = field.people.iter().skip(1).collect();
    for person in &people {
        if let Some(trouble) = &person.trouble {
            gaps.push(Gap::incomplete(format!("`{}` is not signed in: {trouble}", person.name)));
        }
    }
    let signed_in = field.signed_in().count();
    match (people.len(), signed_in) {
        (0, _) => gaps.push(Gap::note(
            "nobody signed in: only what strangers reach was tested; hint: `--logins FILE` with a line `name password` each",
        )),
        (_, 1) => gaps.push(Gap::note(
            "one identity alone was signed in: whether people reach what belongs to others needs two",
        )),
        _ => {}
    }
    let operations = field.operations.len();
    if operations == 0 {
        gaps.push(Gap::incomplete(
            "no operation was found: the pages have neither links nor forms; hint: `--openapi`, `--endpoints` or `--har`",
        ));
    } else if reached.saturating_mul(2) < operations {
        gaps.push(Gap::note(format!(
            "{reached} of {operations} operations answered with a success: of the others only what they refuse was seen; \
             hint: examples in the OpenAPI document, or identities that may call them"
        )));
    }
    let count = |verdict| outcomes.iter().filter(|outcome| outcome.verdict == verdict).count();
    let unsettled = count(Verdict::Inconclusive);
    if unsettled > 0 && unsettled.saturating_mul(4) > outcomes.len() {
        gaps.push(Gap::note(format!(
            "{unsettled} of {} answers to tests allow no verdict: the application answers differently to the same request",
            outcomes.len()
        )));
    }
    gaps
}
