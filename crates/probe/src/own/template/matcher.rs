//! Matchers: status, words, patterns, bytes, sizes and expressions over an answer.

use gabion_vault::encoding::hex_decode;
use regex::bytes::Regex;
use serde_json::Value;

use super::read::truth;
use super::{Formula, text_of, texts_of};
use crate::own::expression::{Names, Surroundings, Term};
use crate::own::functions::pattern;

/// One matcher.
#[derive(Debug)]
pub(crate) struct Matcher {
    test: Test,
    /// Of which part of the answer.
    part: String,
    all: bool,
    negative: bool,
    /// Whether it only decides what is sent next.
    pub(crate) internal: bool,
}

#[derive(Debug)]
enum Test {
    Status(Vec<u16>),
    Size(Vec<usize>),
    /// Texts with values in them.
    Words(Vec<String>, bool),
    Patterns(Vec<Regex>),
    Bytes(Vec<Vec<u8>>),
    Expressions(Vec<Formula>),
}

const KEYS: &[&str] = &[
    "binary",
    "case-insensitive",
    "condition",
    "dsl",
    "encoding",
    "internal",
    "match-all",
    "name",
    "negative",
    "part",
    "regex",
    "size",
    "status",
    "type",
    "words",
    "xpath",
];

impl Matcher {
    pub(super) fn read(value: &Value) -> Result<Self, String> {
        let Value::Object(map) = value else { return Err("a matcher is no map".to_owned()) };
        if let Some(key) = map.keys().find(|key| !KEYS.contains(&key.as_str())) {
            return Err(format!("the key `{key}` of a matcher is not read"));
        }
        let text = |key: &str| map.get(key).and_then(text_of).unwrap_or_default();
        let list = |key: &str| texts_of(map.get(key));
        let insensitive = truth(map, "case-insensitive")?;
        let test = match text("type").as_str() {
            "status" => Test::Status(
                list("status")?
                    .iter()
                    .map(|one| one.parse().map_err(|_| format!("`{one}` is no status")))
                    .collect::<Result<_, _>>()?,
            ),
            "size" => Test::Size(
                list("size")?
                    .iter()
                    .map(|one| one.parse().map_err(|_| format!("`{one}` is no size")))
                    .collect::<Result<_, _>>()?,
            ),
            "word" if text("encoding") == "hex" => Test::Bytes(bytes(&list("words")?)?),
            "word" => Test::Words(list("words")?, insensitive),
            "regex" => Test::Patterns(
                list("regex")?
                    .iter()
                    .map(|one| if insensitive { pattern(&format!("(?i){one}")) } else { pattern(one) })
                    .collect::<Result<_, _>>()?,
            ),
            "binary" => Test::Bytes(bytes(&list("binary")?)?),
            "dsl" => Test::Expressions(
                list("dsl")?.iter().map(|one| Formula::parse(one)).collect::<Result<_, _>>()?,
            ),
            other => return Err(format!("matchers of the type `{other}` are not read")),
        };
        if test.is_empty() {
            return Err("a matcher matches nothing".to_owned());
        }
        let all = match text("condition").as_str() {
            "" | "or" => false,
            "and" => true,
            other => return Err(format!("the condition `{other}` is not known")),
        };
        Ok(Self {
            test,
            part: Some(text("part")).filter(|part| !part.is_empty()).unwrap_or_else(|| "body".to_owned()),
            all,
            negative: truth(map, "negative")?,
            internal: truth(map, "internal")?,
        })
    }

    /// Whether it matches. What cannot be computed does not, and its negative neither.
    pub(super) fn matches(&self, with: &Surroundings<'_>) -> bool {
        self.found(with).is_some_and(|found| found != self.negative)
    }

    /// Whether it is about what the application fetched.
    pub(super) fn is_of_callback(&self) -> bool {
        self.part.starts_with("interactsh") || self.speaks_of("interactsh")
    }

    /// Whether it is about how long an answer took.
    pub(super) fn is_of_time(&self) -> bool {
        self.speaks_of("duration")
    }

    fn speaks_of(&self, word: &str) -> bool {
        matches!(&self.test, Test::Expressions(all) if all.iter().any(|one| one.names(word)))
    }

    /// A text of the answer by which it matched.
    pub(super) fn mark(&self, with: &Surroundings<'_>) -> Option<String> {
        if self.negative {
            return None;
        }
        let part = part(&self.part, with.names)?;
        match &self.test {
            Test::Words(words, false) => words.iter().find(|word| has(&part, word.as_bytes())).cloned(),
            Test::Patterns(all) => {
                let found = all.iter().find_map(|one| one.find(&part))?;
                String::from_utf8(found.as_bytes().iter().take(200).copied().collect()).ok()
            }
            _ => None,
        }
    }

    fn found(&self, with: &Surroundings<'_>) -> Option<bool> {
        let of = |tests: Vec<bool>| {
            if self.all { tests.iter().all(|fits| *fits) } else { tests.iter().any(|fits| *fits) }
        };
        Some(match &self.test {
            Test::Status(all) => {
                let name =
                    if self.part.starts_with("status_code_") { self.part.as_str() } else { "status_code" };
                let status = with.names.get(name)?.number()?;
                of(all.iter().map(|one| f64::from(*one).to_bits() == status.to_bits()).collect())
            }
            Test::Size(all) => {
                let length = part(&self.part, with.names)?.len();
                of(all.iter().map(|one| *one == length).collect())
            }
            Test::Words(all, insensitive) => {
                let mut own = part(&self.part, with.names)?;
                if *insensitive {
                    own.make_ascii_lowercase();
                }
                let filled = all
                    .iter()
                    .map(|word| super::run::lenient(word, with))
                    .collect::<Result<Vec<_>, _>>()
                    .ok()?;
                of(filled
                    .into_iter()
                    .map(|mut word| {
                        if *insensitive {
                            word.make_ascii_lowercase();
                        }
                        has(&own, &word)
                    })
                    .collect())
            }
            Test::Patterns(all) => {
                let own = part(&self.part, with.names)?;
                of(all.iter().map(|one| one.is_match(&own)).collect())
            }
            Test::Bytes(all) => {
                let own = part(&self.part, with.names)?;
                of(all.iter().map(|one| has(&own, one)).collect())
            }
            Test::Expressions(all) => {
                let truths = all.iter().map(|one| one.truth(with)).collect::<Option<Vec<_>>>()?;
                of(truths)
            }
        })
    }
}

impl Test {
    fn is_empty(&self) -> bool {
        match self {
            Self::Status(all) => all.is_empty(),
            Self::Size(all) => all.is_empty(),
            Self::Words(all, _) => all.is_empty(),
            Self::Patterns(all) => all.is_empty(),
            Self::Bytes(all) => all.is_empty(),
            Self::Expressions(all) => all.is_empty(),
        }
    }
}

/// A part of an answer by its name.
pub(super) fn part(name: &str, names: &Names) -> Option<Vec<u8>> {
    let name = match name {
        "all" | "raw" => "response",
        "headers" => "all_headers",
        other => other,
    };
    let lower = name.replace('-', "_").to_ascii_lowercase();
    names.get(name).or_else(|| names.get(&lower)).map(Term::bytes)
}

fn bytes(all: &[String]) -> Result<Vec<Vec<u8>>, String> {
    all.iter()
        .map(|one| hex_decode(&one.replace(' ', "")).ok_or_else(|| format!("`{one}` is not hexadecimal")))
        .collect()
}

fn has(all: &[u8], part: &[u8]) -> bool {
    memchr::memmem::find(all, part).is_some()
}
