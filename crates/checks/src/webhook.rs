//! Messages that other systems send, believed only when signed.
//!
//! Control: `api.webhooks`
//!
//! **Standard.** Standard Webhooks 1.0; GitHub's, Stripe's and Slack's own; RFC 2104, RFC 8032; ASVS 5.0 V4.1.5,
//! V11.2.4.
//!
//! **Threat.** Spoofing, tampering, repudiation: CWE-345 (whoever posts is the sender), CWE-294 (an old message
//! again), CWE-208 (a signature guessed by the clock).
//!
//! **Rules.**
//! 1. On a route with `webhook = "NAME"` every request, whatever its method, must carry the signature of
//!    `[webhooks.NAME]` over the bytes of its body as they came. Any one of its secrets will do, so that they can be
//!    changed without a gap; each is compared in constant time.
//! 2. The signed time must be within `tolerance` of now, before and after.
//! 3. A message is taken once. It is known again by its signed id (Standard Webhooks, `{id}` in a scheme of one's
//!    own), or else by a digest of all that is signed: a header such as `X-GitHub-Delivery`, which is not signed,
//!    could be written anew by whoever repeats the message. Known for twice the `tolerance`, or for `remember` where
//!    no time is signed (GitHub).
//! 4. A message the application did not take (its answer was not 2xx, or there was none) may come again, as senders
//!    do that try again. While it is being answered it may not.
//! 5. Header fields of the signature that stand there twice, and ids and times that are not canonical, are refused.
//! 6. Such a request needs no session and gets none. Its principal is the sender, `webhook:NAME`, also in
//!    `Gabion-Identity` and in the record; the csrf check does not judge it.
//!
//! **Answer.** 403; 409 for a message that was taken before (or 204, and the application does not see it again, with
//! `on_replay = "acknowledge"`); 413 above `body`; 503 when no more messages can be remembered.
//!
//! **Default.** On, for routes that name a sender.
//!
//! **Caveat.** What was taken is remembered in memory: for `tolerance` after a restart an intercepted message can be
//! repeated, and a GitHub message as long as its secret lives. Applications should be idempotent all the same. A body
//! is held whole before it goes on.
//!
//! **Example.** `[webhooks.shop]`, `scheme = "stripe"`, `secrets = [{ env = "STRIPE_WEBHOOK_SECRET" }]`; on the route
//! `access = "public"`, `webhook = "shop"`.

mod replays;
mod settings;

use std::sync::Arc;

use gabion_identity::{Credential, CredentialKind};
use gabion_model::{ByteSize, ControlId, Problem};
use gabion_vault::sha256;
use gabion_vault::webhook::{self, Verified};
use http::{HeaderMap, HeaderName, StatusCode, request};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) use replays::Replays;
pub use settings::{OnReplay, SchemeName, SecretFrom, Sender, SenderSettings, Senders, SignatureAlgorithm};
pub use settings::{SecretEncoding, SignatureEncoding};

use crate::answer::Answer;
use crate::check::{Check, Mode, Stop};
use crate::denial::{Denial, Reply};
use crate::exchange::Exchange;
use crate::order::{self, Needs};
use crate::pipeline::Step;
use crate::route::Routes;

/// `[checks.webhook]`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// `enforce`, `observe` or `off`.
    pub mode: Mode,
    /// The largest body of a webhook. GitHub sends up to 25 MiB, others far less.
    pub body: ByteSize,
    /// How many messages are remembered at most, of all senders. More are refused until older ones are forgotten.
    pub remembered: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { mode: Mode::Enforce, body: ByteSize::new(1 << 20), remembered: 100_000 }
    }
}

impl Settings {
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.body.bytes() == 0 || self.body.bytes() > 64 << 20 {
            problems.push(
                Problem::new("body", format!("`{}` cannot be held whole", self.body)).hint("at most `64MiB`"),
            );
        }
        if !(100..=10_000_000).contains(&self.remembered) {
            problems.push(Problem::new("remembered", "not between 100 and 10000000"));
        }
        problems
    }
}

/// The rules, but for what was taken before. `now` in seconds since 1970.
pub fn verify(
    sender: &Sender,
    headers: &HeaderMap,
    body: &[u8],
    now: i64,
) -> Result<Verified, webhook::Violation> {
    let field = |name: &str| headers.get_all(name).iter().map(http::HeaderValue::as_bytes).collect();
    webhook::verify(sender.scheme(), sender.keys(), field, body, now, sender.tolerance().as_secs())
}

fn refuse(violation: webhook::Violation) -> Denial {
    Denial::new(
        ControlId::API_WEBHOOKS,
        StatusCode::FORBIDDEN,
        "This message is not signed as its sender signs.",
        violation.to_string(),
    )
}

pub(crate) fn step(needs: &Needs<'_, '_>) -> Option<Step> {
    let parts = needs.parts?;
    let check = Webhook::new(&needs.settings.webhook, needs.routes, &parts.webhooks, &needs.memory.webhooks);
    order::step(needs.settings.webhook.mode, check)
}

