//! Whether the ticket of a session can be guessed, or chosen before somebody signs in (CWE-330, CWE-384; OWASP ASVS 3.2).
//!
//! `predictable`: A signs in, B signs in, A signs in again. Where A's two tickets are numbers, those between them are tried. It is
//! a finding when one of them, never told to A, opens what only B gets. Twin: a ticket far from all of them opens nothing.
//!
//! `short`: tickets of less than 64 bits, by their letters and length.
//!
//! `fixation`: a ticket of one's own choice is sent with the sign-in. It is a finding when it opens the session afterwards. Twin:
//! another one that was made up opens nothing; before, neither did.

use gabion_model::outbound::BoxFuture;

use super::session_cookies::without_secrets;
use super::{Attack, Phase};
use crate::field::{Field, Known};
use crate::login::Tried;
use crate::session::Session;
use crate::verdict::{Exchange, Outcome, Proof, Verdict};
use crate::wire::WireError;

pub(super) struct SessionIdentifiers;

const ID: &str = "session-identifiers";

impl Attack for SessionIdentifiers {
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

/// Tickets that are tried between two.
const MOST_BETWEEN: u64 = 20;

async fn run(field: &Field) -> Result<(), WireError> {
    let with_cookie =
        |who: &usize| field.person(*who).way.is_some() && !field.person(*who).session().cookies.is_empty();
    let people: Vec<usize> = field.signed_in().filter(with_cookie).collect();
    let Some(one) = people.first().copied() else {
        field.not_tested(ID, "nobody signed in with a cookie; hint: `[[identities]]` with passwords");
        return Ok(());
    };
    let operation = field.person(one).login.as_ref().map_or_else(String::new, |(request, _)| {
        format!("{} {}", request.method, request.target.split('?').next().unwrap_or_default())
    });
    let Some(proof) = field.proof_of(one) else {
        field.not_tested(ID, "nothing shows whether somebody is signed in");
        return Ok(());
    };
    let Some(name) = ticket_of(field, proof).await? else {
        field.not_tested(ID, "no single cookie makes the session");
        return Ok(());
    };
    fixation(field, one, proof, &name, &operation).await?;
    let Some(two) = people.get(1).copied() else {
        let says = "it takes two identities; hint: `[[identities]]`";
        field.say(Outcome::new(ID, &operation, Verdict::NotTested, says).aspect("predictable"));
        return Ok(());
    };
    predictable(field, (one, two), &name, &operation).await
}

/// The one cookie that makes the session.
async fn ticket_of(field: &Field, proof: &Known) -> Result<Option<String>, WireError> {
    let session = field.person(proof.who).session();
    for (name, value) in &session.cookies {
        let alone = Session { cookies: vec![(name.clone(), value.clone())], ..session.clone() };
        let mut without = session.clone();
        without.cookies.retain(|(own, _)| own != name);
        if field.opens(&alone, proof).await? && !field.opens(&without, proof).await? {
            return Ok(Some(name.clone()));
        }
    }
    Ok(None)
}

fn value_of(session: &Session, name: &str) -> Option<String> {
    session.cookies.iter().find(|(own, _)| own == name).map(|(_, value)| value.clone())
}

fn only(name: &str, value: &str) -> Session {
    Session { cookies: vec![(name.to_owned(), value.to_owned())], ..Session::default() }
}

async fn fixation(
    field: &Field,
    who: usize,
    proof: &Known,
    name: &str,
    operation: &str,
) -> Result<(), WireError> {
    let say = |verdict, says: &str| field.say(Outcome::new(ID, operation, verdict, says).aspect("fixation"));
    let chosen = format!("{}{}", field.canary(), field.canary());
    let ours = only(name, &chosen);
    let request = proof.call.request();
    let before = field.as_session(&ours, &request).await?;
    if field.opens(&ours, proof).await? {
        say(Verdict::Inconclusive, "a made-up ticket opens what only they get");
        return Ok(());
    }
    let tried = field.sign_in_again(who, ours.clone()).await?;
    let Some(Tried { request: sent, answer, session: Ok(session) }) = tried else {
        // Refusing a made-up ticket is as good as replacing it.
        say(Verdict::Passed, "nobody is signed in with a ticket of their own choice");
        return Ok(());
    };
    if !field.opens(&ours, proof).await? {
        let verdict =
            if field.opens(&session, proof).await? { Verdict::Passed } else { Verdict::Inconclusive };
        say(verdict, "the ticket changes with the sign-in");
        return Ok(());
    }
    let after = field.as_session(&ours, &request).await?;
    let other = only(name, &format!("{}{}", field.canary(), field.canary()));
    let twin = field.as_session(&other, &request).await?;
    let person = &field.person(who).name;
    let evidence =
        "the ticket that was chosen before opens the session afterwards; another one opens nothing";
    let proof = Proof::new(Exchange::new("anonymous", &ours.apply(&request), &after), evidence)
        .twin(Exchange::new("anonymous", &other.apply(&request), &twin))
        .shown(Exchange::new("anonymous", &ours.apply(&request), &before))
        .shown(Exchange::new(person, &without_secrets(&sent), &answer));
    let says = format!("whoever chose `{name}` before the sign-in is signed in with it");
    field.say(Outcome::new(ID, operation, Verdict::Proven, says).aspect("fixation").proof(proof));
    Ok(())
}

async fn predictable(
    field: &Field,
    (one, two): (usize, usize),
    name: &str,
    operation: &str,
) -> Result<(), WireError> {
    let say =
        |verdict, says: String| field.say(Outcome::new(ID, operation, verdict, says).aspect("predictable"));
    let mut tickets = Vec::new();
    for who in [one, two, one] {
        let tried = field.sign_in_again(who, Session::default()).await?;
        let session = tried.and_then(|tried| tried.session.ok());
        let Some(ticket) = session.as_ref().and_then(|session| value_of(session, name)) else {
            say(Verdict::Inconclusive, "signing in again gave no ticket".to_owned());
            return Ok(());
        };
        tickets.push(ticket);
    }
    let [first, foreign, last] = tickets.as_slice() else { return Ok(()) };
    let bits = bits(first);
    if bits < 64 {
        let says =
            format!("tickets have at most {bits} bits: `{}…`", first.chars().take(4).collect::<String>());
        field.say(Outcome::new(ID, operation, Verdict::Firm, says).aspect("short"));
    }
    let (Some(low), Some(high), Some(proof)) = (number(first), number(last), field.proof_of(two)) else {
        say(Verdict::Passed, "tickets are no numbers in a row".to_owned());
        return Ok(());
    };
    if high <= low || high.saturating_sub(low) > MOST_BETWEEN {
        say(Verdict::Passed, "tickets do not count up".to_owned());
        return Ok(());
    }
    let far = only(name, &shaped(first, high.saturating_add(7_919_000)));
    let twin = field.as_session(&far, &proof.call.request()).await?;
    if field.opens(&far, proof).await? {
        say(Verdict::Inconclusive, "a ticket far from all of them opens the same".to_owned());
        return Ok(());
    }
    for guess in low.saturating_add(1)..high {
        let guessed = shaped(first, guess);
        let session = only(name, &guessed);
        if !field.opens(&session, proof).await? {
            continue;
        }
        let request = proof.call.request();
        let answer = field.as_session(&session, &request).await?;
        let (thief, owner) = (&field.person(one).name, &field.person(two).name);
        let says = format!("`{thief}` counted to the session of `{owner}`");
        let evidence = format!(
            "`{guessed}` lies between two tickets of `{thief}`; it was given to `{owner}`: {}",
            guessed == *foreign
        );
        let proof = Proof::new(Exchange::new(thief, &session.apply(&request), &answer), evidence)
            .twin(Exchange::new(thief, &far.apply(&request), &twin));
        field.say(Outcome::new(ID, operation, Verdict::Proven, says).aspect("predictable").proof(proof));
        return Ok(());
    }
    say(Verdict::Inconclusive, "tickets count up, and those between two opened nothing".to_owned());
    Ok(())
}

/// A ticket as a number, decimal or hexadecimal.
fn number(ticket: &str) -> Option<u64> {
    let decimal = ticket.parse::<u64>().ok();
    decimal.or_else(|| u64::from_str_radix(ticket, 16).ok())
}

/// A number written as another ticket is.
fn shaped(like: &str, number: u64) -> String {
    let width = like.len();
    if like.parse::<u64>().is_ok() { format!("{number:0width$}") } else { format!("{number:0width$x}") }
}

/// The most that a ticket of these letters and that length can hold.
fn bits(ticket: &str) -> usize {
    let has = |test: fn(&u8) -> bool| ticket.bytes().any(|byte| test(&byte));
    let each = match (has(u8::is_ascii_digit), has(u8::is_ascii_lowercase), has(u8::is_ascii_uppercase)) {
        (true, false, false) => 33,
        _ if ticket.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-') => 40,
        _ => 60,
    };
    ticket.len().saturating_mul(each) / 10
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tickets_are_read_and_written_alike() {
        assert_eq!(shaped("0041", 42), "0042");
        assert_eq!(shaped("00ff", 256), "0100");
        assert_eq!(number("00ff"), Some(255));
        assert_eq!(number("dGhpcyBp"), None);
        assert!(bits("1000001") < 64 && bits("4f8a1bc95d3e2f60718293a4") > 64);
    }
}
