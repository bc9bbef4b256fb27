//! The path: judged once, forwarded as judged.

use super::Violation;

/// Rules 4 and 5. `None` when the path is in normal form already, otherwise the normal form.
pub fn judge_path(path: &str, encoded_slashes: bool) -> Result<Option<String>, Violation> {
    let bytes = path.as_bytes();
    let mut plain = true;
    let mut before = 0_u8;
    for &byte in bytes {
        match byte {
            b'%' => plain = false,
            b'\\' => return Err(Violation::Backslash),
            0..=0x20 | 0x7f => return Err(Violation::ControlCharacter),
            0x80.. | b'"' | b'<' | b'>' | b'`' | b'#' => return Err(Violation::NotText),
            b'.' if before == b'/' => plain = false,
            _ => {}
        }
        before = byte;
    }
    if plain {
        return Ok(None);
    }
    let normal = decode(bytes, encoded_slashes)?;
    if normal.split('/').any(is_dots) {
        return Err(Violation::DotSegment);
    }
    Ok((normal != path).then_some(normal))
}

/// The path as a reader sees it who drops `;parameters` and empty segments; `None` when there are none.
pub(super) fn reduced(path: &str) -> Option<String> {
    if !path.contains(';') && !path.contains("//") {
        return None;
    }
    let mut out = String::with_capacity(path.len());
    for segment in path.split('/') {
        let segment = segment.split(';').next().unwrap_or_default();
        if !segment.is_empty() {
            out.push('/');
            out.push_str(segment);
        }
    }
    if out.is_empty() || path.ends_with('/') {
        out.push('/');
    }
    Some(out)
}

fn decode(path: &[u8], encoded_slashes: bool) -> Result<String, Violation> {
    let mut normal = String::with_capacity(path.len());
    // Everything decoded, to see whether it is text.
    let mut decoded = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some((&byte, after)) = rest.split_first() {
        if byte != b'%' {
            normal.push(char::from(byte));
            decoded.push(byte);
            rest = after;
            continue;
        }
        let value = triplet(after).ok_or(Violation::BrokenTriplet)?;
        rest = after.get(2..).unwrap_or_default();
        decoded.push(value);
        match value {
            0..=0x1f | 0x7f => return Err(Violation::ControlCharacter),
            b'/' if !encoded_slashes => return Err(Violation::EncodedSlash),
            b'\\' => return Err(Violation::Backslash),
            _ if value.is_ascii_alphanumeric() || matches!(value, b'-' | b'.' | b'_' | b'~') => {
                normal.push(char::from(value));
            }
            _ => {
                normal.push('%');
                normal.push(digit(value >> 4));
                normal.push(digit(value & 15));
            }
        }
    }
    // Looked for in what is decoded, for the digits of the second triplet may be encoded too: `%25%32%65`.
    if is_encoded_again(&decoded) {
        return Err(Violation::DoubleEncoding);
    }
    if std::str::from_utf8(&decoded).is_err() { Err(Violation::NotText) } else { Ok(normal) }
}

/// Decoding once more would give what rule 4 refuses, or yet another triplet.
fn is_encoded_again(decoded: &[u8]) -> bool {
    let after = |at: usize| decoded.get(at.saturating_add(1)..).unwrap_or_default();
    memchr::memchr_iter(b'%', decoded)
        .any(|at| triplet(after(at)).is_some_and(|inner| matches!(inner, 0 | b'.' | b'/' | b'\\' | b'%')))
}

/// `.` or `..`, before any parameters, also where an encoded slash is let stand.
fn is_dots(segment: &str) -> bool {
    segment.split("%2F").any(|part| matches!(part.split(';').next().unwrap_or_default(), "." | ".."))
        || segment.split("%3B").next().is_some_and(|part| matches!(part, "." | ".."))
}

fn triplet(text: &[u8]) -> Option<u8> {
    let [high, low, ..] = text else { return None };
    let nibble = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    Some(nibble(*high)? << 4 | nibble(*low)?)
}

fn digit(nibble: u8) -> char {
    char::from(if nibble < 10 { b'0' + nibble } else { b'A' + nibble - 10 })
}
