//! What somebody writes runs in the browser of whoever reads it (CWE-79).
//!
//! 1. Every write that works is sent once more, with markup in each value that takes any text; the script in each carries a
//!    number of its own, so that what runs names the value it was written into. Where all together are refused, each goes alone.
//! 2. Where it may show is gathered: what the answers lead to, what can be asked for what was made (a link to share), the reads
//!    near to it, and the pages that were met.
//! 3. These pages are asked for as somebody else, as an administrator and as the writer. Where a script stands on one, or the
//!    page makes itself by scripts, it is opened in a browser.
//! 4. **Proven**: the number was called from the target's origin, and again when the page was opened once more in a browser
//!    without a past. **Twin**: the write as it was learned, with a plain word.
//! 5. What can be written over is written over with plain words in the end, where nothing was found.

use std::collections::{BTreeMap, BTreeSet};

use gabion_model::outbound::BoxFuture;

use super::effect::places;
use super::markup::is_live;
use super::xss_reflected::is_page;
use super::{Attack, Phase, usable};
use crate::browser::Browsing;
use crate::call::{Call, Payload, Put};
use crate::field::{Field, Known};
use crate::harvest::id_of;
use crate::learn::{noun, noun_of, works};
use crate::operation::{Operation, Place, Point};
use crate::surface::{html, is_ending, strings, templated};
use crate::verdict::{Exchange, Outcome, Proof, Verdict};
use crate::wire::{Answer, Request, WireError};

const ID: &str = "xss-stored";

pub(super) struct XssStored;

impl Attack for XssStored {
    fn id(&self) -> &'static str {
        ID
    }

    fn phase(&self) -> Phase {
        Phase::Write
    }

    fn run<'a>(&'a self, field: &'a Field) -> BoxFuture<'a, Result<(), WireError>> {
        Box::pin(run(field))
    }
}

/// What was written.
struct Written<'a> {
    known: &'a Known,
    point: Point,
    write: Exchange,
}

async fn run(field: &Field) -> Result<(), WireError> {
    let Some(browsing) = field.browsing(ID) else { return Ok(()) };
    let mut hunt = Hunt { field, browsing, written: BTreeMap::new(), pages: Vec::new() };
    let mut met = BTreeSet::new();
    let mut tried = Vec::new();
    for known in &field.known {
        let Some(operation) = field.operation(known.operation) else { continue };
        let writes = !operation.is_safe() && operation.method != "DELETE";
        if !writes || !field.has_turn(known) || !met.insert(known.operation) {
            continue;
        }
        if hunt.write(known).await? {
            tried.push(known);
        }
    }
    if tried.is_empty() {
        field.not_tested(ID, "nothing that could be written takes a text; hint: `target.openapi`");
        return Ok(());
    }
    for (_, path) in &field.pages {
        hunt.page(path);
    }
    let found = hunt.look().await?;
    for known in tried {
        let shown = found.iter().any(|(number, _)| {
            hunt.written.get(number).is_some_and(|written| written.known.operation == known.operation)
        });
        if !shown && let Some(operation) = field.operation(known.operation) {
            let says = "no page that was met runs what was written";
            field.say(Outcome::new(ID, &operation.id(), Verdict::Passed, says));
        }
        // What was found stays, so that it can be looked at.
        if !shown && known.call.method != "POST" {
            usable(field.exchange(known.who, &known.call).await)?;
        }
    }
    Ok(())
}

struct Hunt<'a> {
    field: &'a Field,
    browsing: &'a Browsing,
    /// By the number of its script.
    written: BTreeMap<u64, Written<'a>>,
    /// Paths that may show something, the likeliest first.
    pages: Vec<String>,
}

impl<'a> Hunt<'a> {
    /// Writes markup; whether anything took it.
    async fn write(&mut self, known: &'a Known) -> Result<bool, WireError> {
        let points: Vec<Point> = known
            .call
            .points()
            .into_iter()
            .filter(|point| takes_text(&known.call, point))
            .take(POINTS)
            .collect();
        if points.is_empty() {
            return Ok(false);
        }
        if self.send(known, &points).await? {
            return Ok(true);
        }
        let mut taken = false;
        if points.len() > 1 {
            for point in points {
                taken |= self.send(known, std::slice::from_ref(&point)).await?;
            }
        }
        Ok(taken)
    }

