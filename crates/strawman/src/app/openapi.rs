//! The API's description, OpenAPI 3.1: the same file that the gate holds requests and answers against.

use axum::Router;
use axum::response::IntoResponse;
use axum::routing::get;
use http::header;

use super::App;

/// The document as it is served at `/openapi.yaml`.
const DOCUMENT: &str = include_str!("../../../../examples/shop/openapi.yaml");

pub(super) fn routes() -> Router<App> {
    let document = || async { ([(header::CONTENT_TYPE, "application/yaml")], DOCUMENT).into_response() };
    Router::new().route("/openapi.yaml", get(document))
}
