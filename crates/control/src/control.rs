//! One entry of the catalogue, with everything `gabion controls show` prints.

use gabion_model::ControlId;
use serde::Serialize;

use crate::framework::{Framework, Requirement};
use crate::source::Source;

/// One promise: what it is, why it matters, what stands behind it and whose requirement it meets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Control {
    pub id: ControlId,
    /// One line.
    pub title: String,
    /// What a team may rely on once the control holds: a sentence or two.
    pub promise: String,
    /// The attack or mishap it answers.
    pub why: String,
    /// How the product enforces it today; `None` while nothing does.
    pub enforced: Option<String>,
    /// What enforces it today. Empty means that the product enforces nothing yet.
    pub enforced_by: Vec<Source>,
    /// What of the enforcement is still to come; `None` when nothing is missing.
    pub planned: Option<String>,
    /// How `gabion probe` tries to break it; `None` when it cannot be tried from outside.
    pub attacked: Option<String>,
    /// The probe tests that exist. Empty means that `attacked` is a plan.
    pub attacked_by: Vec<Source>,
    /// What `gabion scan` looks for; `None` when nothing in a repository would show it.
    pub read: Option<String>,
    /// The scan rules that exist. Empty means that `read` is a plan.
    pub read_by: Vec<Source>,
    /// Requirements in conflict, or a caveat the reader must know.
    pub note: Option<String>,
    /// Sorted by list, then in the order of the entry.
    pub requirements: Vec<Requirement>,
}

/// The family a control belongs to: the first word of its id and the name of its file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Group {
    /// For instance `web`.
    pub id: String,
    /// For instance `Browsers`.
    pub title: String,
    /// What the family is about, in a sentence.
    pub about: String,
}

/// The three kinds of evidence a control can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Enforced,
    Attacked,
    Read,
}

/// One kind of evidence of one control, as a reader wants to see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evidence<'a> {
    pub kind: Kind,
    pub text: &'a str,
    /// Empty when `planned`.
    pub sources: &'a [Source],
    /// Described, but the product does not do it yet.
    pub planned: bool,
}

impl Control {
    /// The first word of the id: the group, and the catalogue file it stands in.
    #[must_use]
    pub fn group(&self) -> &'static str {
        let id = self.id.as_str();
        id.split_once('.').map_or(id, |(group, _)| group)
    }

    /// Path of the generated page, from the repository's root.
    #[must_use]
    pub fn page(&self) -> String {
        format!("docs/controls/{}.md", self.id)
    }

    /// The numbers of one list, in the order of the entry.
    pub fn requirements_of(&self, framework: Framework) -> impl Iterator<Item = &Requirement> {
        self.requirements.iter().filter(move |requirement| requirement.framework == framework)
    }

    /// Whether anything at all stands behind the control today. Without it, it is `unknown`.
    #[must_use]
    pub fn has_evidence_source(&self) -> bool {
        !(self.enforced_by.is_empty() && self.attacked_by.is_empty() && self.read_by.is_empty())
    }

    /// Every kind of evidence the entry describes, what exists before what is planned.
    #[must_use]
    pub fn evidence(&self) -> Vec<Evidence<'_>> {
        let all = [
            (Kind::Enforced, self.enforced.as_deref(), self.enforced_by.as_slice()),
            (Kind::Enforced, self.planned.as_deref(), &[]),
            (Kind::Attacked, self.attacked.as_deref(), &self.attacked_by),
            (Kind::Read, self.read.as_deref(), &self.read_by),
        ];
        all.into_iter()
            .filter_map(|(kind, text, sources)| {
                text.map(|text| Evidence { kind, text, sources, planned: sources.is_empty() })
            })
            .collect()
    }
}

impl Kind {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enforced => "enforced",
            Self::Attacked => "attacked",
            Self::Read => "read",
        }
    }
}
