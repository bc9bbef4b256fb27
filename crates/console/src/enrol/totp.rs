//! `GET …/totp`: a new secret as QR code and as text. `POST`: sets it up with its first code.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use gabion_model::Secret;
use gabion_service::{EnrolError, TotpEnrolment};
use http::StatusCode;
use qrcodegen::{QrCode, QrCodeEcc};
use serde::Deserialize;

use super::Place;
use crate::context::Visitor;
use crate::form::{Asking, Form, Trouble};
use crate::{Console, next, page, words};

pub(crate) fn route(place: Place) -> MethodRouter<Console> {
    get(move |State(console): State<Console>, visitor: Visitor, Asking(asked): Asking<Asked>| async move {
        show(place, &console, &visitor, next::local(&asked.next)).await
    })
    .post(
        move |State(console): State<Console>, visitor: Visitor, Form(fields): Form<Fields>| async move {
            confirm(place, &console, &visitor, fields).await
        },
    )
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    next: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Fields {
    enrolment: String,
    code: Secret<String>,
    #[serde(default)]
    name: String,
    #[serde(default)]
    next: String,
}

#[derive(Template)]
#[template(path = "enrol_totp.html")]
struct Page<'a> {
    base: &'static str,
    next: &'a str,
    who: &'a str,
    picture: String,
    secret: String,
    enrolment: &'a str,
    name: &'a str,
    problem: Option<Trouble>,
}

async fn show(place: Place, console: &Console, visitor: &Visitor, next: &str) -> Response {
    match console.service.begin_totp(&visitor.caller(), &place.ground(visitor)).await {
        Ok(enrolment) => form(place, StatusCode::OK, &enrolment, "", next, None),
        Err(error) => place.refused(visitor, error, next),
    }
}

async fn confirm(place: Place, console: &Console, visitor: &Visitor, fields: Fields) -> Response {
    let Fields { enrolment, code, name, next } = fields;
    let (next, caller, ground) = (next::local(&next), visitor.caller(), place.ground(visitor));
    let (status, problem) =
        match console.service.confirm_totp(&caller, &ground, &enrolment, code, &name).await {
            Ok(enrolled) => return place.done(visitor, &enrolled, next),
            Err(EnrolError::Rejected) => (
                StatusCode::FORBIDDEN,
                Trouble::new(
                    "The code is wrong.",
                    "Type the six digits the app shows right now. If they never match, set its clock.",
                ),
            ),
            Err(EnrolError::Throttled { retry_after }) => {
                (StatusCode::TOO_MANY_REQUESTS, Trouble::throttled(&words::wait(retry_after)))
            }
            Err(error) => return place.refused(visitor, error, next),
        };
    match console.service.resume_totp(&caller, &ground, &enrolment).await {
        Ok(enrolment) => form(place, status, &enrolment, &name, next, Some(problem)),
        Err(error) => place.refused(visitor, error, next),
    }
}

fn form(
    place: Place,
    status: StatusCode,
    enrolment: &TotpEnrolment,
    name: &str,
    next: &str,
    problem: Option<Trouble>,
) -> Response {
    let letters: Vec<char> = enrolment.secret.expose().chars().collect();
    let groups: Vec<String> = letters.chunks(4).map(|group| group.iter().collect()).collect();
    let page = Page {
        base: place.base(),
        next,
        who: &enrolment.name,
        picture: picture(enrolment.address.expose()),
        secret: groups.join(" "),
        enrolment: &enrolment.sealed,
        name,
        problem,
    };
    page::render(status, &page)
}

/// The QR code as an image that needs no other request; empty when the text is too long for one.
fn picture(text: &str) -> String {
    let Ok(code) = QrCode::encode_text(text, QrCodeEcc::Medium) else { return String::new() };
    let (size, border) = (code.size(), 4);
    let mut dots = String::new();
    for y in 0..size {
        for x in (0..size).filter(|x| code.get_module(*x, y)) {
            dots.push_str(&format!("M{} {}h1v1h-1z", x + border, y + border));
        }
    }
    let side = size + 2 * border;
    // Dark on light in every theme: that is what cameras expect. `%23` is `#`.
    format!(
        "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {side} {side}' \
         shape-rendering='crispEdges'%3E%3Cpath fill='%23fff' d='M0 0h{side}v{side}H0z'/%3E\
         %3Cpath fill='%23000' d='{dots}'/%3E%3C/svg%3E"
    )
}
