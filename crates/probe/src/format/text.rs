//! For people at a terminal: the most severe last, where the eye is when it ends.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use gabion_finding::visible;
use gabion_model::Severity;

use super::{counted, curl, flat, line, place, word};
use crate::Report;
use crate::about::About;
use crate::matrix::{Access, Row};
use crate::replay::Standing;
use crate::report::Finding;
use crate::verdict::{Exchange, Outcome, Verdict};

pub(super) const STRONG: Style = Style::new().bold();
pub(super) const FAINT: Style = Style::new().dimmed();
pub(super) const PLACE: Style = AnsiColor::Cyan.on_default();
pub(super) const GOOD: Style = AnsiColor::Green.on_default().bold();

/// How much is told.
#[derive(Debug, Clone, Copy, Default)]
pub struct TextOptions {
    /// Every operation, every reason, every pass with its control, and what was accepted.
    pub all: bool,
}

/// The report with colours, which whoever prints it takes out where there are none.
#[must_use]
pub fn text(report: &Report, options: TextOptions) -> String {
    let mut out = String::new();
    surface(&mut out, report, options);
    super::required::text(&mut out, report);
    tests(&mut out, report, options);
    matrix(&mut out, report, options);
    let mut taught: BTreeSet<&str> = BTreeSet::new();
    for one in report.findings.iter().rev() {
        finding(&mut out, report, one, taught.insert(&one.about.id));
    }
    for (one, reason) in report.accepted.iter().filter(|_| options.all) {
        let (place, reason) = (visible(&place(one)), visible(reason));
        let _ =
            writeln!(out, "{FAINT}allowed by the baseline: {} at {place}: {reason}{FAINT:#}", one.about.id);
    }
    if !report.gone.is_empty() {
        let entries = counted(report.gone.len(), "entry", "entries");
        let _ = writeln!(out, "{FAINT}note{FAINT:#}: {entries} of the baseline found no longer");
    }
    changes(&mut out, report);
    through(&mut out, report);
    summary(&mut out, report, options);
    out
}

/// What the run before had and this one has not.
fn changes(out: &mut String, report: &Report) {
    let Some(trend) = &report.trend else { return };
    for (head, look, one) in (trend.gone().map(|one| ("gone", GOOD, one)))
        .chain(trend.unseen().map(|one| ("not looked at", style(Severity::Medium), one)))
    {
        let at = if one.operation.is_empty() { "the application" } else { one.operation.as_str() };
        let _ = writeln!(
            out,
            "{look}{head}{look:#}[{}]: {} {FAINT}{}{FAINT:#}",
            visible(&one.test),
            visible(at),
            visible(&line(report, &one.says))
        );
    }
    let _ = writeln!(out, "{STRONG}Trend{STRONG:#}: {}\n", visible(&super::changes::summary(trend)));
}

/// Each finding, direct and through the gate.
fn through(out: &mut String, report: &Report) {
    let Some(through) = &report.through else { return };
    let _ = writeln!(
        out,
        "{STRONG}Through the gate{STRONG:#} at {}: {}, {}",
        visible(&through.base),
        super::changes::compared(through),
        counted(through.requests, "request", "requests")
    );
    for (finding, place, standing, says) in super::changes::rows(report, through) {
        let look = match standing {
            Standing::Gone => GOOD,
            Standing::StillThere => style(Severity::High),
            Standing::CannotSay => style(Severity::Medium),
        };
        let _ = writeln!(
            out,
            "  {look}{:11}{look:#}  {} at {} {FAINT}{}{FAINT:#}",
            crate::through::words(standing),
            finding.about.id,
            visible(&place),
            visible(&line(report, &says))
        );
    }
    if let Some(only) = super::changes::only(through) {
        let _ = writeln!(out, "  {only}:");
        for one in &through.only {
            let _ = writeln!(
                out,
                "    {} at {}: {}",
                visible(&one.test),
                visible(&one.operation),
                visible(&line(report, &one.says))
            );
        }
    }
    for gap in &through.gaps {
        let look = style(Severity::Medium);
        let _ = writeln!(out, "  {look}incomplete{look:#}: {}", visible(&line(report, gap)));
    }
    out.push('\n');
}

