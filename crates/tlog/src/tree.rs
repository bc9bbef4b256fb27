//! A Merkle tree (RFC 6962, 2.1) that grows at its right edge.
//!
//! A node is named by its level and its index: node `index` of `level` is the root over the `2^level` leaves from
//! `index * 2^level`. Only complete nodes exist; the root of a tree whose size is no power of two is made from the
//! complete nodes at its right edge, at most one of each level.

use crate::Hash;

/// The largest size of a tree. Sizes are signed 64-bit numbers to some readers.
pub const MOST: u64 = i64::MAX as u64;

/// A growing tree: its size and the complete nodes at its right edge, the largest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    size: u64,
    edge: Vec<Hash>,
}

/// Where complete nodes can be looked up: tiles in files, or everything in memory.
pub trait Nodes {
    type Error;

    /// Node `index` of `level`.
    fn node(&self, level: u8, index: u64) -> Result<Hash, Self::Error>;
}

impl Tree {
    /// Without leaves.
    #[must_use]
    pub const fn new() -> Self {
        Self { size: 0, edge: Vec::new() }
    }

    /// The tree of the first `size` leaves of a larger one.
    pub fn restore<N: Nodes>(nodes: &N, size: u64) -> Result<Self, N::Error> {
        let edge = edge(size).map(|(level, index)| nodes.node(level, index)).collect::<Result<_, _>>()?;
        Ok(Self { size, edge })
    }

    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf and tells every node that became complete with it, the leaf first.
    pub fn push(&mut self, leaf: Hash, mut complete: impl FnMut(u8, u64, Hash)) {
        let (mut hash, mut index, mut level) = (leaf, self.size, 0_u8);
        complete(level, index, hash);
        while index & 1 == 1
            && let Some(left) = self.edge.pop()
        {
            hash = Hash::node(left, hash);
            index >>= 1;
            level = level.saturating_add(1);
            complete(level, index, hash);
        }
        self.edge.push(hash);
        self.size = self.size.saturating_add(1);
    }

    #[must_use]
    pub fn root(&self) -> Hash {
        fold(&self.edge)
    }
}

/// The root over the nodes of a right edge, the largest first.
pub(crate) fn fold(edge: &[Hash]) -> Hash {
    let mut hashes = edge.iter().rev().copied();
    let Some(smallest) = hashes.next() else { return Hash::of_nothing() };
    hashes.fold(smallest, |right, left| Hash::node(left, right))
}

/// The complete nodes at the right edge of a tree of this size, the largest first: level and index.
pub(crate) fn edge(size: u64) -> impl Iterator<Item = (u8, u64)> {
    (0..64_u8)
        .rev()
        .filter(move |level| size >> level & 1 == 1)
        .map(move |level| (level, (size >> level) - 1))
}

/// The root of the tree of the first `size` leaves.
pub fn root<N: Nodes>(nodes: &N, size: u64) -> Result<Hash, N::Error> {
    Tree::restore(nodes, size).map(|tree| tree.root())
}

/// Every complete node in memory, for tests and small trees.
#[derive(Debug, Clone, Default)]
pub struct InMemory {
    tree: Tree,
    levels: Vec<Vec<Hash>>,
}

/// There is no such node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the tree has no node {index} of level {level}")]
pub struct NoSuchNode {
    pub level: u8,
    pub index: u64,
}

impl InMemory {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    pub fn push(&mut self, leaf: Hash) {
        let levels = &mut self.levels;
        self.tree.push(leaf, |level, _, hash| {
            let level = usize::from(level);
            if levels.len() <= level {
                levels.push(Vec::new());
            }
            levels.iter_mut().skip(level).take(1).for_each(|nodes| nodes.push(hash));
        });
    }

    #[must_use]
    pub const fn tree(&self) -> &Tree {
        &self.tree
    }
}

impl Nodes for InMemory {
    type Error = NoSuchNode;

    fn node(&self, level: u8, index: u64) -> Result<Hash, NoSuchNode> {
        let at = usize::try_from(index).ok();
        let nodes = self.levels.get(usize::from(level));
        nodes.zip(at).and_then(|(nodes, at)| nodes.get(at)).copied().ok_or(NoSuchNode { level, index })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition, word by word (RFC 6962, 2.1).
    fn by_definition(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => Hash::of_nothing(),
            [leaf] => *leaf,
            _ => {
                let split = leaves.len().next_power_of_two() / 2;
                Hash::node(by_definition(&leaves[..split]), by_definition(&leaves[split..]))
            }
        }
    }

    #[test]
    fn the_root_is_the_definition_s_at_every_size() {
        let mut whole = InMemory::new();
        let mut leaves = Vec::new();
        assert_eq!(whole.tree().root(), Hash::of_nothing());
        for number in 0..300_u32 {
            let leaf = Hash::leaf(&number.to_be_bytes());
            leaves.push(leaf);
            whole.push(leaf);
            assert_eq!(whole.tree().root(), by_definition(&leaves));
        }
        for size in 0..=300 {
            assert_eq!(root(&whole, size as u64), Ok(by_definition(&leaves[..size])));
        }
        assert_eq!(root(&whole, 301), Err(NoSuchNode { level: 0, index: 300 }));
    }

    /// Published with RFC 6962's first implementations: the roots of the trees of these leaves.
    #[test]
    fn the_known_roots() {
        let leaves: [&[u8]; 8] =
            [b"", b"\0", b"\x10", b"\x20\x21", b"\x30\x31", b"\x40\x41\x42\x43", &FIFTY, &SIXTY];
        let roots = [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        let mut tree = Tree::new();
        for (leaf, root) in leaves.iter().zip(roots) {
            tree.push(Hash::leaf(leaf), |_, _, _| {});
            assert_eq!(gabion_vault::encoding::hex_encode(&tree.root().0), root);
        }
    }

    const FIFTY: [u8; 8] = *b"PQRSTUVW";
    const SIXTY: [u8; 16] = *b"`abcdefghijklmno";
}
