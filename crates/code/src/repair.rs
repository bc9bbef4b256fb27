//! Changes that repair what a rule found, where a machine can make them: a literal is written otherwise, an argument is added or
//! taken out, another function is called.
//!
//! ```toml
//! [[rule.call]]
//! path = "yaml.load()"
//! repair = { says = "`safe_load` makes data only", callee = "safe_load", drop = [{ named = "Loader", argument = 1 }] }
//! ```
//!
//! Only what is written out at the place itself is changed. A value that comes from elsewhere is left to people, and so is the
//! whole change where one part of it cannot be made. The text is not at hand here: whoever writes a change sees to it that the
//! file can still be read.

use std::collections::BTreeMap;

use gabion_finding::{Edit, Span};
use gabion_syntax::Language;
use gabion_syntax::tree::{
    Argument, Call, Entry, Expr, ExprKind, Key, Module, Pattern, Stmt, StmtKind, Type,
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::walk::{self, Visitor};

/// How a call, or a place that is set, is written right.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Repair {
    /// What the change does, for people.
    pub says: String,
    /// The last word of what is called becomes this one.
    pub callee: Option<String>,
    /// Values that are written otherwise. All of them can be, or nothing is changed.
    #[serde(default)]
    pub write: Vec<Write>,
    /// Arguments that are taken out where they are.
    #[serde(default)]
    pub drop: Vec<Slot>,
}

/// A value, and what is written instead. Without `argument` and `named` it is what a place is set to.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Write {
    pub argument: Option<usize>,
    pub named: Option<String>,
    /// A field of it: `cookie.httpOnly`.
    pub field: Option<String>,
    /// This, in place of a literal.
    pub text: Option<String>,
    /// Of `a.B` only the last word, for each that may stand there: `VersionTLS10 = "VersionTLS12"`.
    #[serde(default)]
    pub member: BTreeMap<String, String>,
    /// `text` is put there where nothing is.
    #[serde(default)]
    pub add: bool,
}

/// An argument: of that name, or at that place, counted from 0.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Slot {
    pub argument: Option<usize>,
    pub named: Option<String>,
}

impl Repair {
    /// What cannot mean anything.
    pub(crate) fn problem(&self) -> Option<&'static str> {
        if self.says.trim().is_empty() {
            return Some("a `repair` says nothing: `says` is empty");
        }
        if self.callee.is_none() && self.write.is_empty() && self.drop.is_empty() {
            return Some("a `repair` changes nothing: it has no `callee`, `write` or `drop`");
        }
        let wrong = |write: &Write| write.text.is_none() && write.member.is_empty();
        if self.write.iter().any(wrong) {
            return Some("a `write` of a `repair` has neither `text` nor `member`");
        }
        let wrong = |slot: &Slot| slot.argument.is_none() && slot.named.is_none();
        self.drop.iter().any(wrong).then_some("a `drop` of a `repair` has neither `argument` nor `named`")
    }

    /// The change for what stands at a place of a module; none where it cannot be made.
    pub(crate) fn edits(&self, module: &Module, at: Span) -> Option<Vec<Edit>> {
        let mut search = Search { repair: self, module, at, found: None };
        module.functions.iter().for_each(|function| walk::function(function, &mut search));
        walk::classes(module, &mut search);
        let mut edits = search.found??;
        edits.sort_by_key(|edit| edit.span);
        let apart = edits.iter().zip(edits.iter().skip(1)).all(|(one, next)| one.span.end <= next.span.start);
        (apart && !edits.is_empty()).then_some(edits)
    }
}

/// Looks for the place; the first one counts.
struct Search<'a> {
    repair: &'a Repair,
    module: &'a Module,
    at: Span,
    found: Option<Option<Vec<Edit>>>,
}

impl Visitor for Search<'_> {
    fn statement(&mut self, one: &Stmt) {
        if let StmtKind::Let { pattern: Pattern::Name(_, span), value: Some(value), .. } = &one.kind {
            self.set(*span, value);
        }
    }

    fn expression(&mut self, one: &Expr) {
        match &one.kind {
            ExprKind::Call(call) if one.span == self.at && self.found.is_none() => {
                self.found = Some(self.of_call(call, one.span));
            }
            ExprKind::Object { of_type: Some(of_type), entries }
                if one.span == self.at && self.found.is_none() =>
            {
                self.found = Some(self.of_literal(of_type, entries));
            }
            ExprKind::Assign { target, op: None, value } => match &**target {
                Pattern::Name(_, span) => self.set(*span, value),
                Pattern::Place(place) => self.set(place.span, value),
                _ => {}
            },
            _ => {}
        }
    }
}

