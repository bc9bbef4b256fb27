//! Whether values that no contract would take make the target fail (CWE-20, CWE-248).
//!
//! 1. Positive control: the valid request works, before and after.
//! 2. For each value: a NUL and bytes that are no UTF-8, a number beyond every type, a text of thousands of characters, an object or
//!    a list in place of a value. For each JSON body: half of it, a thousand lists within lists, bytes that are no UTF-8.
//! 3. An answer of 500 and above must come twice. Then it is firm; 503 says only that there is too much.
//!
//! What is taken with 2xx is no finding: only its owner knows whether it should be.

use gabion_model::outbound::BoxFuture;
use serde_json::json;

use super::{Attack, Phase, usable};
use crate::aim::{Aim, Sent, aims};
use crate::call::{Call, Payload, Put};
use crate::field::Field;
use crate::operation::Place;
use crate::verdict::{Outcome, Proof, Verdict};
use crate::wire::WireError;

pub(super) struct InputValidation;

const ID: &str = "input-validation";

impl Attack for InputValidation {
    fn id(&self) -> &'static str {
        ID
    }

    fn phase(&self) -> Phase {
        Phase::Write
    }

    fn run<'a>(&'a self, field: &'a Field) -> BoxFuture<'a, Result<(), WireError>> {
        Box::pin(async move {
            let aims = aims(field);
            let mut operations: Vec<&str> = Vec::new();
            for aim in aims.iter().filter(|aim| aim.works) {
                if !operations.contains(&aim.operation.as_str()) {
                    operations.push(&aim.operation);
                }
            }
            if operations.is_empty() {
                field.not_tested(ID, "no operation takes a value");
            }
            for operation in operations {
                let own: Vec<&Aim<'_>> = aims.iter().filter(|aim| aim.operation == operation).collect();
                attack(field, operation, &own).await?;
            }
            Ok(())
        })
    }
}

/// What made the target fail: in words, the call, and what came back.
struct Failure {
    says: String,
    sent: Sent,
}

async fn attack(field: &Field, operation: &str, aims: &[&Aim<'_>]) -> Result<(), WireError> {
    let Some(first) = aims.first() else { return Ok(()) };
    let mut failures: Vec<Failure> = Vec::new();
    for aim in aims.iter().filter(|aim| aim.is_value()) {
        for (says, put) in wrong_values(aim) {
            let call = aim.known.call.with(&aim.point, &put);
            let says = format!("{} as {says}", aim.point);
            if let Some(sent) = fails(aim, &call).await? {
                failures.push(Failure { says, sent });
                break;
            }
        }
    }
    for (says, payload) in wrong_bodies(&first.known.call) {
        let call = Call { payload, ..first.known.call.clone() };
        if let Some(sent) = fails(first, &call).await? {
            failures.push(Failure { says: says.to_owned(), sent });
        }
    }
    let Some(control) = usable(field.exchange(first.known.who, &first.known.call).await)? else {
        let says = "the valid request got no answer any more";
        field.say(Outcome::new(ID, operation, Verdict::Inconclusive, says));
        return Ok(());
    };
    let Some(failure) = failures.first() else {
        field.say(Outcome::new(ID, operation, Verdict::Passed, "nothing that is not valid made it fail"));
        return Ok(());
    };
    if control.1.status >= 400 {
        let says = "it fails, but so does the valid request by now";
        field.say(Outcome::new(ID, operation, Verdict::Inconclusive, says));
        return Ok(());
    }
    let all: Vec<&str> = failures.iter().map(|failure| failure.says.as_str()).take(4).collect();
    let says = format!("it fails with {}: {}", failure.sent.answer.status, all.join("; "));
    let evidence = format!(
        "the answer is {}, twice; the valid request's is {}",
        failure.sent.answer.status, control.1.status
    );
    let proof = Proof::new(first.evidence(&failure.sent), evidence).twin(field.evidence(
        first.known.who,
        &control.0,
        &control.1,
    ));
    field.say(Outcome::new(ID, operation, Verdict::Firm, says).proof(proof));
    Ok(())
}

/// What is no value of any type, in words and as it is put.
fn wrong_values(aim: &Aim<'_>) -> Vec<(&'static str, Put<'static>)> {
    let number = aim.original.parse::<f64>().is_ok();
    match aim.point.place {
        Place::Json => vec![
            ("an object", Put::Json(json!({ "a": [1] }))),
            if number {
                ("a number beyond every type", Put::Json(json!(1.7e308)))
            } else {
                ("a text with a NUL", Put::Text("a\0\u{ffff}b"))
            },
        ],
        Place::Path | Place::Query | Place::Form => vec![
            ("a NUL and bytes that are no UTF-8", Put::Raw("a%00%ff%c0")),
            if number {
                ("a number beyond every type", Put::Text("99999999999999999999999999"))
            } else {
                ("a very long text", Put::Text(LONG))
            },
        ],
        _ => Vec::new(),
    }
}

/// Beyond what columns hold, within what servers take in a line.
const LONG: &str = const_long();

const fn const_long() -> &'static str {
    const BYTES: [u8; 4_000] = [b'a'; 4_000];
    match std::str::from_utf8(&BYTES) {
        Ok(text) => text,
        Err(_) => "",
    }
}

/// What is no JSON, or too deep to be read by calling oneself.
fn wrong_bodies(call: &Call) -> Vec<(&'static str, Payload)> {
    let Payload::Json(value) = &call.payload else { return Vec::new() };
    let raw = |bytes: Vec<u8>| Payload::Raw { media_type: "application/json".to_owned(), bytes };
    let text = value.to_string();
    let half = text.as_bytes().iter().take(text.len() / 2).copied().collect();
    let deep = format!("{}{}", "[".repeat(1_000), "]".repeat(1_000));
    vec![
        ("half of the body", raw(half)),
        ("a thousand lists within lists", raw(deep.into_bytes())),
        ("a body that is no UTF-8", raw(b"{\"a\":\"\xff\xfe\"}".to_vec())),
    ]
}

/// Whether a call fails twice.
async fn fails(aim: &Aim<'_>, call: &Call) -> Result<Option<Sent>, WireError> {
    let is_failure =
        |sent: &Sent| sent.answer.status >= 500 && !sent.answer.is_throttle() && sent.answer.status != 501;
    let Some(sent) = aim.send_call(call, String::new()).await?.filter(is_failure) else { return Ok(None) };
    Ok(aim.send_call(call, String::new()).await?.filter(is_failure).map(|_| sent))
}
