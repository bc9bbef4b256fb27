//! For a comment or a page on a forge.

use std::fmt::Write as _;

use gabion_finding::visible::{markdown as plain, visible};

use super::{counted, curl, duration, flat, line, place, word};
use crate::Report;
use crate::matrix::Access;
use crate::verdict::{Exchange, Verdict};

pub(super) fn markdown(report: &Report) -> String {
    let mut out = String::from("# Probe\n\n");
    let sure = report.findings.iter().filter(|one| one.outcome.verdict > Verdict::Tentative).count();
    let found = if sure == 0 { "nothing found".to_owned() } else { counted(sure, "finding", "findings") };
    let reached = report.operations.iter().filter(|one| one.reached).count();
    let _ = writeln!(
        out,
        "{} at level {}: **{found}**. {reached} of {} answered with a success; {} in {}.\n",
        plain(&report.base),
        report.level.as_str(),
        counted(report.operations.len(), "operation", "operations"),
        counted(report.requests, "request", "requests"),
        duration(report.elapsed)
    );
    for gap in &report.gaps {
        let head = if gap.incomplete { "Incomplete" } else { "Little was tested" };
        let _ = writeln!(out, "> **{head}**: {}\n", plain(&line(report, &gap.says)));
    }
    super::required::markdown(&mut out, report);
    if let Some(trend) = &report.trend {
        let _ = writeln!(out, "**Trend**: {}\n", plain(&super::changes::summary(trend)));
        for (head, one) in
            (trend.gone().map(|one| ("gone", one))).chain(trend.unseen().map(|one| ("not looked at", one)))
        {
            let _ = writeln!(out, "- {head}: {} at {}", plain(&one.test), plain(&one.operation));
        }
        out.push('\n');
    }
    if let Some(through) = &report.through {
        let _ = writeln!(
            out,
            "**Through the gate** at {}: {}\n\n| finding | through | why |\n|---|---|---|",
            plain(&through.base),
            super::changes::compared(through)
        );
        for (finding, place, standing, says) in super::changes::rows(report, through) {
            let _ = writeln!(
                out,
                "| {} at {} | {} | {} |",
                plain(&finding.about.id),
                plain(&place),
                crate::through::words(standing),
                plain(&line(report, &says))
            );
        }
        for one in &through.only {
            let _ = writeln!(
                out,
                "| {} at {} | found here only | {} |",
                plain(&one.test),
                plain(&one.operation),
                plain(&one.says)
            );
        }
        out.push('\n');
    }
    if !report.findings.is_empty() {
        out.push_str("| severity | verdict | where | test | what |\n|---|---|---|---|---|\n");
    }
    for finding in &report.findings {
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} |",
            word(finding.severity),
            finding.outcome.verdict,
            plain(&place(finding)),
            plain(&finding.about.id),
            plain(&match super::changes::of(report, finding) {
                Some(change) => format!("{change}: {}", line(report, &finding.outcome.says)),
                None => line(report, &finding.outcome.says),
            })
        );
    }
    tests(&mut out, report);
    matrix(&mut out, report);
    for finding in &report.findings {
        let _ = writeln!(
            out,
            "\n## {} at {}\n\n{}: {}",
            plain(&finding.about.title),
            plain(&place(finding)),
            finding.outcome.verdict,
            plain(&line(report, &finding.outcome.says))
        );
        if let Some(proof) = &finding.outcome.proof {
            let mut lines = vec![sent(report, "attack", &proof.attack)];
            lines.extend(proof.twin.iter().map(|twin| sent(report, "twin", twin)));
            lines.extend(proof.shown.iter().map(|one| sent(report, "shown by", one)));
            if let Some(own) = super::required::exchange(report, &finding.outcome) {
                lines.push(sent(report, "control", own));
            }
            fenced(&mut out, &lines.join("\n"));
        }
        if let Some(control) = &finding.outcome.control {
            let _ = writeln!(out, "\n**Control:** {}", plain(&line(report, &control.says)));
        }
        let _ = writeln!(
            out,
            "\n**Why:** {}\n\n**What to do:** {}",
            plain(&flat(&finding.about.why)),
            plain(&flat(&finding.about.fix))
        );
    }
    if !report.accepted.is_empty() {
        out.push_str("\n## Allowed\n\n| where | test | reason |\n|---|---|---|\n");
    }
    for (finding, reason) in &report.accepted {
        let _ = writeln!(
            out,
            "| {} | {} | {} |",
            plain(&place(finding)),
            plain(&finding.about.id),
            plain(reason)
        );
    }
    out
}

fn tests(out: &mut String, report: &Report) {
    let by_test = report.by_test();
    out.push_str("\n## What was tested\n\n| test |");
    let shown = Verdict::ALL.iter().rev();
    shown.clone().for_each(|verdict| {
        let _ = write!(out, " {verdict} |");
    });
    out.push_str("\n|---|---|---|---|---|---|---|\n");
    for about in &report.tests {
        let _ = write!(out, "| {} |", plain(&about.id));
        for verdict in shown.clone() {
            let count = by_test.get(about.id.as_str()).and_then(|counts| counts.get(verdict));
            let _ = write!(out, " {} |", count.copied().unwrap_or(0));
        }
        out.push('\n');
    }
}

fn matrix(out: &mut String, report: &Report) {
    let matrix = &report.matrix;
    if matrix.people.len() < 2 || matrix.rows.is_empty() {
        return;
    }
    out.push_str("\n## Who may do what\n\n| operation |");
    matrix.people.iter().for_each(|name| {
        let _ = write!(out, " {} |", plain(name));
    });
    out.push_str("\n|---|");
    matrix.people.iter().for_each(|_| out.push_str("---|"));
    out.push('\n');
    for row in &matrix.rows {
        let _ = write!(out, "| {} |", plain(&row.operation));
        for cell in &row.cells {
            let letter = cell.access.letter();
            let _ = match cell.access {
                Access::Violation => write!(out, " **{letter}** |"),
                _ => write!(out, " {letter} |"),
            };
        }
        out.push('\n');
    }
    let letters = Access::ALL.iter().map(|access| format!("{} {access}", access.letter()));
    let _ = writeln!(out, "\n{}", letters.collect::<Vec<_>>().join(", "));
}

fn sent(report: &Report, head: &str, exchange: &Exchange) -> String {
    let who = visible(&exchange.who);
    format!("# {head}: {} as {who}\n{}", exchange.status, visible(&curl(report, exchange)))
}

/// A block that no line of it can end.
fn fenced(out: &mut String, text: &str) {
    let mut longest = 0_usize;
    let mut run = 0_usize;
    for letter in text.chars() {
        run = if letter == '`' { run.saturating_add(1) } else { 0 };
        longest = longest.max(run);
    }
    let fence = "`".repeat(longest.saturating_add(1).max(3));
    let _ = writeln!(out, "\n{fence}sh\n{text}\n{fence}");
}
