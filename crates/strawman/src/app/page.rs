//! The frame around every page.

use std::fmt::Write;

use axum::response::{Html, IntoResponse, Response};

use super::caller::User;

/// A whole page. `body` is HTML.
pub(super) fn page(title: &str, user: Option<&User>, body: &str) -> Response {
    let mut navigation = String::new();
    for (path, word) in PUBLIC.iter().chain(if user.is_some() { PRIVATE } else { &[] }) {
        let _ = write!(navigation, "<a href=\"{path}\">{word}</a>");
    }
    if user.is_some_and(User::is_admin) {
        navigation.push_str("<a href=\"/admin\">Admin</a>");
    }
    let who = match user {
        Some(user) => format!(
            "<a class=\"who\" href=\"/profile\">{} <small>{}</small></a>",
            escape(&user.display_name),
            escape(&user.tenant)
        ),
        None => "<a class=\"who\" href=\"/profile\">Sign in</a>".to_owned(),
    };
    Html(format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{} · Straw &amp; Co.</title>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <link rel=\"stylesheet\" href=\"/style.css\"></head><body><header><a class=\"brand\" href=\"/\">Straw &amp; \
         Co.</a><nav>{navigation}</nav>{who}</header><main>{body}</main>\
         <footer>Straw &amp; Co. is vulnerable on purpose. Keep it on this machine.</footer></body></html>",
        escape(title),
    ))
    .into_response()
}

/// Text as it may stand in HTML, in elements and in quoted attributes.
pub(super) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

/// Cents as people read them.
pub(super) fn price(cents: i64) -> String {
    format!("€ {}.{:02}", cents / 100, cents % 100)
}

const PUBLIC: &[(&str, &str)] = &[("/shop", "Shop"), ("/search", "Search")];

const PRIVATE: &[(&str, &str)] = &[
    ("/cart", "Cart"),
    ("/orders", "Orders"),
    ("/notes", "Notes"),
    ("/documents", "Documents"),
    ("/upload", "Upload"),
    ("/preview", "Preview"),
];
