//! What there is: operations and pages, told by documents, by pages and by well-known places.

pub mod code;
pub mod components;
mod crawl;
pub mod entrance;
pub mod graphql;
pub mod har;
pub mod html;
mod openapi;
pub mod recorded;
pub(crate) mod rendered;
pub mod script;
pub(crate) mod scripts;

use std::collections::BTreeSet;

use serde_json::Value;

pub use self::crawl::crawl;
pub use self::openapi::{Told, example_in, read as read_openapi};
use crate::field::Field;
use crate::operation::{Body, Operation, Parameter, Place, Provenance};
use crate::sample::plausible;

/// Where documents are found that nobody named, the commonest first.
pub const DOCUMENTS: &[&str] = &[
    "/openapi.json",
    "/openapi.yaml",
    "/swagger.json",
    "/swagger/v1/swagger.json",
    "/v3/api-docs",
    "/v2/api-docs",
    "/api-docs",
    "/api/openapi.json",
    "/api/openapi.yaml",
    "/api/swagger.json",
    "/api-docs/swagger.json",
    "/docs/openapi.json",
    "/.well-known/openapi.json",
    "/openapi/v3.json",
    "/api/v1/openapi.json",
    "/api/schema",
];

/// Adds an operation, or what is new of it.
pub fn add(operations: &mut Vec<Operation>, operation: Operation) {
    let same = |own: &&mut Operation| own.method == operation.method && same_path(&own.path, &operation.path);
    let room = operations.len() < MOST_OPERATIONS;
    match operations.iter_mut().find(same) {
        Some(own) if own.path == operation.path => own.merge(operation),
        // Another name for the same parameter.
        Some(own) => {
            let mut other = operation;
            let names: Vec<String> = crate::operation::names_of(&own.path).map(str::to_owned).collect();
            let mut names = names.into_iter();
            for parameter in other.parameters.iter_mut().filter(|parameter| parameter.place == Place::Path) {
                if let Some(name) = names.next() {
                    parameter.name = name;
                }
            }
            other.path.clone_from(&own.path);
            own.merge(other);
        }
        None if room => operations.push(operation),
        None => {}
    }
}

const MOST_OPERATIONS: usize = 2_000;

/// Whether two templates are one but for the names of their parameters.
pub(crate) fn same_path(one: &str, two: &str) -> bool {
    let (mut one, mut two) = (one.split('/'), two.split('/'));
    loop {
        match (one.next(), two.next()) {
            (None, None) => return true,
            (Some(one), Some(two)) if one == two || (one.contains('{') && two.contains('{')) => {}
            _ => return false,
        }
    }
}

/// Whether a path is left alone: because the facts say so, or by its name.
#[must_use]
pub fn is_spared(field: &Field, path: &str) -> bool {
    is_renewing(path) || field.facts.target.spare.iter().any(|prefix| path.starts_with(prefix.as_str()))
}

/// Whether following a link would end something.
#[must_use]
pub fn is_ending(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    ENDING.iter().any(|word| path.contains(word))
}

const ENDING: &[&str] = &[
    "logout",
    "log-out",
    "signout",
    "sign-out",
    "logoff",
    "delete",
    "remove",
    "destroy",
    "unsubscribe",
    "deactivate",
    "revoke",
    "shutdown",
    "reset",
];

/// Whether a path reads as if whoever asks for it replaced all that is kept: it is not asked for, whatever the method.
#[must_use]
pub fn is_renewing(path: &str) -> bool {
    let path = path.split('?').next().unwrap_or_default().to_ascii_lowercase();
    path.split('/').any(|segment| {
        let word: String = segment.chars().filter(char::is_ascii_alphanumeric).collect();
        RENEWING.contains(&word.strip_suffix("php").unwrap_or(&word))
    })
}

