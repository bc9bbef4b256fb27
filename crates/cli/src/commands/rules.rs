//! `gabion rules` and `gabion explain`.

use std::collections::BTreeSet;
use std::path::Path;

use gabion_finding::{RuleError, RuleId};
use gabion_model::Severity;
use gabion_scan::kit::{self, KitError, RuleFolder};
use gabion_scan::rules::{self, Entry, RuleBook};
use gabion_scan::{format, visible};
use serde::Serialize;

use crate::arguments::{Explain, RulesList, RulesNew, RulesTest, RulesVerb};
use crate::failure::{Exit, Failure};
use crate::output::table::{Cell, styled, table};
use crate::output::{self, BAD, GOOD, STRONG, WARN};

pub(super) fn run(verb: &RulesVerb) -> Result<Exit, Failure> {
    match verb {
        RulesVerb::List(arguments) => list(arguments),
        RulesVerb::Show(arguments) => explain(arguments),
        RulesVerb::Test(arguments) => test(arguments),
        RulesVerb::New(arguments) => new(arguments),
        RulesVerb::Schema => {
            output::json(&gabion_scan::rule_schema())?;
            Ok(Exit::Success)
        }
        RulesVerb::ReportSchema => {
            output::json(&format::schema())?;
            Ok(Exit::Success)
        }
        RulesVerb::EndpointsSchema => {
            output::json(&gabion_scan::inventory::schema())?;
            Ok(Exit::Success)
        }
    }
}

/// A team's own rules; none where none are named.
pub(super) fn own_rules(path: Option<&Path>) -> Result<RuleFolder, Failure> {
    path.map_or_else(|| Ok(RuleFolder::default()), RuleFolder::read).map_err(|error| match error {
        KitError::Io { .. } => Failure::usage(visible(&error.to_string())).because(&error),
        KitError::Rules(error) => wrong(error),
        KitError::Whose(_) => {
            let names: Vec<&str> = kit::names().collect();
            Failure::usage(visible(&error.to_string())).hint(format!("the scanners are {}", names.join(", ")))
        }
    })
}

pub(super) fn wrong(error: RuleError) -> Failure {
    let mut failure = Failure::usage(format!("`{}` holds rules that are wrong", visible(&error.file)));
    for problem in &error.problems {
        failure = failure.because_text(visible(&problem.to_string()));
    }
    failure
}

pub(super) fn unknown(book: &RuleBook, word: &str) -> Failure {
    let near: Vec<String> =
        book.near(word, strsim::damerau_levenshtein).into_iter().map(|id| format!("`{id}`")).collect();
    let hint = if near.is_empty() {
        "`gabion rules list` lists them".to_owned()
    } else {
        format!("did you mean {}?", near.join(" or "))
    };
    Failure::usage(format!("there is no rule, family or scanner `{}`", visible(word))).hint(hint)
}

pub(super) fn book(own: Option<&Path>) -> Result<RuleBook, Failure> {
    let own = own_rules(own)?;
    Ok(RuleBook::new(&kit::scanners(&own).map_err(wrong)?))
}

#[derive(Serialize)]
struct Row<'a> {
    id: &'a str,
    scanner: &'a str,
    severity: &'a str,
    confidence: &'a str,
    control: &'a str,
    cwe: &'a [u16],
    title: &'a str,
}

impl<'a> Row<'a> {
    fn of(entry: &'a Entry) -> Self {
        Self {
            id: entry.rule.id.as_str(),
            scanner: entry.scanner,
            severity: entry.rule.severity.as_str(),
            confidence: entry.rule.confidence.as_str(),
            control: entry.rule.control.as_str(),
            cwe: &entry.rule.cwe,
            title: &entry.rule.title,
        }
    }
}

fn list(arguments: &RulesList) -> Result<Exit, Failure> {
    let book = book(arguments.rules.as_deref())?;
    let entries: Vec<&Entry> = match &arguments.name {
        None => book.all().collect(),
        Some(name) => book.select(name),
    };
    if let (true, Some(name)) = (entries.is_empty(), &arguments.name) {
        return Err(unknown(&book, name));
    }
    let rows: Vec<Row<'_>> = entries.iter().map(|entry| Row::of(entry)).collect();
    output::value(arguments.output.format, &rows, || {
        let cells: Vec<Vec<Cell>> = entries
            .iter()
            .map(|entry| {
                let look = match entry.rule.severity {
                    Severity::Critical | Severity::High => BAD,
                    Severity::Medium => WARN,
                    _ => anstyle::Style::new(),
                };
                vec![
                    styled(entry.rule.id.as_str(), STRONG),
                    styled(entry.rule.severity.as_str(), look),
                    entry.rule.confidence.as_str().into(),
                    entry.scanner.into(),
                    entry.rule.control.as_str().into(),
                    visible(&entry.rule.title).into(),
                ]
            })
            .collect();
        table(&["rule", "severity", "confidence", "scanner", "control", "what it finds"], &cells)
    })?;
    output::note(format!("{} rules", rows.len()));
    Ok(Exit::Success)
}

