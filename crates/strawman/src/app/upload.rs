//! Upload: pictures and texts that people keep here.

use axum::Json;
use axum::Router;
use axum::extract::multipart::MultipartError;
use axum::extract::{Multipart, Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use gabion_vault::encoding;
use http::{StatusCode, header};
use serde_json::json;

use super::App;
use super::caller::SignedIn;
use super::page::page;
use super::refusal::{Answer, Refusal};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/upload", get(form).post(upload)).route("/files/{name}", get(file))
}

async fn form(SignedIn(user): SignedIn) -> Response {
    page("Upload", Some(&user), FORM)
}

/// Keeps the field `file` and answers where it is.
async fn upload(State(app): State<App>, SignedIn(_): SignedIn, mut parts: Multipart) -> Answer {
    let unreadable = |_: MultipartError| Refusal::bad_request("That is not an upload.");
    while let Some(part) = parts.next_field().await.map_err(unreadable)? {
        if part.name() != Some("file") {
            continue;
        }
        let given = part.file_name().unwrap_or("file").to_owned();
        let bytes = part.bytes().await.map_err(unreadable)?;
        let name = if app.repaired {
            let Some(extension) = sniffed(&bytes) else {
                return Err(Refusal::new(
                    StatusCode::UNSUPPORTED_MEDIA_TYPE,
                    "Pictures and plain texts only.",
                ));
            };
            let random = encoding::base64url_encode(&gabion_model::random::bytes::<12>(&app.rng));
            format!("{random}.{extension}")
        } else {
            // HOLE unsafe-upload: any content, under the name and with the type the sender likes.
            given.rsplit(['/', '\\']).next().unwrap_or("file").to_owned()
        };
        if matches!(name.as_str(), "" | "." | "..") {
            return Err(Refusal::bad_request("The file has no name."));
        }
        tokio::fs::write(app.files.uploads().join(&name), &bytes)
            .await
            .map_err(|error| app.broken("write upload", error))?;
        return Ok((StatusCode::CREATED, Json(json!({ "path": format!("/files/{name}") }))).into_response());
    }
    Err(Refusal::bad_request("There is no file in that."))
}

async fn file(State(app): State<App>, SignedIn(_): SignedIn, Path(name): Path<String>) -> Answer {
    if name.contains(['/', '\\']) || name == ".." {
        return Err(Refusal::not_found());
    }
    let bytes = tokio::fs::read(app.files.uploads().join(&name)).await.map_err(|_| Refusal::not_found())?;
    let kind = content_type(name.rsplit('.').next().unwrap_or_default());
    if app.repaired {
        let fields = [(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, "attachment")];
        return Ok((fields, bytes).into_response());
    }
    Ok(([(header::CONTENT_TYPE, kind)], bytes).into_response())
}

fn content_type(extension: &str) -> &'static str {
    match extension {
        "html" => "text/html; charset=utf-8",
        "svg" => "image/svg+xml",
        "js" => "text/javascript",
        "png" => "image/png",
        "jpg" => "image/jpeg",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// What the bytes are, if it is something we keep: the extension to store it under. A text may hold markup;
/// it is kept as a text and never shown as a page.
fn sniffed(bytes: &[u8]) -> Option<&'static str> {
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        return Some("png");
    }
    if bytes.starts_with(b"\xff\xd8\xff") {
        return Some("jpg");
    }
    let text = std::str::from_utf8(bytes).ok()?;
    let plain =
        !text.contains('<') && !text.chars().any(|letter| letter.is_control() && !"\r\n\t".contains(letter));
    plain.then_some("txt")
}

const FORM: &str = "<h1>Upload</h1><p>Pictures and plain texts, up to one megabyte.</p>\
    <form method=\"post\" action=\"/upload\" enctype=\"multipart/form-data\">\
    <input name=\"file\" type=\"file\" aria-label=\"File\" required><button>Upload</button></form>";
