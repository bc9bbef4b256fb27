//! A page's own scripts take what somebody else wrote (the address, its fragment, a message, the window's name) and run it
//! (CWE-79, DOM-based).
//!
//! 1. Pages with scripts that read any such thing are opened with a word planted in all of them, and a watch over what scripts
//!    write into the document, run, or go to (`dom_watch.js`). Names that scripts ask for are learned on the way: of parameters,
//!    of members of messages, of what a browser keeps.
//! 2. Where the word arrives, what would run there is made ([`super::markup`]) and brought as an attacker would: by an address, by
//!    the attacker's page as the referrer, as the name of a frame, as a message to a frame or a window. Nothing is watched then.
//! 3. **Proven**: the script ran in the target's origin, twice, each time in a browser without a past. **Twin**: the plain word, which
//!    came to the same place and did nothing.
//!
//! What a browser keeps (`localStorage`) an attacker has to have written first: that weighs less.

use std::collections::{BTreeMap, BTreeSet};

use gabion_model::Severity;
use gabion_model::outbound::BoxFuture;

use super::markup::{Code, Payload, Signs, Spot, script, spots};
use super::{Attack, Phase, usable};
use crate::browser::Browsing;
use crate::field::Field;
use crate::surface::{html, templated};
use crate::verdict::{Outcome, Proof, Verdict};
use crate::wire::{Answer, Request, WireError};

mod carry;

use self::carry::{Carrier, carriers};

const ID: &str = "xss-dom";

pub(super) struct XssDom;

impl Attack for XssDom {
    fn id(&self) -> &'static str {
        ID
    }

    fn phase(&self) -> Phase {
        Phase::Read
    }

    fn run<'a>(&'a self, field: &'a Field) -> BoxFuture<'a, Result<(), WireError>> {
        Box::pin(run(field))
    }
}

/// A page with scripts.
#[derive(Debug, Clone)]
struct Subject {
    who: usize,
    /// Its path, without a query.
    path: String,
    query: Vec<(String, String)>,
    /// The text of its scripts.
    code: String,
}

/// Where a planted word arrived.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Arrival {
    carrier: Carrier,
    /// `html`, `code`, `address`, `place`, `source`, `attribute`.
    sink: String,
    before: String,
    after: String,
}

async fn run(field: &Field) -> Result<(), WireError> {
    let Some(browsing) = field.browsing(ID) else { return Ok(()) };
    let subjects = subjects(field).await?;
    if subjects.is_empty() {
        field.not_tested(ID, "no page has scripts of its own that read an address or a message");
        return Ok(());
    }
    for subject in &subjects {
        let operation = format!("GET {}", templated(&subject.path));
        let arrivals = survey(field, browsing, subject).await;
        let mut found = BTreeSet::new();
        for arrival in arrivals.iter().take(ARRIVALS) {
            if found.contains(&arrival.carrier.aspect()) {
                continue;
            }
            if let Some(outcome) = attack(field, browsing, subject, arrival).await? {
                found.insert(arrival.carrier.aspect());
                field.say(
                    Outcome { operation: operation.clone(), ..outcome }.aspect(&arrival.carrier.aspect()),
                );
            }
        }
        if found.is_empty() {
            let says = if arrivals.is_empty() {
                "its scripts put nothing that others write where scripts run"
            } else {
                "what others write comes to the page as text"
            };
            field.say(Outcome::new(ID, &operation, Verdict::Passed, says));
        }
    }
    Ok(())
}

/// Bounds of one run: pages, pages of a kind, places of a page where the word arrived, payloads for one.
/// Of the pages that a run may look at, one in so many.
const PART: usize = 5;
const ALIKE: usize = 2;
const ARRIVALS: usize = 8;
const PAYLOADS: usize = 6;
/// Scripts of one page that are read, and how much of all of them.
const SCRIPTS: usize = 12;
const CODE: usize = 1 << 20;

/// What scripts have in them that read what others write.
const SOURCES: &[&str] = &[
    "location",
    "URL",
    "baseURI",
    "referrer",
    "message",
    "window.name",
    "Storage",
    "hash",
    "top.name",
    "self.name",
];

