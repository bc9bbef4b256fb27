//! Whether answers tell which names have an account (CWE-204, OWASP ASVS 2.2.1).
//!
//! Names that have one and names that have none, two of each, are asked for in turn: the sign-in with a wrong password, and
//! whatever nobody has to sign in for and takes a name (reset, sign-up check). With the name put back, the two of one kind must
//! get the same answer (control) and the two kinds another one: status, place, or words. Twin: a name without an account beside
//! each that has one.
//!
//! Two wrong passwords for each of two accounts are sent, no more.

use gabion_model::outbound::BoxFuture;

use super::session_cookies::without_secrets;
use super::{Attack, Phase, usable};
use crate::call::{Call, Put};
use crate::compare::Profile;
use crate::control::Control;
use crate::field::Field;
use crate::learn;
use crate::login::Try;
use crate::operation::{Operation, Place, Point};
use crate::session::Session;
use crate::verdict::{Exchange, Outcome, Proof, Verdict};
use crate::wire::{Answer, Request, WireError};

pub(super) struct UserEnumeration;

const ID: &str = "user-enumeration";

impl Attack for UserEnumeration {
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

/// A name, what was sent with it, and the answer.
struct Asked {
    name: String,
    request: Request,
    answer: Answer,
}

async fn run(field: &Field) -> Result<(), WireError> {
    let known: Vec<String> = {
        let people = field.people.iter().filter(|person| person.way.is_some());
        people.map(|person| person.user.clone()).take(2).collect()
    };
    let (Some(one), Some(two)) = (known.first(), known.get(1)) else {
        field.not_tested(ID, "it takes two identities that sign in with a password; hint: `[[identities]]`");
        return Ok(());
    };
    let names = [one.clone(), stranger(field, one), two.clone(), stranger(field, two)];
    for operation in &field.operations {
        let Some(point) = name_point(operation) else { continue };
        let mut call = Call::new(&operation.method, &operation.path);
        call.payload = learn::payload(field, operation, 0);
        if point.place == Place::Query {
            call = call.with(&point, &Put::Text(one));
        }
        let mut asked = Vec::new();
        for name in &names {
            let call = call.with(&point, &Put::Text(name));
            if let Some((request, answer)) = usable(field.exchange(0, &call).await)? {
                asked.push(Asked { name: name.clone(), request, answer });
            }
        }
        judge(field, &operation.id(), Some(&point), &asked);
    }
    sign_in(field, &names).await
}

async fn sign_in(field: &Field, names: &[String; 4]) -> Result<(), WireError> {
    let Some(who) = field.people.iter().position(|person| person.way.is_some()) else { return Ok(()) };
    let mut asked = Vec::new();
    for name in names {
        let wrong = format!("{}-Wrong-7", field.canary());
        let one = Try { user: name, password: &wrong, code: "", before: Session::default() };
        let Some(tried) = field.attempt(who, &one).await? else { continue };
        asked.push(Asked {
            name: name.clone(),
            request: without_secrets(&tried.request),
            answer: tried.answer,
        });
    }
    let operation = asked.first().map_or_else(String::new, |asked| {
        format!("{} {}", asked.request.method, asked.request.target.split('?').next().unwrap_or_default())
    });
    judge(field, &operation, None, &asked);
    Ok(())
}

/// A name that nobody has, like another one.
fn stranger(field: &Field, like: &str) -> String {
    let name = field.canary();
    match like.split_once('@') {
        Some((_, domain)) => format!("{name}@{domain}"),
        None => name,
    }
}

/// Where an operation that nobody signs in for takes the name of an account.
fn name_point(operation: &Operation) -> Option<Point> {
    let path = operation.path.to_ascii_lowercase();
    if !PATHS.iter().any(|word| path.contains(word)) || operation.protected == Some(true) {
        return None;
    }
    let fits = |name: &str| {
        let name = name.to_ascii_lowercase();
        NAMES.iter().any(|known| name == *known)
    };
    let query = operation.parameters.iter().find(|own| own.place == Place::Query && fits(&own.name));
    if let Some(parameter) = query {
        return Some(Point::new(Place::Query, &parameter.name));
    }
    let body = operation.body.as_ref()?;
    let members = body.example.as_ref().and_then(|example| example.as_object());
    let declared = body.schema.get("properties").and_then(|all| all.as_object());
    let all: Vec<&String> = members.into_iter().chain(declared).flat_map(|members| members.keys()).collect();
    // With a password it is a sign-in or a sign-up, which would make an account.
    if all.iter().any(|name| name.to_ascii_lowercase().contains("passw")) {
        return None;
    }
    let name = all.into_iter().find(|name| fits(name))?;
    let json = body.media_type.ends_with("json");
    Some(if json { Point::new(Place::Json, &format!("/{name}")) } else { Point::new(Place::Form, name) })
}

const NAMES: &[&str] =
    &["name", "user", "username", "login", "email", "mail", "account", "user_name", "e-mail"];
const PATHS: &[&str] = &[
    "reset",
    "forgot",
    "recover",
    "signup",
    "sign-up",
    "register",
    "check",
    "exists",
    "available",
    "lookup",
    "magic",
];

fn judge(field: &Field, operation: &str, point: Option<&Point>, asked: &[Asked]) {
    let say = |outcome: Outcome| match point {
        Some(point) => field.say(outcome.at(point)),
        None => field.say(outcome),
    };
    let [one, stranger, two, other] = asked else {
        return say(Outcome::new(ID, operation, Verdict::Inconclusive, "it got no answer"));
    };
    if asked.iter().any(|asked| asked.answer.is_throttle()) {
        return say(Outcome::new(ID, operation, Verdict::Inconclusive, "it was asked too often before"));
    }
    if !alike(one, two) || !alike(stranger, other) {
        return say(Outcome::new(
            ID,
            operation,
            Verdict::Inconclusive,
            "names of one kind get different answers",
        ));
    }
    let shown = |asked: &Asked| Exchange::new("anonymous", &asked.request, &asked.answer);
    let control = Control::shown("names of one kind get the same answer", shown(two));
    if alike(one, stranger) && alike(two, other) {
        let says = "names with and without an account get the same";
        return say(Outcome::new(ID, operation, Verdict::Passed, says).control(control));
    }
    let says = format!(
        "names with an account get {}, names without get {}",
        brief(&one.answer),
        brief(&stranger.answer)
    );
    let proof =
        Proof::new(shown(one), says.clone()).twin(shown(stranger)).shown(shown(two)).shown(shown(other));
    say(Outcome::new(ID, operation, Verdict::Proven, says).proof(proof).control(control));
}

/// Whether two answers are the same but for the name.
fn alike(one: &Asked, two: &Asked) -> bool {
    let own = &one.answer;
    let kinds = |answer: &Answer| {
        let mut names: Vec<String> =
            answer.headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
        names.retain(|name| !matches!(name.as_str(), "date" | "content-length" | "age" | "etag"));
        names.sort();
        names
    };
    kinds(own) == kinds(&two.answer)
        && Profile::of(&[own]).is_some_and(|profile| profile.fits(&two.answer, &two.name, &one.name))
}

fn brief(answer: &Answer) -> String {
    let text: String =
        answer.text().split_whitespace().collect::<Vec<_>>().join(" ").chars().take(60).collect();
    if answer.is_html() || text.is_empty() {
        answer.status.to_string()
    } else {
        format!("{} `{text}`", answer.status)
    }
}
