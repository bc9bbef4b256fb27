//! `[incidents]`

use std::collections::BTreeMap;
use std::path::PathBuf;

use gabion_model::{Period, Problem, Severity};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::class::{Class, Clocks};
use crate::step::Alert;
use crate::text;

/// What people do once something was noticed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Whether alerts open incidents by themselves. By hand they can always be opened.
    pub automatic: bool,
    /// The least level of an alert that opens one: `low`, `medium`, `high`, `critical`. `critical` becomes P0, `high` P1,
    /// `medium` P2, `low` P3.
    #[schemars(with = "Level")]
    pub least_level: Severity,
    /// Detection rules, by name, whose alerts open an incident of this class whatever their level.
    pub rules: BTreeMap<String, Class>,
    /// Detection rules, by name, whose alerts never open one.
    pub ignored_rules: Vec<String>,
    /// How long after its last alert an incident still takes others about the same account, address or network.
    pub join_within: Period,
    /// A folder with procedures of your own, `*.toml`; one with the id of one of the program replaces it. A relative path
    /// counts from the configuration file.
    pub procedures: Option<PathBuf>,
    /// Clocks of classes that differ from those of the program, for instance `P0 = { acknowledge = "5m", contain = "1h", resolve = "3d" }`.
    pub clocks: BTreeMap<Class, Clocks>,
    /// Addresses that get a letter when an incident opens, gets worse, or something is late. Needs `[mail]`.
    pub letters_to: Vec<String>,
    /// Who notifies authorities and people, for drafts.
    pub organisation: Option<String>,
}

/// As it is written.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
#[expect(dead_code, reason = "only its schema is used")]
enum Level {
    Informational,
    Low,
    Medium,
    High,
    Critical,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            automatic: true,
            least_level: Severity::High,
            rules: BTreeMap::new(),
            ignored_rules: Vec::new(),
            join_within: Period::from_secs(24 * 3600),
            procedures: None,
            clocks: BTreeMap::new(),
            letters_to: Vec::new(),
            organisation: None,
        }
    }
}

impl Settings {
    /// The class of an incident this alert opens; none when it opens none.
    #[must_use]
    pub fn class_of(&self, alert: &Alert) -> Option<Class> {
        if !self.automatic || self.ignored_rules.contains(&alert.rule) {
            return None;
        }
        let by_level = || (alert.level >= self.least_level).then(|| Class::of(alert.level));
        self.rules.get(&alert.rule).copied().or_else(by_level)
    }

    #[must_use]
    pub fn clocks_of(&self, class: Class) -> Clocks {
        self.clocks.get(&class).copied().unwrap_or_else(|| class.clocks())
    }

    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (class, clocks) in &self.clocks {
            let Clocks { acknowledge, contain, resolve } = *clocks;
            if acknowledge == Period::from_secs(0) || acknowledge > contain || contain > resolve {
                let problem = Problem::new(format!("clocks.{class}"), "the clocks do not follow one another");
                problems.push(problem.hint("`acknowledge` at most `contain`, and that at most `resolve`"));
            }
        }
        if self.join_within > Period::from_secs(30 * 24 * 3600) {
            problems.push(Problem::new("join_within", "is more than 30 days"));
        }
        for (index, address) in self.letters_to.iter().enumerate() {
            let whole = address
                .split_once('@')
                .is_some_and(|(name, host)| !name.is_empty() && host.contains('.') || host == "localhost");
            if !whole
                || address.len() > text::LINE
                || address.chars().any(|one| one.is_whitespace() || one.is_control())
            {
                let problem = Problem::new(format!("letters_to[{index}]"), "is no e-mail address");
                problems.push(problem.hint("for instance `security@example.com`"));
            }
        }
        if self.letters_to.len() > LETTERS {
            problems.push(Problem::new("letters_to", format!("has more than {LETTERS} addresses")));
        }
        for name in self.rules.keys().filter(|name| self.ignored_rules.contains(name)) {
            problems.push(Problem::new("rules", format!("`{name}` also stands in `ignored_rules`")));
        }
        if self.procedures.as_ref().is_some_and(|path| path.as_os_str().is_empty()) {
            problems.push(
                Problem::new("procedures", "is empty").hint("for instance `procedures = \"procedures\"`"),
            );
        }
        if let Some(Err(reason)) = self.organisation.as_deref().map(text::line) {
            problems.push(Problem::new("organisation", reason));
        }
        problems
    }
}

const LETTERS: usize = 20;
