//! Markup that people wrote, cleaned before other people see it.
//!
//! Control: `input.output-encoding`
//!
//! **Standard.** WHATWG HTML §13.2 (parsing), §13.4 (fragments); ASVS 5.0 V1.3.1 (untrusted HTML is sanitised by a
//! well-known library).
//!
//! **Threat.** Tampering: CWE-79, CWE-80 (a script in a comment that everybody reads), CWE-116.
//!
//! **Rules.** On routes with `sanitise`:
//! 1. `html = true`: the body of an answer of `text/html`, or of no type that could be read, is one fragment. It leaves
//!    cleaned, as `text/html; charset=utf-8`. Not for whole pages: head, scripts and styles of the application's own
//!    would go too. Markup that is not HTML (XHTML, SVG, XML) is refused here.
//! 2. `pointers = ["/comments/*/html"]`: in answers of JSON the texts at these places (RFC 6901; `*` for every item or
//!    member), and all texts inside what stands there, leave cleaned; everything else with the value it had, numbers with
//!    all their digits.
//! 3. Clean is what `ammonia` (the HTML parser of a browser and an allow-list) lets stand: text and its formatting,
//!    lists, tables, pictures and links to `http`, `https`, `mailto`, `tel` and this site; links get
//!    `rel="noopener noreferrer"`. Scripts, styles, forms, frames, event handlers and other schemes go.
//! 4. Clean is also what stays as it is when it is read and cleaned again: nothing comes to life in a second reading.
//!    What does not, or unfolds to far more than was written, nests deeper than 200 elements or gives one element more
//!    than 64 attributes, leaves as the text that it is.
//! 5. An answer that cannot be cleaned is refused: compressed all the same, longer than `largest`, broken off, a part of a
//!    whole, no JSON, not UTF-8 or said to be something else.
//!
//! **Answer.** 502.
//!
//! **Default.** On, for routes that ask for it: what is markup and what is text only the application knows.
//!
//! **Caveat.** An application that escapes what it shows needs none of this; cleaning is for texts meant to be markup.
//! Pictures of other sites stay, and those sites see who looks. Under `observe` only answers of a known length up to
//! `largest` are looked at. What was stored in browsers before stays there until it is fetched anew.
//!
//! **Example.** `[[routes]] path = "/api/comments/*"`, `sanitise = { pointers = ["/items/*/html"] }`.

use bytes::Bytes;
use gabion_model::{ByteSize, ControlId, Problem};
use gabion_openapi::json::{self, Bounds, Object, Value};
use http::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, IF_RANGE, RANGE};
use http::{HeaderMap, HeaderValue, Method, StatusCode, request, response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check::{Check, Inspected, Mode, Seen, Stop};
use crate::denial::Denial;
use crate::exchange::Exchange;
use crate::leaks::{DIGESTS, is_plain};
use crate::order::{self, Needs};
use crate::pipeline::Step;
use crate::route::Routes;

pub use markup::clean;

mod markup;

/// `[checks.sanitise]`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// `enforce`, `observe` or `off`.
    pub mode: Mode,
    /// The largest answer that is cleaned. Longer ones are refused. Cleaning takes about 50 ms for 1 MiB, in which the
    /// thread does nothing else.
    pub largest: ByteSize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { mode: Mode::Enforce, largest: ByteSize::new(256 * 1024) }
    }
}

impl Settings {
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        if (1..=4 << 20).contains(&self.largest.bytes()) {
            return Vec::new();
        }
        vec![Problem::new("largest", format!("`{}` is not usable", self.largest)).hint("at most `4MiB`")]
    }
}

/// What of a route's answers is markup that people wrote.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RouteSettings {
    /// Answers of `text/html` are fragments.
    pub html: bool,
    /// Places in answers of JSON, for instance `/comments/*/html`.
    pub pointers: Vec<String>,
}

impl RouteSettings {
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let wrong = |(index, text): (usize, &String)| {
            segments(text).is_none().then(|| {
                Problem::new(format!("pointers[{index}]"), format!("`{text}` is not a JSON Pointer"))
                    .hint("for instance `/comments/*/html`")
            })
        };
        let mut problems: Vec<_> = self.pointers.iter().enumerate().filter_map(wrong).collect();
        if !self.html && self.pointers.is_empty() {
            problems.push(
                Problem::new("", "names nothing to clean").hint("`html = true`, or `pointers = [\"/html\"]`"),
            );
        }
        problems
    }
}

