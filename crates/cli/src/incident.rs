//! Incidents as they look in a terminal: what is due next comes first.

use std::fmt::Write as _;

use anstyle::Style;
use gabion_incident::metrics::{Figures, Times};
use gabion_incident::report::{Agreement, Material, span};
use gabion_incident::timeline::Sort;
use gabion_incident::{Action, Class, Due, Incident, Metrics, Phase, Subject, due};
use gabion_model::Timestamp;
use gabion_service::incidents::{Summary, Taken};

use crate::output::table::{Cell, styled, table};
use crate::output::{BAD, FAINT, GOOD, PLACE, STRONG, WARN};

/// Everything about one incident.
pub(crate) fn show(material: &Material) -> String {
    let (incident, now) = (&material.incident, material.made);
    let look = look(incident.class);
    let mut text = format!(
        "{look} {} {look:#} {STRONG}{}  {}{STRONG:#}\n",
        incident.class, material.name, incident.title
    );
    let age = span(now.saturating_since(incident.opened).as_secs());
    let commander = incident.roles.get(&gabion_incident::Role::Commander);
    let leads =
        commander.map_or_else(|| format!("{WARN}nobody leads{WARN:#}"), |name| format!("{name} leads"));
    let _ = writeln!(text, "{FAINT}{}, open for {age}, {FAINT:#}{leads}", incident.state.as_str());
    if let Agreement::Not { step, reason } = &material.agrees {
        let _ = writeln!(text, "\n{BAD}step {step} is not as the ledger has it: {reason}{BAD:#}");
        let _ = writeln!(text, "keep the data directory as it is: it is evidence");
    }
    next(&mut text, &material.due, now, incident);
    let mut row = |name: &str, value: String| {
        let _ = writeln!(text, "{FAINT}{name:<13}{FAINT:#} {value}");
    };
    let after = |at: Option<Timestamp>, until: Timestamp| match at {
        Some(at) => format!(
            "{} {FAINT}{} after the opening{FAINT:#}",
            moment(at),
            span(at.saturating_since(incident.opened).as_secs())
        ),
        None => format!("not yet, {}", when(until, now)),
    };
    row("kind", incident.kind.clone());
    row("first event", moment(incident.detected));
    row("alert", moment(incident.alerted));
    row("opened", moment(incident.opened));
    row("acknowledged", after(incident.acknowledged, incident.until(incident.clocks.acknowledge)));
    row("contained", after(incident.contained, incident.until(incident.clocks.contain)));
    row("resolved", after(incident.resolved, incident.until(incident.clocks.resolve)));
    let about: Vec<_> =
        incident.subjects.iter().map(|one| format!("{} {}", one.kind(), one.value())).collect();
    row("about", if about.is_empty() { "nobody yet".to_owned() } else { about.join(", ") });
    for (role, name) in &incident.roles {
        row(role.as_str(), name.clone());
    }
    if material.agrees == Agreement::Yes {
        row("record", format!("{GOOD}every step is in the ledger{GOOD:#}"));
    }
    checklist(&mut text, incident, now);
    if !incident.acted.is_empty() {
        let _ = writeln!(text, "\n{STRONG}Done to contain it{STRONG:#}");
        for acted in &incident.acted {
            let result = acted
                .failure
                .as_ref()
                .map_or_else(|| format!("{GOOD}done{GOOD:#}"), |why| format!("{BAD}failed: {why}{BAD:#}"));
            let undo = match acted.action.undo().filter(|_| acted.failure.is_none()) {
                Some(undo) => format!(
                    "  {FAINT}back: gabion incident do {} --action {undo} --target {}{FAINT:#}",
                    incident.id, acted.target
                ),
                None => String::new(),
            };
            let _ = writeln!(
                text,
                "  {} {:<17} {STRONG}{}{STRONG:#}  {result}{undo}",
                clock(acted.at),
                acted.action,
                acted.target
            );
        }
    }
    if !incident.evidence.is_empty() {
        let _ = writeln!(text, "\n{STRONG}Evidence{STRONG:#}");
        for item in &incident.evidence {
            let short = item.sha256.get(..16).unwrap_or_default();
            let _ = writeln!(
                text,
                "  {} {}  {} bytes  {FAINT}SHA-256 {short}…  from {}{FAINT:#}",
                item.id, item.name, item.bytes, item.source
            );
        }
    }
    let _ = writeln!(text, "\n{STRONG}Timeline{STRONG:#} {FAINT}UTC{FAINT:#}");
    if material.cut {
        let _ = writeln!(text, "  {FAINT}… earlier and more in the ledger{FAINT:#}");
    }
    let skipped = material.timeline.len().saturating_sub(LINES);
    if skipped > 0 {
        let _ = writeln!(
            text,
            "  {FAINT}… {skipped} earlier; `gabion incident report {}` has all{FAINT:#}",
            incident.id
        );
    }
    let mut day = String::new();
    for entry in material.timeline.iter().skip(skipped) {
        let date = moment(entry.at).get(..10).unwrap_or_default().to_owned();
        if date != day {
            let _ = writeln!(text, "  {FAINT}{date}{FAINT:#}");
            day = date;
        }
        let style = match entry.sort {
            Sort::Alert => BAD,
            Sort::Response => PLACE,
            Sort::SignIn => GOOD,
            Sort::FailedSignIn | Sort::Refusal => WARN,
            Sort::Change => STRONG,
        };
        let times = if entry.count > 1 { format!(" ×{}", entry.count) } else { String::new() };
        let from = entry.from.as_ref().map(|from| format!(" {FAINT}{from}{FAINT:#}")).unwrap_or_default();
        let said = entry.text.replace('\n', "\n           ");
        let _ = writeln!(
            text,
            "  {} {style}{:<14}{style:#} {}{from}  {said}{times}",
            clock(entry.at),
            entry.sort.as_str(),
            entry.who
        );
    }
    text
}

