//! Whether somebody changes what belongs to somebody else, by its id (OWASP API1:2023, CWE-639).
//!
//! 1. A makes an object with a word of its own; where that does not go, one of A's own is used and restored in the end.
//! 2. Positive control: A writes a new word to it, and reads it back.
//! 3. B writes another word to it. It is proven when A then reads B's word. What B's request was answered counts for nothing:
//!    some refuse with 200, some write and answer 404.
//! 4. Negative twin: B's word for an id that nothing has does not show at A's object.
//!
//! Where A's object stands in B's own lists it may be shared by design: then it is tentative, unless the policy says who writes.
//! B of another tenant is another finding (`tenant`). Where the policy lets B's role write everybody's it is none, and who
//! stands above A is not judged without a policy.

use gabion_model::outbound::BoxFuture;

use super::effect::{make, marked, places, window};
use super::object_access::may_see_all;
use super::{Attack, Phase, takes_two, usable};
use crate::belongings::{last_of_path, noun_at, owned};
use crate::call::Call;
use crate::field::{Field, Known};
use crate::matrix::Access;
use crate::operation::Point;
use crate::verdict::{Outcome, Proof, Verdict};
use crate::wire::{Answer, WireError};

pub(super) struct ObjectWrite;

const ID: &str = "object-write";

impl Attack for ObjectWrite {
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
    if !takes_two(field, ID) {
        return Ok(());
    }
    let mut tested = 0_usize;
    for known in field.examples() {
        let Some(operation) = field.operation(known.operation) else { continue };
        let Some(point) = point_of(field, known).filter(|_| known.who != 0 && !operation.is_safe()) else {
            continue;
        };
        tested = tested.saturating_add(1);
        attack(field, known, &operation.id(), &point).await?;
    }
    if tested == 0 {
        field.not_tested(ID, "no operation writes to an object by its id");
    }
    Ok(())
}

/// Where the id of what is written stands: in the path; in the query or the body, where it is one of its sender's things.
fn point_of(field: &Field, known: &Known) -> Option<Point> {
    let points = known.call.points();
    let own = || points.iter().find(|point| owned(field, &known.call, point, known.who).is_some());
    last_of_path(&known.call).or_else(|| own().cloned())
}

async fn attack(field: &Field, known: &Known, operation: &str, point: &Point) -> Result<(), WireError> {
    let say = |verdict, says: &str| field.say(Outcome::new(ID, operation, verdict, says).at(point));
    let owner = known.who;
    let kind = noun_at(&known.call, point).unwrap_or_default();
    let made = make(field, owner, &kind, &field.canary()).await?;
    if made.is_none() && !is_own(field, known, point) {
        say(Verdict::NotTested, "whose object it is, is not known, and the probe can make none of the kind");
        return Ok(());
    }
    let target = made.as_deref().map_or_else(|| known.call.clone(), |id| known.call.with_like(point, id));
    let first = field.canary();
    let Some(write) = marked(&target, &first) else {
        say(Verdict::NotTested, "nothing that it takes could be recognised later");
        return Ok(());
    };
    let Some((control_request, control)) = usable(field.exchange(owner, &write).await)? else {
        say(Verdict::Inconclusive, "its owner got no answer any more");
        return Ok(());
    };
    let Some(window) = window(field, owner, &write, &control, &first).await? else {
        say(Verdict::NotTested, "nothing shows what its owner writes");
        return Ok(());
    };
    let control = field.evidence(owner, &control_request, &control);
    for other in others(field, &known.call, owner) {
        let (person, own) = (field.person(other), field.person(owner));
        let aspect = if own.tenant.is_some() && person.tenant.is_some() && own.tenant != person.tenant {
            "tenant"
        } else {
            ""
        };
        let shared = is_listed(field, other, &write, &first).await?;
        let (stray, word) = (field.canary(), field.canary());
        let (Some(twin), Some(write)) =
            (marked(&nothing(field, &target, point), &stray), marked(&target, &word))
        else {
            return Ok(());
        };
        let Some((twin_request, twin)) = usable(field.exchange(other, &twin).await)? else { continue };
        if window.shows(field, &stray).await?.is_some() {
            say(Verdict::Inconclusive, "what is written under another id shows there too");
            continue;
        }
        let Some((request, answer)) = usable(field.exchange(other, &write).await)? else { continue };
        let Some((seen_request, seen)) = window.shows(field, &word).await? else {
            let says = format!("`{}` does not change what belongs to `{}`", person.name, own.name);
            field.saw(operation, other, Access::Denied, says.as_str());
            field.say(Outcome::new(ID, operation, Verdict::Passed, says).at(point).aspect(aspect));
            continue;
        };
        let mut says = format!("`{}` changes what belongs to `{}`", person.name, own.name);
        let judged = field.facts.roles_of(&known.call.method, &known.call.template).is_some();
        let verdict = if shared && !judged { Verdict::Tentative } else { Verdict::Proven };
        if verdict == Verdict::Proven {
            field.saw(operation, other, Access::Violation, says.as_str());
        } else {
            says.push_str(
                ", which stands in their own lists too; hint: `[[policy]]` says whether that is meant",
            );
        }
        let evidence = format!("`{}` reads `{word}`, which `{}` wrote", own.name, person.name);
        let mut proof = Proof::new(field.evidence(other, &request, &answer), evidence)
            .twin(field.evidence(other, &twin_request, &twin))
            .shown(field.evidence(owner, &seen_request, &seen));
        proof.shown.push(control.clone());
        let outcome = Outcome::new(ID, operation, verdict, says).aspect(aspect);
        field.say(outcome.at(point).proof(proof));
    }
    if made.is_none() {
        // As it was when it was learned.
        usable(field.call(owner, &known.call).await)?;
    }
    Ok(())
}

/// Whether somebody's own lists show a word that somebody else wrote.
async fn is_listed(field: &Field, who: usize, write: &Call, word: &str) -> Result<bool, WireError> {
    let nothing = Answer::nothing();
    let places = places(field, who, write, &nothing);
    for call in places.iter().filter(|call| !call.template.contains('{')).take(3) {
        if usable(field.call(who, call).await)?.is_some_and(|answer| answer.has(word)) {
            return Ok(true);
        }
    }
    // What is added under a thing that everybody reads: a comment, an answer.
    if write.method == "POST" {
        for call in places.iter().filter(|call| call.template == write.template) {
            if usable(field.call(0, call).await)?.is_some_and(|answer| answer.has(word)) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Whether what a known request writes to is its sender's: made by them, or seen by nobody else.
fn is_own(field: &Field, known: &Known, point: &Point) -> bool {
    owned(field, &known.call, point, known.who).is_some()
}

/// One of the same tenant, one of another, and one of no known tenant: more of them would tell the same.
pub(super) fn others(field: &Field, call: &Call, owner: usize) -> Vec<usize> {
    let mut kinds = std::collections::BTreeSet::new();
    field
        .signed_in()
        .filter(|other| *other != owner && !may_see_all(field, call, *other, owner))
        .filter(|other| {
            let person = field.person(*other);
            kinds.insert((person.tenant.clone(), person.role.clone()))
        })
        .collect()
}

/// The call for an id that nothing has.
pub(super) fn nothing(field: &Field, call: &Call, point: &Point) -> Call {
    let id = call.value(point).unwrap_or_default();
    let text = if id.bytes().all(|byte| byte.is_ascii_digit()) {
        format!("9{:08}", field.number(99_999_999))
    } else {
        id.chars().rev().map(|letter| if letter.is_ascii_digit() { '7' } else { letter }).collect()
    };
    call.with_like(point, &text)
}
