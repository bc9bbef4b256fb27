//! Where a value comes from, as a path through interfaces: `express().get` is the member `get` of what calling `express` gave.
//!
//! | step | written |
//! |---|---|
//! | a module, or a name nobody declared | `child_process`, `java.sql.Statement` |
//! | a value of which only its name here is known | `~db` |
//! | a member | `.query` |
//! | what calling it gives; a value of that type | `()` |
//! | an item | `[]` |
//! | a macro, not what else has that name | `query!` |
//!
//! Paths are kept once each, so that a path is a number and what is known of it is looked up once.

use std::cell::RefCell;
use std::rc::Rc;

use hashbrown::HashMap;

use crate::name::{Name, Names};

/// A path of [`Origins`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Origin(u32);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    Root(Name),
    Hint(Name),
    Member(Name),
    Call,
    Item,
    /// A macro of that name.
    Macro,
}

#[derive(Debug, Clone, Copy)]
struct Node {
    before: Option<Origin>,
    step: Step,
    length: u8,
}

#[derive(Debug, Default)]
pub(crate) struct Origins {
    nodes: Vec<Node>,
    numbers: HashMap<(Option<Origin>, Step), Origin>,
    /// Of those that were asked for.
    texts: RefCell<HashMap<Origin, Rc<str>>>,
}

/// Paths are not longer.
const LONGEST: u8 = 12;

impl Origins {
    pub(crate) fn root(&mut self, name: Name) -> Origin {
        self.place(None, Step::Root(name), 1)
    }

    pub(crate) fn hint(&mut self, name: Name) -> Origin {
        self.place(None, Step::Hint(name), 1)
    }

    /// None where it would be too long.
    pub(crate) fn step(&mut self, origin: Origin, step: Step) -> Option<Origin> {
        let length = self.nodes.get(origin.0 as usize)?.length;
        (length < LONGEST).then(|| self.place(Some(origin), step, length.saturating_add(1)))
    }

    fn place(&mut self, before: Option<Origin>, step: Step, length: u8) -> Origin {
        if let Some(origin) = self.numbers.get(&(before, step)) {
            return *origin;
        }
        let origin = Origin(u32::try_from(self.nodes.len()).unwrap_or(u32::MAX));
        self.nodes.push(Node { before, step, length });
        self.numbers.insert((before, step), origin);
        origin
    }

    /// The path as it is written.
    pub(crate) fn text(&self, origin: Origin, names: &Names) -> Rc<str> {
        let mut texts = self.texts.borrow_mut();
        Rc::clone(texts.entry(origin).or_insert_with(|| self.written(origin, names).into()))
    }

    fn written(&self, origin: Origin, names: &Names) -> String {
        let mut steps = Vec::new();
        let mut next = Some(origin);
        while let Some(node) = next.and_then(|origin| self.nodes.get(origin.0 as usize)) {
            steps.push(node.step);
            next = node.before;
        }
        let mut text = String::new();
        for step in steps.into_iter().rev() {
            match step {
                Step::Root(name) => text.push_str(&names.text(name)),
                Step::Hint(name) => {
                    text.push('~');
                    text.push_str(&names.text(name));
                }
                Step::Member(name) => {
                    text.push('.');
                    text.push_str(&names.text(name));
                }
                Step::Call => text.push_str("()"),
                Step::Item => text.push_str("[]"),
                Step::Macro => text.push('!'),
            }
        }
        text
    }
}
