//! What in film, sound and boxed pictures is not the film, the sound or the picture, blanked in its place: places,
//! cameras, names and comments. Nothing moves, so that no offset inside has to be told anew.
//!
//! Film: ISO/IEC 14496-12 §8.10 (`udta`), §8.11 (`meta`), §8.1.2 (`free`), and `uuid`, where XMP stands; QuickTime File
//! Format, "Metadata". AVIF and HEIC: items of Exif and XMP (ISO/IEC 23008-12 annex A), found by `iinf` and `iloc`
//! (14496-12 §8.11.3, §8.11.6). MP3: ID3v2.4 §3.1 and ID3v1. FLAC: RFC 9639 §8. WAV: RIFF `LIST` of `INFO`, `id3 `, `bext`.

use bytes::Bytes;

use super::broken::Broken;
use super::content::{Content, Piece, WINDOW};
use super::sniff;

/// A range of a file that goes on as something of the same length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Edit {
    at: u64,
    length: u64,
    /// What stands there then; otherwise zeros.
    new: Option<&'static [u8]>,
}

#[derive(Debug, Default)]
struct Edits(Vec<Edit>);

impl Edits {
    fn put(&mut self, at: u64, new: &'static [u8]) {
        self.0.push(Edit { at, length: new.len() as u64, new: Some(new) });
    }

    fn blank(&mut self, at: u64, length: u64) {
        if length > 0 {
            self.0.push(Edit { at, length, new: None });
        }
    }

    /// The file with its edits; two about one byte are nobody's.
    fn pieces(mut self, length: u64) -> Result<Vec<Piece>, Broken> {
        self.0.sort_unstable();
        let (mut at, mut pieces) = (0_u64, Vec::new());
        for edit in self.0 {
            let kept = edit.at.checked_sub(at).ok_or(Broken::Malformed)?;
            let end = edit.at.checked_add(edit.length).filter(|end| *end <= length);
            let end = end.ok_or(Broken::Malformed)?;
            if kept > 0 {
                pieces.push(Piece::Keep { at, length: kept });
            }
            match edit.new {
                Some(new) => pieces.push(Piece::New(Bytes::from_static(new))),
                None => zeros(edit.length, &mut pieces),
            }
            at = end;
        }
        if at < length {
            pieces.push(Piece::Keep { at, length: length.saturating_sub(at) });
        }
        Ok(pieces)
    }
}

fn zeros(length: u64, pieces: &mut Vec<Piece>) {
    let mut left = length;
    while left > 0 {
        let now = usize::try_from(left).unwrap_or(usize::MAX).min(ZEROS.len());
        pieces.push(Piece::New(Bytes::from_static(ZEROS.get(..now).unwrap_or_default())));
        left = left.saturating_sub(now as u64);
    }
}

/// A box: its name, where its content begins and where it ends.
struct Boxed {
    name: [u8; 4],
    at: u64,
    body: u64,
    end: u64,
}

impl Boxed {
    fn read(content: &mut Content, at: u64, end: u64) -> Result<Self, Broken> {
        let [s0, s1, s2, s3, name @ ..] = content.array::<8>(at)?;
        let (size, head) = match u32::from_be_bytes([s0, s1, s2, s3]) {
            0 => (end.saturating_sub(at), 8),
            1 => (u64::from_be_bytes(content.array(at.saturating_add(8))?), 16),
            size => (size.into(), 8),
        };
        let own = at.checked_add(size).filter(|own| *own <= end && size >= head);
        Ok(Self { name, at, body: at.saturating_add(head), end: own.ok_or(Broken::Malformed)? })
    }

    /// Leaves the box where it is, empty.
    fn free(&self, edits: &mut Edits) {
        edits.put(self.at.saturating_add(4), b"free");
        edits.blank(self.body, self.end.saturating_sub(self.body));
    }
}

/// The boxes between two places.
fn children(content: &mut Content, from: u64, end: u64) -> Result<Vec<Boxed>, Broken> {
    let (mut at, mut found) = (from, Vec::new());
    // QuickTime ends some lists with four zeros.
    while at.saturating_add(8) <= end {
        let one = Boxed::read(content, at, end)?;
        at = one.end;
        found.push(one);
        if found.len() > MOST_BOXES {
            return Err(Broken::Malformed);
        }
    }
    Ok(found)
}

