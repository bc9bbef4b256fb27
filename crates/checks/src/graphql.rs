//! GraphQL requests that ask for too much.
//!
//! Control: `input.limits`
//!
//! **Standard.** GraphQL October 2021 and September 2025 (executable documents), GraphQL over HTTP (draft); ASVS 5.0
//! V4.3.1, V4.3.2; OWASP API4:2023.
//!
//! **Threat.** Denial of service, disclosure: CWE-400, CWE-770, CWE-674 (a query that is deep, wide or turns in
//! circles), CWE-200 (the schema read by introspection or from suggestions in errors).
//!
//! **Rules.** On routes with `graphql = {}`:
//! 1. `POST` carries `application/json`, or `application/graphql` where `plain` is on, uncompressed; multipart bodies
//!    are refused. Members are spelled as the standard does, each once; the address beside a body carries none.
//! 2. `GET` carries the same as parameters of the address, no body, and queries only: mutations and subscriptions need
//!    `POST`. `OPTIONS` carries neither.
//! 3. The document is parsed, with all its operations, whichever is asked for. It has at most `tokens`; each operation,
//!    with its fragments put in, at most `depth` fields below each other, `aliases`, `root_fields`, `directives`, and
//!    `cost`: every field counts one, and what is below a field with an argument of `multipliers` (`first: 100`)
//!    counts that many times; where the number is not known, `unknown_list` times. A batch counts as one operation.
//! 4. Fragments that turn in circles, stand there twice or are missing are refused, used or not. So are definitions
//!    of types.
//! 5. A body may be a list of at most `batch` requests.
//! 6. `__schema` and `__type` are refused unless `introspection` is on; then the depth of such an operation is not
//!    judged, since the usual one is deep. `__typename` passes.
//! 7. A request that only names a stored document (`persistedQuery`, `id`, `documentId`) cannot be judged: refused
//!    unless `persisted` is `allow`. With `only`, a document in the request is refused.
//! 8. `Did you mean …` is cut from errors without data unless `suggestions` is on; more errors than can be cut are
//!    refused.
//! 9. WebSockets (`graphql-transport-ws`, `graphql-ws`) are refused unless `websockets` is `pass`: what is asked in them
//!    is not looked into.
//!
//! **Answer.** 400 with the broken rule in `errors`; 403 for introspection and WebSockets; 405 for a mutation by `GET`; 413; 415.
//!
//! **Default.** On, for routes that ask for it; introspection off, no lists, no stored documents, no WebSockets.
//!
//! **Caveat.** The schema is not known here: what a field costs the application is a guess of one, and types are not
//! checked. A subscription over a WebSocket that was let pass is limited by the application alone; over server-sent
//! events (`POST`) it is judged as every request.
//!
//! **Example.** `[[routes]] path = "/graphql"`, `graphql = { depth = 8 }`.

mod document;
mod envelope;
mod lexer;
mod measure;

use bytes::Bytes;
use gabion_model::{ByteSize, ControlId, Problem};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, StatusCode, request, response};
use memchr::memmem;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check::{Check, Inspected, Mode, Seen, Stop};
use crate::denial::{Denial, Remedy, Violation as Place};
use crate::exchange::Exchange;
use crate::limits::Framing;
use crate::order::{self, Needs};
use crate::pipeline::Step;
use crate::route::Routes;
use document::{Kind, ParseError};
use envelope::{Envelope, Unreadable};
use measure::{Fault, Measure, Numbers};

/// `[checks.graphql]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// `enforce`, `observe` or `off`.
    pub mode: Mode,
    /// The largest body.
    pub body: ByteSize,
    /// Tokens of a document.
    pub tokens: usize,
    /// Fields below each other.
    pub depth: usize,
    /// Fields, each as often as the lists around it are long.
    pub cost: u64,
    /// Arguments that say how long a list will be.
    pub multipliers: Vec<String>,
    /// How long a list is taken to be where the value of such an argument is not a number.
    pub unknown_list: u64,
    /// Aliases.
    pub aliases: u64,
    /// Fields at the root.
    pub root_fields: u64,
    /// Directives.
    pub directives: u64,
    /// Requests in one body. One: lists are refused, but for a list of one.
    pub batch: usize,
    /// The schema may be asked for.
    pub introspection: bool,
    /// Errors may suggest names.
    pub suggestions: bool,
    /// Documents the server has stored: `refuse`, `allow` or `only`.
    pub persisted: Persisted,
    /// Queries by `GET`.
    pub get: bool,
    /// Bodies of `application/graphql`: a document and nothing else.
    pub plain: bool,
    /// WebSockets (`graphql-transport-ws`, `graphql-ws`): `refuse`, or `pass` them on without a look at what is asked
    /// in them.
    pub websockets: WebSockets,
}

