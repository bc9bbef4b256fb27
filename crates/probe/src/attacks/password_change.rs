//! Whether somebody sets a password who must not: without the old one, or somebody else's (CWE-620, CWE-639; OWASP ASVS 2.1.6).
//!
//! All of it on accounts that the probe made. What counts is who signs in afterwards, never what was answered.
//!
//! 1. Control: A sets a new password with the right old one. It is good when A then signs in with the new one, and not with the
//!    old one.
//! 2. `old-password`: A's session sets one with a wrong old password, and without any. It is proven when the new one signs in.
//!    Twin: the control.
//! 3. `other`: B sets A's password, by A's name or id in the path or the body. It is proven when B's choice signs in as A. Twin:
//!    B sets B's own the same way.
//! 4. `sessions`: A is signed in twice and sets a password in one of the sessions. It is proven when the other one still opens what
//!    it opened before.

use gabion_model::Severity;
use gabion_model::outbound::BoxFuture;

use super::{Attack, Phase, usable};
use crate::account::{Meaning, Step, Values, draft, meanings};
use crate::call::Call;
use crate::field::Field;
use crate::operation::Operation;
use crate::sacrifice::{Sacrifice, SignIn, make, strong, submit};
use crate::session::Session;
use crate::verdict::{Exchange, Outcome, Proof, Verdict};
use crate::wire::{Answer, Request, WireError};

pub(super) struct PasswordChange;

const ID: &str = "password-change";

impl Attack for PasswordChange {
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

/// Operations of one run that are looked at.
const MOST: usize = 3;

async fn run(field: &Field) -> Result<(), WireError> {
    let steps = steps(field);
    if steps.is_empty() {
        field.not_tested(ID, "nothing looks like setting a password; hint: `[accounts.change]`");
        return Ok(());
    }
    for step in steps.into_iter().take(MOST) {
        let (one, two) = match (make(field).await?, make(field).await?) {
            (Ok(one), Ok(two)) => (one, two),
            (Err(reason), _) | (_, Err(reason)) => {
                field.say(Outcome::new(ID, &step.id(), Verdict::NotTested, reason));
                return Ok(());
            }
        };
        attack(field, &step, one, two).await?;
    }
    Ok(())
}

/// Requests that set a password.
fn steps(field: &Field) -> Vec<Step> {
    if let Some(template) = &field.facts.accounts.change {
        return vec![Step::Declared(template.clone())];
    }
    let writes = |operation: &&Operation| matches!(operation.method.as_str(), "POST" | "PUT" | "PATCH");
    let mut found: Vec<(usize, Step)> = Vec::new();
    for operation in field.operations.iter().filter(writes) {
        let call = draft(field, operation);
        if let Some(rank) = rank(operation, &meanings(&call)) {
            found.push((rank, Step::Found(call)));
        }
    }
    found.sort_by_key(|(rank, _)| *rank);
    found.into_iter().map(|(_, step)| step).collect()
}

fn rank(operation: &Operation, meanings: &[Meaning]) -> Option<usize> {
    let has = |meaning| meanings.contains(&meaning);
    let path = operation.path.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| path.contains(word));
    if has(Meaning::Token) || says(&["reset", "forgot", "recover", "login", "register", "signup", "sign-up"])
    {
        return None;
    }
    match () {
        () if has(Meaning::Old) || has(Meaning::New) && has(Meaning::Password) => Some(0),
        () if says(&["passw", "pwd"]) && (has(Meaning::New) || has(Meaning::Password)) => Some(1),
        () => None,
    }
}

/// The account under attack as it stands, and the id that the operation knows it by.
struct State<'a> {
    field: &'a Field,
    step: &'a Step,
    operation: String,
    one: Sacrifice,
    id: String,
}

impl State<'_> {
    fn say(&self, verdict: Verdict, aspect: &str, says: impl Into<String>) {
        self.field.say(Outcome::new(ID, &self.operation, verdict, says).aspect(aspect));
    }

    /// Sends a call in a session of that account's owner.
    async fn send(&self, session: &Session, call: &Call) -> Result<Option<(Request, Answer)>, WireError> {
        usable(submit(self.field, &mut session.clone(), call).await)
    }

    /// Whether a password signs it in; nothing where that cannot be told.
    async fn signs_in(&self, password: &str) -> Result<Option<(Session, Exchange)>, WireError> {
        Ok(match self.one.sign_in(self.field, password).await? {
            SignIn::In { session, request, answer } => Some((session, self.one.evidence(&request, &answer))),
            SignIn::Refused { .. } | SignIn::Unknown => None,
        })
    }
}

