//! Policies decide: may this principal do this to that object?
//!
//! Control: `authz.objects`
//!
//! **Standard.** ASVS 5.0 V8.2.1, V8.2.2, V8.2.3, V8.3.1, V8.4.1 (functions, objects, fields and tenants, decided at a
//! trusted layer, denied by default); NIST SP 800-162 (attributes); RFC 9470 (step-up).
//!
//! **Threat.** Elevation of privilege and information disclosure: CWE-639 (direct object reference), CWE-862, CWE-863,
//! CWE-213.
//!
//! **Rules.**
//! 1. On a route with `policy`, or on every declared one with `routes = "all"`, nothing is allowed that no policy
//!    permits: the policies of `policy.directory` are asked with the principal, the action, the resource and the
//!    circumstances.
//! 2. The action is `policy.action`, or else the operation of the route's contract that the request belongs to, or
//!    else the method (`HEAD` is `GET`). The resource is the object of the type `policy.resource` with the id that
//!    `policy.id` tells, or else the route itself (`Route::"/orders/*"`).
//! 3. What identifies the object stands once and is read in one way, or the request is refused: a repeated parameter
//!    means two objects, and so do names that differ in case only, arrays, numbers beyond 2^53, a member named twice
//!    anywhere in a body. A body is JSON in UTF-8 of at most `body_limit`, or refused. What is missing in a query or a
//!    body names nothing, and is refused as well.
//! 4. What the policies of the action read of an object is asked of its resolver (`[resolvers]`), and only then.
//!    What cannot be found out is no permission.
//! 5. Of an object the principal may not know of, nothing is said, not even that it is there: a denial is 404 unless the
//!    principal may do `policy.known_by` (default: the action of reading, which is what the `GET` route of the same
//!    path asks; else nobody may know). An object that is not there gets the same answer.
//! 6. `@step_up` asks for a stronger or fresher sign-in, of people, as the route options `acr` and `max_age` do.
//! 7. `@obligation("mask:/…")` takes members out of the JSON of an answer. An answer that cannot be read whole
//!    (too large, coded, not JSON, a tunnel, behind forward-auth) is not passed on.
//! 8. `@mode("dry_run")` changes nothing. What it would have refused is counted and recorded as an observing check's
//!    refusals are, with the ids of the policies on trial.
//!
//! **Answer.** For 5, 404 as for an address nobody declared; 403 where the object may be known; for strangers 401 or
//! the way to the login, whatever is there; for 4, 503; for 3, 400, and 413 for a body that is too long; for 7, 502.
//! Behind forward-auth nobody sees a body: a route whose object stands there is 403.
//!
//! **Default.** On where a route says `policy`; decisions that differ in anything are recorded once an hour.
//!
//! **Caveat.** Decisions are about one object. A list of objects is the application's to filter.
//!
//! **Example.** `path = "/orders/{order}"`, `policy = { action = "readOrder", resource = "Order", id = "path.order" }` and
//! `permit (principal, action == Action::"readOrder", resource) when { resource.owner == principal };`

mod mask;
mod question;
mod recent;
mod route;
mod source;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use gabion_model::{Acr, ByteSize, ControlId, Problem};
use gabion_policy::{
    Decision, Effect, Found, Generation, Live, Needed, Obligation, Policies, Question, Resource, Resources,
    Subject, Unknown, record,
};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_RANGE, RANGE};
use http::{HeaderName, Method, StatusCode, request, response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::access::{self, AccessCheck};
use crate::check::{Arrived, Check, Inspected, Mode, Seen, Stop, Wants};
use crate::denial::Denial;
use crate::exchange::Exchange;
use crate::order::{self, Needs};
use crate::pipeline::Step;

pub use route::{RoutePolicy, operation_action};

use question::Circumstances;
use recent::Recent;
use route::Rule;
use source::Said;

/// `[checks.policy]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// `enforce`, `observe` or `off`.
    pub mode: Mode,
    /// Where policies decide: on the routes with `policy` (`declared`), or on every declared route (`all`).
    pub routes: Where,
    /// The longest body in which an object's id is looked for (`policy.id = "body:/order_id"`).
    pub body_limit: ByteSize,
    /// The longest answer members are taken out of.
    pub mask_limit: ByteSize,
    /// Which decisions the ledger keeps: refused requests only (`denied`), or also each decision that differs from
    /// those of the last hour in who, what, which object or how (`distinct`), for `gabion policy diff`.
    pub record: RecordWhat,
}