/// MP4, M4A and QuickTime.
pub(super) fn film(content: &mut Content) -> Result<Vec<Piece>, Broken> {
    let (length, mut edits) = (content.length(), Edits::default());
    for one in children(content, 0, length)? {
        match &one.name {
            name if SPOKEN_OF.contains(&name) => one.free(&mut edits),
            b"moov" => movie(content, &one, &mut edits)?,
            _ => {}
        }
    }
    edits.pieces(length)
}

/// What a film says of itself, and its tracks.
fn movie(content: &mut Content, movie: &Boxed, edits: &mut Edits) -> Result<(), Broken> {
    for inner in children(content, movie.body, movie.end)? {
        match &inner.name {
            name if SPOKEN_OF.contains(&name) => inner.free(edits),
            b"trak" => track(content, &inner, edits)?,
            _ => {}
        }
    }
    Ok(())
}

/// A track; one of places and movements instead of pictures and sound goes as a whole.
fn track(content: &mut Content, track: &Boxed, edits: &mut Edits) -> Result<(), Broken> {
    let inside = children(content, track.body, track.end)?;
    for media in inside.iter().filter(|one| &one.name == b"mdia") {
        for handler in children(content, media.body, media.end)?.iter().filter(|one| &one.name == b"hdlr") {
            if &content.array::<4>(handler.body.saturating_add(8))? == b"meta" {
                track.free(edits);
                return Ok(());
            }
        }
    }
    inside.iter().filter(|one| SPOKEN_OF.contains(&&one.name)).for_each(|one| one.free(edits));
    Ok(())
}

/// AVIF and HEIC.
pub(super) fn picture(content: &mut Content) -> Result<Vec<Piece>, Broken> {
    let (length, mut edits) = (content.length(), Edits::default());
    for one in children(content, 0, length)? {
        match &one.name {
            b"uuid" | b"udta" => one.free(&mut edits),
            // A sequence of pictures is a film.
            b"moov" => movie(content, &one, &mut edits)?,
            b"meta" => items(content, &one, &mut edits)?,
            _ => {}
        }
    }
    edits.pieces(length)
}

fn items(content: &mut Content, meta: &Boxed, edits: &mut Edits) -> Result<(), Broken> {
    let inside = children(content, meta.body.saturating_add(4), meta.end)?;
    let of = |name: &[u8; 4]| inside.iter().find(|one| &one.name == name);
    let mut read = |one: &Boxed| {
        let length = usize::try_from(one.end.saturating_sub(one.body)).unwrap_or(usize::MAX);
        content.bytes(one.body, length.min(WINDOW + 1)).map(<[u8]>::to_vec)
    };
    let Some(infos) = of(b"iinf") else { return Ok(()) };
    let spoken_of = spoken_of(&read(infos)?)?;
    if spoken_of.is_empty() {
        return Ok(());
    }
    let places = read(of(b"iloc").ok_or(Broken::Malformed)?)?;
    let data = of(b"idat").map(|one| (one.body, one.end));
    let whole = content.length();
    for (method, at, length) in extents(&places, &spoken_of)? {
        let (start, end) = match method {
            0 => (0, whole),
            1 => data.ok_or(Broken::Malformed)?,
            _ => return Err(Broken::Malformed),
        };
        let at = start.checked_add(at).ok_or(Broken::Malformed)?;
        if length == 0 || at.checked_add(length).is_none_or(|last| last > end) {
            return Err(Broken::Malformed);
        }
        edits.blank(at, length);
    }
    Ok(())
}

/// The items that hold Exif or XMP, from `iinf`.
fn spoken_of(infos: &[u8]) -> Result<Vec<u64>, Broken> {
    let mut read = Numbers(infos);
    let version = read.next(1)?;
    read.next(3)?;
    let count = read.next(if version == 0 { 2 } else { 4 })?;
    let mut found = Vec::new();
    for _ in 0..count {
        let size = usize::try_from(read.next(4)?).map_err(|_| Broken::Malformed)?;
        let body = read.take(size.checked_sub(4).ok_or(Broken::Malformed)?)?;
        let mut entry = Numbers(body.strip_prefix(b"infe").ok_or(Broken::Malformed)?);
        let version = entry.next(1)?;
        entry.next(3)?;
        let id = match version {
            2 => entry.next(2)?,
            3 => entry.next(4)?,
            _ => return Err(Broken::Malformed),
        };
        entry.next(2)?;
        if matches!(entry.take(4)?, b"Exif" | b"mime") {
            found.push(id);
        }
    }
    Ok(found)
}

