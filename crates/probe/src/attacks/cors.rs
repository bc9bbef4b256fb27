//! Whether scripts of other sites may read answers that belong to a visitor (Fetch standard, section 3.2; CWE-942).
//!
//! 1. Each operation that reads is asked as somebody, with an `Origin` that nobody has. It is a finding when the answer is
//!    given to whoever is signed in only and allows that origin together with credentials.
//! 2. It is repeated with another origin. Negative twin: without an `Origin` nothing is allowed to that one.
//! 3. Where that is refused, `null` (a sandboxed frame) and origins that look like the own one are tried once.
//! 4. A preflight for a write is a finding where it allows a foreign origin the method and credentials.
//!
//! `*` is no finding: browsers refuse it together with credentials. Cookies that are `SameSite=Lax` or `Strict` are not sent
//! along from other sites; then it is only for pages of the same site, and of low severity.

use gabion_model::Severity;
use gabion_model::outbound::BoxFuture;

use super::{Attack, Phase, usable};
use crate::attempt::{Attempt, attempts};
use crate::field::Field;
use crate::session::SetCookie;
use crate::verdict::{Outcome, Proof, Verdict};
use crate::wire::{Answer, Request, WireError};

pub(super) struct Cors;

const ID: &str = "cors";

impl Attack for Cors {
    fn id(&self) -> &'static str {
        ID
    }

    fn phase(&self) -> Phase {
        Phase::Look
    }

    fn run<'a>(&'a self, field: &'a Field) -> BoxFuture<'a, Result<(), WireError>> {
        Box::pin(run(field))
    }
}

async fn run(field: &Field) -> Result<(), WireError> {
    let all = attempts(field);
    let private = |attempt: &&Attempt<'_>| {
        let known = attempt.known.filter(|known| known.who != 0 && known.answer.is_success());
        let refused = |answer: &Answer| field.is_refusal(answer) || !answer.is_success();
        attempt.operation.method == "GET"
            && known.is_some_and(|known| known.anonymous.as_ref().is_some_and(refused))
    };
    let mut reads: Vec<&Attempt<'_>> = all.iter().filter(private).collect();
    // What scripts read first.
    reads.sort_by_key(|attempt| attempt.known.is_none_or(|known| known.answer.json().is_none()));
    let (mut refused, mut open, mut others) = (Vec::new(), None, 0_usize);
    for attempt in reads.iter().take(MOST) {
        let host = format!("https://{}.example", field.canary());
        if open.is_none() {
            open = origin(field, attempt, &host, "").await?;
            if open.is_none() {
                refused.push(*attempt);
            }
        // One is proven, and tells how the others answer.
        } else if foreign(field, attempt, &host).await?.is_some() {
            others = others.saturating_add(1);
        } else {
            refused.push(*attempt);
        }
    }
    let asked = usize::from(open.is_some()).saturating_add(others).saturating_add(refused.len());
    if let Some(mut outcome) = open {
        if others > 0 {
            outcome.says.push_str(&format!(" (and {others} more of {asked} answers)"));
        }
        field.say(outcome);
    } else if asked > 0 {
        let says = format!("no foreign origin may read any of {asked} answers");
        field.say(Outcome::new(ID, "", Verdict::Passed, says));
    }
    if let Some(attempt) = refused.first() {
        let (scheme, authority) = ("https", field.wire.origin().authority());
        let word = field.canary();
        for (aspect, tried) in [
            ("null", "null".to_owned()),
            ("suffix", format!("{scheme}://{authority}.{word}.example")),
            ("prefix", format!("{scheme}://{word}{authority}")),
        ] {
            if let Some(outcome) = origin(field, attempt, &tried, aspect).await? {
                field.say(outcome);
                break;
            }
        }
    }
    let writes = all.iter().filter(|attempt| {
        attempt.known.is_some_and(|known| known.who != 0)
            && matches!(attempt.operation.method.as_str(), "PUT" | "PATCH" | "DELETE")
    });
    for attempt in writes.take(MOST) {
        if preflight(field, attempt).await? {
            break;
        }
    }
    if reads.is_empty() {
        field.not_tested(ID, "no operation answers to whoever is signed in only; hint: `[[identities]]`");
    }
    Ok(())
}

/// Operations that are asked.
const MOST: usize = 20;

/// Sends a request as a script of another site would, and returns both where that may read the answer.
async fn foreign(
    field: &Field,
    attempt: &Attempt<'_>,
    from: &str,
) -> Result<Option<(Request, Answer)>, WireError> {
    let request = attempt.call.request().with("Origin", from);
    let answer = usable(field.request(attempt.who, &request).await)?;
    let answer = answer.filter(|answer| answer.is_success() && allows(answer, from));
    Ok(answer.map(|answer| (request, answer)))
}

