//! What answers tell of objects: their ids, whose they are, and what is said of them.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::belongings::noun_of_name;
use crate::call::{Call, Payload, text_of};
use crate::field::Field;
use crate::learn::{Object, is_id, noun, noun_of};
use crate::operation::Operation;
use crate::surface::{is_value, strings};
use crate::wire::Answer;

/// Whether a call asked for an id by a parameter of its query.
fn asks_for(call: &Call, noun: &str, id: &str) -> bool {
    call.query.iter().any(|(name, value)| {
        text_of(value) == id && noun_of_name(&call.template, name).as_deref() == Some(noun)
    })
}

/// Takes from the fields of an answer of GraphQL what tells of objects.
fn harvest_fields(field: &mut Field, who: usize, call: &Call, answer: &Answer, made: bool) {
    let Some(body) = answer.json() else { return };
    let asked: BTreeSet<String> = call.points().iter().filter_map(|point| call.value(point)).collect();
    for (name, value) in body.get("data").and_then(Value::as_object).into_iter().flatten() {
        let noun = noun(name);
        for item in items(value) {
            let Some(id) = id_of(item, &noun) else { continue };
            // Reading one by its id is no proof that it is one's own.
            if !asked.contains(&id) {
                remember(field, &noun, &id, who, made && value.is_object(), item);
            }
        }
    }
}

/// Takes from an answer what tells of objects, and values for other operations.
pub(crate) fn harvest(
    field: &mut Field,
    operation: &Operation,
    who: usize,
    call: &Call,
    answer: &Answer,
    made: bool,
) {
    if operation.path.contains('#') {
        return harvest_fields(field, who, call, answer, made);
    }
    let last = operation.path.rsplit('/').find(|segment| !segment.is_empty()).unwrap_or_default();
    let parametrised = last.contains('{');
    let key = crate::belongings::key_of(field, &operation.path);
    if made && !parametrised {
        take_sent(field, operation, who, call, answer, key.as_deref());
    }
    if let Some(body) = answer.json() {
        if !parametrised {
            let noun = noun(crate::belongings::subject(&operation.path));
            for item in items(&body) {
                let by_key = key.as_ref().and_then(|key| item.get(key)).filter(|id| is_id(id)).map(text_of);
                let by_key = by_key.filter(|id| !id.is_empty() && id.len() <= 200);
                let Some(id) = id_of(item, &noun).filter(|_| by_key.is_none()).or(by_key) else { continue };
                if asks_for(call, &noun, &id) {
                    // Reading one by its id is no proof that it is one's own.
                    let own = field.objects.iter_mut().find(|own| own.noun == noun && own.id == id);
                    if let (Some(own), Some(item)) = (own, item.as_object()) {
                        own.fields.extend(item.clone());
                    }
                } else {
                    remember(field, &noun, &id, who, made && body.is_object(), item);
                }
            }
        } else if let Some(item) = body.as_object()
            && let Some(name) = crate::operation::names_of(last).next()
            && let Some(id) = call.path.get(name)
            && !made
        {
            // Reading one is no proof that it is one's own.
            let noun = noun_of(&operation.path, name);
            if let Some(own) = field.objects.iter_mut().find(|own| own.noun == noun && own.id == text_of(id))
            {
                own.fields.extend(item.clone());
            }
        }
        let mut leads = Vec::new();
        strings(&body, &mut |text| leads.push(text.to_owned()));
        for text in leads {
            visit(field, who, &text, made);
        }
    }
    if let Some(to) = answer.field("location") {
        let to = to.to_owned();
        visit(field, who, &to, made);
    }
    if answer.is_html() {
        let page = crate::surface::html::read(&answer.text());
        for link in page.links {
            visit(field, who, &link, false);
        }
    }
}

/// What was made is known by what was sent, where its answer tells nothing: `{"title": …}` makes `/books/{title}`.
fn take_sent(
    field: &mut Field,
    operation: &Operation,
    who: usize,
    call: &Call,
    answer: &Answer,
    key: Option<&str>,
) {
    let noun = noun(crate::belongings::subject(&operation.path));
    let told = answer.json().is_some_and(|body| items(&body).iter().any(|item| id_of(item, &noun).is_some()));
    let Payload::Json(body) = &call.payload else { return };
    let Some(id) = key.and_then(|key| body.get(key)).filter(|id| is_id(id)).map(text_of) else { return };
    let new = !field.objects.iter().any(|own| own.noun == noun && own.id == id);
    if new && !told && !id.is_empty() && id.len() <= 200 {
        remember(field, &noun, &id, who, true, body);
    }
}

