//! What holds of every module, whatever its text was: for the tests of all front ends.

use gabion_finding::Span;

use crate::tree::{
    Argument, Case, ClassId, Entry, Export, Expr, ExprKind, Field, FunctionId, Key, Module, Param, Part,
    Pattern, Stmt, StmtKind, Switch, Symbol, Type,
};
use crate::{Language, Parsed, Problem};

/// What is too deep leaves an [`ExprKind::Unknown`] in its place.
const DEEPEST: usize = crate::tree::DEPTH + 1;

/// Reads a text on the stack that [`crate::parse`] asks for, and holds the outcome against everything below.
pub(crate) fn parse(language: Language, text: &str) -> Parsed {
    let owned = text.to_owned();
    let thread = std::thread::Builder::new().stack_size(crate::STACK);
    let parsed = thread.spawn(move || crate::parse(language, &owned)).unwrap().join().unwrap();
    module(&parsed.module, text);
    for problem in &parsed.problems {
        let (Problem::Deep(at) | Problem::Syntax { at, .. }) = problem;
        Check { module: &parsed.module, text }.text(*at);
    }
    parsed
}

/// Every place is in the text, on the edges of characters and within what is around it; every number leads somewhere; no tree is
/// deeper than [`DEEPEST`].
pub(crate) fn module(module: &Module, text: &str) {
    let check = Check { module, text };
    module.package.iter().chain(&module.directives).for_each(|symbol| check.symbol(*symbol));
    for function in &module.functions {
        check.text(function.span);
        check.text(function.head);
        function.name.iter().chain(&function.receiver).for_each(|name| check.symbol(*name));
        function.directives.iter().for_each(|one| check.symbol(*one));
        function.class.iter().for_each(|class| check.class(*class));
        function.returns.iter().for_each(|returns| check.of_type(returns, 0));
        function.params.iter().for_each(|param| check.param(param));
        // Decorators may stand before what they decorate.
        check.exprs(&function.decorators, check.all(), 0);
        check.stmts(&function.body, function.span, 0);
    }
    for class in &module.classes {
        check.text(class.span);
        check.text(class.head);
        class.name.iter().for_each(|name| check.symbol(*name));
        check.exprs(&class.bases, check.all(), 0);
        check.exprs(&class.decorators, check.all(), 0);
        class.fields.iter().for_each(|field| check.field(field));
        class.methods.iter().for_each(|method| check.function(*method));
        check.stmts(&class.body, class.span, 0);
    }
}

struct Check<'a> {
    module: &'a Module,
    text: &'a str,
}

