//! Who is calling, told to the application in a way nobody can forge.
//!
//! Control: `authz.trusted-identity`
//!
//! **Standard.** RFC 7519, RFC 8725 §3 (JWT, current practice); ASVS 5.0 V4.1.3, V8.3.1.
//!
//! **Threat.** Spoofing: CWE-290, CWE-345. An application that believes a plain `X-User` header believes
//! whoever finds a way around the gate.
//!
//! **Rules.**
//! 1. A request with a session carries `Gabion-Identity`: an ES256 JWT (`typ` `gabion-identity+jwt`) with `iss`, `sub`
//!    (account id), `aud` (the upstream's name), `iat`, `exp`, `name`, `tenant`, `roles`, `groups`, `credential` (by
//!    what: `session`, `bearer`, `api-key`, `certificate`) and how the person signed in: `auth_time`, `acr`, `amr`.
//! 2. So does one with a token, an API key or a certificate, with its `scope` and, for a token, its `client_id`.
//! 3. A request without either carries none; `normalise` removed whatever the client sent.
//! 4. It is signed once per session or credential and upstream and used for half its life: signing costs more than the rest
//!    of the request.
//!
//! **Answer.** Never refuses; when signing fails, 500.
//!
//! **Default.** On, life 5 minutes.
//!
//! **Caveat.** The application must verify signature (keys at `/.well-known/jwks.json`), `aud` and `exp`. Roles
//! taken away arrive with the next token; a revoked session is refused at once.
//!
//! **Example.** `Gabion-Identity: eyJhbGciOiJFUzI1NiIs…`

use std::sync::Arc;
use std::time::Duration;

use gabion_identity::{AssertionSlot, Credential, CredentialKind, Keyring, Session};
use gabion_model::{Acr, ControlId, Period, Principal, Problem, Role, Timestamp};
use http::{HeaderName, HeaderValue, request};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check::{Check, Mode, Stop};
use crate::denial::Denial;
use crate::exchange::Exchange;
use crate::order::{self, Needs};
use crate::pipeline::Step;
use crate::route::Routes;

/// `[checks.identity_header]`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// `enforce`, `observe` or `off`.
    pub mode: Mode,
    /// How long a token is valid, at least a minute.
    pub life: Period,
}

impl Default for Settings {
    fn default() -> Self {
        Self { mode: Mode::Enforce, life: Period::from_secs(300) }
    }
}

impl Settings {
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let life = self.life.as_duration();
        if (Duration::from_secs(60)..=Duration::from_secs(3600)).contains(&life) {
            return Vec::new();
        }
        vec![Problem::new("life", format!("`{}` is not between a minute and an hour", self.life))]
    }
}

/// The claims.
#[derive(Debug, Serialize)]
pub struct Claims<'a> {
    pub iss: &'a str,
    pub sub: &'a str,
    pub aud: &'a str,
    pub iat: i64,
    pub exp: i64,
    pub name: &'a str,
    pub tenant: &'a str,
    pub roles: &'a [Role],
    /// The names of its groups.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub groups: &'a [Arc<str>],
    /// By what it was shown.
    pub credential: CredentialKind,
    /// When the person behind it signed in; absent for what never does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
    /// How strongly.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acr: Option<Acr>,
    /// By which methods (RFC 8176), where the gate saw it itself.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<&'static str>,
    /// The OAuth client that acts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<&'a str>,
    /// What a program may do; nothing for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
}

/// What is claimed about somebody.
#[must_use]
pub fn claims<'a>(
    issuer: &'a str,
    audience: &'a str,
    principal: &'a Principal,
    credential: CredentialKind,
    now: Timestamp,
    life: Duration,
) -> Claims<'a> {
    Claims {
        iss: issuer,
        sub: principal.account.as_str(),
        aud: audience,
        iat: now.as_secs(),
        exp: now.saturating_add(life).as_secs(),
        name: &principal.name,
        tenant: principal.tenant.as_str(),
        roles: &principal.roles,
        groups: &principal.groups,
        credential,
        auth_time: None,
        acr: None,
        amr: Vec::new(),
        client_id: None,
        scope: None,
    }
}

pub(crate) fn step(needs: &Needs<'_, '_>) -> Option<Step> {
    let parts = needs.parts?;
    order::step(
        needs.settings.identity_header.mode,
        IdentityHeader::new(&needs.settings.identity_header, &parts.keys, &parts.issuer, needs.routes),
    )
}

/// The check.
pub struct IdentityHeader {
    keys: Arc<Keyring>,
    issuer: String,
    life: Duration,
    /// Per route: the audience; `None` for the gate's own pages.
    audiences: Vec<Option<Arc<str>>>,
}

impl IdentityHeader {
    pub(crate) fn new(settings: &Settings, keys: &Arc<Keyring>, issuer: &str, routes: &Routes) -> Self {
        let audience = |route: &crate::route::Compiled| routes.upstreams().get(route.upstream?).cloned();
        Self {
            keys: Arc::clone(keys),
            issuer: issuer.to_owned(),
            life: settings.life.as_duration(),
            audiences: routes.iter().map(audience).collect(),
        }
    }

