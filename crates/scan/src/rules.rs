//! Rules in one place: those of the scan itself, and a book of all that the scanners have.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use gabion_finding::{Finding, Rule, RuleFile, RuleId, Scanner, Side, Source};
use serde::Deserialize;

use crate::allow;

/// A comment without a reason.
pub const ALLOW: &str = "scan.allow.reason";

/// The rules of the scan itself have no key of their own.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

static OWN: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    let file = RuleFile::<Nothing>::read("scan/allow.toml", include_str!("../../../rules/scan/allow.toml"));
    file.map(|file| file.rules.into_iter().map(|(rule, Nothing {})| rule).collect()).unwrap_or_default()
});

/// Rules that are asked for together under one name.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pack {
    pub name: String,
    pub title: String,
    /// Rules, families and scanners.
    pub names: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Packs {
    pack: Vec<Pack>,
}

static PACKS: LazyLock<Vec<Pack>> = LazyLock::new(|| {
    let packs: Result<Packs, _> = toml::from_str(include_str!("../../../rules/packs.toml"));
    packs.map(|packs| packs.pack).unwrap_or_default()
});

/// The pack of this name.
#[must_use]
pub fn pack(name: &str) -> Option<&'static Pack> {
    PACKS.iter().find(|pack| pack.name == name)
}

/// Names, packs by what is in them.
#[must_use]
pub fn unpacked(names: &[String]) -> Vec<String> {
    let each = |name: &String| pack(name).map_or_else(|| vec![name.clone()], |pack| pack.names.clone());
    names.iter().flat_map(each).collect()
}

/// A rule of the scan itself.
#[must_use]
pub fn own(id: &str) -> Option<&'static Rule> {
    OWN.iter().find(|rule| rule.id.as_str() == id)
}

/// Every rule there is, and whose it is.
#[derive(Debug, Clone, Default)]
pub struct RuleBook {
    rules: BTreeMap<RuleId, Entry>,
}

/// A rule and the scanner that has it.
#[derive(Debug, Clone)]
pub struct Entry {
    pub scanner: &'static str,
    pub rule: Rule,
}

impl RuleBook {
    #[must_use]
    pub fn new(scanners: &[Box<dyn Scanner>]) -> Self {
        let theirs = scanners.iter().flat_map(|scanner| {
            scanner.rules().into_iter().map(|rule| Entry { scanner: scanner.name(), rule: rule.clone() })
        });
        let own = OWN.iter().map(|rule| Entry { scanner: "scan", rule: rule.clone() });
        Self { rules: own.chain(theirs).map(|entry| (entry.rule.id.clone(), entry)).collect() }
    }

    /// By id.
    pub fn all(&self) -> impl Iterator<Item = &Entry> {
        self.rules.values()
    }

    #[must_use]
    pub fn find(&self, id: &str) -> Option<&Entry> {
        self.rules.get(id)
    }

    /// The rules of a family (`sql` has `sql.injection`), of a scanner, of a control or of a pack.
    #[must_use]
    pub fn select(&self, word: &str) -> Vec<&Entry> {
        let words = unpacked(&[word.to_owned()]);
        let chosen = |entry: &&Entry| {
            let id = &entry.rule.id;
            let control = entry.rule.control.as_str();
            words.iter().any(|word| entry.scanner == word || id.is_under(word) || control == word)
        };
        self.all().filter(chosen).collect()
    }

    /// Names like this one, nearest first.
    #[must_use]
    pub fn near(&self, id: &str, distance: impl Fn(&str, &str) -> usize) -> Vec<&str> {
        let mut near: Vec<(usize, &str)> = (self.rules.keys())
            .map(|rule| (distance(id, rule.as_str()), rule.as_str()))
            .filter(|(far, _)| *far <= 3.max(id.len() / 3))
            .collect();
        near.sort_unstable();
        near.into_iter().map(|(_, id)| id).take(3).collect()
    }
}

/// What an example did that it should not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExampleFault {
    pub rule: RuleId,
    /// Counted from 1.
    pub example: usize,
    pub file: String,
    pub reason: String,
}

/// Runs the examples of those of a scanner's rules that are wanted: each fires on what is vulnerable and not on what is repaired.
#[must_use]
pub fn test(scanner: &dyn Scanner, wanted: &dyn Fn(&RuleId) -> bool) -> Vec<ExampleFault> {
    let mut faults = Vec::new();
    for rule in scanner.rules().into_iter().filter(|rule| wanted(&rule.id)) {
        let own = |side, source: &Source| scanner.example(&rule.id, side, source);
        faults.extend(test_rule(rule, &|side, source, beside| {
            own(side, source).unwrap_or_else(|| look(scanner, source, beside))
        }));
    }
    faults
}

/// The same for the rules of the scan itself.
#[must_use]
pub fn test_own() -> Vec<ExampleFault> {
    OWN.iter().flat_map(|rule| test_rule(rule, &|_, source, _| allow::read(source).1)).collect()
}

