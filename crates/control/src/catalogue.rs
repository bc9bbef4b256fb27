//! The catalogue as a whole: every control once, found by id or by requirement.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use gabion_model::ControlId;

use crate::control::{Control, Group};
use crate::error::CatalogueError;
use crate::framework::Framework;
use crate::read::read;
use crate::source::Source;

/// All controls, in the order of [`ControlId::ALL`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalogue {
    pub(crate) groups: Vec<Group>,
    /// INVARIANT: exactly one per id, in the order of [`ControlId::ALL`].
    pub(crate) controls: Vec<Control>,
}

/// No control has this id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no control has the id `{text}`")]
pub struct UnknownId {
    pub text: String,
    /// The nearest ids there are, best first; empty when none is near.
    pub suggestions: Vec<ControlId>,
}

impl Catalogue {
    /// The catalogue this build carries; parsed once.
    #[must_use]
    pub fn built_in() -> &'static Self {
        static BUILT_IN: LazyLock<Catalogue> = LazyLock::new(|| {
            #[expect(clippy::expect_used, reason = "the text is embedded and a test of this crate parses it")]
            Catalogue::parse(FILES).expect("the embedded catalogue is well-formed")
        });
        &BUILT_IN
    }

    /// Reads a catalogue from `(path, text)` pairs; the path's stem is the group.
    ///
    /// # Errors
    /// Every flaw at once, each with its file, id and rule.
    pub fn parse(files: &[(&str, &str)]) -> Result<Self, CatalogueError> {
        read(files)
    }

    /// The same, where each control names the rules of a scan that are for it: `(control, rule)`. A rule says itself which control it
    /// is for, so no entry lists its rules.
    #[must_use]
    pub fn with_rules<'a>(mut self, rules: impl IntoIterator<Item = (ControlId, &'a str)>) -> Self {
        let mut rules = by_control(rules);
        for control in &mut self.controls {
            let Some(rules) = rules.remove(&control.id) else { continue };
            control.read_by.extend(rules.into_iter().map(|rule| Source::Rule(rule.to_owned())));
            control.read.get_or_insert_with(|| READ.to_owned());
        }
        self
    }

    /// The same with the tests of a probe, which name their controls as rules do.
    #[must_use]
    pub fn with_tests<'a>(mut self, tests: impl IntoIterator<Item = (ControlId, &'a str)>) -> Self {
        let mut tests = by_control(tests);
        for control in &mut self.controls {
            let Some(tests) = tests.remove(&control.id) else { continue };
            control.attacked_by.extend(tests.into_iter().map(|test| Source::Test(test.to_owned())));
            control.attacked.get_or_insert_with(|| ATTACKED.to_owned());
        }
        self
    }

    /// Every control, in catalogue order.
    #[must_use]
    pub fn controls(&self) -> &[Control] {
        &self.controls
    }

    /// The families, in the order their first control appears.
    #[must_use]
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// The controls of one family.
    pub fn group<'a>(&'a self, id: &'a str) -> impl Iterator<Item = &'a Control> {
        self.controls.iter().filter(move |control| control.group() == id)
    }

    /// The entry of `id`; there is always one.
    #[must_use]
    pub fn get(&self, id: ControlId) -> Option<&Control> {
        self.controls.iter().find(|control| control.id == id)
    }

    /// The entry whose id a person typed.
    ///
    /// # Errors
    /// With the nearest ids when there is none.
    pub fn find(&self, text: &str) -> Result<&Control, UnknownId> {
        text.parse()
            .ok()
            .and_then(|id| self.get(id))
            .ok_or_else(|| UnknownId { text: text.to_owned(), suggestions: suggest(text) })
    }

    /// The controls that answer to `number` of `framework`, or to a requirement under it: `V3.3` finds
    /// those of `V3.3.1`.
    pub fn meeting<'a>(&'a self, framework: Framework, number: &'a str) -> impl Iterator<Item = &'a Control> {
        self.controls.iter().filter(move |control| {
            control.requirements_of(framework).any(|requirement| requirement.is_within(number))
        })
    }

    /// The controls that name the check `name` (its file name) as a source.
    pub fn enforced_by<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Control> {
        self.controls
            .iter()
            .filter(move |control| control.enforced_by.iter().any(|source| source.check() == Some(name)))
    }
}

fn by_control<'a>(
    named: impl IntoIterator<Item = (ControlId, &'a str)>,
) -> BTreeMap<ControlId, BTreeSet<&'a str>> {
    let mut all: BTreeMap<ControlId, BTreeSet<&str>> = BTreeMap::new();
    for (control, name) in named {
        all.entry(control).or_default().insert(name);
    }
    all
}

/// The ids nearest to what was typed, best first, at most three: the same word after the dot, a
/// misspelling, or the beginning of an id.
pub(crate) fn suggest(text: &str) -> Vec<ControlId> {
    let text: String = text.chars().take(LONGEST_TYPED).collect::<String>().to_ascii_lowercase();
    if text.is_empty() {
        return Vec::new();
    }
    let mut near: Vec<(f64, ControlId)> = ControlId::ALL
        .iter()
        .map(|id| {
            let name = id.as_str().split_once('.').map_or(id.as_str(), |(_, name)| name);
            let begins = id.as_str().starts_with(text.as_str()) || name.starts_with(text.as_str());
            let likeness = strsim::jaro_winkler(&text, id.as_str()).max(if text.contains('.') {
                0.0
            } else {
                strsim::jaro_winkler(&text, name)
            });
            (if begins { likeness.max(NEAR) } else { likeness }, *id)
        })
        .filter(|(likeness, _)| *likeness >= NEAR)
        .collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    near.into_iter().map(|(_, id)| id).take(3).collect()
}

/// What is said of a control that rules are for and whose entry has no words on them.
const READ: &str = "`gabion scan` looks for what breaks it in a repository.";

/// The same of tests.
const ATTACKED: &str = "`gabion probe` tries to break it at the running application.";

const NEAR: f64 = 0.88;
const LONGEST_TYPED: usize = 64;

macro_rules! files {
    ($($group:literal),* $(,)?) => {
        &[$((
            concat!("catalogue/", $group, ".toml"),
            include_str!(concat!("../../../catalogue/", $group, ".toml")),
        )),*]
    };
}

const FILES: &[(&str, &str)] = files![
    "abuse",
    "api",
    "assurance",
    "authn",
    "authz",
    "config",
    "data",
    "egress",
    "incident",
    "input",
    "ledger",
    "oauth",
    "session",
    "supply",
    "token",
    "watch",
    "web",
];

#[cfg(test)]
#[path = "catalogue_tests.rs"]
mod tests;
