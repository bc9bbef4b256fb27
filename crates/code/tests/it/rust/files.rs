//! Modules, types and traits: ways through several files.

use crate::world::found;

const DB: &str = r#"use sqlx::PgPool;
pub async fn by_name(pool: &PgPool, name: &str) -> Result<(), sqlx::Error> {
    sqlx::query(&format!("SELECT * FROM u WHERE n = '{}'", name)).fetch_all(pool).await?;
    Ok(())
}
pub mod deep {
    pub fn run(pool: &sqlx::PgPool, sql: String) {
        sqlx::query(&sql).execute(pool);
    }
}
pub struct Store { pool: PgPool }
impl Store {
    pub fn new(pool: PgPool) -> Self { Self { pool } }
    pub async fn find(&self, sql: &str) {
        sqlx::query(sql).execute(&self.pool).await;
    }
}
"#;

fn routes(uses: &str, body: &str) -> String {
    format!(
        "use axum::extract::{{Path, State}};\n{uses}\npub async fn list(State(app): State<crate::App>, Path(name): Path<String>) {{ {body} }}\n"
    )
}

const MAIN: &str = "mod db;\nmod routes;\npub struct App { pool: sqlx::PgPool, store: db::Store, finder: Box<dyn db::Find> }\nfn main() {}\n";

fn with(uses: &str, body: &str) -> Vec<String> {
    found(&[("src/main.rs", MAIN), ("src/db.rs", DB), ("src/routes.rs", &routes(uses, body))])
}

#[test]
fn functions_of_other_modules() {
    let sql = ["sql.injection src/db.rs:3"];
    assert_eq!(with("use crate::db::by_name;", "by_name(&app.pool, &name).await;"), sql);
    assert_eq!(with("use crate::db;", "db::by_name(&app.pool, &name).await;"), sql);
    assert_eq!(with("use crate::db::{self, by_name as find};", "find(&app.pool, &name).await;"), sql);
    assert_eq!(with("use super::db::*;", "by_name(&app.pool, &name).await;"), sql);
    assert_eq!(with("", "crate::db::by_name(&app.pool, &name).await;"), sql);
    assert!(with("use crate::db::by_name;", "by_name(&app.pool, \"x\").await;").is_empty());
    assert_eq!(with("use crate::db::deep;", "deep::run(&app.pool, name);"), ["sql.injection src/db.rs:8"]);
    assert_eq!(with("", "crate::db::deep::run(&app.pool, name);"), ["sql.injection src/db.rs:8"]);
}

#[test]
fn methods_of_fields_and_of_what_is_made() {
    let sql = ["sql.injection src/db.rs:15"];
    assert_eq!(with("", "app.store.find(&name).await;"), sql);
    assert_eq!(with("use crate::db::Store;", "Store::new(app.pool).find(&name).await;"), sql);
    assert_eq!(with("", "crate::db::Store::new(app.pool).find(&name).await;"), sql);
    assert!(with("", "app.store.find(\"SELECT 1\").await;").is_empty());
}

#[test]
fn a_trait_is_what_implements_it() {
    let db = format!(
        "{DB}pub trait Find {{ fn search(&self, sql: &str); }}\nimpl Find for Store {{\n    fn search(&self, sql: &str) {{\n        sqlx::query(sql).execute(&self.pool);\n    }}\n}}\n"
    );
    let scan = |body: &str| {
        found(&[("src/main.rs", MAIN), ("src/db.rs", &db), ("src/routes.rs", &routes("", body))])
    };
    assert_eq!(scan("app.finder.search(&name);"), ["sql.injection src/db.rs:21"]);
    assert!(scan("app.finder.search(\"SELECT 1\");").is_empty());
}

#[test]
fn what_is_handed_on_by_other_modules() {
    let index = "mod store;\npub use self::store::by_name;\n";
    let main = MAIN.replace("store: db::Store, finder: Box<dyn db::Find>", "");
    let files = [
        ("src/main.rs", main.as_str()),
        ("src/db/mod.rs", index),
        ("src/db/store.rs", DB),
        ("src/routes.rs", &routes("use crate::db::by_name;", "by_name(&app.pool, &name).await;")),
    ];
    assert_eq!(found(&files), ["sql.injection src/db/store.rs:3"]);
}

