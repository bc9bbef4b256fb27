//! What every front end builds a [`Module`] with.

use gabion_finding::Span;
use hashbrown::HashMap;

use crate::tree::{
    Class, ClassId, DEPTH, Expr, ExprKind, Function, FunctionId, Module, Stmt, StmtKind, Symbol, Traits,
};
use crate::{Language, Problem};

/// A module that grows. Functions and classes are given their place before their body is lowered, so that nested ones come behind
/// the one around them.
#[derive(Debug)]
pub(crate) struct Builder {
    module: Module,
    symbols: HashMap<Box<str>, Symbol>,
    classes: HashMap<Symbol, ClassId>,
    depth: usize,
    pub(crate) problems: Vec<Problem>,
}

impl Builder {
    pub(crate) fn new(language: Language, length: usize) -> Self {
        let end = u32::try_from(length).unwrap_or(u32::MAX);
        let module = Module {
            language,
            texts: Vec::new(),
            functions: vec![blank(Span::new(0, end))],
            classes: Vec::new(),
            package: None,
            directives: Vec::new(),
        };
        Self { module, symbols: HashMap::new(), classes: HashMap::new(), depth: 0, problems: Vec::new() }
    }

    pub(crate) fn symbol(&mut self, text: &str) -> Symbol {
        if let Some(symbol) = self.symbols.get(text) {
            return *symbol;
        }
        let symbol = Symbol(u32::try_from(self.module.texts.len()).unwrap_or(u32::MAX));
        self.module.texts.push(text.into());
        self.symbols.insert(text.into(), symbol);
        symbol
    }

    pub(crate) fn text(&self, symbol: Symbol) -> &str {
        self.module.text(symbol)
    }

    /// A place for a function, to be filled by [`Builder::set_function`].
    pub(crate) fn next_function(&mut self, span: Span) -> FunctionId {
        self.module.functions.push(blank(span));
        FunctionId(u32::try_from(self.module.functions.len().saturating_sub(1)).unwrap_or(u32::MAX))
    }

    pub(crate) fn set_function(&mut self, id: FunctionId, function: Function) {
        if let Some(place) = self.module.functions.get_mut(id.0 as usize) {
            *place = function;
        }
    }

    /// The function of that number, to add what is known of it later.
    pub(crate) fn function_mut(&mut self, id: FunctionId) -> Option<&mut Function> {
        self.module.functions.get_mut(id.0 as usize)
    }

    pub(crate) fn next_class(&mut self, span: Span) -> ClassId {
        let (name, head) = (None, span);
        let (bases, decorators, fields, methods, body) = (vec![], vec![], vec![], vec![], vec![]);
        self.module.classes.push(Class { name, span, head, bases, decorators, fields, methods, body });
        ClassId(u32::try_from(self.module.classes.len().saturating_sub(1)).unwrap_or(u32::MAX))
    }

    /// The class of that name, made where there is none yet: methods may stand before their type, or without it.
    pub(crate) fn class_named(&mut self, name: Symbol, span: Span) -> ClassId {
        if let Some(id) = self.classes.get(&name) {
            return *id;
        }
        let id = self.next_class(span);
        self.classes.insert(name, id);
        if let Some(class) = self.class_mut(id) {
            class.name = Some(name);
        }
        id
    }

    pub(crate) fn set_class(&mut self, id: ClassId, class: Class) {
        if let Some(place) = self.module.classes.get_mut(id.0 as usize) {
            *place = class;
        }
    }

    pub(crate) fn class_mut(&mut self, id: ClassId) -> Option<&mut Class> {
        self.module.classes.get_mut(id.0 as usize)
    }

    pub(crate) fn module_mut(&mut self) -> &mut Module {
        &mut self.module
    }

    /// One step down, to be taken back by [`Builder::leave`]; false where it would be too deep, which is said once.
    pub(crate) fn enter(&mut self, span: Span) -> bool {
        if self.depth >= DEPTH {
            if !self.problems.iter().any(|problem| matches!(problem, Problem::Deep(_))) {
                self.problems.push(Problem::Deep(span));
            }
            return false;
        }
        self.depth = self.depth.saturating_add(1);
        true
    }

    /// Keeps levels for what is made without counting: names of packages, leaves of patterns.
    pub(crate) const fn reserve(&mut self, levels: usize) {
        self.depth = self.depth.saturating_add(levels);
    }

    pub(crate) const fn leave(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    pub(crate) fn function(&self, id: FunctionId) -> Option<&Function> {
        self.module.function(id)
    }

    pub(crate) fn class(&self, id: ClassId) -> Option<&Class> {
        self.module.class(id)
    }

    pub(crate) fn name(&mut self, text: &str, span: Span) -> Expr {
        let symbol = self.symbol(text);
        expr(span, ExprKind::Name(symbol))
    }

    pub(crate) fn string(&mut self, text: &str, span: Span) -> Expr {
        let symbol = self.symbol(text);
        expr(span, ExprKind::String(symbol))
    }

    /// The module with this as what runs when it is loaded.
    pub(crate) fn finish(mut self, body: Vec<Stmt>) -> (Module, Vec<Problem>) {
        if let Some(first) = self.module.functions.first_mut() {
            first.body = body;
        }
        (self.module, self.problems)
    }
}

pub(crate) const fn expr(span: Span, kind: ExprKind) -> Expr {
    Expr { span, kind }
}

pub(crate) const fn stmt(span: Span, kind: StmtKind) -> Stmt {
    Stmt { span, kind }
}

pub(crate) const fn unknown(span: Span, parts: Vec<Expr>) -> Expr {
    Expr { span, kind: ExprKind::Unknown(parts) }
}

/// A function of which nothing is known yet.
pub(crate) fn blank(span: Span) -> Function {
    Function {
        name: None,
        span,
        head: span,
        params: Vec::new(),
        body: Vec::new(),
        decorators: Vec::new(),
        returns: None,
        class: None,
        receiver: None,
        traits: Traits::default(),
        directives: Vec::new(),
    }
}
