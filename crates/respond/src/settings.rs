//! `[respond]`

use std::collections::BTreeMap;

use gabion_model::{Period, Problem, Severity};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Action, Network};

/// What is done by itself when a rule rings.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// `dry_run`: what would be done is recorded and listed, and nothing is done. `on`: it is done. `off`: alerts are not
    /// looked at. What people do by hand is done in each.
    pub mode: Mode,
    /// Addresses and networks that are never blocked nor slowed down, for instance `"192.0.2.0/24"`.
    pub allow: Vec<String>,
    /// Names of accounts that are never touched. Administrators are not either.
    pub allow_accounts: Vec<String>,
    /// Whether private, shared and loopback addresses are spared, too.
    pub spare_private: bool,
    /// How long a measure lasts, unless its rule says otherwise. From 1 minute to 30 days.
    #[serde(rename = "for")]
    pub life: Period,
    /// How much is done without a person.
    pub budget: Budget,
    /// What to do when a rule rings, by its name or id. In place of what comes with the program for this rule.
    pub rules: BTreeMap<String, RuleSettings>,
    /// What to do for rules that are named nowhere, by severity: `low`, `medium`, `high`, `critical`.
    pub severities: BTreeMap<String, RuleSettings>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    #[default]
    DryRun,
    Off,
    On,
}

/// How much is done without a person. What is more waits for one, and an alert says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Budget {
    /// Of the addresses seen in the last hour, so many in a hundred may be blocked or slowed down at once; and of those
    /// from where somebody is signed in, too.
    pub addresses_percent: u8,
    /// Of all accounts, so many in a hundred may be under a measure at once.
    pub accounts_percent: u8,
    /// So many of either are always within the budget, however few there are.
    pub floor: u32,
    /// Never more addresses than this, however many were seen: whoever can pretend to be anybody makes them many.
    pub most: u32,
}

/// What to do when a rule rings.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleSettings {
    /// In this order; none: nothing is done.
    pub actions: Vec<Action>,
    /// How long.
    #[serde(rename = "for", default, skip_serializing_if = "Option::is_none")]
    pub life: Option<Period>,
    /// For `strict_route`: the route, by the path it declares.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// `on` or `dry_run` for this rule alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            mode: Mode::DryRun,
            allow: Vec::new(),
            allow_accounts: Vec::new(),
            spare_private: true,
            life: Period::from_secs(3600),
            budget: Budget::default(),
            rules: BTreeMap::new(),
            severities: BTreeMap::new(),
        }
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self { addresses_percent: 5, accounts_percent: 2, floor: 5, most: 1000 }
    }
}

/// What comes with the program. Rules that group by an account do not block the address they last saw: it may be its
/// owner's.
const BUILT_IN: &[(&str, &[Action])] = &[
    ("account-taken-over", &[Action::RevokeSessions, Action::RequireStepUp]),
    ("brute-force-address", &[Action::BlockAddress]),
    ("canary-address", &[Action::BlockAddress]),
    ("credential-stuffing", &[Action::BlockAddress]),
    ("credential-stuffing-succeeded", &[Action::BlockAddress]),
    ("enumeration", &[Action::SlowDown]),
    ("input-fuzzing", &[Action::SlowDown]),
    ("password-spraying", &[Action::BlockAddress]),
    ("rate-limit-saturation", &[Action::SlowDown]),
    ("scanner-agent", &[Action::SlowDown]),
    ("scanner-paths", &[Action::BlockAddress]),
    ("token-guessing", &[Action::BlockAddress]),
];

impl Settings {
    /// What is asked for when a rule rings.
    pub(crate) fn of(&self, names: [Option<&str>; 2], severity: Severity) -> Option<RuleSettings> {
        let mut named = names.into_iter().flatten();
        if let Some(rule) = named.clone().find_map(|name| self.rules.get(name)) {
            return Some(rule.clone());
        }
        let built_in = |name: &str| BUILT_IN.iter().find(|(own, _)| *own == name);
        if let Some((_, actions)) = named.find_map(built_in) {
            return Some(RuleSettings { actions: actions.to_vec(), life: None, route: None, mode: None });
        }
        self.severities.get(severity.as_str()).cloned()
    }

