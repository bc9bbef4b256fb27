//! Whether a value may be an operator of a document store's query (CWE-943).
//!
//! For each value of each request, as an object in JSON and as `name[operator]` in queries and forms:
//! 1. Where the request works: `$in` or `$eq` with the original value must give the original answer, and with a value that nothing
//!    has another one. Only the original object is named, so that writes are safe.
//! 2. Where it was refused because nothing has the value, and nothing there is can be changed by it (`GET`, `POST`): `$ne` with a
//!    value that nothing has must succeed, and `$in` with one be refused as the value was.
//! 3. Negative twin: an operator that no store knows must not behave as the true one.
//! 4. Proof: six rounds of true and false operators with fresh values in random order; the answers must follow all of them.
//!
//! JavaScript in a query (`$where`) is tried by conditions, as in `sql-injection`.

use gabion_model::outbound::BoxFuture;
use serde_json::{Value, json};

use super::condition::{Grammar, condition};
use super::{Attack, Phase};
use crate::aim::{Aim, Sent, aims};
use crate::call::{Call, Put};
use crate::compare::Profile;
use crate::field::Field;
use crate::operation::Place;
use crate::verdict::{Proof, Verdict};
use crate::wire::WireError;

pub(super) struct NosqlInjection;

const ID: &str = "nosql-injection";

impl Attack for NosqlInjection {
    fn id(&self) -> &'static str {
        ID
    }

    fn phase(&self) -> Phase {
        Phase::Write
    }

    fn run<'a>(&'a self, field: &'a Field) -> BoxFuture<'a, Result<(), WireError>> {
        Box::pin(async move {
            let mut tested = 0_usize;
            for aim in &aims(field) {
                let structured = matches!(aim.point.place, Place::Query | Place::Form | Place::Json);
                let scripted = aim.point.place == Place::Path && aim.is_safe();
                if !structured && !scripted {
                    continue;
                }
                tested = tested.saturating_add(1);
                attack(aim, structured).await?;
            }
            if tested == 0 {
                field.not_tested(ID, "no operation takes a value in a query, a form or JSON");
            }
            Ok(())
        })
    }
}

async fn attack(aim: &Aim<'_>, structured: bool) -> Result<(), WireError> {
    let Some(base) = aim.profile().await? else {
        let says = "the original value gets another answer each time";
        aim.field.say(aim.outcome(ID, Verdict::Inconclusive, says));
        return Ok(());
    };
    if structured {
        for way in WAYS {
            match operators(aim, &base, *way).await? {
                Seen::Said => return Ok(()),
                // Whoever takes no object takes none with another operator.
                Seen::Refused => break,
                Seen::Nothing => {}
            }
        }
    }
    let text = aim.original.parse::<f64>().is_err();
    if aim.works
        && text
        && aim.is_safe()
        && let Some(reaction) = aim.reaction(&base).await?
        && (reaction.breaks || !reaction.matters)
        && condition(aim, ID, &base, &JAVASCRIPT, !reaction.matters).await?
    {
        return Ok(());
    }
    aim.field.say(aim.outcome(ID, Verdict::Passed, "no operator that was put into it made a difference"));
    Ok(())
}

/// How values are compared in JavaScript, in the forms a query may have them.
const JAVASCRIPT: Grammar = Grammar {
    who: "JavaScript in a query",
    and: "&&",
    or: "||",
    broken_and: "& &&",
    broken_or: "| ||",
    compare: |one, two, truth| {
        format!("{one}*{two}=={}", one.saturating_mul(two).saturating_add(u32::from(!truth)))
    },
    forms: &[("'", "'1'=='1"), ("\"", "\"1\"==\"1"), ("", "1==1"), ("')", "('1'=='1")],
};

/// How a true and a false operator are made of a value, and what is like the true one but means nothing.
#[derive(Clone, Copy)]
struct Way {
    /// Works only where the request does: the operator names the value itself.
    narrow: bool,
    truth: &'static str,
    lie: &'static str,
    twin: &'static str,
    /// Whether the operator takes a list.
    list: bool,
}

const WAYS: &[Way] = &[
    Way { narrow: true, truth: "$in", lie: "$in", twin: "$xn", list: true },
    Way { narrow: true, truth: "$eq", lie: "$eq", twin: "$xq", list: false },
    Way { narrow: false, truth: "$ne", lie: "$in", twin: "$xe", list: false },
    Way { narrow: false, truth: "$ne", lie: "$eq", twin: "$xe", list: false },
];

