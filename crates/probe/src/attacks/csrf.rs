//! A page of another site writes in the name of whoever looks at it (CWE-352).
//!
//! 1. Only who is signed in by a cookie can be used so: browsers send nothing else along by themselves.
//! 2. **Control**: the write is sent as the application's own pages send it, with a word of its own; the place where the word is
//!    seen afterwards is kept. Without such a place there is no verdict.
//! 3. A page of the attacker, on another site in a real browser with the visitor's cookies as they were set (`SameSite`
//!    included), sends it with another word and without the form's tokens: as a form, as JSON in plain text, as a form with a
//!    file, as a script that sends blindly, as a link.
//! 4. **Proven**: the second word is seen at that place, and a third one is when the page is opened again. **Twin**: the same
//!    page changes nothing for a visitor without cookies.
//! 5. What browsers send across sites only after asking (other methods, header fields, JSON by its type) is not sent.

use std::time::Duration;

use gabion_browser::BrowserError;
use gabion_model::outbound::BoxFuture;

use super::effect::{Window, marked, window};
use super::lure::{self, Way};
use super::{Attack, Phase, usable};
use crate::browser::{ATTACKER, Browsing};
use crate::call::{Call, Payload, Put};
use crate::field::{Field, Known};
use crate::operation::Place;
use crate::surface::strings;
use crate::verdict::{Exchange, Outcome, Proof, Verdict};
use crate::wire::{Answer, Request, WireError};

const ID: &str = "csrf";

pub(super) struct Csrf;

impl Attack for Csrf {
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

async fn run(field: &Field) -> Result<(), WireError> {
    let by_cookie = |who: usize| who != 0 && !field.person(who).session().cookies.is_empty();
    if !field.signed_in().any(by_cookie) {
        field.not_tested(ID, "nobody is signed in by a cookie: nothing goes along by itself");
        return Ok(());
    }
    let Some(browsing) = field.browsing(ID) else { return Ok(()) };
    let mut met = std::collections::BTreeSet::new();
    for known in &field.known {
        let Some(operation) = field.operation(known.operation) else { continue };
        if operation.is_safe()
            || !by_cookie(known.who)
            || !field.has_turn(known)
            || !met.insert(known.operation)
        {
            continue;
        }
        let tokens = operation.body.as_ref().map(|body| body.tokens.clone()).unwrap_or_default();
        let mut call = known.call.clone();
        if let Payload::Form(fields) = &mut call.payload {
            fields.retain(|(name, _)| !tokens.contains(name));
        }
        let aim = Aim { field, browsing, known, call };
        let outcome = aim.attack().await?;
        field.say(Outcome { operation: operation.id(), ..outcome });
    }
    if met.is_empty() {
        field.not_tested(
            ID,
            "nobody who is signed in by a cookie could write anything; hint: `target.openapi`",
        );
    }
    Ok(())
}

struct Aim<'a> {
    field: &'a Field,
    browsing: &'a Browsing,
    known: &'a Known,
    /// Without the tokens of its form.
    call: Call,
}

/// What a lured browser sent, and where its effect is looked for.
struct Sent {
    request: Request,
    answer: Answer,
    cookies: String,
}