/// Where policies decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Where {
    #[default]
    Declared,
    All,
}

/// Which decisions the ledger keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RecordWhat {
    Denied,
    #[default]
    Distinct,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            mode: Mode::default(),
            routes: Where::default(),
            body_limit: ByteSize::new(1024 * 1024),
            mask_limit: ByteSize::new(1024 * 1024),
            record: RecordWhat::default(),
        }
    }
}

impl Settings {
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let limits = [("body_limit", self.body_limit), ("mask_limit", self.mask_limit)];
        let bad = limits.into_iter().filter(|(_, limit)| !(1..=64 << 20).contains(&limit.bytes()));
        bad.map(|(key, limit)| Problem::new(key, format!("`{limit}` is not between 1B and 64MiB"))).collect()
    }
}

/// The broken rules. Alphabetical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    #[error("what identifies the object stands twice or cannot be read")]
    Ambiguous,
    #[error("a policy forbids it, or none permits it")]
    Denied,
    #[error("the object may not be known of, or is not there")]
    Hidden,
    #[error("what the policies read of the object cannot be found out")]
    Undecidable,
    #[error("members of the answer cannot be taken out where nobody reads it")]
    Unmasked,
    #[error("what identifies the object is missing")]
    Unnamed,
    #[error("members of the answer cannot be taken out: it cannot be read")]
    Unreadable,
    #[error("what identifies the object stands in the body, which a proxy that asks does not send")]
    Unseen,
}

impl From<Violation> for Denial {
    fn from(violation: Violation) -> Self {
        let (status, public) = match violation {
            Violation::Ambiguous | Violation::Unnamed => {
                (StatusCode::BAD_REQUEST, "The request does not name one object.")
            }
            Violation::Unseen => (StatusCode::FORBIDDEN, "This request cannot be judged."),
            Violation::Denied => (StatusCode::FORBIDDEN, "Your account may not do this."),
            // As for an address that nobody declared.
            Violation::Hidden => (StatusCode::NOT_FOUND, "There is nothing at this address."),
            Violation::Unmasked | Violation::Unreadable => {
                (StatusCode::BAD_GATEWAY, "The application gave an answer that cannot be passed on.")
            }
            Violation::Undecidable => {
                let public = "Whether you may do this cannot be found out right now. Try again in a moment.";
                return Self::new(
                    ControlId::API_FAIL_CLOSED,
                    StatusCode::SERVICE_UNAVAILABLE,
                    public,
                    violation.to_string(),
                )
                .retry_after(1);
            }
        };
        let control = match violation {
            Violation::Unmasked | Violation::Unreadable => ControlId::AUTHZ_FIELDS,
            _ => ControlId::AUTHZ_OBJECTS,
        };
        Self::new(control, status, public, violation.to_string())
    }
}

/// What was decided about a request.
#[derive(Debug, Clone)]
pub(crate) struct Decided {
    pub(crate) decision: Decision,
    /// Names and values as [`gabion_policy::record`] writes them, where somebody may want to record them.
    pub(crate) metadata: Option<BTreeMap<String, String>>,
    /// An event of its own is worth keeping.
    pub(crate) keep: bool,
}

/// What a resolver found out, on its way to the check.
#[derive(Debug)]
pub(crate) struct Resolved(Result<Found, Unknown>);

pub(crate) fn step(needs: &Needs<'_, '_>) -> Option<Step> {
    let parts = needs.parts?;
    let settings = &needs.settings.policy;
    let rules = Rule::all(needs.routes, settings.routes == Where::All, &parts.contracts);
    let access = AccessCheck::new(needs.routes, &parts.issuer);
    let (policies, resources) = (parts.policies.clone(), parts.resources.clone());
    let check = Policy::new(settings, rules, access, policies, resources);
    order::step(settings.mode, check)
}

