//! What a class says of every method of it that answers: its permissions, bases, decorators, and the methods all of them use.

use std::rc::Rc;

use gabion_syntax::tree::{Expr, ExprKind, FunctionId};

use super::assemble::Guard;
use super::judge::Kept;
use super::walk::Shown;
use crate::value::{ClassValue, FunctionRef};
use crate::world::World;

/// Methods that run whatever answers.
const ALWAYS: &[&str] = &[
    "dispatch",
    "get_object",
    "get_permissions",
    "get_queryset",
    "get_serializer_class",
    "has_permission",
    "initial",
    "initialize_request",
    "perform_create",
    "perform_destroy",
    "perform_update",
    "prepare",
    "setup",
    "test_func",
];

impl World<'_> {
    /// Evidence of a class, and what it puts before its methods.
    pub(crate) fn class_shown(&mut self, class: &Rc<ClassValue>, kept: &mut Kept) -> (Shown, Vec<Guard>) {
        let mut shown = Shown::default();
        let mut guards = Vec::new();
        for one in self.lineage(class) {
            let Some(loaded) = self.load(one.module) else { continue };
            let Some(tree) = loaded.module().class(one.id) else { continue };
            let values = tree.fields.iter().filter_map(|field| field.value.as_ref());
            let all: Vec<&Expr> = values.chain(&tree.bases).chain(&tree.decorators).collect();
            shown.extend(&self.shown_of(one.module, &all));
            let permissions = tree.fields.iter().filter(|field| {
                let name = loaded.text(field.name).to_lowercase();
                name.contains("permission") || name.contains("decorators") || name.contains("throttle")
            });
            let listed: Vec<&Expr> = permissions
                .filter_map(|field| field.value.as_ref())
                .flat_map(|value| match &value.kind {
                    ExprKind::List { items, .. } => items.iter().collect(),
                    _ => vec![value],
                })
                .collect();
            let mixins = tree.bases.iter().filter(|base| {
                super::declared::last_word(&loaded, base).is_some_and(|name| {
                    name.ends_with("Mixin") || name.contains("Auth") || name.contains("Permission")
                })
            });
            for from in listed.into_iter().chain(mixins).chain(&tree.decorators) {
                let scope = self.routes.modules.get(&one.module).cloned().unwrap_or_default();
                let name = self.written(&loaded, &scope, &|_| None, from).unwrap_or_default();
                if name.is_empty() {
                    continue;
                }
                let part = self.routes.decorators.get(&(one.module, from.span));
                let functions =
                    part.map(|part| part.functions.iter().map(|closure| closure.function).collect());
                guards.push(Guard {
                    name,
                    module: one.module,
                    span: from.span,
                    functions: functions.unwrap_or_default(),
                    class: None,
                    below: String::new(),
                });
            }
            for id in &tree.methods {
                let name = loaded.module().function(*id).and_then(|function| function.name);
                if name.is_some_and(|name| ALWAYS.contains(&loaded.text(name))) {
                    shown.extend(&self.method_shown(one.module, *id, kept));
                }
            }
        }
        (shown, guards)
    }

    fn method_shown(&mut self, module: usize, id: FunctionId, kept: &mut Kept) -> Shown {
        let function = FunctionRef { module, id };
        let scope = self.routes.modules.get(&module).cloned().unwrap_or_default();
        self.routes.saw(function, &scope);
        self.all_shown(function, &[], kept)
    }
}
