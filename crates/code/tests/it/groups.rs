//! Projects are looked at by themselves: what is found is what looking at all files together finds.

use std::sync::Arc;

use gabion_finding::{Finding, Scanner as _, Source, Tree, Verdict};

use crate::java::servlet;
use crate::world::{lines, scanner};

const GO_WEB: &str = r#"package web
import (
	"net/http"
	"github.com/shop/mono/store/db"
)
func users(w http.ResponseWriter, r *http.Request) { db.ByName(r.FormValue("name")) }
"#;
const GO_DB: &str = r#"package db
import "database/sql"
var conn *sql.DB
func ByName(name string) {
	conn.Query("SELECT * FROM u WHERE n = '" + name + "'")
}
"#;
const RUST_DB: &str = "pub async fn by_name(pool: &sqlx::PgPool, name: &str) {\n    sqlx::query(&format!(\"SELECT * FROM u WHERE n = '{}'\", name)).fetch_all(pool).await;\n}\n";
const RUST_WEB: &str = "use axum::extract::{Path, State};\nuse stock::by_name;\npub async fn list(State(pool): State<sqlx::PgPool>, Path(name): Path<String>) { by_name(&pool, &name).await; }\n";
const JAVA_DB: &str = "package shop.store;\nimport java.sql.*;\npublic class Users {\n    public static void byName(Connection c, String name) throws SQLException {\n        c.createStatement().executeQuery(\"SELECT * FROM u WHERE n = '\" + name + \"'\");\n    }\n}\n";

/// Projects of every language: two that import another one, and one of each that stands alone.
fn files() -> Vec<(String, String)> {
    let page = servlet(
        "try { shop.store.Users.byName(null, request.getParameter(\"name\")); } catch (Exception e) {}",
        "",
    )
    .replace("import java.io.*;", "import java.io.*;\nimport shop.store.Users;");
    let own = |name: &str| {
        servlet("response.getWriter().print(request.getParameter(\"a\"));", "").replace("Page", name)
    };
    let mut files = vec![
        ("go/store/go.mod", "module github.com/shop/mono/store\n".to_owned()),
        ("go/store/db/db.go", GO_DB.to_owned()),
        ("go/web/go.mod", "module github.com/shop/mono/web\n".to_owned()),
        ("go/web/web.go", GO_WEB.to_owned()),
        ("java/store/pom.xml", String::new()),
        ("java/store/src/shop/store/Users.java", JAVA_DB.to_owned()),
        ("java/web/pom.xml", String::new()),
        ("java/web/src/shop/pages/Page.java", page),
        ("java/web/src/app.properties", "a=b\n".to_owned()),
        ("java/other/build.gradle", String::new()),
        ("java/other/src/shop/others/Other.java", own("Other")),
        ("rust/stock/Cargo.toml", String::new()),
        ("rust/stock/src/lib.rs", RUST_DB.to_owned()),
        ("rust/web/Cargo.toml", String::new()),
        ("rust/web/src/main.rs", RUST_WEB.to_owned()),
        ("rust/alone/Cargo.toml", String::new()),
        ("rust/alone/src/main.rs", RUST_WEB.replace("use stock::by_name;\n", "fn by_name() {}\n")),
        ("js/a/package.json", "{}".to_owned()),
        ("js/a/run.js", "exports.run = text => eval(text);\n".to_owned()),
        ("js/b/package.json", "{}".to_owned()),
        (
            "js/b/app.js",
            "const { run } = require('../a/run');\nrequire('express')().get('/', (req, res) => { run(req.query.a); res.end(); });\n"
                .to_owned(),
        ),
        ("py/a/setup.py", "import a\n".to_owned()),
        (
            "py/a/app.py",
            "from flask import Flask, request\napp = Flask(__name__)\n@app.route('/')\ndef f():\n    return str(eval(request.args['x']))\n"
                .to_owned(),
        ),
    ];
    files.sort_unstable();
    files.into_iter().map(|(path, text)| (path.to_owned(), text)).collect()
}

#[test]
fn projects_alone_and_all_together_show_the_same() {
    let (mut paths, mut facts) = (Vec::<Arc<str>>::new(), Vec::<(Arc<str>, Arc<[u8]>)>::new());
    for (path, text) in files() {
        let path: Arc<str> = path.into();
        paths.push(Arc::clone(&path));
        if scanner().reads(&path) {
            let report = scanner().file(&Source::new(&path, &text));
            if !report.facts.is_empty() {
                facts.push((path, report.facts.into()));
            }
        }
    }
    let tree = Tree { paths: &paths, facts: &facts, uses: &[] };
    let parts = scanner().parts(&tree).unwrap();
    let look = |parts: &[Vec<usize>]| {
        let mut all = Verdict::default();
        scanner().look_at(&tree, parts).into_iter().for_each(|verdict| all.extend(verdict));
        all.findings.sort_by_key(|finding: &Finding| (finding.place.clone(), finding.rule.clone()));
        all.endpoints.sort_by_key(|endpoint| (endpoint.place.clone(), endpoint.path.clone()));
        all
    };
    assert_eq!(parts.len(), 7, "{parts:?}");
    let apart = look(&parts);
    let together = look(&[(0..facts.len()).collect()]);
    assert_eq!(apart.findings, together.findings);
    assert_eq!(apart.endpoints, together.endpoints);
    let found = lines(&apart.findings);
    for wanted in [
        "sql.injection go/store/db/db.go:5",
        "sql.injection java/store/src/shop/store/Users.java:5",
        "sql.injection rust/stock/src/lib.rs:2",
    ] {
        assert!(found.contains(&wanted.to_owned()), "{wanted}: {found:?}");
    }
    assert!(found.iter().any(|line| line.contains("js/a/run.js:1")), "{found:?}");
    assert!(found.iter().any(|line| line.contains("py/a/app.py:5")), "{found:?}");
    // One after the other is what at once is.
    let mut one_by_one = Verdict::default();
    parts.iter().for_each(|part| one_by_one.extend(look(std::slice::from_ref(part))));
    one_by_one.findings.sort_by_key(|finding: &Finding| (finding.place.clone(), finding.rule.clone()));
    assert_eq!(one_by_one.findings, apart.findings);
}
