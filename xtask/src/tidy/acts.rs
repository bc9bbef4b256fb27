//! Privileged acts go through `service`: whoever faces people (console, CLI, gateway) names nothing of
//! `identity` that could change accounts, sessions or links, and hashes no password.

use super::finding::Finding;
use super::workspace::Workspace;

const DOORS: &[&str] = &["console", "cli", "gateway"];

/// What of `identity` only describes or reads; whatever ends in `Settings` does, too. `Storage` is named where
/// it is handed to `service`.
const HARMLESS: &[&str] = &["Email", "Keyring", "Profile", "Session", "Storage", "cookie"];

/// Calls that change something on what `service` and `checks` hand out for reading.
const CHANGES: &[&str] = &[
    "sessions.begin(",
    "sessions.revoke(",
    "live_sessions().begin(",
    "live_sessions().revoke(",
    ".revoke_account(",
    "gabion_vault::password",
];

const WAY_OUT: &str =
    "call the act on `service::Service`; add it there, with its audience, when it is missing";

pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in DOORS.iter().flat_map(|door| workspace.product_of(door)) {
        for (line, name) in named(&file.source().code, "gabion_identity::") {
            if !HARMLESS.contains(&name.as_str()) && !name.ends_with("Settings") {
                findings.push(Finding::new(
                    file.at(line),
                    format!("`identity::{name}` acts behind the back of `service`"),
                    WAY_OUT,
                ));
            }
        }
        for change in CHANGES {
            for line in file.source().lines_with(change) {
                findings.push(Finding::new(
                    file.at(line),
                    format!("`{change}` acts behind the back of `service`"),
                    WAY_OUT,
                ));
            }
        }
    }
    findings
}

/// The first name after each `prefix`, or all first names of a group in braces, with their lines.
fn named(code: &str, prefix: &str) -> Vec<(usize, String)> {
    let mut names = Vec::new();
    for (at, _) in code.match_indices(prefix) {
        let (head, tail) = code.split_at(at + prefix.len());
        let line = 1 + head.matches('\n').count();
        match tail.strip_prefix('{') {
            Some(group) => {
                let group = group.split(';').next().unwrap_or_default();
                names.extend(first_names(group).into_iter().map(|name| (line, name)));
            }
            None => names.extend(word(tail).map(|name| (line, name))),
        }
    }
    names
}

/// The names at the top of `a::{b, c}, d, e as f}`: `a`, `d`, `e`.
fn first_names(group: &str) -> Vec<String> {
    let (mut names, mut depth, mut start) = (Vec::new(), 0_usize, 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                names.extend(group.get(start..at).and_then(word));
                start = at + 1;
                if c == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    names
}

fn word(text: &str) -> Option<String> {
    let word: String = text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    (!word.is_empty()).then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(path: &str, code: &str) -> usize {
        check(&Workspace::of(&[(path, code)])).len()
    }

    #[test]
    fn a_private_door_is_found() {
        assert_eq!(count("crates/console/src/a.rs", "use gabion_identity::Accounts;"), 1);
        assert_eq!(
            count(
                "crates/cli/src/a.rs",
                "use gabion_identity::{\n cookie, storage::{A, B},\n Throttle as T};"
            ),
            2
        );
        assert_eq!(count("crates/cli/src/a.rs", "fn f(a: &gabion_identity::Accounts) {}"), 1);
        assert_eq!(count("crates/console/src/a.rs", "self.service.live_sessions().revoke(&id)"), 1);
    }

    #[test]
    fn the_service_itself_and_what_only_reads_may() {
        assert_eq!(count("crates/service/src/a.rs", "use gabion_identity::Accounts;"), 0);
        assert_eq!(count("crates/console/src/a.rs", "use gabion_identity::{Session, cookie};"), 0);
        assert_eq!(count("crates/console/src/a.rs", "service.revoke_session(&id)"), 0);
        assert_eq!(
            count("crates/console/src/a.rs", "#[cfg(test)]\nmod t { use gabion_identity::Accounts; }"),
            0
        );
    }
}
