//! What people of the facts had before anything was written: put back at the end of a run.
//!
//! 1. Before the first write, what each of them reads is kept where a write takes fields of the same names: an object, the items of
//!    a list, the fields of a form as its page fills them in.
//! 2. Learning writes the values they have where those decide who signs in, and with which rights.
//! 3. At the end, however it came, each is read once more. What differs is written back by the writes that take it, the nearest
//!    first, and read again.
//! 4. What was put back is noted, and what could not be.
//!
//! What the probe made itself was not there before, and stays as it is.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::time::timeout;

use crate::account::{Meaning, decides, meaning};
use crate::attacks::usable;
use crate::belongings::subject;
use crate::call::{Call, Payload, text_of};
use crate::field::{Field, Known};
use crate::harvest::{id_of, items};
use crate::learn::{is_callable, noun, noun_of, payload, works};
use crate::operation::{Operation, names_of};
use crate::surface::html;
use crate::wire::{Answer, WireError};

/// Something of somebody's as it was.
#[derive(Debug, Clone)]
pub(crate) struct Former {
    who: usize,
    read: Call,
    /// Its id, where it is one of a list.
    item: Option<String>,
    /// What the object calls itself, where it is none of a list.
    id: Option<String>,
    fields: Map<String, Value>,
}

/// The most that is kept.
const MOST: usize = 400;
/// Writes that are tried for one thing.
const WAYS: usize = 3;
/// How long putting back may take: the run's own time may be over.
const WITHIN: Duration = Duration::from_secs(30);
/// Requests that may go out for it when those of the run are spent.
pub(crate) const REQUESTS: usize = 300;
/// Names of what changes by itself.
const VOLATILE: &[&str] =
    &["etag", "last", "modified", "revision", "seen", "timestamp", "updated", "version"];
/// What people are called in paths.
const PEOPLE: &[&str] = &["account", "customer", "member", "people", "person", "profile", "user"];

/// What everybody reads now that a write could change.
pub(crate) fn formers(field: &Field) -> Vec<Former> {
    let writes = writes(field);
    let mut all: Vec<Former> = Vec::new();
    for known in field.known.iter().filter(|known| known.who != 0 && is_own(field, known)) {
        for mut former in seen(known.who, &known.call, &known.answer) {
            if all.len() >= MOST {
                return all;
            }
            let taken: BTreeSet<&String> = writes
                .iter()
                .filter(|(operation, _)| place(operation, &former).is_some())
                .flat_map(|(_, names)| names)
                .collect();
            former.fields.retain(|name, _| taken.contains(name) && !is_volatile(name));
            if !former.fields.is_empty() {
                all.push(former);
            }
        }
    }
    all
}

/// Whether a read shows something that strangers are not shown.
fn is_own(field: &Field, known: &Known) -> bool {
    let public = known.anonymous.as_ref().is_some_and(|answer| answer.body == known.answer.body);
    known.call.method == "GET" && known.answer.is_success() && !public && !field.is_missing(&known.answer)
}

fn is_volatile(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    VOLATILE.iter().any(|word| name.contains(word))
}

/// Operations that write, with the names of what they take.
fn writes(field: &Field) -> Vec<(&Operation, BTreeSet<String>)> {
    let writes = field.operations.iter().filter(|operation| {
        matches!(operation.method.as_str(), "PATCH" | "POST" | "PUT") && is_callable(field, operation)
    });
    writes
        .filter_map(|operation| {
            let mut names = BTreeSet::new();
            match payload(field, operation, 0) {
                Payload::Json(body) => names_in(&body, 0, &mut names),
                Payload::Form(fields) => names.extend(fields.into_iter().map(|(name, _)| name)),
                Payload::Multipart(parts) => {
                    names.extend(parts.into_iter().filter(|part| part.file.is_none()).map(|part| part.name));
                }
                Payload::Nothing | Payload::Raw { .. } => {}
            }
            // Who is registered or reset is somebody else.
            let secret =
                |name: &String| !matches!(meaning(name), Meaning::Password | Meaning::New | Meaning::Token);
            let fits = operation.method != "POST" || names.iter().all(secret);
            (fits && !names.is_empty()).then_some((operation, names))
        })
        .collect()
}

fn names_in(value: &Value, depth: usize, out: &mut BTreeSet<String>) {
    for (name, value) in value.as_object().into_iter().flatten().filter(|_| depth < 3) {
        out.insert(name.clone());
        names_in(value, depth.saturating_add(1), out);
    }
}

