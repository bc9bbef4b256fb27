//! SQL stands in `store` and nowhere else. `strawman` has its own database to be broken into.

use super::finding::Finding;
use super::workspace::Workspace;

const DRIVERS: &[&str] =
    &["rusqlite", "sqlx", "tokio-postgres", "postgres", "diesel", "libsqlite3-sys", "redis"];

const HOMES: &[&str] = &["store", "strawman"];

pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    for member in workspace.crates.iter().filter(|member| !HOMES.contains(&member.name.as_str())) {
        for dependency in member.dependencies.iter().filter(|dependency| !dependency.dev) {
            if DRIVERS.contains(&dependency.name.as_str()) {
                findings.push(Finding::new(
                    format!("crates/{}/Cargo.toml", member.name),
                    format!("`{}` names the database driver `{}`", member.name, dependency.name),
                    "put a storage trait into the engine and implement it in `store`",
                ));
            }
        }
    }
    for file in workspace.product().filter(|file| file.crate_name().is_none_or(|name| !HOMES.contains(&name)))
    {
        for literal in file.source().literals.iter().filter(|literal| is_sql(&literal.text)) {
            findings.push(Finding::new(
                file.at(literal.line),
                "a text that reads as SQL stands outside `store`",
                "put the query into crates/store, behind a storage trait",
            ));
        }
    }
    findings
}

/// Statements as they are written here: key words in capitals.
fn is_sql(text: &str) -> bool {
    let words: Vec<&str> = text.split_whitespace().take(64).collect();
    let has = |word: &str| words.contains(&word);
    match words.as_slice() {
        ["SELECT", ..] => has("FROM") || words.len() == 2,
        ["INSERT" | "REPLACE", ..] => has("INTO"),
        ["UPDATE", _, "SET", ..] | ["DELETE", "FROM", ..] | ["PRAGMA", _, ..] => true,
        ["CREATE" | "ALTER" | "DROP", kind, ..] => {
            ["TABLE", "INDEX", "UNIQUE", "TRIGGER", "VIEW", "POLICY", "ROLE"].contains(kind)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_outside_store_is_found() {
        let code = "const Q: &str = \"SELECT id FROM account WHERE name = ?1\";";
        assert_eq!(check(&Workspace::of(&[("crates/service/src/a.rs", code)])).len(), 1);
        assert_eq!(check(&Workspace::of(&[("crates/store/src/a.rs", code)])), []);
        assert_eq!(check(&Workspace::with_dependencies("cli", &["rusqlite"])).len(), 1);
    }

    #[test]
    fn prose_is_not_sql() {
        for prose in
            ["select a session", "Select one from the list", "CREATE AN ACCOUNT", "DROP", "", "UPDATE"]
        {
            assert!(!is_sql(prose), "{prose}");
        }
        for sql in
            ["  UPDATE account SET name = ?", "PRAGMA journal_mode = WAL", "CREATE TABLE a (b)", "SELECT 1"]
        {
            assert!(is_sql(sql), "{sql}");
        }
    }
}
