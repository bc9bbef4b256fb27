//! What applications say happened in them.
//!
//! Who did it is whoever the request was verified to be by: the session or credential it carried. Nothing in what is sent
//! can say another, and no event of an application looks like one of the gate's own
//! ([`EventKind::Application`](gabion_model::EventKind::Application)).
//!
//! | member | |
//! |---|---|
//! | `action` | dotted lower-case words, 1 to 64 bytes: `order.created` |
//! | `outcome` | `success` or `failure` |
//! | `resource` | what it was done to, at most 512 bytes; what follows a `?` or `#` is not kept |
//! | `severity` | `informational`, `low`, `medium`, `high` or `critical` |
//! | `user_agent` | at most 256 bytes; otherwise the request's own |
//! | `metadata` | at most 12 texts of at most 256 bytes; names of letters, digits, `.`, `_` and `-`, at most 64 bytes |

use std::collections::BTreeMap;

use gabion_identity::CredentialKind;
use gabion_model::{Actor, Outcome, Problem, RequestId, Severity, Timestamp};
use gabion_vault::sha256;
use serde_json::{Map, Value};

use crate::idempotency::{Admission, IdempotencyKey};
use crate::record::to_the_end;
use crate::service::Service;
use crate::{Act, ActError, Caller};

/// An event as an application sent it, judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    action: String,
    outcome: Outcome,
    resource: String,
    severity: Severity,
    user_agent: Option<String>,
    metadata: BTreeMap<String, String>,
}

/// Why an event was not recorded. Alphabetical.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    #[error("{0}")]
    Act(#[from] ActError),
    /// One with the same key is under way.
    #[error("a request with this key is being answered")]
    InFlight,
    /// The key was another event's.
    #[error("the key was sent with another event")]
    Reused,
}

/// Where an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Submitted {
    /// In the ledger; by it the record is proven.
    pub position: u64,
    /// The id of the request that brought it, which the record holds.
    pub id: RequestId,
    pub time: Timestamp,
}

impl Submission {
    /// Reads the members of the JSON object that was sent.
    ///
    /// # Errors
    /// Every member that breaks a rule. What it holds is not repeated.
    pub fn read(mut members: Map<String, Value>) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut text = |name: &str, most: usize| match members.remove(name) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) if text.len() <= most => Some(text),
            Some(Value::String(_)) => {
                problems.push(Problem::new(name, format!("has more than {most} bytes")));
                None
            }
            Some(_) => {
                problems.push(Problem::new(name, "is no text"));
                None
            }
        };
        let (action, outcome) = (text("action", ACTION), text("outcome", WORD));
        let (resource, severity) = (text("resource", RESOURCE), text("severity", WORD));
        let user_agent = text("user_agent", USER_AGENT);
        let mut wrong = |name: &str, reason: &str, hint: &str| {
            if !problems.iter().any(|problem| problem.path == name) {
                problems.push(Problem::new(name, reason).hint(hint));
            }
        };
        if action.as_deref().is_none_or(|action| !is_action(action)) {
            wrong("action", "is not dotted lower-case words", "for instance `order.created`");
        }
        let outcome = match outcome.as_deref() {
            Some("success") => Outcome::Success,
            Some("failure") => Outcome::Failure,
            _ => {
                wrong("outcome", "is neither `success` nor `failure`", "how it ended");
                Outcome::Failure
            }
        };
        let known = |text: &str| Severity::ALL.iter().copied().find(|own| own.as_str() == text);
        let severity = match severity.as_deref().map(known) {
            None => Severity::Informational,
            Some(Some(severity)) => severity,
            Some(None) => {
                wrong(
                    "severity",
                    "is none that is known",
                    "`informational`, `low`, `medium`, `high` or `critical`",
                );
                Severity::Informational
            }
        };
        let metadata = metadata(members.remove("metadata"), &mut problems);
        for name in members.keys() {
            problems.push(
                Problem::new(if is_name(name) { name } else { "" }, "is no member of an event")
                    .hint("`action`, `outcome`, `resource`, `severity`, `user_agent` and `metadata` are"),
            );
        }
        if !problems.is_empty() {
            problems.truncate(MOST_PROBLEMS);
            return Err(problems);
        }
        let (action, resource) = (action.unwrap_or_default(), resource.unwrap_or_default());
        Ok(Self { action, outcome, resource, severity, user_agent, metadata })
    }
}

