//! For people at a terminal: the most severe last, where the eye is when it ends.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use gabion_finding::{Rule, UnreadReason};
use gabion_model::Severity;

use super::{flat, word};
use crate::frame::FrameLine;
use crate::report::words;
use crate::{Reason, Report, Reported, visible};

const STRONG: Style = Style::new().bold();
const FAINT: Style = Style::new().dimmed();
const PLACE: Style = AnsiColor::Cyan.on_default();
const GOOD: Style = AnsiColor::Green.on_default().bold();

/// How much is told.
#[derive(Debug, Clone, Copy, Default)]
pub struct TextOptions {
    /// Everything that was not read, by name, and what was allowed.
    pub all: bool,
}

/// The report with colours, which whoever prints it takes out where there are none.
#[must_use]
pub fn text(report: &Report, options: TextOptions) -> String {
    let mut out = String::new();
    let mut taught: BTreeSet<&str> = BTreeSet::new();
    for reported in report.findings.iter().rev() {
        finding(&mut out, report, reported, taught.insert(reported.finding.rule.as_str()));
    }
    if options.all {
        for suppressed in &report.suppressed {
            let place = &suppressed.reported.finding.place;
            let by = match &suppressed.by {
                Reason::Comment { .. } => "a comment",
                Reason::Baseline { .. } => "the baseline",
            };
            let (path, rule) = (visible(&place.path), &suppressed.reported.finding.rule);
            let reason = visible(suppressed.by.text());
            let _ = writeln!(
                out,
                "{FAINT}allowed by {by}: {path}:{} {rule}: {reason}{FAINT:#}",
                place.start.line
            );
        }
        for unread in &report.unread {
            let detail = if unread.detail.is_empty() {
                String::new()
            } else {
                format!(": {}", visible(&unread.detail))
            };
            let (path, why) = (visible(&unread.path), words(unread.reason));
            let _ = writeln!(out, "{FAINT}not read: {path} ({why}){detail}{FAINT:#}");
        }
    }
    for (path, allow) in &report.idle {
        let today = crate::report::today(report.at);
        let why = if allow.is_over(&today) { "is over" } else { "allows nothing that was found" };
        let _ = writeln!(
            out,
            "{FAINT}note{FAINT:#}: {}:{}: the comment `gabion:allow` {why}",
            visible(path),
            allow.line
        );
    }
    if !report.gone.is_empty() {
        let (count, word) = counted(report.gone.len(), "entry", "entries");
        let _ = writeln!(out, "{FAINT}note{FAINT:#}: {count} {word} of the baseline found no longer");
    }
    summary(&mut out, report, options);
    out
}

const fn style(severity: Severity) -> Style {
    match severity {
        Severity::Critical => AnsiColor::Magenta.on_default().bold(),
        Severity::High => AnsiColor::Red.on_default().bold(),
        Severity::Medium => AnsiColor::Yellow.on_default().bold(),
        Severity::Low => AnsiColor::Blue.on_default().bold(),
        Severity::Informational => AnsiColor::Cyan.on_default().bold(),
    }
}

