//! The examples of the rules of code, each scanned as its users would: how many vulnerable ones are found, in how many repaired ones
//! something of the class is found all the same, by class.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde::Deserialize;

use super::{Bench, Failure};
use crate::output;

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    rule: Vec<Rule>,
}

#[derive(Deserialize)]
struct Rule {
    id: String,
    #[serde(default)]
    cwe: Vec<u16>,
    #[serde(default)]
    example: Vec<Example>,
}

#[derive(Deserialize)]
struct Example {
    file: String,
    vulnerable: String,
    repaired: String,
    #[serde(default)]
    beside: BTreeMap<String, String>,
}

#[derive(Default)]
struct Class {
    rules: usize,
    vulnerable: usize,
    found: usize,
    alarmed: usize,
}

pub(super) fn run(bench: &Bench) -> Result<(), Failure> {
    let folder = bench.cache.join("examples");
    let _ = fs::remove_dir_all(&folder);
    let mut classes: BTreeMap<u16, Class> = BTreeMap::new();
    let mut examples: Vec<(PathBuf, u16, String)> = Vec::new();
    let mut files: Vec<PathBuf> =
        fs::read_dir(bench.root.join("rules/code"))?.flatten().map(|entry| entry.path()).collect();
    files.sort();
    for file in files.iter().filter(|file| file.extension().is_some_and(|end| end == "toml")) {
        let text = fs::read_to_string(file)?;
        for rule in toml::from_str::<File>(&text)?.rule {
            let class = rule.cwe.first().copied().unwrap_or_default();
            classes.entry(class).or_default().rules += 1;
            for example in rule.example {
                // Each in a folder of its own: examples must not import each other.
                let place = PathBuf::from(format!("e{}", examples.len()));
                for (side, text) in [("vulnerable", &example.vulnerable), ("repaired", &example.repaired)] {
                    let at = folder.join(&place).join(side).join(&example.file);
                    fs::create_dir_all(at.parent().unwrap_or(&folder))?;
                    for (name, beside) in &example.beside {
                        fs::write(folder.join(&place).join(side).join(name), beside)?;
                    }
                    fs::write(at, text)?;
                }
                examples.push((place, class, rule.id.clone()));
            }
        }
    }
    let (cost, found) = bench.scan(&folder, &["--only", "code"])?;
    for (place, class, rule) in &examples {
        let hit = |side: &str| {
            let place = place.join(side);
            found.iter().any(|one| one.rule == *rule && PathBuf::from(&one.path).starts_with(&place))
        };
        let class = classes.entry(*class).or_default();
        class.vulnerable += 1;
        class.found += usize::from(hit("vulnerable"));
        class.alarmed += usize::from(hit("repaired"));
    }
    output::line(&format!(
        "{:<10} {:>6} {:>9} {:>8} {:>10}",
        "class", "rules", "examples", "recall", "precision"
    ));
    for (number, class) in &classes {
        let recall = class.found as f64 / class.vulnerable.max(1) as f64 * 100.0;
        let precision = class.found as f64 / (class.found + class.alarmed).max(1) as f64 * 100.0;
        output::line(&format!(
            "CWE-{number:<6} {:>6} {:>9} {recall:>6.0} % {precision:>8.0} %",
            class.rules, class.vulnerable
        ));
    }
    output::note(&format!("{} examples in {:.2} s of processor", examples.len(), cost.cpu));
    Ok(())
}
