//! Handlers, by what they do with a request.

use super::check;

const SQL: &str = "sql.injection";
const COMMAND: &str = "command.injection";
const PATH: &str = "path.traversal";
const XSS: &str = "xss.reflected";

#[test]
fn values_on_their_way() {
    check(&[
        (
            "",
            r#"sqlx::query(&format!("SELECT * FROM u WHERE n = '{}'", q.name)).fetch_all(&app.pool).await?;"#,
            SQL,
        ),
        ("", r#"sqlx::query("SELECT * FROM u WHERE n = $1").bind(&q.name).fetch_all(&app.pool).await?;"#, ""),
        (
            "",
            r#"sqlx::query(&format!("SELECT * FROM u WHERE a = {}", q.age)).fetch_all(&app.pool).await?;"#,
            "",
        ),
        ("", r#"sqlx::query(&format!("SELECT * FROM u WHERE a = {id}")).fetch_all(&app.pool).await?;"#, ""),
        (
            "",
            r#"sqlx::query(&format!("SELECT * FROM u WHERE a = '{slug}'")).fetch_all(&app.pool).await?;"#,
            SQL,
        ),
        ("", r#"sqlx::query(&format!("SELECT {0}, {0} FROM u", slug)).fetch_all(&app.pool).await?;"#, SQL),
        ("", r#"sqlx::query(&format!("SELECT {a} FROM u", a = slug)).fetch_all(&app.pool).await?;"#, SQL),
        ("", r#"sqlx::query!("SELECT * FROM u WHERE n = $1", q.name).fetch_all(&app.pool).await?;"#, ""),
        (
            "",
            r#"sqlx::query_as::<_, User>(&("SELECT ".to_owned() + &slug)).fetch_one(&app.pool).await?;"#,
            SQL,
        ),
        (
            "",
            r#"let mut sql = String::from("SELECT "); sql.push_str(&slug); sqlx::raw_sql(&sql).execute(&app.pool).await?;"#,
            SQL,
        ),
        (
            "",
            r#"let mut sql = String::new(); sql += &slug; sqlx::raw_sql(&sql).execute(&app.pool).await?;"#,
            SQL,
        ),
        (
            "std::fmt::Write",
            r#"let mut sql = String::new(); write!(sql, "SELECT {}", slug)?; sqlx::raw_sql(&sql).execute(&app.pool).await?;"#,
            SQL,
        ),
        (
            "std::fmt::Write",
            r#"let mut sql = String::new(); write!(&mut sql, "SELECT {}", id)?; sqlx::raw_sql(&sql).execute(&app.pool).await?;"#,
            "",
        ),
        (
            "",
            r#"let sql = match q.tag { Some(tag) => tag, None => return Ok("".into()) }; sqlx::query(&sql).execute(&app.pool).await?;"#,
            SQL,
        ),
        ("", r#"if let Some(tag) = &q.tag { sqlx::query(tag).execute(&app.pool).await?; }"#, SQL),
        (
            "",
            r#"let Some(tag) = q.tag else { return Ok("".into()) }; sqlx::query(&tag).execute(&app.pool).await?;"#,
            SQL,
        ),
        (
            "",
            r#"let sql = q.tag.as_deref().unwrap_or("SELECT 1"); sqlx::query(sql).execute(&app.pool).await?;"#,
            SQL,
        ),
        (
            "",
            r#"let sql = q.tag.map(|tag| format!("SELECT {tag}")).unwrap_or_default(); sqlx::query(&sql).execute(&app.pool).await?;"#,
            SQL,
        ),
        (
            "",
            r#"let sql = q.tag.map(|tag| 1).unwrap_or(2); sqlx::query(&format!("SELECT {sql}")).execute(&app.pool).await?;"#,
            "",
        ),
        (
            "",
            r#"let n: u32 = slug.parse()?; sqlx::query(&format!("SELECT {n}")).execute(&app.pool).await?;"#,
            "",
        ),
        (
            "",
            r#"let n = slug.parse::<i64>().unwrap_or(0); sqlx::query(&format!("SELECT {n}")).execute(&app.pool).await?;"#,
            "",
        ),
        (
            "",
            r#"let n = uuid::Uuid::parse_str(&slug)?; sqlx::query(&format!("SELECT '{n}'")).execute(&app.pool).await?;"#,
            "",
        ),
        (
            "",
            r#"let dir = match q.order { Order::Up => "ASC", Order::Down => "DESC" }; sqlx::query(&format!("SELECT 1 ORDER BY {dir}")).execute(&app.pool).await?;"#,
            "",
        ),
        ("", r#"let v = vec!["a".to_string(), slug]; sqlx::query(&v[1]).execute(&app.pool).await?;"#, SQL),
        ("", r#"let v = vec!["a".to_string(), slug]; sqlx::query(&v[0]).execute(&app.pool).await?;"#, ""),
        (
            "",
            r#"let parts: Vec<String> = slug.split(',').map(|p| format!("'{p}'")).collect(); sqlx::query(&format!("SELECT {}", parts.join(","))).execute(&app.pool).await?;"#,
            SQL,
        ),
        ("", r#"for part in slug.split(',') { sqlx::query(part).execute(&app.pool).await?; }"#, SQL),
        (
            "",
            r#"for (i, part) in slug.split(',').enumerate() { sqlx::query("SELECT $1").bind(part).execute(&app.pool).await?; }"#,
            "",
        ),
        (
            "",
            r#"let n = slug.split(',').map(|p| p.len()).sum::<usize>(); sqlx::query(&format!("SELECT {}", slug.len())).execute(&app.pool).await?;"#,
            "",
        ),
        ("", r#"let (a, b) = (slug, "SELECT 1"); sqlx::query(b).execute(&app.pool).await?;"#, ""),
        ("", r#"let (a, b) = (slug, "SELECT 1"); sqlx::query(&a).execute(&app.pool).await?;"#, SQL),
        (
            "",
            r#"let p = Params { name: slug, ..Default::default() }; sqlx::query(&p.name).execute(&app.pool).await?;"#,
            SQL,
        ),
        ("", r#"let sql = { let inner = slug; inner }; sqlx::query(&sql).execute(&app.pool).await?;"#, SQL),
        (
            "",
            r#"let sql = if id > 3 { slug } else { "SELECT 1".to_string() }; sqlx::query(&sql).execute(&app.pool).await?;"#,
            SQL,
        ),
        ("", r#"let sql = loop { break slug; }; sqlx::query(&sql).execute(&app.pool).await?;"#, SQL),
        ("", r#"let run = |sql: String| sqlx::query(&sql).execute(&app.pool); run(slug).await?;"#, SQL),
        ("", r#"let run = |sql: String| "SELECT 1"; sqlx::query(run(slug)).execute(&app.pool).await?;"#, ""),
        (
            "",
            r#"let ua = headers.get("user-agent").and_then(|v| v.to_str().ok()).unwrap_or(""); sqlx::query(&format!("SELECT '{ua}'")).execute(&app.pool).await?;"#,
            SQL,
        ),
        ("", r#"tokio::spawn(async move { sqlx::query(&slug).execute(&app.pool).await });"#, SQL),
        ("", r#"let sql = slug; let sql = "SELECT 1"; sqlx::query(sql).execute(&app.pool).await?;"#, ""),
        (
            "sqlx::QueryBuilder",
            r#"let mut b = QueryBuilder::new("SELECT 1 WHERE a = "); b.push_bind(slug); b.build().execute(&app.pool).await?;"#,
            "",
        ),
        (
            "sqlx::QueryBuilder",
            r#"let mut b = QueryBuilder::new("SELECT 1 ORDER BY "); b.push(slug); b.build().execute(&app.pool).await?;"#,
            SQL,
        ),
        (
            "",
            r#"let client: tokio_postgres::Client = connect(); client.query(&format!("SELECT '{slug}'"), &[]).await?;"#,
            SQL,
        ),
        (
            "",
            r#"let client: tokio_postgres::Client = connect(); client.query("SELECT $1", &[&slug]).await?;"#,
            "",
        ),
        (
            "rusqlite::Connection",
            r#"let c = Connection::open("a.db")?; c.execute(&format!("DELETE FROM u WHERE n = '{}'", slug), [])?;"#,
            SQL,
        ),
        (
            "rusqlite::Connection",
            r#"let c = Connection::open("a.db")?; c.execute("DELETE FROM u WHERE n = ?1", [slug])?;"#,
            "",
        ),
        ("", r#"diesel::sql_query(format!("SELECT '{slug}'")).load(&mut conn)?;"#, SQL),
        (
            "sea_orm::{Statement,DbBackend}",
            r#"Statement::from_string(DbBackend::Postgres, format!("SELECT '{slug}'"));"#,
            SQL,
        ),
        (
            "",
            r#"let m: std::collections::HashMap<String, String> = serde_json::from_str(&slug)?; sqlx::query(&m["a"]).execute(&app.pool).await?;"#,
            SQL,
        ),
    ]);
}

#[test]
fn checks_before_use() {
    check(&[
        (
            "",
            r#"if slug != "a" && slug != "b" { return Ok("".into()); } sqlx::query(&slug).execute(&app.pool).await?;"#,
            "",
        ),
        (
            "",
            r#"const ALLOWED: [&str; 2] = ["a", "b"]; if !ALLOWED.contains(&slug.as_str()) { return Ok("".into()); } sqlx::query(&slug).execute(&app.pool).await?;"#,
            "",
        ),
        (
            "",
            r#"let column = match slug.as_str() { "name" => "name", _ => "id" }; sqlx::query(&format!("SELECT {column}")).execute(&app.pool).await?;"#,
            "",
        ),
        (
            "",
            r#"if !slug.chars().all(|c| c.is_ascii_alphanumeric()) { return Ok("".into()); } sqlx::query(&slug).execute(&app.pool).await?;"#,
            "",
        ),
        (
            "regex::Regex",
            r#"let re = Regex::new(r"^[a-z]+$").unwrap(); if !re.is_match(&slug) { return Ok("".into()); } sqlx::query(&slug).execute(&app.pool).await?;"#,
            "",
        ),
        (
            "regex::Regex",
            r#"let re = Regex::new(r"[a-z]+").unwrap(); if !re.is_match(&slug) { return Ok("".into()); } sqlx::query(&slug).execute(&app.pool).await?;"#,
            SQL,
        ),
        ("", r#"std::fs::read_to_string(app.base.join(&slug))?;"#, PATH),
        ("std::fs", r#"fs::read_to_string(format!("/srv/{slug}"))?;"#, PATH),
        ("", r#"tokio::fs::remove_file(std::path::Path::new("/srv").join(&slug)).await?;"#, PATH),
        ("", r#"std::fs::File::open(format!("/srv/{id}"))?;"#, ""),
        (
            "std::path::Path",
            r#"let name = std::path::Path::new(&slug).file_name().unwrap(); std::fs::read(app.base.join(name))?;"#,
            "",
        ),
        (
            "",
            r#"if slug.contains("..") { return Ok("".into()); } std::fs::read(format!("/srv/{slug}"))?;"#,
            "",
        ),
        (
            "",
            r#"let path = app.base.join(&slug).canonicalize()?; if !path.starts_with(&app.base) { return Ok("".into()); } std::fs::read(&path)?;"#,
            "",
        ),
        ("", r#"let mut path = app.base.clone(); path.push(&slug); std::fs::write(&path, "x")?;"#, PATH),
        (
            "anyhow::bail",
            r#"if slug != "a" { bail!("no"); } sqlx::query(&slug).execute(&app.pool).await?;"#,
            "",
        ),
    ]);
}

#[test]
fn commands_and_addresses() {
    check(&[
        (
            "std::process::Command",
            r#"Command::new("sh").arg("-c").arg(format!("ping {slug}")).output()?;"#,
            COMMAND,
        ),
        ("std::process::Command", r#"Command::new("sh").args(["-c", &slug]).spawn()?;"#, COMMAND),
        ("std::process::Command", r#"Command::new("ping").arg("-c").arg(&slug).output()?;"#, ""),
        ("std::process::Command", r#"Command::new("sh").arg("run.sh").arg(&slug).output()?;"#, ""),
        ("std::process::Command", r#"Command::new(&slug).output()?;"#, COMMAND),
        (
            "tokio::process::Command",
            r#"let mut cmd = Command::new("/bin/bash"); cmd.arg("-c"); cmd.arg(&slug); cmd.output().await?;"#,
            COMMAND,
        ),
        (
            "std::process::{Command,Stdio}",
            r#"Command::new("bash").stdout(Stdio::piped()).arg("-lc").arg(&slug).status()?;"#,
            COMMAND,
        ),
        ("", r#"reqwest::get(&slug).await?.text().await?;"#, "ssrf"),
        ("", r#"reqwest::get(format!("https://api.example.com/items/{slug}")).await?;"#, ""),
        (
            "",
            r#"let c = reqwest::Client::new(); c.post(format!("http://{slug}/hook")).send().await?;"#,
            "ssrf",
        ),
        ("", r#"let c = reqwest::Client::builder().build()?; c.get(&slug).send().await?;"#, "ssrf"),
        (
            "",
            r#"let c = reqwest::Client::new(); c.get("https://example.com").query(&[("q", &slug)]).send().await?;"#,
            "",
        ),
        ("axum::response::Redirect", r#"Redirect::to(&slug);"#, "open-redirect"),
        ("axum::response::Redirect", r#"Redirect::to(&format!("/users/{slug}"));"#, ""),
    ]);
}

#[test]
fn markup() {
    check(&[
        ("axum::response::Html", r#"Html(format!("<h1>{}</h1>", q.name));"#, XSS),
        ("axum::response::Html", r#"Html(format!("<h1>{}</h1>", q.age));"#, ""),
        ("axum::response::Html", r#"Html(format!("<h1>{}</h1>", html_escape::encode_text(&q.name)));"#, ""),
        ("axum::Json", r#"Json(q.name);"#, ""),
        ("", r#"Ok(format!("hello {}", q.name))"#, ""),
        ("actix_web::HttpResponse", r#"HttpResponse::Ok().content_type("text/html").body(slug);"#, XSS),
        ("actix_web::HttpResponse", r#"HttpResponse::Ok().content_type("application/json").body(slug);"#, ""),
        ("actix_web::HttpResponse", r#"HttpResponse::Ok().body(format!("<p>{slug}"));"#, XSS),
        ("actix_web::HttpResponse", r#"HttpResponse::Ok().body(format!("hello {slug}"));"#, ""),
        ("actix_web::HttpResponse", r#"HttpResponse::Ok().json(slug);"#, ""),
        ("maud::PreEscaped", r#"PreEscaped(slug);"#, "xss.markup"),
        ("tera::Tera", r#"Tera::one_off(&slug, &context, true)?;"#, "template.injection"),
    ]);
}
