//! The body of a request: JSON, forms, multipart forms and text, judged whole.

use std::collections::BTreeMap;

use crate::contract::Contract;
use crate::encoding::{decode, pairs};
use crate::json::{Bounds, Document, Object, Value};
use crate::kind::Kind;
use crate::media_type::{MediaType, is_json, rank};
use crate::multipart;
use crate::parameter::{Wrong, json, put};
use crate::schema::{Program, Violation};

/// A broken rule of a contract, in the words of the contract: never in those of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// `query page`, `header x-trace`, or `body` and perhaps a JSON Pointer (RFC 6901): `body /items/0/sku`.
    pub place: String,
    /// What was asked.
    pub rule: String,
}

impl Fault {
    pub(crate) fn new(place: impl Into<String>, rule: impl Into<String>) -> Self {
        Self { place: place.into(), rule: rule.into() }
    }
}

/// What an operation takes.
#[derive(Debug)]
pub(crate) struct Body {
    pub(crate) required: bool,
    pub(crate) media: Vec<Media>,
}

/// One media type an operation takes.
#[derive(Debug)]
pub(crate) struct Media {
    /// Lower case, perhaps with `*`.
    pub(crate) range: String,
    /// None: any value, and that was listed.
    pub(crate) program: Option<usize>,
    pub(crate) kind: Kind,
    /// Properties that are files, in a multipart form.
    pub(crate) files: BTreeMap<String, FilePart>,
    /// Media types the parts of a multipart form may have.
    pub(crate) encodings: BTreeMap<String, Vec<String>>,
    /// Bytes, where the schema bounds a body that is one string.
    pub(crate) longest: Option<usize>,
}

/// A property of a multipart form that is a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FilePart {
    /// Several, one part each.
    pub(crate) many: bool,
    /// Bytes.
    pub(crate) least: usize,
    pub(crate) most: Option<usize>,
}

/// How a body of some type is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    Json,
    Form,
    Multipart,
    Text,
    /// Bytes that nobody here understands.
    Opaque,
}

fn reading(essence: &str) -> Reading {
    match essence {
        "application/x-www-form-urlencoded" => Reading::Form,
        "multipart/form-data" => Reading::Multipart,
        essence if is_json(essence) => Reading::Json,
        essence if essence.starts_with("text/") && essence != "text/xml" => Reading::Text,
        _ => Reading::Opaque,
    }
}

/// Bodies of this type are only bounded, whatever their schema.
pub(crate) fn is_opaque(range: &str) -> bool {
    reading(range) == Reading::Opaque
}

impl Media {
    pub(crate) fn is_read(&self, media_type: &MediaType) -> bool {
        reading(&media_type.essence) != Reading::Opaque
    }

    /// Bytes.
    pub(crate) fn limit(&self, contract: &Contract, media_type: &MediaType) -> usize {
        let body = contract.options.body;
        let bytes = match reading(&media_type.essence) {
            Reading::Json => self.program(contract).and_then(|program| program.extent().bytes),
            Reading::Opaque | Reading::Text => self.longest.map(|longest| longest as u64),
            // Three bytes for each at the most, and names.
            Reading::Form => {
                let bytes = self.program(contract).and_then(|program| program.extent().bytes);
                bytes.map(|bytes| bytes.saturating_mul(3))
            }
            Reading::Multipart => None,
        };
        bytes
            .and_then(|bytes| usize::try_from(bytes.saturating_add(SLACK)).ok())
            .map_or(body, |bytes| bytes.min(body))
    }

