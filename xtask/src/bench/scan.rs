//! `cargo xtask bench scan [PART…]`: how accurate the scanner of code is, and what a scan costs beside peers.
//!
//! | part | |
//! |---|---|
//! | `manifests` | thirty configuration files beside checkov, each difference with its reason |
//! | `rules` | the examples of the rules: found and falsely found, by class |
//! | `sinks` | real vulnerable npm packages with the line of the sink: recall by class, and alarms on fixed versions |
//! | `speed` | processor time and memory beside semgrep, bandit and detect-secrets on packages of the registries |
//!
//! Packages and peers come from their registries once and stay in the user's cache.

mod examples;
mod manifests;
mod measured;
mod packages;
mod peers;
mod sinks;
mod speed;

use std::path::PathBuf;

use super::Failure;
use super::ground::example;

/// What all parts need.
struct Bench {
    root: PathBuf,
    /// The example `cost` of the crate `scan`: the pass of `gabion scan`, with what was found as lines.
    binary: PathBuf,
    /// Packages and peers.
    cache: PathBuf,
}

/// Runs the parts that are named, or all. `--binary PATH` names the example `cost` (default: builds it with the profile `dist`),
/// `--rounds N` how often peers take turns.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let (mut parts, mut binary, mut rounds) = (Vec::new(), None, 2);
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut value = || rest.next().ok_or_else(|| format!("`{argument}` needs a value"));
        match argument.as_str() {
            "--binary" => binary = Some(PathBuf::from(value()?)),
            "--rounds" => rounds = value()?.parse()?,
            part if PARTS.contains(&part) => parts.push(part),
            other => {
                return Err(format!("no part is called `{other}`; there are {}", PARTS.join(", ")).into());
            }
        }
    }
    if parts.is_empty() {
        parts.extend(PARTS);
    }
    let root = crate::root();
    let binary = binary.map_or_else(|| example(&root, "gabion-scan", "cost"), Ok)?;
    let cache = crate::cargo::cache().ok_or("no home for a cache")?.join("bench-scan");
    let bench = Bench { root, binary, cache };
    for part in parts {
        match part {
            "manifests" => manifests::run(&bench)?,
            "rules" => examples::run(&bench)?,
            "sinks" => sinks::run(&bench)?,
            _ => speed::run(&bench, rounds)?,
        }
    }
    Ok(())
}

const PARTS: &[&str] = &["manifests", "rules", "sinks", "speed"];