/// The segments of a pointer; `*` stands for every item.
fn segments(pointer: &str) -> Option<Vec<String>> {
    if pointer.is_empty() {
        return Some(Vec::new());
    }
    let valid = |segment: &str| {
        segment.split('~').skip(1).all(|escaped| escaped.starts_with('0') || escaped.starts_with('1'))
    };
    let one = |segment: &str| valid(segment).then(|| segment.replace("~1", "/").replace("~0", "~"));
    pointer.strip_prefix('/')?.split('/').map(one).collect()
}

/// Rule 2.
#[must_use]
pub fn clean_at(value: Value, pointers: &[Vec<String>]) -> Value {
    let at: Vec<&[String]> = pointers.iter().map(Vec::as_slice).collect();
    descend(value, &at)
}

fn descend(value: Value, pointers: &[&[String]]) -> Value {
    if pointers.is_empty() {
        return value;
    }
    // All that is inside is meant.
    if pointers.iter().any(|pointer| pointer.is_empty()) {
        return clean_all(value);
    }
    let below = |name: &str| -> Vec<&[String]> {
        let next =
            |pointer: &&'_ [String]| pointer.first().is_some_and(|first| first == name || first == "*");
        pointers.iter().copied().filter(next).filter_map(|pointer| pointer.get(1..)).collect()
    };
    match value {
        Value::Array(items) => {
            let items = items.into_iter().enumerate();
            Value::Array(items.map(|(index, item)| descend(item, &below(&index.to_string()))).collect())
        }
        Value::Object(members) => Value::Object(
            members
                .iter()
                .map(|(name, value)| (name.to_owned(), descend(value.clone(), &below(name))))
                .collect::<Object>(),
        ),
        other => other,
    }
}

fn clean_all(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(clean(&text)),
        Value::Array(items) => Value::Array(items.into_iter().map(clean_all).collect()),
        Value::Object(members) => Value::Object(
            members
                .iter()
                .map(|(name, value)| (name.to_owned(), clean_all(value.clone())))
                .collect::<Object>(),
        ),
        other => other,
    }
}

/// The broken rules. Alphabetical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    #[error("an answer marked for cleaning says it is in another character set than UTF-8")]
    Charset,
    #[error("an answer marked for cleaning is compressed")]
    Coded,
    #[error("an answer marked for cleaning is no JSON, or JSON that can be read in two ways")]
    Json,
    #[error("an answer marked for cleaning is markup of another language than HTML")]
    Language,
    #[error("an answer marked for cleaning is a part of a whole")]
    Part,
    #[error("an answer marked for cleaning has two types")]
    Repeated,
    #[error("an answer marked for cleaning is longer than `largest`, or broke off")]
    TooLong,
    #[error("an answer marked for cleaning is not UTF-8")]
    Utf8,
}

impl From<Violation> for Denial {
    fn from(violation: Violation) -> Self {
        Self::new(
            ControlId::INPUT_OUTPUT_ENCODING,
            StatusCode::BAD_GATEWAY,
            "The application's answer could not be made safe to show.",
            violation.to_string(),
        )
    }
}

/// What is to be done with an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Markup {
    Html,
    Json,
}

pub(crate) fn step(needs: &Needs<'_, '_>) -> Option<Step> {
    order::step(needs.settings.sanitise.mode, Sanitise::new(&needs.settings.sanitise, needs.routes))
}

/// The check.
#[derive(Debug)]
pub struct Sanitise {
    /// Per route.
    routes: Vec<Option<Wanted>>,
    largest: usize,
    enforced: bool,
}

#[derive(Debug)]
struct Wanted {
    html: bool,
    pointers: Vec<Vec<String>>,
}

impl Sanitise {
    pub(crate) fn new(settings: &Settings, routes: &Routes) -> Self {
        let wanted = |route: &crate::route::Compiled| {
            let own = route.declared.sanitise.as_ref()?;
            let pointers = own.pointers.iter().filter_map(|text| segments(text)).collect();
            Some(Wanted { html: own.html, pointers })
        };
        let largest = usize::try_from(settings.largest.bytes()).unwrap_or(usize::MAX);
        let enforced = settings.mode == Mode::Enforce;
        Self { routes: routes.iter().map(wanted).collect(), largest, enforced }
    }

    fn wanted(&self, exchange: &Exchange) -> Option<&Wanted> {
        self.routes.get(exchange.route?)?.as_ref()
    }

