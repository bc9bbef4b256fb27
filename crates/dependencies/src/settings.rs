//! What a project decides itself.

use serde::{Deserialize, Serialize};

/// Of `[dependencies]` in `.gabion/scan.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Licences that must not come in, as SPDX identifiers; one without `-only` or `-or-later` means both. Empty: none is denied.
    pub denied_licences: Vec<String>,
    /// Names, or beginnings of names that end with `/`, `-`, `.` or `:`, that are ours and come from our own registry: `@acme/`.
    pub private: Vec<String>,
    /// Hosts of registries that packages may come from, beside the public ones.
    pub registries: Vec<String>,
    /// Packages whose installation programs were looked at.
    pub trusted_scripts: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            denied_licences: ["AGPL-3.0", "SSPL-1.0", "BUSL-1.1", "Elastic-2.0"].map(str::to_owned).to_vec(),
            private: Vec::new(),
            registries: Vec::new(),
            trusted_scripts: Vec::new(),
        }
    }
}

impl Settings {
    /// Whether a name is one that nobody else may publish.
    pub(crate) fn is_private(&self, name: &str) -> bool {
        self.private.iter().filter(|it| !it.is_empty()).any(|it| {
            if it.ends_with(['/', '-', '.', ':']) { name.starts_with(it.as_str()) } else { name == it }
        })
    }
}
