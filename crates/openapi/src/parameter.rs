//! Parameters in all their styles (OpenAPI 3.1 §4.8.12.1; RFC 6570): from the text of a request to a value,
//! in one reading only.

use crate::encoding::{Unreadable, decode};
use crate::json::{Bounds, Document, Object, Value};
use crate::kind::Kind;

/// Where a parameter stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    Path,
    Query,
    Header,
    Cookie,
}

impl Place {
    /// The word in contracts and in refusals.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::Header => "header",
            Self::Cookie => "cookie",
        }
    }
}

/// How a value is written as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    Simple,
    Label,
    Matrix,
    Form,
    SpaceDelimited,
    PipeDelimited,
    DeepObject,
    /// One JSON text.
    Json,
}

/// A parameter of an operation.
#[derive(Debug, Clone)]
pub(crate) struct Parameter {
    pub(crate) name: Box<str>,
    pub(crate) place: Place,
    pub(crate) required: bool,
    pub(crate) style: Style,
    pub(crate) explode: bool,
    pub(crate) allow_empty: bool,
    pub(crate) kind: Kind,
    /// Which program; none: any value will do, and that was said when the contract was loaded.
    pub(crate) program: Option<usize>,
}

/// The rule the text of a parameter breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// It is there more than once.
    Repeated,
    /// It is not written as its style asks.
    Style,
    /// The characters that part values are encoded in one place and plain in another.
    Delimiter,
    Json,
    Text(Unreadable),
}

impl Wrong {
    pub(crate) fn rule(self) -> String {
        match self {
            Self::Repeated => "only once".to_owned(),
            Self::Style => "written in the style of the contract".to_owned(),
            Self::Delimiter => "delimiters are all encoded or none is".to_owned(),
            Self::Json => "one JSON text".to_owned(),
            Self::Text(unreadable) => unreadable.to_string(),
        }
    }
}

impl From<Unreadable> for Wrong {
    fn from(unreadable: Unreadable) -> Self {
        Self::Text(unreadable)
    }
}

impl Parameter {
    /// The value in a path segment, still encoded.
    pub(crate) fn in_path(&self, text: &str) -> Result<Value, Wrong> {
        let (start, separator, named) = match (self.style, self.explode) {
            (Style::Label, false) => (".", ',', false),
            (Style::Label, true) => (".", '.', false),
            (Style::Matrix, explode) => (";", if explode { ';' } else { ',' }, true),
            (Style::Json, _) => return json(&decode(text.as_bytes(), false)?),
            _ => ("", ',', false),
        };
        let text = text.strip_prefix(start).ok_or(Wrong::Style)?;
        if !named {
            return self.of_text(text, separator);
        }
        match (&self.kind, self.explode) {
            (Kind::Map { .. }, true) => self.of_text(text, separator),
            (Kind::List(item), true) => {
                let named = |part| value_named(&self.name, part);
                let items = text.split(separator).map(named).collect::<Result<Vec<_>, _>>()?;
                Ok(Value::Array(scalars(item, items.into_iter())?))
            }
            _ => self.of_text(value_named(&self.name, text)?, separator),
        }
    }

    /// The value of a header field (style `simple`).
    pub(crate) fn in_header(&self, text: &str) -> Result<Value, Wrong> {
        if self.style == Style::Json {
            return json(text);
        }
        match &self.kind {
            // Blanks around commas say nothing in a list (RFC 9110 §5.6.1), and `%` is a character like others.
            Kind::Scalar(types) => Ok(types.value(text.to_owned())),
            kind => delimited(
                kind,
                self.explode,
                text.split(',').map(|part| Ok(part.trim_matches([' ', '\t']).to_owned())),
            ),
        }
    }

    /// The value of a path segment or a part of one.
    fn of_text(&self, text: &str, separator: char) -> Result<Value, Wrong> {
        match &self.kind {
            Kind::Scalar(types) => Ok(types.value(decode(text.as_bytes(), false)?)),
            kind if text.is_empty() => Ok(empty(kind)),
            kind => delimited(
                kind,
                self.explode,
                text.split(separator).map(|part| Ok(decode(part.as_bytes(), false)?)),
            ),
        }
    }

