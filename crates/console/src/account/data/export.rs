//! `POST /.gabion/account/data/export`: everything kept about one, as a JSON file to keep. A critical act.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodRouter, post};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};

use crate::context::Member;
use crate::{Console, page};

pub(crate) fn route() -> MethodRouter<Console> {
    post(export)
}

async fn export(State(console): State<Console>, member: Member) -> Response {
    let export = match console.service.export(&member.visitor.caller()).await {
        Ok(export) => export,
        Err(error) => return member.refused(error.into()),
    };
    match serde_json::to_vec_pretty(&export) {
        Ok(json) => {
            let mut answer = (StatusCode::OK, json).into_response();
            let headers = answer.headers_mut();
            page::harden(headers);
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            headers.insert(
                CONTENT_DISPOSITION,
                HeaderValue::from_static("attachment; filename=\"account-data.json\""),
            );
            answer
        }
        Err(error) => {
            tracing::error!(%error, "export not written");
            member.visitor.unavailable()
        }
    }
}
