//! Zip archives (APPNOTE 6.3.10) and the documents made of them, read so that no two readers can see different things.
//!
//! 1. The archive begins at the first byte and its end record is the last 22; there is no comment.
//! 2. The entries lie one behind the other without gap or overlap, up to the directory; what each says of itself
//!    is what the directory says of it.
//! 3. Stored or deflated, not encrypted, not split, no 64-bit sizes. Every entry is unpacked, and is as long and has
//!    the sum it says.
//! 4. No name leads outside; none stands twice, whatever the case; no links and devices.
//! 5. Entries, bytes, ratio and depth are bounded, over all archives inside together.

use std::collections::BTreeSet;
use std::io::Read;

use super::broken::Broken;
use super::content::Content;
use super::gzip;
use super::kind::Kind;
use super::sniff::{Sniffed, sniff};

/// Bounds on what is inside.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ArchiveRules {
    pub(crate) entries: u64,
    /// Bytes unpacked, all together.
    pub(crate) unpacked: u64,
    /// Unpacked bytes for one packed.
    pub(crate) ratio: u64,
    /// 1: no archives inside.
    pub(crate) depth: u32,
}

/// What was counted so far.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tally {
    entries: u64,
    unpacked: u64,
}

/// What the directory says of an entry.
#[derive(Debug)]
struct Entry {
    name: Vec<u8>,
    flags: u16,
    method: u16,
    sum: u32,
    packed: u32,
    length: u32,
    at: u32,
}

impl ArchiveRules {
    pub(crate) fn enter(&self, tally: &mut Tally) -> Result<(), Broken> {
        tally.entries = tally.entries.saturating_add(1);
        if tally.entries > self.entries { Err(Broken::ArchiveTooMany) } else { Ok(()) }
    }

    /// Counts unpacked bytes of something that was `packed` long.
    pub(crate) fn unpack(
        &self,
        tally: &mut Tally,
        so_far: u64,
        more: u64,
        packed: u64,
    ) -> Result<(), Broken> {
        tally.unpacked = tally.unpacked.saturating_add(more);
        let is_bomb = so_far > HARMLESS && so_far / self.ratio > packed;
        if tally.unpacked > self.unpacked || is_bomb { Err(Broken::ArchiveSize) } else { Ok(()) }
    }

    /// What an entry is, by its first bytes: archives inside are looked into, if they may be there at all.
    pub(crate) fn is_archive(&self, head: &[u8], depth: u32) -> Result<bool, Broken> {
        match sniff(head) {
            Sniffed::Kind(Kind::Zip | Kind::Gzip) | Sniffed::Never("tar") if depth >= self.depth => {
                Err(Broken::ArchiveDepth)
            }
            Sniffed::Kind(Kind::Zip | Kind::Gzip) | Sniffed::Never("tar") => Ok(true),
            Sniffed::Never("7z" | "rar" | "xz" | "bzip2" | "zstd" | "cabinet") => Err(Broken::ArchiveMethod),
            _ => Ok(false),
        }
    }

    /// Looks into an archive found inside another.
    pub(crate) fn nested(&self, bytes: Vec<u8>, tally: &mut Tally, depth: u32) -> Result<(), Broken> {
        let is_gzip = bytes.starts_with(b"\x1f\x8b");
        let is_zip = bytes.starts_with(b"PK");
        let mut content = Content::whole(bytes);
        if is_zip {
            zip(&mut content, self, tally, depth.saturating_add(1)).map(drop)
        } else if is_gzip {
            gzip::gzip(&mut content, self, tally, depth.saturating_add(1))
        } else {
            gzip::tar(&mut content, self, tally, depth.saturating_add(1))
        }
    }
}