/// What an answer shows: one object, the items of a list, or the fields of forms.
fn seen(who: usize, read: &Call, answer: &Answer) -> Vec<Former> {
    let one = |item, id, fields| Former { who, read: read.clone(), item, id, fields };
    if answer.is_html() {
        let page = html::read(&answer.text());
        let fields = page.forms.into_iter().filter(|form| form.method == "POST").flat_map(|form| form.fields);
        let filled = fields.filter(|field| WRITTEN.contains(&field.kind.as_str()) && !field.value.is_empty());
        return vec![one(None, None, filled.map(|field| (field.name, Value::String(field.value))).collect())];
    }
    let Some(body) = answer.json() else { return Vec::new() };
    let noun = noun(subject(&read.template));
    let listed = body.is_array() || items(&body).iter().any(|item| !std::ptr::eq(*item, &body));
    if listed {
        let items =
            items(&body).into_iter().filter_map(|item| Some((id_of(item, &noun)?, item.as_object()?)));
        return items.map(|(id, fields)| one(Some(id), None, fields.clone())).collect();
    }
    let object = object_in(&body);
    object.map(|fields| one(None, id_of(&Value::Object(fields.clone()), &noun), fields)).into_iter().collect()
}

/// Kinds of fields that people write in.
const WRITTEN: &[&str] = &["date", "email", "number", "select", "tel", "text", "textarea", "url"];

/// `{"user": {…}}` is that user.
fn object_in(body: &Value) -> Option<Map<String, Value>> {
    let members = body.as_object()?;
    let mut inner = members.values().filter_map(Value::as_object);
    match (inner.next(), inner.next()) {
        (Some(only), None) if members.len() <= 3 => Some(only.clone()),
        _ => Some(members.clone()),
    }
}

/// How near a write is to what was read, and the values of its path; nothing where it is about something else.
fn place(write: &Operation, former: &Former) -> Option<(usize, BTreeMap<String, Value>)> {
    let names: Vec<&str> = names_of(&write.path).collect();
    let read = &former.read;
    let template = read.template.trim_end_matches('/');
    if let Some(id) = &former.item {
        let under = write.path.strip_prefix(template)?.strip_prefix("/{")?;
        let last = names.last().filter(|_| names.len() == read.path.len().saturating_add(1))?;
        let mut path = read.path.clone();
        path.insert((*last).to_owned(), Value::String(id.clone()));
        return Some((usize::from(!under.ends_with('}')), path));
    }
    let same = write.path.trim_end_matches('/') == template;
    if names.is_empty() {
        let page = write.page.as_deref().and_then(|page| page.split('?').next());
        let of_page = page.is_some_and(|page| page == read.path_text());
        let rank = if write.method == "POST" { 3 } else { 1 };
        let near = same || of_page;
        return (near || read.path.is_empty()).then(|| (if near { 0 } else { rank }, BTreeMap::new()));
    }
    let given: Option<BTreeMap<String, Value>> =
        names.iter().map(|name| Some(((*name).to_owned(), read.path.get(*name)?.clone()))).collect();
    if let Some(path) = given {
        let above =
            |one: &str, other: &str| other.strip_prefix(one).is_some_and(|rest| rest.starts_with('/'));
        let near = same || above(template, &write.path) || above(write.path.trim_end_matches('/'), template);
        return near.then_some((usize::from(!same), path));
    }
    // `/users/{id}`, of what `/me` says.
    let (name, id) = (names.first().filter(|_| names.len() == 1)?, former.id.as_ref()?);
    let person = read.path.is_empty() && PEOPLE.contains(&noun_of(&write.path, name).as_str());
    person.then(|| (2, BTreeMap::from([((*name).to_owned(), Value::String(id.clone()))])))
}

/// A call with values where it has fields of these names; a partial update has no others then.
fn filled(call: &Call, fields: &Map<String, Value>) -> Call {
    fn fill(value: &mut Value, fields: &Map<String, Value>, depth: usize) {
        for (name, value) in value.as_object_mut().into_iter().flatten().filter(|_| depth < 3) {
            match fields.get(name) {
                Some(own) => own.clone_into(value),
                None => fill(value, fields, depth.saturating_add(1)),
            }
        }
    }
    let mut call = call.clone();
    match &mut call.payload {
        Payload::Json(body) => fill(body, fields, 0),
        Payload::Form(all) => {
            for (name, value) in all {
                if let Some(own) = fields.get(name) {
                    *value = Value::String(text_of(own));
                }
            }
        }
        Payload::Multipart(parts) => {
            for part in parts.iter_mut().filter(|part| part.file.is_none()) {
                if let Some(own) = fields.get(&part.name) {
                    part.content = text_of(own).into_bytes();
                }
            }
        }
        Payload::Nothing | Payload::Raw { .. } => {}
    }
    call
}

