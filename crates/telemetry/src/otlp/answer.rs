//! What a collector answers: how many records it did not take (`ExportLogsServiceResponse`, `ExportTraceServiceResponse`).
//!
//! Both are one message `partial_success` (field 1) with a count (field 1) and a text (field 2). The text is the collector's
//! and is not read. An answer with nothing in it means that everything was taken.

use serde_json::Value;

use super::message::{BYTES, Encoding, FIXED32, FIXED64, VARINT};

/// How many records were not taken; they must not be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rejected(pub u64);

/// Why an answer says nothing. Alphabetical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AnswerFault {
    #[error("its count is no number")]
    Count,
    #[error("it is no JSON object")]
    Json,
    #[error("it ends in the middle")]
    Truncated,
    #[error("it is no protobuf message")]
    Wire,
}

/// # Errors
/// When it is no answer of a collector.
pub fn partial_success(encoding: Encoding, bytes: &[u8]) -> Result<Rejected, AnswerFault> {
    match encoding {
        Encoding::Json => json(bytes),
        Encoding::Protobuf => protobuf(bytes),
    }
}

fn json(bytes: &[u8]) -> Result<Rejected, AnswerFault> {
    let answer: Value = serde_json::from_slice(bytes).map_err(|_| AnswerFault::Json)?;
    let answer = answer.as_object().ok_or(AnswerFault::Json)?;
    let Some(partial) = answer.get("partialSuccess").filter(|partial| !partial.is_null()) else {
        return Ok(Rejected(0));
    };
    let count = ["rejectedLogRecords", "rejectedSpans"].iter().find_map(|name| partial.get(name));
    match count {
        None | Some(Value::Null) => Ok(Rejected(0)),
        // 64-bit numbers are texts; collectors write both.
        Some(Value::String(count)) => count.parse().map(Rejected).map_err(|_| AnswerFault::Count),
        Some(count) => count.as_u64().map(Rejected).ok_or(AnswerFault::Count),
    }
}

fn protobuf(bytes: &[u8]) -> Result<Rejected, AnswerFault> {
    let mut rejected = 0;
    let mut reader = Reader(bytes);
    while let Some((number, wire)) = reader.tag()? {
        match (number, wire) {
            (1, BYTES) => {
                let mut partial = Reader(reader.bytes()?);
                while let Some((number, wire)) = partial.tag()? {
                    match (number, wire) {
                        (1, VARINT) => rejected = partial.varint()?,
                        _ => partial.skip(wire)?,
                    }
                }
            }
            _ => reader.skip(wire)?,
        }
    }
    // It is an `int64`: less than none is nonsense.
    if i64::try_from(rejected).is_err() {
        return Err(AnswerFault::Count);
    }
    Ok(Rejected(rejected))
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// The next field's number and wire type; none at the end.
    fn tag(&mut self) -> Result<Option<(u64, u32)>, AnswerFault> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let tag = self.varint()?;
        let (number, wire) = (tag >> 3, (tag & 7) as u32);
        if number == 0 || number > MOST_NUMBER {
            return Err(AnswerFault::Wire);
        }
        Ok(Some((number, wire)))
    }

    fn varint(&mut self) -> Result<u64, AnswerFault> {
        let mut value = 0_u64;
        for place in 0..10_u32 {
            let byte = *self.take(1)?.first().ok_or(AnswerFault::Truncated)?;
            let bits = u64::from(byte & 0x7f);
            if place == 9 && bits > 1 {
                return Err(AnswerFault::Wire);
            }
            value |= bits << (place * 7);
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(AnswerFault::Wire)
    }

    fn bytes(&mut self) -> Result<&'a [u8], AnswerFault> {
        let length = usize::try_from(self.varint()?).map_err(|_| AnswerFault::Truncated)?;
        self.take(length)
    }

    fn skip(&mut self, wire: u32) -> Result<(), AnswerFault> {
        match wire {
            VARINT => self.varint().map(drop),
            FIXED64 => self.take(8).map(drop),
            BYTES => self.bytes().map(drop),
            FIXED32 => self.take(4).map(drop),
            // Groups, which proto3 does not have.
            _ => Err(AnswerFault::Wire),
        }
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], AnswerFault> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(AnswerFault::Truncated)?;
        self.0 = rest;
        Ok(taken)
    }
}

/// Field numbers have 29 bits.
const MOST_NUMBER: u64 = (1 << 29) - 1;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_collectors_answer_is_read() {
        let (json, binary) = (Encoding::Json, Encoding::Protobuf);
        let says = |encoding, bytes: &[u8]| partial_success(encoding, bytes);
        assert_eq!(says(binary, b""), Ok(Rejected(0)));
        assert_eq!(says(binary, b"\x0a\x00"), Ok(Rejected(0)));
        assert_eq!(says(binary, b"\x0a\x05\x08\x03\x12\x01x"), Ok(Rejected(3)));
        assert_eq!(
            says(binary, b"\x0a\x05\x12\x01x\x08\x03\x92\x03\x01z"),
            Ok(Rejected(3)),
            "fields of tomorrow"
        );
        assert_eq!(says(binary, b"\x0a\x05\x08\x03"), Err(AnswerFault::Truncated));
        assert_eq!(says(binary, b"<html>no</html>"), Err(AnswerFault::Wire));
        assert_eq!(
            says(binary, b"\x0a\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
            Err(AnswerFault::Count)
        );
        assert_eq!(says(json, b"{}"), Ok(Rejected(0)));
        assert_eq!(says(json, br#"{"partialSuccess":null}"#), Ok(Rejected(0)));
        assert_eq!(
            says(json, br#"{"partialSuccess":{"rejectedLogRecords":"7","errorMessage":"x"}}"#),
            Ok(Rejected(7))
        );
        assert_eq!(says(json, br#"{"partialSuccess":{"rejectedSpans":7}}"#), Ok(Rejected(7)));
        assert_eq!(says(json, br#"{"partialSuccess":{"rejectedLogRecords":-7}}"#), Err(AnswerFault::Count));
        assert_eq!(says(json, b"[]"), Err(AnswerFault::Json));
        assert_eq!(says(json, b""), Err(AnswerFault::Json));
    }

    proptest! {
        #[test]
        fn no_answer_panics(bytes: Vec<u8>) {
            for encoding in [Encoding::Json, Encoding::Protobuf] {
                let _ = partial_success(encoding, &bytes);
            }
        }

        #[test]
        fn every_count_is_read_back(count in 0..=i64::MAX as u64) {
            use super::super::message::{Field, Node, write};
            let inner = vec![Field::new("rejectedSpans", 1, Node::Signed(count as i64)), Field::new("errorMessage", 2, Node::Text("no".into()))];
            for encoding in [Encoding::Json, Encoding::Protobuf] {
                let bytes = write(encoding, &[Field::new("partialSuccess", 1, Node::Message(inner.clone()))]);
                prop_assert_eq!(partial_success(encoding, &bytes), Ok(Rejected(count)));
            }
        }
    }
}
