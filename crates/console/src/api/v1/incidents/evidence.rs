//! `POST /.gabion/api/v1/incidents/{id}/evidence`: keeps a file, or a sealed copy of the ledger's records. `GET`: everything,
//! with the proofs.

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use gabion_incident::evidence::LONGEST;
use gabion_service::incidents::NewEvidence;
use http::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;

use super::Id;
use crate::Console;
use crate::api::v1::{json, refused};
use crate::api::{Asker, Problem, Query};

pub(crate) fn route() -> MethodRouter<Console> {
    get(take_out).post(keep).layer(DefaultBodyLimit::max(LONGEST))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Kept {
    /// The file's name. Without it, and without a body, the records of the ledger are kept.
    name: Option<String>,
    /// Where the file is from: a machine, a person.
    source: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Purpose {
    /// For whom and what for; it is on record.
    purpose: String,
}

/// Keeps the body as evidence, at most 8 MiB; or, without a name and a body, a sealed copy of every record of the ledger that
/// belongs to the incident.
#[utoipa::path(post, path = "/.gabion/api/v1/incidents/{id}/evidence", tag = "incidents", operation_id = "keep_evidence",
    params(("id" = u64, Path), Kept), request_body(content = String, content_type = "application/octet-stream"),
    responses((status = 201, body = serde_json::Value), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 413, description = "more than 8 MiB"), (status = 422, body = Problem)))]
pub(crate) async fn keep(
    State(console): State<Console>,
    asker: Asker,
    Path(id): Path<Id>,
    Query(kept): Query<Kept>,
    body: Bytes,
) -> Response {
    let taken = match kept.name {
        None if body.is_empty() => console.service.collect_evidence(&asker.caller, id.0).await,
        name => {
            let new = NewEvidence {
                name: name.unwrap_or_default(),
                source: kept.source.unwrap_or_else(|| "the API".to_owned()),
                content: body.to_vec(),
            };
            console.service.keep_evidence(&asker.caller, id.0, new).await
        }
    };
    match taken {
        Ok(taken) => json(StatusCode::CREATED, &taken),
        Err(error) => refused(error),
    }
}

/// Everything that was kept, every step of the incident, and the proofs: `gabion incident evidence verify` checks it. That it
/// was taken out is on record, so the first answer may be 503 until the ledger has signed that.
#[utoipa::path(get, path = "/.gabion/api/v1/incidents/{id}/evidence", tag = "incidents", operation_id = "export_evidence",
    params(("id" = u64, Path), Purpose),
    responses((status = 200, body = serde_json::Value), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 503, body = Problem)))]
pub(crate) async fn take_out(
    State(console): State<Console>,
    asker: Asker,
    Path(id): Path<Id>,
    Query(purpose): Query<Purpose>,
) -> Response {
    match console.service.export_evidence(&asker.caller, id.0, &purpose.purpose).await {
        Ok(pack) => json(StatusCode::OK, &pack),
        Err(error) => refused(error),
    }
}
