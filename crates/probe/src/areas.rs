//! The ten tests that every release needs, and what each came to in a run: a reader looks here first.
//!
//! An area is as bad as the worst of its tests, and passed where one of them passed and none found anything. Where none could
//! say anything it is not tested, which is said with the reasons and is never a pass.

use std::collections::BTreeMap;

use crate::report::Report;
use crate::verdict::{Outcome, Verdict};

/// One of the ten.
#[derive(Debug, Clone)]
pub struct Area {
    pub name: &'static str,
    /// Nothing where none of its tests was chosen.
    pub verdict: Option<Verdict>,
    /// Its tests that were chosen, each with the strongest that it said.
    pub tests: BTreeMap<Verdict, Vec<&'static str>>,
    /// The outcome that decided: what was seen, and its control.
    pub shown: Option<Outcome>,
    /// Why there is no verdict, where there is none.
    pub reasons: Vec<String>,
}

/// The areas and their tests.
const AREAS: [(&str, &[&str]); 10] = [
    (
        "input validation",
        &[
            "input-validation",
            "command-injection",
            "deserialisation",
            "header-injection",
            "ldap-injection",
            "mass-assignment",
            "nosql-injection",
            "path-traversal",
            "prototype-pollution",
            "redos",
            "template-injection",
            "upload-contents",
            "upload-execution",
            "uploads",
            "xpath-injection",
            "xxe",
        ],
    ),
    (
        "authentication bypass",
        &[
            "authentication-bypass",
            "api-key",
            "default-credentials",
            "forged-identity",
            "jwt",
            "login-injection",
            "mfa",
            "missing-login",
            "oauth",
            "password-reset",
        ],
    ),
    ("SQL injection", &["sql-injection", "sql-stored"]),
    (
        "cross-site scripting and request forgery",
        &["xss-reflected", "xss-stored", "xss-dom", "csrf", "graphql-csrf"],
    ),
    (
        "authorization bypass",
        &[
            "object-access",
            "function-access",
            "graphql-access",
            "object-delete",
            "object-use",
            "object-write",
            "skipped-step",
            "tenant-access",
            "websocket-access",
        ],
    ),
    ("rate limits", &["login-rate", "graphql-limits", "rate-limit"]),
    ("error handling", &["verbose-errors", "version-disclosure"]),
    (
        "sessions",
        &[
            "session-identifiers",
            "session-concurrency",
            "session-cookies",
            "session-end",
            "session-in-address",
            "token-lifetime",
        ],
    ),
    ("headers", &["headers", "cacheable-answer", "cors"]),
    ("webhook signatures", &["webhooks"]),
];

/// Reasons that an area keeps.
const REASONS: usize = 3;

/// All ten, in their order.
#[must_use]
pub fn areas(report: &Report) -> Vec<Area> {
    AREAS.iter().map(|(name, tests)| area(report, name, tests)).collect()
}

fn area(report: &Report, name: &'static str, ids: &'static [&'static str]) -> Area {
    let mut tests: BTreeMap<Verdict, Vec<&'static str>> = BTreeMap::new();
    let mut reasons: Vec<String> = Vec::new();
    let mut shown: Option<&Outcome> = None;
    for id in ids.iter().filter(|id| report.tests.iter().any(|about| about.id == **id)) {
        let own = report.outcomes.iter().filter(|outcome| outcome.test == **id);
        let best = own.clone().reduce(|one, two| if rank(two) > rank(one) { two } else { one });
        tests.entry(best.map_or(Verdict::NotTested, |outcome| outcome.verdict)).or_default().push(id);
        // Of the same weight the first: the tests that are the area stand first.
        if best.map(rank) > shown.map(rank) {
            shown = best;
        }
        let open = own.filter(|one| matches!(one.verdict, Verdict::NotTested | Verdict::Inconclusive));
        let why = open.map(|outcome| format!("{id}: {}", outcome.says)).next();
        let why = why.or_else(|| best.is_none().then(|| format!("{id}: nothing here it could attack")));
        reasons.extend(why);
    }
    let verdict = tests.keys().copied().max_by_key(|verdict| weight(*verdict));
    if !matches!(verdict, Some(Verdict::NotTested | Verdict::Inconclusive)) {
        reasons.clear();
    }
    reasons.truncate(REASONS);
    let shown = shown.filter(|outcome| outcome.verdict == Verdict::Passed || outcome.verdict.is_finding());
    Area { name, verdict, tests, shown: shown.cloned(), reasons }
}

/// Of two that say the same, the one that shows its control.
fn rank(outcome: &Outcome) -> (u8, bool) {
    let shows = outcome.control.as_ref().is_some_and(|control| control.exchange.is_some());
    (weight(outcome.verdict), shows)
}

/// A pass says more than no verdict does.
const fn weight(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::NotTested => 0,
        Verdict::Inconclusive => 1,
        Verdict::Passed => 2,
        Verdict::Tentative => 3,
        Verdict::Firm => 4,
        Verdict::Proven => 5,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_test_of_an_area_is_there_and_in_one_alone() {
        let mut met = BTreeSet::new();
        for (name, tests) in AREAS {
            for id in tests {
                assert!(crate::about::about(id).is_some(), "{name}: {id}");
                assert!(met.insert(id), "{id} is in two");
            }
        }
    }

    #[test]
    fn a_pass_outweighs_what_has_no_verdict_and_a_finding_both() {
        let order = Verdict::ALL.map(weight);
        assert_eq!(order, [0, 2, 1, 3, 4, 5]);
    }
}