async fn origin(
    field: &Field,
    attempt: &Attempt<'_>,
    from: &str,
    aspect: &str,
) -> Result<Option<Outcome>, WireError> {
    let Some((request, answer)) = foreign(field, attempt, from).await? else { return Ok(None) };
    let again = match aspect {
        "" => format!("https://{}.example", field.canary()),
        _ => from.to_owned(),
    };
    let repeated = foreign(field, attempt, &again).await?.is_some();
    let plain = attempt.call.request();
    let Some(twin) = usable(field.request(attempt.who, &plain).await)? else { return Ok(None) };
    if !repeated || allows(&twin, from) {
        return Ok(None);
    }
    let (severity, along) = carried(field, attempt.who);
    let says = format!("{} may read what `{}` reads{along}", shown(from), field.person(attempt.who).name);
    let proof = Proof::new(
        field.evidence(attempt.who, &request, &answer),
        "`Access-Control-Allow-Origin` repeats the foreign origin, with `Access-Control-Allow-Credentials: true`",
    )
    .twin(field.evidence(attempt.who, &plain, &twin))
    .marked(granted(&answer));
    let outcome = Outcome::new(ID, &attempt.operation.id(), Verdict::Proven, says);
    Ok(Some(outcome.aspect(aspect).severity(severity).proof(proof)))
}

fn shown(from: &str) -> &str {
    if from == "null" { "scripts of any site, in a sandboxed frame," } else { "scripts of any site" }
}

/// The field that grants it, as it stands in the answer.
fn granted(answer: &Answer) -> String {
    let field =
        answer.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("access-control-allow-origin"));
    field.map(|(name, value)| format!("{name}: {value}")).unwrap_or_default()
}

fn allows(answer: &Answer, origin: &str) -> bool {
    let one = |name: &str| answer.field(name).unwrap_or_default().trim().to_owned();
    one("access-control-allow-origin") == origin && one("access-control-allow-credentials") == "true"
}

/// Whether browsers send along what signs somebody in, from pages of other sites.
fn carried(field: &Field, who: usize) -> (Severity, &'static str) {
    let person = field.person(who);
    let session = person.session();
    let brought = session.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("cookie"));
    if session.cookies.is_empty() && !brought {
        return (Severity::Low, "; its token is no cookie, which browsers would send along by themselves");
    }
    let login = person.login.as_ref();
    let cookies: Vec<SetCookie> = login
        .iter()
        .flat_map(|(_, answer)| answer.fields("set-cookie"))
        .filter_map(SetCookie::parse)
        .collect();
    let own = |cookie: &&SetCookie| session.cookies.iter().any(|(name, _)| *name == cookie.name);
    let strict = |cookie: &SetCookie| {
        cookie
            .attribute("samesite")
            .is_some_and(|value| value.eq_ignore_ascii_case("lax") || value.eq_ignore_ascii_case("strict"))
    };
    let mut met = cookies.iter().filter(own).peekable();
    if met.peek().is_some() && met.all(strict) {
        return (Severity::Low, ", from pages of the same site: its cookie is `SameSite`");
    }
    (Severity::High, "")
}

async fn preflight(field: &Field, attempt: &Attempt<'_>) -> Result<bool, WireError> {
    let operation = format!("OPTIONS {}", attempt.operation.path);
    let method = attempt.operation.method.as_str();
    let ask = |from: &str| {
        Request::new("OPTIONS", &attempt.call.request().target)
            .header("Origin", from)
            .header("Access-Control-Request-Method", method)
            .header("Access-Control-Request-Headers", "content-type")
    };
    let grants = |answer: &Answer, from: &str| {
        let methods = answer.field("access-control-allow-methods").unwrap_or_default().to_ascii_uppercase();
        answer.is_success() && allows(answer, from) && methods.split(',').any(|one| one.trim() == method)
    };
    let from = format!("https://{}.example", field.canary());
    let Some(answer) = usable(field.request(0, &ask(&from)).await)? else { return Ok(false) };
    if !grants(&answer, &from) {
        let says = format!("no foreign origin may send `{method}`");
        field.say(Outcome::new(ID, &operation, Verdict::Passed, says).aspect("preflight"));
        return Ok(false);
    }
    let other = format!("https://{}.example", field.canary());
    let Some(again) = usable(field.request(0, &ask(&other)).await)? else { return Ok(false) };
    let plain = Request::new("OPTIONS", &attempt.call.request().target);
    let Some(twin) = usable(field.request(0, &plain).await)? else { return Ok(false) };
    if !grants(&again, &other) || grants(&twin, &from) {
        return Ok(false);
    }
    let (severity, along) = carried(field, attempt.who);
    let says = format!("scripts of any site may send `{method}` in a visitor's name{along}");
    let proof = Proof::new(
        field.evidence(0, &ask(&from), &answer),
        "the preflight allows the foreign origin, the method and credentials",
    )
    .twin(field.evidence(0, &plain, &twin))
    .marked(granted(&answer));
    field.say(
        Outcome::new(ID, &operation, Verdict::Proven, says)
            .aspect("preflight")
            .severity(severity)
            .proof(proof),
    );
    Ok(true)
}
