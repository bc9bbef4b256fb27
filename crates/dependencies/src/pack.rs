//! The rules that come with the program.

use gabion_finding::{Rule, RuleError, RuleFile};
use serde::Deserialize;

/// What only rules of this scanner say: what else its examples need.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Own {
    /// Files that stand beside the example.
    #[serde(default)]
    pub(crate) beside: Vec<Beside>,
    /// Advisories, in OSV's JSON, that the example is judged by.
    #[serde(default)]
    pub(crate) advisories: Vec<String>,
    /// Modules of JavaScript that the code of the example imports.
    #[serde(default)]
    pub(crate) uses: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Beside {
    pub(crate) file: String,
    pub(crate) text: String,
    /// Only on that side: `vulnerable` or `repaired`.
    #[serde(default)]
    pub(crate) side: String,
}

/// # Errors
/// Never for the files that come with the program; a test reads them all.
pub(crate) fn rules() -> Result<Vec<(Rule, Own)>, RuleError> {
    let mut out = Vec::new();
    for (file, text) in FILES {
        out.extend(RuleFile::<Own>::read(file, text)?.rules);
    }
    Ok(out)
}

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        const FILES: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../../../rules/dependencies/", $name)))),*];
    };
}

files!["advisories.toml", "licences.toml", "lock_files.toml", "registries.toml", "versions.toml"];
