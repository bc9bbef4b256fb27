//! Documents for everybody who works here: `/documents?file=guide.txt`.

use std::fmt::Write;

use axum::Router;
use axum::extract::{Query, State};
use axum::response::IntoResponse;
use axum::routing::get;
use http::header;
use serde::Deserialize;

use super::App;
use super::caller::SignedIn;
use super::page::{escape, page};
use super::refusal::{Answer, Refusal};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/documents", get(documents))
}

#[derive(Deserialize)]
struct Wanted {
    file: Option<String>,
}

async fn documents(
    State(app): State<App>,
    SignedIn(user): SignedIn,
    Query(Wanted { file }): Query<Wanted>,
) -> Answer {
    let Some(file) = file else {
        let mut list = String::new();
        for name in names(&app)? {
            let _ = write!(
                list,
                "<li class=\"card\"><a href=\"/documents?file={0}\">{0}</a></li>",
                escape(&name)
            );
        }
        return Ok(page(
            "Documents",
            Some(&user),
            &format!("<h1>Documents</h1><ul class=\"grid\">{list}</ul>"),
        ));
    };
    if app.repaired && !names(&app)?.contains(&file) {
        return Err(Refusal::not_found());
    }
    // HOLE path-traversal: the name may climb out of the directory, or be absolute.
    let bytes = tokio::fs::read(app.files.documents().join(&file)).await.map_err(|_| Refusal::not_found())?;
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], bytes).into_response())
}

fn names(app: &App) -> Result<Vec<String>, Refusal> {
    let read = || -> std::io::Result<Vec<String>> {
        let entries = std::fs::read_dir(app.files.documents())?;
        entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
    };
    let mut names = read().map_err(|error| app.broken("read documents", error))?;
    names.sort();
    Ok(names)
}
