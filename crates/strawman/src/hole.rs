//! The machine-readable list of holes.

use std::sync::LazyLock;

use gabion_model::ControlId;
use serde::{Deserialize, Serialize};

/// One weakness of the application, how it is exploited and what closes it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hole {
    /// Short and unique, for instance `sql-injection`. The code says `HOLE <id>` where the weakness is.
    pub id: String,
    pub title: String,
    /// The number in the Common Weakness Enumeration, for instance 89.
    pub cwe: u32,
    /// The control whose promise the hole breaks.
    pub control: ControlId,
    /// The control that closes the hole when it stands in front of the application.
    pub closed_by: ControlId,
    /// Method and path, for instance `GET /search`.
    pub endpoint: String,
    /// How an attacker goes about it.
    pub exploit: String,
    /// What the attacker sees when it worked.
    pub success: String,
    /// The same feature used as intended.
    pub twin: String,
    /// The three payloads, in the order in which `Outcome::exploited` reports them.
    pub variants: [String; 3],
    /// Who can find the hole.
    pub visible: Vec<Visibility>,
    /// Where `gabion scan` sees it in the source; empty where it does not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seen: Vec<Seen>,
    /// Why reading alone does not show it, where `seen` is empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unseen: Option<String>,
}

/// A line of the source that shows a hole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    /// From the crate's folder: `src/app/shop.rs`.
    pub file: String,
    /// What stands on that line, and on no other of the file.
    pub line: String,
    /// The rule that finds something there, or on the way to it.
    pub rule: String,
}

/// From where a hole can be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Visibility {
    /// By attacking the running application.
    BlackBox,
    /// By reading its source.
    Code,
}

/// Every hole, in the order of the list.
#[must_use]
pub fn holes() -> &'static [Hole] {
    &HOLES
}

static HOLES: LazyLock<Vec<Hole>> = LazyLock::new(|| parse(include_str!("holes.toml")));

#[expect(clippy::expect_used, reason = "the list is embedded and a test parses it")]
fn parse(text: &str) -> Vec<Hole> {
    #[derive(Deserialize)]
    struct List {
        hole: Vec<Hole>,
    }
    toml::from_str::<List>(text).expect("holes.toml is well formed").hole
}
