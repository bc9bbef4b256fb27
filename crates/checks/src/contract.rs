//! Requests and answers fit the application's contract.
//!
//! Control: `input.contract`
//!
//! **Standard.** OpenAPI 3.0 and 3.1; ASVS 5.0 V2.2.1, V15.3.3 (no field beyond those that are allowed), V15.3.1
//! (answers carry only the fields that are needed); RFC 9457 §3; RFC 9745 and RFC 8594 (deprecation and sunset).
//!
//! **Threat.** Tampering: CWE-20, CWE-915 (mass assignment), CWE-235 (parameter pollution), CWE-436 (two readings of
//! one message). Information disclosure: CWE-213 (answers with more than was meant).
//!
//! **Rules.** For routes that name a contract:
//! 1. The path is one of the contract's (404), the method one of the path's (405 with `Allow`). A preflight passes
//!    when the operation it asks for is there. An operation after its sunset is 410.
//! 2. Path, query, header and cookie parameters are read in the style of the contract and fit their schemas. A
//!    query parameter that the contract does not name is refused, and so is one that is there twice without being a
//!    list.
//! 3. The body has one of the contract's media types, in UTF-8 and without a content coding (415); where there
//!    should be none, there is none. It is no longer than its schema lets it be (413).
//! 4. JSON, forms and text fit their schema; each name stands once; what no schema names is refused, and so is
//!    what is read-only.
//! 5. Answers, with `answers = "observe"`, `"strip"` or `"enforce"`: status, media type and JSON are the contract's.
//!    Members that it does not name are counted, taken out, or refused. So is a body too long to look into.
//! 6. Deprecated operations are answered with `Deprecation` and `Sunset`.
//! 7. What the contract does not know and the application answers is kept in an inventory: `gabion contract shadow`.
//!
//! **Answer.** 400, 404, 405, 410, 413 or 415 as problem details; `errors` names the place and the rule in the
//! contract's words, nothing of the request. An answer that does not fit is 502, and what was wrong stands in the record.
//!
//! **Default.** On, for routes that name a contract. `answers = "observe"`.
//!
//! **Caveat.** Behind forward-auth only the head is there to be judged: the body passes. What of a contract is not
//! enforced is listed by `gabion contract check`. Header fields and cookies that the contract does not name pass.
//!
//! **Example.** `{"name": "kim", "role": "admin"}` where the contract knows `name` → 400 with
//! `"errors": [{"place": "body", "rule": "must not have members that the contract does not name"}]`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use gabion_model::{ByteSize, ControlId, Problem};
use gabion_openapi::inventory::{Inventory, Seen as Counters};
use gabion_openapi::learn::Drafts;
use gabion_openapi::{
    AnswerPlan, Answers, BodyPlan, Contract, Fault, Fields, Judged, Match, Matched, Refusal,
};
use http::header::{ACCESS_CONTROL_REQUEST_METHOD, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, LOCATION};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, request, response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::answer::{self, Answer};
use crate::check::{Check, Inspected, Mode, Seen, Stop};
use crate::denial::{Denial, Remedy, Violation};
use crate::exchange::Exchange;
use crate::limits::Framing;
use crate::order::{self, Needs};
use crate::pipeline::Step;

/// `[checks.contract]`
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// `enforce`, `observe` or `off`.
    pub mode: Mode,
}

impl Settings {
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        Vec::new()
    }
}

/// `[contracts.NAME]`: an OpenAPI document and how strictly it is meant.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ContractSettings {
    /// The OpenAPI document (3.0 or 3.1), YAML or JSON. Files it refers to lie in its folder or below.
    pub file: PathBuf,
    /// What is done about answers: `off`, `observe`, `strip` or `enforce`.
    pub answers: AnswerMode,
    /// How much of an answer is looked into. A longer one is refused where answers are enforced or stripped.
    pub answer_limit: ByteSize,
    /// The largest body where the schema gives no bound.
    pub body_limit: ByteSize,
    /// Where the paths of the contract begin, for instance `/api/v1`. Default: the paths of its `servers`.
    pub base_path: Option<String>,
    /// Let query parameters pass that the contract does not name.
    pub unknown_query: bool,
}