    async fn send(&mut self, known: &'a Known, points: &[Point]) -> Result<bool, WireError> {
        let mut call = known.call.clone();
        let mut numbers = Vec::new();
        for point in points {
            let number = self.browsing.number();
            let text = format!("x</title></textarea>\"'><img src=x: onerror={}>", self.browsing.call(number));
            call = call.with(point, &Put::Text(&text));
            numbers.push((number, point));
        }
        let Some((request, answer)) = usable(self.field.exchange(known.who, &call).await)? else {
            return Ok(false);
        };
        if !works(self.field, &answer) {
            return Ok(false);
        }
        for (number, point) in numbers {
            let write = self.field.evidence(known.who, &request, &answer);
            self.written.insert(number, Written { known, point: point.clone(), write });
        }
        self.gather(known, &call, &answer).await?;
        Ok(true)
    }

    /// Where it may show.
    async fn gather(&mut self, known: &Known, call: &Call, answer: &Answer) -> Result<(), WireError> {
        self.links(answer);
        let last = call.template.rsplit('/').find(|part| !part.is_empty() && !part.contains('{'));
        let kind = noun(last.unwrap_or_default());
        let made = answer.json().and_then(|body| id_of(&body, &kind));
        let own = call.path.values().next_back().map(crate::call::text_of);
        if let Some(id) = made.or(own) {
            // What can be asked for it, and pages of it.
            for operation in &self.field.operations {
                let mut names = operation.parameters.iter().filter(|one| one.place == Place::Path);
                let (Some(name), None) = (names.next(), names.next()) else { continue };
                if noun_of(&operation.path, &name.name) != kind || is_ending(&operation.path) {
                    continue;
                }
                let mut ask = Call::new(&operation.method, &operation.path);
                ask.path.insert(name.name.clone(), serde_json::Value::String(id.clone()));
                if operation.method == "GET" {
                    self.page(&ask.request().target);
                } else if operation.method == "POST"
                    && self.is_bare(operation)
                    && let Some(answer) = usable(self.field.call(known.who, &ask).await)?
                {
                    self.links(&answer);
                }
            }
        }
        for place in places(self.field, known.who, call, answer) {
            self.page(&place.request().target);
        }
        Ok(())
    }

    /// Whether an operation was seen to need no body.
    fn is_bare(&self, operation: &Operation) -> bool {
        let mut known = self.field.known.iter().filter(|known| {
            self.field.operation(known.operation).is_some_and(|own| own.id() == operation.id())
        });
        known.any(|known| match &known.call.payload {
            Payload::Nothing => true,
            Payload::Form(fields) => fields.is_empty(),
            _ => false,
        })
    }

    fn links(&mut self, answer: &Answer) {
        let mut links: Vec<String> = answer.field("location").map(str::to_owned).into_iter().collect();
        let body = answer.json().unwrap_or_default();
        strings(&body, &mut |text| {
            if text.starts_with('/') || text.starts_with("http") {
                links.push(text.to_owned());
            }
        });
        for link in links.into_iter().take(10) {
            if let Some(path) = self.field.wire.origin().inside("/", &link) {
                self.page(&path);
            }
        }
    }

    /// Keeps a path, a few of each kind.
    fn page(&mut self, path: &str) {
        let form = |path: &str| templated(path.split('?').next().unwrap_or_default());
        let alike = self.pages.iter().filter(|own| form(own) == form(path)).count();
        if alike < ALIKE
            && self.pages.len() < PAGES
            && !is_ending(path)
            && !self.pages.iter().any(|own| own == path)
        {
            self.pages.push(path.to_owned());
        }
    }

    /// Somebody else, whoever has the highest role, and those who wrote.
    fn viewers(&self) -> Vec<usize> {
        let writers: BTreeSet<usize> = self.written.values().map(|written| written.known.who).collect();
        let admin = |who: &usize| {
            let role = self.field.person(*who).role.clone().unwrap_or_default().to_ascii_lowercase();
            role.contains("admin")
        };
        let signed: Vec<usize> = self.field.signed_in().collect();
        let mut viewers: Vec<usize> = Vec::new();
        viewers.extend(signed.iter().find(|who| !writers.contains(who) && !admin(who)));
        viewers.extend(signed.iter().find(|who| admin(who)));
        viewers.extend(writers);
        let mut met = BTreeSet::new();
        viewers.retain(|who| met.insert(*who));
        viewers.truncate(VIEWERS);
        viewers
    }

