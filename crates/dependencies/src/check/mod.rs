//! What is wrong with a file, or with the tree, that needs no advisory.

pub(crate) mod flaws;
pub(crate) mod locks;
pub(crate) mod origins;
mod outdated;
pub(crate) mod packages;
pub(crate) mod requirements;
pub(crate) mod tree;
pub(crate) mod typos;

/// The host of an address, in lower case.
pub(crate) fn host(address: &str) -> Option<String> {
    let rest = address.trim_start_matches("git+").split_once("://")?.1;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    let host =
        if host.starts_with('[') { host.split(']').next()?.get(1..)? } else { host.split(':').next()? };
    (!host.is_empty()).then(|| host.to_ascii_lowercase())
}

/// Whether it is this machine: no network lies between.
pub(crate) fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.ends_with(".localhost") || host == "::1" || host.starts_with("127.")
}