/// WebSockets, in which nothing is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum WebSockets {
    /// They go on, and whatever is asked in them is answered.
    Pass,
    #[default]
    Refuse,
}

/// Documents the server has stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Persisted {
    /// They may be named, beside requests that carry their document.
    Allow,
    /// Nothing else may be asked for.
    Only,
    /// They cannot be judged here, and are refused.
    #[default]
    Refuse,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            mode: Mode::Enforce,
            body: ByteSize::new(100 * 1024),
            tokens: 2_000,
            depth: 10,
            cost: 5_000,
            multipliers: ["first", "last", "limit", "pageSize", "perPage", "take"].map(str::to_owned).into(),
            unknown_list: 10,
            aliases: 30,
            root_fields: 20,
            directives: 30,
            batch: 1,
            introspection: false,
            suggestions: false,
            persisted: Persisted::Refuse,
            get: true,
            plain: false,
            websockets: WebSockets::Refuse,
        }
    }
}

/// What a route changes of `[checks.graphql]`; `{}` changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RouteSettings {
    /// Fields below each other.
    pub depth: Option<usize>,
    /// Fields, each as often as the lists around it are long.
    pub cost: Option<u64>,
    /// Tokens of a document.
    pub tokens: Option<usize>,
    /// Aliases.
    pub aliases: Option<u64>,
    /// Fields at the root.
    pub root_fields: Option<u64>,
    /// Requests in one body.
    pub batch: Option<usize>,
    /// The schema may be asked for, and errors may suggest names.
    pub introspection: Option<bool>,
    /// Documents the server has stored.
    pub persisted: Option<Persisted>,
    /// WebSockets, in which nothing is judged.
    pub websockets: Option<WebSockets>,
}

impl Settings {
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let body = self.body.bytes();
        let rows = [
            ("body", (1..=16 << 20).contains(&body), "between 1B and 16MiB"),
            ("tokens", (1..=100_000).contains(&self.tokens), "between 1 and 100000"),
            ("depth", (1..=100).contains(&self.depth), "between 1 and 100"),
            ("cost", self.cost > 0, "at least 1"),
            ("unknown_list", self.unknown_list > 0, "at least 1"),
            ("root_fields", self.root_fields > 0, "at least 1"),
            ("batch", (1..=1_000).contains(&self.batch), "between 1 and 1000"),
        ];
        for (key, right, hint) in rows {
            if !right {
                problems.push(Problem::new(key, "is not a usable limit").hint(hint));
            }
        }
        problems
    }

    fn with(&self, route: &RouteSettings) -> Self {
        Self {
            depth: route.depth.unwrap_or(self.depth),
            cost: route.cost.unwrap_or(self.cost),
            tokens: route.tokens.unwrap_or(self.tokens),
            aliases: route.aliases.unwrap_or(self.aliases),
            root_fields: route.root_fields.unwrap_or(self.root_fields),
            batch: route.batch.unwrap_or(self.batch),
            introspection: route.introspection.unwrap_or(self.introspection),
            suggestions: self.suggestions || route.introspection.unwrap_or(self.introspection),
            persisted: route.persisted.unwrap_or(self.persisted),
            websockets: route.websockets.unwrap_or(self.websockets),
            ..self.clone()
        }
    }
}

impl RouteSettings {
    /// What is wrong with it by itself.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        Settings::default().with(self).problems()
    }
}

