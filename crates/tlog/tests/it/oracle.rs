//! Roots and proofs beside those of the crate `ct-merkle`, hash by hash, and each checked by the other.

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use ct_merkle::{ConsistencyProof, InclusionProof, RootHash};
use gabion_tlog::proof::{check_consistency, check_inclusion, consistency, inclusion};
use gabion_tlog::tree::{self, InMemory};
use gabion_tlog::{Hash, Tree};
use proptest::prelude::*;
use sha2::Sha256;

/// Both trees of the same entries.
struct Both {
    own: InMemory,
    other: MemoryBackedTree<Sha256, Vec<u8>>,
}

impl Both {
    fn of(entries: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let mut both = Self { own: InMemory::new(), other: MemoryBackedTree::new() };
        for entry in entries {
            both.own.push(Hash::leaf(&entry));
            both.other.push(entry);
        }
        both
    }

    fn root(&self) -> Hash {
        self.own.tree().root()
    }

    fn size(&self) -> u64 {
        self.own.tree().size()
    }

    /// The proof that an entry is in the tree, the same from both, right for both.
    fn compare_inclusion(&self, index: u64) {
        let own = inclusion(&self.own, index, self.size()).unwrap().unwrap();
        let other = self.other.prove_inclusion(usize::try_from(index).unwrap());
        assert_eq!(concat(&own), other.as_bytes(), "entry {index} of {}", self.size());
        let entry = self.other.get(usize::try_from(index).unwrap()).unwrap();
        let proof = InclusionProof::from_bytes(concat(&own));
        assert!(self.other.root().verify_inclusion(entry, index, &proof).is_ok());
        let checked =
            check_inclusion(Hash::leaf(entry), index, self.size(), self.root(), &hashes(other.as_bytes()));
        assert_eq!(checked, Ok(()));
    }

    /// The proof that a tree is the beginning of this one, the same from both, right for both.
    fn compare_consistency(&self, old: u64) {
        let old_root = tree::root(&self.own, old).unwrap();
        let own = consistency(&self.own, old, self.size()).unwrap().unwrap();
        let other = self.other.prove_consistency(usize::try_from(self.size() - old).unwrap());
        assert_eq!(concat(&own), other.as_bytes(), "{old} in {}", self.size());
        let proof = ConsistencyProof::try_from_bytes(concat(&own)).unwrap();
        let theirs = RootHash::new(old_root.0.into(), old);
        assert!(self.other.root().verify_consistency(&theirs, &proof).is_ok());
        let new = (self.size(), self.root());
        assert_eq!(check_consistency((old, old_root), new, &hashes(other.as_bytes())), Ok(()));
    }
}

fn concat(path: &[Hash]) -> Vec<u8> {
    path.iter().flat_map(|hash| hash.0).collect()
}

fn hashes(bytes: &[u8]) -> Vec<Hash> {
    bytes.as_chunks::<32>().0.iter().copied().map(Hash).collect()
}

#[test]
fn every_proof_of_every_small_tree_is_the_same() {
    for size in 1..=40_u8 {
        let both = Both::of((0..size).map(|number| vec![number; usize::from(number % 5)]));
        assert_eq!(both.root().0, <[u8; 32]>::from(*both.other.root().as_bytes()), "{size}");
        (0..u64::from(size)).for_each(|index| both.compare_inclusion(index));
        (1..=u64::from(size)).for_each(|old| both.compare_consistency(old));
    }
    assert_eq!(Tree::new().root().0, <[u8; 32]>::from(*Both::of([]).other.root().as_bytes()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn proofs_of_any_tree_are_the_same(
        entries in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 1..700),
        index: prop::sample::Index,
        old: prop::sample::Index,
    ) {
        let both = Both::of(entries);
        let size = usize::try_from(both.size()).unwrap();
        prop_assert_eq!(both.root().0, <[u8; 32]>::from(*both.other.root().as_bytes()));
        both.compare_inclusion(index.index(size) as u64);
        both.compare_consistency(old.index(size) as u64 + 1);
    }

    /// What one of the two refuses, the other refuses as well.
    #[test]
    fn a_changed_proof_holds_for_nobody(size in 2..300_u64, index: prop::sample::Index, at: prop::sample::Index, change in 1..=255_u8) {
        let both = Both::of((0..size).map(|number| number.to_be_bytes().to_vec()));
        let index = index.index(usize::try_from(size).unwrap()) as u64;
        let mut bytes = concat(&inclusion(&both.own, index, size).unwrap().unwrap());
        let at = at.index(bytes.len());
        bytes[at] ^= change;
        let entry = index.to_be_bytes().to_vec();
        prop_assert!(check_inclusion(Hash::leaf(&entry), index, size, both.root(), &hashes(&bytes)).is_err());
        let proof = InclusionProof::from_bytes(bytes);
        prop_assert!(both.other.root().verify_inclusion(&entry, index, &proof).is_err());
    }
}
