//! From files to a generation that decides.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arc_swap::ArcSwap;
use gabion_model::Problem;

use crate::decision::{Decision, Effect, Generation};
use crate::facts::Facts;
use crate::question::Question;

/// The generation in use; a reload puts another in its place.
pub type Live = ArcSwap<Policies>;

/// Files, read by somebody else: name to text.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// `*.cedar`
    pub policies: BTreeMap<String, String>,
    /// `schema.cedarschema`: the team's own entity types and actions.
    pub schema: Option<(String, String)>,
    /// `entities.json`: entities that are there before anybody asks, in Cedar's JSON format.
    pub entities: Option<(String, String)>,
    /// How many decisions are remembered.
    pub cache: u32,
}

/// A compiled generation. Immutable.
#[derive(Debug)]
pub struct Policies {
    generation: Generation,
}

/// What the policies that can apply to an action read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needed {
    /// Attributes of the resource.
    pub resource: BTreeSet<Arc<str>>,
    /// Where the resource is: some policy asks `resource in`.
    pub parents: bool,
    /// Attributes of the context.
    pub context: BTreeSet<Arc<str>>,
}

impl Policies {
    /// # Errors
    /// Everything that is wrong with the files.
    pub fn compile(_sources: Sources, _facts: &Facts) -> Result<Self, Vec<Problem>> {
        Ok(Self { generation: Generation([0; 8]) })
    }

    #[must_use]
    pub fn decide(&self, _question: &Question<'_>) -> Decision {
        Decision {
            effect: Effect::Deny,
            policies: Arc::default(),
            obligations: Arc::default(),
            faults: Arc::default(),
            generation: self.generation,
        }
    }

    /// What must be known about a resource before [`decide`](Self::decide) is asked about `action`.
    #[must_use]
    pub fn needs(&self, _action: &str) -> Needed {
        Needed::default()
    }

    #[must_use]
    pub fn generation(&self) -> Generation {
        self.generation
    }
}
