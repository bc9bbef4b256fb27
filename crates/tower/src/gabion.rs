//! A gate elsewhere: its keys, and what it answers when asked.

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gabion_checks::Denial;
use gabion_checks::identity_header;
use gabion_egress::{Client, EgressSettings, Host, Scheme, Target};
use gabion_identity::api_key::is_key;
use gabion_identity::federation::jwks::{self, Advice, KeyCache};
use gabion_identity::keyring::KEPT_BY_CLIENTS;
use gabion_identity::{AccessToken, CredentialKind, Scopes};
use gabion_model::outbound::{Fetch, FetchRequest};
use gabion_model::{AccountId, Acr, ControlId, Role, Secret, TenantId, Timestamp};
use gabion_vault::encoding::base64_encode;
use gabion_vault::jose::UnverifiedHeader;
use gabion_vault::jwt::{self, Expected, Jwks, TokenError};
use http::StatusCode;
use serde::Deserialize;

use crate::credentials::Credentials;
use crate::decisions::Decisions;
use crate::events::Events;
use crate::principal::Principal;
use crate::source;

/// A gate that is reached over the network, by its issuer. Cheap to clone; clones share the keys.
#[derive(Clone)]
pub struct Gabion(Arc<Inner>);

struct Inner {
    issuer: Box<str>,
    fetch: Arc<dyn Fetch>,
    keys: Arc<Keys>,
    /// `Authorization` of the client that may introspect.
    client: Option<Secret<String>>,
}

/// The gate's keys, kept for a while.
struct Keys {
    cache: Mutex<KeyCache>,
    /// One fetch at a time. Whoever has no key meanwhile waits for it, whoever has one goes on.
    fetching: tokio::sync::Mutex<()>,
}

/// Why there is no such gate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GabionError {
    /// The issuer is not `https://host` (or `http://` a loopback address), as the gate's discovery document has it.
    #[error("`{0}` is no issuer: write `https://host[:port]` as the gate's `gateway.public_url` has it")]
    Issuer(String),
    /// The client cannot be made: the file of authorities cannot be read.
    #[error("the client cannot be made: {0}")]
    Client(String),
}

/// Why a credential was not found out. Alphabetical.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failed {
    /// It does not count.
    NotValid,
    /// The gate cannot be asked.
    Unreachable(String),
}

impl Failed {
    pub(crate) fn denial(self, not_valid: impl FnOnce() -> Denial) -> Denial {
        match self {
            Self::NotValid => not_valid(),
            Self::Unreachable(reason) => {
                tracing::warn!(reason, "the gate cannot be asked who is calling");
                let public = "Who you are cannot be found out right now. Try again in a moment.";
                let status = StatusCode::SERVICE_UNAVAILABLE;
                Denial::new(ControlId::API_FAIL_CLOSED, status, public, "the gate cannot be asked")
                    .retry_after(5)
            }
        }
    }
}

impl From<TokenError> for Failed {
    fn from(_: TokenError) -> Self {
        Self::NotValid
    }
}

impl Gabion {
    /// The gate with this issuer, for instance `https://id.example`, reached by the machine's resolver and
    /// authorities. Whether it answers is seen with the first request.
    ///
    /// # Errors
    /// When it is no issuer.
    pub fn at(issuer: &str) -> Result<Self, GabionError> {
        Self::trusting(issuer, EgressSettings::default())
    }

    /// The same with other settings for what is reached, above all `ca_file`: the authority of a gate with
    /// `tls = { mode = "local-ca" }`. The issuer's own host and port are always allowed.
    ///
    /// # Errors
    /// As [`at`](Self::at), and when `ca_file` cannot be used.
    pub fn trusting(issuer: &str, settings: EgressSettings) -> Result<Self, GabionError> {
        let authority = judge(issuer)?;
        let mut settings = settings;
        settings.allow.push(authority);
        let client = Client::new(&settings).map_err(|error| GabionError::Client(error.to_string()))?;
        Self::through(issuer, Arc::new(client))
    }

    /// The same through a way out of the caller's own.
    ///
    /// # Errors
    /// When it is no issuer.
    pub fn through(issuer: &str, fetch: Arc<dyn Fetch>) -> Result<Self, GabionError> {
        judge(issuer)?;
        let cache = Mutex::new(KeyCache::keeping(KEPT_BY_CLIENTS, STALE));
        let keys = Arc::new(Keys { cache, fetching: tokio::sync::Mutex::default() });
        Ok(Self(Arc::new(Inner { issuer: issuer.into(), fetch, keys, client: None })))
    }

