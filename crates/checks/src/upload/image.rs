//! Pictures, walked from their first byte to their last: how large they unpack, where they end, and what in
//! them is not the picture.
//!
//! JPEG: ITU-T T.81 annex B. PNG: W3C PNG (third edition) §5. GIF: GIF89a. WebP: RFC 9649. BMP: as Windows writes it.

use bytes::Bytes;

use super::broken::Broken;
use super::content::{Content, Piece};

/// Bounds and wishes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ImageRules {
    /// Width times height, over all frames together no more than ten times that.
    pub(crate) max_pixels: u64,
    pub(crate) max_frames: u64,
    /// Leave out what is not the picture.
    pub(crate) strip: bool,
}

/// What stays of a picture.
#[derive(Debug, Default)]
struct Kept {
    pieces: Vec<Piece>,
}

impl Kept {
    fn keep(&mut self, at: u64, length: u64) {
        if let Some(Piece::Keep { at: last, length: so_far }) = self.pieces.last_mut()
            && last.saturating_add(*so_far) == at
        {
            *so_far = so_far.saturating_add(length);
            return;
        }
        self.pieces.push(Piece::Keep { at, length });
    }

    fn put(&mut self, bytes: impl Into<Bytes>) {
        self.pieces.push(Piece::New(bytes.into()));
    }

    fn length(&self) -> u64 {
        self.pieces.iter().fold(0, |sum, piece| {
            sum.saturating_add(match piece {
                Piece::Keep { length, .. } => *length,
                Piece::New(bytes) => bytes.len() as u64,
            })
        })
    }
}

impl ImageRules {
    fn size(&self, width: u64, height: u64) -> Result<u64, Broken> {
        if width == 0 || height == 0 {
            return Err(Broken::Malformed);
        }
        let pixels = width.saturating_mul(height);
        if pixels > self.max_pixels || width.max(height) > LONGEST_SIDE {
            return Err(Broken::ImageTooLarge);
        }
        Ok(pixels)
    }

    fn frames(&self, frames: u64, pixels: u64) -> Result<(), Broken> {
        let all = frames.saturating_mul(pixels);
        if frames > self.max_frames || all > self.max_pixels.saturating_mul(10) {
            return Err(Broken::ImageTooLarge);
        }
        Ok(())
    }

    /// JPEG. What follows its end (phones put second pictures there) is left out or refused.
    pub(crate) fn jpeg(&self, content: &mut Content) -> Result<Vec<Piece>, Broken> {
        let (mut at, mut kept, mut framed, mut scanned) = (2_u64, Kept::default(), false, false);
        kept.keep(0, 2);
        loop {
            let [sign, mut code] = content.array::<2>(at)?;
            if sign != 0xff {
                return Err(Broken::Malformed);
            }
            while code == 0xff {
                at = at.saturating_add(1);
                code = content.array::<2>(at)?[1];
            }
            match code {
                0xd9 if framed && scanned => break,
                0x00..=0xbf | 0xc8 | 0xd0..=0xd9 | 0xf0..=0xfd => return Err(Broken::Malformed),
                _ => {}
            }
            let body = at.saturating_add(2);
            let length = u64::from(u16::from_be_bytes(content.array(body)?));
            if length < 2 {
                return Err(Broken::Malformed);
            }
            let next = body.saturating_add(length);
            let whole = length.saturating_add(2);
            match code {
                0xc0..=0xcf if !matches!(code, 0xc4 | 0xcc) => {
                    if framed {
                        return Err(Broken::Malformed);
                    }
                    framed = true;
                    let [h0, h1, w0, w1] = content.array(body.saturating_add(3))?;
                    let (height, width) = (u16::from_be_bytes([h0, h1]), u16::from_be_bytes([w0, w1]));
                    self.size(width.into(), height.into())?;
                    kept.keep(at, whole);
                }
                0xe0..=0xef | 0xfe if self.strip => {
                    self.jpeg_metadata(content, code, at, whole, &mut kept)?
                }
                _ => kept.keep(at, whole),
            }
            at = next;
            if code == 0xda {
                if !framed {
                    return Err(Broken::Malformed);
                }
                scanned = true;
                at = scan_end(content, next)?;
                kept.keep(next, at.saturating_sub(next));
            }
        }
        kept.keep(at, 2);
        let end = at.saturating_add(2);
        if end < content.length() && !self.strip {
            return Err(Broken::Polyglot);
        }
        Ok(kept.pieces)
    }