    fn token(&self, who: Who<'_>, audience: &str, now: Timestamp) -> Result<HeaderValue, Denial> {
        let slot = who.assertion();
        let key = self.keys.signing();
        // One that was signed with a key that signs no more may have been signed with a revoked one.
        if let Some(Minted { kid, value }) = slot.read::<Minted>(audience, now)
            && *kid == *key.kid()
        {
            return Ok(value);
        }
        let mut claims = claims(&self.issuer, audience, who.principal(), who.kind(), now, self.life);
        match who {
            Who::Person(session) => {
                claims.auth_time = Some(session.authenticated.as_secs());
                claims.acr = Some(session.methods.acr());
                claims.amr = session.methods.amr();
            }
            Who::Program(credential) => {
                claims.client_id = credential.client.as_deref();
                claims.scope = Some(credential.scopes.to_string());
                claims.auth_time = credential.authenticated.map(|(time, _)| time.as_secs());
                claims.acr = credential.authenticated.map(|(_, acr)| acr);
            }
        }
        let token = key.sign(TYPE, &claims).map_err(|_| Denial::internal("identity token not signed"))?;
        let mut value = HeaderValue::from_str(&token)
            .map_err(|_| Denial::internal("identity token not a header value"))?;
        value.set_sensitive(true);
        let minted = Minted { kid: key.kid().into(), value: value.clone() };
        slot.keep(audience, now.saturating_add(self.life / 2), minted);
        Ok(value)
    }
}

/// Whose request it is.
#[derive(Clone, Copy)]
enum Who<'a> {
    Person(&'a Session),
    Program(&'a Credential),
}

impl<'a> Who<'a> {
    fn principal(self) -> &'a Principal {
        match self {
            Self::Person(session) => &session.principal,
            Self::Program(credential) => &credential.principal,
        }
    }

    fn kind(self) -> CredentialKind {
        match self {
            Self::Person(_) => CredentialKind::Session,
            Self::Program(credential) => credential.kind,
        }
    }

    fn assertion(self) -> &'a AssertionSlot {
        match self {
            Self::Person(session) => &session.assertion,
            Self::Program(credential) => &credential.assertion,
        }
    }
}

/// A token and the key that signed it.
#[derive(Clone)]
struct Minted {
    kid: Arc<str>,
    value: HeaderValue,
}

impl std::fmt::Debug for IdentityHeader {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("IdentityHeader").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

impl Check for IdentityHeader {
    fn name(&self) -> &'static str {
        "identity_header"
    }

    fn control(&self) -> ControlId {
        ControlId::AUTHZ_TRUSTED_IDENTITY
    }

    fn request(&self, head: &mut request::Parts, exchange: &mut Exchange) -> Result<(), Stop> {
        let audience = exchange.route.and_then(|route| self.audiences.get(route)).and_then(Option::as_ref);
        let person = exchange.session.as_deref().map(Who::Person);
        let who = person.or_else(|| exchange.credential.as_deref().map(Who::Program));
        if let (Some(who), Some(audience)) = (who, audience) {
            let token = self.token(who, audience, exchange.now)?;
            head.headers.insert(GABION_IDENTITY, token);
        }
        Ok(())
    }
}

/// Carries the token.
pub const GABION_IDENTITY: HeaderName = HeaderName::from_static("gabion-identity");
/// The token's `typ`.
pub const TYPE: &str = "gabion-identity+jwt";

#[cfg(test)]
mod tests {
    use super::*;
    use gabion_model::{AccountId, TenantId};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn claims_say_who_and_end_in_time(
            account in "[a-z0-9]{1,20}", name in "[ -~]{1,20}", roles in proptest::collection::vec("[a-z]{1,8}", 0..4),
            now in 0_i64..4_000_000_000, life in 60_u64..3600,
        ) {
            let principal = Principal {
                account: AccountId::new(&account),
                name: name.as_str().into(),
                tenant: TenantId::new("t"),
                roles: roles.iter().map(|role| Role::new(role)).collect(),
                groups: [].into(),
                program: false,
            };
            let now = Timestamp::from_secs(now);
            let claims = claims("iss", "app", &principal, CredentialKind::Session, now, Duration::from_secs(life));
            prop_assert_eq!(claims.exp - claims.iat, i64::try_from(life).unwrap());
            let json = serde_json::to_value(&claims).unwrap();
            prop_assert_eq!(json["sub"].as_str(), Some(account.as_str()));
            prop_assert_eq!(json["name"].as_str(), Some(name.as_str()));
            prop_assert_eq!(json["roles"].as_array().unwrap().len(), roles.len());
            prop_assert_eq!(json.as_object().unwrap().len(), 9);
        }
    }
}
