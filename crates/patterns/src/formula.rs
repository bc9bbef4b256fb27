//! What a rule looks for: patterns, put together with and, or, not and inside.

use std::sync::Arc;

use crate::comparison::Comparison;
use crate::family::Family;
use crate::fragment::Fragment;
use crate::text_pattern::TextPattern;

/// A part of what is looked for.
#[derive(Debug)]
pub(crate) enum Op {
    Pattern(Leaf),
    Regex(TextPattern),
    All(All),
    Any(Vec<Self>),
    /// Only within a place of this.
    Inside(Box<Self>),
    Not(Box<Self>),
    NotInside(Box<Self>),
    NotRegex(TextPattern),
}

/// A pattern of code, read for every language its rule names.
#[derive(Debug)]
pub(crate) struct Leaf {
    pub(crate) read: Vec<(Family, Fragment)>,
    /// Where the text is no code.
    pub(crate) generic: Option<TextPattern>,
}

impl Leaf {
    pub(crate) fn fragment(&self, family: Family) -> Option<&Fragment> {
        self.read.iter().find(|(own, _)| *own == family).map(|(_, fragment)| fragment)
    }
}

/// All of these hold for one place.
#[derive(Debug, Default)]
pub(crate) struct All {
    pub(crate) ops: Vec<Op>,
    pub(crate) conditions: Vec<Condition>,
    /// Each: the place becomes that of one of these variables.
    pub(crate) focus: Vec<Vec<Arc<str>>>,
}

/// What is asked of a variable.
#[derive(Debug)]
pub(crate) enum Condition {
    Regex { variable: Arc<str>, pattern: TextPattern, constants: bool },
    Pattern { variable: Arc<str>, family: Option<Family>, op: Box<Op> },
    Comparison { variable: Option<Arc<str>>, comparison: Comparison },
    Type { variable: Arc<str>, types: Vec<String> },
    Entropy { variable: Arc<str> },
    Redos { variable: Arc<str> },
}

impl Op {
    pub(crate) const fn is_negative(&self) -> bool {
        matches!(self, Self::Not(_) | Self::NotInside(_) | Self::NotRegex(_))
    }

    /// Whether it can be found where only some words stand.
    pub(crate) fn may_fit(&self, family: Family, stands: &impl Fn(&str) -> bool) -> bool {
        match self {
            Self::Pattern(leaf) => {
                leaf.fragment(family).is_none_or(|fragment| fragment.words.iter().all(|word| stands(word)))
            }
            Self::All(all) => {
                all.ops.iter().filter(|op| !op.is_negative()).all(|op| op.may_fit(family, stands))
            }
            Self::Any(ops) => ops.iter().any(|op| op.may_fit(family, stands)),
            Self::Inside(op) => op.may_fit(family, stands),
            Self::Regex(_) | Self::Not(_) | Self::NotInside(_) | Self::NotRegex(_) => true,
        }
    }
}
