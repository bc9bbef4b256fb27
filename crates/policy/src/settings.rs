//! `[policy]`

use std::path::PathBuf;

use gabion_model::Problem;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who may do what, in Cedar policies.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The folder of the policies: every `*.cedar` file in it, `schema.cedarschema` with the team's own entities,
    /// and `entities.json`. A relative path counts from the configuration file. Not set: `access` alone decides.
    pub directory: Option<PathBuf>,
    /// How many decisions are remembered. 0: none.
    #[schemars(range(max = 1_048_576))]
    pub cache: CacheSize,
}

/// Entries of the decision cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct CacheSize(pub u32);

impl Default for CacheSize {
    fn default() -> Self {
        Self(16_384)
    }
}

impl Settings {
    /// The most decisions that can be remembered.
    const LARGEST: u32 = 1_048_576;

    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.directory.as_ref().is_some_and(|path| path.as_os_str().is_empty()) {
            problems
                .push(Problem::new("directory", "is empty").hint("for instance `directory = \"policies\"`"));
        }
        if self.cache.0 > Self::LARGEST {
            problems.push(
                Problem::new("cache", format!("`{}` is too many", self.cache.0))
                    .hint(format!("at most {}", Self::LARGEST)),
            );
        }
        problems
    }
}
