//! Changes to a resource (RFC 7644, 3.5.2): `add`, `replace`, `remove`, with and without path.
//!
//! Beside the standard, what the large directories send is understood:
//! - Microsoft Entra capitalises operations, writes booleans as texts, sends names with dots, with a schema or
//!   with a filter as the keys of an operation without path, adds `emails[type eq "work"].value` where there is
//!   no such address, and removes members by giving them as the value of a `remove`.
//! - Okta sends the resource's own `id` and `schemas` in an operation without path.
//!
//! All operations are applied, or none is: whoever calls works on a copy.

use serde_json::Value;

use super::evaluate;
use super::filter::{Comparison, Filter, Literal, PatchPath};
use super::schema::{Attribute, Found, Mutability, ResourceType, Schema, Type};
use super::value::{self, is_primary, one_primary, place};
use super::{Kind, Map, Refusal};

/// One operation.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    pub op: Op,
    pub path: Option<PatchPath>,
    /// `null` when there is none.
    pub value: Value,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    Add,
    Remove,
    Replace,
}

/// Reads the body of a `PATCH`.
///
/// # Errors
/// [`Kind::InvalidSyntax`] for another kind of body, [`Kind::InvalidPath`] for a path that is none,
/// [`Kind::NoTarget`] for a `remove` without path.
pub fn operations(body: Value) -> Result<Vec<Operation>, Refusal> {
    let syntax = |text: String| Err(Kind::InvalidSyntax.because(text));
    let Value::Object(body) = body else { return syntax("a patch is a JSON object".to_owned()) };
    let (mut is_patch, mut operations) = (false, None);
    for (key, value) in body {
        if key.eq_ignore_ascii_case("schemas") {
            let ids = value.as_array().map(Vec::as_slice).unwrap_or_default();
            is_patch = ids.iter().any(|id| id.as_str() == Some(PATCH));
        } else if key.eq_ignore_ascii_case("operations") && operations.replace(value).is_some() {
            return syntax("`Operations` stands twice".to_owned());
        }
    }
    if !is_patch {
        return syntax(format!("`schemas` names `{PATCH}`"));
    }
    match operations {
        Some(Value::Array(all)) if (1..=MOST_OPERATIONS).contains(&all.len()) => {
            all.into_iter().map(operation).collect()
        }
        _ => syntax(format!("`Operations` is a list of 1 to {MOST_OPERATIONS}")),
    }
}

fn operation(operation: Value) -> Result<Operation, Refusal> {
    let Value::Object(parts) = operation else {
        return Err(Kind::InvalidSyntax.because("an operation is a JSON object"));
    };
    let (mut op, mut path, mut value) = (None, None, None);
    for (key, given) in parts {
        let place = match key.to_ascii_lowercase().as_str() {
            "op" => &mut op,
            "path" => &mut path,
            "value" => &mut value,
            _ => continue,
        };
        if place.replace(given).is_some() {
            return Err(Kind::InvalidSyntax.because("a part of an operation stands twice"));
        }
    }
    let op = match op.as_ref().and_then(Value::as_str) {
        Some(word) if word.eq_ignore_ascii_case("add") => Op::Add,
        Some(word) if word.eq_ignore_ascii_case("remove") => Op::Remove,
        Some(word) if word.eq_ignore_ascii_case("replace") => Op::Replace,
        _ => return Err(Kind::InvalidSyntax.because("`op` is `add`, `remove` or `replace`")),
    };
    let path = match path {
        None | Some(Value::Null) => None,
        Some(Value::String(path)) if path.is_empty() => None,
        Some(Value::String(path)) => Some(path.parse()?),
        Some(_) => return Err(Kind::InvalidPath.because("`path` is a text")),
    };
    if op == Op::Remove && path.is_none() {
        return Err(Kind::NoTarget.because("`remove` needs a `path`"));
    }
    if op != Op::Remove && value.is_none() {
        return Err(Kind::InvalidValue.because("`add` and `replace` need a `value`"));
    }
    Ok(Operation { op, path, value: value.unwrap_or(Value::Null) })
}

