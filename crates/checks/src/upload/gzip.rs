//! Gzip (RFC 1952) and the tar archives (POSIX pax, ustar, GNU) that are in it.

use std::io::Read;

use super::broken::Broken;
use super::content::Content;
use super::zip::{ArchiveRules, Tally, is_inside};

/// Unpacks to nowhere, counting; a tar archive inside is judged by its entries.
pub(crate) fn gzip(
    content: &mut Content,
    rules: &ArchiveRules,
    tally: &mut Tally,
    depth: u32,
) -> Result<(), Broken> {
    let packed = content.length();
    let unpacked = Counting {
        inner: flate2::read::MultiGzDecoder::new(content.reader(0, packed)),
        rules,
        tally,
        so_far: 0,
        packed,
        broken: None,
    };
    walk(unpacked, rules, depth)
}

/// The same for an archive that is not packed.
pub(crate) fn tar(
    content: &mut Content,
    rules: &ArchiveRules,
    tally: &mut Tally,
    depth: u32,
) -> Result<(), Broken> {
    let packed = content.length();
    let inner = content.reader(0, packed);
    walk(Counting { inner, rules, tally, so_far: 0, packed, broken: None }, rules, depth)
}

fn walk<R: Read>(mut unpacked: Counting<'_, R>, rules: &ArchiveRules, depth: u32) -> Result<(), Broken> {
    let mut block = [0; BLOCK];
    let mut first = true;
    let mut zeros = 0_u32;
    loop {
        let read = unpacked.fill(&mut block)?;
        let is_tar = block.get(257..262) == Some(b"ustar");
        if first && !(read == BLOCK && is_tar) {
            // A packed file that is no archive of many, but perhaps one of another kind.
            if rules.is_archive(block.get(..read).unwrap_or_default(), depth)? {
                let mut bytes = block.get(..read).unwrap_or_default().to_vec();
                unpacked.rest(&mut bytes)?;
                let Counting { tally, .. } = unpacked;
                return rules.nested(bytes, tally, depth);
            }
            return unpacked.drain();
        }
        first = false;
        match read {
            0 => return Ok(()),
            BLOCK => {}
            _ => return Err(Broken::Malformed),
        }
        if block.iter().all(|byte| *byte == 0) {
            zeros = zeros.saturating_add(1);
            continue;
        }
        // Readers stop at the end mark, or do not.
        if zeros > 0 || !is_tar {
            return Err(Broken::ArchiveDisagrees);
        }
        unpacked.enter()?;
        entry(&block, &mut unpacked, rules, depth)?;
    }
}

fn entry<R: Read>(
    block: &[u8; BLOCK],
    unpacked: &mut Counting<'_, R>,
    rules: &ArchiveRules,
    depth: u32,
) -> Result<(), Broken> {
    let field = |from: usize, to: usize| {
        let field = block.get(from..to).unwrap_or_default();
        field.split(|byte| *byte == 0).next().unwrap_or_default()
    };
    let stated = octal(field(148, 156)).ok_or(Broken::Malformed)?;
    let sum: u64 = block
        .iter()
        .enumerate()
        .map(|(at, byte)| u64::from(if (148..156).contains(&at) { b' ' } else { *byte }))
        .sum();
    let size = octal(field(124, 136)).ok_or(Broken::Malformed)?;
    if sum != stated {
        return Err(Broken::Malformed);
    }
    let kind = *block.get(156).unwrap_or(&0);
    match kind {
        0 | b'0' | b'5' | b'7' => {
            let name = field(0, 100);
            let prefix = if field(257, 263) == b"ustar" { field(345, 500) } else { b"" };
            let name = if prefix.is_empty() { name.to_vec() } else { [prefix, b"/", name].concat() };
            if !is_tar_name(&name) {
                return Err(Broken::ArchiveName);
            }
        }
        b'x' | b'g' | b'L' | b'K' if size > LONGEST_NOTE => return Err(Broken::ArchiveName),
        b'x' | b'g' | b'L' | b'K' => {}
        // Links, devices, pipes, sparse files, volumes.
        _ => return Err(Broken::ArchiveSpecial),
    }
    let padded = size.checked_next_multiple_of(BLOCK as u64).ok_or(Broken::Malformed)?;
    let is_note = matches!(kind, b'x' | b'g' | b'L' | b'K');
    let (mut left, mut head, mut keeps) = (padded, Vec::new(), true);
    let mut buffer = [0; BLOCK];
    while left > 0 {
        if unpacked.fill(&mut buffer)? != BLOCK {
            return Err(Broken::Malformed);
        }
        left = left.saturating_sub(BLOCK as u64);
        if keeps {
            head.extend_from_slice(&buffer);
            if !is_note && (head.len() >= 2 * BLOCK || left == 0) {
                keeps = false;
                // What is packed inside something packed is not unpacked again.
                if rules.is_archive(&head, depth)? {
                    return Err(Broken::ArchiveDepth);
                }
            }
        }
    }
    head.truncate(usize::try_from(size).unwrap_or(usize::MAX));
    match kind {
        b'L' => {
            let name = head.strip_suffix(b"\0").unwrap_or(&head);
            if is_tar_name(name) { Ok(()) } else { Err(Broken::ArchiveName) }
        }
        b'K' => Err(Broken::ArchiveSpecial),
        b'x' | b'g' => pax(&head),
        _ => Ok(()),
    }
}