/// Puts what somebody has in place of what would be made up, where it decides who they are to the application: whoever is renamed
/// or gets another password cannot be signed in again.
pub(crate) fn spare(field: &Field, operation: &Operation, who: usize, call: &mut Call) {
    if !matches!(operation.method.as_str(), "PATCH" | "PUT") {
        return;
    }
    let near = field.former.iter().filter(|former| former.who == who).filter_map(|former| {
        let (rank, path) = place(operation, former)?;
        (path == call.path).then_some((rank, &former.fields))
    });
    let mut own: Map<String, Value> =
        near.min_by_key(|(rank, _)| *rank).map_or_else(Map::new, |(_, fields)| fields.clone());
    own.retain(|name, _| decides(name) || matches!(meaning(name), Meaning::Mail | Meaning::User));
    let password = field.identity(who).and_then(|identity| identity.password.as_ref());
    if let Some(password) = password {
        for point in call.points() {
            if matches!(
                meaning(point.word()),
                Meaning::Again | Meaning::New | Meaning::Old | Meaning::Password
            ) {
                own.insert(point.word().to_owned(), Value::String(password.expose().to_owned()));
            }
        }
    }
    if !own.is_empty() {
        *call = filled(call, &own);
    }
}

/// Puts back what differs.
pub(crate) async fn put_back(field: &Field) {
    if field.former.is_empty() {
        return;
    }
    field.wire.allow(REQUESTS);
    let why = match timeout(WITHIN, everything(field)).await {
        Ok(Ok(())) => return,
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("it took more than {} seconds", WITHIN.as_secs()),
    };
    field.note(format!("what the probe wrote to things of its identities may not have been put back: {why}"));
}

async fn everything(field: &Field) -> Result<(), WireError> {
    field.keep_alive(true).await?;
    let mut answers: BTreeMap<(usize, String), Option<Answer>> = BTreeMap::new();
    for former in &field.former {
        let Some(now) = state(field, former, &mut answers).await? else { continue };
        let before = changed(former, &now);
        let mut left = before.clone();
        for call in ways(field, former, &before).into_iter().take(WAYS) {
            if left.is_empty() {
                break;
            }
            usable(field.exchange(former.who, &call).await)?;
            answers.clear();
            let Some(now) = state(field, former, &mut answers).await? else { break };
            left = changed(former, &now);
        }
        if before.is_empty() {
            continue;
        }
        let (name, read) = (&field.person(former.who).name, former.read.path_text());
        let what =
            |names: &[String]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let item = former.item.as_ref().map_or_else(String::new, |id| format!(" ({id})"));
        let back: Vec<String> = before.iter().filter(|name| !left.contains(name)).cloned().collect();
        if !back.is_empty() {
            field.note(format!(
                "{} of `{name}` at `{read}`{item} was put back as it was before the run",
                what(&back)
            ));
        }
        if !left.is_empty() {
            field.note(format!(
                "{} of `{name}` at `{read}`{item} could not be put back as it was before the run",
                what(&left)
            ));
        }
    }
    Ok(())
}

/// What it is now; nothing where it is not shown any more.
async fn state(
    field: &Field,
    former: &Former,
    answers: &mut BTreeMap<(usize, String), Option<Answer>>,
) -> Result<Option<Map<String, Value>>, WireError> {
    let key = (former.who, former.read.request().target);
    if !answers.contains_key(&key) {
        let answer = usable(field.call(former.who, &former.read).await)?;
        answers.insert(key.clone(), answer.filter(|answer| works(field, answer)));
    }
    let Some(answer) = answers.get(&key).and_then(Option::as_ref) else { return Ok(None) };
    let now = seen(former.who, &former.read, answer).into_iter().find(|now| now.item == former.item);
    Ok(now.map(|now| now.fields))
}