impl Service {
    /// Records what an application says happened. Durable when this answers.
    ///
    /// # Errors
    /// Who may not; and that nothing can be recorded.
    pub async fn submit_event(&self, caller: &Caller, event: Submission) -> Result<Submitted, ActError> {
        let mut caller = caller.clone();
        let id = *caller.request_id.get_or_insert_with(|| RequestId::random(&*self.0.rng));
        let asked = caller.clone();
        self.blocking(move |inner| inner.authorize(Act::SubmitEvent, &asked)).await?;
        let mut record = self.0.event(Act::SubmitEvent, &caller, event.outcome);
        record.action = event.action;
        record.resource = event.resource;
        record.severity = Some(event.severity);
        record.user_agent = event.user_agent.or(record.user_agent);
        // What the gate knows stays: its names are refused in what is sent.
        let known = std::mem::replace(&mut record.metadata, event.metadata);
        record.metadata.extend(known);
        let time = record.time;
        let position = self.0.ledger.record(record).await?;
        Ok(Submitted { position: position.0, id, time })
    }
}

impl Service {
    /// The same, once for a key: whoever sends it again within an hour gets the first answer, and no second record.
    ///
    /// # Errors
    /// Also that the key was another event's, or that the first is still under way.
    pub async fn submit_event_once(
        &self,
        caller: &Caller,
        key: IdempotencyKey,
        event: Submission,
    ) -> Result<Submitted, SubmitError> {
        // Before anything is remembered for somebody.
        let asked = caller.clone();
        self.blocking(move |inner| inner.authorize(Act::SubmitEvent, &asked)).await?;
        let Actor::Account { id, .. } = &caller.actor else { return Err(ActError::Forbidden.into()) };
        let digest = sha256(format!("{event:?}").as_bytes());
        match self.0.submitted.admit(id, &key, digest, self.0.clock.now()) {
            Admission::Done(submitted) => return Ok(submitted),
            Admission::First => {}
            Admission::InFlight => return Err(SubmitError::InFlight),
            Admission::Other => return Err(SubmitError::Reused),
        }
        let (service, caller, id) = (self.clone(), caller.clone(), id.clone());
        // To its end, also when whoever asked goes away: they will ask again.
        to_the_end(async move {
            let submitted = service.submit_event(&caller, event).await;
            service.0.submitted.finish(&id, &key, submitted.as_ref().ok().copied());
            Ok(submitted?)
        })
        .await
    }
}

fn metadata(value: Option<Value>, problems: &mut Vec<Problem>) -> BTreeMap<String, String> {
    let members = match value {
        None | Some(Value::Null) => return BTreeMap::new(),
        Some(Value::Object(members)) => members,
        Some(_) => {
            problems.push(Problem::new("metadata", "is no object"));
            return BTreeMap::new();
        }
    };
    if members.len() > ENTRIES {
        problems.push(Problem::new("metadata", format!("has more than {ENTRIES} members")));
        return BTreeMap::new();
    }
    let mut kept = BTreeMap::new();
    for (name, value) in members {
        if !is_name(&name) {
            problems.push(
                Problem::new("metadata", "has a member with an unusable name")
                    .hint("letters, digits, `.`, `_` and `-`, at most 64 bytes"),
            );
            continue;
        }
        let reason = match value {
            _ if CredentialKind::ALL.iter().any(|kind| kind.as_str() == name) => {
                "is what the gate writes itself"
            }
            Value::String(text) if text.len() <= VALUE => {
                kept.insert(name, text);
                continue;
            }
            Value::String(_) => "has more than 256 bytes",
            _ => "is no text",
        };
        problems.push(Problem::new(format!("metadata.{name}"), reason));
    }
    kept
}

/// Lower-case words with digits, joined by dots, hyphens and underscores.
fn is_action(text: &str) -> bool {
    let word = |word: &str| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    text.split(['.', '-', '_']).all(word)
}

