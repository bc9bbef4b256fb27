//! Whether what answers is what the contract says (CWE-1059, OWASP API9:2023).
//!
//! 1. **Shadow**: an operation that answers somebody with data and stands in no contract. Pages are none: contracts leave them
//!    out. **Twin**: a path beside it that is made up gets another answer.
//! 2. **Zombie**: an operation of the contract that is not there: it gets what the made-up path beside it gets, twice. Where most
//!    of a contract is not there, it is the contract of something else, and nothing is said.
//! 3. **Deprecated**: an operation that the contract says is deprecated, and that answers.
//!
//! Control: at least one operation of the contract answers. A contract is an OpenAPI document.

use gabion_model::Severity;
use gabion_model::outbound::BoxFuture;

use super::{Attack, Phase, usable};
use crate::field::{Field, Known};
use crate::operation::{Operation, Provenance};
use crate::surface::scripts::{filled, is_same};
use crate::surface::{is_ending, is_spared};
use crate::verdict::{Outcome, Proof, Verdict};
use crate::wire::{Answer, Request, WireError};

pub(super) struct Inventory;

const ID: &str = "inventory";
/// Operations that are looked for a second time.
const MOST: usize = 100;

impl Attack for Inventory {
    fn id(&self) -> &'static str {
        ID
    }

    fn phase(&self) -> Phase {
        Phase::Look
    }

    fn run<'a>(&'a self, field: &'a Field) -> BoxFuture<'a, Result<(), WireError>> {
        Box::pin(run(field))
    }
}

fn is_told(operation: &Operation) -> bool {
    operation.sources.contains(&Provenance::Specification)
}

async fn run(field: &Field) -> Result<(), WireError> {
    let told = field.operations.iter().filter(|operation| is_told(operation)).count();
    if told == 0 {
        field.not_tested(
            ID,
            "there is no contract to compare with; hint: `--openapi FILE`, or `target.openapi`",
        );
        return Ok(());
    }
    let works = |known: &&Known| field.operation(known.operation).is_some_and(is_told);
    if !field.known.iter().any(|known| works(&known)) {
        let says = "no operation of the contract answered: it may be of something else";
        field.say(Outcome::new(ID, "", Verdict::Inconclusive, says));
        return Ok(());
    }
    let found =
        shadows(field).await?.saturating_add(deprecated(field)).saturating_add(zombies(field, told).await?);
    if found == 0 {
        let says = format!("what answers is what the contract says: {told} operations");
        field.say(Outcome::new(ID, "", Verdict::Passed, says));
    }
    Ok(())
}

/// What a made-up path beside one gets.
async fn stranger(
    field: &Field,
    who: usize,
    request: &Request,
) -> Result<Option<(Request, Answer)>, WireError> {
    let path = request.target.split('?').next().unwrap_or_default().trim_end_matches('/');
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut beside = Request::new(&request.method, &format!("{folder}/{}", field.canary()));
    beside.headers.clone_from(&request.headers);
    Ok(usable(field.request(who, &beside).await)?.map(|answer| (beside, answer)))
}

async fn shadows(field: &Field) -> Result<usize, WireError> {
    let mut found = 0_usize;
    for known in field.examples() {
        let Some(operation) = field.operation(known.operation) else { continue };
        let kind = known.answer.media_type();
        let data = kind.contains("json") || kind.contains("xml") || kind.contains("csv");
        if is_told(operation)
            || operation.path.contains('#')
            || operation.websocket
            || !data
            || kind.contains("svg")
            || !known.answer.is_success()
        {
            continue;
        }
        let request = known.call.request();
        let Some((beside, answer)) = stranger(field, known.who, &Request::get(&request.target)).await? else {
            continue;
        };
        if is_same(&known.answer, &answer, &request.target) || (answer.is_success() && !answer.is_html()) {
            continue;
        }
        found = found.saturating_add(1);
        let told: Vec<String> =
            operation.sources.iter().map(|one| format!("{one:?}").to_lowercase()).collect();
        let says = format!("it answers and stands in no contract; known by {}", told.join(", "));
        let proof = Proof::new(field.evidence(known.who, &request, &known.answer), "it answers with data")
            .twin(field.evidence(known.who, &beside, &answer));
        let severity = if operation.is_safe() { Severity::Informational } else { Severity::Low };
        field.say(
            Outcome::new(ID, &operation.id(), Verdict::Proven, says)
                .aspect("shadow")
                .severity(severity)
                .proof(proof),
        );
    }
    Ok(found)
}

fn deprecated(field: &Field) -> usize {
    let mut found = 0_usize;
    for known in field.examples() {
        let Some(operation) = field.operation(known.operation).filter(|operation| operation.deprecated)
        else {
            continue;
        };
        found = found.saturating_add(1);
        let says = "the contract says that it is deprecated, and it answers";
        let proof = Proof::new(field.evidence(known.who, &known.call.request(), &known.answer), "it answers");
        field.say(Outcome::new(ID, &operation.id(), Verdict::Proven, says).aspect("deprecated").proof(proof));
    }
    found
}

async fn zombies(field: &Field, told: usize) -> Result<usize, WireError> {
    let mut gone = Vec::new();
    let who = field.signed_in().next().unwrap_or(0);
    for (at, operation) in field.operations.iter().enumerate() {
        let known = field.known_of(at).next().is_some();
        if !is_told(operation) || known || operation.websocket || gone.len() >= MOST {
            continue;
        }
        let path = filled(&operation.path);
        // Of an object that is not there nobody can tell whether its path is.
        if is_ending(&path) || is_spared(field, &path) || operation.path.contains(['{', '#']) {
            continue;
        }
        // What is written was tried while learning, and is not written again.
        let missed = |known: &Known| known.operation == at && matches!(known.answer.status, 404 | 410);
        if !operation.is_safe() && !field.refused.iter().any(missed) {
            continue;
        }
        let tries = if operation.is_safe() { vec!["GET"] } else { vec!["OPTIONS", "GET"] };
        let mut proof = None;
        for method in tries {
            let request = Request::new(method, &path);
            let (one, two) =
                (usable(field.request(who, &request).await)?, usable(field.request(who, &request).await)?);
            let beside = stranger(field, who, &request).await?;
            let (Some(one), Some(two), Some((twin, answer))) = (one, two, beside) else {
                proof = None;
                break;
            };
            let same = |own: &Answer| matches!(own.status, 404 | 410) && is_same(own, &answer, &path);
            if !same(&one) || !same(&two) {
                proof = None;
                break;
            }
            proof = Some(
                Proof::new(field.evidence(who, &request, &one), "it answers as a made-up path does")
                    .twin(field.evidence(who, &twin, &answer)),
            );
        }
        gone.extend(proof.map(|proof| (operation.id(), proof)));
    }
    if gone.len().saturating_mul(2) > told {
        let says = format!(
            "{} of {told} operations of the contract are not there: it may be of something else",
            gone.len()
        );
        field.say(Outcome::new(ID, "", Verdict::Inconclusive, says));
        return Ok(0);
    }
    let found = gone.len();
    for (id, proof) in gone {
        let says = "the contract names it, and it is not there";
        field.say(Outcome::new(ID, &id, Verdict::Firm, says).aspect("zombie").proof(proof));
    }
    Ok(found)
}
