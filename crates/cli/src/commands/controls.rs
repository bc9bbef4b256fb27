//! `gabion controls` and `gabion controls show`.

use std::fmt::Write as _;

use gabion_control::{Catalogue, Control, Framework, Source};
use serde::Serialize;

use crate::arguments::{self, ControlsVerb};
use crate::failure::{Exit, Failure};
use crate::output::table::{Cell, styled, table};
use crate::output::{self, FAINT, GOOD, STRONG};

#[derive(Serialize)]
struct Row<'a> {
    id: &'a str,
    title: &'a str,
    /// What enforces it today; empty when nothing does.
    enforced_by: Vec<String>,
}

#[derive(Serialize)]
struct Page<'a> {
    #[serde(flatten)]
    row: Row<'a>,
    promise: &'a str,
    why: &'a str,
    evidence: Vec<EvidenceRow<'a>>,
    requirements: Vec<RequirementRow<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
}

#[derive(Serialize)]
struct EvidenceRow<'a> {
    kind: &'a str,
    text: &'a str,
    sources: Vec<String>,
    planned: bool,
}

#[derive(Serialize)]
struct RequirementRow<'a> {
    framework: &'a str,
    numbers: Vec<String>,
}

pub(super) fn run(arguments: &arguments::Controls) -> Result<Exit, Failure> {
    let book = super::rules::book(None)?;
    let rules = book.all().map(|entry| (entry.rule.control, entry.rule.id.as_str()));
    let tests = gabion_probe::about::all().iter().map(|about| (about.control, about.id.as_str()));
    let catalogue = Catalogue::built_in().clone().with_rules(rules).with_tests(tests);
    match &arguments.verb {
        None => {
            let rows: Vec<Row<'_>> = catalogue.controls().iter().map(row).collect();
            output::value(arguments.output.format, &rows, || list(&rows))?;
        }
        Some(ControlsVerb::Show(show)) => {
            let control = catalogue.find(&show.id).map_err(|unknown| {
                let near: Vec<String> = unknown.suggestions.iter().map(|id| format!("`{id}`")).collect();
                let hint = if near.is_empty() {
                    "`gabion controls` lists them".to_owned()
                } else {
                    format!("did you mean {}?", near.join(" or "))
                };
                Failure::usage(format!("no control has the id `{}`", show.id)).hint(hint)
            })?;
            output::value(show.output.format, &page(control), || describe(control))?;
        }
    }
    Ok(Exit::Success)
}

fn row(control: &Control) -> Row<'_> {
    Row { id: control.id.as_str(), title: &control.title, enforced_by: names(&control.enforced_by) }
}

fn names(sources: &[Source]) -> Vec<String> {
    sources.iter().map(Source::to_string).collect()
}

fn list(rows: &[Row<'_>]) -> String {
    let cells: Vec<Vec<Cell>> = rows
        .iter()
        .map(|row| {
            let by = match row.enforced_by.as_slice() {
                [] => styled("not yet", FAINT),
                names => styled(names.join(", "), GOOD),
            };
            vec![styled(row.id, STRONG), row.title.into(), by]
        })
        .collect();
    let enforced = rows.iter().filter(|row| !row.enforced_by.is_empty()).count();
    format!(
        "{}\n{enforced} of {} controls are enforced today. `gabion controls show ID` tells more about one.",
        table(&["control", "title", "enforced by"], &cells),
        rows.len()
    )
}

fn page(control: &Control) -> Page<'_> {
    Page {
        row: row(control),
        promise: &control.promise,
        why: &control.why,
        evidence: control
            .evidence()
            .iter()
            .map(|evidence| EvidenceRow {
                kind: evidence.kind.as_str(),
                text: evidence.text,
                sources: names(evidence.sources),
                planned: evidence.planned,
            })
            .collect(),
        requirements: requirements(control)
            .into_iter()
            .map(|(framework, numbers)| RequirementRow { framework, numbers })
            .collect(),
        note: control.note.as_deref(),
    }
}

/// The lists a control answers to, each once, with the numbers in the order of the entry.
fn requirements(control: &Control) -> Vec<(&'static str, Vec<String>)> {
    let mut lists: Vec<(Framework, Vec<String>)> = Vec::new();
    for requirement in &control.requirements {
        match lists.iter_mut().find(|(framework, _)| *framework == requirement.framework) {
            Some((_, numbers)) => numbers.push(requirement.number.clone()),
            None => lists.push((requirement.framework, vec![requirement.number.clone()])),
        }
    }
    lists.into_iter().map(|(framework, numbers)| (framework.title(), numbers)).collect()
}

fn describe(control: &Control) -> String {
    let mut text = format!("{STRONG}{}{STRONG:#}  {}\n\n", control.id, control.title);
    paragraph(&mut text, "", &control.promise);
    let _ = writeln!(text, "\n{FAINT}Why{FAINT:#}");
    paragraph(&mut text, "  ", &control.why);
    let _ = writeln!(text, "\n{FAINT}Evidence{FAINT:#}");
    for evidence in control.evidence() {
        let of_rules = evidence.sources.iter().filter(|source| matches!(source, Source::Rule(_))).count();
        let standing = if evidence.planned {
            format!("{FAINT}planned{FAINT:#}")
        } else if of_rules > 0 {
            let word = if of_rules == 1 { "rule" } else { "rules" };
            format!("{GOOD}{of_rules} {word} of `gabion scan`{GOOD:#}; `gabion rules list {}`", control.id)
        } else {
            format!("{GOOD}{}{GOOD:#}", names(evidence.sources).join(", "))
        };
        let _ = writeln!(text, "  {STRONG}{}{STRONG:#}  {standing}", evidence.kind.as_str());
        paragraph(&mut text, "    ", evidence.text);
    }
    if let Some(note) = &control.note {
        let _ = writeln!(text, "\n{FAINT}Note{FAINT:#}");
        paragraph(&mut text, "  ", note);
    }
    let _ = writeln!(text, "\n{FAINT}Meets{FAINT:#}");
    let lists = requirements(control);
    let width = lists.iter().map(|(title, _)| title.chars().count()).max().unwrap_or_default();
    for (title, numbers) in lists {
        let padding = " ".repeat(width.saturating_sub(title.chars().count()));
        let _ = writeln!(text, "  {title}{padding}  {}", numbers.join(", "));
    }
    text
}

/// Words in lines of at most 92 characters.
fn paragraph(out: &mut String, indent: &str, words: &str) {
    let mut line = String::from(indent);
    for word in words.split_whitespace() {
        if line.len() > indent.len() && line.chars().count() + word.chars().count() > 92 {
            let _ = writeln!(out, "{}", line.trim_end());
            indent.clone_into(&mut line);
        }
        line.push_str(word);
        line.push(' ');
    }
    let _ = writeln!(out, "{}", line.trim_end());
}
