//! Whether a key or a token counts as a whole, and only where it belongs (CWE-287, CWE-598; OWASP ASVS 2.10, RFC 6750 section 5.3).
//!
//! For somebody whose session is a header field. Control: it opens what only they get, and a made-up one of the same letters
//! does not (twin). JSON Web Tokens have a test of their own, but for `url`.
//!
//! `truncated`: without its last character; `changed`: with another last character; `case`: with capitals for small letters and
//! the other way; `longer`: with something behind it. `url`: as a parameter of the query, where logs, histories and referrers
//! have it. Each is proven when it opens what only they get.

use gabion_model::Severity;
use gabion_model::outbound::BoxFuture;

use super::{Attack, Phase, usable};
use crate::call::Put;
use crate::field::{Field, Known};
use crate::operation::{Place, Point};
use crate::session::Session;
use crate::tokens;
use crate::verdict::{Exchange, Outcome, Proof, Verdict};
use crate::wire::WireError;

pub(super) struct ApiKey;

const ID: &str = "api-key";

impl Attack for ApiKey {
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

/// Parameters that a key may be taken from.
const NAMES: &[&str] = &["access_token", "api_key", "apikey", "api-key", "auth_token", "key", "token", "jwt"];

async fn run(field: &Field) -> Result<(), WireError> {
    let by_header = |who: &usize| {
        let session = field.person(*who).session();
        session.headers.len() == 1 && session.cookies.is_empty()
    };
    let mut people: Vec<usize> = field.signed_in().filter(by_header).collect();
    people.sort_by_key(|who| tokens::claims_of(&field.person(*who).session()).len());
    if people.is_empty() {
        field.not_tested(ID, "nobody's session is a header field");
    }
    let mut kinds = std::collections::BTreeSet::new();
    for who in people {
        let session = field.person(who).session();
        // One of each kind of header field tells the same as all of them.
        if kinds.insert(session.headers.first().map(|(name, _)| name.to_ascii_lowercase())) {
            attack(field, who).await?;
        }
    }
    Ok(())
}

async fn attack(field: &Field, who: usize) -> Result<(), WireError> {
    let Some(proof) = field.proof_of(who) else {
        field.not_tested(ID, "nothing shows whether somebody is signed in");
        return Ok(());
    };
    let session = field.person(who).session();
    let Some((name, value)) = session.headers.first().cloned() else { return Ok(()) };
    let (scheme, key) = value.rsplit_once(' ').map_or(("", value.as_str()), |(scheme, key)| (scheme, key));
    let whole = |key: &str| {
        let value = if scheme.is_empty() { key.to_owned() } else { format!("{scheme} {key}") };
        Session { headers: vec![(name.clone(), value)], ..Session::default() }
    };
    let stray: String = key.chars().rev().collect();
    let stray = if stray == key { format!("{stray}x") } else { stray };
    if !field.opens(&session, proof).await? || field.opens(&whole(&stray), proof).await? {
        field.say(Outcome::new(
            ID,
            "",
            Verdict::Inconclusive,
            "a made-up key opens as much, or the own one nothing",
        ));
        return Ok(());
    }
    if tokens::read(key).is_none() {
        for (aspect, says, other) in variants(key) {
            judge(field, proof, aspect, says, &whole(&other), &whole(&stray)).await?;
        }
    }
    in_url(field, proof, key, &stray).await
}

fn variants(key: &str) -> Vec<(&'static str, &'static str, String)> {
    let last = key.chars().last();
    let shorter: String = key.chars().take(key.chars().count().saturating_sub(1)).collect();
    let mut all = vec![("longer", "a key is good with something behind it", format!("{key}x"))];
    if shorter.len() >= 4 {
        let other = if last == Some('a') { 'b' } else { 'a' };
        all.push(("truncated", "a key is good without its last character", shorter.clone()));
        all.push(("changed", "a key is good with another last character", format!("{shorter}{other}")));
    }
    let turned: String = key
        .chars()
        .map(|letter| {
            if letter.is_ascii_lowercase() {
                letter.to_ascii_uppercase()
            } else {
                letter.to_ascii_lowercase()
            }
        })
        .collect();
    if turned != key {
        all.push(("case", "a key is good in capitals or small letters", turned));
    }
    all
}

async fn judge(
    field: &Field,
    proof: &Known,
    aspect: &'static str,
    says: &str,
    other: &Session,
    stray: &Session,
) -> Result<(), WireError> {
    let operation = format!("{} {}", proof.call.method, proof.call.template);
    let outcome = if field.opens(other, proof).await? && field.opens(other, proof).await? {
        let request = proof.call.request();
        let (Some(answer), Some(twin)) = (
            usable(field.as_session(other, &request).await)?,
            usable(field.as_session(stray, &request).await)?,
        ) else {
            return Ok(());
        };
        let found = Proof::new(
            Exchange::new("anonymous", &other.apply(&request), &answer),
            "it opens what only its owner gets; a made-up one does not",
        )
        .twin(Exchange::new("anonymous", &stray.apply(&request), &twin));
        Outcome::new(ID, &operation, Verdict::Proven, says).proof(found)
    } else {
        Outcome::new(ID, &operation, Verdict::Passed, "every character counts")
    };
    field.say(outcome.aspect(aspect));
    Ok(())
}

async fn in_url(field: &Field, proof: &Known, key: &str, stray: &str) -> Result<(), WireError> {
    let operation = format!("{} {}", proof.call.method, proof.call.template);
    let with = |names: &[&str], key: &str| {
        let mut call = proof.call.clone();
        for name in names {
            call = call.with(&Point::new(Place::Query, name), &Put::Text(key));
        }
        call.request()
    };
    let opens = async |names: &[&str], key: &str| -> Result<bool, WireError> {
        let answer = usable(field.wire.send(&with(names, key)).await)?;
        let user = &field.person(proof.who).user;
        Ok(answer.is_some_and(|answer| {
            let named = !proof.answer.has(user) || answer.has(user);
            answer.status == proof.answer.status && !field.is_refusal(&answer) && named
        }))
    };
    let outcome = |verdict, says: &str| Outcome::new(ID, &operation, verdict, says).aspect("url");
    // All names at once; which one it is matters only where one is.
    if !opens(NAMES, key).await? {
        field.say(outcome(Verdict::Passed, "a key in the address is none"));
        return Ok(());
    }
    for name in NAMES {
        if !opens(&[name], key).await? || opens(&[name], stray).await? {
            continue;
        }
        let (request, twin) = (with(&[name], key), with(&[name], stray));
        let (Some(answer), Some(refused)) =
            (usable(field.wire.send(&request).await)?, usable(field.wire.send(&twin).await)?)
        else {
            return Ok(());
        };
        let says = format!("a key is taken from the address (`{name}`)");
        let found =
            Proof::new(Exchange::new("anonymous", &request, &answer), "it opens what only its owner gets")
                .twin(Exchange::new("anonymous", &twin, &refused));
        field.say(outcome(Verdict::Proven, &says).severity(Severity::Low).proof(found));
        return Ok(());
    }
    field.say(outcome(Verdict::Inconclusive, "keys in the address and made-up ones open as much"));
    Ok(())
}
