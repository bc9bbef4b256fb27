//! `uniqueItems`: by comparing few, by hashing many.

use crate::json::{Decimal, Items, Node, View};

/// Up to here scalars are compared with each other.
const FEW: usize = 8;

/// Whether two items are equal. `None`: finding out takes more steps than are left.
pub(super) fn has_twins(items: Items<'_>, steps: &mut u32) -> Option<bool> {
    if items.len() < 2 {
        return Some(false);
    }
    if items.len() <= FEW && { items }.all(|item| item.span() == 1) {
        let mut rest = items;
        while let Some(one) = rest.next() {
            if { rest }.any(|other| one.same(&other)) {
                return Some(true);
            }
        }
        return Some(false);
    }
    let mut hashed: Vec<(u64, Node<'_>)> = items.map(|item| (hash(&item), item)).collect();
    hashed.sort_unstable_by_key(|(hash, _)| *hash);
    let mut rest = hashed.as_slice();
    while let Some(((hash, one), others)) = rest.split_first() {
        for (_, other) in others.iter().take_while(|(other, _)| other == hash) {
            // Equal hashes are equal items, or somebody's work: that has a price.
            *steps = steps.checked_sub(u32::try_from(one.span()).unwrap_or(u32::MAX))?;
            if one.same(other) {
                return Some(true);
            }
        }
        rest = others;
    }
    Some(false)
}

const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;

fn mix(sum: u64, part: u64) -> u64 {
    let mixed = (sum.rotate_left(23) ^ part).wrapping_mul(FACTOR);
    mixed ^ (mixed >> 29)
}

fn text(kind: u64, bytes: &[u8]) -> u64 {
    let (chunks, rest) = bytes.as_chunks::<8>();
    let sum =
        chunks.iter().fold(mix(kind, bytes.len() as u64), |sum, chunk| mix(sum, u64::from_le_bytes(*chunk)));
    mix(sum, rest.iter().fold(0, |tail, byte| tail << 8 | u64::from(*byte)))
}

/// Equal for equal values: whatever the order of members and the writing of numbers.
fn hash(node: &Node<'_>) -> u64 {
    match node.view() {
        View::Null => mix(1, 0),
        View::Bool(truth) => mix(2, u64::from(truth)),
        View::Number(number) => Decimal::of(number).fold(mix(3, 0), mix),
        View::String(string) => text(4, string.as_bytes()),
        View::Array(items) => items.fold(5, |sum, item| mix(sum, hash(&item))),
        View::Object(members) => {
            members.fold(6, |sum: u64, (name, value)| sum.wrapping_add(mix(hash(&name), hash(&value))))
        }
    }
}
