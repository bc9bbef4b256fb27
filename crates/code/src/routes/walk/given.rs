//! What a call is given: every path in it, what is given whole, fields with what they hold; and what that shows.

use gabion_finding::{Form, Span};
use gabion_syntax::tree::{Argument, Entry, Expr, ExprKind, Key, Part};

use super::{Entries, Walk};

impl Walk<'_, '_> {
    pub(super) fn argument(&mut self, argument: &Argument, entries: &mut Entries) {
        let before = entries.mentions.len();
        if argument.name.is_none() {
            self.given(&argument.value, entries, 4);
            return;
        }
        let mut inside = Entries::default();
        self.given(&argument.value, &mut inside, 4);
        let name = argument.name.map(|name| self.loaded.text(name).to_owned()).unwrap_or_default();
        entries.mentions.extend(inside.mentions);
        entries.fields.extend(inside.fields);
        let held = entries.mentions.get(before..).unwrap_or_default().to_vec();
        entries.fields.push((name, held));
    }

    /// Paths, fields and wholes of something that is given.
    pub(super) fn given(&mut self, from: &Expr, entries: &mut Entries, depth: usize) {
        if depth == 0 || entries.mentions.len() > 200 {
            return;
        }
        let inside = depth.saturating_sub(1);
        let path = self.path(from);
        if let ExprKind::Name(symbol) = &from.kind
            && let Some(local) = self.locals.get(&self.loaded.name(*symbol))
        {
            entries.mentions.extend(local.mentions.iter().cloned());
            if let Some(own) = &local.entries {
                entries.mentions.extend(own.mentions.iter().cloned());
                entries.whole.extend(own.whole.iter().cloned());
                entries.fields.extend(own.fields.iter().cloned());
            }
        }
        if let Some(path) = path {
            entries.mentions.push(path.clone());
            if depth == 4 {
                entries.whole.push(path);
            }
        }
        match &from.kind {
            ExprKind::Object { entries: pairs, .. } => {
                for pair in pairs {
                    match pair {
                        Entry::Pair(key, value) => {
                            let before = entries.mentions.len();
                            self.given(value, entries, inside);
                            let held = entries.mentions.get(before..).unwrap_or_default().to_vec();
                            let key = match key {
                                Key::Name(symbol) => self.loaded.text(*symbol).to_owned(),
                                Key::Computed(_) => continue,
                            };
                            if let (Some(path), "data" | "$set") = (self.path(value), key.as_str()) {
                                entries.whole.push(path);
                            }
                            entries.mentions.push(format!("{key}:"));
                            entries.fields.push((key, held));
                        }
                        Entry::Spread(value) => {
                            self.given(value, entries, inside);
                            entries.whole.extend(self.path(value));
                        }
                    }
                }
            }
            ExprKind::Call(call) => {
                if let ExprKind::Member { object, .. } = &call.callee.kind {
                    self.given(object, entries, inside);
                }
                call.arguments.iter().for_each(|argument| self.given(&argument.value, entries, inside));
            }
            ExprKind::Member { object, .. } => {
                if let ExprKind::Name(_) | ExprKind::Call(_) = &object.kind {
                    self.given(object, entries, inside);
                }
            }
            ExprKind::Index { object, index } => {
                self.given(object, entries, inside);
                self.given(index, entries, inside);
            }
            ExprKind::Await(value)
            | ExprKind::Cast { value, .. }
            | ExprKind::Reference(value)
            | ExprKind::Spread(value)
            | ExprKind::Unary { operand: value, .. } => self.given(value, entries, depth),
            ExprKind::Binary { left, right, .. } | ExprKind::Logical { left, right, .. } => {
                self.given(left, entries, inside);
                self.given(right, entries, inside);
            }
            ExprKind::List { items, .. } => items.iter().for_each(|item| self.given(item, entries, inside)),
            ExprKind::Template { parts, .. } => {
                for part in parts {
                    match part {
                        Part::Value(value) => self.given(value, entries, inside),
                        Part::Text(symbol) => {
                            entries.mentions.push(format!("'{}", self.loaded.text(*symbol)));
                        }
                    }
                }
            }
            ExprKind::String(symbol) => {
                let text = format!("'{}", self.loaded.text(*symbol));
                if depth == 4 {
                    entries.whole.push(text.clone());
                }
                entries.mentions.push(text);
            }
            _ => {}
        }
    }

    /// A call whose name and arguments together show something.
    pub(super) fn called(&mut self, path: &str, entries: &Entries, span: Span) {
        if self.loaded.language().is_script() && is_of_language(path) {
            return;
        }
        let world = self.world;
        for fact in world.models.routes.calls.iter().filter(|fact| fact.call.is_match(path)) {
            let any = |wanted: &Option<Form>, texts: &[String]| {
                wanted.as_ref().is_none_or(|wanted| texts.iter().any(|text| wanted.is_match(text)))
            };
            let field = fact.entry.as_ref().is_none_or(|entry| {
                let mut fields = entries.fields.iter().filter(|(name, _)| entry.is_match(name));
                fields.any(|(_, held)| any(&fact.value, held))
            });
            let refused = fact.unless.as_ref().is_some_and(|unless| {
                entries.mentions.iter().any(|text| unless.is_match(text))
                    || fact.also.is_some() && entries.chain.iter().any(|text| unless.is_match(text))
                    || entries.fields.iter().any(|(name, _)| unless.is_match(name))
            });
            let mentions = |wanted: &Option<Form>| any(wanted, &entries.mentions);
            if field
                && !refused
                && mentions(&fact.argument)
                && (mentions(&fact.also) || any(&fact.also, &entries.chain))
                && any(&fact.whole, &entries.whole)
            {
                self.found(fact.set, span);
            }
        }
    }
}

/// Whether JavaScript itself makes it: nothing that is stored.
fn is_of_language(path: &str) -> bool {
    let name = path.split('(').next().unwrap_or_default();
    matches!(
        name,
        "URLSearchParams"
            | "URL"
            | "Error"
            | "TypeError"
            | "RangeError"
            | "Map"
            | "Set"
            | "String"
            | "Number"
            | "Boolean"
            | "Date"
            | "FormData"
            | "Blob"
            | "Headers"
    )
}
