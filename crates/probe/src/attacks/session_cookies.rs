//! What the cookie of a session allows (RFC 6265bis, section 4.1.2; OWASP ASVS 3.3).
//!
//! Passive. Which cookie is the session's is found out: the one without which what somebody got is refused. Its attributes are
//! read from the answer that signed them in. Control: with all cookies the request succeeds.

use gabion_model::Severity;
use gabion_model::outbound::BoxFuture;

use super::{Attack, Phase};
use crate::field::Field;
use crate::session::SetCookie;
use crate::verdict::{Exchange, Outcome, Proof, Verdict};
use crate::wire::{Answer, Request, WireError};

pub(super) struct SessionCookies;

const ID: &str = "session-cookies";

impl Attack for SessionCookies {
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

async fn run(field: &Field) -> Result<(), WireError> {
    for who in field.signed_in() {
        let person = field.person(who);
        let (Some((request, answer)), Some(proof)) = (&person.login, field.proof_of(who)) else { continue };
        let session = person.session();
        if session.cookies.is_empty() {
            continue;
        }
        let mut decisive = Vec::new();
        for (name, _) in &session.cookies {
            let mut without = session.clone();
            without.cookies.retain(|(own, _)| own != name);
            if !field.opens(&without, proof).await? {
                decisive.push(name.clone());
            }
        }
        let set = answer.fields("set-cookie").filter_map(SetCookie::parse);
        let own: Vec<SetCookie> = set.filter(|cookie| decisive.contains(&cookie.name)).collect();
        if own.is_empty() {
            continue;
        }
        for cookie in &own {
            judge(field, who, request, answer, cookie);
        }
        return Ok(());
    }
    field.not_tested(ID, "nobody signed in with a cookie; hint: `[[identities]]` with passwords");
    Ok(())
}

fn judge(field: &Field, who: usize, request: &Request, answer: &Answer, cookie: &SetCookie) {
    let tls = field.wire.origin().is_tls();
    let same_site = cookie.attribute("samesite").unwrap_or_default().to_ascii_lowercase();
    let name = &cookie.name;
    let lacks = [
        (
            "http-only",
            cookie.attribute("httponly").is_none(),
            Severity::Medium,
            format!("`{name}` has no `HttpOnly`: a script on the page reads it"),
        ),
        (
            "same-site",
            !matches!(same_site.as_str(), "lax" | "strict"),
            Severity::Medium,
            format!("`{name}` has no `SameSite=Lax` or `Strict`: requests of other sites carry it"),
        ),
        (
            "secure",
            tls && cookie.attribute("secure").is_none(),
            Severity::Medium,
            format!("`{name}` has no `Secure`: it is sent in clear"),
        ),
        (
            "domain",
            cookie.attribute("domain").is_some_and(|domain| !domain.is_empty()),
            Severity::Low,
            format!("`{name}` has a `Domain`: every neighbour under it gets it"),
        ),
    ];
    let operation = format!("{} {}", request.method, request.target.split('?').next().unwrap_or_default());
    for (aspect, lacking, severity, says) in lacks {
        let outcome = if lacking {
            // The request has a password in it.
            let shown = Exchange::new(&field.person(who).name, &without_secrets(request), answer);
            let proof = Proof::new(shown, says.clone());
            Outcome::new(ID, &operation, Verdict::Proven, says).severity(severity).proof(proof)
        } else {
            Outcome::new(ID, &operation, Verdict::Passed, format!("`{name}` is set with care"))
        };
        field.say(outcome.aspect(aspect));
    }
}

/// The request without what signs somebody in.
pub(crate) fn without_secrets(request: &Request) -> Request {
    let mut request = request.clone().without("cookie").without("authorization");
    if !request.body.is_empty() {
        request.body = b"(name and password)".to_vec();
    }
    request
}