fn finding(out: &mut String, report: &Report, reported: &Reported, teach: bool) {
    let finding = &reported.finding;
    let look = style(finding.severity);
    let message = visible(&finding.message);
    let _ = writeln!(
        out,
        "{look}{}{look:#}[{}]: {STRONG}{message}{STRONG:#}",
        word(finding.severity),
        finding.rule
    );
    let lines = &reported.frame.lines;
    let gutter = lines.iter().map(|line| line.number.to_string().len()).max().unwrap_or(1);
    let pad = " ".repeat(gutter);
    let place = &finding.place;
    if !place.path.is_empty() {
        let _ = writeln!(
            out,
            "{pad}{PLACE}-->{PLACE:#} {}:{}:{}",
            visible(&place.path),
            place.start.line,
            place.start.column
        );
    }
    if !lines.is_empty() {
        let _ = writeln!(out, "{pad} {PLACE}|{PLACE:#}");
        lines.iter().for_each(|line| code(out, line, gutter, look));
        let _ = writeln!(out, "{pad} {PLACE}|{PLACE:#}");
    }
    for (step, number) in finding.trace.iter().zip(1..) {
        let (path, line) = (visible(&step.place.path), step.place.start.line);
        let _ = writeln!(out, "{pad} {PLACE}={PLACE:#} {number}. {path}:{line}: {}", visible(&step.says));
    }
    for (name, value) in &finding.properties {
        let _ =
            writeln!(out, "{pad} {PLACE}={PLACE:#} {STRONG}{}{STRONG:#}: {}", visible(name), visible(value));
    }
    let rule = report.rules.get(finding.rule.as_str()).map(|(_, rule)| rule);
    if let Some(rule) = rule.filter(|_| teach) {
        let _ = writeln!(out, "{pad} {PLACE}={PLACE:#} {STRONG}fix{STRONG:#}: {}", visible(&flat(&rule.fix)));
    }
    if let Some(fix) = &finding.fix {
        let says = visible(&fix.says);
        let _ = writeln!(out, "{pad} {PLACE}={PLACE:#} {GOOD}--fix{GOOD:#}: {says}");
    }
    out.push('\n');
}

fn code(out: &mut String, line: &FrameLine, gutter: usize, look: Style) {
    let _ = writeln!(out, "{PLACE}{:>gutter$} |{PLACE:#} {}", line.number, line.text.trim_end());
    if let Some((from, to)) = line.mark {
        let indent = " ".repeat(from);
        let mark = "^".repeat(to.saturating_sub(from).clamp(1, 160));
        let _ = writeln!(out, "{} {PLACE}|{PLACE:#} {indent}{look}{mark}{look:#}", " ".repeat(gutter));
    }
}

fn counted(count: usize, one: &'static str, many: &'static str) -> (usize, &'static str) {
    (count, if count == 1 { one } else { many })
}

fn summary(out: &mut String, report: &Report, options: TextOptions) {
    let (files, word_files) = counted(report.files, "file", "files");
    let read = format!("{files} {word_files}, {} lines", report.lines);
    if report.findings.is_empty() {
        let _ = writeln!(out, "{GOOD}nothing found{GOOD:#} in {read}");
    } else {
        let (count, word_findings) = counted(report.findings.len(), "finding", "findings");
        let parts: Vec<String> = report
            .counts()
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .map(|(severity, count)| {
                let look = style(severity);
                format!("{look}{count} {}{look:#}", word(severity))
            })
            .collect();
        let _ = writeln!(out, "{STRONG}{count} {word_findings}{STRONG:#} in {read}: {}", parts.join(", "));
    }
    for (scanner, by) in &report.judged_by {
        let _ = writeln!(out, "  {scanner} judged by {}", visible(by));
    }
    if let Some((commits, texts)) = report.history {
        let (commits, word) = counted(commits, "commit", "commits");
        let _ = writeln!(out, "  looked through for secrets: {texts} texts of {commits} {word}");
    }
    if let Some((archives, texts)) = report.archives {
        let (archives, word) = counted(archives, "archive", "archives");
        let _ = writeln!(out, "  looked through for secrets: {texts} texts in {archives} {word}");
    }
    if let Some(base) = &report.base {
        let (count, word) = counted(report.unchanged, "finding", "findings");
        let base: String = base.chars().take(12).collect();
        let _ = writeln!(out, "  {count} {word} on lines that did not change since {base}");
    }
    if report.unsure > 0 {
        let (count, word) = counted(report.unsure, "finding is", "findings are");
        let _ = writeln!(out, "  {count} less sure {word} not shown; `--confidence low` shows all");
    }
    if !report.suppressed.is_empty() {
        let count = report.suppressed.len();
        let comments =
            report.suppressed.iter().filter(|one| matches!(one.by, Reason::Comment { .. })).count();
        let rest = count - comments.min(count);
        let hint = if options.all { "" } else { "; `--all` lists them" };
        let _ = writeln!(out, "  {count} allowed: {comments} by comments, {rest} by the baseline{hint}");
    }
    if !report.unread.is_empty() {
        let mut parts = Vec::new();
        let mut reasons: Vec<UnreadReason> = report.unread.iter().map(|one| one.reason).collect();
        reasons.dedup_by_key(|reason| reason.as_str());
        let distinct: BTreeSet<UnreadReason> = reasons.into_iter().collect();
        for reason in distinct {
            let count = report.unread.iter().filter(|one| one.reason == reason).count();
            parts.push(format!("{count} {}", words(reason)));
        }
        let hint = if options.all { "" } else { "; `--all` lists them" };
        let _ = writeln!(out, "  not read: {}{hint}", parts.join(", "));
    }
    for gap in &report.incomplete {
        let look = style(Severity::Medium);
        let _ = writeln!(out, "{look}incomplete{look:#}: {}", visible(gap));
    }
    if let Some(first) = report.findings.first() {
        let _ = writeln!(out, "  `gabion explain {}` tells what it is and what to do", first.finding.rule);
    }
}

