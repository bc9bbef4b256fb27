//! What is found in Rust, and what is not.

mod files;
mod handlers;

use crate::world::{scan, scanner};

/// A handler with that body is scanned; what is found, by id.
fn found(uses: &str, body: &str) -> Vec<String> {
    let uses: String = uses.split_whitespace().map(|one| format!("use {one};\n")).collect();
    let text = format!(
        "use axum::extract::{{Path, Query, State}};\nuse axum::http::HeaderMap;\n{uses}\
         #[derive(serde::Deserialize)]\nstruct Params {{ name: String, age: u32, order: Order, tag: Option<String> }}\n\
         #[derive(serde::Deserialize)]\nenum Order {{ Up, Down }}\n\
         struct App {{ pool: sqlx::PgPool, base: std::path::PathBuf }}\n\
         async fn handle(State(app): State<std::sync::Arc<App>>, Path((id, slug)): Path<(u64, String)>, headers: HeaderMap, Query(q): Query<Params>) -> Result<String, Error> {{\n{body}\n}}\n"
    );
    let verdict = scan(scanner(), &[("src/app.rs", &text)]);
    assert!(verdict.unread.is_empty(), "{body}: {:?}", verdict.unread);
    let mut rules: Vec<String> = verdict.findings.iter().map(|one| one.rule.as_str().to_owned()).collect();
    rules.sort();
    rules.dedup();
    rules
}

/// What is used, bodies of a handler, and the rules that find them.
fn check(cases: &[(&str, &str, &str)]) {
    let mut wrong = Vec::new();
    for (uses, body, rule) in cases {
        let found = found(uses, body);
        let expected: Vec<String> = rule.split_whitespace().map(str::to_owned).collect();
        if found != expected {
            wrong.push(format!("{body}\n    expected {expected:?}, found {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
