//! Extractors: what a template keeps of an answer, for later requests or for the report.

use regex::bytes::Regex;
use serde_json::Value;

use super::matcher::part;
use super::read::truth;
use super::{Formula, text_of, texts_of};
use crate::own::expression::{Surroundings, Term};
use crate::own::functions::pattern;

/// One extractor.
#[derive(Debug)]
pub(crate) struct Extractor {
    pub(super) name: String,
    way: Way,
    part: String,
    /// Whether it only serves later requests.
    pub(super) internal: bool,
}

#[derive(Debug)]
enum Way {
    Patterns(Vec<Regex>, usize),
    /// Header fields and cookies by name.
    Fields(Vec<String>),
    Json(Vec<Vec<Step>>),
    Expressions(Vec<Formula>),
}

/// A step into a JSON value.
#[derive(Debug, Clone, PartialEq)]
enum Step {
    Member(String),
    Item(usize),
    All,
}

const KEYS: &[&str] =
    &["case-insensitive", "dsl", "group", "internal", "json", "kval", "name", "part", "regex", "type"];

impl Extractor {
    pub(super) fn read(value: &Value) -> Result<Self, String> {
        let Value::Object(map) = value else { return Err("an extractor is no map".to_owned()) };
        if let Some(key) = map.keys().find(|key| !KEYS.contains(&key.as_str())) {
            return Err(format!("the key `{key}` of an extractor is not read"));
        }
        let text = |key: &str| map.get(key).and_then(text_of).unwrap_or_default();
        let list = |key: &str| texts_of(map.get(key));
        let insensitive = if truth(map, "case-insensitive")? { "(?i)" } else { "" };
        let way = match text("type").as_str() {
            "regex" => {
                let all = list("regex")?;
                let patterns = all
                    .iter()
                    .map(|one| pattern(&format!("{insensitive}{one}")))
                    .collect::<Result<_, _>>()?;
                Way::Patterns(patterns, text("group").parse().unwrap_or(0))
            }
            "kval" => Way::Fields(list("kval")?),
            "json" => Way::Json(list("json")?.iter().map(|one| steps(one)).collect::<Result<_, _>>()?),
            "dsl" => Way::Expressions(
                list("dsl")?.iter().map(|one| Formula::parse(one)).collect::<Result<_, _>>()?,
            ),
            other => return Err(format!("extractors of the type `{other}` are not read")),
        };
        let usual = if matches!(way, Way::Fields(_)) { "header" } else { "body" };
        Ok(Self {
            name: text("name"),
            way,
            part: Some(text("part")).filter(|part| !part.is_empty()).unwrap_or_else(|| usual.to_owned()),
            internal: truth(map, "internal")?,
        })
    }

    /// What is there, the first first.
    pub(super) fn all(&self, with: &Surroundings<'_>) -> Vec<Vec<u8>> {
        let own = || part(&self.part, with.names).unwrap_or_default();
        let mut out: Vec<Vec<u8>> = match &self.way {
            Way::Patterns(all, group) => {
                let own = own();
                let found = all.iter().flat_map(|one| one.captures_iter(&own).take(MOST));
                found
                    .filter_map(|found| found.get(*group).map(|part| part.as_bytes().to_vec()))
                    .take(MOST)
                    .collect()
            }
            Way::Fields(names) => names
                .iter()
                .filter_map(|name| {
                    let name = name.to_ascii_lowercase().replace('-', "_");
                    with.names
                        .get(&name)
                        .or_else(|| with.names.get(&format!("cookie:{name}")))
                        .map(Term::bytes)
                })
                .collect(),
            Way::Json(all) => {
                let value: Value = serde_json::from_slice(&own()).unwrap_or_default();
                all.iter()
                    .flat_map(|steps| walk(&value, steps))
                    .take(MOST)
                    .map(|value| crate::call::text_of(value).into_bytes())
                    .collect()
            }
            Way::Expressions(all) => {
                all.iter().filter_map(|one| one.value(with).ok()).map(|term| term.bytes()).collect()
            }
        };
        out.retain(|value| !value.is_empty());
        out
    }
}

/// The most that one extractor keeps.
const MOST: usize = 100;

/// `.a.b[0]`, `.items[].id`, `.["a-b"]`; everything else is a program.
fn steps(text: &str) -> Result<Vec<Step>, String> {
    let mut out = Vec::new();
    let program = || format!("`{text}` is more than a path into a JSON value");
    let mut rest = text.trim();
    while !rest.is_empty() {
        rest = rest.strip_prefix('.').unwrap_or(rest);
        if let Some(inside) = rest.strip_prefix('[') {
            let (inside, behind) = inside.split_once(']').ok_or_else(program)?;
            out.push(match inside.trim() {
                "" => Step::All,
                name if name.starts_with('"') => Step::Member(name.trim_matches('"').to_owned()),
                number => Step::Item(number.parse().map_err(|_| program())?),
            });
            rest = behind;
            continue;
        }
        let quoted = rest.strip_prefix('"').and_then(|rest| rest.split_once('"'));
        let (name, behind) = match quoted {
            Some(found) => found,
            None => rest.split_at(rest.find(['.', '[']).unwrap_or(rest.len())),
        };
        if name.is_empty() && behind.is_empty() {
            break;
        }
        let plain = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-' | '$' | '@');
        if name.is_empty() || (quoted.is_none() && !name.chars().all(plain)) {
            return Err(program());
        }
        out.push(Step::Member(name.to_owned()));
        rest = behind;
    }
    if out.len() > 40 { Err(program()) } else { Ok(out) }
}

fn walk<'a>(value: &'a Value, steps: &[Step]) -> Vec<&'a Value> {
    let Some((step, rest)) = steps.split_first() else { return vec![value] };
    match step {
        Step::Member(name) => value.get(name).map(|value| walk(value, rest)).unwrap_or_default(),
        Step::Item(at) => value.get(*at).map(|value| walk(value, rest)).unwrap_or_default(),
        Step::All => {
            let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
            items.iter().take(MOST).flat_map(|value| walk(value, rest)).take(MOST).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_lead_into_values() {
        let value = json!({ "a": [{ "b-c": 1 }, { "b-c": 2 }], "d": { "e": "x" } });
        let found = |text: &str| walk(&value, &steps(text).unwrap()).into_iter().cloned().collect::<Vec<_>>();
        assert_eq!(found(".a[].b-c"), [json!(1), json!(2)]);
        assert_eq!(found(".a[1].\"b-c\""), [json!(2)]);
        assert_eq!(found(".d.e"), [json!("x")]);
        assert_eq!(found(".[\"d\"].e"), [json!("x")]);
        assert!(found(".nothing").is_empty());
        for text in [".a | length", ".a[x]", "..a", ".a[", "select(.a)"] {
            assert!(steps(text).is_err(), "{text}");
        }
    }
}