/// `length key=value` lines.
fn pax(mut records: &[u8]) -> Result<(), Broken> {
    while !records.is_empty() {
        let space = memchr::memchr(b' ', records).ok_or(Broken::Malformed)?;
        let length = std::str::from_utf8(records.get(..space).unwrap_or_default()).ok();
        let length: usize = length.and_then(|text| text.parse().ok()).ok_or(Broken::Malformed)?;
        let record = records.get(space.saturating_add(1)..length).ok_or(Broken::Malformed)?;
        let record = record.strip_suffix(b"\n").ok_or(Broken::Malformed)?;
        let equals = memchr::memchr(b'=', record).ok_or(Broken::Malformed)?;
        let (key, value) = record.split_at(equals);
        match key {
            b"path" if !is_tar_name(value.get(1..).unwrap_or_default()) => return Err(Broken::ArchiveName),
            b"linkpath" => return Err(Broken::ArchiveSpecial),
            // It would say where the next entry begins, beside the entry itself.
            b"size" => return Err(Broken::ArchiveDisagrees),
            _ => {}
        }
        records = records.get(length..).unwrap_or_default();
    }
    Ok(())
}

/// `tar` begins names with `./`.
fn is_tar_name(name: &[u8]) -> bool {
    matches!(name, b"." | b"./") || is_inside(name.strip_prefix(b"./").unwrap_or(name))
}

fn octal(field: &[u8]) -> Option<u64> {
    let field = field.trim_ascii();
    if field.is_empty() {
        return Some(0);
    }
    field.iter().try_fold(0_u64, |sum, byte| {
        (b'0'..=b'7').contains(byte).then(|| sum.checked_mul(8)?.checked_add(u64::from(byte - b'0')))?
    })
}

/// Unpacked bytes, counted as they come.
struct Counting<'a, R> {
    inner: R,
    rules: &'a ArchiveRules,
    tally: &'a mut Tally,
    so_far: u64,
    packed: u64,
    broken: Option<Broken>,
}

impl<R: Read> Counting<'_, R> {
    fn enter(&mut self) -> Result<(), Broken> {
        self.rules.enter(self.tally)
    }

    /// Reads as much as fits, or all there is.
    fn fill(&mut self, into: &mut [u8]) -> Result<usize, Broken> {
        let mut filled = 0;
        while let Some(room) = into.get_mut(filled..).filter(|room| !room.is_empty()) {
            let read = self.inner.read(room).map_err(|_| self.broken.unwrap_or(Broken::Malformed))?;
            if read == 0 {
                break;
            }
            filled = filled.saturating_add(read);
            self.so_far = self.so_far.saturating_add(read as u64);
            self.rules.unpack(self.tally, self.so_far, read as u64, self.packed)?;
        }
        Ok(filled)
    }

    fn drain(&mut self) -> Result<(), Broken> {
        let mut buffer = vec![0; 16 * 1024];
        while self.fill(&mut buffer)? > 0 {}
        Ok(())
    }

    /// Everything else, within reason.
    fn rest(&mut self, bytes: &mut Vec<u8>) -> Result<(), Broken> {
        let mut buffer = vec![0; 16 * 1024];
        loop {
            let read = self.fill(&mut buffer)?;
            if read == 0 {
                return Ok(());
            }
            bytes.extend_from_slice(buffer.get(..read).unwrap_or_default());
            if bytes.len() > LARGEST_INSIDE {
                return Err(Broken::ArchiveSize);
            }
        }
    }
}

const BLOCK: usize = 512;
/// Bytes of a long name or of a pax header.
const LONGEST_NOTE: u64 = 64 * 1024;
const LARGEST_INSIDE: usize = 16 * 1024 * 1024;
