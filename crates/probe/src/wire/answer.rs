//! An answer, read under bounds: its head, its body up to a size, and how long it took.

use std::io::Read as _;
use std::time::Duration;

use serde_json::Value;

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    /// Decoded; up to [`BODY`] bytes.
    pub body: Vec<u8>,
    /// Whether there was more of the body than was kept.
    pub cut: bool,
    /// From the last byte sent to the last byte read.
    pub elapsed: Duration,
}

/// Status, fields, and the bytes that they took.
pub(crate) type Head = (u16, Vec<(String, String)>, usize);

/// The most that is kept of one body, in bytes.
pub const BODY: usize = 1 << 20;
/// The most header fields that are read.
const FIELDS: usize = 200;

impl Answer {
    /// The first value of that name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields(name).next()
    }

    /// All values of that name.
    pub fn fields(&self, name: &str) -> impl Iterator<Item = &str> {
        let own = move |(own, _): &&(String, String)| own.eq_ignore_ascii_case(name);
        self.headers.iter().filter(own).map(|(_, value)| value.as_str())
    }

    #[must_use]
    pub const fn is_success(&self) -> bool {
        matches!(self.status, 200..300)
    }

    #[must_use]
    pub const fn is_redirect(&self) -> bool {
        matches!(self.status, 301..=303 | 307 | 308)
    }

    /// Whether it only says that there were too many.
    #[must_use]
    pub const fn is_throttle(&self) -> bool {
        matches!(self.status, 429 | 503)
    }

    /// The body as text; what is none is shown as `U+FFFD`.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Whether the body has that text in it.
    #[must_use]
    pub fn has(&self, text: &str) -> bool {
        !text.is_empty() && memchr_find(&self.body, text.as_bytes())
    }

    /// The body as JSON, where it is.
    #[must_use]
    pub fn json(&self) -> Option<Value> {
        let first = self.body.iter().find(|byte| !byte.is_ascii_whitespace())?;
        matches!(first, b'{' | b'[').then(|| serde_json::from_slice(&self.body).ok()).flatten()
    }

    /// The essence of the media type in lower case: `text/html`.
    #[must_use]
    pub fn media_type(&self) -> String {
        let field = self.field("content-type").unwrap_or_default();
        field.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }

    #[must_use]
    pub fn is_html(&self) -> bool {
        matches!(self.media_type().as_str(), "text/html" | "application/xhtml+xml")
    }

    /// No answer at all, for who only needs something to ask about.
    #[must_use]
    pub const fn nothing() -> Self {
        Self { status: 0, headers: Vec::new(), body: Vec::new(), cut: false, elapsed: Duration::ZERO }
    }

    /// One that never went over a wire.
    #[cfg(test)]
    pub(crate) fn made(status: u16, headers: &[(&str, &str)], body: &str) -> Self {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self { status, headers, body: body.as_bytes().to_vec(), ..Self::nothing() }
    }

    /// An answer whose bytes are all there, read as one from the wire; nothing where they are none.
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Option<Self> {
        let (status, headers, taken) = Self::head(bytes).ok()??;
        let coding = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-encoding"));
        let coding = coding.map_or("", |(_, value)| value.as_str());
        let (mut body, mut cut) = decoded(bytes.get(taken..)?.to_vec(), coding);
        cut |= body.len() > BODY;
        body.truncate(BODY);
        Some(Self { status, headers, body, cut, elapsed: Duration::ZERO })
    }

    /// The head of an answer: its status, its fields and the bytes it took. Nothing where it is not yet whole.
    ///
    /// # Errors
    /// When it is no head of HTTP/1.
    pub(crate) fn head(bytes: &[u8]) -> Result<Option<Head>, httparse::Error> {
        let mut fields = [httparse::EMPTY_HEADER; FIELDS];
        let mut response = httparse::Response::new(&mut fields);
        let mut config = httparse::ParserConfig::default();
        config.allow_spaces_after_header_name_in_responses(true);
        config.allow_obsolete_multiline_headers_in_responses(true);
        config.ignore_invalid_headers_in_responses(true);
        let httparse::Status::Complete(taken) = config.parse_response(&mut response, bytes)? else {
            return Ok(None);
        };
        let headers = response
            .headers
            .iter()
            .map(|field| (field.name.to_owned(), String::from_utf8_lossy(field.value).trim().to_owned()));
        Ok(Some((response.code.unwrap_or(0), headers.collect(), taken)))
    }
}

/// What a body is once its content codings are taken off, and whether there was more. We ask for none; some send them anyway.
pub(crate) fn decoded(body: Vec<u8>, codings: &str) -> (Vec<u8>, bool) {
    let read = |reader: &mut dyn std::io::Read| {
        let mut out = Vec::new();
        // What was read before an error stands.
        let _ = reader.take(BODY as u64 + 1).read_to_end(&mut out);
        let cut = out.len() > BODY;
        out.truncate(BODY);
        (out, cut)
    };
    match codings.trim().to_ascii_lowercase().as_str() {
        "gzip" | "x-gzip" => read(&mut flate2::read::MultiGzDecoder::new(body.as_slice())),
        "deflate" => read(&mut flate2::read::ZlibDecoder::new(body.as_slice())),
        _ => (body, false),
    }
}

fn memchr_find(body: &[u8], text: &[u8]) -> bool {
    memchr::memmem::find(body, text).is_some()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn a_bomb_is_cut() {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        for _ in 0..64 {
            encoder.write_all(&vec![0; 1 << 20]).unwrap();
        }
        let packed = encoder.finish().unwrap();
        assert!(packed.len() < BODY);
        let (body, cut) = decoded(packed, "gzip");
        assert!(cut && body.len() == BODY);
    }

    #[test]
    fn sloppy_heads_are_read_and_nonsense_is_not() {
        let (status, headers, taken) =
            Answer::head(b"HTTP/1.1 200 OK\r\nA : b\r\nBad\x01Name: x\r\nC: d\r\n\r\nrest").unwrap().unwrap();
        assert_eq!((status, taken), (200, 45));
        assert!(headers.contains(&("C".to_owned(), "d".to_owned())), "{headers:?}");
        assert!(Answer::head(b"SSH-2.0-OpenSSH_9.2\r\n").is_err());
        assert_eq!(Answer::head(b"HTTP/1.1 200 OK\r\nA: b").unwrap(), None);
    }
}