const ROUNDS: usize = 6;

/// What came of one way.
enum Seen {
    /// There was something to say, and it is said.
    Said,
    /// The target takes no operator there.
    Refused,
    Nothing,
}

async fn operators(aim: &Aim<'_>, base: &Profile, way: Way) -> Result<Seen, WireError> {
    let wide_is_safe = matches!(aim.known.call.method.as_str(), "GET" | "POST");
    if way.narrow != aim.works || (!way.narrow && !wide_is_safe) {
        return Ok(Seen::Nothing);
    }
    // What a true operator must give: the original answer, or one that the original did not get.
    let Some(truth) = send(aim, way, true).await? else { return Ok(Seen::Nothing) };
    if way.narrow != aim.fits(base, &truth) || !truth.answer.is_success() {
        let refused = way.narrow && matches!(truth.answer.status, 400 | 422);
        return Ok(if refused { Seen::Refused } else { Seen::Nothing });
    }
    let Some(truth_profile) = Profile::of(&[&truth.answer]) else { return Ok(Seen::Nothing) };
    let is_true = |sent: &Sent| {
        if way.narrow {
            aim.fits(base, sent)
        } else {
            truth_profile.fits(&sent.answer, &sent.text, &truth.text)
        }
    };
    let Some(lie) = send(aim, way, false).await? else { return Ok(Seen::Nothing) };
    if is_true(&lie) {
        return Ok(Seen::Nothing);
    }
    let Some(twin) = put(aim, way.twin, &truth_value(aim, way), way.list).await? else {
        return Ok(Seen::Nothing);
    };
    if is_true(&twin) {
        return Ok(Seen::Nothing);
    }
    for truth in super::shuffled(aim.field, ROUNDS) {
        let Some(sent) = send(aim, way, truth).await? else { return Ok(Seen::Nothing) };
        if is_true(&sent) != truth {
            let says = "one operator made a difference and others did not";
            aim.field.say(aim.outcome(ID, Verdict::Inconclusive, says));
            return Ok(Seen::Said);
        }
    }
    let says = format!("the store took an operator for the value: {ROUNDS} of {ROUNDS} answers followed it");
    let evidence = if way.narrow {
        format!("`{}` gives the answer of `{}`, and `{}` another", truth.text, aim.original, lie.text)
    } else {
        format!("`{}` succeeds where `{}` is refused", truth.text, aim.original)
    };
    let proof =
        Proof::new(aim.evidence(&truth), evidence).twin(aim.evidence(&twin)).shown(aim.evidence(&lie));
    aim.field.say(aim.outcome(ID, Verdict::Proven, says).proof(proof));
    Ok(Seen::Said)
}

async fn send(aim: &Aim<'_>, way: Way, truth: bool) -> Result<Option<Sent>, WireError> {
    if truth {
        return put(aim, way.truth, &truth_value(aim, way), way.list).await;
    }
    put(aim, way.lie, &nothing_has(aim), way.lie == "$in").await
}

fn truth_value(aim: &Aim<'_>, way: Way) -> Value {
    if way.narrow { original(aim) } else { nothing_has(aim) }
}

/// The original value with its type.
fn original(aim: &Aim<'_>) -> Value {
    let typed = match &aim.known.call.payload {
        crate::call::Payload::Json(body) if aim.point.place == Place::Json => body.pointer(&aim.point.name),
        _ => None,
    };
    typed.cloned().unwrap_or_else(|| Value::String(aim.original.clone()))
}

/// A value of the same type that nothing has.
fn nothing_has(aim: &Aim<'_>) -> Value {
    match original(aim) {
        Value::Number(_) => Value::from(900_000_000_u32.saturating_add(aim.field.number(90_000_000))),
        _ => Value::String(aim.field.canary()),
    }
}

async fn put(aim: &Aim<'_>, operator: &str, value: &Value, list: bool) -> Result<Option<Sent>, WireError> {
    let text = crate::call::text_of(value);
    if aim.point.place == Place::Json {
        let value = if list { json!([value]) } else { value.clone() };
        return aim.send(&Put::Json(json!({ operator: value }))).await;
    }
    let suffix = format!("[{operator}]{}", if list { "[]" } else { "" });
    let call: Option<Call> = aim.bracketed(&suffix, &text);
    match call {
        Some(call) => aim.send_call(&call, text).await,
        None => Ok(None),
    }
}
