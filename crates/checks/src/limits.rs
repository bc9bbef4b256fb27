//! Sizes, counts and message framing.
//!
//! Control: `input.limits`
//!
//! **Standard.** RFC 9112 §6.3 (message body length), §11.2 (request smuggling); RFC 9110 §8.6
//! (`Content-Length`); RFC 9113 §8.2.2 (no `Transfer-Encoding` in HTTP/2); ASVS 5.0 V4.2.1, V4.2.4.
//!
//! **Threat.** Tampering and denial of service: CWE-444 (a front and a back that disagree where a request
//! ends), CWE-770 (resources without limits).
//!
//! **Rules.**
//! 1. A message has `Content-Length` or `Transfer-Encoding`, never both.
//! 2. `Content-Length` stands once and is canonical: digits without sign, list or leading zero.
//! 3. `Transfer-Encoding` stands once, is exactly `chunked`, and comes with HTTP/1.1 only.
//! 4. The target has at most `uri` bytes.
//! 5. There are at most `fields` header fields, of at most `head` bytes together (names, values and four
//!    bytes each).
//! 6. The body has at most `body` bytes, `upload` bytes when it is `multipart/form-data`, or what the
//!    route says. A longer `Content-Length` is refused at once; a body without length is cut off by the
//!    gateway at the limit.
//! 7. `GET` and `HEAD` have no body (unless `get_bodies`): an application that does not read one takes it for the
//!    next request.
//!
//! **Answer.** 400 and a closed connection for 1–3 and 7; 414, 431, 413 for 4–6. The framing rules refuse
//! even where the check only observes: beyond them nobody knows where the next request begins.
//!
//! **Default.** URI 8 kB, 100 fields, head 32 kB, body 10 MB, upload 5 MB.
//!
//! **Caveat.** Uploads larger than 5 MB need `upload_limit` on their route. The gateway's HTTP parser has
//! its own, somewhat larger, limit for the head.
//!
//! **Example.** `Content-Length: 5` with `Transfer-Encoding: chunked` is answered 400.

use gabion_model::{ByteSize, ControlId, Problem};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use http::{HeaderMap, Method, StatusCode, Version, request};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check::{Check, Mode, Stop};
use crate::denial::Denial;
use crate::exchange::Exchange;
use crate::order::{self, Needs};
use crate::pipeline::Step;
use crate::route::{Compiled, Routes};
use crate::settings::never_off;

/// `[checks.limits]`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// `enforce` or `observe`; framing is enforced always.
    pub mode: Mode,
    /// The longest request target (path and query).
    pub uri: ByteSize,
    /// The most header fields.
    pub fields: u16,
    /// The largest head: names and values of all header fields.
    pub head: ByteSize,
    /// The largest body.
    pub body: ByteSize,
    /// The largest `multipart/form-data` body.
    pub upload: ByteSize,
    /// Let `GET` and `HEAD` have bodies.
    pub get_bodies: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            mode: Mode::Enforce,
            uri: ByteSize::new(8_000),
            fields: 100,
            head: ByteSize::new(32_000),
            body: ByteSize::new(10_000_000),
            upload: ByteSize::new(5_000_000),
            get_bodies: false,
        }
    }
}

impl Settings {
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = never_off(self.mode);
        for (name, size) in [("uri", self.uri), ("head", self.head)] {
            if size.bytes() < 256 {
                problems.push(Problem::new(name, format!("`{size}` is too small for any real request")));
            }
        }
        if self.fields < 16 {
            problems.push(Problem::new("fields", format!("`{}` is fewer than browsers send", self.fields)));
        }
        problems
    }
}

/// How a body is delimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// `Transfer-Encoding: chunked`: the length shows at the end.
    Chunked,
    /// No body, or HTTP/2, where frames delimit it.
    Implicit,
    /// `Content-Length`.
    Length(u64),
}

/// The broken rules. Alphabetical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    #[error("body on a method that has none")]
    BodyOnGet,
    #[error("content-length over the limit")]
    BodyTooLarge,
    #[error("both content-length and transfer-encoding")]
    BothLengths,
    #[error("transfer-encoding in a version without it")]
    EncodingVersion,
    #[error("header fields too large")]
    HeadTooLarge,
    #[error("content-length is not canonical")]
    LengthNotCanonical,
    #[error("content-length more than once")]
    LengthRepeated,
    #[error("transfer-encoding is not exactly chunked")]
    NotChunked,
    #[error("too many header fields")]
    TooManyFields,
    #[error("target too long")]
    UriTooLong,
}

