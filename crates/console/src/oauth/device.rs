//! `GET` and `POST /.gabion/oauth/device` (RFC 8628, 3.3): a person types the code that a device shows, sees
//! what is being signed in to, and says yes or no.
//!
//! A link with the code in it (`verification_uri_complete`) fills the field and decides nothing: the person
//! is asked to compare it with the device (RFC 8628, 3.3.1 and 5.4).

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use gabion_service::ActError;
use gabion_service::oauth::{DeviceError, DeviceView};
use http::{StatusCode, Uri};
use serde::Deserialize;

use crate::Console;
use crate::context::Visitor;
use crate::form::{Asking, Form};
use crate::page::{self, Message};

pub(crate) fn route() -> MethodRouter<Console> {
    get(ask).post(answer)
}

#[derive(Debug, Default, Deserialize)]
struct Asked {
    #[serde(default)]
    user_code: String,
}

#[derive(Debug, Deserialize)]
struct Fields {
    user_code: String,
    #[serde(default)]
    decision: Option<Choice>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Choice {
    Allow,
    Deny,
}

/// The code is asked for.
#[derive(Debug, Template)]
#[template(path = "device.html")]
struct Code<'a> {
    name: &'a str,
    user_code: &'a str,
    trouble: Option<&'static str>,
}

/// What the device would get is shown.
#[derive(Debug, Template)]
#[template(path = "device_confirm.html")]
struct Confirm<'a> {
    name: &'a str,
    device: DeviceView,
}

async fn ask(visitor: Visitor, uri: Uri, Asking(Asked { user_code }): Asking<Asked>) -> Response {
    let Some(session) = visitor.known.session.as_ref().filter(|session| !session.is_ended()) else {
        return to_login(&uri);
    };
    // Whatever stood in the link: no more of it than a code has is shown.
    let user_code: String = user_code.chars().take(16).collect();
    let page = Code { name: &session.principal.name, user_code: &user_code, trouble: None };
    page::render(StatusCode::OK, &page)
}

async fn answer(
    State(console): State<Console>,
    visitor: Visitor,
    uri: Uri,
    Form(Fields { user_code, decision }): Form<Fields>,
) -> Response {
    let Some(session) = visitor.known.session.clone().filter(|session| !session.is_ended()) else {
        return to_login(&uri);
    };
    let (caller, name) = (visitor.caller(), &session.principal.name);
    let refused = |error: DeviceError| {
        let (status, trouble) = match error {
            DeviceError::Unknown => (
                StatusCode::BAD_REQUEST,
                "This code does not work: it was mistyped, has expired or was used. Codes are good for ten minutes.",
            ),
            DeviceError::Throttled => {
                (StatusCode::TOO_MANY_REQUESTS, "Too many wrong codes. Please wait a few minutes.")
            }
            DeviceError::Act(ActError::Busy | ActError::Unavailable) => return visitor.unavailable(),
            DeviceError::Act(_) => return to_login(&uri),
        };
        page::render(status, &Code { name, user_code: "", trouble: Some(trouble) })
    };
    let Some(decision) = decision else {
        return match console.service.device(&caller, &user_code).await {
            Ok(device) => page::render(StatusCode::OK, &Confirm { name, device }),
            Err(error) => refused(error),
        };
    };
    let allow = matches!(decision, Choice::Allow);
    match console.service.decide_device(&caller, &user_code, allow).await {
        Ok(()) => {
            let (title, text) = if allow {
                ("The device is signed in", "You can close this page and go on with the device.")
            } else {
                ("The device was not signed in", "Nothing was allowed. You can close this page.")
            };
            page::render(StatusCode::OK, &Message { title, text, action: None, request_id: None })
        }
        Err(error) => refused(error),
    }
}

/// And back, with the code that stood in the link.
fn to_login(uri: &Uri) -> Response {
    let here = uri.path_and_query().map_or("/.gabion/oauth/device", http::uri::PathAndQuery::as_str);
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("next", here);
    page::see_other(&format!("/.gabion/login?{}", query.finish()))
}
