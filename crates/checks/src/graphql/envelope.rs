//! What carries a document: a JSON body, or the query of an address. Every member and parameter has one reading, or
//! the request is refused: a server that reads another one than was judged would run what nobody looked at.

use std::collections::HashMap;
use std::fmt;

use serde::Deserialize as _;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// One request for one operation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Envelope {
    pub(super) query: Option<String>,
    /// The operation to run, of several.
    pub(super) operation: Option<String>,
    /// Variables that are whole numbers.
    pub(super) variables: HashMap<String, i64>,
    /// It names a document the server knows.
    pub(super) persisted: bool,
}

/// Why a body is none. Alphabetical.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// Not JSON, a member twice, or one that is not known.
    Malformed,
    TooMany,
}

/// One envelope, or a list of at most so many.
pub(super) fn of_json(body: &[u8], most: usize) -> Result<Vec<Envelope>, Unreadable> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let read = Batch { most }.deserialize(&mut reader).map_err(|error| {
        if error.to_string().starts_with(TOO_MANY) { Unreadable::TooMany } else { Unreadable::Malformed }
    })?;
    reader.end().map_err(|_| Unreadable::Malformed)?;
    Ok(read)
}

/// The parameters of an address (application/x-www-form-urlencoded).
pub(super) fn of_query(query: &str) -> Result<Envelope, Unreadable> {
    let mut envelope = Envelope::default();
    let mut seen: Vec<&str> = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = decode(name).ok_or(Unreadable::Malformed)?;
        let Some(known) = MEMBERS.iter().find(|known| known.eq_ignore_ascii_case(&name)) else { continue };
        if **known != *name || seen.contains(known) {
            return Err(Unreadable::Malformed);
        }
        seen.push(known);
        let value = decode(value).ok_or(Unreadable::Malformed)?;
        match *known {
            "query" => envelope.query = Some(value),
            "operationName" => envelope.operation = Some(value).filter(|name| !name.is_empty()),
            "variables" => {
                let mut reader = serde_json::Deserializer::from_str(&value);
                envelope.variables = Variables.deserialize(&mut reader).map_err(|_| Unreadable::Malformed)?;
                reader.end().map_err(|_| Unreadable::Malformed)?;
            }
            "extensions" => {
                let mut reader = serde_json::Deserializer::from_str(&value);
                let extensions = Option::<HashMap<String, IgnoredAny>>::deserialize(&mut reader);
                reader.end().map_err(|_| Unreadable::Malformed)?;
                let extensions = extensions.map_err(|_| Unreadable::Malformed)?;
                envelope.persisted |= extensions.is_some_and(|all| all.contains_key("persistedQuery"));
            }
            _ => envelope.persisted = true,
        }
    }
    Ok(envelope)
}

/// Whether an address carries anything that a server could take for part of a document's request.
pub(super) fn has_parameters(query: &str) -> bool {
    query.split('&').any(|pair| {
        let name = pair.split('=').next().unwrap_or_default();
        // What cannot be decoded is read by nobody knows whom.
        decode(name).is_none_or(|name| MEMBERS.iter().any(|known| known.eq_ignore_ascii_case(&name)))
    })
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit =
                    || char::from(rest.next()?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                let high = digit()?;
                high << 4 | digit()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

struct Batch {
    most: usize,
}

impl<'de> DeserializeSeed<'de> for Batch {
    type Value = Vec<Envelope>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Batch {
    type Value = Vec<Envelope>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a request or a list of them")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        One.visit_map(map).map(|one| vec![one])
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut all = Vec::new();
        while let Some(one) = list.next_element_seed(One)? {
            if all.len() >= self.most {
                return Err(A::Error::custom(TOO_MANY));
            }
            all.push(one);
        }
        if all.is_empty() { Err(A::Error::custom("an empty list")) } else { Ok(all) }
    }
}

struct One;

impl<'de> DeserializeSeed<'de> for One {
    type Value = Envelope;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for One {
    type Value = Envelope;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a request")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut envelope = Envelope::default();
        let mut seen: Vec<&str> = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            // Some servers read members in any case: one spelling only.
            let known = MEMBERS
                .iter()
                .find(|known| **known == name.as_str())
                .ok_or_else(|| A::Error::custom("unknown"))?;
            if seen.contains(known) {
                return Err(A::Error::custom("twice"));
            }
            seen.push(known);
            match *known {
                "query" => envelope.query = map.next_value()?,
                "operationName" => envelope.operation = map.next_value()?,
                "variables" => envelope.variables = map.next_value_seed(Variables)?,
                "extensions" => {
                    let extensions: Option<HashMap<String, IgnoredAny>> = map.next_value()?;
                    envelope.persisted |= extensions.is_some_and(|all| all.contains_key("persistedQuery"));
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    envelope.persisted = true;
                }
            }
        }
        Ok(envelope)
    }
}

/// The whole numbers among the variables; each name once.
struct Variables;

impl<'de> DeserializeSeed<'de> for Variables {
    type Value = HashMap<String, i64>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Variables {
    type Value = HashMap<String, i64>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("variables")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Self::Value, E> {
        Ok(HashMap::new())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut numbers, mut seen) = (HashMap::new(), std::collections::HashSet::new());
        while let Some(name) = map.next_key::<String>()? {
            let value: serde_json::Value = map.next_value()?;
            if !seen.insert(name.clone()) {
                return Err(A::Error::custom("twice"));
            }
            // `1e9` and `5.0` are whole numbers to a server, too.
            #[expect(clippy::cast_possible_truncation, reason = "saturates, which is what is wanted")]
            let number = value.as_i64().or_else(|| value.as_f64().map(|number| number as i64));
            if let Some(number) = number {
                numbers.insert(name, number);
            }
        }
        Ok(numbers)
    }
}

/// The members of GraphQL over HTTP, and those by which servers know stored documents.
const MEMBERS: [&str; 8] =
    ["query", "operationName", "variables", "extensions", "id", "documentId", "doc_id", "queryId"];
const TOO_MANY: &str = "too many in one body";