/// The check.
pub struct Policy {
    rules: Vec<Option<Rule>>,
    live: Option<Arc<Live>>,
    resources: Option<Arc<dyn Resources>>,
    circumstances: Circumstances,
    /// What the actions need, by the generation it was asked of.
    needed: ArcSwap<Known>,
    access: AccessCheck,
    anonymous: Subject,
    recent: Option<Recent>,
    /// Bytes.
    body_limit: usize,
}

/// What is needed for each action, for one generation.
#[derive(Debug, Default)]
struct Known {
    generation: Option<Generation>,
    actions: BTreeMap<Arc<str>, Arc<Needed>>,
}

impl Policy {
    fn new(
        settings: &Settings,
        rules: Vec<Option<Rule>>,
        access: AccessCheck,
        live: Option<Arc<Live>>,
        resources: Option<Arc<dyn Resources>>,
    ) -> Self {
        Self {
            rules,
            live,
            resources,
            circumstances: Circumstances::new(),
            needed: ArcSwap::default(),
            access,
            anonymous: Subject::anonymous(),
            recent: (settings.record == RecordWhat::Distinct).then(Recent::new),
            body_limit: usize::try_from(settings.body_limit.bytes()).unwrap_or(usize::MAX),
        }
    }

    /// What the policies of an action read; asked once per generation.
    fn needed(&self, policies: &Policies, action: &Arc<str>) -> Arc<Needed> {
        let generation = Some(policies.generation());
        let known = self.needed.load();
        if known.generation == generation
            && let Some(needed) = known.actions.get(action)
        {
            return Arc::clone(needed);
        }
        let needed = Arc::new(policies.needs(action));
        let mut actions =
            if known.generation == generation { known.actions.clone() } else { BTreeMap::new() };
        actions.insert(Arc::clone(action), Arc::clone(&needed));
        self.needed.store(Arc::new(Known { generation, actions }));
        needed
    }

    fn judge(&self, rule: &Rule, head: &mut request::Parts, exchange: &mut Exchange) -> Result<(), Stop> {
        let Some(live) = &self.live else {
            return Err(Denial::internal("a route asks policies, and there are none").into());
        };
        let policies = live.load();
        let action = rule.action(exchange);
        let needed = self.needed(&policies, action);
        let reading = rule.known_by(exchange);
        let body = match rule.reads_body() {
            true => Some(source::body(&head.headers, exchange, self.body_limit)?),
            false => None,
        };
        let resource = match Self::resource(rule, head, exchange, body.as_deref()) {
            Ok(resource) => resource,
            Err(violation) => return Err(self.stranger_or(exchange, violation).into()),
        };
        let found;
        let resource = if !rule.is_object() {
            resource
        } else if self.is_asked(&resource, &needed)
            || reading.is_some_and(|reading| self.is_asked(&resource, &self.needed(&policies, reading)))
        {
            found = match self.resolve(&resource, exchange)? {
                Ok(Some(found)) => found,
                Ok(None) => return Err(self.stranger_or(exchange, Violation::Hidden).into()),
                Err(_) => return Err(Denial::from(Violation::Undecidable).into()),
            };
            rule.joined(resource, &found)
        } else {
            resource
        };
        let subject = question::subject(exchange, &self.anonymous);
        let context = self.circumstances.of(exchange, &needed);
        let question = Question { principal: &subject, action, resource: &resource, context: &context };
        let decision = policies.decide(&question);
        self.note(exchange, &question, &decision);
        self.carry_out(&policies, rule, &question, &decision, reading, exchange, head)
    }