pub(super) const fn style(severity: Severity) -> Style {
    match severity {
        Severity::Critical => AnsiColor::Magenta.on_default().bold(),
        Severity::High => AnsiColor::Red.on_default().bold(),
        Severity::Medium => AnsiColor::Yellow.on_default().bold(),
        Severity::Low => AnsiColor::Blue.on_default().bold(),
        Severity::Informational => AnsiColor::Cyan.on_default().bold(),
    }
}

fn surface(out: &mut String, report: &Report, options: TextOptions) {
    let _ = writeln!(out, "{STRONG}What there is{STRONG:#} at {}", visible(&report.base));
    let reached = report.operations.iter().filter(|one| one.reached).count();
    let _ = writeln!(
        out,
        "  {}, {reached} of which answered with a success; level `{}`",
        counted(report.operations.len(), "operation", "operations"),
        report.level.as_str()
    );
    for who in &report.people {
        let standing = match &who.trouble {
            Some(trouble) => format!("not signed in: {}", visible(&line(report, trouble))),
            None if who.name == crate::facts::ANONYMOUS => continue,
            None => "signed in".to_owned(),
        };
        let of = |what: &str, text: &Option<String>| {
            text.as_ref().map_or_else(String::new, |text| format!(", {what} `{}`", visible(text)))
        };
        let _ = writeln!(
            out,
            "  `{}`{}{}: {standing}",
            visible(&who.name),
            of("role", &who.role),
            of("tenant", &who.tenant)
        );
    }
    for one in report.operations.iter().filter(|_| options.all) {
        let mark = if one.reached { "+" } else { "-" };
        let sources: Vec<String> = one.operation.sources.iter().map(|one| format!("{one:?}")).collect();
        let _ = writeln!(
            out,
            "  {FAINT}{mark}{FAINT:#} {} {FAINT}({}){FAINT:#}",
            visible(&one.operation.id()),
            sources.join(", ").to_lowercase()
        );
    }
    for note in &report.notes {
        let _ = writeln!(out, "  {FAINT}note{FAINT:#}: {}", visible(&line(report, note)));
    }
    out.push('\n');
}

/// Each test with what it came to, and why not where it did not run.
fn tests(out: &mut String, report: &Report, options: TextOptions) {
    let by_test = report.by_test();
    let _ = writeln!(out, "{STRONG}What was tested{STRONG:#}");
    let width = report.tests.iter().map(|about| about.id.len()).max().unwrap_or(0);
    for about in &report.tests {
        let counts = by_test.get(about.id.as_str());
        let _ = writeln!(
            out,
            "  {:width$}  {}  {FAINT}{}{FAINT:#}",
            about.id,
            counts.map_or_else(|| format!("{FAINT}nothing here it could attack{FAINT:#}"), verdicts),
            about.control.as_str()
        );
        let reasons = reasons(report, about);
        let most = if options.all { usize::MAX } else { 2 };
        for (reason, (verdict, places)) in reasons.iter().take(most) {
            let at = match places.as_slice() {
                [] => String::new(),
                [one] => format!(" at {}", visible(one)),
                many => format!(" at {} places", many.len()),
            };
            let _ = writeln!(
                out,
                "  {:width$}    {FAINT}{verdict}{at}: {}{FAINT:#}",
                "",
                visible(&line(report, reason))
            );
        }
        for outcome in report.outcomes.iter().filter(|one| options.all && one.test == about.id) {
            let Some(control) = outcome.control.as_ref().filter(|_| outcome.verdict == Verdict::Passed)
            else {
                continue;
            };
            let at =
                if outcome.operation.is_empty() { "the application" } else { outcome.operation.as_str() };
            let point = outcome.point.as_ref().map(|point| format!(", {point}")).unwrap_or_default();
            let _ = writeln!(
                out,
                "  {:width$}    {FAINT}passed at {}{}: {}; control: {}{FAINT:#}",
                "",
                visible(at),
                visible(&point),
                visible(&line(report, &outcome.says)),
                visible(&super::required::whole(report, control))
            );
        }
        if reasons.len() > most {
            let more = counted(reasons.len().saturating_sub(most), "more reason", "more reasons");
            let _ = writeln!(out, "  {:width$}    {FAINT}and {more}; `--all` lists them{FAINT:#}", "");
        }
    }
    out.push('\n');
}

