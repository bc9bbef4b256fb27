//! Pictures in the PNG format (third edition) of one bit for each pixel, whatever their size: rows are packed as they are made.

use std::io::{self, Write as _};

use flate2::write::ZlibEncoder;
use flate2::{Compression, Crc};

/// What every PNG begins with.
const MARK: &[u8] = b"\x89PNG\r\n\x1a\n";

/// A picture of that size. `row` fills the bytes of one row, eight pixels in each.
///
/// # Errors
/// None that packing in memory has.
pub fn png(width: u32, height: u32, mut row: impl FnMut(&mut [u8])) -> io::Result<Vec<u8>> {
    let bytes = usize::try_from(width.div_ceil(8)).unwrap_or(0);
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::best());
    let mut line = vec![0; bytes];
    for _ in 0..height {
        row(&mut line);
        // No filter.
        packed.write_all(&[0])?;
        packed.write_all(&line)?;
    }
    let mut head = [width.to_be_bytes(), height.to_be_bytes()].concat();
    // One bit, grey, and nothing else there is a choice of.
    head.extend([1, 0, 0, 0, 0]);
    let mut out = MARK.to_vec();
    chunk(&mut out, b"IHDR", &head);
    chunk(&mut out, b"IDAT", &packed.finish()?);
    chunk(&mut out, b"IEND", &[]);
    Ok(out)
}

fn chunk(out: &mut Vec<u8>, kind: &[u8; 4], content: &[u8]) {
    out.extend(u32::try_from(content.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend(kind);
    out.extend(content);
    let mut crc = Crc::new();
    crc.update(kind);
    crc.update(content);
    out.extend(crc.sum().to_be_bytes());
}

/// Whether bytes begin like a picture of pixels.
#[must_use]
pub fn is_picture(bytes: &[u8]) -> bool {
    let riff = bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP");
    let avif = bytes.get(4..8) == Some(b"ftyp") && bytes.get(8..11) == Some(b"avi");
    let marks: [&[u8]; 4] = [MARK, b"\xff\xd8\xff", b"GIF8", b"BM"];
    riff || avif || marks.iter().any(|mark| bytes.starts_with(mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_pixels_are_few_bytes() {
        let whole = png(10_000, 10_000, |row| row.fill(0)).unwrap();
        assert!(whole.len() < 32 << 10, "{}", whole.len());
        assert!(is_picture(&whole) && whole[16..24] == [0, 0, 0x27, 0x10, 0, 0, 0x27, 0x10]);
        for other in [&b"RIFF\0\0\0\0WEBPVP8 "[..], b"\0\0\0\x1cftypavif", b"GIF89a", b"\xff\xd8\xff\xe0"] {
            assert!(is_picture(other));
        }
        assert!(!is_picture(b"<svg") && !is_picture(b""));
    }
}