    /// What the request is about, as far as it says.
    fn resource<'a>(
        rule: &'a Rule,
        head: &request::Parts,
        exchange: &Exchange,
        body: Option<&[u8]>,
    ) -> Result<Cow<'a, Resource>, Violation> {
        let document = match body {
            Some([]) => None,
            Some(bytes) => Some(source::document(bytes)?),
            None => None,
        };
        rule.resource(Said { exchange, query: head.uri.query(), body: document.as_ref() })
    }

    /// Whether the object's resolver has to be asked.
    fn is_asked(&self, resource: &Resource, needed: &Needed) -> bool {
        let all_there = || needed.resource.iter().all(|name| resource.attributes.contains_key(name));
        (needed.parents || !all_there())
            && self.resources.as_ref().is_some_and(|resources| resources.serves(&resource.entity.kind))
    }

    fn resolve(&self, resource: &Resource, exchange: &mut Exchange) -> Result<Result<Found, Unknown>, Stop> {
        if let Some(Resolved(found)) = exchange.resolved.take() {
            return Ok(found);
        }
        let Some(resources) = &self.resources else { return Ok(Err(Unknown::NoResolver)) };
        let entity = &resource.entity;
        if let Some(found) = resources.at_hand(&entity.kind, &entity.id, exchange.now) {
            return Ok(Ok(found));
        }
        let finding = resources.find(entity.clone());
        let arrival = async move {
            let found = finding.await;
            let arrived: Arrived = Box::new(move |exchange| exchange.resolved = Some(Resolved(found)));
            arrived
        };
        Err(Wants::Arrival(Box::pin(arrival)).into())
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one decision")]
    fn carry_out(
        &self,
        policies: &Policies,
        rule: &Rule,
        question: &Question<'_>,
        decision: &Decision,
        reading: Option<&Arc<str>>,
        exchange: &mut Exchange,
        head: &mut request::Parts,
    ) -> Result<(), Stop> {
        let step_up = self.step_up(decision, exchange);
        if !decision.is_allowed() {
            if let Some((acr, age)) = step_up {
                return Err(self.ask_for_more(exchange, acr, age).into());
            }
            let hidden = rule.is_object() && !Self::may_know(policies, question, reading);
            let violation = if hidden { Violation::Hidden } else { Violation::Denied };
            return Err(self.stranger_or(exchange, violation).into());
        }
        if let Some((acr, age)) = step_up {
            return Err(self.ask_for_more(exchange, acr, age).into());
        }
        let mut masks: Vec<Arc<str>> = Vec::new();
        for obligation in decision.obligations.iter() {
            match obligation {
                Obligation::Mask { fields } => masks.extend(fields.iter().cloned()),
                Obligation::DryRun { effect: Effect::Deny, policies } => {
                    let mut denial = Denial::from(Violation::Denied);
                    let ids: Vec<String> = policies.iter().map(|id| format!("`{id}`")).collect();
                    denial.detail = format!("on trial, {} would deny it", ids.join(", ")).into();
                    exchange.observed.push(("policy", denial));
                }
                Obligation::DryRun { .. } | Obligation::StepUp { .. } => {}
            }
        }
        if !masks.is_empty() {
            if exchange.asked_by.is_some() || exchange.upgrade {
                return Err(Denial::from(Violation::Unmasked).into());
            }
            // A part of a document cannot be read, and a whole one is compared with nothing.
            for name in [RANGE, IF_RANGE] {
                head.headers.remove(name);
            }
            exchange.want_plain_answer();
            exchange.masks = masks.into();
        }
        Ok(())
    }

    /// Whether the principal may know that the object is there.
    fn may_know(policies: &Policies, question: &Question<'_>, reading: Option<&Arc<str>>) -> bool {
        let Some(reading) = reading else { return false };
        if **reading == *question.action {
            return false;
        }
        let decision = policies.decide(&Question { action: reading, ..*question });
        decision.is_allowed()
    }

    /// The step-up that is not done yet, all that were asked for together.
    fn step_up(&self, decision: &Decision, exchange: &Exchange) -> Option<(Acr, Option<Duration>)> {
        let (acr, at) = question::signed_in(exchange);
        let mut wanted: Option<(Acr, Option<Duration>)> = None;
        for obligation in decision.obligations.iter() {
            let Obligation::StepUp { acr: one, max_age } = obligation else { continue };
            if obligation.is_met(acr, at, exchange.now) {
                continue;
            }
            let (strongest, soonest) = wanted.unwrap_or((*one, *max_age));
            let soonest = match (soonest, *max_age) {
                (Some(one), Some(other)) => Some(one.min(other)),
                (one, other) => one.or(other),
            };
            wanted = Some((strongest.max(*one), soonest));
        }
        wanted
    }

    fn ask_for_more(&self, exchange: &Exchange, acr: Acr, max_age: Option<Duration>) -> Denial {
        let (own, at) = question::signed_in(exchange);
        let violation = match (exchange.principal(), at) {
            (None, _) => access::Violation::NotSignedIn,
            (Some(_), None) => access::Violation::NotAPerson,
            (Some(_), Some(_)) if own.is_none_or(|own| own < acr) => access::Violation::TooWeak,
            (Some(_), Some(_)) => access::Violation::TooLongAgo,
        };
        self.access.refuse_for(violation, exchange.route, Some(acr), max_age)
    }

    /// Strangers are told to sign in, whatever is there.
    fn stranger_or(&self, exchange: &Exchange, violation: Violation) -> Denial {
        match exchange.principal() {
            None if violation != Violation::Ambiguous => self.access.stranger(exchange.route),
            _ => violation.into(),
        }
    }

    /// Keeps what was decided, for the ledger and the access log.
    fn note(&self, exchange: &mut Exchange, question: &Question<'_>, decision: &Decision) {
        let keep = self.recent.as_ref().is_some_and(|recent| recent.is_new(exchange.now, question, decision));
        let is_told = keep || !decision.is_allowed() || !decision.obligations.is_empty();
        let metadata = is_told.then(|| {
            let mut metadata = BTreeMap::new();
            record::write(question, decision, &mut metadata);
            metadata
        });
        exchange.decided = Some(Decided { decision: decision.clone(), metadata, keep });
    }
}