/// Judges an archive and says which kind it is.
pub(crate) fn zip(
    content: &mut Content,
    rules: &ArchiveRules,
    tally: &mut Tally,
    depth: u32,
) -> Result<Kind, Broken> {
    let (mut entries, directory) = directory(content, rules, tally)?;
    entries.sort_by_key(|entry| entry.at);
    let mut names = BTreeSet::new();
    let (mut cursor, mut shape) = (0_u64, Shape::default());
    for (index, entry) in entries.iter().enumerate() {
        if !is_inside(&entry.name) {
            return Err(Broken::ArchiveName);
        }
        if !names.insert(entry.name.to_ascii_lowercase()) {
            return Err(Broken::ArchiveDisagrees);
        }
        let start = local(content, entry, cursor)?;
        let end = start.saturating_add(entry.packed.into());
        if end > directory {
            return Err(Broken::ArchiveDisagrees);
        }
        let wanted = shape.wants(&entry.name, index);
        let seen = unpack(content, entry, start, rules, tally, (depth, wanted))?;
        shape.see(&entry.name, &seen)?;
        cursor = end.saturating_add(descriptor(content, entry, end)?);
    }
    if cursor != directory {
        return Err(Broken::ArchiveDisagrees);
    }
    Ok(shape.kind())
}

/// The entries of the directory, and where it begins.
fn directory(
    content: &mut Content,
    rules: &ArchiveRules,
    tally: &mut Tally,
) -> Result<(Vec<Entry>, u64), Broken> {
    let end = content.length().checked_sub(22).ok_or(Broken::Malformed)?;
    let record = content.array::<22>(end)?;
    let [b'P', b'K', 5, 6, 0, 0, 0, 0, n0, n1, t0, t1, s0, s1, s2, s3, o0, o1, o2, o3, 0, 0] = record else {
        return Err(Broken::Polyglot);
    };
    let (count, size, start) = (
        u16::from_le_bytes([n0, n1]),
        u32::from_le_bytes([s0, s1, s2, s3]),
        u32::from_le_bytes([o0, o1, o2, o3]),
    );
    if [n0, n1] != [t0, t1] || count == u16::MAX || size == u32::MAX || start == u32::MAX {
        return Err(Broken::ArchiveMethod);
    }
    if u64::from(start).saturating_add(size.into()) != end {
        return Err(Broken::Polyglot);
    }
    let (mut at, mut entries) = (u64::from(start), Vec::new());
    for _ in 0..count {
        rules.enter(tally)?;
        let head = content.array::<46>(at)?;
        let short = |from: usize| {
            head.get(from..from + 2).and_then(|bytes| bytes.try_into().ok()).map_or(0, u16::from_le_bytes)
        };
        let long = |from: usize| {
            head.get(from..from + 4).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_le_bytes)
        };
        if !head.starts_with(b"PK\x01\x02") {
            return Err(Broken::ArchiveDisagrees);
        }
        let (flags, method, length) = (short(8), short(10), usize::from(short(28)));
        // Encrypted, strongly encrypted, or with a hidden directory.
        if flags & 0x2041 != 0 {
            return Err(Broken::ArchiveEncrypted);
        }
        if !matches!(method, 0 | 8) || long(20) == u32::MAX || long(24) == u32::MAX || long(42) == u32::MAX {
            return Err(Broken::ArchiveMethod);
        }
        let entry = Entry {
            name: content.bytes(at.saturating_add(46), length)?.to_vec(),
            flags,
            method,
            sum: long(16),
            packed: long(20),
            length: long(24),
            at: long(42),
        };
        // What Unix makes of it stands in the upper half.
        let mode = long(38) >> 16 & 0o170_000;
        if !matches!(mode, 0 | 0o100_000 | 0o040_000) {
            return Err(Broken::ArchiveSpecial);
        }
        let tail = u64::from(short(30)).saturating_add(short(32).into());
        at = at.saturating_add(46).saturating_add(length as u64).saturating_add(tail);
        entries.push(entry);
    }
    if at == end { Ok((entries, start.into())) } else { Err(Broken::ArchiveDisagrees) }
}