/// How an item's extents are to be read, where they begin, and how long they are.
type Extent = (u64, u64, u64);

/// Where those items stand, from `iloc`.
fn extents(places: &[u8], wanted: &[u64]) -> Result<Vec<Extent>, Broken> {
    let mut read = Numbers(places);
    let version = read.next(1)?;
    read.next(3)?;
    let sizes = read.next(2)?;
    let size = |shift: u32| usize::try_from(sizes >> shift & 0xf).unwrap_or(usize::MAX);
    let (offset, length, base, index) = (size(12), size(8), size(4), size(0));
    let index = if version == 0 { 0 } else { index };
    if version > 2 || [offset, length, base, index].iter().any(|size| !matches!(size, 0 | 4 | 8)) {
        return Err(Broken::Malformed);
    }
    let wide = if version < 2 { 2 } else { 4 };
    let (count, mut found) = (read.next(wide)?, Vec::new());
    for _ in 0..count {
        let id = read.next(wide)?;
        let method = if version == 0 { 0 } else { read.next(2)? & 0xf };
        let is_here = read.next(2)? == 0;
        let start = read.next(base)?;
        for _ in 0..read.next(2)? {
            read.next(index)?;
            let (at, length) = (read.next(offset)?, read.next(length)?);
            if wanted.contains(&id) {
                let at = start.checked_add(at).filter(|_| is_here).ok_or(Broken::Malformed)?;
                found.push((method, at, length));
            }
        }
    }
    Ok(found)
}

/// MP3: without the tags before the sound and the one behind it. What is left begins with sound: anything else that stands behind
/// a tag was not looked at, and would be what the application gets first.
pub(super) fn mp3(content: &mut Content) -> Result<Vec<Piece>, Broken> {
    let length = content.length();
    let mut start = 0_u64;
    for _ in 0..MOST_TAGS {
        if start.saturating_add(10) > length || &content.array::<3>(start)? != b"ID3" {
            break;
        }
        let [flags, size @ ..] = content.array::<5>(start.saturating_add(5))?;
        if size.iter().any(|byte| *byte >= 0x80) {
            return Err(Broken::Malformed);
        }
        let size = size.iter().fold(0_u64, |sum, byte| sum << 7 | u64::from(*byte));
        let footer = if flags & 0x10 == 0 { 0 } else { 10 };
        start = start.saturating_add(size).saturating_add(10).saturating_add(footer);
    }
    // Some programs leave zeros between the tag and the sound.
    let most = if start > 0 { start.saturating_add(MOST_ZEROS).min(length) } else { 0 };
    while start < most && content.array::<1>(start)? == [0] {
        start = start.saturating_add(1);
    }
    let tail = length.saturating_sub(128);
    let end =
        if tail >= start && length >= 128 && &content.array::<3>(tail)? == b"TAG" { tail } else { length };
    let kept = end.checked_sub(start).filter(|kept| *kept >= 3).ok_or(Broken::Malformed)?;
    if !sniff::is_sound(content.bytes(start, 3)?) {
        return Err(Broken::Malformed);
    }
    Ok(vec![Piece::Keep { at: start, length: kept }])
}

/// Tags one behind the other, and zeros behind the last.
const MOST_TAGS: usize = 8;
const MOST_ZEROS: u64 = 64 << 10;

/// FLAC: comments, pictures and what applications put there become padding.
pub(super) fn flac(content: &mut Content) -> Result<Vec<Piece>, Broken> {
    let (mut at, mut edits) = (4_u64, Edits::default());
    for _ in 0..MOST_BOXES {
        let [kind, l0, l1, l2] = content.array::<4>(at)?;
        let (body, size) = (at.saturating_add(4), u64::from(u32::from_be_bytes([0, l0, l1, l2])));
        if matches!(kind & 0x7f, 2 | 4 | 6) {
            edits.put(at, if kind & 0x80 == 0 { b"\x01" } else { b"\x81" });
            edits.blank(body, size);
        }
        at = body.saturating_add(size);
        if kind & 0x80 != 0 {
            return edits.pieces(content.length());
        }
    }
    Err(Broken::Malformed)
}

