//! What each test says of itself: data in `rules/probe/*.toml`.

use std::sync::{Arc, LazyLock};

use gabion_model::{ControlId, Severity};
use serde::{Deserialize, Serialize};

use crate::facts::Level;

/// A test.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// The name of its file in `attacks/`: `sql-injection`.
    pub id: String,
    /// What is wrong where it finds something, in one line, without a final period.
    pub title: String,
    /// The promise it attacks.
    pub control: ControlId,
    /// Numbers of the Common Weakness Enumeration, the closest first.
    pub cwe: Vec<u16>,
    /// Categories of OWASP's lists: `A03:2021`, `API1:2023`.
    pub owasp: Vec<String>,
    pub severity: Severity,
    pub level: Level,
    /// What somebody could do with it.
    pub why: String,
    /// What to do instead.
    pub fix: String,
    #[serde(default)]
    pub references: Vec<String>,
}

/// Every test that is built in, in the order of the files.
#[must_use]
pub fn all() -> &'static [Arc<About>] {
    &ALL
}

/// The built-in test of that id.
#[must_use]
pub fn about(id: &str) -> Option<&'static Arc<About>> {
    ALL.iter().find(|about| about.id == id)
}

static ALL: LazyLock<Vec<Arc<About>>> =
    LazyLock::new(|| FILES.iter().flat_map(|(_, text)| parse(text)).map(Arc::new).collect());

/// The files, by name.
pub(crate) const FILES: &[(&str, &str)] = &[
    ("access.toml", include_str!("../../../rules/probe/access.toml")),
    ("accounts.toml", include_str!("../../../rules/probe/accounts.toml")),
    ("browser.toml", include_str!("../../../rules/probe/browser.toml")),
    ("input.toml", include_str!("../../../rules/probe/input.toml")),
    ("interfaces.toml", include_str!("../../../rules/probe/interfaces.toml")),
    ("limits.toml", include_str!("../../../rules/probe/limits.toml")),
    ("outgoing.toml", include_str!("../../../rules/probe/outgoing.toml")),
    ("surface.toml", include_str!("../../../rules/probe/surface.toml")),
    ("sessions.toml", include_str!("../../../rules/probe/sessions.toml")),
];

#[expect(clippy::expect_used, reason = "the files are embedded and a test parses them")]
fn parse(text: &str) -> Vec<About> {
    #[derive(Deserialize)]
    struct File {
        #[serde(default)]
        test: Vec<About>,
    }
    toml::from_str::<File>(text).expect("the tests are described well").test
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn tests_are_described_once_and_whole() {
        let mut ids = BTreeSet::new();
        for about in all() {
            assert!(ids.insert(&about.id), "{}", about.id);
            assert!(
                !about.title.ends_with('.') && !about.cwe.is_empty() && !about.owasp.is_empty(),
                "{}",
                about.id
            );
            assert!(about.why.len() > 40 && about.fix.len() > 20, "{}", about.id);
            assert!(about.references.iter().all(|link| link.starts_with("https://")), "{}", about.id);
        }
    }

    #[test]
    fn every_attack_is_described_and_every_description_is_an_attack() {
        let described: BTreeSet<&str> = all().iter().map(|about| about.id.as_str()).collect();
        let attacks: BTreeSet<&str> = crate::attacks::ALL.iter().map(|attack| attack.id()).collect();
        assert_eq!(described, attacks);
    }
}
