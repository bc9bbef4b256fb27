//! What happened in the application, recorded by the gate.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use gabion_model::outbound::{Fetch, FetchError, FetchMethod, FetchRequest};
use gabion_model::{Outcome, Secret, Severity};
use serde::{Deserialize, Serialize};

/// Has a gate record what happened (`POST /.gabion/api/v1/events`). Cheap to clone. Nothing is kept or sent again: whoever
/// must not go on without a record waits for the answer, and asks again with the same key ([`submit_once`](Self::submit_once)).
#[derive(Clone)]
pub struct Events(Arc<Inner>);

struct Inner {
    url: String,
    fetch: Arc<dyn Fetch>,
    key: Secret<String>,
}

/// Something that happened: `Event::success("order.refunded").on("/orders/7").with("amount", "12.50")`.
#[derive(Debug, Clone, Serialize)]
pub struct Event {
    action: String,
    outcome: Outcome,
    #[serde(skip_serializing_if = "String::is_empty")]
    resource: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    severity: Option<Severity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_agent: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    metadata: BTreeMap<String, String>,
}

/// Where the record is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Recorded {
    /// In the gate's ledger; by it the record is proven.
    pub position: u64,
    /// The request id, which the record holds.
    pub id: String,
}

/// Why the gate did not say that the event is on record. Alphabetical.
#[derive(Debug, thiserror::Error)]
pub enum NotRecorded {
    /// The gate answered with this status, and why.
    #[error("the gate did not record the event: {status}: {reason}")]
    Refused { status: u16, reason: String },
    #[error("the gate cannot be asked to record the event: {0}")]
    Unreachable(#[from] FetchError),
    #[error("the gate's answer cannot be read")]
    Unreadable,
}

impl Event {
    /// Something that was done. The action is dotted lower-case words.
    #[must_use]
    pub fn success(action: &str) -> Self {
        Self::new(action, Outcome::Success)
    }

    /// Something that was tried in vain, or refused.
    #[must_use]
    pub fn failure(action: &str) -> Self {
        Self::new(action, Outcome::Failure)
    }

    fn new(action: &str, outcome: Outcome) -> Self {
        Self {
            action: action.to_owned(),
            outcome,
            resource: String::new(),
            severity: None,
            user_agent: None,
            metadata: BTreeMap::new(),
        }
    }

    /// What it was done to, for instance a path.
    #[must_use]
    pub fn on(mut self, resource: &str) -> Self {
        resource.clone_into(&mut self.resource);
        self
    }

    /// How bad it is; informational unless it is said.
    #[must_use]
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = Some(severity);
        self
    }

    /// The browser or program behind the application.
    #[must_use]
    pub fn user_agent(mut self, user_agent: &str) -> Self {
        self.user_agent = Some(user_agent.to_owned());
        self
    }

    /// Up to 12 texts of up to 256 bytes.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.metadata.insert(name.to_owned(), value.to_owned());
        self
    }
}

impl Events {
    pub(crate) fn new(issuer: &str, fetch: Arc<dyn Fetch>, key: &Secret<String>) -> Self {
        let key = Secret::new(format!("Bearer {}", key.expose()));
        Self(Arc::new(Inner { url: format!("{issuer}/.gabion/api/v1/events"), fetch, key }))
    }

    /// Has the event recorded. Durable when this answers.
    ///
    /// # Errors
    /// When the gate refuses it, or cannot be asked: then it may be on record or not.
    pub async fn submit(&self, event: Event) -> Result<Recorded, NotRecorded> {
        self.send(event, None).await
    }

    /// The same, once: sent again with the same key within an hour, it is answered as before and not recorded twice. The key
    /// is 1 to 128 visible ASCII characters, for instance the id of what happened.
    ///
    /// # Errors
    /// As [`submit`](Self::submit); 422 where the key was another event's.
    pub async fn submit_once(&self, event: Event, key: &str) -> Result<Recorded, NotRecorded> {
        self.send(event, Some(key)).await
    }

    async fn send(&self, event: Event, key: Option<&str>) -> Result<Recorded, NotRecorded> {
        let body = serde_json::to_vec(&event).map_err(|_| NotRecorded::Unreadable)?;
        let mut headers = vec![
            ("content-type".to_owned(), Secret::new("application/json".to_owned())),
            ("authorization".to_owned(), self.0.key.clone()),
        ];
        headers.extend(key.map(|key| ("idempotency-key".to_owned(), Secret::new(format!("\"{key}\"")))));
        let request = FetchRequest {
            method: FetchMethod::Post,
            headers,
            body: Secret::new(body),
            deadline: DEADLINE,
            ..FetchRequest::get(self.0.url.clone())
        };
        let answer = self.0.fetch.fetch(request).await?;
        if answer.status == 201 {
            return serde_json::from_slice(&answer.body).map_err(|_| NotRecorded::Unreadable);
        }
        let said: Option<Refusal> = serde_json::from_slice(&answer.body).ok();
        let reason = said.map(|said| said.detail).unwrap_or_default();
        Err(NotRecorded::Refused { status: answer.status, reason })
    }
}

/// A problem document (RFC 9457).
#[derive(Deserialize)]
struct Refusal {
    #[serde(default)]
    detail: String,
}

impl fmt::Debug for Events {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Events").field("url", &self.0.url).finish_non_exhaustive()
    }
}

const DEADLINE: Duration = Duration::from_secs(5);
