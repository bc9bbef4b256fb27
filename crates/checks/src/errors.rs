//! Error answers that say too much.
//!
//! Control: `api.errors`
//!
//! **Standard.** RFC 9457; ASVS 5.0 V16.5.1 (a generic message when something unexpected happens).
//!
//! **Threat.** Information disclosure: CWE-209, CWE-550 (stack traces, queries, paths, versions).
//!
//! **Rules.**
//! 1. The body of an upstream's 5xx is replaced by the gate's own, with the request id. Status and cookies stay.
//! 2. The beginning of any other error's body, when it is uncompressed text, HTML or JSON, is searched for
//!    what only a failing program prints (stack traces, database errors); found, the body is replaced.
//! 3. The upstream's words are not kept anywhere: they may hold what should not be recorded.
//!
//! **Answer.** Problem JSON or a page, with the upstream's status.
//!
//! **Default.** On; `prefix` 8 kB.
//!
//! **Caveat.** APIs that put machine-readable details into 5xx bodies: set `replace_5xx = false`, rule 2 still
//! looks at them. Compressed error bodies are not looked into.
//!
//! **Example.** `500 Traceback (most recent call last): …` leaves as
//! `{"type":"about:blank","title":"Internal Server Error","status":500,…,"request_id":"…"}`.

use gabion_model::{ByteSize, ControlId, Problem};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, StatusCode, response};
use memchr::memmem;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::answer::{self, Answer, Source};
use crate::check::{Check, Inspected, Mode, Seen};
use crate::exchange::Exchange;
use crate::order::{self, Needs};
use crate::pipeline::Step;

/// `[checks.errors]`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// `enforce`, `observe` or `off`.
    pub mode: Mode,
    /// Replace the body of every 5xx answer.
    pub replace_5xx: bool,
    /// How much of an error's body is searched for traces; `0B`: nothing.
    pub prefix: ByteSize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { mode: Mode::Enforce, replace_5xx: true, prefix: ByteSize::new(8192) }
    }
}

impl Settings {
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        if self.prefix.bytes() <= 1 << 20 {
            return Vec::new();
        }
        vec![
            Problem::new("prefix", format!("`{}` is more than should be held back", self.prefix))
                .hint("at most `1MiB`"),
        ]
    }
}

/// What to do about an answer's body, judging by its head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    LookInto,
    Pass,
    Replace,
}

/// Rule 1, and whether rule 2 applies.
#[must_use]
pub fn verify(settings: &Settings, status: StatusCode, headers: &HeaderMap) -> Verdict {
    if status.is_server_error() && settings.replace_5xx {
        return Verdict::Replace;
    }
    let error = status.is_client_error() || status.is_server_error();
    if error && settings.prefix.bytes() > 0 && !headers.contains_key(CONTENT_ENCODING) && is_text(headers) {
        return Verdict::LookInto;
    }
    Verdict::Pass
}

/// Rule 2: does this look like the inside of a failing program?
#[must_use]
pub fn is_trace(prefix: &[u8]) -> bool {
    TRACES.iter().any(|trace| memmem::find(prefix, trace.as_bytes()).is_some())
}

fn is_text(headers: &HeaderMap) -> bool {
    // Without a type browsers sniff, and so does everybody else.
    let Some(kind) = headers.get(CONTENT_TYPE) else { return true };
    let kind = kind.as_bytes().to_ascii_lowercase();
    kind.starts_with(b"text/")
        || memmem::find(&kind, b"json").is_some()
        || memmem::find(&kind, b"xml").is_some()
}

pub(crate) fn step(needs: &Needs<'_, '_>) -> Option<Step> {
    order::step(needs.settings.errors.mode, Errors::new(&needs.settings.errors))
}

/// The check.
#[derive(Debug)]
pub struct Errors {
    settings: Settings,
}

impl Errors {
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        Self { settings: settings.clone() }
    }

    fn limit(&self) -> usize {
        usize::try_from(self.settings.prefix.bytes()).unwrap_or(usize::MAX)
    }
}

impl Check for Errors {
    fn name(&self) -> &'static str {
        "errors"
    }

    fn control(&self) -> ControlId {
        ControlId::API_ERRORS
    }

    fn look(&self, _: &mut Exchange, head: &response::Parts) -> Option<usize> {
        let verdict = verify(&self.settings, head.status, &head.headers);
        (verdict == Verdict::LookInto).then(|| self.limit())
    }

    fn inspect(&self, exchange: &mut Exchange, head: &mut response::Parts, seen: &Seen<'_>) -> Inspected {
        let prefix = seen.bytes.get(..self.limit()).unwrap_or(seen.bytes);
        if is_trace(prefix) {
            return Inspected::Replace(answer::replace(exchange, head, PUBLIC));
        }
        Inspected::Pass
    }

    fn response(&self, exchange: &mut Exchange, answer: &mut Answer<'_>) {
        if answer.source == Source::Upstream
            && verify(&self.settings, answer.head.status, &answer.head.headers) == Verdict::Replace
        {
            answer.replacement = Some(answer::replace(exchange, answer.head, PUBLIC));
        }
    }
}

const PUBLIC: &str = "The application could not answer this request. The request id tells its operators why.";

/// What frameworks and databases print when a program fails, and pages do not.
const TRACES: [&str; 33] = [
    "Traceback (most recent call last)",
    "\tat java.",
    "\tat org.",
    "\tat com.",
    "java.lang.",
    "javax.servlet.",
    "at Object.<anonymous>",
    "at Module._compile",
    "node:internal/",
    "/node_modules/",
    "System.NullReferenceException",
    "System.Data.SqlClient",
    "--- End of inner exception stack trace ---",
    "goroutine 1 [running]",
    "runtime error: ",
    "thread 'main' panicked at",
    "stack backtrace:",
    "ActiveRecord::",
    "ActionView::Template::Error",
    "app/controllers/",
    "Fatal error: Uncaught",
    "Stack trace:\n#0",
    "SQLSTATE[",
    "You have an error in your SQL syntax",
    "syntax error at or near",
    "unterminated quoted string at or near",
    "near \\\"",
    "unrecognized token:",
    "SQLITE_ERROR",
    "sqlite3.OperationalError",
    "psycopg2.",
    "ORA-00",
    "MongoServerError",
];

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn server_errors_never_keep_their_body_and_good_answers_always_do(code in 200_u16..600, kind in "(text/html|application/json|image/png)", compressed: bool) {
            let status = StatusCode::from_u16(code).unwrap();
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, HeaderValue::from_str(&kind).unwrap());
            if compressed {
                headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            }
            let verdict = verify(&Settings::default(), status, &headers);
            match code {
                500.. => prop_assert_eq!(verdict, Verdict::Replace),
                400.. => prop_assert_eq!(verdict == Verdict::LookInto, !compressed && kind != "image/png"),
                _ => prop_assert_eq!(verdict, Verdict::Pass),
            }
        }

        #[test]
        fn a_trace_is_found_wherever_it_begins(before in "[ -~]{0,200}", index in 0..TRACES.len(), after in "[ -~]{0,50}") {
            let body = format!("{before}{}{after}", TRACES[index]);
            prop_assert!(is_trace(body.as_bytes()));
        }
    }

    #[test]
    fn ordinary_error_pages_pass() {
        for body in
            ["<h1>Not found</h1><p>No such product.</p>", r#"{"error":"name is required","near":"you"}"#, ""]
        {
            assert!(!is_trace(body.as_bytes()), "{body}");
        }
    }
}
