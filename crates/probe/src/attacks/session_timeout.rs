//! Whether a session ends when it is left alone for as long as the facts declare (`accounts.idle`), and a token when it says so
//! itself (CWE-613; OWASP ASVS 3.3, RFC 7519 section 4.1.4).
//!
//! `idle`: two sessions begin before the first test, of an account that the probe makes, or of somebody of the facts where none can
//! be made. One is left alone while the other tests run; the other is used now and then. When they are through, what is left of
//! the time is waited for, where the run's own allows it (`limits.time`), and no longer. Then the first is asked once.
//! Proven where it opens what only people get who signed in. Negative twin: no session, which opens nothing. It passed where it
//! opens nothing and the one that was used still does (the positive control): it ended for being idle.
//!
//! `expired`: a token of this run that is past its own end by now (`exp`) is sent once more, beside the session of now, which opens
//! the same (control). Where none has run out in the run's time, that is said.

use std::time::Duration;

use gabion_model::outbound::BoxFuture;
use serde_json::Value;

use super::{Attack, Phase, usable};
use crate::control::Control;
use crate::field::{Field, Known};
use crate::login::Tried;
use crate::sacrifice::{Sacrifice, SignIn, door, make};
use crate::session::Session;
use crate::tokens;
use crate::verdict::{Exchange, Outcome, Proof, Verdict};
use crate::wire::{Answer, Request, WireError};

pub(super) struct SessionTimeout;

pub(crate) const ID: &str = "session-timeout";

impl Attack for SessionTimeout {
    fn id(&self) -> &'static str {
        ID
    }

    fn phase(&self) -> Phase {
        Phase::Last
    }

    fn run<'a>(&'a self, field: &'a Field) -> BoxFuture<'a, Result<(), WireError>> {
        Box::pin(run(field))
    }
}

/// Whose the sessions are.
#[derive(Debug)]
enum Owner {
    Made(Box<Sacrifice>),
    Person(usize),
}

/// Two sessions that began together.
#[derive(Debug)]
pub(crate) struct Resting {
    owner: Owner,
    left: Session,
    used: Session,
    /// When the first was left alone, in seconds.
    since: i64,
    /// When the other one was used last, and the longest time that it was not.
    last: i64,
    longest: i64,
}

/// What is left of a run's time after waiting, at least: for looking once more.
const RESERVE: Duration = Duration::from_secs(20);
/// How much later than declared it is asked, at most: applications clean up now and then.
const LATER: i64 = 5;
/// How long after its end a token is still good for clocks that differ.
const SKEW: i64 = 60;

/// Begins the sessions, where an idle time is declared.
///
/// # Errors
/// When the run is over.
pub(crate) async fn begin(field: &Field) -> Result<(), WireError> {
    if field.facts.accounts.idle.is_none() || door(field).is_none() {
        return Ok(());
    }
    let begun = match make(field).await? {
        Ok(one) => {
            let SignIn::In { session, .. } = one.sign_in(field, &one.password).await? else { return Ok(()) };
            let used = one.session.clone();
            Some((Owner::Made(Box::new(one)), session, used))
        }
        Err(_) => of_person(field).await?,
    };
    let Some((owner, left, used)) = begun else { return Ok(()) };
    field.hide(&left);
    field.hide(&used);
    let now = field.clock.now().as_secs();
    let resting = Resting { owner, left, used, since: now, last: now, longest: 0 };
    field.resting.lock().await.replace(resting);
    Ok(())
}

async fn of_person(field: &Field) -> Result<Option<(Owner, Session, Session)>, WireError> {
    let able = |who: &usize| field.person(*who).way.is_some() && field.proof_of(*who).is_some();
    // Tests of sessions begin with the first.
    let Some(who) = field.signed_in().filter(able).last() else { return Ok(None) };
    let mut begun = Vec::new();
    for _ in 0..2 {
        let Some(Tried { session: Ok(session), .. }) = field.sign_in_again(who, Session::default()).await?
        else {
            return Ok(None);
        };
        begun.push(session);
    }
    Ok(begun.pop().zip(begun.pop()).map(|(left, used)| (Owner::Person(who), left, used)))
}

/// Uses the one of both that is in use, where it was not for a third of the declared time.
///
/// # Errors
/// When the run is over.
pub(crate) async fn tend(field: &Field) -> Result<(), WireError> {
    let mut resting = field.resting.lock().await;
    let (Some(own), Some(idle)) = (resting.as_mut(), idle(field)) else { return Ok(()) };
    let now = field.clock.now().as_secs();
    if now.saturating_sub(own.last).saturating_mul(3) >= idle {
        own.longest = own.longest.max(now.saturating_sub(own.last));
        own.last = now;
        own.opens(field, &own.used).await?;
    }
    Ok(())
}

