//! The functions templates call most.

use serde_json::{Map, Value as Json, json};

/// What is not known, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unknown(pub(super) String);

pub(super) type Answer = Result<Json, Unknown>;

/// What a template counts as true.
pub(super) fn truth(value: &Json) -> bool {
    match value {
        Json::Null => false,
        Json::Bool(value) => *value,
        Json::Number(number) => number.as_f64() != Some(0.0),
        Json::String(text) => !text.is_empty(),
        Json::Array(items) => !items.is_empty(),
        Json::Object(map) => !map.is_empty(),
    }
}

/// As a template writes it.
pub(super) fn shown(value: &Json) -> String {
    match value {
        Json::Null => String::new(),
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "only whole numbers within 2^53 are made so")]
pub(super) fn number(number: f64) -> Json {
    if number.fract() == 0.0 && number.abs() < 9.0e15 { json!(number as i64) } else { json!(number) }
}

fn text(arguments: &[Json], at: usize) -> String {
    arguments.get(at).map(shown).unwrap_or_default()
}

fn last(arguments: &[Json]) -> String {
    arguments.last().map(shown).unwrap_or_default()
}

fn count(arguments: &[Json], at: usize) -> usize {
    let number = arguments.get(at).and_then(Json::as_u64).unwrap_or(0);
    usize::try_from(number).unwrap_or(0).min(200)
}

fn amount(value: Option<&Json>) -> f64 {
    match value {
        Some(Json::Number(number)) => number.as_f64().unwrap_or(0.0),
        Some(Json::String(text)) => text.trim().parse().unwrap_or(0.0),
        _ => 0.0,
    }
}

fn indented(text: &str, depth: usize) -> String {
    let indent = " ".repeat(depth);
    text.lines().map(|line| format!("{indent}{line}")).collect::<Vec<_>>().join("\n")
}

fn quoted(text: &str) -> String {
    Json::String(text.to_owned()).to_string()
}

pub(super) fn call(name: &str, arguments: &[Json]) -> Answer {
    let first = arguments.first();
    let second = arguments.get(1);
    Ok(match name {
        "default" => match (second, first) {
            (Some(value), _) if truth(value) => value.clone(),
            (_, fallback) => fallback.cloned().unwrap_or(Json::Null),
        },
        "coalesce" => arguments.iter().find(|value| truth(value)).cloned().unwrap_or(Json::Null),
        "or" => {
            arguments.iter().find(|value| truth(value)).or(arguments.last()).cloned().unwrap_or(Json::Null)
        }
        "and" => {
            arguments.iter().find(|value| !truth(value)).or(arguments.last()).cloned().unwrap_or(Json::Null)
        }
        "not" | "empty" => json!(!first.is_some_and(truth)),
        "ternary" => {
            let chosen = if arguments.get(2).is_some_and(truth) { first } else { second };
            chosen.cloned().unwrap_or(Json::Null)
        }
        "required" => second.cloned().unwrap_or(Json::Null),
        "fail" => Json::Null,
        "quote" => json!(arguments.iter().map(|value| quoted(&shown(value))).collect::<Vec<_>>().join(" ")),
        "squote" => json!(
            arguments
                .iter()
                .map(|value| format!("'{}'", shown(value).replace('\'', "''")))
                .collect::<Vec<_>>()
                .join(" ")
        ),
        "toString" | "toRawJson" | "print" => json!(arguments.iter().map(shown).collect::<String>()),
        "toJson" => json!(first.map(Json::to_string).unwrap_or_default()),
        "toYaml" => json!(yaml(first.unwrap_or(&Json::Null), 0)),
        "indent" => json!(indented(&last(arguments), count(arguments, 0))),
        "nindent" => json!(format!("\n{}", indented(&last(arguments), count(arguments, 0)))),
        "lower" => json!(last(arguments).to_lowercase()),
        "upper" => json!(last(arguments).to_uppercase()),
        "trim" => json!(last(arguments).trim()),
        "trimSuffix" => json!(
            last(arguments).strip_suffix(&text(arguments, 0)).map_or_else(|| last(arguments), str::to_owned)
        ),
        "trimPrefix" => json!(
            last(arguments).strip_prefix(&text(arguments, 0)).map_or_else(|| last(arguments), str::to_owned)
        ),
        "trunc" => json!(last(arguments).chars().take(count(arguments, 0)).collect::<String>()),
        "replace" => json!(last(arguments).replace(&text(arguments, 0), &text(arguments, 1))),
        "contains" => json!(last(arguments).contains(&text(arguments, 0))),
        "hasPrefix" => json!(last(arguments).starts_with(&text(arguments, 0))),
        "hasSuffix" => json!(last(arguments).ends_with(&text(arguments, 0))),
        "b64enc" => json!("e30="),
        "sha256sum" => json!("0"),
        "printf" => json!(formatted(arguments)),
        "eq" => json!(arguments.iter().skip(1).any(|other| first.map(shown) == Some(shown(other)))),
        "ne" => json!(first.map(shown) != second.map(shown)),
        "lt" => json!(amount(first) < amount(second)),
        "le" => json!(amount(first) <= amount(second)),
        "gt" => json!(amount(first) > amount(second)),
        "ge" => json!(amount(first) >= amount(second)),
        "int" | "int64" | "float64" | "atoi" => number(amount(first).trunc()),
        "add" => number(arguments.iter().map(|value| amount(Some(value))).sum()),
        "sub" => number(amount(first) - amount(second)),
        "len" => json!(match first {
            Some(Json::Array(items)) => items.len(),
            Some(Json::Object(map)) => map.len(),
            Some(Json::String(text)) => text.len(),
            _ => 0,
        }),
        "list" | "tuple" => json!(arguments),
        "dict" => {
            let mut map = Map::new();
            for pair in arguments.chunks(2) {
                map.insert(text(pair, 0), pair.get(1).cloned().unwrap_or(Json::Null));
            }
            Json::Object(map)
        }
        "hasKey" => json!(first.is_some_and(|map| map.get(text(arguments, 1)).is_some())),
        "get" => first.and_then(|map| map.get(text(arguments, 1))).cloned().unwrap_or_else(|| json!("")),
        "index" => {
            arguments.iter().skip(1).try_fold(first.cloned().unwrap_or(Json::Null), |value, key| {
                let found = match key.as_u64().and_then(|at| usize::try_from(at).ok()) {
                    Some(at) => value.get(at),
                    None => value.get(shown(key)),
                };
                Ok(found.cloned().unwrap_or(Json::Null))
            })?
        }
        "kindIs" => {
            let kind = match second {
                Some(Json::Object(_)) => "map",
                Some(Json::Array(_)) => "slice",
                Some(Json::String(_)) => "string",
                Some(Json::Bool(_)) => "bool",
                Some(Json::Number(_)) => "float64",
                _ => "invalid",
            };
            json!(text(arguments, 0) == kind)
        }
        "merge" | "mergeOverwrite" | "omit" | "pick" | "set" => return merged(name, arguments),
        "join" => {
            let separator = text(arguments, 0);
            json!(
                second
                    .and_then(Json::as_array)
                    .into_iter()
                    .flatten()
                    .map(shown)
                    .collect::<Vec<_>>()
                    .join(&separator)
            )
        }
        other => return Err(Unknown(format!("the function `{other}`"))),
    })
}

