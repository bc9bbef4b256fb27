//! Whether links follow a host that the request names (CWE-644, CWE-601): a link in a mail then takes its secret to the
//! attacker, and a cache keeps it for everybody.
//!
//! 1. Asked are operations whose answers have the application's own address in them, or that redirect, and the first page.
//! 2. `Host`, `X-Forwarded-Host` and `Forwarded` name a host that nobody has. It is a finding when a link of the answer leads
//!    there: `Location`, or an address in the body.
//! 3. It is repeated with another host. Negative twin: the same name in a field that means nothing must not come back.
//! 4. How bad it is depends on who reads the link: proven where it carries a secret or comes from a write (mails, invitations),
//!    or where the answer may be kept by a cache; otherwise nobody but the sender sees it, and it is tentative.
//!
//! Mails themselves are seen only where the answer shows them.

use gabion_model::Severity;
use gabion_model::outbound::BoxFuture;

use super::{Attack, Phase, usable};
use crate::attempt::{Attempt, attempts};
use crate::field::Field;
use crate::surface::is_value;
use crate::verdict::{Outcome, Proof, Verdict};
use crate::wire::{Answer, Request, WireError};

pub(super) struct HostHeader;

const ID: &str = "host-header";

impl Attack for HostHeader {
    fn id(&self) -> &'static str {
        ID
    }

    fn phase(&self) -> Phase {
        Phase::Write
    }

    fn run<'a>(&'a self, field: &'a Field) -> BoxFuture<'a, Result<(), WireError>> {
        Box::pin(run(field))
    }
}

/// Ways to name a host: what the finding is called, the field, and the text around the host.
const WAYS: &[(&str, &str, &str)] = &[
    ("x-forwarded-host", "X-Forwarded-Host", ""),
    ("forwarded", "Forwarded", "host="),
    ("host", "Host", ""),
    ("x-host", "X-Host", ""),
    ("x-original-host", "X-Original-Host", ""),
];

async fn run(field: &Field) -> Result<(), WireError> {
    let authority = field.wire.origin().authority();
    let mut tested = 0_usize;
    for attempt in &attempts(field) {
        let Some(known) = attempt.known else { continue };
        let names = links(&known.answer, &authority).next().is_some();
        if !names && attempt.operation.path != "/" {
            continue;
        }
        tested = tested.saturating_add(1);
        attack(field, attempt).await?;
    }
    if tested == 0 {
        field.not_tested(ID, "no answer has the application's own address in it");
    }
    Ok(())
}

async fn attack(field: &Field, attempt: &Attempt<'_>) -> Result<(), WireError> {
    let operation = attempt.operation.id();
    let mut found = false;
    for (aspect, name, before) in WAYS {
        let host = format!("{}.example", field.canary());
        let Some((request, answer)) = send(field, attempt, name, &format!("{before}{host}")).await? else {
            continue;
        };
        let Some(link) = links(&answer, &host).next() else { continue };
        let other = format!("{}.example", field.canary());
        let again = send(field, attempt, name, &format!("{before}{other}")).await?;
        let repeated = again.is_some_and(|(_, answer)| links(&answer, &other).next().is_some());
        let third = format!("{}.example", field.canary());
        let Some((twin_request, twin)) = send(field, attempt, "X-Label", &third).await? else { continue };
        if !repeated || links(&twin, &third).next().is_some() {
            continue;
        }
        let (verdict, severity, why) = weigh(attempt, &answer, &link);
        let says = format!("a link follows `{name}`: {why}");
        let proof =
            Proof::new(field.evidence(attempt.who, &request, &answer), format!("the link is `{link}`"))
                .twin(field.evidence(attempt.who, &twin_request, &twin));
        let outcome = Outcome::new(ID, &operation, verdict, says).aspect(aspect).severity(severity);
        field.say(outcome.proof(proof));
        found = true;
    }
    if !found {
        field.say(Outcome::new(
            ID,
            &operation,
            Verdict::Passed,
            "no link follows the host that a request names",
        ));
    }
    Ok(())
}

async fn send(
    field: &Field,
    attempt: &Attempt<'_>,
    name: &str,
    value: &str,
) -> Result<Option<(Request, Answer)>, WireError> {
    let Some(request) = usable(field.prepared(attempt.who, &attempt.call).await)? else { return Ok(None) };
    let request = request.with(name, value);
    Ok(usable(field.request(attempt.who, &request).await)?.map(|answer| (request, answer)))
}

/// Who reads it decides how bad it is.
fn weigh(attempt: &Attempt<'_>, answer: &Answer, link: &str) -> (Verdict, Severity, &'static str) {
    let secret = link.split(['/', '?', '=', '&', '#']).skip(3).any(is_value_of_its_own);
    let control = answer.field("cache-control").unwrap_or_default().to_ascii_lowercase();
    let kept = control.contains("public") || control.contains("s-maxage");
    let named = answer.field("vary").unwrap_or_default().to_ascii_lowercase();
    match () {
        () if secret => (Verdict::Proven, Severity::High, "it carries a secret to whoever is named"),
        () if !attempt.operation.is_safe() => {
            (Verdict::Proven, Severity::Medium, "what a write gives out leads to whoever is named")
        }
        () if kept && !named.contains("host") => {
            (Verdict::Proven, Severity::Medium, "a cache may keep the answer for everybody")
        }
        () => (
            Verdict::Tentative,
            Severity::Low,
            "whoever sends the request gets it; look whether a cache or a mail does",
        ),
    }
}

/// A part of an address that is a secret: long and mixed.
fn is_value_of_its_own(part: &str) -> bool {
    part.len() >= 16 && is_value(part) || part.len() >= 20 && part.bytes().any(|byte| byte.is_ascii_digit())
}

/// Addresses at a host in what an answer says.
fn links<'a>(answer: &'a Answer, host: &'a str) -> impl Iterator<Item = String> + 'a {
    let location = answer.field("location").map(str::to_owned);
    let body = answer.text();
    let texts = location.into_iter().chain(Some(body.replace("\\/", "/")));
    texts.flat_map(move |text| addresses(&text, host))
}

fn addresses(text: &str, host: &str) -> Vec<String> {
    let mut all = Vec::new();
    for (at, _) in text.match_indices(host).take(50) {
        let before = text.get(..at).unwrap_or_default();
        let Some(start) = ["https://", "http://", "//"].iter().find(|start| before.ends_with(**start)) else {
            continue;
        };
        let rest = text.get(at..).unwrap_or_default();
        let ends =
            |letter: char| letter.is_whitespace() || letter.is_control() || "<>\"'`\\)".contains(letter);
        let after = rest.get(host.len()..).unwrap_or_default();
        // `evil.example.org` is another host than `evil.example`.
        if after.starts_with(|letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-')) {
            continue;
        }
        let address: String = rest.chars().take_while(|letter| !ends(*letter)).take(300).collect();
        all.push(format!("{start}{address}"));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_addresses_and_not_any_text() {
        assert_eq!(addresses("<a href=\"http://a.example/x?y\">", "a.example"), ["http://a.example/x?y"]);
        assert_eq!(addresses("see //a.example", "a.example"), ["//a.example"]);
        for no in
            ["you came by a.example", "http://b/?h=a.example", "http://a.example.org/", "mailto:x@a.example"]
        {
            assert_eq!(addresses(no, "a.example"), [""; 0], "{no}");
        }
    }
}
