//! Whether errors show the inside: stack traces, queries, debug pages, source paths (CWE-209, OWASP A05:2021).
//!
//! 1. Errors are provoked: a quotation mark and a number that is too large in place of each value, a body that is cut short, a
//!    body of another type, a path that is not there, a method nobody offers.
//! 2. An answer is held against the grammars of `leak.rs`. It counts when the inside shows because of what was sent: the
//!    working answer, the negative twin, has nothing of that kind, and nothing of what was sent matches by itself.
//! 3. It is repeated, and must show again.
//! 4. Control for `passed`: an error was provoked (a status of 400 or more), and told nothing.

use gabion_model::Severity;
use gabion_model::outbound::BoxFuture;
use serde_json::Value;

use super::{Attack, Phase, usable};
use crate::attempt::{Attempt, attempts};
use crate::call::{Call, Payload, Put};
use crate::control::Control;
use crate::field::Field;
use crate::leak::{Kind, Leak, leaks, leaks_in};
use crate::operation::{Place, Point};
use crate::verdict::{Outcome, Proof, Verdict};
use crate::wire::{Answer, Request, WireError};

pub(super) struct VerboseErrors;

const ID: &str = "verbose-errors";

impl Attack for VerboseErrors {
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
    for attempt in &attempts(field) {
        let before = match attempt.known {
            Some(known) => known.answer.clone(),
            None => match usable(field.call(attempt.who, &attempt.call).await)? {
                Some(answer) => answer,
                None => continue,
            },
        };
        operation(field, attempt, &before).await?;
    }
    if field.has_first_turn() { application(field).await } else { Ok(()) }
}

async fn operation(field: &Field, attempt: &Attempt<'_>, before: &Answer) -> Result<(), WireError> {
    let id = attempt.operation.id();
    let known: Vec<Kind> = leaks(before).iter().map(|leak| leak.kind).collect();
    // An honest request that fails and tells is a finding too; its twin is what a missing path gets.
    let mut provoked = 0_usize;
    let mut control = None;
    for (point, sent, call) in provocations(field, &attempt.call) {
        let Some(request) = usable(field.prepared(attempt.who, &call).await)? else { continue };
        let Some(answer) = usable(field.request(attempt.who, &request).await)? else { continue };
        if answer.status >= 400 {
            provoked = provoked.saturating_add(1);
            control.get_or_insert_with(|| {
                let says = format!("an error was provoked: it got {}", answer.status);
                Control::shown(says, field.evidence(attempt.who, &request, &answer))
            });
        }
        let Some(leak) = worst(&answer, &sent, &known) else { continue };
        let Some(again) = usable(field.request(attempt.who, &request).await)? else { continue };
        if !leaks(&again).iter().any(|other| other.what == leak.what) {
            continue;
        }
        let twin = field.evidence(attempt.who, &attempt.call.request(), before);
        let says = format!("{} stands in an answer of status {}", leak.what, answer.status);
        let proof = Proof::new(
            field.evidence(attempt.who, &request, &answer),
            format!("the answer has `{}`", leak.text),
        )
        .twin(twin);
        let mut outcome =
            Outcome::new(ID, &id, Verdict::Proven, says).severity(severity(leak.kind)).proof(proof);
        if let Some(point) = &point {
            outcome = outcome.at(point);
        }
        field.say(outcome);
        return Ok(());
    }
    if let Some(control) = control {
        let says = format!("{provoked} errors were provoked and told nothing of the inside");
        field.say(Outcome::new(ID, &id, Verdict::Passed, says).control(control));
    }
    Ok(())
}

const fn severity(kind: Kind) -> Severity {
    match kind {
        Kind::DebugPage => Severity::High,
        Kind::Database | Kind::StackTrace => Severity::Medium,
        Kind::Path => Severity::Low,
    }
}

/// The worst that an answer shows and that neither the request nor the working answer has.
fn worst(answer: &Answer, sent: &str, known: &[Kind]) -> Option<Leak> {
    let own: Vec<Kind> = leaks_in(sent).iter().map(|leak| leak.kind).collect();
    // A page that worked and speaks of queries is no error, whatever its words are.
    let fresh = |leak: &Leak| !known.contains(&leak.kind) && !own.contains(&leak.kind);
    leaks(answer).into_iter().find(|leak| fresh(leak) && (answer.status >= 400 || leak.kind != Kind::Path))
}

