//! The configuration, contract and policies of `examples/shop`: the demo runs these files and no others.

use std::net::SocketAddr;
use std::path::Path;

use crate::config::{Config, FlagValue, Sources};
use crate::failure::Failure;

/// The application's name in the configuration, and with it the audience of the identities it is told.
pub(super) const UPSTREAM: &str = "shop";

/// Every file of the example, by its path there.
const FILES: &[(&str, &str)] = &[
    ("gabion.toml", include_str!("../../../../../examples/shop/gabion.toml")),
    ("openapi.yaml", include_str!("../../../../../examples/shop/openapi.yaml")),
    (
        "policies/administrators.cedar",
        include_str!("../../../../../examples/shop/policies/administrators.cedar"),
    ),
    ("policy-tests.yaml", include_str!("../../../../../examples/shop/policy-tests.yaml")),
    ("policies/entities.json", include_str!("../../../../../examples/shop/policies/entities.json")),
    ("policies/everybody.cedar", include_str!("../../../../../examples/shop/policies/everybody.cedar")),
    ("policies/guardrails.cedar", include_str!("../../../../../examples/shop/policies/guardrails.cedar")),
    ("policies/members.cedar", include_str!("../../../../../examples/shop/policies/members.cedar")),
    ("policies/schema.cedarschema", include_str!("../../../../../examples/shop/policies/schema.cedarschema")),
    ("probe.d/label-computes.yaml", include_str!("../../../../../examples/shop/probe.d/label-computes.yaml")),
    (
        "probe.d/note-of-somebody-else.yaml",
        include_str!("../../../../../examples/shop/probe.d/note-of-somebody-else.yaml"),
    ),
    (
        "probe.d/preview-fetches-anything.yaml",
        include_str!("../../../../../examples/shop/probe.d/preview-fetches-anything.yaml"),
    ),
];

/// Where everything is on this machine.
pub(super) struct Places {
    pub(super) gate: SocketAddr,
    pub(super) application: SocketAddr,
}

/// Writes the files into `directory` and reads them as `gabion run` would; only where things are is the
/// demo's own, and what is `more`.
pub(super) fn configuration(directory: &Path, places: &Places, more: &str) -> Result<Config, Failure> {
    for (name, text) in FILES {
        write(directory, name, text)?;
    }
    if let Some((name, text)) = FILES.first().filter(|_| !more.is_empty()) {
        write(directory, name, &format!("{text}{more}"))?;
    }
    // Not in the repository, where no secret belongs: what the payment provider would have handed over.
    write(directory, "payments.secret", gabion_strawman::PAYMENT_SECRET)?;
    let flag = |path, value: String| FlagValue { path, flag: "demo", value };
    let sources = Sources {
        file: Some(directory.join("gabion.toml")),
        flags: vec![
            flag("data.directory", directory.join("data").display().to_string()),
            flag("gateway.listen", places.gate.to_string()),
            flag("admin.listen", "127.0.0.1:0".to_owned()),
            flag("upstreams.shop.url", format!("http://{}", places.application)),
            flag("resolvers.shop.url", format!("http://{}/internal/resources", places.application)),
        ],
        whole: true,
        ..Sources::default()
    };
    Ok(sources.load()?.config)
}

pub(super) fn write(directory: &Path, name: &str, text: &str) -> Result<(), Failure> {
    let path = directory.join(name);
    let made = path.parent().map_or(Ok(()), std::fs::create_dir_all);
    made.and_then(|()| std::fs::write(&path, text))
        .map_err(|error| Failure::new(format!("cannot write `{}`", path.display())).because(&error))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The demo runs the example as it is in the repository, all of it.
    #[test]
    fn every_file_of_the_example_is_here() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/shop");
        let mut there = BTreeSet::new();
        let mut folders = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                // What running the example leaves there; `.gitignore` names the same.
                if path.ends_with("payments.secret") || path.ends_with("gabion-data") {
                    continue;
                }
                if path.is_dir() {
                    folders.push(path);
                } else {
                    there.insert(path.strip_prefix(&root).unwrap().display().to_string());
                }
            }
        }
        let here: BTreeSet<String> = FILES.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(here, there);
    }
}
