//! Every hole of the application, tried directly, through the gate, and in the repaired application, side by side.

use std::fmt::Write as _;

use gabion_strawman::{Outcome, Target, Verdict, attack, holes};
use serde::Serialize;

use super::stage::Stage;
use crate::failure::{Exit, Failure};
use crate::output::progress::Progress;
use crate::output::table::{Cell, styled, table};
use crate::output::{BAD, FAINT, GOOD, STRONG, WARN};

/// What the gate closes today: one of these found open is a failure.
const CLAIMED: &[&str] = &[
    "cacheable-answer",
    "command-injection",
    "csrf",
    "forged-identity",
    "function-level",
    "host-header",
    "idor-tenant",
    "idor-user",
    "login-rate",
    "mass-assignment",
    "missing-headers",
    "missing-login",
    "nosql-injection",
    "open-redirect",
    "path-traversal",
    "permissive-cors",
    "reflected-xss",
    "secrets-in-answer",
    "stored-xss",
    "unsafe-upload",
    "unsigned-webhook",
    "user-enumeration",
    "verbose-errors",
    "weak-session-cookie",
    "websocket-hijacking",
];

/// What came of both attacks.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    /// `json-v1`: a later change of meaning gets another name.
    format: &'static str,
    holes: Vec<Row>,
    summary: Summary,
}

#[derive(Debug, Serialize)]
struct Row {
    id: &'static str,
    title: &'static str,
    cwe: u32,
    /// The promise the hole breaks.
    control: &'static str,
    /// The control that closes it in front of the application.
    closed_by: &'static str,
    direct: &'static str,
    gate: &'static str,
    /// In the application whose code was mended, without a gate.
    repaired: &'static str,
    /// The gate says it closes this one today.
    claimed: bool,
    /// The feature, used as intended.
    twin_direct: bool,
    twin_gate: bool,
    evidence_direct: String,
    evidence_gate: String,
}

#[derive(Debug, Serialize)]
struct Summary {
    holes: usize,
    exploited_directly: usize,
    closed_by_the_gate: usize,
    twins_working_through_the_gate: usize,
    /// Claimed to be closed, but not.
    broken_claims: Vec<&'static str>,
    /// Intended use that fails through the gate.
    broken_twins: Vec<&'static str>,
}

pub(super) async fn run(stage: &Stage) -> Result<Report, Failure> {
    let direct = Target::Direct { base: stage.alone.base() };
    let through = Target::Gate { base: stage.gate.origin(), accounts: stage.people.clone() };
    let repaired = Target::Direct { base: stage.repaired.base() };
    let progress = Progress::of(holes().len().saturating_mul(3));
    let mut results = Vec::new();
    for (target, name) in
        [(direct, "directly"), (through, "through the gate"), (repaired, "in the repaired shop")]
    {
        progress.say(name);
        let told = |outcome: &Outcome| progress.step(&outcome.hole.title);
        let outcomes = attack(&target, &told)
            .await
            .map_err(|error| Failure::new(format!("the attack {name} could not begin")).because(&error))?;
        results.push(outcomes);
    }
    progress.finish();
    let mut next = || results.pop().unwrap_or_default().into_iter();
    let (repaired, through, direct) = (next(), next(), next());
    let rows = direct.zip(through).zip(repaired);
    let rows = rows.map(|((direct, gate), repaired)| row(direct, gate, &repaired)).collect();
    Ok(Report::of(rows))
}

fn row(direct: Outcome, gate: Outcome, repaired: &Outcome) -> Row {
    let hole = direct.hole;
    Row {
        id: &hole.id,
        title: &hole.title,
        cwe: hole.cwe,
        control: hole.control.as_str(),
        closed_by: hole.closed_by.as_str(),
        direct: word(direct.verdict()),
        gate: word(gate.verdict()),
        repaired: word(repaired.verdict()),
        claimed: CLAIMED.contains(&hole.id.as_str()),
        twin_direct: direct.twin_works,
        twin_gate: gate.twin_works,
        evidence_direct: direct.evidence,
        evidence_gate: gate.evidence,
    }
}

const fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Closed => "closed",
        Verdict::Partly => "partly",
        Verdict::Open => "open",
    }
}

impl Report {
    fn of(rows: Vec<Row>) -> Self {
        let count = |wanted: &dyn Fn(&Row) -> bool| rows.iter().filter(|row| wanted(row)).count();
        let names =
            |wanted: &dyn Fn(&Row) -> bool| rows.iter().filter(|row| wanted(row)).map(|row| row.id).collect();
        let summary = Summary {
            holes: rows.len(),
            exploited_directly: count(&|row| row.direct == "open"),
            closed_by_the_gate: count(&|row| row.gate == "closed"),
            twins_working_through_the_gate: count(&|row| row.twin_gate),
            broken_claims: names(&|row| row.claimed && row.gate != "closed"),
            broken_twins: names(&|row| !row.twin_gate),
        };
        Self { format: "json-v1", holes: rows, summary }
    }

