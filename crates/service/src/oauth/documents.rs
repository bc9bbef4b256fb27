//! What clients publish at addresses of their own: their keys (`jwks_uri`), and themselves (client-id
//! metadata documents, where the client's id is the https address of its description).
//!
//! Everything is fetched through the guarded client: no address that is not public, no redirect, bounded in
//! size and time. What was fetched is kept a quarter of an hour; what could not be fetched is not asked for
//! again for a minute, so that nobody makes this server knock at a stranger's door. What strangers make it
//! fetch is counted by their address.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gabion_identity::oauth::client::{AuthenticationMethod, Client, ClientId, Registration};
use gabion_identity::oauth::registration::{self, Offer};
use gabion_model::outbound::FetchRequest;
use gabion_model::{TenantId, Timestamp};
use gabion_vault::jwt::Jwks;
use serde_json::{Map, Value};
use url::Url;

use crate::Service;

/// What was fetched lately, by address.
#[derive(Default)]
pub(crate) struct Fetched {
    keys: Mutex<HashMap<String, Kept<Jwks>>>,
    documents: Mutex<HashMap<String, Kept<Client>>>,
}

struct Kept<T> {
    value: Option<Arc<T>>,
    time: Timestamp,
}

impl Service {
    /// The public keys of a client. `again`: those that are kept did not help.
    pub(super) async fn keys_of(&self, client: &Client, again: bool) -> Option<Arc<Jwks>> {
        if let Some(keys) = &client.metadata.jwks {
            return (!again).then(|| Jwks::from_json(&keys.to_string()).ok().map(Arc::new)).flatten();
        }
        let (inner, address) = (&self.0, client.metadata.jwks_uri.as_deref()?);
        let now = inner.clock.now();
        let least = if again { BETWEEN } else { FRESH };
        if let Some(kept) = look(&inner.protocols.fetched.keys, address, least, now) {
            return if again { None } else { kept };
        }
        let text = self.fetch_text(address).await;
        let keys = text.and_then(|text| Jwks::from_json(&text).ok()).map(Arc::new);
        keep(&inner.protocols.fetched.keys, address, keys.clone(), now);
        keys
    }

    /// The client that the document at its id describes, where such clients are let in.
    pub(super) async fn described_client(&self, id: &ClientId, from: IpAddr) -> Option<Arc<Client>> {
        let inner = &self.0;
        let rules = inner.rules();
        let settings = &rules.provider.settings.client_documents;
        if !is_document_address(id.as_str()) || !settings.lets_in(id.as_str()) {
            return None;
        }
        let now = inner.clock.now();
        if let Some(kept) = look(&inner.protocols.fetched.documents, id.as_str(), FRESH, now) {
            return kept;
        }
        // Given back by nobody: every fetch counts.
        drop(inner.protocols.tries.reserve(&format!("document {from}"), from, now).ok()?);
        let scopes: Vec<String> = settings.scopes.clone();
        let client = self.fetch_text(id.as_str()).await.and_then(|text| describe(id, &text, &scopes, now));
        let client = client.map(Arc::new);
        keep(&inner.protocols.fetched.documents, id.as_str(), client.clone(), now);
        client
    }

    pub(super) async fn fetch_text(&self, address: &str) -> Option<String> {
        let answer = match self.0.fetch.fetch(FetchRequest::get(address)).await {
            Ok(answer) => answer,
            Err(error) => {
                tracing::info!(%error, "a client's address was not fetched");
                return None;
            }
        };
        (answer.status == 200).then(|| String::from_utf8(answer.body).ok()).flatten()
    }
}

