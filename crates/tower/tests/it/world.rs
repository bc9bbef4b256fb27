//! A gate without sockets, and applications with its layers.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::routing::get;
use gabion_model::outbound::{BoxFuture, Fetch, FetchError, FetchRequest, FetchResponse};
use gabion_model::{ManualClock, Secret, Timestamp};
use gabion_tower::{Credentials, Gabion, Principal};
use gabion_vault::jwt::{Jwks, SigningKey};
use http::Response;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

pub(crate) const ISSUER: &str = "https://id.example";
pub(crate) const RESOURCE: &str = "https://shop.example/api";
pub(crate) const START: Timestamp = Timestamp::from_secs(1_800_000_000);
pub(crate) const KEY: &str = "gab_live_000000000000000000000000000000000000000000036YLs0";

/// The gate, as the network shows it.
#[derive(Debug)]
pub(crate) struct Gate {
    pub(crate) signing: SigningKey,
    published: Mutex<String>,
    /// What introspection answers; `None`: the gate is down.
    pub(crate) told: Mutex<Option<(u16, Value)>>,
    pub(crate) down: Mutex<bool>,
    pub(crate) key_fetches: AtomicUsize,
    pub(crate) asked: Mutex<Vec<(String, String)>>,
}

impl Gate {
    pub(crate) fn publish(&self, keys: &[&SigningKey]) {
        let set = Jwks::of(keys.iter().copied());
        *self.published.lock().unwrap() = serde_json::to_string(&set).unwrap();
    }

    pub(crate) fn tells(&self, status: u16, told: Value) {
        *self.told.lock().unwrap() = Some((status, told));
    }
}

impl Fetch for Gate {
    fn fetch(&self, request: FetchRequest) -> BoxFuture<'_, Result<FetchResponse, FetchError>> {
        Box::pin(async move {
            if *self.down.lock().unwrap() {
                return Err(FetchError::TimedOut);
            }
            let (status, body) = match request.url.strip_prefix(ISSUER) {
                Some("/.well-known/jwks.json") => {
                    self.key_fetches.fetch_add(1, Ordering::Relaxed);
                    (200, self.published.lock().unwrap().clone())
                }
                Some("/.gabion/oauth/introspect") => {
                    let authorization = request.headers.iter().find(|(name, _)| name == "authorization");
                    let form = String::from_utf8(request.body.expose().clone()).unwrap();
                    self.asked.lock().unwrap().push((authorization.unwrap().1.expose().clone(), form));
                    let (status, told) = self.told.lock().unwrap().clone().unwrap();
                    (status, told.to_string())
                }
                Some("/.gabion/api/v1/authorize") => {
                    let authorization = request.headers.iter().find(|(name, _)| name == "authorization");
                    let question = String::from_utf8(request.body.expose().clone()).unwrap();
                    self.asked.lock().unwrap().push((authorization.unwrap().1.expose().clone(), question));
                    let (status, told) = self.told.lock().unwrap().clone().unwrap();
                    (status, told.to_string())
                }
                other => panic!("{other:?} was fetched"),
            };
            Ok(FetchResponse { status, headers: Vec::new(), body: body.into_bytes() })
        })
    }
}

pub(crate) struct World {
    pub(crate) gate: Arc<Gate>,
    pub(crate) gabion: Gabion,
    pub(crate) clock: Arc<ManualClock>,
}

impl World {
    pub(crate) fn new() -> Self {
        let signing = SigningKey::generate().unwrap();
        let gate = Arc::new(Gate {
            signing,
            published: Mutex::default(),
            told: Mutex::default(),
            down: Mutex::default(),
            key_fetches: AtomicUsize::new(0),
            asked: Mutex::default(),
        });
        gate.publish(&[&gate.signing]);
        let gabion = Gabion::through(ISSUER, Arc::clone(&gate) as Arc<dyn Fetch>).unwrap();
        let gabion = gabion.client("shop api", &Secret::new("s3cr&t".to_owned()));
        Self { gate, gabion, clock: Arc::new(ManualClock::at(START)) }
    }

    pub(crate) fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// An access token, with these claims changed.
    pub(crate) fn token(&self, more: Value) -> String {
        self.signed("at+jwt", claims(more))
    }

    pub(crate) fn signed(&self, typ: &str, claims: Value) -> String {
        self.gate.signing.sign(typ, &claims).unwrap()
    }

    /// An application that tells whom it sees, and what of the request's head it still sees.
    pub(crate) fn application(&self, credentials: Credentials) -> Application {
        Application::with(credentials.clock(Arc::clone(&self.clock) as Arc<_>))
    }
}

/// Claims of an access token for ada by the shop's client.
pub(crate) fn claims(more: Value) -> Value {
    let mut claims = json!({
        "iss": ISSUER, "sub": "ada", "aud": RESOURCE, "exp": START.as_secs() + 900, "iat": START.as_secs(),
        "jti": "t1", "client_id": "shop", "scope": "read write", "roles": ["clerk"], "groups": ["north"],
        "tenant": "acme", "auth_time": START.as_secs() - 60, "acr": "urn:gabion:acr:2fa",
    });
    for (name, value) in more.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims
}

pub(crate) struct Application(Router);

impl Application {
    pub(crate) fn with(credentials: Credentials) -> Self {
        let layer = credentials.layer().unwrap();
        Self(Router::new().fallback(get(tell).post(tell)).layer(layer))
    }

    pub(crate) fn of(router: Router) -> Self {
        Self(router)
    }

    pub(crate) async fn get(&self, fields: &[(&str, &str)]) -> Answer {
        self.at("/orders", fields).await
    }

    pub(crate) async fn at(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let request = Request::get(path).header("host", "shop.example");
        let request = fields.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        Answer::of(self.0.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()).await
    }

    pub(crate) async fn bearer(&self, token: &str) -> Answer {
        self.get(&[("authorization", &format!("Bearer {token}"))]).await
    }
}

async fn tell(who: Option<Principal>, request: Request) -> String {
    let fields: Vec<&str> = request.headers().keys().map(http::HeaderName::as_str).collect();
    let Some(who) = who else { return json!({ "fields": fields }).to_string() };
    json!({
        "account": who.account.as_str(), "name": &*who.name, "tenant": who.tenant.as_str(),
        "roles": who.roles.iter().map(gabion_tower::Role::as_str).collect::<Vec<_>>(),
        "groups": &*who.groups, "kind": who.kind.as_str(), "client": who.client.as_deref(),
        "scopes": who.scopes.to_string(), "authenticated": who.authenticated.map(Timestamp::as_secs),
        "acr": who.acr.map(gabion_tower::Acr::as_str), "methods": &*who.methods, "fields": fields,
    })
    .to_string()
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) challenge: String,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) async fn of(response: Response<Body>) -> Self {
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let text = |name: &str| head.headers.get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
        Self {
            status: head.status.as_u16(),
            challenge: text("www-authenticate"),
            body: String::from_utf8(body.to_vec()).unwrap(),
            headers: head.headers,
        }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// Refused with this status and, in the challenge, this error; as a problem document.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, error: &str) {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.headers["content-type"], "application/problem+json");
        assert_eq!(self.headers["cache-control"], "no-store");
        let problem = self.json();
        assert_eq!(problem["status"], status);
        assert_eq!(problem["request_id"].as_str().unwrap().len(), 24);
        assert_eq!(self.challenge.is_empty(), !matches!(status, 401) && error.is_empty(), "{self:?}");
        assert!(error.is_empty() || self.challenge.contains(&format!("error=\"{error}\"")), "{self:?}");
    }
}
