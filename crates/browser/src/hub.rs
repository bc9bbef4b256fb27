//! Where every event arrives: finds the page it is about, keeps what is to be kept, answers what must be answered at
//! once. Nothing here waits; it runs in the task that reads the connection.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::connection::{Connection, Event};
use crate::error::Lost;
use crate::limits::{Limits, cut};
use crate::log::{Log, status};
use crate::record::{Call, ConsoleMessage, Dialog, Outcome, PageId, Route, Violation};
use crate::scope::{Scope, Verdict, is_for_pages, leaves};
use crate::value::Read;
use crate::wall::Wall;

/// How long the body of an answer is waited for.
const BODY: Duration = Duration::from_secs(5);
/// Frames, and worlds of scripts, of a page that are known.
const FRAMES: usize = 1_000;
/// Targets within a page (frames of other sites, workers) that may run.
const TARGETS: usize = 60;

/// All pages of a browser.
#[derive(Debug)]
pub(crate) struct Hub {
    pub(crate) connection: Connection,
    pub(crate) wall: Wall,
    pub(crate) scope: Arc<dyn Scope>,
    pub(crate) limits: Limits,
    /// Changes when a page is attached.
    pub(crate) arrivals: watch::Sender<u64>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    contexts: HashMap<String, Arc<Room>>,
    pages: HashMap<String, Arc<Shared>>,
    sessions: HashMap<String, Seat>,
}

/// What a session is about: a page, or something of a context that belongs to no page.
#[derive(Debug, Clone)]
struct Seat {
    room: Arc<Room>,
    page: Option<Arc<Shared>>,
    kind: String,
}

/// A context, as events see it.
#[derive(Debug)]
pub(crate) struct Room {
    pub(crate) id: String,
    pub(crate) scope: Box<dyn Scope>,
    log: Mutex<Log>,
    equipment: Mutex<Equipment>,
}

/// What every new page gets.
#[derive(Debug, Default, Clone)]
pub(crate) struct Equipment {
    pub(crate) bindings: Vec<String>,
    pub(crate) scripts: Vec<String>,
    /// Headers of every request.
    pub(crate) headers: Vec<(String, String)>,
}

/// A page, as events see it.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) id: PageId,
    pub(crate) target: String,
    pub(crate) session: String,
    pub(crate) room: Arc<Room>,
    /// Changes when the page loads, asks for something, is answered, or is lost.
    pub(crate) changed: watch::Sender<u64>,
    state: Mutex<PageState>,
}

#[derive(Debug, Default)]
pub(crate) struct PageState {
    pub(crate) url: String,
    pub(crate) loading: bool,
    /// The document it was sent to, until it is there.
    pub(crate) awaited: Option<String>,
    /// The document that is there.
    pub(crate) loader: String,
    /// The same, until it is loaded. An event of the one before it may come late.
    unloaded: Option<String>,
    /// Something was put into the page of which it is not known whether it arrived.
    pub(crate) unsure: bool,
    /// The last main document that was answered: status and type.
    pub(crate) document: Option<(Option<u16>, String)>,
    pub(crate) lost: Option<Lost>,
    pub(crate) equipment: Equipment,
    /// Popups nobody took yet.
    pub(crate) popups: Vec<Arc<Shared>>,
    popups_so_far: usize,
    dialogs: usize,
    /// The main document's request, and how many bytes of it came.
    received: (String, u64),
    /// Whether the document was too long and was stopped.
    pub(crate) cut: bool,
    /// Sessions within the page, the page's own first.
    pub(crate) sessions: Vec<String>,
    frames: HashMap<String, String>,
    /// By session and number: origin and frame.
    worlds: HashMap<(String, i64), (String, String)>,
}

impl Room {
    pub(crate) fn new(id: String, scope: Box<dyn Scope>, limits: Limits) -> Self {
        Self { id, scope, log: Mutex::new(Log::new(limits)), equipment: Mutex::default() }
    }

