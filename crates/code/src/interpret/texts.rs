//! Texts that say too much together: each alone is harmless, and only a file that has all of them tells them apart.

use gabion_finding::Span;
use gabion_syntax::Language;
use gabion_syntax::tree::{Entry, Expr, ExprKind, Key, Part, Symbol};
use hashbrown::HashSet;

use super::Frame;
use crate::walk::{self, Visitor};
use crate::world::{Hit, World};

/// Bytes of a text that is looked at; longer ones are no sentences.
pub(super) const LONGEST: usize = 200;

/// Functions that call each other, of which the names are looked at.
const AROUND: usize = 4;

/// Where texts of these symbols stand.
struct Places<'a> {
    wanted: &'a HashSet<Symbol>,
    found: Vec<Span>,
}

impl Visitor for Places<'_> {
    fn expression(&mut self, one: &Expr) {
        if let ExprKind::Object { entries, .. } = &one.kind {
            for entry in entries {
                if let Entry::Pair(Key::Name(symbol), value) = entry
                    && self.wanted.contains(symbol)
                {
                    self.found.push(value.span);
                }
            }
        }
        let is_wanted = match &one.kind {
            ExprKind::String(symbol) => self.wanted.contains(symbol),
            ExprKind::Template { tag: None, parts } => {
                parts.iter().any(|part| matches!(part, Part::Text(symbol) if self.wanted.contains(symbol)))
            }
            _ => false,
        };
        if is_wanted {
            self.found.push(one.span);
        }
    }
}

/// Names and texts of one function.
#[derive(Default)]
struct Said(HashSet<Symbol>);

impl Visitor for Said {
    fn expression(&mut self, one: &Expr) {
        match &one.kind {
            ExprKind::Name(symbol) | ExprKind::String(symbol) | ExprKind::Member { name: symbol, .. } => {
                self.0.insert(*symbol);
            }
            _ => {}
        }
    }
}

impl World<'_> {
    /// Whether a function that runs, outside of which nothing is asked, has a name or a text of each of these forms.
    pub(super) fn stands_beside(&mut self, frame: &Frame, forms: &[String]) -> bool {
        let rules = self.rules;
        let around = frame.stack.iter().rev().take(AROUND).chain(std::iter::once(&frame.function));
        around.copied().filter(|one| one.id.0 != 0).any(|one| {
            let Some(loaded) = self.load(one.module) else { return false };
            let Some(function) = loaded.module().function(one.id) else { return false };
            let mut said = Said::default();
            walk::function(function, &mut said);
            let texts: Vec<&str> = said.0.iter().map(|symbol| loaded.text(*symbol)).collect();
            forms.iter().all(|form| {
                rules.forms.get(form).is_some_and(|form| texts.iter().any(|text| form.is_match(text)))
            })
        })
    }

    /// Holds the place of a module against the rules about files.
    pub(super) fn check_file(&mut self, module: usize) {
        let rules = self.rules;
        for (rule, file) in &rules.files {
            let Some(path) = self.units.get(module).map(|unit| std::sync::Arc::clone(&unit.path)) else {
                return;
            };
            let language = Language::of(&path).is_some_and(|language| file.languages.contains(&language));
            if language && rules.forms.get(&file.path).is_some_and(|form| form.is_match(&path)) {
                let (callee, within, span) = (path.to_string(), String::new(), Span::default());
                self.hit(Hit {
                    rule: *rule,
                    module,
                    span,
                    trace: None,
                    callee: callee.into(),
                    within,
                    weak: false,
                });
            }
        }
    }

    /// Holds the texts of a module against the rules about texts.
    pub(super) fn check_texts(&mut self, module: usize) {
        let rules = self.rules;
        if rules.texts.is_empty() {
            return;
        }
        let Some(loaded) = self.load(module) else { return };
        for (rule, texts) in &rules.texts {
            if !texts.languages.contains(&loaded.language()) {
                continue;
            }
            let says = |form: &String| {
                let pattern = rules.forms.get(form);
                let mut all = loaded.module().texts.iter().filter(|text| text.len() <= LONGEST);
                pattern.is_some_and(|pattern| all.any(|text| pattern.is_match(text)))
            };
            if !texts.anywhere.iter().all(says) || texts.none.iter().any(says) {
                continue;
            }
            let wanted = texts.all.iter().map(|text| {
                let pattern = rules.forms.get(text)?;
                let all = (0_u32..).zip(&loaded.module().texts);
                let fits = all.filter(|(_, text)| text.len() <= LONGEST && pattern.is_match(text));
                let found: HashSet<Symbol> = fits.map(|(at, _)| Symbol(at)).collect();
                (!found.is_empty()).then_some(found)
            });
            let mut places = Vec::new();
            for wanted in wanted {
                let mut found = Places { wanted: &wanted.unwrap_or_default(), found: Vec::new() };
                for function in &loaded.module().functions {
                    walk::function(function, &mut found);
                }
                if found.found.is_empty() {
                    places.clear();
                    break;
                }
                places.push(found.found);
            }
            for span in places.into_iter().flatten() {
                let (callee, within) = (String::new(), String::new());
                self.hit(Hit {
                    rule: *rule,
                    module,
                    span,
                    trace: None,
                    callee: callee.into(),
                    within,
                    weak: false,
                });
            }
        }
    }
}
