//! Whether a write had an effect: a word that nothing else has goes in, and is looked for where the target shows it.

use serde_json::Value;

use super::usable;
use crate::call::{Call, Put};
use crate::field::Field;
use crate::harvest::id_of;
use crate::learn::{noun, noun_of, works};
use crate::operation::{Place, names_of};
use crate::wire::{Answer, Request, WireError};

/// A request that shows what a write changed, and who sends it.
#[derive(Debug, Clone)]
pub(super) struct Window {
    pub(super) who: usize,
    pub(super) call: Call,
}

impl Window {
    /// What it shows now.
    pub(super) async fn look(&self, field: &Field) -> Result<Option<(Request, Answer)>, WireError> {
        usable(field.exchange(self.who, &self.call).await)
    }

    /// What it shows, where that has the word.
    pub(super) async fn shows(
        &self,
        field: &Field,
        word: &str,
    ) -> Result<Option<(Request, Answer)>, WireError> {
        Ok(self.look(field).await?.filter(|(_, answer)| answer.has(word)))
    }
}

/// The call with a word of its own in every place that takes any text; nothing where no place does.
pub(super) fn marked(call: &Call, word: &str) -> Option<Call> {
    let takes_text = |value: &str| value == crate::sample::ANY || is_canary(value);
    let mut marked = None;
    for point in call.points() {
        let text = matches!(point.place, Place::Form | Place::Json | Place::Query);
        if text && call.value(&point).is_some_and(|value| takes_text(&value)) {
            let base = marked.as_ref().unwrap_or(call);
            marked = Some(base.with(&point, &Put::Text(word)));
        }
    }
    marked
}

