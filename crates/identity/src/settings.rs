//! The tables `[sessions]`, `[passwords]`, `[login]` and `[machines]` of the configuration.

use std::path::PathBuf;

use gabion_model::{ByteSize, Period, Problem};
use gabion_vault::password::Cost;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::certificate::CertificateBinding;
use crate::passwords::Profile;

/// How long people stay signed in.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SessionSettings {
    /// A session ends after this long without a request. Between 1 minute and `absolute`.
    pub idle: Period,
    /// A session ends this long after sign-in, however busy it is. At most 30 days.
    pub absolute: Period,
    /// How many sessions one account may have at once; one more ends the oldest. Between 1 and 1000.
    pub concurrent: u32,
}

/// What a new password must be and how it is hashed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PasswordSettings {
    /// The set of rules: `asvs` (length and a blocklist, no composition rules), `classic` (also upper
    /// case, lower case and a digit) or `pci` (also a letter and a digit, at least 12 characters).
    pub profile: Profile,
    /// The fewest characters a password may have. Between 8 and 64; 12 or more under `pci`.
    pub minimum_length: u32,
    /// Words a password must not contain, for instance the company's and the product's name. The
    /// account's own name never may be in it.
    pub context_words: Vec<String>,
    /// The least strength a new password must have, as zxcvbn estimates it: 0 (not asked) to 4 (strongest).
    pub minimum_strength: u32,
    /// A list of leaked passwords none of which may be used: lines that begin with SHA-1 digests in
    /// hexadecimal, sorted, as Have I Been Pwned offers them for download. Read in place, however large.
    pub breached_file: Option<PathBuf>,
    /// The memory one Argon2id hash takes. At least 19 MiB, at most 256 MiB. A password hashed with less
    /// is hashed anew at the next sign-in.
    pub memory: ByteSize,
    /// How many times Argon2id passes over that memory. Between 2 and 16.
    pub passes: u32,
    /// How many lanes Argon2id uses. Between 1 and 16.
    pub lanes: u32,
}

/// Sign-in: how many wrong tries are allowed, how long links live.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LoginSettings {
    /// Wrong tries one account may see within `window`, from wherever. Between 1 and 100.
    pub failures_per_account: u32,
    /// Wrong tries one address (IPv6: one /64) may make within `window`, at whatever account. Between 1
    /// and 1000.
    pub failures_per_address: u32,
    /// Wrong tries all addresses together may make within `window` before every sign-in must wait: the
    /// brake on guessing from many addresses at many accounts. People already signed in notice nothing.
    /// Between 100 and 100000.
    pub failures_in_all: u32,
    /// How far back wrong tries are remembered. Between 1 minute and 1 day.
    pub window: Period,
    /// How long the link for the first administrator is good. At most 7 days.
    pub first_administrator_link: Period,
    /// How long the link a new account gets is good. At most 30 days.
    pub enrolment_link: Period,
    /// How long a link to set a new password is good. At most 1 day.
    pub reset_link: Period,
}

/// `[machines]`: the keys of programs.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MachineSettings {
    /// The word after `gab_` in new API keys, so that a key of a test installation is told from a real one:
    /// 1 to 16 lower-case letters and digits, for instance `live` or `test`.
    pub api_key_environment: String,
    /// How long an API key lives when nobody says otherwise. At most `api_key_longest`.
    pub api_key_life: Period,
    /// The longest an API key may live. At most 5 years.
    pub api_key_longest: Period,
    /// How long a replaced API key goes on working beside its successor. At most 30 days.
    pub api_key_overlap: Period,
    /// How many API keys one account may have. Between 1 and 1000.
    pub api_keys_per_account: u32,
    /// Whose client certificates are, by a name in them. The first that fits counts.
    pub certificates: Vec<CertificateBinding>,
}

impl Default for MachineSettings {
    fn default() -> Self {
        Self {
            api_key_environment: "live".to_owned(),
            api_key_life: minutes(90 * DAY),
            api_key_longest: minutes(366 * DAY),
            api_key_overlap: minutes(DAY),
            api_keys_per_account: 50,
            certificates: Vec::new(),
        }
    }
}

impl MachineSettings {
    /// Everything wrong with these values; paths are relative to the table.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if !crate::api_key::is_environment(&self.api_key_environment) {
            problems.push(
                Problem::new(
                    "api_key_environment",
                    format!("`{}` cannot stand in a key", self.api_key_environment),
                )
                .hint("1 to 16 lower-case letters and digits, for instance `live`"),
            );
        }
        period(&mut problems, "api_key_longest", self.api_key_longest, minutes(1), minutes(5 * 366 * DAY));
        let longest = self.api_key_longest.max(minutes(1));
        period(&mut problems, "api_key_life", self.api_key_life, minutes(1), longest);
        period(&mut problems, "api_key_overlap", self.api_key_overlap, minutes(0), minutes(30 * DAY));
        number(&mut problems, "api_keys_per_account", self.api_keys_per_account, 1, 1000);
        for (index, binding) in self.certificates.iter().enumerate() {
            let at = format!("certificates[{index}]");
            problems.extend(binding.problems().into_iter().map(|problem| problem.under(&at)));
        }
        problems
    }
}

impl Default for SessionSettings {
    fn default() -> Self {
        Self { idle: minutes(30), absolute: minutes(12 * 60), concurrent: 10 }
    }
}

