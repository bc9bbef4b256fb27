//! Drafts a contract from what passes.
//!
//! Control: `api.inventory`
//!
//! **Standard.** OpenAPI 3.1; ASVS 5.0 V2.1.1 (what input is expected is documented), V13.1.1.
//!
//! **Threat.** An interface that nobody wrote down cannot be closed: CWE-1059, CWE-20.
//!
//! **Rules.** For routes that name a draft in `learn`:
//! 1. What was let in by every check before and answered by the application is reduced to shapes at once: methods,
//!    path templates, names, types, lengths, formats, statuses. No value of a path, a query, a body or an answer is kept,
//!    and no header field is looked at but `Content-Type`.
//! 2. Of requests that the application refused only the answer is learned; of addresses it does not know, nothing.
//! 3. Bodies are read that are JSON or a form and whose length is announced and at most `body`; of others only the type.
//! 4. Drafts are bounded: paths, names, media types, depth and places in all.
//! 5. Nothing is refused, and nothing of the request or the answer is changed, but that the application is asked
//!    for answers without a content coding.
//!
//! **Answer.** None of its own.
//!
//! **Default.** Off: no route learns before it says so. `gabion contract learn --live` prints what was learned.
//!
//! **Caveat.** Whatever is let in teaches, an attacker's requests too: learn where people you know work, read the draft,
//! tighten it. Up to sixteen words in one place of a path stand in the draft as they came. JSON answers up to `body` are
//! held before they go on.
//!
//! **Example.** `POST /users/7/notes {"text": "…"}` → `/users/{users_id}/notes` takes an object with `text`, a string
//! of at most 32 characters.

use std::sync::Arc;

use bytes::Bytes;
use gabion_model::{ByteSize, ControlId, Problem};
use gabion_openapi::learn::{Drafts, Observation, is_learned_from};
use gabion_openapi::media_type::MediaType;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, StatusCode, request, response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check::{Check, Inspected, Mode, Seen, Stop};
use crate::exchange::Exchange;
use crate::limits::Framing;
use crate::order::{self, Needs};
use crate::pipeline::Step;

/// `[checks.learn]`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// `off`: nothing is learned, whatever routes say. `enforce` and `observe` are the same here.
    pub mode: Mode,
    /// The largest body that is looked into, of a request and of an answer.
    pub body: ByteSize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { mode: Mode::Enforce, body: ByteSize::new(64 * 1024) }
    }
}

impl Settings {
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        if self.body.bytes() <= MOST_HELD {
            return Vec::new();
        }
        let reason = format!("`{}` is more than should be held in memory", self.body);
        vec![Problem::new("body", reason).hint("at most `4MiB`")]
    }
}

/// Whether a draft can have this name.
pub(crate) fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

/// What of a request is still needed when its answer comes; ends with the exchange.
#[derive(Debug)]
pub(crate) struct Lesson {
    draft: Arc<str>,
    media_type: Option<String>,
    /// None: it was not read.
    body: Option<Bytes>,
}

/// The check.
#[derive(Debug)]
struct Learn {
    drafts: Arc<Drafts>,
    /// Per route.
    routes: Vec<Option<Arc<str>>>,
    /// Bytes.
    most: usize,
}

pub(crate) fn step(needs: &Needs<'_, '_>) -> Option<Step> {
    let parts = needs.parts?;
    let routes: Vec<Option<Arc<str>>> =
        needs.routes.iter().map(|route| route.declared.learn.as_deref().map(Arc::from)).collect();
    if routes.iter().all(Option::is_none) {
        return None;
    }
    let settings = &needs.settings.learn;
    let most = usize::try_from(settings.body.bytes()).unwrap_or(usize::MAX);
    order::step(settings.mode, Learn { drafts: Arc::clone(&parts.contracts.drafts), routes, most })
}

impl Check for Learn {
    fn name(&self) -> &'static str {
        "learn"
    }

    fn control(&self) -> ControlId {
        ControlId::API_INVENTORY
    }

    fn request(&self, head: &mut request::Parts, exchange: &mut Exchange) -> Result<(), Stop> {
        let Some(draft) = exchange.route.and_then(|route| self.routes.get(route)).and_then(Option::as_ref)
        else {
            return Ok(());
        };
        // Another status than the first of those that teach says the same of the method.
        if exchange.upgrade || exchange.asked_by.is_some() || !is_learned_from(exchange.method.as_str(), 200)
        {
            return Ok(());
        }
        let media_type = only(&head.headers);
        let read = media_type.as_deref().and_then(MediaType::parse).is_some_and(|media_type| {
            media_type.is_json() || media_type.essence == "application/x-www-form-urlencoded"
        });
        let body = match exchange.framing {
            Framing::Length(0) => Some(Bytes::new()),
            Framing::Length(length)
                if read
                    && length <= self.most as u64
                    && length <= exchange.body_limit
                    && is_plain(&head.headers) =>
            {
                Some(exchange.whole_body(self.most)?)
            }
            _ => None,
        };
        let is_there = !matches!(exchange.framing, Framing::Length(0) | Framing::Implicit);
        let media_type = media_type.filter(|_| is_there);
        exchange.want_plain_answer();
        exchange.lesson = Some(Box::new(Lesson { draft: Arc::clone(draft), media_type, body }));
        Ok(())
    }

    fn look(&self, exchange: &mut Exchange, head: &response::Parts) -> Option<usize> {
        exchange.lesson.as_ref()?;
        if !is_learned_from(exchange.method.as_str(), head.status.as_u16()) {
            exchange.lesson = None;
            return None;
        }
        let json = only(&head.headers).as_deref().and_then(MediaType::parse).is_some_and(|one| one.is_json());
        let has_body = exchange.method != Method::HEAD
            && !matches!(head.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        let length = head.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        let fits = length.is_none_or(|length: u64| length <= self.most as u64);
        if json && has_body && fits && is_plain(&head.headers) {
            return Some(self.most);
        }
        self.learn(exchange, head, None);
        None
    }

    fn inspect(&self, exchange: &mut Exchange, head: &mut response::Parts, seen: &Seen<'_>) -> Inspected {
        self.learn(
            exchange,
            head,
            Some(seen.bytes).filter(|bytes| seen.complete && bytes.len() <= self.most),
        );
        Inspected::Pass
    }
}

impl Learn {
    fn learn(&self, exchange: &mut Exchange, head: &response::Parts, answer: Option<&[u8]>) {
        let Some(lesson) = exchange.lesson.take() else { return };
        let target = exchange.target.as_ref();
        let answer_type = only(&head.headers);
        let seen = Observation {
            method: exchange.method.as_str(),
            path: exchange.path(),
            query: target.and_then(http::uri::PathAndQuery::query).unwrap_or_default(),
            request_type: lesson.media_type.as_deref(),
            request_body: lesson.body.as_deref(),
            status: head.status.as_u16(),
            answer_type: answer_type.as_deref(),
            answer_body: answer,
        };
        self.drafts.observe(&lesson.draft, &seen);
    }
}

/// `Content-Type`, where there is one of it.
fn only(headers: &HeaderMap) -> Option<String> {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let first = types.next()?;
    types.next().is_none().then(|| first.to_str().ok().map(str::to_owned)).flatten()
}

fn is_plain(headers: &HeaderMap) -> bool {
    headers.get_all(CONTENT_ENCODING).iter().all(|coding: &HeaderValue| coding == "identity")
}

/// 4 MiB.
const MOST_HELD: u64 = 4 << 20;