/// The broken rules. Alphabetical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    #[error("more aliases than allowed")]
    Aliases,
    #[error("more requests in one body than allowed")]
    Batch,
    #[error("fields worth more than allowed")]
    Cost,
    #[error("fragments that turn in circles")]
    Cycle,
    #[error("fields deeper below each other than allowed")]
    Depth,
    #[error("more directives than allowed")]
    Directives,
    #[error("not one JSON request with members of the standard, each once")]
    Envelope,
    #[error("a fragment stands there twice")]
    FragmentRepeated,
    #[error("a fragment that is not there")]
    FragmentUnknown,
    #[error("queries by GET are switched off")]
    Get,
    #[error("the schema is not told")]
    Introspection,
    #[error("a content type or coding that is not read")]
    MediaType,
    #[error("no document")]
    Missing,
    #[error("only queries come by GET")]
    MutationByGet,
    #[error("definitions of types")]
    NotExecutable,
    #[error("only stored documents are taken")]
    OnlyPersisted,
    #[error("parameters of GraphQL in the address beside a body")]
    Parameters,
    #[error("stored documents are not taken")]
    Persisted,
    #[error("more fields at the root than allowed")]
    RootFields,
    #[error("more errors with suggestions than can be cut")]
    Suggestions,
    #[error("not a GraphQL document")]
    Syntax,
    #[error("more tokens than allowed")]
    Tokens,
    #[error("WebSockets are not taken")]
    WebSocket,
}

impl From<Violation> for Denial {
    fn from(violation: Violation) -> Self {
        let (status, public) = match violation {
            Violation::Introspection => (StatusCode::FORBIDDEN, "The schema cannot be asked for here."),
            Violation::WebSocket => (StatusCode::FORBIDDEN, "WebSockets are not taken here."),
            Violation::MutationByGet | Violation::Get => {
                (StatusCode::METHOD_NOT_ALLOWED, "This operation needs another method.")
            }
            Violation::MediaType => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "Requests are `application/json`, uncompressed.")
            }
            _ => (StatusCode::BAD_REQUEST, "This GraphQL request is not taken."),
        };
        let denial = Self::new(ControlId::INPUT_LIMITS, status, public, violation.to_string());
        match violation {
            Violation::MutationByGet | Violation::Get => {
                denial.remedy(Remedy::Allow(HeaderValue::from_static("POST")))
            }
            _ => denial.with_violations(vec![Place {
                place: "body /query".to_owned(),
                rule: violation.to_string(),
            }]),
        }
    }
}

/// A request as it is judged.
#[derive(Debug, Clone, Copy)]
pub struct Sent<'a> {
    pub method: &'a Method,
    /// Of the address, without `?`.
    pub query: &'a str,
    pub headers: &'a HeaderMap,
    pub body: &'a [u8],
}

/// The rules.
pub fn verify(settings: &Settings, sent: &Sent<'_>) -> Result<(), Violation> {
    let get = matches!(*sent.method, Method::GET | Method::HEAD);
    let envelopes = if get {
        if !settings.get {
            return Err(Violation::Get);
        }
        if !sent.body.is_empty() {
            return Err(Violation::Envelope);
        }
        vec![envelope::of_query(sent.query).map_err(|_| Violation::Envelope)?]
    } else {
        if envelope::has_parameters(sent.query) {
            return Err(Violation::Parameters);
        }
        match media(sent.headers)? {
            Media::Json => envelope::of_json(sent.body, settings.batch).map_err(|error| match error {
                Unreadable::Malformed => Violation::Envelope,
                Unreadable::TooMany => Violation::Batch,
            })?,
            Media::Plain if settings.plain => {
                let text = std::str::from_utf8(sent.body).map_err(|_| Violation::Syntax)?;
                vec![Envelope { query: Some(text.to_owned()), ..Envelope::default() }]
            }
            Media::Plain => return Err(Violation::MediaType),
        }
    };
    let mut all = Measure::default();
    for one in &envelopes {
        let measure = judge(settings, one, get)?;
        all.cost = all.cost.saturating_add(measure.cost);
        all.aliases = all.aliases.saturating_add(measure.aliases);
        all.roots = all.roots.saturating_add(measure.roots);
        all.directives = all.directives.saturating_add(measure.directives);
        limits(settings, &all)?;
    }
    Ok(())
}

