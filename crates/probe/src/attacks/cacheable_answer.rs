//! Whether private answers may be kept by caches (RFC 9111, CWE-525, CWE-524).
//!
//! Passive. An answer is private when nobody (anonymous) does not get it and it says something of whoever asked: it differs
//! from what another identity gets for the same, or names them. It is a finding when `Cache-Control` lets a shared cache keep
//! it: `public`, `s-maxage`, or a `max-age` without `private` and `no-store` (an answer to `Authorization` needs one of the
//! first two, RFC 9111, section 3.5). Control and twin: the same as nobody, which was refused.
//!
//! One finding names the first operation and how many more there are.

use std::collections::BTreeMap;

use gabion_model::Severity;
use gabion_model::outbound::BoxFuture;

use super::{Attack, Phase};
use crate::field::{Field, Known};
use crate::verdict::{Outcome, Proof, Verdict};
use crate::wire::{Answer, WireError};

pub(super) struct CacheableAnswer;

const ID: &str = "cacheable-answer";

impl Attack for CacheableAnswer {
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

fn look(field: &Field) {
    let mut private = 0_usize;
    // By whether caches keep it apart: why, and the answers.
    let mut kept: BTreeMap<bool, Vec<(String, &Known)>> = BTreeMap::new();
    for known in field.examples() {
        let Some(operation) = field.operation(known.operation) else { continue };
        if operation.method != "GET" || !known.answer.is_success() || !is_private(field, known) {
            continue;
        }
        private = private.saturating_add(1);
        let session = field.person(known.who).session();
        let bearer = session.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("authorization"));
        if let Some(why) = may_be_kept(&known.answer, bearer) {
            // A cache that keeps one for each cookie gives nobody another's.
            let vary = known.answer.field("vary").unwrap_or_default().to_ascii_lowercase();
            let apart = vary.contains("cookie") || vary.contains("authorization") || vary.trim() == "*";
            kept.entry(apart).or_default().push((why, known));
        }
    }
    if private == 0 {
        field.not_tested(ID, "no answer is private; hint: `[[identities]]`");
    } else if kept.is_empty() {
        let says = format!("no shared cache may keep any of {private} private answers");
        field.say(Outcome::new(ID, "", Verdict::Passed, says));
    }
    for (apart, all) in &kept {
        let Some((why, known)) = all.first() else { continue };
        let Some(operation) = field.operation(known.operation) else { continue };
        let (verdict, severity, aspect) = if *apart {
            (Verdict::Tentative, Severity::Informational, "apart")
        } else {
            (Verdict::Proven, Severity::Medium, "")
        };
        let request = known.call.request();
        let more = match all.len() {
            1 => String::new(),
            count => format!(" (and {} more of {private} private answers)", count.saturating_sub(1)),
        };
        let says = format!("a private answer may be kept by every cache on the way: {why}{more}");
        let mark = known.answer.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("cache-control"));
        let mark = mark.map(|(name, value)| format!("{name}: {value}")).unwrap_or_default();
        let evidence = format!("`Cache-Control` says {why}");
        let mut proof = Proof::new(field.evidence(known.who, &request, &known.answer), evidence).marked(mark);
        if let Some(anonymous) = &known.anonymous {
            proof = proof.twin(field.evidence(0, &request, anonymous));
        }
        let outcome = Outcome::new(ID, &operation.id(), verdict, says);
        field.say(outcome.aspect(aspect).severity(severity).proof(proof));
    }
}

/// Whether it is of whoever asked, and not for everybody.
fn is_private(field: &Field, known: &Known) -> bool {
    let refused = |answer: &Answer| field.is_refusal(answer) || !answer.is_success();
    if known.who == 0 || !known.anonymous.as_ref().is_some_and(refused) {
        return false;
    }
    let others =
        field.known_of(known.operation).filter(|other| other.who != known.who && other.call == known.call);
    let person = field.person(known.who);
    others.into_iter().any(|other| other.answer.body != known.answer.body)
        || person.user.len() >= 3 && known.answer.has(&person.user)
        || person.name.len() >= 3 && known.answer.has(&person.name)
}

/// What of `Cache-Control` lets a shared cache keep it.
fn may_be_kept(answer: &Answer, bearer: bool) -> Option<String> {
    let all: Vec<String> = answer.fields("cache-control").map(str::to_ascii_lowercase).collect();
    let directives: Vec<&str> = all.iter().flat_map(|field| field.split(',')).map(str::trim).collect();
    let has = |name: &str| directives.iter().any(|one| one.split('=').next() == Some(name));
    let seconds = |name: &str| {
        let own = directives.iter().find_map(|one| one.strip_prefix(name)?.strip_prefix('='));
        own.and_then(|value| value.trim_matches('"').parse::<u64>().ok()).unwrap_or(0)
    };
    if has("no-store") || has("private") || has("no-cache") {
        return None;
    }
    if seconds("s-maxage") > 0 {
        return Some("`s-maxage`".to_owned());
    }
    if has("s-maxage") {
        return None;
    }
    let age = seconds("max-age");
    if has("public") && (age > 0 || !has("max-age")) {
        return Some("`public`".to_owned());
    }
    (age > 0 && !bearer).then(|| format!("`max-age={age}` and not `private`"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn caches_are_read_as_the_standard_says() {
        let kept = |value: &str, bearer| {
            let headers = vec![("Cache-Control".to_owned(), value.to_owned())];
            let answer =
                Answer { status: 200, headers, body: Vec::new(), cut: false, elapsed: Duration::ZERO };
            may_be_kept(&answer, bearer).is_some()
        };
        for yes in ["public, max-age=600", "public", "s-maxage=5", "max-age=60"] {
            assert!(kept(yes, false), "{yes}");
        }
        for no in [
            "no-store",
            "private, max-age=60",
            "no-cache, max-age=60",
            "",
            "max-age=0",
            "public, max-age=0",
            "public, s-maxage=0, max-age=9",
        ] {
            assert!(!kept(no, false), "{no}");
        }
        assert!(!kept("max-age=60", true) && kept("public, max-age=60", true));
    }
}
