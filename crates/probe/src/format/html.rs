//! A page that holds everything it needs: no script, no address it would fetch.

use std::fmt::Write as _;

use gabion_finding::visible::{markup, visible};
use gabion_model::Severity;

use super::{bounded, counted, curl, duration, flat, line, place, word};
use crate::Report;
use crate::matrix::Access;
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
    let _ = writeln!(
        out,
        "<p class=\"faint\">{} · Gabion {} · level {} · {}, {reached} answered with a success · {} in {}</p>",
        markup(&report.at.to_string()),
        markup(report.version),
        report.level.as_str(),
        counted(report.operations.len(), "operation", "operations"),
        counted(report.requests, "request", "requests"),
        duration(report.elapsed)
    );
    for gap in &report.gaps {
        let head = if gap.incomplete { "Incomplete" } else { "Little was tested" };
        let _ = writeln!(
            out,
            "<p class=\"gap\"><strong>{head}:</strong> {}</p>",
            markup(&line(report, &gap.says))
        );
    }
    counts(&mut out, report);
    if let Some(trend) = &report.trend {
        changes(&mut out, report, trend);
    }
    contents(&mut out, report);
    if let Some(own) = &report.through {
        through(&mut out, report, own);
    }
    tests(&mut out, report);
    matrix(&mut out, report);
    if !report.findings.is_empty() {
        out.push_str("<h2>Findings</h2>\n");
    }
    for one in &report.findings {
        finding(&mut out, report, one);
    }
    rest(&mut out, report);
    out.push_str("</main></body></html>\n");
    out
}