fn changed(former: &Former, now: &Map<String, Value>) -> Vec<String> {
    let differs = |(name, value): &(&String, &Value)| now.get(*name) != Some(*value);
    former.fields.iter().filter(differs).map(|(name, _)| name.clone()).collect()
}

/// Writes that take some of these names, the nearest first, with the values of before.
fn ways(field: &Field, former: &Former, names: &[String]) -> Vec<Call> {
    let mut found: Vec<(usize, Call)> = Vec::new();
    for (operation, taken) in writes(field) {
        let Some((rank, path)) = place(operation, former) else { continue };
        if !names.iter().any(|name| taken.contains(name)) {
            continue;
        }
        let own =
            |known: &&Known| field.operation(known.operation).is_some_and(|own| own.id() == operation.id());
        let worked = field.known.iter().filter(own).max_by_key(|known| known.who == former.who);
        let mut call =
            worked.map_or_else(|| Call::new(&operation.method, &operation.path), |known| known.call.clone());
        if worked.is_none() {
            call.payload = payload(field, operation, former.who);
        }
        call.path = path;
        spare(field, operation, former.who, &mut call);
        if let (Payload::Json(Value::Object(members)), "PATCH") =
            (&mut call.payload, operation.method.as_str())
        {
            members.retain(|name, value| former.fields.contains_key(name) || value.is_object());
        }
        found.push((rank, filled(&call, &former.fields)));
    }
    found.sort_by_key(|(rank, _)| *rank);
    found.into_iter().map(|(_, call)| call).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn former(template: &str, item: Option<&str>, id: Option<&str>) -> Former {
        Former {
            who: 1,
            read: Call::new("GET", template),
            item: item.map(str::to_owned),
            id: id.map(str::to_owned),
            fields: Map::new(),
        }
    }

    fn operation(method: &str, path: &str) -> Operation {
        Operation::new(method, path, crate::operation::Provenance::Facts)
    }

    #[test]
    fn a_write_is_near_what_it_changes() {
        let rank = |method: &str, path: &str, former: &Former| {
            place(&operation(method, path), former).map(|(rank, _)| rank)
        };
        let me = former("/me", None, Some("7"));
        assert_eq!(rank("PATCH", "/me", &me), Some(0));
        assert_eq!(rank("PATCH", "/profile", &me), Some(1));
        assert_eq!(rank("PUT", "/users/{id}", &me), Some(2));
        assert_eq!(rank("PUT", "/notes/{id}", &me), None);
        let note = former("/notes", Some("3"), None);
        assert_eq!(rank("PUT", "/notes/{id}", &note), Some(0));
        assert_eq!(rank("PUT", "/notes/{id}/title", &note), Some(1));
        assert_eq!(rank("PUT", "/orders/{id}", &note), None);
        assert_eq!(rank("POST", "/notes", &note), None);
    }

    #[test]
    fn values_go_where_they_were() {
        let mut call = Call::new("PUT", "/me");
        call.payload = Payload::Json(json!({ "user": { "name": "gx1" }, "age": 3, "note": "gx2" }));
        let own = json!({ "name": "Ann", "age": 41, "other": true });
        let filled = filled(&call, own.as_object().unwrap());
        assert_eq!(
            filled.payload,
            Payload::Json(json!({ "user": { "name": "Ann" }, "age": 41, "note": "gx2" }))
        );
    }

    #[test]
    fn lists_objects_and_forms_are_seen() {
        let answer = |kind: &str, body: &str| Answer {
            status: 200,
            headers: vec![("Content-Type".to_owned(), kind.to_owned())],
            body: body.as_bytes().to_vec(),
            cut: false,
            elapsed: Duration::ZERO,
        };
        let read = Call::new("GET", "/notes");
        let list =
            seen(1, &read, &answer("application/json", r#"{"notes":[{"id":1,"a":"b"},{"id":2}],"total":2}"#));
        assert_eq!(list.iter().map(|one| one.item.as_deref().unwrap()).collect::<Vec<_>>(), ["1", "2"]);
        let one = seen(1, &read, &answer("application/json", r#"{"user":{"id":1,"a":"b"}}"#));
        assert_eq!((one[0].id.as_deref(), one[0].fields["a"].as_str()), (Some("1"), Some("b")));
        let page = "<form method=post><input name=a value=b><input type=hidden name=t value=x></form>";
        let form = seen(1, &read, &answer("text/html", page));
        assert_eq!(Value::Object(form[0].fields.clone()), json!({ "a": "b" }));
    }
}
