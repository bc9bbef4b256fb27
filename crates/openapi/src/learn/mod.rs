//! A draft of a contract from what was observed: types, bounds and formats, never a value.
//!
//! Every observation is reduced to shapes at once: of a text its length and what it could be (a date, a number), of a
//! number its sign and how many digits it has, of an object the names of its members. Names that look like data
//! rather than words (`kim@example.org`, `8812`) are not kept either: such an object is a map. Bounds are rounded up,
//! so that the next request like the ones before still fits and the draft gives nothing away.
//!
//! A place in a path where many words led to the same kind of answer is a parameter: such words are rather names of
//! people or things. Everything is bounded: paths, names, media types, depth, and the places of a whole draft.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use archive::har;
pub use live::Drafts;

use crate::encoding::{decode, pairs};
use crate::inventory::template;
use crate::json::{Object, Value};
use crate::media_type::MediaType;
use shape::{Member, Room, Shape, is_name};

mod archive;
mod live;
mod shape;
#[cfg(test)]
mod tests;

/// One request and its answer, as far as they are known. Borrowed: nothing of it stays.
#[derive(Debug, Clone, Copy, Default)]
pub struct Observation<'a> {
    pub method: &'a str,
    /// Without query.
    pub path: &'a str,
    pub query: &'a str,
    pub request_type: Option<&'a str>,
    pub request_body: Option<&'a [u8]>,
    pub status: u16,
    pub answer_type: Option<&'a str>,
    pub answer_body: Option<&'a [u8]>,
}

/// What was learned so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Draft {
    paths: BTreeMap<String, BTreeMap<String, Learned>>,
    /// Paths in which many words became one parameter: the next such word belongs to them.
    merged: BTreeSet<String>,
    /// Something found no room.
    full: bool,
    /// How many places are remembered.
    #[serde(skip)]
    places: usize,
}

/// One operation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Learned {
    seen: u64,
    query: BTreeMap<String, Member>,
    path: Vec<Shape>,
    bodies: BTreeMap<String, Shape>,
    with_body: u64,
    answers: BTreeMap<u16, BTreeMap<String, Shape>>,
}

impl Draft {
    /// Learns from one exchange. What is over the bounds is left out.
    pub fn observe(&mut self, seen: &Observation<'_>) {
        if !is_learned_from(seen.method, seen.status) {
            return;
        }
        let path = template(seen.path);
        if path.split('/').count() > MOST_SEGMENTS.saturating_add(1) {
            return;
        }
        let path = self.known_as(path);
        let mut room = self.room();
        let is_new = !self.paths.contains_key(&path);
        if is_new && (self.paths.len() >= MOST_PATHS || !room.take()) {
            self.full = true;
            return;
        }
        let learned =
            self.paths.entry(path.clone()).or_default().entry(seen.method.to_ascii_lowercase()).or_default();
        // What the application refused teaches nothing about what it takes.
        if seen.status < 400 {
            learned.request(seen, &path, &mut room);
        }
        learned.answer(seen, &mut room);
        self.took(&room);
        if is_new {
            self.merge_words(&path);
        }
    }

    /// How many operations were seen.
    #[must_use]
    pub fn operations(&self) -> usize {
        self.paths.values().map(BTreeMap::len).sum()
    }