fn next(text: &mut String, all: &[Due], now: Timestamp, incident: &Incident) {
    if incident.acknowledged.is_none() {
        let _ = writeln!(
            text,
            "\n{WARN}Nobody looks after it yet:{WARN:#} {PLACE}gabion incident ack {}{PLACE:#}",
            incident.id
        );
    }
    if all.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n{STRONG}Next{STRONG:#}");
    for due in all.iter().take(5) {
        let style = if due.late { BAD } else { STRONG };
        let owner = due.owner.as_ref().map(|owner| format!("  {FAINT}{owner}{FAINT:#}")).unwrap_or_default();
        let _ = writeln!(text, "  {style}{:<18}{style:#} {}{owner}", when(due.until, now), due.what);
        if let Some(how) = how(incident, due) {
            let _ = writeln!(text, "  {:<18} {PLACE}{how}{PLACE:#}", "");
        }
    }
    if all.len() > 5 {
        let _ = writeln!(text, "  {FAINT}and {} more{FAINT:#}", all.len() - 5);
    }
    text.push('\n');
}

/// The command that settles it.
fn how(incident: &Incident, due: &Due) -> Option<String> {
    let id = incident.id;
    let (kind, name) = due.id.split_once('.')?;
    match (kind, name) {
        ("clock", "acknowledge") => Some(format!("gabion incident ack {id}")),
        ("clock", "contain") => Some(format!("gabion incident move {id} contained")),
        ("clock", _) => Some(format!("gabion incident move {id} review")),
        ("duty", name) => Some(format!("gabion incident notify {id} {name}")),
        ("action", number) => Some(format!("gabion incident review {id} --done {number}")),
        ("task", name) => {
            let task = incident.tasks.iter().find(|task| task.template.id == name)?;
            let target = task.template.action.map(|action| format!(" --target {}", target(incident, action)));
            Some(format!("gabion incident do {id} {name}{}", target.unwrap_or_default()))
        }
        _ => None,
    }
}

/// What stands behind `--target`: where the incident comes from, as far as it is known; a placeholder otherwise.
fn target(incident: &Incident, action: Action) -> String {
    let place = |text: &String| text.bytes().all(|byte| byte.is_ascii_hexdigit() || b".:/".contains(&byte));
    let known = |kind: &str| {
        let mut known = incident.subjects.iter().filter(|one| one.kind() == kind).map(Subject::value);
        known.find(place)
    };
    match action.target() {
        kind @ "address" => known(kind).unwrap_or_else(|| "ADDRESS".to_owned()),
        kind @ "network" => known(kind).unwrap_or_else(|| "NETWORK".to_owned()),
        "api-key" | "key" => "KEY".to_owned(),
        "route" => "PATH".to_owned(),
        _ => "NAME".to_owned(),
    }
}

fn checklist(text: &mut String, incident: &Incident, now: Timestamp) {
    let _ = writeln!(text, "\n{STRONG}Checklist{STRONG:#}");
    for phase in Phase::ALL {
        let tasks: Vec<_> = incident.tasks.iter().filter(|task| task.template.phase == phase).collect();
        let done = tasks.iter().filter(|task| task.settled.is_some()).count();
        if tasks.is_empty() {
            continue;
        }
        let _ = writeln!(text, "  {FAINT}{}, {done} of {}{FAINT:#}", phase.title(), tasks.len());
        for task in tasks {
            let (mark, style) = match &task.settled {
                Some(settled) if settled.skipped => ("-", FAINT),
                Some(_) => ("✓", GOOD),
                None if task.until < now => ("!", BAD),
                None => ("·", Style::new()),
            };
            let rest = match &task.settled {
                Some(settled) => format!("{FAINT}{} by {}{FAINT:#}", clock(settled.at), settled.by),
                None => format!("{FAINT}{}, {}{FAINT:#}", task.template.id, when(task.until, now)),
            };
            let _ = writeln!(text, "  {style}{mark}{style:#} {}  {rest}", task.template.title);
        }
    }
}

/// What a change came to.
pub(crate) fn brief(incident: &Incident, failure: Option<&str>, now: Timestamp) -> String {
    let look = look(incident.class);
    let mut text = format!(
        "{look} {} {look:#} {STRONG}{}{STRONG:#} {}  {}\n",
        incident.class,
        incident.name(),
        incident.state.as_str(),
        incident.title
    );
    if let Some(failure) = failure {
        let _ = writeln!(text, "{BAD}not done:{BAD:#} {failure}; the try is on record");
    }
    if let Some(due) = due::of(incident, now).first() {
        let style = if due.late { BAD } else { STRONG };
        let _ = writeln!(text, "next: {style}{}{style:#} {}", when(due.until, now), due.what);
    }
    text
}

/// Many, a line each.
pub(crate) fn list(rows: &[Summary], now: Timestamp) -> String {
    if rows.is_empty() {
        return format!(
            "{GOOD}no incident is open{GOOD:#}; `gabion incident list --all` shows those that are closed\n"
        );
    }
    let cells: Vec<Vec<Cell>> = rows
        .iter()
        .map(|row| {
            let next = match (&row.damaged, &row.next) {
                (Some(why), _) => styled(why.clone(), BAD),
                (None, Some(due)) => styled(
                    format!("{}: {}", when(due.until, now), due.what),
                    if due.late { BAD } else { Style::new() },
                ),
                (None, None) => "".into(),
            };
            vec![
                styled(row.id.to_string(), STRONG),
                styled(row.class.as_str(), look(row.class)),
                row.state.as_str().into(),
                moment(row.opened).get(..16).unwrap_or_default().into(),
                row.commander.clone().unwrap_or_else(|| "-".to_owned()).into(),
                row.title.clone().into(),
                next,
            ]
        })
        .collect();
    table(&["id", "class", "state", "opened", "commander", "title", "next"], &cells)
}

/// Duties and their clocks.
pub(crate) fn duties(material: &Material, now: Timestamp) -> String {
    let id = material.incident.id;
    if material.duties.is_empty() {
        return format!(
            "no clock runs: `gabion incident notify {id} --regime gdpr --aware now` starts those of a law\n\
             {FAINT}regimes: gdpr (72 h), hipaa (60 d), pci (at once){FAINT:#}\n"
        );
    }
    let mut text = String::new();
    for duty in &material.duties {
        let state = match &duty.settled {
            Some(settled) if settled.skipped => format!("{FAINT}not needed: {}{FAINT:#}", settled.text),
            Some(settled) => {
                format!("{GOOD}told{GOOD:#} {} by {}: {}", moment(settled.at), settled.by, settled.text)
            }
            None => match duty.until {
                Some(until) => {
                    let style = if duty.late { BAD } else { STRONG };
                    format!("{style}{}{style:#} ({})", when(until, now), moment(until))
                }
                None => "without undue delay, no fixed date".to_owned(),
            },
        };
        let _ = writeln!(
            text,
            "{STRONG}{:<10}{STRONG:#} {}  {FAINT}{}{FAINT:#}\n           {state}",
            duty.id, duty.to, duty.source
        );
        if duty.settled.is_none() {
            let _ = writeln!(text, "           {FAINT}{}{FAINT:#}", duty.when);
            if !duty.missing.is_empty() {
                let _ = writeln!(text, "           {WARN}missing:{WARN:#} {}", duty.missing.join(", "));
            }
            let _ = writeln!(
                text,
                "           {PLACE}gabion incident notify {id} {}{PLACE:#} {FAINT}prints a draft{FAINT:#}",
                duty.id
            );
        }
    }
    text
}

/// A review to fill in, with what is known.
pub(crate) fn review_template(material: &Material) -> String {
    let incident = &material.incident;
    let mut text = format!("# Review of {}: {}\n", material.name, incident.title);
    let _ = writeln!(
        text,
        "# Fill in and keep it: gabion incident review {} --file FILE\n# No blame: what made it possible, not who.\n#",
        incident.id
    );
    for entry in material.timeline.iter().filter(|entry| entry.sort != Sort::Refusal).take(60) {
        let _ = writeln!(text, "#   {} {}  {}", moment(entry.at), entry.who, entry.text.replace('\n', " "));
    }
    text.push_str(
        "\nsummary = \"\"\"\n\"\"\"\n\ncause = \"\"\"\n\"\"\"\n\nimpact = \"\"\"\n\"\"\"\n\nwent_well = \"\"\"\n\"\"\"\n\nwent_badly = \"\"\"\n\"\"\"\n\n\
         # [[actions]]\n# what = \"\"\n# owner = \"\"\n# due = \"2026-12-31\"\n",
    );
    text
}

/// A piece that was kept.
pub(crate) fn taken(id: u64, taken: &Taken) -> String {
    let item = &taken.item;
    let mut text = format!(
        "{GOOD}kept{GOOD:#} evidence {STRONG}{}{STRONG:#} of INC-{id}: {}, {} bytes\nSHA-256 {}\n",
        item.id, item.name, item.bytes, item.sha256
    );
    if let Some(records) = item.records {
        let _ = writeln!(text, "{records} records of the ledger with their proofs");
    }
    if taken.left_out > 0 {
        let _ = writeln!(
            text,
            "{WARN}{} records are not in it:{WARN:#} the ledger has not signed them yet, or there are too many",
            taken.left_out
        );
    }
    text
}

/// Figures over all incidents.
pub(crate) fn metrics(metrics: &Metrics) -> String {
    if metrics.classes.is_empty() {
        return "there were no incidents yet\n".to_owned();
    }
    let row = |name: String, class: Class, figures: &Figures| -> Vec<Cell> {
        let time = |times: &Times| -> Cell {
            if times.count == 0 {
                styled("-", FAINT)
            } else {
                format!("{} (median {})", span(times.mean), span(times.median)).into()
            }
        };
        vec![
            styled(name, STRONG),
            styled(class.as_str(), look(class)),
            figures.incidents.to_string().into(),
            figures.false_alarms.to_string().into(),
            time(&figures.detect),
            time(&figures.acknowledge),
            time(&figures.contain),
            time(&figures.resolve),
        ]
    };
    let head = ["", "class", "incidents", "false", "MTTD", "MTTA", "MTTC", "MTTR"];
    let all = metrics.classes.iter().map(|(class, figures)| row("all".to_owned(), *class, figures));
    let months = metrics.months.iter().rev().flat_map(|(month, classes)| {
        classes.iter().map(move |(class, figures)| row(month.clone(), *class, figures))
    });
    let rows: Vec<_> = all.chain(months).collect();
    format!(
        "{}\n{FAINT}MTTD: first event to alert. MTTA: alert to a person. MTTC: alert to contained. MTTR: alert to resolved.\n\
         Actions of reviews: {} done, {} open.{FAINT:#}\n",
        table(&head, &rows),
        metrics.actions_done,
        metrics.actions_open
    )
}

const fn look(class: Class) -> Style {
    match class {
        Class::P0 => BAD.invert(),
        Class::P1 => BAD,
        Class::P2 => WARN,
        Class::P3 => FAINT,
    }
}

fn when(until: Timestamp, now: Timestamp) -> String {
    if until < now {
        format!("late by {}", span(now.saturating_since(until).as_secs()))
    } else {
        format!("within {}", span(until.saturating_since(now).as_secs()))
    }
}

fn moment(at: Timestamp) -> String {
    at.to_string().get(..19).unwrap_or_default().replace('T', " ")
}

fn clock(at: Timestamp) -> String {
    at.to_string().get(11..19).unwrap_or_default().to_owned()
}

/// Lines of the timeline on a screen.
const LINES: usize = 60;
