//! The boundary, from the request's `Content-Type`.

use std::fmt;

use gabion_model::{Rng, random};
use http::HeaderMap;
use http::header::CONTENT_TYPE;

use super::Violation;
use super::head::{Media, Parameters};

/// 1 to 70 characters (RFC 2046 §5.1.1).
#[derive(Clone, PartialEq, Eq)]
pub struct Boundary(Vec<u8>);

impl Boundary {
    /// Rule 1.
    ///
    /// # Errors
    /// [`Violation::ContentType`], [`Violation::Boundary`], [`Violation::Charset`], [`Violation::Repeated`].
    pub fn of(headers: &HeaderMap) -> Result<Self, Violation> {
        let mut fields = headers.get_all(CONTENT_TYPE).iter();
        let (Some(field), None) = (fields.next(), fields.next()) else { return Err(Violation::ContentType) };
        Self::parse(field.as_bytes())
    }

    /// The same for the field's value.
    ///
    /// # Errors
    /// As [`of`](Self::of).
    pub fn parse(field: &[u8]) -> Result<Self, Violation> {
        let text = std::str::from_utf8(field).map_err(|_| Violation::ContentType)?;
        let (kind, rest) = text.split_once(';').unwrap_or((text, ""));
        if !kind.trim_matches([' ', '\t']).eq_ignore_ascii_case("multipart/form-data") {
            return Err(Violation::ContentType);
        }
        if rest.is_empty() {
            return Err(Violation::Boundary);
        }
        let mut boundary = None;
        let mut charset = None;
        for parameter in Parameters::new(rest) {
            let (name, value) = parameter.map_err(|_| Violation::ContentType)?;
            let slot = match &*name {
                "boundary" => &mut boundary,
                "charset" => &mut charset,
                _ if name.starts_with("boundary") => return Err(Violation::Boundary),
                _ => return Err(Violation::ContentType),
            };
            if slot.replace(value).is_some() {
                return Err(Violation::Repeated);
            }
        }
        if charset.is_some_and(|charset| !Media::is_utf8(&charset)) {
            return Err(Violation::Charset);
        }
        let boundary = boundary.ok_or(Violation::Boundary)?.into_bytes();
        let is_sound = (1..=70).contains(&boundary.len())
            && boundary.iter().all(|byte| is_boundary_byte(*byte))
            && boundary.last() != Some(&b' ');
        if is_sound { Ok(Self(boundary)) } else { Err(Violation::Boundary) }
    }

    /// One that nobody can know beforehand.
    #[must_use]
    pub fn draw(rng: &dyn Rng) -> Self {
        let drawn: [u8; 18] = random::bytes(rng);
        let text: String = drawn.iter().map(|byte| format!("{byte:02x}")).collect();
        Self(format!("gabion-{text}").into_bytes())
    }

    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// As `Content-Type` names it.
    #[must_use]
    pub fn content_type(&self) -> String {
        format!("multipart/form-data; boundary=\"{self}\"")
    }
}

impl fmt::Display for Boundary {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&String::from_utf8_lossy(&self.0))
    }
}

impl fmt::Debug for Boundary {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Boundary({self})")
    }
}

/// `bchars` of RFC 2046.
fn is_boundary_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(&byte)
}
