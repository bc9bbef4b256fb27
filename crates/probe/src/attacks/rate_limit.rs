//! Whether the limits that the facts declare hold, and whether they can be gone around (CWE-770, OWASP API4:2023).
//!
//! For each `[[throttles]]`:
//! 1. As many requests as are allowed and ten more, one after the other. Where all are answered as the first one, there is no
//!    limit: a finding. Control: the first one succeeds.
//! 2. Where it is limited: five more by each way around it (`forwarded`: another `X-Forwarded-For` each; `slash`: a final slash;
//!    `case`: another case in the path; `doubled`: `//`; `query`: one more parameter; `parallel`: at once). It is a finding when they are answered as the first
//!    one was while the plain request (twin), asked before and after, is still refused.
//!
//! At most 330 requests for one limit; a larger limit is `not tested`.

use gabion_model::outbound::BoxFuture;

use super::{Attack, Phase, usable};
use crate::call::Call;
use crate::facts::{Throttle, operation_of};
use crate::field::Field;
use crate::verdict::{Outcome, Proof, Verdict};
use crate::wire::{Answer, Request, WireError};

pub(super) struct RateLimit;

const ID: &str = "rate-limit";

impl Attack for RateLimit {
    fn id(&self) -> &'static str {
        ID
    }

    fn phase(&self) -> Phase {
        Phase::Limits
    }

    fn run<'a>(&'a self, field: &'a Field) -> BoxFuture<'a, Result<(), WireError>> {
        Box::pin(run(field))
    }
}

/// Requests beyond the limit.
const BEYOND: usize = 10;
const MOST: usize = 320;
/// Requests by each way around.
const AROUND: usize = 5;

async fn run(field: &Field) -> Result<(), WireError> {
    if field.facts.throttles.is_empty() {
        field.not_tested(ID, "no limit is declared; hint: `[[throttles]]`");
    }
    for throttle in &field.facts.throttles {
        attack(field, throttle).await?;
    }
    Ok(())
}

async fn attack(field: &Field, throttle: &Throttle) -> Result<(), WireError> {
    let operation = &throttle.operation;
    let say = |verdict, says: String| field.say(Outcome::new(ID, operation, verdict, says));
    let limit = usize::try_from(throttle.requests).unwrap_or(usize::MAX);
    if limit > MOST {
        say(Verdict::NotTested, format!("{limit} requests are more than a probe sends: {MOST}"));
        return Ok(());
    }
    let Some((who, request)) = request_of(field, operation) else {
        say(Verdict::NotTested, "no request of it is known that works".to_owned());
        return Ok(());
    };
    let mut answers: Vec<Answer> = Vec::new();
    for _ in 0..limit.saturating_add(BEYOND) {
        let Some(answer) = usable(field.request(who, &request).await)? else { continue };
        let refused = answer.is_throttle();
        answers.push(answer);
        if refused {
            break;
        }
    }
    let (Some(first), Some(last)) = (answers.first(), answers.last()) else {
        say(Verdict::Inconclusive, "it got no answer".to_owned());
        return Ok(());
    };
    if first.is_throttle() {
        say(
            Verdict::Inconclusive,
            "its limit was reached before; hint: probe again when it is over".to_owned(),
        );
        return Ok(());
    }
    if !last.is_throttle() {
        let says = format!("{} requests in a row were answered, and {limit} are allowed", answers.len());
        let proof = Proof::new(field.evidence(who, &request, last), says.clone())
            .twin(field.evidence(who, &request, first));
        field.say(Outcome::new(ID, operation, Verdict::Proven, says).proof(proof));
        return Ok(());
    }
    let hint = if last.field("retry-after").is_some() {
        ""
    } else {
        ", without saying for how long (`Retry-After`)"
    };
    say(Verdict::Passed, format!("the request after {} was refused{hint}", answers.len().saturating_sub(1)));
    for (aspect, around) in ways(&request) {
        let Some(before) = usable(field.request(who, &request).await)? else { return Ok(()) };
        let gone = if aspect == "parallel" {
            let session = field.person(who).session();
            let all: Vec<Request> = around.iter().map(|one| session.apply(one)).collect();
            let all = field.wire.together(&all).await?;
            all.into_iter().filter_map(Result::ok).collect::<Vec<_>>()
        } else {
            let mut all = Vec::new();
            for one in &around {
                all.extend(usable(field.request(who, one).await)?);
            }
            all
        };
        let Some(after) = usable(field.request(who, &request).await)? else { return Ok(()) };
        let through = gone.iter().filter(|answer| is_as(first, answer)).count();
        let outcome = if !before.is_throttle() || !after.is_throttle() {
            Outcome::new(ID, operation, Verdict::Inconclusive, "the limit was over before this could be told")
        } else if through == around.len() {
            let says = format!("the limit is gone around: {through} more requests were answered");
            match (around.first(), gone.first()) {
                (Some(sent), Some(answer)) => {
                    let proof = Proof::new(
                        field.evidence(who, sent, answer),
                        "the plain request is refused before and after",
                    )
                    .twin(field.evidence(who, &request, &after));
                    Outcome::new(ID, operation, Verdict::Proven, says).proof(proof)
                }
                _ => continue,
            }
        } else {
            Outcome::new(ID, operation, Verdict::Passed, "the limit holds")
        };
        field.say(outcome.aspect(aspect));
    }
    Ok(())
}

fn is_as(first: &Answer, answer: &Answer) -> bool {
    !answer.is_throttle() && answer.status == first.status && answer.media_type() == first.media_type()
}

/// Who sends which request for a declared operation.
fn request_of(field: &Field, operation: &str) -> Option<(usize, Request)> {
    let known = field.examples().find(|known| {
        let own = field.operation(known.operation);
        own.is_some_and(|own| own.id() == *operation) && known.answer.is_success()
    });
    if let Some(known) = known {
        return Some((known.who, known.call.request()));
    }
    let (method, path) = operation_of(operation)?;
    (method == "GET" && !path.contains('{')).then(|| (0, Call::new(method, path).request()))
}

/// Requests that a limit may not count as the same.
fn ways(request: &Request) -> Vec<(&'static str, Vec<Request>)> {
    let (path, query) =
        request.target.split_once('?').map_or((request.target.as_str(), ""), |(path, query)| (path, query));
    let to = |path: &str| {
        let target = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
        Request { target, ..request.clone() }
    };
    let forwarded = (0..AROUND).map(|at| {
        let address = format!("198.51.100.{}", at.saturating_add(20));
        request
            .clone()
            .with("X-Forwarded-For", &address)
            .with("X-Real-IP", &address)
            .with("Forwarded", &format!("for={address}"))
    });
    let mut all = vec![("forwarded", forwarded.collect::<Vec<_>>())];
    if path.len() > 1 {
        all.push(("slash", vec![to(&format!("{}/", path.trim_end_matches('/'))); AROUND]));
        let upper = path.to_ascii_uppercase();
        if upper != path {
            all.push(("case", vec![to(&upper); AROUND]));
        }
        all.push(("doubled", vec![to(&format!("/{path}")); AROUND]));
    }
    let others = (0..AROUND).map(|at| {
        let sign = if request.target.contains('?') { '&' } else { '?' };
        Request { target: format!("{}{sign}probe={at}", request.target), ..request.clone() }
    });
    all.push(("query", others.collect()));
    all.push(("parallel", vec![request.clone(); AROUND]));
    all
}