/// Applies them one after the other.
///
/// # Errors
/// [`Kind::InvalidPath`], [`Kind::InvalidValue`], [`Kind::Mutability`], [`Kind::NoTarget`]; the document is
/// then half changed, and to be thrown away.
pub fn apply(
    resource: &'static ResourceType,
    document: &mut Map,
    operations: &[Operation],
) -> Result<(), Refusal> {
    for operation in operations {
        for (path, value, named) in parts(operation)? {
            at(resource, document, operation.op, &path, value, named)?;
        }
    }
    value::complete(resource, document)
}

/// Every attribute an operation is about: one by its path, or those that are keys of its value. The last says
/// whether the client named it by a path: what it only sent along may be read-only.
///
/// # Errors
/// [`Kind::InvalidValue`] when there is neither.
pub fn parts(operation: &Operation) -> Result<Vec<(PatchPath, Value, bool)>, Refusal> {
    match (&operation.path, &operation.value) {
        (Some(path), value) => Ok(vec![(path.clone(), value.clone(), true)]),
        (None, Value::Object(parts)) => {
            parts.iter().map(|(key, value)| Ok((key.parse()?, value.clone(), false))).collect()
        }
        (None, _) => Err(Kind::InvalidValue.because("without `path`, `value` is an object of attributes")),
    }
}

fn at(
    resource: &'static ResourceType,
    document: &mut Map,
    op: Op,
    path: &PatchPath,
    value: Value,
    named: bool,
) -> Result<(), Refusal> {
    if let Some(extension) = resource.whole_extension(&path.attribute).filter(|_| path.filter.is_none()) {
        return whole(resource, document, op, extension, value);
    }
    let Some(found) = resource.find(&path.attribute) else {
        // What is sent along and not kept is passed over, as in a `POST`.
        return if named || path.attribute.schema.is_some() {
            Err(Kind::InvalidPath.because(format_args!("`{path}` names no attribute that is kept")))
        } else {
            Ok(())
        };
    };
    let Found { extension, attribute, sub } = found;
    let sub = match &path.sub {
        None => sub,
        Some(name) => match attribute.part(name) {
            Some(part) => Some(part),
            None => {
                return Err(Kind::InvalidPath.because(format_args!("`{path}` names no part that is kept")));
            }
        },
    };
    let read_only = |one: &Attribute| one.mutability == Mutability::ReadOnly || one.name == "schemas";
    if read_only(attribute) || sub.is_some_and(read_only) {
        return if named {
            Err(Kind::Mutability.because(format_args!("`{path}` cannot be changed")))
        } else {
            Ok(())
        };
    }
    if let Some(filter) = &path.filter {
        if !attribute.multi {
            return Err(Kind::InvalidPath.because(format_args!("`{}` has one value", attribute.name)));
        }
        evaluate::check_value(filter, attribute)?;
    }
    let id = extension.map(|schema| schema.id);
    let Some(home) = place(document, id) else { return Ok(()) };
    match (op, attribute.multi) {
        (Op::Remove, false) => remove_single(home, attribute, sub)?,
        (Op::Remove, true) => remove_several(home, attribute, path.filter.as_ref(), sub, &value)?,
        (_, false) => set_single(home, attribute, sub, value)?,
        (_, true) => set_several(home, op, attribute, path, sub, value)?,
    }
    if let Some(id) = id
        && document.get(id).and_then(Value::as_object).is_some_and(Map::is_empty)
    {
        document.remove(id);
    }
    Ok(())
}

/// An extension as a whole.
fn whole(
    resource: &'static ResourceType,
    document: &mut Map,
    op: Op,
    extension: &'static Schema,
    value: Value,
) -> Result<(), Refusal> {
    if op == Op::Remove || value.is_null() {
        document.remove(extension.id);
        return Ok(());
    }
    let Value::Object(parts) = value else {
        return Err(Kind::InvalidValue.because(format_args!("`{}` is an object", extension.id)));
    };
    for (key, value) in parts {
        let path: PatchPath = format!("{}:{key}", extension.id).parse()?;
        if resource.find(&path.attribute).is_some() {
            at(resource, document, op, &path, value, false)?;
        }
    }
    Ok(())
}

