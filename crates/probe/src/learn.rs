//! Learning what works: a request of each operation that succeeds, as everybody it makes a difference for. What the answers tell
//! of objects is read in [`crate::harvest`].

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::belongings::{noun_of_name, own_id};
use crate::call::{Call, Part, Payload, Put, text_of};
use crate::facts::Level;
use crate::field::{Field, Known, Recording};
use crate::harvest::harvest;
use crate::login::is_account_operation;
use crate::operation::{Operation, Place};
use crate::sample::{ANY, sample};
use crate::surface::{graphql, is_ending, is_renewing, is_spared};
use crate::wire::{Answer, Request, WireError};

/// Something the target keeps, by what a list of such things is called and by its id.
#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    /// In the singular and lower case: `note` of `/api/notes`.
    pub noun: String,
    pub id: String,
    /// Whose lists have it; places in [`Field::people`].
    pub seen_by: BTreeSet<usize>,
    /// Who made it, where the probe did.
    pub made_by: Option<usize>,
    /// What a list or an answer said of it.
    pub fields: Map<String, Value>,
}

/// `notes` and `note` are one noun.
#[must_use]
pub fn noun(word: &str) -> String {
    let word = word.to_ascii_lowercase().replace(['-', '_'], "");
    if let Some(stem) = word.strip_suffix("ies") {
        return format!("{stem}y");
    }
    for ending in ["sses", "xes", "ches", "shes"] {
        if word.ends_with(ending) {
            return word.strip_suffix("es").unwrap_or(&word).to_owned();
        }
    }
    if word.ends_with("ss") {
        return word;
    }
    word.strip_suffix('s').unwrap_or(&word).to_owned()
}

/// The noun that a parameter of a path is an id of: what stands before it, or what it is called.
#[must_use]
pub fn noun_of(template: &str, name: &str) -> String {
    let segments: Vec<&str> = template.split('/').collect();
    let at = segments.iter().position(|segment| segment.contains(&format!("{{{name}}}")));
    let before = at.and_then(|at| segments.get(..at)).unwrap_or_default();
    let word = before.iter().rev().find(|segment| is_word(segment));
    noun(word.copied().unwrap_or(name))
}

/// Whether a segment says what a path is about: it is no parameter and no version.
pub(crate) fn is_word(segment: &str) -> bool {
    let version = segment.strip_prefix(['v', 'V']).is_some_and(|rest| {
        !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
    });
    !segment.is_empty() && !segment.contains('{') && !version
}

/// Calls every operation once or a few times, as everybody it makes a difference for.
///
/// # Errors
/// When the run is over.
pub async fn learn(field: &mut Field) -> Result<(), WireError> {
    let who: Vec<usize> = {
        let signed: Vec<usize> = field.signed_in().collect();
        if signed.is_empty() { vec![0] } else { signed }
    };
    crate::belongings::learn_from_sign_in(field);
    // What lists have is what the others need.
    for round in 0..ROUNDS {
        let before = field.objects.len();
        let known = field.known.len();
        for at in 0..field.operations.len() {
            let Some(operation) = field.operations.get(at).cloned() else { break };
            if !operation.is_safe() || !is_callable(field, &operation) {
                continue;
            }
            for person in &who {
                let done = field.known.iter().any(|known| known.operation == at && known.who == *person);
                let parametrised =
                    operation.parameters.iter().any(|parameter| parameter.place == Place::Path);
                if !done && (round == 0 || parametrised) {
                    try_read(field, at, &operation, *person).await?;
                }
            }
        }
        if field.objects.len() == before && field.known.len() == known {
            break;
        }
    }
    // What was written may show now.
    field.memory.forget_answers();
    if field.facts.target.level >= Level::Active {
        field.former = crate::restore::formers(field);
        for at in 0..field.operations.len() {
            let Some(operation) = field.operations.get(at).cloned() else { break };
            if !operation.is_safe() && operation.method != "DELETE" && is_callable(field, &operation) {
                try_write(field, at, &operation, &who).await?;
            }
        }
        for at in 0..field.operations.len() {
            let Some(operation) = field.operations.get(at).cloned() else { break };
            let known = field.known.iter().any(|known| known.operation == at);
            if operation.is_safe() && is_callable(field, &operation) {
                let wanting: Vec<usize> = who
                    .iter()
                    .copied()
                    .filter(|person| !known || made_unread(field, at, &operation, *person))
                    .collect();
                for person in wanting {
                    try_read(field, at, &operation, person).await?;
                }
            }
        }
        field.memory.forget_answers();
    }
    Ok(())
}