/// Of letters and digits alone.
const RENEWING: &[&str] = &[
    "createdb",
    "createdatabase",
    "initdb",
    "initdatabase",
    "dbinit",
    "setupdb",
    "dbsetup",
    "resetdb",
    "dropdb",
    "dropdatabase",
    "populate",
    "populatedb",
    "seed",
    "seeddb",
    "dbseed",
    "reseed",
    "truncate",
    "wipe",
    "purge",
    "flushall",
    "flushdb",
    "migrate",
    "rollback",
    "factoryreset",
];

pub(crate) fn is_asset(path: &str) -> bool {
    let path = path.split('?').next().unwrap_or_default().to_ascii_lowercase();
    [
        ".css",
        ".png",
        ".jpg",
        ".jpeg",
        ".gif",
        ".svg",
        ".ico",
        ".woff",
        ".woff2",
        ".ttf",
        ".mp4",
        ".webp",
        ".map",
        ".js",
        ".mjs",
        ".wasm",
        ".webmanifest",
        ".avif",
        ".mp3",
        ".webm",
    ]
    .iter()
    .any(|ending| path.ends_with(ending))
}

/// A path with what looks like a value replaced by a parameter named after what stands before it.
#[must_use]
pub fn templated(path: &str) -> String {
    let mut out: Vec<String> = Vec::new();
    let mut used: BTreeSet<String> = BTreeSet::new();
    for segment in path.split('/') {
        if !is_value(segment) {
            out.push(segment.to_owned());
            continue;
        }
        let mut name = "id".to_owned();
        let mut count = 2;
        while !used.insert(name.clone()) {
            name = format!("id{count}");
            count += 1;
        }
        out.push(format!("{{{name}}}"));
    }
    out.join("/")
}

/// Whether a segment of a path is made for one object: numbers, UUIDs, hashes, tokens.
#[must_use]
pub fn is_value(segment: &str) -> bool {
    if segment.is_empty() || segment.contains('{') {
        return false;
    }
    let count = |test: fn(&u8) -> bool| segment.bytes().filter(test).count();
    let digits = count(u8::is_ascii_digit);
    if digits == segment.len() {
        return true;
    }
    let hex = segment.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    if hex && segment.len() >= 16 && digits > 0 {
        return true;
    }
    let token = segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    let (upper, lower) = (count(u8::is_ascii_uppercase), count(u8::is_ascii_lowercase));
    token && segment.len() >= 20 && digits >= 2 && upper >= 2 && lower >= 2
}

/// What a link says of an operation.
pub(crate) fn learn_link(field: &mut Field, to: &str, source: Provenance) {
    let (path, query) = to.split_once('?').unwrap_or((to, ""));
    if is_ending(path) {
        return;
    }
    // A document's template that fits comes before one that is guessed.
    let known = field.operations.iter().find(|own| own.method == "GET" && own.matches(path).is_some());
    if known.is_none() && field.operations.len() >= field.facts.limits.pages.saturating_add(field.told) {
        field.note("links lead to more operations than are looked at; hint: `limits.pages`");
        return;
    }
    let template = known.map_or_else(|| templated(path), |known| known.path.clone());
    let mut operation = Operation::new("GET", &template, source);
    let values = operation.matches(path).unwrap_or_default();
    for parameter in &mut operation.parameters {
        parameter.examples.extend(values.get(&parameter.name).cloned());
    }
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()).take(50) {
        operation.parameters.push(Parameter {
            name: name.into_owned(),
            place: Place::Query,
            required: false,
            schema: Value::Null,
            examples: vec![value.into_owned()],
        });
    }
    add(&mut field.operations, operation);
}