async fn attack(field: &Field, step: &Step, one: Sacrifice, two: Sacrifice) -> Result<(), WireError> {
    let operation = step.id();
    let mut state = State { field, step, operation, one, id: String::new() };
    // Other sessions end with the control, or do not.
    let beside = match state.one.sign_in(field, &state.one.password.clone()).await? {
        SignIn::In { session, .. } => Some(session),
        _ => None,
    };
    let Some(control) = control(&mut state).await? else {
        state.say(Verdict::Inconclusive, "", "no password could be set by its owner, with the right old one");
        return Ok(());
    };
    sessions(&state, beside, &control).await?;
    old_password(&mut state, &control).await?;
    other(&state, two, &control).await
}

/// The owner sets a password as it is meant. What was sent is the twin of everything else.
async fn control(state: &mut State<'_>) -> Result<Option<Exchange>, WireError> {
    let field = state.field;
    let ids = if state.step.has(Meaning::Id) { state.one.ids(field).await? } else { Vec::new() };
    let mut tries = vec![String::new()];
    if state.step.has(Meaning::Id) {
        tries = ids;
        tries.push(state.one.user.clone());
    }
    for id in tries {
        let new = strong(field);
        let call = state.step.call(&state.one.values(&id, &new));
        let Some((request, answer)) = state.send(&state.one.session, &call).await? else { continue };
        let Some((session, _)) = state.signs_in(&new).await? else { continue };
        if state.signs_in(&state.one.password).await?.is_some() {
            // It signs in with both: nothing that signs in later would show anything.
            return Ok(None);
        }
        let shown = state.one.evidence(&request, &answer);
        state.one.password = new;
        state.one.session = session;
        state.id = id;
        return Ok(Some(shown));
    }
    Ok(None)
}

async fn old_password(state: &mut State<'_>, control: &Exchange) -> Result<(), WireError> {
    let (field, step) = (state.field, state.step);
    let new = strong(field);
    let wrong = format!("Wrong-{}-73Q", field.canary());
    let values = Values { password: &wrong, ..state.one.values(&state.id, &new) };
    let declared = step.has(Meaning::Old) || matches!(step, Step::Declared(template) if is_asked(template));
    let mut tries: Vec<(&str, Call)> = Vec::new();
    if declared {
        tries.push(("with a wrong old password", step.call(&values)));
        for gone in [Meaning::Old, Meaning::Password] {
            if let Some(call) = step.without(gone, &values).filter(|_| gone == Meaning::Old || !is_last(step))
            {
                tries.push(("without the old password", call));
                break;
            }
        }
    } else {
        tries.push(("without the old password, which is not asked for", step.call(&values)));
    }
    for (how, call) in tries {
        let Some((request, answer)) = state.send(&state.one.session, &call).await? else { continue };
        let Some((session, signed_in)) = state.signs_in(&new).await? else { continue };
        let says = format!("a session alone sets another password {how}");
        let proof = Proof::new(state.one.evidence(&request, &answer), "the new password signs in afterwards")
            .twin(control.clone())
            .shown(signed_in);
        let outcome = Outcome::new(ID, &state.operation, Verdict::Proven, says)
            .aspect("old-password")
            .severity(Severity::Medium);
        field.say(outcome.proof(proof));
        state.one.password = new;
        state.one.session = session;
        return Ok(());
    }
    let password = state.one.password.clone();
    match state.signs_in(&password).await? {
        Some((session, _)) => {
            state.one.session = session;
            state.say(Verdict::Passed, "old-password", "another password takes the right old one");
        }
        None => state.say(Verdict::Inconclusive, "old-password", "its owner cannot sign in any more"),
    }
    Ok(())
}

/// Whether a declared request has both passwords in it.
fn is_asked(template: &crate::facts::Template) -> bool {
    let body = template.json.as_ref().map(ToString::to_string).unwrap_or_default();
    let has = |word: &str| body.contains(word) || template.form.values().any(|value| value.contains(word));
    has("{password}") && has("{new}")
}

/// Whether the field called `password` is the only one there is: then it is the new one.
fn is_last(step: &Step) -> bool {
    !step.has(Meaning::New)
}

