//! Comments by which somebody takes a finding upon themselves:
//!
//! ```text
//! db.query(text); // gabion:allow sql.injection text is one of three constants
//! # gabion:allow docker.user until=2026-12-31 the base image changes the user in its entry point
//! USER root
//! ```
//!
//! On the line of the finding or, when the comment has its line for itself, above it. A rule or a family of rules, or several
//! with commas between. The reason is required: without one the comment allows nothing and is a finding itself. After the day of
//! `until` (which still counts) it allows nothing.

use gabion_finding::{Finding, RuleId, Source, Span};
use serde::{Deserialize, Serialize};

use crate::rules;

/// One such comment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allow {
    pub rules: Vec<RuleId>,
    pub reason: String,
    /// The last day, as `2026-12-31`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Where it stands, counted from 1.
    pub line: u32,
    /// The line it is for.
    pub target: u32,
}

impl Allow {
    /// Whether it is for this finding.
    #[must_use]
    pub fn covers(&self, finding: &Finding) -> bool {
        self.target == finding.place.start.line
            && self.rules.iter().any(|rule| finding.rule.is_under(rule.as_str()))
    }

    /// Whether its last day was before this one, written `2026-12-31`.
    #[must_use]
    pub fn is_over(&self, today: &str) -> bool {
        self.until.as_deref().is_some_and(|until| until < today)
    }
}

/// All such comments of a text, and those that lack a reason, as findings.
#[must_use]
pub fn read(source: &Source) -> (Vec<Allow>, Vec<Finding>) {
    let (mut allows, mut findings) = (Vec::new(), Vec::new());
    let text = source.text();
    for at in memchr::memmem::find_iter(text.as_bytes(), WORD).take(MOST) {
        let Ok(offset) = u32::try_from(at) else { break };
        let line = source.lines().line(offset);
        let span = source.line(line);
        let before = text.get(span.start as usize..at).unwrap_or_default();
        let after = text.get(at.saturating_add(WORD.len())..span.end as usize).unwrap_or_default();
        let Some(mark) = mark(before, source.path()) else { continue };
        let Some(written) = words(after) else { continue };
        let end = u32::try_from(WORD.len()).map_or(offset, |length| offset.saturating_add(length));
        match written {
            Ok((rules, reason, until)) => {
                let alone = before.trim_end().strip_suffix(mark).is_some_and(|rest| rest.trim().is_empty());
                let target = if alone { below(source, line) } else { line };
                allows.push(Allow { rules, reason, until, line, target });
            }
            Err(lacks) => {
                let message = format!("the comment allows nothing: {lacks}");
                let span = Span::new(offset, end);
                findings.extend(rules::own(rules::ALLOW).map(|rule| source.finding(rule, span, message)));
            }
        }
    }
    (allows, findings)
}

const WORD: &str = "gabion:allow";
/// No more comments of one file are read.
const MOST: usize = 10_000;
/// What begins a comment, in whatever language; the longer before the shorter.
const MARKS: &[&str] = &[
    "<!--", "{{!--", "<%--", "{{/*", "{/*", "<%#", "///", "//!", "/**", "{{!", "//", "/*", "{#", "(*", "##",
    "#", "--", ";;", ";", "%%", "%", "*", "REM", "rem",
];
const ENDS: &[&str] = &["*/", "-->", "--}}", "--%>", "%>", "#}", "}}", "*)", "*/}", "*/}}"];

/// The mark of the comment that begins with the word. In prose only a comment that readers do not see counts.
fn mark<'a>(before: &str, path: &str) -> Option<&'a str> {
    let before = before.trim_end();
    if before.matches('"').count() % 2 == 1 {
        // Inside of a text.
        return None;
    }
    let name = path.to_ascii_lowercase();
    let prose = [".md", ".markdown", ".mdx", ".rst", ".adoc", ".txt"].iter().any(|end| name.ends_with(end));
    let marks = if prose { MARKS.get(..1).unwrap_or_default() } else { MARKS };
    marks.iter().find(|mark| before.ends_with(**mark)).copied()
}

type Written = Result<(Vec<RuleId>, String, Option<String>), &'static str>;