/// Reads a document and holds it to its address.
fn describe(id: &ClientId, text: &str, scopes: &[String], now: Timestamp) -> Option<Client> {
    let mut document: Map<String, Value> = serde_json::from_str(text).ok()?;
    if document.get("client_id").and_then(Value::as_str) != Some(id.as_str()) {
        tracing::info!("a client's document names another id");
        return None;
    }
    // There is no secret to share with somebody who publishes everything.
    if document.contains_key("client_secret") || document.contains_key("client_secret_expires_at") {
        return None;
    }
    document.entry("token_endpoint_auth_method").or_insert_with(|| "none".into());
    let metadata = match registration::read(&document, Offer { scopes }) {
        Ok(metadata) => metadata,
        Err(error) => {
            tracing::info!(%error, "a client's document is not usable");
            return None;
        }
    };
    let method = metadata.authentication;
    if !matches!(method, AuthenticationMethod::None | AuthenticationMethod::PrivateKeyJwt) {
        return None;
    }
    Some(Client {
        id: id.clone(),
        metadata,
        tenant: TenantId::new(TenantId::DEFAULT),
        secrets: Vec::new(),
        account: None,
        registration: Registration::Document,
        registration_token: None,
        disabled: false,
        created: now,
        updated: now,
        revision: 0,
    })
}

/// An https address with a path, and nothing a parser would write differently.
fn is_document_address(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| {
        url.as_str() == text
            && url.scheme() == "https"
            && url.username().is_empty()
            && url.password().is_none()
            && url.fragment().is_none()
            && url.path() != "/"
    })
}

/// What is kept, if it is new enough; the inner option is whether it could be fetched.
fn look<T>(
    kept: &Mutex<HashMap<String, Kept<T>>>,
    address: &str,
    fresh: Duration,
    now: Timestamp,
) -> Option<Option<Arc<T>>> {
    let kept = lock(kept);
    let entry = kept.get(address)?;
    let life = if entry.value.is_some() { fresh } else { BETWEEN };
    (now.saturating_since(entry.time) < life).then(|| entry.value.clone())
}

fn keep<T>(kept: &Mutex<HashMap<String, Kept<T>>>, address: &str, value: Option<Arc<T>>, now: Timestamp) {
    let mut kept = lock(kept);
    if kept.len() >= MOST {
        kept.retain(|_, entry| now.saturating_since(entry.time) < FRESH);
    }
    if kept.len() >= MOST {
        kept.clear();
    }
    kept.insert(address.to_owned(), Kept { value, time: now });
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Fetched {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Fetched")
    }
}

const FRESH: Duration = Duration::from_secs(15 * 60);
/// Between two fetches of what does not help.
const BETWEEN: Duration = Duration::from_secs(60);
const MOST: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    #[test]
    fn a_document_speaks_for_its_own_address_only() {
        let id: ClientId = "https://app.example/client.json".parse().unwrap();
        let judged = |document: &Value| describe(&id, &document.to_string(), &["openid".to_owned()], NOW);
        let good = json!({
            "client_id": id, "client_name": "App", "redirect_uris": ["https://app.example/cb"],
            "scope": "openid admin",
        });
        let client = judged(&good).unwrap();
        assert_eq!(client.metadata.authentication, AuthenticationMethod::None);
        assert_eq!(
            (client.metadata.scopes.as_slice(), client.registration),
            (&["openid".to_owned()][..], Registration::Document)
        );
        for (name, value) in [
            ("client_id", json!("https://app.example/other.json")),
            ("client_id", Value::Null),
            ("client_secret", json!("x")),
            ("token_endpoint_auth_method", json!("client_secret_basic")),
            ("redirect_uris", json!(["https://*.example/"])),
        ] {
            let mut wrong = good.clone();
            wrong[name] = value;
            assert!(judged(&wrong).is_none(), "{wrong}");
        }
        assert!(describe(&id, "[]", &[], NOW).is_none());
    }

    #[test]
    fn addresses_are_in_normal_form() {
        assert!(is_document_address("https://app.example/client.json"));
        assert!(is_document_address("https://app.example:8443/a?b=c"));
        for wrong in [
            "https://app.example/",
            "https://app.example",
            "http://app.example/x",
            "https://app.example/a/../x",
            "https://APP.example/x",
            "https://user@app.example/x",
            "https://app.example/x#y",
            "https://app.example:443/x",
        ] {
            assert!(!is_document_address(wrong), "{wrong}");
        }
    }
}