impl Aim<'_> {
    async fn attack(&self) -> Result<Outcome, WireError> {
        let say = |verdict, says: String| Outcome::new(ID, "", verdict, says);
        let ways = lure::ways(&self.call);
        if ways.is_empty() {
            return Ok(say(
                Verdict::Passed,
                "browsers ask before they send this from another site".to_owned(),
            ));
        }
        let word = self.field.canary();
        let Some(own) = told(&self.known.call, &word) else {
            return Ok(say(Verdict::NotTested, "it takes no text that could be seen again".to_owned()));
        };
        let who = self.known.who;
        let Some((request, answer)) = usable(self.field.exchange(who, &own).await)? else {
            return Ok(say(
                Verdict::Inconclusive,
                "the application's own way got no answer any more".to_owned(),
            ));
        };
        let control = self.field.evidence(who, &request, &answer);
        let Some(place) = self.place(&own, &answer, &word).await? else {
            let says = "what it writes is nowhere to be seen: nothing would show that it was written";
            return Ok(say(Verdict::Inconclusive, says.to_owned()));
        };
        let mut went = false;
        for way in ways {
            let attack = self.field.canary();
            let Some(sent) = self.lure(way, who, &attack).await else { continue };
            let seen = place.window(&word, &attack).shows(self.field, &attack).await?;
            let Some((seen_request, seen_answer)) = seen else {
                went |= !sent.cookies.is_empty();
                continue;
            };
            // The twin: nobody is signed in.
            let twin = self.field.canary();
            let blind = self.lure(way, 0, &twin).await;
            if place.window(&word, &twin).shows(self.field, &twin).await?.is_some() {
                let says = "it is written for people without a session, too: no matter of other sites";
                return Ok(say(Verdict::Passed, says.to_owned()));
            }
            let again = self.field.canary();
            let repeated = self.lure(way, who, &again).await.is_some()
                && place.window(&word, &again).shows(self.field, &again).await?.is_some();
            let verdict = if repeated { Verdict::Proven } else { Verdict::Firm };
            let says = format!("{} on a page of another site writes in the visitor's name", way.words());
            let lax = self.is_silent();
            let rule = if lax {
                "; the cookie says nothing about `SameSite`, so Chromium sends it for two minutes after it was set, and other browsers always"
            } else {
                ""
            };
            let evidence =
                format!("`{attack}` was sent by a page of {ATTACKER} and is seen in the application{rule}");
            let mut proof = Proof::new(self.exchange(who, &sent), evidence)
                .shown(self.field.evidence(who, &seen_request, &seen_answer))
                .shown(control);
            if let Some(blind) = blind {
                proof = proof.twin(self.exchange(0, &blind));
            }
            return Ok(say(verdict, says).proof(proof));
        }
        let why = if went { "the application refused it" } else { "the cookie did not go along" };
        Ok(say(Verdict::Passed, format!("no page of another site could write: {why}")))
    }

    /// Where the word that was just written is seen.
    async fn place(&self, own: &Call, answer: &Answer, word: &str) -> Result<Option<Seen>, WireError> {
        let who = self.known.who;
        // What a visitor is lured into tells no id: only places that are there before count.
        let blank = Answer { headers: Vec::new(), body: Vec::new(), ..answer.clone() };
        if let Some(window) = window(self.field, who, own, &blank, word).await? {
            return Ok(Some(Seen { window }));
        }
        // A file has an address that its name is in.
        let mut links: Vec<String> = answer.field("location").map(str::to_owned).into_iter().collect();
        let body = answer.json().unwrap_or_default();
        strings(&body, &mut |text| links.push(text.to_owned()));
        for link in links.iter().filter(|link| link.contains(word)).take(3) {
            let Some(path) = self.field.wire.origin().inside("/", link) else { continue };
            let window = Window { who, call: Call::new("GET", &path) };
            if window.shows(self.field, word).await?.is_some() {
                return Ok(Some(Seen { window }));
            }
        }
        Ok(None)
    }

    /// A visitor opens the attacker's page.
    async fn lure(&self, way: Way, who: usize, word: &str) -> Option<Sent> {
        self.try_lure(way, who, word).await.ok().flatten()
    }

    async fn try_lure(&self, way: Way, who: usize, word: &str) -> Result<Option<Sent>, BrowserError> {
        let Some(call) = told(&self.call, word) else { return Ok(None) };
        let html = lure::page(&self.field.wire.origin().base(), &call, way);
        let person = self.field.person(who);
        let visitor = self.browsing.lure(person, vec![("/".to_owned(), html)]).await?;
        // The document may be another one by the time it is there.
        let _ = visitor.go(&format!("{ATTACKER}/")).await;
        visitor.wait().await;
        let method = if way == Way::Link { "GET" } else { call.method.as_str() };
        let Some(exchange) = visitor.last(method, &call.path_text()) else { return Ok(None) };
        let mut request = Request::new(&exchange.method, call.request().target.as_str());
        if way == Way::Link {
            request.target = exchange.url.replacen(&self.field.wire.origin().base(), "", 1);
        }
        for name in ["content-type", "origin", "referer"] {
            if let Some(value) = exchange.header(name) {
                request = request.header(name, value);
            }
        }
        request.body = exchange.sent.clone().unwrap_or_default().into_bytes();
        let answer = Answer {
            status: exchange.status.unwrap_or_default(),
            headers: exchange.answer_headers.clone(),
            body: exchange.body.clone().unwrap_or_default().into_bytes(),
            cut: false,
            elapsed: Duration::ZERO,
        };
        let cookies = exchange.header("cookie").unwrap_or_default().to_owned();
        Ok(Some(Sent { request, answer, cookies }))
    }

    fn exchange(&self, who: usize, sent: &Sent) -> Exchange {
        self.field.evidence(who, &sent.request, &sent.answer)
    }

    /// Whether no cookie of the session says anything about other sites.
    fn is_silent(&self) -> bool {
        let person = self.field.person(self.known.who);
        let set = person.login.iter().flat_map(|(_, answer)| answer.fields("set-cookie"));
        !set.map(str::to_ascii_lowercase).any(|cookie| cookie.contains("samesite"))
    }
}

/// A place where the first word was seen.
struct Seen {
    window: Window,
}

impl Seen {
    /// The same place for another word: an address may have the word in it.
    fn window(&self, first: &str, word: &str) -> Window {
        let mut window = self.window.clone();
        window.call.template = window.call.template.replace(first, word);
        window
    }
}

/// The call with a word that can be seen again: in a text, in an address of mail, in a file.
fn told(call: &Call, word: &str) -> Option<Call> {
    if let Some(call) = marked(call, word) {
        return Some(call);
    }
    if let Payload::Multipart(parts) = &call.payload {
        let mut call = call.clone();
        let mut parts = parts.clone();
        let part = parts.iter_mut().find(|part| part.file.is_some())?;
        part.file = Some((format!("{word}.txt"), "text/plain".to_owned()));
        part.content = format!("{word}\n").into_bytes();
        call.payload = Payload::Multipart(parts);
        return Some(call);
    }
    for point in call.points() {
        if !matches!(point.place, Place::Form | Place::Json) {
            continue;
        }
        let value = call.value(&point).unwrap_or_default();
        let name = point.word().to_ascii_lowercase();
        if value.contains('@') {
            return Some(call.with(&point, &Put::Text(&format!("{word}@example.com"))));
        }
        let free = ["name", "title", "text", "comment", "message", "description", "note", "content", "bio"];
        if free.iter().any(|own| name.contains(own)) && !value.is_empty() && value.parse::<f64>().is_err() {
            return Some(call.with(&point, &Put::Text(word)));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::call::text_of;

    #[test]
    fn a_word_goes_where_it_is_seen_again() {
        let mut call = Call::new("POST", "/profile");
        call.payload =
            Payload::Form(vec![("email".to_owned(), json!("a@b.c")), ("age".to_owned(), json!("7"))]);
        let Payload::Form(fields) = told(&call, "w").unwrap().payload else { panic!("a form") };
        assert_eq!(text_of(&fields[0].1), "w@example.com");
        call.payload =
            Payload::Form(vec![("age".to_owned(), json!("7")), ("kind".to_owned(), json!("open"))]);
        assert!(told(&call, "w").is_none());
    }
}
