//! Evidence that proves itself, and every way in which it does not any more.

use gabion_incident::evidence::{Broken, Disclosed, Item, Kind, Link, Pack, Piece, Proven, Records};
use gabion_incident::{Class, What, step};
use gabion_model::Secret;
use gabion_tlog::note::Purpose;
use gabion_tlog::tree::InMemory;
use gabion_tlog::trust::Trust;
use gabion_tlog::{Checkpoint, Hash, Note, SigningKey, proof};
use gabion_vault::encoding::{base64_encode, hex_encode};

use crate::world::{Course, note};

fn key(seed: u8) -> SigningKey {
    SigningKey::new("gabion/test", Purpose::Log, &Secret::new([seed; 32])).unwrap()
}

/// A ledger of these records.
struct Log {
    records: Vec<Vec<u8>>,
}

impl Log {
    fn sealed(&self) -> (Note, Vec<Proven>) {
        let mut tree = InMemory::new();
        self.records.iter().for_each(|record| tree.push(Hash::leaf(record)));
        let size = self.records.len() as u64;
        let checkpoint = Checkpoint {
            origin: "gabion/test".to_owned(),
            size,
            root: tree.tree().root(),
            extensions: vec![],
        };
        let proven = (0..size).map(|index| {
            let path = proof::inclusion(&tree, index, size).unwrap().unwrap();
            Proven::new(index + 1, &self.records[usize::try_from(index).unwrap()], &path)
        });
        (checkpoint.sign(&key(1)), proven.collect())
    }
}

fn open(_: u64, disclosed: &[u8]) -> Option<Disclosed> {
    Some(Disclosed { stored: disclosed.to_vec(), json: disclosed.to_vec() })
}

fn record(incident: u64, number: u64, digest: &[u8; 32]) -> Vec<u8> {
    serde_json::json!({
        "kind": "incident",
        "metadata": { "incident": incident.to_string(), "step": number.to_string(), "digest": hex_encode(digest) },
    })
    .to_string()
    .into_bytes()
}

fn pack() -> Pack {
    let mut log = Log { records: vec![b"{\"action\":\"login.failed\"}".to_vec(), b"{}".to_vec()] };
    let (note_of_copy, proven) = log.sealed();
    let copy = Records::new(7, &note_of_copy, proven[..1].to_vec()).to_bytes();
    let mut course = Course::new(Class::P1, true);
    let item = Item::of(1, "records.json".to_owned(), Kind::Records, &copy, "the ledger".to_owned());
    course.take(note("seen")).take(What::EvidenceKept(item));
    let file = Item::of(2, "capture".to_owned(), Kind::File, b"bytes", "host".to_owned());
    course.take(What::EvidenceKept(file));
    course.take(What::EvidenceRead { evidence: 2, purpose: "audit".to_owned() });
    let mut former = step::beginning(7);
    let mut texts = Vec::new();
    for one in &course.steps {
        let text = serde_json::to_string(one).unwrap();
        former = step::digest(&former, text.as_bytes());
        log.records.push(record(7, one.number, &former));
        texts.push(text);
    }
    let (checkpoint, proven) = log.sealed();
    let custody = texts.into_iter().zip(&proven[2..]).map(|(step, proof)| Link {
        step,
        opened: Vec::new(),
        proof: proof.clone(),
    });
    let piece = |id, content: &[u8]| Piece { id, content: base64_encode(content), erased: false };
    Pack::new(7, &checkpoint, vec![piece(1, &copy), piece(2, b"bytes")], custody.collect())
}

/// No step here has a sealed text.
fn sealed(_: &serde_json::Value, _: Option<&str>) -> Option<gabion_incident::evidence::Revealed> {
    None
}

fn trust() -> Trust {
    Trust::in_log(key(1).verifying().clone())
}

#[test]
fn a_pack_proves_itself_with_the_public_key_alone() {
    let bytes = serde_json::to_vec(&pack()).unwrap();
    let verified = Pack::parse(&bytes).unwrap().verify(&trust(), &open, &sealed).unwrap();
    assert_eq!((verified.steps, verified.records, verified.evidence.len()), (5, 1, 2));
    assert_eq!(verified.custody.len(), 3);
    assert_eq!(verified.custody[2].text, "evidence 2 read: audit");
    let stranger = Trust::in_log(key(2).verifying().clone());
    assert!(matches!(pack().verify(&stranger, &open, &sealed), Err(Broken::Checkpoint(_))));
}

#[test]
fn what_is_left_out_moved_or_put_in_is_found() {
    let changed = |change: &dyn Fn(&mut Pack)| {
        let mut pack = pack();
        change(&mut pack);
        pack.verify(&trust(), &open, &sealed).unwrap_err()
    };
    assert_eq!(changed(&|pack| drop(pack.evidence.remove(0))), Broken::Missing(1));
    assert_eq!(changed(&|pack| pack.evidence[1].content = base64_encode(b"other")), Broken::Evidence(2));
    assert_eq!(changed(&|pack| pack.evidence[1].id = 9), Broken::Evidence(9));
    assert_eq!(changed(&|pack| drop(pack.custody.remove(1))), Broken::Step(2));
    assert_eq!(changed(&|pack| pack.custody.swap(1, 2)), Broken::Step(2));
    assert_eq!(
        changed(&|pack| pack.custody[1].step = pack.custody[1].step.replace("seen", "unseen")),
        Broken::Step(2)
    );
    assert_eq!(changed(&|pack| pack.incident = 8), Broken::Step(1));
    // Only what was sealed can be erased.
    let erased = |pack: &mut Pack| {
        pack.evidence[1].content.clear();
        pack.evidence[1].erased = true;
    };
    assert_eq!(changed(&erased), Broken::Evidence(2));
    assert_eq!(changed(&|pack| pack.custody[1].opened.push(None)), Broken::Step(2));
    // Evidence that was kept and whose step is gone, from the end: the piece has no step any more.
    assert_eq!(changed(&|pack| pack.custody.truncate(3)), Broken::Evidence(2));
}

/// Every byte of the file, changed: it is never believed, unless it says exactly the same.
#[test]
fn every_changed_byte_shows() {
    let whole = pack();
    let bytes = serde_json::to_vec(&whole).unwrap();
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        if let Ok(read) = Pack::parse(&changed)
            && let Ok(verified) = read.verify(&trust(), &open, &sealed)
        {
            panic!(
                "byte {at} of {}: {verified:?}",
                String::from_utf8_lossy(&changed[at.saturating_sub(20)..=at])
            );
        }
    }
}
