//! A page that holds everything it needs: no script, no address it would fetch.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use gabion_finding::drawing;
use gabion_model::Severity;

use super::{Previous, flat, word};
use crate::report::words;
use crate::visible::markup;
use crate::{Report, Reported};

/// The page. `earlier` are former reports, oldest first.
#[must_use]
pub fn html(report: &Report, earlier: &[Previous]) -> String {
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>Scan of {at}</title><style>{STYLE}</style></head><body><main>\n<h1>Scan</h1>\n",
        at = markup(&report.at.to_string())
    );
    let _ = writeln!(
        out,
        "<p class=\"faint\">{} · Gabion {} · {} files, {} lines</p>",
        markup(&report.at.to_string()),
        markup(report.version),
        report.files,
        report.lines
    );
    for gap in &report.incomplete {
        let _ = writeln!(out, "<p class=\"gap\"><strong>Incomplete:</strong> {}</p>", markup(gap));
    }
    out.push_str("<ul class=\"counts\">");
    for (severity, count) in report.counts() {
        let _ = write!(out, "<li class=\"{0}\"><b>{count}</b> {1}</li>", severity.as_str(), word(severity));
    }
    out.push_str("</ul>\n");
    trend(&mut out, report, earlier);
    if report.findings.is_empty() {
        out.push_str("<p>Nothing found.</p>\n");
    }
    let former: BTreeSet<&str> = earlier
        .last()
        .map(|report| report.findings.iter().map(|one| one.fingerprint.as_str()).collect())
        .unwrap_or_default();
    for reported in &report.findings {
        let new = !earlier.is_empty() && !former.contains(reported.finding.fingerprint.to_string().as_str());
        finding(&mut out, report, reported, new);
    }
    rest(&mut out, report);
    out.push_str("</main></body></html>\n");
    out
}

fn finding(out: &mut String, report: &Report, reported: &Reported, new: bool) {
    let finding = &reported.finding;
    let place = &finding.place;
    let _ = writeln!(
        out,
        "<article><h2><span class=\"{}\">{}</span> {}{}</h2><p class=\"faint\"><code>{}</code> · <code>{}:{}:{}</code></p>",
        finding.severity.as_str(),
        word(finding.severity),
        markup(&finding.message),
        if new { " <span class=\"new\">new</span>" } else { "" },
        markup(finding.rule.as_str()),
        markup(&place.path),
        place.start.line,
        place.start.column
    );
    if !reported.frame.lines.is_empty() {
        out.push_str("<pre>");
        for line in &reported.frame.lines {
            let (before, marked, after) = split(&line.text, line.mark);
            let _ = write!(out, "<i>{:>5}</i>  {}", line.number, markup(&before));
            if !marked.is_empty() {
                let _ = write!(out, "<mark>{}</mark>", markup(&marked));
            }
            let _ = writeln!(out, "{}", markup(&after));
        }
        out.push_str("</pre>\n");
    }
    if !finding.trace.is_empty() {
        out.push_str("<ol>");
        for step in &finding.trace {
            let (path, line) = (markup(&step.place.path), step.place.start.line);
            let _ = write!(out, "<li><code>{path}:{line}</code> {}</li>", markup(&step.says));
        }
        out.push_str("</ol>\n");
    }
    if !finding.properties.is_empty() {
        out.push_str("<dl>");
        for (name, value) in &finding.properties {
            let _ = write!(out, "<dt>{}</dt><dd>{}</dd>", markup(name), markup(value));
        }
        out.push_str("</dl>\n");
    }
    if let Some((_, rule)) = report.rules.get(finding.rule.as_str()) {
        let _ = write!(
            out,
            "<details><summary>{}</summary><p>{}</p><p><strong>What to do:</strong> {}</p><p class=\"faint\">evidence for <code>{}</code>",
            markup(&rule.title),
            markup(&flat(&rule.why)),
            markup(&flat(&rule.fix)),
            markup(rule.control.as_str())
        );
        for link in rule.references.iter().filter(|link| link.starts_with("https://")) {
            let link = markup(link);
            let _ = write!(out, " · <a rel=\"noreferrer\" href=\"{link}\">{link}</a>");
        }
        out.push_str("</p></details>");
    }
    out.push_str("</article>\n");
}