async fn subjects(field: &Field) -> Result<Vec<Subject>, WireError> {
    let most = field.facts.limits.pages.div_ceil(PART);
    let mut all: Vec<Subject> = Vec::new();
    // Many pages load the same scripts, and whoever asks gets the same.
    let mut scripts: BTreeMap<String, String> = BTreeMap::new();
    let known = field.attempts().filter(|known| known.call.method == "GET" && known.answer.is_html());
    let known = known.map(|known| (known.who, known.call.request().target));
    let pages: Vec<(usize, String)> = field.pages.iter().cloned().chain(known).collect();
    let mut met = BTreeSet::new();
    let mut kinds: BTreeMap<(Option<String>, String), usize> = BTreeMap::new();
    for (who, target) in pages {
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let path = path.split('#').next().unwrap_or_default().to_owned();
        // What is shown depends on what somebody is, more than on who.
        let role = field.person(who).role.clone().filter(|_| who != 0);
        let alike = kinds.entry((role.clone(), templated(&path))).or_default();
        let known = all.iter().any(|own| own.path == path) || !met.insert((role, path.clone()));
        if *alike >= ALIKE || all.len() >= most || known {
            continue;
        }
        *alike = alike.saturating_add(1);
        let Some(answer) = usable(field.request(who, &Request::get(&target)).await)? else { continue };
        if !super::xss_reflected::is_page(&answer) {
            continue;
        }
        let text = answer.text();
        let page = html::read(&text);
        let mut code = page.inline.join("\n");
        for script in page.scripts.iter().take(SCRIPTS) {
            let Some(inside) = field.wire.origin().inside(&path, script) else { continue };
            if code.len() >= CODE {
                continue;
            }
            if !scripts.contains_key(&inside) && scripts.len() < most {
                let answer = usable(field.request(who, &Request::get(&inside)).await)?;
                let text = answer.filter(Answer::is_success).map(|answer| answer.text().to_string());
                scripts.insert(inside.clone(), text.unwrap_or_default());
            }
            code.push('\n');
            code.push_str(scripts.get(&inside).map_or("", String::as_str));
        }
        // Handlers in attributes are scripts too.
        let inline = text.contains("location") || text.contains("document.URL");
        if !inline && !SOURCES.iter().any(|word| code.contains(word)) {
            continue;
        }
        let query = url::form_urlencoded::parse(query.as_bytes())
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        all.push(Subject { who, path, query, code });
    }
    Ok(all)
}

const WATCH: &str = include_str!("dom_watch.js");

/// Opens the page with the word in everything that somebody else writes.
async fn survey(field: &Field, browsing: &Browsing, subject: &Subject) -> Vec<Arrival> {
    let word = field.canary();
    let watch = WATCH.replace("WORD", &word).replace("TELL", &format!("{}_", browsing.word()));
    let mut arrivals = BTreeSet::new();
    let pages = vec![("/".to_owned(), carry::leading(browsing, &subject.path))];
    let Ok(visitor) = browsing.lure(field.person(subject.who), pages).await else { return Vec::new() };
    visitor.page().on_new_document(&watch);
    for target in carry::planted(subject, &word) {
        if visitor.go(&target).await.is_err() {
            continue;
        }
        let calls = visitor.take().calls;
        for call in calls.iter().filter(|call| call.origin == field.wire.origin().base()) {
            let Some((kind, value)) = call.payload.split_once('\n') else { continue };
            if let Some(sink) =
                kind.strip_prefix("sink ").filter(|sink| !matches!(*sink, "text" | "elsewhere"))
                && arrivals.len() < 4 * ARRIVALS
            {
                arrivals.extend(arrived(sink, value, &word));
            }
        }
    }
    // What runs without a person and what is easiest to bring goes first.
    let mut all: Vec<Arrival> = arrivals.into_iter().collect();
    all.sort_by_key(|arrival| (arrival.carrier.weight(), arrival.sink == "address"));
    all
}

/// Each word in a value that came to a sink.
fn arrived(sink: &str, value: &str, word: &str) -> Vec<Arrival> {
    let mut all = Vec::new();
    for (at, _) in value.match_indices(word).take(2) {
        let (before, rest) = value.split_at_checked(at).unwrap_or((value, ""));
        let rest = rest.strip_prefix(word).unwrap_or_default();
        let (carrier, after) = Carrier::read(rest);
        if let Some(carrier) = carrier {
            all.push(Arrival {
                carrier,
                sink: sink.to_owned(),
                before: before.to_owned(),
                after: after.to_owned(),
            });
        }
    }
    all
}

