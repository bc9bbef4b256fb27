//! `gabion watch rules | check | replay`.

use std::path::Path;
use std::sync::Arc;

use gabion_ledger::{Order, Query, Reader, SegmentSource};
use gabion_model::{Clock as _, Severity, SystemClock, Timestamp};
use gabion_store::{Directory, SegmentFiles};
use gabion_watch::{Alert, Kind, Places, Rule, Rules, Watcher};
use serde::Serialize;

use super::for_data;
use crate::arguments::{ConfigFile, Format, WatchCheck, WatchReplay, WatchRules, WatchVerb};
use crate::config::Config;
use crate::failure::{Exit, Failure};
use crate::gate::record_key;
use crate::gate::watch;
use crate::output::table::{Cell, styled, table};
use crate::output::{self, BAD, FAINT, GOOD, PLACE, STRONG, WARN};

pub(super) fn run(verb: &WatchVerb) -> Result<Exit, Failure> {
    match verb {
        WatchVerb::Rules(arguments) => rules(arguments),
        WatchVerb::Check(arguments) => check(arguments),
        WatchVerb::Replay(arguments) => replay(arguments),
    }
}

/// One rule, as it is listed.
#[derive(Debug, Serialize)]
struct Row<'a> {
    id: &'a str,
    name: Option<&'a str>,
    title: &'a str,
    description: &'a str,
    level: Severity,
    kind: Kind,
    /// Whether it rings by itself; if not, others count its hits.
    rings: bool,
    /// Whether its alerts are only logged.
    dry_run: bool,
    /// Why it cannot ring, where it cannot.
    #[serde(skip_serializing_if = "Option::is_none")]
    off: Option<&'a str>,
    techniques: Vec<String>,
    control: &'a str,
    author: Option<&'a str>,
    false_positives: &'a [String],
    references: &'a [String],
    file: &'a str,
    line: u32,
}

impl<'a> Row<'a> {
    fn of(rules: &Rules, number: usize, rule: &'a Rule, has_places: bool) -> Self {
        Self {
            id: &rule.id,
            name: rule.name.as_deref(),
            title: &rule.title,
            description: &rule.description,
            level: rule.level,
            kind: rule.kind(),
            rings: !rules.is_silent(number),
            dry_run: rule.is_dry_run(),
            off: (rule.asks_for("learnt.speed") && !has_places)
                .then_some("`watch.places` says nowhere where networks are"),
            techniques: rule.techniques().collect(),
            control: rule.control.as_str(),
            author: rule.author.as_deref(),
            false_positives: &rule.false_positives,
            references: &rule.references,
            file: &rule.file,
            line: rule.line,
        }
    }

    fn cells(&self) -> Vec<Cell> {
        vec![
            styled(self.name.unwrap_or(self.id), STRONG),
            styled(self.level.as_str(), look(self.level)),
            self.techniques.join(" ").into(),
            self.control.into(),
            self.title.into(),
        ]
    }
}

fn rules(arguments: &WatchRules) -> Result<Exit, Failure> {
    let rules = loaded(&arguments.config, None)?;
    let has_places = places(&arguments.config)?.is_some();
    let each = rules.iter().enumerate();
    let rows: Vec<_> = each.map(|(number, rule)| Row::of(&rules, number, rule, has_places)).collect();
    output::value(arguments.output.format, &rows, || {
        let ringing: Vec<_> = rows.iter().filter(|row| row.rings).map(Row::cells).collect();
        table(&["rule", "level", "technique", "control", "what it finds"], &ringing)
    })?;
    let counted = rows.iter().filter(|row| !row.rings).count();
    output::note(format!(
        "and {counted} whose hits only others count; `--format json` has all and more of each"
    ));
    for row in &rows {
        let name = row.name.unwrap_or(row.id);
        if let Some(why) = row.off {
            output::note(format!("`{name}` is off: {why}"));
        }
        if row.dry_run {
            output::note(format!("`{name}` is only tried: its alerts are logged, and nothing else"));
        }
    }
    Ok(Exit::Success)
}

/// What a check comes to.
#[derive(Debug, Serialize)]
struct Checked {
    rules: usize,
    correlations: usize,
    own: usize,
}

fn check(arguments: &WatchCheck) -> Result<Exit, Failure> {
    let rules = loaded(&arguments.config, arguments.path.as_deref())?;
    let checked = Checked {
        rules: rules.len(),
        correlations: rules.iter().filter(|rule| rule.kind() == Kind::Correlation).count(),
        own: rules.iter().filter(|rule| !rule.file.starts_with(watch::PACK)).count(),
    };
    output::value(arguments.output.format, &checked, || {
        let Checked { rules, correlations, own } = &checked;
        format!("{GOOD}ok{GOOD:#}  {rules} rules, {own} of them your own, {correlations} correlations")
    })?;
    Ok(Exit::Success)
}

