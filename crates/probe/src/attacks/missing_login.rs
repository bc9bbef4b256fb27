//! Whether something is done for people who did not sign in (OWASP API2:2023, CWE-306).
//!
//! 1. What has to be protected: operations whose document declares a login, or whose signed-in answers alone hold a word of
//!    the person who asks.
//! 2. Positive control: a signed-in person gets the answer; and somewhere else in the application nobody is refused, so that
//!    a login means something there.
//! 3. Reads: nobody (anonymous) gets the same answer, twice, on what does not change by itself. Pages that ask to sign in,
//!    public keys, documents of the interface, and files for browsers are for everybody, whatever is declared.
//! 4. Writes: nobody's word shows where the owner's word showed.
//! 5. Negative twin: nobody at a path beside it, or at an operation that refuses.

use gabion_model::outbound::BoxFuture;
use serde_json::Value;

use super::effect::{marked, window};
use super::{Attack, Phase, usable};
use crate::compare::Profile;
use crate::field::{Field, Known};
use crate::learn::works;
use crate::matrix::Access;
use crate::verdict::{Exchange, Outcome, Proof, Verdict};
use crate::wire::{Answer, Request, WireError};

pub(super) struct MissingLogin;

const ID: &str = "missing-login";

impl Attack for MissingLogin {
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
    if field.signed_in().next().is_none() {
        field.not_tested(ID, "nobody is signed in; hint: `[[identities]]`");
        return Ok(());
    }
    let Some(refused) = refusal(field).await? else {
        field.not_tested(ID, "nothing here refuses people who did not sign in");
        return Ok(());
    };
    let mut tested = 0_usize;
    for known in field.examples() {
        let Some(operation) = field.operation(known.operation) else { continue };
        let declared = operation.protected == Some(true);
        if known.who == 0 || !declared {
            continue;
        }
        tested = tested.saturating_add(1);
        if operation.is_safe() {
            read(field, known, &operation.id(), &refused).await?;
        } else {
            write(field, known, &operation.id()).await?;
        }
    }
    if tested == 0 {
        let reason = "no operation is declared to need a login; hint: `security` in the OpenAPI document";
        field.not_tested(ID, reason);
    }
    Ok(())
}

/// An operation that refuses nobody, as it should: the negative twin of all others.
async fn refusal(field: &Field) -> Result<Option<Exchange>, WireError> {
    for known in field.known.iter().filter(|known| known.call.method == "GET" && known.who != 0) {
        let refuses = known.anonymous.as_ref().is_some_and(|answer| field.is_refusal(answer));
        if !refuses {
            continue;
        }
        if let Some((request, answer)) = usable(field.exchange(0, &known.call).await)?
            && field.is_refusal(&answer)
        {
            return Ok(Some(field.evidence(0, &request, &answer)));
        }
    }
    Ok(None)
}

async fn read(field: &Field, known: &Known, id: &str, refused: &Exchange) -> Result<(), WireError> {
    let say = |verdict, says: &str| field.say(Outcome::new(ID, id, verdict, says));
    // Nobody was refused when it was learnt.
    let refusal = known.anonymous.clone().filter(|answer| field.is_refusal(answer) && !answer.is_throttle());
    let answer = match refusal {
        Some(answer) => Some(answer),
        None => usable(field.call(0, &known.call).await)?,
    };
    let Some(answer) = answer else {
        say(Verdict::Inconclusive, "nobody got no answer");
        return Ok(());
    };
    if !works(field, &answer) {
        field.saw(id, 0, Access::Denied, format!("refused with {}", answer.status));
        say(Verdict::Passed, "nobody is refused");
        return Ok(());
    }
    if is_for_everybody(&answer) {
        say(Verdict::Passed, "what it answers is meant for everybody");
        return Ok(());
    }
    let Some((request, control)) = usable(field.exchange(known.who, &known.call).await)? else {
        say(Verdict::Inconclusive, "its owner got no answer any more");
        return Ok(());
    };
    let again = usable(field.call(0, &known.call).await)?;
    // What it was when it was learned may have grown since; around nobody's requests it has to stand still.
    let later = usable(field.call(known.who, &known.call).await)?;
    let answers: Vec<&Answer> = [Some(&control), later.as_ref()].into_iter().flatten().collect();
    let Some(profile) = Profile::of(&answers).filter(Profile::is_calm) else {
        say(Verdict::Inconclusive, "its owner gets another answer each time");
        return Ok(());
    };
    let same = |answer: &Answer| profile.fits(answer, "", "");
    if !same(&answer) || !again.as_ref().is_some_and(same) {
        say(Verdict::Passed, "nobody gets another answer than people who signed in");
        return Ok(());
    }
    let says = "people who did not sign in get what is declared to need a login";
    field.saw(id, 0, Access::Violation, says);
    let name = &field.person(known.who).name;
    let proof =
        Proof::new(field.evidence(0, &request, &answer), format!("the answer is the one that `{name}` gets"))
            .twin(refused.clone())
            .shown(field.evidence(known.who, &request, &control));
    field.say(Outcome::new(ID, id, Verdict::Proven, says).proof(proof));
    Ok(())
}

