//! The table `[tokens]` of the configuration.

use gabion_model::{Period, Problem};
use gabion_vault::jwt::Algorithm;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The keys that sign tokens: which, and how they are replaced.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct KeySettings {
    /// What signs where nobody asked for anything else: `ES256`, `RS256` or `EdDSA`. There are always keys
    /// for all three, for applications that understand only one.
    pub algorithm: SigningAlgorithm,
    /// How long a key signs before the next one does. Between 1 day and 2 years.
    pub rotation: Period,
    /// How long the next key is published before it signs, so that everybody who keeps the published keys
    /// for a while has it by then. Between 15 minutes and 7 days; they are kept for 5 minutes.
    pub announced: Period,
    /// How long a key stays published after it signed last, so that what it signed can be verified to its
    /// end. Between 25 hours, which is longer than any token lives, and 90 days.
    pub retained: Period,
}

/// What a signing key can be for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
pub enum SigningAlgorithm {
    /// ECDSA on P-256: short signatures, understood nearly everywhere.
    #[default]
    #[serde(rename = "ES256")]
    Es256,
    /// RSA, 2048 bits: what old libraries understand.
    #[serde(rename = "RS256")]
    Rs256,
    /// Ed25519.
    #[serde(rename = "EdDSA")]
    EdDsa,
}

impl Default for KeySettings {
    fn default() -> Self {
        Self {
            algorithm: SigningAlgorithm::Es256,
            rotation: Period::from_secs(30 * DAY),
            announced: Period::from_secs(DAY / 24),
            retained: Period::from_secs(2 * DAY),
        }
    }
}

impl KeySettings {
    /// Everything wrong with these values; paths are relative to the table.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut between = |path: &str, value: Period, least: u64, most: u64| {
            let (least, most) = (Period::from_secs(least), Period::from_secs(most));
            if !(least..=most).contains(&value) {
                problems.push(Problem::new(path, format!("`{value}` is not between {least} and {most}")));
            }
        };
        between("rotation", self.rotation, DAY, 730 * DAY);
        between("announced", self.announced, DAY / 96, 7 * DAY);
        between("retained", self.retained, DAY + DAY / 24, 90 * DAY);
        if problems.is_empty() && self.announced >= self.rotation {
            let reason = format!("`{}` is not shorter than `rotation`", self.announced);
            problems.push(Problem::new("announced", reason));
        }
        problems
    }
}

impl From<SigningAlgorithm> for Algorithm {
    fn from(algorithm: SigningAlgorithm) -> Self {
        match algorithm {
            SigningAlgorithm::Es256 => Self::Es256,
            SigningAlgorithm::Rs256 => Self::Rs256,
            SigningAlgorithm::EdDsa => Self::EdDsa,
        }
    }
}

const DAY: u64 = 24 * 60 * 60;
