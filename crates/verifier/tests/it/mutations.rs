//! A small ledger in files, and every way to change it that a byte, a record or a file allows: none is called right.

use std::fs;
use std::path::{Path, PathBuf};

use gabion_ledger::format::{Frame, HEADER_SIZE};
use gabion_ledger::{Position, SegmentId};
use gabion_tlog::trust::Trust;
use gabion_verifier::{Files, Refusal, log_key, trust, whole};

use crate::program::{key, ledger};

/// A copy of the ledger that can be changed.
struct Copy {
    directory: tempfile::TempDir,
}

impl Copy {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        ledger(directory.path());
        Self { directory }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn segment(&self) -> PathBuf {
        self.path(&SegmentId::FIRST.file_name())
    }

    fn verdict(&self) -> Result<u64, Refusal> {
        verdict(self.directory.path(), &believed())
    }
}

fn believed() -> Trust {
    trust(log_key(&key()).unwrap(), &[], None).unwrap()
}

fn verdict(directory: &Path, trust: &Trust) -> Result<u64, Refusal> {
    whole(&Files::open(directory)?, trust, None, &[], |_, _| {}).map(|whole| whole.verified.size)
}

#[test]
fn every_flipped_byte_and_every_cut_is_found() {
    let copy = Copy::new();
    let records = copy.verdict().unwrap();
    for file in [copy.segment(), copy.path("tree/checkpoint")] {
        let whole = fs::read(&file).unwrap();
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 1 << (at % 8);
            fs::write(&file, changed).unwrap();
            assert!(copy.verdict().is_err(), "byte {at} of {}", file.display());
            fs::write(&file, &whole[..at]).unwrap();
            assert!(copy.verdict().is_err(), "cut to {at}: {}", file.display());
        }
        fs::write(&file, &whole).unwrap();
    }
    assert_eq!(copy.verdict().unwrap(), records);
}

#[test]
fn records_dropped_swapped_doubled_or_replaced_are_found_and_named() {
    let copy = Copy::new();
    let whole = fs::read(copy.segment()).unwrap();
    let (header, mut rest) = whole.split_at(HEADER_SIZE);
    let mut frames = Vec::new();
    while let Ok(frame) = Frame::decode(rest) {
        frames.push(frame);
        rest = &rest[frame.size()..];
    }
    // Numbered and summed as if they had always stood there.
    let forge = |payloads: &[&[u8]]| {
        let mut bytes = header.to_vec();
        for (number, payload) in (1..).zip(payloads) {
            let position = Position(number);
            Frame { position, mark: position, payload, ..frames[0] }.encode(&mut bytes);
        }
        fs::write(copy.segment(), bytes).unwrap();
        copy.verdict().map_err(|refusal| refusal.causes)
    };
    let payloads: Vec<&[u8]> = frames.iter().map(|frame| frame.payload).collect();
    assert!(forge(&payloads).is_ok(), "the same again");
    for at in 0..payloads.len() {
        let named = Err(vec![format!("record {} is not the one that was sealed", at + 1)]);
        let mut dropped = payloads.clone();
        dropped.remove(at);
        assert!(forge(&dropped).is_err());
        let mut doubled = payloads.clone();
        doubled.insert(at, b"{}");
        assert_eq!(forge(&doubled), named);
        let mut replaced = payloads.clone();
        replaced[at] = b"{}";
        assert_eq!(forge(&replaced), named);
        if at > 0 {
            let mut swapped = payloads.clone();
            swapped.swap(at - 1, at);
            assert_eq!(forge(&swapped), Err(vec![format!("record {at} is not the one that was sealed")]));
        }
        let ends = format!("the ledger ends with record {at}, and {} records were sealed", payloads.len());
        assert_eq!(forge(&payloads[..at]), Err(vec![ends]));
    }
}

/// Tiles are no more than a help: right records stay right without them, and wrong tiles accuse nobody.
#[test]
fn files_that_are_missing_or_strange_are_answered_for() {
    let copy = Copy::new();
    let records = copy.verdict().unwrap();
    let tile = walk(&copy.path("tree/tile")).into_iter().next().unwrap();
    fs::write(&tile, vec![7; 100_000]).unwrap();
    assert_eq!(
        copy.verdict().unwrap_err().message,
        "the ledger is not what was signed",
        "too large to be read"
    );
    fs::write(&tile, [7; 32]).unwrap();
    assert_eq!(copy.verdict().unwrap(), records);
    fs::remove_dir_all(copy.path("tree/tile")).unwrap();
    assert_eq!(copy.verdict().unwrap(), records);

    fs::write(copy.path("notes.txt"), "not a segment").unwrap();
    assert_eq!(copy.verdict().unwrap(), records);
    fs::create_dir(copy.path(&SegmentId(2).file_name())).unwrap();
    assert!(copy.verdict().is_err(), "a directory in the place of a segment");
    fs::remove_dir(copy.path(&SegmentId(2).file_name())).unwrap();
    fs::remove_file(copy.path("tree/checkpoint")).unwrap();
    assert!(copy.verdict().unwrap_err().message.contains("nothing vouches for it"));
    fs::remove_file(copy.segment()).unwrap();
    assert!(copy.verdict().unwrap_err().message.contains("there is no ledger"));
}

/// Another log's key, and a quorum of witnesses nobody asked.
#[test]
fn who_is_believed_is_said_and_nobody_else() {
    let copy = Copy::new();
    let other = "gate.example/other+64f1bfd0+AW6m5D1Wm0kQ1dNBlkfY0tgLRa4Yr8TQ3ddFsYBxP0Iu";
    assert!(log_key(other).is_err(), "the id is not of this name and key");
    let witness = "w+fe7b045a+BOjCEHV3UUlzlx2fCfFKtQ6uSVc8Y86JnxmKdvZunMBS".to_owned();
    let asked = trust(log_key(&key()).unwrap(), &[witness], None).unwrap();
    let refusal = verdict(copy.directory.path(), &asked).unwrap_err();
    assert!(refusal.to_string().contains("cosigned by 0 of the 1 witnesses"), "{refusal}");
    assert!(trust(log_key(&key()).unwrap(), &[], Some(1)).unwrap_err().usage);
}

fn walk(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(walk(&path)) } else { found.push(path) }
    }
    found
}
