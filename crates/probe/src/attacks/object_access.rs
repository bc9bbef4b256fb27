//! Whether somebody reads what belongs to somebody else, by its id (OWASP API1:2023, CWE-639).
//!
//! 1. A reads an object of A's: of A's lists and of nobody else's, or made by A. That is the positive control.
//! 2. B asks the same. It is a finding when B gets the same object, on what does not change by itself;
//! 3. when nobody (anonymous) does not get it: else it is public, or the test `missing-login` speaks; and
//! 4. when B's own lists do not have it: else it is shared by design.
//! 5. Negative twin: an id that no object has must not give the same to B.
//!
//! The same object is recognised by its own words: texts that its owner's answer has and the twin's has not. Where it has none,
//! by all that is stable. An id that nobody guesses (22 random letters) may be meant as a key: then it is tentative.
//!
//! B of another tenant than A is another finding (`tenant`). Where the facts' policy lets B's role call the operation for
//! everybody's objects it is no finding.

use gabion_model::Severity;
use gabion_model::outbound::BoxFuture;

use super::{Attack, Phase, usable};
use crate::call::Call;
use crate::compare::Profile;
use crate::field::{Field, Known};
use crate::matrix::Access;
use crate::operation::{Place, Point};
use crate::verdict::{Outcome, Proof, Verdict};
use crate::wire::{Answer, Request, WireError};

pub(super) struct ObjectAccess;

const ID: &str = "object-access";

impl Attack for ObjectAccess {
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

async fn run(field: &Field) -> Result<(), WireError> {
    if field.signed_in().count() < 2 {
        field.not_tested(ID, "it takes two identities; hint: `[[identities]]`");
        return Ok(());
    }
    let mut tested = 0_usize;
    for known in &field.known {
        let Some(operation) = field.operation(known.operation) else { continue };
        let Some(point) = known.call.points().into_iter().rfind(|point| point.place == Place::Path) else {
            continue;
        };
        if !operation.is_safe() || known.who == 0 {
            continue;
        }
        let Some(id) = known.call.value(&point) else { continue };
        let noun = crate::learn::noun_of(&operation.path, &point.name);
        let object = field.objects.iter().find(|object| object.noun == noun && object.id == id);
        let owned = object.is_some_and(|object| {
            object.made_by == Some(known.who) || object.seen_by.iter().all(|who| *who == known.who)
        });
        if !owned {
            continue;
        }
        tested = tested.saturating_add(1);
        attack(field, known, &operation.id(), &point, object.map(|object| &object.seen_by)).await?;
    }
    if tested == 0 {
        field.not_tested(ID, "no operation reads an object that belongs to one identity alone");
    }
    Ok(())
}

async fn attack(
    field: &Field,
    known: &Known,
    operation: &str,
    point: &Point,
    seen_by: Option<&std::collections::BTreeSet<usize>>,
) -> Result<(), WireError> {
    let inconclusive =
        |why: &str| field.say(Outcome::new(ID, operation, Verdict::Inconclusive, why).at(point));
    let public =
        known.anonymous.as_ref().is_some_and(|answer| !field.is_refusal(answer) && answer.is_success());
    if public {
        field.say(Outcome::new(ID, operation, Verdict::NotTested, "everybody may read it").at(point));
        return Ok(());
    }
    let Some((request, control)) = usable(field.exchange(known.who, &known.call).await)? else {
        inconclusive("its owner got no answer any more");
        return Ok(());
    };
    let Some(profile) = Profile::of(&[&known.answer, &control]).filter(Profile::is_calm) else {
        inconclusive("its owner gets another answer each time");
        return Ok(());
    };
    let owner = field.person(known.who);
    for other in field.signed_in().filter(|other| *other != known.who) {
        let person = field.person(other);
        if seen_by.is_some_and(|seen| seen.contains(&other))
            || may_see_all(field, &known.call, other, known.who)
        {
            continue;
        }
        let Some(stolen) = usable(field.call(other, &known.call).await)? else { continue };
        let elsewhere = owner.tenant.is_some() && person.tenant.is_some() && owner.tenant != person.tenant;
        let aspect = if elsewhere { "tenant" } else { "" };
        let (twin_request, twin) = twin(field, other, &known.call, point).await?;
        let own = own_words(field, known, point, &control, &twin);
        let same = if own.is_empty() {
            is_same(&profile, &stolen, field, other, known.who)
        } else {
            stolen.is_success() && own.iter().all(|word| stolen.has(word))
        };
        if !same {
            let says = format!("`{}` does not get what belongs to `{}`", person.name, owner.name);
            field.saw(operation, other, Access::Denied, says.as_str());
            field.say(Outcome::new(ID, operation, Verdict::Passed, says).at(point).aspect(aspect));
            continue;
        }
        if profile.fits(&twin, "", "") {
            inconclusive("an id that nothing has gets the same answer");
            continue;
        }
        let says = format!("`{}` reads what belongs to `{}`", person.name, owner.name);
        let evidence = own.first().map_or_else(
            || "the same object as its owner reads".to_owned(),
            |word| format!("the answer has `{word}`, as its owner's has"),
        );
        let proof = Proof::new(field.evidence(other, &request, &stolen), evidence)
            .twin(field.evidence(other, &twin_request, &twin))
            .shown(field.evidence(known.who, &request, &control));
        let outcome = if is_key(&known.call.value(point).unwrap_or_default()) {
            let says = format!(
                "{says}, by an id that nobody guesses; hint: name it in the facts as shared, if it is meant so"
            );
            Outcome::new(ID, operation, Verdict::Tentative, says).severity(Severity::Low)
        } else {
            field.saw(operation, other, Access::Violation, says.as_str());
            Outcome::new(ID, operation, Verdict::Proven, says).aspect(aspect)
        };
        field.say(outcome.at(point).proof(proof));
    }
    Ok(())
}

/// Texts of an object by which it is known again: its owner's answer has them, and the twin's has not.
fn own_words(field: &Field, known: &Known, point: &Point, control: &Answer, twin: &Answer) -> Vec<String> {
    let noun = crate::learn::noun_of(&known.call.template, &point.name);
    let id = known.call.value(point).unwrap_or_default();
    let object = field.objects.iter().find(|object| object.noun == noun && object.id == id);
    let texts = object.into_iter().flat_map(|object| object.fields.values());
    let texts = texts.filter_map(serde_json::Value::as_str).filter(|text| text.len() >= 6 && *text != id);
    texts.filter(|text| control.has(text) && !twin.has(text)).take(5).map(str::to_owned).collect()
}

/// Whether an id is as good as a password: random letters of 80 bits or more.
fn is_key(id: &str) -> bool {
    let name = id.split('.').next().unwrap_or_default();
    let has = |test: fn(&u8) -> bool| name.bytes().any(|byte| test(&byte));
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) {
        return false;
    }
    let counted = name.bytes().all(|byte| byte.is_ascii_digit());
    let hexadecimal = !counted && name.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    let bits = match (has(u8::is_ascii_digit), has(u8::is_ascii_uppercase), has(u8::is_ascii_lowercase)) {
        (true, ..) if hexadecimal => 4,
        (_, true, true) => 6,
        (true, true, false) | (true, false, true) => 5,
        // Words, or numbers that are counted.
        _ => 0,
    };
    name.len().saturating_mul(bits) >= 80
}

