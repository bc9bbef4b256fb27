//! What was looked at and what was not: the tests, who may do what, what there is, and what was noted.

use std::fmt::Write as _;

use gabion_finding::visible::markup;

use super::super::required::whole;
use super::super::{line, place};
use super::prose;
use crate::Report;
use crate::matrix::{Access, Row};
use crate::verdict::{Outcome, Verdict};

/// Each test with what it came to, and every pass with its control.
pub(super) fn tests(out: &mut String, report: &Report) {
    let by_test = report.by_test();
    out.push_str(
        "<h2 id=\"tests\">What was tested</h2>\n<div class=\"wide\"><table>\n<tr><th>test</th><th>attacks</th>",
    );
    let shown = Verdict::ALL.iter().rev();
    shown.clone().for_each(|verdict| {
        let _ = write!(out, "<th class=\"number\">{verdict}</th>");
    });
    out.push_str("</tr>\n");
    for about in &report.tests {
        let _ = write!(
            out,
            "<tr><td title=\"{}\">{}</td><td><code>{}</code></td>",
            markup(&about.title),
            markup(&about.id),
            markup(about.control.as_str())
        );
        for verdict in shown.clone() {
            let count = by_test.get(about.id.as_str()).and_then(|counts| counts.get(verdict)).copied();
            let _ = match count {
                None => write!(out, "<td></td>"),
                Some(count) => write!(out, "<td class=\"number {}\">{count}</td>", verdict.as_str()),
            };
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</table></div>\n");
    let with = |fits: fn(Verdict) -> bool| report.outcomes.iter().filter(move |one| fits(one.verdict));
    let open: Vec<&Outcome> = with(|one| matches!(one, Verdict::NotTested | Verdict::Inconclusive)).collect();
    outcomes(out, report, "Without a verdict", &open);
    outcomes(out, report, "Passed", &with(|one| one == Verdict::Passed).collect::<Vec<_>>());
}

/// Places, what was said of them, and what the control was where it has one.
fn outcomes(out: &mut String, report: &Report, head: &str, all: &[&Outcome]) {
    if all.is_empty() {
        return;
    }
    let _ = writeln!(out, "<details><summary>{head}: {}</summary><div class=\"wide\"><table>", all.len());
    for outcome in all {
        let point = outcome.point.as_ref().map(ToString::to_string).unwrap_or_default();
        let operation =
            if outcome.operation.is_empty() { "the application" } else { outcome.operation.as_str() };
        let control = outcome
            .control
            .as_ref()
            .map(|control| format!("<div class=\"faint\">control: {}</div>", prose(&whole(report, control))));
        let _ = writeln!(
            out,
            "<tr><td class=\"{}\">{}</td><td>{}</td><td><code>{}</code> <code>{}</code></td><td>{}{}</td></tr>",
            outcome.verdict.as_str(),
            outcome.verdict,
            markup(&outcome.test),
            markup(operation),
            markup(&point),
            prose(&line(report, &outcome.says)),
            control.unwrap_or_default()
        );
    }
    out.push_str("</table></div></details>\n");
}

/// Every operation and every identity; what should not be stands first.
pub(super) fn matrix(out: &mut String, report: &Report) {
    let matrix = &report.matrix;
    if matrix.people.len() < 2 || matrix.rows.is_empty() {
        return;
    }
    out.push_str("<h2 id=\"matrix\">Who may do what</h2>\n<ul class=\"legend\">");
    for access in Access::ALL {
        let (class, count) = (class_of(access), matrix.count(access));
        let _ =
            write!(out, "<li><span class=\"cell {class}\">{}</span> {count} {access}</li>", access.letter());
    }
    out.push_str("</ul>\n<div class=\"wide\"><table class=\"matrix\">\n<thead><tr><th>operation</th>");
    for name in &matrix.people {
        let who = report.people.iter().find(|who| who.name == *name);
        let of: Vec<&str> = who
            .map(|who| who.role.iter().chain(&who.tenant).map(String::as_str).collect())
            .unwrap_or_default();
        let _ = write!(out, "<th>{}<small>{}</small></th>", markup(name), markup(&of.join(" · ")));
    }
    out.push_str("</tr></thead>\n");
    let worst = |row: &Row| row.cells.iter().map(|cell| cell.access).max().unwrap_or(Access::NotTested);
    let (bad, others): (Vec<&Row>, Vec<&Row>) =
        matrix.rows.iter().partition(|row| worst(row) == Access::Violation);
    let (known, unknown): (Vec<&Row>, Vec<&Row>) =
        others.into_iter().partition(|row| worst(row) > Access::NotTested);
    for (head, rows) in
        [("Somebody gets what they should not", bad), ("As expected", known), ("Not tested", unknown)]
    {
        if rows.is_empty() {
            continue;
        }
        let _ = writeln!(
            out,
            "<tbody><tr><th class=\"group\" colspan=\"{}\">{head}: {}</th></tr>",
            matrix.people.len().saturating_add(1),
            rows.len()
        );
        rows.into_iter().for_each(|own| row(out, report, own));
        out.push_str("</tbody>\n");
    }
    out.push_str("</table></div>\n");
}

fn row(out: &mut String, report: &Report, row: &Row) {
    let (method, path) = row.operation.split_once(' ').unwrap_or(("", &row.operation));
    let _ = write!(out, "<tr><td><code><b>{}</b> {}</code></td>", markup(method), markup(path));
    for cell in &row.cells {
        let why: Vec<String> = cell.reasons.iter().map(|reason| line(report, reason)).collect();
        let _ = write!(
            out,
            "<td class=\"cell {}\" title=\"{}: {}\">{}</td>",
            class_of(cell.access),
            cell.access,
            markup(&why.join("; ")),
            cell.access.letter()
        );
    }
    out.push_str("</tr>\n");
}

const fn class_of(access: Access) -> &'static str {
    match access {
        Access::NotTested => "untested",
        Access::Denied => "denied",
        Access::Allowed => "allowed",
        Access::Violation => "violation",
    }
}

/// Software that shows its version, and what the advisories say of it.
pub(super) fn components(out: &mut String, report: &Report) {
    if report.components.is_empty() {
        return;
    }
    let _ = writeln!(
        out,
        "<h2 id=\"components\">Components</h2>\n<div class=\"wide\"><table>\n<tr><th>component</th><th>version</th><th>of</th><th>seen at</th><th></th></tr>"
    );
    for one in &report.components {
        let judged = report.judged(one);
        let _ = writeln!(
            out,
            "<tr><td>{}</td><td><code>{}</code></td><td>{}</td><td><code>{}</code></td><td class=\"{}\">{}</td></tr>",
            markup(&one.name),
            markup(&one.version),
            one.ecosystem.map_or("", gabion_finding::Ecosystem::as_str),
            markup(&one.seen),
            judged.map_or("", |outcome| outcome.verdict.as_str()),
            judged.map_or_else(|| "not judged".to_owned(), |outcome| markup(&line(report, &outcome.says)))
        );
    }
    out.push_str("</table></div>\n");
}

pub(super) fn rest(out: &mut String, report: &Report) {
    if !report.accepted.is_empty() {
        let _ = writeln!(out, "<details><summary>Allowed: {}</summary><table>", report.accepted.len());
        for (finding, reason) in &report.accepted {
            let _ = writeln!(
                out,
                "<tr><td><code>{}</code></td><td>{}</td><td>{}</td></tr>",
                markup(&place(finding)),
                markup(&finding.about.id),
                markup(reason)
            );
        }
        out.push_str("</table></details>\n");
    }
    let _ = writeln!(
        out,
        "<h2 id=\"surface\">What there is</h2>\n<details><summary>Operations: {}</summary><div class=\"wide\"><table>",
        report.operations.len()
    );
    for one in &report.operations {
        let sources: Vec<&str> = one.operation.sources.iter().map(|source| source.words()).collect();
        let _ = writeln!(
            out,
            "<tr><td><code>{}</code></td><td>{}</td><td class=\"faint\">{}</td></tr>",
            markup(&one.operation.id()),
            if one.reached { "answered with a success" } else { "refused" },
            sources.join(", ")
        );
    }
    out.push_str("</table></div></details>\n");
    for (head, lines) in [("Notes", &report.notes), ("Asked last", &report.journal)] {
        if lines.is_empty() {
            continue;
        }
        let _ = writeln!(out, "<details><summary>{head}: {}</summary><ul>", lines.len());
        for text in lines {
            let _ = writeln!(out, "<li>{}</li>", prose(&line(report, text)));
        }
        out.push_str("</ul></details>\n");
    }
}
