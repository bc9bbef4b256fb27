//! Whether the members of a JSON body reach the prototype of all objects (CWE-1321).
//!
//! Level `destructive`: where it works, every object of the target has one more member until it is started again. The member is a
//! random word that nothing reads.
//!
//! For each JSON body that works and is an object:
//! 1. Negative twin first: the member under `__prot__`. An unrelated answer must not show it.
//! 2. The member under `__proto__`, and under `constructor.prototype`. An unrelated JSON answer, asked by itself, must show it, twice.

use gabion_model::outbound::BoxFuture;
use serde_json::{Value, json};

use super::{Attack, Phase, usable};
use crate::call::{Call, Payload};
use crate::field::{Field, Known};
use crate::verdict::{Outcome, Proof, Verdict};
use crate::wire::{Answer, Request, WireError};

pub(super) struct PrototypePollution;

const ID: &str = "prototype-pollution";

impl Attack for PrototypePollution {
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
    let is_object = |known: &&Known| matches!(&known.call.payload, Payload::Json(Value::Object(_)));
    let writes: Vec<&Known> =
        field.examples().filter(is_object).filter(|known| field.has_turn(known)).collect();
    let reads: Vec<&Known> = field
        .examples()
        .filter(|known| known.call.method == "GET" && known.answer.json().is_some())
        .take(READS)
        .collect();
    if writes.is_empty() || reads.is_empty() {
        field.not_tested(ID, "no operation takes an object in JSON, or none answers JSON");
        return Ok(());
    }
    for known in writes {
        let Some(operation) = field.operation(known.operation) else { continue };
        attack(field, known, &operation.id(), &reads).await?;
    }
    Ok(())
}

/// Unrelated answers that are looked at.
const READS: usize = 3;

/// An answer to something unrelated, and its request.
type Shown = (Request, Answer);

async fn attack(field: &Field, known: &Known, operation: &str, reads: &[&Known]) -> Result<(), WireError> {
    let (twin_sent, twin_shown) = send(field, known, reads, |member| json!({ "__prot__": member })).await?;
    for wrap in [
        (|member| json!({ "__proto__": member })) as fn(Value) -> Value,
        |member| json!({ "constructor": { "prototype": member } }),
    ] {
        let (sent, shown) = send(field, known, reads, wrap).await?;
        let (Some(sent), Some(twin), Some(shown), None) = (sent, &twin_sent, shown, &twin_shown) else {
            continue;
        };
        let (_, again) = send(field, known, reads, wrap).await?;
        if again.is_none() {
            continue;
        }
        let proof =
            Proof::new(field.evidence(known.who, &sent.0, &sent.1), "an unrelated answer has the member")
                .twin(field.evidence(known.who, &twin.0, &twin.1))
                .shown(field.evidence(known.who, &shown.0, &shown.1));
        let says = "a member of the body is a member of every object";
        field.say(Outcome::new(ID, operation, Verdict::Proven, says).proof(proof));
        return Ok(());
    }
    field.say(Outcome::new(ID, operation, Verdict::Passed, "no other answer has a member of the body"));
    Ok(())
}

/// Sends the body with a new member, and looks for its value in unrelated answers.
async fn send(
    field: &Field,
    known: &Known,
    reads: &[&Known],
    wrap: fn(Value) -> Value,
) -> Result<(Option<Shown>, Option<Shown>), WireError> {
    let (name, value) = (field.canary(), field.canary());
    let mut call: Call = known.call.clone();
    if let (Payload::Json(Value::Object(body)), Value::Object(more)) =
        (&mut call.payload, wrap(json!({ name: &value })))
    {
        body.extend(more);
    }
    let sent = usable(field.exchange(known.who, &call).await)?;
    for read in reads {
        let Some(shown) = usable(field.exchange(read.who, &read.call).await)? else { continue };
        // An answer that lists what was written shows it, and is not unrelated.
        let related = last_word(&read.call.template) == last_word(&known.call.template);
        if !related && shown.1.has(&value) {
            return Ok((sent, Some(shown)));
        }
    }
    Ok((sent, None))
}

/// What a path is about: `things` of `/api/things/{id}`.
fn last_word(template: &str) -> Option<&str> {
    template.split('/').rfind(|part| !part.is_empty() && !part.contains('{'))
}
