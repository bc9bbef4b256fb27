//! Whether what signs somebody in stands in addresses, or is taken from there (CWE-598, CWE-384; RFC 6750 section 5.3, RFC 9700
//! section 2.4). Addresses are kept in histories and logs, and go to other sites as `Referer`.
//!
//! For somebody who signed in, by what only they get (control: their session opens it, and nobody does not):
//! 1. `taken`: without cookie and header field, the same value in the query (under the name of the cookie, or as `access_token`,
//!    `token`, `jwt`) or behind a `;` in the path opens it, twice. Negative twin: another value of the same letters does not.
//! 2. `given`: an answer leads to an address with the value in it (`Location`), or a page links to one.
//! 3. `password`: the request that signs in has the password in its address.

use std::collections::BTreeSet;

use gabion_model::Severity;
use gabion_model::outbound::BoxFuture;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::{Attack, Phase, usable};
use crate::field::{Field, Known};
use crate::session::Session;
use crate::surface::html;
use crate::tokens;
use crate::verdict::{Exchange, Outcome, Proof, Verdict};
use crate::wire::{Answer, Request, WireError};

pub(super) struct SessionInAddress;

const ID: &str = "session-in-address";

impl Attack for SessionInAddress {
    fn id(&self) -> &'static str {
        ID
    }

    fn phase(&self) -> Phase {
        Phase::Read
    }

    fn run<'a>(&'a self, field: &'a Field) -> BoxFuture<'a, Result<(), WireError>> {
        Box::pin(run(field))
    }
}

/// Shorter values stand anywhere by chance.
const SHORTEST: usize = 12;
/// What is this long is no name of anything.
const LONG: usize = 16;
/// Names under which tokens are taken from a query.
const NAMES: &[&str] = &["access_token", "token", "jwt"];

async fn run(field: &Field) -> Result<(), WireError> {
    let before = field.outcomes().len();
    let mut tested = false;
    for who in field.signed_in() {
        password(field, who);
    }
    for who in field.signed_in() {
        // Keys that people bring along are the matter of `api-key`.
        let Some(proof) = field.proof_of(who).filter(|_| field.person(who).way.is_some()) else { continue };
        let session = field.person(who).session();
        // What is sent without them must not open it, and what they send must.
        if !field.opens(&session, proof).await? || field.opens(&Session::default(), proof).await? {
            continue;
        }
        tested = true;
        given(field, who, &decisive(field, proof, &session).await?);
        taken(field, proof, &session).await?;
        break;
    }
    if !tested {
        field.not_tested(ID, "nobody signed in who gets what others do not");
    } else if field.outcomes().len() == before {
        let says = "a session is neither taken from an address nor put into one";
        field.say(Outcome::new(ID, "", Verdict::Passed, says));
    }
    Ok(())
}

/// The sign-in has the password in its address.
fn password(field: &Field, who: usize) {
    let person = field.person(who);
    let Some((request, answer)) = &person.login else { return };
    let password = field.identity(who).and_then(|identity| identity.password.as_ref());
    let Some(password) = password.map(|password| password.expose()).filter(|text| text.len() >= 6) else {
        return;
    };
    let encoded = utf8_percent_encode(password, NON_ALPHANUMERIC).to_string();
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    if !query.contains(password) && !query.contains(&encoded) {
        return;
    }
    let operation = format!("{} {path}", request.method);
    // The report must not be the next place where it stands.
    let mut shown = super::session_cookies::without_secrets(request);
    shown.target = shown.target.replace(&encoded, "(password)").replace(password, "(password)");
    let says = "the request that signs in has the password in its address";
    let proof = Proof::new(Exchange::new(&person.name, &shown, answer), "the query has it").by_steps();
    let outcome = Outcome::new(ID, &operation, Verdict::Proven, says).aspect("password");
    field.say(outcome.severity(Severity::Medium).proof(proof));
}

/// Values without any one of which somebody is not signed in, and that nothing else is called.
async fn decisive(field: &Field, proof: &Known, session: &Session) -> Result<Vec<String>, WireError> {
    let mut all = Vec::new();
    for value in tokens::values(session) {
        let mixed = value.contains(|letter: char| letter.is_ascii_digit())
            && value.contains(|letter: char| letter.is_ascii_alphabetic());
        let mut without = session.clone();
        without.cookies.retain(|(_, own)| own != value);
        without.headers.retain(|(_, own)| !own.ends_with(value));
        if value.len() >= LONG && mixed && !field.opens(&without, proof).await? {
            all.push(value.to_owned());
        }
    }
    Ok(all)
}

