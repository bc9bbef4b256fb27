//! The table `[ledger]`.

use std::path::PathBuf;

use gabion_model::{ByteSize, Period, Problem};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How much the ledger keeps and how much a flood of refusals may write.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Size at which a new segment file is begun. From 64KiB to 1GiB.
    pub segment_size: ByteSize,
    /// Size of all segments together beyond which nothing more is recorded, so that the gate refuses
    /// what it must record. Nothing is deleted to make room. Without it the disk is the limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_size: Option<ByteSize>,
    /// How long events are kept: segments whose events are all older are removed when the next one
    /// is begun, so that an event goes at most an eighth later than this. Without it everything is
    /// kept for ever. At least one day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep: Option<Period>,
    /// The ledger's name in its checkpoints, the same for all of its life, as a URL without its scheme:
    /// `gate.example/ledger`. Without it one is made of the ledger's key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// The file of the key that the records are sealed with at rest, mode 0600: 32 bytes, made at the first start. Without
    /// it `ledger-sealing.key` in the data directory; on another disk, a stolen data directory tells nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_file: Option<PathBuf>,
    /// Bytes per minute that refused requests may write; what exceeds it is still counted, in one
    /// record for each control. From 16KiB to 64MiB.
    pub flood_budget: ByteSize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            segment_size: ByteSize::new(64 << 20),
            max_size: None,
            keep: None,
            origin: None,
            key_file: None,
            flood_budget: ByteSize::new(256 << 10),
        }
    }
}

impl Settings {
    /// Everything that is wrong with the values, paths relative to this table.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut bounded = |path: &str, value: ByteSize, least: u64, most: u64| {
            if !(least..=most).contains(&value.bytes()) {
                let (least, most) = (ByteSize::new(least), ByteSize::new(most));
                let reason = format!("`{value}` is not between {least} and {most}");
                problems.push(Problem::new(path, reason));
            }
        };
        bounded("segment_size", self.segment_size, 64 << 10, 1 << 30);
        bounded("flood_budget", self.flood_budget, 16 << 10, 64 << 20);
        if let Some(max_size) = self.max_size
            && max_size.bytes() < self.segment_size.bytes().saturating_mul(2)
        {
            problems.push(Problem::new("max_size", format!("`{max_size}` is less than two segments")).hint(
                format!("a segment is {}; leave `max_size` out to use the whole disk", self.segment_size),
            ));
        }
        if let Some(origin) = &self.origin
            && (origin.is_empty()
                || origin.contains(|char: char| char.is_whitespace() || char.is_control() || char == '+'))
        {
            problems.push(
                Problem::new("origin", "it is empty, or has white space or a `+`".to_owned())
                    .hint("a URL without its scheme: `gate.example/ledger`"),
            );
        }
        if let Some(keep) = self.keep
            && keep.as_duration() < Period::from_secs(86_400).as_duration()
        {
            problems.push(
                Problem::new("keep", format!("`{keep}` is less than a day"))
                    .hint("auditors usually ask for a year: `365d`"),
            );
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_fine_and_every_problem_is_found() {
        assert_eq!(Settings::default().problems(), []);
        let wrong = Settings {
            segment_size: ByteSize::new(10),
            max_size: Some(ByteSize::new(19)),
            keep: Some(Period::from_secs(3600)),
            origin: Some("two words".to_owned()),
            key_file: None,
            flood_budget: ByteSize::new(1 << 40),
        };
        let paths: Vec<_> = wrong.problems().into_iter().map(|problem| problem.path).collect();
        assert_eq!(paths, ["segment_size", "flood_budget", "max_size", "origin", "keep"]);
        assert_eq!(wrong.problems()[0].reason, "`10B` is not between 64KiB and 1GiB");
    }
}
