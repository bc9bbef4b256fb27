//! What is found in Rust, and what is not.

mod files;
mod handlers;
mod services;

use crate::world::{self, rules_that_find};

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
    rules_that_find(&[("src/app.rs", &text)])
}

/// What is used, bodies of a handler, and the rules that find them.
fn check(cases: &[(&str, &str, &str)]) {
    world::check(cases, found);
}
