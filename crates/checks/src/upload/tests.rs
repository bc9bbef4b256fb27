//! Hostile files, made here, and what becomes of them.

use std::io::{self, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use gabion_model::Rng;
use gabion_model::outbound::BoxFuture;
use gabion_model::random::SeededRng;
use proptest::prelude::*;

use super::broken::Broken;
use super::content::{Content, Piece};
use super::judge::{Claim, Verdict, judge};
use super::*;
use crate::check::Passage;
use crate::denial::Denial;

mod files;

use files::*;

fn media(essence: &str) -> Option<Media> {
    Media::parse(essence.as_bytes())
}

fn rules_of(settings: &Settings) -> Rules {
    settings.rules(None)
}

/// Everything that can be judged is taken.
fn open() -> Settings {
    Settings { types: Kind::ALL.to_vec(), ..Settings::default() }
}

fn judge_with(
    settings: &Settings,
    name: &str,
    essence: &str,
    bytes: &[u8],
) -> Result<(Kind, Vec<u8>), Broken> {
    let claim = Claim { name: Some(name.to_owned()), media: media(essence) };
    let mut content = Content::whole(bytes.to_vec());
    let Verdict { kind, pieces } = judge(&rules_of(settings), &claim, &mut content)?;
    let mut out = Vec::new();
    for piece in pieces {
        match piece {
            Piece::New(bytes) => out.extend_from_slice(&bytes),
            Piece::Keep { at, length } => out.extend_from_slice(&bytes[at as usize..][..length as usize]),
        }
    }
    Ok((kind, out))
}

fn file(name: &str, essence: &str, bytes: &[u8]) -> Result<Kind, Broken> {
    judge_with(&open(), name, essence, bytes).map(|(kind, _)| kind)
}

#[test]
fn what_people_upload_is_taken() {
    let rows: Vec<(&str, &str, Vec<u8>, Kind)> = vec![
        ("a.png", "image/png", png(3, 2), Kind::Png),
        ("a.jpg", "image/jpeg", jpeg(20, 10), Kind::Jpeg),
        ("a.JPEG", "application/octet-stream", jpeg(20, 10), Kind::Jpeg),
        ("a.gif", "image/gif", gif(), Kind::Gif),
        ("a.webp", "image/webp", webp(4, 4), Kind::Webp),
        ("a.bmp", "image/bmp", bmp(), Kind::Bmp),
        ("a.pdf", "application/pdf", pdf(""), Kind::Pdf),
        ("a.txt", "text/plain; charset=utf-8", b"hello\r\n\tworld \xc3\xa4".to_vec(), Kind::Text),
        ("a.txt", "text/plain", Vec::new(), Kind::Text),
        ("a.md", "text/markdown", b"# hi".to_vec(), Kind::Text),
        ("a.csv", "application/vnd.ms-excel", b"a;b\n1;2\n".to_vec(), Kind::Csv),
        ("a.json", "application/json", b"{\"a\":[1,2]}".to_vec(), Kind::Json),
        (
            "a.svg",
            "image/svg+xml",
            b"<svg xmlns=\"http://www.w3.org/2000/svg\"><g/></svg>".to_vec(),
            Kind::Svg,
        ),
        ("a.zip", "application/zip", zip(&[("a.txt", b"hello"), ("d/b.txt", b"")]), Kind::Zip),
        ("a.docx", Kind::Docx.facts().media[0], document("word/document.xml"), Kind::Docx),
        ("a.xlsx", "application/octet-stream", document("xl/workbook.xml"), Kind::Xlsx),
        (
            "a.odt",
            Kind::Odt.facts().media[0],
            zip(&[("mimetype", Kind::Odt.facts().media[0].as_bytes())]),
            Kind::Odt,
        ),
        ("a.tar.gz", "application/gzip", gzip(&tar(&[("d/a.txt", b'0', b"hello")])), Kind::Gzip),
        ("a.wav", "audio/wav", riff(b"WAVE"), Kind::Wav),
        (
            "a.mp4",
            "video/mp4",
            boxes(&[(b"ftyp", b"isom\0\0\0\0"), (b"moov", b""), (b"mdat", b"x")]),
            Kind::Mp4,
        ),
        ("a.heic", "image/heic", heic(100, 100), Kind::Heic),
        ("a.ogg", "audio/ogg", [b"OggS\0\x02".as_slice(), &[0; 20], &[1, 2], b"hi"].concat(), Kind::Ogg),
        ("a.webm", "video/webm", webm(), Kind::Webm),
        ("blob", "image/png", png(1, 1), Kind::Png),
    ];
    for (name, essence, bytes, kind) in rows {
        assert_eq!(file(name, essence, &bytes), Ok(kind), "{name}");
    }
}

#[test]
fn files_that_lie_are_refused() {
    use Broken as B;
    let html = b"<html><script>alert(1)</script>".as_slice();
    let rows: Vec<(&str, &str, Vec<u8>, Broken)> = vec![
        // Disguised.
        ("a.png", "image/png", html.to_vec(), B::Active),
        ("a.txt", "text/plain", b"\n <!DOCTYPE html><p>".to_vec(), B::Active),
        ("a.txt", "text/plain", b"#!/bin/sh\nid".to_vec(), B::Active),
        ("a.csv", "text/csv", b"<?php system($_GET[0]);".to_vec(), B::Active),
        ("a.txt", "text/plain", b"a\0b".to_vec(), B::Malformed),
        ("a.txt", "text/plain", b"\xff\xfea\0".to_vec(), B::Type),
        ("a.txt", "text/plain", b"a\xe4b".to_vec(), B::Malformed),
        ("a.json", "application/json", b"{".to_vec(), B::Malformed),
        ("a.json", "application/json", "[".repeat(100_000).into_bytes(), B::Malformed),
        ("a.png", "image/png", b"MZ\x90\0\x03".to_vec(), B::Type),
        ("a.jpg", "image/jpeg", png(1, 1), B::Extension),
        ("a.png", "image/jpeg", png(1, 1), B::Declared),
        ("a.png", "text/html", png(1, 1), B::Declared),
        ("a.txt", "text/plain; charset=utf-7", b"+ADw-script".to_vec(), B::Declared),
        ("a.php.png", "image/png", png(1, 1), B::NameExtensions),
        ("../a.png", "image/png", png(1, 1), B::NamePath),
        // Two kinds at once.
        ("a.gif", "image/gif", b"GIF89a/*\x01\x00\x00\x00\x00*/=1;alert(1)//".to_vec(), B::Malformed),
        ("a.gif", "image/gif", [gif(), b";alert(1)".to_vec()].concat(), B::Polyglot),
        ("a.png", "image/png", [png(1, 1), b"more".to_vec()].concat(), B::Polyglot),
        ("a.png", "image/png", [png(1, 1), zip(&[("a", b"b")])].concat(), B::Polyglot),
        ("a.jpg", "image/jpeg", [jpeg(2, 2), zip(&[("a", b"b")])].concat(), B::Polyglot),
        ("a.pdf", "application/pdf", [pdf(""), zip(&[("a", b"b")])].concat(), B::Polyglot),
        ("a.pdf", "application/pdf", [pdf(""), b"and more".to_vec()].concat(), B::Polyglot),
        ("a.zip", "application/zip", [zip(&[("a", b"b")]), b"x".to_vec()].concat(), B::Polyglot),
        (
            "a.mp4",
            "video/mp4",
            [boxes(&[(b"ftyp", b"isom"), (b"moov", b"")]), b"PK".to_vec()].concat(),
            B::Malformed,
        ),
        ("a.wav", "audio/wav", [riff(b"WAVE"), b"RIFFRIFF".to_vec()].concat(), B::Malformed),
        ("a.webp", "image/webp", [webp(2, 2), vec![0; 4]].concat(), B::Polyglot),
        ("a.jpg", "image/jpeg", jpeg_with(0xfe, b"<script>alert(1)</script>"), B::Active),
        ("a.png", "image/png", png_with(b"tEXt", b"x\0<?php system(1);"), B::Active),
        ("a.mp3", "audio/mpeg", b"ID3\x04\0\0\0\0\0\0\xff\xfb\x90<script>".to_vec(), B::Active),
        ("a.mp3", "audio/mpeg", b"ID3\x04\0\0\0\0\0\0<script>".to_vec(), B::Malformed),
        // Damaged.
        ("a.png", "image/png", png(1, 1)[..40].to_vec(), B::Malformed),
        ("a.png", "image/png", flip(png(1, 1), 20), B::Malformed),
        ("a.jpg", "image/jpeg", jpeg(20, 10)[..100].to_vec(), B::Malformed),
        ("a.jpg", "image/jpeg", b"\xff\xd8\xff\xd9".to_vec(), B::Malformed),
        ("a.webp", "image/webp", webp(2, 2)[..20].to_vec(), B::Malformed),
        // Too much to unpack.
        ("a.png", "image/png", png_of(60_000, 60_000), B::ImageTooLarge),
        ("a.gif", "image/gif", gif_of(65_535, 65_535, 1), B::ImageTooLarge),
        ("a.gif", "image/gif", gif_of(1, 1, 501), B::ImageTooLarge),
        ("a.heic", "image/heic", heic(100_000, 100_000), B::ImageTooLarge),
        ("a.bmp", "image/bmp", flip(bmp(), 20), B::ImageTooLarge),
        (
            "a.png",
            "image/png",
            png_with(b"iCCP", &[b"x\0\0".to_vec(), deflate_zlib(&vec![0; 5_000_000])].concat()),
            B::ImageTooLarge,
        ),
        // Runs something.
        ("a.pdf", "application/pdf", pdf("/OpenAction << /S /JavaScript /JS (x) >>"), B::Active),
        ("a.pdf", "application/pdf", pdf("/S /J#61vaScript "), B::Active),
        ("a.pdf", "application/pdf", pdf("/Launch "), B::Active),
        ("a.pdf", "application/pdf", pdf("/Encrypt 5 0 R"), B::Active),
        ("a.pdf", "application/pdf", pdf_objects(b"1 0 << /S /JavaScript /JS (x) >>"), B::Active),
        ("a.docx", "application/octet-stream", document("word/vbaProject.bin"), B::Active),
        ("a.docx", "application/octet-stream", template(), B::Active),
        ("a.svg", "image/svg+xml", b"<svg onload=\"alert(1)\"/>".to_vec(), B::Active),
        ("a.zip", "application/zip", document("word/document.xml"), B::Extension),
    ];
    for (name, essence, bytes, broken) in rows {
        assert_eq!(
            file(name, essence, &bytes),
            Err(broken),
            "{name} {}",
            String::from_utf8_lossy(&bytes[..bytes.len().min(60)])
        );
    }
}

#[test]
fn archives_are_bounded_and_say_one_thing() {
    use Broken as B;
    let inner = zip(&[("a.txt", b"hello")]);
    let many: Vec<(String, Vec<u8>)> = (0..1001).map(|number| (format!("f{number}"), vec![])).collect();
    let many: Vec<(&str, &[u8])> =
        many.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    let rows: Vec<(Vec<u8>, Broken)> = vec![
        (zip(&[("../a", b"x")]), B::ArchiveName),
        (zip(&[("/a", b"x")]), B::ArchiveName),
        (zip(&[("a/../../b", b"x")]), B::ArchiveName),
        (zip(&[("a\\..\\b", b"x")]), B::ArchiveName),
        (zip(&[("C:a", b"x")]), B::ArchiveName),
        (zip(&[("a\0b", b"x")]), B::ArchiveName),
        (zip(&[("a", b"x"), ("A", b"y")]), B::ArchiveDisagrees),
        (zip(&many), B::ArchiveTooMany),
        (zip(&[("bomb", &vec![0; 20_000_000])]), B::ArchiveSize),
        (zip(&[("inner.zip", &inner)]), B::ArchiveDepth),
        (zip(&[("inner.gz", &gzip(b"x"))]), B::ArchiveDepth),
        (zip(&[("inner.7z", b"7z\xbc\xaf\x27\x1c1234")]), B::ArchiveMethod),
        (Zip::default().entry("a", b"x").flags(1).build(), B::ArchiveEncrypted),
        (Zip::default().entry("a", b"x").mode(0o120_777).build(), B::ArchiveSpecial),
        (Zip::default().entry("a", b"x").method(12).build(), B::ArchiveMethod),
        (Zip::default().entry("a", b"x").length(2).build(), B::ArchiveDisagrees),
        (Zip::default().entry("a", b"x").named("b").build(), B::ArchiveDisagrees),
        (Zip::default().entry("a", b"x").gap(b"hidden").build(), B::ArchiveDisagrees),
        (gzip(&vec![0; 20_000_000]), B::ArchiveSize),
        (gzip(&gzip(b"x")), B::ArchiveDepth),
        ([gzip(b"x"), b"trailing".to_vec()].concat(), B::Malformed),
        (gzip(&tar(&[("../a", b'0', b"x")])), B::ArchiveName),
        (gzip(&tar(&[("a", b'2', b"")])), B::ArchiveSpecial),
        (gzip(&tar(&[("a", b'1', b"")])), B::ArchiveSpecial),
        (gzip(&tar(&[("a", b'x', b"19 path=../../../x\n"), ("a", b'0', b"x")])), B::ArchiveName),
        (gzip(&tar(&[("a", b'L', b"../x\0"), ("a", b'0', b"x")])), B::ArchiveName),
        (gzip(&tar(&[("a.zip", b'0', &inner)])), B::ArchiveDepth),
    ];
    for (index, (bytes, broken)) in rows.iter().enumerate() {
        let name = if bytes.starts_with(b"PK") { "a.zip" } else { "a.gz" };
        assert_eq!(file(name, "application/octet-stream", bytes), Err(*broken), "row {index}");
    }
    let mut deeper = open();
    deeper.archive.depth = 2;
    let nested = zip(&[("inner.zip", &inner)]);
    assert!(judge_with(&deeper, "a.zip", "application/zip", &nested).is_ok());
    let twice = zip(&[("nested.zip", &nested)]);
    assert_eq!(judge_with(&deeper, "a.zip", "application/zip", &twice), Err(B::ArchiveDepth));
    let bomb = zip(&[("bomb", &vec![0; 20_000_000])]);
    assert_eq!(
        judge_with(&deeper, "a.zip", "application/zip", &zip(&[("b.zip", &bomb)])),
        Err(B::ArchiveSize)
    );
}

#[test]
fn only_the_picture_stays() {
    let strip =
        |name: &str, bytes: &[u8]| judge_with(&open(), name, "application/octet-stream", bytes).unwrap().1;
    let kept = Settings { metadata: Metadata::Keep, ..open() };
    let exif = [
        b"Exif\0\0II\x2a\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0".as_slice(),
        b"GPS 52.5 13.4",
    ]
    .concat();
    let photo = jpeg_with(0xe1, &exif);
    let photo = [photo, b"a second picture".to_vec()].concat();
    let out = strip("a.jpg", &photo);
    assert!(memchr::memmem::find(&out, b"GPS").is_none() && out.ends_with(&[0xff, 0xd9]));
    let turned = memchr::memmem::find(&out, b"\x01\x12\0\x03\0\0\0\x01\0\x06").is_some();
    assert!(turned, "which way up it is stays known");
    assert_eq!(image_size(&out), (20, 10));
    assert_eq!(judge_with(&kept, "a.jpg", "image/jpeg", &photo), Err(Broken::Polyglot), "with its end");
    let alone = jpeg_with(0xe1, &exif);
    assert_eq!(judge_with(&kept, "a.jpg", "image/jpeg", &alone).unwrap().1, alone);

    let noted = png_with(b"tEXt", b"Author\0Ada");
    assert_eq!(strip("a.png", &noted), png(3, 2));
    assert_eq!(judge_with(&kept, "a.png", "image/png", &noted).unwrap().1, noted);

    let commented = gif_with(b"\x21\xfe\x03Ada\0");
    assert_eq!(strip("a.gif", &commented), gif());
    let moving = gif_with(b"\x21\xff\x0bNETSCAPE2.0\x03\x01\0\0\0");
    assert_eq!(strip("a.gif", &moving), moving);

    let tagged = webp_with_metadata();
    let out = strip("a.webp", &tagged);
    assert!(memchr::memmem::find(&out, b"EXIF").is_none() && out.len() < tagged.len());
    assert_eq!(out[20] & 0x0c, 0, "and nothing says it is there");
    assert_eq!(strip("a.webp", &out), out);
    assert_eq!(image_size(&out), (4, 4));
}

#[test]
fn pictures_are_made_anew() {
    let settings = Settings {
        reencode: true,
        types: vec![Kind::Jpeg, Kind::Png, Kind::Webp],
        max_pixels: 10_000,
        ..Settings::default()
    };
    assert_eq!(settings.problems(), []);
    for (name, bytes, size) in
        [("a.png", png(3, 2), (3, 2)), ("a.webp", webp(4, 4), (4, 4)), ("a.jpg", jpeg(20, 10), (20, 10))]
    {
        let (_, out) = judge_with(&settings, name, "application/octet-stream", &bytes).unwrap();
        assert_eq!(image_size(&out), size, "{name}");
        assert!(judge_with(&settings, name, "application/octet-stream", &out).is_ok());
    }
    // Six: turned by a quarter.
    let exif = b"Exif\0\0II\x2a\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    let (_, out) = judge_with(&settings, "a.jpg", "image/jpeg", &jpeg_with(0xe1, exif)).unwrap();
    assert_eq!(image_size(&out), (10, 20));
    let broken = png_data(b"not deflated");
    assert_eq!(judge_with(&settings, "a.png", "image/png", &broken), Err(Broken::Malformed));
    let settings = Settings { types: vec![Kind::Gif], ..settings };
    assert_eq!(settings.problems()[0].path, "types[0]");
}

/// A spool in memory, and a scanner that knows one word.
#[derive(Debug, Default)]
struct Room {
    scans: bool,
    most: AtomicU64,
}

#[derive(Debug, Default)]
struct InMemory(Vec<u8>);

impl Spool for InMemory {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    fn read(&mut self, at: u64, into: &mut [u8]) -> io::Result<()> {
        let from = self.0.get(at as usize..).and_then(|rest| rest.get(..into.len()));
        into.copy_from_slice(from.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

#[derive(Debug)]
struct OneWord;

impl Scanner for OneWord {
    fn scan(&self, mut file: Box<dyn Source>) -> BoxFuture<'_, (Scan, Box<dyn Source>)> {
        Box::pin(async move {
            let mut all = Vec::new();
            while let Some(piece) = file.next().unwrap() {
                all.extend_from_slice(&piece);
            }
            assert_eq!(all.len() as u64, file.length());
            let has = |word: &[u8]| memchr::memmem::find(&all, word).is_some();
            let found = match () {
                () if has(b"virus") => Scan::Infected("A\r\nVirus".into()),
                () if has(b"busy") => Scan::Busy,
                () if has(b"fail") => Scan::Failed("no".into()),
                () => Scan::Clean,
            };
            (found, file)
        })
    }
}

impl Outside for Room {
    fn spool(&self) -> io::Result<Box<dyn Spool>> {
        self.most.fetch_add(1, Ordering::Relaxed);
        Ok(Box::new(InMemory::default()))
    }

    fn aside(&self, work: Box<dyn FnOnce() + Send>) -> BoxFuture<'static, ()> {
        Box::pin(async move { work() })
    }

    fn scanner(&self) -> Option<Arc<dyn Scanner>> {
        self.scans.then(|| Arc::new(OneWord) as Arc<dyn Scanner>)
    }
}

/// Sends a body in pieces; what came out before the end, and in all.
fn pass(rules: Rules, scans: bool, body: &[u8], size: usize) -> Result<(usize, Vec<u8>), Denial> {
    let room: Arc<dyn Outside> = Arc::new(Room { scans, ..Room::default() });
    let rng: Arc<dyn Rng> = Arc::new(SeededRng::new(7));
    let boundary = Boundary::parse(b"multipart/form-data; boundary=b").unwrap();
    let own = Boundary::parse(b"multipart/form-data; boundary=own").unwrap();
    let raw = rules.raw;
    let rules = Arc::new(rules);
    let upload = if raw {
        Upload::file(&rules, Some(&room), &rng, media("application/octet-stream"))
    } else {
        Upload::form(&rules, Some(&room), &rng, (&boundary, own))
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async move {
        let mut passage: Box<dyn Passage> = Box::new(upload);
        let mut out: Vec<u8> = Vec::new();
        let mut early = 0;
        let pieces = body.chunks(size).map(|piece| Some(Bytes::copy_from_slice(piece))).chain([None]);
        for piece in pieces {
            let last = piece.is_none();
            let mut given;
            (passage, given) = passage.take(piece).await?;
            while passage.has_more() {
                let rest = passage.rest();
                assert_eq!(rest.is_some(), last);
                let more;
                (passage, more) = passage.more().await?;
                let length: usize = more.iter().map(Bytes::len).sum();
                assert_eq!(passage.rest(), rest.map(|rest| rest - length as u64));
                given.extend(more);
            }
            out.extend_from_slice(&given.concat());
            if !last {
                early = out.len();
            }
        }
        Ok((early, out))
    })
}

fn form(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (head, content) in parts {
        body.extend_from_slice(format!("--b\r\nContent-Disposition: form-data; {head}\r\n\r\n").as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--b--\r\n");
    body
}

fn refused(rules: Rules, body: &[u8]) -> (u16, String, String) {
    let denial = pass(rules, false, body, 1000).expect_err("refused");
    let violation = &denial.violations[0];
    (denial.status.as_u16(), violation.place.clone(), violation.rule.clone())
}

#[test]
fn a_form_goes_on_written_anew() {
    let body = form(&[
        ("name=\"title\"", b"hello"),
        ("name=\"pic\"; filename=\"me.png\"\r\nContent-Type: image/png\r\nX-Own: 1", &png(3, 2)),
        ("name=\"none\"; filename=\"\"\r\nContent-Type: application/octet-stream", b""),
    ]);
    let expected = [
        b"--own\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nhello\r\n\
          --own\r\nContent-Disposition: form-data; name=\"pic\"; filename=\""
            .to_vec(),
        b"me.png".to_vec(),
        b"\"\r\nContent-Type: image/png\r\n\r\n".to_vec(),
        png(3, 2),
        b"\r\n--own\r\nContent-Disposition: form-data; name=\"none\"; filename=\"\"\r\n\
          Content-Type: application/octet-stream\r\n\r\n\r\n--own--\r\n"
            .to_vec(),
    ];
    let keep = Settings { rename: false, ..open() };
    for size in [1, 7, 10_000] {
        let (early, out) = pass(rules_of(&keep), false, &body, size).unwrap();
        assert_eq!(String::from_utf8_lossy(&out), String::from_utf8_lossy(&expected.concat()));
        assert_eq!(early, 0, "nothing before all was judged");
    }
    let (_, out) = pass(rules_of(&open()), false, &body, 100).unwrap();
    let text = String::from_utf8_lossy(&out);
    let name = text.split("filename=\"").nth(1).unwrap().split('"').next().unwrap();
    assert!(name.len() == 36 && name.ends_with(".png") && !text.contains("me.png"), "{name}");
    let eager = Settings { hold: Hold::File, ..open() };
    let (early, out) = pass(rules_of(&eager), false, &body, 50).unwrap();
    assert!(early > 100 && early < out.len());
    assert_eq!(pass(rules_of(&open()), false, b"--b--\r\n", 3).unwrap().1, b"--own--\r\n");
}

#[test]
fn large_files_go_through_the_spool_unchanged() {
    let text = "0123456789abcde\n".repeat(100_000);
    let body = form(&[
        ("name=one; filename=a.txt", text.as_bytes()),
        ("name=field", b"between"),
        ("name=two; filename=b.txt", text.as_bytes()),
    ]);
    let small = Settings { memory: gabion_model::ByteSize::new(20_000), rename: false, ..open() };
    let (_, out) = pass(rules_of(&small), true, &body, 40_000).unwrap();
    let count = memchr::memmem::find_iter(&out, text.as_bytes()).count();
    assert_eq!(count, 2);
    assert!(memchr::memmem::find(&out, b"between").is_some());

    let photo = [jpeg_with(0xe1, &vec![b'x'; 60_000]), vec![0; 100]].concat();
    let raw = Rules { raw: true, ..rules_of(&small) };
    assert_eq!(pass(raw, false, &photo, 5_000).unwrap().1, jpeg(20, 10), "stripped across memory and spool");
}

#[test]
fn forms_are_bounded_and_unambiguous() {
    let few = || Rules {
        max_files: 1,
        max_fields: 1,
        field_size: 10,
        max_size: 50,
        ..rules_of(&Settings::default())
    };
    let text = b"text";
    let file = ("name=f; filename=a.txt", text.as_slice());
    assert!(pass(few(), false, &form(&[file]), 9).is_ok());
    let rows: Vec<(Vec<u8>, u16, &str)> = vec![
        (form(&[file, ("name=g; filename=b.txt", text)]), 413, "part 2"),
        (form(&[("name=a", text), ("name=b", text)]), 413, "part 2"),
        (form(&[("name=a", b"eleven signs")]), 413, "part 1"),
        (form(&[("name=f; filename=a.txt", &[b'x'; 51])]), 413, "part 1"),
        (form(&[("name=a", text), ("name=a; filename=a.txt", text)]), 400, "part 2"),
        (form(&[("name=a", b"\xff\xfe")]), 400, "part 1"),
        (form(&[("name=a", b"a\0b")]), 400, "part 1"),
        (form(&[("name=_charset_", b"utf-7")]), 400, "part 1"),
        (form(&[("name=a\r\nContent-Type: text/plain; charset=utf-16", text)]), 400, "part 1"),
        (form(&[("name=a\r\nContent-Type: application/octet-stream", text)]), 400, "part 1"),
        (form(&[("name=f; filename=\"\"", text)]), 422, "part 1"),
        (form(&[("name=f; filename=\"a/../b.txt\"", text)]), 422, "part 1"),
        (form(&[("name=f; filename=a.exe", b"MZ\x90\0")]), 415, "part 1"),
        (form(&[("name=f; filename=a.svg", b"<svg/>")]), 415, "part 1"),
        (b"--b\r\nnonsense".to_vec(), 400, "body"),
    ];
    for (body, status, place) in rows {
        let (found, at, rule) = refused(few(), &body);
        assert_eq!((found, at.as_str()), (status, place), "{rule} {}", String::from_utf8_lossy(&body));
        assert!(!rule.contains("a.txt") && !rule.contains("eleven"), "nothing is repeated");
    }
    let named = || Rules { fields: Some(vec!["pic".into()]), ..few() };
    assert!(pass(named(), false, &form(&[("name=pic; filename=a.txt", text)]), 9).is_ok());
    assert_eq!(refused(named(), &form(&[file])).1, "part 1");
    let (status, place, rule) = refused(named(), &form(&[("name=pic", text)]));
    assert_eq!((status, place.as_str()), (400, "field pic"), "{rule}");
    let (_, _, rule) = refused(few(), &form(&[("name=f; filename=a.zip", b"PK\x03\x04")]));
    assert!(rule.ends_with("taken: gif, jpeg, pdf, png, text, webp"), "{rule}");
}

#[test]
fn most_refusals_need_only_the_beginning() {
    let body = form(&[(
        "name=f; filename=a.png\r\nContent-Type: image/png",
        &[b"<html>".as_slice(), &[b'x'; 100_000]].concat(),
    )]);
    let start = &body[..2000];
    let rules = rules_of(&Settings::default());
    let denial = pass(rules, false, start, 2000).expect_err("cut off");
    assert_eq!((denial.status.as_u16(), denial.control), (422, ControlId::INPUT_UPLOADS));
    let long = form(&[("name=f; filename=a.txt", &[b'x'; 100_000])]);
    let rules = Rules { max_size: 1000, ..rules_of(&Settings::default()) };
    assert_eq!(pass(rules, false, &long[..4000], 4000).expect_err("cut off").status.as_u16(), 413);
}

#[test]
fn only_a_clean_file_passes_the_scanner() {
    let scanned = || Rules { scanned: true, ..rules_of(&Settings::default()) };
    let body = |text: &str| form(&[("name=f; filename=a.txt", text.as_bytes())]);
    assert!(pass(scanned(), true, &body("all is well"), 10).is_ok());
    for (text, status, detail) in [
        ("a virus", 422, "the file is infected: AVirus"),
        ("busy", 503, "the virus scanner is busy"),
        ("fail", 503, "the virus scanner gave no answer: no"),
    ] {
        let denial = pass(scanned(), true, &body(text), 10).expect_err("refused");
        assert_eq!((denial.status.as_u16(), &*denial.detail), (status, detail));
    }
    let denial = pass(scanned(), false, &body("no scanner at all"), 10).expect_err("closed on failure");
    assert_eq!(denial.status.as_u16(), 503);
}

#[test]
fn the_head_says_what_a_body_is() {
    let shape_of = |fields: &[(&'static str, &str)], raw: bool| {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        match shape(&headers, raw) {
            Ok(Shape::Form(_)) => "form".to_owned(),
            Ok(Shape::File(_)) => "file".to_owned(),
            Ok(Shape::Other) => "other".to_owned(),
            Err(broken) => broken.status().as_u16().to_string(),
        }
    };
    let form = ("content-type", "multipart/form-data; boundary=b");
    assert_eq!(shape_of(&[form], false), "form");
    assert_eq!(shape_of(&[form, ("content-encoding", "gzip")], false), "415");
    assert_eq!(shape_of(&[form, ("content-type", "text/plain")], false), "415");
    assert_eq!(shape_of(&[("content-type", "multipart/mixed; boundary=b")], false), "415");
    assert_eq!(shape_of(&[("content-type", "text/plain, multipart/form-data; boundary=b")], false), "415");
    assert_eq!(shape_of(&[("content-type", "image/png")], false), "file");
    assert_eq!(shape_of(&[("content-type", "application/pdf"), ("content-encoding", "br")], true), "415");
    assert_eq!(shape_of(&[("content-type", "image/png"), ("content-type", "text/plain")], true), "415");
    assert_eq!(shape_of(&[("content-type", "application/json")], false), "other");
    assert_eq!(shape_of(&[("content-type", "application/json")], true), "file");
    assert_eq!(shape_of(&[("content-type", "nonsense")], true), "415");
    assert_eq!(shape_of(&[], true), "file");
    assert_eq!(shape_of(&[], false), "other");
}

#[test]
fn settings_are_checked() {
    assert_eq!(Settings::default().problems(), []);
    let paths =
        |settings: Settings| settings.problems().into_iter().map(|problem| problem.path).collect::<Vec<_>>();
    let wrong = Settings {
        types: vec![],
        max_size: gabion_model::ByteSize::new(0),
        memory: gabion_model::ByteSize::new(1),
        ..Settings::default()
    };
    assert_eq!(paths(wrong), ["types", "max_size", "memory"]);
    let with = |protocol, address: &str| Settings {
        antivirus: Some(Antivirus {
            protocol,
            address: address.into(),
            timeout: gabion_model::Period::from_secs(1),
            at_once: 1,
        }),
        ..Settings::default()
    };
    for (protocol, address, sound) in [
        (AntivirusProtocol::Clamd, "127.0.0.1:3310", true),
        (AntivirusProtocol::Clamd, "unix:/run/clamav/clamd.ctl", true),
        (AntivirusProtocol::Clamd, "unix:relative", false),
        (AntivirusProtocol::Clamd, "clamd", false),
        (AntivirusProtocol::Icap, "icap://127.0.0.1:1344/avscan", true),
        (AntivirusProtocol::Icap, "icap://127.0.0.1/avscan", false),
        (AntivirusProtocol::Icap, "icap://127.0.0.1:1344/", false),
        (AntivirusProtocol::Icap, "icap://u@127.0.0.1:1344/a", false),
        (AntivirusProtocol::Icap, "icap://127.0.0.1:1344/a b", false),
    ] {
        let expected: &[&str] = if sound { &[] } else { &["antivirus.address"] };
        assert_eq!(paths(with(protocol, address)), expected, "{address}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Nothing panics, and what is kept of a picture is a picture of which everything is kept.
    #[test]
    fn damaged_files_are_judged(which in 0_usize..14, cuts in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4), cut in any::<prop::sample::Index>(), short: bool) {
        let (name, mut bytes) = samples().swap_remove(which);
        for (at, byte) in cuts {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if short {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok((kind, out)) = judge_with(&open(), name, "application/octet-stream", &bytes) {
            prop_assert_eq!(judge_with(&open(), name, "application/octet-stream", &out), Ok((kind, out.clone())));
        }
    }

    #[test]
    fn any_bytes_in_any_split_go_through_or_not(bytes in prop::collection::vec(any::<u8>(), 0..3000), size in 1_usize..500) {
        let body = form(&[("name=f; filename=a.txt", &bytes)]);
        let whole = pass(rules_of(&open()), false, &body, body.len());
        let split = pass(rules_of(&open()), false, &body, size);
        prop_assert_eq!(whole.map(|(_, out)| out), split.map(|(_, out)| out));
    }
}
