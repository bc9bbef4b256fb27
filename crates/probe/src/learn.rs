//! Learning what works: a request of each operation that succeeds, the objects that answers show, and whose they are.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::belongings::{noun_of_name, own_id};
use crate::call::{Call, Part, Payload, Put, text_of};
use crate::facts::Level;
use crate::field::{Field, Known, Recording};
use crate::login::is_account_operation;
use crate::operation::{Operation, Place};
use crate::sample::{ANY, sample};
use crate::surface::{graphql, is_ending, is_renewing, is_spared, is_value, strings};
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

fn is_id(value: &Value) -> bool {
    value.is_number() || value.is_string()
}

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
pub fn harvest(
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
pub fn id_of(item: &Value, noun: &str) -> Option<String> {
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
    use serde_json::json;

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

    #[test]
    fn lists_and_envelopes_have_items() {
        assert_eq!(items(&json!([{ "id": 1 }, { "id": 2 }])).len(), 2);
        assert_eq!(items(&json!({ "data": [{ "id": 1 }], "total": 1 })).len(), 1);
        assert_eq!(items(&json!({ "id": 1, "lines": [{ "id": 2 }, { "id": 3 }] })).len(), 1);
        assert_eq!(id_of(&json!({ "note_id": 7 }), "note").as_deref(), Some("7"));
    }
}
