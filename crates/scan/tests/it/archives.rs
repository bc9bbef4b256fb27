//! What was packed.

use std::collections::HashSet;
use std::fs;
use std::io::{Cursor, Write as _};

use flate2::Compression;
use flate2::write::GzEncoder;
use gabion_finding::UnreadReason;
use gabion_scan::{ArchiveOptions, Archives, Beside, WalkOptions, archives};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::harness::{Project, SECRET, choice, scanners};

fn look(project: &Project, options: &ArchiveOptions) -> Archives {
    archives(project.root(), &WalkOptions::default(), &scanners(), &HashSet::new(), options, &()).unwrap()
}

fn zipped(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        archive.start_file(*name, SimpleFileOptions::default()).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn tarred(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, bytes) in members {
        let mut header = tar::Header::new_ustar();
        // As others may write it: also what leads out.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(bytes.len().try_into().unwrap());
        header.set_cksum();
        archive.append(&header, *bytes).unwrap();
    }
    archive.into_inner().unwrap()
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

fn places(found: &Archives) -> Vec<&str> {
    found.findings.iter().map(|one| &*one.finding.place.path).collect()
}

fn unread(found: &Archives) -> Vec<(&str, UnreadReason)> {
    found.unread.iter().map(|unread| (&*unread.path, unread.reason)).collect()
}

#[test]
fn secrets_are_found_in_every_kind_and_never_shown() {
    let line = format!("key = \"{SECRET}\"\n");
    let inner = zipped(&[("config/app.js", line.as_bytes()), ("readme.txt", b"nothing")]);
    let project = Project::new(&[("plain.js", "x\n")]);
    let at = |name: &str| project.root().join(name);
    fs::write(at("a.zip"), zipped(&[("lib/in.jar", &inner), ("x.js", line.as_bytes())])).unwrap();
    fs::write(at("b.tar.gz"), gzipped(&tarred(&[("../../b.js", line.as_bytes())]))).unwrap();
    fs::write(at("c.tar"), tarred(&[("c.js", line.as_bytes())])).unwrap();
    fs::write(at("d.js.gz"), gzipped(line.as_bytes())).unwrap();
    let found = look(&project, &ArchiveOptions::default());
    let expected = [
        "a.zip!/lib/in.jar!/config/app.js",
        "a.zip!/x.js",
        "b.tar.gz!/../../b.js",
        "c.tar!/c.js",
        "d.js.gz!/d.js",
    ];
    assert_eq!(places(&found), expected, "{:?}", found.unread);
    assert_eq!((found.archives, found.texts), (4, 6));
    assert_eq!(found.findings[0].finding.properties["archive"], "a.zip!/lib/in.jar");
    assert!(!format!("{found:?}").contains(SECRET));
    let rules = gabion_scan::rules::RuleBook::new(&scanners());
    let beside = Beside { archives: Some(found), ..Beside::default() };
    let report = gabion_scan::Report::new(project.scan(), beside, &choice(), &rules).unwrap();
    assert_eq!((report.findings.len(), report.archives), (5, Some((4, 6))));
}

#[test]
fn what_explodes_is_damaged_or_locked_ends_and_is_said() {
    let zeros = vec![b'0'; 9 << 20];
    let project = Project::new(&[]);
    let at = |name: &str| project.root().join(name);
    fs::write(at("bomb.zip"), zipped(&[("a.txt", &zeros), ("b.txt", b"short")])).unwrap();
    fs::write(at("bomb.tgz"), gzipped(&tarred(&[("a.bin", &zeros), ("b.txt", b"short")]))).unwrap();
    fs::write(at("no.zip"), b"PK\x03\x04 nothing").unwrap();
    fs::write(at("no.tar.gz"), &gzipped(&tarred(&[("a.txt", &zeros)]))[..200]).unwrap();
    let many: Vec<(String, &[u8])> =
        (0..40).map(|number| (format!("{number}.txt"), b"x".as_slice())).collect();
    let many: Vec<(&str, &[u8])> = many.iter().map(|(name, bytes)| (name.as_str(), *bytes)).collect();
    fs::write(at("many.zip"), zipped(&many)).unwrap();
    let mut nested = zipped(&[("a.txt", b"x")]);
    for _ in 0..6 {
        nested = zipped(&[("in.zip", &nested)]);
    }
    fs::write(at("nested.zip"), nested).unwrap();
    fs::write(at("opaque.zip"), zipped(&[("a.txt", b"\0\0\0")])).unwrap();
    let options =
        ArchiveOptions { members: 30, unpacked: 4 << 20, largest: 1 << 20, ..ArchiveOptions::default() };
    let found = look(&project, &options);
    assert_eq!(
        unread(&found),
        [
            ("bomb.tgz", UnreadReason::Budget),
            ("bomb.tgz!/a.bin", UnreadReason::Large),
            ("bomb.zip!/a.txt", UnreadReason::Large),
            ("many.zip", UnreadReason::Budget),
            ("nested.zip!/in.zip!/in.zip!/in.zip!/in.zip", UnreadReason::Deep),
            ("no.tar.gz", UnreadReason::Syntax),
            ("no.tar.gz!/a.txt", UnreadReason::Syntax),
            ("no.zip", UnreadReason::Syntax),
            ("opaque.zip", UnreadReason::Binary),
        ]
    );
    // What stands beside a bomb is still read.
    assert_eq!(found.texts, 1 + 30);
}

#[test]
fn names_that_are_longer_than_a_header_are_read_in_bounds() {
    let line = format!("key = \"{SECRET}\"\n");
    let deep = format!("{}app.js", "folder/".repeat(40));
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(line.len().try_into().unwrap());
    archive.append_data(&mut header, &deep, line.as_bytes()).unwrap();
    let pax = format!("{} path={deep}\n", 10 + deep.len());
    let mut extended = tar::Header::new_ustar();
    extended.set_entry_type(tar::EntryType::XHeader);
    extended.set_size(pax.len().try_into().unwrap());
    extended.set_cksum();
    archive.append(&extended, pax.as_bytes()).unwrap();
    let mut header = tar::Header::new_ustar();
    header.set_path("short.js").unwrap();
    header.set_size(line.len().try_into().unwrap());
    header.set_cksum();
    archive.append(&header, line.as_bytes()).unwrap();
    // A name of 8 MiB.
    let mut bomb = tar::Header::new_gnu();
    bomb.set_entry_type(tar::EntryType::GNULongName);
    bomb.set_size(8 << 20);
    bomb.set_cksum();
    archive.append(&bomb, vec![b'n'; 8 << 20].as_slice()).unwrap();
    archive.append(&header, line.as_bytes()).unwrap();
    let project = Project::new(&[]);
    fs::write(project.root().join("a.tgz"), gzipped(&archive.into_inner().unwrap())).unwrap();
    let found = look(&project, &ArchiveOptions::default());
    let named = format!("a.tgz!/{deep}");
    let cut = format!("a.tgz!/{}", "n".repeat(1024));
    assert_eq!(places(&found), [named.as_str(), named.as_str(), cut.as_str()], "{:?}", found.unread);
}

#[test]
fn flipped_bytes_end_well() {
    let line = format!("key = \"{SECRET}\"\n");
    let packed = [
        (
            "a.zip",
            zipped(&[("in.tgz", &gzipped(&tarred(&[("a.js", line.as_bytes())]))), ("b.js", line.as_bytes())]),
        ),
        ("a.tar", tarred(&[("a.js", line.as_bytes()), ("b.js", line.as_bytes())])),
    ];
    for (name, whole) in packed {
        for at in (0..whole.len()).step_by(whole.len().div_ceil(150)) {
            let mut bytes = whole.clone();
            bytes[at] ^= 0xA5;
            let project = Project::new(&[]);
            fs::write(project.root().join(name), bytes).unwrap();
            let found = look(&project, &ArchiveOptions::default());
            assert!(found.findings.len() <= 2, "byte {at} of {name}");
        }
    }
}