/// Rules 1–3: where does the body end?
pub fn framing(version: Version, headers: &HeaderMap) -> Result<Framing, Violation> {
    let mut lengths = headers.get_all(CONTENT_LENGTH).iter();
    let mut encodings = headers.get_all(TRANSFER_ENCODING).iter();
    match (lengths.next(), encodings.next()) {
        (None, None) => Ok(Framing::Implicit),
        (Some(_), Some(_)) => Err(Violation::BothLengths),
        (None, Some(encoding)) => {
            if version != Version::HTTP_11 {
                Err(Violation::EncodingVersion)
            } else if encodings.next().is_some() || !encoding.as_bytes().eq_ignore_ascii_case(b"chunked") {
                Err(Violation::NotChunked)
            } else {
                Ok(Framing::Chunked)
            }
        }
        (Some(length), None) => {
            if lengths.next().is_some() {
                return Err(Violation::LengthRepeated);
            }
            canonical(length.as_bytes()).map(Framing::Length).ok_or(Violation::LengthNotCanonical)
        }
    }
}

/// Rules 1–5.
pub fn verify(
    settings: &Settings,
    target_length: usize,
    version: Version,
    headers: &HeaderMap,
) -> Result<Framing, Violation> {
    let framing = framing(version, headers)?;
    if target_length as u64 > settings.uri.bytes() {
        return Err(Violation::UriTooLong);
    }
    if headers.len() > usize::from(settings.fields) {
        return Err(Violation::TooManyFields);
    }
    let size: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if size as u64 > settings.head.bytes() {
        return Err(Violation::HeadTooLarge);
    }
    Ok(framing)
}

/// A decimal number without sign, space, list or leading zero.
fn canonical(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > 19 || (text.len() > 1 && text.first() == Some(&b'0')) {
        return None;
    }
    text.iter().try_fold(0_u64, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + u64::from(byte - b'0')))
}

impl From<Violation> for Denial {
    fn from(violation: Violation) -> Self {
        use Violation as V;
        let (status, public) = match violation {
            V::BodyTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "The request's body is too large."),
            V::HeadTooLarge | V::TooManyFields => {
                (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "The request's header fields are too large.")
            }
            V::UriTooLong => (StatusCode::URI_TOO_LONG, "The address is too long."),
            V::BodyOnGet
            | V::BothLengths
            | V::EncodingVersion
            | V::LengthNotCanonical
            | V::LengthRepeated
            | V::NotChunked => (StatusCode::BAD_REQUEST, "The request is malformed or ambiguous."),
        };
        let denial = Self::new(ControlId::INPUT_LIMITS, status, public, violation.to_string()).closing();
        if status == StatusCode::BAD_REQUEST { denial.always() } else { denial }
    }
}

pub(crate) fn head_step(needs: &Needs<'_, '_>) -> Option<Step> {
    order::step(needs.settings.limits.mode, Limits::new(&needs.settings.limits))
}

pub(crate) fn body_step(needs: &Needs<'_, '_>) -> Option<Step> {
    order::step(needs.settings.limits.mode, BodyLimit::new(&needs.settings.limits, needs.routes))
}

/// The check, first instance: rules 1–5, on what every request shares.
#[derive(Debug)]
pub struct Limits {
    settings: Settings,
}

/// The check, second instance: rule 6, once the route is known.
#[derive(Debug)]
pub struct BodyLimit {
    /// Largest body and largest upload, per route; where bodies may be files, they are uploads.
    routes: Vec<(u64, u64)>,
    fallback: (u64, u64),
    get_bodies: bool,
}

impl Limits {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self { settings: settings.clone() }
    }
}

impl Check for Limits {
    fn name(&self) -> &'static str {
        "limits"
    }

    fn control(&self) -> ControlId {
        ControlId::INPUT_LIMITS
    }

    fn request(&self, head: &mut request::Parts, exchange: &mut Exchange) -> Result<(), Stop> {
        let target = exchange.target.as_ref().map_or(0, |target| target.as_str().len());
        let framing = verify(&self.settings, target, head.version, &head.headers).map_err(Denial::from)?;
        exchange.framing = framing;
        Ok(())
    }
}

impl BodyLimit {
    pub(crate) fn new(settings: &Settings, routes: &Routes) -> Self {
        let fallback = (settings.body.bytes(), settings.upload.bytes());
        let limits = |route: &Compiled| {
            let own = |size: Option<ByteSize>, general| size.map_or(general, ByteSize::bytes);
            let upload = own(route.declared.upload_limit, fallback.1);
            let is_file = route.declared.upload.as_ref().is_some_and(|upload| upload.raw);
            let body = if is_file { upload } else { fallback.0 };
            (own(route.declared.body_limit, body), upload)
        };
        Self { routes: routes.iter().map(limits).collect(), fallback, get_bodies: settings.get_bodies }
    }
}

