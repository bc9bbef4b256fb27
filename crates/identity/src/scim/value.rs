//! What a client sent, as the schema has it: names spelled right, types held, bounds held, what is read-only left
//! out (RFC 7644, 3.3), what is empty taken for absent (RFC 7643, 2.5).

use serde_json::Value;

use super::schema::{Attribute, Mutability, ResourceType, Type};
use super::{AttrPath, Kind, Map, Refusal, short};

/// The whole of a resource, from the body of a `POST` or `PUT`. Unknown attributes are left out; an unknown
/// schema is refused: whoever names one expects that it is kept.
///
/// # Errors
/// [`Kind::InvalidSyntax`] when the body is no resource of this type, [`Kind::InvalidValue`] for a value that
/// its attribute cannot have or a required one that is missing.
pub fn resource(resource: &'static ResourceType, body: Value) -> Result<Map, Refusal> {
    let Value::Object(body) = body else {
        return Err(Kind::InvalidSyntax.because("a resource is a JSON object"));
    };
    let mut read = Map::new();
    let mut has_schemas = false;
    for (key, value) in body {
        if key.eq_ignore_ascii_case("schemas") {
            has_schemas = true;
            schemas(resource, &value)?;
        } else if let Some(attribute) = resource.attribute(&key) {
            if attribute.mutability != Mutability::ReadOnly
                && let Some(value) = one(attribute, value)?
            {
                put(&mut read, attribute.name, value)?;
            }
        } else if let Some(extension) = resource.extension(&key) {
            let Value::Object(parts) = value else {
                return Err(Kind::InvalidValue.because(format_args!("`{}` is an object", extension.id)));
            };
            let mut kept = Map::new();
            for (key, value) in parts {
                let known = extension.attributes.iter().find(|one| one.name.eq_ignore_ascii_case(&key));
                if let Some(attribute) = known
                    && let Some(value) = one(attribute, value)?
                {
                    put(&mut kept, attribute.name, value)?;
                }
            }
            if !kept.is_empty() {
                put(&mut read, extension.id, Value::Object(kept))?;
            }
        } else if key.contains(':') {
            let path: AttrPath = key.parse()?;
            let Some(found) = resource.find(&path).filter(|found| found.sub.is_none()) else {
                return Err(unknown_schema(&key));
            };
            if found.attribute.mutability != Mutability::ReadOnly
                && let Some(value) = one(found.attribute, value)?
                && let Some(home) = place(&mut read, found.extension.map(|schema| schema.id))
            {
                put(home, found.attribute.name, value)?;
            }
        }
    }
    if !has_schemas {
        return Err(Kind::InvalidSyntax.because(format_args!("`schemas` names `{}`", resource.core.id)));
    }
    complete(resource, &read)?;
    Ok(read)
}

/// Whether nothing that is required is missing.
///
/// # Errors
/// [`Kind::InvalidValue`].
pub fn complete(resource: &'static ResourceType, document: &Map) -> Result<(), Refusal> {
    let mut required = resource.core.attributes.iter().filter(|one| one.required);
    match required.find(|one| !document.contains_key(one.name)) {
        None => Ok(()),
        Some(missing) => Err(Kind::InvalidValue.because(format_args!("`{}` is required", missing.name))),
    }
}

/// The value of one attribute; none for `null` and what is empty.
///
/// # Errors
/// [`Kind::InvalidValue`] for what the attribute cannot be.
pub fn one(attribute: &'static Attribute, value: Value) -> Result<Option<Value>, Refusal> {
    if !attribute.multi {
        return single(attribute, attribute.name, value);
    }
    let values = match value {
        Value::Null => return Ok(None),
        Value::Array(values) => values,
        one => vec![one],
    };
    let most = if attribute.name == "members" { MOST_MEMBERS } else { MOST_VALUES };
    if values.len() > most {
        return Err(
            Kind::InvalidValue.because(format_args!("`{}` has at most {most} values", attribute.name))
        );
    }
    let mut kept: Vec<Value> = Vec::with_capacity(values.len());
    for value in values {
        if let Some(value) = element(attribute, value)?
            // Looking for equals among members costs their square; a set is made of them later.
            && (most == MOST_MEMBERS || !kept.contains(&value))
        {
            kept.push(value);
        }
    }
    one_primary(attribute, &kept)?;
    Ok((!kept.is_empty()).then_some(Value::Array(kept)))
}

/// One value of a multi-valued attribute.
///
/// # Errors
/// [`Kind::InvalidValue`].
pub fn element(attribute: &'static Attribute, value: Value) -> Result<Option<Value>, Refusal> {
    single(attribute, attribute.name, value)
}

/// RFC 7643, 2.4: `primary` is true once at most.
///
/// # Errors
/// [`Kind::InvalidValue`].
pub fn one_primary(attribute: &Attribute, values: &[Value]) -> Result<(), Refusal> {
    if values.iter().filter(|value| is_primary(value)).count() > 1 {
        return Err(Kind::InvalidValue
            .because(format_args!("of `{}` one value at most is the primary one", attribute.name)));
    }
    Ok(())
}