fn split(text: &str, mark: Option<(usize, usize)>) -> (String, String, String) {
    let (from, to) = mark.unwrap_or((usize::MAX, usize::MAX));
    let of = |take: fn(usize, usize, usize) -> bool| -> String {
        text.chars()
            .enumerate()
            .filter(|(at, _)| take(*at, from, to))
            .map(|(_, character)| character)
            .collect()
    };
    (of(|at, from, _| at < from), of(|at, from, to| at >= from && at < to), of(|at, _, to| at >= to))
}

/// The numbers of former reports and of this one.
fn trend(out: &mut String, report: &Report, earlier: &[Previous]) {
    if earlier.is_empty() {
        return;
    }
    let of = |previous: &Previous, severity: Severity| {
        previous.summary.findings.get(severity.as_str()).copied().unwrap_or(0)
    };
    let mut bars: Vec<drawing::Bar> = earlier
        .iter()
        .map(|one| {
            let counts = Severity::ALL.iter().rev().map(|severity| (*severity, of(one, *severity))).collect();
            (one.at.clone(), counts)
        })
        .collect();
    bars.push((report.at.to_string(), report.counts()));
    let _ = write!(out, "<h2>Trend</h2>\n{}", drawing::bars(&bars, "scans"));
    if let Some(last) = earlier.last() {
        let former: BTreeSet<&str> = last.findings.iter().map(|one| one.fingerprint.as_str()).collect();
        let now: BTreeSet<String> =
            report.findings.iter().map(|one| one.finding.fingerprint.to_string()).collect();
        let new = now.iter().filter(|one| !former.contains(one.as_str())).count();
        let gone = former.iter().filter(|one| !now.contains(**one)).count();
        let _ = writeln!(out, "<p>Since {}: {new} new, {gone} gone.</p>", markup(&last.at));
    }
}

fn rest(out: &mut String, report: &Report) {
    if !report.suppressed.is_empty() {
        let _ = writeln!(out, "<details><summary>Allowed: {}</summary><table>", report.suppressed.len());
        for suppressed in &report.suppressed {
            let finding = &suppressed.reported.finding;
            let _ = writeln!(
                out,
                "<tr><td><code>{}:{}</code></td><td><code>{}</code></td><td>{}</td></tr>",
                markup(&finding.place.path),
                finding.place.start.line,
                markup(finding.rule.as_str()),
                markup(suppressed.by.text())
            );
        }
        out.push_str("</table></details>\n");
    }
    if !report.unread.is_empty() {
        let _ = writeln!(out, "<details><summary>Not read: {}</summary><table>", report.unread.len());
        for unread in &report.unread {
            let _ = writeln!(
                out,
                "<tr><td><code>{}</code></td><td>{}</td><td>{}</td></tr>",
                markup(&unread.path),
                words(unread.reason),
                markup(&unread.detail)
            );
        }
        out.push_str("</table></details>\n");
    }
}

const STYLE: &str = "\
:root{color-scheme:light dark;--c:#a21caf;--h:#dc2626;--m:#b45309;--l:#2563eb;--i:#0e7490}\
@media(prefers-color-scheme:dark){:root{--c:#e879f9;--h:#f87171;--m:#fbbf24;--l:#60a5fa;--i:#22d3ee}}\
body{font:16px/1.5 system-ui,sans-serif;margin:0}main{max-width:60rem;margin:auto;padding:1rem}\
h2{font-size:1.1rem;margin:.2rem 0}article{border-top:1px solid #8884;padding:.8rem 0}\
pre{overflow-x:auto;background:#8881;padding:.5rem;border-radius:.3rem}pre i{opacity:.5;font-style:normal}\
mark{background:#facc1566;color:inherit}.faint{opacity:.7;margin:.2rem 0}.gap{border-left:.3rem solid var(--m);padding-left:.6rem}\
.counts{display:flex;flex-wrap:wrap;gap:1rem;list-style:none;padding:0}\
.critical{color:var(--c);fill:var(--c)}.high{color:var(--h);fill:var(--h)}.medium{color:var(--m);fill:var(--m)}\
.low{color:var(--l);fill:var(--l)}.informational{color:var(--i);fill:var(--i)}\
.new{font-size:.75rem;border:1px solid;border-radius:.3rem;padding:0 .3rem}\
table{border-collapse:collapse}td{padding:.1rem .6rem .1rem 0;vertical-align:top;overflow-wrap:anywhere}\
dl{display:grid;grid-template-columns:max-content 1fr;gap:0 1rem}dd{margin:0;overflow-wrap:anywhere}";