    /// Everything wrong with these values.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (index, text) in self.allow.iter().enumerate() {
            if let Err(error) = text.parse::<Network>() {
                problems.push(Problem::new(format!("allow[{index}]"), format!("`{text}` {error}")));
            }
        }
        problems.extend(life(self.life).map(|problem| problem.under("for")));
        for (key, percent) in [
            ("addresses_percent", self.budget.addresses_percent),
            ("accounts_percent", self.budget.accounts_percent),
        ] {
            if percent > 100 {
                problems.push(Problem::new(key, "is more than 100").under("budget"));
            }
        }
        for (name, rule) in &self.rules {
            problems.extend(rule.problems().into_iter().map(|one| one.under(name).under("rules")));
        }
        for (name, rule) in &self.severities {
            if !Severity::ALL.iter().any(|severity| severity.as_str() == name) {
                let problem = Problem::new("severities", format!("there is no severity `{name}`"));
                problems.push(problem.hint("`informational`, `low`, `medium`, `high` or `critical`"));
            }
            problems.extend(rule.problems().into_iter().map(|one| one.under(name).under("severities")));
        }
        problems
    }
}

impl RuleSettings {
    fn problems(&self) -> Vec<Problem> {
        let mut problems: Vec<_> =
            self.life.and_then(life).map(|problem| problem.under("for")).into_iter().collect();
        match (self.actions.contains(&Action::StrictRoute), &self.route) {
            (true, None) => problems.push(
                Problem::new("route", "is missing").hint("the path of a route, for instance `\"/api/*\"`"),
            ),
            (false, Some(_)) => problems.push(Problem::new("route", "means nothing without `strict_route`")),
            _ => {}
        }
        if self.mode == Some(Mode::Off) {
            let problem = Problem::new("mode", "`off` is no mode of a rule");
            problems.push(problem.hint("`actions = []` does nothing"));
        }
        problems
    }
}

fn life(life: Period) -> Option<Problem> {
    let (least, most) = (SHORTEST, LONGEST);
    (!(least..=most).contains(&life))
        .then(|| Problem::new("", format!("`{life}` is not between {least} and {most}")))
}

pub(crate) const SHORTEST: Period = Period::from_secs(60);
pub(crate) const LONGEST: Period = Period::from_secs(30 * 86_400);

impl Settings {
    /// Whether a measure may last so long.
    #[must_use]
    pub fn may_last(life: Period) -> bool {
        (SHORTEST..=LONGEST).contains(&life)
    }

    /// A time that a measure may last: what was asked for, within the bounds, or the usual one.
    #[must_use]
    pub fn life_of(&self, asked: Option<Period>) -> Period {
        asked.unwrap_or(self.life).clamp(SHORTEST, LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_is_told_with_its_place() {
        let rule = |actions: &[Action]| RuleSettings {
            actions: actions.to_vec(),
            life: Some(Period::from_secs(1)),
            route: None,
            mode: Some(Mode::Off),
        };
        let settings = Settings {
            allow: vec!["192.0.2.0/24".into(), "everybody".into()],
            life: Period::from_secs(40 * 86_400),
            budget: Budget { addresses_percent: 101, ..Budget::default() },
            rules: BTreeMap::from([("a".to_owned(), rule(&[Action::StrictRoute]))]),
            severities: BTreeMap::from([("worst".to_owned(), rule(&[]))]),
            ..Settings::default()
        };
        let paths: Vec<_> = settings.problems().into_iter().map(|problem| problem.path).collect();
        assert_eq!(
            paths,
            [
                "allow[1]",
                "for",
                "budget.addresses_percent",
                "rules.a.for",
                "rules.a.route",
                "rules.a.mode",
                "severities",
                "severities.worst.for",
                "severities.worst.mode"
            ]
        );
        assert_eq!(Settings::default().problems(), []);
    }
}
