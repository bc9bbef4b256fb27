//! Archives in the ZIP format with whatever names inside (APPNOTE 6.3.10, sections 4.3.7 to 4.3.16), and GZIP (RFC 1952). Long runs
//! of zeros are packed without being written out first.

use flate2::{Compress, Compression, Crc, FlushCompress};

/// A file of an archive, packed.
#[derive(Debug, Clone)]
pub struct Member {
    name: String,
    /// 0 as it is, 8 deflated.
    method: u8,
    crc: u32,
    length: usize,
    packed: Vec<u8>,
}

/// Zeros are packed in pieces of this size, each of which can be repeated.
const PIECE: usize = 1 << 20;

impl Member {
    /// As it is.
    #[must_use]
    pub fn stored(name: &str, content: &[u8]) -> Self {
        let mut crc = Crc::new();
        crc.update(content);
        let packed = content.to_vec();
        Self { name: name.to_owned(), method: 0, crc: crc.sum(), length: content.len(), packed }
    }

    /// Packed: what is in it does not stand in the archive.
    #[must_use]
    pub fn deflated(name: &str, content: &[u8]) -> Self {
        Self { name: name.to_owned(), method: 8, ..Self::run(content, 0) }
    }

    /// So many times a mebibyte of zeros.
    #[must_use]
    pub fn zeros(name: &str, mebibytes: usize) -> Self {
        Self { name: name.to_owned(), method: 8, ..Self::run(&[], mebibytes) }
    }

    /// What it begins with, then zeros.
    fn run(begins: &[u8], mebibytes: usize) -> Self {
        let mut crc = Crc::new();
        crc.update(begins);
        let mut packed = piece(begins);
        if mebibytes > 0 {
            let zeros = vec![0; PIECE];
            let mut one = Crc::new();
            one.update(&zeros);
            let piece = piece(&zeros);
            for _ in 0..mebibytes {
                crc.combine(&one);
                packed.extend_from_slice(&piece);
            }
        }
        // The last block, with nothing in it.
        packed.extend_from_slice(&[3, 0]);
        let length = begins.len().saturating_add(mebibytes.saturating_mul(PIECE));
        Self { name: String::new(), method: 8, crc: crc.sum(), length, packed }
    }

    /// How long it is in the archive.
    #[must_use]
    pub const fn packed(&self) -> usize {
        self.packed.len()
    }
}

/// Blocks (RFC 1951) that end at a byte and refer to nothing before them.
fn piece(content: &[u8]) -> Vec<u8> {
    if content.is_empty() {
        return Vec::new();
    }
    let mut compress = Compress::new(Compression::best(), false);
    // What cannot be packed grows by some bytes for each 32 KiB.
    let mut out = Vec::with_capacity(content.len().saturating_add(content.len() / 64).saturating_add(1024));
    match compress.compress_vec(content, &mut out, FlushCompress::Full) {
        Ok(_) => out,
        Err(_) => Vec::new(),
    }
}

/// An archive of those files, in that order, nothing packed; names are written as they stand.
#[must_use]
pub fn zip(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let members: Vec<Member> = files.iter().map(|(name, content)| Member::stored(name, content)).collect();
    archive(&members)
}

/// A text, and so many mebibytes of zeros behind it.
#[must_use]
pub fn gzip(begins: &[u8], mebibytes: usize) -> Vec<u8> {
    let Member { crc, length, packed, .. } = Member::run(begins, mebibytes);
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    out.extend(packed);
    out.extend(crc.to_le_bytes());
    out.extend(count32(length));
    out
}

/// An archive of those files, in that order.
#[must_use]
pub fn archive(members: &[Member]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for Member { name, method, crc, length, packed } in members {
        let begin = count32(out.len());
        // Version 2.0, names in UTF-8, the first day that can be written.
        let mut about = vec![20, 0, 0, 8, *method, 0, 0, 0, 0x21, 0];
        about.extend(crc.to_le_bytes());
        about.extend(count32(packed.len()));
        about.extend(count32(*length));
        about.extend(count16(name.len()));
        about.extend([0, 0]);
        out.extend(b"PK\x03\x04");
        out.extend(&about);
        out.extend(name.as_bytes());
        out.extend(packed);
        directory.extend(b"PK\x01\x02\x14\0");
        directory.extend(&about);
        // No comment, the first disk, no attributes.
        directory.extend([0; 10]);
        directory.extend(begin);
        directory.extend(name.as_bytes());
    }
    let (begin, length, files) = (count32(out.len()), count32(directory.len()), count16(members.len()));
    out.extend(directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend(files);
    out.extend(files);
    out.extend(length);
    out.extend(begin);
    out.extend([0, 0]);
    out
}

fn count32(length: usize) -> [u8; 4] {
    u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes()
}

fn count16(length: usize) -> [u8; 2] {
    u16::try_from(length).unwrap_or(u16::MAX).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::{DeflateDecoder, GzDecoder};

    use super::*;

    #[test]
    fn zeros_are_few_bytes_and_many_again() {
        let member = Member::zeros("a", 64);
        assert!(member.packed() < 100_000, "{}", member.packed());
        let mut crc = Crc::new();
        let (mut length, mut piece) = (0, vec![1; PIECE]);
        let mut read = DeflateDecoder::new(member.packed.as_slice());
        loop {
            let count = read.read(&mut piece).unwrap();
            if count == 0 {
                break;
            }
            assert!(piece[..count].iter().all(|byte| *byte == 0));
            crc.update(&piece[..count]);
            length += count;
        }
        assert_eq!((length, crc.sum()), (64 * PIECE, member.crc));
        let mut out = Vec::new();
        GzDecoder::new(gzip(b"notes of", 2).as_slice()).read_to_end(&mut out).unwrap();
        assert!(out.starts_with(b"notes of\0") && out.len() == 8 + 2 * PIECE);
    }
}
