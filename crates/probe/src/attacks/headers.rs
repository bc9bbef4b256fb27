//! What answers say to browsers about framing, sniffing, scripts and referrers (OWASP Secure Headers Project, RFC 6797, CSP 3).
//!
//! Pages, API answers, errors and redirects are looked at each by themselves; one finding per header names the operations that
//! lack it.
//!
//! 1. Answers that are known already are read. Where one lacks something, it is asked for again as a browser asks for what
//!    somebody goes to: some servers say it to browsers alone.
//! 2. Control: that answer succeeds and is of the same kind as before. Where it is not, nothing is said of it.
//! 3. It is proven when it is lacking again. Negative twin: another answer of the application that does have it, read in the same
//!    way.
//! 4. It has passed where answers that need it were read, and all have it. What needs none of it (no page, no TLS) is not tested.

use std::collections::BTreeMap;

use gabion_model::Severity;
use gabion_model::outbound::BoxFuture;

use super::{Attack, Phase, usable};
use crate::control::Control;
use crate::field::{Field, Known};
use crate::verdict::{Outcome, Proof, Verdict};
use crate::wire::{Answer, Request, WireError};

pub(super) struct Headers;

const ID: &str = "headers";

impl Attack for Headers {
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

/// An answer that lacks something: how bad that is, in words, and what was asked.
struct Seen<'a> {
    severity: Severity,
    says: String,
    known: &'a Known,
}

/// What is missing: its aspect, how bad that is, and in words.
type Lack = (&'static str, Severity, String);

/// The answers of the run, as far as one header is concerned.
#[derive(Default)]
struct Shelf<'a> {
    lacking: Vec<Seen<'a>>,
    having: Vec<&'a Known>,
}

/// Answers that are asked for again for one header, before it is given up.
const TRIES: usize = 3;

async fn run(field: &Field) -> Result<(), WireError> {
    let mut shelves: BTreeMap<&'static str, Shelf<'_>> = BTreeMap::new();
    let mut looked = 0_usize;
    for known in field.examples() {
        let Some(operation) = field.operation(known.operation) else { continue };
        if !operation.is_safe() || !known.answer.is_success() {
            continue;
        }
        looked = looked.saturating_add(1);
        let tls = field.wire.origin().is_tls();
        let lacking = lacks(&known.answer, tls);
        for aspect in ASPECTS.iter().filter(|aspect| needs(aspect, &known.answer, tls)) {
            let shelf = shelves.entry(aspect).or_default();
            match lacking.iter().find(|(own, ..)| own == aspect) {
                Some((_, severity, says)) => {
                    shelf.lacking.push(Seen { severity: *severity, says: says.clone(), known });
                }
                None => shelf.having.push(known),
            }
        }
    }
    if looked == 0 {
        field.not_tested(ID, "no operation gave an answer to look at");
        return Ok(());
    }
    let mut asked = Vec::new();
    for aspect in ASPECTS {
        let Some(shelf) = shelves.get(aspect) else {
            let says = if *aspect == "transport" { "it is not reached by TLS" } else { "no page was met" };
            field.say(Outcome::new(ID, "", Verdict::NotTested, says).aspect(aspect));
            continue;
        };
        judge(field, aspect, shelf, &mut asked).await?;
    }
    Ok(())
}

/// Requests of this test, with what they got: several headers are read from one answer.
type Asked = Vec<(Request, Answer)>;

async fn judge(field: &Field, aspect: &str, shelf: &Shelf<'_>, asked: &mut Asked) -> Result<(), WireError> {
    let tls = field.wire.origin().is_tls();
    let mut unread = 0_usize;
    for seen in shelf.lacking.iter().take(TRIES) {
        let Known { call, who, answer, .. } = seen.known;
        let request = as_browser(call.request(), answer);
        let met = asked.iter().find(|(own, _)| *own == request).map(|(_, answer)| answer.clone());
        let again = match met {
            Some(again) => Some(again),
            None => usable(field.request(*who, &request).await)?,
        };
        let Some(again) = again else {
            unread = unread.saturating_add(1);
            continue;
        };
        if !asked.iter().any(|(own, _)| *own == request) {
            asked.push((request.clone(), again.clone()));
        }
        if !again.is_success() || again.media_type() != answer.media_type() {
            unread = unread.saturating_add(1);
            continue;
        }
        if !lacks(&again, tls).iter().any(|(own, ..)| *own == aspect) {
            continue;
        }
        let all = shelf.lacking.len().saturating_add(shelf.having.len());
        let more = match shelf.lacking.len() {
            1 => String::new(),
            count => format!(" (and {} more of {all} answers)", count.saturating_sub(1)),
        };
        let mut proof = Proof::new(field.evidence(*who, &call.request(), answer), seen.says.clone())
            .shown(field.evidence(*who, &request, &again));
        if let Some(having) = shelf.having.first() {
            proof = proof.twin(field.evidence(having.who, &having.call.request(), &having.answer));
        }
        let says = format!("the answer is the same kind for a browser: {}", again.status);
        let control = Control::shown(says, field.evidence(*who, &request, &again));
        let operation = format!("{} {}", call.method, call.template);
        let outcome = Outcome::new(ID, &operation, Verdict::Proven, format!("{}{more}", seen.says));
        field.say(outcome.aspect(aspect).severity(seen.severity).proof(proof).control(control));
        return Ok(());
    }
    let (verdict, says) = match (shelf.lacking.len(), unread) {
        (0, _) => (Verdict::Passed, format!("{} answers have it", shelf.having.len())),
        (_, 0) => (Verdict::Passed, "what lacked it has it where a browser asks".to_owned()),
        _ => (Verdict::Inconclusive, "what lacked it is answered otherwise now".to_owned()),
    };
    field.say(Outcome::new(ID, "", verdict, says).aspect(aspect));
    Ok(())
}