    /// The value among the pairs of a query or the cookies; the ones that were used are marked.
    pub(crate) fn in_pairs(&self, pairs: &mut [Pair<'_>]) -> Result<Option<Value>, Wrong> {
        let plus = self.place == Place::Query;
        match (&self.kind, self.style, self.explode) {
            (Kind::Map { properties, .. }, Style::DeepObject, _) => {
                let mut object = Object::new();
                for pair in pairs.iter_mut() {
                    let key = pair.name.strip_prefix(&*self.name).and_then(|rest| rest.strip_prefix('['));
                    let Some(key) = key.and_then(|rest| rest.strip_suffix(']')) else { continue };
                    pair.used = true;
                    put(
                        &mut object,
                        properties.get(key).unwrap_or(&Kind::TEXT),
                        key,
                        &decode(pair.value.as_bytes(), plus)?,
                    )?;
                }
                Ok((!object.is_empty()).then_some(Value::Object(object)))
            }
            (Kind::Map { properties, .. }, Style::Form, true) => {
                let mut object = Object::new();
                for pair in pairs.iter_mut() {
                    let Some(kind) = properties.get(&pair.name) else { continue };
                    pair.used = true;
                    put(&mut object, kind, &pair.name, &decode(pair.value.as_bytes(), plus)?)?;
                }
                Ok((!object.is_empty()).then_some(Value::Object(object)))
            }
            (kind, style, explode) => {
                let mut texts = Vec::new();
                for pair in pairs.iter_mut().filter(|pair| pair.name == *self.name) {
                    pair.used = true;
                    texts.push(pair.value);
                }
                self.of_values(kind, style, explode, &texts, plus)
            }
        }
    }

    fn of_values(
        &self,
        kind: &Kind,
        style: Style,
        explode: bool,
        texts: &[&str],
        plus: bool,
    ) -> Result<Option<Value>, Wrong> {
        let text = match (texts, kind) {
            ([], _) => return Ok(None),
            (texts, Kind::List(item)) if explode && style != Style::Json => {
                let items = scalars(
                    item,
                    texts
                        .iter()
                        .copied()
                        .map(Some)
                        .map(|text| text.unwrap_or_default())
                        .map(|text| decode(text.as_bytes(), plus).map_err(Wrong::from))
                        .collect::<Result<Vec<_>, _>>()?
                        .iter()
                        .map(String::as_str),
                )?;
                return Ok(Some(Value::Array(items)));
            }
            ([only], _) => *only,
            _ => return Err(Wrong::Repeated),
        };
        if style == Style::Json {
            return json(&decode(text.as_bytes(), plus)?).map(Some);
        }
        match kind {
            Kind::Scalar(_) if text.is_empty() && self.allow_empty => Ok(None),
            Kind::Scalar(types) => Ok(Some(types.value(decode(text.as_bytes(), plus)?))),
            kind if text.is_empty() => Ok(Some(empty(kind))),
            kind => {
                let parts = parts(text, style, plus)?;
                delimited(kind, false, parts.into_iter().map(Ok)).map(Some)
            }
        }
    }

    /// Free parts of a form-style object that no other parameter names.
    pub(crate) fn takes_others(&self) -> bool {
        self.style == Style::Form && self.explode && matches!(self.kind, Kind::Map { open: true, .. })
    }
}

/// One pair of a query, or one cookie.
#[derive(Debug, Clone)]
pub(crate) struct Pair<'a> {
    pub(crate) name: String,
    /// Still encoded.
    pub(crate) value: &'a str,
    /// A parameter has taken it.
    pub(crate) used: bool,
}

