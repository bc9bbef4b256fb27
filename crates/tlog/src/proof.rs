//! Proofs about trees (RFC 6962, 2.1.1 and 2.1.2; the checks as RFC 9162, 2.1.3.2 and 2.1.4.2 write them out).

use crate::tree::{self, Nodes};
use crate::{Hash, Tree};

/// The proof does not hold: entry, position, sizes, roots and hashes do not belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the proof does not hold")]
pub struct DoesNotHold;

/// The most hashes a proof has.
pub const MOST_HASHES: usize = 63;

/// What shows that leaf `index` is in the tree of the first `size` leaves: the neighbours on its way up. None when
/// it is not.
pub fn inclusion<N: Nodes>(nodes: &N, index: u64, size: u64) -> Result<Option<Vec<Hash>>, N::Error> {
    if index >= size {
        return Ok(None);
    }
    let (mut start, mut end) = (0, size);
    let mut path = Vec::new();
    while end - start > 1 {
        let split = start + split(end - start);
        if index < split {
            path.push(range(nodes, split, end)?);
            end = split;
        } else {
            path.push(range(nodes, start, split)?);
            start = split;
        }
    }
    path.reverse();
    Ok(Some(path))
}

/// What shows that the tree of `old` leaves is the beginning of the tree of `new` leaves. Empty when `old` is 0 or
/// `new`; none when it is larger.
pub fn consistency<N: Nodes>(nodes: &N, old: u64, new: u64) -> Result<Option<Vec<Hash>>, N::Error> {
    if old > new {
        return Ok(None);
    }
    if old == 0 || old == new {
        return Ok(Some(Vec::new()));
    }
    let (mut start, mut end) = (0, new);
    let mut path = Vec::new();
    // Whoever checks knows the old root; they need no hash of the old tree when it is one node.
    let mut knows = true;
    while old != end {
        let split = start + split(end - start);
        if old <= split {
            path.push(range(nodes, split, end)?);
            end = split;
        } else {
            path.push(range(nodes, start, split)?);
            start = split;
            knows = false;
        }
    }
    if !knows {
        path.push(range(nodes, start, end)?);
    }
    path.reverse();
    Ok(Some(path))
}

