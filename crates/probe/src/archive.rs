//! Archives in the ZIP format with whatever names inside, nothing compressed (APPNOTE 6.3.10, sections 4.3.7 to 4.3.16).

use flate2::Crc;

/// An archive of those files, in that order; names are written as they stand.
#[must_use]
pub fn zip(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in files {
        let mut crc = Crc::new();
        crc.update(content);
        let begin = count32(out.len());
        // Version 2.0, names in UTF-8, stored, the first day that can be written.
        let mut about = vec![20, 0, 0, 8, 0, 0, 0, 0, 0x21, 0];
        about.extend(crc.sum().to_le_bytes());
        about.extend(count32(content.len()));
        about.extend(count32(content.len()));
        about.extend(count16(name.len()));
        about.extend([0, 0]);
        out.extend(b"PK\x03\x04");
        out.extend(&about);
        out.extend(name.as_bytes());
        out.extend(content);
        directory.extend(b"PK\x01\x02\x14\0");
        directory.extend(&about);
        // No comment, the first disk, no attributes.
        directory.extend([0; 10]);
        directory.extend(begin);
        directory.extend(name.as_bytes());
    }
    let (begin, length, files) = (count32(out.len()), count32(directory.len()), count16(files.len()));
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
