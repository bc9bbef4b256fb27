//! What somebody may do, asked of the gate.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum_core::body::Body;
use axum_core::extract::FromRequestParts;
use axum_core::response::IntoResponse;
use bytes::Bytes;
use gabion_checks::policy::Violation;
use gabion_checks::{Access, Alone, Denial, Route, request_id};
use gabion_model::outbound::{Fetch, FetchMethod, FetchRequest};
use gabion_model::{Acr, Clock as _, RequestId, Secret, SystemClock};
use gabion_vault::SystemRng;
use http::header::{ACCEPT, HOST};
use http::request::Parts;
use http::{HeaderMap, HeaderName, Method, Request, Response, StatusCode, Uri};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::task::{Context, Poll};
use tower_layer::Layer;
use tower_service::Service;

use crate::extract;
use crate::principal::Principal;
use crate::service::Ready;

/// Asks a gate what somebody may, by its policies. Cheap to clone. Nothing is kept: each question is asked, and whoever is
/// not answered in two seconds is not allowed.
#[derive(Clone)]
pub struct Decisions(Arc<Inner>);

struct Inner {
    url: String,
    fetch: Arc<dyn Fetch>,
    key: Secret<String>,
    alone: Option<Alone>,
}

/// What is acted upon: its type and id as policies name them, and what the application knows of it already.
#[derive(Debug, Clone, Serialize)]
pub struct Object {
    #[serde(rename = "type")]
    kind: String,
    id: String,
    #[serde(skip_serializing_if = "Map::is_empty")]
    attributes: Map<String, Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    parents: Vec<Value>,
}

impl Object {
    #[must_use]
    pub fn new(kind: &str, id: &str) -> Self {
        Self { kind: kind.to_owned(), id: id.to_owned(), attributes: Map::new(), parents: Vec::new() }
    }

    /// With an attribute. Without those the policies read, the gate asks its resolver.
    #[must_use]
    pub fn with(mut self, attribute: &str, value: impl Into<Value>) -> Self {
        self.attributes.insert(attribute.to_owned(), value.into());
        self
    }

    /// With another object as an attribute: `("owner", "User", id)`.
    #[must_use]
    pub fn with_object(self, attribute: &str, kind: &str, id: &str) -> Self {
        self.with(attribute, json!({ "type": kind, "id": id }))
    }

    /// In another object.
    #[must_use]
    pub fn within(mut self, kind: &str, id: &str) -> Self {
        self.parents.push(json!({ "type": kind, "id": id }));
        self
    }
}

/// A yes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "what has to be masked must be taken out of the answer"]
pub struct Permit {
    /// These members must be taken out of what is shown: JSON pointers, `*` for every item of an array. Only where the
    /// question said that they would be ([`Authorize::masking`]).
    pub mask: Vec<String>,
    /// The policies that decided.
    pub policies: Vec<String>,
}

impl Permit {
    /// Takes out of a document what [`mask`](Self::mask) names.
    ///
    /// # Errors
    /// When a pointer cannot be read: nothing of the document may be shown then.
    pub fn masked(&self, document: Value) -> Result<Value, MaskUnreadable> {
        let mut document = document;
        for pointer in &self.mask {
            let steps = pointer.strip_prefix('/').ok_or(MaskUnreadable)?;
            let steps: Vec<String> =
                steps.split('/').map(|step| step.replace("~1", "/").replace("~0", "~")).collect();
            remove(&mut document, &steps);
        }
        Ok(document)
    }
}

/// What has to be taken out cannot be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("what must be taken out of the answer is not said by a JSON pointer")]
pub struct MaskUnreadable;

fn remove(value: &mut Value, steps: &[String]) {
    let Some((step, rest)) = steps.split_first() else { return };
    match value {
        Value::Object(members) if rest.is_empty() => {
            members.remove(step);
        }
        Value::Object(members) => {
            if let Some(member) = members.get_mut(step) {
                remove(member, rest);
            }
        }
        Value::Array(items) => {
            let fits = |index: usize| step == "*" || *step == index.to_string();
            let mut index = 0;
            items.retain_mut(|item| {
                let is_meant = fits(index);
                index += 1;
                if is_meant {
                    remove(item, rest);
                }
                !(is_meant && rest.is_empty())
            });
        }
        _ => {}
    }
}

#[derive(Deserialize)]
struct Decided {
    allowed: bool,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    policies: Vec<String>,
    #[serde(default)]
    mask: Vec<String>,
    #[serde(default)]
    acr_values: Option<Acr>,
    #[serde(default)]
    max_age: Option<u64>,
}

