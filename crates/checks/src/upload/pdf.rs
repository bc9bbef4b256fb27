//! PDF (ISO 32000-2): it begins at its first byte, ends at its end, and runs nothing.

use std::io::Read as _;

use super::broken::Broken;
use super::content::{Content, WINDOW};

pub(super) fn pdf(content: &mut Content, passive: bool) -> Result<(), Broken> {
    let head = content.bytes(0, 8)?;
    if !matches!(head, [b'%', b'P', b'D', b'F', b'-', b'1' | b'2', b'.', b'0'..=b'9']) {
        return Err(Broken::Malformed);
    }
    let length = content.length();
    let start = length.saturating_sub(1024);
    let tail = content.up_to(start, 1024)?;
    let end = memchr::memmem::rfind(tail, b"%%EOF").ok_or(Broken::Polyglot)?;
    if !tail.get(end.saturating_add(5)..).unwrap_or_default().iter().all(u8::is_ascii_whitespace) {
        return Err(Broken::Polyglot);
    }
    if passive { self::passive(content) } else { Ok(()) }
}

/// No name of anything that runs, fetches or holds files, also in the packed parts that hold objects.
fn passive(content: &mut Content) -> Result<(), Broken> {
    let (mut at, length, mut objects) = (0_u64, content.length(), Vec::new());
    while at < length {
        let bytes = content.up_to(at, WINDOW)?;
        let is_last = at.saturating_add(bytes.len() as u64) == length;
        // Names that may be cut off are looked at with the next piece.
        let sure = if is_last { bytes.len() } else { bytes.len().saturating_sub(LONGEST_NAME) };
        let found = names(bytes, sure)?;
        objects.extend(found.into_iter().map(|found| at.saturating_add(found as u64)));
        if objects.len() > MOST_OBJECT_STREAMS {
            return Err(Broken::Malformed);
        }
        at = at.saturating_add(sure as u64);
    }
    let mut unpacked = 0_u64;
    for at in objects {
        let bytes = content.up_to(at, 4096)?;
        let Some(stream) = memchr::memmem::find(bytes, b"stream") else { return Err(Broken::Malformed) };
        let line = match bytes.get(stream.saturating_add(6)..).unwrap_or_default() {
            [b'\r', b'\n', ..] => 8,
            [b'\n' | b'\r', ..] => 7,
            _ => return Err(Broken::Malformed),
        };
        let start = at.saturating_add(stream as u64).saturating_add(line);
        let reader = content.reader(start, length);
        let mut objects = Vec::new();
        let left = MOST_OBJECT_BYTES.saturating_sub(unpacked);
        let read = flate2::read::ZlibDecoder::new(reader).take(left).read_to_end(&mut objects);
        unpacked = unpacked.saturating_add(objects.len() as u64);
        // What cannot be looked into is not known to be harmless.
        if read.is_err() || unpacked >= MOST_OBJECT_BYTES {
            return Err(Broken::Malformed);
        }
        names(&objects, objects.len())?;
    }
    Ok(())
}

/// Looks at the names that begin before `sure`; where the dictionaries of object streams are.
fn names(bytes: &[u8], sure: usize) -> Result<Vec<usize>, Broken> {
    let mut found = Vec::new();
    for at in memchr::memchr_iter(b'/', bytes.get(..sure).unwrap_or(bytes)) {
        let rest = bytes.get(at.saturating_add(1)..).unwrap_or_default();
        let Some(name) = name(rest) else { continue };
        if name == b"ObjStm" {
            found.push(at);
        } else if NEVER.contains(&name.as_slice()) {
            return Err(Broken::Active);
        }
    }
    Ok(found)
}

/// A name without its escapes (§7.3.5), if it is no longer than any that matters.
fn name(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut name = Vec::new();
    let mut rest = bytes.iter().take(LONGEST_NAME);
    while let Some(byte) = rest.next() {
        match byte {
            b'#' => {
                let (high, low) = (rest.next()?, rest.next()?);
                let digit =
                    |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                name.push(digit(high)?.wrapping_mul(16).wrapping_add(digit(low)?));
            }
            b'\0' | b'\t' | b'\n' | b'\x0c' | b'\r' | b' ' | b'(' | b')' | b'<' | b'>' | b'[' | b']'
            | b'{' | b'}' | b'/' | b'%' => return Some(name),
            byte if byte.is_ascii_graphic() => name.push(*byte),
            _ => return None,
        }
    }
    None
}

/// Alphabetical.
const NEVER: &[&[u8]] = &[
    b"EmbeddedFile",
    b"EmbeddedFiles",
    b"Encrypt",
    b"GoToE",
    b"GoToR",
    b"ImportData",
    b"JS",
    b"JavaScript",
    b"Launch",
    b"RichMedia",
    b"SubmitForm",
    b"XFA",
];

/// Bytes, with escapes.
const LONGEST_NAME: usize = 64;
const MOST_OBJECT_STREAMS: usize = 10_000;
const MOST_OBJECT_BYTES: u64 = 64 * 1024 * 1024;
