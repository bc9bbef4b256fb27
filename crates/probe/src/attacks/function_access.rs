//! Whether somebody does what only a higher role should (OWASP API5:2023, CWE-285).
//!
//! Expected is what the policy of the facts says. Where it says nothing: a path with the word of a higher role in it
//! (`/api/admin/…`) is for that role, unless a page shown to the lower role links to it; and a page that only the higher role's
//! pages link to is for that role, which is a hint and no more.
//!
//! 1. Positive control: the higher role's request works.
//! 2. Reads: the lower role gets the same kind of answer, twice, and nobody (anonymous) does not: that is another test's.
//! 3. Writes: the higher role writes a new word, and the place where it shows is found. The lower role writes another word. It
//!    is proven when that word shows in the same place.
//! 4. Negative twin: the lower role at a path that is not there; for writes, nobody's word does not show.
//!
//! On the way everybody is asked every read that takes no id: that fills the matrix.

use std::collections::BTreeSet;

use gabion_model::outbound::BoxFuture;

use super::effect::{marked, window};
use super::{Attack, Phase, usable};
use crate::call::Call;
use crate::field::{Field, Known};
use crate::learn::{candidates, works};
use crate::matrix::Access;
use crate::operation::Operation;
use crate::standing::{Standing, standing, standing_of_path};
use crate::surface::{is_ending, is_spared, templated};
use crate::verdict::{Outcome, Proof, Verdict};
use crate::wire::{Answer, Request, WireError};

pub(super) struct FunctionAccess;

const ID: &str = "function-access";

impl Attack for FunctionAccess {
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

/// Why somebody is not meant to call something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    /// The policy of the facts says so.
    Policy,
    /// The path names a higher role.
    Path,
    /// Only a higher role's pages link to it.
    Link,
}

impl Why {
    const fn words(self) -> &'static str {
        match self {
            Self::Policy => "the policy of the facts does not let them",
            Self::Path => "its path is an administrator's",
            Self::Link => "only the pages of a higher role link to it",
        }
    }
}

async fn run(field: &Field) -> Result<(), WireError> {
    let people: Vec<usize> = field.signed_in().collect();
    let highest = people.iter().map(|who| standing(field, *who)).max().unwrap_or(Standing::Nobody);
    let lowest = people.iter().map(|who| standing(field, *who)).min().unwrap_or(Standing::Nobody);
    let steps = highest > lowest || !field.facts.policy.is_empty();
    if people.is_empty() || !steps {
        let reason = "it takes identities of two roles; hint: `role` in `[[identities]]`, and `[[policy]]`";
        field.not_tested(ID, reason);
        return Ok(());
    }
    let mut tested = 0_usize;
    for (at, operation) in field.operations.iter().enumerate() {
        if operation.websocket || is_spared(field, &operation.path) || is_ending(&operation.path) {
            continue;
        }
        let judged: Vec<(usize, Why)> =
            people.iter().filter_map(|who| Some((*who, forbidden(field, operation, *who)?))).collect();
        if operation.is_safe() {
            ask_everybody(field, at, operation, &judged).await?;
        }
        let above = above(field, operation, &judged);
        if judged.is_empty() || above.is_empty() || operation.method == "DELETE" {
            continue;
        }
        tested = tested.saturating_add(1);
        if operation.is_safe() {
            read(field, at, operation, &judged, &above).await?;
        } else {
            write(field, at, operation, &judged, &above).await?;
        }
    }
    if tested == 0 {
        let reason = "no operation is known to be for some roles only; hint: `[[policy]]`";
        field.not_tested(ID, reason);
    }
    Ok(())
}

/// Whether somebody is not meant to call an operation, and why.
fn forbidden(field: &Field, operation: &Operation, who: usize) -> Option<Why> {
    let person = field.person(who);
    if let Some(roles) = field.facts.roles_of(&operation.method, &operation.path) {
        let role = person.role.as_deref().unwrap_or_default();
        let granted = roles.iter().any(|own| own == "*" || own == crate::facts::ANONYMOUS || own == role);
        return (!granted).then_some(Why::Policy);
    }
    let own = standing(field, who);
    // What their own pages show them is meant for them, or at least not hidden from them.
    let shown = |who: usize| {
        let fits = |path: &str| operation.matches(path).is_some() || templated(path) == operation.path;
        field.pages.iter().any(|(reader, path)| *reader == who && fits(path))
    };
    let shown_to_low = field.signed_in().any(|low| standing(field, low) <= own && shown(low)) || shown(0);
    if shown_to_low {
        return None;
    }
    if standing_of_path(&operation.path).is_some_and(|asked| asked > own) {
        return Some(Why::Path);
    }
    let linked = operation.method == "GET" && !operation.path.contains('{');
    let higher = field.signed_in().any(|high| standing(field, high) > own && shown(high));
    (linked && higher).then_some(Why::Link)
}