/// Where networks are, by the configuration.
fn places(file: &ConfigFile) -> Result<Option<Places>, Failure> {
    let config = if file.config.exists() { for_data(file)?.config } else { Config::default() };
    watch::places(&config)
        .map_err(|problem| Failure::usage(problem.reason).hint(problem.hint.unwrap_or_default()))
}

/// The rules of the configuration, or those of the program and of `path`.
fn loaded(file: &ConfigFile, path: Option<&Path>) -> Result<Rules, Failure> {
    let mut config = if file.config.exists() { for_data(file)?.config } else { Config::default() };
    if let Some(path) = path {
        config.watch.directory = Some(path.to_owned());
    }
    watch::rules(&config).map_err(|problems| {
        let things =
            if problems.len() == 1 { "one thing".to_owned() } else { format!("{} things", problems.len()) };
        problems.into_iter().fold(
            Failure::usage(format!("{things} wrong with the detection rules")),
            |failure, problem| {
                let hint = problem.hint.map(|hint| format!(" (hint: {hint})")).unwrap_or_default();
                failure.because_text(format!("{}{hint}", problem.reason))
            },
        )
    })
}

fn replay(arguments: &WatchReplay) -> Result<Exit, Failure> {
    let rules = loaded(&arguments.config, arguments.rules.as_deref())?;
    if let Some(name) = &arguments.rule
        && !rules.iter().any(|rule| rule.id == *name || rule.name.as_ref() == Some(name))
    {
        return Err(
            Failure::usage(format!("there is no rule `{name}`")).hint("`gabion watch rules` lists them")
        );
    }
    let config = for_data(&arguments.config)?.config;
    let directory = config.data.directory.join(Directory::LEDGER);
    if !directory.is_dir() {
        return Err(Failure::new(format!("there is no ledger at `{}`", directory.display()))
            .hint("`--data DIR` names the directory that has the folder `ledger`"));
    }
    let unread = |error: &dyn std::error::Error| {
        Failure::new("the ledger cannot be read").because_text(error.to_string())
    };
    let segments = SegmentFiles::open(&directory).map_err(|error| unread(&error))?;
    let reader =
        Reader::open(Arc::new(segments) as Arc<dyn SegmentSource>).map_err(|error| unread(&error))?;
    let reader = record_key::opened(&config, reader)?;
    let since = arguments.since.map(|period| {
        let micros = i64::try_from(period.as_duration().as_micros()).unwrap_or(i64::MAX);
        Timestamp::from_micros(SystemClock.now().as_micros().saturating_sub(micros))
    });
    let mut watcher = Watcher::new(Arc::new(rules), 0);
    watcher.set_places(places(&arguments.config)?.map(Arc::new));
    // What is usual is learnt from all there is; only what was asked for rings.
    for record in reader.search(Query { order: Order::OldestFirst, ..Query::default() }) {
        let record = record.map_err(|error| unread(&error))?;
        if since.is_some_and(|since| record.event.time < since) {
            watcher.learn(&record.event);
            continue;
        }
        for alert in watcher.see(record.position.0, &record.event) {
            let wanted = arguments.rule.as_ref();
            if wanted.is_some_and(|name| alert.rule != *name && alert.name.as_ref() != Some(name)) {
                continue;
            }
            match arguments.output.format {
                Format::Json => output::json_line(&alert)?,
                Format::Text => output::data(told(&alert))?,
            }
        }
    }
    let counts = watcher.counts();
    output::note(format!("{} events, {} alerts, {} times quiet", counts.events, counts.alerts, counts.quiet));
    Ok(Exit::Success)
}

/// When, how bad, which rule, for whom; below it why, and by which records.
fn told(alert: &Alert) -> String {
    let time = alert.time.to_string();
    let time = time.get(..19).unwrap_or(&time).replace('T', " ");
    let look = look(alert.level);
    let name = alert.name.as_deref().unwrap_or(&alert.rule);
    let mut text = format!(
        "{FAINT}{time}{FAINT:#}  {look}{:<13}{look:#}  {STRONG}{name}{STRONG:#}  {}",
        alert.level.as_str(),
        alert.title
    );
    for (field, value) in &alert.group {
        text.push_str(&format!("  {FAINT}{field}{FAINT:#} {PLACE}{value}{PLACE:#}"));
    }
    for words in &alert.explanation {
        text.push_str(&format!("\n    {words}"));
    }
    let records: Vec<_> = alert.events.iter().map(u64::to_string).collect();
    text.push_str(&format!("\n    {FAINT}records {}{FAINT:#}", records.join(" ")));
    text
}

const fn look(level: Severity) -> anstyle::Style {
    match level {
        Severity::Informational | Severity::Low => FAINT,
        Severity::Medium => WARN,
        Severity::High | Severity::Critical => BAD,
    }
}
