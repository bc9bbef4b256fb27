//! One HTML file that needs nothing else, runs nothing and fetches nothing.

use std::fmt::Write as _;

use super::{Agreement, Material, after, moment, svg};
use crate::procedure::Phase;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a;background:#fff}\
h1{font-size:1.6rem}h2{margin-top:2.5rem;border-bottom:1px solid #ccc}table{border-collapse:collapse;width:100%}\
th,td{text-align:left;vertical-align:top;padding:.3rem .6rem;border-bottom:1px solid #ddd;overflow-wrap:anywhere}\
.bad{color:#a40000;font-weight:600}.good{color:#0a5c2b}.faint{color:#555}pre{white-space:pre-wrap;font:inherit;margin:0}\
code{font-size:.85em}svg{width:100%;height:auto;font:12px system-ui,sans-serif}svg .row{stroke:#ccc}svg .mark{stroke:#555;stroke-dasharray:3 3}\
svg .state{font-size:11px;fill:#555}svg .alert{fill:#a40000}svg .response{fill:#0b57a4}svg .sign-in{fill:#0a5c2b}\
svg .failed-sign-in{fill:#8a5a00}svg .refusal{fill:#6b3fa0}svg .change{fill:#333}\
@media(prefers-color-scheme:dark){body{background:#161616;color:#eee}th,td{border-color:#444}.faint,svg .state{color:#aaa;fill:#aaa}svg text{fill:#eee}}";

/// The report.
#[must_use]
pub fn html(material: &Material) -> String {
    let incident = &material.incident;
    let title = format!("{}: {}", material.name, escape(&incident.title));
    let mut text = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n<meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n<table>\n"
    );
    let mut row = |name: &str, value: String| {
        let _ = writeln!(text, "<tr><th scope=\"row\">{name}</th><td>{value}</td></tr>");
    };
    let resolution = incident.resolution.map(|one| format!(", {}", one.as_str())).unwrap_or_default();
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
    row(
        "Record",
        match &material.agrees {
            Agreement::Yes => {
                "<span class=\"good\">every step is in the ledger as it is written here</span>".to_owned()
            }
            Agreement::Not { step, reason } => {
                format!(
                    "<span class=\"bad\">step {step} is not as the ledger has it: {}</span>",
                    escape(reason)
                )
            }
        },
    );
    let _ = write!(text, "</table>\n<p class=\"faint\">All times are UTC.</p>\n{}\n", svg::svg(material));
    review(material, &mut text);
    duties(material, &mut text);
    text.push_str("<h2>Checklist</h2>\n");
    for phase in Phase::ALL {
        let tasks: Vec<_> = incident.tasks.iter().filter(|task| task.template.phase == phase).collect();
        if tasks.is_empty() {
            continue;
        }
        let _ = writeln!(text, "<h3>{}</h3>\n<table>", phase.title());
        for task in tasks {
            let state = match &task.settled {
                None => format!("due {}", moment(task.until)),
                Some(settled) => {
                    let word = if settled.skipped { "not needed" } else { "done" };
                    format!(
                        "<span class=\"good\">{word}</span> {} by {} {}",
                        moment(settled.at),
                        escape(&settled.by),
                        escape(&settled.text)
                    )
                }
            };
            let _ = writeln!(text, "<tr><td>{}</td><td>{state}</td></tr>", escape(&task.template.title));
        }
        text.push_str("</table>\n");
    }
    if !incident.acted.is_empty() {
        text.push_str("<h2>Containment</h2>\n<table>\n<tr><th>when</th><th>by</th><th>action</th><th>result</th><th>taken back by</th></tr>\n");
        for acted in &incident.acted {
            let result = acted.failure.as_ref().map_or_else(
                || "done".to_owned(),
                |failure| format!("<span class=\"bad\">failed</span>: {}", escape(failure)),
            );
            let undo = acted.action.undo().map_or("-", crate::Action::as_str);
            let (at, by, target) = (moment(acted.at), escape(&acted.by), escape(&acted.target));
            let _ = writeln!(
                text,
                "<tr><td>{at}</td><td>{by}</td><td>{} {target}</td><td>{result}</td><td>{undo}</td></tr>",
                acted.action
            );
        }
        text.push_str("</table>\n");
    }
    if !incident.evidence.is_empty() {
        text.push_str("<h2>Evidence</h2>\n<table>\n<tr><th></th><th>name</th><th>bytes</th><th>SHA-256</th><th>from</th></tr>\n");
        for item in &incident.evidence {
            let (name, source) = (escape(&item.name), escape(&item.source));
            let _ = writeln!(
                text,
                "<tr><td>{}</td><td>{name}</td><td>{}</td><td><code>{}</code></td><td>{source}</td></tr>",
                item.id,
                item.bytes,
                escape(&item.sha256)
            );
        }
        text.push_str("</table>\n");
    }
    text.push_str("<h2>Timeline</h2>\n<table>\n<tr><th>when</th><th>what</th><th>who</th><th>from</th><th>record</th></tr>\n");
    for entry in &material.timeline {
        let place = match (entry.record, entry.step) {
            (Some(record), _) => record.to_string(),
            (_, Some(step)) => format!("step {step}"),
            _ => String::new(),
        };
        let times = if entry.count > 1 {
            format!(" <span class=\"faint\">({} times)</span>", entry.count)
        } else {
            String::new()
        };
        let _ = writeln!(
            text,
            "<tr><td>{}</td><td><span class=\"faint\">{}</span> <pre>{}</pre>{times}</td><td>{}</td><td>{}</td><td>{place}</td></tr>",
            moment(entry.at),
            entry.sort.as_str(),
            escape(&entry.text),
            escape(&entry.who),
            escape(entry.from.as_deref().unwrap_or_default()),
        );
    }
    text.push_str("</table>\n");
    if material.cut {
        text.push_str("<p>There is more in the ledger than this timeline shows.</p>\n");
    }
    let _ =
        write!(text, "<p class=\"faint\">Made {} by Gabion.</p>\n</body>\n</html>\n", moment(material.made));
    text
}

fn review(material: &Material, text: &mut String) {
    let Some(review) = &material.incident.review else { return };
    text.push_str("<h2>Review</h2>\n");
    for (name, written) in [
        ("What happened", &review.summary),
        ("Why it could happen", &review.cause),
        ("What it meant", &review.impact),
        ("What went well", &review.went_well),
        ("What went badly", &review.went_badly),
    ] {
        if !written.is_empty() {
            let _ = writeln!(text, "<h3>{name}</h3>\n<pre>{}</pre>", escape(written));
        }
    }
    if review.actions.is_empty() {
        return;
    }
    text.push_str("<table>\n<tr><th></th><th>action</th><th>owner</th><th>due</th><th>done</th></tr>\n");
    for (number, action) in (1_u64..).zip(&review.actions) {
        let done =
            material.incident.actions_done.get(&number).map_or_else(|| "no".to_owned(), |at| moment(*at));
        let (what, owner, due) = (escape(&action.what), escape(&action.owner), escape(&action.due));
        let _ = writeln!(
            text,
            "<tr><td>{number}</td><td>{what}</td><td>{owner}</td><td>{due}</td><td>{done}</td></tr>"
        );
    }
    text.push_str("</table>\n");
}

fn duties(material: &Material, text: &mut String) {
    if material.duties.is_empty() {
        return;
    }
    text.push_str(
        "<h2>Notification</h2>\n<table>\n<tr><th>duty</th><th>to</th><th>until</th><th>told</th></tr>\n",
    );
    for duty in &material.duties {
        let until = duty.until.map_or_else(|| "no date".to_owned(), moment);
        let told = match &duty.settled {
            None if duty.late => "<span class=\"bad\">no, and late</span>".to_owned(),
            None => "not yet".to_owned(),
            Some(settled) => {
                let word = if settled.skipped { "not needed" } else { "yes" };
                format!(
                    "{word}, {} by {}: {}",
                    moment(settled.at),
                    escape(&settled.by),
                    escape(&settled.text)
                )
            }
        };
        let _ = writeln!(
            text,
            "<tr><td>{} ({})</td><td>{}</td><td>{until}</td><td>{told}</td></tr>",
            duty.id, duty.source, duty.to
        );
    }
    text.push_str("</table>\n");
}

/// Text between tags and in quoted attributes (HTML, 13.1.4).
pub(super) fn escape(written: &str) -> String {
    let mut text = String::with_capacity(written.len() + 8);
    for one in written.chars() {
        match one {
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '&' => text.push_str("&amp;"),
            '"' => text.push_str("&quot;"),
            '\'' => text.push_str("&#39;"),
            _ => text.push(one),
        }
    }
    text
}
