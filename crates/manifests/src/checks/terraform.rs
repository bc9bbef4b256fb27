//! Terraform: what another resource of the module says of this one.

use crate::document::Node;
use crate::subject::{Hit, Subject};

/// Whether the value points to the resource: by reference, or by the same name.
fn points(value: Option<&Node>, bucket: &Subject<'_>) -> bool {
    let Some(value) = value else { return false };
    let same = value.scalar().is_some() && value.scalar() == bucket.node.str_at("bucket");
    same || value.reference().is_some_and(|written| {
        let at = written.find(&bucket.name).map(|at| at.saturating_add(bucket.name.len()));
        let next = at.and_then(|at| written.get(at..)).and_then(|rest| rest.chars().next());
        // An element chosen by `each` or `count` may be any.
        (at.is_some() && next.is_none_or(|next| matches!(next, '.' | '[' | '}' | ' ')))
            || written.contains("each.")
            || written.contains("var.")
            || written.contains("local.")
    })
}

fn has(bucket: &Subject<'_>, all: &[Subject<'_>], sort: &str) -> bool {
    let others = all.iter().filter(|other| other.kind == "terraform" && other.sort == sort);
    others.into_iter().any(|other| points(other.node.get("bucket"), bucket))
}

pub(super) fn bucket_without_access_block(bucket: &Subject<'_>, all: &[Subject<'_>]) -> Vec<Hit> {
    let blocked = has(bucket, all, "aws_s3_bucket_public_access_block")
        || all.iter().any(|other| other.sort == "aws_s3_account_public_access_block");
    if blocked { Vec::new() } else { vec![Hit::at(bucket.anchor)] }
}

pub(super) fn bucket_without_versioning(bucket: &Subject<'_>, all: &[Subject<'_>]) -> Vec<Hit> {
    let own = bucket.node.get("versioning").is_some_and(|versioning| {
        versioning
            .items()
            .iter()
            .any(|block| block.get("enabled").is_some_and(|on| on.is_true() || on.is_unknown()))
    });
    let versioned = own || has(bucket, all, "aws_s3_bucket_versioning");
    if versioned { Vec::new() } else { vec![Hit::at(bucket.anchor)] }
}
