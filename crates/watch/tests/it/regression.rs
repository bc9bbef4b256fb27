//! The rules and events of the Sigma project: each event is found by the rule it was recorded for.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use gabion_watch::{Fields, Rule, Source, foreign};
use serde_json::Value;

/// An event of another product: names without the branches they hang on.
struct Foreign(BTreeMap<String, String>);

impl Fields for Foreign {
    fn text(&self, field: &str) -> Option<Cow<'_, str>> {
        self.0.get(field).map(|text| Cow::Borrowed(text.as_str()))
    }

    fn any(&self, look: &mut dyn FnMut(&str) -> bool) -> bool {
        self.0.values().any(|text| look(text))
    }
}

fn flatten(name: &str, value: &Value, into: &mut BTreeMap<String, String>) {
    let text = match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, value)| flatten(name, value, into));
            return;
        }
        Value::Array(items) => {
            let texts: Vec<_> = items
                .iter()
                .map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned))
                .collect();
            texts.join("\n")
        }
        Value::String(text) => text.clone(),
        Value::Null => return,
        other => other.to_string(),
    };
    into.entry(name.to_owned()).or_insert(text);
}

fn files(folder: &Path, ending: &str, into: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            files(&path, ending, into);
        } else if path.extension().is_some_and(|found| found == ending) {
            into.push(path);
        }
    }
}

/// The data, where it is. A test without it says so and passes.
#[expect(clippy::disallowed_methods, reason = "where the test data lies is the environment's to say")]
fn data() -> Option<PathBuf> {
    let shared =
        std::env::var_os("GABION_SHARED").map_or_else(|| PathBuf::from("../../../shared"), PathBuf::from);
    let data = shared.join("data/sigma");
    if data.is_dir() {
        return Some(data);
    }
    println!("skipped: Sigma regression data: no test data");
    None
}

fn rules(folder: &Path) -> BTreeMap<String, Rule> {
    let mut paths = Vec::new();
    for name in ["rules", "rules-emerging-threats", "rules-threat-hunting"] {
        files(&folder.join(name), "yml", &mut paths);
    }
    let read = paths.iter().flat_map(|path| {
        let source =
            Source { file: path.display().to_string(), text: std::fs::read_to_string(path).unwrap() };
        foreign(&source).unwrap_or_else(|problems| panic!("{problems:?}"))
    });
    read.map(|rule| (rule.id.clone(), rule)).collect()
}

#[test]
fn the_events_of_the_sigma_project_are_found_by_their_rules() {
    let Some(folder) = data() else { return };
    let rules = rules(&folder);
    assert!(rules.len() >= 350, "{}", rules.len());
    let mut paths = Vec::new();
    files(&folder.join("regression_data"), "json", &mut paths);
    let (mut found, mut missed, mut others) = (0, Vec::new(), 0);
    for path in &paths {
        let id = path.file_stem().unwrap().to_str().unwrap();
        let text = std::fs::read_to_string(path).unwrap();
        // Some files hold several.
        let events = serde_json::Deserializer::from_str(&text).into_iter::<Value>().map(|event| {
            let mut fields = BTreeMap::new();
            flatten("", &event.unwrap(), &mut fields);
            Foreign(fields)
        });
        let events: Vec<_> = events.collect();
        if events.iter().any(|event| rules[id].matches(event)) {
            found += 1;
        } else {
            missed.push(id.to_owned());
        }
        others += rules
            .values()
            .filter(|rule| rule.id != id && events.iter().any(|event| rule.matches(event)))
            .count();
    }
    eprintln!("{found} of {} found, {others} hits of other rules", paths.len());
    assert_eq!(missed, EXPECTED_MISSES, "{found} of {}", paths.len());
    assert!(found >= 200 && others < 10 * paths.len(), "rules do not match everything");
}

/// The rule asks for `SourceName` and `ProcessName`, the recorded event has `Source Name` and `Process Name`.
const EXPECTED_MISSES: [&str; 1] = ["a7c3e5f2-8b1d-4e9a-b6c2-3d7f5e8a9b4c"];
