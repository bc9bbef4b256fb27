//! The procedures that come with the program.

use crate::procedure::Source;

/// The files of `rules/procedures`.
#[must_use]
pub fn sources() -> Vec<Source> {
    let source =
        |(file, text): &(&str, &str)| Source { file: format!("pack/{file}"), text: (*text).to_owned() };
    FILES.iter().map(source).collect()
}

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        const FILES: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../../../rules/procedures/", $name)))),*];
    };
}

files![
    "account-takeover.toml",
    "credential-stuffing.toml",
    "data-exposure.toml",
    "general.toml",
    "key-compromise.toml",
    "probing.toml",
];
