//! Whether names and passwords that things are delivered with sign in (CWE-1392, CWE-798; OWASP ASVS 2.5.4).
//!
//! Ten pairs, no more than three for one name. It is proven when one begins a session that opens what nobody gets without, and
//! the same name with a password made up does not (twin). Pairs of the facts' own identities are left out: those are known.

use gabion_model::outbound::BoxFuture;
use gabion_vault::constant_time_eq;

use super::{Attack, Phase};
use crate::field::Field;
use crate::login::{Tried, Try};
use crate::sacrifice::door;
use crate::session::Session;
use crate::verdict::{Exchange, Outcome, Proof, Verdict};
use crate::wire::WireError;

pub(super) struct DefaultCredentials;

const ID: &str = "default-credentials";

impl Attack for DefaultCredentials {
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

const PAIRS: [(&str, &str); 10] = [
    ("admin", "admin"),
    ("admin", "password"),
    ("admin", "changeme"),
    ("administrator", "administrator"),
    ("root", "root"),
    ("root", "toor"),
    ("test", "test"),
    ("guest", "guest"),
    ("demo", "demo"),
    ("user", "user"),
];

async fn run(field: &Field) -> Result<(), WireError> {
    let Some(who) = field.people.iter().position(|person| person.way.is_some()) else {
        field.not_tested(
            ID,
            "how people sign in is not known; hint: `[[identities]]` with a password, or `[login]`",
        );
        return Ok(());
    };
    // Where people sign in by mail, so do these.
    let domain = field.person(who).user.split_once('@').map(|(_, domain)| domain.to_owned());
    let (mut asked, mut operation) = (0_usize, String::new());
    for (name, password) in PAIRS {
        let user = domain.as_ref().map_or_else(|| name.to_owned(), |domain| format!("{name}@{domain}"));
        let known = field.facts.identities.iter().any(|identity| {
            let same = |own: &str| constant_time_eq(own.as_bytes(), password.as_bytes());
            let own = identity.password.as_ref().is_some_and(|own| same(own.expose()));
            own && identity.user() == user
        });
        if known {
            continue;
        }
        let Some(tried) = attempt(field, who, &user, password).await? else { continue };
        operation = format!(
            "{} {}",
            tried.request.method,
            tried.request.target.split('?').next().unwrap_or_default()
        );
        if tried.answer.is_throttle() {
            field.say(Outcome::new(ID, &operation, Verdict::Inconclusive, "it was asked too often before"));
            return Ok(());
        }
        asked = asked.saturating_add(1);
        let Ok(session) = &tried.session else { continue };
        if !opens(field, session).await? {
            continue;
        }
        let Some(twin) = attempt(field, who, &user, &format!("Wrong-{}-73Q", field.canary())).await? else {
            continue;
        };
        field.hide(session);
        if let Ok(other) = &twin.session
            && opens(field, other).await?
        {
            field.say(Outcome::new(ID, &operation, Verdict::Inconclusive, "any password signs in"));
            return Ok(());
        }
        let says = format!("`{user}` signs in with the password `{password}`");
        let proof = Proof::new(
            Exchange::new("anonymous", &tried.request, &tried.answer),
            "its session opens what nobody gets without; another password does not sign in",
        )
        .twin(Exchange::new("anonymous", &twin.request, &twin.answer));
        field.say(Outcome::new(ID, &operation, Verdict::Proven, says).aspect(name).proof(proof));
        return Ok(());
    }
    let verdict = if asked == 0 { Verdict::Inconclusive } else { Verdict::Passed };
    field.say(Outcome::new(ID, &operation, verdict, format!("none of {asked} usual pairs signs in")));
    Ok(())
}

async fn attempt(field: &Field, who: usize, user: &str, password: &str) -> Result<Option<Tried>, WireError> {
    let one = Try { user, password, code: "", before: Session::default() };
    field.attempt(who, &one).await
}

/// Whether a session is one: it gets what nobody gets without.
async fn opens(field: &Field, session: &Session) -> Result<bool, WireError> {
    let Some(door) = door(field) else { return Ok(true) };
    let Some(answer) = super::usable(field.as_session(session, &door.call.request()).await)? else {
        return Ok(false);
    };
    Ok(answer.status == door.answer.status && !field.is_refusal(&answer))
}