impl Default for ContractSettings {
    fn default() -> Self {
        Self {
            file: PathBuf::new(),
            answers: AnswerMode::Observe,
            answer_limit: ByteSize::new(4 << 20),
            body_limit: ByteSize::new(1 << 20),
            base_path: None,
            unknown_query: false,
        }
    }
}

impl ContractSettings {
    /// All that is wrong, without looking into the file.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.file.as_os_str().is_empty() {
            problems.push(
                Problem::new("file", "no file is named").hint("for instance `file = \"openapi.yaml\"`"),
            );
        }
        if let Some(base) = &self.base_path
            && (!base.starts_with('/') || base.contains(['{', '}', '?', '#', '%']))
        {
            problems.push(
                Problem::new("base_path", format!("`{base}` is not a path"))
                    .hint("for instance `/api/v1`; `/` for none"),
            );
        }
        for (key, size) in [("answer_limit", self.answer_limit), ("body_limit", self.body_limit)] {
            if size.bytes() > MOST_HELD {
                problems.push(
                    Problem::new(key, format!("`{size}` is more than should be held in memory"))
                        .hint("at most `64MiB`"),
                );
            }
        }
        problems
    }

    /// For [`Contract::load`].
    #[must_use]
    pub fn options(&self) -> gabion_openapi::Options {
        gabion_openapi::Options {
            answers: self.answers.into(),
            base_path: self.base_path.clone(),
            body: bytes(self.body_limit),
            unknown_query: self.unknown_query,
            ..gabion_openapi::Options::default()
        }
    }
}

/// What is done about answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AnswerMode {
    /// Nobody looks.
    Off,
    /// What would have been refused is counted and recorded.
    #[default]
    Observe,
    /// Members the contract does not name are taken out; what does not fit otherwise is refused.
    Strip,
    /// What does not fit is refused.
    Enforce,
}

impl From<AnswerMode> for Answers {
    fn from(mode: AnswerMode) -> Self {
        match mode {
            AnswerMode::Off => Self::Off,
            AnswerMode::Observe => Self::Observe,
            AnswerMode::Strip => Self::Strip,
            AnswerMode::Enforce => Self::Enforce,
        }
    }
}

/// The contracts of a configuration, loaded, and what was seen of their operations.
#[derive(Debug, Clone, Default)]
pub struct Contracts {
    /// By the name in `[contracts.NAME]`, with how much of an answer is looked into.
    pub loaded: BTreeMap<String, (Arc<Contract>, usize)>,
    pub inventory: Arc<Inventory>,
    /// What is learned of routes that say `learn`.
    pub drafts: Arc<Drafts>,
}

/// What the check found out about a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    contract: usize,
    /// None: the contract does not know it.
    operation: Option<usize>,
    /// Everything but the body was judged.
    head_judged: bool,
}

/// The check.
#[derive(Debug)]
pub struct ContractCheck {
    contracts: Vec<One>,
    /// Per route.
    routes: Vec<Bound>,
    inventory: Arc<Inventory>,
    /// What does not fit goes no further.
    enforces: bool,
}

#[derive(Debug)]
struct One {
    name: String,
    contract: Arc<Contract>,
    seen: Arc<Counters>,
    answer_limit: usize,
}

#[derive(Debug, Clone, Copy)]
enum Bound {
    /// The route has no contract.
    Free,
    To(usize),
    /// The route names a contract that is not there.
    Lost,
}

