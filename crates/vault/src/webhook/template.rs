//! Schemes nobody gave a name: which header, which encoding, and what exactly is signed.

use super::{Claimed, Kind, Violation, is_id, required, seconds};
use crate::encoding::{
    base64_decode, base64_encode, base64url_decode, base64url_encode, hex_decode, hex_encode,
};

/// Alphabetical.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    Ed25519,
    /// For senders that know nothing better; HMAC does not need the collision resistance that SHA-1 lost.
    Sha1,
    Sha256,
    Sha512,
}

/// How bytes are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextEncoding {
    Base64,
    Base64url,
    Hex,
    /// As they are: keys only.
    Text,
}

/// A scheme in parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    algorithm: Algorithm,
    signature_header: String,
    prefix: String,
    encoding: TextEncoding,
    key_encoding: TextEncoding,
    id_header: Option<String>,
    timestamp_header: Option<String>,
    pieces: Vec<Piece>,
    /// Every character of the literal pieces: an id holds none of them.
    separators: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Body,
    Id,
    Literal(String),
    Timestamp,
}

/// Why a template is refused. Alphabetical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TemplateFault {
    #[error("`{{body}}` must stand in what is signed, once")]
    Body,
    #[error("signatures are not written as text: `hex`, `base64` or `base64url`")]
    Encoding,
    #[error(
        "`{{id}}` needs `id_header`, something between it and what stands beside it, and must stand there once"
    )]
    Id,
    #[error("only `{{id}}`, `{{timestamp}}` and `{{body}}` are known")]
    Placeholder,
    #[error("`{{timestamp}}` needs `timestamp_header`, and must stand there once")]
    Timestamp,
}

impl Template {
    /// `signed` is what the sender signs, for instance `{timestamp}.{body}`. Header names in lower case.
    ///
    /// # Errors
    /// [`TemplateFault`]
    pub fn new(
        algorithm: Algorithm,
        (signature_header, prefix, encoding): (&str, &str, TextEncoding),
        key_encoding: TextEncoding,
        (id_header, timestamp_header): (Option<&str>, Option<&str>),
        signed: &str,
    ) -> Result<Self, TemplateFault> {
        if encoding == TextEncoding::Text {
            return Err(TemplateFault::Encoding);
        }
        let pieces = pieces(signed)?;
        let count = |wanted: &Piece| pieces.iter().filter(|piece| *piece == wanted).count();
        if count(&Piece::Body) != 1 {
            return Err(TemplateFault::Body);
        }
        let times = count(&Piece::Timestamp);
        if times > 1 || times == 1 && timestamp_header.is_none() {
            return Err(TemplateFault::Timestamp);
        }
        let beside = |pair: &[Piece]| {
            pair.contains(&Piece::Id) && !pair.iter().any(|piece| matches!(piece, Piece::Literal(_)))
        };
        let ids = count(&Piece::Id);
        if ids > 1 || ids == 1 && id_header.is_none() || pieces.windows(2).any(beside) {
            return Err(TemplateFault::Id);
        }
        let literal = |piece: &Piece| match piece {
            Piece::Literal(text) => Some(text.clone()),
            _ => None,
        };
        Ok(Self {
            algorithm,
            signature_header: signature_header.to_owned(),
            prefix: prefix.to_owned(),
            encoding,
            key_encoding,
            id_header: id_header.map(str::to_owned),
            timestamp_header: timestamp_header.filter(|_| times == 1).map(str::to_owned),
            separators: pieces.iter().filter_map(literal).collect(),
            pieces,
        })
    }

    pub(super) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    pub(super) fn key_encoding(&self) -> TextEncoding {
        self.key_encoding
    }

    pub(super) fn headers(&self) -> Vec<&str> {
        let more = [self.id_header.as_deref(), self.timestamp_header.as_deref()];
        std::iter::once(self.signature_header.as_str()).chain(more.into_iter().flatten()).collect()
    }

    pub(super) fn signs_time(&self) -> bool {
        self.pieces.contains(&Piece::Timestamp)
    }

    pub(super) fn signs_id(&self) -> bool {
        self.pieces.contains(&Piece::Id)
    }

    pub(super) fn takes_id(&self, id: &str) -> bool {
        is_id(id, if self.signs_id() { &self.separators } else { "" })
    }

    pub(super) fn read<'h>(&self, field: &impl Fn(&str) -> Vec<&'h [u8]>) -> Result<Claimed<'h>, Violation> {
        let text = required(field, &self.signature_header, Violation::SignatureMissing)?;
        let text = text.strip_prefix(self.prefix.as_str()).ok_or(Violation::SignatureMalformed)?;
        let bytes = match self.encoding {
            TextEncoding::Hex | TextEncoding::Text => hex_decode(text),
            TextEncoding::Base64 => base64_decode(text).ok(),
            TextEncoding::Base64url => base64url_decode(text).ok(),
        };
        let kind = if self.algorithm == Algorithm::Ed25519 { Kind::Ed25519 } else { Kind::Hmac };
        let signatures = vec![(kind, bytes.ok_or(Violation::SignatureMalformed)?)];
        let id =
            self.id_header.as_ref().map(|name| required(field, name, Violation::IdMissing)).transpose()?;
        if id.is_some_and(|id| !self.takes_id(id)) {
            return Err(Violation::IdMalformed);
        }
        let time = self.timestamp_header.as_ref();
        let time = time.map(|name| required(field, name, Violation::TimestampMissing)).transpose()?;
        time.map(seconds).transpose()?;
        Ok(Claimed { id, timestamp: time, signatures })
    }

    pub(super) fn content(&self, id: &str, time: &str, body: &[u8]) -> Vec<u8> {
        let mut content = Vec::with_capacity(body.len() + id.len() + time.len() + self.separators.len());
        for piece in &self.pieces {
            content.extend_from_slice(match piece {
                Piece::Body => body,
                Piece::Id => id.as_bytes(),
                Piece::Literal(text) => text.as_bytes(),
                Piece::Timestamp => time.as_bytes(),
            });
        }
        content
    }

    pub(super) fn fields(&self, id: &str, time: String, signature: &[u8]) -> Vec<(String, String)> {
        let text = match self.encoding {
            TextEncoding::Hex | TextEncoding::Text => hex_encode(signature),
            TextEncoding::Base64 => base64_encode(signature),
            TextEncoding::Base64url => base64url_encode(signature),
        };
        let id = self.id_header.as_ref().map(|name| (name.clone(), id.to_owned()));
        let time = self.timestamp_header.as_ref().map(|name| (name.clone(), time));
        let signature = (self.signature_header.clone(), format!("{}{text}", self.prefix));
        id.into_iter().chain(time).chain([signature]).collect()
    }
}

/// Reads `{timestamp}.{body}`.
fn pieces(signed: &str) -> Result<Vec<Piece>, TemplateFault> {
    let mut pieces = Vec::new();
    let mut rest = signed;
    while !rest.is_empty() {
        let Some((literal, more)) = rest.split_once('{') else {
            pieces.push(Piece::Literal(rest.to_owned()));
            break;
        };
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal.to_owned()));
        }
        let (name, more) = more.split_once('}').ok_or(TemplateFault::Placeholder)?;
        pieces.push(match name {
            "body" => Piece::Body,
            "id" => Piece::Id,
            "timestamp" => Piece::Timestamp,
            _ => return Err(TemplateFault::Placeholder),
        });
        rest = more;
    }
    Ok(pieces)
}
