//! Sharing a note: a link goes out by e-mail, and whoever has the link reads the note.

use axum::extract::{Path, State};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use gabion_vault::encoding;
use http::{HeaderMap, header};
use rusqlite::{OptionalExtension, params};
use serde_json::json;

use super::App;
use super::caller::{SignedIn, Visitor};
use super::note::{self, Note};
use super::page::{escape, page};
use super::refusal::{Answer, Refusal};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/notes/{id}/share", post(share)).route("/shared/{token}", get(shared))
}

/// Answers the e-mail that goes to the colleague.
async fn share(
    State(app): State<App>,
    SignedIn(user): SignedIn,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Answer {
    let note = note::find(&app, &user, &id)?;
    let token = encoding::base64url_encode(&gabion_model::random::bytes::<16>(&app.rng));
    let query = "UPDATE notes SET share_token = ?2 WHERE id = ?1";
    app.database().execute(query, params![note.id, token]).map_err(|error| app.broken(query, error))?;
    // HOLE host-header: the link points to whatever host the request named.
    let origin = if app.repaired { app.origin() } else { format!("http://{}", named_host(&headers)) };
    let link = format!("{origin}/shared/{token}");
    let mail = format!("{} shares “{}” with you: {link}", user.display_name, note.title);
    Ok(Json(json!({ "mail": mail, "link": link, "path": format!("/shared/{token}") })).into_response())
}

async fn shared(State(app): State<App>, Visitor(user): Visitor, Path(token): Path<String>) -> Answer {
    let query = "SELECT id, title, body FROM notes WHERE share_token = ?1";
    let note = app
        .database()
        .query_row(query, [&token], Note::read)
        .optional()
        .map_err(|error| app.broken(query, error))?
        .ok_or_else(Refusal::not_found)?;
    let body = format!("<h1>{}</h1><p>{}</p>", escape(&note.title), note.html(&app));
    Ok(page(&note.title, user.as_ref(), &body))
}

/// The host by which the visitor seems to know this application.
fn named_host(headers: &HeaderMap) -> String {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let forwarded = text("forwarded")
        .and_then(|value| value.split(';').find_map(|part| part.trim().strip_prefix("host=")));
    forwarded
        .or_else(|| text("x-forwarded-host"))
        .or_else(|| text(header::HOST.as_str()))
        .unwrap_or_default()
        .to_owned()
}
