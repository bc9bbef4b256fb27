//! Import of notes from another program, as XML:
//! `<notes><note><title>…</title><body>…</body></note></notes>`.

use std::collections::HashMap;

use axum::Json;
use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::post;
use quick_xml::Reader;
use quick_xml::events::Event;
use rusqlite::params;
use serde_json::json;

use super::App;
use super::caller::SignedIn;
use super::preview;
use super::refusal::{Answer, Refusal};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/api/import", post(import))
}

/// Keeps the notes and answers them.
async fn import(State(app): State<App>, SignedIn(user): SignedIn, document: String) -> Answer {
    let notes = parse(&app, &document).await?;
    let query = "INSERT INTO notes (user_id, tenant, title, body) VALUES (?1, ?2, ?3, ?4)";
    let mut kept = Vec::new();
    for (title, body) in notes {
        app.database()
            .execute(query, params![user.id, user.tenant, title, body])
            .map_err(|error| app.broken(query, error))?;
        kept.push(json!({ "title": title, "body": body }));
    }
    Ok(Json(json!({ "imported": kept })).into_response())
}

/// Title and body of each note.
async fn parse(app: &App, document: &str) -> Result<Vec<(String, String)>, Refusal> {
    let malformed = || Refusal::bad_request("That is not a list of notes.");
    let mut reader = Reader::from_str(document);
    let (mut entities, mut notes, mut text) = (HashMap::new(), Vec::new(), String::new());
    let (mut title, mut body) = (String::new(), String::new());
    loop {
        match reader.read_event().map_err(|_| malformed())? {
            Event::DocType(declaration) => {
                if app.repaired {
                    return Err(Refusal::bad_request("A list of notes declares no document type."));
                }
                // HOLE xxe: the document names files and addresses, and the parser fetches them.
                entities = declared(app, &declaration.xml10_content()).await;
            }
            Event::Start(_) => text.clear(),
            Event::Text(part) => text.push_str(&part.xml10_content()),
            Event::CData(part) => text.push_str(&part),
            Event::GeneralRef(reference) => match reference.resolve_char_ref() {
                Ok(Some(letter)) => text.push(letter),
                _ => text.push_str(&entity(&entities, &reference.xml10_content()).ok_or_else(malformed)?),
            },
            Event::End(end) => match end.name().as_ref() {
                "title" => title = std::mem::take(&mut text),
                "body" => body = std::mem::take(&mut text),
                "note" => notes.push((std::mem::take(&mut title), std::mem::take(&mut body))),
                _ => {}
            },
            Event::Eof => return Ok(notes),
            _ => {}
        }
    }
}

fn entity(declared: &HashMap<String, String>, name: &str) -> Option<String> {
    let known = match name {
        "lt" => "<",
        "gt" => ">",
        "amp" => "&",
        "apos" => "'",
        "quot" => "\"",
        other => return declared.get(other).cloned(),
    };
    Some(known.to_owned())
}

/// The entities of a document type declaration, `<!ENTITY name SYSTEM "where">`, fetched.
async fn declared(app: &App, declaration: &str) -> HashMap<String, String> {
    let mut entities = HashMap::new();
    for part in declaration.split("<!ENTITY").skip(1) {
        let mut words = part.split_whitespace();
        let (Some(name), Some("SYSTEM"), Some(place)) = (words.next(), words.next(), words.next()) else {
            continue;
        };
        let place = place.trim_matches(|letter| matches!(letter, '"' | '\'' | '>' | ']'));
        if let Some(text) = resolve(app, place).await {
            entities.insert(name.to_owned(), text);
        }
    }
    entities
}

async fn resolve(app: &App, place: &str) -> Option<String> {
    if place.starts_with("http://") {
        return preview::fetch(place).await.ok();
    }
    let path = place.strip_prefix("file://").unwrap_or(place);
    tokio::fs::read_to_string(app.files.documents().join(path)).await.ok()
}
