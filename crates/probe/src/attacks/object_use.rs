//! Whether somebody spends what belongs to somebody else, by naming it in a request (OWASP API1:2023, CWE-639): a transfer from
//! another's account, a payment with another's card.
//!
//! 1. A's operation takes an amount, and names something of A's in its body, its query or a header field.
//! 2. Positive control: A does it with a small amount, and a number that A reads differs by exactly that.
//! 3. Negative twin: B does it for an id that nothing has; A's number stays.
//! 4. B does it with A's. It is proven when A's number differs by exactly what B sent, which is another amount each time.
//!
//! Where the facts' policy lets B's role call it for everybody, it is no finding. The amounts are whole numbers below ten.

use gabion_model::outbound::BoxFuture;

use super::meter::{Meter, Reading, same};
use super::object_write::{nothing, others};
use super::{Attack, Phase, takes_two, usable};
use crate::belongings::owned;
use crate::call::{Call, Put};
use crate::field::{Field, Known};
use crate::learn::Object;
use crate::matrix::Access;
use crate::operation::{Place, Point};
use crate::verdict::{Outcome, Proof, Verdict};
use crate::wire::WireError;

pub(super) struct ObjectUse;

const ID: &str = "object-use";

impl Attack for ObjectUse {
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
    for known in field.attempts() {
        let Some(operation) = field.operation(known.operation) else { continue };
        if operation.is_safe() || known.who == 0 {
            continue;
        }
        let Some(amount) = amount(&known.call) else { continue };
        let points = known.call.points();
        let own = points.iter().filter(|point| **point != amount).find_map(|point| {
            owned(field, &known.call, point, known.who).map(|object| (point.clone(), object))
        });
        let Some((point, object)) = own else { continue };
        tested = tested.saturating_add(1);
        attack(field, known, &operation.id(), (&point, object), &amount).await?;
    }
    if tested == 0 {
        field.not_tested(
            ID,
            "no operation takes an amount and names something that belongs to one identity alone",
        );
    }
    Ok(())
}

/// Names of fields that are amounts.
const AMOUNTS: &[&str] =
    &["amount", "sum", "value", "points", "credits", "coins", "quantity", "qty", "units", "total"];

/// Where a call says how much.
pub(super) fn amount(call: &Call) -> Option<Point> {
    let places = [Place::Json, Place::Form, Place::Query];
    call.points().into_iter().find(|point| {
        let word = point.word().to_ascii_lowercase();
        let named = AMOUNTS.iter().any(|name| word == *name || word.ends_with(&format!("_{name}")));
        named
            && places.contains(&point.place)
            && call.value(point).is_some_and(|own| own.parse::<f64>().is_ok())
    })
}

/// The call with another amount.
pub(super) fn paying(call: &Call, point: &Point, amount: f64) -> Call {
    let whole = format!("{amount:.0}");
    match call.payload {
        crate::call::Payload::Json(ref body)
            if body.pointer(&point.name).is_some_and(serde_json::Value::is_number) =>
        {
            call.with(point, &Put::Json(whole.parse::<i64>().map_or(serde_json::Value::Null, Into::into)))
        }
        _ => call.with(point, &Put::Text(&whole)),
    }
}

async fn attack(
    field: &Field,
    known: &Known,
    operation: &str,
    (point, object): (&Point, &Object),
    amount: &Point,
) -> Result<(), WireError> {
    let say = |verdict, says: &str| field.say(Outcome::new(ID, operation, verdict, says).at(point));
    let owner = known.who;
    let before = Reading::take(field, owner, &known.call, &known.answer, Some(object)).await?;
    let control = paying(&known.call, amount, 2.0);
    let Some((control_request, control)) = usable(field.exchange(owner, &control).await)? else {
        say(Verdict::Inconclusive, "its owner got no answer");
        return Ok(());
    };
    let Some(meter) = before.moved(field, 2.0).await?.into_iter().next() else {
        say(Verdict::NotTested, "no number that its owner reads differs by what they sent");
        return Ok(());
    };
    for other in others(field, &known.call, owner) {
        let person = field.person(other);
        let stray = paying(&nothing(field, &known.call, point), amount, 3.0);
        let Some((first, ..)) = meter.read(field).await? else { continue };
        let Some((twin_request, twin)) = usable(field.exchange(other, &stray).await)? else { continue };
        let Some((second, ..)) = meter.read(field).await? else { continue };
        if !same(first, second) {
            say(Verdict::Inconclusive, "the number changes by what is done to something else");
            continue;
        }
        let by = f64::from(field.number(3).saturating_add(5));
        let theirs = paying(&known.call, amount, by);
        let Some((request, answer)) = usable(field.exchange(other, &theirs).await)? else { continue };
        let Some((third, seen_request, seen)) = meter.read(field).await? else { continue };
        let own = field.person(owner);
        if !same((third - second).abs(), by) {
            let says = format!("`{}` does not spend what belongs to `{}`", person.name, own.name);
            field.saw(operation, other, Access::Denied, says.as_str());
            say(Verdict::Passed, &says);
            continue;
        }
        let says = format!("`{}` spends what belongs to `{}`, by naming it", person.name, own.name);
        field.saw(operation, other, Access::Violation, says.as_str());
        let Meter { pointer, .. } = &meter;
        let evidence = format!("`{pointer}`, which `{}` reads, was {second} and is {third}", own.name);
        let proof = Proof::new(field.evidence(other, &request, &answer), evidence)
            .twin(field.evidence(other, &twin_request, &twin))
            .shown(field.evidence(owner, &seen_request, &seen))
            .shown(field.evidence(owner, &control_request, &control));
        field.say(Outcome::new(ID, operation, Verdict::Proven, says).at(point).proof(proof));
    }
    Ok(())
}