/// Whether a value is one that [`Field::canary`] made.
fn is_canary(value: &str) -> bool {
    let digits = value.strip_prefix("gx").unwrap_or_default();
    digits.len() == 12 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Where somebody sees the word that a write put in; the likeliest places are looked at, but for those where another test looked in
/// vain.
pub(super) async fn window(
    field: &Field,
    who: usize,
    write: &Call,
    answer: &Answer,
    word: &str,
) -> Result<Option<Window>, WireError> {
    // What was refused shows nowhere, and that tells nothing of the places. Of a blank answer nothing is known.
    let told = works(field, answer);
    let operation = format!("{} {}", write.method, write.template);
    for call in places(field, who, write, answer) {
        let path = call.request().target;
        if told && field.memory.is_vain(who, &operation, &path) {
            continue;
        }
        let window = Window { who, call };
        if window.shows(field, word).await?.is_some() {
            return Ok(Some(window));
        }
        if told {
            field.memory.keep_vain(who, &operation, &path);
        }
    }
    Ok(None)
}

/// Places that are looked at for one write.
const PLACES: usize = 12;

/// Reads that may show a write, the nearest first.
pub(super) fn places(field: &Field, who: usize, write: &Call, answer: &Answer) -> Vec<Call> {
    let mut found: Vec<Call> = Vec::new();
    let mut keep = |call: Call| {
        if !found.iter().any(|own| own.request().target == call.request().target) {
            found.push(call);
        }
    };
    // What was made, by the id that its answer tells.
    let last = write.template.rsplit('/').find(|part| !part.is_empty()).unwrap_or_default();
    if let Some(body) = answer.json()
        && let Some(id) = id_of(&body, &noun(last))
    {
        for operation in field.operations.iter().filter(|operation| operation.method == "GET") {
            let under = operation.path.strip_prefix(&write.template).unwrap_or_default();
            let one =
                under.strip_prefix("/{").is_some_and(|name| name.find('}') == name.len().checked_sub(1));
            if let (true, Some(name)) = (one, names_of(under).next()) {
                let mut call = Call::new("GET", &operation.path);
                call.path.clone_from(&write.path);
                call.path.insert(name.to_owned(), Value::String(id.clone()));
                keep(call);
            }
        }
    }
    if let Some(path) = answer.field("location").and_then(|to| field.wire.origin().inside("/", to)) {
        keep(Call::new("GET", &path));
    }
    // The same thing, and what stands over it.
    for operation in field.operations.iter().filter(|operation| operation.method == "GET") {
        if operation.path == write.template || is_above(&operation.path, &write.template) {
            let mut call = Call::new("GET", &operation.path);
            call.path.clone_from(&write.path);
            keep(call);
        }
    }
    let mut others: Vec<&crate::field::Known> =
        field.known.iter().filter(|known| known.call.method == "GET" && known.call.path.is_empty()).collect();
    others.sort_by_key(|known| {
        (
            std::cmp::Reverse(shared(&known.call.template, &write.template)),
            known.who != who,
            known.call.template.len(),
        )
    });
    others.into_iter().for_each(|known| keep(known.call.clone()));
    // The first page comes late in the list and is where news stand.
    let first = Call::new("GET", field.wire.origin().path());
    let mut places: Vec<Call> = found.into_iter().take(PLACES).collect();
    if !places.iter().any(|call| call.template == first.template) {
        places.push(first);
    }
    places
}

fn is_above(template: &str, other: &str) -> bool {
    let template = template.trim_end_matches('/');
    !template.is_empty() && other.strip_prefix(template).is_some_and(|rest| rest.starts_with('/'))
}

/// How many leading segments and nouns two paths share.
fn shared(one: &str, other: &str) -> usize {
    let parts = |text: &str| text.split('/').filter(|part| !part.is_empty()).map(noun).collect::<Vec<_>>();
    let (one, other) = (parts(one), parts(other));
    let leading = one.iter().zip(&other).take_while(|(one, other)| one == other).count();
    let nouns = one.iter().filter(|part| !part.contains('{') && other.contains(part)).count();
    leading.saturating_add(nouns)
}

/// Something new of a kind that belongs to somebody: made by them now, with a word of its own.
pub(super) async fn make(
    field: &Field,
    who: usize,
    kind: &str,
    word: &str,
) -> Result<Option<String>, WireError> {
    for known in &field.known {
        let call = &known.call;
        let last = call.template.rsplit('/').find(|part| !part.is_empty()).unwrap_or_default();
        if call.method != "POST" || !call.path.is_empty() || noun(last) != kind {
            continue;
        }
        let Some(call) = marked(call, word) else { continue };
        let Some(answer) = usable(field.call(who, &call).await)?.filter(|answer| !field.is_refusal(answer))
        else {
            continue;
        };
        if let Some(id) = answer.json().as_ref().and_then(|body| made_id(body, kind)) {
            return Ok(Some(id));
        }
        let to = answer.field("location").and_then(|to| field.wire.origin().inside("/", to));
        for operation in field.operations.iter().filter(|operation| operation.path.contains('{')) {
            let Some(values) = to.as_deref().and_then(|to| operation.matches(to)) else { continue };
            if let Some((name, value)) = values.into_iter().next_back()
                && noun_of(&operation.path, &name) == kind
            {
                return Ok(Some(value));
            }
        }
    }
    Ok(None)
}

/// The id of a new object: in the answer, or in its only member that is an object.
fn made_id(body: &Value, kind: &str) -> Option<String> {
    id_of(body, kind).or_else(|| {
        let mut inner = body.as_object()?.values().filter(|value| value.is_object());
        let only = inner.next().filter(|_| inner.next().is_none())?;
        id_of(only, kind)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::call::Payload;

    #[test]
    fn a_word_goes_where_any_text_would_do() {
        let mut call = Call::new("POST", "/notes");
        call.payload = Payload::Json(json!({ "title": "gx0123456789ab", "kind": "open", "body": "probe" }));
        let marked = marked(&call, "word").unwrap();
        assert_eq!(marked.payload, Payload::Json(json!({ "title": "word", "kind": "open", "body": "word" })));
        call.payload = Payload::Json(json!({ "kind": "open", "count": 1 }));
        assert!(super::marked(&call, "word").is_none());
    }

    #[test]
    fn near_paths_come_first() {
        assert!(shared("/api/notes", "/api/notes/{id}") > shared("/api/orders", "/api/notes/{id}"));
        assert!(shared("/notes", "/api/notes/{id}") > shared("/orders", "/api/notes/{id}"));
        assert!(is_above("/api/notes", "/api/notes/{id}") && !is_above("/api/note", "/api/notes/{id}"));
    }
}
