//! Whether passwords can be tried without end (CWE-307, OWASP ASVS 2.2.1, NIST SP 800-63B section 5.2.2).
//!
//! 1. Twenty wrong passwords for one account, one after the other. Where all are judged as the first one was, and the right one
//!    signs in afterwards, nothing is limited: a finding. Control: that right password.
//! 2. Where it is limited, the same with a new address in `X-Forwarded-For` for each try (`forwarded`), from a fresh account: it
//!    is a finding when all are judged again.
//! 3. Where it is limited, whether the limit is for the account or for the address is told by another account's sign-in; no
//!    verdict hangs on it.
//!
//! Further ways around it stand in `login_around.rs`: other spellings of the name, many at once, many names.
//!
//! The account is the last of the facts' identities: its sign-in may be blocked for a while afterwards.

use gabion_model::outbound::BoxFuture;

use super::login_around::{Plain, around};
use super::session_cookies::without_secrets;
use super::{Attack, Phase};
use crate::field::Field;
use crate::login::{Tried, Try};
use crate::session::Session;
use crate::verdict::{Exchange, Outcome, Proof, Verdict};
use crate::wire::WireError;

pub(super) struct LoginRate;

const ID: &str = "login-rate";

impl Attack for LoginRate {
    fn id(&self) -> &'static str {
        ID
    }

    fn phase(&self) -> Phase {
        Phase::Lock
    }

    fn run<'a>(&'a self, field: &'a Field) -> BoxFuture<'a, Result<(), WireError>> {
        Box::pin(run(field))
    }
}

pub(super) const TRIES: usize = 20;

async fn run(field: &Field) -> Result<(), WireError> {
    let people: Vec<usize> = (1..field.people.len()).filter(|who| field.person(*who).way.is_some()).collect();
    let Some(who) = people.last().copied() else {
        field.not_tested(ID, "nobody signed in with a password; hint: `[[identities]]`");
        return Ok(());
    };
    let plain = tries(field, who, false).await?;
    let Some(first) = plain.first() else {
        field.not_tested(ID, "signing in could not be tried");
        return Ok(());
    };
    let operation =
        format!("{} {}", first.request.method, first.request.target.split('?').next().unwrap_or_default());
    let judged = judged(&plain);
    let person = &field.person(who).name;
    if judged == TRIES {
        let right = field.sign_in_again(who, Session::default()).await?;
        let Some(right) = right.filter(|right| right.session.is_ok()) else {
            let says = "all wrong passwords were answered alike, and the right one is refused now: the limit is not told";
            field.say(Outcome::new(ID, &operation, Verdict::Passed, says));
            return Ok(());
        };
        let says =
            format!("{TRIES} wrong passwords in a row were judged, and the right one signed in after them");
        let proof =
            Proof::new(shown(person, first), format!("each of {TRIES} was answered {}", first.answer.status))
                .shown(shown(person, &right));
        let proof = match plain.last() {
            Some(last) => proof.twin(shown(person, last)),
            None => proof,
        };
        field.say(Outcome::new(ID, &operation, Verdict::Proven, says).proof(proof));
        return Ok(());
    }
    let says = format!("after {judged} wrong passwords no more were judged");
    field.say(Outcome::new(ID, &operation, Verdict::Passed, says));
    let Some(other) = people.iter().rev().nth(1).copied() else { return Ok(()) };
    let forwarded = tries(field, other, true).await?;
    let count = self::judged(&forwarded);
    let (verdict, says) = match forwarded.first() {
        Some(first)
            if count == TRIES
                && first.answer.status == plain.first().map_or(0, |plain| plain.answer.status) =>
        {
            (
                Verdict::Proven,
                format!("with another `X-Forwarded-For` each time, all {TRIES} wrong passwords were judged"),
            )
        }
        Some(_) => (
            Verdict::Passed,
            format!("another `X-Forwarded-For` each time changes nothing: {count} were judged"),
        ),
        None => (Verdict::Inconclusive, "it got no answer".to_owned()),
    };
    let outcome = Outcome::new(ID, &operation, verdict, says).aspect("forwarded");
    field.say(match (verdict, forwarded.first(), plain.last()) {
        (Verdict::Proven, Some(attack), Some(twin)) => {
            let person = &field.person(other).name;
            let evidence = "the twin without the header was refused";
            outcome.proof(Proof::new(shown(person, attack), evidence).twin(shown(person, twin)))
        }
        _ => outcome,
    });
    let Some(refused) = plain.last() else { return Ok(()) };
    let asked = [&field.person(who).name, &field.person(other).name];
    let left = field.facts.identities.iter().filter(|identity| !asked.contains(&&identity.name));
    let left = left.filter_map(|identity| {
        Some((identity.user().to_owned(), identity.password.as_ref()?.expose().to_owned()))
    });
    let left = left.collect();
    around(field, Plain { id: ID, operation: &operation, who, judged, refused, left }).await
}

pub(super) fn shown(person: &str, tried: &Tried) -> Exchange {
    Exchange::new(person, &without_secrets(&tried.request), &tried.answer)
}

/// Wrong passwords, one after the other, until one is not judged any more.
async fn tries(field: &Field, who: usize, forwarded: bool) -> Result<Vec<Tried>, WireError> {
    let mut all: Vec<Tried> = Vec::new();
    for at in 0..TRIES {
        let wrong = format!("{}-Wrong-{at}", field.canary());
        let mut before = Session::default();
        if forwarded {
            let address = format!("198.51.100.{}", at.saturating_add(10));
            before.headers.push(("X-Forwarded-For".to_owned(), address));
        }
        let one = Try { user: &field.person(who).user, password: &wrong, code: "", before };
        let Some(tried) = field.attempt(who, &one).await? else { break };
        let other = all.first().is_some_and(|first| !is_alike(first, &tried));
        let over = other || tried.answer.is_throttle();
        all.push(tried);
        if over {
            break;
        }
    }
    Ok(all)
}

/// How many were judged as the first one was.
fn judged(all: &[Tried]) -> usize {
    let Some(first) = all.first() else { return 0 };
    all.iter().take_while(|tried| is_alike(first, tried) && !tried.answer.is_throttle()).count()
}

pub(super) fn is_alike(first: &Tried, other: &Tried) -> bool {
    first.answer.status == other.answer.status
        && first.answer.field("retry-after").is_some() == other.answer.field("retry-after").is_some()
        && first.answer.body.len().abs_diff(other.answer.body.len()) <= 40
}
