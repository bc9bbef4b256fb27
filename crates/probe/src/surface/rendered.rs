//! Getting to know an application in a real browser: what its scripts ask for is what there is.
//!
//! 1. Nobody, then one of each kind of people: pages are opened, what looks harmless is pressed, forms are filled in and sent
//!    (not at the level `passive`). What ends a session, removes or costs something is left alone, and so is what the facts
//!    spare.
//! 2. Somebody signed in by the application's own form where one was seen: then what the scripts keep in storage is there too.
//! 3. Each request to the target that was answered becomes an operation with the call that worked. Files, preflights and
//!    what answers like a path that is not there do not.
//! 4. Addresses that scripts draw themselves (`#/about`, `pushState`) are pages, not operations.

use std::collections::BTreeSet;
use std::time::Duration;

use gabion_browser::{Exchange, ExploreOptions, Explored, Outcome, Recorded};

use super::components::{self, RUNNING};
use super::entrance::Entrance;
use super::recorded::{self, Sent};
use super::{add, is_asset, is_ending, is_spared, learn_link, templated};
use crate::browser::{PATIENCE, Visitor};
use crate::call::Call;
use crate::facts::Level;
use crate::field::{Field, Recording};
use crate::operation::{Operation, Provenance};
use crate::sample::ANY;
use crate::session::Companion;
use crate::wire::{Request, WireError};

/// How long nobody looks around, and how long somebody does.
const LONGEST: Duration = Duration::from_secs(40);
const SIGNED_IN: Duration = Duration::from_secs(25);
/// The share of a run's time that one visitor gets at most.
const SHARE: u32 = 8;
/// Calls that are kept.
const CALLS: usize = 2_000;
/// Scripts that are kept.
const SCRIPTS: usize = 100;
/// Pages of tables of routes that are opened.
const ROUTES: usize = 40;
/// Addresses that scripts draw, kept as pages.
const VIEWS: usize = 100;

/// Looks around as somebody.
///
/// # Errors
/// When the run is over.
pub(crate) async fn explore(field: &mut Field, who: usize) -> Result<(), WireError> {
    let Some((explored, recorded)) = look(field, who).await else { return Ok(()) };
    if who == 0 {
        field.entrance = Entrance::among(&explored.forms);
    }
    let said = if who == 0 { "nobody".to_owned() } else { format!("`{}`", field.person(who).name) };
    if explored.ended != gabion_browser::Ended::Complete {
        field.note(format!(
            "the browser did not see everything as {said}: {:?} ended after {} states and {} presses",
            explored.ended, explored.states, explored.clicks
        ));
    }
    for exchange in &recorded.exchanges {
        learn_exchange(field, who, exchange);
    }
    for socket in recorded.sockets.iter().filter(|socket| socket.in_scope && socket.status == Some(101)) {
        let Some(to) = inside(field, &socket.url.replacen("ws", "http", 1)) else { continue };
        let sent = Sent { method: "GET", target: &to, ..Sent::default() };
        if let Some((mut operation, _)) = recorded::take(&sent, &field.operations, Provenance::Browser) {
            operation.websocket = true;
            add(&mut field.operations, operation);
        }
    }
    for script in recorded.exchanges.iter().filter(|one| one.resource == "Script") {
        if let Some(own) = inside(field, &script.url).filter(|_| field.scripts.len() < SCRIPTS) {
            field.scripts.insert(own);
        }
    }
    learn_views(field, who, &explored, &recorded).await
}

/// Whether a browser may see more than was read: somewhere scripts run.
#[must_use]
pub(crate) fn is_scripted(field: &Field) -> bool {
    field.scripted
        || field.operations.iter().any(|operation| operation.sources.contains(&Provenance::Browser))
}

