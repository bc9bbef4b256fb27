//! Markdown (CommonMark with tables). What others wrote stands in it as text and never as markup.

use std::fmt::Write as _;

use super::{Agreement, Material, after, moment};
use crate::procedure::Phase;

/// The report.
#[must_use]
pub fn markdown(material: &Material) -> String {
    let Material { incident, .. } = material;
    let mut text = format!("# {}: {}\n\n", material.name, escape(&incident.title));
    let resolution = incident.resolution.map(|one| format!(", {}", one.as_str())).unwrap_or_default();
    let agrees = match &material.agrees {
        Agreement::Yes => "every step is in the ledger as it is written here".to_owned(),
        Agreement::Not { step, reason } => {
            format!("**step {step} is not as the ledger has it: {}**", escape(reason))
        }
    };
    let mut row = |name: &str, value: String| {
        let _ = writeln!(text, "| {name} | {value} |");
    };
    row("", String::new());
    row("---", "---".to_owned());
    row("Class", format!("{} (at worst {})", incident.class, incident.worst));
    row("Kind", escape(&incident.kind));
    row("State", format!("{}{resolution}", incident.state.as_str()));
    row("First event", moment(incident.detected));
    row("Alert", moment(incident.alerted));
    row("Opened", moment(incident.opened));
    row("Acknowledged", after(incident.opened, incident.acknowledged));
    row("Contained", after(incident.opened, incident.contained));
    row("Resolved", after(incident.opened, incident.resolved));
    row("Closed", after(incident.opened, incident.closed));
    for (role, name) in &incident.roles {
        row(role.as_str(), escape(name));
    }
    let about: Vec<_> =
        incident.subjects.iter().map(|one| format!("{} {}", one.kind(), escape(&one.value()))).collect();
    row("Is about", about.join(", "));
    row("Record", agrees);
    text.push_str("\nAll times are UTC.\n");

    if let Some(review) = &incident.review {
        text.push_str("\n## Review\n");
        for (name, written) in [
            ("What happened", &review.summary),
            ("Why it could happen", &review.cause),
            ("What it meant", &review.impact),
            ("What went well", &review.went_well),
            ("What went badly", &review.went_badly),
        ] {
            if !written.is_empty() {
                let _ = writeln!(text, "\n### {name}\n\n{}", block(written));
            }
        }
        if !review.actions.is_empty() {
            text.push_str("\n| | action | owner | due | done |\n|---|---|---|---|---|\n");
        }
        for (number, action) in (1_u64..).zip(&review.actions) {
            let done = incident.actions_done.get(&number).map_or_else(|| "no".to_owned(), |at| moment(*at));
            let (what, owner) = (escape(&action.what), escape(&action.owner));
            let _ = writeln!(text, "| {number} | {what} | {owner} | {} | {done} |", action.due);
        }
    }
    if !material.duties.is_empty() {
        text.push_str("\n## Notification\n\n| duty | to | until | told |\n|---|---|---|---|\n");
        for duty in &material.duties {
            let until = duty.until.map_or_else(|| "no date".to_owned(), moment);
            let told = duty.settled.as_ref().map_or_else(
                || if duty.late { "**no, and late**".to_owned() } else { "not yet".to_owned() },
                |settled| {
                    let word = if settled.skipped { "not needed" } else { "yes" };
                    format!(
                        "{word}, {} by {}: {}",
                        moment(settled.at),
                        escape(&settled.by),
                        escape(&settled.text)
                    )
                },
            );
            let _ = writeln!(text, "| {} ({}) | {} | {until} | {told} |", duty.id, duty.source, duty.to);
        }
    }
    text.push_str("\n## Checklist\n");
    for phase in Phase::ALL {
        let tasks: Vec<_> = incident.tasks.iter().filter(|task| task.template.phase == phase).collect();
        if tasks.is_empty() {
            continue;
        }
        let _ = writeln!(text, "\n### {}\n", phase.title());
        for task in tasks {
            let (mark, rest) = match &task.settled {
                None => (" ", format!("due {}", moment(task.until))),
                Some(settled) => {
                    let word = if settled.skipped { "not needed" } else { "done" };
                    let said = if settled.text.is_empty() {
                        String::new()
                    } else {
                        format!(": {}", escape(&settled.text))
                    };
                    ("x", format!("{word} {} by {}{said}", moment(settled.at), escape(&settled.by)))
                }
            };
            let _ = writeln!(text, "- [{mark}] {} ({rest})", escape(&task.template.title));
        }
    }
    if !incident.acted.is_empty() {
        text.push_str("\n## Containment\n\n| when | by | action | target | result | taken back by |\n|---|---|---|---|---|---|\n");
        for acted in &incident.acted {
            let result = acted
                .failure
                .as_ref()
                .map_or_else(|| "done".to_owned(), |failure| format!("failed: {}", escape(failure)));
            let undo = acted.action.undo().map_or("-", crate::Action::as_str);
            let (at, by, target) = (moment(acted.at), escape(&acted.by), escape(&acted.target));
            let _ = writeln!(text, "| {at} | {by} | {} | {target} | {result} | {undo} |", acted.action);
        }
    }
    if !incident.evidence.is_empty() {
        text.push_str("\n## Evidence\n\n| | name | bytes | SHA-256 | from |\n|---|---|---|---|---|\n");
        for item in &incident.evidence {
            let (name, source) = (escape(&item.name), escape(&item.source));
            let _ =
                writeln!(text, "| {} | {name} | {} | `{}` | {source} |", item.id, item.bytes, item.sha256);
        }
    }
    text.push_str("\n## Timeline\n\n| when | what | who | from | record |\n|---|---|---|---|---|\n");
    for entry in &material.timeline {
        let place = match (entry.record, entry.step) {
            (Some(record), _) => record.to_string(),
            (_, Some(step)) => format!("step {step}"),
            _ => String::new(),
        };
        let times = if entry.count > 1 { format!(" ({} times)", entry.count) } else { String::new() };
        let from = entry.from.as_deref().unwrap_or_default();
        let (at, who) = (moment(entry.at), escape(&entry.who));
        let _ = writeln!(
            text,
            "| {at} | {}: {}{times} | {who} | {from} | {place} |",
            entry.sort.as_str(),
            escape(&entry.text)
        );
    }
    if material.cut {
        text.push_str("\nThere is more in the ledger than this timeline shows.\n");
    }
    let _ = writeln!(text, "\nMade {} by Gabion.", moment(material.made));
    text
}

/// One line of text, with everything that is markup escaped.
fn escape(written: &str) -> String {
    let mut text = String::with_capacity(written.len() + 8);
    for one in written.chars() {
        match one {
            '\n' | '\r' | '\t' => text.push(' '),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '&' => text.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '(' | ')' | '#' | '|' | '!' | '~' | '$' => {
                text.push('\\');
                text.push(one);
            }
            // No address becomes a link by itself.
            ':' => text.push_str("&#58;"),
            '@' => text.push_str("&#64;"),
            _ => text.push(one),
        }
    }
    text
}

/// Several lines, as a quotation.
fn block(written: &str) -> String {
    written.lines().map(|line| format!("> {}\n", escape(line))).collect::<String>().trim_end().to_owned()
}
