//! What answers say to browsers about framing, sniffing, scripts and referrers (OWASP Secure Headers Project, RFC 6797, CSP 3).
//!
//! Passive. Pages, API answers, errors and redirects are looked at each by themselves; one finding per header names the
//! operations that lack it. Control: the answer was read and is of that kind.

use std::collections::BTreeMap;

use gabion_model::Severity;
use gabion_model::outbound::BoxFuture;

use super::{Attack, Phase};
use crate::call::Call;
use crate::field::Field;
use crate::verdict::{Outcome, Proof, Verdict};
use crate::wire::{Answer, WireError};

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
        Box::pin(async move {
            look(field);
            Ok(())
        })
    }
}

/// Where something is missing: how bad that is, in words, who asked what, and the answer.
type Seen<'a> = (Severity, String, usize, &'a Call, &'a Answer);

/// What is missing: its aspect, how bad that is, and in words.
type Lack = (&'static str, Severity, String);

fn look(field: &Field) {
    let mut lacking: BTreeMap<&'static str, Vec<Seen<'_>>> = BTreeMap::new();
    let mut looked = 0_usize;
    for known in field.examples() {
        let Some(operation) = field.operation(known.operation) else { continue };
        if !operation.is_safe() || !known.answer.is_success() {
            continue;
        }
        looked = looked.saturating_add(1);
        for (aspect, severity, says) in lacks(&known.answer, field.wire.origin().is_tls()) {
            lacking.entry(aspect).or_default().push((severity, says, known.who, &known.call, &known.answer));
        }
    }
    if looked == 0 {
        field.not_tested(ID, "no operation gave an answer to look at");
        return;
    }
    for aspect in ASPECTS {
        let Some(found) = lacking.get(aspect) else {
            field.say(
                Outcome::new(ID, "", Verdict::Passed, format!("{looked} answers have it")).aspect(aspect),
            );
            continue;
        };
        let Some((severity, says, who, call, answer)) = found.first() else { continue };
        let request = call.request();
        let more = match found.len() {
            1 => String::new(),
            count => format!(" (and {} more of {looked} answers)", count.saturating_sub(1)),
        };
        let operation = format!("{} {}", call.method, call.template);
        let proof = Proof::new(field.evidence(*who, &request, answer), says.clone());
        let outcome = Outcome::new(ID, &operation, Verdict::Proven, format!("{says}{more}"));
        field.say(outcome.aspect(aspect).severity(*severity).proof(proof));
    }
}

const ASPECTS: &[&str] = &["framing", "sniffing", "scripts", "referrer", "transport"];

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
