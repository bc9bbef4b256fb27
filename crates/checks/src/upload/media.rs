//! Sound, film and pictures in boxes: walked over their outer parts, which must fill the file.
//!
//! ISO base media files: ISO/IEC 14496-12 §4.2. RIFF: as for WAV and AVI. Ogg: RFC 3533. Matroska: RFC 9559, EBML: RFC 8794.

use super::broken::Broken;
use super::content::{Content, WINDOW};

/// Walks the boxes; answers what its pictures say of their sizes.
pub(super) fn boxes(content: &mut Content, needs: &[u8; 4]) -> Result<Vec<(u32, u32)>, Broken> {
    let (mut at, length, mut found, mut sizes) = (0_u64, content.length(), false, Vec::new());
    for _ in 0..MOST_BOXES {
        if at == length {
            return if found { Ok(sizes) } else { Err(Broken::Malformed) };
        }
        let [s0, s1, s2, s3, name @ ..] = content.array::<8>(at)?;
        let size = match u32::from_be_bytes([s0, s1, s2, s3]) {
            0 => length.saturating_sub(at),
            1 => u64::from_be_bytes(content.array(at.saturating_add(8))?),
            size => size.into(),
        };
        let end = at.checked_add(size).filter(|end| size >= 8 && *end <= length);
        // What does not go on as a box was put there by somebody else.
        let sound = name.iter().all(|byte| (b' '..=b'~').contains(byte) || *byte == 0xa9);
        let Some(end) = end.filter(|_| sound) else { return Err(Broken::Polyglot) };
        if &name == needs {
            found = true;
            if needs == b"meta" {
                picture_sizes(content, at, size, &mut sizes)?;
            }
        }
        at = end;
    }
    Err(Broken::Malformed)
}

/// `ispe` boxes (ISO/IEC 23008-12 §6.5.3).
fn picture_sizes(
    content: &mut Content,
    at: u64,
    size: u64,
    sizes: &mut Vec<(u32, u32)>,
) -> Result<(), Broken> {
    let most = usize::try_from(size).unwrap_or(usize::MAX);
    if most > WINDOW {
        return Err(Broken::Malformed);
    }
    let bytes = content.bytes(at, most)?;
    for found in memchr::memmem::find_iter(bytes, b"ispe") {
        let numbers = bytes.get(found.saturating_add(8)..found.saturating_add(16));
        if let Some(&[w0, w1, w2, w3, h0, h1, h2, h3]) = numbers {
            sizes.push((u32::from_be_bytes([w0, w1, w2, w3]), u32::from_be_bytes([h0, h1, h2, h3])));
        }
    }
    if sizes.is_empty() { Err(Broken::Malformed) } else { Ok(()) }
}

/// RIFF chunks one after the other, the first of them this file's.
pub(super) fn riff(content: &mut Content) -> Result<(), Broken> {
    let (mut at, length) = (0_u64, content.length());
    while at < length {
        let [name @ .., s0, s1, s2, s3] = content.array::<8>(at)?;
        if &name != b"RIFF" {
            return Err(Broken::Polyglot);
        }
        let size = u64::from(u32::from_le_bytes([s0, s1, s2, s3]));
        at = at.saturating_add(size).saturating_add(8);
        // The byte that makes it even is left out by some.
        if at < length && at % 2 == 1 {
            at = at.saturating_add(1);
        }
    }
    if at == length { Ok(()) } else { Err(Broken::Malformed) }
}

/// Pages one after the other.
pub(super) fn ogg(content: &mut Content) -> Result<(), Broken> {
    let (mut at, length) = (0_u64, content.length());
    while at < length {
        let head = content.array::<27>(at)?;
        if !head.starts_with(b"OggS\0") {
            return Err(Broken::Polyglot);
        }
        let segments = usize::from(*head.last().unwrap_or(&0));
        let body: u64 =
            content.bytes(at.saturating_add(27), segments)?.iter().map(|length| u64::from(*length)).sum();
        at = at.saturating_add(27).saturating_add(segments as u64).saturating_add(body);
    }
    if at == length { Ok(()) } else { Err(Broken::Malformed) }
}

/// A header and one segment, to the end where it says where that is.
pub(super) fn matroska(content: &mut Content) -> Result<(), Broken> {
    let length = content.length();
    let (size, width) = number(content, 4)?;
    let segment = 4_u64.saturating_add(width).saturating_add(size.ok_or(Broken::Malformed)?);
    if content.array::<4>(segment)? != [0x18, 0x53, 0x80, 0x67] {
        return Err(Broken::Malformed);
    }
    let (size, width) = number(content, segment.saturating_add(4))?;
    let start = segment.saturating_add(4).saturating_add(width);
    match size {
        None => Ok(()),
        Some(size) if start.saturating_add(size) == length => Ok(()),
        Some(size) if start.saturating_add(size) < length => Err(Broken::Polyglot),
        Some(_) => Err(Broken::Malformed),
    }
}

/// A size and how many bytes it takes; `None`: until the end.
fn number(content: &mut Content, at: u64) -> Result<(Option<u64>, u64), Broken> {
    let [first] = content.array::<1>(at)?;
    let width = first.leading_zeros().saturating_add(1);
    if width > 8 {
        return Err(Broken::Malformed);
    }
    let bytes = content.bytes(at, width as usize)?;
    let all = bytes.iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    let mask = (1_u64 << (7 * width)).wrapping_sub(1);
    let size = all & mask;
    Ok(((size != mask).then_some(size), width.into()))
}

const MOST_BOXES: usize = 10_000;