/// What would run where the word arrived.
fn payloads(arrival: &Arrival, code: &Code) -> Vec<Payload> {
    let Arrival { sink, before, after, .. } = arrival;
    let mark = "gxmark0";
    let whole = format!("{before}{mark}{after}");
    match sink.as_str() {
        "code" => {
            let at = script(&whole, mark).first().copied();
            at.map(|at| {
                super::markup::payloads(&Spot::Script(at), code, Signs { angle: false, ..Signs::ALL })
            })
            .unwrap_or_default()
        }
        "address" | "place" | "source" => {
            let spot =
                Spot::Attribute { name: "href".to_owned(), quote: Some('\u{1}'), before: before.clone() };
            let all =
                super::markup::payloads(&spot, code, Signs { angle: false, double: false, single: false });
            let wanted = if sink == "source" { "data:" } else { "javascript:" };
            all.into_iter().filter(|one| one.text.starts_with(wanted)).collect()
        }
        "attribute" => super::markup::payloads(&Spot::Tag, code, Signs::ALL),
        _ => {
            let mut all = Vec::new();
            for spot in spots(&whole, mark) {
                all.extend(super::markup::payloads(&spot, code, Signs::ALL));
            }
            // A script that is put into a document later does not run.
            all.retain(|one| !one.text.to_ascii_lowercase().starts_with("<script"));
            all
        }
    }
}

async fn attack(
    field: &Field,
    browsing: &Browsing,
    subject: &Subject,
    arrival: &Arrival,
) -> Result<Option<Outcome>, WireError> {
    let person = field.person(subject.who);
    let count = payloads(arrival, &Code::new("a", "b")).len().min(PAYLOADS);
    for form in 0..count {
        let make = || {
            let number = browsing.number();
            let code = Code::new(&browsing.call(number), &browsing.call_quoted(number));
            let text = payloads(arrival, &code).into_iter().nth(form).map(|one| one.text);
            (number, text.unwrap_or_default())
        };
        for carrier in carriers(&arrival.carrier) {
            let (number, text) = make();
            if !carry::runs(browsing, person, subject, &carrier, &text, number).await {
                continue;
            }
            let (again, second) = make();
            if !carry::runs(browsing, person, subject, &carrier, &second, again).await {
                continue;
            }
            let request = Request::get(&subject.path);
            let Some(answer) = usable(field.request(subject.who, &request).await)? else { return Ok(None) };
            let exchange = field.evidence(subject.who, &request, &answer);
            let says = format!(
                "a script in {} runs in the visitor's browser: the page's own script takes it",
                carrier.words()
            );
            let evidence = format!(
                "{} ran in the application's own origin, and so did `{second}`; a plain word came to the same place (`{}`)",
                carry::shown(browsing, subject, &carrier, &text),
                arrival.sink,
            );
            let proof = Proof::new(exchange.clone(), evidence).twin(exchange);
            let mut outcome = Outcome::new(ID, "", Verdict::Proven, says).proof(proof);
            if matches!(carrier, Carrier::Kept(_) | Carrier::Tab(_)) {
                outcome = outcome.severity(Severity::Low);
            }
            return Ok(Some(outcome));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_tell_where_they_came_from() {
        let all = arrived("html", "<b>gx1h0023z</b>", "gx1");
        assert_eq!(all.len(), 1);
        let first = all.first().map(|one| (one.carrier.clone(), one.before.as_str(), one.after.as_str()));
        assert_eq!(first, Some((Carrier::Fragment("#".to_owned()), "<b>", "</b>")));
    }

    #[test]
    fn each_sink_has_what_runs_there() {
        let code = Code::new("f(1)", "f`1`");
        for (sink, before, after, text) in [
            ("html", "<p title=\"", "\">", "onfocus=f(1)"),
            ("code", "go('", "')", "'-f(1)-'"),
            ("code", "", "", "f(1)"),
            ("address", "", "", "javascript:f(1)"),
            ("source", "", "", "data:text/javascript,f(1)"),
        ] {
            let arrival = Arrival {
                carrier: Carrier::Name,
                sink: sink.to_owned(),
                before: before.to_owned(),
                after: after.to_owned(),
            };
            let all = payloads(&arrival, &code);
            assert!(all.iter().take(PAYLOADS).any(|one| one.text.contains(text)), "{sink} {before}: {all:?}");
        }
    }
}
