//! The API's description, OpenAPI 3.1.

use axum::Router;
use axum::response::IntoResponse;
use axum::routing::get;
use http::header;

use super::App;

/// The document as it is served at `/openapi.json`.
const DOCUMENT: &str = include_str!("openapi.json");

pub(super) fn routes() -> Router<App> {
    let document = || async { ([(header::CONTENT_TYPE, "application/json")], DOCUMENT).into_response() };
    Router::new().route("/openapi.json", get(document))
}