    fn jpeg_metadata(
        &self,
        content: &mut Content,
        code: u8,
        at: u64,
        whole: u64,
        kept: &mut Kept,
    ) -> Result<(), Broken> {
        let body =
            content.up_to(at.saturating_add(4), usize::try_from(whole.saturating_sub(4)).unwrap_or(0))?;
        match code {
            0xe0 if body.starts_with(b"JFIF\0") => {
                let density = body.get(5..12).ok_or(Broken::Malformed)?;
                // Without the small picture inside.
                let segment = [b"\xff\xe0\0\x10JFIF\0".as_slice(), density, b"\0\0"].concat();
                kept.put(segment);
            }
            0xe1 if body.starts_with(b"Exif\0\0") => {
                if let Some(turned @ 2..=8) = orientation(body.get(6..).unwrap_or_default()) {
                    let tiff = b"MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0";
                    kept.put(
                        [b"\xff\xe1\0\x22Exif\0\0".as_slice(), tiff, &[turned, 0, 0, 0, 0, 0, 0]].concat(),
                    );
                }
            }
            0xe2 if body.starts_with(b"ICC_PROFILE\0") => kept.keep(at, whole),
            0xee if body.starts_with(b"Adobe") => kept.keep(at, whole),
            _ => {}
        }
        Ok(())
    }

    /// PNG, its sums verified.
    pub(crate) fn png(&self, content: &mut Content) -> Result<Vec<Piece>, Broken> {
        let (mut at, mut kept, mut pixels, mut data) = (8_u64, Kept::default(), 0, false);
        kept.keep(0, 8);
        loop {
            let [l0, l1, l2, l3, name @ ..] = content.array::<8>(at)?;
            let length = u64::from(u32::from_be_bytes([l0, l1, l2, l3]));
            let (body, whole) = (at.saturating_add(8), length.saturating_add(12));
            if !name.iter().all(u8::is_ascii_alphabetic) || (at == 8) != (&name == b"IHDR") {
                return Err(Broken::Malformed);
            }
            sum(content, at.saturating_add(4), length.saturating_add(4))?;
            match &name {
                b"IHDR" => {
                    let [w0, w1, w2, w3, h0, h1, h2, h3] = content.array(body)?;
                    let (width, height) =
                        (u32::from_be_bytes([w0, w1, w2, w3]), u32::from_be_bytes([h0, h1, h2, h3]));
                    pixels = self.size(width.into(), height.into())?;
                }
                b"IEND" if length == 0 && data => {
                    kept.keep(at, whole);
                    let end = at.saturating_add(whole);
                    return if end == content.length() { Ok(kept.pieces) } else { Err(Broken::Polyglot) };
                }
                b"IEND" => return Err(Broken::Malformed),
                b"IDAT" => data = true,
                b"PLTE" => {}
                b"acTL" => self.frames(u32::from_be_bytes(content.array(body)?).into(), pixels)?,
                b"iCCP" => profile(content, body, length)?,
                // Nobody may decode what has a critical part nobody knows.
                [b'A'..=b'Z', ..] => return Err(Broken::Malformed),
                _ => {}
            }
            let ancillary = name.first().is_some_and(u8::is_ascii_lowercase);
            if !(ancillary && self.strip) || PNG_KEPT.contains(&&name) {
                kept.keep(at, whole);
            }
            at = at.saturating_add(whole);
        }
    }

    /// GIF.
    pub(crate) fn gif(&self, content: &mut Content) -> Result<Vec<Piece>, Broken> {
        let [w0, w1, h0, h1, flags, _, _] = content.array::<7>(6)?;
        let pixels = self.size(u16::from_le_bytes([w0, w1]).into(), u16::from_le_bytes([h0, h1]).into())?;
        let (mut at, mut frames, mut kept) = (13_u64.saturating_add(colours(flags)), 0_u64, Kept::default());
        kept.keep(0, at);
        loop {
            let start = at;
            match content.array::<1>(at)? {
                [0x3b] => {
                    kept.keep(at, 1);
                    let end = at.saturating_add(1);
                    let is_end = end == content.length() && frames > 0;
                    return if is_end { Ok(kept.pieces) } else { Err(Broken::Polyglot) };
                }
                [0x2c] => {
                    frames = frames.saturating_add(1);
                    self.frames(frames, pixels)?;
                    let [w0, w1, h0, h1, flags] = content.array::<5>(at.saturating_add(5))?;
                    self.size(u16::from_le_bytes([w0, w1]).into(), u16::from_le_bytes([h0, h1]).into())?;
                    at = at.saturating_add(11).saturating_add(colours(flags));
                    at = sub_blocks(content, at)?;
                    kept.keep(start, at.saturating_sub(start));
                }
                [0x21] => {
                    let [_, label] = content.array::<2>(at)?;
                    let name = content.up_to(at.saturating_add(3), 11)?.to_vec();
                    at = sub_blocks(content, at.saturating_add(2))?;
                    let is_picture = match label {
                        0xf9 | 0x01 => true,
                        0xff => GIF_KEPT.contains(&name.as_slice()),
                        _ => false,
                    };
                    if is_picture || !self.strip {
                        kept.keep(start, at.saturating_sub(start));
                    }
                }
                _ => return Err(Broken::Malformed),
            }
        }
    }

