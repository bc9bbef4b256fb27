//! What is made of a principal once per session and generation: its entity, with everything it is in.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use cedar_policy_core::ast::{Entity, EntityUID, PartialValue};

use crate::policies::Policies;
use crate::question::Identity;
use crate::shape;
use crate::value::Value;

/// A principal as the evaluator wants it.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) uid: Arc<EntityUID>,
    pub(crate) entity: Arc<Entity>,
    /// Everything it is in.
    pub(crate) within: Vec<EntityUID>,
    /// Attributes that do not fit the schema.
    pub(crate) unfit: Vec<&'static str>,
}

impl Identity {
    /// The entity in the eyes of `policies`; kept until another generation asks.
    pub(crate) fn prepared(&self, policies: &Policies) -> Option<Arc<Prepared>> {
        let mut kept = self.prepared.lock().ok()?;
        if let Some((token, prepared)) = &*kept
            && Arc::ptr_eq(token, &policies.token)
        {
            return Some(Arc::clone(prepared));
        }
        let prepared = Arc::new(self.prepare(policies)?);
        *kept = Some((Arc::clone(&policies.token), Arc::clone(&prepared)));
        Some(prepared)
    }

    fn prepare(&self, policies: &Policies) -> Option<Prepared> {
        let kind = policies.kind(self.kind.as_str())?;
        let uid = shape::uid(kind, &self.id);
        let named = |kind: &str, names: &[Arc<str>]| -> Vec<EntityUID> {
            let kind = policies.kind(kind);
            kind.map(|kind| names.iter().map(|name| shape::uid(kind, name)).collect()).unwrap_or_default()
        };
        let tenant: Vec<Arc<str>> = self.tenant.iter().cloned().collect();
        let mut parents = named("Role", &self.roles);
        parents.extend(named("Group", &self.groups));
        parents.extend(named("Tenant", &tenant));
        let within = policies.closure(&parents);
        let texts = |names: &[Arc<str>]| Value::Set(names.iter().cloned().map(Value::Text).collect());
        let mut attributes: BTreeMap<&'static str, Value> = BTreeMap::from([
            ("id", Value::Text(self.id.clone())),
            ("name", Value::Text(self.name.clone())),
            ("roles", texts(&self.roles)),
            ("groups", texts(&self.groups)),
        ]);
        if let Some(tenant) = &self.tenant {
            attributes.insert("tenant", Value::Text(tenant.clone()));
        }
        if !self.attributes.is_empty() {
            attributes.insert("profile", Value::Record(self.attributes.clone()));
        }
        let declared = policies.schema.get_entity_type(kind)?;
        let mut unfit = Vec::new();
        let mut fitting = Vec::new();
        for (name, value) in attributes {
            let Some(wanted) = declared.attr(name) else { continue };
            match shape::fit(&value, &wanted.attr_type) {
                Some(value) => fitting.push((name.into(), PartialValue::from(value))),
                None => unfit.push(name),
            }
        }
        let ancestors: HashSet<EntityUID> = within.iter().cloned().collect();
        let entity = Entity::new_with_attr_partial_value(
            uid.clone(),
            fitting,
            HashSet::new(),
            ancestors,
            std::iter::empty(),
        );
        Some(Prepared { uid: Arc::new(uid), entity: Arc::new(entity), within, unfit })
    }
}