pub(crate) fn step(needs: &Needs<'_, '_>) -> Option<Step> {
    let parts = needs.parts?;
    let is_used = needs.routes.iter().any(|route| route.declared.contract.is_some());
    let mode = needs.settings.contract.mode;
    if !is_used || mode == Mode::Off {
        return None;
    }
    let Contracts { loaded, inventory, .. } = &parts.contracts;
    let names: Vec<&str> = loaded.keys().map(String::as_str).collect();
    let one = |(name, (contract, limit)): (&String, &(Arc<Contract>, usize))| One {
        name: name.clone(),
        seen: inventory.register(name, contract),
        contract: Arc::clone(contract),
        answer_limit: *limit,
    };
    let routes = needs.routes.iter().map(|route| match &route.declared.contract {
        None => Bound::Free,
        Some(name) => names.iter().position(|known| known == name).map_or(Bound::Lost, Bound::To),
    });
    let check = ContractCheck {
        contracts: loaded.iter().map(one).collect(),
        routes: routes.collect(),
        inventory: Arc::clone(inventory),
        enforces: mode == Mode::Enforce,
    };
    order::step(mode, check)
}

impl ContractCheck {
    fn refuse(matched: &Matched<'_, '_>, refusal: Refusal) -> Denial {
        let operation = matched.operation;
        let at = format!("{} {}", operation.method(), operation.template());
        let (status, faults) = match refusal {
            Refusal::Faults(faults) => (StatusCode::BAD_REQUEST, faults),
            Refusal::MediaType(offered) => {
                let rule = format!("must be {}", offered.join(" or "));
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, vec![fault("header content-type", rule)])
            }
            Refusal::NoBody => (StatusCode::BAD_REQUEST, vec![fault("body", "must be there")]),
            Refusal::UnexpectedBody => (StatusCode::BAD_REQUEST, vec![fault("body", "must not be there")]),
        };
        let detail = format!("{at} does not fit: {}", told(&faults));
        let violations = faults.into_iter().map(|fault| Violation { place: fault.place, rule: fault.rule });
        Denial::new(ControlId::INPUT_CONTRACT, status, UNFIT, detail).with_violations(violations.collect())
    }

    fn judge(
        one: &One,
        matched: &Matched<'_, '_>,
        head: &request::Parts,
        exchange: &mut Exchange,
        is_preflight: bool,
    ) -> Result<(), Stop> {
        let operation = matched.operation;
        let judged = exchange.contract.is_some_and(|position| position.head_judged);
        if !judged {
            one.seen.count(matched.index, exchange.now);
            if operation.is_gone(exchange.now) {
                let detail = format!("{} {} is past its sunset", operation.method(), operation.template());
                return Err(Denial::new(ControlId::INPUT_CONTRACT, StatusCode::GONE, GONE, detail).into());
            }
            if is_preflight {
                exchange.body_limit = 0;
                return Ok(());
            }
            let query = exchange.target.as_ref().and_then(http::uri::PathAndQuery::query);
            matched.head(query, &Head(&head.headers)).map_err(|refusal| Self::refuse(matched, refusal))?;
            if let Some(position) = &mut exchange.contract {
                position.head_judged = true;
            }
            if one.contract.options().answers != Answers::Off && operation.judges_answers() {
                exchange.want_plain_answer();
            }
        }
        // A proxy that asks sends no body along.
        if exchange.asked_by.is_some() {
            return Ok(());
        }
        Self::judge_body(matched, head, exchange)
    }

    fn judge_body(
        matched: &Matched<'_, '_>,
        head: &request::Parts,
        exchange: &mut Exchange,
    ) -> Result<(), Stop> {
        let refuse = |refusal| Stop::from(Self::refuse(matched, refusal));
        let mut types = head.headers.get_all(CONTENT_TYPE).iter();
        let media_type = match (types.next(), types.next()) {
            (first, None) => first,
            _ => return Err(refuse(Refusal::Faults(vec![fault("header content-type", "only once")]))),
        };
        let media_type = match media_type.map(HeaderValue::to_str) {
            None => None,
            Some(Ok(text)) => Some(text),
            Some(Err(_)) => Some(""),
        };
        let sure = match exchange.framing {
            Framing::Length(length) => length > 0,
            Framing::Chunked => true,
            Framing::Implicit => false,
        };
        if sure && head.headers.get_all(CONTENT_ENCODING).iter().any(|coding| coding != "identity") {
            return Err(refuse(Refusal::MediaType(vec!["sent without a content coding".to_owned()])));
        }
        // Without a body the type says nothing; what may have one is read.
        let media_type = if exchange.framing == Framing::Length(0) { None } else { media_type };
        let plan = matched.body(media_type, sure).map_err(refuse)?;
        let longest = usize::try_from(exchange.body_limit).unwrap_or(usize::MAX);
        match plan {
            BodyPlan::None => {
                exchange.body_limit = 0;
                Ok(())
            }
            BodyPlan::Bounded(limit) => {
                exchange.body_limit = exchange.body_limit.min(limit as u64);
                Ok(())
            }
            BodyPlan::Whole(0, judge) => {
                // No type: nothing may follow.
                if sure {
                    return judge.check(b"?").map_err(refuse);
                }
                match exchange.whole_body(0) {
                    Ok(bytes) => judge.check(&bytes).map_err(refuse),
                    Err(Stop::Denied(_)) => judge.check(b"?").map_err(refuse),
                    Err(stop) => Err(stop),
                }
            }
            BodyPlan::Whole(limit, judge) => {
                let bytes = exchange.whole_body(limit.min(longest))?;
                // In HTTP/2 it shows only here whether there is one.
                if !bytes.is_empty()
                    && head.headers.get_all(CONTENT_ENCODING).iter().any(|coding| coding != "identity")
                {
                    return Err(refuse(Refusal::MediaType(vec!["sent without a content coding".to_owned()])));
                }
                judge.check(&bytes).map_err(refuse)
            }
        }
    }

    /// The contract of an exchange and its operation.
    fn position(&self, exchange: &Exchange) -> Option<(&One, Option<usize>)> {
        let position = exchange.contract?;
        Some((self.contracts.get(position.contract)?, position.operation))
    }

    /// What is to be done about an answer, judged by its head.
    fn plan<'c>(one: &'c One, operation: usize, exchange: &Exchange, head: &response::Parts) -> Planned<'c> {
        let status = head.status;
        if status.is_informational() || status == StatusCode::NOT_MODIFIED {
            return Planned::Pass;
        }
        let mut types = head.headers.get_all(CONTENT_TYPE).iter();
        let media_type = types.next().map(|value| value.to_str().unwrap_or_default());
        // Two types have no one reading.
        let media_type = if types.next().is_some() { Some("") } else { media_type };
        let none = status == StatusCode::NO_CONTENT || exchange.method == Method::HEAD;
        match one.contract.answer(operation, status.as_u16(), media_type) {
            AnswerPlan::Undeclared => Planned::Wrong("the contract does not name the status"),
            _ if none => Planned::Pass,
            AnswerPlan::OtherType if head.headers.get(CONTENT_LENGTH).is_some_and(|length| length == "0") => {
                Planned::Pass
            }
            AnswerPlan::OtherType => Planned::Wrong("the contract does not name the media type"),
            AnswerPlan::Anything => Planned::Pass,
            AnswerPlan::Empty => Planned::Empty,
            AnswerPlan::Json(_)
                if head.headers.get_all(CONTENT_ENCODING).iter().any(|coding| coding != "identity") =>
            {
                Planned::Wrong("the body has a content coding")
            }
            AnswerPlan::Json(judge) => Planned::Judge(judge),
        }
    }

    fn unfit(answers: Answers, why: String) -> Inspected {
        let denial = Denial::new(ControlId::INPUT_CONTRACT, StatusCode::BAD_GATEWAY, UNFIT_ANSWER, why);
        if answers == Answers::Observe { Inspected::Observe(denial) } else { Inspected::Deny(denial) }
    }
}

