//! The same secret in the settings of two environments.

use std::collections::BTreeMap;

use gabion_finding::Verdict;

use super::{Given, ask, folder};
use crate::checks::is_secret;
use crate::rule::ManifestRules;
use crate::subject::Subject;

/// `.env.production`, `staging.env`: which environment the settings are of. `.env` alone is whatever somebody runs.
fn environment(path: &str) -> Option<&str> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let named = name.strip_prefix(".env.").or_else(|| name.strip_suffix(".env")).unwrap_or_default();
    let named = named.strip_suffix(".local").unwrap_or(named);
    (!named.is_empty() && named != "local").then_some(named)
}

/// The secrets of a file that names its environment.
pub(super) fn secrets(subject: &Subject<'_>) -> Vec<Given> {
    if environment(subject.source.path()).is_none() {
        return Vec::new();
    }
    let given = subject.node.entries().iter().filter_map(|entry| {
        let value = entry.node.scalar().filter(|value| is_secret(&entry.key, value))?;
        let start = entry.key_span.start;
        Some((entry.key.to_string(), mark(value), start, subject.source.lines().line(start)))
    });
    given.take(200).collect()
}

/// FNV-1a: it tells values apart and does not keep them.
fn mark(value: &str) -> u64 {
    value
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Says it at the second file of a folder that has a value.
pub(super) fn same(rules: &ManifestRules, given: &BTreeMap<&str, Vec<Given>>, verdict: &mut Verdict) {
    let mut seen: BTreeMap<(&str, &str, u64), &str> = BTreeMap::new();
    for (path, all) in given {
        let Some(here) = environment(path) else { continue };
        for (name, mark, start, line) in all {
            let first = seen.entry((folder(path), name, *mark)).or_insert(here);
            if *first != here {
                let facts = [("same", true)];
                ask(rules, "tree.environment", (path, *line, *start, name), (name, &facts), verdict);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::environment;

    #[test]
    fn files_say_their_environment() {
        for (path, named) in [
            ("a/.env.production", Some("production")),
            ("staging.env", Some("staging")),
            (".env.production.local", Some("production")),
            (".env", None),
            (".env.local", None),
        ] {
            assert_eq!(environment(path), named, "{path}");
        }
    }
}
