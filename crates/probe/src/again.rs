//! One last look: what was found by a request that changes nothing is asked once more before it is reported.
//!
//! The attack must be answered as it was, and its twin as it was. What is not is `tentative` from then on, and says so: a report
//! holds nothing that cannot be shown again.

use std::collections::{BTreeMap, BTreeSet};

use crate::attacks::usable;
use crate::compare::Profile;
use crate::field::Field;
use crate::verdict::{Exchange, Outcome, Verdict};
use crate::wire::{Answer, Request, WireError, sent_by};

/// Looks at each finding again, in the order in which they were made.
///
/// # Errors
/// When the run is over.
pub(crate) async fn look_again(field: &Field) -> Result<(), WireError> {
    let mut asked = BTreeMap::new();
    let mut twins = BTreeSet::new();
    for outcome in field.outcomes() {
        let Some(proof) = &outcome.proof else { continue };
        if outcome.verdict < Verdict::Firm || proof.by_steps || !proof.attack.request.is_safe() {
            continue;
        }
        let mut same = is_same(field, &mut asked, &proof.attack, &proof.mark).await?;
        // A twin speaks for all that was found in the same way at the same place.
        let place = (outcome.test.clone(), outcome.operation.clone(), outcome.aspect.clone());
        let twin = proof.twin.as_ref().filter(|twin| same && twin.request.is_safe());
        if let Some(twin) = twin.filter(|_| twins.insert(place)) {
            same = is_same(field, &mut asked, twin, &proof.mark).await?;
        }
        if !same {
            let says = format!("{}; asked again at the end, it was not to be seen", outcome.says);
            field.weaken(&Outcome { verdict: Verdict::Tentative, says, ..outcome });
        }
    }
    Ok(())
}

/// The request with what people send along now, where it has what they sent along before: their sessions may have ended since.
fn current(field: &Field, request: &Request) -> Request {
    let mut request = request.clone();
    for person in &field.people {
        let now = person.session();
        for past in person.past() {
            let cookies = past.cookies.iter().zip(now.cookies.iter());
            let headers = past.headers.iter().zip(now.headers.iter());
            for ((name, old), (other, new)) in cookies.chain(headers) {
                let token = |value: &str| value.rsplit(' ').next().unwrap_or_default().to_owned();
                let (old, new) = (token(old), token(new));
                if name != other || old.len() < SHORTEST || old == new {
                    continue;
                }
                request.target = request.target.replace(&old, &new);
                for (_, value) in &mut request.headers {
                    *value = value.replace(&old, &new);
                }
            }
        }
    }
    request
}

/// Shorter values stand anywhere by chance.
const SHORTEST: usize = 8;

/// Whether an exchange goes as it went: with the text that counts or without it, else with the same status and most of the same
/// words.
async fn is_same(
    field: &Field,
    asked: &mut BTreeMap<Vec<u8>, Option<Answer>>,
    exchange: &Exchange,
    mark: &str,
) -> Result<bool, WireError> {
    // One answer does for all findings that the same request shows.
    let request = current(field, &exchange.request);
    let bytes = field.wire.bytes(&request);
    if !asked.contains_key(&bytes) {
        let answer = usable(sent_by(&exchange.who, field.wire.send(&request)).await)?;
        asked.insert(bytes.clone(), answer.map(|answer| field.kept(answer)));
    }
    let Some(answer) = asked.get(&bytes).cloned().flatten() else { return Ok(false) };
    let now = Exchange::new(&exchange.who, &exchange.request, &answer);
    if !mark.is_empty() {
        return Ok(now.answer.contains(mark) == exchange.answer.contains(mark));
    }
    if now.status != exchange.status {
        return Ok(false);
    }
    let before = Answer { body: exchange.answer.clone().into_bytes(), headers: Vec::new(), ..answer.clone() };
    let after = Answer { body: now.answer.into_bytes(), headers: Vec::new(), ..answer };
    let Some(profile) = Profile::of(&[&before]) else { return Ok(false) };
    // Times, nonces and what others wrote meanwhile may differ.
    let most = profile.words().saturating_add(10);
    Ok(profile.distance(&after, "", "").is_some_and(|distance| distance.saturating_mul(2) <= most))
}
