//! A group as a document (RFC 7643, 4.2), and what a document or a patch asks of the group.
//!
//! Members are not loaded to change a few of them: a patch becomes a list of changes.

use gabion_model::AccountId;
use serde_json::{Value, json};

use super::filter::{Comparison, Filter, Literal};
use super::patch::{self, Op, Operation};
use super::schema::{Attribute, GROUP, Mutability};
use super::{Kind, Map, Refusal, evaluate, value};
use crate::group::{Group, Member};

/// What is asked of a group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    pub name: Option<String>,
    pub external_id: Option<Option<String>>,
    /// One after the other.
    pub members: Vec<Change>,
}

/// A change to who is in a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    Add(Vec<AccountId>),
    /// Exactly these.
    Exactly(Vec<AccountId>),
    Remove(Vec<AccountId>),
    /// Those whom the filter finds.
    RemoveFitting(Filter),
}

/// The whole document, but `meta.version`. Without members when they are not asked for.
#[must_use]
pub fn document(group: &Group, members: Option<&[Member]>, base: &str) -> Map {
    let mut document = Map::new();
    let mut set = |name: &str, value: Value| {
        document.insert(name.to_owned(), value);
    };
    set("schemas", json!([GROUP.core.id]));
    set("id", group.id.as_str().into());
    if let Some(external_id) = &group.external_id {
        set("externalId", external_id.as_str().into());
    }
    set("displayName", group.name.as_str().into());
    if let Some(members) = members.filter(|members| !members.is_empty()) {
        set("members", members.iter().map(|member| member_document(member, base)).collect());
    }
    set(
        "meta",
        json!({
            "resourceType": GROUP.name,
            "created": group.created.to_string(),
            "lastModified": group.updated.to_string(),
            "location": format!("{base}/Groups/{}", group.id),
        }),
    );
    document
}

/// Whether a member is one that a patch's filter means.
#[must_use]
pub fn member_fits(filter: &Filter, member: &Member, base: &str) -> bool {
    members().is_some_and(|attribute| evaluate::value_fits(filter, attribute, &member_document(member, base)))
}

/// What the body of a `POST` or `PUT` asks for: all of it.
///
/// # Errors
/// What [`value::resource`] refuses, and [`Kind::InvalidValue`] for a member that is no user.
pub fn whole(body: Value) -> Result<Wanted, Refusal> {
    let mut document = value::resource(&GROUP, body)?;
    let text = |value: Option<Value>| value.and_then(|value| value.as_str().map(str::to_owned));
    Ok(Wanted {
        name: text(document.remove("displayName")),
        external_id: Some(text(document.remove("externalId"))),
        members: vec![Change::Exactly(ids(document.remove("members").unwrap_or_default())?)],
    })
}

/// What a patch asks for.
///
/// # Errors
/// As [`patch::apply`].
pub fn patched(operations: &[Operation]) -> Result<Wanted, Refusal> {
    let mut wanted = Wanted::default();
    for operation in operations {
        for (path, given, named) in patch::parts(operation)? {
            let Some(found) = GROUP.find(&path.attribute) else {
                if named || path.attribute.schema.is_some() {
                    return Err(
                        Kind::InvalidPath.because(format_args!("`{path}` names no attribute that is kept"))
                    );
                }
                continue;
            };
            let attribute = found.attribute;
            if attribute.mutability == Mutability::ReadOnly || attribute.name == "schemas" {
                if named {
                    return Err(Kind::Mutability.because(format_args!("`{path}` cannot be changed")));
                }
                continue;
            }
            if attribute.name == "members" {
                // RFC 7643, 4.2: a member is put in or taken out, never changed.
                if found.sub.is_some() || path.sub.is_some() {
                    return Err(Kind::Mutability.because(format_args!("`{path}` cannot be changed")));
                }
                wanted.members.push(members_change(operation.op, path.filter, given)?);
                continue;
            }
            if path.filter.is_some() || found.sub.is_some() || path.sub.is_some() {
                return Err(Kind::InvalidPath.because(format_args!("`{}` is a text", attribute.name)));
            }
            let text = match operation.op {
                Op::Remove => None,
                _ => value::one(attribute, given)?.and_then(|value| value.as_str().map(str::to_owned)),
            };
            match (attribute.required, text) {
                (true, None) => {
                    return Err(Kind::Mutability.because(format_args!("`{}` is required", attribute.name)));
                }
                (true, text) => wanted.name = text,
                (false, text) => wanted.external_id = Some(text),
            }
        }
    }
    Ok(wanted)
}

fn members_change(op: Op, filter: Option<Filter>, given: Value) -> Result<Change, Refusal> {
    match (op, filter) {
        (Op::Add, None) => Ok(Change::Add(ids(given)?)),
        (Op::Replace, None) => Ok(Change::Exactly(ids(given)?)),
        (Op::Remove, None) if given.is_null() => Ok(Change::Exactly(Vec::new())),
        (Op::Remove, None) => Ok(Change::Remove(ids(given)?)),
        (Op::Remove, Some(filter)) => {
            if let Some(attribute) = members() {
                evaluate::check_value(&filter, attribute)?;
            }
            Ok(match one_id(&filter) {
                Some(id) => Change::Remove(vec![id]),
                None => Change::RemoveFitting(filter),
            })
        }
        // `add members[value eq "7"]` says who, and nothing else that could be added.
        (Op::Add, Some(filter)) if one_id(&filter).is_some() => {
            Ok(Change::Add(one_id(&filter).into_iter().collect()))
        }
        (Op::Add | Op::Replace, Some(_)) => {
            Err(Kind::Mutability.because("a member is put in or taken out, never changed"))
        }
    }
}

/// `value eq "7"`.
fn one_id(filter: &Filter) -> Option<AccountId> {
    match filter {
        Filter::Compare(path, Comparison::Equal, Literal::String(id))
            if path.name.eq_ignore_ascii_case("value") =>
        {
            Some(AccountId::new(id))
        }
        _ => None,
    }
}

fn ids(given: Value) -> Result<Vec<AccountId>, Refusal> {
    let Some(attribute) = members() else { return Ok(Vec::new()) };
    let values = value::one(attribute, given)?;
    let values = values.as_ref().and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    values.iter().map(id).collect()
}

fn id(member: &Value) -> Result<AccountId, Refusal> {
    let text = |part: &str| member.get(part).and_then(Value::as_str);
    let is_group = |text: &str| text.contains("/Groups/");
    if text("type").is_some_and(|kind| !kind.eq_ignore_ascii_case("User"))
        || text("$ref").is_some_and(is_group)
    {
        return Err(Kind::InvalidValue.because("a group's members are users; groups in groups are not kept"));
    }
    match text("value") {
        Some(id) => Ok(AccountId::new(id)),
        None => Err(Kind::InvalidValue.because("a member needs a `value`: the user's id")),
    }
}

fn member_document(member: &Member, base: &str) -> Value {
    let id = member.id.as_str();
    json!({
        "value": id,
        "$ref": format!("{base}/Users/{id}"),
        "type": "User",
        "display": member.name.as_str(),
    })
}

fn members() -> Option<&'static Attribute> {
    GROUP.attribute("members")
}
