//! A page that holds everything it needs: no script, no address it would fetch. What decides stands on top: the counts, the tests
//! that every release needs, the findings; then who may do what, and what was looked at.

mod coverage;

use std::fmt::Write as _;

use gabion_finding::visible::{markup, visible};
use gabion_model::Severity;

use super::{bounded, counted, curl, duration, flat, line, place, required, word};
use crate::Report;
use crate::replay::Standing;
use crate::report::Finding;
use crate::through::Through;
use crate::trend::Trend;
use crate::verdict::{Exchange, Verdict};

/// The page.
#[must_use]
pub fn html(report: &Report) -> String {
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>Probe of {base}, {at}</title><style>{STYLE}</style></head><body><main>\n<h1>Probe of <code>{base}</code></h1>\n",
        base = markup(&report.base),
        at = markup(&report.at.to_string())
    );
    let reached = report.operations.iter().filter(|one| one.reached).count();
    let people =
        report.people.iter().filter(|who| who.name != crate::facts::ANONYMOUS && who.trouble.is_none());
    let _ = writeln!(
        out,
        "<p class=\"faint\">{} · Gabion {} · level {} · {} signed in · {}, {reached} answered with a success · {} in {}</p>",
        markup(&report.at.to_string()),
        markup(report.version),
        report.level.as_str(),
        counted(people.count(), "identity", "identities"),
        counted(report.operations.len(), "operation", "operations"),
        counted(report.requests, "request", "requests"),
        duration(report.elapsed)
    );
    for gap in &report.gaps {
        let head = if gap.incomplete { "Incomplete" } else { "Little was tested" };
        let _ = writeln!(
            out,
            "<p class=\"gap\"><strong>{head}:</strong> {}</p>",
            prose(&line(report, &gap.says))
        );
    }
    counts(&mut out, report);
    areas(&mut out, report);
    if let Some(trend) = &report.trend {
        changes(&mut out, report, trend);
    }
    contents(&mut out, report);
    if let Some(own) = &report.through {
        through(&mut out, report, own);
    }
    for severity in Severity::ALL.iter().rev() {
        let own: Vec<&Finding> = report.findings.iter().filter(|one| one.severity == *severity).collect();
        if own.is_empty() {
            continue;
        }
        let _ = writeln!(
            out,
            "<h2><span class=\"{}\">{}</span>: {}</h2>",
            severity.as_str(),
            word(*severity),
            counted(own.len(), "finding", "findings")
        );
        own.into_iter().for_each(|one| finding(&mut out, report, one));
    }
    coverage::matrix(&mut out, report);
    coverage::tests(&mut out, report);
    coverage::components(&mut out, report);
    coverage::rest(&mut out, report);
    out.push_str("</main></body></html>\n");
    out
}

/// The tests that every release needs.
fn areas(out: &mut String, report: &Report) {
    let (ran, left) = required::chosen(report);
    if ran.is_empty() {
        return;
    }
    out.push_str(
        "<h2 id=\"required\">What every release needs</h2>\n<div class=\"wide\"><table class=\"areas\">\n\
         <tr><th>area</th><th>verdict</th><th>what was seen</th><th>tests</th></tr>\n",
    );
    for area in &ran {
        let Some(verdict) = area.verdict else { continue };
        let control = required::control(report, area)
            .map(|control| format!("<div class=\"faint\">control: {}</div>", prose(&control)));
        let tests = area
            .tests
            .iter()
            .rev()
            .map(|(verdict, tests)| format!("<div><b>{verdict}</b> {}</div>", markup(&tests.join(", "))));
        let _ = writeln!(
            out,
            "<tr><td>{}</td><td><span class=\"verdict {}\">{verdict}</span></td><td>{}{}</td><td class=\"faint\">{}</td></tr>",
            area.name,
            verdict.as_str(),
            prose(&required::says(report, area)),
            control.unwrap_or_default(),
            tests.collect::<String>()
        );
    }
    out.push_str("</table></div>\n");
    if !left.is_empty() {
        let _ = writeln!(out, "<p class=\"faint\">Not chosen: {}.</p>", left.join(", "));
    }
}

