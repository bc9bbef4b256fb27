//! Type hints in bodies of JSON: a member `$type` whose text names a class that the reader makes (Json.NET with `TypeNameHandling`,
//! and readers like it).
//!
//! 1. Control: the body as it is works. The same with a member `$tpye` that names a class works, too; where it does not, members
//!    that nobody declared are refused, and that one as well.
//! 2. With the member `$type` and a class that is nowhere it does not work: hints are read. Where it works nothing is read.
//! 3. A class of every installation is named, or (negative twin) the same in two letters otherwise: at the document itself, and at a
//!    number, which stays what it is. It is proven when eight of eight answers in random order follow the spelling, what was sent
//!    left aside. Readers with a list of their own refuse both alike.

use serde_json::{Map, Value, json};

use super::super::{shuffled, usable};
use super::{ID, ROUNDS};
use crate::call::{Call, Payload};
use crate::compare::Profile;
use crate::field::{Field, Known};
use crate::operation::Operation;
use crate::serialised::misspelled;
use crate::verdict::{Outcome, Proof, Verdict};
use crate::wire::{Answer, Request, WireError};

/// Operations that are looked at.
const MOST: usize = 25;

/// Where a hint stands, and what it names.
const PLACES: &[(Place, &str)] = &[
    (Place::Number, "System.Int32, mscorlib"),
    (Place::Number, "System.Int64, mscorlib"),
    (Place::Document, "System.Collections.Hashtable, mscorlib"),
    (Place::Document, "System.Version, mscorlib"),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The document itself.
    Document,
    /// The first member of it that is a whole number.
    Number,
}

/// What was sent, and what came back.
type Sent = (Request, Answer);

/// Whether there was any body of JSON to look at.
pub(super) async fn run(field: &Field) -> Result<bool, WireError> {
    let mut looked = 0_usize;
    for known in field.examples().filter(|known| field.has_turn(known)) {
        let Some(operation) = field.operation(known.operation) else { continue };
        let own = matches!(&known.call.payload, Payload::Json(Value::Object(_)));
        // What is asked of GraphQL is no object of anybody's.
        if !own || operation.path.contains('#') || looked >= MOST {
            continue;
        }
        looked = looked.saturating_add(1);
        Body { field, known, operation }.attack().await?;
    }
    Ok(looked > 0)
}

struct Body<'a> {
    field: &'a Field,
    known: &'a Known,
    operation: &'a Operation,
}

impl Body<'_> {
    async fn attack(&self) -> Result<(), WireError> {
        let say = |verdict, says: &str| {
            self.field.say(Outcome::new(ID, &self.operation.id(), verdict, says).aspect("hint"));
        };
        let nowhere = format!("Gabion.{}, mscorlib", self.field.canary());
        let Some(hinted) = self.send(self.with(Place::Document, "$type", &nowhere)).await? else {
            say(Verdict::Inconclusive, "a body with one member more got no answer");
            return Ok(());
        };
        if self.works(&hinted.1) {
            say(Verdict::Passed, "a type hint that names what is nowhere changes nothing");
            return Ok(());
        }
        let plain = self.send(self.with(Place::Document, "$tpye", &nowhere)).await?;
        if !plain.is_some_and(|plain| self.works(&plain.1)) {
            // The body as it is works still?
            let still = self.send(Some(self.known.call.clone())).await?;
            match still.is_some_and(|still| self.works(&still.1)) {
                true => {
                    say(Verdict::Passed, "members that nobody declared are refused, type hints among them")
                }
                false => say(Verdict::Inconclusive, "the body does not work a second time"),
            }
            return Ok(());
        }
        for (place, name) in PLACES {
            if self.follows(*place, name).await? {
                return Ok(());
            }
        }
        say(
            Verdict::Inconclusive,
            "a type hint is read, and no answer tells whether what it names is made or stands on a list",
        );
        Ok(())
    }

    fn works(&self, answer: &Answer) -> bool {
        answer.status == self.known.answer.status && crate::learn::works(self.field, answer)
    }

    /// The body with a hint there, before all else, as readers want it.
    fn with(&self, place: Place, member: &str, name: &str) -> Option<Call> {
        let Payload::Json(Value::Object(body)) = &self.known.call.payload else { return None };
        let mut hinted = Map::new();
        match place {
            Place::Document => {
                hinted.insert(member.to_owned(), Value::from(name));
                hinted.extend(body.clone());
            }
            Place::Number => {
                let (number, value) = body
                    .iter()
                    .find(|(_, value)| value.as_i64().is_some_and(|value| value.abs() < 1 << 31))?;
                hinted.clone_from(body);
                hinted.insert(number.clone(), json!({ member: name, "$value": value }));
            }
        }
        Some(Call { payload: Payload::Json(Value::Object(hinted)), ..self.known.call.clone() })
    }

    async fn send(&self, call: Option<Call>) -> Result<Option<Sent>, WireError> {
        let Some(call) = call else { return Ok(None) };
        let sent = usable(self.field.exchange(self.known.who, &call).await)?;
        Ok(sent.filter(|(_, answer)| !answer.is_throttle()))
    }

    /// Whether answers follow the spelling of what is named there. Says so where they do.
    async fn follows(&self, place: Place, name: &str) -> Result<bool, WireError> {
        let field = self.field;
        let wrong = misspelled(name);
        let (Some(one), Some(two)) = (
            self.send(self.with(place, "$type", &wrong)).await?,
            self.send(self.with(place, "$type", &wrong)).await?,
        ) else {
            return Ok(false);
        };
        let Some(base) = Profile::of(&[&one.1, &two.1]).filter(Profile::is_calm) else { return Ok(false) };
        let mut last: [Option<Sent>; 2] = [None, None];
        for right in shuffled(field, ROUNDS) {
            let own = if right { name } else { &wrong };
            let Some(sent) = self.send(self.with(place, "$type", own)).await? else { return Ok(false) };
            // What names it back is put as the other would say it.
            if base.fits(&sent.1, own, &wrong) == right {
                return Ok(false);
            }
            let [good, bad] = &mut last;
            *(if right { good } else { bad }) = Some(sent);
        }
        let [Some(right), Some(bad)] = last else { return Ok(false) };
        let says = format!(
            "a type hint (`$type`) in the body is followed: whoever writes it chooses classes that the reader makes; {ROUNDS} of {ROUNDS} answers followed the spelling of `{name}`"
        );
        let who = self.known.who;
        let proof = Proof::new(
            field.evidence(who, &right.0, &right.1),
            "a class of every installation is answered otherwise than one that is nowhere",
        )
        .twin(field.evidence(who, &bad.0, &bad.1))
        .by_steps();
        let outcome = Outcome::new(ID, &self.operation.id(), Verdict::Proven, says).aspect("hint");
        field.say(outcome.proof(proof));
        Ok(true)
    }
}