fn is_name(text: &str) -> bool {
    (1..=NAME).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

const ACTION: usize = 64;
const RESOURCE: usize = 512;
const USER_AGENT: usize = 256;
/// An outcome or a severity.
const WORD: usize = 32;
/// With what the gate adds, fewer than the ledger keeps.
const ENTRIES: usize = 12;
const NAME: usize = 64;
const VALUE: usize = 256;
const MOST_PROBLEMS: usize = 20;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(value: Value) -> Result<Submission, Vec<String>> {
        let Value::Object(members) = value else { panic!("an object") };
        let paths = |problems: Vec<Problem>| problems.into_iter().map(|problem| problem.path).collect();
        Submission::read(members).map_err(paths)
    }

    #[test]
    fn a_whole_one_and_the_least_there_can_be() {
        let whole = read(json!({
            "action": "order.refund-requested", "outcome": "failure", "resource": "/orders/7", "severity": "high",
            "user_agent": "Firefox", "metadata": { "amount": "12.50", "currency.code": "EUR" },
        }));
        let whole = whole.unwrap();
        assert_eq!((whole.outcome, whole.severity), (Outcome::Failure, Severity::High));
        assert_eq!(whole.metadata["amount"], "12.50");
        let least = read(json!({ "action": "x", "outcome": "success", "metadata": null })).unwrap();
        assert_eq!((least.severity, least.resource.as_str()), (Severity::Informational, ""));
        assert_eq!(least.user_agent, None);
    }

    #[test]
    fn every_member_that_breaks_a_rule_is_named() {
        let long = "x".repeat(600);
        for (event, paths) in [
            (json!({}), vec!["action", "outcome"]),
            (json!({ "action": 7, "outcome": "begun" }), vec!["action", "outcome"]),
            (json!({ "action": "Order", "outcome": "success" }), vec!["action"]),
            (json!({ "action": "a..b", "outcome": "success" }), vec!["action"]),
            (json!({ "action": "a\nb", "outcome": "success" }), vec!["action"]),
            (json!({ "action": "x".repeat(65), "outcome": "success" }), vec!["action"]),
            (
                json!({ "action": "a", "outcome": "success", "resource": long, "user_agent": long, "severity": "worst" }),
                vec!["resource", "user_agent", "severity"],
            ),
            (json!({ "action": "a", "outcome": "success", "principal": "root" }), vec!["principal"]),
            (json!({ "action": "a", "outcome": "success", "actor\n": "root" }), vec![""]),
            (json!({ "action": "a", "outcome": "success", "metadata": [] }), vec!["metadata"]),
            (
                json!({ "action": "a", "outcome": "success", "metadata": { "api-key": "k", "n": 7, "v": long, "a b": "" } }),
                vec!["metadata.api-key", "metadata.n", "metadata.v", "metadata"],
            ),
        ] {
            assert_eq!(read(event.clone()).unwrap_err(), paths, "{event}");
        }
        let many: Map<_, _> = (0..13).map(|number| (number.to_string(), json!(""))).collect();
        let many = json!({ "action": "a", "outcome": "success", "metadata": many });
        assert_eq!(read(many).unwrap_err(), ["metadata"]);
        let flood: Map<_, _> = (0..5000).map(|number| (number.to_string(), json!(""))).collect();
        assert_eq!(Submission::read(flood).unwrap_err().len(), MOST_PROBLEMS);
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<i64>().prop_map(Value::from),
            ".{0,300}".prop_map(Value::from)
        ];
        leaf.prop_recursive(2, 8, 4, |inner| {
            prop::collection::btree_map(".{0,5}", inner, 0..4).prop_map(|map| json!(map))
        })
    }

    proptest! {
        #[test]
        fn whatever_is_sent_is_taken_within_bounds_or_refused_without_being_repeated(
            values in prop::collection::btree_map(
                prop::sample::select(vec!["action", "outcome", "resource", "severity", "user_agent", "metadata", "other"]),
                prop_oneof![any_value(), Just(json!("success")), Just(json!("a.b"))], 0..7),
        ) {
            let members: Map<_, _> = values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
            match Submission::read(members) {
                Ok(event) => {
                    prop_assert!(is_action(&event.action) && event.action.len() <= ACTION);
                    prop_assert!(event.resource.len() <= RESOURCE && event.metadata.len() <= ENTRIES);
                    prop_assert!(event.metadata.iter().all(|(name, value)| is_name(name) && value.len() <= VALUE));
                }
                Err(problems) => {
                    prop_assert!((1..=MOST_PROBLEMS).contains(&problems.len()));
                    prop_assert!(problems.iter().all(|problem| problem.path.is_ascii() && problem.path.len() <= 80));
                }
            }
        }
    }
}
