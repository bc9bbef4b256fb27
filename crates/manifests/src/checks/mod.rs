//! Checks that a condition cannot say, by name.

mod github;
mod nginx;
mod secrets;
mod terraform;

pub(crate) use secrets::is_secret;

use crate::subject::Check;

/// Every check a rule may name.
const CHECKS: &[(&str, Check)] = &[
    ("bucket-without-access-block", terraform::bucket_without_access_block),
    ("bucket-without-versioning", terraform::bucket_without_versioning),
    ("header-redefinition", nginx::header_redefinition),
    ("literal-secrets", secrets::literal_secrets),
    ("script-injection", github::script_injection),
];

pub(crate) fn named(name: &str) -> Option<Check> {
    CHECKS.iter().find(|(known, _)| *known == name).map(|(_, check)| *check)
}

#[cfg(test)]
mod tests {
    /// A check that no rule names is dead.
    #[test]
    fn every_check_is_used() {
        for (name, _) in super::CHECKS {
            let used =
                crate::pack::FILES.iter().any(|(_, text)| text.contains(&format!("\"check\":\"{name}\"")));
            assert!(used, "{name}");
        }
    }
}
