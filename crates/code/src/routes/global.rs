//! What stands before all controllers of a program: NestJS's global guards and prefix, filters and the path of a JAX-RS
//! application.

use gabion_syntax::Language;
use gabion_syntax::tree::{Entry, Expr, ExprKind, FunctionId, Key};

use super::assemble::Guard;
use super::declared::{last_word, texts};
use crate::value::{FunctionRef, Shape};
use crate::walk::{self, Visitor};
use crate::world::{Loaded, World};

/// Guards of one program.
const MOST: usize = 16;

/// What is found in one file.
struct Found<'l> {
    loaded: &'l Loaded,
    prefix: Option<String>,
    /// Names of classes that guard, and where that is said.
    classes: Vec<(Expr, String)>,
}

impl World<'_> {
    /// The prefix of all controllers of NestJS, and the guards before all of them.
    pub(crate) fn global_guards(&mut self) -> (String, Vec<Guard>) {
        let mut prefix = String::new();
        let mut guards = Vec::new();
        for module in 0..self.units.len() {
            let scripts = [Language::TypeScript, Language::JavaScript, Language::Tsx];
            let Some(loaded) = self.load_of(module, &scripts) else { continue };
            let says = |text: &str| matches!(text, "setGlobalPrefix" | "APP_GUARD" | "useGlobalGuards");
            if guards.len() >= MOST || !loaded.module().texts.iter().any(|text| says(text)) {
                continue;
            }
            let mut found = Found { loaded: &loaded, prefix: None, classes: Vec::new() };
            loaded.module().functions.iter().for_each(|one| walk::function(one, &mut found));
            walk::classes(loaded.module(), &mut found);
            let Found { prefix: own, classes, .. } = found;
            prefix = own.unwrap_or(prefix);
            for (from, name) in classes {
                guards.push(self.global_guard(module, &loaded, &from, name));
            }
        }
        (prefix, guards)
    }

    fn global_guard(&mut self, module: usize, loaded: &Loaded, from: &Expr, name: String) -> Guard {
        let scope = self.routes.modules.get(&module).cloned().unwrap_or_default();
        let value = match &from.kind {
            ExprKind::Name(symbol) => scope.get(loaded.name(*symbol)),
            _ => None,
        };
        let class = match value.map(|value| value.shape) {
            Some(Shape::Class(class)) => Some((class.module, class.id)),
            _ => None,
        };
        Guard { name, module, span: from.span, functions: Vec::new(), class, below: String::new() }
    }

    /// The path of a JAX-RS application, and the filters that every request passes.
    pub(crate) fn application_of_resources(&mut self) -> (String, Vec<Guard>) {
        let mut prefix = String::new();
        let mut guards = Vec::new();
        for module in 0..self.units.len() {
            let Some(loaded) = self.load_of(module, &[Language::Java]) else { continue };
            for (class, at) in loaded.module().classes.iter().zip(0_u32..) {
                let words: Vec<&str> =
                    class.decorators.iter().filter_map(|one| last_word(&loaded, one)).collect();
                if let Some(one) =
                    class.decorators.iter().find(|one| last_word(&loaded, one) == Some("ApplicationPath"))
                    && let ExprKind::Call(call) = &one.kind
                {
                    let path = call.arguments.iter().flat_map(|one| texts(&loaded, &one.value)).next();
                    prefix = path.unwrap_or(prefix);
                }
                let filters =
                    class.bases.iter().any(|base| last_word(&loaded, base) == Some("ContainerRequestFilter"));
                // One that is bound to a name runs only where the name stands.
                let everywhere = words.iter().all(|word| {
                    matches!(
                        *word,
                        "Provider" | "Priority" | "PreMatching" | "ApplicationScoped" | "Singleton"
                    )
                });
                if filters && everywhere && words.contains(&"Provider") && guards.len() < MOST {
                    let name = class.name.map(|name| loaded.text(name).to_owned()).unwrap_or_default();
                    let class = Some((module, gabion_syntax::tree::ClassId(at)));
                    let scope = self.routes.modules.get(&module).cloned().unwrap_or_default();
                    for id in &loaded
                        .module()
                        .classes
                        .get(at as usize)
                        .map(|one| one.methods.clone())
                        .unwrap_or_default()
                    {
                        self.routes.saw(FunctionRef { module, id: FunctionId(id.0) }, &scope);
                    }
                    let span =
                        loaded.module().classes.get(at as usize).map(|one| one.head).unwrap_or_default();
                    guards.push(Guard {
                        name,
                        module,
                        span,
                        functions: Vec::new(),
                        class,
                        below: String::new(),
                    });
                }
            }
        }
        (prefix, guards)
    }
}

impl Found<'_> {
    fn class(&mut self, from: &Expr) {
        let from = match &from.kind {
            ExprKind::Call(call) => &call.callee,
            _ => from,
        };
        if let (Some(name), true) = (last_word(self.loaded, from), self.classes.len() < MOST) {
            self.classes.push((from.clone(), name.to_owned()));
        }
    }
}

impl Visitor for Found<'_> {
    fn expression(&mut self, from: &Expr) {
        match &from.kind {
            ExprKind::Call(call) => match last_word(self.loaded, &call.callee) {
                Some("setGlobalPrefix") => {
                    let text = call.arguments.first().map(|first| texts(self.loaded, &first.value));
                    self.prefix = text.and_then(|texts| texts.into_iter().next());
                }
                Some("useGlobalGuards") => {
                    call.arguments.iter().for_each(|argument| self.class(&argument.value));
                }
                _ => {}
            },
            // `{ provide: APP_GUARD, useClass: JwtAuthGuard }`.
            ExprKind::Object { entries, .. } => {
                let held = |wanted: &[&str]| {
                    entries.iter().find_map(|entry| match entry {
                        Entry::Pair(Key::Name(name), value) if wanted.contains(&self.loaded.text(*name)) => {
                            Some(value)
                        }
                        _ => None,
                    })
                };
                let guards = held(&["provide"])
                    .is_some_and(|value| last_word(self.loaded, value) == Some("APP_GUARD"));
                let class = held(&["useClass", "useExisting", "useValue"]).filter(|_| guards).cloned();
                class.iter().for_each(|class| self.class(class));
            }
            _ => {}
        }
    }
}
