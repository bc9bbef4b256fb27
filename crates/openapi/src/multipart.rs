//! `multipart/form-data` (RFC 7578), a whole body at once and one reading only.
//!
//! What readers disagree about is refused: text before the first or after the last boundary, line ends that
//! are not CRLF, repeated or folded fields, two names in one field, `filename*`, transfer encodings that change
//! bytes, parts that are multipart themselves, an end that is missing.

use std::fmt;

use memchr::memmem;

use crate::media_type::{MediaType, is_token};

/// One part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part<'a> {
    pub name: String,
    /// As the client named the file; never a path to use.
    pub file_name: Option<String>,
    pub media_type: Option<MediaType>,
    pub bytes: &'a [u8],
}

/// The rule a body breaks. Alphabetical.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    Boundary,
    Disposition,
    End,
    Field,
    Nested,
    Outside,
    Parts,
    TransferEncoding,
    Type,
}

impl fmt::Display for Broken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Boundary => "the media type names a boundary of 1 to 70 plain characters",
            Self::Disposition => "each part has one `Content-Disposition: form-data` with one name",
            Self::End => "the last boundary is followed by `--` and nothing else",
            Self::Field => "each part has few, short, well-formed and different header fields",
            Self::Nested => "no part is multipart itself",
            Self::Outside => "nothing stands before the first boundary",
            Self::Parts => "there are not too many parts",
            Self::TransferEncoding => "parts have no transfer encoding",
            Self::Type => "the media type of a part can be read",
        })
    }
}

/// Is this a boundary (RFC 2046 §5.1.1)?
#[must_use]
pub fn is_boundary(boundary: &str) -> bool {
    (1..=70).contains(&boundary.len())
        && !boundary.ends_with(' ')
        && boundary.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(&byte))
}

/// Splits a whole body into at most `most` parts.
///
/// # Errors
/// The first rule that is broken.
pub fn parse<'a>(body: &'a [u8], boundary: &str, most: usize) -> Result<Vec<Part<'a>>, Broken> {
    if !is_boundary(boundary) {
        return Err(Broken::Boundary);
    }
    let delimiter = format!("\r\n--{boundary}");
    let mut rest = body.strip_prefix(format!("--{boundary}").as_bytes()).ok_or(Broken::Outside)?;
    let mut parts = Vec::new();
    loop {
        if let Some(end) = rest.strip_prefix(b"--") {
            return if end.is_empty() || end == b"\r\n" { Ok(parts) } else { Err(Broken::End) };
        }
        let part = rest.strip_prefix(b"\r\n").ok_or(Broken::Boundary)?;
        if parts.len() >= most {
            return Err(Broken::Parts);
        }
        let end = memmem::find(part, delimiter.as_bytes()).ok_or(Broken::End)?;
        let (part, after) = part.split_at_checked(end).ok_or(Broken::End)?;
        rest = after.get(delimiter.len()..).ok_or(Broken::End)?;
        parts.push(read(part)?);
    }
}

fn read(part: &[u8]) -> Result<Part<'_>, Broken> {
    let end = memmem::find(part, b"\r\n\r\n").ok_or(Broken::Field)?;
    let (head, bytes) = part.split_at_checked(end).ok_or(Broken::Field)?;
    let bytes = bytes.get(4..).ok_or(Broken::Field)?;
    if head.len() > MOST_HEAD {
        return Err(Broken::Field);
    }
    let head = std::str::from_utf8(head).map_err(|_| Broken::Field)?;
    let mut seen: Vec<String> = Vec::new();
    let (mut disposition, mut media_type) = (None, None);
    for line in head.split("\r\n") {
        let (name, value) = line.split_once(':').ok_or(Broken::Field)?;
        let name = name.to_ascii_lowercase();
        let value = value.trim_matches([' ', '\t']);
        if !is_token(&name)
            || seen.contains(&name)
            || seen.len() >= MOST_FIELDS
            || value.bytes().any(|byte| byte < 0x20 && byte != b'\t' || byte == 0x7f)
        {
            return Err(Broken::Field);
        }
        match name.as_str() {
            "content-disposition" => disposition = Some(dispose(value)?),
            "content-type" => media_type = Some(MediaType::parse(value).ok_or(Broken::Type)?),
            "content-transfer-encoding"
                if !["7bit", "8bit", "binary"].iter().any(|plain| value.eq_ignore_ascii_case(plain)) =>
            {
                return Err(Broken::TransferEncoding);
            }
            _ => {}
        }
        seen.push(name);
    }
    let (name, file_name) = disposition.ok_or(Broken::Disposition)?;
    if media_type.as_ref().is_some_and(|kind: &MediaType| kind.essence.starts_with("multipart/")) {
        return Err(Broken::Nested);
    }
    Ok(Part { name, file_name, media_type, bytes })
}

