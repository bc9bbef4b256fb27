//! YAML 1.2 (core schema) to the same tree, for files that the team wrote.
//!
//! **Refused**: keys that are no scalars, a key twice, merge keys (`<<` is no part of YAML 1.2), tags outside the core
//! schema, `.inf` and `.nan` (JSON has neither), more than one document. Copies by aliases are counted as if they had
//! been written out, so that a small file cannot become a large tree.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, Tag};

use super::document::Document;
use super::error::{ParseError, Rule};
use super::number::Number;
use super::pointer::Pointer;
use super::value::{Object, Value};
use super::{Bounds, DEEPEST};

/// Values that one file may make, those by aliases included.
const MOST_VALUES: usize = 1_000_000;

/// The line on which each value of a file begins, from 1.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lines(Vec<u32>);

impl Lines {
    pub(super) fn of(document: &Document<'_>) -> Self {
        let bytes = document.source().as_bytes();
        let (mut line, mut at) = (1_u32, 0_usize);
        let lines = document.offsets().into_iter().map(|offset| {
            let between = bytes.get(at..offset).unwrap_or_default();
            line += between.iter().filter(|byte| **byte == b'\n').count() as u32;
            at = at.max(offset);
            line
        });
        Self(lines.collect())
    }

    /// The line of a value by its number in the order of the file, the root being 0.
    pub(crate) fn at(&self, number: usize) -> Option<u32> {
        self.0.get(number).copied()
    }

    /// The line of the value at `pointer` in `root`, the tree that these lines belong to; of the nearest one above
    /// where there is none.
    #[must_use]
    pub fn line(&self, root: &Value, pointer: &Pointer) -> Option<u32> {
        let (mut value, mut at) = (root, 0_usize);
        for segment in pointer.segments() {
            let Some(child) = value.child(segment) else { break };
            at += 1;
            match value {
                Value::Array(items) => {
                    at +=
                        items.iter().take_while(|item| !std::ptr::eq(*item, child)).map(count).sum::<usize>();
                }
                Value::Object(object) => {
                    let before = object.iter().take_while(|(name, _)| *name != segment);
                    at += before.map(|(_, value)| count(value)).sum::<usize>();
                }
                _ => {}
            }
            value = child;
        }
        self.0.get(at).copied()
    }
}

/// How many values a tree holds, itself included.
fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(object) => object.iter().map(|(_, value)| count(value)).sum(),
        _ => 0,
    }
}

/// Reads one YAML document into a tree, and the line of each value.
///
/// # Errors
/// The first rule of [`Rule`] that is broken, and where.
pub fn parse(text: &str, bounds: &Bounds) -> Result<(Value, Lines), ParseError> {
    if text.len() > bounds.size {
        return Err(ParseError { offset: bounds.size, rule: Rule::Size });
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut builder = Builder {
        text,
        bounds,
        depth: bounds.depth.min(DEEPEST),
        lines: Vec::new(),
        anchors: BTreeMap::new(),
        open: Vec::new(),
        root: None,
        documents: 0,
    };
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| ParseError {
            offset: builder.offset(error.marker().index()),
            rule: Rule::Yaml,
        })?;
        builder.event(event, span)?;
    }
    match builder.root {
        Some(root) => Ok((root, Lines(builder.lines))),
        None => Err(ParseError { offset: text.len(), rule: Rule::Unfinished }),
    }
}

struct Builder<'a> {
    text: &'a str,
    bounds: &'a Bounds,
    depth: usize,
    lines: Vec<u32>,
    /// What an anchor stands for, and the lines of it.
    anchors: BTreeMap<usize, (Value, Vec<u32>)>,
    open: Vec<Open>,
    root: Option<Value>,
    documents: usize,
}

enum Shape {
    Items(Vec<Value>),
    Members(Object, Option<String>),
}

struct Open {
    shape: Shape,
    anchor: usize,
    /// Where its lines begin.
    first: usize,
}