/// What a form says of an operation.
fn learn_form(field: &mut Field, page: &str, base: &str, form: &html::Form) {
    let to = if form.action.is_empty() {
        Some(page.to_owned())
    } else {
        field.wire.origin().inside(base, &form.action)
    };
    let Some(to) = to else { return };
    let path = to.split('?').next().unwrap_or_default();
    let method = if form.method == "POST" { "POST" } else { "GET" };
    let known = field.operations.iter().find(|own| own.method == method && own.matches(path).is_some());
    let template = known.map_or_else(|| templated(path), |known| known.path.clone());
    let mut operation = Operation::new(method, &template, Provenance::Page);
    let values = operation.matches(path).unwrap_or_default();
    for parameter in &mut operation.parameters {
        parameter.examples.extend(values.get(&parameter.name).cloned());
    }
    let mut example = serde_json::Map::new();
    let mut tokens = BTreeSet::new();
    for one in form.fields.iter().filter(|one| !one.name.is_empty() && one.kind != "reset") {
        let value = match one.kind.as_str() {
            _ if !one.value.is_empty() => one.value.clone(),
            "select" => one.options.iter().find(|option| !option.is_empty()).cloned().unwrap_or_default(),
            "checkbox" => "on".to_owned(),
            "number" | "range" => "1".to_owned(),
            "submit" | "button" => continue,
            "file" => String::new(),
            kind => plausible(kind, &one.name).to_owned(),
        };
        if one.kind == "hidden" && is_token(&one.name, &one.value) {
            tokens.insert(one.name.clone());
        }
        if method == "GET" {
            operation.parameters.push(Parameter {
                name: one.name.clone(),
                place: Place::Query,
                required: false,
                schema: Value::Null,
                examples: vec![value],
            });
        } else {
            let kind = if one.kind == "file" { Value::Null } else { Value::String(value) };
            example.insert(one.name.clone(), kind);
        }
    }
    if method == "POST" {
        let kind = if form.enctype.contains("multipart") {
            "multipart/form-data"
        } else {
            "application/x-www-form-urlencoded"
        };
        operation.body = Some(Body {
            media_type: kind.to_owned(),
            schema: Value::Null,
            example: Some(Value::Object(example)),
            tokens,
        });
        operation.page = Some(page.to_owned());
    }
    add(&mut field.operations, operation);
}

/// Whether a hidden field is a token against request forgery.
fn is_token(name: &str, value: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let named = ["csrf", "xsrf", "token", "nonce", "authenticity"].iter().any(|word| name.contains(word));
    named && value.len() >= 8
}

/// Every string of a JSON value, up to a number.
pub fn strings<'a>(value: &'a Value, take: &mut dyn FnMut(&'a str)) {
    fn walk<'a>(value: &'a Value, left: &mut usize, depth: usize, take: &mut dyn FnMut(&'a str)) {
        if *left == 0 || depth > 20 {
            return;
        }
        *left = left.saturating_sub(1);
        match value {
            Value::String(text) => take(text),
            Value::Array(items) => {
                items.iter().for_each(|item| walk(item, left, depth.saturating_add(1), take))
            }
            Value::Object(object) => {
                object.values().for_each(|item| walk(item, left, depth.saturating_add(1), take));
            }
            _ => {}
        }
    }
    walk(value, &mut 5_000, 0, take);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_value_becomes_a_parameter() {
        for (path, template) in [
            ("/product/7", "/product/{id}"),
            ("/a/3f2b8c1e-7a64-4d59-9c0e-5b1d2f3a4c6e/b/9", "/a/{id}/b/{id2}"),
            ("/shared/dGhpcyBpcyBh0VGVzdA12", "/shared/{id}"),
            ("/api/v1/notes", "/api/v1/notes"),
            ("/administration-of-everything", "/administration-of-everything"),
        ] {
            assert_eq!(templated(path), template);
        }
    }

    #[test]
    fn one_operation_has_one_entry() {
        let mut operations = Vec::new();
        add(&mut operations, Operation::new("GET", "/a/{note}", Provenance::Specification));
        add(&mut operations, Operation::new("GET", "/a/{id}", Provenance::Page));
        assert_eq!(operations.len(), 1);
        assert_eq!(operations[0].parameters.len(), 1);
        assert_eq!(operations[0].sources.len(), 2);
    }
}
