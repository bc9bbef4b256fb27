//! What pages ask of the routes beside them: which requests only some people are shown, and which forms are checked in the browser.
//!
//! ```tsx
//! {user.role === 'admin' && <button onClick={() => fetch('/api/users/1', { method: 'DELETE' })}>…</button>}
//! ```
//!
//! Such a page hides a button; the route behind it has to ask for the role by itself. What is seen becomes a fact of the route:
//! `client-role`, `client-checked`.

use std::rc::Rc;

use gabion_syntax::tree::{
    Expr, ExprKind, Function, FunctionId, LogicalOp, Module, Pattern, Stmt, StmtKind, Symbol,
};
use hashbrown::{HashMap, HashSet};

pub(crate) use self::request::Request;
use self::request::requested;
use self::role::{asks_for_role, is_gate};
use crate::walk::{self, Visitor};
use crate::world::World;

mod request;
mod role;

/// Requests of all pages together.
const MOST: usize = 2_000;
/// Functions that what is shown leads to.
const FUNCTIONS: usize = 64;
/// Names by which a form is checked in the browser.
const CHECKS: &[&str] = &[
    "ajvResolver",
    "checkValidity",
    "effectTsResolver",
    "joiResolver",
    "reportValidity",
    "safeParse",
    "superstructResolver",
    "typeboxResolver",
    "valibotResolver",
    "validationSchema",
    "vestResolver",
    "yupResolver",
    "zodResolver",
];

/// What pages ask for.
#[derive(Debug, Default)]
pub(crate) struct Pages {
    /// Shown to those who have a role.
    pub(crate) of_role: Vec<Request>,
    /// Sent by a page that checks what is typed.
    pub(crate) checked: Vec<Request>,
}

impl World<'_> {
    /// What the pages of the program ask for.
    pub(crate) fn asked_by_pages(&mut self) -> Pages {
        let mut pages = Pages::default();
        for module in 0..self.units.len() {
            let Some(loaded) = self.load(module) else { continue };
            if !loaded.language().is_script() || pages.of_role.len() > MOST || pages.checked.len() > MOST {
                continue;
            }
            let tree = loaded.module();
            let mut reader = Reader::new(tree);
            for function in &tree.functions {
                reader.function(function);
            }
            if !reader.is_page {
                continue;
            }
            pages.of_role.append(&mut reader.of_role);
            if tree.texts.iter().any(|text| CHECKS.contains(&text.as_ref())) {
                let mut all = Reach::new(tree, &reader.named);
                for function in &tree.functions {
                    walk::function(function, &mut all);
                }
                pages.checked.extend(all.found.into_iter().filter(Request::sends));
            }
        }
        pages
    }
}

/// Reads one file.
struct Reader<'a> {
    module: &'a Module,
    /// The functions that names of the file stand for.
    named: Rc<HashMap<Symbol, Vec<FunctionId>>>,
    of_role: Vec<Request>,
    /// It shows something.
    is_page: bool,
}

impl<'a> Reader<'a> {
    fn new(module: &'a Module) -> Self {
        let mut names = Names { named: HashMap::new() };
        for (at, function) in (0_u32..).zip(&module.functions) {
            if let Some(name) = function.name {
                names.named.entry(name).or_default().push(FunctionId(at));
            }
            walk::function(function, &mut names);
        }
        Self { module, named: Rc::new(names.named), of_role: Vec::new(), is_page: false }
    }

    fn function(&mut self, one: &Function) {
        walk::function(one, self);
        // `if (!user.isAdmin) return null;`: what follows is for those who are.
        let mut rest = one.body.as_slice();
        while let Some((first, behind)) = rest.split_first() {
            if let StmtKind::If { condition, then, otherwise } = &first.kind
                && otherwise.is_empty()
                && matches!(then.last(), Some(Stmt { kind: StmtKind::Return(_), .. }))
                && asks_for_role(self.module, condition) == Some(false)
                && is_shown(behind)
            {
                let mut reach = Reach::new(self.module, &self.named);
                behind.iter().for_each(|one| walk::statement(one, &mut reach));
                self.of_role.append(&mut reach.found);
            }
            rest = behind;
        }
    }