fn remove_single(
    home: &mut Map,
    attribute: &'static Attribute,
    sub: Option<&'static Attribute>,
) -> Result<(), Refusal> {
    if attribute.required {
        return Err(Kind::Mutability.because(format_args!("`{}` is required", attribute.name)));
    }
    let Some(sub) = sub else {
        home.remove(attribute.name);
        return Ok(());
    };
    if let Some(Value::Object(parts)) = home.get_mut(attribute.name) {
        parts.remove(sub.name);
        if parts.is_empty() {
            home.remove(attribute.name);
        }
    }
    Ok(())
}

fn remove_several(
    home: &mut Map,
    attribute: &'static Attribute,
    filter: Option<&Filter>,
    sub: Option<&'static Attribute>,
    given: &Value,
) -> Result<(), Refusal> {
    let Some(Value::Array(values)) = home.get_mut(attribute.name) else { return Ok(()) };
    let fits = |value: &Value| filter.is_none_or(|filter| evaluate::value_fits(filter, attribute, value));
    match (sub, given) {
        (Some(sub), _) => {
            for value in values.iter_mut().filter(|value| fits(value)) {
                if let Value::Object(parts) = value {
                    parts.remove(sub.name);
                }
            }
            values.retain(|value| value.as_object().is_some_and(|parts| !parts.is_empty()));
        }
        (None, Value::Null) => values.retain(|value| !fits(value)),
        (None, given) => {
            let named = value::one(attribute, given.clone())?;
            let named = named.as_ref().and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            values.retain(|value| {
                !(fits(value)
                    && named.iter().any(|one| match one.get("value") {
                        Some(of) => value.get("value") == Some(of),
                        None => value == one,
                    }))
            });
        }
    }
    if values.is_empty() {
        home.remove(attribute.name);
    }
    Ok(())
}

fn set_single(
    home: &mut Map,
    attribute: &'static Attribute,
    sub: Option<&'static Attribute>,
    given: Value,
) -> Result<(), Refusal> {
    if let Some(sub) = sub {
        let mut parts = match home.remove(attribute.name) {
            Some(Value::Object(parts)) => parts,
            _ => Map::new(),
        };
        match value::part(attribute, sub, given)? {
            Some(value) => parts.insert(sub.name.to_owned(), value),
            None => parts.remove(sub.name),
        };
        if !parts.is_empty() {
            home.insert(attribute.name.to_owned(), Value::Object(parts));
        }
        return Ok(());
    }
    // RFC 7644, 3.5.2.1 and 3.5.2.3: the parts that are given are set, the others stay.
    if attribute.kind == Type::Complex
        && let Value::Object(parts) = given
    {
        for (key, value) in parts {
            if let Some(part) = attribute.part(&key).filter(|part| part.mutability != Mutability::ReadOnly) {
                set_single(home, attribute, Some(part), value)?;
            }
        }
        return Ok(());
    }
    match value::one(attribute, given)? {
        Some(value) => home.insert(attribute.name.to_owned(), value),
        None => home.remove(attribute.name),
    };
    Ok(())
}