/// Where an entry's bytes begin, if it stands where it must and says what it must.
fn local(content: &mut Content, entry: &Entry, cursor: u64) -> Result<u64, Broken> {
    if u64::from(entry.at) != cursor {
        return Err(Broken::ArchiveDisagrees);
    }
    let [b'P', b'K', 3, 4, _, _, f0, f1, m0, m1, _, _, _, _, rest @ ..] = content.array::<30>(cursor)? else {
        return Err(Broken::ArchiveDisagrees);
    };
    let [c0, c1, c2, c3, p0, p1, p2, p3, l0, l1, l2, l3, n0, n1, e0, e1] = rest;
    let stated = (
        u32::from_le_bytes([c0, c1, c2, c3]),
        u32::from_le_bytes([p0, p1, p2, p3]),
        u32::from_le_bytes([l0, l1, l2, l3]),
    );
    let name = usize::from(u16::from_le_bytes([n0, n1]));
    let agrees = u16::from_le_bytes([f0, f1]) == entry.flags
        && u16::from_le_bytes([m0, m1]) == entry.method
        && (entry.flags & 8 != 0 || stated == (entry.sum, entry.packed, entry.length))
        && content.bytes(cursor.saturating_add(30), name)? == entry.name;
    let extra = u64::from(u16::from_le_bytes([e0, e1]));
    let start = cursor.saturating_add(30).saturating_add(name as u64).saturating_add(extra);
    if agrees { Ok(start) } else { Err(Broken::ArchiveDisagrees) }
}

/// How long the record behind an entry's bytes is, where there is one.
fn descriptor(content: &mut Content, entry: &Entry, at: u64) -> Result<u64, Broken> {
    if entry.flags & 8 == 0 {
        return Ok(0);
    }
    let (sum, packed, length) =
        (entry.sum.to_le_bytes(), entry.packed.to_le_bytes(), entry.length.to_le_bytes());
    let zero = [0_u8; 4];
    let forms: [&[&[u8]]; 3] = [
        &[b"PK\x07\x08", &sum, &packed, &length],
        &[b"PK\x07\x08", &sum, &packed, &zero, &length, &zero],
        &[&sum, &packed, &length],
    ];
    for form in forms {
        let form = form.concat();
        if content.up_to(at, form.len())? == form {
            // The short form is also the beginning of the long one where a length is 0.
            let is_long = content.up_to(at, 24)?.get(16..24) == Some(&[0; 8]);
            if form.len() == 16 && length == zero && is_long {
                return Ok(24);
            }
            return Ok(form.len() as u64);
        }
    }
    Err(Broken::ArchiveDisagrees)
}

/// Unpacks an entry to nowhere. Answers its content, where somebody wants to see it.
fn unpack(
    content: &mut Content,
    entry: &Entry,
    start: u64,
    rules: &ArchiveRules,
    tally: &mut Tally,
    (depth, wanted): (u32, bool),
) -> Result<Vec<u8>, Broken> {
    let reader = content.reader(start, start.saturating_add(entry.packed.into()));
    if entry.method == 0 {
        return drain(reader, entry, rules, tally, (depth, wanted));
    }
    let mut inflating = flate2::read::DeflateDecoder::new(reader);
    let seen = drain(&mut inflating, entry, rules, tally, (depth, wanted))?;
    // Bytes behind the end of the stream would be somebody's secret.
    if inflating.total_in() == u64::from(entry.packed) { Ok(seen) } else { Err(Broken::ArchiveDisagrees) }
}