/// What an answer's head leads to.
enum Planned<'c> {
    Pass,
    Empty,
    Judge(gabion_openapi::AnswerJudge<'c>),
    Wrong(&'static str),
}

impl Check for ContractCheck {
    fn name(&self) -> &'static str {
        "contract"
    }

    fn control(&self) -> ControlId {
        ControlId::INPUT_CONTRACT
    }

    fn request(&self, head: &mut request::Parts, exchange: &mut Exchange) -> Result<(), Stop> {
        let bound = exchange.route.and_then(|route| self.routes.get(route)).copied().unwrap_or(Bound::Free);
        let index = match bound {
            Bound::Free => return Ok(()),
            Bound::To(index) => index,
            Bound::Lost => {
                return Err(Denial::internal("the route's contract is not loaded").always().into());
            }
        };
        let Some(one) = self.contracts.get(index) else {
            return Err(Denial::internal("the route's contract is not loaded").always().into());
        };
        let asked =
            head.headers.get(ACCESS_CONTROL_REQUEST_METHOD).filter(|_| exchange.method == Method::OPTIONS);
        let own = exchange.method.clone();
        let method = asked.and_then(|asked| asked.to_str().ok()).unwrap_or(own.as_str());
        let target = exchange.target.clone();
        let path = target.as_ref().map_or("", |target| target.path());
        let mut position = Position { contract: index, operation: None, head_judged: false };
        match one.contract.operation(method, path) {
            Match::Operation(matched) => {
                position.operation = Some(matched.index);
                exchange.contract.get_or_insert(position);
                Self::judge(one, &matched, head, exchange, asked.is_some())
            }
            Match::OtherMethods(allow) => {
                self.note(one, exchange, position);
                let allow = HeaderValue::from_str(allow).unwrap_or(HeaderValue::from_static(""));
                let denial = Denial::new(
                    ControlId::INPUT_CONTRACT,
                    StatusCode::METHOD_NOT_ALLOWED,
                    "This address does not take that method.",
                    "the contract knows the path with other methods",
                );
                Err(denial.remedy(Remedy::Allow(allow)).into())
            }
            Match::Unknown => {
                self.note(one, exchange, position);
                let detail = "the contract does not know the path";
                Err(Denial::new(ControlId::INPUT_CONTRACT, StatusCode::NOT_FOUND, NOTHING, detail).into())
            }
        }
    }

    fn look(&self, exchange: &mut Exchange, head: &response::Parts) -> Option<usize> {
        let (one, operation) = self.position(exchange)?;
        let Some(operation) = operation else {
            // Only where the check observes: the application had its say.
            let unknown =
                [StatusCode::NOT_FOUND, StatusCode::METHOD_NOT_ALLOWED, StatusCode::NOT_IMPLEMENTED];
            let answered = !unknown.contains(&head.status);
            self.inventory.shadow(
                &one.name,
                exchange.method.as_str(),
                exchange.path(),
                answered,
                exchange.now,
            );
            return None;
        };
        if one.contract.options().answers == Answers::Off {
            return None;
        }
        match Self::plan(one, operation, exchange, head) {
            Planned::Pass => None,
            Planned::Judge(_) => Some(one.answer_limit),
            Planned::Empty | Planned::Wrong(_) => Some(0),
        }
    }

    fn inspect(&self, exchange: &mut Exchange, head: &mut response::Parts, seen: &Seen<'_>) -> Inspected {
        let Some((one, Some(operation))) = self.position(exchange) else { return Inspected::Pass };
        let answers = one.contract.options().answers;
        let named = |operation: &gabion_openapi::Operation| {
            format!(
                "the answer of {} {} with {}",
                operation.method(),
                operation.template(),
                head.status.as_u16()
            )
        };
        let at = one.contract.operations().get(operation).map(named).unwrap_or_default();
        let empty = seen.complete && seen.bytes.is_empty();
        match Self::plan(one, operation, exchange, head) {
            Planned::Pass => Inspected::Pass,
            Planned::Empty if empty => Inspected::Pass,
            Planned::Empty if answers == Answers::Strip => Self::strip(exchange, head),
            Planned::Empty => Self::unfit(answers, format!("{at}: the contract names no content")),
            // An error or a redirect that nobody described: it may be one, without the words.
            Planned::Wrong(_) if answers == Answers::Strip && !head.status.is_success() => {
                Self::strip(exchange, head)
            }
            Planned::Wrong(why) => Self::unfit(answers, format!("{at}: {why}")),
            Planned::Judge(_) if !seen.complete || seen.bytes.len() > one.answer_limit => {
                Self::unfit(answers, format!("{at} is too long to look into, or broke off"))
            }
            Planned::Judge(judge) => match judge.check(seen.bytes, one.answer_limit) {
                Judged::Fits => Inspected::Pass,
                Judged::Stripped(body) => {
                    for name in DIGESTS {
                        head.headers.remove(name);
                    }
                    Inspected::Replace(body.into())
                }
                Judged::Faults(faults) => {
                    Self::unfit(answers, format!("{at} does not fit: {}", told(&faults)))
                }
            },
        }
    }

    fn response(&self, exchange: &mut Exchange, answer: &mut Answer<'_>) {
        let Some((one, Some(operation))) = self.position(exchange) else { return };
        let Some(operation) = one.contract.operations().get(operation) else { return };
        for (name, value) in [(DEPRECATION, operation.deprecation()), (SUNSET, operation.sunset())] {
            if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
                answer.head.headers.insert(name, value);
            }
        }
    }
}