impl Check<'_> {
    fn all(&self) -> Span {
        Span::new(0, u32::try_from(self.text.len()).unwrap())
    }

    fn text(&self, at: Span) {
        self.within(at, self.all());
    }

    fn within(&self, at: Span, around: Span) {
        assert!(at.start <= at.end, "{at:?} ends before it begins");
        assert!(around.contains(at), "{at:?} is not within {around:?}");
        for edge in [at.start, at.end] {
            assert!(self.text.is_char_boundary(edge as usize), "{at:?} cuts a character");
        }
    }

    fn symbol(&self, symbol: Symbol) {
        assert!((symbol.0 as usize) < self.module.texts.len(), "{symbol:?} is no symbol");
    }

    fn function(&self, id: FunctionId) {
        assert!(self.module.function(id).is_some(), "{id:?} is no function");
    }

    fn class(&self, id: ClassId) {
        assert!(self.module.class(id).is_some(), "{id:?} is no class");
    }

    fn of_type(&self, from: &Type, depth: usize) {
        assert!(depth <= DEEPEST, "a type deeper than the bound at {:?}", from.span);
        self.text(from.span);
        self.symbol(from.path);
        from.arguments.iter().for_each(|one| self.of_type(one, depth + 1));
    }

    fn param(&self, from: &Param) {
        self.text(from.span);
        self.pattern(&from.pattern, from.span, 0);
        from.of_type.iter().for_each(|one| self.of_type(one, 0));
        self.exprs(&from.decorators, self.all(), 0);
        from.default.iter().for_each(|one| self.expr(one, from.span, 0));
    }

    fn field(&self, from: &Field) {
        self.text(from.span);
        self.symbol(from.name);
        from.of_type.iter().for_each(|one| self.of_type(one, 0));
        from.value.iter().for_each(|one| self.expr(one, from.span, 0));
        self.exprs(&from.decorators, self.all(), 0);
    }

    fn stmts(&self, from: &[Stmt], around: Span, depth: usize) {
        from.iter().for_each(|one| self.stmt(one, around, depth));
    }

    fn stmt(&self, from: &Stmt, around: Span, depth: usize) {
        let (at, depth) = (from.span, depth + 1);
        assert!(depth <= DEEPEST, "a statement deeper than the bound at {at:?}");
        self.within(at, around);
        match &from.kind {
            StmtKind::Assert(one) | StmtKind::Defer(one) | StmtKind::Expr(one) => self.expr(one, at, depth),
            StmtKind::Block(body) => self.stmts(body, at, depth),
            StmtKind::Break(label) | StmtKind::Continue(label) => {
                label.iter().for_each(|one| self.symbol(*one))
            }
            StmtKind::Class(id) => self.class(*id),
            StmtKind::Delete(values) => self.exprs(values, at, depth),
            StmtKind::Each { pattern, over, body, .. } => {
                self.pattern(pattern, at, depth);
                self.expr(over, at, depth);
                self.stmts(body, at, depth);
            }
            StmtKind::Export(Export::Default(value)) => self.expr(value, at, depth),
            StmtKind::Export(Export::Names(names)) => {
                names.iter().flat_map(|(here, outside)| [here, outside]).for_each(|one| self.symbol(*one));
            }
            StmtKind::Export(Export::From { module, items }) => {
                self.symbol(*module);
                items.iter().for_each(|(there, outside)| {
                    there.iter().chain(outside).for_each(|one| self.symbol(*one));
                });
            }
            StmtKind::For { init, condition, update, body } => {
                self.stmts(init, at, depth);
                condition.iter().for_each(|one| self.expr(one, at, depth));
                self.exprs(update, at, depth);
                self.stmts(body, at, depth);
            }
            StmtKind::Function(id) => self.function(*id),
            StmtKind::Global(names) => names.iter().for_each(|one| self.symbol(*one)),
            StmtKind::If { condition, then, otherwise } => {
                self.expr(condition, at, depth);
                self.stmts(then, at, depth);
                self.stmts(otherwise, at, depth);
            }
            StmtKind::Import(import) => {
                self.within(import.span, at);
                self.symbol(import.module);
                import.items.iter().for_each(|item| self.symbol(item.local));
            }
            StmtKind::Labeled { label, body } => {
                self.symbol(*label);
                self.stmts(body, at, depth);
            }
            StmtKind::Let { pattern, of_type, value, .. } => {
                self.pattern(pattern, at, depth);
                of_type.iter().for_each(|one| self.of_type(one, 0));
                value.iter().for_each(|one| self.expr(one, at, depth));
            }
            StmtKind::Return(value) | StmtKind::Throw(value) => {
                value.iter().for_each(|one| self.expr(one, at, depth))
            }
            StmtKind::Switch(switch) => self.switch(switch, at, depth),
            StmtKind::Try { body, catches, otherwise, finally } => {
                self.stmts(body, at, depth);
                for one in catches {
                    self.within(one.span, at);
                    one.types.iter().for_each(|one| self.of_type(one, 0));
                    self.pattern(&one.pattern, one.span, depth);
                    self.stmts(&one.body, one.span, depth);
                }
                self.stmts(otherwise, at, depth);
                self.stmts(finally, at, depth);
            }
            StmtKind::While { condition, body, .. } => {
                self.expr(condition, at, depth);
                self.stmts(body, at, depth);
            }
            StmtKind::With { items, body } => {
                for (value, pattern) in items {
                    self.expr(value, at, depth);
                    pattern.iter().for_each(|one| self.pattern(one, at, depth));
                }
                self.stmts(body, at, depth);
            }
        }
    }

    fn switch(&self, from: &Switch, around: Span, depth: usize) {
        from.subject.iter().for_each(|one| self.expr(one, around, depth));
        for Case { pattern, guard, body, value, span } in &from.cases {
            self.within(*span, around);
            pattern.iter().for_each(|one| self.pattern(one, *span, depth));
            guard.iter().chain(value).for_each(|one| self.expr(one, *span, depth));
            self.stmts(body, *span, depth);
        }
    }

    fn exprs(&self, from: &[Expr], around: Span, depth: usize) {
        from.iter().for_each(|one| self.expr(one, around, depth));
    }

    fn expr(&self, from: &Expr, around: Span, depth: usize) {
        let (at, depth) = (from.span, depth + 1);
        assert!(depth <= DEEPEST, "an expression deeper than the bound at {at:?}");
        self.within(at, around);
        match &from.kind {
            ExprKind::Assign { target, value, .. } => {
                self.pattern(target, at, depth);
                self.expr(value, at, depth);
            }
            ExprKind::Await(one) | ExprKind::Reference(one) | ExprKind::Spread(one) => {
                self.expr(one, at, depth)
            }
            ExprKind::Unary { operand: one, .. } => self.expr(one, at, depth),
            ExprKind::Binary { left, right, .. } | ExprKind::Logical { left, right, .. } => {
                self.expr(left, at, depth);
                self.expr(right, at, depth);
            }
            ExprKind::Block { body, value } => {
                self.stmts(body, at, depth);
                value.iter().for_each(|one| self.expr(one, at, depth));
            }
            ExprKind::Bool(_) | ExprKind::Null | ExprKind::Number(_) | ExprKind::Super | ExprKind::This => {}
            ExprKind::Call(call) => {
                self.expr(&call.callee, at, depth);
                for Argument { name, value } in &call.arguments {
                    name.iter().for_each(|one| self.symbol(*one));
                    self.expr(value, at, depth);
                }
            }
            ExprKind::Cast { to, value } => {
                self.of_type(to, 0);
                self.expr(value, at, depth);
            }
            ExprKind::Class(id) => self.class(*id),
            ExprKind::Comprehension { item, value, clauses, .. } => {
                self.expr(item, at, depth);
                value.iter().for_each(|one| self.expr(one, at, depth));
                for clause in clauses {
                    self.pattern(&clause.pattern, at, depth);
                    self.expr(&clause.over, at, depth);
                    self.exprs(&clause.conditions, at, depth);
                }
            }
            ExprKind::Conditional { condition, then, otherwise } => {
                self.expr(condition, at, depth);
                self.expr(then, at, depth);
                otherwise.iter().for_each(|one| self.expr(one, at, depth));
            }
            ExprKind::Function(id) => self.function(*id),
            ExprKind::Index { object, index } => {
                self.expr(object, at, depth);
                self.expr(index, at, depth);
            }
            ExprKind::Jsx(jsx) => {
                jsx.element.iter().for_each(|one| self.expr(one, at, depth));
                for (name, value) in &jsx.attributes {
                    name.iter().for_each(|one| self.symbol(*one));
                    self.expr(value, at, depth);
                }
                self.exprs(&jsx.children, at, depth);
            }
            ExprKind::List { items, .. } | ExprKind::Sequence(items) | ExprKind::Unknown(items) => {
                self.exprs(items, at, depth)
            }
            ExprKind::Member { object, name } => {
                self.expr(object, at, depth);
                self.symbol(*name);
            }
            ExprKind::Name(one) | ExprKind::String(one) => self.symbol(*one),
            ExprKind::Object { of_type, entries } => {
                of_type.iter().for_each(|one| self.of_type(one, 0));
                for entry in entries {
                    let (Entry::Pair(_, value) | Entry::Spread(value)) = entry;
                    self.expr(value, at, depth);
                    if let Entry::Pair(key, _) = entry {
                        self.key(key, at, depth);
                    }
                }
            }
            ExprKind::Regex { pattern, flags } => {
                [pattern, flags].into_iter().for_each(|one| self.symbol(*one))
            }
            ExprKind::Slice { object, parts } => {
                self.expr(object, at, depth);
                self.exprs(parts, at, depth);
            }
            ExprKind::Switch(switch) => self.switch(switch, at, depth),
            ExprKind::Template { tag, parts } => {
                tag.iter().for_each(|one| self.expr(one, at, depth));
                for part in parts {
                    match part {
                        Part::Text(text) => self.symbol(*text),
                        Part::Value(value) => self.expr(value, at, depth),
                    }
                }
            }
            ExprKind::TypeTest { value, of_type, binding } => {
                self.expr(value, at, depth);
                self.of_type(of_type, 0);
                binding.iter().for_each(|one| self.symbol(*one));
            }
            ExprKind::Yield(value) => value.iter().for_each(|one| self.expr(one, at, depth)),
        }
    }

    fn key(&self, from: &Key, around: Span, depth: usize) {
        match from {
            Key::Name(name) => self.symbol(*name),
            Key::Computed(one) => self.expr(one, around, depth),
        }
    }

    fn pattern(&self, from: &Pattern, around: Span, depth: usize) {
        let depth = depth + 1;
        assert!(depth <= DEEPEST, "a pattern deeper than the bound in {around:?}");
        match from {
            Pattern::Name(name, at) => {
                self.symbol(*name);
                self.within(*at, around);
            }
            Pattern::Ignore => {}
            Pattern::Object { fields, rest } => {
                for field in fields {
                    self.key(&field.key, around, depth);
                    self.pattern(&field.pattern, around, depth);
                }
                rest.iter().for_each(|one| self.pattern(one, around, depth));
            }
            Pattern::List(items) | Pattern::Or(items) => {
                items.iter().for_each(|one| self.pattern(one, around, depth))
            }
            Pattern::Rest(one) => self.pattern(one, around, depth),
            Pattern::Default(one, value) => {
                self.pattern(one, around, depth);
                self.expr(value, around, depth);
            }
            Pattern::Place(one) | Pattern::Value(one) => self.expr(one, around, depth),
            Pattern::Variant { of, items } => {
                self.expr(of, around, depth);
                items.iter().for_each(|one| self.pattern(one, around, depth));
            }
            Pattern::As(one, name) => {
                self.symbol(*name);
                self.pattern(one, around, depth);
            }
        }
    }
}

#[test]
fn dumps_say_what_a_module_holds() {
    let text = "import a, { b as c } from 'm';\nexport function f({ x, y = 1 }, ...rest) {\n  \
                for (const one of rest) if (one) return { [x]: () => y ?? `t${one}`, ...c };\n}\n";
    let parsed = parse(Language::JavaScript, text);
    assert_eq!(parsed.problems, []);
    insta::assert_snapshot!(crate::dump(&parsed.module), @r#"
    javascript
    #0 module
      import m (default as a, b as c)
      def #1
      export (f as f)
    #1 def f({"x": x, "y": (default y 1)}, *rest)
      each one of rest
        if one
          return (object [x]: (def #2) (... c))
    #2 def () arrow
      return (?? y (template "t" {one}))
    "#);
}