pub(super) fn explain(arguments: &Explain) -> Result<Exit, Failure> {
    if let Some((about, text)) = super::probe::explain(&arguments.rule) {
        output::value(arguments.output.format, &about, || text)?;
        return Ok(Exit::Success);
    }
    let book = book(arguments.rules.as_deref())?;
    let entry = book.find(&arguments.rule).ok_or_else(|| unknown(&book, &arguments.rule))?;
    output::value(arguments.output.format, &entry.rule, || {
        format::explain(&entry.rule, entry.scanner, arguments.language.as_deref())
    })?;
    Ok(Exit::Success)
}

fn test(arguments: &RulesTest) -> Result<Exit, Failure> {
    let own = own_rules(arguments.path.as_deref())?;
    let scanners = kit::scanners(&own).map_err(wrong)?;
    let wanted: Option<BTreeSet<RuleId>> = arguments
        .path
        .as_ref()
        .map(|_| own.files().iter().map(|file| file.ids().map_err(wrong)).collect::<Result<Vec<_>, _>>())
        .transpose()?
        .map(|ids| ids.into_iter().flatten().collect());
    if let (Some(true), Some(path)) = (wanted.as_ref().map(BTreeSet::is_empty), &arguments.path) {
        let names: Vec<&str> = kit::names().collect();
        return Err(Failure::usage(format!("there are no rules in `{}`", gabion_scan::shown(path)))
            .hint(format!("they stand in folders named after their scanner: {}", names.join(", "))));
    }
    let mut tested = 0;
    let mut patterns: BTreeSet<RuleId> = BTreeSet::new();
    let mut faults = Vec::new();
    for file in own.files().iter().filter(|file| file.is_patterns()) {
        let ids = file.ids().map_err(wrong)?;
        let tests =
            file.tests().map_err(|error| Failure::usage(visible(&error.to_string())).because(&error))?;
        for scanner in scanners.iter().filter(|scanner| scanner.name() == file.scanner) {
            for (name, text) in &tests {
                tested += 1;
                faults.extend(rules::test_patterns(scanner.as_ref(), &ids, name, text));
            }
        }
        patterns.extend(ids);
    }
    let is_wanted =
        |id: &RuleId| !patterns.contains(id) && wanted.as_ref().is_none_or(|wanted| wanted.contains(id));
    let pattern_faults = std::mem::replace(&mut faults, rules::test_own());
    let mut count = 0;
    for scanner in &scanners {
        count += scanner.rules().iter().filter(|rule| is_wanted(&rule.id)).count();
        faults.extend(rules::test(scanner.as_ref(), &is_wanted));
    }
    faults.retain(|fault| is_wanted(&fault.rule));
    faults.extend(pattern_faults);
    for fault in &faults {
        let file = if fault.file.is_empty() { String::new() } else { format!(" ({})", visible(&fault.file)) };
        let example = if fault.example == 0 { String::new() } else { format!(", example {}", fault.example) };
        output::data(format_args!(
            "{BAD}failed{BAD:#} {STRONG}{}{STRONG:#}{example}{file}: {}",
            fault.rule, fault.reason
        ))?;
    }
    if faults.is_empty() {
        if count > 0 || patterns.is_empty() {
            output::data(format_args!("{GOOD}ok{GOOD:#}  {count} rules hold their examples"))?;
        }
        if !patterns.is_empty() {
            let rules = patterns.len();
            output::data(format_args!(
                "{GOOD}ok{GOOD:#}  {rules} rules fire where {tested} files of tests say"
            ))?;
        }
        return Ok(Exit::Success);
    }
    Ok(Exit::Failed)
}

fn new(arguments: &RulesNew) -> Result<Exit, Failure> {
    let id = RuleId::new(&arguments.id).ok_or_else(|| {
        Failure::usage(format!("`{}` is no name of a rule", visible(&arguments.id)))
            .hint("words of `a-z`, `0-9` and `-` with dots between them, as `acme.token`")
    })?;
    if !kit::open_names().any(|name| name == arguments.scanner) {
        let names: Vec<&str> = kit::open_names().collect();
        return Err(Failure::usage(format!(
            "there is no scanner `{}` that takes rules",
            visible(&arguments.scanner)
        ))
        .hint(format!("there are {}", names.join(", "))));
    }
    output::data(gabion_scan::template(&id, &arguments.scanner).trim_end())?;
    Ok(Exit::Success)
}
