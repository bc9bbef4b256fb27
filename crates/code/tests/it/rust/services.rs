//! Checks, cookies, answers and bodies of services, with what looks like them and is harmless.

use super::check;

#[test]
fn what_was_checked_or_written_anew() {
    check(&[
        (
            "",
            r#"if !matches!(slug.as_str(), "name" | "price") { return Ok("".into()); } sqlx::query(&format!("SELECT 1 ORDER BY {slug}")).execute(&app.pool).await?;"#,
            "",
        ),
        (
            "",
            r#"if !matches!(slug.as_str(), "name" | _) { return Ok("".into()); } sqlx::query(&format!("SELECT 1 ORDER BY {slug}")).execute(&app.pool).await?;"#,
            "sql.injection",
        ),
        (
            "",
            r#"if slug.contains(['/', '\\']) { return Ok("".into()); } std::fs::read(format!("/srv/{slug}"))?;"#,
            "",
        ),
        (
            "",
            r#"if slug.starts_with('/') { return Ok("".into()); } std::fs::read(format!("/srv/{slug}"))?;"#,
            "path.traversal",
        ),
        ("", r#"let to: url::Url = slug.parse()?; reqwest::get(to.as_str()).await?;"#, "ssrf"),
        ("", r#"let to: u16 = slug.parse()?; reqwest::get(format!("http://localhost:{to}/")).await?;"#, ""),
        (
            "axum::response::Html",
            r#"let mut safe = String::new(); for c in slug.chars() { match c { '&' => safe.push_str("&amp;"), '<' => safe.push_str("&lt;"), other => safe.push(other) } } Html(safe);"#,
            "",
        ),
        (
            "axum::response::Html",
            r#"let mut safe = String::new(); for c in slug.chars() { match c { '"' => safe.push('\''), other => safe.push(other) } } Html(safe);"#,
            "xss.reflected",
        ),
        (
            "axum::response::Html",
            r#"let name = open().query_row("SELECT name FROM t WHERE id = ?1", [&slug], |row| row.get(0))?; Html(name);"#,
            "",
        ),
    ]);
}

#[test]
fn branches_that_are_decided() {
    check(&[
        (
            "",
            r#"if true && slug.contains("..") { return Ok("".into()); } std::fs::read(format!("/srv/{slug}"))?;"#,
            "",
        ),
        (
            "",
            r#"if false && slug.contains("..") { return Ok("".into()); } std::fs::read(format!("/srv/{slug}"))?;"#,
            "path.traversal",
        ),
        (
            "",
            r#"let sql = match (id, true) { (_, false) => slug, (_, true) => "SELECT 1".to_owned() }; sqlx::query(&sql).execute(&app.pool).await?;"#,
            "",
        ),
        (
            "",
            r#"let sql = match id { _ if !true => slug, _ => "SELECT 1".to_owned() }; sqlx::query(&sql).execute(&app.pool).await?;"#,
            "",
        ),
        (
            "",
            r#"let sql = match id { _ if id > 3 => slug, _ => "SELECT 1".to_owned() }; sqlx::query(&sql).execute(&app.pool).await?;"#,
            "sql.injection",
        ),
    ]);
}

#[test]
fn cookies_and_answers() {
    check(&[
        ("cookie::Cookie", r#"jar().add(Cookie::new("session", slug));"#, "rust.cookie.open"),
        ("cookie::Cookie", r#"jar().add(Cookie::new("theme", slug));"#, ""),
        (
            "cookie::Cookie",
            r#"jar().add(Cookie::build(("session", slug)).http_only(true).secure(true));"#,
            "",
        ),
        (
            "cookie::Cookie",
            r#"jar().add(Cookie::build(("session", slug)).http_only(false));"#,
            "rust.cookie.open",
        ),
        (
            "axum::http::header",
            r#"let mut fields = HeaderMap::new(); fields.insert(header::SET_COOKIE, format!("sid={slug}; Path=/; HttpOnly").parse()?);"#,
            "",
        ),
        ("std::backtrace::Backtrace", r#"tracing::error!("{}", Backtrace::capture());"#, ""),
        (
            "std::backtrace::Backtrace axum::Json",
            r#"Json(Backtrace::capture().to_string());"#,
            "error.stack-leak",
        ),
        (
            "tower_http::cors::{Any,CorsLayer}",
            r#"CorsLayer::new().allow_origin(Any).allow_methods([axum::http::Method::GET]);"#,
            "",
        ),
    ]);
}
