//! Names, each a number.

use std::rc::Rc;

use hashbrown::HashMap;

/// A text of [`Names`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Name(u32);

impl Name {
    /// Stands for a name that is missing.
    pub(crate) const NONE: Self = Self(u32::MAX);
}

/// Every name of a run, each once.
#[derive(Debug, Default)]
pub(crate) struct Names {
    texts: Vec<Rc<str>>,
    numbers: HashMap<Rc<str>, Name>,
}

impl Names {
    pub(crate) fn of(&mut self, text: &str) -> Name {
        if let Some(name) = self.numbers.get(text) {
            return *name;
        }
        let text: Rc<str> = text.into();
        let name = Name(u32::try_from(self.texts.len()).unwrap_or(u32::MAX));
        self.texts.push(Rc::clone(&text));
        self.numbers.insert(text, name);
        name
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &str> {
        self.texts.iter().map(AsRef::as_ref)
    }

    pub(crate) fn text(&self, name: Name) -> Rc<str> {
        self.texts.get(name.0 as usize).cloned().unwrap_or_default()
    }
}
