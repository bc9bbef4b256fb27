//! Thirty configuration files, by checkov and by us, and why both differ.
//!
//! `bench/scan/checkov.tsv` says of each of its checks which of our rules says the same, or why there is none.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value;

use super::{Bench, Failure, speed};
use crate::output;

const PEER: &str = "checkov==3.3.30";
const FRAMEWORKS: &[&str] =
    &["terraform", "kubernetes", "dockerfile", "github_actions", "cloudformation", "openapi"];

pub(super) fn run(bench: &Bench) -> Result<(), Failure> {
    let tools = speed::install(bench, "venv-checkov", PEER)?;
    let folder = bench.root.join("bench/scan/checkov");
    let table = Table::read(&fs::read_to_string(bench.root.join("bench/scan/checkov.tsv"))?)?;
    let mut command: Vec<String> = [
        &tools.join("checkov").display().to_string(),
        "-d",
        &folder.display().to_string(),
        "--output",
        "json",
        "--compact",
        "--skip-download",
        "--framework",
    ]
    .map(str::to_owned)
    .to_vec();
    command.extend(FRAMEWORKS.iter().map(|name| (*name).to_owned()));
    let (theirs_cost, printed) = bench.measure(&command, &[0, 1])?;
    let (ours_cost, ours) = bench.scan(&folder, &["--only", "manifests"])?;
    let theirs = failed(&printed)?;
    let ours: BTreeSet<(String, String)> = ours.into_iter().map(|one| (one.path, one.rule)).collect();
    output::line(&format!(
        "manifests, processor: {:.2} s, checkov {:.2} s ({:.0} times as much)",
        ours_cost.cpu,
        theirs_cost.cpu,
        theirs_cost.cpu / ours_cost.cpu.max(0.001)
    ));
    print(&compare(&table, &ours, &theirs));
    Ok(())
}

/// Which of our rules says what a check of theirs says.
struct Table(BTreeMap<String, (Vec<String>, String)>);

impl Table {
    fn read(text: &str) -> Result<Self, Failure> {
        let mut checks = BTreeMap::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let mut cells = line.split('\t');
            let (Some(check), Some(rules)) = (cells.next(), cells.next()) else {
                return Err(format!("`{line}` is no line of the table").into());
            };
            let rules = rules.split(',').filter(|rule| *rule != "-").map(str::to_owned).collect();
            let why = cells.next().unwrap_or_default().to_owned();
            checks.insert(check.to_owned(), (rules, why));
        }
        Ok(Self(checks))
    }
}

/// What checkov refuses: the file, and the check.
fn failed(output: &str) -> Result<BTreeSet<(String, String)>, Failure> {
    let document: Value = serde_json::from_str(output)?;
    let reports = match &document {
        Value::Array(reports) => reports.as_slice(),
        one => std::slice::from_ref(one),
    };
    let mut found = BTreeSet::new();
    for report in reports {
        let checks = report.pointer("/results/failed_checks").and_then(Value::as_array);
        for check in checks.into_iter().flatten() {
            let text = |key: &str| check.get(key).and_then(Value::as_str);
            if let (Some(path), Some(id)) = (text("file_path"), text("check_id")) {
                found.insert((path.trim_start_matches('/').to_owned(), id.to_owned()));
            }
        }
    }
    Ok(found)
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Compared {
    both: usize,
    /// By why we do not say it: the places.
    theirs: BTreeMap<String, BTreeSet<String>>,
    ours: BTreeMap<String, BTreeSet<String>>,
}

fn compare(
    table: &Table,
    ours: &BTreeSet<(String, String)>,
    theirs: &BTreeSet<(String, String)>,
) -> Compared {
    let mut compared = Compared::default();
    for (path, check) in theirs {
        let place = format!("{check} {path}");
        let mut only = |why: String| {
            compared.theirs.entry(why).or_default().insert(place.clone());
        };
        match table.0.get(check) {
            None => only("NOT EXPLAINED: the table does not have the check".to_owned()),
            Some((rules, why)) if rules.is_empty() => only(why.clone()),
            Some((rules, why)) => {
                if rules.iter().any(|rule| ours.contains(&(path.clone(), rule.clone()))) {
                    compared.both += 1;
                } else if why.is_empty() {
                    only(format!("NOT EXPLAINED: ours is {}", rules.join(", ")));
                } else {
                    only(why.clone());
                }
            }
        }
    }
    for (path, rule) in ours {
        let same: BTreeSet<&String> =
            table.0.iter().filter(|(_, (rules, _))| rules.contains(rule)).map(|(check, _)| check).collect();
        let why = match () {
            () if same.iter().any(|check| theirs.contains(&(path.clone(), (*check).clone()))) => continue,
            () if same.is_empty() => "no check of theirs says it".to_owned(),
            () => "theirs passes it here".to_owned(),
        };
        compared.ours.entry(why).or_default().insert(format!("{rule} {path}"));
    }
    compared
}

fn print(compared: &Compared) {
    let count = |of: &BTreeMap<String, BTreeSet<String>>| of.values().map(BTreeSet::len).sum::<usize>();
    output::line(&format!(
        "checkov: {} of its findings are ours too, {} are theirs alone, {} are ours alone",
        compared.both,
        count(&compared.theirs),
        count(&compared.ours)
    ));
    for (whose, of) in [("theirs", &compared.theirs), ("ours", &compared.ours)] {
        for (why, places) in of {
            output::line(&format!("  {whose} only, {}: {why}", places.len()));
            for place in places {
                output::line(&format!("      {place}"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(all: &[(&str, &str)]) -> BTreeSet<(String, String)> {
        all.iter().map(|(one, other)| ((*one).to_owned(), (*other).to_owned())).collect()
    }

    #[test]
    fn every_difference_has_a_reason_or_says_that_it_has_none() {
        let table = Table::read("# x\nA\tone,two\t\nB\t-\tno weakness\nC\tthree\t\n").unwrap();
        let compared = compare(
            &table,
            &set(&[("f", "two"), ("f", "four"), ("g", "one")]),
            &set(&[("f", "A"), ("f", "B"), ("f", "C"), ("f", "D")]),
        );
        assert_eq!(compared.both, 1);
        let theirs: Vec<&str> = compared.theirs.keys().map(String::as_str).collect();
        assert_eq!(
            theirs,
            [
                "NOT EXPLAINED: ours is three",
                "NOT EXPLAINED: the table does not have the check",
                "no weakness"
            ]
        );
        assert_eq!(compared.ours["no check of theirs says it"].len(), 1);
        assert_eq!(compared.ours["theirs passes it here"].len(), 1);
        assert!(Table::read("A").is_err());
    }
}
