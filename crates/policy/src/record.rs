//! A decision as the ledger keeps it: enough to ask the same question of other policies.
//!
//! Each is metadata of an event, under the names below; principal, resource and context in the words of
//! [`WrittenQuestion`](crate::WrittenQuestion). What is long is left out as a whole, and the decision can then be read
//! but not replayed.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::decision::{Decision, Effect, Obligation, PolicyId};
use crate::question::Question;
use crate::value::Value;
use crate::written::{OwnedQuestion, WrittenQuestion};

/// `allow` or `deny`.
pub const EFFECT: &str = "policy.effect";
/// The ids of the policies that decided, with `, ` between them.
pub const POLICIES: &str = "policy.policies";
pub const GENERATION: &str = "policy.generation";
pub const ACTION: &str = "policy.action";
/// `Order::"17"`
pub const ENTITY: &str = "policy.entity";
/// What policies on trial would have decided: `deny` or `allow`.
pub const DRY_RUN: &str = "policy.dry-run";
/// The ids of those on trial, with `, ` between them.
pub const DRY_RUN_POLICIES: &str = "policy.dry-run-policies";
/// JSON: who asked.
pub const PRINCIPAL: &str = "policy.principal";
/// JSON: what was known of the resource.
pub const RESOURCE: &str = "policy.resource";
/// JSON: the circumstances, as far as the policies read them.
pub const CONTEXT: &str = "policy.context";

/// A question and what came of it.
#[derive(Debug, Clone)]
pub struct Recorded {
    pub effect: Effect,
    pub policies: Vec<String>,
    pub generation: String,
    pub question: OwnedQuestion,
}

/// Writes a decision into the metadata of an event.
pub fn write(question: &Question<'_>, decision: &Decision, metadata: &mut BTreeMap<String, String>) {
    let mut put = |name: &str, value: String| {
        if !value.is_empty() && value.len() <= LONGEST {
            metadata.insert(name.to_owned(), value);
        }
    };
    put(EFFECT, decision.effect.as_str().to_owned());
    put(POLICIES, listed(&decision.policies));
    put(GENERATION, decision.generation.to_string());
    put(ACTION, question.action.to_owned());
    put(ENTITY, question.resource.entity.to_string());
    for obligation in &decision.obligations {
        if let Obligation::DryRun { effect, policies } = obligation {
            put(DRY_RUN, effect.as_str().to_owned());
            put(DRY_RUN_POLICIES, listed(policies));
        }
    }
    let WrittenQuestion { principal, resource, mut context, .. } = WrittenQuestion::of(question);
    renamed(&mut context, CREDENTIAL, BY);
    put(PRINCIPAL, json(&principal));
    put(RESOURCE, json(&resource));
    put(CONTEXT, json(&context));
}

impl Recorded {
    /// From the metadata of an event; nothing where a part is missing.
    #[must_use]
    pub fn read(metadata: &BTreeMap<String, String>) -> Option<Self> {
        let text = |name: &str| metadata.get(name).map(String::as_str);
        let policies = text(POLICIES).unwrap_or_default();
        let mut context: BTreeMap<Arc<str>, Value> = of_json(text(CONTEXT)?)?;
        renamed(&mut context, BY, CREDENTIAL);
        let written = WrittenQuestion {
            principal: of_json(text(PRINCIPAL)?)?,
            action: text(ACTION)?.to_owned(),
            resource: of_json(text(RESOURCE)?)?,
            context,
        };
        Some(Self {
            effect: match text(EFFECT)? {
                "allow" => Effect::Allow,
                "deny" => Effect::Deny,
                _ => return None,
            },
            policies: policies.split(", ").filter(|one| !one.is_empty()).map(str::to_owned).collect(),
            generation: text(GENERATION)?.to_owned(),
            question: written.read().ok()?,
        })
    }
}

fn listed(policies: &[PolicyId]) -> String {
    policies.iter().map(|id| &*id.0).collect::<Vec<_>>().join(", ")
}

fn renamed(members: &mut BTreeMap<Arc<str>, Value>, from: &str, to: &str) {
    if let Some(value) = members.remove(from) {
        members.insert(to.into(), value);
    }
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn of_json<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_str(text).ok()
}

/// The ledger keeps nothing that is called a credential.
const CREDENTIAL: &str = "credential";
const BY: &str = "came-by";
/// Of one value; the ledger cuts longer ones, and half a document is none.
const LONGEST: usize = 1024;

#[cfg(test)]
mod tests {
    use gabion_model::{Acr, Methods, Timestamp};

    use super::*;
    use crate::decision::{Answer, Generation};
    use crate::question::{Context, Resource, Subject, SubjectKind};
    use crate::value::EntityRef;

    #[test]
    fn what_is_written_is_the_question_that_was_asked() {
        let attributes = BTreeMap::from([(Arc::from("department"), Value::from("sales"))]);
        let subject =
            Subject::new(SubjectKind::User, "a1", "ada", Some("acme"), &["clerk"], &["Staff"], attributes);
        let resource = Resource::new("Order", "17")
            .with("owner", EntityRef::new("User", "a1"))
            .with("total", 5)
            .within(EntityRef::new("Shop", "3"));
        let context = Context {
            ip: Some("192.0.2.1".parse().unwrap()),
            now: Some(Timestamp::from_secs(7)),
            acr: Some(Acr::TwoFactors),
            factors: Methods::PASSWORD,
            credential: Some("api-key".into()),
            scopes: vec!["read".into()],
            secure: true,
            ..Context::default()
        };
        let question =
            Question { principal: &subject, action: "orders.read", resource: &resource, context: &context };
        let trial = Obligation::DryRun { effect: Effect::Deny, policies: vec![PolicyId("next".into())] };
        let decision = Decision::from(Answer {
            effect: Effect::Allow,
            policies: vec![PolicyId("owner".into()), PolicyId("b.cedar:2".into())],
            obligations: vec![trial],
            faults: Vec::new(),
            generation: Generation([1; 8]),
        });
        let mut metadata = BTreeMap::new();
        write(&question, &decision, &mut metadata);
        assert_eq!((&*metadata[ENTITY], &*metadata[DRY_RUN]), ("Order::\"17\"", "deny"));
        assert_eq!(metadata[DRY_RUN_POLICIES], "next");
        assert!(!metadata[CONTEXT].contains(CREDENTIAL));
        let read = Recorded::read(&metadata).unwrap();
        let asked = &read.question;
        assert_eq!(
            (read.effect, &*asked.action, &asked.resource, &asked.context),
            (Effect::Allow, "orders.read", &resource, &context)
        );
        assert_eq!(read.policies, ["owner", "b.cedar:2"]);
        assert_eq!(WrittenQuestion::of(&asked.as_question()), WrittenQuestion::of(&question));
        for name in [EFFECT, GENERATION, ACTION, PRINCIPAL, RESOURCE, CONTEXT] {
            let mut short = metadata.clone();
            short.remove(name);
            assert!(Recorded::read(&short).is_none(), "{name}");
        }
    }

    #[test]
    fn policies_see_the_same_factors_when_it_is_asked_again() {
        for bits in 0..=255 {
            let context = Context { factors: Methods::from_bits(bits), ..Context::default() };
            let (subject, resource) = (Subject::anonymous(), Resource::new("Route", "/"));
            let question =
                Question { principal: &subject, action: "GET", resource: &resource, context: &context };
            let again = WrittenQuestion::of(&question).read().unwrap();
            assert_eq!(again.context.factors.amr(), context.factors.amr(), "{bits:b}");
        }
    }
}