/// What nobody needs to sign in for, by what it is.
fn is_for_everybody(answer: &Answer) -> bool {
    let kind = answer.media_type();
    let static_file = ["text/css", "text/javascript", "application/javascript"].contains(&kind.as_str())
        || kind.starts_with("image/")
        || kind.starts_with("font/");
    if static_file || answer.body.is_empty() {
        return true;
    }
    if answer.is_html() {
        let page = crate::surface::html::read(&answer.text());
        return page.forms.iter().any(|form| form.fields.iter().any(|field| field.kind == "password"));
    }
    let Some(body) = answer.json() else { return answer.has("openapi:") || answer.has("swagger:") };
    let keys = body.get("keys").and_then(Value::as_array);
    let public = |key: &Value| key.get("kty").is_some() && key.get("d").is_none() && key.get("k").is_none();
    // An object that says no more than that all is well.
    let tells_little = body.as_object().is_some_and(|members| {
        members.len() <= 2
            && members
                .keys()
                .all(|name| matches!(name.as_str(), "status" | "ok" | "version" | "healthy" | "message"))
    });
    body.get("openapi").is_some()
        || body.get("swagger").is_some()
        || body.get("issuer").is_some()
        || keys.is_some_and(|keys| keys.iter().all(public))
        || tells_little
        || body.as_array().is_some_and(Vec::is_empty)
}

async fn write(field: &Field, known: &Known, id: &str) -> Result<(), WireError> {
    let say = |verdict, says: &str| field.say(Outcome::new(ID, id, verdict, says));
    let (first, word) = (field.canary(), field.canary());
    let (Some(own), Some(foreign)) = (marked(&known.call, &first), marked(&known.call, &word)) else {
        say(Verdict::NotTested, "nothing that it takes could be recognised later");
        return Ok(());
    };
    let Some((own_request, own_answer)) = usable(field.exchange(known.who, &own).await)? else {
        return Ok(());
    };
    let Some(window) = window(field, known.who, &own, &own_answer, &first).await? else {
        say(Verdict::NotTested, "nothing shows what it writes");
        return Ok(());
    };
    let Some((request, answer)) = usable(field.exchange(0, &foreign).await)? else { return Ok(()) };
    let mut seen = window.shows(field, &word).await?;
    if seen.is_none() && works(field, &answer) {
        // What nobody made stands under an id of its own.
        if let Some(other) = super::effect::window(field, known.who, &foreign, &answer, &word).await? {
            seen = other.look(field).await?;
        }
    }
    let Some((seen_request, seen)) = seen else {
        field.saw(id, 0, Access::Denied, format!("their write, answered {}, has no effect", answer.status));
        say(Verdict::Passed, "what nobody writes has no effect");
        return Ok(());
    };
    let says = "what people write who did not sign in takes effect";
    field.saw(id, 0, Access::Violation, says);
    // A word that was never sent does not show.
    let never = field.canary();
    if seen.has(&never) {
        return Ok(());
    }
    let control: (Request, Answer) = (own_request, own_answer);
    let proof = Proof::new(field.evidence(0, &request, &answer), format!("`{word}` shows where it is read"))
        .shown(field.evidence(window.who, &seen_request, &seen))
        .twin(field.evidence(known.who, &control.0, &control.1));
    field.say(Outcome::new(ID, id, Verdict::Proven, says).proof(proof));
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn answer(kind: &str, body: &str) -> Answer {
        let headers = vec![("Content-Type".to_owned(), kind.to_owned())];
        let body = body.as_bytes().to_vec();
        Answer { status: 200, headers, body, cut: false, elapsed: Duration::ZERO }
    }

    #[test]
    fn what_is_for_everybody_is_told_from_what_is_not() {
        for (kind, body) in [
            ("application/json", r#"{"keys":[{"kty":"EC","x":"a"}]}"#),
            ("application/json", r#"{"status":"ok"}"#),
            ("application/json", r#"{"openapi":"3.1.0","paths":{}}"#),
            ("text/html", "<form><input type=password name=p></form>"),
            ("text/css", "a{}"),
        ] {
            assert!(is_for_everybody(&answer(kind, body)), "{body}");
        }
        for (kind, body) in [
            ("application/json", r#"{"keys":[{"kty":"oct","k":"secret"}]}"#),
            ("application/json", r#"{"address":"10.0.0.7"}"#),
            ("text/csv", "ann,ann@example.com"),
            ("text/html", "<h1>Orders</h1>"),
        ] {
            assert!(!is_for_everybody(&answer(kind, body)), "{body}");
        }
    }
}
