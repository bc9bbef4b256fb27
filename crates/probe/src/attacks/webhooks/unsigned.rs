//! A message that nobody signed, where no facts tell of a secret: does it change the state of somebody's own thing?
//!
//! 1. The document's body names a thing by its id (`order`) and one of several declared states (`status`).
//! 2. The thing is one person's alone, and that person reads a state of this name of it.
//! 3. Negative twin: nobody sends a state for an id that nothing has; the thing's state stays.
//! 4. Attack: nobody sends a state that the thing does not have, without any signature.
//! 5. Repeat: nobody sends another of the states. It is `proven` where the owner reads both, one after the other.
//!
//! At the end the thing is given the state that it had, where the message knows it.

use gabion_model::Severity;
use serde_json::Value;

use super::ID;
use crate::attacks::object_write::nothing;
use crate::attacks::usable;
use crate::belongings::noun_at;
use crate::call::{Call, Put};
use crate::field::Field;
use crate::learn::{candidates, noun_of, works};
use crate::matrix::Access;
use crate::operation::{Operation, Place, Point, names_of};
use crate::verdict::{Outcome, Proof, Verdict};
use crate::wire::{Answer, Request, WireError};

/// Whether something could be said of the operation.
pub(super) async fn attack(field: &Field, operation: &Operation) -> Result<bool, WireError> {
    let Some(call) = candidates(field, operation, 0).into_iter().next() else { return Ok(false) };
    let Some((state, states)) = state_of(operation, &call) else { return Ok(false) };
    for point in call.points().into_iter().filter(|point| point.place == Place::Json && *point != state) {
        let Some(noun) = noun_at(&call, &point) else { continue };
        for (who, id) in things(field, &noun) {
            let message = Message { field, call: &call, state: &state, point: &point };
            if let Some(window) = Window::open(field, who, &noun, &id, state.word()).await?
                && message.changes(operation, &states, &window).await?
            {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// The states that the body of a message names, and where.
fn state_of(operation: &Operation, call: &Call) -> Option<(Point, Vec<String>)> {
    let members = operation.body.as_ref()?.schema.get("properties")?.as_object()?;
    let (name, states) = members.iter().find_map(|(name, schema)| {
        let states = schema.get("enum")?.as_array()?.iter().map(|state| state.as_str().map(str::to_owned));
        let states: Option<Vec<String>> = states.take(MOST_STATES).collect();
        states.filter(|states| states.len() > 1).map(|states| (name, states))
    })?;
    let point = call.points().into_iter().find(|point| point.name == format!("/{name}"))?;
    Some((point, states))
}

/// What belongs to one signed-in person alone, one thing of each, what the probe made first.
fn things(field: &Field, noun: &str) -> Vec<(usize, String)> {
    let own = |who: usize| {
        let theirs = field.objects.iter().filter(move |object| {
            object.noun == noun
                && (object.made_by == Some(who)
                    || (object.seen_by.contains(&who) && object.seen_by.iter().all(|other| *other == who)))
        });
        theirs.min_by_key(|object| object.made_by != Some(who))
    };
    field.signed_in().filter_map(|who| Some((who, own(who)?.id.clone()))).collect()
}

/// Where the owner reads the state of the thing.
struct Window<'a> {
    who: usize,
    id: &'a str,
    call: Call,
    name: &'a str,
}

impl<'a> Window<'a> {
    async fn open(
        field: &Field,
        who: usize,
        noun: &str,
        id: &'a str,
        name: &'a str,
    ) -> Result<Option<Self>, WireError> {
        for operation in field.operations.iter().filter(|operation| operation.method == "GET") {
            let mut names = names_of(&operation.path);
            let (Some(parameter), None) = (names.next(), names.next()) else { continue };
            if !operation.path.ends_with('}') || noun_of(&operation.path, parameter) != noun {
                continue;
            }
            let mut call = Call::new("GET", &operation.path);
            call.path.insert(parameter.to_owned(), Value::String(id.to_owned()));
            let window = Self { who, id, call, name };
            if window.look(field).await?.is_some() {
                return Ok(Some(window));
            }
        }
        Ok(None)
    }

    async fn look(&self, field: &Field) -> Result<Option<(String, Request, Answer)>, WireError> {
        let Some((request, answer)) = usable(field.exchange(self.who, &self.call).await)? else {
            return Ok(None);
        };
        let state = answer.json().filter(|_| works(field, &answer));
        let state = state.and_then(|body| body.get(self.name)?.as_str().map(str::to_owned));
        Ok(state.map(|state| (state, request, answer)))
    }
}

struct Message<'a> {
    field: &'a Field,
    call: &'a Call,
    state: &'a Point,
    /// Where the thing is named.
    point: &'a Point,
}

impl Message<'_> {
    /// What a message says of a thing. No two have the same id of their own.
    fn saying(&self, thing: Option<&str>, state: &str) -> Call {
        let call = match thing {
            Some(id) => self.call.with_like(self.point, id),
            None => nothing(self.field, self.call, self.point),
        };
        let call = call.with(self.state, &Put::Text(state));
        let others = call.points().into_iter().filter(|own| own != self.state && own != self.point);
        let texts: Vec<Point> = others.filter(|own| call.payload_text(own)).collect();
        texts.iter().fold(call, |call, own| call.with(own, &Put::Text(&self.field.canary())))
    }

    async fn changes(
        &self,
        operation: &Operation,
        states: &[String],
        window: &Window<'_>,
    ) -> Result<bool, WireError> {
        let field = self.field;
        let Some((before, ..)) = window.look(field).await? else { return Ok(false) };
        let mut others = states.iter().filter(|state| **state != before);
        let Some(first) = others.next() else { return Ok(false) };
        let second = others.next().or_else(|| states.iter().find(|state| *state != first));
        let Some(second) = second else { return Ok(false) };
        let Some((twin_request, twin)) = usable(field.exchange(0, &self.saying(None, first)).await)? else {
            return Ok(false);
        };
        if window.look(field).await?.is_none_or(|(state, ..)| state != before) {
            return Ok(false);
        }
        let mut shown = Vec::new();
        for state in [first, second] {
            let Some((request, answer)) =
                usable(field.exchange(0, &self.saying(Some(window.id), state)).await)?
            else {
                return Ok(false);
            };
            let Some((seen, seen_request, seen_answer)) = window.look(field).await? else { return Ok(false) };
            if seen != *state {
                return Ok(false);
            }
            shown.push((
                field.evidence(0, &request, &answer),
                field.evidence(window.who, &seen_request, &seen_answer),
            ));
        }
        if states.contains(&before) {
            usable(field.exchange(0, &self.saying(Some(window.id), &before)).await)?;
        }
        let mut shown = shown.into_iter();
        let (Some((attack, seen)), Some((_, again))) = (shown.next(), shown.next()) else { return Ok(false) };
        let says = "a message without a signature is believed";
        field.saw(&operation.id(), 0, Access::Violation, says);
        let owner = &field.person(window.who).name;
        let evidence = format!(
            "`{owner}` reads `{}` as {before}, then as {first} and as {second}, as nobody said each time",
            window.name
        );
        let proof = Proof::new(attack, evidence)
            .twin(field.evidence(0, &twin_request, &twin))
            .shown(seen)
            .shown(again);
        let outcome = Outcome::new(ID, &operation.id(), Verdict::Proven, says);
        field.say(outcome.aspect("unsigned").severity(Severity::High).proof(proof));
        Ok(true)
    }
}

/// States of one message that are looked at.
const MOST_STATES: usize = 40;
