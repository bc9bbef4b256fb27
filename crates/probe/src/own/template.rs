//! Templates in the published format of nuclei, as far as they speak HTTP.
//!
//! What is not understood is refused by name: another protocol, a key that changes what is sent or matched, a function that is not
//! there. Nothing is left out in silence, because a template without one of its conditions is another test. A match by itself is
//! `tentative`; see [`run`].

mod extract;
mod matcher;
mod payloads;
mod read;
mod run;
mod twin;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::expression::{Expression, Surroundings, Term};
use crate::about::About;

pub use read::read;
pub(crate) use run::run;

/// A template that was read.
#[derive(Debug)]
pub struct Template {
    /// The file, as messages call it.
    pub file: String,
    pub about: Arc<About>,
    /// In the order in which later ones may use earlier ones.
    pub(crate) variables: Vec<(String, String)>,
    pub(crate) requests: Vec<Block>,
    pub(crate) flow: Flow,
}

/// One entry of `http`.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) kind: Kind,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    pub(crate) payloads: BTreeMap<String, Vec<String>>,
    pub(crate) attack: Attack,
    pub(crate) matchers: Vec<matcher::Matcher>,
    /// Whether all matchers must match.
    pub(crate) all: bool,
    pub(crate) extractors: Vec<extract::Extractor>,
    pub(crate) stop: bool,
    /// Redirects that are followed.
    pub(crate) redirects: usize,
    /// Whether cookies of earlier answers are sent.
    pub(crate) cookies: bool,
    /// What must be true for it to be sent.
    pub(crate) condition: Vec<Expression>,
    pub(crate) condition_all: bool,
}

/// What a block sends.
#[derive(Debug)]
pub(crate) enum Kind {
    Paths { method: String, paths: Vec<String> },
    Raw(Vec<String>),
}

/// How several lists of payloads go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attack {
    /// One value in every place.
    BatteringRam,
    /// The first of each, the second of each.
    Pitchfork,
    /// Each with each.
    ClusterBomb,
}

/// In which order blocks go, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Flow {
    /// All of them, whatever comes of each.
    All,
    /// Block by block (from 0): each only while those before it matched, or only while they did not.
    While(Vec<usize>, bool),
}

/// A template that was not read, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{file}` is refused: {why}")]
pub struct Refused {
    pub file: String,
    pub why: String,
}

/// Whether a file is a template, and no test of the other form: it says so by `info`.
#[must_use]
pub fn is_template(text: &str) -> bool {
    text.lines().any(|line| line.starts_with("info:") || line.starts_with("workflows:"))
}

/// An expression, or one whose text has values in it that are filled in first.
#[derive(Debug)]
pub(crate) enum Formula {
    Read(Expression),
    Written(String),
}

impl Formula {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text.contains("{{") {
            known_functions(text)?;
            return Ok(Self::Written(text.to_owned()));
        }
        Expression::parse(text).map(Self::Read)
    }

    pub(crate) fn value(&self, with: &Surroundings<'_>) -> Result<Term, String> {
        match self {
            Self::Read(expression) => expression.value(with),
            Self::Written(text) => {
                let text = run::lenient(text, with)?;
                Expression::parse(&String::from_utf8_lossy(&text))?.value(with)
            }
        }
    }

    pub(crate) fn truth(&self, with: &Surroundings<'_>) -> Option<bool> {
        match self.value(with) {
            Ok(Term::Truth(truth)) => Some(truth),
            _ => None,
        }
    }

    /// Whether a word stands in it as a name, or as its beginning.
    pub(crate) fn names(&self, word: &str) -> bool {
        match self {
            Self::Read(expression) => {
                let mut names = Vec::new();
                expression.names(&mut names);
                names.iter().any(|name| name.starts_with(word))
            }
            Self::Written(text) => text.contains(word),
        }
    }
}

/// Whether every function that is called between braces is there.
pub(crate) fn known_functions(text: &str) -> Result<(), String> {
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("{{") {
        let Some((inside, behind)) = after.split_once("}}") else { break };
        match Expression::parse(inside.trim()) {
            Err(problem) if problem.starts_with("there is no function") => return Err(problem),
            _ => {}
        }
        rest = behind;
    }
    Ok(())
}

/// A member as text, where it is one or a number.
pub(crate) fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

/// A list of texts, or one text alone.
pub(crate) fn texts_of(value: Option<&Value>) -> Result<Vec<String>, String> {
    match value {
        None => Ok(Vec::new()),
        Some(Value::Array(items)) => items
            .iter()
            .map(|item| text_of(item).ok_or_else(|| "a list has something that is no text".to_owned()))
            .collect(),
        Some(other) => text_of(other).map(|text| vec![text]).ok_or_else(|| "a list is wanted".to_owned()),
    }
}
