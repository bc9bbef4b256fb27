//! Whether the number of sessions that the facts declare for one account (`accounts.sessions`) holds (OWASP ASVS 3.3; CWE-613).
//!
//! Somebody signs in once more than is allowed. Control: the last session opens what only they get. It is proven when all before
//! it still do. Twin: no session, which opens nothing.

use gabion_model::outbound::BoxFuture;

use super::{Attack, Phase};
use crate::field::Field;
use crate::login::Tried;
use crate::session::Session;
use crate::verdict::{Exchange, Outcome, Proof, Verdict};
use crate::wire::WireError;

pub(super) struct SessionConcurrency;

const ID: &str = "session-concurrency";
/// The most that is signed in.
const MOST: u32 = 20;

impl Attack for SessionConcurrency {
    fn id(&self) -> &'static str {
        ID
    }

    fn phase(&self) -> Phase {
        Phase::Sessions
    }

    fn run<'a>(&'a self, field: &'a Field) -> BoxFuture<'a, Result<(), WireError>> {
        Box::pin(run(field))
    }
}

async fn run(field: &Field) -> Result<(), WireError> {
    let Some(allowed) = field.facts.accounts.sessions else {
        field.not_tested(ID, "no number of sessions is declared; hint: `accounts.sessions`");
        return Ok(());
    };
    if allowed > MOST {
        field.not_tested(ID, format!("{allowed} sessions are more than a probe begins: {MOST}"));
        return Ok(());
    }
    let able = field.signed_in().find_map(|who| {
        field.person(who).way.as_ref()?;
        Some((who, field.proof_of(who)?))
    });
    let Some((who, proof)) = able else {
        field.not_tested(ID, "nobody can be signed in twice; hint: `[[identities]]` with passwords");
        return Ok(());
    };
    let mut sessions: Vec<Session> = Vec::new();
    let mut operation = String::new();
    for _ in 0..=allowed {
        let tried = field.sign_in_again(who, Session::default()).await?;
        let Some(Tried { request, session: Ok(session), .. }) = tried else {
            let says = "signing in once more is refused";
            field.say(Outcome::new(ID, &operation, Verdict::Passed, says));
            return Ok(());
        };
        operation = format!("{} {}", request.method, request.target.split('?').next().unwrap_or_default());
        field.hide(&session);
        sessions.push(session);
    }
    let mut open = 0_u32;
    for session in &sessions {
        open = open.saturating_add(u32::from(field.opens(session, proof).await?));
    }
    let last = match sessions.last() {
        Some(last) => field.opens(last, proof).await?,
        None => false,
    };
    let outcome = match (last, sessions.first()) {
        (false, _) | (_, None) => {
            Outcome::new(ID, &operation, Verdict::Inconclusive, "a new session opens nothing")
        }
        (true, Some(first)) if open > allowed => {
            let request = proof.call.request();
            let answer = field.as_session(first, &request).await?;
            let twin = field.wire.send(&request).await?;
            let name = &field.person(who).name;
            let says = format!("{open} sessions of one account are open, and {allowed} are allowed");
            let found =
                Proof::new(Exchange::new(name, &first.apply(&request), &answer), "the first of them is open")
                    .twin(Exchange::new("anonymous", &request, &twin));
            Outcome::new(ID, &operation, Verdict::Proven, says).proof(found)
        }
        _ => {
            Outcome::new(ID, &operation, Verdict::Passed, format!("{open} sessions of one account are open"))
        }
    };
    field.say(outcome);
    // Their own session may be one of those that ended.
    if let Some(last) = sessions.pop() {
        field.person(who).become_known(last);
    }
    Ok(())
}