/// What stands behind the word; none where that is no such comment at all.
fn words(text: &str) -> Option<Written> {
    let mut text = text.trim();
    while let Some(rest) = ENDS.iter().find_map(|end| text.strip_suffix(end)) {
        text = rest.trim_end();
    }
    let mut words = text.split_whitespace();
    let Some(named) = words.next() else { return Some(Err("it names no rule")) };
    let rules: Option<Vec<RuleId>> = named.split(',').map(RuleId::new).collect();
    let rules = rules?;
    let mut until = None;
    let mut reason: Vec<&str> = Vec::new();
    for word in words {
        match word.strip_prefix("until=") {
            Some(day) if is_day(day) => until = Some(day.to_owned()),
            Some(_) => return Some(Err("`until` is no day such as `2026-12-31`")),
            None => reason.push(word),
        }
    }
    let reason = reason.join(" ");
    let said = reason.chars().filter(|character| character.is_alphanumeric()).count() >= 3;
    Some(if said { Ok((rules, reason, until)) } else { Err("it says no reason") })
}

fn is_day(text: &str) -> bool {
    text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok_and(|day| day.to_string() == text)
}

/// The next line that is neither empty nor such a comment.
fn below(source: &Source, line: u32) -> u32 {
    let mut next = line.saturating_add(1);
    for _ in 0..MOST_BETWEEN {
        let text = source.line(next).of(source.text());
        let skipped = text.trim().is_empty() || text.contains(WORD);
        if !skipped || next as usize >= source.lines().lines() {
            break;
        }
        next = next.saturating_add(1);
    }
    next
}

const MOST_BETWEEN: u32 = 64;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(path: &str, text: &str) -> (Vec<Allow>, Vec<Finding>) {
        read(&Source::new(path, text))
    }

    #[test]
    fn every_style_of_comment_is_read() {
        for (path, text) in [
            ("a.js", "x(); // gabion:allow sql.injection it is constant"),
            ("a.css", "x /* gabion:allow sql.injection it is constant */"),
            ("a.jsx", "<p>{/* gabion:allow sql.injection it is constant */}"),
            ("a.py", "x() # gabion:allow sql.injection it is constant"),
            ("a.sql", "select 1; -- gabion:allow sql.injection it is constant"),
            ("a.html", "<p><!-- gabion:allow sql.injection it is constant -->"),
            ("a.ini", "x = 1 ; gabion:allow sql.injection it is constant"),
            ("a.jinja", "{{ x }}{# gabion:allow sql.injection it is constant #}"),
            ("a.hbs", "x {{!-- gabion:allow sql.injection it is constant --}}"),
            ("a.erb", "x <%# gabion:allow sql.injection it is constant %>"),
            ("a.ml", "x (* gabion:allow sql.injection it is constant *)"),
        ] {
            let (allows, findings) = of(path, text);
            let [allow] = allows.as_slice() else { panic!("{text}: {allows:?}") };
            assert_eq!((allow.reason.as_str(), allow.line, allow.target), ("it is constant", 1, 1), "{text}");
            assert!(findings.is_empty());
        }
    }

    #[test]
    fn a_comment_of_its_own_is_for_the_next_line_of_code() {
        let text = "# gabion:allow a.b,c until=2026-12-31 for a while\n\n# gabion:allow d it is so\nx()\n";
        let (allows, _) = of("a.py", text);
        assert_eq!(allows.iter().map(|allow| allow.target).collect::<Vec<_>>(), [4, 4]);
        assert_eq!(allows[0].rules.len(), 2);
        assert!(!allows[0].is_over("2026-12-31") && allows[0].is_over("2027-01-01"));
    }

    #[test]
    fn without_a_reason_it_is_a_finding() {
        for text in [
            "x() # gabion:allow sql.injection",
            "x() # gabion:allow",
            "x() # gabion:allow sql.injection ...",
            "x() # gabion:allow sql.injection until=soon it is constant",
            "x() # gabion:allow sql.injection until=2026-02-31 it is constant",
        ] {
            let (allows, findings) = of("a.py", text);
            assert!(allows.is_empty() && findings.len() == 1, "{text}: {allows:?}");
            assert_eq!(findings[0].rule.as_str(), rules::ALLOW);
        }
    }

    #[test]
    fn what_is_no_comment_allows_nothing() {
        for (path, text) in [
            ("a.py", "print('gabion:allow sql.injection because')"),
            ("a.md", "write `// gabion:allow sql.injection because` above it"),
            ("a.py", "# gabion:allow RULE reason"),
            ("a.rs", "let text = \"x() // gabion:allow sql.injection because\";"),
        ] {
            assert_eq!(of(path, text), (Vec::new(), Vec::new()), "{text}");
        }
        assert_eq!(of("a.md", "<!-- gabion:allow sql.injection it is prose -->").0.len(), 1);
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "((//|#|<!--| |\n|gabion:allow|a\\.b|until=|\\PC){0,3}){0,20}") {
            let (allows, _) = of("a.js", &text);
            for allow in allows {
                prop_assert!(allow.target >= allow.line && !allow.reason.is_empty());
            }
        }
    }
}