fn verdicts(counts: &BTreeMap<Verdict, usize>) -> String {
    let parts = counts.iter().rev().map(|(verdict, count)| {
        let look = look(*verdict);
        format!("{look}{count} {verdict}{look:#}")
    });
    parts.collect::<Vec<_>>().join(", ")
}

pub(super) const fn look(verdict: Verdict) -> Style {
    match verdict {
        Verdict::Proven | Verdict::Firm => style(Severity::High),
        Verdict::Tentative => style(Severity::Medium),
        Verdict::Passed => AnsiColor::Green.on_default(),
        Verdict::Inconclusive | Verdict::NotTested => Style::new(),
    }
}

/// Why there is no verdict, with the places it is so at.
type Reasons<'a> = BTreeMap<&'a str, (Verdict, Vec<&'a str>)>;

fn reasons<'a>(report: &'a Report, about: &About) -> Reasons<'a> {
    let mut all: Reasons<'a> = BTreeMap::new();
    let open = |one: &&Outcome| matches!(one.verdict, Verdict::NotTested | Verdict::Inconclusive);
    for outcome in report.outcomes.iter().filter(|one| one.test == about.id).filter(open) {
        let entry = all.entry(&outcome.says).or_insert_with(|| (outcome.verdict, Vec::new()));
        if !outcome.operation.is_empty() {
            entry.1.push(&outcome.operation);
        }
    }
    all
}

/// Who may do what: a letter for each operation and identity. Rows where all that is known is what was expected are left out.
fn matrix(out: &mut String, report: &Report, options: TextOptions) {
    let matrix = &report.matrix;
    if matrix.people.len() < 2 || matrix.rows.is_empty() {
        return;
    }
    let counts = Access::ALL.iter().map(|access| format!("{} {access}", matrix.count(*access)));
    let _ = writeln!(out, "{STRONG}Who may do what{STRONG:#}: {}", counts.collect::<Vec<_>>().join(", "));
    let bad = |row: &&Row| row.cells.iter().any(|cell| cell.access == Access::Violation);
    let shown: Vec<&Row> = matrix.rows.iter().filter(|row| options.all || bad(row)).collect();
    if shown.is_empty() {
        out.push('\n');
        return;
    }
    let width = shown.iter().map(|row| row.operation.chars().count()).max().unwrap_or(0).min(60);
    let _ = write!(out, "  {:width$}", "");
    for name in &matrix.people {
        let _ = write!(out, "  {}", visible(name));
    }
    out.push('\n');
    for row in shown {
        let _ = write!(out, "  {:width$}", visible(&row.operation));
        for (name, cell) in matrix.people.iter().zip(&row.cells) {
            let look = match cell.access {
                Access::Violation => style(Severity::High),
                Access::Allowed => AnsiColor::Green.on_default(),
                Access::Denied | Access::NotTested => Style::new(),
            };
            let pad = " ".repeat(name.chars().count().saturating_sub(1));
            let _ = write!(out, "  {look}{}{look:#}{pad}", cell.access.letter());
        }
        out.push('\n');
    }
    let letters = Access::ALL.iter().map(|access| format!("{} {access}", access.letter()));
    let _ = writeln!(out, "  {FAINT}{}{FAINT:#}\n", letters.collect::<Vec<_>>().join(", "));
}