impl Check for Policy {
    fn name(&self) -> &'static str {
        "policy"
    }

    fn control(&self) -> ControlId {
        ControlId::AUTHZ_OBJECTS
    }

    fn request(&self, head: &mut request::Parts, exchange: &mut Exchange) -> Result<(), Stop> {
        let rule = exchange.route.and_then(|route| self.rules.get(route)).and_then(Option::as_ref);
        match rule {
            Some(rule) => self.judge(rule, head, exchange),
            None => Ok(()),
        }
    }
}

/// Takes members out of answers. Beside the check, after the contract: what fits the contract is masked.
#[derive(Debug)]
pub struct Masking {
    limit: usize,
}

pub(crate) fn mask_step(needs: &Needs<'_, '_>) -> Option<Step> {
    let settings = &needs.settings.policy;
    needs.parts?;
    let limit = usize::try_from(settings.mask_limit.bytes()).unwrap_or(usize::MAX);
    order::step(settings.mode, Masking { limit })
}

impl Check for Masking {
    fn name(&self) -> &'static str {
        "policy"
    }

    fn control(&self) -> ControlId {
        ControlId::AUTHZ_FIELDS
    }

    fn look(&self, exchange: &mut Exchange, head: &response::Parts) -> Option<usize> {
        (!exchange.masks.is_empty() && has_body(&exchange.method, head))
            // One more than may be: whether it ends is seen by that.
            .then(|| self.limit.saturating_add(1))
    }

    fn inspect(&self, exchange: &mut Exchange, head: &mut response::Parts, seen: &Seen<'_>) -> Inspected {
        let readable = seen.complete
            && seen.bytes.len() <= self.limit
            && head.headers.get(CONTENT_ENCODING).is_none_or(|coding| coding == "identity")
            && is_json(head);
        if seen.complete && seen.bytes.is_empty() {
            return Inspected::Pass;
        }
        match readable.then(|| mask::mask(seen.bytes, &exchange.masks, self.limit)).flatten() {
            Some(masked) => {
                for name in OF_THE_WHOLE {
                    head.headers.remove(name);
                }
                head.headers.insert(CONTENT_LENGTH, masked.len().into());
                Inspected::Replace(masked)
            }
            None => Inspected::Deny(Violation::Unreadable.into()),
        }
    }
}

/// Whether an answer with this head can have a body at all (RFC 9110 §6.4.1).
fn has_body(method: &Method, head: &response::Parts) -> bool {
    *method != Method::HEAD
        && !head.status.is_informational()
        && !matches!(head.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
}

fn is_json(head: &response::Parts) -> bool {
    let kind = head.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// Fields by which the document before masking could be told.
const OF_THE_WHOLE: [HeaderName; 5] = [
    ETAG,
    HeaderName::from_static("content-md5"),
    HeaderName::from_static("digest"),
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("repr-digest"),
];

impl std::fmt::Debug for Policy {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Policy").field("rules", &self.rules).finish_non_exhaustive()
    }
}
