//! Limits that answers declare in their heads: `RateLimit-Policy`, `RateLimit` and `RateLimit-Limit` of the drafts of the IETF's
//! HTTPAPI group, and the older `X-RateLimit-Limit`, which says no period.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use gabion_finding::visible;
use gabion_model::Period;

use super::{SHOWN, quoted};
use crate::field::Field;
use crate::wire::Answer;

/// So many requests, in so many seconds where that is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Quota {
    requests: u32,
    seconds: Option<u64>,
}

pub(super) fn write(out: &mut String, field: &Field) {
    if !field.facts.throttles.is_empty() {
        for throttle in &field.facts.throttles {
            let _ = writeln!(
                out,
                "[[throttles]]\noperation = {}\nrequests = {}\nper = {}\n",
                quoted(&throttle.operation),
                throttle.requests,
                quoted(&throttle.per.to_string())
            );
        }
        return;
    }
    let mut quotas: BTreeMap<Quota, Vec<String>> = BTreeMap::new();
    for (operation, answer) in answers(field) {
        if let Some(quota) = quota(answer) {
            let operations = quotas.entry(quota).or_default();
            if !operations.contains(&operation) {
                operations.push(operation);
            }
        }
    }
    for (quota, operations) in quotas {
        let count = operations.len();
        // One of them stands for all: what is limited together is spent together.
        let Some(first) = operations.first() else { continue };
        let others: Vec<String> = operations
            .iter()
            .skip(1)
            .take(SHOWN)
            .map(|operation| format!("`{}`", visible(operation)))
            .collect();
        if !others.is_empty() {
            let more = super::more(count.saturating_sub(1), SHOWN);
            let _ = writeln!(out, "# The same is said by {}{more}.", others.join(", "));
        }
        let Quota { requests, seconds } = quota;
        match seconds {
            Some(seconds) => {
                let _ = writeln!(
                    out,
                    "# Found in the heads of its answers.\n[[throttles]]\noperation = {}\nrequests = {requests}\nper = {}\n",
                    quoted(first),
                    quoted(&Period::from_secs(seconds).to_string())
                );
            }
            None => {
                let _ = writeln!(
                    out,
                    "# Asked: answers of `{}` say {requests} requests, and not in which time.\n\
                     # [[throttles]]\n# operation = {}\n# requests = {requests}\n# per = \"1m\"\n",
                    visible(first),
                    quoted(first)
                );
            }
        }
    }
}

/// Answers that were kept, by what was asked.
fn answers(field: &Field) -> impl Iterator<Item = (String, &Answer)> {
    let logins = field.people.iter().filter_map(|person| {
        let (request, answer) = person.login.as_ref()?;
        let path = request.target.split('?').next().unwrap_or_default();
        Some((format!("{} {path}", request.method), answer))
    });
    let known =
        field.known.iter().filter_map(|known| Some((field.operation(known.operation)?.id(), &known.answer)));
    logins.chain(known)
}

/// What an answer declares; of several policies the one with the shortest period.
fn quota(answer: &Answer) -> Option<Quota> {
    let policies = answer.fields("ratelimit-policy").chain(answer.fields("ratelimit-limit"));
    let mut all: Vec<Quota> = policies.flat_map(|field| field.split(',')).filter_map(item).collect();
    all.sort_by_key(|quota| quota.seconds.unwrap_or(u64::MAX));
    if let Some(quota) = all.first() {
        return Some(*quota);
    }
    let together = answer.fields("ratelimit").flat_map(|field| field.split(','));
    let limit = together.filter_map(|part| part.trim().strip_prefix("limit=")).next();
    let alone = answer.field("x-ratelimit-limit").or_else(|| answer.field("x-rate-limit-limit"));
    let requests = limit.or(alone)?.trim().parse().ok()?;
    Some(Quota { requests, seconds: None })
}

/// `100;w=60`, or `"name";q=100;w=60`.
fn item(text: &str) -> Option<Quota> {
    let mut parts = text.split(';').map(str::trim);
    let first = parts.next()?;
    let mut quota = first.parse::<u32>().ok();
    let mut seconds = None;
    for part in parts {
        match part.split_once('=') {
            Some(("q", value)) => quota = value.trim().parse().ok(),
            Some(("w", value)) => {
                seconds = value.trim().parse::<u64>().ok().filter(|own| (1..=MONTH).contains(own))
            }
            _ => {}
        }
    }
    Some(Quota { requests: quota.filter(|own| *own > 0)?, seconds })
}

const MONTH: u64 = 31 * 86_400;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn of(headers: &[(&str, &str)]) -> Option<(u32, Option<u64>)> {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let answer = Answer { status: 200, headers, body: Vec::new(), cut: false, elapsed: Duration::ZERO };
        quota(&answer).map(|quota| (quota.requests, quota.seconds))
    }

    #[test]
    fn limits_are_read_in_every_form_they_are_declared_in() {
        assert_eq!(
            of(&[("RateLimit-Policy", "\"burst\";q=100;w=60, \"daily\";q=5000;w=86400")]),
            Some((100, Some(60)))
        );
        assert_eq!(of(&[("RateLimit-Policy", "10;w=1;comment=\"x\"")]), Some((10, Some(1))));
        assert_eq!(of(&[("RateLimit-Limit", "100, 100;w=900")]), Some((100, Some(900))));
        assert_eq!(of(&[("RateLimit", "limit=20, remaining=3, reset=5")]), Some((20, None)));
        assert_eq!(of(&[("X-RateLimit-Limit", "60")]), Some((60, None)));
        assert_eq!(of(&[("X-RateLimit-Limit", "a lot")]), None);
        assert_eq!(of(&[("RateLimit-Policy", "\"x\";q=0;w=1")]), None);
        assert_eq!(of(&[("RateLimit-Policy", "5;w=99999999999999999999")]), Some((5, None)));
        assert_eq!(of(&[]), None);
    }
}
