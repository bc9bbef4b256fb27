//! The table `[egress]` of the configuration.

use std::path::PathBuf;

use gabion_model::{Period, Problem};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::guard::Guard;
use crate::target::Authority;

/// What the gate may reach when it follows an address somebody else chose: keys and discovery documents of
/// other providers, metadata of clients, logout notices.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EgressSettings {
    /// Exact `host:port` that may be reached although it is on a private or loopback address, has another
    /// port, or speaks plain http: for instance `["idp.internal:8443"]`. Nothing else inside is reachable.
    pub allow: Vec<String>,
    /// The ports that may be reached at public addresses.
    pub ports: Vec<u16>,
    /// Certificates in PEM form of authorities that are believed beside those of the machine. A relative
    /// path counts from the configuration file.
    pub ca_file: Option<PathBuf>,
    /// The longest one request may take with everything: name, connection, redirects, answer. Between 1
    /// second and 1 minute.
    pub timeout: Period,
}

impl Default for EgressSettings {
    fn default() -> Self {
        Self { allow: Vec::new(), ports: vec![443], ca_file: None, timeout: Period::from_secs(15) }
    }
}

impl EgressSettings {
    /// Everything wrong with these values; paths are relative to the table.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (index, text) in self.allow.iter().enumerate() {
            if let Err(refusal) = Authority::parse(text) {
                let reason = format!("`{text}` is no `host:port`: {refusal}");
                problems.push(Problem::new(format!("allow[{index}]"), reason).hint(
                    "write the host and the port as the address has them, for instance `idp.internal:8443`",
                ));
            }
        }
        if self.ports.contains(&0) {
            problems.push(Problem::new("ports", "0 is no port"));
        }
        let (least, most) = (Period::from_secs(1), Period::from_secs(60));
        if !(least..=most).contains(&self.timeout) {
            let reason = format!("`{}` is not between {least} and {most}", self.timeout);
            problems.push(Problem::new("timeout", reason));
        }
        problems
    }

    /// Who may be reached by these settings.
    #[must_use]
    pub fn guard(&self) -> Guard {
        let exempt = self.allow.iter().filter_map(|text| Authority::parse(text).ok()).collect();
        Guard::internet(exempt, self.ports.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_settings_are_told() {
        assert_eq!(EgressSettings::default().problems(), []);
        let wrong = EgressSettings {
            allow: vec!["idp.internal:8443".to_owned(), "idp.internal".to_owned()],
            ports: vec![443, 0],
            timeout: Period::from_secs(600),
            ..EgressSettings::default()
        };
        let paths: Vec<_> = wrong.problems().into_iter().map(|problem| problem.path).collect();
        assert_eq!(paths, ["allow[1]", "ports", "timeout"]);
    }
}