fn counts(out: &mut String, report: &Report) {
    let sure = || report.findings.iter().filter(|one| one.outcome.verdict > Verdict::Tentative);
    out.push_str("<ul class=\"counts\">");
    for severity in Severity::ALL.iter().rev() {
        let count = sure().filter(|one| one.severity == *severity).count();
        let class = if count == 0 { "none" } else { severity.as_str() };
        let _ = write!(out, "<li class=\"{class}\"><b>{count}</b> {}</li>", word(*severity));
    }
    let unsure = report.findings.len().saturating_sub(sure().count());
    if unsure > 0 {
        let _ = write!(out, "<li class=\"faint\"><b>{unsure}</b> tentative</li>");
    }
    out.push_str("</ul>\n");
    if report.findings.is_empty() {
        out.push_str("<p>Nothing found.</p>\n");
    }
}

fn changes(out: &mut String, report: &Report, trend: &Trend) {
    let _ = writeln!(
        out,
        "<h2>Trend</h2>\n{}<p>{}.</p>",
        super::changes::picture(report, trend),
        markup(&super::changes::summary(trend))
    );
    let rows: Vec<_> = (trend.gone().map(|one| ("gone", "passed", one)))
        .chain(trend.unseen().map(|one| ("not looked at", "tentative", one)))
        .collect();
    if rows.is_empty() {
        return;
    }
    out.push_str("<div class=\"wide\"><table>\n");
    for (head, class, one) in rows {
        let _ = writeln!(
            out,
            "<tr><td class=\"{class}\">{head}</td><td>{}</td><td>{}</td><td><code>{}</code></td><td>{}</td></tr>",
            word(one.severity),
            markup(&one.test),
            markup(&one.operation),
            markup(&line(report, &one.says))
        );
    }
    out.push_str("</table></div>\n");
}

/// Each finding, direct and through the gate.
fn through(out: &mut String, report: &Report, through: &Through) {
    let _ = writeln!(
        out,
        "<h2>Through the gate</h2>\n<p><code>{}</code>: {}.</p>\n<div class=\"wide\"><table>\n\
         <tr><th>finding</th><th>direct</th><th>through</th><th></th></tr>",
        markup(&through.base),
        super::changes::compared(through)
    );
    for (finding, place, standing, says) in super::changes::rows(report, through) {
        let class = match standing {
            Standing::Gone => "passed",
            Standing::StillThere => "firm",
            Standing::CannotSay => "tentative",
        };
        let _ = writeln!(
            out,
            "<tr><td><a href=\"#{}\">{}</a> <code>{}</code></td><td class=\"{severity}\">{}</td><td class=\"{class}\">{}</td><td class=\"faint\">{}</td></tr>",
            markup(&finding.id),
            markup(&finding.about.id),
            markup(&place),
            finding.outcome.verdict,
            crate::through::words(standing),
            markup(&line(report, &says)),
            severity = finding.severity.as_str()
        );
    }
    for one in &through.only {
        let _ = writeln!(
            out,
            "<tr><td>{} <code>{}</code></td><td></td><td class=\"firm\">found here only</td><td class=\"faint\">{}</td></tr>",
            markup(&one.test),
            markup(&one.operation),
            markup(&line(report, &one.says))
        );
    }
    out.push_str("</table></div>\n");
    for gap in &through.gaps {
        let _ =
            writeln!(out, "<p class=\"gap\"><strong>Incomplete:</strong> {}</p>", markup(&line(report, gap)));
    }
}

fn contents(out: &mut String, report: &Report) {
    if report.findings.is_empty() {
        return;
    }
    out.push_str("<h2 id=\"findings\">Findings</h2>\n<div class=\"wide\"><table class=\"all\">\n<tr><th>severity</th><th>verdict</th><th>where</th><th>what</th></tr>\n");
    for finding in &report.findings {
        let _ = writeln!(
            out,
            "<tr><td class=\"{}\">{}</td><td class=\"{}\">{}</td><td><code>{}</code></td><td><a href=\"#{}\">{}</a></td></tr>",
            finding.severity.as_str(),
            word(finding.severity),
            finding.outcome.verdict.as_str(),
            finding.outcome.verdict,
            markup(&place(finding)),
            markup(&finding.id),
            prose(&line(report, &finding.outcome.says))
        );
    }
    out.push_str("</table></div>\n");
}