/// WAV and AVI: texts become `JUNK`.
pub(super) fn riff(content: &mut Content) -> Result<Vec<Piece>, Broken> {
    let (length, mut edits, mut at) = (content.length(), Edits::default(), 0_u64);
    let mut seen = 0_usize;
    while at.saturating_add(8) <= length {
        let [name @ .., s0, s1, s2, s3] = content.array::<8>(at)?;
        let size = u64::from(u32::from_le_bytes([s0, s1, s2, s3]));
        let body = at.saturating_add(8);
        // Its chunks stand right inside.
        if &name == b"RIFF" {
            at = body.saturating_add(4);
        } else {
            let is_text = match &name {
                b"LIST" => size >= 4 && matches!(&content.array::<4>(body)?, b"INFO" | b"exif"),
                b"id3 " | b"ID3 " | b"bext" | b"_PMX" | b"iXML" | b"IDIT" | b"axml" => true,
                _ => false,
            };
            let end = body.saturating_add(size);
            if is_text && end <= length {
                edits.put(at, b"JUNK");
                edits.blank(body, size);
            }
            at = end.saturating_add(end % 2);
        }
        seen = seen.saturating_add(1);
        if seen > MOST_BOXES {
            return Err(Broken::Malformed);
        }
    }
    edits.pieces(length)
}

/// Numbers of so many bytes, the highest first.
struct Numbers<'a>(&'a [u8]);

impl<'a> Numbers<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Broken> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Broken::Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    fn next(&mut self, bytes: usize) -> Result<u64, Broken> {
        Ok(self.take(bytes)?.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
    }
}

