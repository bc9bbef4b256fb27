//! Whether signing out ends the session on the server (OWASP ASVS 3.3.1, CWE-613).
//!
//! 1. Somebody signs in once more; the new session opens what only they get. That is the control.
//! 2. It signs out, by the operation or the form that says so.
//! 3. The same cookies and header fields are sent again. It is a finding when they still open it.
//! 4. Twin: their other session still works, so that it was not the application that stopped answering.

use gabion_model::outbound::BoxFuture;

use super::{Attack, Phase, usable};
use crate::call::Call;
use crate::control::Control;
use crate::field::Field;
use crate::login::Tried;
use crate::operation::Operation;
use crate::session::Session;
use crate::verdict::{Exchange, Outcome, Proof, Verdict};
use crate::wire::WireError;

pub(super) struct SessionEnd;

const ID: &str = "session-end";

impl Attack for SessionEnd {
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

const WORDS: &[&str] = &["logout", "log-out", "signout", "sign-out", "logoff", "sign_out"];

fn signs_out(operation: &&Operation) -> bool {
    let path = operation.path.to_ascii_lowercase();
    WORDS.iter().any(|word| path.contains(word)) && !path.contains('{')
}

async fn run(field: &Field) -> Result<(), WireError> {
    let mut ways: Vec<&Operation> = field.operations.iter().filter(signs_out).collect();
    ways.sort_by_key(|operation| operation.method != "POST");
    let Some(way) = ways.first() else {
        field.not_tested(ID, "nothing is called like signing out");
        return Ok(());
    };
    let operation = way.id();
    for who in field.signed_in() {
        let Some(proof) = field.proof_of(who) else { continue };
        let Some(Tried { session: Ok(session), .. }) = field.sign_in_again(who, Session::default()).await?
        else {
            continue;
        };
        if session == field.person(who).session() {
            continue;
        }
        let control = Control::shown(
            "a new session opened what this one does, which nobody gets",
            field.evidence(who, &proof.call.request(), &proof.answer),
        );
        let say = |verdict, says: &str| {
            field.say(Outcome::new(ID, &operation, verdict, says).control(control.clone()));
        };
        if !field.opens(&session, proof).await? {
            say(Verdict::Inconclusive, "a new session did not open what the first one does");
            return Ok(());
        }
        let mut leave = Call::new(&way.method, &way.path);
        leave.payload = crate::learn::payload(field, way, who);
        let Some(left) = usable(field.as_session(&session, &leave.request()).await)? else {
            say(Verdict::Inconclusive, "signing out got no answer");
            return Ok(());
        };
        if left.status >= 400 {
            say(Verdict::Inconclusive, "signing out was refused");
            return Ok(());
        }
        let request = proof.call.request();
        let after = field.as_session(&session, &request).await?;
        if !field.opens(&session, proof).await? {
            if field.opens(&field.person(who).session(), proof).await? {
                say(
                    Verdict::Passed,
                    "what was sent before is refused afterwards, and another session goes on",
                );
            } else {
                say(Verdict::Passed, "what was sent before is refused afterwards; all sessions ended");
                if let Some(Tried { session: Ok(session), .. }) =
                    field.sign_in_again(who, Session::default()).await?
                {
                    field.person(who).become_known(session);
                }
            }
            return Ok(());
        }
        let name = &field.person(who).name;
        let says = "a session goes on after it was signed out";
        let proof = Proof::new(
            Exchange::new(name, &session.apply(&request), &after),
            "the answer is that of somebody signed in",
        )
        .shown(Exchange::new(name, &session.apply(&leave.request()), &left));
        field.say(Outcome::new(ID, &operation, Verdict::Proven, says).proof(proof).control(control));
        return Ok(());
    }
    field.not_tested(ID, "nobody can be signed in twice; hint: `[[identities]]` with passwords");
    Ok(())
}