/// Those who are meant to, the positive control.
fn above(field: &Field, operation: &Operation, judged: &[(usize, Why)]) -> Vec<usize> {
    let low: BTreeSet<usize> = judged.iter().map(|(who, _)| *who).collect();
    let most = low.iter().map(|who| standing(field, *who)).max().unwrap_or(Standing::Nobody);
    let policy = field.facts.roles_of(&operation.method, &operation.path).is_some();
    let fits = |who: &usize| !low.contains(who) && (policy || standing(field, *who) > most);
    field.signed_in().filter(fits).collect()
}

/// Sends a read that takes no id as everybody it was not asked as, for the matrix.
async fn ask_everybody(
    field: &Field,
    at: usize,
    operation: &Operation,
    judged: &[(usize, Why)],
) -> Result<(), WireError> {
    let Some(example) = field.known_of(at).find(|known| known.call.path.is_empty()) else { return Ok(()) };
    for who in field.signed_in() {
        let known = field.known_of(at).any(|known| known.who == who);
        if known || judged.iter().any(|(other, _)| *other == who) {
            continue;
        }
        let Some(answer) = usable(field.call(who, &example.call).await)? else { continue };
        let (access, words) = if works(field, &answer) {
            (Access::Allowed, "answered")
        } else {
            (Access::Denied, "refused with")
        };
        field.saw(&operation.id(), who, access, format!("{words} {}", answer.status));
    }
    Ok(())
}

/// A request of an operation that works for one of these people: one that is known, or a new one. Where there is none it says so.
async fn control(
    field: &Field,
    at: usize,
    operation: &Operation,
    above: &[usize],
) -> Result<Option<(usize, Call, Request, Answer)>, WireError> {
    let known = field.known_of(at).filter(|known| above.contains(&known.who));
    let mut calls: Vec<(usize, Call)> = known.map(|known| (known.who, known.call.clone())).collect();
    for who in above {
        calls.extend(field.known_of(at).map(|known: &Known| (*who, known.call.clone())));
        if calls.is_empty() {
            calls.extend(candidates(field, operation, *who).into_iter().map(|call| (*who, call)));
        }
    }
    for (who, call) in calls.into_iter().take(3) {
        if let Some((request, answer)) = usable(field.exchange(who, &call).await)?
            && works(field, &answer)
        {
            return Ok(Some((who, call, request, answer)));
        }
    }
    let says = "it does not work for those who may call it either";
    field.say(Outcome::new(ID, &operation.id(), Verdict::Inconclusive, says));
    Ok(None)
}

async fn read(
    field: &Field,
    at: usize,
    operation: &Operation,
    judged: &[(usize, Why)],
    above: &[usize],
) -> Result<(), WireError> {
    let id = operation.id();
    let inconclusive = |says: &str| field.say(Outcome::new(ID, &id, Verdict::Inconclusive, says));
    let Some((high, call, control_request, control)) = control(field, at, operation, above).await? else {
        return Ok(());
    };
    let Some(anonymous) = usable(field.call(0, &call).await)? else { return Ok(()) };
    let noise: Vec<&Answer> = field.missing.iter().chain([&anonymous]).collect();
    if works(field, &anonymous) && is_like(&control, &anonymous, &field.missing.iter().collect::<Vec<_>>()) {
        field.say(Outcome::new(ID, &id, Verdict::NotTested, "everybody may read it"));
        return Ok(());
    }
    for (low, why) in judged {
        let person = field.person(*low);
        let Some((request, answer)) = usable(field.exchange(*low, &call).await)? else { continue };
        let like = |answer: &Answer| works(field, answer) && is_like(&control, answer, &noise);
        if !like(&answer) {
            field.saw(&id, *low, Access::Denied, format!("refused with {}", answer.status));
            let says = format!("`{}` does not get what `{}` gets", person.name, field.person(high).name);
            field.say(Outcome::new(ID, &id, Verdict::Passed, says));
            continue;
        }
        let twin = Request::get(&beside(&call, &field.canary()));
        let Some(twin_answer) = usable(field.request(*low, &twin).await)? else { continue };
        let Some(again) = usable(field.call(*low, &call).await)? else { continue };
        if like(&twin_answer) || !like(&again) {
            inconclusive("a path that is not there gets the same, or the answer changes by itself");
            continue;
        }
        let says = format!("`{}` reads it, and {}", person.name, why.words());
        let verdict = match why {
            Why::Policy | Why::Path => Verdict::Proven,
            Why::Link => Verdict::Tentative,
        };
        if verdict == Verdict::Proven {
            field.saw(&id, *low, Access::Violation, says.as_str());
        }
        let evidence = format!("the answer is of the kind that `{}` gets", field.person(high).name);
        let proof = Proof::new(field.evidence(*low, &request, &answer), evidence)
            .twin(field.evidence(*low, &twin, &twin_answer))
            .shown(field.evidence(high, &control_request, &control));
        field.say(Outcome::new(ID, &id, verdict, says).proof(proof));
    }
    Ok(())
}