    pub(crate) fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn equipment(&self) -> MutexGuard<'_, Equipment> {
        self.equipment.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    pub(crate) fn state(&self) -> MutexGuard<'_, PageState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first reason counts.
    pub(crate) fn lose(&self, why: Lost) {
        let mut state = self.state();
        state.lost.get_or_insert(why);
        (state.loading, state.awaited, state.unloaded) = (false, None, None);
        drop(state);
        self.touch();
    }

    fn touch(&self) {
        self.changed.send_modify(|count| *count = count.wrapping_add(1));
    }
}

impl Hub {
    pub(crate) fn new(connection: Connection, wall: Wall, scope: Arc<dyn Scope>, limits: Limits) -> Self {
        let arrivals = watch::Sender::new(0);
        Self { connection, wall, scope, limits, arrivals, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn enter(&self, room: &Arc<Room>) {
        self.state().contexts.insert(room.id.clone(), Arc::clone(room));
    }

    /// A context is closed; so are its pages.
    pub(crate) fn leave(&self, room: &Room) {
        self.connection.post(None, "Target.disposeBrowserContext", json!({ "browserContextId": room.id }));
        self.state().contexts.remove(&room.id);
    }

    pub(crate) fn page(&self, target: &str) -> Option<Arc<Shared>> {
        self.state().pages.get(target).cloned()
    }

    /// Closes a page, for whatever reason.
    pub(crate) fn close(&self, page: &Shared, why: Lost) {
        page.lose(why);
        self.connection.post(None, "Target.closeTarget", json!({ "targetId": page.target }));
    }

    /// Everything is over.
    pub(crate) fn end(&self) {
        self.connection.end("it was closed");
        let pages: Vec<_> = self.state().pages.values().cloned().collect();
        for page in pages {
            page.lose(Lost::Closed);
        }
    }

    /// An event of the browser.
    pub(crate) fn hear(self: &Arc<Self>, event: &Event) {
        let seat = event.session.as_ref().and_then(|session| self.state().sessions.get(session).cloned());
        let params = &event.params;
        match event.method.as_str() {
            "Target.attachedToTarget" => return self.attached(seat.as_ref(), params),
            "Target.detachedFromTarget" => return self.detached(params),
            _ => {}
        }
        let (Some(seat), Some(session)) = (seat, event.session.as_deref()) else { return };
        if event.method == "Fetch.requestPaused" {
            return self.held(&seat, session, params);
        }
        if let Some(page) = &seat.page {
            self.page_event(page, session, &seat.kind, event);
            if moves(&event.method) {
                page.touch();
            }
        }
    }

    /// Something new runs, and waits until it is told to go on.
    fn attached(&self, parent: Option<&Seat>, params: &Value) {
        let Some(info) = params.get("targetInfo") else { return };
        let (session, target, kind) = (params.text("sessionId"), info.text("targetId"), info.text("type"));
        let mut state = self.state();
        let room = parent
            .map(|seat| Arc::clone(&seat.room))
            .or_else(|| state.contexts.get(info.text("browserContextId")).cloned());
        let Some(room) = room else {
            drop(state);
            return self.connection.post(None, "Target.closeTarget", json!({ "targetId": target }));
        };
        if kind != "page" {
            let page = parent.and_then(|seat| seat.page.clone());
            let seat = Seat { room, page: page.clone(), kind: kind.to_owned() };
            state.sessions.insert(session.to_owned(), seat);
            drop(state);
            // These outlive their page, and nobody here wants that.
            let outlives = matches!(kind, "service_worker" | "shared_worker");
            let Some(page) = page.filter(|_| !outlives) else {
                return self.connection.post(None, "Target.closeTarget", json!({ "targetId": target }));
            };
            let mut inner = page.state();
            if inner.sessions.len() > TARGETS {
                drop(inner);
                // It stays as it is: waiting.
                return;
            }
            inner.sessions.push(session.to_owned());
            return self.set_up(session, kind, &inner);
        }
        let opener = state.pages.get(info.text("openerId")).cloned();
        state.next = state.next.saturating_add(1);
        let page = Arc::new(Shared {
            id: PageId(state.next),
            target: target.to_owned(),
            session: session.to_owned(),
            room: Arc::clone(&room),
            changed: watch::Sender::new(0),
            state: Mutex::default(),
        });
        state.pages.insert(target.to_owned(), Arc::clone(&page));
        let seat = Seat { room, page: Some(Arc::clone(&page)), kind: kind.to_owned() };
        state.sessions.insert(session.to_owned(), seat);
        drop(state);
        {
            let mut inner = page.state();
            inner.sessions.push(session.to_owned());
            inner.equipment.clone_from(&page.room.equipment());
        }
        if let Some(opener) = opener
            && !self.popped_up(&opener, &page)
        {
            return self.close(&page, Lost::Closed);
        }
        self.set_up(session, kind, &page.state());
        self.arrivals.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// A page opened another; whether it may stay.
    fn popped_up(&self, opener: &Arc<Shared>, page: &Arc<Shared>) -> bool {
        let mut opener_state = opener.state();
        opener_state.popups_so_far = opener_state.popups_so_far.saturating_add(1);
        if opener_state.popups_so_far > self.limits.popups {
            return false;
        }
        let mut state = page.state();
        state.equipment.clone_from(&opener_state.equipment);
        // Popups of popups count for the first of them.
        state.popups_so_far = opener_state.popups_so_far;
        drop(state);
        opener_state.popups.push(Arc::clone(page));
        drop(opener_state);
        opener.touch();
        true
    }

    /// The rules of this crate, before the first script runs.
    fn set_up(&self, session: &str, kind: &str, state: &PageState) {
        let post = |method: &str, params: Value| self.connection.post(Some(session), method, params);
        let buffer = self.limits.body.saturating_mul(8);
        post("Fetch.enable", json!({ "patterns": [{ "urlPattern": "*", "requestStage": "Request" }] }));
        post(
            "Network.enable",
            json!({
                "maxPostDataSize": self.limits.sent,
                "maxResourceBufferSize": self.limits.body.saturating_mul(2),
                "maxTotalBufferSize": buffer,
            }),
        );
        post("Network.setBypassServiceWorker", json!({ "bypass": true }));
        post("Network.setCacheDisabled", json!({ "cacheDisabled": true }));
        post("Runtime.enable", json!({}));
        if !state.equipment.headers.is_empty() {
            let headers: serde_json::Map<String, Value> = state
                .equipment
                .headers
                .iter()
                .map(|(name, value)| (name.clone(), value.as_str().into()))
                .collect();
            post("Network.setExtraHTTPHeaders", json!({ "headers": headers }));
        }
        for name in &state.equipment.bindings {
            post("Runtime.addBinding", json!({ "name": name }));
        }
        if matches!(kind, "page" | "iframe") {
            post("Page.enable", json!({}));
            post("Page.setPrerenderingAllowed", json!({ "isAllowed": false }));
            post("Log.enable", json!({}));
            post("Audits.enable", json!({}));
            post("Inspector.enable", json!({}));
            post("Emulation.setFocusEmulationEnabled", json!({ "enabled": true }));
            for source in &state.equipment.scripts {
                post("Page.addScriptToEvaluateOnNewDocument", json!({ "source": source }));
            }
        }
        post(
            "Target.setAutoAttach",
            json!({ "autoAttach": true, "waitForDebuggerOnStart": true, "flatten": true }),
        );
        post("Runtime.runIfWaitingForDebugger", json!({}));
    }

    fn detached(&self, params: &Value) {
        let session = params.text("sessionId");
        let mut state = self.state();
        let Some(Seat { page: Some(page), kind, .. }) = state.sessions.remove(session) else { return };
        let whole = kind == "page" && page.session == session;
        if whole {
            state.pages.remove(&page.target);
        }
        drop(state);
        let mut inner = page.state();
        inner.sessions.retain(|one| one != session);
        inner.worlds.retain(|(one, _), _| one != session);
        drop(inner);
        if whole {
            page.lose(Lost::Closed);
            page.room.log().give_up(page.id);
        }
    }

    /// A request waits for its verdict.
    fn held(&self, seat: &Seat, session: &str, params: &Value) {
        let id = params.text("requestId");
        let url = params.text_at("/request/url");
        let network = params.text("networkId");
        let mut log = seat.room.log();
        let within = log.admit();
        let verdict = match within {
            _ if !leaves(url) && is_for_pages(url) => Verdict::Allow,
            true if leaves(url) => seat.room.scope.judge(url),
            _ => Verdict::Refuse,
        };
        match verdict {
            Verdict::Allow => {
                drop(log);
                self.wall.open(url);
                self.connection.post(Some(session), "Fetch.continueRequest", json!({ "requestId": id }));
            }
            Verdict::Refuse => {
                log.judge(network, url, Outcome::Refused);
                drop(log);
                let why = json!({ "requestId": id, "errorReason": "BlockedByClient" });
                self.connection.post(Some(session), "Fetch.failRequest", why);
            }
            Verdict::Answer(answer) => {
                log.judge(network, url, Outcome::Answered);
                drop(log);
                let headers: Vec<Value> = answer
                    .headers
                    .iter()
                    .map(|(name, value)| json!({ "name": name, "value": value }))
                    .collect();
                let answer = json!({
                    "requestId": id,
                    "responseCode": answer.status,
                    "responseHeaders": headers,
                    "body": STANDARD.encode(&answer.body),
                });
                self.connection.post(Some(session), "Fetch.fulfillRequest", answer);
            }
        }
    }

    fn page_event(self: &Arc<Self>, page: &Arc<Shared>, session: &str, kind: &str, event: &Event) {
        let params = &event.params;
        let method = event.method.as_str();
        let own = session == page.session;
        match method {
            "Network.requestWillBeSent" => page.room.log().asked(page.id, params),
            "Network.requestWillBeSentExtraInfo" => page.room.log().sent(params),
            "Network.responseReceivedExtraInfo" => page.room.log().came(params),
            "Network.responseReceived" => {
                page.room.log().answered(page.id, params);
                if own && params.text("type") == "Document" && params.text("frameId") == page.target {
                    let status = params.pointer("/response/status").and_then(status);
                    let mime = cut(params.text_at("/response/mimeType"), 256);
                    let mut state = page.state();
                    state.document = Some((status, mime));
                    state.received = (params.text("requestId").to_owned(), 0);
                    state.cut = false;
                }
            }
            "Network.loadingFinished" => {
                let wanted = page.room.log().finished(page.id, params);
                if wanted {
                    self.fetch_body(Arc::clone(&page.room), session, params.text("requestId"));
                }
            }
            "Network.dataReceived" if own => self.received(page, session, params),
            "Network.loadingFailed" => page.room.log().failed(page.id, params),
            "Network.webSocketCreated" => {
                let in_scope = page.room.scope.judge(params.text("url")) == Verdict::Allow;
                page.room.log().socket(page.id, params, in_scope);
            }
            "Page.frameStartedLoading" if own && params.text("frameId") == page.target => {
                page.state().loading = true;
            }
            "Page.frameStoppedLoading" if own && params.text("frameId") == page.target => {
                let mut state = page.state();
                (state.loading, state.unloaded) = (false, None);
            }
            "Page.loadEventFired" if own => page.state().unloaded = None,
            "Page.frameNavigated" => self.navigated(page, own, params),
            "Page.navigatedWithinDocument" => within_document(page, own, params),
            "Page.frameDetached" if params.text("reason") != "swap" => {
                page.state().frames.remove(params.text("frameId"));
            }
            "Page.javascriptDialogOpening" => self.dialog(page, session, params),
            "Runtime.executionContextCreated" => world(page, session, params),
            "Runtime.executionContextDestroyed" => {
                let id = params.get("executionContextId").and_then(Value::as_i64).unwrap_or_default();
                page.state().worlds.remove(&(session.to_owned(), id));
            }
            "Runtime.executionContextsCleared" => {
                page.state().worlds.retain(|(one, _), _| one != session);
            }
            "Runtime.bindingCalled" => called(page, session, params),
            "Runtime.consoleAPICalled" | "Runtime.exceptionThrown" | "Log.entryAdded" => {
                console(page, method, params);
            }
            "Audits.issueAdded" => violated(page, params),
            "Inspector.targetCrashed" if own => self.close(page, Lost::Crashed),
            _ if method.starts_with("Network.webSocket") => page.room.log().socket_event(method, params),
            _ => tracing::trace!(method, kind, "event of a page"),
        }
    }

    /// A piece of an answer came: a document that does not end is stopped.
    fn received(&self, page: &Shared, session: &str, params: &Value) {
        let length = params.get("dataLength").and_then(Value::as_u64).unwrap_or_default();
        let most = u64::try_from(self.limits.document).unwrap_or(u64::MAX);
        let mut state = page.state();
        if state.cut || state.received.0 != params.text("requestId") {
            return;
        }
        state.received.1 = state.received.1.saturating_add(length);
        if state.received.1 > most {
            state.cut = true;
            drop(state);
            self.connection.post(Some(session), "Page.stopLoading", json!({}));
        }
    }

    fn fetch_body(self: &Arc<Self>, room: Arc<Room>, session: &str, id: &str) {
        let (hub, session, id) = (Arc::clone(self), session.to_owned(), id.to_owned());
        tokio::spawn(async move {
            let ask = json!({ "requestId": id });
            let body = hub.connection.call(Some(&session), "Network.getResponseBody", ask, BODY).await;
            // Gone with its page: the exchange stands without it.
            if let Ok(body) = body {
                room.log().body(&id, &body);
            }
        });
    }

    fn navigated(&self, page: &Shared, own: bool, params: &Value) {
        let Some(frame) = params.get("frame") else { return };
        let main = own && frame.text("id") == page.target;
        let mut url = frame.text("url").to_owned();
        url.push_str(frame.text("urlFragment"));
        let url = cut(&url, self.limits.url);
        let mut state = page.state();
        if state.frames.len() < FRAMES {
            state.frames.insert(frame.text("id").to_owned(), url.clone());
        }
        if main {
            let allowed = is_for_pages(&url);
            state.url = url;
            let loader = frame.text("loaderId");
            if state.awaited.as_deref() == Some(loader) {
                state.awaited = None;
            }
            state.unloaded = Some(loader.to_owned());
            loader.clone_into(&mut state.loader);
            drop(state);
            if !allowed {
                self.close(page, Lost::Address);
            }
        }
    }

    fn dialog(&self, page: &Shared, session: &str, params: &Value) {
        let kind = params.text("type");
        // Who leaves is let go; everything else is dismissed.
        let accept = json!({ "accept": kind == "beforeunload" });
        self.connection.post(Some(session), "Page.handleJavaScriptDialog", accept);
        let mut log = page.room.log();
        let dialog = Dialog {
            page: page.id,
            kind: cut(kind, 64),
            message: cut(params.text("message"), log.limits.note),
            url: cut(params.text("url"), log.limits.url),
        };
        log.note(|recorded| &mut recorded.dialogs, dialog);
        drop(log);
        let mut state = page.state();
        state.dialogs = state.dialogs.saturating_add(1);
        let too_many = state.dialogs > self.limits.dialogs && state.lost.is_none();
        drop(state);
        if too_many {
            self.close(page, Lost::Dialogs);
        }
    }
}

fn within_document(page: &Shared, own: bool, params: &Value) {
    if !own || params.text("frameId") != page.target {
        return;
    }
    let mut log = page.room.log();
    let url = cut(params.text("url"), log.limits.url);
    log.note(|recorded| &mut recorded.routes, Route { page: page.id, url: url.clone() });
    drop(log);
    page.state().url = url;
}

fn world(page: &Shared, session: &str, params: &Value) {
    let Some(context) = params.get("context") else { return };
    let id = context.get("id").and_then(Value::as_i64).unwrap_or_default();
    let about = (cut(context.text("origin"), 512), context.text_at("/auxData/frameId").to_owned());
    let mut state = page.state();
    if state.worlds.len() < FRAMES {
        state.worlds.insert((session.to_owned(), id), about);
    }
}

fn called(page: &Shared, session: &str, params: &Value) {
    let id = params.get("executionContextId").and_then(Value::as_i64).unwrap_or_default();
    let state = page.state();
    let name = params.text("name");
    if !state.equipment.bindings.iter().any(|one| one == name) {
        return;
    }
    let (origin, frame) = state.worlds.get(&(session.to_owned(), id)).cloned().unwrap_or_default();
    let frame = state.frames.get(&frame).cloned().unwrap_or_default();
    drop(state);
    let mut log = page.room.log();
    let payload = cut(params.text("payload"), log.limits.note);
    let call = Call { page: page.id, name: name.to_owned(), payload, origin, frame };
    log.note(|recorded| &mut recorded.calls, call);
}

fn console(page: &Shared, method: &str, params: &Value) {
    let (level, text, url) = match method {
        "Runtime.consoleAPICalled" => {
            let words: Vec<String> = params.list("args").iter().take(16).map(said).collect();
            let url = params.text_at("/stackTrace/callFrames/0/url");
            (params.text("type"), words.join(" "), url)
        }
        "Runtime.exceptionThrown" => {
            let details = params.get("exceptionDetails").unwrap_or(&Value::Null);
            let what = details.text_at("/exception/description");
            let what = if what.is_empty() { details.text("text") } else { what };
            ("exception", what.to_owned(), details.text("url"))
        }
        _ => {
            let entry = params.get("entry").unwrap_or(&Value::Null);
            (entry.text("level"), entry.text("text").to_owned(), entry.text("url"))
        }
    };
    let mut log = page.room.log();
    let message = ConsoleMessage {
        page: page.id,
        level: cut(level, 64),
        text: cut(&text, log.limits.note),
        url: cut(url, log.limits.url),
    };
    log.note(|recorded| &mut recorded.console, message);
}

/// A value of the console as a person reads it.
fn said(value: &Value) -> String {
    match value.get("value") {
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
        None => value.text("description").to_owned(),
    }
}

fn violated(page: &Shared, params: &Value) {
    let Some(details) = params.pointer("/issue/details/contentSecurityPolicyIssueDetails") else { return };
    let mut log = page.room.log();
    let violation = Violation {
        page: page.id,
        directive: cut(details.text("violatedDirective"), 256),
        blocked: cut(details.text("blockedURL"), log.limits.url),
        kind: cut(details.text("contentSecurityPolicyViolationType"), 64),
        report_only: details.is("isReportOnly"),
    };
    log.note(|recorded| &mut recorded.violations, violation);
}

impl PageState {
    /// Whether a document is on its way or not loaded.
    pub(crate) fn is_loading(&self) -> bool {
        self.loading || self.awaited.is_some() || self.unloaded.is_some()
    }
}

/// Whether an event shows that a page is not at rest yet. What it says, draws or streams does not.
fn moves(method: &str) -> bool {
    match method.strip_prefix("Network.") {
        Some(event) => {
            matches!(event, "requestWillBeSent" | "responseReceived" | "loadingFinished" | "loadingFailed")
        }
        None => {
            method.starts_with("Page.frame")
                || method == "Page.loadEventFired"
                || method == "Page.navigatedWithinDocument"
        }
    }
}