/// Boxes in which is told about the film, not the film.
const SPOKEN_OF: [&[u8; 4]; 3] = [b"meta", b"udta", b"uuid"];
const MOST_BOXES: usize = 10_000;
static ZEROS: [u8; WINDOW] = [0; WINDOW];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn boxed(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
        [&(body.len() as u32 + 8).to_be_bytes(), name.as_slice(), body].concat()
    }

    fn made(bytes: &[u8], edit: fn(&mut Content) -> Result<Vec<Piece>, Broken>) -> Result<Vec<u8>, Broken> {
        let pieces = edit(&mut Content::whole(bytes.to_vec()))?;
        let one = |piece: Piece| match piece {
            Piece::New(new) => new.to_vec(),
            Piece::Keep { at, length } => bytes[at as usize..][..length as usize].to_vec(),
        };
        Ok(pieces.into_iter().flat_map(one).collect())
    }

    const PLACE: &[u8] = b"+52.5200+013.4050/";

    fn has(bytes: &[u8], what: &[u8]) -> bool {
        bytes.windows(what.len()).any(|window| window == what)
    }

    #[test]
    fn films_tell_no_places_and_nothing_moves() {
        let handler = |kind: &[u8; 4]| {
            boxed(b"mdia", &boxed(b"hdlr", &[b"\0\0\0\0\0\0\0\0", kind.as_slice()].concat()))
        };
        let told = boxed(b"udta", &[boxed(b"\xa9xyz", PLACE), vec![0; 4]].concat());
        let video =
            boxed(b"trak", &[handler(b"vide"), boxed(b"meta", PLACE), boxed(b"tkhd", b"kept")].concat());
        let moves = boxed(b"trak", &[handler(b"meta"), boxed(b"stbl", b"gone")].concat());
        let moov = boxed(b"moov", &[boxed(b"mvhd", b"head"), video, moves, told].concat());
        let film_of = |data: &[u8]| {
            [boxed(b"ftyp", b"qt  "), boxed(b"uuid", PLACE), moov.clone(), boxed(b"mdat", data)].concat()
        };
        let bytes = film_of(b"frames");
        let plain = made(&bytes, film).unwrap();
        assert_eq!(plain.len(), bytes.len());
        assert!(has(&bytes, PLACE) && !has(&plain, PLACE) && !has(&plain, b"gone") && !has(&plain, b"udta"));
        for kept in [b"frames".as_slice(), b"kept", b"head", b"vide"] {
            assert_eq!(
                bytes.windows(kept.len()).position(|w| w == kept),
                plain.windows(kept.len()).position(|w| w == kept)
            );
        }
        assert_eq!(made(&plain, film).unwrap(), plain, "again");
        for cut in 1..bytes.len() {
            let _ = made(&bytes[..cut], film);
        }
    }

    fn heic(method: u8, at: u32, length: u32) -> Vec<u8> {
        let info = |id: u8, kind: &[u8; 4]| {
            boxed(b"infe", &[b"\x02\0\0\0\0".as_slice(), &[id], b"\0\0", kind, b"\0"].concat())
        };
        let infos = [b"\0\0\0\0\0\x02".as_slice(), &info(1, b"hvc1"), &info(2, b"Exif")].concat();
        let place = |id: u8, method: u8, at: u32, length: u32| {
            [
                b"\0".as_slice(),
                &[id],
                b"\0",
                &[method],
                b"\0\0\0\x01",
                &at.to_be_bytes(),
                &length.to_be_bytes(),
            ]
            .concat()
        };
        let places =
            [b"\x01\0\0\0\x44\0\0\x02".as_slice(), &place(1, 0, 20, 4), &place(2, method, at, length)]
                .concat();
        let meta = [
            b"\0\0\0\0".as_slice(),
            &boxed(b"iinf", &infos),
            &boxed(b"iloc", &places),
            &boxed(b"idat", PLACE),
        ]
        .concat();
        [boxed(b"ftyp", b"heic\0\0\0\0"), boxed(b"mdat", &[b"pic!", PLACE].concat()), boxed(b"meta", &meta)]
            .concat()
    }

    #[test]
    fn pictures_in_boxes_tell_no_places() {
        let length = PLACE.len() as u32;
        for (method, at) in [(0, 28), (1, 0)] {
            let bytes = heic(method, at, length);
            let plain = made(&bytes, picture).unwrap();
            assert_eq!(plain.len(), bytes.len());
            let count = |bytes: &[u8]| bytes.windows(PLACE.len()).filter(|window| *window == PLACE).count();
            assert_eq!((count(&bytes), count(&plain)), (2, 1), "the one that `iloc` names");
            assert!(has(&plain, b"pic!"));
        }
        for (method, at, length) in [(0, 28, 9_000), (1, 1, length), (2, 0, 4), (0, 28, 0), (0, u32::MAX, 4)]
        {
            assert_eq!(
                made(&heic(method, at, length), picture),
                Err(Broken::Malformed),
                "{method} {at} {length}"
            );
        }
    }

    #[test]
    fn sound_tells_no_names() {
        let tag = [b"ID3\x04\0\0\0\0\0\x0d".as_slice(), b"TPE1 Some Ada"].concat();
        let old = [b"TAG".as_slice(), &[b'x'; 125]].concat();
        let bytes = [tag.as_slice(), b"\xff\xfbsound", &old].concat();
        assert_eq!(made(&bytes, mp3).unwrap(), b"\xff\xfbsound");
        assert_eq!(made(b"\xff\xfbsound", mp3).unwrap(), b"\xff\xfbsound");
        assert_eq!(made(&tag, mp3), Err(Broken::Malformed), "nothing but a tag");
        let bytes = [tag.as_slice(), &tag, b"\0\0\0\xff\xfbsound"].concat();
        assert_eq!(made(&bytes, mp3).unwrap(), b"\xff\xfbsound", "two tags, and zeros");
        for other in [b"<html><script>".as_slice(), b"MZ\x90\0", b"\0\0\x8b\x8b", b"\xff\xfb"] {
            let bytes = [tag.as_slice(), other].concat();
            assert_eq!(made(&bytes, mp3), Err(Broken::Malformed), "{other:?} is no sound");
        }
        let bytes = b"fLaC\0\0\0\x02ab\x04\0\0\x03Ada\x84\0\0\x03Bobsound";
        assert_eq!(made(bytes, flac).unwrap(), b"fLaC\0\0\0\x02ab\x01\0\0\x03\0\0\0\x81\0\0\x03\0\0\0sound");
        let bytes = b"RIFF\x20\0\0\0WAVELIST\x08\0\0\0INFOIARTdata\x04\0\0\0beep";
        assert_eq!(
            made(bytes, riff).unwrap(),
            b"RIFF\x20\0\0\0WAVEJUNK\x08\0\0\0\0\0\0\0\0\0\0\0data\x04\0\0\0beep"
        );
    }

    proptest! {
        #[test]
        fn any_bytes_keep_their_length(mut bytes in proptest::collection::vec(any::<u8>(), 0..300), flips in proptest::collection::vec((any::<u16>(), any::<u8>()), 0..4), hostile: bool) {
            if hostile {
                bytes = heic(0, 28, 18);
                for (at, value) in flips {
                    let at = usize::from(at) % bytes.len();
                    bytes[at] = value;
                }
            }
            for edit in [film, picture, flac, riff] {
                if let Ok(plain) = made(&bytes, edit) {
                    prop_assert_eq!(plain.len(), bytes.len());
                }
            }
            let _ = made(&bytes, mp3);
        }
    }
}