impl Builder<'_> {
    /// Bytes before the character of that number.
    fn offset(&self, characters: usize) -> usize {
        self.text.char_indices().nth(characters).map_or(self.text.len(), |(offset, _)| offset)
    }

    fn fail<T>(&self, span: Span, rule: Rule) -> Result<T, ParseError> {
        Err(ParseError { offset: self.offset(span.start.index()), rule })
    }

    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), ParseError> {
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 { self.fail(span, Rule::Trailing) } else { Ok(()) }
            }
            Event::Alias(anchor) => self.alias(anchor, span),
            Event::Scalar(text, style, anchor, tag) => {
                if self.awaits_key() {
                    return self.key(&text, style, anchor, span);
                }
                if text.len() > self.bounds.string {
                    return self.fail(span, Rule::StringLength);
                }
                let value = match scalar(&text, style, tag.as_deref(), self.bounds.number) {
                    Ok(value) => value,
                    Err(rule) => return self.fail(span, rule),
                };
                self.line(span)?;
                if anchor > 0 {
                    self.anchors.insert(anchor, (value.clone(), vec![line_of(span)]));
                }
                self.add(value, span)
            }
            Event::SequenceStart(anchor, tag) => {
                self.collection(tag.as_deref(), "seq", span)?;
                self.begin(Shape::Items(Vec::new()), anchor, span)
            }
            Event::MappingStart(anchor, tag) => {
                self.collection(tag.as_deref(), "map", span)?;
                self.begin(Shape::Members(Object::new(), None), anchor, span)
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(span),
        }
    }

    fn awaits_key(&self) -> bool {
        matches!(self.open.last(), Some(Open { shape: Shape::Members(_, None), .. }))
    }

    fn line(&mut self, span: Span) -> Result<(), ParseError> {
        if self.lines.len() >= MOST_VALUES {
            return self.fail(span, Rule::Size);
        }
        self.lines.push(line_of(span));
        Ok(())
    }

    fn collection(&self, tag: Option<&Tag>, expected: &str, span: Span) -> Result<(), ParseError> {
        match tag {
            Some(tag) if !(tag.is_yaml_core_schema() && tag.suffix == expected) => self.fail(span, Rule::Tag),
            _ => Ok(()),
        }
    }

    fn key(&mut self, text: &str, style: ScalarStyle, anchor: usize, span: Span) -> Result<(), ParseError> {
        if anchor > 0 || text == "<<" && style == ScalarStyle::Plain {
            return self.fail(span, Rule::Key);
        }
        if text.len() > self.bounds.string {
            return self.fail(span, Rule::StringLength);
        }
        let most = self.bounds.members;
        let broken = match self.open.last_mut() {
            Some(Open { shape: Shape::Members(object, key), .. }) => {
                if object.contains(text) {
                    Some(Rule::DuplicateName)
                } else if object.len() >= most {
                    Some(Rule::Members)
                } else {
                    *key = Some(text.to_owned());
                    None
                }
            }
            _ => Some(Rule::Key),
        };
        broken.map_or(Ok(()), |rule| self.fail(span, rule))
    }

    fn begin(&mut self, shape: Shape, anchor: usize, span: Span) -> Result<(), ParseError> {
        if self.awaits_key() {
            return self.fail(span, Rule::Key);
        }
        if self.open.len() >= self.depth {
            return self.fail(span, Rule::Depth);
        }
        let first = self.lines.len();
        self.line(span)?;
        self.open.push(Open { shape, anchor, first });
        Ok(())
    }

    fn end(&mut self, span: Span) -> Result<(), ParseError> {
        let Some(open) = self.open.pop() else { return self.fail(span, Rule::Yaml) };
        let value = match open.shape {
            Shape::Items(items) => Value::Array(items),
            Shape::Members(object, _) => Value::Object(object),
        };
        if open.anchor > 0 {
            let lines = self.lines.get(open.first..).unwrap_or_default().to_vec();
            self.anchors.insert(open.anchor, (value.clone(), lines));
        }
        self.add(value, span)
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Result<(), ParseError> {
        if self.awaits_key() {
            return self.fail(span, Rule::Key);
        }
        let Some((value, lines)) = self.anchors.get(&anchor) else { return self.fail(span, Rule::Alias) };
        let deep = self.open.len() + depth(value) > self.depth;
        if deep || self.lines.len() + lines.len() > MOST_VALUES {
            return self.fail(span, if deep { Rule::Depth } else { Rule::Alias });
        }
        let (value, lines) = (value.clone(), lines.clone());
        self.lines.extend(lines);
        self.add(value, span)
    }

    fn add(&mut self, value: Value, span: Span) -> Result<(), ParseError> {
        let most = self.bounds.items;
        let broken = match self.open.last_mut() {
            None if self.root.is_some() => Some(Rule::Trailing),
            None => {
                self.root = Some(value);
                None
            }
            Some(Open { shape: Shape::Items(items), .. }) => {
                items.push(value);
                (items.len() > most).then_some(Rule::Items)
            }
            Some(Open { shape: Shape::Members(object, key), .. }) => match key.take() {
                Some(key) => {
                    object.insert(key, value);
                    None
                }
                None => Some(Rule::Key),
            },
        };
        broken.map_or(Ok(()), |rule| self.fail(span, rule))
    }
}

