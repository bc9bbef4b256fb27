//! Labels for the label printer, which knows capital letters only. `tr` makes them.

use std::process::Stdio;

use axum::Router;
use axum::extract::{Query, State};
use axum::response::IntoResponse;
use axum::routing::get;
use serde::Deserialize;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use super::App;
use super::caller::SignedIn;
use super::refusal::Answer;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/api/labels", get(label))
}

#[derive(Deserialize)]
struct Label {
    text: String,
}

async fn label(State(app): State<App>, SignedIn(_): SignedIn, Query(Label { text }): Query<Label>) -> Answer {
    let capitals = if app.repaired {
        by_argument(&text).await
    } else {
        // HOLE command-injection: the text is part of a command line that a shell reads.
        Command::new("sh")
            .args(["-c", &format!("echo {text} | tr a-z A-Z")])
            .kill_on_drop(true)
            .output()
            .await
            .map(|output| output.stdout)
    };
    Ok(capitals.map_err(|error| app.broken("tr a-z A-Z", error))?.into_response())
}

/// No shell: the text is the program's input and nothing else.
async fn by_argument(text: &str) -> std::io::Result<Vec<u8>> {
    let mut child = Command::new("tr")
        .args(["a-z", "A-Z"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(text.as_bytes()).await?;
    }
    Ok(child.wait_with_output().await?.stdout)
}
