//! Notes: everybody has their own.

use std::fmt::Write;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect};
use axum::routing::get;
use axum::{Form, Json, Router};
use http::{HeaderMap, StatusCode, header};
use rusqlite::{OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};

use super::App;
use super::caller::{SignedIn, User};
use super::live::News;
use super::page::{escape, page};
use super::refusal::{Answer, Refusal};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/notes", get(list_page).post(create_form))
        .route("/notes/{id}", get(note_page))
        .route("/api/notes", get(list_json).post(create_json))
        .route("/api/notes/{id}", get(note_json).put(replace))
}

#[derive(Debug, Serialize)]
pub(super) struct Note {
    pub(super) id: i64,
    pub(super) title: String,
    pub(super) body: String,
}

impl Note {
    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self { id: row.get(0)?, title: row.get(1)?, body: row.get(2)? })
    }

    /// The note's text as HTML.
    pub(super) fn html(&self, app: &App) -> String {
        // HOLE stored-xss: the text is put on the page as it was written.
        if app.repaired { escape(&self.body) } else { self.body.clone() }
    }
}

#[derive(Deserialize)]
struct Draft {
    title: String,
    body: String,
}

async fn list_page(State(app): State<App>, SignedIn(user): SignedIn) -> Answer {
    let mut cards = String::new();
    for note in list(&app, &user)? {
        let _ = write!(
            cards,
            "<li class=\"card\"><b><a href=\"/notes/{}\">{}</a></b>{}</li>",
            note.id,
            escape(&note.title),
            escape(&note.body),
        );
    }
    let body = format!(
        "<h1>Notes</h1><ul class=\"grid\">{cards}</ul><form method=\"post\" action=\"/notes\">\
         <input name=\"title\" placeholder=\"Title\" aria-label=\"Title\" required>\
         <textarea name=\"body\" rows=\"4\" aria-label=\"Text\" required></textarea><button>Keep</button></form>"
    );
    Ok(page("Notes", Some(&user), &body))
}

async fn note_page(State(app): State<App>, SignedIn(user): SignedIn, Path(id): Path<String>) -> Answer {
    let note = find(&app, &user, &id)?;
    let body = format!(
        "<h1>{}</h1><p>{}</p><form method=\"post\" action=\"/notes/{}/share\"><button>Share by link</button></form>",
        escape(&note.title),
        note.html(&app),
        note.id
    );
    Ok(page(&note.title, Some(&user), &body))
}

async fn create_form(State(app): State<App>, SignedIn(user): SignedIn, Form(draft): Form<Draft>) -> Answer {
    let note = create(&app, &user, draft)?;
    Ok(Redirect::to(&format!("/notes/{}", note.id)).into_response())
}

async fn list_json(State(app): State<App>, SignedIn(user): SignedIn) -> Answer {
    Ok(Json(list(&app, &user)?).into_response())
}

async fn note_json(State(app): State<App>, SignedIn(user): SignedIn, Path(id): Path<String>) -> Answer {
    Ok(Json(find(&app, &user, &id)?).into_response())
}

async fn create_json(
    State(app): State<App>,
    SignedIn(user): SignedIn,
    headers: HeaderMap,
    body: String,
) -> Answer {
    // HOLE csrf: JSON is taken under any content type, so a foreign form can send it.
    let json = headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"application/json"));
    if app.repaired && !json {
        return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Send JSON."));
    }
    let draft =
        serde_json::from_str(&body).map_err(|_| Refusal::bad_request("A note has a title and a body."))?;
    Ok((StatusCode::CREATED, Json(create(&app, &user, draft)?)).into_response())
}

async fn replace(
    State(app): State<App>,
    SignedIn(user): SignedIn,
    Path(id): Path<String>,
    Json(draft): Json<Draft>,
) -> Answer {
    let note = find(&app, &user, &id)?;
    let query = "UPDATE notes SET title = ?2, body = ?3 WHERE id = ?1";
    app.database()
        .execute(query, params![note.id, draft.title, draft.body])
        .map_err(|error| app.broken(query, error))?;
    Ok(Json(Note { id: note.id, title: draft.title, body: draft.body }).into_response())
}

fn create(app: &App, user: &User, draft: Draft) -> Result<Note, Refusal> {
    let query = "INSERT INTO notes (user_id, tenant, title, body) VALUES (?1, ?2, ?3, ?4)";
    let id = {
        let database = app.database();
        database
            .execute(query, params![user.id, user.tenant, draft.title, draft.body])
            .map_err(|error| app.broken(query, error))?;
        database.last_insert_rowid()
    };
    let _ = app.news.send(News { user: user.id, text: format!("note kept: {}", draft.title) });
    Ok(Note { id, title: draft.title, body: draft.body })
}

fn list(app: &App, user: &User) -> Result<Vec<Note>, Refusal> {
    let query = "SELECT id, title, body FROM notes WHERE user_id = ?1 ORDER BY id DESC";
    let run = || {
        let database = app.database();
        let mut statement = database.prepare(query)?;
        statement.query_map([user.id], Note::read)?.collect::<rusqlite::Result<Vec<_>>>()
    };
    run().map_err(|error| app.broken(query, error))
}

/// The note with the id in the path, if the user may see it.
pub(super) fn find(app: &App, user: &User, id: &str) -> Result<Note, Refusal> {
    let query = "SELECT id, title, body FROM notes WHERE id = ?1";
    let number: i64 = id.parse().map_err(|error| app.malformed(query, error))?;
    let found = if app.repaired {
        let own = format!("{query} AND user_id = ?2");
        app.database().query_row(&own, [number, user.id], Note::read).optional()
    } else {
        // HOLE idor-user: whoever knows the number may read and write.
        app.database().query_row(query, [number], Note::read).optional()
    };
    found.map_err(|error| app.broken(query, error))?.ok_or_else(Refusal::not_found)
}