/// Answers that lead to the value of a session.
fn given(field: &Field, who: usize, secrets: &[String]) {
    let person = field.person(who);
    let login = person.login.iter().map(|(request, answer)| (request.clone(), answer));
    let known = field.known.iter().filter(|known| known.who == who);
    let all = login.chain(known.map(|known| (known.call.request(), &known.answer)));
    let mut met = BTreeSet::new();
    for (request, answer) in all {
        let Some((place, address)) = addresses(answer)
            .find(|(_, address)| secrets.iter().any(|secret| address.contains(secret.as_str())))
        else {
            continue;
        };
        let path = request.target.split('?').next().unwrap_or_default().to_owned();
        if !met.insert(path.clone()) {
            continue;
        }
        let says = format!("{place} has the value of a session in it");
        let shown = super::session_cookies::without_secrets(&request);
        let proof =
            Proof::new(Exchange::new(&person.name, &shown, answer), format!("it leads to `{address}`"));
        let outcome = Outcome::new(ID, &format!("{} {path}", request.method), Verdict::Proven, says);
        field.say(outcome.aspect("given").severity(Severity::Medium).proof(proof.by_steps()));
    }
}

/// Where an answer leads, and in what.
fn addresses(answer: &Answer) -> impl Iterator<Item = (&'static str, String)> {
    let location = answer.field("location").map(|to| ("`Location`", to.to_owned()));
    let is_page = answer.media_type().contains("html");
    let links = if is_page { html::read(&answer.text()).links } else { Vec::new() };
    location.into_iter().chain(links.into_iter().map(|link| ("a link of the page", link)))
}

/// Whether an answer is what only they get.
fn is_theirs(field: &Field, proof: &Known, answer: &Answer) -> bool {
    let user = &field.person(proof.who).user;
    let named = !proof.answer.has(user) || answer.has(user);
    answer.status == proof.answer.status && !field.is_refusal(answer) && named
}

async fn taken(field: &Field, proof: &Known, session: &Session) -> Result<(), WireError> {
    let request = proof.call.request();
    let operation = field.operation(proof.operation).map(|operation| operation.id()).unwrap_or_default();
    let mut ways: Vec<(String, String, bool)> = Vec::new();
    for (name, value) in session.cookies.iter().filter(|(_, value)| value.len() >= SHORTEST) {
        ways.push((name.clone(), value.clone(), false));
        ways.push((name.to_ascii_lowercase(), value.clone(), true));
    }
    for value in tokens::values(session).filter(|value| value.len() >= SHORTEST) {
        let named = NAMES.iter().map(|name| ((*name).to_owned(), value.to_owned(), false));
        ways.extend(named);
    }
    ways.truncate(WAYS);
    for (name, value, in_path) in ways {
        let sent = |value: &str| carried(&request, &name, value, in_path);
        let mut last = None;
        for _ in 0..2 {
            let attack = sent(&value);
            let answer = usable(field.as_session(&Session::default(), &attack).await)?;
            last = answer.filter(|answer| is_theirs(field, proof, answer)).map(|answer| (attack, answer));
            if last.is_none() {
                break;
            }
        }
        let Some((attack, answer)) = last else { continue };
        let twin = sent(&scrambled(&value));
        let Some(refused) = usable(field.as_session(&Session::default(), &twin).await)? else { continue };
        if is_theirs(field, proof, &refused) {
            continue;
        }
        let place = if in_path { "behind a `;` of the path" } else { "in the query" };
        let says = format!("a session is taken from the address: `{name}` {place}");
        let name = &field.person(proof.who).name;
        let evidence = "without cookie and header field, the answer is that of somebody signed in";
        let shown = Proof::new(Exchange::new(name, &attack, &answer), evidence)
            .twin(Exchange::new(name, &twin, &refused));
        let outcome = Outcome::new(ID, &operation, Verdict::Proven, says).aspect("taken");
        field.say(outcome.severity(Severity::Medium).proof(shown));
        return Ok(());
    }
    Ok(())
}

/// The most that are tried.
const WAYS: usize = 12;

fn carried(request: &Request, name: &str, value: &str, in_path: bool) -> Request {
    let value = utf8_percent_encode(value, NON_ALPHANUMERIC)
        .to_string()
        .replace("%2E", ".")
        .replace("%5F", "_")
        .replace("%2D", "-");
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    let mut request = request.clone();
    request.target = match (in_path, query) {
        (true, "") => format!("{path};{name}={value}"),
        (true, query) => format!("{path};{name}={value}?{query}"),
        (false, "") => format!("{path}?{name}={value}"),
        (false, query) => format!("{path}?{query}&{name}={value}"),
    };
    request
}

/// Each letter and digit another one, each sign as it is.
fn scrambled(value: &str) -> String {
    let other = |letter: char| match letter {
        '9' => '0',
        'z' => 'a',
        'Z' => 'A',
        '0'..='8' | 'a'..='y' | 'A'..='Y' => {
            char::from_u32(u32::from(letter).saturating_add(1)).unwrap_or('x')
        }
        sign => sign,
    };
    value.chars().map(other).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_carried_in_the_address() {
        let request = Request::get("/me?a=1");
        assert_eq!(carried(&request, "sid", "a+b", false).target, "/me?a=1&sid=a%2Bb");
        assert_eq!(carried(&request, "jsessionid", "A.b", true).target, "/me;jsessionid=A.b?a=1");
        assert_eq!(scrambled("aZ9-x"), "bA0-y");
    }
}