fn finding(out: &mut String, report: &Report, finding: &Finding) {
    let about = &finding.about;
    let weaknesses: Vec<String> = about
        .cwe
        .iter()
        .map(|number| format!("<a rel=\"noreferrer\" href=\"{}\">CWE-{number}</a>", super::cwe(*number)))
        .collect();
    let _ = writeln!(
        out,
        "<article id=\"{id}\" class=\"{severity}\"><h3>{}{new}</h3>\
         <p><span class=\"verdict {}\">{}</span> <code>{}</code></p><p class=\"says\">{}</p>",
        markup(&about.title),
        finding.outcome.verdict.as_str(),
        finding.outcome.verdict,
        markup(&place(finding)),
        prose(&line(report, &finding.outcome.says)),
        severity = finding.severity.as_str(),
        id = markup(&finding.id),
        new = super::changes::of(report, finding)
            .map_or_else(String::new, |change| format!(" <span class=\"verdict\">{change}</span>")),
    );
    if let Some(proof) = &finding.outcome.proof {
        if !proof.evidence.is_empty() && proof.evidence != finding.outcome.says {
            let _ = writeln!(out, "<p>Seen: {}</p>", prose(&line(report, &proof.evidence)));
        }
        exchange(out, report, "Attack", &proof.attack, true);
        if let Some(twin) = &proof.twin {
            exchange(out, report, "Twin", twin, true);
        }
        for one in &proof.shown {
            exchange(out, report, "Shown by", one, false);
        }
    }
    if let Some(control) = &finding.outcome.control {
        match required::exchange(report, &finding.outcome) {
            Some(own) => {
                let says = format!("Control, {}", line(report, &control.says));
                exchange(out, report, &says, own, false);
            }
            None => {
                let _ =
                    writeln!(out, "<p class=\"faint\">Control: {}</p>", prose(&line(report, &control.says)));
            }
        }
    }
    let _ = write!(
        out,
        "<p><strong>What to do:</strong> {}</p><details><summary>Why it matters</summary><p>{}</p></details>\
         <p class=\"faint\"><code>{}</code> · <code>{}</code> · attacks <code>{}</code> · {} · {}",
        prose(&flat(&about.fix)),
        prose(&flat(&about.why)),
        markup(&finding.id),
        markup(&about.id),
        markup(about.control.as_str()),
        weaknesses.join(", "),
        markup(&about.owasp.join(", "))
    );
    for link in about.references.iter().filter(|link| link.starts_with("https://")) {
        let link = markup(link);
        let _ = write!(out, " · <a rel=\"noreferrer\" href=\"{link}\">{link}</a>");
    }
    out.push_str("</p></article>\n");
}

fn exchange(out: &mut String, report: &Report, head: &str, exchange: &Exchange, open: bool) {
    let answer = bounded(&report.hidden.text(&exchange.answer), ANSWER);
    let answer: Vec<String> = answer.lines().map(visible).collect();
    let _ = writeln!(
        out,
        "<details{}><summary>{}: {} as {}</summary><pre>{}</pre><details><summary>Answer</summary><pre>{}</pre></details></details>",
        if open { " open" } else { "" },
        heading(head),
        exchange.status,
        markup(&exchange.who),
        markup(&curl(report, exchange)),
        answer.iter().map(|line| markup(line)).collect::<Vec<_>>().join("\n")
    );
}

/// Its first word stands out.
fn heading(head: &str) -> String {
    match head.split_once(", ") {
        Some((first, rest)) => format!("<b>{}</b>, {}", markup(first), prose(rest)),
        None => format!("<b>{}</b>", markup(head)),
    }
}

/// A text of one line, in which what stands between `` ` `` is code.
fn prose(text: &str) -> String {
    let safe = markup(text);
    let parts: Vec<&str> = safe.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return safe;
    }
    let parts = parts.iter().enumerate().map(|(at, part)| match at % 2 {
        0 => (*part).to_owned(),
        _ => format!("<code>{part}</code>"),
    });
    parts.collect()
}

/// Characters of an answer.
const ANSWER: usize = 2_000;

const STYLE: &str = include_str!("html/page.css");