async fn look(field: &Field, who: usize) -> Option<(Explored, Recorded)> {
    let browsing = field.browser.as_ref().ok()?;
    let person = field.person(who);
    let left = field.wire.budget().time.saturating_sub(field.wire.elapsed());
    let longest = if who == 0 { LONGEST } else { SIGNED_IN };
    let time = longest.min(left.checked_div(SHARE).unwrap_or_default());
    let visitor = match browsing.explorer(person, &field.facts.target.spare).await {
        Ok(visitor) => visitor,
        Err(error) => {
            field.note(format!("the browser does not look around: {error}"));
            return None;
        }
    };
    if who != 0
        && let (Some(entrance), Some(identity)) = (&field.entrance, field.identity(who))
        && !matches!(entrance.pass(&visitor, identity, &*field.clock).await, Ok(true))
    {
        field.note(format!("`{}` is not signed in at `{}` in the browser", person.name, entrance.page));
    }
    let routes = field.views.iter().filter(|view| !view.contains('{') && !is_ending(view)).take(ROUTES);
    let routes = routes.flat_map(|view| [format!("/#{view}"), view.clone()]);
    let start: Vec<String> = std::iter::once(field.wire.origin().path())
        .map(str::to_owned)
        .chain(field.facts.target.start.iter().cloned())
        .chain(routes)
        .map(|path| format!("{}{path}", field.wire.origin().base()))
        .collect();
    let words = ["comment", "message", "text", "body", "description", "content", "note", "title", "subject"];
    let options = ExploreOptions {
        time,
        states: field.facts.limits.pages,
        send: field.facts.target.level >= Level::Active,
        passwords: who == 0,
        values: words.map(|word| (word.to_owned(), ANY.to_owned())).to_vec(),
        ..ExploreOptions::default()
    };
    match visitor.explore(&start, &options).await {
        Ok(explored) => {
            if who == 0 {
                look_at_libraries(field, &visitor).await;
            }
            Some((explored, visitor.take()))
        }
        Err(error) => {
            field.note(format!("the browser does not look around: {error}"));
            None
        }
    }
}

/// Asks the first page for the versions of what runs in it.
async fn look_at_libraries(field: &Field, visitor: &Visitor<'_>) {
    let path = field.wire.origin().path();
    if visitor.go(path).await.is_err() {
        return;
    }
    let asked: Vec<String> = RUNNING
        .iter()
        .map(|(name, expression)| format!("[{name:?}, (() => {{ try {{ return String({expression} || '') }} catch {{ return '' }} }})()]"))
        .collect();
    let script = format!("JSON.stringify([{}])", asked.join(","));
    let Ok(said) = visitor.page().evaluate(&script, PATIENCE.settle).await else { return };
    let said: Vec<(String, String)> =
        serde_json::from_str(said.as_str().unwrap_or_default()).unwrap_or_default();
    let seen = format!("GET {path}");
    field.notice(
        said.iter().filter_map(|(name, version)| components::running(name, version, &seen)).collect(),
    );
}

fn inside(field: &Field, url: &str) -> Option<String> {
    field.wire.origin().inside("/", url)
}

/// What one request of a page says.
fn learn_exchange(field: &mut Field, who: usize, exchange: &Exchange) {
    let asked = matches!(exchange.resource.as_str(), "XHR" | "Fetch" | "EventSource" | "Document" | "Ping");
    let answered = matches!(exchange.outcome, Outcome::Finished | Outcome::Redirected)
        || exchange.resource == "EventSource";
    let there = exchange.status.is_some_and(|status| !matches!(status, 404 | 405 | 410 | 501));
    let plain = exchange.method == "GET" && exchange.resource == "Document";
    if !asked || !answered || !there || plain || exchange.sent_cut {
        return;
    }
    let Some(to) = inside(field, &exchange.url) else { return };
    let path = to.split('?').next().unwrap_or_default();
    let shell = exchange.mime == "text/html" && exchange.method == "GET" && answers_anything(field);
    if is_asset(path) || is_spared(field, path) || shell || to.len() > 2_000 {
        return;
    }
    if who != 0 {
        companions(field, who, exchange);
    }
    let sent = Sent {
        method: &exchange.method,
        target: &to,
        headers: &exchange.headers,
        body: exchange.sent.as_deref().unwrap_or_default(),
    };
    let Some((mut operation, mut call)) = recorded::take(&sent, &field.operations, Provenance::Browser)
    else {
        return;
    };
    if who != 0 {
        // Whoever sends it again sends their own.
        let session = field.person(who).session();
        let words: Vec<&str> = session
            .headers
            .iter()
            .filter_map(|(_, value)| value.rsplit(' ').next())
            .chain(session.cookies.iter().map(|(_, value)| value.as_str()))
            .filter(|word| word.len() >= 8)
            .collect();
        call.headers.retain(|(name, value)| {
            !recorded::is_against_forgery(name) && !words.iter().any(|word| value.contains(word))
        });
    }
    if exchange.resource == "Document"
        && let Some(page) = exchange.header("referer").and_then(|page| inside(field, page))
    {
        operation.page = Some(page);
    }
    add(&mut field.operations, operation);
    keep(field, who, call);
}

