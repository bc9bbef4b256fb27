//! The published schema of rules: every rule there is fits it, and so does one that is only begun.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use gabion_finding::RuleId;
use gabion_openapi::json::{self, Bounds};
use gabion_openapi::schema::{Draft, Options, Program, Registry, Root};
use gabion_scan::{kit, rule_schema, rules, template};

fn program() -> Program {
    let mut registry = Registry::new();
    registry.add("rules", Arc::new(read(&rule_schema())), Root::Schema);
    Program::compile(&registry, "rules", &Options::plain(Draft::Draft202012)).unwrap()
}

fn read(value: &serde_json::Value) -> json::Value {
    json::parse(value.to_string().as_bytes(), &Bounds::file()).unwrap()
}

/// What the schema says against a file of rules.
fn against(program: &Program, text: &str) -> Vec<String> {
    let value: serde_json::Value = toml::from_str(text).unwrap();
    let violations = program.validate_value(&read(&value)).err().unwrap_or_default();
    violations.iter().map(|one| format!("{one:?}")).collect()
}

#[test]
fn every_rule_fits_the_published_schema() {
    let program = program();
    let mut read = 0;
    for scanner in ["code", "dependencies", "manifests", "scan", "secrets"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules").join(scanner);
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|end| end == "toml") {
                let text = fs::read_to_string(&path).unwrap();
                assert_eq!(against(&program, &text), Vec::<String>::new(), "{}", path.display());
                read += 1;
            }
        }
    }
    assert!(read > 60, "{read}");
}

#[test]
fn what_is_begun_fits_it_too_and_mistakes_do_not() {
    let program = program();
    for scanner in kit::open_names() {
        let begun = template(&RuleId::new("acme.token").unwrap(), scanner);
        assert_eq!(against(&program, &begun), Vec::<String>::new(), "{scanner}");
    }
    let begun = template(&RuleId::new("acme.token").unwrap(), "code");
    for (from, to) in [
        ("path = ", "paht = "),
        ("[\"python\"]", "[\"cobol\"]"),
        ("severity = \"high\"", "severity = \"loud\""),
        ("message = ", "massage = "),
        ("constant = true", "constant = 1"),
        ("cwe = [798]", "cwe = [\"798\"]"),
    ] {
        let text = begun.replace(from, to);
        assert_ne!(text, begun, "{from}");
        assert!(!against(&program, &text).is_empty(), "{to}");
    }
}

#[test]
fn what_is_begun_holds_its_own_example() {
    for scanner in kit::open_names() {
        let folder = tempfile::TempDir::new().unwrap();
        let id = RuleId::new("acme.token").unwrap();
        fs::create_dir(folder.path().join(scanner)).unwrap();
        fs::write(folder.path().join(scanner).join("acme.toml"), template(&id, scanner)).unwrap();
        let own = kit::RuleFolder::read(folder.path()).unwrap();
        let scanners = kit::scanners(&own).unwrap();
        let whose = scanners.iter().find(|one| one.name() == scanner).unwrap();
        assert!(whose.rules().iter().any(|rule| rule.id == id));
        assert_eq!(rules::test(whose.as_ref(), &|one| *one == id), [], "{scanner}");
    }
}