    fn program<'c>(&self, contract: &'c Contract) -> Option<&'c Program> {
        contract.requests.get(self.program?)
    }

    /// All rules the body breaks.
    pub(crate) fn check(&self, contract: &Contract, media_type: &MediaType, bytes: &[u8]) -> Vec<Fault> {
        let value = match reading(&media_type.essence) {
            Reading::Opaque => return Vec::new(),
            Reading::Json => return self.json(contract, bytes),
            Reading::Text => match std::str::from_utf8(bytes) {
                Ok(text) => Ok(match &self.kind {
                    Kind::Scalar(types) => types.value(text.to_owned()),
                    Kind::List(_) | Kind::Map { .. } => Value::String(text.to_owned()),
                }),
                Err(_) => Err(Fault::new("body", "text is UTF-8")),
            },
            Reading::Form => self.form(bytes),
            Reading::Multipart => self.multipart(media_type, bytes),
        };
        match (value, self.program(contract)) {
            (Err(fault), _) => vec![fault],
            (Ok(_), None) => Vec::new(),
            (Ok(value), Some(program)) => match program.validate_value(&value) {
                Ok(_) => Vec::new(),
                Err(violations) => faults("body", &violations),
            },
        }
    }

    fn json(&self, contract: &Contract, bytes: &[u8]) -> Vec<Fault> {
        let program = self.program(contract);
        let mut bounds = bounds(bytes.len());
        if let Some(depth) = program.and_then(|program| program.extent().depth) {
            // One level more, so that the rule about unknown members speaks and not this one.
            bounds.depth = bounds.depth.min(usize::try_from(depth).unwrap_or(usize::MAX).saturating_add(1));
        }
        let document = match Document::parse(bytes, &bounds) {
            Ok(document) => document,
            Err(error) => return vec![Fault::new("body", error.rule.to_string())],
        };
        match program.map(|program| program.validate(&document)) {
            None | Some(Ok(_)) => Vec::new(),
            Some(Err(violations)) => faults("body", &violations),
        }
    }

    fn form(&self, bytes: &[u8]) -> Result<Value, Fault> {
        let text = std::str::from_utf8(bytes).map_err(|_| Fault::new("body", "text is UTF-8"))?;
        let pairs = pairs(text, MOST_FIELDS).map_err(|wrong| Fault::new("body", wrong.to_string()))?;
        let mut object = Object::new();
        for (name, value) in pairs {
            let value = decode(value.as_bytes(), true).map_err(|wrong| self.fault(&name, wrong.into()))?;
            put(&mut object, self.kind_of(&name), &name, &value).map_err(|wrong| self.fault(&name, wrong))?;
        }
        Ok(Value::Object(object))
    }

    fn multipart(&self, media_type: &MediaType, bytes: &[u8]) -> Result<Value, Fault> {
        let boundary = media_type.parameter("boundary").unwrap_or_default();
        let parts = multipart::parse(bytes, boundary, MOST_FIELDS)
            .map_err(|broken| Fault::new("body", broken.to_string()))?;
        let mut object = Object::new();
        for part in parts {
            let name = part.name.as_str();
            let essence = part.media_type.as_ref().map(|media_type| media_type.essence.as_str());
            if let (Some(allowed), Some(essence)) = (self.encodings.get(name), essence)
                && !allowed.iter().any(|range| rank(range, essence).is_some())
            {
                return Err(Fault::new(
                    self.place(name),
                    format!("has the media type {}", allowed.join(" or ")),
                ));
            }
            if let Some(file) = self.files.get(name) {
                let least = file.least;
                if part.bytes.len() < least {
                    return Err(Fault::new(self.place(name), format!("has at least {least} bytes")));
                }
                if let Some(most) = file.most.filter(|most| part.bytes.len() > *most) {
                    return Err(Fault::new(self.place(name), format!("has at most {most} bytes")));
                }
                // Its length was judged; what stands for it has one that fits.
                let stands = Value::String("x".repeat(least));
                let taken = match object.get(name) {
                    Some(Value::Array(items)) if file.many && items.len() < MOST_FIELDS => {
                        let mut items = items.clone();
                        items.push(stands);
                        object.insert(name, Value::Array(items));
                        None
                    }
                    _ if file.many => object.insert(name, Value::Array(vec![stands])),
                    _ => object.insert(name, stands),
                };
                if taken.is_some() {
                    return Err(self.fault(name, Wrong::Repeated));
                }
                continue;
            }
            if part.file_name.is_some() {
                return Err(Fault::new(self.place(name), "is not a file"));
            }
            if part.media_type.as_ref().is_some_and(|media_type| !media_type.is_utf8()) {
                return Err(Fault::new(self.place(name), "text is UTF-8"));
            }
            let text =
                std::str::from_utf8(part.bytes).map_err(|_| Fault::new(self.place(name), "text is UTF-8"))?;
            let kind = self.kind_of(name);
            if essence.is_some_and(is_json) {
                let value = json(text).map_err(|wrong| self.fault(name, wrong))?;
                if object.insert(name, value).is_some() {
                    return Err(self.fault(name, Wrong::Repeated));
                }
            } else {
                put(&mut object, kind, name, text).map_err(|wrong| self.fault(name, wrong))?;
            }
        }
        Ok(Value::Object(object))
    }

    fn kind_of(&self, name: &str) -> &Kind {
        match &self.kind {
            Kind::Map { properties, .. } => properties.get(name).unwrap_or(&Kind::TEXT),
            Kind::Scalar(_) | Kind::List(_) => &Kind::TEXT,
        }
    }

    /// Names that only the request knows are `*`.
    fn place(&self, name: &str) -> String {
        let known = match &self.kind {
            Kind::Map { properties, .. } => properties.contains_key(name),
            Kind::Scalar(_) | Kind::List(_) => false,
        };
        format!("body /{}", if known { name } else { "*" })
    }

    fn fault(&self, name: &str, wrong: Wrong) -> Fault {
        Fault::new(self.place(name), wrong.rule())
    }
}

/// What may be read of a message of so many bytes.
pub(crate) fn bounds(size: usize) -> Bounds {
    Bounds { size, ..Bounds::default() }
}

pub(crate) fn faults(place: &str, violations: &[Violation]) -> Vec<Fault> {
    let one = |violation: &Violation| {
        let pointer = violation.pointer.as_str();
        let place = if pointer.is_empty() { place.to_owned() } else { format!("{place} {pointer}") };
        Fault::new(place, violation.rule.to_string())
    };
    let mut faults: Vec<Fault> = violations.iter().map(one).collect();
    if faults.is_empty() {
        // INVARIANT: whoever says that a value does not fit is believed, reasons or not.
        faults.push(Fault::new(place, "does not fit"));
    }
    faults
}

/// White space around and inside.
const SLACK: u64 = 1_024;
const MOST_FIELDS: usize = 1_000;
