//! What is on record of pages: requests, WebSockets, calls of bindings, messages, violations, dialogs, routes.

use serde::Serialize;
use serde_json::Value;

/// A page of one browser, for as long as the browser runs. Popups are pages of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct PageId(pub(crate) u64);

/// Everything that was recorded, in order.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Recorded {
    /// Requests and their answers; each redirect is one of its own.
    pub exchanges: Vec<Exchange>,
    /// WebSockets.
    pub sockets: Vec<Socket>,
    /// Calls of bindings: proof that a script ran.
    pub calls: Vec<Call>,
    /// What pages wrote to the console, and what the browser wrote there about them.
    pub console: Vec<ConsoleMessage>,
    /// What a content security policy forbade, or would have.
    pub violations: Vec<Violation>,
    /// Dialogs, all dismissed.
    pub dialogs: Vec<Dialog>,
    /// Addresses a page took without asking for a document (`pushState`, fragments).
    pub routes: Vec<Route>,
    /// What happened beyond the limits and was not kept.
    pub dropped: u64,
}

/// A request of a page and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Exchange {
    /// Who asked.
    pub page: PageId,
    /// Its URL, without a fragment.
    pub url: String,
    /// Its method.
    pub method: String,
    /// What it is for: `Document`, `XHR`, `Fetch`, `Script`, `Image`, `EventSource`, `Preflight`, …
    pub resource: String,
    /// Its headers as they were sent, cookies included, where the browser tells; as they were asked for otherwise.
    pub headers: Vec<(String, String)>,
    /// Its body, cut.
    pub sent: Option<String>,
    /// Whether it has a body of which not everything is in [`Exchange::sent`].
    pub sent_cut: bool,
    /// The status of the answer.
    pub status: Option<u16>,
    /// The headers of the answer, `set-cookie` included.
    pub answer_headers: Vec<(String, String)>,
    /// The type of the answer as the browser understood it.
    pub mime: String,
    /// The body of the answer, for JSON that is not too long.
    pub body: Option<String>,
    /// Cookies that were not sent or not taken, and why.
    pub blocked_cookies: Vec<BlockedCookie>,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Outcome {
    /// It is not over.
    Pending,
    /// It was answered in full.
    Finished,
    /// It was answered with another address, which is the next exchange.
    Redirected,
    /// The scope refused it; nothing was sent.
    Refused,
    /// The scope answered it; nothing was sent.
    Answered,
    /// It failed: the browser's name of the reason, for instance `net::ERR_CONNECTION_REFUSED`.
    Failed(String),
}

/// A cookie that was not sent with a request, or not taken from an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BlockedCookie {
    /// Its name.
    pub name: String,
    /// The browser's words for why: `SameSiteLax`, `SameSiteStrict`, `SecureOnly`, `DomainMismatch`, …
    pub reasons: Vec<String>,
    /// Whether it was to be sent; else it was to be set.
    pub sending: bool,
}

/// A WebSocket of a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Socket {
    /// Who opened it.
    pub page: PageId,
    /// Where it leads.
    pub url: String,
    /// Whether the scope has this address.
    pub in_scope: bool,
    /// The status of the handshake; 101 when it is open.
    pub status: Option<u16>,
    /// What the handshake was sent with.
    pub headers: Vec<(String, String)>,
    /// What went over it.
    pub frames: Vec<Frame>,
    /// Whether it is over.
    pub closed: bool,
}

/// A message of a WebSocket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Frame {
    /// Whether the page sent it.
    pub sent: bool,
    /// Text, or base64 of something else, cut.
    pub text: String,
    /// Whether it is text.
    pub is_text: bool,
}

/// A script called a binding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Call {
    /// The page, or the popup, it ran in.
    pub page: PageId,
    /// The binding.
    pub name: String,
    /// What it was called with.
    pub payload: String,
    /// The origin the script ran in; `://` and the empty text are opaque ones.
    pub origin: String,
    /// The address of the frame it ran in.
    pub frame: String,
}

/// A line of the console.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConsoleMessage {
    /// The page.
    pub page: PageId,
    /// `log`, `warning`, `error`, …; `exception` for an error nobody caught.
    pub level: String,
    /// What it says, cut.
    pub text: String,
    /// The script or document it is about.
    pub url: String,
}

/// Something a content security policy forbids.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// The page.
    pub page: PageId,
    /// The directive.
    pub directive: String,
    /// What was to be loaded; empty for inline code.
    pub blocked: String,
    /// The kind: `kInlineViolation`, `kURLViolation`, `kEvalViolation`, …
    pub kind: String,
    /// Whether the policy only reports.
    pub report_only: bool,
}

/// A dialog of a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Dialog {
    /// The page.
    pub page: PageId,
    /// `alert`, `confirm`, `prompt` or `beforeunload`.
    pub kind: String,
    /// What it says, cut.
    pub message: String,
    /// The address of the frame that opened it.
    pub url: String,
}

/// An address a page took by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Route {
    /// The page.
    pub page: PageId,
    /// The address.
    pub url: String,
}

impl Exchange {
    /// The first header of the request with this name, in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }

    /// The first header of the answer with this name, in any case.
    #[must_use]
    pub fn answer_header(&self, name: &str) -> Option<&str> {
        find(&self.answer_headers, name)
    }
}

impl Recorded {
    /// Exchanges that scripts asked for: `XHR` and `Fetch`.
    pub fn api(&self) -> impl Iterator<Item = &Exchange> {
        self.exchanges.iter().filter(|exchange| matches!(exchange.resource.as_str(), "XHR" | "Fetch"))
    }

    /// What one page did; what was dropped is not known by page.
    #[must_use]
    pub fn of(&self, page: PageId) -> Self {
        Self {
            exchanges: self.exchanges.iter().filter(|one| one.page == page).cloned().collect(),
            sockets: self.sockets.iter().filter(|one| one.page == page).cloned().collect(),
            calls: self.calls.iter().filter(|one| one.page == page).cloned().collect(),
            console: self.console.iter().filter(|one| one.page == page).cloned().collect(),
            violations: self.violations.iter().filter(|one| one.page == page).cloned().collect(),
            dialogs: self.dialogs.iter().filter(|one| one.page == page).cloned().collect(),
            routes: self.routes.iter().filter(|one| one.page == page).cloned().collect(),
            dropped: self.dropped,
        }
    }

    /// Payloads of the calls of one binding.
    pub fn payloads<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.calls.iter().filter(move |call| call.name == name).map(|call| call.payload.as_str())
    }
}

fn find<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

/// Headers as the protocol writes them: an object, several values of one name divided by newlines.
pub(crate) fn headers(value: Option<&Value>, most: usize, long: usize) -> Vec<(String, String)> {
    let Some(members) = value.and_then(Value::as_object) else { return Vec::new() };
    members
        .iter()
        .flat_map(|(name, value)| {
            let value = value.as_str().unwrap_or_default();
            value.split('\n').map(move |one| (name, one))
        })
        .take(most)
        .map(|(name, value)| (crate::limits::cut(name, 256), crate::limits::cut(value, long)))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn headers_of_one_name_are_several() {
        let value = json!({ "Set-Cookie": "a=1\nb=2", "X": 3 });
        let all = headers(Some(&value), 10, 2);
        assert_eq!(
            all,
            [
                ("Set-Cookie".into(), "a=".into()),
                ("Set-Cookie".into(), "b=".into()),
                ("X".into(), String::new())
            ]
        );
        assert_eq!(headers(Some(&value), 1, 9).len(), 1);
        assert_eq!(headers(None, 1, 9), []);
    }
}
