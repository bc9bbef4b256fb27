//! A decision as the ledger keeps it: enough to ask the same question of other policies.
//!
//! Each is metadata of an event, under the names below. What is long is left out as a whole, and the decision can then
//! be read but not replayed.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::sync::Arc;

use gabion_model::{Acr, Methods, Timestamp};
use serde::{Deserialize, Serialize};

use crate::decision::{Decision, Effect, Obligation};
use crate::question::{Context, Question, Resource, Subject, SubjectKind};
use crate::value::{EntityRef, Value};

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
/// JSON: who asked.
pub const PRINCIPAL: &str = "policy.principal";
/// JSON: what was known of the resource.
pub const RESOURCE: &str = "policy.resource";
/// JSON: the circumstances, as far as the policies read them.
pub const CONTEXT: &str = "policy.context";

/// A question and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    pub effect: Effect,
    pub policies: Vec<String>,
    pub generation: String,
    pub action: String,
    pub principal: RecordedPrincipal,
    pub resource: Resource,
    pub context: Context,
}

/// Who asked, with what decisions go by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedPrincipal {
    #[serde(rename = "type")]
    pub kind: String,
    pub id: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, Value>,
}

impl RecordedPrincipal {
    #[must_use]
    pub fn of(subject: &Subject) -> Self {
        let identity = &*subject.0;
        let words = |words: &[Arc<str>]| words.iter().map(|word| word.to_string()).collect();
        Self {
            kind: identity.kind.as_str().to_owned(),
            id: identity.id.to_string(),
            name: identity.name.to_string(),
            tenant: identity.tenant.as_deref().map(str::to_owned),
            roles: words(&identity.roles),
            groups: words(&identity.groups),
            attributes: identity
                .attributes
                .iter()
                .map(|(name, value)| (name.to_string(), value.clone()))
                .collect(),
        }
    }

    /// The same for a question; nothing for a type of principal there is not.
    #[must_use]
    pub fn subject(&self) -> Option<Subject> {
        let roles: Vec<&str> = self.roles.iter().map(String::as_str).collect();
        let groups: Vec<&str> = self.groups.iter().map(String::as_str).collect();
        let attributes = self.attributes.iter().map(|(name, value)| (name.as_str().into(), value.clone()));
        Some(Subject::new(
            SubjectKind::parse(&self.kind)?,
            &self.id,
            &self.name,
            self.tenant.as_deref(),
            &roles,
            &groups,
            attributes.collect(),
        ))
    }
}

