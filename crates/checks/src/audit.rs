//! What is recorded.
//!
//! Control: `ledger.security-events`
//!
//! **Standard.** ASVS 5.0 V16.2.1, V16.3.2, V16.3.3 (who, what, where, when; failed authorization and
//! attempts to get around controls), V16.2.5 (nothing secret).
//!
//! **Threat.** Repudiation: CWE-778 (too little is logged), CWE-532 (secrets are), CWE-117 (log injection).
//!
//! **Rules.**
//! 1. Every refusal, wherever it was made, and everything an observing check would have refused, goes to the
//!    ledger: time, actor, address, user agent, method, path, control, reason, status, request id.
//! 2. Queries, bodies, cookies and credentials are never recorded; the reason never quotes the request.
//! 3. What the application refuses or fails at, a session or key that comes from another network, and whoever touches a
//!    canary (`canary-` in a path or an account's name) is recorded too, while attacks are watched for; what it answers is
//!    counted (`tally`).
//! 4. Floods are folded into counts by the ledger.
//! 5. Every answer of 500 and above goes to whoever groups what goes wrong, if anybody does: route, method, status,
//!    upstream; never the path.
//! 6. Every answer is one line of the access log, if there is one; writing never waits.
//!
//! **Answer.** Never refuses.
//!
//! **Default.** On; cannot be off.
//!
//! **Caveat.** Applications that put secrets into paths (`/reset/TOKEN`) put them into every log on the way.
//!
//! **Example.** `refusal request.refused anonymous /admin 203.0.113.9 authz.declared-routes "not signed in"`

mod noticed;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use gabion_identity::{Credential, CredentialKind};
use gabion_ledger::Ledger;
use gabion_model::{ControlId, Event, EventKind, Outcome, Problem, RequestId, Timestamp};
use gabion_policy::{PolicyId, record};
use http::{HeaderMap, Method, StatusCode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::answer::Answer;
use crate::check::{Check, Mode};
use crate::denial::Denial;
use crate::exchange::Exchange;
use crate::order::{self, Needs};
use crate::pipeline::Step;
use crate::policy::Decided;
use crate::route::Routes;
use crate::tally::Tally;

/// `[checks.audit]`
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// `enforce`; `observe` means the same here.
    pub mode: Mode,
}

impl Settings {
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        crate::settings::never_off(self.mode)
    }
}

/// Where access lines go.
pub trait AccessLog: Send + Sync + fmt::Debug {
    /// Takes one line. Must not block: drop and count rather than wait.
    fn write(&self, line: &AccessLine<'_>);
}

/// One answered request.
#[derive(Debug, Clone, Copy)]
pub struct AccessLine<'a> {
    pub time: Timestamp,
    pub client: IpAddr,
    pub method: &'a Method,
    pub host: &'a str,
    /// Without the query.
    pub path: &'a str,
    pub status: StatusCode,
    pub request_id: RequestId,
    /// The account's name.
    pub account: Option<&'a str>,
    pub user_agent: Option<&'a str>,
    /// The control that refused.
    pub control: Option<ControlId>,
    /// Whether policies allowed it, and which decided; `None` where none was asked.
    pub decision: Option<(bool, &'a [PolicyId])>,
}

/// Where answers of 500 and above are told, to be grouped.
pub trait FaultLog: Send + Sync + fmt::Debug {
    /// Takes one. Must not block: drop and count rather than wait.
    fn write(&self, fault: &Fault<'_>);
}

/// A request that ended in an answer of 500 or above.
#[derive(Debug, Clone, Copy)]
pub struct Fault<'a> {
    pub time: Timestamp,
    /// The route's pattern.
    pub route: &'a str,
    pub method: &'a Method,
    pub status: StatusCode,
    /// The upstream's name; empty for the gate's own pages.
    pub upstream: &'a str,
    /// The control that refused, where the gate said it.
    pub control: Option<ControlId>,
    /// The fields of the answer.
    pub fields: &'a HeaderMap,
    pub request_id: RequestId,
}

/// The event of a refusal, or of what would have been one.
#[must_use]
pub fn event(exchange: &Exchange, check: &str, denial: &Denial, refused: bool) -> Event {
    let (action, outcome) =
        if refused { ("request.refused", Outcome::Failure) } else { ("request.observed", Outcome::Success) };
    let mut event =
        Event::new(exchange.now, EventKind::Refusal, action, exchange.actor(), outcome, denial.control);
    event.tenant = exchange.tenant();
    if let Some(credential) = &exchange.credential {
        event.metadata.insert(credential.kind.as_str().to_owned(), credential.id.to_string());
        event.metadata.extend(key_id(credential));
    }
    event.resource = exchange.path().to_owned();
    event.address = Some(exchange.client);
    event.user_agent = agent(exchange).map(str::to_owned);
    event.reason = Some(denial.detail.to_string());
    event.request_id = Some(exchange.request_id);
    let decided = exchange.decided.as_ref().filter(|_| check == "policy");
    if let Some(metadata) = decided.and_then(|decided| decided.metadata.as_ref()) {
        event.metadata.extend(metadata.clone());
    }
    event.metadata.insert("check".to_owned(), check.to_owned());
    event.metadata.insert("method".to_owned(), exchange.method.to_string());
    event.metadata.insert("status".to_owned(), denial.status.as_u16().to_string());
    event
}

/// The public id of an API key. What is called `api-key` the ledger takes for the key itself and hides.
fn key_id(credential: &Credential) -> Option<(String, String)> {
    (credential.kind == CredentialKind::ApiKey).then(|| ("key_id".to_owned(), credential.id.to_string()))
}

/// The event of a decision that is kept for itself: each that differs once.
fn decision(exchange: &Exchange, decided: &Decided) -> Event {
    let (action, outcome) = if decided.decision.is_allowed() {
        ("decision.allowed", Outcome::Success)
    } else {
        ("decision.denied", Outcome::Failure)
    };
    let control = ControlId::AUTHZ_OBJECTS;
    let mut event = Event::new(exchange.now, EventKind::Decision, action, exchange.actor(), outcome, control);
    event.tenant = exchange.tenant();
    event.address = Some(exchange.client);
    event.request_id = Some(exchange.request_id);
    if let Some(metadata) = &decided.metadata {
        event.resource = metadata.get(record::ENTITY).cloned().unwrap_or_default();
        event.reason = metadata.get(record::ACTION).cloned();
        event.metadata.clone_from(metadata);
    }
    event
}

fn agent(exchange: &Exchange) -> Option<&str> {
    exchange.user_agent.as_ref()?.to_str().ok()
}

pub(crate) fn step(needs: &Needs<'_, '_>) -> Option<Step> {
    let parts = needs.parts?;
    let routes = needs.routes.iter().map(|route| route.declared.path.as_str().into()).collect();
    let audit = Audit {
        ledger: parts.ledger.clone(),
        log: parts.access_log.clone(),
        faults: parts.fault_log.clone().map(|log| (log, Arc::clone(needs.routes))),
        tally: Arc::clone(&needs.memory.tally),
        routes,
    };
    order::step(needs.settings.audit.mode, audit)
}

/// The check.
#[derive(Debug)]
pub struct Audit {
    ledger: Ledger,
    log: Option<Arc<dyn AccessLog>>,
    faults: Option<(Arc<dyn FaultLog>, Arc<Routes>)>,
    tally: Arc<Tally>,
    /// The path of each route.
    routes: Vec<Arc<str>>,
}

impl Check for Audit {
    fn name(&self) -> &'static str {
        "audit"
    }

