//! What the network events of a context's pages come to: one exchange per request and redirect.
//!
//! The protocol tells of one request in several events, whose order is not promised: what was asked for, what was
//! sent (headers and cookies as they left), what was judged, what came back, as it came. A redirect keeps the
//! request's id, so an id stands for a chain of hops, and the n-th event of a kind is about the n-th hop.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use crate::limits::{Limits, cut};
use crate::record::{BlockedCookie, Exchange, Frame, Outcome, PageId, Recorded, Socket, headers};
use crate::scope::leaves;
use crate::value::Read;

/// The record of a context.
#[derive(Debug)]
pub(crate) struct Log {
    pub(crate) limits: Limits,
    pub(crate) recorded: Recorded,
    /// Requests so far, forgotten ones included.
    requests: usize,
    bodies: usize,
    chains: HashMap<String, Chain>,
    sockets: HashMap<String, usize>,
    /// Judged before the request itself was told of: id, URL, outcome.
    judged: HashMap<String, (String, Outcome)>,
    /// What is being waited for, by page.
    open: HashMap<PageId, HashSet<String>>,
}

#[derive(Debug, Default)]
struct Chain {
    hops: Vec<usize>,
    /// How many hops were told what was sent, and what came back.
    sent: usize,
    answered: usize,
    /// What was told of a hop before the hop itself: whether it was sent, and what.
    early: Vec<(bool, Value)>,
}

/// Of one request, how much of that is kept.
const EARLY: usize = 8;