/// The same object: all that is stable, but for what a page says of its reader.
fn is_same(profile: &Profile, answer: &Answer, field: &Field, reader: usize, owner: usize) -> bool {
    let (reader, owner) = (&field.person(reader).user, &field.person(owner).user);
    profile.fits(answer, "", "")
        || profile.distance(answer, reader, owner).is_some_and(|distance| distance <= 2)
}

/// Whether the facts let a role see everybody's, in its own tenant.
pub(super) fn may_see_all(field: &Field, call: &Call, who: usize, owner: usize) -> bool {
    let (person, owner) = (field.person(who), field.person(owner));
    if person.tenant != owner.tenant {
        return false;
    }
    let above = person.role.is_some() && person.role != owner.role;
    let granted = field.facts.roles_of(&call.method, &call.template);
    // Somebody of another role may well be meant to see more; only a policy can say that they are not.
    above && granted.is_none_or(|roles| person.role.as_ref().is_some_and(|role| roles.contains(role)))
}

async fn twin(field: &Field, who: usize, call: &Call, point: &Point) -> Result<(Request, Answer), WireError> {
    let id = call.value(point).unwrap_or_default();
    let nothing = if id.parse::<u64>().is_ok() {
        format!("9{:08}", field.number(99_999_999))
    } else {
        // As long, of the same kinds of characters.
        id.chars().rev().map(|letter| if letter.is_ascii_digit() { '7' } else { letter }).collect()
    };
    field.exchange(who, &call.with(point, &crate::call::Put::Text(&nothing))).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_told_from_a_name() {
        for key in ["dGhp_BpcyBhIGtl.txt", "3f2b8c1e-7a64-4d59-9c0e-5b1d2f3a4c6e", "4f8a1bc95d3e2f60718293a4"]
        {
            assert!(is_key(key), "{key}");
        }
        for name in ["7", "probe.txt", "annual-report-of-the-board", "1000000000000000000001", "Invoice-2026"]
        {
            assert!(!is_key(name), "{name}");
        }
    }
}
