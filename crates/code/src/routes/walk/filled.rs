//! Names of a type that a request fills, and parameters that are only asked for.

use gabion_syntax::Language;
use gabion_syntax::tree::{Call, Expr, ExprKind, Param, Pattern, Type};

use super::{Local, Walk};
use crate::routes::table::FactSet;

/// Types in types.
const DEEPEST: usize = 3;
/// What stands behind the path of a body whose type holds rights.
const RIGHTS: &str = "+rights";

impl Walk<'_, '_> {
    /// `@model`, where its type holds rights.
    pub(super) fn with_rights(&self, param: &Param, path: String) -> String {
        let of_type = param.of_type.as_ref().filter(|_| path == "@model");
        let holds = of_type.is_some_and(|of_type| self.holds_rights(of_type, DEEPEST));
        if holds { format!("{path}{RIGHTS}") } else { path }
    }

    fn holds_rights(&self, of_type: &Type, depth: usize) -> bool {
        let Some(inside) = depth.checked_sub(1) else { return false };
        self.world.has_rights(self.loaded.language(), self.loaded.text(of_type.path))
            || of_type.arguments.iter().any(|one| self.holds_rights(one, inside))
    }

    /// Whoever asks is only known to what a handler makes of it: a parameter that nobody uses is no check of whose an object is.
    pub(super) fn only_asked_for(&mut self, pattern: &Pattern, before: FactSet) {
        let principal = self.world.models.routes.named("principal");
        if self.shown.facts & principal == 0 || before & principal != 0 {
            return;
        }
        self.shown.facts &= !principal;
        let mut names = Vec::new();
        named(pattern, &mut names, DEEPEST);
        for symbol in names {
            let local = self.locals.entry(self.loaded.name(symbol)).or_default();
            local.facts |= principal;
        }
    }

    /// A name gets a type: `var user User`, `user := User{}`, `user := new(User)`.
    pub(super) fn typed(&mut self, pattern: &Pattern, of_type: Option<&Type>, value: Option<&Expr>) {
        let Pattern::Name(symbol, _) = pattern else { return };
        let name = self.loaded.name(*symbol);
        self.types.remove(&name);
        if self.loaded.language() != Language::Go {
            return;
        }
        let own = of_type.and_then(|of_type| self.item_type(of_type, DEEPEST));
        if let Some(text) = own.or_else(|| self.made_type(value?, DEEPEST)) {
            self.types.insert(name, text);
        }
    }

    /// `User` of `[]User`.
    fn item_type(&self, of_type: &Type, depth: usize) -> Option<String> {
        let inside = depth.checked_sub(1)?;
        let text = self.loaded.text(of_type.path);
        match of_type.arguments.first() {
            Some(only) if text == "[]" => self.item_type(only, inside),
            _ => Some(text.to_owned()),
        }
    }

    fn made_type(&self, value: &Expr, depth: usize) -> Option<String> {
        let inside = depth.checked_sub(1)?;
        match &value.kind {
            ExprKind::Object { of_type: Some(of_type), .. } => self.item_type(of_type, inside),
            ExprKind::Reference(value) => self.made_type(value, inside),
            ExprKind::Call(call) => match (&call.callee.kind, call.arguments.as_slice()) {
                (ExprKind::Name(new), [only]) if self.loaded.text(*new) == "new" => match &only.value.kind {
                    ExprKind::Name(name) | ExprKind::Member { name, .. } => {
                        Some(self.loaded.text(*name).to_owned())
                    }
                    _ => None,
                },
                _ => None,
            },
            _ => None,
        }
    }

    /// What is mentioned with such a name mentions its type.
    pub(super) fn mention_type(&mut self, pattern: &Pattern) {
        let Pattern::Name(symbol, _) = pattern else { return };
        let name = self.loaded.name(*symbol);
        let Some(text) = self.types.get(&name) else { return };
        let mention = format!(":{text}");
        let local = self.locals.entry(name).or_default();
        if !local.mentions.contains(&mention) {
            local.mentions.push(mention);
        }
    }

    /// A request is read into what is given: `c.ShouldBindJSON(&user)`, `json.NewDecoder(r.Body).Decode(&user)`.
    pub(super) fn fills(&mut self, path: &str, call: &Call) {
        if self.loaded.language() != Language::Go {
            return;
        }
        let decodes = path.ends_with(".Decode()") && self.reads_body(&call.callee, DEEPEST);
        if !path.starts_with("@model") && !decodes {
            return;
        }
        for argument in &call.arguments {
            let given = match &argument.value.kind {
                ExprKind::Reference(inner) => inner,
                _ => &argument.value,
            };
            let ExprKind::Name(symbol) = &given.kind else { continue };
            let name = self.loaded.name(*symbol);
            let Some(of_type) = self.types.get(&name) else { continue };
            let rights = self.world.has_rights(Language::Go, of_type);
            let path = if rights { format!("@model{RIGHTS}") } else { "@model".to_owned() };
            let mention = format!(":{of_type}");
            let mentions = vec![path.clone(), mention];
            self.locals.insert(name, Local { path: Some(path), mentions, ..Local::default() });
        }
    }

    /// `json.NewDecoder(r.Body)`.
    fn reads_body(&self, callee: &Expr, depth: usize) -> bool {
        let Some(inside) = depth.checked_sub(1) else { return false };
        match &callee.kind {
            ExprKind::Member { object, name } => {
                self.loaded.text(*name) == "Body" || self.reads_body(object, inside)
            }
            ExprKind::Call(call) => {
                call.arguments.iter().any(|argument| self.reads_body(&argument.value, inside))
            }
            _ => false,
        }
    }
}

fn named(pattern: &Pattern, into: &mut Vec<gabion_syntax::tree::Symbol>, depth: usize) {
    let Some(inside) = depth.checked_sub(1) else { return };
    match pattern {
        Pattern::Name(symbol, _) => into.push(*symbol),
        Pattern::Variant { items, .. } | Pattern::List(items) => {
            items.iter().for_each(|item| named(item, into, inside));
        }
        Pattern::Default(inner, _) => named(inner, into, inside),
        _ => {}
    }
}