    /// As which confidential client (`client_secret_basic`) the application asks the gate about keys and tokens.
    #[must_use]
    pub fn client(self, id: &str, secret: &Secret<String>) -> Self {
        let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let pair = format!("{}:{}", encode(id), encode(secret.expose()));
        let client = Some(Secret::new(format!("Basic {}", base64_encode(pair.as_bytes()))));
        let Inner { issuer, fetch, keys, .. } = &*self.0;
        Self(Arc::new(Inner {
            issuer: issuer.clone(),
            fetch: Arc::clone(fetch),
            keys: Arc::clone(keys),
            client,
        }))
    }

    /// Takes the gate's signed word about who is calling (`Gabion-Identity`), whatever was shown to the gate.
    /// `audience` is the upstream's name in the gate's configuration: `[upstreams.shop]` is `shop`.
    pub fn session(&self, audience: &str) -> Credentials {
        let sessions = Some(source::Sessions::Assertion(self.clone(), audience.into()));
        Credentials { sessions, ..Credentials::none() }
    }

    /// Takes access tokens for `resource` (RFC 8707), by the gate's published keys.
    pub fn bearer(&self, resource: &str) -> Credentials {
        let (gabion, resource) = (self.clone(), resource.into());
        let tokens = Some(source::Tokens::Gate { gabion, resource, asked: false });
        Credentials { tokens, ..Credentials::none() }
    }

    /// Takes API keys; the gate is asked about each (RFC 7662), so one revoked a moment ago counts no more. Needs
    /// [`client`](Self::client).
    pub fn api_key(&self) -> Credentials {
        Credentials { keys: Some(source::Keys::Gate(self.clone())), ..Credentials::none() }
    }

    /// Asks the gate what somebody may. `key`: an API key of a service account with the scope `gabion:authorize`.
    #[must_use]
    pub fn decisions(&self, key: &Secret<String>) -> Decisions {
        Decisions::new(&self.0.issuer, Arc::clone(&self.0.fetch), key)
    }

    /// Has the gate record what happens here. `key`: an API key of a service account with the scope `gabion:events`.
    #[must_use]
    pub fn events(&self, key: &Secret<String>) -> Events {
        Events::new(&self.0.issuer, Arc::clone(&self.0.fetch), key)
    }

    pub(crate) fn is_known(&self) -> bool {
        self.0.client.is_some()
    }

    /// An access token of the gate's.
    pub(crate) async fn access_token(&self, token: &str, now: Timestamp) -> Result<AccessToken, Failed> {
        let keys = self.keys_for(token, now).await?;
        Ok(AccessToken::read(token, &keys, &self.0.issuer, now, LEEWAY)?)
    }

    /// Whom the gate vouches for.
    pub(crate) async fn vouched_for(
        &self,
        token: &str,
        audience: &str,
        now: Timestamp,
    ) -> Result<Principal, Failed> {
        let keys = self.keys_for(token, now).await?;
        let issuer = &self.0.issuer;
        let expected = Expected { typ: identity_header::TYPE, issuer, audience, now, leeway: LEEWAY };
        let told: Told = jwt::verify(token, &keys, &expected)?;
        told.principal()
    }

    /// The keys, with the one the token names if the gate has it.
    async fn keys_for(&self, token: &str, now: Timestamp) -> Result<Jwks, Failed> {
        let kid = UnverifiedHeader::of(token)?.kid.ok_or(Failed::NotValid)?;
        let known = |keys: &[jwt::Jwk]| keys.iter().any(|key| key.kid() == Some(&kid));
        let Keys { cache, fetching } = &*self.0.keys;
        let cache = || cache.lock().unwrap_or_else(PoisonError::into_inner);
        let set = |keys: Arc<Vec<jwt::Jwk>>| Jwks { keys: keys.to_vec() };
        let advice = cache().advise(known, now);
        if let Advice::Use(keys) = advice {
            return Ok(set(keys));
        }
        let _one = fetching.lock().await;
        let advice = cache().advise(known, now);
        let kept = match advice {
            Advice::Use(keys) => return Ok(set(keys)),
            Advice::Nothing => {
                return Err(Failed::Unreachable("its keys were asked for a moment ago".into()));
            }
            Advice::Fetch(kept) => kept,
        };
        cache().begin(now);
        let mut request = FetchRequest::get(format!("{}/.well-known/jwks.json", self.0.issuer));
        request.largest = jwks::LARGEST;
        let reason = match self.0.fetch.fetch(request).await {
            Ok(answer) if answer.status == 200 => match cache().fill(&answer.body, now) {
                Ok(keys) => return Ok(set(keys)),
                Err(error) => error.to_string(),
            },
            Ok(answer) => format!("its keys were answered with {}", answer.status),
            Err(error) => error.to_string(),
        };
        match kept {
            Some(keys) => {
                tracing::warn!(reason, "the gate's keys cannot be fetched; those at hand go on for a while");
                Ok(set(keys))
            }
            None => Err(Failed::Unreachable(reason)),
        }
    }