/// Requests that should be refused: where, what was put there, and the request.
fn provocations(field: &Field, call: &Call) -> Vec<(Option<Point>, String, Call)> {
    let mut all = Vec::new();
    let places =
        |point: &Point| matches!(point.place, Place::Path | Place::Query | Place::Form | Place::Json);
    for point in call.points().into_iter().filter(places).take(POINTS) {
        let text = format!("{}'\"", field.canary());
        let original = call.value(&point).unwrap_or_default();
        all.push((Some(point.clone()), text.clone(), call.with(&point, &Put::Text(&text))));
        if original.parse::<f64>().is_ok() {
            let large = "99999999999999999999";
            let put = if point.place == Place::Json {
                // A number and no text: what is too large is met behind the parser.
                Put::Json(serde_json::from_str(large).unwrap_or(Value::Null))
            } else {
                Put::Text(large)
            };
            all.push((Some(point.clone()), large.to_owned(), call.with(&point, &put)));
        } else if point.place == Place::Json {
            all.push((
                Some(point.clone()),
                String::new(),
                call.with(&point, &Put::Json(serde_json::json!({ "a": [] }))),
            ));
        }
        if point.place == Place::Query {
            // A list or a structure where a text is expected.
            let mut call = call.clone();
            call.query.retain(|(name, _)| *name != point.name);
            call.query.push((format!("{}[a]", point.name), Value::String("1".to_owned())));
            all.push((Some(point.clone()), String::new(), call));
        }
    }
    let raw = |media_type: &str, body: &str| {
        let mut call = call.clone();
        call.payload = Payload::Raw { media_type: media_type.to_owned(), bytes: body.as_bytes().to_vec() };
        (None, body.to_owned(), call)
    };
    match &call.payload {
        Payload::Json(_) => {
            all.push(raw("application/json", "{\"a\": [1, "));
            all.push(raw("application/json", "[[]]"));
        }
        Payload::Raw { media_type, .. } => all.push(raw(media_type, "<a><b></a>")),
        _ => {}
    }
    all
}

/// The most values of one operation.
const POINTS: usize = 5;

/// What belongs to no operation.
async fn application(field: &Field) -> Result<(), WireError> {
    let missing = format!("/{}", field.canary());
    let mut refused = 0_usize;
    for request in [
        Request::get(&missing),
        Request::get(&format!("{missing}.php")),
        Request::get("/%ff%fe/%c0%ae"),
        Request::get("/?%5B%5D=%00"),
        Request::new("GX", "/"),
        Request::new("POST", "/").body("application/json", "{\"a\": ["),
        Request::get("/").header("Accept", "application/x-none").header("Range", "bytes=9-1"),
    ] {
        let Some(answer) = usable(field.request(0, &request).await)? else { continue };
        refused = refused.saturating_add(usize::from(answer.status >= 400));
        let Some(leak) = worst(&answer, &request.target, &[]).filter(|_| answer.status >= 400) else {
            continue;
        };
        let twin = Request::get(field.wire.origin().path());
        let Some(home) = usable(field.request(0, &twin).await)? else { continue };
        let Some(again) = usable(field.request(0, &request).await)? else { continue };
        let shows = |answer: &Answer| leaks(answer).iter().any(|other| other.what == leak.what);
        if shows(&home) || !shows(&again) {
            continue;
        }
        let proof =
            Proof::new(field.evidence(0, &request, &answer), format!("the answer has `{}`", leak.text))
                .twin(field.evidence(0, &twin, &home));
        let says = format!("{} stands in an answer of status {}", leak.what, answer.status);
        let outcome = Outcome::new(ID, "", Verdict::Proven, says);
        field.say(outcome.severity(severity(leak.kind)).proof(proof));
        return Ok(());
    }
    let says = format!("{refused} requests that belong to no operation told nothing of the inside");
    field.say(Outcome::new(ID, "", if refused > 0 { Verdict::Passed } else { Verdict::Inconclusive }, says));
    Ok(())
}
