//! Scripts of the target: fetched, read, and asked about. What answers like a path that is not there is none.
//!
//! 1. Scripts that pages load, in the page or beside it, and their source maps where those are there; large ones piece by piece
//!    (`Range`).
//! 2. What a script reads (`GET`) is asked for, parameters filled in with 1. What it writes is asked for with `OPTIONS` and `GET`,
//!    and at the level `active` with an empty body where those say nothing.
//! 3. A path is there where its answer differs from what random paths beside it get, the path itself left out of both.
//! 4. Pages that it draws are kept for the browser.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::script::{self, Asked, Told};
use super::{add, components, is_asset, is_ending, is_spared};
use crate::facts::Level;
use crate::field::Field;
use crate::operation::{Body, Operation, Parameter, Place, Provenance};
use crate::sample::plausible;
use crate::wire::{Answer, BODY, Request, WireError};

/// Scripts that are read in one run, and pieces of one.
const SCRIPTS: usize = 40;
const PIECES: usize = 8;
/// All of them together, in bytes.
const BYTES: usize = 24 << 20;
/// What is asked for: calls, and paths that stand somewhere.
const CALLS: usize = 200;
const PATHS: usize = 120;
/// Documents that stand in scripts.
const DOCUMENTS: usize = 200;

/// Reads the scripts that were not read yet, as somebody who may fetch them.
///
/// # Errors
/// When the run is over.
pub(crate) async fn read(field: &mut Field, who: usize) -> Result<(), WireError> {
    let mut told = Told::default();
    let todo: Vec<String> = field.scripts.difference(&field.scripts_read).cloned().collect();
    let inline: Vec<String> = std::mem::take(&mut field.inline);
    let mut texts: Vec<String> = inline;
    let mut bytes = 0_usize;
    for path in todo {
        if field.scripts_read.len() >= SCRIPTS || bytes > BYTES {
            break;
        }
        field.scripts_read.insert(path.clone());
        let Some(text) = fetch(field, who, &path).await? else { continue };
        field.notice(components::of_script(&path, &text));
        bytes = bytes.saturating_add(text.len());
        texts.push(text);
    }
    let mut maps = Vec::new();
    for text in texts {
        let path = field.wire.origin().path().to_owned();
        let read = parse(text).await;
        if let Some(map) = &read.map {
            maps.extend(field.wire.origin().inside(&path, map));
        }
        merge(&mut told, read);
    }
    for map in maps.into_iter().take(SCRIPTS) {
        for text in sources(field, who, &map).await? {
            merge(&mut told, parse(text).await);
        }
    }
    field.views.extend(told.views.iter().cloned());
    let room = DOCUMENTS.saturating_sub(field.queries.len());
    field.queries.extend(told.documents.iter().take(room).cloned());
    ask(field, who, told).await
}

/// On a stack of its own: programs nest deep.
async fn parse(text: String) -> Told {
    let (send, receive) = tokio::sync::oneshot::channel();
    let thread = std::thread::Builder::new().stack_size(gabion_syntax::STACK.saturating_mul(2));
    let spawned = thread.spawn(move || {
        let _ = send.send(script::read(&text));
    });
    match spawned {
        Ok(_) => receive.await.unwrap_or_default(),
        Err(_) => Told::default(),
    }
}

fn merge(told: &mut Told, more: Told) {
    for call in more.calls {
        if !told.calls.iter().any(|own| own.method == call.method && own.path == call.path) {
            told.calls.push(call);
        }
    }
    told.paths.extend(more.paths);
    told.views.extend(more.views);
    told.documents.extend(more.documents);
}

async fn get(field: &Field, who: usize, request: &Request) -> Result<Option<Answer>, WireError> {
    match field.request(who, request).await {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.is_end() => Err(error),
        Err(_) => Ok(None),
    }
}

async fn fetch(field: &Field, who: usize, path: &str) -> Result<Option<String>, WireError> {
    let Some(answer) = get(field, who, &Request::get(path)).await? else { return Ok(None) };
    let kind = answer.media_type().to_owned();
    if !answer.is_success() || answer.is_html() || field.is_missing(&answer) || kind.starts_with("image/") {
        return Ok(None);
    }
    let mut body = answer.body;
    let mut cut = answer.cut;
    for piece in 1..PIECES {
        if !cut {
            break;
        }
        let from = BODY.saturating_mul(piece);
        let to = from.saturating_add(BODY).saturating_sub(1);
        let request = Request::get(path).header("Range", &format!("bytes={from}-{to}"));
        match get(field, who, &request).await? {
            Some(answer) if answer.status == 206 => {
                cut = answer.body.len() == BODY;
                body.extend(answer.body);
            }
            _ => break,
        }
    }
    Ok(Some(String::from_utf8_lossy(&body).into_owned()))
}

/// What a script was made of, other people's packages left out.
async fn sources(field: &Field, who: usize, map: &str) -> Result<Vec<String>, WireError> {
    let Some(text) = fetch(field, who, map).await? else { return Ok(Vec::new()) };
    let Ok(map) = serde_json::from_str::<Value>(&text) else { return Ok(Vec::new()) };
    let list = |name: &str| map.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let own = list("sources").iter().zip(list("sourcesContent")).filter(|(name, _)| {
        !name.as_str().is_some_and(|name| name.contains("node_modules") || name.contains("webpack/"))
    });
    Ok(own.filter_map(|(_, text)| text.as_str().map(str::to_owned)).take(500).collect())
}