fn set_several(
    home: &mut Map,
    op: Op,
    attribute: &'static Attribute,
    path: &PatchPath,
    sub: Option<&'static Attribute>,
    given: Value,
) -> Result<(), Refusal> {
    let mut values = match home.remove(attribute.name) {
        Some(Value::Array(values)) => values,
        _ => Vec::new(),
    };
    let touched = match (&path.filter, sub) {
        (None, None) => {
            let new = match value::one(attribute, given)? {
                Some(Value::Array(new)) => new,
                _ => Vec::new(),
            };
            if op == Op::Replace {
                values.clear();
            }
            new.into_iter().filter_map(|one| position_of(&mut values, one)).collect()
        }
        (None, Some(sub)) => {
            if values.len() > 1 {
                return Err(Kind::NoTarget.because(format_args!(
                    "`{path}`: there are several; say which by a filter, for instance `{}[type eq \"work\"].{}`",
                    attribute.name, sub.name
                )));
            }
            if values.is_empty() {
                values.push(Value::Object(Map::new()));
            }
            set_part(&mut values, &[0], attribute, sub, given)?;
            vec![0]
        }
        (Some(filter), sub) => {
            let mut found: Vec<usize> = (0..values.len())
                .filter(|at| {
                    values.get(*at).is_some_and(|value| evaluate::value_fits(filter, attribute, value))
                })
                .collect();
            if found.is_empty() {
                let seed = if op == Op::Add { seed(filter, attribute) } else { None };
                let Some(seed) = seed else {
                    return Err(Kind::NoTarget.because(format_args!("`{path}` finds nothing")));
                };
                values.push(Value::Object(seed));
                found.push(values.len().saturating_sub(1));
            }
            match sub {
                Some(sub) => set_part(&mut values, &found, attribute, sub, given)?,
                None => {
                    let Some(new) = value::element(attribute, given)? else {
                        return Err(Kind::InvalidValue
                            .because(format_args!("`{path}`: a value is needed; `remove` takes away")));
                    };
                    for at in &found {
                        let Some(place) = values.get_mut(*at) else { continue };
                        match (op, place, &new) {
                            (Op::Add, Value::Object(parts), Value::Object(new)) => parts.extend(new.clone()),
                            (_, place, new) => *place = new.clone(),
                        }
                    }
                }
            }
            found
        }
    };
    // RFC 7644, 3.5.2: what becomes the primary one takes that from the others.
    let touched_primary = |at: &usize| values.get(*at).is_some_and(is_primary);
    if touched.iter().any(touched_primary) {
        for (at, value) in values.iter_mut().enumerate() {
            if !touched.contains(&at)
                && is_primary(value)
                && let Value::Object(parts) = value
            {
                parts.insert("primary".to_owned(), Value::Bool(false));
            }
        }
    }
    values.retain(|value| value.as_object().is_some_and(|parts| !parts.is_empty()));
    one_primary(attribute, &values)?;
    if values.len() > value::MOST_VALUES {
        return Err(Kind::InvalidValue.because(format_args!(
            "`{}` has at most {} values",
            attribute.name,
            value::MOST_VALUES
        )));
    }
    if !values.is_empty() {
        home.insert(attribute.name.to_owned(), Value::Array(values));
    }
    Ok(())
}

/// Where a value is now; one that is there already is not added again.
fn position_of(values: &mut Vec<Value>, one: Value) -> Option<usize> {
    match values.iter().position(|value| *value == one) {
        Some(at) => Some(at),
        None => {
            values.push(one);
            values.len().checked_sub(1)
        }
    }
}

fn set_part(
    values: &mut [Value],
    found: &[usize],
    attribute: &'static Attribute,
    sub: &'static Attribute,
    given: Value,
) -> Result<(), Refusal> {
    let value = value::part(attribute, sub, given)?;
    for at in found {
        if let Some(Value::Object(parts)) = values.get_mut(*at) {
            match &value {
                Some(value) => parts.insert(sub.name.to_owned(), value.clone()),
                None => parts.remove(sub.name),
            };
        }
    }
    Ok(())
}

/// What a filter says of a value that is not there yet: `type eq "work"` is `{"type": "work"}`.
fn seed(filter: &Filter, attribute: &'static Attribute) -> Option<Map> {
    let mut seed = Map::new();
    for one in filter.conjuncts() {
        let Filter::Compare(path, Comparison::Equal, literal) = one else { return None };
        let part = attribute.part(&path.name)?;
        let value = match literal {
            Literal::String(text) => Value::from(text.as_str()),
            Literal::Bool(value) => Value::Bool(*value),
            Literal::Null | Literal::Number(_) => return None,
        };
        let value = value::part(attribute, part, value).ok()??;
        seed.insert(part.name.to_owned(), value);
    }
    Some(seed)
}

pub const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
/// In one request. What they can do together is bounded by what an attribute can hold.
pub const MOST_OPERATIONS: usize = 500;
