//! What is found in Go, and what is not.

mod files;
mod handlers;

use crate::world::{scan, scanner};

/// A handler with that body is scanned; what is found of these rules, by id.
fn found(imports: &str, body: &str) -> Vec<String> {
    let imports: String = imports.split_whitespace().map(|one| format!("import \"{one}\"\n")).collect();
    let text = format!(
        "package app\nimport \"net/http\"\n{imports}\nvar db *sql.DB\nfunc handle(w http.ResponseWriter, r *http.Request) {{\n{body}\n}}\n"
    );
    let verdict = scan(scanner(), &[("app.go", &text)]);
    assert!(verdict.unread.is_empty(), "{body}: {:?}", verdict.unread);
    let mut rules: Vec<String> = verdict.findings.iter().map(|one| one.rule.as_str().to_owned()).collect();
    rules.sort();
    rules.dedup();
    rules
}

/// Imports, bodies of a handler, and the rule that finds them; an empty one: none.
fn check(cases: &[(&str, &str, &str)]) {
    let mut wrong = Vec::new();
    for (imports, body, rule) in cases {
        let found = found(&format!("database/sql {imports}"), body);
        let expected: Vec<String> = rule.split_whitespace().map(str::to_owned).collect();
        if found != expected {
            wrong.push(format!("{body}\n    expected {expected:?}, found {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