/// Adds a text to an object; lists grow, everything else is there once.
pub(crate) fn put(object: &mut Object, kind: &Kind, name: &str, text: &str) -> Result<(), Wrong> {
    let value = match kind {
        Kind::Scalar(types) => types.value(text.to_owned()),
        Kind::Map { .. } => json(text)?,
        Kind::List(item) => {
            let mut items = match object.get(name) {
                Some(Value::Array(items)) => items.clone(),
                _ => Vec::new(),
            };
            if items.len() >= MOST_ITEMS {
                return Err(Wrong::Text(Unreadable::Pairs));
            }
            items.extend(scalars(item, std::iter::once(text))?);
            object.insert(name, Value::Array(items));
            return Ok(());
        }
    };
    if object.insert(name, value).is_some() { Err(Wrong::Repeated) } else { Ok(()) }
}

/// One JSON text inside a parameter.
pub(crate) fn json(text: &str) -> Result<Value, Wrong> {
    let bounds = Bounds { depth: 32, ..Bounds::default() };
    Document::parse(text.as_bytes(), &bounds)
        .map(|document| document.root().to_value())
        .map_err(|_| Wrong::Json)
}

/// The value after `name=`, which is still encoded.
fn value_named<'a>(name: &str, text: &'a str) -> Result<&'a str, Wrong> {
    let (given, value) = text.split_once('=').unwrap_or((text, ""));
    if decode(given.as_bytes(), false)? == name { Ok(value) } else { Err(Wrong::Style) }
}

fn empty(kind: &Kind) -> Value {
    match kind {
        Kind::List(_) => Value::Array(Vec::new()),
        Kind::Scalar(_) | Kind::Map { .. } => Value::Object(Object::new()),
    }
}

fn scalars<'a>(kind: &Kind, texts: impl Iterator<Item = &'a str>) -> Result<Vec<Value>, Wrong> {
    let mut items = Vec::new();
    for text in texts {
        items.push(match kind {
            Kind::Scalar(types) => types.value(text.to_owned()),
            Kind::List(_) | Kind::Map { .. } => json(text)?,
        });
    }
    Ok(items)
}

/// A list, or an object as `k,v,k,v` or (exploded) `k=v,k=v`.
fn delimited(
    kind: &Kind,
    explode: bool,
    parts: impl Iterator<Item = Result<String, Wrong>>,
) -> Result<Value, Wrong> {
    let parts = parts.take(MOST_ITEMS).collect::<Result<Vec<_>, _>>()?;
    if parts.len() >= MOST_ITEMS {
        return Err(Wrong::Text(Unreadable::Pairs));
    }
    let properties = match kind {
        Kind::List(item) => return Ok(Value::Array(scalars(item, parts.iter().map(String::as_str))?)),
        Kind::Scalar(_) => return Err(Wrong::Style),
        Kind::Map { properties, .. } => properties,
    };
    let mut object = Object::new();
    let kind_of = |name: &str| properties.get(name).unwrap_or(&Kind::TEXT);
    if explode {
        for part in &parts {
            let (name, value) = part.split_once('=').ok_or(Wrong::Style)?;
            put(&mut object, kind_of(name), name, value)?;
        }
    } else {
        for pair in parts.chunks(2) {
            let [name, value] = pair else { return Err(Wrong::Style) };
            put(&mut object, kind_of(name), name, value)?;
        }
    }
    Ok(Value::Object(object))
}

/// Splits a query value at the delimiter of its style. Clients encode it or do not; where one value has both,
/// readers would split in different places.
fn parts(text: &str, style: Style, plus: bool) -> Result<Vec<String>, Wrong> {
    let (plain, encoded): (&[&str], &[&str]) = match style {
        Style::SpaceDelimited => (&["+"], &["%20"]),
        Style::PipeDelimited => (&["|"], &["%7C", "%7c"]),
        _ => (&[","], &["%2C", "%2c"]),
    };
    let has = |delimiters: &[&str]| delimiters.iter().any(|delimiter| text.contains(delimiter));
    if has(plain) && has(encoded) && style != Style::SpaceDelimited {
        return Err(Wrong::Delimiter);
    }
    let mut same = text.to_owned();
    for delimiter in plain.iter().chain(encoded) {
        same = same.replace(delimiter, "\u{0}");
    }
    same.split('\u{0}').map(|part| Ok(decode(part.as_bytes(), plus)?)).collect()
}

const MOST_ITEMS: usize = 1_000;