fn drain(
    mut reader: impl Read,
    entry: &Entry,
    rules: &ArchiveRules,
    tally: &mut Tally,
    (depth, wanted): (u32, bool),
) -> Result<Vec<u8>, Broken> {
    let (mut sum, mut length, mut kept, mut keeps) = (flate2::Crc::new(), 0_u64, Vec::new(), true);
    let mut nested = false;
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let read = reader.read(&mut buffer).map_err(|_| Broken::Malformed)?;
        let bytes = buffer.get(..read).unwrap_or_default();
        if keeps {
            kept.extend_from_slice(bytes);
            if kept.len() >= 1024 || read == 0 {
                nested = nested || rules.is_archive(&kept, depth)?;
                keeps = wanted || nested;
            }
            if kept.len() > LARGEST_SEEN {
                return Err(Broken::ArchiveSize);
            }
        }
        if read == 0 {
            break;
        }
        sum.update(bytes);
        length = length.saturating_add(read as u64);
        rules.unpack(tally, length, read as u64, entry.packed.into())?;
        if length > u64::from(entry.length) {
            return Err(Broken::ArchiveDisagrees);
        }
    }
    if length != u64::from(entry.length) || sum.sum() != entry.sum {
        return Err(Broken::ArchiveDisagrees);
    }
    if nested {
        rules.nested(std::mem::take(&mut kept), tally, depth)?;
    }
    Ok(kept)
}

/// A relative path without steps up, in plain characters.
pub(crate) fn is_inside(name: &[u8]) -> bool {
    let plain = !name.is_empty() && !name.iter().any(|byte| *byte < b' ' || b"\\:\x7f".contains(byte));
    let name = name.strip_suffix(b"/").unwrap_or(name);
    plain && name.split(|byte| *byte == b'/').all(|step| !matches!(step, b"" | b"." | b".."))
}

/// What the entries make of the archive.
#[derive(Debug, Default)]
struct Shape {
    typed: bool,
    main: Option<Kind>,
    declared: Option<Kind>,
}

impl Shape {
    fn wants(&self, name: &[u8], index: usize) -> bool {
        (index == 0 && name == b"mimetype") || name == b"[Content_Types].xml" || name.ends_with(b".rels")
    }

    fn see(&mut self, name: &[u8], content: &[u8]) -> Result<(), Broken> {
        let lower = name.to_ascii_lowercase();
        let has = |part: &[u8]| memchr::memmem::find(&lower, part).is_some();
        // Macros and controls: of Microsoft's documents, of OpenDocument.
        if has(b"vbaproject")
            || has(b"activex/")
            || lower.starts_with(b"basic/")
            || lower.starts_with(b"scripts/")
        {
            return Err(Broken::Active);
        }
        match name {
            b"mimetype" => self.declared = std::str::from_utf8(content).ok().and_then(Kind::by_media),
            b"[Content_Types].xml" => {
                self.typed = true;
                let text = content.to_ascii_lowercase();
                if [b"macroenabled".as_slice(), b"vbaproject"]
                    .iter()
                    .any(|bad| memchr::memmem::find(&text, bad).is_some())
                {
                    return Err(Broken::Active);
                }
            }
            b"word/document.xml" => self.main = Some(Kind::Docx),
            b"xl/workbook.xml" => self.main = Some(Kind::Xlsx),
            b"ppt/presentation.xml" => self.main = Some(Kind::Pptx),
            _ if name.ends_with(b".rels") => {
                // What is fetched when the document is opened.
                let text = content.to_ascii_lowercase();
                let has = |part: &[u8]| memchr::memmem::find(&text, part).is_some();
                if has(b"external") && (has(b"attachedtemplate") || has(b"/oleobject") || has(b"/frame")) {
                    return Err(Broken::Active);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn kind(&self) -> Kind {
        match (self.typed, self.main, self.declared) {
            (true, Some(kind), None) => kind,
            (false, None, Some(kind)) if kind.is_zip() => kind,
            _ => Kind::Zip,
        }
    }
}

/// Bytes that no ratio makes a bomb.
const HARMLESS: u64 = 1024 * 1024;
/// Bytes of an archive inside another, or of what describes a document.
const LARGEST_SEEN: usize = 16 * 1024 * 1024;