/// What a rule teaches, with the examples in one language where there are some.
#[must_use]
pub fn explain(rule: &Rule, scanner: &str, language: Option<&str>) -> String {
    let mut out = String::new();
    let look = style(rule.severity);
    let _ = writeln!(out, "{STRONG}{}{STRONG:#}: {}", rule.id, visible(rule.title.trim()));
    let weaknesses: Vec<String> = rule.cwe.iter().map(|number| format!("CWE-{number}")).collect();
    let _ = writeln!(
        out,
        "{look}{}{look:#}, {} confidence, {}; found by `{scanner}`; evidence for {PLACE}{}{PLACE:#}\n",
        word(rule.severity),
        rule.confidence.as_str(),
        weaknesses.join(", "),
        rule.control.as_str()
    );
    let paragraph = |out: &mut String, head: &str, text: &str| {
        let _ = writeln!(out, "{STRONG}{head}{STRONG:#}");
        text.trim().lines().for_each(|line| {
            let _ = writeln!(out, "  {}", visible(line));
        });
        out.push('\n');
    };
    paragraph(&mut out, "Why", &rule.why);
    paragraph(&mut out, "What to do", &rule.fix);
    let wanted: Vec<_> = rule
        .examples
        .iter()
        .filter(|example| language.is_none_or(|language| speaks(&example.file, language)))
        .collect();
    let shown = if wanted.is_empty() { rule.examples.iter().collect() } else { wanted };
    for example in shown {
        for (head, mark, text) in [
            ("Vulnerable", style(Severity::High), &example.vulnerable),
            ("Repaired", GOOD, &example.repaired),
        ] {
            let _ = writeln!(out, "{mark}{head}{mark:#} {FAINT}({}){FAINT:#}", visible(&example.file));
            for line in text.trim_end().lines() {
                let _ = writeln!(out, "  {PLACE}|{PLACE:#} {}", visible(line));
            }
            out.push('\n');
        }
    }
    for link in &rule.references {
        let _ = writeln!(out, "{FAINT}see{FAINT:#} {}", visible(link));
    }
    let _ = writeln!(
        out,
        "{FAINT}allow{FAINT:#} `gabion:allow {} the reason` in a comment on its line or above",
        rule.id
    );
    out
}

/// Whether a file is of a language, named as people do or by the end of its name.
fn speaks(file: &str, language: &str) -> bool {
    let ends: &[&str] = match language {
        "javascript" | "js" => &["js", "jsx", "mjs", "cjs"],
        "typescript" | "ts" => &["ts", "tsx", "mts", "cts"],
        "python" | "py" => &["py"],
        "rust" | "rs" => &["rs"],
        "go" => &["go"],
        "java" => &["java"],
        "yaml" => &["yml", "yaml"],
        other => return file.rsplit('.').next() == Some(other),
    };
    file.rsplit('.').next().is_some_and(|end| ends.contains(&end))
}