/// Whether somebody made a thing that an operation reads, and was not seen to read a thing of their own by it.
fn made_unread(field: &Field, at: usize, operation: &Operation, who: usize) -> bool {
    let Some(name) = crate::operation::names_of(&operation.path).last() else { return false };
    let noun = noun_of(&operation.path, name);
    let point = crate::operation::Point::new(Place::Path, name);
    let made = field.objects.iter().any(|own| own.noun == noun && own.made_by == Some(who));
    let read = field
        .known_of(at)
        .any(|known| known.who == who && crate::belongings::owned(field, &known.call, &point, who).is_some());
    made && !read
}

/// An answer to a read, asked once: pages were met on the way here, and what nobody gets is the same for all who compare with it.
async fn read(field: &Field, who: usize, call: &Call) -> Result<Answer, WireError> {
    let request = call.request();
    let plain = request.method == "GET" && request.headers.is_empty() && request.body.is_empty();
    if let Some(answer) = field.memory.answer(who, &request.target).filter(|_| plain) {
        return Ok(answer);
    }
    let answer = field.call(who, call).await?;
    if plain {
        field.memory.keep_answer(who, &request.target, &answer);
    }
    Ok(answer)
}

/// Whether strangers get what somebody got: then everybody does, and nobody else is asked.
fn is_public(field: &Field, at: usize, call: &Call) -> bool {
    field.known_of(at).any(|known| {
        known.call == *call
            && known.anonymous.as_ref().is_some_and(|anonymous| {
                anonymous.status == known.answer.status && anonymous.body == known.answer.body
            })
    })
}

const ROUNDS: usize = 3;

pub(crate) fn is_callable(field: &Field, operation: &Operation) -> bool {
    if is_renewing(&operation.path) {
        let id = operation.id();
        field.note(format!("`{id}` is left alone: by its name it makes what is kept anew, for everybody"));
    }
    !is_ending(&operation.path)
        && !is_account_operation(operation)
        && !is_spared(field, &operation.path)
        && !operation.websocket
}

async fn try_read(field: &mut Field, at: usize, operation: &Operation, who: usize) -> Result<(), WireError> {
    for call in candidates(field, operation, who).into_iter().take(TRIES + RECORDED) {
        if is_public(field, at, &call) {
            let known = field.known_of(at).find(|known| known.call == call).cloned();
            if let Some(known) = known {
                harvest(field, operation, who, &call, &known.answer, false);
                field.known.push(Known { who, ..known });
            }
            break;
        }
        let answer = match read(field, who, &call).await {
            Ok(answer) => answer,
            Err(error) if error.is_end() => return Err(error),
            Err(error) => {
                field.note(format!("`{}`: {error}", operation.id()));
                return Ok(());
            }
        };
        if !works(field, &answer) {
            keep_refused(field, at, who, call, answer);
            continue;
        }
        harvest(field, operation, who, &call, &answer, false);
        let anonymous = if who == 0 { None } else { Some(field.kept(read(field, 0, &call).await?)) };
        let answer = field.kept(answer);
        field.known.push(Known { operation: at, who, call, answer, anonymous });
        break;
    }
    Ok(())
}

async fn try_write(
    field: &mut Field,
    at: usize,
    operation: &Operation,
    who: &[usize],
) -> Result<(), WireError> {
    for person in who {
        let mut done = false;
        for mut call in candidates(field, operation, *person).into_iter().take(TRIES + RECORDED) {
            mark(field, &mut call);
            crate::restore::spare(field, operation, *person, &mut call);
            let answer = match field.call(*person, &call).await {
                Ok(answer) => answer,
                Err(error) if error.is_end() => return Err(error),
                Err(error) => {
                    field.note(format!("`{}`: {error}", operation.id()));
                    return Ok(());
                }
            };
            if !works(field, &answer) {
                keep_refused(field, at, *person, call, answer);
                continue;
            }
            harvest(field, operation, *person, &call, &answer, true);
            let answer = field.kept(answer);
            field.known.push(Known { operation: at, who: *person, call, answer, anonymous: None });
            done = true;
            break;
        }
        if done {
            break;
        }
    }
    Ok(())
}

/// Keeps the first request of an operation that was understood and did not work.
fn keep_refused(field: &mut Field, at: usize, who: usize, call: Call, answer: Answer) {
    if matches!(answer.status, 401 | 403) {
        field.denied.insert((at, who));
    }
    let understood = matches!(answer.status, 200..300 | 400 | 404 | 409 | 410 | 422 | 500);
    if understood && !field.refused.iter().any(|known| known.operation == at) {
        field.refused.push(Known { operation: at, who, call, answer, anonymous: None });
    }
}