    /// Something was left out, since a draft is bounded.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.full
    }

    /// Takes over what another one has learned.
    pub fn merge(&mut self, other: Self) {
        let mut room = self.room();
        self.full |= other.full;
        self.merged.extend(other.merged);
        for (path, methods) in other.paths {
            if !self.paths.contains_key(&path) && (self.paths.len() >= MOST_PATHS || !room.take()) {
                self.full = true;
                continue;
            }
            let known = self.paths.entry(path).or_default();
            for (method, learned) in methods {
                known.entry(method).or_default().merge(learned, &mut room);
            }
        }
        self.took(&room);
    }

    /// Takes over a draft of one exchange, under the path it belongs to here.
    fn take_one(&mut self, mut one: Self, seen: &Observation<'_>) {
        let own = template(seen.path);
        let path = self.known_as(own.clone());
        if path != own {
            // A word that is a parameter here: its shape is missing in a draft that knew only itself.
            self.observe(seen);
            return;
        }
        let is_new = !self.paths.contains_key(&path);
        one.merged.clear();
        self.merge(one);
        if is_new {
            self.merge_words(&path);
        }
    }

    /// The draft as an OpenAPI 3.1 document.
    #[must_use]
    pub fn document(&self, title: &str) -> Value {
        let mut paths = Object::new();
        for (path, methods) in &self.paths {
            let (path, names) = named(path);
            let mut item = Object::new();
            for (method, learned) in methods {
                item.insert(method.clone(), learned.operation(&names));
            }
            paths.insert(path, item.into());
        }
        object([
            ("openapi", "3.1.0".into()),
            ("info", object([("title", title.into()), ("version", "draft".into())])),
            ("paths", paths.into()),
        ])
    }

    /// Counts what is there, after it was read from somewhere.
    fn counted(mut self) -> Self {
        let operations = self.paths.values().flat_map(BTreeMap::values);
        self.places = operations.map(Learned::places).sum::<usize>().saturating_add(self.paths.len());
        self
    }

    fn room(&self) -> Room {
        Room::new(MOST_PLACES.saturating_sub(self.places))
    }

    fn took(&mut self, room: &Room) {
        self.places = MOST_PLACES.saturating_sub(room.left());
        self.full |= room.left() == 0;
    }

    /// The path, or the one that words like its own were merged into.
    fn known_as(&self, path: String) -> String {
        if self.paths.contains_key(&path) {
            return path;
        }
        let segments: Vec<&str> = path.split('/').collect();
        let merged =
            (1..segments.len()).map(|at| with_free(&segments, at)).find(|one| self.merged.contains(one));
        merged.unwrap_or(path)
    }

    /// Makes a parameter of a place where this path and many others have different words and everything else is
    /// alike.
    fn merge_words(&mut self, path: &str) {
        let segments: Vec<&str> = path.split('/').collect();
        let Some(own) = self.paths.get(path) else { return };
        for at in 1..segments.len() {
            if segments.get(at).is_none_or(|word| *word == FREE || word.is_empty()) {
                continue;
            }
            let free = with_free(&segments, at);
            let alike: Vec<String> = self
                .paths
                .iter()
                .filter(|(other, methods)| {
                    let other: Vec<&str> = other.split('/').collect();
                    other.get(at).is_some_and(|word| *word != FREE)
                        && with_free(&other, at) == free
                        && is_alike(own, methods)
                })
                .map(|(other, _)| other.clone())
                .collect();
            if alike.len() <= MOST_WORDS {
                continue;
            }
            let slot = segments.iter().take(at).filter(|segment| **segment == FREE).count();
            let mut room = self.room();
            let mut all = self.paths.remove(&free).unwrap_or_default();
            for other in alike {
                let word = other.split('/').nth(at).unwrap_or_default().to_owned();
                for (method, mut learned) in self.paths.remove(&other).unwrap_or_default() {
                    let mut shape = Shape::default();
                    shape.word(&word);
                    learned.path.insert(slot.min(learned.path.len()), shape);
                    all.entry(method).or_default().merge(learned, &mut room);
                }
            }
            self.paths.insert(free.clone(), all);
            self.merged.insert(free);
            let draft = std::mem::take(self).counted();
            *self = draft;
            return;
        }
    }
}

/// Whether an exchange teaches anything: a method of interfaces, and an answer of an application that knows the address.
#[must_use]
pub fn is_learned_from(method: &str, status: u16) -> bool {
    METHODS.contains(&method) && (200..500).contains(&status) && !matches!(status, 404 | 405)
}

/// The path with a parameter in one place.
fn with_free(segments: &[&str], at: usize) -> String {
    let mut segments = segments.to_vec();
    if let Some(slot) = segments.get_mut(at) {
        *slot = FREE;
    }
    segments.join("/")
}

/// The same methods, answered with the same members.
fn is_alike(one: &BTreeMap<String, Learned>, other: &BTreeMap<String, Learned>) -> bool {
    let outline = |methods: &BTreeMap<String, Learned>| -> Vec<(String, Vec<String>)> {
        let told = |(method, learned): (&String, &Learned)| {
            let good = learned.answers.iter().filter(|(status, _)| **status < 300);
            let names = good.flat_map(|(_, answers)| answers.values()).filter_map(Shape::outline).flatten();
            (method.clone(), names.map(str::to_owned).collect())
        };
        methods.iter().map(told).collect()
    };
    outline(one) == outline(other)
}

