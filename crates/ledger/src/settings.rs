//! The table `[ledger]`.

use std::path::PathBuf;

use gabion_model::{ByteSize, Period, Problem};
use gabion_tlog::VerifyingKey;
use gabion_tlog::note::Purpose;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use archive::ArchiveSettings;

mod archive;

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
    /// How long after an account was removed its personal data in the ledger can still be read; then its key is destroyed.
    /// `0s` destroys it with the account. Until then an attacker who removes the account they used leaves their name and
    /// address behind. At most 90 days.
    pub erase_after: Period,
    /// Where finished segments are copied to, with what proves them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archive: Option<ArchiveSettings>,
    /// Who cosigns the ledger's checkpoints (C2SP tlog-witness): machines of others, so that a history that was written anew
    /// is noticed. At most 16.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub witnesses: Vec<WitnessSettings>,
    /// How many of the witnesses are enough. Without it all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub witness_quorum: Option<usize>,
    /// The pause between two checkpoints that witnesses are sent. Between 1 second and 1 hour.
    pub witness_every: Period,
    /// How long one witness may take for one answer. Between 1 second and 1 minute.
    pub witness_timeout: Period,
    /// After how long without enough cosignatures an event says so. Between 10 seconds and 1 day.
    pub witness_alarm: Period,
    /// The pause between two checkpoints of a tenant's own log, each of which is a record. Between 1 second and 1 hour.
    pub tenants_every: Period,
    /// Bytes per minute that refused requests may write; what exceeds it is still counted, in one
    /// record for each control. From 16KiB to 64MiB.
    pub flood_budget: ByteSize,
}

/// One witness.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WitnessSettings {
    /// Where it is; `/add-checkpoint` is put behind it. `https`, or `http` to this machine.
    pub url: String,
    /// Its key, as `gabion witness` prints it: `witness.example/w1+1a2b3c4d+BA…`.
    pub key: String,
    /// Certificates in PEM form of authorities that are believed beside those of the machine. A relative path counts from
    /// the configuration file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
}

impl WitnessSettings {
    /// # Errors
    /// Why it is no key of a witness.
    pub fn verifying_key(&self) -> Result<VerifyingKey, String> {
        let key = VerifyingKey::parse(self.key.trim()).map_err(|error| error.to_string())?;
        if key.purpose() == Purpose::Witness {
            Ok(key)
        } else {
            Err("the key of a log, not of a witness".to_owned())
        }
    }
}

/// The most witnesses.
const WITNESSES: usize = 16;

impl Default for Settings {
    fn default() -> Self {
        Self {
            segment_size: ByteSize::new(64 << 20),
            max_size: None,
            keep: None,
            origin: None,
            key_file: None,
            erase_after: Period::from_secs(30 * 86_400),
            archive: None,
            witnesses: Vec::new(),
            witness_quorum: None,
            witness_every: Period::from_secs(10),
            witness_timeout: Period::from_secs(10),
            witness_alarm: Period::from_secs(600),
            tenants_every: Period::from_secs(60),
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
        problems.extend(self.witness_problems());
        let archive = self.archive.iter().flat_map(ArchiveSettings::problems);
        problems.extend(archive.map(|problem| problem.under("archive")));
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

    /// How many witnesses must cosign; 0 where there is none.
    #[must_use]
    pub fn quorum(&self) -> usize {
        self.witness_quorum.unwrap_or(self.witnesses.len())
    }

    fn witness_problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut names = Vec::new();
        for (index, witness) in self.witnesses.iter().enumerate() {
            match witness.verifying_key() {
                Ok(key) if names.contains(&key.name().to_owned()) => problems.push(
                    Problem::new(format!("witnesses[{index}].key"), "another witness has the same name")
                        .hint("two words of one witness count once"),
                ),
                Ok(key) => names.push(key.name().to_owned()),
                Err(error) => problems.push(
                    Problem::new(
                        format!("witnesses[{index}].key"),
                        format!("not the key of a witness: {error}"),
                    )
                    .hint("`gabion witness` prints it when it starts"),
                ),
            }
        }
        if self.witnesses.len() > WITNESSES {
            let reason = format!("{} witnesses are more than {WITNESSES}", self.witnesses.len());
            problems.push(Problem::new("witnesses", reason));
        }
        if let Some(quorum) = self.witness_quorum
            && (quorum == 0 || quorum > self.witnesses.len())
        {
            let reason = format!("`{quorum}` is not between 1 and the {} witnesses", self.witnesses.len());
            problems.push(Problem::new("witness_quorum", reason));
        }
        for (path, value, least, most) in [
            ("erase_after", self.erase_after, 0, 90 * 86_400),
            ("tenants_every", self.tenants_every, 1, 3600),
            ("witness_every", self.witness_every, 1, 3600),
            ("witness_timeout", self.witness_timeout, 1, 60),
            ("witness_alarm", self.witness_alarm, 10, 86_400),
        ] {
            let (least, most) = (Period::from_secs(least), Period::from_secs(most));
            if !(least..=most).contains(&value) {
                problems.push(Problem::new(path, format!("`{value}` is not between {least} and {most}")));
            }
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_witnesses_is_told() {
        let witness = |key: &str| WitnessSettings {
            url: "https://w.example".to_owned(),
            key: key.to_owned(),
            ca_file: None,
        };
        let seed = gabion_model::Secret::new([2; 32]);
        let key = |purpose| {
            gabion_tlog::SigningKey::new("w.example/1", purpose, &seed).unwrap().verifying().to_string()
        };
        let own = key(Purpose::Witness);
        let right =
            Settings { witnesses: vec![witness(&own)], witness_quorum: Some(1), ..Settings::default() };
        assert_eq!(right.problems(), []);
        assert_eq!((Settings::default().quorum(), right.quorum()), (0, 1));
        let wrong = Settings {
            witnesses: vec![witness(&own), witness(&own), witness(&key(Purpose::Log)), witness("nonsense")],
            witness_quorum: Some(5),
            witness_every: Period::from_secs(0),
            witness_timeout: Period::from_secs(61),
            witness_alarm: Period::from_secs(9),
            ..Settings::default()
        };
        let paths: Vec<_> = wrong.problems().into_iter().map(|problem| problem.path).collect();
        let keys = ["witnesses[1].key", "witnesses[2].key", "witnesses[3].key"];
        let rest = ["witness_quorum", "witness_every", "witness_timeout", "witness_alarm"];
        assert_eq!(paths, [&keys[..], &rest].concat());
    }

    #[test]
    fn the_default_is_fine_and_every_problem_is_found() {
        assert_eq!(Settings::default().problems(), []);
        let wrong = Settings {
            segment_size: ByteSize::new(10),
            max_size: Some(ByteSize::new(19)),
            keep: Some(Period::from_secs(3600)),
            origin: Some("two words".to_owned()),
            flood_budget: ByteSize::new(1 << 40),
            ..Settings::default()
        };
        let paths: Vec<_> = wrong.problems().into_iter().map(|problem| problem.path).collect();
        assert_eq!(paths, ["segment_size", "flood_budget", "max_size", "origin", "keep"]);
        assert_eq!(wrong.problems()[0].reason, "`10B` is not between 64KiB and 1GiB");
    }
}