/// Looks at one side of an example, with the files beside it.
type Look<'a> = &'a dyn Fn(Side, &Source, &[Source]) -> Vec<Finding>;

fn test_rule(rule: &Rule, look: Look<'_>) -> Vec<ExampleFault> {
    let mut faults = Vec::new();
    let mut fault = |example: usize, file: &str, reason: &str| {
        faults.push(ExampleFault {
            rule: rule.id.clone(),
            example,
            file: file.to_owned(),
            reason: reason.to_owned(),
        });
    };
    if rule.examples.is_empty() {
        fault(0, "", "the rule has no example");
    }
    for (example, number) in rule.examples.iter().zip(1..) {
        let beside: Vec<Source> = example.beside.iter().map(|(file, text)| Source::new(file, text)).collect();
        let fires = |side: Side, text: &str| {
            let source = Source::new(&example.file, text);
            look(side, &source, &beside).iter().any(|finding| finding.rule == rule.id)
        };
        if !fires(Side::Vulnerable, &example.vulnerable) {
            fault(number, &example.file, "the rule does not fire on the vulnerable side");
        }
        if fires(Side::Repaired, &example.repaired) {
            fault(number, &example.file, "the rule fires on the repaired side");
        }
    }
    faults
}

/// Runs rules in the format of semgrep over a file that tests them: `ruleid:` and `ok:` in its comments say where they fire.
/// `rules` are those of the file beside it.
#[must_use]
pub fn test_patterns(scanner: &dyn Scanner, rules: &[RuleId], file: &str, text: &str) -> Vec<ExampleFault> {
    let wanted: Vec<gabion_code::TestLine> = gabion_code::test_lines(text)
        .into_iter()
        .filter(|line| rules.iter().any(|rule| rule.as_str() == line.rule))
        .collect();
    let found: std::collections::BTreeSet<(String, u32)> = look(scanner, &Source::new(file, text), &[])
        .into_iter()
        .map(|finding| (finding.rule.as_str().to_owned(), finding.place.start.line))
        .collect();
    let mut faults = Vec::new();
    let mut fault = |rule: &str, reason: String| {
        if let Some(rule) = RuleId::new(rule) {
            faults.push(ExampleFault { rule, example: 0, file: file.to_owned(), reason });
        }
    };
    for line in &wanted {
        let fires = found.contains(&(line.rule.clone(), line.line));
        if fires != line.fires {
            let says = if line.fires { "does not fire on" } else { "fires on" };
            fault(&line.rule, format!("the rule {says} line {}", line.line));
        }
    }
    for (rule, line) in &found {
        let said = wanted.iter().any(|one| one.rule == *rule && one.line == *line);
        if !said && rules.iter().any(|one| one.as_str() == rule) {
            fault(rule, format!("the rule fires on line {line}, of which no comment speaks"));
        }
    }
    faults
}

/// What makes a `.gitignore` that stands alone worth its findings.
const NEIGHBOURS: &[&str] = &[".env.example", "main.tf"];

/// What a scanner says of a tree of one file, those beside it, and the names of a few others.
fn look(scanner: &dyn Scanner, source: &Source, beside: &[Source]) -> Vec<Finding> {
    if !scanner.reads(source.path()) {
        return Vec::new();
    }
    let report = scanner.file(source);
    let mut facts: Vec<(std::sync::Arc<str>, std::sync::Arc<[u8]>)> =
        vec![(source.path().clone(), report.facts.as_slice().into())];
    let read = beside.iter().filter(|source| scanner.reads(source.path()));
    facts.extend(read.map(|source| (source.path().clone(), scanner.file(source).facts.into())));
    facts.retain(|(_, facts)| !facts.is_empty());
    facts.sort();
    let others = NEIGHBOURS.iter().map(|name| (*name).into());
    let files = beside.iter().chain([source]).map(|source| source.path().clone());
    let mut paths: Vec<std::sync::Arc<str>> = others.chain(files).collect();
    paths.sort();
    paths.dedup();
    let tree = scanner.tree(&gabion_finding::Tree { paths: &paths, facts: &facts, uses: &report.uses });
    report.verdict.findings.into_iter().chain(tree.findings).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_of_the_scan_itself_hold_their_examples() {
        assert!(own(ALLOW).is_some());
        assert_eq!(test_own(), []);
    }

    #[test]
    fn every_name_in_a_pack_is_a_rule_a_family_or_a_scanner() {
        let scanners = crate::kit::scanners(&crate::kit::RuleFolder::default()).unwrap();
        let book = RuleBook::new(&scanners);
        assert!(!PACKS.is_empty());
        for pack in PACKS.iter() {
            let family = book.all().any(|entry| entry.rule.id.is_under(&pack.name));
            assert!(!family, "{} is a family, too", pack.name);
            for name in &pack.names {
                assert!(!book.select(name).is_empty(), "{name} of {}", pack.name);
            }
            assert!(book.select(&pack.name).len() > pack.names.len());
        }
    }
}
