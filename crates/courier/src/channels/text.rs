//! What a notice says, as texts that stay texts.
//!
//! An attacker has a say in what an alert holds: names, paths, addresses. [`defused`] leaves nothing in a text by which a
//! channel would call people or show a link, whatever its markup is; each channel escapes its own markup besides.

use std::net::IpAddr;
use std::str::Chars;

use gabion_alert::{Group, Notice, NoticeKind};
use gabion_model::{Severity, Timestamp};

/// One line of at most `most` characters, without control characters, mentions, links, tags or direction marks.
pub(crate) fn defused(text: &str, most: usize) -> String {
    // First what is not seen goes, so that nothing comes together behind the second look.
    let mut seen = String::new();
    for character in text.chars() {
        match character {
            // What turns the direction of text around, joins or hides it.
            '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}'
            | '\u{feff}'
            | '\u{ad}'
            | '\u{e0000}'..='\u{e007f}' => {}
            '\u{2028}' | '\u{2029}' => seen.push(' '),
            _ if character.is_control() => seen.push(' '),
            // Neither a tag nor a mention of those that are written in brackets.
            '<' => seen.push('‹'),
            '>' => seen.push('›'),
            '\u{3002}' | '\u{ff0e}' | '\u{ff61}' => seen.push('.'),
            _ => seen.push(character),
        }
    }
    let mut out = String::new();
    let mut characters = seen.chars();
    let mut former = ' ';
    while let Some(character) = characters.next() {
        match character {
            // Nobody is called.
            '@' => out.push_str("@\u{2060}"),
            // No name is one of a server, with or without a scheme; a person reads it all the same.
            '.' if former.is_alphanumeric() && begins_as_domain(characters.clone()) => out.push_str("[.]"),
            _ => out.push(character),
        }
        former = character;
    }
    let mut out = out.replace("://", "[:]//");
    for scheme in ["mailto:", "javascript:", "data:", "tel:"] {
        out = replace_caseless(&out, scheme);
    }
    cut(&out, most)
}

/// Whether what stands behind a dot could be the last part of a name: letters alone, or the form of those in other scripts.
fn begins_as_domain(behind: Chars<'_>) -> bool {
    let part = |character: &char| character.is_alphanumeric() || *character == '-';
    let label: String = behind.take(LONGEST_NAME).take_while(part).collect();
    let letters = label.chars().filter(|character| character.is_alphabetic()).count();
    (letters >= 2 && letters == label.chars().count()) || label.to_ascii_lowercase().starts_with("xn--")
}

/// `mailto:` → `mailto[:]`, however it is written.
fn replace_caseless(text: &str, scheme: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let (mut out, mut from) = (String::new(), 0);
    for (at, _) in lower.match_indices(scheme) {
        let end = at.saturating_add(scheme.len());
        out.push_str(text.get(from..end.saturating_sub(1)).unwrap_or_default());
        out.push_str("[:]");
        from = end;
    }
    out.push_str(text.get(from..).unwrap_or_default());
    out
}

pub(crate) fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// In one line: how bad, which rule, for whom.
pub(crate) fn title(notice: &Notice) -> String {
    let what = match (&notice.group, notice.kind) {
        (Some(group), _) => {
            let for_whom: Vec<_> = group.fields.values().map(|value| defused(value, 60)).collect();
            let for_whom =
                if for_whom.is_empty() { String::new() } else { format!(": {}", for_whom.join(", ")) };
            let word = group.severity.as_str().to_uppercase();
            format!("[{word}] {}{for_whom}", defused(&group.rule, 80))
        }
        (None, NoticeKind::More) => {
            format!("[{}] {} more alerts", notice.severity().as_str().to_uppercase(), notice.more)
        }
        (None, _) => "Test: alerts arrive here".to_owned(),
    };
    let prefix = match notice.kind {
        NoticeKind::Acknowledged => "Acknowledged: ",
        NoticeKind::Closed => "Closed: ",
        NoticeKind::Escalated => "Nobody acknowledged: ",
        NoticeKind::Repeated => "Still open: ",
        NoticeKind::More | NoticeKind::Raised | NoticeKind::Test => "",
    };
    cut(&format!("{prefix}{what}"), 150)
}

/// What happened and why it rang, and what the rule looks for.
pub(crate) fn summary(notice: &Notice) -> String {
    match (&notice.group, notice.kind) {
        (Some(group), _) if group.description.is_empty() => defused(&group.summary, 900),
        (Some(group), _) => {
            format!("{}. {}", defused(&group.summary, 900), defused(&group.description, 300))
        }
        (None, NoticeKind::More) => {
            format!(
                "There were {} more alerts than this channel takes, the worst of them {}. `gabion alert list` has all.",
                notice.more,
                notice.severity().as_str()
            )
        }
        (None, _) => "Somebody, or the clock, asked whether alerts arrive. They do.".to_owned(),
    }
}

