//! `GET /.gabion/api/v1/incidents/{id}/report?format=…`: a report for people, or indicators for other tools.

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodRouter, get};
use gabion_incident::report;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use serde::Deserialize;
use utoipa::IntoParams;

use super::Id;
use crate::Console;
use crate::api::v1::{json, refused};
use crate::api::{Asker, Problem, Query};
use crate::page;

pub(crate) fn route() -> MethodRouter<Console> {
    get(read)
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// `markdown`, `html` or `stix` (STIX 2.1).
    #[param(value_type = Option<String>)]
    #[serde(default)]
    format: Format,
}

#[derive(Debug, Default, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Format {
    Html,
    #[default]
    Markdown,
    Stix,
}

/// The report of an incident, as a file: no browser shows it as a page of the gate.
#[utoipa::path(get, path = "/.gabion/api/v1/incidents/{id}/report", tag = "incidents", operation_id = "report_incident",
    params(("id" = u64, Path), Wanted),
    responses((status = 200, body = String), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn read(
    State(console): State<Console>,
    asker: Asker,
    Path(id): Path<Id>,
    Query(wanted): Query<Wanted>,
) -> Response {
    let material = match console.service.incident(&asker.caller, id.0).await {
        Ok(material) => material,
        Err(error) => return refused(error),
    };
    match wanted.format {
        Format::Markdown => file(report::markdown(&material), "text/markdown; charset=utf-8", "report.md"),
        Format::Html => file(report::html(&material), "text/html; charset=utf-8", "report.html"),
        Format::Stix => {
            let organisation = console.service.organisation();
            json(StatusCode::OK, &report::stix::bundle(&material, organisation.as_deref()))
        }
    }
}

fn file(text: String, kind: &'static str, name: &'static str) -> Response {
    let mut answer = text.into_response();
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    if let Ok(disposition) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        headers.insert(CONTENT_DISPOSITION, disposition);
    }
    page::harden(headers);
    answer
}
