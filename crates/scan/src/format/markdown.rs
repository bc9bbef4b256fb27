//! For a comment or a page on a forge.

use std::fmt::Write as _;

use super::{flat, word};
use crate::Report;
use crate::report::words;
use crate::visible::markdown as plain;

pub(super) fn markdown(report: &Report) -> String {
    let mut out = String::from("# Scan\n\n");
    let counts: Vec<String> = report
        .counts()
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(severity, count)| format!("{count} {}", word(severity)))
        .collect();
    let found = if counts.is_empty() { "nothing found".to_owned() } else { counts.join(", ") };
    let _ = writeln!(out, "{} files, {} lines: **{found}**.\n", report.files, report.lines);
    for gap in &report.incomplete {
        let _ = writeln!(out, "> **Incomplete**: {}\n", plain(gap));
    }
    if !report.findings.is_empty() {
        out.push_str("| severity | place | rule | what |\n|---|---|---|---|\n");
    }
    for reported in &report.findings {
        let finding = &reported.finding;
        let place = format!("{}:{}", finding.place.path, finding.place.start.line);
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} |",
            word(finding.severity),
            plain(&place),
            plain(finding.rule.as_str()),
            plain(&finding.message)
        );
    }
    for (id, (_, rule)) in &report.rules {
        if !report.findings.iter().any(|one| one.finding.rule.as_str() == id) {
            continue;
        }
        let _ = writeln!(
            out,
            "\n## {}\n\n{}\n\n**What to do:** {}",
            plain(&rule.title),
            plain(&flat(&rule.why)),
            plain(&flat(&rule.fix))
        );
        for link in &rule.references {
            let _ = writeln!(out, "\n<{}>", crate::visible(link).replace(['<', '>', ' '], ""));
        }
    }
    if !report.suppressed.is_empty() {
        out.push_str("\n## Allowed\n\n| place | rule | reason |\n|---|---|---|\n");
    }
    for suppressed in &report.suppressed {
        let finding = &suppressed.reported.finding;
        let place = format!("{}:{}", finding.place.path, finding.place.start.line);
        let _ = writeln!(
            out,
            "| {} | {} | {} |",
            plain(&place),
            plain(finding.rule.as_str()),
            plain(suppressed.by.text())
        );
    }
    if !report.unread.is_empty() {
        out.push_str("\n## Not read\n\n| path | why |\n|---|---|\n");
    }
    for unread in &report.unread {
        let why = format!("{} {}", words(unread.reason), unread.detail);
        let _ = writeln!(out, "| {} | {} |", plain(&unread.path), plain(why.trim()));
    }
    out
}
