//! Rules and models as JSON, for the build scripts of the scanners: people write TOML, and the program reads all of it at every
//! start, which takes JSON a tenth of the time.

use std::error::Error;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// The keys that all rules have; what else a rule says is its scanner's.
const COMMON: &[&str] =
    &["id", "title", "control", "cwe", "severity", "confidence", "why", "fix", "references", "example"];

/// Writes every TOML file of a folder of the repository to the same folder below `OUT_DIR`, with `.json` behind its name. A file of
/// rules becomes a list of pairs: what all rules say, and the rest.
#[expect(clippy::disallowed_methods, reason = "a build script knows its folders from nowhere else")]
pub(crate) fn write(folder: &str) -> Result<(), Box<dyn Error>> {
    let from = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?).join("../..").join(folder);
    let to = PathBuf::from(std::env::var("OUT_DIR")?).join(folder);
    fs::create_dir_all(&to)?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "cargo::rerun-if-changed={}", from.display())?;
    for entry in fs::read_dir(&from)? {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == "toml") {
            let json = converted(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            fs::write(to.join(format!("{name}.json")), json)?;
        }
    }
    Ok(())
}

fn converted(path: &Path) -> Result<String, Box<dyn Error>> {
    let document: toml::Table = toml::from_str(&fs::read_to_string(path)?)?;
    let mut document = serde_json::to_value(document)?;
    let Some(Value::Array(rules)) = document.get_mut("rule").map(Value::take) else {
        return Ok(document.to_string());
    };
    if let Some(key) = document.as_object().and_then(|document| document.keys().find(|key| *key != "rule")) {
        return Err(format!("`{key}` is no key of a file of rules").into());
    }
    let pairs = rules.into_iter().map(|rule| {
        let Value::Object(rule) = rule else { return Err("a rule is no table") };
        let (common, own): (serde_json::Map<String, Value>, serde_json::Map<String, Value>) =
            rule.into_iter().partition(|(key, _)| COMMON.contains(&key.as_str()));
        Ok(Value::Array(vec![common.into(), own.into()]))
    });
    Ok(Value::Array(pairs.collect::<Result<_, _>>()?).to_string())
}