fn line_of(span: Span) -> u32 {
    u32::try_from(span.start.line()).unwrap_or(u32::MAX)
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(object) => 1 + object.iter().map(|(_, value)| depth(value)).max().unwrap_or(0),
        _ => 0,
    }
}

/// A scalar by the core schema (YAML 1.2.2 §10.3.2).
fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>, bound: usize) -> Result<Value, Rule> {
    let Some(tag) = tag else {
        return if style == ScalarStyle::Plain { plain(text, bound) } else { Ok(Value::from(text)) };
    };
    if tag.handle == "!" && tag.suffix.is_empty() {
        return Ok(Value::from(text));
    }
    if !tag.is_yaml_core_schema() {
        return Err(Rule::Tag);
    }
    let value = plain(text, bound)?;
    match (tag.suffix.as_str(), value) {
        ("str", _) => Ok(Value::from(text)),
        ("null", value @ Value::Null)
        | ("bool", value @ Value::Bool(_))
        | ("float", value @ Value::Number(_)) => Ok(value),
        ("int", Value::Number(number)) if number.decimal().is_integer() => Ok(Value::Number(number)),
        _ => Err(Rule::Tag),
    }
}

fn plain(text: &str, bound: usize) -> Result<Value, Rule> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Ok(Value::Null),
        "true" | "True" | "TRUE" => return Ok(Value::Bool(true)),
        "false" | "False" | "FALSE" => return Ok(Value::Bool(false)),
        _ => {}
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return Err(Rule::Number);
    }
    for (prefix, radix) in [("0o", 8), ("0x", 16)] {
        if let Some(digits) = text.strip_prefix(prefix)
            && !digits.is_empty()
            && digits.chars().all(|digit| digit.is_digit(radix))
        {
            let number = u64::from_str_radix(digits, radix).map_err(|_| Rule::NumberLength)?;
            return Ok(Value::Number(number.into()));
        }
    }
    match decimal(text) {
        Some(number) if number.len() > bound => Err(Rule::NumberLength),
        // `6e8579013`, part of a digest: a number to nobody.
        Some(number) => Ok(Number::parse(&number).map_or_else(|_| Value::from(text), Value::Number)),
        None => Ok(Value::from(text)),
    }
}

/// A number of the core schema as JSON writes it: `+1` is `1`, `.5` is `0.5`, `007` is `7`.
fn decimal(text: &str) -> Option<String> {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (rest, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || whole.is_empty() && fraction.is_empty() {
        return None;
    }
    if let Some(exponent) = exponent {
        let unsigned = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        if unsigned.is_empty() || !digits(unsigned) {
            return None;
        }
    }
    let whole = whole.trim_start_matches('0');
    let mut number = format!("{sign}{}", if whole.is_empty() { "0" } else { whole });
    if !fraction.is_empty() {
        number.push('.');
        number.push_str(fraction);
    }
    if let Some(exponent) = exponent {
        number.push('e');
        number.push_str(exponent);
    }
    Some(number)
}