impl ContractCheck {
    /// Remembers what the contract does not know; what the application says to it is seen in its answer.
    fn note(&self, one: &One, exchange: &mut Exchange, position: Position) {
        exchange.contract = Some(position);
        if self.enforces {
            self.inventory.shadow(&one.name, exchange.method.as_str(), exchange.path(), false, exchange.now);
        }
    }

    /// Nothing of the body is left.
    fn strip(exchange: &Exchange, head: &mut response::Parts) -> Inspected {
        if head.status.is_client_error() || head.status.is_server_error() {
            return Inspected::Replace(answer::replace(exchange, head, NO_WORDS));
        }
        let location = head.headers.get(LOCATION).cloned();
        for name in DIGESTS.into_iter().chain([CONTENT_TYPE, CONTENT_ENCODING]) {
            head.headers.remove(name);
        }
        if let Some(location) = location {
            head.headers.insert(LOCATION, location);
        }
        Inspected::Replace(Bytes::new())
    }
}

/// Header fields for the contract.
struct Head<'h>(&'h HeaderMap);

impl Fields for Head<'_> {
    fn all<'s>(&'s self, name: &str) -> Vec<&'s [u8]> {
        self.0.get_all(name).iter().map(HeaderValue::as_bytes).collect()
    }
}

fn fault(place: &str, rule: impl Into<String>) -> Fault {
    Fault { place: place.to_owned(), rule: rule.into() }
}

/// For the record: in the contract's words, a few of them.
fn told(faults: &[Fault]) -> String {
    let told: Vec<String> =
        faults.iter().take(5).map(|fault| format!("{} {}", fault.place, fault.rule)).collect();
    told.join("; ")
}

fn bytes(size: ByteSize) -> usize {
    usize::try_from(size.bytes()).unwrap_or(usize::MAX)
}

const UNFIT: &str = "The request does not fit what this application takes.";
const UNFIT_ANSWER: &str = "The application gave an answer that does not fit its contract.";
const NOTHING: &str = "There is nothing at this address.";
const GONE: &str = "This part of the application is no longer offered.";
const NO_WORDS: &str = "The application could not do what was asked.";
const DEPRECATION: HeaderName = HeaderName::from_static("deprecation");
const SUNSET: HeaderName = HeaderName::from_static("sunset");
/// What a changed body makes untrue (RFC 9530).
const DIGESTS: [HeaderName; 4] = [
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("repr-digest"),
    HeaderName::from_static("digest"),
    HeaderName::from_static("content-md5"),
];
/// 64 MiB.
const MOST_HELD: u64 = 64 << 20;