/// The path of a call with a word at its end that nothing is called.
fn beside(call: &Call, word: &str) -> String {
    let path = call.path_text();
    format!("{}-{word}", path.trim_end_matches('/'))
}

/// Whether an answer is of the same kind as the control: the words that set the control apart from refusals stand in it too.
/// What belongs to one person or tenant differs, so half of them are enough.
fn is_like(control: &Answer, answer: &Answer, noise: &[&Answer]) -> bool {
    if control.status != answer.status || control.media_type() != answer.media_type() {
        return false;
    }
    let noisy: BTreeSet<String> = noise.iter().flat_map(|answer| words(answer)).collect();
    let own: BTreeSet<String> = words(control).difference(&noisy).cloned().collect();
    let theirs = words(answer);
    let shared = own.iter().filter(|word| theirs.contains(*word)).count();
    !own.is_empty() && shared.saturating_mul(2) >= own.len()
}

fn words(answer: &Answer) -> BTreeSet<String> {
    let text: String = answer.text().chars().take(64 << 10).collect();
    let parts = text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| word.len() > 1);
    parts.map(str::to_owned).collect()
}

async fn write(
    field: &Field,
    at: usize,
    operation: &Operation,
    judged: &[(usize, Why)],
    above: &[usize],
) -> Result<(), WireError> {
    let id = operation.id();
    let Some((high, call, _, _)) = control(field, at, operation, above).await? else {
        return Ok(());
    };
    let first = field.canary();
    let Some(write) = marked(&call, &first) else {
        let reason =
            "nothing that it takes could be recognised later; hint: an example of its body in the document";
        field.say(Outcome::new(ID, &id, Verdict::NotTested, reason));
        return Ok(());
    };
    let Some((request, answer)) = usable(field.exchange(high, &write).await)? else { return Ok(()) };
    let Some(window) = window(field, high, &write, &answer, &first).await? else {
        field.say(Outcome::new(ID, &id, Verdict::NotTested, "nothing shows what it writes"));
        return Ok(());
    };
    let control = field.evidence(high, &request, &answer);
    // The twin: nobody may not either, else it is open to everybody and another test's.
    let nobody = field.canary();
    let Some(write) = marked(&call, &nobody) else { return Ok(()) };
    let Some((twin_request, twin)) = usable(field.exchange(0, &write).await)? else { return Ok(()) };
    if window.shows(field, &nobody).await?.is_some() {
        field.saw(&id, 0, Access::Violation, "writes it without having signed in");
        field.say(Outcome::new(
            ID,
            &id,
            Verdict::NotTested,
            "everybody may write it; hint: see `missing-login`",
        ));
        return Ok(());
    }
    for (low, why) in judged.iter().filter(|(_, why)| *why != Why::Link) {
        let person = field.person(*low);
        let word = field.canary();
        let Some(write) = marked(&call, &word) else { return Ok(()) };
        let Some((request, answer)) = usable(field.exchange(*low, &write).await)? else { continue };
        let Some((seen_request, seen)) = window.shows(field, &word).await? else {
            field.saw(
                &id,
                *low,
                Access::Denied,
                format!("their write, answered {}, has no effect", answer.status),
            );
            let says = format!("what `{}` writes has no effect", person.name);
            field.say(Outcome::new(ID, &id, Verdict::Passed, says));
            continue;
        };
        let says = format!("what `{}` writes takes effect, and {}", person.name, why.words());
        field.saw(&id, *low, Access::Violation, says.as_str());
        let evidence =
            format!("`{word}`, which `{}` sent, shows at `{}`", person.name, window.call.path_text());
        let mut proof = Proof::new(field.evidence(*low, &request, &answer), evidence)
            .twin(field.evidence(0, &twin_request, &twin))
            .shown(field.evidence(window.who, &seen_request, &seen));
        proof.shown.push(control.clone());
        field.say(Outcome::new(ID, &id, Verdict::Proven, says).proof(proof));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(body: &str) -> Answer {
        Answer::made(200, &[], body)
    }

    #[test]
    fn the_same_kind_is_told_from_a_polite_refusal() {
        let refusal = answer("Shop Please sign in to go on");
        let control = answer("Shop People of acme name role mail ann bob");
        let noise = [&refusal];
        assert!(is_like(&control, &answer("Shop People of globex name role mail gus"), &noise));
        assert!(!is_like(&control, &answer("Shop You may not see this"), &noise));
        assert!(!is_like(&control, &refusal, &noise));
        assert!(!is_like(&answer("Shop sign"), &answer("Shop sign"), &noise));
        assert_eq!(beside(&Call::new("GET", "/admin/"), "x"), "/admin-x");
    }
}