/// Keeps a call, a few of each operation and person.
pub(crate) fn keep(field: &mut Field, who: usize, mut call: Call) {
    // Another name for the same parameter may have been first.
    let own = |operation: &&Operation| operation.method == call.method && operation.path == call.template;
    if !field.operations.iter().any(|operation| own(&operation)) {
        let known: Vec<Operation> = field.operations.clone();
        let request = call.request();
        let sent = Sent { method: &call.method.clone(), target: &request.target, ..Sent::default() };
        match recorded::take(&sent, &known, Provenance::Browser) {
            Some((_, renamed)) => (call.template, call.path) = (renamed.template, renamed.path),
            None => return,
        }
    }
    let alike = field
        .recorded
        .iter()
        .filter(|one| one.who == who && one.call.method == call.method && one.call.template == call.template);
    if field.recorded.len() < CALLS && alike.count() < 2 {
        field.recorded.push(Recording { who, call });
    }
}

/// Whether paths that are not there get a page all the same.
fn answers_anything(field: &Field) -> bool {
    field.missing.iter().any(|answer| answer.is_success() && answer.is_html())
}

/// What the application's scripts send along beside what says who asks.
fn companions(field: &Field, who: usize, exchange: &Exchange) {
    let person = field.person(who);
    let mut session = person.session();
    for (name, value) in &exchange.headers {
        if !recorded::is_against_forgery(name) || value.is_empty() {
            continue;
        }
        let decoded = percent_encoding::percent_decode_str(value).decode_utf8_lossy().into_owned();
        let same = |own: &str| {
            *own == **value || percent_encoding::percent_decode_str(own).decode_utf8_lossy() == decoded
        };
        let cookie = session.cookies.iter().find(|(_, own)| same(own)).map(|(cookie, _)| cookie.clone());
        let companion = match cookie {
            Some(cookie) => Companion::OfCookie { name: name.clone(), cookie },
            None => Companion::Fixed { name: name.clone(), value: value.clone() },
        };
        session.companions.retain(|own| !own.name().eq_ignore_ascii_case(name));
        session.companions.push(companion);
    }
    if session != person.session() {
        person.accompany(session.companions);
    }
}

/// Documents are operations where a target does not answer every path alike; what scripts draw is a page.
async fn learn_views(
    field: &mut Field,
    who: usize,
    explored: &Explored,
    recorded: &Recorded,
) -> Result<(), WireError> {
    let documents: BTreeSet<String> = recorded
        .exchanges
        .iter()
        .filter(|one| one.resource == "Document" && one.method == "GET" && one.mime == "text/html")
        .filter(|one| one.status.is_some_and(|status| status < 300))
        .filter_map(|one| inside(field, &one.url))
        .collect();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let mut views = 0_usize;
    for found in &explored.urls {
        let Some(to) = inside(field, &found.url) else { continue };
        let route =
            found.url.split_once('#').map(|(_, route)| route.to_owned()).filter(|route| !route.is_empty());
        if is_asset(&to) || is_spared(field, &to) || to.len() > 2_000 {
            continue;
        }
        if let Some(route) = route {
            let view = format!("{to}#{route}");
            if found.visited && views < VIEWS && !field.pages.contains(&(who, view.clone())) {
                views = views.saturating_add(1);
                field.pages.push((who, view));
            }
            continue;
        }
        let kind = templated(to.split('?').next().unwrap_or_default());
        let known = field.operations.iter().any(|own| own.method == "GET" && own.path == kind);
        if !known && answers_anything(field) {
            if seen.len() >= VIEWS || !seen.insert(kind) {
                continue;
            }
            let answer = match field.request(who, &Request::get(&to)).await {
                Ok(answer) => answer,
                Err(error) if error.is_end() => return Err(error),
                Err(_) => continue,
            };
            if field.is_missing(&answer) {
                // Drawn by a script.
                if found.visited && views < VIEWS && !field.pages.contains(&(who, to.clone())) {
                    views = views.saturating_add(1);
                    field.pages.push((who, to));
                }
                continue;
            }
        }
        learn_link(field, &to, Provenance::Browser);
        if documents.contains(&to) && !field.pages.contains(&(who, to.clone())) {
            field.pages.push((who, to));
        }
    }
    Ok(())
}