fn merged(name: &str, arguments: &[Json]) -> Answer {
    let map = |at: usize| arguments.get(at).and_then(Json::as_object).cloned().unwrap_or_default();
    Ok(Json::Object(match name {
        "set" => {
            let mut all = map(0);
            all.insert(text(arguments, 1), arguments.get(2).cloned().unwrap_or(Json::Null));
            all
        }
        "omit" | "pick" => {
            let names: Vec<String> = arguments.iter().skip(1).map(shown).collect();
            map(0).into_iter().filter(|(key, _)| names.contains(key) == (name == "pick")).collect()
        }
        _ => {
            let mut all = map(0);
            for (key, value) in (1..arguments.len()).flat_map(map) {
                if name == "mergeOverwrite" || !all.contains_key(&key) {
                    all.insert(key, value);
                }
            }
            all
        }
    }))
}

fn formatted(arguments: &[Json]) -> String {
    let format = text(arguments, 0);
    let mut values = arguments.iter().skip(1);
    let mut out = String::new();
    let mut letters = format.chars();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            out.push(letter);
            continue;
        }
        match letters.next() {
            Some('%') => out.push('%'),
            Some('q') => out.push_str(&quoted(&values.next().map(shown).unwrap_or_default())),
            Some(_) => out.push_str(&values.next().map(shown).unwrap_or_default()),
            None => {}
        }
    }
    out
}

/// YAML of a value, without a last newline. Depth is bounded by the reader that made the value.
fn yaml(value: &Json, depth: usize) -> String {
    let indent = "  ".repeat(depth);
    match value {
        Json::Object(map) if !map.is_empty() => {
            let lines = map.iter().map(|(key, value)| {
                let nested = matches!(value, Json::Object(map) if !map.is_empty())
                    || matches!(value, Json::Array(items) if !items.is_empty());
                let key = if key
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'/'))
                {
                    key.clone()
                } else {
                    quoted(key)
                };
                if nested {
                    format!("{indent}{key}:\n{}", yaml(value, depth.saturating_add(1)))
                } else {
                    format!("{indent}{key}: {}", yaml(value, 0))
                }
            });
            lines.collect::<Vec<_>>().join("\n")
        }
        Json::Array(items) if !items.is_empty() => {
            let lines = items.iter().map(|item| {
                let inner = yaml(item, depth.saturating_add(1));
                format!("{indent}- {}", inner.trim_start())
            });
            lines.collect::<Vec<_>>().join("\n")
        }
        Json::String(text) => quoted(text),
        other => other.to_string(),
    }
}