/// The name of the field, and of the file.
fn dispose(value: &str) -> Result<(String, Option<String>), Broken> {
    let (kind, mut rest) = value.split_once(';').ok_or(Broken::Disposition)?;
    if !kind.trim_matches([' ', '\t']).eq_ignore_ascii_case("form-data") {
        return Err(Broken::Disposition);
    }
    let (mut name, mut file_name) = (None, None);
    loop {
        let (key, after) = rest.split_once('=').ok_or(Broken::Disposition)?;
        let key = key.trim_matches([' ', '\t']).to_ascii_lowercase();
        let (text, after) = quoted(after).ok_or(Broken::Disposition)?;
        let slot = match key.as_str() {
            "name" => &mut name,
            "filename" => &mut file_name,
            // RFC 7578 §4.2: `filename*` must not be used, and nothing else is defined.
            _ => return Err(Broken::Disposition),
        };
        if slot.replace(text).is_some() {
            return Err(Broken::Disposition);
        }
        match after.trim_matches([' ', '\t']) {
            "" => break,
            after => rest = after.strip_prefix(';').ok_or(Broken::Disposition)?,
        }
    }
    Ok((name.ok_or(Broken::Disposition)?, file_name))
}

/// As browsers write it: `"` is `%22`, and a backslash is a backslash to some and an escape to others.
fn quoted(text: &str) -> Option<(String, &str)> {
    let text = text.trim_start_matches([' ', '\t']);
    match text.strip_prefix('"') {
        Some(text) => {
            let (value, after) = text.split_once('"')?;
            (!value.contains('\\')).then(|| (value.to_owned(), after))
        }
        None => {
            let end = text.find([';', ' ', '\t']).unwrap_or(text.len());
            let (value, after) = text.split_at_checked(end)?;
            is_token(value).then(|| (value.to_owned(), after))
        }
    }
}

const MOST_FIELDS: usize = 8;
/// Bytes.
const MOST_HEAD: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parts(body: &str) -> Result<Vec<Part<'_>>, Broken> {
        parse(body.as_bytes(), "X", 4)
    }

    #[test]
    fn fields_and_files() {
        let body = "--X\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n2\r\n--X\r\n\
                    content-disposition: form-data; name=f; filename=\"a b.png\"\r\nContent-Type: image/png\r\n\r\n\
                    \r\n--X--\r\n";
        let read = parts(body).unwrap();
        assert_eq!(read.len(), 2);
        assert_eq!((read[0].name.as_str(), read[0].bytes), ("a", &b"1\r\n2"[..]));
        assert_eq!(read[1].file_name.as_deref(), Some("a b.png"));
        assert_eq!(read[1].bytes, b"");
        assert_eq!(parts("--X--").unwrap(), []);
    }

    #[test]
    fn what_readers_disagree_about_is_refused() {
        let field = "Content-Disposition: form-data; name=\"a\"";
        let rows = [
            ("".to_owned(), Broken::Outside),
            (format!("hello\r\n--X\r\n{field}\r\n\r\n1\r\n--X--"), Broken::Outside),
            (format!("--X\r\n{field}\r\n\r\n1"), Broken::End),
            (format!("--X\r\n{field}\r\n\r\n1\r\n--X--more"), Broken::End),
            (format!("--X\n{field}\n\n1\n--X--"), Broken::Boundary),
            (format!("--X\r\n{field}\r\n{field}\r\n\r\n1\r\n--X--"), Broken::Field),
            (format!("--X\r\n{field}\r\n folded\r\n\r\n1\r\n--X--"), Broken::Field),
            ("--X\r\nContent-Type: text/plain\r\n\r\n1\r\n--X--".to_owned(), Broken::Disposition),
            (format!("--X\r\n{field}; name=\"b\"\r\n\r\n1\r\n--X--"), Broken::Disposition),
            (format!("--X\r\n{field}; filename*=utf-8''a\r\n\r\n1\r\n--X--"), Broken::Disposition),
            (
                "--X\r\nContent-Disposition: form-data; name=\"a\\\"b\"\r\n\r\n1\r\n--X--".to_owned(),
                Broken::Disposition,
            ),
            (
                format!("--X\r\n{field}\r\nContent-Transfer-Encoding: base64\r\n\r\n1\r\n--X--"),
                Broken::TransferEncoding,
            ),
            (
                format!("--X\r\n{field}\r\nContent-Type: multipart/mixed; boundary=Y\r\n\r\n1\r\n--X--"),
                Broken::Nested,
            ),
            (format!("--X\r\n{field}\r\nContent-Type: nonsense\r\n\r\n1\r\n--X--"), Broken::Type),
            (format!("{}--X--", format!("--X\r\n{field}\r\n\r\n1\r\n").repeat(5)), Broken::Parts),
        ];
        for (body, broken) in rows {
            assert_eq!(parts(&body), Err(broken), "{body}");
        }
        for boundary in ["", " ", "a\"b", &"x".repeat(71)] {
            assert_eq!(parse(b"--X--", boundary, 4), Err(Broken::Boundary), "{boundary}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_in_parts_comes_out_again(values in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..5)) {
            let mut body = Vec::new();
            for (index, value) in values.iter().enumerate() {
                body.extend_from_slice(format!("--bound\r\nContent-Disposition: form-data; name=\"f{index}\"\r\n\r\n").as_bytes());
                body.extend_from_slice(value);
                body.extend_from_slice(b"\r\n");
            }
            body.extend_from_slice(b"--bound--\r\n");
            let read = parse(&body, "bound", 9).unwrap();
            let bytes: Vec<_> = read.iter().map(|part| part.bytes.to_vec()).collect();
            prop_assert_eq!(bytes, values);
        }

        #[test]
        fn never_panics(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut with = b"--X\r\n".to_vec();
            with.extend_from_slice(&body);
            let _ = parse(&with, "X", 4);
        }
    }
}