impl Log {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            recorded: Recorded::default(),
            requests: 0,
            bodies: 0,
            chains: HashMap::new(),
            sockets: HashMap::new(),
            judged: HashMap::new(),
            open: HashMap::new(),
        }
    }

    /// What was recorded; nothing of it is kept. What is still open is not told of any more.
    pub(crate) fn take(&mut self) -> Recorded {
        self.chains.clear();
        self.sockets.clear();
        self.judged.clear();
        self.bodies = 0;
        std::mem::take(&mut self.recorded)
    }

    /// Counts a request that was held for judgement; whether it is still within the limit.
    pub(crate) fn admit(&mut self) -> bool {
        self.requests = self.requests.saturating_add(1);
        self.requests <= self.limits.requests
    }

    /// Whether the page waits for something that can end.
    pub(crate) fn is_waiting(&self, page: PageId) -> bool {
        self.open.get(&page).is_some_and(|open| !open.is_empty())
    }

    /// What the page waited for is nobody's concern any more.
    pub(crate) fn give_up(&mut self, page: PageId) {
        self.open.remove(&page);
    }

    /// A call, message, violation, dialog or route more, if there is room.
    pub(crate) fn note<T>(&mut self, list: impl FnOnce(&mut Recorded) -> &mut Vec<T>, note: T) {
        let most = self.limits.notes;
        let list = list(&mut self.recorded);
        if list.len() < most {
            list.push(note);
        } else {
            self.recorded.dropped = self.recorded.dropped.saturating_add(1);
        }
    }

    /// `Network.requestWillBeSent`
    pub(crate) fn asked(&mut self, page: PageId, params: &Value) {
        let id = params.text("requestId");
        let Some(request) = params.get("request") else { return };
        let url = request.text("url");
        if let Some(answer) = params.get("redirectResponse") {
            self.answer(id, answer);
            if let Some(hop) = self.last(id) {
                hop.outcome = Outcome::Redirected;
            }
        }
        if !leaves(url) {
            return;
        }
        let resource = params.text("type");
        if !matches!(resource, "EventSource" | "WebSocket" | "Ping") {
            self.open.entry(page).or_default().insert(id.to_owned());
        }
        if self.recorded.exchanges.len() >= self.limits.requests {
            self.recorded.dropped = self.recorded.dropped.saturating_add(1);
            return;
        }
        let sent = request.get("postData").and_then(Value::as_str);
        let exchange = Exchange {
            page,
            url: cut(url, self.limits.url),
            method: cut(request.text("method"), 64),
            resource: resource.to_owned(),
            headers: headers(request.get("headers"), self.limits.headers, self.limits.header),
            sent: sent.map(|text| cut(text, self.limits.sent)),
            sent_cut: sent.map_or(request.is("hasPostData"), |text| text.len() > self.limits.sent),
            status: None,
            answer_headers: Vec::new(),
            mime: String::new(),
            body: None,
            blocked_cookies: Vec::new(),
            outcome: Outcome::Pending,
        };
        let at = self.recorded.exchanges.len();
        self.recorded.exchanges.push(exchange);
        let chain = self.chains.entry(id.to_owned()).or_default();
        chain.hops.push(at);
        for (sent, params) in std::mem::take(&mut chain.early) {
            if sent { self.sent(&params) } else { self.came(&params) }
        }
        if self.judged.get(id).is_some_and(|(judged, _)| judged == url)
            && let Some((_, outcome)) = self.judged.remove(id)
        {
            self.judge(id, url, outcome);
        }
    }

    /// The request was refused or answered by the scope.
    pub(crate) fn judge(&mut self, id: &str, url: &str, outcome: Outcome) {
        let short = cut(url, self.limits.url);
        if let Some(hop) = self.last(id).filter(|hop| hop.url == short) {
            hop.outcome = outcome;
        } else if self.judged.len() < self.limits.requests {
            self.judged.insert(id.to_owned(), (url.to_owned(), outcome));
        }
    }

    /// `Network.requestWillBeSentExtraInfo`
    pub(crate) fn sent(&mut self, params: &Value) {
        let (most, long) = (self.limits.headers, self.limits.header);
        let Some(hop) = self.told(true, params) else { return };
        hop.headers = headers(params.get("headers"), most, long);
        let blocked = params.list("associatedCookies").iter().filter_map(|one| {
            let reasons = words(one.list("blockedReasons"));
            (!reasons.is_empty()).then(|| BlockedCookie {
                name: cut(one.text_at("/cookie/name"), 256),
                reasons,
                sending: true,
            })
        });
        hop.blocked_cookies.extend(blocked.take(most));
    }

    /// `Network.responseReceivedExtraInfo`
    pub(crate) fn came(&mut self, params: &Value) {
        let (most, long) = (self.limits.headers, self.limits.header);
        let Some(hop) = self.told(false, params) else { return };
        hop.answer_headers = headers(params.get("headers"), most, long);
        hop.status = params.get("statusCode").and_then(status).or(hop.status);
        let blocked = params.list("blockedCookies").iter().map(|one| BlockedCookie {
            name: cut(one.text("cookieLine").split('=').next().unwrap_or_default(), 256),
            reasons: words(one.list("blockedReasons")),
            sending: false,
        });
        hop.blocked_cookies.extend(blocked.take(most));
    }

    /// The hop this is about: the next one of its request that was not told. One that is not known yet is told later.
    fn told(&mut self, sent: bool, params: &Value) -> Option<&mut Exchange> {
        let id = params.text("requestId");
        if !self.chains.contains_key(id) && self.chains.len() >= self.limits.requests {
            return None;
        }
        let chain = self.chains.entry(id.to_owned()).or_default();
        let counter = if sent { &mut chain.sent } else { &mut chain.answered };
        let Some(at) = chain.hops.get(*counter).copied() else {
            if chain.early.len() < EARLY {
                chain.early.push((sent, params.clone()));
            }
            return None;
        };
        *counter = counter.saturating_add(1);
        self.recorded.exchanges.get_mut(at)
    }

    /// `Network.responseReceived`
    pub(crate) fn answered(&mut self, page: PageId, params: &Value) {
        let id = params.text("requestId");
        let Some(response) = params.get("response") else { return };
        self.answer(id, response);
        let mime = response.text("mimeType");
        // These never end, and nobody waits for their end.
        if matches!(mime, "text/event-stream" | "multipart/x-mixed-replace") {
            self.close(page, id);
        }
    }

    fn answer(&mut self, id: &str, response: &Value) {
        let (most, long) = (self.limits.headers, self.limits.header);
        let Some(hop) = self.last(id) else { return };
        if hop.answer_headers.is_empty() {
            hop.answer_headers = headers(response.get("headers"), most, long);
        }
        hop.status = hop.status.or(response.get("status").and_then(status));
        hop.mime = cut(response.text("mimeType"), 256);
    }

    /// `Network.loadingFinished`: whether the body is one to keep.
    pub(crate) fn finished(&mut self, page: PageId, params: &Value) -> bool {
        let id = params.text("requestId");
        self.close(page, id);
        let (most, full) = (self.limits.body, self.bodies >= self.limits.bodies);
        let Some(hop) = self.last(id) else { return false };
        if hop.outcome == Outcome::Pending {
            hop.outcome = Outcome::Finished;
        }
        let mime = hop.mime.as_str();
        let json = mime.ends_with("/json") || mime.ends_with("+json");
        let length = params.get("encodedDataLength").and_then(Value::as_f64).unwrap_or_default();
        let wanted = json && !full && length <= most as f64;
        self.bodies = self.bodies.saturating_add(usize::from(wanted));
        wanted
    }

    /// The body of a request that is over.
    pub(crate) fn body(&mut self, id: &str, body: &Value) {
        let most = self.limits.body;
        let text = body.text("body");
        if body.is("base64Encoded") || text.len() > most {
            return;
        }
        if let Some(hop) = self.last(id) {
            hop.body = Some(text.to_owned());
        }
    }

    /// `Network.loadingFailed`
    pub(crate) fn failed(&mut self, page: PageId, params: &Value) {
        let id = params.text("requestId");
        self.close(page, id);
        let Some(hop) = self.last(id) else { return };
        if hop.outcome == Outcome::Pending {
            let named = [params.text("blockedReason"), params.text("errorText")];
            let cors = params.text_at("/corsErrorStatus/corsError");
            let why: Vec<&str> = named.into_iter().chain([cors]).filter(|word| !word.is_empty()).collect();
            hop.outcome = Outcome::Failed(cut(&why.join(" "), 300));
        }
    }

    /// `Network.webSocketCreated`
    pub(crate) fn socket(&mut self, page: PageId, params: &Value, in_scope: bool) {
        if self.recorded.sockets.len() >= self.limits.sockets {
            self.recorded.dropped = self.recorded.dropped.saturating_add(1);
            return;
        }
        self.sockets.insert(params.text("requestId").to_owned(), self.recorded.sockets.len());
        self.recorded.sockets.push(Socket {
            page,
            url: cut(params.text("url"), self.limits.url),
            in_scope,
            status: None,
            headers: Vec::new(),
            frames: Vec::new(),
            closed: false,
        });
    }

    /// What else happened to a WebSocket.
    pub(crate) fn socket_event(&mut self, method: &str, params: &Value) {
        let limits = self.limits.clone();
        let at = self.sockets.get(params.text("requestId")).copied();
        let Some(socket) = at.and_then(|at| self.recorded.sockets.get_mut(at)) else { return };
        match method {
            "Network.webSocketWillSendHandshakeRequest" => {
                socket.headers = headers(params.pointer("/request/headers"), limits.headers, limits.header);
            }
            "Network.webSocketHandshakeResponseReceived" => {
                socket.status = params.pointer("/response/status").and_then(status);
            }
            "Network.webSocketClosed" | "Network.webSocketFrameError" => socket.closed = true,
            _ if socket.frames.len() < limits.frames => socket.frames.push(Frame {
                sent: method == "Network.webSocketFrameSent",
                text: cut(params.text_at("/response/payloadData"), limits.note),
                is_text: params.pointer("/response/opcode").and_then(Value::as_f64) == Some(1.0),
            }),
            _ => self.recorded.dropped = self.recorded.dropped.saturating_add(1),
        }
    }

    fn last(&mut self, id: &str) -> Option<&mut Exchange> {
        let at = self.chains.get(id)?.hops.last().copied()?;
        self.recorded.exchanges.get_mut(at)
    }

    fn close(&mut self, page: PageId, id: &str) {
        if let Some(open) = self.open.get_mut(&page) {
            open.remove(id);
        }
    }
}

/// A status as the protocol writes it, a number with or without a point.
pub(crate) fn status(value: &Value) -> Option<u16> {
    let number = value.as_u64().or_else(|| {
        let number = value.as_f64()?;
        (0.0..1000.0).contains(&number).then_some(number as u64)
    })?;
    u16::try_from(number).ok().filter(|status| *status > 0)
}

fn words(values: &[Value]) -> Vec<String> {
    values.iter().filter_map(Value::as_str).take(16).map(|word| cut(word, 64)).collect()
}

#[cfg(test)]
#[path = "log_tests.rs"]
mod tests;