#[derive(Serialize, Deserialize)]
struct RecordedResource {
    #[serde(rename = "type")]
    kind: Arc<str>,
    id: Arc<str>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    parents: Vec<EntityRef>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    attributes: BTreeMap<String, Value>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    tags: BTreeMap<String, Value>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct RecordedContext {
    #[serde(skip_serializing_if = "Option::is_none")]
    ip: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    now: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<Acr>,
    #[serde(skip_serializing_if = "is_none")]
    factors: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    authenticated_at: Option<i64>,
    /// The ledger keeps nothing that is called a credential.
    #[serde(rename = "by", skip_serializing_if = "Option::is_none")]
    credential: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    scopes: Vec<String>,
    secure: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    attributes: BTreeMap<String, Value>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
const fn is_none(bits: &u16) -> bool {
    *bits == 0
}

/// Writes a decision into the metadata of an event.
pub fn write(question: &Question<'_>, decision: &Decision, metadata: &mut BTreeMap<String, String>) {
    let mut put = |name: &str, value: String| {
        if value.len() <= LONGEST {
            metadata.insert(name.to_owned(), value);
        }
    };
    put(EFFECT, decision.effect.as_str().to_owned());
    let mut policies = String::new();
    for policy in decision.policies.iter() {
        let _ = write!(policies, "{}{policy}", if policies.is_empty() { "" } else { ", " });
    }
    if !policies.is_empty() {
        put(POLICIES, policies);
    }
    put(GENERATION, decision.generation.to_string());
    put(ACTION, question.action.to_owned());
    put(ENTITY, question.resource.entity.to_string());
    for obligation in decision.obligations.iter() {
        if let Obligation::DryRun { effect, .. } = obligation {
            put(DRY_RUN, effect.as_str().to_owned());
        }
    }
    put(PRINCIPAL, json(&RecordedPrincipal::of(question.principal)));
    let resource = question.resource;
    put(
        RESOURCE,
        json(&RecordedResource {
            kind: Arc::clone(&resource.entity.kind),
            id: Arc::clone(&resource.entity.id),
            parents: resource.parents.clone(),
            attributes: named(&resource.attributes),
            tags: named(&resource.tags),
        }),
    );
    let context = question.context;
    let text = |text: &Option<Arc<str>>| text.as_deref().map(str::to_owned);
    put(
        CONTEXT,
        json(&RecordedContext {
            ip: context.ip,
            now: context.now.map(Timestamp::as_micros),
            acr: context.acr,
            factors: context.factors.bits(),
            authenticated_at: context.authenticated_at.map(Timestamp::as_micros),
            credential: text(&context.credential),
            scopes: context.scopes.iter().map(|scope| scope.to_string()).collect(),
            secure: context.secure,
            device: text(&context.device),
            method: text(&context.method),
            host: text(&context.host),
            path: text(&context.path),
            attributes: named(&context.attributes),
        }),
    );
}

impl Recorded {
    /// From the metadata of an event; nothing where a part is missing.
    #[must_use]
    pub fn read(metadata: &BTreeMap<String, String>) -> Option<Self> {
        let text = |name: &str| metadata.get(name).map(String::as_str);
        let resource: RecordedResource = serde_json::from_str(text(RESOURCE)?).ok()?;
        let context: RecordedContext = serde_json::from_str(text(CONTEXT)?).ok()?;
        let values = |members: BTreeMap<String, Value>| {
            members.into_iter().map(|(name, value)| (Arc::from(name), value)).collect()
        };
        let policies = text(POLICIES).unwrap_or_default();
        Some(Self {
            effect: match text(EFFECT)? {
                "allow" => Effect::Allow,
                "deny" => Effect::Deny,
                _ => return None,
            },
            policies: policies.split(", ").filter(|one| !one.is_empty()).map(str::to_owned).collect(),
            generation: text(GENERATION)?.to_owned(),
            action: text(ACTION)?.to_owned(),
            principal: serde_json::from_str(text(PRINCIPAL)?).ok()?,
            resource: Resource {
                entity: EntityRef { kind: resource.kind, id: resource.id },
                parents: resource.parents,
                attributes: values(resource.attributes),
                tags: values(resource.tags),
            },
            context: Context {
                ip: context.ip,
                now: context.now.map(Timestamp::from_micros),
                acr: context.acr,
                factors: Methods::from_bits(context.factors),
                authenticated_at: context.authenticated_at.map(Timestamp::from_micros),
                credential: context.credential.map(Into::into),
                scopes: context.scopes.into_iter().map(Into::into).collect(),
                secure: context.secure,
                device: context.device.map(Into::into),
                method: context.method.map(Into::into),
                host: context.host.map(Into::into),
                path: context.path.map(Into::into),
                attributes: values(context.attributes),
            },
        })
    }
}

fn named(members: &BTreeMap<Arc<str>, Value>) -> BTreeMap<String, Value> {
    members.iter().map(|(name, value)| (name.to_string(), value.clone())).collect()
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// Of one value; the ledger cuts longer ones, and half a document is none.
const LONGEST: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::{Generation, PolicyId};

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
        let decision = Decision {
            effect: Effect::Allow,
            policies: Arc::from([PolicyId("owner".into()), PolicyId("b.cedar:2".into())]),
            obligations: Arc::from([Obligation::DryRun { effect: Effect::Deny, policies: Vec::new() }]),
            faults: Arc::default(),
            generation: Generation([1; 8]),
        };
        let mut metadata = BTreeMap::new();
        write(&question, &decision, &mut metadata);
        assert_eq!((&*metadata[ENTITY], &*metadata[DRY_RUN]), ("Order::\"17\"", "deny"));
        let read = Recorded::read(&metadata).unwrap();
        assert_eq!(
            (read.effect, &*read.action, &read.resource, &read.context),
            (Effect::Allow, "orders.read", &resource, &context)
        );
        assert_eq!(read.policies, ["owner", "b.cedar:2"]);
        assert_eq!(RecordedPrincipal::of(&read.principal.subject().unwrap()), read.principal);
        for name in [EFFECT, GENERATION, ACTION, PRINCIPAL, RESOURCE, CONTEXT] {
            let mut short = metadata.clone();
            short.remove(name);
            assert_eq!(Recorded::read(&short), None, "{name}");
        }
    }
}