    /// The cleaned body, if this answer is one to be cleaned.
    fn clean(&self, wanted: &Wanted, head: &response::Parts, seen: &Seen<'_>) -> Result<Vec<u8>, Violation> {
        let Some(markup) = wanted.markup(&head.headers)? else { return Ok(seen.bytes.to_vec()) };
        if head.status == StatusCode::PARTIAL_CONTENT || head.headers.contains_key(CONTENT_RANGE) {
            return Err(Violation::Part);
        }
        if !is_plain(&head.headers) {
            return Err(Violation::Coded);
        }
        if !seen.complete || seen.bytes.len() > self.largest {
            return Err(Violation::TooLong);
        }
        if seen.bytes.is_empty() {
            return Ok(Vec::new());
        }
        match markup {
            Markup::Html => {
                let text = std::str::from_utf8(seen.bytes).map_err(|_| Violation::Utf8)?;
                Ok(clean(text).into_bytes())
            }
            Markup::Json => {
                let bounds = Bounds { size: self.largest, string: self.largest, ..Bounds::file() };
                let value = json::parse(seen.bytes, &bounds).map_err(|_| Violation::Json)?;
                Ok(clean_at(value, &wanted.pointers).to_string().into_bytes())
            }
        }
    }
}

impl Wanted {
    /// What of an answer is markup, by its type.
    fn markup(&self, headers: &HeaderMap) -> Result<Option<Markup>, Violation> {
        let mut fields = headers.get_all(CONTENT_TYPE).iter();
        let field = fields.next().map_or(&b""[..], HeaderValue::as_bytes).to_ascii_lowercase();
        if fields.next().is_some() {
            return Err(Violation::Repeated);
        }
        let mut parts = field.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
        let essence = parts.next().unwrap_or_default();
        let holds = |word: &[u8]| memchr::memmem::find(essence, word).is_some();
        // Without a type that can be read browsers guess, and guess HTML.
        let untyped = !holds(b"/") || essence == b"*/*" || essence == b"application/unknown";
        let markup = if !self.pointers.is_empty() && (holds(b"json") || untyped && !self.html) {
            Markup::Json
        } else if self.html && (essence == b"text/html" || untyped) {
            Markup::Html
        } else if self.html && holds(b"xml") {
            return Err(Violation::Language);
        } else {
            return Ok(None);
        };
        let is_utf8 = |value: &[u8]| {
            let value = value.trim_ascii();
            let value = value.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")).unwrap_or(value);
            [&b"utf-8"[..], b"utf8", b"us-ascii"].contains(&value)
        };
        let charset = |part: &[u8]| {
            let (name, value) = part.split_at_checked(part.iter().position(|byte| *byte == b'=')?)?;
            (name.trim_ascii() == b"charset").then(|| value.get(1..).is_some_and(is_utf8))
        };
        let foreign = parts.filter_map(charset).any(|is_ours| !is_ours);
        if foreign { Err(Violation::Charset) } else { Ok(Some(markup)) }
    }
}

impl Check for Sanitise {
    fn name(&self) -> &'static str {
        "sanitise"
    }

    fn control(&self) -> ControlId {
        ControlId::INPUT_OUTPUT_ENCODING
    }

    fn request(&self, head: &mut request::Parts, exchange: &mut Exchange) -> Result<(), Stop> {
        if self.enforced && self.wanted(exchange).is_some() {
            exchange.want_plain_answer();
            // A part of a whole is not a fragment.
            head.headers.remove(RANGE);
            head.headers.remove(IF_RANGE);
        }
        Ok(())
    }

    fn look(&self, exchange: &mut Exchange, head: &response::Parts) -> Option<usize> {
        let wanted = self.wanted(exchange)?;
        if *exchange.method() == Method::HEAD || head.status == StatusCode::NOT_MODIFIED {
            return None;
        }
        let length = head.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        let short = length.is_some_and(|length: usize| length <= self.largest);
        let concerned = !matches!(wanted.markup(&head.headers), Ok(None));
        (concerned && (self.enforced || short)).then_some(self.largest)
    }

    fn inspect(&self, exchange: &mut Exchange, head: &mut response::Parts, seen: &Seen<'_>) -> Inspected {
        let Some(wanted) = self.wanted(exchange) else { return Inspected::Pass };
        let cleaned = match self.clean(wanted, head, seen) {
            Ok(cleaned) => cleaned,
            Err(violation) => return Inspected::Deny(violation.into()),
        };
        if wanted.markup(&head.headers) == Ok(Some(Markup::Html)) {
            // Read as it was cleaned, not as it might be guessed.
            head.headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        }
        if cleaned == seen.bytes {
            return Inspected::Pass;
        }
        for name in DIGESTS {
            head.headers.remove(name);
        }
        Inspected::Replace(Bytes::from(cleaned))
    }
}

#[cfg(test)]
mod tests;