    /// In order: intended use works through the gate, and what the gate claims to close is closed.
    pub(super) fn exit(&self) -> Exit {
        let Summary { holes, broken_claims, broken_twins, .. } = &self.summary;
        if *holes > 0 && broken_claims.is_empty() && broken_twins.is_empty() {
            Exit::Success
        } else {
            Exit::Failed
        }
    }

    pub(super) fn to_text(&self) -> String {
        let cells: Vec<Vec<Cell>> = self.holes.iter().map(Row::cells).collect();
        let head =
            ["hole", "CWE", "closed by", "directly", "through the gate", "repaired code", "intended use"];
        let mut text = table(&head, &cells);
        let Summary { holes, exploited_directly, closed_by_the_gate, twins_working_through_the_gate, .. } =
            self.summary;
        let _ = writeln!(
            text,
            "\n{STRONG}{closed_by_the_gate} of {holes}{STRONG:#} holes are closed by the gate; \
             {exploited_directly} were open without it.\n\
             {STRONG}{twins_working_through_the_gate} of {holes}{STRONG:#} features work through it as intended."
        );
        self.open(&mut text);
        for (ids, words) in [
            (&self.summary.broken_claims, "should be closed today, but are not"),
            (&self.summary.broken_twins, "do not work through the gate as intended"),
        ] {
            if !ids.is_empty() {
                let _ = writeln!(text, "\n{BAD}{words}:{BAD:#} {}", ids.join(", "));
            }
        }
        text
    }

    /// What is not stopped yet, by the control that will stop it.
    fn open(&self, text: &mut String) {
        let mut by_control: Vec<(&str, Vec<&str>)> = Vec::new();
        for row in self.holes.iter().filter(|row| row.gate != "closed") {
            match by_control.iter_mut().find(|(control, _)| *control == row.closed_by) {
                Some((_, ids)) => ids.push(row.id),
                None => by_control.push((row.closed_by, vec![row.id])),
            }
        }
        if by_control.is_empty() {
            return;
        }
        let width = by_control.iter().map(|(control, _)| control.len()).max().unwrap_or_default();
        let _ = writeln!(text, "\n{WARN}Still open{WARN:#}, and the control that will close it:");
        for (control, ids) in by_control {
            let _ = writeln!(text, "  {control:width$}  {}", ids.join(", "));
        }
    }
}

impl Row {
    fn cells(&self) -> Vec<Cell> {
        let verdict = |word: &'static str| match word {
            "closed" => styled(word, GOOD),
            "partly" => styled(word, WARN),
            _ => styled(word, BAD),
        };
        let twin = if self.twin_gate { styled("works", GOOD) } else { styled("FAILS", BAD) };
        vec![
            styled(self.id, STRONG),
            styled(self.cwe.to_string(), FAINT),
            self.closed_by.into(),
            verdict(self.direct),
            verdict(self.gate),
            verdict(self.repaired),
            twin,
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: &'static str, gate: &'static str, claimed: bool, twin_gate: bool) -> Row {
        Row {
            id,
            title: "a hole",
            cwe: 1,
            control: "input.queries",
            closed_by: "input.waf",
            direct: "open",
            gate,
            repaired: "closed",
            claimed,
            twin_direct: true,
            twin_gate,
            evidence_direct: String::new(),
            evidence_gate: String::new(),
        }
    }

    #[test]
    fn a_claim_that_does_not_hold_or_a_broken_feature_is_a_failure() {
        let exit = |row: Row| Report::of(vec![row]).exit();
        assert_eq!(exit(row("a", "closed", true, true)), Exit::Success);
        assert_eq!(exit(row("a", "open", false, true)), Exit::Success);
        assert_eq!(exit(row("a", "partly", true, true)), Exit::Failed);
        assert_eq!(exit(row("a", "closed", true, false)), Exit::Failed);
        assert_eq!(Report::of(Vec::new()).exit(), Exit::Failed);
    }

    #[test]
    fn every_claim_is_about_a_hole_there_is() {
        for id in CLAIMED {
            assert!(holes().iter().any(|hole| hole.id == *id), "{id}");
        }
    }

    #[test]
    fn the_table_is_honest_about_what_is_open() {
        let report = Report::of(vec![
            row("csrf", "closed", true, true),
            row("sql-injection", "open", false, true),
            row("xxe", "open", false, true),
            row("upload", "partly", true, false),
        ]);
        insta::assert_snapshot!(anstream::adapter::strip_str(&report.to_text()).to_string());
    }
}