/// One request; the most that any of its operations asks for.
fn judge(settings: &Settings, envelope: &Envelope, get: bool) -> Result<Measure, Violation> {
    match (settings.persisted, envelope.persisted, &envelope.query) {
        (Persisted::Refuse, true, _) => return Err(Violation::Persisted),
        (Persisted::Only, _, Some(_)) => return Err(Violation::OnlyPersisted),
        (Persisted::Allow | Persisted::Only, true, None) => return Ok(Measure::default()),
        (_, false, None) => return Err(Violation::Missing),
        (_, _, Some(_)) => {}
    }
    let text = envelope.query.as_deref().unwrap_or_default();
    let document = document::parse(text, settings.tokens).map_err(|error| match error {
        ParseError::NotExecutable => Violation::NotExecutable,
        ParseError::Syntax => Violation::Syntax,
        ParseError::TooDeep => Violation::Depth,
        ParseError::TooManyTokens => Violation::Tokens,
    })?;
    if get && document.operations.iter().any(|operation| operation.kind != Kind::Query) {
        return Err(Violation::MutationByGet);
    }
    // Names are not compared here: an operation nobody runs may not be too large either.
    let _ = &envelope.operation;
    let numbers = Numbers {
        multipliers: &settings.multipliers,
        unknown: settings.unknown_list,
        variables: &envelope.variables,
    };
    let measures = measure::operations(&document, &numbers).map_err(|fault| match fault {
        Fault::Cycle => Violation::Cycle,
        Fault::Repeated => Violation::FragmentRepeated,
        Fault::Unknown => Violation::FragmentUnknown,
    })?;
    let mut most = Measure::default();
    for measure in measures {
        if measure.introspects && !settings.introspection {
            return Err(Violation::Introspection);
        }
        if measure.depth > settings.depth && !measure.introspects {
            return Err(Violation::Depth);
        }
        limits(settings, &measure)?;
        most.cost = most.cost.max(measure.cost);
        most.aliases = most.aliases.max(measure.aliases);
        most.roots = most.roots.max(measure.roots);
        most.directives = most.directives.max(measure.directives);
    }
    Ok(most)
}

fn limits(settings: &Settings, measure: &Measure) -> Result<(), Violation> {
    if measure.roots > settings.root_fields {
        Err(Violation::RootFields)
    } else if measure.aliases > settings.aliases {
        Err(Violation::Aliases)
    } else if measure.directives > settings.directives {
        Err(Violation::Directives)
    } else if measure.cost > settings.cost {
        Err(Violation::Cost)
    } else {
        Ok(())
    }
}

enum Media {
    Json,
    Plain,
}

/// `application/json`, perhaps with `charset=utf-8`, once, and no content coding.
fn media(headers: &HeaderMap) -> Result<Media, Violation> {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return Err(Violation::MediaType) };
    let identity = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"identity");
    if !headers.get_all(CONTENT_ENCODING).iter().all(identity) {
        return Err(Violation::MediaType);
    }
    let text = value.to_str().map_err(|_| Violation::MediaType)?.to_ascii_lowercase();
    let (kind, parameters) = text.split_once(';').unwrap_or((&text, ""));
    let utf8 = |one: &str| matches!(one.trim(), "" | "charset=utf-8" | "charset=\"utf-8\"");
    if !parameters.split(';').all(utf8) {
        return Err(Violation::MediaType);
    }
    match kind.trim() {
        "application/json" => Ok(Media::Json),
        "application/graphql" => Ok(Media::Plain),
        _ => Err(Violation::MediaType),
    }
}

/// Rule 8: errors without data, and without suggestions.
#[must_use]
pub fn without_suggestions(body: &[u8]) -> Option<Vec<u8>> {
    let finder = memmem::Finder::new(SUGGESTION);
    finder.find(body)?;
    let value: serde_json::Value = serde_json::from_slice(body).ok()?;
    let is_error = |one: &serde_json::Value| {
        one.get("errors").is_some_and(serde_json::Value::is_array)
            && one.get("data").is_none_or(serde_json::Value::is_null)
    };
    let errors = value.as_array().map_or_else(|| is_error(&value), |all| all.iter().all(is_error));
    if !errors {
        return None;
    }
    let mut cut = Vec::with_capacity(body.len());
    let mut rest = body;
    while let Some(at) = finder.find(rest) {
        let (before, after) = rest.split_at_checked(at)?;
        cut.extend_from_slice(before);
        // To the end of the JSON string it stands in.
        let mut escaped = false;
        let end = after.iter().position(|byte| {
            let ends = *byte == b'"' && !escaped;
            escaped = *byte == b'\\' && !escaped;
            ends
        })?;
        rest = after.get(end..)?;
    }
    cut.extend_from_slice(rest);
    Some(cut)
}

