//! What logs, witnesses and bearers of proofs send: notes, checkpoints, requests to cosign, proofs, tiles, bundles.
#![no_main]

use std::sync::LazyLock;

use gabion_tlog::evidence::Evidence;
use gabion_tlog::tile::Tile;
use gabion_tlog::trust::Trust;
use gabion_tlog::note::Purpose;
use gabion_tlog::witness::{AddCheckpoint, Answer};
use gabion_tlog::{Checkpoint, Note, VerifyingKey, bundle};
use libfuzzer_sys::fuzz_target;

static KEY: LazyLock<VerifyingKey> = LazyLock::new(|| {
    VerifyingKey::parse("gabion/a769fefb+1fac3356+ATaqMO2/xZtkDfYGhJHxjiSe4ZwBFDHh2zJqleoo8And").expect("a key")
});

static WITNESS: LazyLock<VerifyingKey> =
    LazyLock::new(|| VerifyingKey::new("w.example/1", Purpose::Witness, [9; 32]).expect("a name"));

static REQUEST: LazyLock<AddCheckpoint> = LazyLock::new(|| {
    let text = "gabion/a769fefb\n7\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n".to_owned();
    AddCheckpoint { old: 3, proof: Vec::new(), checkpoint: Note { text, signatures: Vec::new() } }
});

fuzz_target!(|bytes: &[u8]| {
    for status in [200, 409] {
        let answer = Answer::read(&REQUEST, &WITNESS, status, bytes);
        assert!(!matches!(answer, Ok(Answer::Cosigned(_))), "nobody guesses a cosignature");
    }
    if let Ok(note) = Note::parse(bytes) {
        assert_eq!(note.to_string().as_bytes(), bytes, "a note has one spelling");
        assert!(Trust::in_log(KEY.clone()).open(&note).is_err(), "nobody guesses a signature");
        if let Ok(checkpoint) = Checkpoint::parse(&note.text) {
            assert_eq!(checkpoint.to_string(), note.text, "a checkpoint has one spelling");
        }
    }
    if let Ok(request) = AddCheckpoint::parse(bytes) {
        assert_eq!(request.to_string().as_bytes(), bytes, "a request has one spelling");
        assert!(request.judge(&[KEY.clone()], None).is_err());
    }
    if let Ok(evidence) = Evidence::parse(bytes) {
        assert_eq!(evidence.to_string().as_bytes(), bytes, "a proof has one spelling");
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        if let Some(tile) = Tile::from_path(text) {
            assert_eq!(tile.to_string(), text, "a tile has one path");
        }
        if let Ok(key) = VerifyingKey::parse(text) {
            assert_eq!(key.to_string(), text, "a key has one spelling");
        }
    }
    for count in [1, 2, 256] {
        if let Ok(entries) = bundle::entries(bytes, count) {
            assert_eq!(entries.len(), usize::from(count));
        }
    }
});
