//! What `gabion policy` says to people.

use std::fmt::Write as _;
use std::path::Path;

use gabion_policy::Effect;
use gabion_policy::cases::Tried;
use gabion_policy::diff::{Change, Difference, Side};
use gabion_policy::explain::{Explanation, Judged};
use gabion_policy::review::{Access, May};

use super::{Checked, TriedFile};
use crate::output::table::{Cell, styled, table};
use crate::output::{BAD, FAINT, GOOD, PLACE, STRONG, WARN};

pub(super) fn checked(directory: &Path, checked: &Checked) -> String {
    let Checked { generation, policies, actions, .. } = checked;
    format!(
        "{GOOD}ok{GOOD:#}  {}: {}, {}, generation {generation}",
        directory.display(),
        count(*policies, "policy", "policies"),
        count(*actions, "action", "actions"),
    )
}

fn count(number: usize, one: &str, more: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { more })
}

pub(super) fn tried(files: &[TriedFile]) -> String {
    let mut out = String::new();
    let (mut passed, mut failed) = (0_usize, 0_usize);
    for file in files {
        if file.cases.is_empty() {
            let _ = writeln!(out, "{BAD}none{BAD:#}    {}: no case", file.file);
        }
        for case in &file.cases {
            if case.passed {
                passed = passed.saturating_add(1);
            } else {
                failed = failed.saturating_add(1);
                let _ = write!(out, "{}", failure(&file.file, case));
            }
        }
    }
    let look = if failed == 0 { GOOD } else { BAD };
    let _ = writeln!(out, "{look}{passed} passed, {failed} failed{look:#}");
    out
}

fn failure(file: &str, case: &Tried) -> String {
    let mut out = format!(
        "{BAD}failed{BAD:#}  {STRONG}{}{STRONG:#} ({})  {PLACE}{file}{PLACE:#}\n",
        case.name, case.action
    );
    for text in &case.differs {
        let _ = writeln!(out, "        {text}");
    }
    if let Some(why) = &case.explanation {
        for line in explanation(why, false).lines() {
            let _ = writeln!(out, "        {line}");
        }
    }
    out
}

fn effect(effect: Effect) -> String {
    match effect {
        Effect::Allow => format!("{GOOD}allow{GOOD:#}"),
        Effect::Deny => format!("{BAD}deny{BAD:#}"),
    }
}

pub(super) fn explanation(why: &Explanation, head: bool) -> String {
    let mut out = String::new();
    if head {
        let _ = write!(out, "{}: ", effect(why.effect));
    }
    let _ = writeln!(out, "{}", why.because);
    for policy in &why.determining {
        out.push_str(&judged(policy, true));
    }
    for obligation in &why.obligations {
        let _ = writeln!(out, "  {WARN}obliges{WARN:#} {obligation}");
    }
    for fault in &why.faults {
        let at = fault.policy.as_ref().map_or_else(String::new, |id| format!(" in `{id}`"));
        let _ = writeln!(out, "  {WARN}not evaluated{WARN:#}{at}: {}", fault.reason);
    }
    if !why.unfit.is_empty() {
        let _ = writeln!(out, "  {WARN}missing, or not as the schema says{WARN:#}: {}", why.unfit.join(", "));
    }
    if !why.nearest.is_empty() {
        let _ = writeln!(out, "what would change it:");
        for policy in &why.nearest {
            out.push_str(&judged(policy, false));
        }
    }
    out
}

/// A policy and its parts: those that hold, or those that stand in the way.
fn judged(policy: &Judged, holding: bool) -> String {
    let mut out = format!(
        "  {STRONG}{}{STRONG:#} {}  {PLACE}{}{PLACE:#}\n",
        policy.policy, policy.effect, policy.place
    );
    for part in policy.parts.iter().filter(|part| part.holds == holding) {
        let (mark, look) = if part.holds { ("holds", GOOD) } else { ("needs", BAD) };
        let _ = writeln!(out, "    {look}{mark}{look:#} {}", part.text);
        for found in &part.found {
            let _ = writeln!(out, "          {FAINT}{} is {}{FAINT:#}", found.name, found.value);
        }
        if let Some(fault) = &part.fault {
            let _ = writeln!(out, "          {WARN}{fault}{WARN:#}");
        }
    }
    out
}

pub(super) fn difference(difference: &Difference) -> String {
    let mut out = String::new();
    for change in &difference.changes {
        out.push_str(&changed(change));
    }
    let look = if difference.changes.is_empty() { GOOD } else { WARN };
    let _ = writeln!(
        out,
        "{look}{} of {} asked{look:#}",
        count(difference.changes.len(), "change", "changes"),
        count(difference.asked, "question", "questions")
    );
    out
}

fn changed(change: &Change) -> String {
    let word = match (change.before.effect, change.after.effect) {
        (Effect::Deny, Effect::Allow) => format!("{BAD}opens{BAD:#}"),
        (Effect::Allow, Effect::Deny) => format!("{WARN}closes{WARN:#}"),
        _ => format!("{WARN}alters{WARN:#}"),
    };
    let question = &change.question;
    let (principal, resource) = (&question.principal, &question.resource);
    let name = principal.name.as_deref().unwrap_or(&principal.id);
    let side = |side: &Side| {
        let by: Vec<&str> = side.policies.iter().map(|id| &*id.0).collect();
        let by = if by.is_empty() { "no policy".to_owned() } else { by.join(", ") };
        let obliges = if side.obligations.is_empty() {
            String::new()
        } else {
            format!("; {}", side.obligations.join(" "))
        };
        format!("{} by {by}{obliges}", side.effect.as_str())
    };
    format!(
        "{word}  {STRONG}{} {name}{STRONG:#} {} {PLACE}{}::\"{}\"{PLACE:#}  {}x\n        before: {}\n        after:  {}\n",
        principal.kind,
        question.action,
        resource.kind,
        resource.id,
        change.count,
        side(&change.before),
        side(&change.after)
    )
}

pub(super) fn review(rows: &[Access]) -> String {
    if rows.is_empty() {
        return "nobody may do anything".to_owned();
    }
    let cells: Vec<Vec<Cell>> = rows
        .iter()
        .map(|row| {
            let look = if row.may == May::Always { GOOD } else { WARN };
            let mut conditions = row.when.join(" or ");
            if !row.unless.is_empty() {
                let unless = row.unless.join(" or ");
                conditions =
                    format!("{conditions}{}unless {unless}", if conditions.is_empty() { "" } else { ", " });
            }
            vec![
                row.name.as_str().into(),
                row.roles.join(" ").into(),
                row.action.as_str().into(),
                row.resource.as_str().into(),
                styled(row.may.as_str(), look),
                conditions.into(),
            ]
        })
        .collect();
    table(&["principal", "roles", "action", "resource", "may", "when"], &cells)
}
