//! `[watch]`

use std::collections::BTreeMap;
use std::path::PathBuf;

use gabion_model::Problem;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Noticing attacks in what is recorded.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// `on`: alerts are recorded in the ledger and logged. `dry_run`: they are only logged. `off`: nothing is looked at.
    pub mode: Mode,
    /// A folder with rules of your own: every `*.yml` and `*.yaml` file in it. A relative path counts from the
    /// configuration file.
    pub directory: Option<PathBuf>,
    /// Rules that do not ring here: id or name, and the reason.
    pub disabled: BTreeMap<String, String>,
    /// Rules that are only tried: id or name, and the reason. What they find is logged, and nothing else.
    pub dry_run: BTreeMap<String, String>,
    /// A table of networks and where they are, for impossible travel: lines `network,latitude,longitude,name`. A
    /// relative path counts from the configuration file. Default: none, and that rule is off.
    pub places: Option<PathBuf>,
}

/// What becomes of alerts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    DryRun,
    Off,
    #[default]
    On,
}

impl Settings {
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.directory.as_ref().is_some_and(|path| path.as_os_str().is_empty()) {
            problems.push(
                Problem::new("directory", "is empty").hint("for instance `directory = \"detections\"`"),
            );
        }
        if self.places.as_ref().is_some_and(|path| path.as_os_str().is_empty()) {
            problems.push(Problem::new("places", "is empty").hint("for instance `places = \"places.csv\"`"));
        }
        let named = [("disabled", &self.disabled), ("dry_run", &self.dry_run)];
        for (key, name, reason) in named
            .into_iter()
            .flat_map(|(key, rules)| rules.iter().map(move |(name, reason)| (key, name, reason)))
        {
            if reason.trim().is_empty() {
                let problem = Problem::new(key, format!("rule `{name}` has no reason"));
                problems.push(problem.hint("say in a few words why it does not fit here"));
            }
        }
        problems
    }
}