async fn other(state: &State<'_>, two: Sacrifice, control: &Exchange) -> Result<(), WireError> {
    let (field, step) = (state.field, state.step);
    let names = [Meaning::Id, Meaning::User, Meaning::Mail].into_iter().any(|meaning| step.has(meaning));
    let declared = matches!(step, Step::Declared(template) if {
        let whole = format!("{} {:?} {:?}", template.operation, template.form, template.json);
        ["{user}", "{email}", "{id}"].iter().any(|place| whole.contains(place))
    });
    if !names && !declared {
        state.say(Verdict::Passed, "other", "whose password it is, is not taken from the request");
        return Ok(());
    }
    // The twin first: B may set B's own.
    let mut thief = two;
    let (mut own, mut twin) = (String::new(), None);
    let mut tries = if step.has(Meaning::Id) { thief.ids(field).await? } else { Vec::new() };
    tries.push(thief.user.clone());
    for id in tries {
        let new = strong(field);
        let call = step.call(&thief.values(&id, &new));
        let Some((request, answer)) = state.send(&thief.session, &call).await? else { continue };
        if let SignIn::In { session, .. } = thief.sign_in(field, &new).await? {
            twin = Some(thief.evidence(&request, &answer));
            thief.password = new;
            thief.session = session;
            own = id;
            break;
        }
    }
    let Some(twin) = twin else {
        state.say(Verdict::Inconclusive, "other", "a second account cannot set its own password");
        return Ok(());
    };
    let victim = &state.one;
    // The thief's own old password, and where one is asked for none that anybody knows.
    for password in [thief.password.clone(), format!("Wrong-{}-73Q", field.canary())] {
        let new = strong(field);
        let values = Values { password: &password, ..victim.values(&state.id, &new) };
        let Some((request, answer)) = state.send(&thief.session, &step.call(&values)).await? else {
            continue;
        };
        let Some((_, signed_in)) = state.signs_in(&new).await? else { continue };
        let says = "an account sets the password of another one, by its name or id";
        let evidence = format!("what `{}` chose signs in as `{}`", thief.user, victim.user);
        let mut proof = Proof::new(thief.evidence(&request, &answer), evidence).twin(twin).shown(signed_in);
        proof.shown.push(control.clone());
        field.say(
            Outcome::new(ID, &state.operation, Verdict::Proven, says)
                .aspect("other")
                .severity(Severity::Critical)
                .proof(proof),
        );
        return Ok(());
    }
    let holds = state.signs_in(&victim.password).await?.is_some();
    let own = if own.is_empty() { thief.user.as_str() } else { own.as_str() };
    if holds {
        state.say(Verdict::Passed, "other", format!("`{own}` does not set the password of somebody else"));
    } else {
        state.say(Verdict::Inconclusive, "other", "the other account cannot sign in any more");
    }
    Ok(())
}

async fn sessions(state: &State<'_>, beside: Option<Session>, control: &Exchange) -> Result<(), WireError> {
    let Some(beside) = beside else { return Ok(()) };
    let field = state.field;
    let aspect = "sessions";
    let (old, new) =
        (state.one.opens(field, &beside).await?, state.one.opens(field, &state.one.session).await?);
    match (old, new) {
        (Some(false), Some(true)) => {
            state.say(Verdict::Passed, aspect, "sessions of before end with the password");
        }
        (Some(true), Some(true)) => {
            let Some((request, answer)) = state.one.at_door(field, &beside).await? else { return Ok(()) };
            let stranger = Session::default();
            let Some((twin, refused)) = state.one.at_door(field, &stranger).await? else { return Ok(()) };
            let says = "a session goes on after its owner set another password";
            let proof = Proof::new(
                state.one.evidence(&request, &answer),
                "a session that began before opens what it opened before",
            )
            .twin(Exchange::new("anonymous", &twin, &refused))
            .shown(control.clone());
            field.say(
                Outcome::new(ID, &state.operation, Verdict::Proven, says)
                    .aspect(aspect)
                    .severity(Severity::Medium)
                    .proof(proof),
            );
        }
        (None, _) | (_, None) => {
            state.say(Verdict::NotTested, aspect, "nothing is known that only people get who signed in");
        }
        _ => state.say(Verdict::Inconclusive, aspect, "the new session opens nothing"),
    }
    Ok(())
}