    /// Looks at the pages; the numbers that ran, and on which kinds of pages.
    async fn look(&self) -> Result<BTreeSet<(u64, String)>, WireError> {
        let mut found: BTreeSet<(u64, String)> = BTreeSet::new();
        let mut opened = 0_usize;
        // What is data for one of them is no page for the others.
        let mut data = BTreeSet::new();
        for who in self.viewers() {
            let person = self.field.person(who);
            let Ok(visitor) = self.browsing.visit_as(person).await else { continue };
            for path in &self.pages {
                if data.contains(path) {
                    continue;
                }
                let request = Request::get(path);
                let Some(answer) = usable(self.field.request(who, &request).await)? else { continue };
                if answer.is_success() && !is_page(&answer) {
                    data.insert(path);
                }
                if !is_page(&answer) || !self.may_run(&answer) || opened >= VISITS {
                    continue;
                }
                opened = opened.saturating_add(1);
                let _ = visitor.runs(path, 0).await;
                for number in visitor.numbers() {
                    let kind = templated(path.split('?').next().unwrap_or_default());
                    let Some(written) = self.written.get(&number).filter(|_| found.insert((number, kind)))
                    else {
                        continue;
                    };
                    let again = self.browsing.visit_as(person).await.ok();
                    let repeated = match again {
                        Some(again) => again.runs(path, number).await.unwrap_or(false),
                        None => false,
                    };
                    self.say(written, who, &request, &answer, repeated);
                }
                let _ = visitor.take();
            }
        }
        Ok(found)
    }

    /// Whether a page has a script of ours where scripts run, or makes itself by scripts.
    fn may_run(&self, answer: &Answer) -> bool {
        let text = answer.text();
        let mut calls = self.written.keys().map(|number| self.browsing.call(*number));
        if calls.any(|call| text.contains(&call) && is_live(&text, &call)) {
            return true;
        }
        let page = html::read(&text);
        !page.scripts.is_empty() || !page.inline.is_empty()
    }

    fn say(&self, written: &Written<'_>, who: usize, request: &Request, answer: &Answer, repeated: bool) {
        let path = request.target.split('?').next().unwrap_or_default();
        let page =
            self.field.operations.iter().find(|own| own.method == "GET" && own.matches(path).is_some());
        let page = page.map_or_else(|| format!("GET {}", templated(path)), Operation::id);
        let write = self.field.operation(written.known.operation).map(Operation::id).unwrap_or_default();
        let reader = if who == written.known.who { "whoever reads it" } else { &self.field.person(who).name };
        let says =
            format!("a script that `{write}` takes in {} runs in the browser of {reader}", written.point);
        let evidence =
            format!("`{path}` called what was written into {}, each time it was opened", written.point);
        let twin =
            self.field.evidence(written.known.who, &written.known.call.request(), &written.known.answer);
        let proof = Proof::new(self.field.evidence(who, request, answer), evidence)
            .twin(twin)
            .shown(written.write.clone());
        let verdict = if repeated { Verdict::Proven } else { Verdict::Firm };
        self.field.say(Outcome::new(ID, &page, verdict, says).at(&written.point).proof(proof));
    }
}

/// Bounds of one run: values of a write, pages, pages of a kind, people who look, pages that are opened.
const POINTS: usize = 12;
const PAGES: usize = 60;
const ALIKE: usize = 3;
const VIEWERS: usize = 4;
const VISITS: usize = 60;

/// Whether a value is one that takes any text.
pub(super) fn takes_text(call: &Call, point: &Point) -> bool {
    if !matches!(point.place, Place::Form | Place::Json) {
        return false;
    }
    let value = call.value(point).unwrap_or_default();
    let name = point.word().to_ascii_lowercase();
    let secret = ["password", "token", "csrf", "secret", "otp"].iter().any(|own| name.contains(own));
    let plain = value.parse::<f64>().is_err() && !matches!(value.as_str(), "true" | "false" | "null" | "");
    plain && !secret
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_are_written_and_numbers_are_left() {
        let mut call = Call::new("POST", "/notes");
        call.payload = Payload::Json(json!({ "title": "a", "count": 1, "open": true, "password": "abc" }));
        let points: Vec<String> =
            call.points().iter().filter(|point| takes_text(&call, point)).map(ToString::to_string).collect();
        assert_eq!(points, ["json `/title`"]);
    }
}
