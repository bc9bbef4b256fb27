//! A message as a tree, and its two encodings.
//!
//! Protobuf: <https://protobuf.dev/programming-guides/encoding/>. JSON: the ProtoJSON mapping with OTLP's own rules (OTLP 1.9,
//! "JSON Protobuf Encoding"): `traceId` and `spanId` in hexadecimal, enumerations as numbers, 64-bit numbers as decimal texts.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::text;

/// How a request is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    Json,
    Protobuf,
}

impl Encoding {
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Protobuf => "application/x-protobuf",
        }
    }
}

/// A field: its name in JSON, its number in protobuf, and what it holds.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    name: &'static str,
    number: u32,
    node: Node,
}

impl Field {
    pub(crate) const fn new(name: &'static str, number: u32, node: Node) -> Self {
        Self { name, number, node }
    }
}

#[derive(Debug, Clone)]
pub(crate) enum Node {
    Enumeration(u32),
    Fixed32(u32),
    Fixed64(u64),
    /// An identifier.
    Id(Vec<u8>),
    /// A repeated field.
    List(Vec<Self>),
    Message(Vec<Field>),
    Signed(i64),
    Text(String),
}

pub(crate) fn write(encoding: Encoding, message: &[Field]) -> Vec<u8> {
    match encoding {
        Encoding::Json => text::json(&object(message)).into_bytes(),
        Encoding::Protobuf => {
            let mut out = Vec::new();
            fields(&mut out, message);
            out
        }
    }
}

fn object(message: &[Field]) -> Value {
    let one = |field: &Field| (field.name.to_owned(), value(&field.node));
    Value::Object(message.iter().map(one).collect::<Map<_, _>>())
}

fn value(node: &Node) -> Value {
    match node {
        Node::Enumeration(number) | Node::Fixed32(number) => (*number).into(),
        Node::Fixed64(number) => number.to_string().into(),
        Node::Id(bytes) => {
            let mut out = String::with_capacity(bytes.len().saturating_mul(2));
            for byte in bytes {
                let _ = write!(out, "{byte:02x}");
            }
            out.into()
        }
        Node::List(nodes) => nodes.iter().map(value).collect(),
        Node::Message(message) => object(message),
        Node::Signed(number) => number.to_string().into(),
        Node::Text(text) => text.as_str().into(),
    }
}

fn fields(out: &mut Vec<u8>, message: &[Field]) {
    for field in message {
        put(out, field.number, &field.node);
    }
}

fn put(out: &mut Vec<u8>, number: u32, node: &Node) {
    let tag = |out: &mut Vec<u8>, wire: u32| varint(out, u64::from(number) << 3 | u64::from(wire));
    match node {
        Node::Enumeration(value) => {
            tag(out, VARINT);
            varint(out, (*value).into());
        }
        Node::Fixed32(value) => {
            tag(out, FIXED32);
            out.extend_from_slice(&value.to_le_bytes());
        }
        Node::Fixed64(value) => {
            tag(out, FIXED64);
            out.extend_from_slice(&value.to_le_bytes());
        }
        Node::Id(bytes) => {
            tag(out, BYTES);
            sized(out, bytes);
        }
        Node::List(nodes) => nodes.iter().for_each(|node| put(out, number, node)),
        Node::Message(message) => {
            tag(out, BYTES);
            let mut inner = Vec::new();
            fields(&mut inner, message);
            sized(out, &inner);
        }
        Node::Signed(value) => {
            tag(out, VARINT);
            // Two's complement, as `int64` is written.
            varint(out, u64::from_ne_bytes(value.to_ne_bytes()));
        }
        Node::Text(text) => {
            tag(out, BYTES);
            sized(out, text.as_bytes());
        }
    }
}

fn sized(out: &mut Vec<u8>, bytes: &[u8]) {
    varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub(super) const VARINT: u32 = 0;
pub(super) const FIXED64: u32 = 1;
pub(super) const BYTES: u32 = 2;
pub(super) const FIXED32: u32 = 5;