fn counts(out: &mut String, report: &Report) {
    let sure = || report.findings.iter().filter(|one| one.outcome.verdict > Verdict::Tentative);
    out.push_str("<ul class=\"counts\">");
    for severity in Severity::ALL.iter().rev() {
        let count = sure().filter(|one| one.severity == *severity).count();
        let _ = write!(out, "<li class=\"{}\"><b>{count}</b> {}</li>", severity.as_str(), word(*severity));
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
    out.push_str("<div class=\"wide\"><table class=\"all\">\n<tr><th>severity</th><th>verdict</th><th>where</th><th>what</th></tr>\n");
    for finding in &report.findings {
        let _ = writeln!(
            out,
            "<tr><td class=\"{}\">{}</td><td>{}</td><td><code>{}</code></td><td><a href=\"#{}\">{}</a></td></tr>",
            finding.severity.as_str(),
            word(finding.severity),
            finding.outcome.verdict,
            markup(&place(finding)),
            markup(&finding.id),
            markup(&line(report, &finding.outcome.says))
        );
    }
    out.push_str("</table></div>\n");
}

/// Each test with what it came to.
fn tests(out: &mut String, report: &Report) {
    let by_test = report.by_test();
    out.push_str("<h2>What was tested</h2>\n<div class=\"wide\"><table>\n<tr><th>test</th><th>attacks</th>");
    let shown = Verdict::ALL.iter().rev();
    shown.clone().for_each(|verdict| {
        let _ = write!(out, "<th>{verdict}</th>");
    });
    out.push_str("</tr>\n");
    for about in &report.tests {
        let _ = write!(
            out,
            "<tr><td title=\"{}\">{}</td><td><code>{}</code></td>",
            markup(&about.title),
            markup(&about.id),
            markup(about.control.as_str())
        );
        for verdict in shown.clone() {
            let count = by_test.get(about.id.as_str()).and_then(|counts| counts.get(verdict)).copied();
            let _ = match count {
                None => write!(out, "<td></td>"),
                Some(count) => write!(out, "<td class=\"{}\">{count}</td>", verdict.as_str()),
            };
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</table></div>\n");
    let open: Vec<_> = report
        .outcomes
        .iter()
        .filter(|one| matches!(one.verdict, Verdict::NotTested | Verdict::Inconclusive))
        .collect();
    if open.is_empty() {
        return;
    }
    let _ = writeln!(
        out,
        "<details><summary>Without a verdict: {}</summary><div class=\"wide\"><table>",
        open.len()
    );
    for outcome in open {
        let point = outcome.point.as_ref().map(ToString::to_string).unwrap_or_default();
        let _ = writeln!(
            out,
            "<tr><td>{}</td><td>{}</td><td><code>{} {}</code></td><td>{}</td></tr>",
            outcome.verdict,
            markup(&outcome.test),
            markup(&outcome.operation),
            markup(&point),
            markup(&line(report, &outcome.says))
        );
    }
    out.push_str("</table></div></details>\n");
}

fn matrix(out: &mut String, report: &Report) {
    let matrix = &report.matrix;
    if matrix.people.len() < 2 || matrix.rows.is_empty() {
        return;
    }
    out.push_str("<h2>Who may do what</h2>\n<ul class=\"counts\">");
    for access in Access::ALL {
        let (class, count) = (class_of(access), matrix.count(access));
        let _ =
            write!(out, "<li><span class=\"cell {class}\">{}</span> {count} {access}</li>", access.letter());
    }
    out.push_str("</ul>\n<div class=\"wide\"><table class=\"matrix\">\n<tr><th>operation</th>");
    for name in &matrix.people {
        let who = report.people.iter().find(|who| who.name == *name);
        let of: Vec<&str> = who
            .map(|who| who.role.iter().chain(&who.tenant).map(String::as_str).collect())
            .unwrap_or_default();
        let _ = write!(out, "<th>{}<small>{}</small></th>", markup(name), markup(&of.join(" · ")));
    }
    out.push_str("</tr>\n");
    for row in &matrix.rows {
        let _ = write!(out, "<tr><td><code>{}</code></td>", markup(&row.operation));
        for cell in &row.cells {
            let why: Vec<String> = cell.reasons.iter().map(|reason| line(report, reason)).collect();
            let _ = write!(
                out,
                "<td class=\"cell {}\" title=\"{}: {}\">{}</td>",
                class_of(cell.access),
                cell.access,
                markup(&why.join("; ")),
                cell.access.letter()
            );
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</table></div>\n");
}

const fn class_of(access: Access) -> &'static str {
    match access {
        Access::NotTested => "untested",
        Access::Denied => "denied",
        Access::Allowed => "allowed",
        Access::Violation => "violation",
    }
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
        "<article id=\"{id}\"><h3><span class=\"{}\">{}</span> {}{new}</h3>\
         <p><code>{}</code> <span class=\"verdict {}\">{}</span> {}</p>",
        finding.severity.as_str(),
        word(finding.severity),
        markup(&about.title),
        markup(&place(finding)),
        finding.outcome.verdict.as_str(),
        finding.outcome.verdict,
        markup(&line(report, &finding.outcome.says)),
        id = markup(&finding.id),
        new = super::changes::of(report, finding)
            .map_or_else(String::new, |change| format!(" <span class=\"verdict\">{change}</span>")),
    );
    if let Some(proof) = &finding.outcome.proof {
        if !proof.evidence.is_empty() && proof.evidence != finding.outcome.says {
            let _ = writeln!(out, "<p>Seen: {}</p>", markup(&line(report, &proof.evidence)));
        }
        exchange(out, report, "Attack", &proof.attack, true);
        if let Some(twin) = &proof.twin {
            exchange(out, report, "Twin", twin, true);
        }
        for one in &proof.shown {
            exchange(out, report, "Shown by", one, false);
        }
    }
    let _ = write!(
        out,
        "<p><strong>What to do:</strong> {}</p><details><summary>Why it matters</summary><p>{}</p></details>\
         <p class=\"faint\"><code>{}</code> · <code>{}</code> · attacks <code>{}</code> · {} · {}",
        markup(&flat(&about.fix)),
        markup(&flat(&about.why)),
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
        "<details{}><summary>{head}: {} as {}</summary><pre>{}</pre><details><summary>Answer</summary><pre>{}</pre></details></details>",
        if open { " open" } else { "" },
        exchange.status,
        markup(&exchange.who),
        markup(&curl(report, exchange)),
        answer.iter().map(|line| markup(line)).collect::<Vec<_>>().join("\n")
    );
}

/// Characters of an answer.
const ANSWER: usize = 2_000;

fn rest(out: &mut String, report: &Report) {
    if !report.accepted.is_empty() {
        let _ = writeln!(out, "<details><summary>Allowed: {}</summary><table>", report.accepted.len());
        for (finding, reason) in &report.accepted {
            let _ = writeln!(
                out,
                "<tr><td><code>{}</code></td><td>{}</td><td>{}</td></tr>",
                markup(&place(finding)),
                markup(&finding.about.id),
                markup(reason)
            );
        }
        out.push_str("</table></details>\n");
    }
    let _ = writeln!(out, "<details><summary>Operations: {}</summary><table>", report.operations.len());
    for one in &report.operations {
        let sources: Vec<String> = one.operation.sources.iter().map(|one| format!("{one:?}")).collect();
        let _ = writeln!(
            out,
            "<tr><td><code>{}</code></td><td>{}</td><td class=\"faint\">{}</td></tr>",
            markup(&one.operation.id()),
            if one.reached { "answered with a success" } else { "refused" },
            sources.join(", ").to_lowercase()
        );
    }
    out.push_str("</table></details>\n");
    for (head, lines) in [("Notes", &report.notes), ("Asked last", &report.journal)] {
        if lines.is_empty() {
            continue;
        }
        let _ = writeln!(out, "<details><summary>{head}: {}</summary><ul>", lines.len());
        for text in lines {
            let _ = writeln!(out, "<li>{}</li>", markup(&line(report, text)));
        }
        out.push_str("</ul></details>\n");
    }
}

const STYLE: &str = "\
:root{color-scheme:light dark;--c:#a21caf;--h:#dc2626;--m:#b45309;--l:#2563eb;--i:#0e7490;--g:#15803d}\
@media(prefers-color-scheme:dark){:root{--c:#e879f9;--h:#f87171;--m:#fbbf24;--l:#60a5fa;--i:#22d3ee;--g:#4ade80}}\
body{font:16px/1.5 system-ui,sans-serif;margin:0}main{max-width:68rem;margin:auto;padding:1rem}\
h1{font-size:1.5rem}h2{font-size:1.2rem;margin:1.6rem 0 .4rem}h3{font-size:1.05rem;margin:.2rem 0}\
article{border-top:1px solid #8884;padding:.8rem 0}\
pre{overflow-x:auto;background:#8881;padding:.5rem;border-radius:.3rem;margin:.3rem 0;white-space:pre-wrap;overflow-wrap:anywhere}\
.faint{opacity:.7;margin:.2rem 0}.gap{border-left:.3rem solid var(--m);padding-left:.6rem}\
.counts{display:flex;flex-wrap:wrap;gap:1rem;list-style:none;padding:0}\
.critical{color:var(--c)}.high{color:var(--h)}.medium{color:var(--m)}.low{color:var(--l)}.informational{color:var(--i)}\
.verdict{font-size:.8rem;border:1px solid;border-radius:.3rem;padding:0 .3rem}\
.proven,.firm{color:var(--h)}.tentative{color:var(--m)}.passed{color:var(--g)}\
.wide{overflow-x:auto}table{border-collapse:collapse;font-size:.9rem}\
td,th{padding:.1rem .8rem .1rem 0;vertical-align:top;text-align:left;overflow-wrap:anywhere}\
.all td:nth-child(-n+2),th{white-space:nowrap}tr+tr td{border-top:1px solid #8883}th small{display:block;font-weight:normal;opacity:.7}\
.matrix td.cell,.matrix th+th{text-align:center;padding:.1rem .8rem}\
.cell.violation{background:var(--h);color:#fff;font-weight:bold}.cell.allowed{color:var(--g)}.cell.denied{opacity:.8}.cell.untested{opacity:.4}\
span.cell{padding:0 .3rem;border-radius:.2rem}summary{cursor:pointer}";
