//! Texts with values in them: `GET /api/notes/{{id}}`, `{{product(a, b)}}`.

use std::collections::BTreeSet;

use serde_json::Value;

use super::expression::{Expression, Names, Surroundings, Term};
use super::functions;

/// A text that was read: what stands there, and what is computed.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Pattern(Vec<Piece>);

#[derive(Debug, Clone, PartialEq)]
enum Piece {
    Text(String),
    /// As it is written, and what it means.
    Value(String, Expression),
}

/// The most values in one text.
const MOST: usize = 200;

impl Pattern {
    /// Reads a text.
    ///
    /// # Errors
    /// In words, where `{{…}}` is no expression.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let Some((inside, behind)) = after.split_once("}}") else { break };
            if pieces.len() >= MOST {
                return Err(format!("it has more than {} values", MOST / 2));
            }
            if !before.is_empty() {
                pieces.push(Piece::Text(before.to_owned()));
            }
            let inside = inside.trim();
            // A name may have signs in it that an expression reads otherwise: `interactsh-url`.
            let is_name = !inside.is_empty()
                && inside.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-'))
                && inside.chars().next().is_some_and(|letter| letter.is_ascii_alphabetic() || letter == '_');
            let expression = if is_name {
                Expression::Name(inside.to_owned())
            } else {
                Expression::parse(inside).map_err(|problem| format!("`{{{{{inside}}}}}`: {problem}"))?
            };
            pieces.push(Piece::Value(inside.to_owned(), expression));
            rest = behind;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Ok(Self(pieces))
    }

    /// Every name that it uses.
    pub(crate) fn names(&self) -> BTreeSet<&str> {
        let mut names = Vec::new();
        for piece in &self.0 {
            if let Piece::Value(_, expression) = piece {
                expression.names(&mut names);
            }
        }
        names.into_iter().collect()
    }

    /// Whether something in it is new each time by itself.
    pub(crate) fn is_new(&self) -> bool {
        let mut calls = Vec::new();
        for piece in &self.0 {
            if let Piece::Value(_, expression) = piece {
                expression.calls(&mut calls);
            }
        }
        calls.into_iter().any(functions::is_new)
    }

    /// Computes it.
    ///
    /// # Errors
    /// As [`Expression::value`], with the value as it is written.
    pub(crate) fn fill(&self, with: &Surroundings<'_>) -> Result<Vec<u8>, String> {
        let mut out = Vec::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => out.extend_from_slice(text.as_bytes()),
                Piece::Value(written, expression) => {
                    let value = expression
                        .value(with)
                        .map_err(|problem| format!("`{{{{{written}}}}}`: {problem}"))?;
                    out.extend_from_slice(&value.bytes());
                }
            }
            if out.len() > super::expression::LARGEST {
                return Err("it grows too large".to_owned());
            }
        }
        Ok(out)
    }
}

/// The values of one round.
#[derive(Debug, Clone, Default)]
pub(crate) struct Values {
    pub(crate) names: Names,
    /// Names whose values nothing else has: drawn for this round, or computed of what was.
    new: BTreeSet<String>,
}

impl Values {
    pub(crate) fn set(&mut self, name: &str, value: Term) {
        self.names.insert(name.to_owned(), value);
    }

    /// Sets a variable by its text.
    pub(crate) fn define(&mut self, name: &str, text: &str, with: &Drawn<'_>) -> Result<(), String> {
        let pattern = Pattern::parse(text)?;
        let value = pattern.fill(&with.surroundings(&self.names))?;
        if pattern.is_new() || pattern.names().iter().any(|used| self.new.contains(*used)) {
            self.new.insert(name.to_owned());
        } else {
            self.new.remove(name);
        }
        self.names.insert(name.to_owned(), Term::Text(value));
        Ok(())
    }

    /// Of a text the values that nothing else has: what was drawn for this round, and what is computed of it. An encoding of a
    /// value is none: an echo may encode.
    pub(crate) fn telling(&self, text: &str, with: &Drawn<'_>) -> Vec<Vec<u8>> {
        let Ok(pattern) = Pattern::parse(text) else { return Vec::new() };
        let of_new = |expression: &Expression| {
            let (mut names, mut calls) = (Vec::new(), Vec::new());
            expression.names(&mut names);
            expression.calls(&mut calls);
            let computed = matches!(expression, Expression::Name(_))
                || matches!(expression, Expression::Pair(..))
                || calls.iter().any(|call| functions::is_computed(call));
            computed && names.iter().any(|name| self.new.contains(*name))
        };
        let values = pattern.0.iter().filter_map(|piece| match piece {
            Piece::Value(_, expression) if of_new(expression) => {
                expression.value(&with.surroundings(&self.names)).ok().map(|value| value.bytes())
            }
            _ => None,
        });
        values.filter(|value| value.len() >= TELLING).collect()
    }

    pub(crate) fn fill(&self, text: &str, with: &Drawn<'_>) -> Result<String, String> {
        let bytes = self.fill_bytes(text, with)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    pub(crate) fn fill_bytes(&self, text: &str, with: &Drawn<'_>) -> Result<Vec<u8>, String> {
        if !text.contains("{{") {
            return Ok(text.as_bytes().to_vec());
        }
        Pattern::parse(text)?.fill(&with.surroundings(&self.names))
    }

    /// Fills every text of a JSON value; a text that is one value and nothing else becomes that value.
    pub(crate) fn fill_json(&self, value: &Value, with: &Drawn<'_>) -> Result<Value, String> {
        Ok(match value {
            Value::String(text) => Value::String(self.fill(text, with)?),
            Value::Array(items) => {
                Value::Array(items.iter().map(|item| self.fill_json(item, with)).collect::<Result<_, _>>()?)
            }
            Value::Object(members) => {
                let filled = members
                    .iter()
                    .map(|(name, value)| Ok((self.fill(name, with)?, self.fill_json(value, with)?)));
                Value::Object(filled.collect::<Result<_, String>>()?)
            }
            other => other.clone(),
        })
    }
}

/// From how many bytes on a new value is nowhere by chance.
const TELLING: usize = 6;

/// What is drawn from.
#[derive(Clone, Copy)]
pub(crate) struct Drawn<'a> {
    pub(crate) rng: &'a dyn gabion_model::Rng,
    pub(crate) now: i64,
}

impl<'a> Drawn<'a> {
    pub(crate) fn surroundings(&self, names: &'a Names) -> Surroundings<'a> {
        Surroundings { names, rng: self.rng, now: self.now }
    }
}
