//! What is said of an application as a whole: rules that ask for what it says anywhere, that speak once, that leave it to others.

use std::collections::BTreeMap;

use gabion_finding::{Finding, RuleId};
use hashbrown::{HashMap, HashSet};

use crate::rules::{CodeRule, Once, Rules};
use crate::world::World;

/// Bytes of a text that is held against forms; longer ones name nothing.
const LONGEST: usize = 4_000;

impl Rules {
    /// What stays of the findings of one application.
    pub(crate) fn settled(&self, world: &World<'_>, findings: Vec<Finding>) -> Vec<Finding> {
        let own: HashMap<&RuleId, (usize, &CodeRule)> =
            self.rules.iter().enumerate().map(|(at, (rule, code))| (&rule.id, (at, code))).collect();
        let asks = |code: &CodeRule| {
            code.once.is_some()
                || !code.said.is_empty()
                || !code.unsaid.is_empty()
                || !code.yields_to.is_empty()
        };
        let found: HashSet<RuleId> = findings.iter().map(|finding| finding.rule.clone()).collect();
        let asked: Vec<(usize, &CodeRule)> = found.iter().filter_map(|id| own.get(id).copied()).collect();
        let silent: HashSet<usize> = asked
            .iter()
            .filter(|(at, code)| world.done_right.contains(at) || !self.holds(world, code))
            .map(|(at, _)| *at)
            .collect();
        if silent.is_empty() && !asked.iter().any(|(_, code)| asks(code)) {
            return findings;
        }
        let speaking = |finding: &Finding| own.get(&finding.rule).is_none_or(|(at, _)| !silent.contains(at));
        let mut findings: Vec<Finding> = findings.into_iter().filter(speaking).collect();
        let said: HashSet<(String, String, u32)> = findings.iter().map(place).collect();
        let ids: HashSet<&str> = said.iter().map(|(rule, ..)| rule.as_str()).collect();
        let left_to_others = |finding: &Finding| {
            let Some((_, code)) = own.get(&finding.rule) else { return false };
            let (_, path, line) = place(finding);
            code.yields_to.iter().any(|other| match code.once {
                Some(_) => ids.contains(other.as_str()),
                None => said.contains(&(other.clone(), path.clone(), line)),
            })
        };
        let left: Vec<bool> = findings.iter().map(left_to_others).collect();
        let mut left = left.into_iter();
        findings.retain(|_| !left.next().unwrap_or(false));
        self.each_once(&own, findings)
    }

    fn each_once(&self, own: &HashMap<&RuleId, (usize, &CodeRule)>, findings: Vec<Finding>) -> Vec<Finding> {
        let mut first: BTreeMap<(usize, String), Finding> = BTreeMap::new();
        let mut all = Vec::with_capacity(findings.len());
        for finding in findings {
            let Some((at, once)) = own.get(&finding.rule).and_then(|(at, code)| Some((*at, code.once?)))
            else {
                all.push(finding);
                continue;
            };
            if is_aside(&finding.place.path) {
                continue;
            }
            let key = match once {
                Once::Application => String::new(),
                Once::File => finding.place.path.to_string(),
            };
            match first.get(&(at, key.clone())) {
                Some(other) if order(other) <= order(&finding) => {}
                _ => drop(first.insert((at, key), finding)),
            }
        }
        all.extend(first.into_values());
        all
    }

    /// Whether the application says what a rule asks for, and nothing that it must not.
    fn holds(&self, world: &World<'_>, code: &CodeRule) -> bool {
        let says = |form: &String| {
            let mut texts = world.names.all().filter(|text| text.len() <= LONGEST);
            self.forms.get(form).is_some_and(|form| texts.any(|text| form.is_match(text)))
        };
        code.said.iter().all(says) && !code.unsaid.iter().any(says)
    }
}

fn place(finding: &Finding) -> (String, String, u32) {
    (finding.rule.as_str().to_owned(), finding.place.path.to_string(), finding.place.start.line)
}

/// The first place: the surest, the least deep, the first in the file.
fn order(finding: &Finding) -> (std::cmp::Reverse<gabion_finding::Confidence>, usize, &str, u32, u32) {
    let place = &finding.place;
    let depth = place.path.matches('/').count();
    (std::cmp::Reverse(finding.confidence), depth, &place.path, place.start.line, place.start.column)
}

/// Tests, examples and the like are no part of what is served.
fn is_aside(path: &str) -> bool {
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
    let aside = |folder: &str| {
        matches!(
            folder,
            "test"
                | "tests"
                | "__tests__"
                | "__mocks__"
                | "spec"
                | "specs"
                | "e2e"
                | "cypress"
                | "example"
                | "examples"
                | "fixtures"
                | "benchmark"
                | "benchmarks"
                | "bench"
                | "testdata"
                | "docs"
                | "scripts"
        )
    };
    let name = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    folders.split('/').any(aside)
        || name.starts_with("test_")
        || name.ends_with("_test")
        || name.ends_with(".test")
        || name.ends_with(".spec")
        || name == "conftest"
}