fn idle(field: &Field) -> Option<i64> {
    i64::try_from(field.facts.accounts.idle?.as_duration().as_secs()).ok()
}

impl Resting {
    fn proof<'a>(&self, field: &'a Field) -> Option<&'a Known> {
        match &self.owner {
            Owner::Made(_) => door(field),
            Owner::Person(who) => field.proof_of(*who),
        }
    }

    fn name<'a>(&'a self, field: &'a Field) -> &'a str {
        match &self.owner {
            Owner::Made(one) => &one.user,
            Owner::Person(who) => &field.person(*who).name,
        }
    }

    /// Whether a session opens what only people get who signed in; nothing where that cannot be told.
    async fn opens(&self, field: &Field, session: &Session) -> Result<Option<bool>, WireError> {
        match (&self.owner, self.proof(field)) {
            (Owner::Made(one), _) => one.opens(field, session).await,
            (Owner::Person(_), Some(proof)) => Ok(usable(field.opens(session, proof).await)?),
            (Owner::Person(_), None) => Ok(None),
        }
    }

    async fn sent(&self, field: &Field, session: &Session) -> Result<Option<(Request, Answer)>, WireError> {
        let Some(proof) = self.proof(field) else { return Ok(None) };
        let request = session.apply(&proof.call.request());
        Ok(usable(field.wire.send(&request).await)?.map(|answer| (request, answer)))
    }
}

async fn run(field: &Field) -> Result<(), WireError> {
    idle_session(field).await?;
    expired(field).await
}

async fn idle_session(field: &Field) -> Result<(), WireError> {
    let Some(declared) = field.facts.accounts.idle else {
        field.not_tested(ID, "no idle time is declared; hint: `accounts.idle = \"15m\"`");
        return Ok(());
    };
    let not_tested =
        |reason: String| field.say(Outcome::new(ID, "", Verdict::NotTested, reason).aspect("idle"));
    if field.resting.lock().await.is_none() {
        not_tested("nobody could be signed in twice for it; hint: `[[identities]]` with passwords, or `[accounts.create]`".to_owned());
        return Ok(());
    }
    let idle = idle(field).unwrap_or(i64::MAX);
    let until = idle.saturating_add((idle / 4).clamp(1, LATER));
    let Some(waited) = wait(field, until).await? else {
        not_tested(format!(
            "an idle time of {declared} is longer than what is left of the run's; hint: `limits.time`"
        ));
        return Ok(());
    };
    let Some(own) = field.resting.lock().await.take() else { return Ok(()) };
    judge(field, &own, &declared.to_string(), idle).await?;
    if waited {
        // Others were left alone meanwhile, too.
        field.keep_alive(true).await?;
    }
    Ok(())
}

/// Waits until the first session was left alone so long, and uses the other meanwhile. Nothing where the run's time does not allow
/// it, else whether there was anything to wait for.
async fn wait(field: &Field, until: i64) -> Result<Option<bool>, WireError> {
    let mut waited = false;
    loop {
        let since = field.resting.lock().await.as_ref().map_or(0, |own| own.since);
        let left = until.saturating_sub(field.clock.now().as_secs().saturating_sub(since));
        if left <= 0 {
            return Ok(Some(waited));
        }
        let left = Duration::from_secs(u64::try_from(left).unwrap_or(0));
        let budget = field.wire.budget().time.saturating_sub(field.wire.elapsed());
        if left.saturating_add(RESERVE.min(budget / 10)) > budget {
            return Ok(None);
        }
        waited = true;
        let step = Duration::from_secs(u64::try_from(until).unwrap_or(0)) / 6;
        tokio::time::sleep(step.clamp(Duration::from_millis(100), Duration::from_secs(1)).min(left)).await;
        tend(field).await?;
    }
}