impl Decisions {
    pub(crate) fn new(issuer: &str, fetch: Arc<dyn Fetch>, key: &Secret<String>) -> Self {
        let alone = Alone::new(&Route::new("/*", Access::SignedIn, "application"), issuer).ok();
        let key = Secret::new(format!("Bearer {}", key.expose()));
        Self(Arc::new(Inner { url: format!("{issuer}/.gabion/api/v1/authorize"), fetch, key, alone }))
    }

    /// Puts it where [`Authorize`] finds it. Inside the layer that finds out who is calling.
    #[must_use]
    pub fn layer(self) -> DecisionLayer {
        DecisionLayer(self)
    }

    /// Whether `principal` may do `action` to `object`; nobody is a stranger. `context` is as the decision API has it.
    ///
    /// # Errors
    /// The refusal, for a client.
    pub async fn ask(
        &self,
        principal: Option<&Principal>,
        action: &str,
        object: &Object,
        context: Map<String, Value>,
        masks: bool,
    ) -> Result<Permit, Denial> {
        let obligations: &[&str] = if masks { &["mask"] } else { &[] };
        let question = json!({
            "principal": match principal {
                None => json!({ "type": "anonymous", "id": "anonymous" }),
                Some(who) if who.program => json!({ "type": "service-account", "id": who.account.as_str() }),
                Some(who) => json!({ "type": "user", "id": who.account.as_str() }),
            },
            "action": action,
            "resource": object,
            "context": context,
            "obligations": obligations,
        });
        let undecidable = |reason: &str| {
            tracing::warn!(reason, action, "the gate did not decide");
            Denial::from(Violation::Undecidable)
        };
        let request = FetchRequest {
            method: FetchMethod::Post,
            headers: vec![
                ("content-type".to_owned(), Secret::new("application/json".to_owned())),
                ("authorization".to_owned(), self.0.key.clone()),
            ],
            body: Secret::new(question.to_string().into_bytes()),
            deadline: DEADLINE,
            ..FetchRequest::get(self.0.url.clone())
        };
        let answer = self.0.fetch.fetch(request).await.map_err(|error| undecidable(&error.to_string()))?;
        if answer.status != 200 {
            return Err(undecidable(&format!("answered with {}", answer.status)));
        }
        let decided: Decided =
            serde_json::from_slice(&answer.body).map_err(|_| undecidable("answered with something else"))?;
        let reason = decided.reason.as_deref();
        match (decided.allowed, reason, principal) {
            // A mask nobody applies shows what must not be shown.
            (true, _, _) if decided.mask.is_empty() || masks => {
                Ok(Permit { mask: decided.mask, policies: decided.policies })
            }
            (true, _, _) => Err(Violation::Unmasked.into()),
            (false, Some("undecidable"), _) => Err(undecidable("it cannot find out")),
            (false, _, None) => Err(match &self.0.alone {
                Some(alone) => alone.stranger(),
                None => Violation::Denied.into(),
            }),
            (false, Some("step_up"), Some(who)) => {
                let acr = decided.acr_values.unwrap_or(Acr::PhishingResistant);
                Err(match &self.0.alone {
                    Some(alone) => alone.step_up(who.acr, acr, decided.max_age.map(Duration::from_secs)),
                    None => Violation::Denied.into(),
                })
            }
            (false, Some("no_such_object"), Some(_)) => Err(Violation::Hidden.into()),
            (false, _, Some(_)) => Err(Violation::Denied.into()),
        }
    }
}

/// How a handler asks: `may.authorize("readOrder", Object::new("Order", &id)).await?`.
#[derive(Debug, Clone)]
pub struct Authorize {
    decisions: Option<Decisions>,
    principal: Option<Principal>,
    /// The layer that finds out who is calling; its challenge says how to come.
    ready: Option<Arc<Ready>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    hides: bool,
    masks: bool,
}

impl Authorize {
    /// Who is calling.
    #[must_use]
    pub fn principal(&self) -> Option<&Principal> {
        self.principal.as_ref()
    }

    /// Denials are 404: whoever may not, may not know that the object is there either.
    #[must_use]
    pub fn hiding(mut self) -> Self {
        self.hides = true;
        self
    }

    /// The handler takes out of its answer what [`Permit::mask`] names. Without this an allowance that asks for it is
    /// none.
    #[must_use]
    pub fn masking(mut self) -> Self {
        self.masks = true;
        self
    }

