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

    /// A word of which at least one of each group stands in every text where this can be found; empty: nobody knows.
    pub(crate) fn words(&self, family: Family) -> Vec<Vec<String>> {
        match self {
            Self::Pattern(leaf) => {
                let words = leaf.fragment(family).map(|fragment| fragment.words.clone()).unwrap_or_default();
                words.into_iter().map(|word| vec![word]).collect()
            }
            Self::All(all) => {
                all.ops.iter().filter(|op| !op.is_negative()).flat_map(|op| op.words(family)).collect()
            }
            Self::Any(ops) => {
                let mut any = Vec::new();
                for op in ops {
                    match op.words(family).into_iter().min_by_key(Vec::len) {
                        Some(group) if any.len() < WIDEST => any.extend(group),
                        _ => return Vec::new(),
                    }
                }
                if any.is_empty() { Vec::new() } else { vec![any] }
            }
            Self::Inside(op) => op.words(family),
            Self::Regex(_) | Self::Not(_) | Self::NotInside(_) | Self::NotRegex(_) => Vec::new(),
        }
    }
}

/// Words of which one must be there.
const WIDEST: usize = 200;
