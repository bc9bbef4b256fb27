//! Which findings of a peer ours are too, and which only one of both has.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::measured::Found;
use super::{Bench, Failure};
use crate::output;

/// A finding of a peer.
pub(super) struct Theirs {
    path: String,
    /// From the first to the last line that it names.
    lines: (u32, u32),
    /// Its rule, as the peer names it.
    rule: String,
}

/// What semgrep found, by the rules' own names.
pub(super) fn semgrep(folder: &Path, output: &str) -> Result<Vec<Theirs>, Failure> {
    let document: Value = serde_json::from_str(output)?;
    let one = |one: &Value| {
        let line = |place: &str| u32::try_from(one.get(place)?.get("line")?.as_u64()?).ok();
        let rule = one.get("check_id")?.as_str()?;
        Some(Theirs {
            path: inside(folder, one.get("path")?.as_str()?),
            lines: (line("start")?, line("end")?),
            rule: rule.rsplit('.').next().unwrap_or(rule).to_owned(),
        })
    };
    Ok(list(&document, "results").iter().filter_map(one).collect())
}

/// What bandit found.
pub(super) fn bandit(folder: &Path, output: &str) -> Result<Vec<Theirs>, Failure> {
    let document: Value = serde_json::from_str(output)?;
    let one = |one: &Value| {
        let line = u32::try_from(one.get("line_number")?.as_u64()?).ok()?;
        let name = |key: &str| one.get(key).and_then(Value::as_str).unwrap_or_default();
        let rule = format!("{} {} ({})", name("test_id"), name("test_name"), name("issue_severity"));
        Some(Theirs { path: inside(folder, one.get("filename")?.as_str()?), lines: (line, line), rule })
    };
    Ok(list(&document, "results").iter().filter_map(one).collect())
}

/// What detect-secrets found.
pub(super) fn detect_secrets(output: &str) -> Result<Vec<Theirs>, Failure> {
    let document: Value = serde_json::from_str(output)?;
    let mut found = Vec::new();
    for (path, all) in document.get("results").and_then(Value::as_object).into_iter().flatten() {
        for one in all.as_array().into_iter().flatten() {
            let line =
                one.get("line_number").and_then(Value::as_u64).and_then(|line| u32::try_from(line).ok());
            let rule = one.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
            if let Some(line) = line {
                found.push(Theirs { path: path.clone(), lines: (line, line), rule });
            }
        }
    }
    Ok(found)
}

fn list<'a>(document: &'a Value, key: &str) -> &'a [Value] {
    document.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn inside(folder: &Path, path: &str) -> String {
    Path::new(path).strip_prefix(folder).ok().and_then(Path::to_str).unwrap_or(path).to_owned()
}

/// Why what a peer finds alone is no finding of ours, by the first word of its rule: `bandit.tsv`.
pub(super) struct Reasons(BTreeMap<String, String>);

impl Reasons {
    pub(super) fn read(text: &str) -> Self {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let cells = lines.filter_map(|line| line.split_once('\t'));
        Self(cells.map(|(check, why)| (check.to_owned(), why.to_owned())).collect())
    }

    fn of(&self, rule: &str) -> &str {
        let check = rule.split(' ').next().unwrap_or(rule);
        self.0.get(check).map_or("NOT EXPLAINED", String::as_str)
    }
}

/// How places of a peer and of ours are compared.
#[derive(Default)]
pub(super) struct Terms {
    /// A place counts for both only where the rule has the same name.
    pub(super) same_rules: bool,
    pub(super) reasons: Option<Reasons>,
}

/// Says how many places both name, and writes those of one of them to a file.
pub(super) fn compare(
    bench: &Bench,
    peer: &str,
    ours: &[Found],
    theirs: &[Theirs],
    terms: &Terms,
) -> Result<(), Failure> {
    let fits = |mine: &Found, other: &Theirs| {
        mine.path == other.path
            && (other.lines.0..=other.lines.1).contains(&mine.line)
            && (!terms.same_rules || mine.rule == other.rule)
    };
    let both = theirs.iter().filter(|other| ours.iter().any(|mine| fits(mine, other))).count();
    let mut lines = BTreeSet::new();
    let mut only_theirs = 0;
    for other in theirs.iter().filter(|other| !ours.iter().any(|mine| fits(mine, other))) {
        only_theirs += 1;
        lines.insert(format!("{peer} only\t{}:{}\t{}", other.path, other.lines.0, other.rule));
    }
    let mut only_ours = 0;
    for mine in ours.iter().filter(|mine| !theirs.iter().any(|other| fits(mine, other))) {
        only_ours += 1;
        lines.insert(format!("ours only\t{}:{}\t{}", mine.path, mine.line, mine.rule));
    }
    output::line(&format!(
        "{peer}: {both} places of theirs are ours too, {only_theirs} are not; {only_ours} are ours alone"
    ));
    let mut kinds: BTreeMap<(bool, &str), usize> = BTreeMap::new();
    for line in &lines {
        let mut cells = line.split('\t');
        let (whose, rule) = (cells.next().unwrap_or_default(), cells.nth(1).unwrap_or_default());
        *kinds.entry((whose == "ours only", rule)).or_default() += 1;
    }
    for ((ours, rule), count) in kinds {
        let why = match &terms.reasons {
            Some(reasons) if !ours => format!(": {}", reasons.of(rule)),
            _ => String::new(),
        };
        let whose = if ours { "ours only:" } else { "theirs only:" };
        output::line(&format!("  {count:>6} {whose} {rule}{why}"));
    }
    let folder = bench.root.join("target/bench");
    fs::create_dir_all(&folder)?;
    let file = folder.join(format!("scan-{}.txt", peer.split(' ').next().unwrap_or(peer)));
    fs::write(&file, lines.into_iter().collect::<Vec<_>>().join("\n") + "\n")?;
    output::note(&format!("each of them is listed in {}", file.display()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_without_a_reason_is_said_to_have_none() {
        let reasons = Reasons::read("# x\nB101\tchecks the programmer\n");
        assert_eq!(reasons.of("B101 assert_used (LOW)"), "checks the programmer");
        assert_eq!(reasons.of("B102 exec_used (MEDIUM)"), "NOT EXPLAINED");
    }

    #[test]
    fn what_peers_print_is_read() {
        let folder = Path::new("/x");
        let text = r#"{"results": [{"check_id": "a.b.js-sql", "path": "/x/a.js", "start": {"line": 3}, "end": {"line": 5}}]}"#;
        let found = semgrep(folder, text).unwrap();
        assert_eq!(
            (found[0].path.as_str(), found[0].lines, found[0].rule.as_str()),
            ("a.js", (3, 5), "js-sql")
        );
        let text = r#"{"results": [{"filename": "/x/a.py", "line_number": 7, "test_id": "B1", "test_name": "exec", "issue_severity": "LOW"}]}"#;
        let found = bandit(folder, text).unwrap();
        assert_eq!((found[0].path.as_str(), found[0].rule.as_str()), ("a.py", "B1 exec (LOW)"));
        let text = r#"{"results": {"a.py": [{"type": "Secret Keyword", "line_number": 2}]}}"#;
        assert_eq!(detect_secrets(text).unwrap()[0].lines, (2, 2));
    }
}
