//! The signed question to the application.
//!
//! `POST`, `Content-Type: application/json`: `{"type":"Order","id":"17"}`. The field `Gabion-Request` holds a JWT
//! (`typ` `gabion-request+jwt`, ES256, by the keys of `/.well-known/jwks.json`) with `iss` (the gate), `aud` (the
//! resolver's name), `iat`, `exp`, `jti`, `htm` and `htu` (method and address, as RFC 9449 §4.2 names them) and `body`
//! (the base64url SHA-256 of the body): what was not asked by the gate, was asked of somebody else, or was changed on
//! the way is not answered by an application that looks.

use std::sync::Arc;
use std::time::Duration;

use gabion_identity::Keyring;
use gabion_model::outbound::{Fetch, FetchError, FetchMethod, FetchRequest};
use gabion_model::{Clock, Rng, Secret, random};
use gabion_policy::{EntityRef, Found, Unknown};
use gabion_vault::encoding::base64url_encode;
use gabion_vault::sha256;
use serde::Serialize;

use super::settings::ResolverSettings;
use super::{Tools, answer};

/// How one application is asked.
pub(super) struct Callback {
    name: Box<str>,
    url: Box<str>,
    fetch: Option<Arc<dyn Fetch>>,
    keys: Arc<Keyring>,
    issuer: Arc<str>,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    largest: usize,
    deadline: Duration,
}

#[derive(Serialize)]
struct Question<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    id: &'a str,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    iat: i64,
    exp: i64,
    jti: String,
    htm: &'static str,
    htu: &'a str,
    body: String,
}

impl Callback {
    pub(super) fn new(
        name: &str,
        settings: &ResolverSettings,
        tools: &Tools,
        fetch: Option<Arc<dyn Fetch>>,
    ) -> Self {
        Self {
            name: name.into(),
            url: settings.url.as_deref().unwrap_or_default().into(),
            fetch,
            keys: Arc::clone(&tools.keys),
            issuer: Arc::clone(&tools.issuer),
            clock: Arc::clone(&tools.clock),
            rng: Arc::clone(&tools.rng),
            largest: usize::try_from(settings.answer_limit.bytes()).unwrap_or(usize::MAX),
            deadline: settings.timeout.as_duration(),
        }
    }

    pub(super) async fn ask(&self, object: &EntityRef) -> Result<Found, Unknown> {
        let unreachable = |reason: &str| Unknown::Unreachable(reason.to_owned());
        let fetch = self.fetch.as_ref().ok_or_else(|| unreachable("there is no way out"))?;
        let question = Question { kind: &object.kind, id: &object.id };
        let body =
            serde_json::to_vec(&question).map_err(|_| unreachable("the question cannot be written"))?;
        let signature = self.sign(&body).ok_or_else(|| unreachable("the question cannot be signed"))?;
        let request = FetchRequest {
            method: FetchMethod::Post,
            headers: vec![
                ("content-type".to_owned(), Secret::new("application/json".to_owned())),
                ("accept".to_owned(), Secret::new("application/json".to_owned())),
                (GABION_REQUEST.to_owned(), Secret::new(signature)),
            ],
            body: Secret::new(body),
            largest: self.largest,
            deadline: self.deadline,
            ..FetchRequest::get(&*self.url)
        };
        let answered = fetch.fetch(request).await.map_err(|error| match error {
            FetchError::TimedOut => Unknown::TimedOut,
            FetchError::TooLarge => Unknown::Unusable("it is too large"),
            error @ (FetchError::Forbidden(_) | FetchError::Unreachable(_)) => {
                Unknown::Unreachable(error.to_string())
            }
        })?;
        match answered.status {
            200 => {
                let kind = answered.header("content-type").unwrap_or_default();
                let essence = kind.split(';').next().unwrap_or_default().trim();
                if !essence.eq_ignore_ascii_case("application/json") {
                    return Err(Unknown::Unusable("it is no `application/json`"));
                }
                answer::read(&answered.body, object).map(Some).map_err(Unknown::Unusable)
            }
            404 | 410 => Ok(None),
            status => Err(Unknown::Status(status)),
        }
    }

    fn sign(&self, body: &[u8]) -> Option<String> {
        let now = self.clock.now();
        let claims = Claims {
            iss: &self.issuer,
            aud: &self.name,
            iat: now.as_secs(),
            exp: now.saturating_add(LIFE).as_secs(),
            jti: base64url_encode(&random::bytes::<16>(&*self.rng)),
            htm: "POST",
            htu: &self.url,
            body: base64url_encode(&sha256(body)),
        };
        self.keys.signing().sign(REQUEST_TYPE, &claims).ok()
    }
}

/// Carries the signature.
const GABION_REQUEST: &str = "gabion-request";
/// The signature's `typ`.
const REQUEST_TYPE: &str = "gabion-request+jwt";
/// How long a question may be answered.
const LIFE: Duration = Duration::from_secs(60);
