//! What the ledger writes to files, read by somebody else's reader of such logs: the crate `tlog_tiles`.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gabion_ledger::{Ledger, Position, Reader, Seal, Sealed, SegmentSource, Settings, TreeStorage};
use gabion_model::{ByteSize, ManualClock, Secret, Timestamp};
use gabion_store::{SegmentFiles, TreeFiles};
use gabion_tlog::note::Purpose;
use gabion_tlog::{Note, SigningKey};
use tlog_tiles::{
    Checkpoint, Error, Hash, Tile, TileHashReader, TileReader, check_record, check_tree, prove_record,
    prove_tree, record_hash, tree_hash,
};

use crate::child::event;

/// Reads tiles of 256 where C2SP tlog-tiles puts them. The crate's own paths name the height as well.
pub(crate) struct Files(pub(crate) PathBuf);

impl TileReader for Files {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[Tile]) -> Result<Vec<Vec<u8>>, Error> {
        let read = |tile: &Tile| {
            let path = tile.path().replacen("tile/8/", "tile/", 1);
            fs::read(self.0.join(&path)).map_err(|error| Error::InvalidInput(format!("{path}: {error}")))
        };
        tiles.iter().map(read).collect()
    }

    fn save_tiles(&self, _: &[Tile], _: &[Vec<u8>]) {}
}

fn seal(tree: &Path) -> Seal {
    let key = SigningKey::new("gate.example/ledger", Purpose::Log, &Secret::new([7; 32])).unwrap();
    Seal { key, storage: Arc::new(TreeFiles::open(tree)) }
}

/// Records so many events more, numbered from `from`, as they come from many callers at once, and closes.
fn record(directory: &Path, from: u64, count: usize) {
    let storage = Arc::new(SegmentFiles::open(directory).unwrap());
    let settings = Settings { segment_size: ByteSize::new(1 << 20), ..Settings::default() };
    let clock = Arc::new(ManualClock::at(Timestamp::from_secs(7)));
    let (ledger, _) = Ledger::open_sealed(storage, &settings, clock, seal(&directory.join("tree"))).unwrap();
    crate::child::block_on(async {
        let mut waiting = tokio::task::JoinSet::new();
        for number in (from..).take(count) {
            let ledger = ledger.clone();
            waiting.spawn(async move { ledger.record(event(&number.to_string())).await.unwrap() });
        }
        assert_eq!(waiting.join_all().await.len(), count);
        ledger.close().await.unwrap();
    });
}

/// The checkpoint's file up to its signatures, as the other reader has it.
pub(crate) fn checkpoint(tree: &Path) -> (Checkpoint, Vec<u8>) {
    let note = fs::read(tree.join("checkpoint")).unwrap();
    let text = note.windows(2).position(|pair| pair == b"\n\n").unwrap();
    (Checkpoint::from_bytes(&note[..=text]).unwrap(), note)
}

pub(crate) fn theirs(path: &[gabion_tlog::Hash]) -> Vec<Hash> {
    path.iter().map(|hash| Hash(hash.0)).collect()
}

#[test]
fn another_reader_finds_the_same_tree_in_the_files() {
    let temporary = tempfile::tempdir().unwrap();
    let directory = temporary.path().join("ledger");
    let tree = directory.join("tree");
    let files = Files(tree.clone());
    let mut former: Vec<(u64, Hash)> = Vec::new();
    let mut size = 0;
    // The last one has three levels of tiles.
    for count in [1, 6, 248, 1, 1, 768, 64_800] {
        record(&directory, size, count);
        size += count as u64;
        let (checkpoint, note) = checkpoint(&tree);
        assert_eq!((checkpoint.origin(), checkpoint.size()), ("gate.example/ledger", size));
        assert_eq!(checkpoint.extension(), "");
        let root = *checkpoint.hash();
        let hashes = TileHashReader::new(size, root, &files);
        assert_eq!(tree_hash(size, &hashes).unwrap(), root);

        let source = Arc::new(SegmentFiles::open(&directory).unwrap()) as Arc<dyn SegmentSource>;
        let reader = Reader::open(source).unwrap();
        let own = Sealed::open(Arc::new(TreeFiles::open(&tree)) as Arc<dyn TreeStorage>, &reader);
        let own = own.unwrap().unwrap();
        assert_eq!(own.note(), &Note::parse(&note).unwrap());
        for record in [1, 2, 3, 255, 256, 257, 512, size / 2, size - 1, size] {
            if record == 0 || record > size {
                continue;
            }
            let payload = reader.payload(Position(record)).unwrap().unwrap();
            // Our proof, checked by the other; and the other's own, made of our files, which is ours.
            let path = theirs(&own.inclusion(Position(record)).unwrap().unwrap());
            check_record(&path, size, root, record - 1, record_hash(&payload)).unwrap();
            assert_eq!(prove_record(size, record - 1, &hashes).unwrap(), path, "record {record} of {size}");
            if size > 1 {
                let elsewhere = check_record(&path, size, root, record % size, record_hash(&payload));
                assert!(elsewhere.is_err());
            }
        }
        for (old, old_root) in &former {
            let path = theirs(&own.consistency(*old).unwrap().unwrap());
            check_tree(&path, size, root, *old, *old_root).unwrap();
            assert_eq!(prove_tree(size, *old, &hashes).unwrap(), path, "{old} in {size}");
            assert_eq!(theirs(&[own.root(*old).unwrap()]), [*old_root]);
        }
        former.push((size, root));
    }

    // The other reader notices a tile that was changed.
    let changed = tree.join("tile/0/000");
    let mut bytes = fs::read(&changed).unwrap();
    bytes[40] ^= 1;
    fs::write(changed, bytes).unwrap();
    let hashes = TileHashReader::new(size, former.last().unwrap().1, &files);
    assert!(matches!(prove_record(size, 5, &hashes), Err(Error::InconsistentTile)));
}
