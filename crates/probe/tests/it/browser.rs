//! What runs in browsers: against the straw man, its repaired twin, and small applications that look alike.

use std::collections::HashMap;

use axum::Router;
use axum::extract::Query;
use axum::http::header;
use axum::response::{Html, IntoResponse};
use axum::routing::get;
use gabion_probe::{Facts, Report, Verdict, run};
use gabion_strawman::Options;

use crate::ground::{Silent, assert_proven, assert_quiet, print, probe, world};

/// Whether there was a browser; a test without one says that it was skipped.
pub(crate) fn had_browser(report: &Report, test: &str) -> bool {
    let lacks = |reason: &str| reason.contains("no browser was found");
    let missing = report.outcomes.iter().find(|outcome| outcome.test == test && lacks(&outcome.says));
    let notes = report.notes.iter().find(|note| lacks(note));
    let reason = missing.map(|outcome| outcome.says.clone()).or_else(|| notes.cloned());
    if let Some(reason) = &reason {
        println!("skipped: {}: {reason}", std::thread::current().name().unwrap_or("test"));
    }
    reason.is_none()
}

#[tokio::test]
async fn scripts_that_links_carry_run_in_the_straw_man() {
    let report = probe(Options::vulnerable(), &["xss-reflected"]).await;
    if had_browser(&report, "xss-reflected") {
        assert_proven(&report, &[("xss-reflected", "GET /shop", "")]);
    }
}

#[tokio::test]
async fn scripts_that_links_carry_are_text_in_the_repaired_twin() {
    assert_quiet(&probe(Options::repaired(), &["xss-reflected"]).await);
}

#[tokio::test]
async fn pages_of_other_sites_write_into_the_straw_man() {
    let report = probe(Options::vulnerable(), &["csrf"]).await;
    if had_browser(&report, "csrf") {
        let found = [
            ("csrf", "POST /profile/email", ""),
            ("csrf", "POST /api/notes", ""),
            ("csrf", "POST /upload", ""),
        ];
        assert_proven(&report, &found);
    }
}

#[tokio::test]
async fn pages_of_other_sites_are_refused_by_the_repaired_twin() {
    let report = probe(Options::repaired(), &["csrf"]).await;
    assert_quiet(&report);
    if had_browser(&report, "csrf") {
        let refused =
            report.outcomes.iter().filter(|one| one.test == "csrf" && one.verdict == Verdict::Passed);
        assert!(refused.count() >= 2, "the control finds no place that shows a write");
    }
}

#[tokio::test]
async fn scripts_in_notes_run_for_the_readers_of_the_straw_man() {
    let report = probe(Options::vulnerable(), &["xss-stored"]).await;
    if had_browser(&report, "xss-stored") {
        assert_proven(
            &report,
            &[("xss-stored", "GET /shared/{token}", ""), ("xss-stored", "GET /notes/{id}", "")],
        );
    }
}

#[tokio::test]
async fn notes_are_text_in_the_repaired_twin() {
    assert_quiet(&probe(Options::repaired(), &["xss-stored"]).await);
}

#[tokio::test]
async fn uploads_run_in_the_straw_man() {
    let report = probe(Options::vulnerable(), &["upload-execution"]).await;
    if had_browser(&report, "upload-execution") {
        assert_proven(
            &report,
            &[("upload-execution", "POST /upload", "page"), ("upload-execution", "POST /upload", "picture")],
        );
    }
}

#[tokio::test]
async fn uploads_do_not_run_in_the_repaired_twin() {
    assert_quiet(&probe(Options::repaired(), &["upload-execution"]).await);
}

fn value(query: &HashMap<String, String>) -> &str {
    query.get("q").map_or("", String::as_str)
}

/// The same value in places of pages where it runs, and where it only looks as if it did.
fn places() -> Router {
    type Q = Query<HashMap<String, String>>;
    let paths = ["attribute", "script", "area", "link", "json", "quoted", "policy", "download"];
    let links: String = paths.map(|path| format!("<a href='/{path}?q=a'>{path}</a>")).concat();
    let escape = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
    Router::new()
        .route("/", get(async move || Html(links)))
        .route(
            "/attribute",
            get(async |q: Q| Html(format!("<input value=\"{}\">", value(&q).replace('<', "&lt;")))),
        )
        .route(
            "/script",
            get(async |q: Q| Html(format!("<script>var a = '{}'</script>", value(&q).replace('<', "")))),
        )
        .route("/area", get(async |q: Q| Html(format!("<textarea>{}</textarea>", value(&q)))))
        .route("/link", get(async move |q: Q| Html(format!("<a href=\"{}\">x</a>", escape(value(&q))))))
        .route("/json", get(async |q: Q| axum::Json(serde_json::json!({ "said": value(&q) }))))
        .route("/quoted", get(async move |q: Q| Html(format!("<p title=\"{}\">x</p>", escape(value(&q))))))
        .route(
            "/policy",
            get(async |q: Q| {
                ([(header::CONTENT_SECURITY_POLICY, "script-src 'none'")], Html(value(&q).to_owned()))
            }),
        )
        .route(
            "/download",
            get(async |q: Q| {
                ([(header::CONTENT_DISPOSITION, "attachment")], Html(value(&q).to_owned())).into_response()
            }),
        )
}

#[tokio::test]
async fn scripts_are_told_from_what_only_looks_like_them() {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { axum::serve(listener, places()).await });
    let report = run(Facts::of(&base), &world(&["xss-reflected"]), &Silent).await.unwrap();
    server.abort();
    print(&report);
    if !had_browser(&report, "xss-reflected") {
        return;
    }
    let verdict = |path: &str| {
        let at = format!("GET {path}");
        report.outcomes.iter().filter(|one| one.operation == at).map(|one| one.verdict).max()
    };
    for path in ["/attribute", "/script", "/area", "/link"] {
        assert_eq!(verdict(path), Some(Verdict::Proven), "{path}");
    }
    for path in ["/json", "/quoted", "/download"] {
        assert_eq!(verdict(path), Some(Verdict::Passed), "{path}");
    }
    assert_eq!(verdict("/policy"), Some(Verdict::Tentative));
}