impl Search<'_> {
    fn set(&mut self, target: Span, value: &Expr) {
        // Where both are one, nobody knows where the value begins.
        if target != self.at || target == value.span || self.found.is_some() {
            return;
        }
        let writes = self.repair.write.iter().map(|write| self.over(value, write));
        self.found = Some(writes.collect());
    }

    fn of_call(&self, call: &Call, span: Span) -> Option<Vec<Edit>> {
        let mut edits = Vec::new();
        if let Some(word) = &self.repair.callee {
            edits.push(self.last_word(&call.callee, word)?);
        }
        for write in &self.repair.write {
            edits.push(match self.argument(call, write.argument, write.named.as_deref()) {
                Some(at) => self.over(&call.arguments.get(at)?.value, write)?,
                None => self.added(call, span, write)?,
            });
        }
        for slot in &self.repair.drop {
            let Some(at) = self.argument(call, slot.argument, slot.named.as_deref()) else { continue };
            let before = call.arguments.get(at.checked_sub(1)?)?;
            let argument = call.arguments.get(at)?;
            let span = Span::new(before.value.span.end, argument.value.span.end);
            edits.push(Edit { span, text: String::new() });
        }
        Some(edits)
    }

    /// The literal of a type: its fields are named arguments.
    fn of_literal(&self, of_type: &Type, entries: &[Entry]) -> Option<Vec<Edit>> {
        let mut edits = Vec::new();
        for write in &self.repair.write {
            let name = write.named.as_deref()?;
            edits.push(match entries.iter().find_map(|entry| self.entry(entry, name)) {
                Some(value) => self.over(value, write)?,
                None if write.add && write.field.is_none() => {
                    let text = write.text.as_deref()?;
                    let separator = if entries.is_empty() { "" } else { ", " };
                    // The brace stands behind the type.
                    let at = of_type.span.end.checked_add(1)?;
                    Edit { span: Span::new(at, at), text: format!("{name}: {text}{separator}") }
                }
                None => return None,
            });
        }
        Some(edits)
    }

    /// Which argument is meant; none where it is not there, or where others may stand before it.
    fn argument(&self, call: &Call, place: Option<usize>, name: Option<&str>) -> Option<usize> {
        let is_named = |argument: &Argument| {
            argument.name.is_some_and(|own| name.is_some_and(|name| self.module.text(own) == name))
        };
        call.arguments.iter().position(is_named).or_else(|| {
            let place = place?;
            let counted = call.arguments.iter().take(place.saturating_add(1));
            let plain = |argument: &Argument| {
                argument.name.is_none() && !matches!(argument.value.kind, ExprKind::Spread(_))
            };
            let sure = counted.clone().all(plain) && counted.count() == place.saturating_add(1);
            sure.then_some(place)
        })
    }

    fn entry<'e>(&self, entry: &'e Entry, name: &str) -> Option<&'e Expr> {
        let Entry::Pair(key, value) = entry else { return None };
        let own = match key {
            Key::Name(own) => self.module.text(*own),
            Key::Computed(key) => match &key.kind {
                ExprKind::String(own) => self.module.text(*own),
                _ => return None,
            },
        };
        (own == name).then_some(value)
    }

    /// Writes over a value, or over a field of it.
    fn over(&self, value: &Expr, write: &Write) -> Option<Edit> {
        let fields: Vec<&str> = write.field.iter().flat_map(|field| field.split('.')).collect();
        let mut value = value;
        for (depth, field) in fields.iter().enumerate() {
            let ExprKind::Object { of_type: None, entries } = &value.kind else { return None };
            // The last of two of one name counts.
            match entries.iter().rev().find_map(|entry| self.entry(entry, field)) {
                Some(inner) => value = inner,
                None => return self.put_in(value.span, entries, fields.get(depth..)?, write),
            }
        }
        if let ExprKind::Member { name, .. } = &value.kind {
            return self.last_word(value, write.member.get(self.module.text(*name))?);
        }
        let text = write.text.as_ref().filter(|_| is_literal(value))?;
        Some(Edit { span: value.span, text: text.clone() })
    }

    /// A field that is not there, at the beginning of an object.
    fn put_in(&self, object: Span, entries: &[Entry], fields: &[&str], write: &Write) -> Option<Edit> {
        if !write.add || !self.module.language.is_script() {
            return None;
        }
        let field = nested(fields, write.text.as_deref()?);
        let end = if entries.is_empty() { " " } else { "," };
        let at = object.start.checked_add(1)?;
        Some(Edit { span: Span::new(at, at), text: format!(" {field}{end}") })
    }

    /// An argument that is not there, at the end of a call.
    fn added(&self, call: &Call, span: Span, write: &Write) -> Option<Edit> {
        let text = write.text.as_deref().filter(|_| write.add)?;
        let fields: Vec<&str> = write.field.iter().flat_map(|field| field.split('.')).collect();
        let argument = match (&write.named, self.module.language) {
            (Some(name), Language::Python) if fields.is_empty() => format!("{name}={text}"),
            (None, language) if language.is_script() && write.argument == Some(call.arguments.len()) => {
                if fields.is_empty() {
                    text.to_owned()
                } else {
                    format!("{{ {} }}", nested(&fields, text))
                }
            }
            _ => return None,
        };
        let end = span.end.checked_sub(1)?;
        let (at, separator) = match call.arguments.last() {
            // Neither a comma nor a parenthesis stands between the last one and the end.
            Some(last) if last.value.span.end == end => (end, ", "),
            Some(_) => return None,
            None => (end, ""),
        };
        Some(Edit { span: Span::new(at, at), text: format!("{separator}{argument}") })
    }

    /// The last word of `a.b`.
    fn last_word(&self, from: &Expr, word: &str) -> Option<Edit> {
        let ExprKind::Member { name, .. } = &from.kind else { return None };
        let length = u32::try_from(self.module.text(*name).len()).ok()?;
        let span = Span::new(from.span.end.checked_sub(length)?, from.span.end);
        (from.span.start < span.start).then(|| Edit { span, text: word.to_owned() })
    }
}

/// `a: { b: text }`.
fn nested(fields: &[&str], text: &str) -> String {
    match fields {
        [] => text.to_owned(),
        [field] => format!("{field}: {text}"),
        [field, rest @ ..] => format!("{field}: {{ {} }}", nested(rest, text)),
    }
}

/// What says itself what it is: a name may be said elsewhere, too.
const fn is_literal(value: &Expr) -> bool {
    matches!(value.kind, ExprKind::Bool(_) | ExprKind::Null | ExprKind::Number(_) | ExprKind::String(_))
}