/// Puts a word that nothing else has where any text would do: what was written is known again by it.
fn mark(field: &Field, call: &mut Call) {
    for point in call.points() {
        let any = call.value(&point).is_some_and(|value| value == ANY || FILLED.contains(&value.as_str()));
        if matches!(point.place, Place::Form | Place::Json) && any {
            *call = call.with(&point, &Put::Text(&field.canary()));
        }
    }
}

/// What a browser's forms were filled with where any text would do.
const FILLED: &[&str] = &["test", "This is a test", "A test"];

/// Values that are tried for one operation and person.
const TRIES: usize = 3;

/// Whether an answer is what the operation is for.
#[must_use]
pub fn works(field: &Field, answer: &Answer) -> bool {
    (answer.is_success() || answer.is_redirect())
        && !field.is_refusal(answer)
        && !field.is_missing(answer)
        && !answer.json().is_some_and(|body| graphql::is_error(&body))
}

/// Requests of an operation that should work for somebody, the likeliest first.
#[must_use]
pub fn candidates(field: &Field, operation: &Operation, who: usize) -> Vec<Call> {
    let mut ids: Vec<BTreeMap<String, Value>> = vec![BTreeMap::new()];
    for parameter in operation.parameters.iter().filter(|parameter| parameter.place == Place::Path) {
        let values =
            values_for(field, operation, &parameter.name, &parameter.schema, &parameter.examples, who);
        ids = ids
            .iter()
            .flat_map(|chosen| {
                values.iter().map(|value| {
                    let mut chosen = chosen.clone();
                    chosen.insert(parameter.name.clone(), value.clone());
                    chosen
                })
            })
            .take(TRIES)
            .collect();
    }
    let same = |call: &Call| call.method == operation.method && call.template == operation.path;
    let mut recorded: Vec<&Recording> = field.recorded.iter().filter(|one| same(&one.call)).collect();
    recorded.sort_by_key(|one| one.who != who);
    let mut calls: Vec<Call> = recorded.into_iter().take(RECORDED).map(|one| one.call.clone()).collect();
    for path in ids {
        let mut call = Call::new(&operation.method, &operation.path);
        call.path = path;
        for parameter in &operation.parameters {
            let own = noun_of_name(&operation.path, &parameter.name)
                .and_then(|noun| own_id(field, &noun, who))
                .filter(|_| matches!(parameter.place, Place::Query | Place::Header));
            let named = own.is_some();
            let value = own
                .or_else(|| parameter.examples.first().cloned())
                .map_or_else(|| sample(&parameter.schema, &parameter.name), Value::String);
            match parameter.place {
                Place::Query => call.query.push((parameter.name.clone(), value)),
                Place::Header if !is_own_header(&parameter.name) && (parameter.required || named) => {
                    call.headers.push((parameter.name.clone(), text_of(&value)));
                }
                Place::Cookie if parameter.required => {
                    call.cookies.push((parameter.name.clone(), text_of(&value)));
                }
                _ => {}
            }
        }
        call.payload = payload(field, operation, who);
        let lean = operation
            .parameters
            .iter()
            .any(|parameter| parameter.place == Place::Query && !parameter.required);
        calls.push(call.clone());
        if lean {
            // With what is required only.
            let required =
                |name: &str| operation.parameter(Place::Query, name).is_some_and(|own| own.required);
            call.query.retain(|(name, _)| required(name));
            calls.push(call);
        }
    }
    calls
}

/// Recorded requests that are tried for one operation and person.
const RECORDED: usize = 2;

/// What the probe sends by itself.
fn is_own_header(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    matches!(
        name.as_str(),
        "authorization" | "cookie" | "host" | "content-type" | "accept" | "content-length"
    )
}

/// Values of a path's parameter: of somebody's own objects first.
fn values_for(
    field: &Field,
    operation: &Operation,
    name: &str,
    schema: &Value,
    examples: &[String],
    who: usize,
) -> Vec<Value> {
    let noun = noun_of(&operation.path, name);
    let mut objects: Vec<&Object> = field.objects.iter().filter(|object| object.noun == noun).collect();
    objects.sort_by_key(|object| {
        (object.made_by != Some(who), !object.seen_by.contains(&who), object.seen_by.len())
    });
    let mut values: Vec<Value> = objects
        .iter()
        .filter(|object| object.made_by == Some(who) || object.seen_by.contains(&who))
        .map(|object| Value::String(object.id.clone()))
        .take(TRIES)
        .collect();
    values.extend(examples.iter().map(|example| Value::String(example.clone())));
    values.extend(objects.iter().map(|object| Value::String(object.id.clone())).take(TRIES));
    if values.is_empty() {
        values.push(sample(schema, name));
        if schema.get("type").and_then(Value::as_str) == Some("integer") || schema.is_null() {
            values.push(Value::from(1));
            values.push(Value::from(2));
        }
    }
    let mut met = BTreeSet::new();
    values.retain(|value| met.insert(text_of(value)));
    values
}