#[must_use]
pub fn is_primary(value: &Value) -> bool {
    value.get("primary") == Some(&Value::Bool(true))
}

/// A part of a complex value.
///
/// # Errors
/// [`Kind::InvalidValue`].
pub fn part(of: &Attribute, part: &'static Attribute, value: Value) -> Result<Option<Value>, Refusal> {
    single(part, &format!("{}.{}", of.name, part.name), value)
}

fn single(attribute: &'static Attribute, place: &str, value: Value) -> Result<Option<Value>, Refusal> {
    let wrong = |needed: &str| Err(Kind::InvalidValue.because(format_args!("`{place}`: {needed} is needed")));
    match (attribute.kind, value) {
        (_, Value::Null) => Ok(None),
        (Type::Boolean, Value::Bool(value)) => Ok(Some(Value::Bool(value))),
        // Microsoft Entra writes `"True"` and `"False"`.
        (Type::Boolean, Value::String(text)) if text.eq_ignore_ascii_case("true") => {
            Ok(Some(Value::Bool(true)))
        }
        (Type::Boolean, Value::String(text)) if text.eq_ignore_ascii_case("false") => {
            Ok(Some(Value::Bool(false)))
        }
        (Type::Boolean, _) => wrong("true or false"),
        (Type::String | Type::Reference | Type::DateTime, Value::String(text)) => {
            if text.is_empty() {
                return Ok(None);
            }
            let lines = matches!(attribute.name, "formatted" | "streetAddress");
            let control = |one: char| one.is_control() && !(lines && matches!(one, '\n' | '\r'));
            if text.len() > LONGEST_TEXT || text.chars().any(control) {
                return wrong(&format!("a text of at most {LONGEST_TEXT} bytes without control characters"));
            }
            if attribute.kind == Type::Reference && !is_reference(attribute, &text) {
                return wrong("an address that begins with https://");
            }
            Ok(Some(Value::String(text)))
        }
        (Type::String | Type::Reference | Type::DateTime, _) => wrong("a text"),
        (Type::Complex, Value::Object(parts)) => {
            let mut kept = Map::new();
            for (key, value) in parts {
                let Some(known) = attribute.part(&key) else { continue };
                if known.mutability == Mutability::ReadOnly {
                    continue;
                }
                if let Some(value) = part(attribute, known, value)? {
                    put(&mut kept, known.name, value)?;
                }
            }
            Ok((!kept.is_empty()).then_some(Value::Object(kept)))
        }
        // `"manager": "7"`, `"members": ["7"]`: the value itself.
        (Type::Complex, Value::String(text)) => match attribute.part("value") {
            Some(value) => Ok(part(attribute, value, Value::String(text))?
                .map(|text| Value::Object(Map::from_iter([("value".to_owned(), text)])))),
            None => wrong("an object"),
        },
        (Type::Complex, _) => wrong("an object"),
    }
}

/// Addresses are shown by applications: no `javascript:` and the like. One of a resource of ours may be relative.
fn is_reference(attribute: &Attribute, text: &str) -> bool {
    let starts =
        |scheme: &str| text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    let relative = attribute.name == "$ref" && !text.contains(':');
    (starts("https://") || starts("http://") || relative) && !text.contains(char::is_whitespace)
}

fn schemas(resource: &'static ResourceType, value: &Value) -> Result<(), Refusal> {
    let named = value.as_array().map(Vec::as_slice).unwrap_or_default();
    let mut core = false;
    for schema in named {
        let id = schema.as_str().unwrap_or_default();
        if !resource.has_schema(id) {
            return Err(unknown_schema(id));
        }
        core |= id.eq_ignore_ascii_case(resource.core.id);
    }
    if core {
        return Ok(());
    }
    Err(Kind::InvalidSyntax.because(format_args!("`schemas` names `{}`", resource.core.id)))
}

fn unknown_schema(id: &str) -> Refusal {
    Kind::InvalidValue.because(format_args!("the schema `{}` is not kept here; see /Schemas", short(id)))
}

/// The object the attributes of a schema are in; made when it is not there.
pub(super) fn place<'a>(document: &'a mut Map, extension: Option<&'static str>) -> Option<&'a mut Map> {
    match extension {
        None => Some(document),
        Some(id) => document.entry(id).or_insert_with(|| Value::Object(Map::new())).as_object_mut(),
    }
}

/// Names are the same in whatever case: `userName` and `username` are one key twice.
fn put(map: &mut Map, name: &'static str, value: Value) -> Result<(), Refusal> {
    if map.contains_key(name) {
        return Err(Kind::InvalidSyntax.because(format_args!("`{name}` stands twice")));
    }
    map.insert(name.to_owned(), value);
    Ok(())
}

const LONGEST_TEXT: usize = 512;
/// Of an attribute other than the members of a group.
pub const MOST_VALUES: usize = 100;
/// In one request.
pub const MOST_MEMBERS: usize = 10_000;
