//! The admin API: for administrators' own sessions and for programs with the scope `gabion:admin`.
//!
//! Every answer that is no success is a problem (RFC 9457) that names the fields and the rules they break.
//! What is changed is changed under an entity tag, when one is sent (`If-Match`, RFC 9110, 13.1.1).

mod body;
mod problem;
pub(crate) mod v1;

use std::net::IpAddr;

use axum::extract::FromRequestParts;
use axum::response::Response;
use gabion_checks::client_address::Network;
use gabion_model::Problem as Wrong;
use gabion_service::Caller;
use http::header::IF_MATCH;
use http::{HeaderMap, StatusCode, request};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Console;
use crate::context::Visitor;
use crate::oauth::error;

#[cfg(fuzzing)]
pub(crate) use body::read;
pub(crate) use body::{Body, Query, some};
pub(crate) use problem::{Field, Problem};

/// `[api]`: the admin API below `/.gabion/api/`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ApiSettings {
    /// Whether the admin API answers.
    pub enabled: bool,
    /// From where it answers: addresses and networks of clients, for instance `"10.1.0.0/16"`. This machine
    /// only unless told otherwise: an administrator's stolen key is then worth nothing from elsewhere.
    pub networks: Vec<String>,
}

impl Default for ApiSettings {
    fn default() -> Self {
        Self { enabled: true, networks: vec!["127.0.0.0/8".to_owned(), "::1".to_owned()] }
    }
}

impl ApiSettings {
    #[must_use]
    pub fn problems(&self) -> Vec<Wrong> {
        problems_of_networks(&self.networks)
    }

    pub(crate) fn api_answers(&self, client: IpAddr) -> bool {
        self.enabled && within(&self.networks, client)
    }
}

/// What is wrong with a list of addresses and networks.
pub(crate) fn problems_of_networks(networks: &[String]) -> Vec<Wrong> {
    let bad = networks.iter().enumerate().filter(|(_, text)| Network::parse(text).is_none());
    bad.map(|(index, text)| {
        Wrong::new(format!("networks[{index}]"), format!("`{text}` is no address and no network"))
            .hint("for instance `10.1.0.0/16` or `2001:db8::/32`")
    })
    .collect()
}

pub(crate) fn within(networks: &[String], client: IpAddr) -> bool {
    networks.iter().filter_map(|text| Network::parse(text)).any(|network| network.contains(client))
}

/// Whoever asks the admin API: signed in or with a credential; what they may is the service's to say.
#[derive(Debug, Clone)]
pub(crate) struct Asker {
    pub(crate) caller: Caller,
    /// The version that `If-Match` names.
    pub(crate) version: Option<String>,
}

impl FromRequestParts<Console> for Asker {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut request::Parts, console: &Console) -> Result<Self, Response> {
        let visitor = Visitor::from_request_parts(parts, console).await?;
        if !console.api.api_answers(visitor.known.client) {
            // As if there were none: who may not come in need not know that there is a door.
            return Err(Problem::new(StatusCode::NOT_FOUND, "there is nothing at this address").answer());
        }
        let living = visitor.known.session.as_ref().is_some_and(|session| !session.is_ended());
        if !living && visitor.known.credential.is_none() {
            return Err(error::of_this_site(Problem::unauthenticated().answer(), console));
        }
        Ok(Self { caller: visitor.caller(), version: version(&parts.headers)? })
    }
}

/// The one entity tag of `If-Match`; `*` asks for nothing.
#[expect(clippy::result_large_err, reason = "an answer, made and returned at once")]
pub(crate) fn version(headers: &HeaderMap) -> Result<Option<String>, Response> {
    let Some(value) = headers.get(IF_MATCH) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(None);
    }
    let text = text.strip_prefix("W/").unwrap_or(text);
    let tag = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    match tag
        .filter(|tag| !tag.is_empty() && !tag.contains('"') && headers.get_all(IF_MATCH).iter().count() == 1)
    {
        Some(tag) => Ok(Some(tag.to_owned())),
        None => {
            Err(Problem::new(StatusCode::BAD_REQUEST, "`If-Match` holds one entity tag in quotes").answer())
        }
    }
}
