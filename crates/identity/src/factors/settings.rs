//! The table `[factors]` of the configuration.

use gabion_model::{Period, Problem, Role};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Second factors: who must have one, how strict they are.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FactorSettings {
    /// Roles whose holders must have a second factor, for instance `["administrator"]`. Who has none sets
    /// one up at the next sign-in, before anything else; the last one cannot be removed.
    pub required_roles: Vec<String>,
    /// How long after a sign-in critical acts (another password, second factors, administration) are
    /// possible without proving again who one is. Between 1 minute and 1 hour.
    pub critical_within: Period,
    /// Whether a passkey used as second factor must check who holds it (PIN, fingerprint): `preferred` or
    /// `required`. A passkey used instead of a password always must.
    pub passkey_user_verification: UserVerification,
    /// How many 30-second steps before and after the current one a code of an authenticator app may
    /// belong to: 1 for clocks that are a little off, 0 for the current step only.
    pub totp_neighbouring_steps: u32,
    /// What authenticator apps show beside the name. The host of the gate when empty.
    pub issuer: String,
    /// Wrong tries at one second factor of one account within a day, beside the limits of `[login]`.
    /// Between 5 and 1000.
    pub failures_per_day: u32,
}

/// Whether a passkey must check who holds it (WebAuthn Level 2, 5.8.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UserVerification {
    /// Where the passkey can.
    #[default]
    Preferred,
    /// Always.
    Required,
}

impl UserVerification {
    /// As browsers are told.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Preferred => "preferred",
            Self::Required => "required",
        }
    }
}

impl Default for FactorSettings {
    fn default() -> Self {
        Self {
            required_roles: Vec::new(),
            critical_within: Period::from_secs(5 * 60),
            passkey_user_verification: UserVerification::default(),
            totp_neighbouring_steps: 1,
            issuer: String::new(),
            failures_per_day: 20,
        }
    }
}

impl FactorSettings {
    /// Everything wrong with these values; paths are relative to the table.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let (least, most) = (Period::from_secs(60), Period::from_secs(60 * 60));
        if !(least..=most).contains(&self.critical_within) {
            let reason = format!("`{}` is not between {least} and {most}", self.critical_within);
            problems.push(Problem::new("critical_within", reason));
        }
        if self.totp_neighbouring_steps > 1 {
            let reason = format!("`{}` is not 0 or 1", self.totp_neighbouring_steps);
            problems
                .push(Problem::new("totp_neighbouring_steps", reason).hint(
                    "a code that is good for longer than a minute and a half is good for a thief, too",
                ));
        }
        if !(5..=1000).contains(&self.failures_per_day) {
            let reason = format!("`{}` is not between 5 and 1000", self.failures_per_day);
            problems.push(Problem::new("failures_per_day", reason));
        }
        if self.issuer.contains(':') || self.issuer.chars().count() > 64 {
            let reason = format!("`{}` cannot be shown by authenticator apps", self.issuer);
            problems.push(Problem::new("issuer", reason).hint("at most 64 characters, without a colon"));
        }
        for (index, role) in self.required_roles.iter().enumerate() {
            if role.is_empty() || role.len() > 64 {
                let reason = format!("`{role}` is no role");
                problems.push(Problem::new(format!("required_roles[{index}]"), reason));
            }
        }
        problems
    }

    /// Whether somebody with these roles must have a second factor.
    #[must_use]
    pub fn is_required_for(&self, roles: &[Role]) -> bool {
        roles.iter().any(|own| self.required_roles.iter().any(|role| own.as_str() == role))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_sound_and_every_problem_is_reported_at_once() {
        assert_eq!(FactorSettings::default().problems(), []);
        let wrong = FactorSettings {
            required_roles: vec!["administrator".to_owned(), String::new()],
            critical_within: Period::from_secs(1),
            totp_neighbouring_steps: 2,
            issuer: "a:b".to_owned(),
            failures_per_day: 1,
            ..FactorSettings::default()
        };
        let paths: Vec<_> = wrong.problems().into_iter().map(|one| one.path).collect();
        assert_eq!(
            paths,
            ["critical_within", "totp_neighbouring_steps", "failures_per_day", "issuer", "required_roles[1]"]
        );
        assert!(wrong.is_required_for(&[Role::new("editor"), Role::new("administrator")]));
        assert!(!wrong.is_required_for(&[Role::new("editor")]));
    }
}