    /// Whose key it is, as the gate says.
    pub(crate) async fn api_key_holder(&self, key: &str, now: Timestamp) -> Result<Principal, Failed> {
        // What is no key by its checksum is not worth a question.
        if !is_key(key) {
            return Err(Failed::NotValid);
        }
        let mut told = self.introspect(key).await?;
        if told.token_type.as_deref() != Some(CredentialKind::ApiKey.as_str())
            || told.exp.is_none_or(|exp| exp <= now.as_secs())
        {
            return Err(Failed::NotValid);
        }
        told.credential = Some(CredentialKind::ApiKey);
        told.principal()
    }

    /// What the gate says of a key or a token that counts.
    pub(crate) async fn introspect(&self, token: &str) -> Result<Told, Failed> {
        let Some(client) = &self.0.client else { return Err(Failed::Unreachable("no client".into())) };
        let form: String =
            form_urlencoded::Serializer::new(String::new()).append_pair("token", token).finish();
        let url = format!("{}/.gabion/oauth/introspect", self.0.issuer);
        let request = FetchRequest::post_form(url, Secret::new(form)).header("authorization", client.clone());
        let answer = self.0.fetch.fetch(request).await;
        let answer = answer.map_err(|error| Failed::Unreachable(error.to_string()))?;
        if answer.status != 200 {
            return Err(Failed::Unreachable(format!("introspection was answered with {}", answer.status)));
        }
        let active: Active = serde_json::from_slice(&answer.body)
            .map_err(|_| Failed::Unreachable("introspection was answered with something else".into()))?;
        if !active.active {
            return Err(Failed::NotValid);
        }
        let told: Told = serde_json::from_slice(&answer.body).map_err(|_| Failed::NotValid)?;
        if *told.iss == *self.0.issuer { Ok(told) } else { Err(Failed::NotValid) }
    }
}

#[derive(Deserialize)]
struct Active {
    active: bool,
}

/// What the gate says of somebody: in its assertion, or when asked.
#[derive(Deserialize)]
pub(crate) struct Told {
    iss: String,
    pub(crate) sub: String,
    #[serde(default, alias = "username")]
    name: Option<String>,
    #[serde(default)]
    tenant: Option<String>,
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default)]
    groups: Vec<String>,
    #[serde(default)]
    credential: Option<CredentialKind>,
    #[serde(default)]
    token_type: Option<String>,
    #[serde(default)]
    exp: Option<i64>,
    #[serde(default)]
    client_id: Option<String>,
    #[serde(default)]
    scope: Option<String>,
    #[serde(default)]
    auth_time: Option<i64>,
    #[serde(default)]
    acr: Option<Acr>,
    #[serde(default)]
    amr: Vec<String>,
}

impl Told {
    fn principal(self) -> Result<Principal, Failed> {
        let scopes = Scopes::parse(self.scope.as_deref().unwrap_or_default());
        Ok(Principal {
            who: gabion_model::Principal {
                account: AccountId::new(&self.sub),
                name: self.name.as_deref().unwrap_or(&self.sub).into(),
                tenant: TenantId::new(self.tenant.as_deref().unwrap_or(TenantId::DEFAULT)),
                roles: self.roles.iter().map(|role| Role::new(role)).collect(),
                groups: self.groups.iter().map(|group| Arc::from(group.as_str())).collect(),
                program: self.auth_time.is_none() && self.credential != Some(CredentialKind::Session),
            },
            kind: self.credential.ok_or(Failed::NotValid)?,
            client: self.client_id.map(Into::into),
            scopes: scopes.map_err(|_| Failed::NotValid)?,
            authenticated: self.auth_time.map(Timestamp::from_secs),
            acr: self.acr,
            methods: self.amr.into_iter().map(String::into_boxed_str).collect(),
        })
    }
}

/// The authority of an issuer: an origin and nothing else, `https` unless nobody can listen in between.
fn judge(issuer: &str) -> Result<String, GabionError> {
    let refused = || GabionError::Issuer(issuer.to_owned());
    let target = Target::parse(issuer).map_err(|_| refused())?;
    let (_, authority) = issuer.split_once("://").ok_or_else(refused)?;
    let loopback = match &target.authority.host {
        Host::Address(address) => IpAddr::is_loopback(address),
        Host::Name(name) => name == "localhost",
    };
    if authority.contains(['/', '?', '#', '@']) || (target.scheme == Scheme::Http && !loopback) {
        return Err(refused());
    }
    Ok(target.authority.to_string())
}

impl fmt::Debug for Gabion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Gabion").field("issuer", &self.0.issuer).finish_non_exhaustive()
    }
}

/// How far the two machines' clocks may be apart.
const LEEWAY: Duration = Duration::from_secs(10);
/// How long the keys go on while the gate cannot be reached. Not longer: a key may have been revoked.
const STALE: Duration = Duration::from_secs(3600);