/// As a browser asks for a page that somebody goes to, or a script of a page for anything else.
fn as_browser(request: Request, answer: &Answer) -> Request {
    if answer.is_html() {
        let page = Request::page("/");
        return page.headers.iter().fold(request, |request, (name, value)| request.with(name, value));
    }
    let fetched = request.with("Sec-Fetch-Dest", "empty").with("Sec-Fetch-Mode", "cors");
    fetched.with("Sec-Fetch-Site", "same-origin")
}

const ASPECTS: &[&str] = &["framing", "sniffing", "scripts", "referrer", "transport"];

/// Whether an answer has to say it: what no browser draws needs no word on frames.
fn needs(aspect: &str, answer: &Answer, tls: bool) -> bool {
    match aspect {
        "sniffing" => true,
        "transport" => tls,
        _ => answer.is_html(),
    }
}

fn lacks(answer: &Answer, tls: bool) -> Vec<Lack> {
    let mut all = Vec::new();
    let field = |name: &str| answer.field(name).unwrap_or_default().to_ascii_lowercase();
    let policy: Vec<String> = answer.fields("content-security-policy").map(str::to_ascii_lowercase).collect();
    let directive = |name: &str| {
        let all = policy.iter().flat_map(|policy| policy.split(';')).map(str::trim);
        all.into_iter()
            .find_map(|one| one.strip_prefix(name).filter(|rest| rest.is_empty() || rest.starts_with(' ')))
    };
    if field("x-content-type-options") != "nosniff" {
        all.push((
            "sniffing",
            Severity::Low,
            "no `X-Content-Type-Options: nosniff`: a browser may take it for another type".to_owned(),
        ));
    }
    if answer.is_html() {
        let frames = matches!(field("x-frame-options").as_str(), "deny" | "sameorigin");
        if !frames && directive("frame-ancestors").is_none() {
            all.push((
                "framing",
                Severity::Medium,
                "neither `frame-ancestors` nor `X-Frame-Options`: any site may frame the page".to_owned(),
            ));
        }
        match directive("script-src").or_else(|| directive("default-src")) {
            None => all.push((
                "scripts",
                Severity::Medium,
                "no policy for scripts: whatever gets onto the page runs".to_owned(),
            )),
            Some(sources) => {
                let strict = sources.contains("'nonce-")
                    || sources.contains("'sha")
                    || sources.contains("'strict-dynamic'");
                let open = sources.split_whitespace().find(|source| {
                    matches!(*source, "*" | "data:" | "http:" | "https:")
                        || *source == "'unsafe-inline'" && !strict
                });
                if let Some(open) = open {
                    all.push((
                        "scripts",
                        Severity::Low,
                        format!("the policy for scripts has `{open}`, which lets in what is injected"),
                    ));
                }
            }
        }
        if field("referrer-policy").is_empty() && directive("referrer").is_none() {
            all.push((
                "referrer",
                Severity::Informational,
                "no `Referrer-Policy`: browsers use their own default".to_owned(),
            ));
        }
    }
    if tls {
        let transport = field("strict-transport-security");
        let age = transport.split(';').find_map(|part| part.trim().strip_prefix("max-age="));
        let age = age.and_then(|age| age.trim_matches('"').parse::<u64>().ok()).unwrap_or(0);
        if age < 15_552_000 {
            all.push((
                "transport",
                Severity::Low,
                "`Strict-Transport-Security` is missing or shorter than half a year".to_owned(),
            ));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_answer_needs_is_what_it_can_lack() {
        for (kind, tls, needed) in [
            ("text/html", true, ASPECTS),
            ("text/html", false, &["framing", "sniffing", "scripts", "referrer"][..]),
            ("application/json", false, &["sniffing"]),
        ] {
            let bare = Answer::made(200, &[("content-type", kind)], "");
            let lacking: Vec<&str> = lacks(&bare, tls).iter().map(|(aspect, ..)| *aspect).collect();
            assert!(needed.iter().all(|aspect| needs(aspect, &bare, tls) && lacking.contains(aspect)));
            assert_eq!(lacking.len(), needed.len(), "{kind}");
        }
    }
}