/// Checks that `leaf` is number `index` of the tree of `size` leaves with this root.
pub fn check_inclusion(
    leaf: Hash,
    index: u64,
    size: u64,
    root: Hash,
    path: &[Hash],
) -> Result<(), DoesNotHold> {
    if index >= size || size > tree::MOST || path.len() > MOST_HASHES {
        return Err(DoesNotHold);
    }
    let (mut node, mut last) = (index, size - 1);
    let mut hash = leaf;
    for neighbour in path {
        if last == 0 {
            return Err(DoesNotHold);
        }
        if node & 1 == 1 || node == last {
            hash = Hash::node(*neighbour, hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = Hash::node(hash, *neighbour);
        }
        node >>= 1;
        last >>= 1;
    }
    if last == 0 && hash == root { Ok(()) } else { Err(DoesNotHold) }
}

/// Checks that the tree of `old` leaves and the root `old_root` is the beginning of the tree of `new` leaves and the
/// root `new_root`.
pub fn check_consistency(
    (old, old_root): (u64, Hash),
    (new, new_root): (u64, Hash),
    path: &[Hash],
) -> Result<(), DoesNotHold> {
    if old > new || new > tree::MOST || path.len() > MOST_HASHES {
        return Err(DoesNotHold);
    }
    if old == 0 || old == new {
        let same = if old == 0 { old_root == Hash::of_nothing() } else { old_root == new_root };
        return if same && path.is_empty() { Ok(()) } else { Err(DoesNotHold) };
    }
    let mut path = path.iter().copied();
    let (mut node, mut last) = (old - 1, new - 1);
    while node & 1 == 1 {
        node >>= 1;
        last >>= 1;
    }
    // The old tree is one node when its size is a power of two: its root is the first hash.
    let first = if old.is_power_of_two() { Some(old_root) } else { path.next() };
    let first = first.ok_or(DoesNotHold)?;
    let (mut of_old, mut of_new) = (first, first);
    for neighbour in path {
        if last == 0 {
            return Err(DoesNotHold);
        }
        if node & 1 == 1 || node == last {
            of_old = Hash::node(neighbour, of_old);
            of_new = Hash::node(neighbour, of_new);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            of_new = Hash::node(of_new, neighbour);
        }
        node >>= 1;
        last >>= 1;
    }
    if last == 0 && of_old == old_root && of_new == new_root { Ok(()) } else { Err(DoesNotHold) }
}

/// The largest power of two below `count`, which is more than 1.
const fn split(count: u64) -> u64 {
    1 << (63 - (count - 1).leading_zeros())
}

/// The root over the leaves from `start` to `end`, where `start` is where a split left it: the leaves are the
/// beginning of a complete node, so that their edge has its nodes one beside the other from there.
fn range<N: Nodes>(nodes: &N, start: u64, end: u64) -> Result<Hash, N::Error> {
    if start == 0 {
        return Tree::restore(nodes, end).map(|tree| tree.root());
    }
    let edge = tree::edge(end - start).map(|(level, index)| nodes.node(level, (start >> level) + index));
    edge.collect::<Result<Vec<_>, _>>().map(|edge| tree::fold(&edge))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::InMemory;
    use proptest::prelude::*;

    fn trees(size: u64) -> InMemory {
        let mut tree = InMemory::new();
        (0..size).for_each(|number| tree.push(Hash::leaf(&number.to_be_bytes())));
        tree
    }

    #[test]
    fn every_leaf_of_every_small_tree_is_in_it_and_nowhere_else() {
        let whole = trees(70);
        for size in 0..=70 {
            let root = tree::root(&whole, size).unwrap();
            assert_eq!(inclusion(&whole, size, size), Ok(None));
            for index in 0..size {
                let leaf = Hash::leaf(&index.to_be_bytes());
                let path = inclusion(&whole, index, size).unwrap().unwrap();
                assert_eq!(check_inclusion(leaf, index, size, root, &path), Ok(()), "{index} of {size}");
                for elsewhere in (0..size + 2).filter(|other| *other != index) {
                    assert!(check_inclusion(leaf, elsewhere, size, root, &path).is_err());
                }
                assert!(check_inclusion(root, index, size, root, &path).is_err() || size == 1);
                let longer = [path.as_slice(), &[root]].concat();
                assert!(check_inclusion(leaf, index, size, root, &longer).is_err());
                if let Some((_, shorter)) = path.split_last() {
                    assert!(check_inclusion(leaf, index, size, root, shorter).is_err());
                }
            }
        }
    }

    #[test]
    fn every_small_tree_is_the_beginning_of_every_larger_one() {
        let whole = trees(70);
        let roots: Vec<_> = (0..=70).map(|size| tree::root(&whole, size).unwrap()).collect();
        for (new, new_root) in (0..).zip(&roots) {
            for (old, old_root) in (0..=new).zip(&roots) {
                let path = consistency(&whole, old, new).unwrap().unwrap();
                let check = |old, new, path: &[Hash]| check_consistency(old, new, path);
                assert_eq!(check((old, *old_root), (new, *new_root), &path), Ok(()), "{old} of {new}");
                if old > 0 && old < new {
                    assert!(check((old, *new_root), (new, *new_root), &path).is_err());
                    assert!(check((old, *old_root), (new, *old_root), &path).is_err());
                    assert!(check((old + 1, *old_root), (new, *new_root), &path).is_err());
                    let longer = [path.as_slice(), &[*old_root]].concat();
                    assert!(check((old, *old_root), (new, *new_root), &longer).is_err());
                }
            }
            assert_eq!(consistency(&whole, new + 1, new), Ok(None));
        }
    }

    proptest! {
        #[test]
        fn another_tree_has_no_proof(size in 2_u64..200, at in 0_u64..200, old in 1_u64..200) {
            let (at, old) = (at % size, 1 + old % (size - 1));
            let honest = trees(size);
            let mut forged = InMemory::new();
            for number in 0..size {
                let entry = if number == at { u64::MAX } else { number };
                forged.push(Hash::leaf(&entry.to_be_bytes()));
            }
            let (old_root, new_root) = (tree::root(&honest, old).unwrap(), forged.tree().root());
            let path = consistency(&forged, old, size).unwrap().unwrap();
            let held = check_consistency((old, old_root), (size, new_root), &path).is_ok();
            // What changed behind the old tree is no lie about it.
            prop_assert_eq!(held, at >= old);
        }

        #[test]
        fn any_hashes_are_checked(
            numbers in any::<(u64, u64)>(),
            roots in any::<([u8; 32], [u8; 32])>(),
            path in prop::collection::vec(any::<[u8; 32]>().prop_map(Hash), 0..70),
        ) {
            let (first, second) = (Hash(roots.0), Hash(roots.1));
            let _ = check_inclusion(first, numbers.0, numbers.1, second, &path);
            let _ = check_consistency((numbers.0, first), (numbers.1, second), &path);
        }
    }
}