/// A reference that fits a template gives its values.
fn visit(field: &mut Field, who: usize, text: &str, made: bool) {
    if !(text.starts_with('/') || text.starts_with("http")) || text.len() > 2_000 {
        return;
    }
    let Some(to) = field.wire.origin().inside("/", text) else { return };
    let path = to.split('?').next().unwrap_or_default().to_owned();
    let found: Vec<(String, String)> = field
        .operations
        .iter()
        .filter(|operation| operation.path.contains('{'))
        .filter_map(|operation| {
            let values = operation.matches(&path)?;
            let (name, value) = values.into_iter().next_back()?;
            Some((noun_of(&operation.path, &name), value))
        })
        .collect();
    for (noun, id) in found {
        remember(field, &noun, &id, who, made, &Value::Null);
    }
    let query = to.split_once('?').map_or("", |(_, query)| query);
    for (name, id) in url::form_urlencoded::parse(query.as_bytes()).take(20) {
        // Links name people, too, who are somebody else.
        let noun = noun_of_name(&path, &name).filter(|noun| !PEOPLE.contains(&noun.as_str()));
        if let Some(noun) = noun.filter(|_| is_value(&id)) {
            remember(field, &noun, &id, who, made, &Value::Null);
        }
    }
}

const PEOPLE: &[&str] = &["user", "member", "person", "people", "profile", "customer", "owner", "author"];

pub(crate) fn remember(field: &mut Field, noun: &str, id: &str, who: usize, made: bool, item: &Value) {
    let fields = item.as_object().cloned().unwrap_or_default();
    let room = field.objects.len() < MOST_OBJECTS;
    match field.objects.iter_mut().find(|own| own.noun == noun && own.id == id) {
        Some(own) => {
            own.seen_by.insert(who);
            own.fields.extend(fields);
        }
        None if room => field.objects.push(Object {
            noun: noun.to_owned(),
            id: id.to_owned(),
            seen_by: BTreeSet::from([who]),
            made_by: made.then_some(who),
            fields,
        }),
        None => {}
    }
}

const MOST_OBJECTS: usize = 2_000;

/// The objects of an answer: a list, the list in an envelope, or the answer itself.
pub(crate) fn items(body: &Value) -> Vec<&Value> {
    match body {
        Value::Array(items) => items.iter().take(50).collect(),
        Value::Object(members) => {
            let lists = members.values().filter_map(Value::as_array);
            let listed: Vec<&Value> = lists.flatten().filter(|item| item.is_object()).take(50).collect();
            if listed.is_empty() || members.contains_key("id") { vec![body] } else { listed }
        }
        _ => Vec::new(),
    }
}

/// The id of an object by the names ids have.
#[must_use]
pub(crate) fn id_of(item: &Value, noun: &str) -> Option<String> {
    let members = item.as_object()?;
    let names = ["id", "_id", "uuid", "guid", "key", "slug"];
    let own = |name: &&String| {
        let name = name.to_ascii_lowercase().replace('_', "");
        name == format!("{noun}id") || name == *noun
    };
    let found = names.iter().find_map(|name| members.get(*name)).or_else(|| {
        let name = members.keys().find(own)?;
        members.get(name)
    })?;
    let id = text_of(found);
    (found.is_string() || found.is_number()).then_some(id).filter(|id| !id.is_empty() && id.len() <= 200)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lists_and_envelopes_have_items() {
        assert_eq!(items(&json!([{ "id": 1 }, { "id": 2 }])).len(), 2);
        assert_eq!(items(&json!({ "data": [{ "id": 1 }], "total": 1 })).len(), 1);
        assert_eq!(items(&json!({ "id": 1, "lines": [{ "id": 2 }, { "id": 3 }] })).len(), 1);
        assert_eq!(id_of(&json!({ "note_id": 7 }), "note").as_deref(), Some("7"));
    }
}