fn finding(out: &mut String, report: &Report, finding: &Finding, teach: bool) {
    let outcome = &finding.outcome;
    let look = style(finding.severity);
    let _ = writeln!(
        out,
        "{look}{}{look:#}[{}]: {STRONG}{}{STRONG:#}{}",
        word(finding.severity),
        finding.about.id,
        visible(&finding.about.title),
        super::changes::of(report, finding).map_or_else(String::new, |change| format!(" ({change})"))
    );
    let _ = writeln!(out, " {PLACE}-->{PLACE:#} {}", visible(&place(finding)));
    let row = |out: &mut String, head: &str, text: &str| {
        let _ = writeln!(out, "  {PLACE}={PLACE:#} {STRONG}{head}{STRONG:#}: {text}");
    };
    let says = visible(&line(report, &outcome.says));
    row(out, outcome.verdict.words(), &says);
    if let Some(proof) = &outcome.proof {
        if !proof.evidence.is_empty() && proof.evidence != outcome.says {
            row(out, "seen", &visible(&line(report, &proof.evidence)));
        }
        row(out, "attack", &sent(report, &proof.attack));
        if let Some(twin) = &proof.twin {
            row(out, "twin", &sent(report, twin));
        }
        for exchange in &proof.shown {
            row(out, "shown by", &sent(report, exchange));
        }
    }
    if let Some(control) = &outcome.control {
        let says = visible(&line(report, &control.says));
        match super::required::exchange(report, outcome) {
            Some(exchange) => row(out, "control", &format!("{says}: {}", sent(report, exchange))),
            None => row(out, "control", &says),
        }
    }
    if teach {
        row(out, "fix", &visible(&flat(&finding.about.fix)));
    }
    let _ = writeln!(
        out,
        "  {PLACE}={PLACE:#} {FAINT}{} · {} · {}{FAINT:#}",
        finding.id,
        finding.about.control.as_str(),
        finding.about.cwe.iter().map(|number| format!("CWE-{number}")).collect::<Vec<_>>().join(", ")
    );
    out.push('\n');
}

fn sent(report: &Report, exchange: &Exchange) -> String {
    format!(
        "{} {FAINT}# {} as {}{FAINT:#}",
        visible(&curl(report, exchange)),
        exchange.status,
        visible(&exchange.who)
    )
}

fn summary(out: &mut String, report: &Report, options: TextOptions) {
    let cost =
        format!("{} in {}", counted(report.requests, "request", "requests"), super::duration(report.elapsed));
    let sure: Vec<_> =
        report.findings.iter().filter(|one| one.outcome.verdict > Verdict::Tentative).collect();
    let unsure = report.findings.len().saturating_sub(sure.len());
    if sure.is_empty() {
        let _ = writeln!(out, "{GOOD}nothing found{GOOD:#}, {cost}");
    } else {
        let parts: Vec<String> = Severity::ALL
            .iter()
            .rev()
            .filter_map(|severity| {
                let count = sure.iter().filter(|one| one.severity == *severity).count();
                let look = style(*severity);
                (count > 0).then(|| format!("{look}{count} {}{look:#}", word(*severity)))
            })
            .collect();
        let found = counted(sure.len(), "finding", "findings");
        let _ = writeln!(out, "{STRONG}{found}{STRONG:#}: {}; {cost}", parts.join(", "));
    }
    if unsure > 0 {
        let are = if unsure == 1 { "is" } else { "are" };
        let _ = writeln!(out, "  {unsure} more {are} tentative: worth a look, and never fails a run");
    }
    if !report.accepted.is_empty() {
        let hint = if options.all { "" } else { "; `--all` lists them" };
        let _ = writeln!(out, "  {} allowed by the baseline{hint}", report.accepted.len());
    }
    for gap in &report.gaps {
        let (look, head) = if gap.incomplete {
            (style(Severity::Medium), "incomplete")
        } else {
            (style(Severity::Low), "little was tested")
        };
        let _ = writeln!(out, "{look}{head}{look:#}: {}", visible(&line(report, &gap.says)));
    }
    for request in &report.journal {
        let _ = writeln!(out, "  {FAINT}last asked: {}{FAINT:#}", visible(&line(report, request)));
    }
    if let Some(first) = report.findings.first() {
        let _ = writeln!(out, "  `gabion explain {}` tells what it is and what to do", first.about.id);
    }
    if !report.left.is_empty() {
        let left = counted(report.left.len(), "test that is left", "tests that are left");
        let _ = writeln!(out, "  `gabion probe --resume` goes on with {left}");
    }
    if report.findings.iter().any(|one| one.outcome.proof.is_some()) && !report.variables.is_empty() {
        let _ = writeln!(
            out,
            "  `gabion probe login` prints the variables of the lines that send requests again"
        );
    }
}
