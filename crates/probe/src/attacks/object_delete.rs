//! Whether somebody removes what belongs to somebody else, by its id (OWASP API1:2023, CWE-639).
//!
//! Only objects that the probe makes for this are removed.
//! 1. A makes two objects and reads both.
//! 2. B asks to remove the first. It is proven when A's first is gone and A's second is still there: the twin.
//! 3. Positive control: A removes the second, and it is gone too. Without that nothing is said to have passed.

use gabion_model::outbound::BoxFuture;

use super::effect::{Window, make, places};
use super::object_write::others;
use super::{Attack, Phase, takes_two, usable};
use crate::belongings::noun_at;
use crate::call::Call;
use crate::field::Field;
use crate::learn::works;
use crate::matrix::Access;
use crate::operation::{Operation, Place, Point, names_of};
use crate::surface::is_spared;
use crate::verdict::{Outcome, Proof, Verdict};
use crate::wire::{Answer, Request, WireError};

pub(super) struct ObjectDelete;

const ID: &str = "object-delete";

impl Attack for ObjectDelete {
    fn id(&self) -> &'static str {
        ID
    }

    fn phase(&self) -> Phase {
        Phase::Remove
    }

    fn run<'a>(&'a self, field: &'a Field) -> BoxFuture<'a, Result<(), WireError>> {
        Box::pin(run(field))
    }
}

async fn run(field: &Field) -> Result<(), WireError> {
    if !takes_two(field, ID) {
        return Ok(());
    }
    let mut tested = 0_usize;
    for operation in &field.operations {
        if is_spared(field, &operation.path) {
            continue;
        }
        let Some((call, point)) = removal(field, operation) else { continue };
        tested = tested.saturating_add(1);
        attack(field, operation, call, &point).await?;
    }
    if tested == 0 {
        field.not_tested(ID, "no operation removes an object by its id");
    }
    Ok(())
}

/// A request that removes one object, and where its id stands: at the end of the path or in the query of a `DELETE`, or in the
/// body or the query of a `POST` that is called so.
fn removal(field: &Field, operation: &Operation) -> Option<(Call, Point)> {
    let last = operation.path.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    let called = operation.method == "POST" && WORDS.contains(&last.as_str());
    let mut call = Call::new(&operation.method, &operation.path);
    if let Some(name) = names_of(&operation.path).last() {
        let ends = operation.path.ends_with(&format!("{{{name}}}"));
        return (operation.method == "DELETE" && ends).then(|| (call, Point::new(Place::Path, name)));
    }
    if operation.method != "DELETE" && !called {
        return None;
    }
    for parameter in operation.parameters.iter().filter(|parameter| parameter.place == Place::Query) {
        call.query.push((parameter.name.clone(), serde_json::Value::from("1")));
    }
    call.payload = crate::learn::payload(field, operation, 0);
    let point = call.points().into_iter().find(|point| noun_at(&call, point).is_some())?;
    Some((call, point))
}

const WORDS: &[&str] = &["delete", "remove", "destroy"];

/// An object that is made to be removed.
struct Victim {
    remove: Call,
    window: Window,
    word: String,
}

impl Victim {
    async fn is_there(&self, field: &Field) -> Result<bool, WireError> {
        Ok(self.window.shows(field, &self.word).await?.is_some())
    }
}

async fn attack(field: &Field, operation: &Operation, call: Call, point: &Point) -> Result<(), WireError> {
    let id = operation.id();
    let say = |verdict, says: &str| field.say(Outcome::new(ID, &id, verdict, says).at(point));
    let kind = noun_at(&call, point).unwrap_or_default();
    let Some(owner) = maker(field, &kind) else {
        say(Verdict::NotTested, "the probe can make no object of the kind");
        return Ok(());
    };
    for other in others(field, &call, owner) {
        let (first, second) =
            (victim(field, owner, &call, point).await?, victim(field, owner, &call, point).await?);
        let (Some(first), Some(second)) = (first, second) else {
            say(Verdict::NotTested, "nothing shows what the probe makes of the kind");
            return Ok(());
        };
        let (person, own) = (field.person(other), field.person(owner));
        let Some((request, answer)) = usable(field.exchange(other, &first.remove).await)? else { continue };
        let gone = !first.is_there(field).await?;
        let stays = second.is_there(field).await?;
        let control = usable(field.exchange(owner, &second.remove).await)?;
        let removable = !second.is_there(field).await?;
        // Nothing of the probe's is left behind.
        if !gone {
            usable(field.call(owner, &first.remove).await)?;
        }
        let aspect = if own.tenant.is_some() && person.tenant.is_some() && own.tenant != person.tenant {
            "tenant"
        } else {
            ""
        };
        let Some(control) = control.filter(|_| stays && removable) else {
            say(Verdict::Inconclusive, "its owner cannot remove it either, or it goes by itself");
            continue;
        };
        if !gone {
            let says = format!("`{}` does not remove what belongs to `{}`", person.name, own.name);
            field.saw(&id, other, Access::Denied, says.as_str());
            field.say(Outcome::new(ID, &id, Verdict::Passed, says).at(point).aspect(aspect));
            continue;
        }
        found(field, &id, point, aspect, (owner, other), (request, answer), &first, control).await?;
    }
    Ok(())
}

#[expect(clippy::too_many_arguments, reason = "everything of a finding, used once")]
async fn found(
    field: &Field,
    id: &str,
    point: &Point,
    aspect: &str,
    (owner, other): (usize, usize),
    (request, answer): (Request, Answer),
    first: &Victim,
    (control_request, control): (Request, Answer),
) -> Result<(), WireError> {
    let (person, own) = (field.person(other), field.person(owner));
    let says = format!("`{}` removes what belongs to `{}`", person.name, own.name);
    field.saw(id, other, Access::Violation, says.as_str());
    field.saw(id, owner, Access::Allowed, "removes their own");
    let evidence = format!("`{}` does not find `{}` any more", own.name, first.word);
    let mut proof = Proof::new(field.evidence(other, &request, &answer), evidence);
    if let Some((seen_request, seen)) = first.window.look(field).await? {
        proof = proof.shown(field.evidence(owner, &seen_request, &seen));
    }
    proof = proof.twin(field.evidence(owner, &control_request, &control));
    field.say(Outcome::new(ID, id, Verdict::Proven, says).at(point).aspect(aspect).proof(proof));
    Ok(())
}

/// Somebody who makes objects of a kind.
fn maker(field: &Field, kind: &str) -> Option<usize> {
    let made = field.objects.iter().find(|object| object.noun == kind && object.made_by.is_some());
    let poster = || {
        let last = |call: &Call| crate::learn::noun(call.template.rsplit('/').next().unwrap_or_default());
        let known = field.known.iter().find(|known| known.call.method == "POST" && last(&known.call) == kind);
        known.map(|known| known.who)
    };
    made.and_then(|object| object.made_by).or_else(poster).filter(|who| *who != 0)
}

async fn victim(
    field: &Field,
    owner: usize,
    call: &Call,
    point: &Point,
) -> Result<Option<Victim>, WireError> {
    let word = field.canary();
    let kind = noun_at(call, point).unwrap_or_default();
    let Some(id) = make(field, owner, &kind, &word).await? else { return Ok(None) };
    let remove = call.with_like(point, &id);
    let nothing = Answer::nothing();
    for call in places(field, owner, &remove, &nothing).into_iter().take(3) {
        let window = Window { who: owner, call };
        if let Some((_, answer)) = window.shows(field, &word).await?
            && works(field, &answer)
        {
            return Ok(Some(Victim { remove, window, word }));
        }
    }
    Ok(None)
}