/// Asks about everything that was read.
async fn ask(field: &mut Field, who: usize, told: Told) -> Result<(), WireError> {
    let mut strangers: BTreeMap<String, Vec<Answer>> = BTreeMap::new();
    let mut calls = told.calls;
    // Reads first: what is written stands beside it.
    calls.sort_by_key(|call| call.method != "GET");
    for call in calls.into_iter().take(CALLS) {
        if is_asset(&call.path) || is_spared(field, &call.path) {
            continue;
        }
        let known =
            field.operations.iter().any(|own| own.method == call.method && is_alike(&own.path, &call.path));
        if known || call.websocket || is_there(field, who, &call, &mut strangers).await? {
            add(&mut field.operations, operation(&call));
        }
    }
    for path in told.paths.into_iter().take(PATHS) {
        let known =
            field.operations.iter().any(|own| is_alike(&own.path, &path) || own.matches(&path).is_some());
        if known || is_asset(&path) || is_ending(&path) || is_spared(field, &path) {
            continue;
        }
        let call =
            Asked { method: "GET".to_owned(), path, query: Vec::new(), body: Vec::new(), websocket: false };
        if is_there(field, who, &call, &mut strangers).await? {
            add(&mut field.operations, operation(&call));
        }
    }
    Ok(())
}

/// Whether two templates are one.
fn is_alike(one: &str, two: &str) -> bool {
    super::same_path(one, two)
}

pub(crate) fn filled(template: &str) -> String {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        out.push('1');
        rest = after.split_once('}').map_or("", |(_, rest)| rest);
    }
    out.push_str(rest);
    out
}

async fn is_there(
    field: &Field,
    who: usize,
    call: &Asked,
    strangers: &mut BTreeMap<String, Vec<Answer>>,
) -> Result<bool, WireError> {
    let path = filled(&call.path);
    let reads = matches!(call.method.as_str(), "GET" | "HEAD");
    // A page that ends something is believed, and not asked for.
    if is_ending(&path) {
        return Ok(!reads);
    }
    let mut tries = vec![Request::get(&path)];
    if !reads {
        tries.insert(0, Request::new("OPTIONS", &path));
        if field.facts.target.level >= Level::Active
            && matches!(call.method.as_str(), "POST" | "PUT" | "PATCH")
        {
            tries.push(Request::new(&call.method, &path).body("application/json", "{}"));
        }
    }
    for request in tries {
        let beside = beside(field, who, &request, strangers).await?;
        let Some(answer) = get(field, who, &request).await? else { continue };
        let allows =
            answer.field("allow").is_none_or(|allow| allow.to_ascii_uppercase().contains(&call.method));
        let same = |stranger: &Answer| is_same(&answer, stranger, &request.target);
        if !beside.iter().any(same) && !field.is_unrouted(&answer) && (reads || allows) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What a path that is not there gets, beside the one that is asked for.
async fn beside(
    field: &Field,
    who: usize,
    request: &Request,
    strangers: &mut BTreeMap<String, Vec<Answer>>,
) -> Result<Vec<Answer>, WireError> {
    let parts: Vec<&str> = request.target.split('/').collect();
    let folder =
        parts.iter().take(parts.len().saturating_sub(1).min(3)).copied().collect::<Vec<_>>().join("/");
    let key = format!("{} {folder}", request.method);
    if let Some(known) = strangers.get(&key) {
        return Ok(known.clone());
    }
    let mut stranger = request.clone();
    stranger.target = format!("{folder}/{}", field.canary());
    let answers: Vec<Answer> = get(field, who, &stranger).await?.into_iter().collect();
    strangers.insert(key, answers.clone());
    Ok(answers)
}

/// Whether two answers are one but for the paths they name.
pub(crate) fn is_same(answer: &Answer, stranger: &Answer, path: &str) -> bool {
    let words = |answer: &Answer| -> BTreeSet<String> {
        let text: String = answer.text().chars().take(20_000).collect();
        text.split(|letter: char| !letter.is_ascii_alphanumeric())
            .filter(|word| {
                word.len() > 1
                    && !word.starts_with("gx")
                    && !word.chars().any(|letter| letter.is_ascii_digit())
            })
            .map(str::to_owned)
            .collect()
    };
    let own: BTreeSet<String> =
        path.split(|letter: char| !letter.is_ascii_alphanumeric()).map(str::to_owned).collect();
    let (one, two) = (words(answer), words(stranger));
    answer.status == stranger.status
        && answer.media_type() == stranger.media_type()
        && one.symmetric_difference(&two).all(|word| own.contains(word))
}

fn operation(call: &Asked) -> Operation {
    let mut operation = Operation::new(&call.method, &call.path, Provenance::Script);
    operation.websocket = call.websocket;
    for name in &call.query {
        operation.parameters.push(Parameter {
            name: name.clone(),
            place: Place::Query,
            required: false,
            schema: Value::Null,
            examples: vec![plausible("", name).to_owned()],
        });
    }
    if !call.body.is_empty() {
        let value = |(name, value): &(String, Value)| {
            let value = if value.is_null() { Value::from(plausible("", name)) } else { value.clone() };
            (name.clone(), value)
        };
        operation.body = Some(Body {
            media_type: "application/json".to_owned(),
            schema: Value::Null,
            example: Some(call.body.iter().map(value).collect::<Map<_, _>>().into()),
            tokens: BTreeSet::new(),
        });
    }
    operation
}