impl Learned {
    fn request(&mut self, seen: &Observation<'_>, path: &str, room: &mut Room) {
        self.seen = self.seen.saturating_add(1);
        let free = path.split('/').zip(seen.path.split('/')).filter(|(name, _)| *name == FREE);
        for (at, (_, text)) in free.enumerate() {
            if self.path.len() <= at && room.take() {
                self.path.push(Shape::default());
            }
            if let (Some(shape), Ok(text)) = (self.path.get_mut(at), decode(text.as_bytes(), false)) {
                shape.word(&text);
            }
        }
        for (name, value) in pairs(seen.query, MOST_NAMES).unwrap_or_default() {
            let Ok(value) = decode(value.as_bytes(), true) else { continue };
            let is_new = !self.query.contains_key(&name);
            if !is_name(&name) || is_new && (self.query.len() >= MOST_NAMES || !room.take()) {
                continue;
            }
            let member = self.query.entry(name).or_default();
            member.seen = member.seen.saturating_add(1);
            member.shape.word(&value);
        }
        let Some(media_type) = seen.request_type.and_then(essence) else { return };
        // What was not read is there all the same.
        if seen.request_body.is_some_and(<[u8]>::is_empty) {
            return;
        }
        self.with_body = self.with_body.saturating_add(1);
        let Some(shape) = entry(&mut self.bodies, &media_type.essence, room) else { return };
        let body = seen.request_body.unwrap_or_default();
        if media_type.is_json() {
            shape.read(body, room);
        } else if media_type.essence == "application/x-www-form-urlencoded" && !body.is_empty() {
            shape.begin_object();
            let text = std::str::from_utf8(body).unwrap_or_default();
            for (name, value) in pairs(text, MOST_NAMES).unwrap_or_default() {
                if let Ok(value) = decode(value.as_bytes(), true) {
                    shape.member_word(&name, &value, room);
                }
            }
        }
    }

    fn answer(&mut self, seen: &Observation<'_>, room: &mut Room) {
        let is_new = !self.answers.contains_key(&seen.status);
        if is_new && (self.answers.len() >= MOST_STATUSES || !room.take()) {
            return;
        }
        let answers = self.answers.entry(seen.status).or_default();
        let Some(media_type) = seen.answer_type.and_then(essence) else { return };
        if let Some(shape) = entry(answers, &media_type.essence, room)
            && media_type.is_json()
        {
            shape.read(seen.answer_body.unwrap_or_default(), room);
        }
    }

    fn merge(&mut self, other: Self, room: &mut Room) {
        self.seen = self.seen.saturating_add(other.seen);
        self.with_body = self.with_body.saturating_add(other.with_body);
        for (at, shape) in other.path.into_iter().enumerate() {
            match self.path.get_mut(at) {
                Some(known) => known.merge(shape, room),
                None if room.take() => self.path.push(shape),
                None => {}
            }
        }
        for (name, member) in other.query {
            let is_new = !self.query.contains_key(&name);
            if !is_new || self.query.len() < MOST_NAMES && room.take() {
                self.query.entry(name).or_default().merge(member, room);
            }
        }
        for (media_type, shape) in other.bodies {
            if let Some(known) = entry(&mut self.bodies, &media_type, room) {
                known.merge(shape, room);
            }
        }
        for (status, answers) in other.answers {
            let is_new = !self.answers.contains_key(&status);
            if is_new && (self.answers.len() >= MOST_STATUSES || !room.take()) {
                continue;
            }
            let known = self.answers.entry(status).or_default();
            for (media_type, shape) in answers {
                if let Some(known) = entry(known, &media_type, room) {
                    known.merge(shape, room);
                }
            }
        }
    }