/// Name and value of everything that is known of the group.
pub(crate) fn facts(notice: &Notice, source: &str) -> Vec<(String, String)> {
    let mut facts = Vec::new();
    let mut add = |name: &str, value: String| {
        if !value.is_empty() {
            facts.push((name.to_owned(), value));
        }
    };
    if let Some(group) = &notice.group {
        add("Alert", group.id.to_string());
        add("Severity", group.severity.as_str().to_owned());
        add("State", group.state.as_str().to_owned());
        add("Count", group.count.to_string());
        add("First seen", seconds(group.first_seen));
        add("Last seen", seconds(group.last_seen));
        for (name, value) in &group.fields {
            add(&defused(name, 60), defused(value, 250));
        }
        add("Address", defused(group.address.as_deref().unwrap_or_default(), 60));
        add("May be harmless", defused(&group.false_positives, 300));
        add("ATT&CK", defused(&group.techniques, 100));
        add("Rule by", defused(&group.author, 100));
        add("Control", group.control.clone());
        let records: Vec<_> = group.alerts.iter().rev().take(5).map(u64::to_string).collect();
        add("Records", records.join(" "));
        let by = |touched: &gabion_alert::Touched| {
            format!("{} at {}", defused(&touched.by, 80), seconds(touched.at))
        };
        add("Acknowledged by", group.acknowledged.as_ref().map(by).unwrap_or_default());
        add("Closed by", group.closed.as_ref().map(by).unwrap_or_default());
    }
    // Of the configuration: it may be a link.
    add("Gate", cut(source, 100));
    facts
}

/// RFC 3339 without what is less than a second.
fn seconds(at: Timestamp) -> String {
    let text = at.to_string();
    text.split_once('.').map_or(text.clone(), |(seconds, _)| format!("{seconds}Z"))
}

/// What to do next: what for, and the command. None where nothing is asked of anybody.
pub(crate) fn next(notice: &Notice) -> Vec<(&'static str, String)> {
    let Some(group) = notice.group.as_ref().filter(|_| notice.kind.rings()) else {
        return match notice.kind {
            NoticeKind::More => vec![("See them", "gabion alert list".to_owned())],
            _ => Vec::new(),
        };
    };
    let id = group.id;
    let mut next =
        vec![("Take it", format!("gabion alert ack {id}")), ("See it", format!("gabion alert show {id}"))];
    if let Some(address) = group.address.as_ref().and_then(|text| text.parse::<IpAddr>().ok()) {
        next.push(("What it did", format!("gabion ledger search --address {address} --since 24h")));
    }
    next.push(("What was done", "gabion respond list".to_owned()));
    next.push(("It is harmless", format!("gabion alert close {id}")));
    next
}

/// The same in one text.
pub(crate) fn next_lines(notice: &Notice) -> String {
    let lines: Vec<_> = next(notice).iter().map(|(what, command)| format!("{what}: {command}")).collect();
    lines.join("\n")
}

/// All of it, for a letter.
pub(crate) fn plain(notice: &Notice, source: &str) -> String {
    let mut text = format!("{}\n\n{}\n\n", title(notice), summary(notice));
    for (name, value) in facts(notice, source) {
        text.push_str(&format!("{name}: {value}\n"));
    }
    let next = next(notice);
    if !next.is_empty() {
        text.push_str("\nNext\n");
        for (what, command) in next {
            text.push_str(&format!("  {what:<15} {command}\n"));
        }
    }
    text
}

/// Characters as those count who count them in UTF-16.
pub(crate) fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

/// By which programs that keep alerts know it again.
pub(crate) fn identity(group: &Group, source: &str) -> String {
    format!("gabion/{source}/{}", group.id)
}

/// For channels that colour.
pub(crate) const fn colour(severity: Severity) -> u32 {
    match severity {
        Severity::Informational => 0x80_80_80,
        Severity::Low => 0x2e_86_c1,
        Severity::Medium => 0xf1_c4_0f,
        Severity::High => 0xe6_7e_22,
        Severity::Critical => 0xc0_39_2b,
    }
}

/// Characters behind a dot that are looked at: a part of a name has at most 63.
const LONGEST_NAME: usize = 64;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_calls_links_or_hides() {
        for (text, same) in [
            ("@everyone", "@\u{2060}everyone"),
            ("see https://evil.example/x", "see https[:]//evil[.]example/x"),
            ("www.evil.example", "www[.]evil[.]example"),
            ("evil。xn--p1ai кто.рф", "evil[.]xn--p1ai кто[.]рф"),
            ("a\u{200b}.\u{200b}e\u{ad}xample", "a[.]example"),
            ("192.0.2.7 v1.2 account.sign-in a.b. End", "192.0.2.7 v1.2 account.sign-in a.b. End"),
            ("<!channel> <b>", "‹!channel› ‹b›"),
            ("a\r\nb\u{7}c\u{2028}d", "a  b c d"),
            ("\u{202e}txt.exe\u{200b}", "txt[.]exe"),
            ("MailTo:x JAVASCRIPT:alert(1)", "MailTo[:]x JAVASCRIPT[:]alert(1)"),
        ] {
            assert_eq!(defused(text, 100), same, "{text:?}");
        }
        assert_eq!(defused(&"x".repeat(100), 10), "xxxxxxxxx…");
        assert_eq!(defused("ÄÖÜmailto:ß", 100), "ÄÖÜmailto[:]ß");
    }

    proptest! {
        #[test]
        fn whatever_it_holds_it_is_one_short_line_without_anything_active(text in "\\PC*|([a-z.@:/<>\u{1}\u{202e}\u{200b}]|\\.example|mailto:|://)*") {
            let out = defused(&text, 200);
            prop_assert!(out.chars().count() <= 200);
            prop_assert!(!out.chars().any(char::is_control));
            let hidden = ['<', '>', '\u{202e}', '\u{200b}'];
            prop_assert!(!out.contains("://") && !out.contains(hidden));
            for behind in out.split('@').skip(1) {
                let behind = behind.chars().next();
                let calls_nobody = matches!(behind, Some('\u{2060}' | '…') | None);
                prop_assert!(calls_nobody);
            }
            let mut before: Vec<&str> = out.split(".example").collect();
            before.pop();
            for part in before {
                prop_assert!(!part.ends_with(char::is_alphanumeric), "{}", out);
            }
            prop_assert!(!out.contains("mailto:"));
        }
    }
}