impl Check for BodyLimit {
    fn name(&self) -> &'static str {
        "limits"
    }

    fn control(&self) -> ControlId {
        ControlId::INPUT_LIMITS
    }

    fn request(&self, head: &mut request::Parts, exchange: &mut Exchange) -> Result<(), Stop> {
        let limits = exchange.route.and_then(|route| self.routes.get(route)).unwrap_or(&self.fallback);
        let upload = exchange.framing != Framing::Implicit || head.version == Version::HTTP_2;
        let upload = upload && is_upload(&head.headers);
        exchange.body_limit = if upload { limits.1 } else { limits.0 };
        if matches!(head.method, Method::GET | Method::HEAD) && !self.get_bodies {
            // In HTTP/2 a body shows only when it comes.
            exchange.body_limit = 0;
            if !matches!(exchange.framing, Framing::Implicit | Framing::Length(0)) {
                return Err(Denial::from(Violation::BodyOnGet).into());
            }
        }
        match exchange.framing {
            Framing::Length(length) if length > exchange.body_limit => {
                Err(Denial::from(Violation::BodyTooLarge).into())
            }
            _ => Ok(()),
        }
    }
}

fn is_upload(headers: &HeaderMap) -> bool {
    const MULTIPART: &[u8] = b"multipart/form-data";
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.as_bytes().get(..MULTIPART.len()))
        .is_some_and(|start| start.eq_ignore_ascii_case(MULTIPART))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use proptest::prelude::*;

    fn map(fields: &[(&'static str, &str)]) -> HeaderMap {
        fields
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
            .fold(HeaderMap::new(), |mut map, (name, value)| {
                map.append(name, value);
                map
            })
    }

    #[test]
    fn the_smuggling_family_is_refused() {
        use Violation as V;
        let rows: &[(&[(&'static str, &str)], Violation)] = &[
            (&[("content-length", "5"), ("transfer-encoding", "chunked")], V::BothLengths),
            (&[("content-length", "5"), ("content-length", "5")], V::LengthRepeated),
            (&[("content-length", "005")], V::LengthNotCanonical),
            (&[("content-length", "+5")], V::LengthNotCanonical),
            (&[("content-length", "5, 5")], V::LengthNotCanonical),
            (&[("content-length", "")], V::LengthNotCanonical),
            (&[("content-length", "99999999999999999999")], V::LengthNotCanonical),
            (&[("transfer-encoding", "gzip, chunked")], V::NotChunked),
            (&[("transfer-encoding", "chunked, chunked")], V::NotChunked),
            (&[("transfer-encoding", ",chunked")], V::NotChunked),
            (&[("transfer-encoding", "xchunked")], V::NotChunked),
            (&[("transfer-encoding", "chunked\t")], V::NotChunked),
            (&[("transfer-encoding", "chunked"), ("transfer-encoding", "identity")], V::NotChunked),
        ];
        for (fields, violation) in rows {
            assert_eq!(framing(Version::HTTP_11, &map(fields)), Err(*violation), "{fields:?}");
        }
        let chunked = map(&[("transfer-encoding", "chunked")]);
        assert_eq!(framing(Version::HTTP_10, &chunked), Err(V::EncodingVersion));
        assert_eq!(framing(Version::HTTP_2, &chunked), Err(V::EncodingVersion));
        assert_eq!(framing(Version::HTTP_11, &chunked), Ok(Framing::Chunked));
        assert_eq!(framing(Version::HTTP_11, &map(&[("content-length", "0")])), Ok(Framing::Length(0)));
    }

    #[test]
    fn sizes_and_counts_are_bounded() {
        let settings = Settings::default();
        let ok = |target: usize, headers: &HeaderMap| verify(&settings, target, Version::HTTP_11, headers);
        assert_eq!(ok(8_000, &HeaderMap::new()), Ok(Framing::Implicit));
        assert_eq!(ok(8_001, &HeaderMap::new()), Err(Violation::UriTooLong));
        let mut many = HeaderMap::new();
        for _ in 0..101 {
            many.append("x", HeaderValue::from_static("y"));
        }
        assert_eq!(ok(1, &many), Err(Violation::TooManyFields));
        let mut large = HeaderMap::new();
        large.insert("x", HeaderValue::from_str(&"y".repeat(31_995)).unwrap());
        assert_eq!(ok(1, &large), Ok(Framing::Implicit));
        large.insert("x", HeaderValue::from_str(&"y".repeat(31_996)).unwrap());
        assert_eq!(ok(1, &large), Err(Violation::HeadTooLarge));
    }

    proptest! {
        #[test]
        fn a_length_is_accepted_exactly_when_it_prints_back(text in "[ +,x0-9-]{0,21}") {
            let number = text.parse::<u64>().ok().filter(|number| number.to_string() == text && text.len() < 20);
            prop_assert_eq!(canonical(text.as_bytes()), number);
        }

        #[test]
        fn two_framing_fields_never_pass(length in "[0-9]{1,6}", encoding in "[ -~]{0,12}", repeat: bool) {
            let mut headers = HeaderMap::new();
            headers.append(CONTENT_LENGTH, HeaderValue::from_str(&length).unwrap());
            let name = if repeat { CONTENT_LENGTH } else { TRANSFER_ENCODING };
            headers.append(name, HeaderValue::from_str(&encoding).unwrap());
            prop_assert!(framing(Version::HTTP_11, &headers).is_err());
        }
    }
}