    /// Whether the caller may do `action` to `object`, by the gate's policies.
    ///
    /// # Errors
    /// The answer to give: 403, 404, 401 with a challenge, or 503 when the gate does not decide.
    pub async fn authorize(&self, action: &str, object: Object) -> Result<Permit, NotAllowed> {
        let Some(decisions) = &self.decisions else {
            tracing::error!(
                path = self.uri.path(),
                "a handler asks what somebody may, but no layer knows the gate"
            );
            return Err(self.refused(Denial::internal("no layer knows the gate")));
        };
        let asked = decisions.ask(self.principal.as_ref(), action, &object, self.context(), self.masks).await;
        asked.map_err(|denial| {
            if let (None, StatusCode::UNAUTHORIZED, Some(ready)) =
                (&self.principal, denial.status, &self.ready)
            {
                return self.refused(ready.alone.stranger());
            }
            let hidden = self.hides && denial.status == StatusCode::FORBIDDEN;
            self.refused(if hidden { Violation::Hidden.into() } else { denial })
        })
    }

    fn context(&self) -> Map<String, Value> {
        let mut context = Map::new();
        let mut put = |name: &str, value: Value| {
            context.insert(name.to_owned(), value);
        };
        put("method", self.method.as_str().into());
        put("path", self.uri.path().into());
        if let Some(host) = self.headers.get(HOST).and_then(|host| host.to_str().ok()) {
            put("host", host.into());
        }
        if let Some(who) = &self.principal {
            put("credential", who.kind.as_str().into());
            if let Some(acr) = who.acr {
                put("acr", acr.as_str().into());
            }
            if let Some(time) = who.authenticated {
                put("auth_time", time.as_secs().into());
            }
            if !who.scopes.is_empty() {
                put("scopes", who.scopes.iter().collect::<Vec<_>>().into());
            }
        }
        context
    }

    fn refused(&self, denial: Denial) -> NotAllowed {
        let (mut head, ()) = Request::new(()).into_parts();
        (head.method, head.uri, head.headers) = (self.method.clone(), self.uri.clone(), self.headers.clone());
        let id = request_id::verify(&self.headers).unwrap_or_else(|| RequestId::random(&SystemRng::new()));
        tracing::info!(control = denial.control.as_str(), status = denial.status.as_u16(), detail = &*denial.detail, request_id = %id, "request refused");
        NotAllowed(Box::new(Alone::answer(&head, denial, SystemClock.now(), id)))
    }
}

/// The refusal of [`Authorize::authorize`], ready to be answered: a problem document (RFC 9457) or a page.
#[derive(Debug)]
pub struct NotAllowed(Box<Response<Bytes>>);

impl NotAllowed {
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.0.status()
    }
}

impl IntoResponse for NotAllowed {
    fn into_response(self) -> axum_core::response::Response {
        self.0.map(Body::from)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Authorize {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let mut headers = HeaderMap::new();
        for name in ASKED {
            if let Some(value) = parts.headers.get(&name) {
                headers.insert(name, value.clone());
            }
        }
        Ok(Self {
            decisions: parts.extensions.get().cloned(),
            principal: extract::found(parts),
            ready: parts.extensions.get().cloned(),
            method: parts.method.clone(),
            uri: parts.uri.clone(),
            headers,
            hides: false,
            masks: false,
        })
    }
}

/// Puts a gate's decisions into requests; a [`tower_layer::Layer`].
#[derive(Debug, Clone)]
pub struct DecisionLayer(Decisions);

/// A service whose requests carry a gate's decisions.
#[derive(Debug, Clone)]
pub struct Deciding<S> {
    inner: S,
    decisions: Decisions,
}

impl<S> Layer<S> for DecisionLayer {
    type Service = Deciding<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Deciding { inner, decisions: self.0.clone() }
    }
}

impl<S: Service<Request<B>>, B> Service<Request<B>> for Deciding<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> S::Future {
        request.extensions_mut().insert(self.decisions.clone());
        self.inner.call(request)
    }
}

impl fmt::Debug for Decisions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Decisions").field("url", &self.0.url).finish_non_exhaustive()
    }
}

/// What a refusal's shape depends on.
const ASKED: [HeaderName; 5] = [
    ACCEPT,
    HOST,
    HeaderName::from_static("sec-fetch-mode"),
    HeaderName::from_static("x-requested-with"),
    HeaderName::from_static("x-request-id"),
];
/// Whoever waits longer waits for nothing.
const DEADLINE: Duration = Duration::from_secs(2);