    fn control(&self) -> ControlId {
        ControlId::LEDGER_SECURITY_EVENTS
    }

    fn response(&self, exchange: &mut Exchange, answer: &mut Answer<'_>) {
        for (check, denial) in std::mem::take(&mut exchange.observed) {
            self.ledger.observe(event(exchange, check, &denial, false));
        }
        if let Some((check, denial)) = &exchange.refusal {
            self.ledger.observe(event(exchange, check, denial, true));
        }
        // What a refusal's event tells already needs no second one.
        let is_told = exchange.refusal.as_ref().is_some_and(|(check, _)| *check == "policy");
        if let Some(decided) = exchange.decided.as_ref().filter(|decided| decided.keep && !is_told) {
            self.ledger.observe(decision(exchange, decided));
        }
        if self.tally.is_on() {
            self.notice(exchange, answer);
        }
        if let Some((log, routes)) = &self.faults
            && answer.head.status.is_server_error()
        {
            let route = exchange.route.and_then(|route| routes.get(route));
            let upstream = route.and_then(|route| routes.upstreams().get(route.upstream?));
            log.write(&Fault {
                time: exchange.now,
                route: route.map_or("", |route| &route.declared.path),
                method: &exchange.method,
                status: answer.head.status,
                upstream: upstream.map_or("", |name| name),
                control: exchange.refusal.as_ref().map(|(_, denial)| denial.control),
                fields: &answer.head.headers,
                request_id: exchange.request_id,
            });
        }
        if let Some(log) = &self.log {
            log.write(&AccessLine {
                time: exchange.now,
                client: exchange.client,
                method: &exchange.method,
                host: exchange.host_str(),
                path: exchange.path(),
                status: answer.head.status,
                request_id: exchange.request_id,
                account: exchange.principal().map(|principal| &*principal.name),
                user_agent: agent(exchange),
                control: exchange.refusal.as_ref().map(|(_, denial)| denial.control),
                decision: exchange
                    .decided
                    .as_ref()
                    .map(|decided| (decided.decision.is_allowed(), &*decided.decision.policies)),
            });
        }
    }

    fn late(&self, exchange: &Exchange, check: &'static str, denial: &Denial, refused: bool) {
        self.ledger.observe(event(exchange, check, denial, refused));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_event_never_holds_query_or_credentials(
            path in "/[a-z]{0,8}", query in "Q[a-z0-9=&]{0,20}Q", secret in "S[a-z0-9]{1,20}S", agent in "[ -~]{0,30}", refused: bool,
        ) {
            let request = Request::builder()
                .uri(format!("{path}?{query}"))
                .header("cookie", &secret)
                .header("authorization", &secret)
                .header("user-agent", &agent)
                .body(())
                .unwrap();
            let (head, ()) = request.into_parts();
            let exchange = crate::exchange::tests::exchange(&head);
            let denial = Denial::malformed_request("test");
            let event = event(&exchange, "limits", &denial, refused);
            let text = format!("{event:?}");
            prop_assert!(!text.contains(&query));
            prop_assert!(agent.contains(&secret) || !text.contains(&secret));
            prop_assert_eq!(&event.resource, &path);
            prop_assert_eq!(event.outcome == Outcome::Failure, refused);
            prop_assert_eq!(event.control, denial.control);
        }
    }
}
