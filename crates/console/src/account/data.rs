//! `GET /.gabion/account/data`: taking along what is kept about one, and leaving.

pub(crate) mod export;

use askama::Template;
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use http::StatusCode;

use crate::context::Member;
use crate::{Console, page};

pub(crate) fn route() -> MethodRouter<Console> {
    get(show)
}

#[derive(Debug, Template)]
#[template(path = "data.html")]
struct Page<'a> {
    name: &'a str,
}

async fn show(member: Member) -> Response {
    page::render(StatusCode::OK, &Page { name: &member.session.principal.name })
}