async fn judge(field: &Field, own: &Resting, declared: &str, idle: i64) -> Result<(), WireError> {
    let operation = own
        .proof(field)
        .and_then(|proof| field.operation(proof.operation))
        .map(|operation| operation.id())
        .unwrap_or_default();
    let outcome = |verdict, says: String| Outcome::new(ID, &operation, verdict, says).aspect("idle");
    let alone = field.clock.now().as_secs().saturating_sub(own.since);
    let Some((request, answer)) = own.sent(field, &own.left).await? else {
        field.say(outcome(Verdict::Inconclusive, "the session that was left alone got no answer".to_owned()));
        return Ok(());
    };
    let open = own.opens(field, &own.left).await?;
    let used = own.opens(field, &own.used).await?;
    match (open, used) {
        (Some(true), _) => {
            let Some((bare, twin)) = own.sent(field, &Session::default()).await? else { return Ok(()) };
            let says =
                format!("a session goes on that was left alone for {alone} seconds; {declared} are declared");
            let shown =
                Proof::new(Exchange::new(own.name(field), &request, &answer), "it opens what only they get")
                    .twin(Exchange::new("anonymous", &bare, &twin))
                    .by_steps();
            field.say(outcome(Verdict::Proven, says).proof(shown));
        }
        (Some(false), Some(true)) => {
            let says = format!(
                "a session that was left alone for {alone} seconds is over, and one that was used goes on"
            );
            let control = match own.sent(field, &own.used).await? {
                Some((request, answer)) => Control::shown(
                    "a session that began with it and was used opens it",
                    Exchange::new(own.name(field), &request, &answer),
                ),
                None => Control::new("a session that began with it and was used opens it"),
            };
            field.say(outcome(Verdict::Passed, says).control(control));
        }
        (Some(false), _) if own.longest >= idle => {
            field.say(outcome(
                Verdict::Inconclusive,
                "both sessions are over, and a test took so long that neither was used in time".to_owned(),
            ));
        }
        (Some(false), _) => {
            field.say(outcome(Verdict::Inconclusive, "both sessions are over, the one that was used as well: by their age, or because another one began".to_owned()));
        }
        (None, _) => field.say(outcome(Verdict::Inconclusive, "it was asked too often".to_owned())),
    }
    Ok(())
}

/// When the tokens of a session end by their own words, the last of them.
fn end_of(session: &Session) -> Option<i64> {
    let claims = tokens::values(session).filter_map(|text| tokens::read(text).map(|(_, claims)| claims));
    claims.filter_map(|claims| claims.get("exp").and_then(Value::as_f64).map(|end| end as i64)).max()
}

async fn expired(field: &Field) -> Result<(), WireError> {
    let now = field.clock.now().as_secs();
    let say = |verdict, says: String| Outcome::new(ID, "", verdict, says).aspect("expired");
    let mut ends = Vec::new();
    for who in field.signed_in().collect::<Vec<_>>() {
        let person = field.person(who);
        let Some(proof) = field.proof_of(who) else { continue };
        let mut all = person.past();
        all.push(person.session());
        for session in all {
            let Some(end) = end_of(&session) else { continue };
            ends.push(end);
            if end.saturating_add(SKEW) >= now {
                continue;
            }
            // Who lost their session meanwhile gets a new one for the control.
            field.keep_alive(true).await?;
            let current = person.session();
            let fresh = field.opens(&current, proof).await?;
            let request = session.apply(&proof.call.request());
            let answer = field.wire.send(&request).await?;
            let operation =
                field.operation(proof.operation).map(|operation| operation.id()).unwrap_or_default();
            let outcome = |verdict, says: &str| Outcome::new(ID, &operation, verdict, says).aspect("expired");
            let shown = Exchange::new(&person.name, &request, &answer);
            if field.opens(&session, proof).await? {
                let bare = proof.call.request();
                let twin = field.wire.send(&bare).await?;
                let says = format!(
                    "a token opens what only they get {} seconds after its own end",
                    now.saturating_sub(end)
                );
                let proof = Proof::new(shown, "`exp` of the token is over")
                    .twin(Exchange::new("anonymous", &bare, &twin))
                    .by_steps();
                field.say(outcome(Verdict::Proven, &says).proof(proof));
            } else if fresh && end_of(&current).is_some_and(|end| end >= now) {
                let control = current.apply(&proof.call.request());
                let answer = field.wire.send(&control).await?;
                let control =
                    Control::shown("a token of now opens it", Exchange::new(&person.name, &control, &answer));
                field.say(
                    outcome(Verdict::Passed, "a token of this run that ran out meanwhile opens nothing")
                        .control(control),
                );
            } else {
                field.say(outcome(
                    Verdict::Inconclusive,
                    "a token that ran out opens nothing, and none of now does",
                ));
            }
            return Ok(());
        }
    }
    if let Some(soonest) = ends.iter().min() {
        let left = soonest.saturating_sub(now).max(0) / 60;
        field.say(say(Verdict::NotTested, format!("no token of this run has run out: the first does in {left} minutes; hint: `tokens.key` makes one that has")));
    }
    Ok(())
}
