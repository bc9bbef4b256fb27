//! Our values made into Cedar's, as the schema wants them. What does not fit is said by name and type, never by
//! value.

use std::collections::BTreeMap;
use std::sync::Arc;

use cedar_policy_core::ast::{self, Eid, EntityType, EntityUID, RestrictedExpr, ValueKind};
use cedar_policy_core::evaluator::RestrictedEvaluator;
use cedar_policy_core::extensions::Extensions;
use cedar_policy_core::validator::types::{Attributes, EntityKind, Type};

use crate::value::Value;

/// The name an entity type goes by.
pub(crate) fn uid(kind: &EntityType, id: &str) -> EntityUID {
    EntityUID::from_components(kind.clone(), Eid::new(id), None)
}

/// The entity type of an attribute, where it has one.
pub(crate) fn entity_type(of: &Type) -> Option<&EntityType> {
    match of {
        Type::Entity(EntityKind::Entity(lub)) => lub.get_single_entity(),
        _ => None,
    }
}

/// The value as the schema declares it; `None` when it is something else.
pub(crate) fn fit(value: &Value, wanted: &Type) -> Option<ast::Value> {
    match (wanted, value) {
        (Type::Bool(_), Value::Bool(flag)) => Some((*flag).into()),
        (Type::Long, Value::Long(number)) => Some((*number).into()),
        (Type::String, Value::Text(text)) => Some((&**text).into()),
        (Type::Entity(_), Value::Text(id)) => Some(uid(entity_type(wanted)?, id).into()),
        (Type::Entity(_), Value::Entity(entity)) => {
            let kind = entity_type(wanted)?;
            (kind.to_string() == *entity.kind).then(|| uid(kind, &entity.id).into())
        }
        (Type::Set { element_type: Some(element) }, Value::Set(items)) => {
            let items: Option<Vec<_>> = items.iter().map(|item| fit(item, element)).collect();
            Some(ast::Value::set(items?, None))
        }
        (Type::Record { attrs, .. }, Value::Record(members)) => Some(record(members, attrs)?.into_value()),
        (Type::ExtensionType { name }, Value::Text(text)) => extension(&name.to_string(), text),
        _ => None,
    }
}

struct Record(BTreeMap<String, ast::Value>);

impl Record {
    fn into_value(self) -> ast::Value {
        ast::Value::record(self.0, None)
    }
}

/// Members that are not declared are left out; one that is required and missing does not fit.
fn record(members: &BTreeMap<Arc<str>, Value>, declared: &Attributes) -> Option<Record> {
    let mut made = BTreeMap::new();
    for (name, attribute) in declared.iter() {
        match members.get(name.as_str()) {
            Some(value) => {
                made.insert(name.to_string(), fit(value, &attribute.attr_type)?);
            }
            None if attribute.is_required() => return None,
            None => {}
        }
    }
    Some(Record(made))
}

/// A value of one of Cedar's extension types from its text.
fn extension(kind: &str, text: &str) -> Option<ast::Value> {
    let constructor = match kind {
        "ipaddr" => "ip",
        other => other,
    };
    let name = constructor.parse().ok()?;
    let call = RestrictedExpr::call_extension_fn(name, [RestrictedExpr::val(text)]);
    RestrictedEvaluator::new(Extensions::all_available()).interpret(call.as_borrowed()).ok()
}

/// A value of the evaluator as people read it.
pub(crate) fn shown(value: &ast::Value) -> String {
    match value.value_kind() {
        ValueKind::Lit(literal) => literal.to_string(),
        _ => value.to_string(),
    }
}