pub(crate) fn step(needs: &Needs<'_, '_>) -> Option<Step> {
    order::step(needs.settings.graphql.mode, Graphql::new(&needs.settings.graphql, needs.routes))
}

/// The check.
#[derive(Debug)]
pub struct Graphql {
    /// Per route.
    routes: Vec<Option<Box<Settings>>>,
}

impl Graphql {
    pub(crate) fn new(settings: &Settings, routes: &Routes) -> Self {
        let own =
            |route: &crate::route::Compiled| Some(Box::new(settings.with(route.declared.graphql.as_ref()?)));
        Self { routes: routes.iter().map(own).collect() }
    }

    fn settings(&self, exchange: &Exchange) -> Option<&Settings> {
        self.routes.get(exchange.route?)?.as_deref()
    }
}

impl Check for Graphql {
    fn name(&self) -> &'static str {
        "graphql"
    }

    fn control(&self) -> ControlId {
        ControlId::INPUT_LIMITS
    }

    fn request(&self, head: &mut request::Parts, exchange: &mut Exchange) -> Result<(), Stop> {
        let Some(settings) = self.settings(exchange) else { return Ok(()) };
        if exchange.upgrade {
            // What is asked in it passes nobody any more.
            return match settings.websockets {
                WebSockets::Pass => Ok(()),
                WebSockets::Refuse => Err(Denial::from(Violation::WebSocket).into()),
            };
        }
        let query = head.uri.query().unwrap_or_default();
        let has_body = !matches!(head.method, Method::GET | Method::HEAD | Method::OPTIONS);
        let body = if has_body {
            // Judged before the body is read: what is not read needs no patience.
            media(&head.headers).map_err(Denial::from)?;
            exchange.whole_body(usize::try_from(settings.body.bytes()).unwrap_or(usize::MAX))?
        } else {
            // Some servers read a body whatever the method is: there is none.
            match exchange.framing {
                Framing::Length(0) => {}
                Framing::Implicit => exchange.body_limit = 0,
                Framing::Length(_) | Framing::Chunked => return Err(Denial::from(Violation::Envelope).into()),
            }
            Bytes::new()
        };
        if head.method == Method::OPTIONS {
            let has = envelope::has_parameters(query);
            return if has { Err(Denial::from(Violation::Parameters).into()) } else { Ok(()) };
        }
        if !settings.suggestions {
            exchange.want_plain_answer();
        }
        let sent = Sent { method: &head.method, query, headers: &head.headers, body: &body };
        verify(settings, &sent).map_err(|violation| Denial::from(violation).into())
    }

    fn look(&self, exchange: &mut Exchange, head: &response::Parts) -> Option<usize> {
        let settings = self.settings(exchange)?;
        let kind = head.headers.get(CONTENT_TYPE)?.as_bytes().to_ascii_lowercase();
        let json = memmem::find(&kind, b"json").is_some() && !kind.starts_with(b"multipart/");
        (!settings.suggestions && json && !head.headers.contains_key(CONTENT_ENCODING))
            .then_some(LARGEST_ERROR)
    }

    fn inspect(&self, _: &mut Exchange, _: &mut response::Parts, seen: &Seen<'_>) -> Inspected {
        if !seen.complete {
            // Too many errors to be cut: whoever asks so much wrong does not ask for data.
            let is_told = starts_with_errors(seen.bytes) && memmem::find(seen.bytes, SUGGESTION).is_some();
            return if is_told { Inspected::Deny(Violation::Suggestions.into()) } else { Inspected::Pass };
        }
        without_suggestions(seen.bytes).map_or(Inspected::Pass, |cut| Inspected::Replace(cut.into()))
    }
}

/// An answer, or a list of them, of which the first member is `errors`.
fn starts_with_errors(body: &[u8]) -> bool {
    let rest = body.trim_ascii_start();
    let rest = rest.strip_prefix(b"[").unwrap_or(rest).trim_ascii_start();
    rest.strip_prefix(b"{").is_some_and(|rest| rest.trim_ascii_start().starts_with(b"\"errors\""))
}

/// Validation errors are small; larger answers hold data.
const LARGEST_ERROR: usize = 256 * 1024;
const SUGGESTION: &[u8] = b" Did you mean ";

#[cfg(test)]
mod tests;