    fn places(&self) -> usize {
        let in_query = self.query.values().map(|member| member.shape.places().saturating_add(1));
        let answers = self.answers.values().flat_map(BTreeMap::values);
        let shapes = self.path.iter().chain(self.bodies.values()).chain(answers);
        let shapes = shapes.map(|shape| shape.places().saturating_add(1));
        in_query.chain(shapes).sum::<usize>().saturating_add(self.answers.len())
    }

    fn operation(&self, names: &[String]) -> Value {
        let mut parameters = Vec::new();
        for (at, name) in names.iter().enumerate() {
            let schema = self.path.get(at).map_or_else(|| Shape::default().schema(), Shape::schema);
            let row = [
                ("name", name.as_str().into()),
                ("in", "path".into()),
                ("required", true.into()),
                ("schema", schema),
            ];
            parameters.push(object(row));
        }
        for (name, member) in &self.query {
            let mut row = vec![("name", Value::from(name.as_str())), ("in", "query".into())];
            if member.seen >= self.seen && self.seen >= ENOUGH {
                row.push(("required", true.into()));
            }
            row.push(("schema", member.shape.schema()));
            parameters.push(object(row));
        }
        let mut operation = Object::new();
        if !parameters.is_empty() {
            operation.insert("parameters", parameters.into());
        }
        let content = |shapes: &BTreeMap<String, Shape>| -> Value {
            let media = shapes.iter().map(|(media_type, shape)| {
                let inside = if *shape == Shape::default() {
                    Value::Object(Object::new())
                } else {
                    object([("schema", shape.schema())])
                };
                (media_type.clone(), inside)
            });
            Value::Object(media.collect())
        };
        if !self.bodies.is_empty() {
            let mut body = Object::new();
            if self.with_body >= self.seen {
                body.insert("required", true.into());
            }
            body.insert("content", content(&self.bodies));
            operation.insert("requestBody", body.into());
        }
        let mut responses = Object::new();
        for (status, answers) in &self.answers {
            let mut answer = Object::new();
            answer.insert("description", "as observed".into());
            if !answers.is_empty() {
                answer.insert("content", content(answers));
            }
            responses.insert(status.to_string(), answer.into());
        }
        operation.insert("responses", responses.into());
        operation.into()
    }
}

/// `/users/{id}/posts/{id}` → `/users/{users_id}/posts/{posts_id}`
fn named(path: &str) -> (String, Vec<String>) {
    let mut names: Vec<String> = Vec::new();
    let mut before = "";
    let mut out = Vec::new();
    for segment in path.split('/') {
        if segment == FREE {
            let word: String = before.chars().filter(char::is_ascii_alphanumeric).collect();
            let mut name = if word.is_empty() { "id".to_owned() } else { format!("{word}_id") };
            while names.contains(&name) {
                name.push('_');
            }
            out.push(format!("{{{name}}}"));
            names.push(name);
        } else {
            before = segment;
            out.push(segment.to_owned());
        }
    }
    (out.join("/"), names)
}

/// A media type short enough to be kept.
fn essence(text: &str) -> Option<MediaType> {
    MediaType::parse(text).filter(|media_type| media_type.essence.len() <= MOST_TYPE)
}

/// The shape for a media type, new if there is room for it.
fn entry<'s>(
    shapes: &'s mut BTreeMap<String, Shape>,
    media_type: &str,
    room: &mut Room,
) -> Option<&'s mut Shape> {
    let is_new = !shapes.contains_key(media_type);
    if is_new && (shapes.len() >= MOST_TYPES || !room.take()) {
        return None;
    }
    Some(shapes.entry(media_type.to_owned()).or_default())
}

fn object<'a>(rows: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    Value::Object(rows.into_iter().collect())
}

const FREE: &str = "{id}";
const METHODS: [&str; 5] = ["DELETE", "GET", "PATCH", "POST", "PUT"];
/// Observations before something that was always there is taken for required.
const ENOUGH: u64 = 5;
const MOST_NAMES: usize = 128;
const MOST_PATHS: usize = 500;
const MOST_STATUSES: usize = 16;
const MOST_TYPES: usize = 8;
const MOST_PLACES: usize = 20_000;
const MOST_SEGMENTS: usize = 12;
/// Characters of a media type.
const MOST_TYPE: usize = 80;
/// Words in one place of a path that lead to the same kind of answer.
const MOST_WORDS: usize = 16;