/// Routes that name senders nobody described.
pub(crate) fn problems_with(routes: &Routes, senders: &Senders) -> Vec<Problem> {
    let unknown = |(index, route): (usize, &crate::route::Compiled)| {
        let name = route.declared.webhook.as_ref()?;
        senders.find(name).is_none().then(|| settings::unknown(index, name, senders.names()))
    };
    routes.iter().enumerate().filter_map(unknown).collect()
}

/// The check.
#[derive(Debug)]
pub struct Webhook {
    /// Per route.
    senders: Vec<Option<Arc<Sender>>>,
    replays: Arc<Replays>,
    body: usize,
    remembered: usize,
}

impl Webhook {
    pub(crate) fn new(
        settings: &Settings,
        routes: &Routes,
        senders: &Senders,
        replays: &Arc<Replays>,
    ) -> Self {
        let sender = |route: &crate::route::Compiled| senders.find(route.declared.webhook.as_ref()?);
        Self {
            senders: routes.iter().map(sender).collect(),
            replays: Arc::clone(replays),
            body: usize::try_from(settings.body.bytes()).unwrap_or(usize::MAX),
            remembered: settings.remembered,
        }
    }

    fn sender(&self, exchange: &Exchange) -> Option<&Arc<Sender>> {
        self.senders.get(exchange.route?)?.as_ref()
    }

    /// Takes the message unless it was taken before.
    fn take(&self, sender: &Sender, verified: &Verified, exchange: &mut Exchange) -> Result<(), Stop> {
        let key = sha256(&[sender.name().as_bytes(), &[0], &verified.once].concat());
        let known = if sender.scheme().signs_time() {
            sender.tolerance().saturating_mul(2)
        } else {
            sender.remember()
        };
        match self.replays.begin(key, exchange.now, known, self.remembered) {
            replays::Began::New => {
                exchange.delivery = Some(key);
                Ok(())
            }
            replays::Began::Full => Err(Denial::new(
                ControlId::API_WEBHOOKS,
                StatusCode::SERVICE_UNAVAILABLE,
                "Too many messages. Try again in a while.",
                "no more messages can be remembered",
            )
            .retry_after(60)
            .into()),
            replays::Began::Taken if sender.on_replay() == OnReplay::Acknowledge => {
                Err(Reply { status: StatusCode::NO_CONTENT, headers: HeaderMap::new() }.into())
            }
            replays::Began::Taken => Err(again("the message was taken before").into()),
            replays::Began::UnderWay => Err(again("the message is being answered").into()),
        }
    }
}

fn again(detail: &'static str) -> Denial {
    let public = "This message was received before.";
    Denial::new(ControlId::API_WEBHOOKS, StatusCode::CONFLICT, public, detail)
}

impl Check for Webhook {
    fn name(&self) -> &'static str {
        "webhook"
    }

    fn control(&self) -> ControlId {
        ControlId::API_WEBHOOKS
    }

    fn request(&self, head: &mut request::Parts, exchange: &mut Exchange) -> Result<(), Stop> {
        let Some(sender) = self.sender(exchange) else { return Ok(()) };
        // Nobody is believed about a cookie here, and no cookie replaces a signature.
        exchange.session = None;
        exchange.credential = None;
        // Without the fields there is nothing to read a body for.
        if !sender.scheme().headers().iter().all(|name| has(&head.headers, name)) {
            return Err(refuse(webhook::Violation::SignatureMissing).into());
        }
        let body = exchange.whole_body(self.body)?;
        let verified = verify(sender, &head.headers, &body, exchange.now.as_secs()).map_err(refuse)?;
        self.take(sender, &verified, exchange)?;
        exchange.credential = Some(Arc::clone(sender.credential()));
        Ok(())
    }

    fn response(&self, exchange: &mut Exchange, answer: &mut Answer<'_>) {
        if let Some(key) = exchange.delivery.take() {
            self.replays.end(key, answer.head.status.is_success());
        }
    }
}

fn has(headers: &HeaderMap, name: &str) -> bool {
    HeaderName::from_bytes(name.as_bytes()).is_ok_and(|name| headers.contains_key(name))
}

/// A principal for a sender.
fn credential(name: &str) -> Credential {
    use gabion_identity::{NewCredential, Scopes};
    use gabion_model::{AccountId, Principal, TenantId, Timestamp};
    let id = format!("webhook:{name}");
    Credential::new(NewCredential {
        kind: CredentialKind::Webhook,
        id: name.into(),
        principal: Principal {
            account: AccountId::new(&id),
            name: id.as_str().into(),
            tenant: TenantId::new(TenantId::DEFAULT),
            roles: [].into(),
            groups: [].into(),
            program: true,
        },
        client: None,
        scopes: Scopes::default(),
        expires: Timestamp::from_micros(i64::MAX),
        authenticated: None,
    })
}

#[cfg(test)]
mod tests;