#[test]
fn another_crate_of_the_workspace() {
    let routes = "use axum::extract::Path;\nuse shop_core::db::by_name;\npub async fn list(Path(name): Path<String>) { by_name(&pool(), &name).await; }\n";
    let files = [
        ("crates/shop-core/src/lib.rs", "pub mod db;\n"),
        ("crates/shop-core/src/db.rs", DB),
        ("crates/web/src/main.rs", routes),
    ];
    assert_eq!(found(&files), ["sql.injection crates/shop-core/src/db.rs:3"]);
}

#[test]
fn what_a_reference_is_filled_with() {
    let text = r#"use axum::extract::Path;
fn fill(sql: &mut String, name: &str) { sql.push_str(name); }
async fn list(Path(name): Path<String>) {
    let mut sql = String::from("SELECT ");
    fill(&mut sql, VALUE);
    sqlx::query(&sql).execute(&pool()).await;
}
"#;
    assert_eq!(found(&[("src/a.rs", &text.replace("VALUE", "&name"))]), ["sql.injection src/a.rs:6"]);
    assert!(found(&[("src/a.rs", &text.replace("VALUE", "\"1\""))]).is_empty());
}

#[test]
fn frameworks() {
    let actix = r#"use actix_web::{get, web, HttpRequest, HttpResponse};
#[get("/u/{name}")]
async fn one(name: web::Path<String>, pool: web::Data<sqlx::PgPool>) -> HttpResponse {
    sqlx::query(&format!("SELECT '{}'", name)).execute(pool.get_ref()).await;
    HttpResponse::Ok().finish()
}
async fn two(req: HttpRequest, form: web::Form<Login>, number: web::Path<u32>) -> HttpResponse {
    sqlx::query(&form.name).execute(&pool()).await;
    sqlx::query(req.match_info().get("x").unwrap()).execute(&pool()).await;
    sqlx::query(&format!("SELECT {number}")).execute(&pool()).await;
    sqlx::query(&format!("SELECT {}", form.age)).execute(&pool()).await;
    HttpResponse::Ok().finish()
}
struct Login { name: String, age: i32 }
"#;
    let expected = ["sql.injection src/a.rs:4", "sql.injection src/a.rs:8", "sql.injection src/a.rs:9"];
    assert_eq!(found(&[("src/a.rs", actix)]), expected);
    let rocket = r#"#[macro_use] extern crate rocket;
#[get("/u/<name>/<id>")]
async fn one(name: &str, id: u32, db: &rocket::State<sqlx::PgPool>) -> RawHtml<String> {
    sqlx::query(&format!("SELECT '{}'", name)).execute(db).await;
    sqlx::query(&format!("SELECT {}", id)).execute(db).await;
    rocket::response::content::RawHtml(format!("<p>{name}"))
}
fn helper(name: &str) { sqlx::query(name); }
"#;
    assert_eq!(found(&[("src/a.rs", rocket)]), ["sql.injection src/a.rs:4", "xss.reflected src/a.rs:6"]);
    let warp = "use warp::Filter;\nfn routes() {\n    warp::path!(\"u\" / String).map(|name: String| {\n        warp::reply::html(format!(\"<p>{}\", name))\n    });\n}\n";
    assert_eq!(found(&[("src/a.rs", warp)]), ["xss.reflected src/a.rs:4"]);
}

#[test]
fn tests_are_not_looked_at() {
    let text = "#[cfg(test)]\nmod tests {\n    use axum::extract::Path;\n    fn list(Path(sql): axum::extract::Path<String>) { sqlx::query(&sql); }\n}\n";
    assert!(found(&[("src/a.rs", text)]).is_empty());
    let text = text.replace("#[cfg(test)]\n", "");
    assert_eq!(found(&[("src/a.rs", &text)]), ["sql.injection src/a.rs:3"]);
}
