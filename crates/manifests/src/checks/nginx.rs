//! nginx: headers that a block below takes away.

use std::collections::BTreeSet;

use crate::document::Node;
use crate::subject::{Hit, Subject};

fn headers(block: &Node) -> BTreeSet<String> {
    let all = block.get("add_header").into_iter().flat_map(Node::items);
    all.filter_map(|line| line.scalar()?.split_whitespace().next().map(str::to_ascii_lowercase)).collect()
}

/// Headers whose loss is a loss of protection.
const PROTECTING: &[&str] = &[
    "content-security-policy",
    "permissions-policy",
    "referrer-policy",
    "strict-transport-security",
    "x-content-type-options",
    "x-frame-options",
];

/// A block with one `add_header` of its own inherits none.
pub(super) fn header_redefinition(subject: &Subject<'_>, _: &[Subject<'_>]) -> Vec<Hit> {
    let own = headers(subject.node);
    let Some(first) = subject.node.get("add_header").and_then(|all| all.items().first()) else {
        return Vec::new();
    };
    // The nearest block above that sets any is what would have been inherited.
    let above = subject.named.iter().filter(|(name, _)| *name == "up").map(|(_, node)| headers(node));
    let Some(inherited) = above.into_iter().find(|headers| !headers.is_empty()) else { return Vec::new() };
    let lost: Vec<&str> =
        PROTECTING.iter().copied().filter(|name| inherited.contains(*name) && !own.contains(*name)).collect();
    if lost.is_empty() {
        return Vec::new();
    }
    let says =
        format!("an `add_header` in this block drops those of the block around it: {}", lost.join(", "));
    vec![Hit::saying(first.span, says)]
}
