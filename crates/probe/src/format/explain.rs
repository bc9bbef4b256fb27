//! What a test teaches, and the list of them.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use gabion_finding::visible;

use super::text::{FAINT, GOOD, PLACE, STRONG, style};
use super::word;
use crate::about::About;
use crate::facts::Level;

/// What a test teaches.
#[must_use]
pub fn explain(about: &About) -> String {
    let mut out = String::new();
    let look = style(about.severity);
    let _ = writeln!(out, "{STRONG}{}{STRONG:#}: {}", about.id, visible(about.title.trim()));
    let weaknesses: Vec<String> = about.cwe.iter().map(|number| format!("CWE-{number}")).collect();
    let _ = writeln!(
        out,
        "{look}{}{look:#}, {}, OWASP {}; a test of `gabion probe`, level `{}`; attacks {PLACE}{}{PLACE:#}\n",
        word(about.severity),
        weaknesses.join(", "),
        about.owasp.join(", "),
        about.level.as_str(),
        about.control.as_str()
    );
    for (head, text) in [("Why", &about.why), ("What to do", &about.fix)] {
        let _ = writeln!(out, "{STRONG}{head}{STRONG:#}");
        text.trim().lines().for_each(|line| {
            let _ = writeln!(out, "  {}", visible(line));
        });
        out.push('\n');
    }
    let _ = writeln!(out, "{STRONG}Verdicts{STRONG:#}");
    for (name, says) in VERDICTS {
        let _ = writeln!(out, "  {GOOD}{name:12}{GOOD:#} {says}");
    }
    out.push('\n');
    for link in &about.references {
        let _ = writeln!(out, "{FAINT}see{FAINT:#} {}", visible(link));
    }
    let _ = writeln!(out, "{FAINT}run{FAINT:#} `gabion probe URL --only {}`", about.id);
    out
}

const VERDICTS: &[(&str, &str)] = &[
    ("proven", "the effect itself was seen"),
    ("firm", "it happened twice where the twin request did not, and nothing else explains it"),
    ("tentative", "worth a look; never fails a run"),
    ("passed", "the control request worked, and the attack was refused"),
    ("inconclusive", "what came back allows no verdict"),
    ("not tested", "something it needs is not known; the reason says what"),
];

/// A table of tests.
#[must_use]
pub fn list(all: &[&About]) -> String {
    let mut out = String::new();
    let width = |of: fn(&About) -> &str| all.iter().map(|about| of(about).len()).max().unwrap_or(0);
    let (ids, controls) = (width(|about| &about.id), width(|about| about.control.as_str()));
    for about in all {
        let look = style(about.severity);
        let level: Style = match about.level {
            Level::Destructive => AnsiColor::Yellow.on_default(),
            _ => Style::new(),
        };
        let _ = writeln!(
            out,
            "{STRONG}{:ids$}{STRONG:#}  {look}{:8}{look:#}  {level}{:11}{level:#}  {PLACE}{:controls$}{PLACE:#}  {}",
            about.id,
            word(about.severity),
            about.level.as_str(),
            about.control.as_str(),
            visible(about.title.trim())
        );
    }
    out
}