    /// What is shown only there.
    fn shown(&mut self, part: &Expr) {
        let mut reach = Reach::new(self.module, &self.named);
        walk::expression(part, &mut reach);
        if reach.shows {
            self.of_role.append(&mut reach.found);
        }
    }
}

impl Visitor for Reader<'_> {
    fn expression(&mut self, one: &Expr) {
        match &one.kind {
            ExprKind::Jsx(jsx) => {
                self.is_page = true;
                if is_gate(self.module, jsx) {
                    jsx.children.iter().for_each(|child| self.shown(child));
                }
            }
            ExprKind::Logical { op: LogicalOp::And, left, right }
                if asks_for_role(self.module, left) == Some(true) =>
            {
                self.shown(right);
            }
            ExprKind::Conditional { condition, then, otherwise } => {
                match (asks_for_role(self.module, condition), otherwise) {
                    (Some(true), _) => self.shown(then),
                    (Some(false), Some(otherwise)) => self.shown(otherwise),
                    _ => {}
                }
            }
            _ => {}
        }
    }
}

/// Whether there is something of a page in it.
fn is_shown(body: &[Stmt]) -> bool {
    struct Shows(bool);
    impl Visitor for Shows {
        fn expression(&mut self, one: &Expr) {
            self.0 |= matches!(one.kind, ExprKind::Jsx(_));
        }
    }
    let mut shows = Shows(false);
    body.iter().for_each(|one| walk::statement(one, &mut shows));
    shows.0
}

/// Names that functions are given: `const remove = async () => …`, `const remove = useCallback(() => …)`.
struct Names {
    named: HashMap<Symbol, Vec<FunctionId>>,
}

impl Visitor for Names {
    fn statement(&mut self, one: &Stmt) {
        let StmtKind::Let { pattern: Pattern::Name(name, _), value: Some(value), .. } = &one.kind else {
            return;
        };
        let mut functions = Vec::new();
        match &value.kind {
            ExprKind::Function(id) => functions.push(*id),
            ExprKind::Call(call) => {
                let given = call.arguments.iter().map(|one| &one.value.kind);
                functions.extend(given.filter_map(|kind| match kind {
                    ExprKind::Function(id) => Some(*id),
                    _ => None,
                }));
            }
            _ => {}
        }
        if !functions.is_empty() {
            self.named.entry(*name).or_default().extend(functions);
        }
    }
}

/// Every request that a part of a page may send, through functions of the same file.
struct Reach<'a> {
    module: &'a Module,
    named: Rc<HashMap<Symbol, Vec<FunctionId>>>,
    found: Vec<Request>,
    done: HashSet<FunctionId>,
    shows: bool,
}

impl<'a> Reach<'a> {
    fn new(module: &'a Module, named: &Rc<HashMap<Symbol, Vec<FunctionId>>>) -> Self {
        let named = Rc::clone(named);
        Self { module, named, found: Vec::new(), done: HashSet::new(), shows: false }
    }

    fn follow(&mut self, id: FunctionId) {
        if self.done.len() < FUNCTIONS
            && self.done.insert(id)
            && let Some(function) = self.module.function(id)
        {
            walk::function(function, self);
        }
    }
}

impl Visitor for Reach<'_> {
    fn expression(&mut self, one: &Expr) {
        match &one.kind {
            ExprKind::Jsx(_) => self.shows = true,
            ExprKind::Call(call) if self.found.len() < MOST => {
                self.found.extend(requested(self.module, call));
            }
            ExprKind::Function(id) => self.follow(*id),
            ExprKind::Name(name) => {
                let functions = self.named.get(name).cloned().unwrap_or_default();
                functions.into_iter().for_each(|id| self.follow(id));
            }
            _ => {}
        }
    }
}