impl Default for PasswordSettings {
    fn default() -> Self {
        Self {
            profile: Profile::Asvs,
            minimum_length: 12,
            context_words: Vec::new(),
            minimum_strength: 0,
            breached_file: None,
            memory: ByteSize::new(19 << 20),
            passes: 2,
            lanes: 1,
        }
    }
}

impl Default for LoginSettings {
    fn default() -> Self {
        Self {
            failures_per_account: 5,
            failures_per_address: 5,
            failures_in_all: 10_000,
            window: minutes(15),
            first_administrator_link: minutes(DAY),
            enrolment_link: minutes(3 * DAY),
            reset_link: minutes(60),
        }
    }
}

impl SessionSettings {
    /// Everything wrong with these values; paths are relative to the table.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        period(&mut problems, "absolute", self.absolute, minutes(1), minutes(30 * DAY));
        period(&mut problems, "idle", self.idle, minutes(1), self.absolute.max(minutes(1)));
        number(&mut problems, "concurrent", self.concurrent, 1, 1000);
        problems
    }
}

impl PasswordSettings {
    /// Everything wrong with these values; paths are relative to the table.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let fewest = if self.profile == Profile::Pci { 12 } else { 8 };
        number(&mut problems, "minimum_length", self.minimum_length, fewest, 64);
        number(&mut problems, "minimum_strength", self.minimum_strength, 0, 4);
        for (index, word) in self.context_words.iter().enumerate() {
            if !(3..=64).contains(&word.trim().chars().count()) {
                let reason = format!("`{word}` is too short or too long to look for in a password");
                problems.push(
                    Problem::new(format!("context_words[{index}]"), reason)
                        .hint("write words of 3 to 64 characters"),
                );
            }
        }
        let (least, most) = (Cost::FLOOR, Cost::CEILING);
        if !(least.memory_bytes()..=most.memory_bytes()).contains(&self.memory.bytes()) {
            problems.push(
                Problem::new("memory", format!("`{}` is not between 19MiB and 256MiB", self.memory))
                    .hint("19MiB is the OWASP floor"),
            );
        }
        number(&mut problems, "passes", self.passes, least.passes(), most.passes());
        number(&mut problems, "lanes", self.lanes, least.lanes(), most.lanes());
        problems
    }

    /// The asked cost of a hash; the floor where the settings are out of range (which
    /// [`problems`](Self::problems) reports).
    #[must_use]
    pub fn cost(&self) -> Cost {
        let memory_kib = u32::try_from(self.memory.bytes() / 1024).unwrap_or(u32::MAX);
        Cost::new(memory_kib, self.passes, self.lanes).unwrap_or_default()
    }
}

impl LoginSettings {
    /// Everything wrong with these values; paths are relative to the table.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        number(&mut problems, "failures_per_account", self.failures_per_account, 1, 100);
        number(&mut problems, "failures_per_address", self.failures_per_address, 1, 1000);
        number(&mut problems, "failures_in_all", self.failures_in_all, 100, 100_000);
        period(&mut problems, "window", self.window, minutes(1), minutes(DAY));
        let links = [
            ("first_administrator_link", self.first_administrator_link, 7 * DAY),
            ("enrolment_link", self.enrolment_link, 30 * DAY),
            ("reset_link", self.reset_link, DAY),
        ];
        for (path, value, most) in links {
            period(&mut problems, path, value, minutes(5), minutes(most));
        }
        problems
    }
}

fn number(problems: &mut Vec<Problem>, path: &str, value: u32, least: u32, most: u32) {
    if !(least..=most).contains(&value) {
        problems.push(Problem::new(path, format!("`{value}` is not between {least} and {most}")));
    }
}

fn period(problems: &mut Vec<Problem>, path: &str, value: Period, least: Period, most: Period) {
    if !(least..=most).contains(&value) {
        problems.push(Problem::new(path, format!("`{value}` is not between {least} and {most}")));
    }
}

const fn minutes(minutes: u64) -> Period {
    Period::from_secs(minutes * 60)
}

const DAY: u64 = 24 * 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_sound() {
        assert_eq!(SessionSettings::default().problems(), []);
        assert_eq!(PasswordSettings::default().problems(), []);
        assert_eq!(LoginSettings::default().problems(), []);
        assert_eq!(PasswordSettings::default().cost(), Cost::FLOOR);
    }

    #[test]
    fn every_problem_is_reported_at_once() {
        let paths = |problems: Vec<Problem>| problems.into_iter().map(|one| one.path).collect::<Vec<_>>();
        let sessions = SessionSettings { idle: minutes(60), absolute: minutes(30), concurrent: 0 };
        assert_eq!(paths(sessions.problems()), ["idle", "concurrent"]);
        let passwords = PasswordSettings {
            profile: Profile::Pci,
            minimum_length: 8,
            context_words: vec!["acme".to_owned(), "x".to_owned()],
            minimum_strength: 5,
            breached_file: None,
            memory: ByteSize::new(1 << 20),
            passes: 1,
            lanes: 0,
        };
        assert_eq!(
            paths(passwords.problems()),
            ["minimum_length", "minimum_strength", "context_words[1]", "memory", "passes", "lanes"]
        );
        assert_eq!(passwords.cost(), Cost::FLOOR, "never below the floor");
        let login =
            LoginSettings { failures_per_account: 0, reset_link: minutes(2 * DAY), ..Default::default() };
        assert_eq!(paths(login.problems()), ["failures_per_account", "reset_link"]);
    }
}