    /// WebP.
    pub(crate) fn webp(&self, content: &mut Content) -> Result<Vec<Piece>, Broken> {
        let total = u64::from(u32::from_le_bytes(content.array(4)?)).saturating_add(8);
        if total != content.length() {
            return Err(if total < content.length() { Broken::Polyglot } else { Broken::Malformed });
        }
        let (mut at, mut pixels, mut frames, mut kept) = (12_u64, None, 0_u64, Kept::default());
        while at < total {
            let [name @ .., l0, l1, l2, l3] = content.array::<8>(at)?;
            let length = u64::from(u32::from_le_bytes([l0, l1, l2, l3]));
            let (body, whole) = (at.saturating_add(8), length.saturating_add(8).next_multiple_of(2));
            if pixels.is_none() != matches!(&name, b"VP8X" | b"VP8 " | b"VP8L") && pixels.is_none() {
                return Err(Broken::Malformed);
            }
            let mut keep = true;
            match &name {
                b"VP8X" => {
                    let [flags, _, _, _, w0, w1, w2, h0, h1, h2] = content.array::<10>(body)?;
                    let side = |low, middle, high| u64::from(u32::from_le_bytes([low, middle, high, 0])) + 1;
                    pixels = Some(self.size(side(w0, w1, w2), side(h0, h1, h2))?);
                    if self.strip {
                        // Neither Exif nor XMP follows.
                        kept.keep(at, 8);
                        kept.put(vec![flags & !0x0c]);
                        kept.keep(body.saturating_add(1), whole.saturating_sub(9));
                        keep = false;
                    }
                }
                b"VP8 " => {
                    let [s0, s1, s2, w0, w1, h0, h1] = content.array::<7>(body.saturating_add(3))?;
                    if [s0, s1, s2] != [0x9d, 0x01, 0x2a] {
                        return Err(Broken::Malformed);
                    }
                    let side = |low, high| u64::from(u16::from_le_bytes([low, high]) & 0x3fff);
                    pixels = Some(self.size(side(w0, w1), side(h0, h1))?.max(pixels.unwrap_or(0)));
                }
                b"VP8L" => {
                    let [sign, b0, b1, b2, b3] = content.array::<5>(body)?;
                    let bits = u64::from(u32::from_le_bytes([b0, b1, b2, b3]));
                    if sign != 0x2f {
                        return Err(Broken::Malformed);
                    }
                    let own = self.size((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1)?;
                    pixels = Some(own.max(pixels.unwrap_or(0)));
                }
                b"ANMF" => {
                    frames = frames.saturating_add(1);
                    self.frames(frames, pixels.unwrap_or(0))?;
                }
                b"ALPH" | b"ANIM" | b"ICCP" => {}
                _ => keep = !self.strip,
            }
            if keep {
                kept.keep(at, whole);
            }
            at = at.saturating_add(whole);
        }
        if at != total || pixels.is_none() {
            return Err(Broken::Malformed);
        }
        let size = u32::try_from(kept.length().saturating_add(4)).map_err(|_| Broken::Malformed)?;
        let head = [b"RIFF".as_slice(), &size.to_le_bytes(), b"WEBP"].concat();
        kept.pieces.insert(0, Piece::New(head.into()));
        Ok(kept.pieces)
    }

    /// BMP.
    pub(crate) fn bmp(&self, content: &mut Content) -> Result<Vec<Piece>, Broken> {
        let [l0, l1, l2, l3, _, _, _, _, o0, o1, o2, o3] = content.array::<12>(2)?;
        let (length, offset) = (u32::from_le_bytes([l0, l1, l2, l3]), u32::from_le_bytes([o0, o1, o2, o3]));
        if u64::from(length) != content.length() {
            return Err(Broken::Polyglot);
        }
        let [h0, h1, h2, h3, w0, w1, w2, w3, t0, t1, t2, t3] = content.array::<12>(14)?;
        let header = u32::from_le_bytes([h0, h1, h2, h3]);
        if !(40..=124).contains(&header) || offset < header.saturating_add(14) || offset >= length {
            return Err(Broken::Malformed);
        }
        let side = |bytes| u64::from(i32::from_le_bytes(bytes).unsigned_abs());
        self.size(side([w0, w1, w2, w3]), side([t0, t1, t2, t3]))?;
        Ok(vec![Piece::Keep { at: 0, length: content.length() }])
    }

    /// Sizes in the boxes of AVIF and HEIC, which [`super::media::boxes`] has walked.
    pub(crate) fn boxed(&self, width: u32, height: u32) -> Result<(), Broken> {
        self.size(width.into(), height.into()).map(drop)
    }
}

/// Where the marker after entropy-coded data stands.
fn scan_end(content: &mut Content, from: u64) -> Result<u64, Broken> {
    let mut at = from;
    loop {
        let bytes = content.up_to(at, super::content::WINDOW)?;
        if bytes.len() < 2 {
            return Err(Broken::Malformed);
        }
        let found = memchr::memchr_iter(0xff, bytes.get(..bytes.len().saturating_sub(1)).unwrap_or_default())
            .find(|found| {
                !matches!(bytes.get(found.saturating_add(1)), Some(0x00 | 0xd0..=0xd7 | 0xff) | None)
            });
        match found {
            Some(found) => return Ok(at.saturating_add(found as u64)),
            None => at = at.saturating_add(bytes.len().saturating_sub(1) as u64),
        }
    }
}

/// The tag `Orientation` (0x0112) of the first directory (TIFF 6.0 §2).
fn orientation(tiff: &[u8]) -> Option<u8> {
    let big = match tiff.get(..4)? {
        b"MM\0\x2a" => true,
        b"II\x2a\0" => false,
        _ => return None,
    };
    let short = |at: usize| {
        let bytes = [*tiff.get(at)?, *tiff.get(at.checked_add(1)?)?];
        Some(if big { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    };
    let bytes: [u8; 4] = tiff.get(4..8)?.try_into().ok()?;
    let start = if big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) };
    let start = usize::try_from(start).ok()?;
    let count = usize::from(short(start)?).min(200);
    (0..count).find_map(|index| {
        let entry = start.checked_add(2)?.checked_add(index.checked_mul(12)?)?;
        (short(entry)? == 0x0112)
            .then(|| short(entry.checked_add(8)?))?
            .and_then(|value| u8::try_from(value).ok())
    })
}

/// Verifies the sum that follows these bytes.
fn sum(content: &mut Content, from: u64, length: u64) -> Result<(), Broken> {
    let mut sum = flate2::Crc::new();
    let (mut at, end) = (from, from.saturating_add(length));
    while at < end {
        let most = usize::try_from(end.saturating_sub(at)).unwrap_or(usize::MAX);
        let bytes = content.up_to(at, most)?;
        if bytes.is_empty() {
            return Err(Broken::Malformed);
        }
        sum.update(bytes);
        at = at.saturating_add(bytes.len() as u64);
    }
    let stated = u32::from_be_bytes(content.array(end)?);
    if sum.sum() == stated { Ok(()) } else { Err(Broken::Malformed) }
}

/// A colour profile is small, also unpacked.
fn profile(content: &mut Content, body: u64, length: u64) -> Result<(), Broken> {
    use std::io::Read as _;
    let head = content.up_to(body, 82)?;
    let name = memchr::memchr(0, head).ok_or(Broken::Malformed)? as u64;
    let start = body.saturating_add(name).saturating_add(2);
    let reader = content.reader(start, body.saturating_add(length));
    let mut unpacked = flate2::read::ZlibDecoder::new(reader).take(LARGEST_PROFILE);
    let bytes = std::io::copy(&mut unpacked, &mut std::io::sink()).map_err(|_| Broken::Malformed)?;
    if bytes < LARGEST_PROFILE { Ok(()) } else { Err(Broken::ImageTooLarge) }
}

/// Bytes of a GIF's colour table.
fn colours(flags: u8) -> u64 {
    if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) }
}

/// Behind the sub-blocks of a GIF.
fn sub_blocks(content: &mut Content, from: u64) -> Result<u64, Broken> {
    let mut at = from;
    loop {
        let [length] = content.array::<1>(at)?;
        at = at.saturating_add(1).saturating_add(length.into());
        if length == 0 {
            return Ok(at);
        }
    }
}

/// Points along one side.
const LONGEST_SIDE: u64 = 32_768;
/// Bytes.
const LARGEST_PROFILE: u64 = 4 * 1024 * 1024;
/// Parts without which the picture would look otherwise.
const PNG_KEPT: [&[u8; 4]; 13] = [
    b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"cICP", b"sBIT", b"bKGD", b"pHYs", b"acTL", b"fcTL",
    b"fdAT", b"sPLT",
];
const GIF_KEPT: [&[u8]; 3] = [b"NETSCAPE2.0", b"ANIMEXTS1.0", b"ICCRGBG1012"];
