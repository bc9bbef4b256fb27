//! The ten tests that every release needs, as rows that every form for people shows on top, and the control of a verdict.

use std::fmt::Write as _;

use gabion_finding::visible::{markdown as plain, visible};

use super::text::{FAINT, STRONG, look};
use super::{curl, line};
use crate::Report;
use crate::areas::{Area, areas};
use crate::control::Control;
use crate::verdict::{Exchange, Outcome};

/// The areas of which something was chosen, and the names of the others.
pub(super) fn chosen(report: &Report) -> (Vec<Area>, Vec<&'static str>) {
    let (ran, left): (Vec<Area>, Vec<Area>) =
        areas(report).into_iter().partition(|area| area.verdict.is_some());
    (ran, left.iter().map(|area| area.name).collect())
}

/// `proven: xss-reflected, csrf; passed: xss-dom`.
pub(super) fn tests(area: &Area) -> String {
    let all = area.tests.iter().rev().map(|(verdict, tests)| format!("{verdict}: {}", tests.join(", ")));
    all.collect::<Vec<_>>().join("; ")
}

/// What was seen, or why nothing was said; bounded and without what is hidden.
pub(super) fn says(report: &Report, area: &Area) -> String {
    match &area.shown {
        Some(outcome) => line(report, &outcome.says),
        None => area.reasons.iter().map(|reason| line(report, reason)).collect::<Vec<_>>().join("; "),
    }
}

/// What the control of the verdict was.
pub(super) fn control(report: &Report, area: &Area) -> Option<String> {
    area.shown.as_ref()?.control.as_ref().map(|control| line(report, &control.says))
}

pub(super) fn text(out: &mut String, report: &Report) {
    let (ran, left) = chosen(report);
    if ran.is_empty() {
        return;
    }
    let _ = writeln!(out, "{STRONG}What every release needs{STRONG:#}");
    let width = ran.iter().map(|area| area.name.len()).max().unwrap_or(0);
    for area in &ran {
        let Some(verdict) = area.verdict else { continue };
        let look = look(verdict);
        let _ = writeln!(
            out,
            "  {:width$}  {look}{verdict:12}{look:#}  {}",
            area.name,
            visible(&says(report, area))
        );
        let _ = writeln!(out, "  {:width$}    {FAINT}{}{FAINT:#}", "", tests(area));
        if let Some(control) = control(report, area) {
            let _ = writeln!(out, "  {:width$}    {FAINT}control: {}{FAINT:#}", "", visible(&control));
        }
    }
    if !left.is_empty() {
        let _ = writeln!(out, "  {FAINT}not chosen: {}{FAINT:#}", left.join(", "));
    }
    out.push('\n');
}

pub(super) fn markdown(out: &mut String, report: &Report) {
    let (ran, left) = chosen(report);
    if ran.is_empty() {
        return;
    }
    out.push_str(
        "## What every release needs\n\n| area | verdict | seen | control | tests |\n|---|---|---|---|---|\n",
    );
    for area in &ran {
        let Some(verdict) = area.verdict else { continue };
        let _ = writeln!(
            out,
            "| {} | {verdict} | {} | {} | {} |",
            area.name,
            plain(&says(report, area)),
            plain(&control(report, area).unwrap_or_default()),
            plain(&tests(area))
        );
    }
    if !left.is_empty() {
        let _ = writeln!(out, "\nNot chosen: {}.", left.join(", "));
    }
    out.push('\n');
}

/// The request of a control, where the proof does not show it already.
pub(super) fn exchange<'a>(report: &Report, outcome: &'a Outcome) -> Option<&'a Exchange> {
    let own = outcome.control.as_ref()?.exchange.as_ref()?;
    let sent = curl(report, own);
    let proof = outcome.proof.as_ref();
    let mut met = proof.into_iter().flat_map(|proof| {
        std::iter::once(&proof.attack).chain(&proof.twin).chain(&proof.shown).map(|one| curl(report, one))
    });
    (!met.any(|one| one == sent)).then_some(own)
}

/// A control in one line, with the request that shows it.
pub(super) fn whole(report: &Report, control: &Control) -> String {
    let says = line(report, &control.says);
    match &control.exchange {
        Some(exchange) => format!("{says}; {}", curl(report, exchange)),
        None => says,
    }
}
