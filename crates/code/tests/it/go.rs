//! What is found in Go, and what is not.

mod files;
mod handlers;
mod paths;
mod services;

use crate::world::{self, rules_that_find};

/// A handler with that body is scanned; what is found of these rules, by id.
fn found(imports: &str, body: &str) -> Vec<String> {
    let imports: String = imports.split_whitespace().map(|one| format!("import \"{one}\"\n")).collect();
    let text = format!(
        "package app\nimport \"net/http\"\n{imports}\nvar db *sql.DB\nfunc handle(w http.ResponseWriter, r *http.Request) {{\n{body}\n}}\n"
    );
    rules_that_find(&[("app.go", &text)])
}

/// Imports, bodies of a handler, and the rule that finds them; an empty one: none.
fn check(cases: &[(&str, &str, &str)]) {
    world::check(cases, |imports, body| found(&format!("database/sql {imports}"), body));
}