/// A body that an operation should take.
#[must_use]
pub fn payload(field: &Field, operation: &Operation, who: usize) -> Payload {
    let Some(body) = &operation.body else { return Payload::Nothing };
    let mut value = body.example.clone().unwrap_or_else(|| sample(&body.schema, ""));
    refer(field, &operation.path, &mut value, who);
    match (body.media_type.as_str(), value) {
        (kind, Value::Object(members)) if kind.contains("multipart") => Payload::Multipart(
            members.iter().map(|(name, value)| part(body_schema(body, name), name, value)).collect(),
        ),
        (kind, Value::Object(members)) if kind.contains("form") => {
            Payload::Form(members.into_iter().collect())
        }
        (kind, value) if kind.ends_with("json") => Payload::Json(value),
        (kind, value) => Payload::Raw { media_type: kind.to_owned(), bytes: raw(kind, &value).into_bytes() },
    }
}

fn body_schema<'a>(body: &'a crate::operation::Body, name: &str) -> &'a Value {
    body.schema.get("properties").and_then(|all| all.get(name)).unwrap_or(&Value::Null)
}

fn part(schema: &Value, name: &str, value: &Value) -> Part {
    let word = |name: &str| schema.get(name).and_then(Value::as_str).unwrap_or_default();
    // A form on a page has nothing for a file; a document says `binary`, or nothing at all.
    let octets = word("format") == "binary"
        || word("contentMediaType") == "application/octet-stream"
        || word("type") == "file";
    let file = value.is_null() || octets || (schema.as_object().is_some_and(Map::is_empty));
    Part {
        name: name.to_owned(),
        file: file.then(|| ("probe.txt".to_owned(), "text/plain".to_owned())),
        content: if file { b"probe\n".to_vec() } else { text_of(value).into_bytes() },
    }
}

fn raw(media_type: &str, value: &Value) -> String {
    if media_type.contains("xml") && !text_of(value).trim_start().starts_with('<') {
        return "<?xml version=\"1.0\"?><root><item>probe</item></root>".to_owned();
    }
    text_of(value)
}

/// Puts ids of things that are there into fields that are called like them.
fn refer(field: &Field, template: &str, value: &mut Value, who: usize) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let lower = name.to_ascii_lowercase();
                let of = lower.strip_suffix("_id").or_else(|| name.strip_suffix("Id")).unwrap_or(&lower);
                let of = noun_of_name(template, name).unwrap_or_else(|| noun(of));
                let fits = |object: &&Object| object.noun == of && !object.noun.is_empty();
                let mut all: Vec<&Object> = field.objects.iter().filter(fits).collect();
                all.sort_by_key(|object| !object.seen_by.contains(&who));
                match (value, all.first()) {
                    (value @ (Value::Number(_) | Value::String(_)), Some(object)) => {
                        let number = value.is_number().then(|| object.id.parse::<i64>().ok()).flatten();
                        *value = number.map_or_else(|| Value::String(object.id.clone()), Value::from);
                    }
                    (Value::Array(items), Some(object)) if items.iter().all(is_id) => {
                        let number = items.first().is_some_and(Value::is_number);
                        let number = number.then(|| object.id.parse::<i64>().ok()).flatten();
                        *items = vec![number.map_or_else(|| Value::String(object.id.clone()), Value::from)];
                    }
                    (value, _) => refer(field, template, value, who),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| refer(field, template, item, who)),
        _ => {}
    }
}

pub(crate) fn is_id(value: &Value) -> bool {
    value.is_number() || value.is_string()
}

/// What paths get that are not there: three random ones.
///
/// # Errors
/// When the run is over.
pub async fn learn_missing(field: &mut Field) -> Result<(), WireError> {
    for form in ["/{}", "/{}/", "/api/{}"] {
        let path = form.replace("{}", &field.canary());
        match field.request(0, &Request::get(&path)).await {
            Ok(answer) => field.missing.push(answer),
            Err(error) if error.is_end() => return Err(error),
            Err(_) => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nouns_are_singular() {
        for (word, one) in [
            ("notes", "note"),
            ("categories", "category"),
            ("address", "address"),
            ("boxes", "box"),
            ("Order", "order"),
        ] {
            assert_eq!(noun(word), one);
        }
        assert_eq!(noun_of("/api/orders/{id}/invoice", "id"), "order");
        assert_eq!(noun_of("/users/{user}/notes/{id}", "user"), "user");
        assert_eq!(noun_of("/{slug}", "slug"), "slug");
    }
}
