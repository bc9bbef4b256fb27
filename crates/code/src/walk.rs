//! Goes through everything a file says, function by function.

use gabion_syntax::tree::{
    Argument, Class, Entry, Export, Expr, ExprKind, Function, Key, Module, Param, Part, Pattern, Stmt,
    StmtKind, Switch, Type,
};

/// Is shown everything, what stands outside before what stands in it.
pub(crate) trait Visitor {
    fn statement(&mut self, _: &Stmt) {}
    fn expression(&mut self, _: &Expr) {}
    /// Runs what it names, although no call is written.
    fn decorator(&mut self, _: &Expr) {}
    fn of_type(&mut self, _: &Type) {}
}

/// One function, without those that stand in it: they are functions of the module themselves.
pub(crate) fn function(one: &Function, to: &mut impl Visitor) {
    decorators(&one.decorators, to);
    for param in &one.params {
        self::param(param, to);
    }
    if let Some(returns) = &one.returns {
        of_type(returns, to);
    }
    statements(&one.body, to);
}

/// What stands in classes and in none of their methods.
pub(crate) fn classes(module: &Module, to: &mut impl Visitor) {
    for class in &module.classes {
        self::class(class, to);
    }
}

fn class(one: &Class, to: &mut impl Visitor) {
    decorators(&one.decorators, to);
    expressions(&one.bases, to);
    for field in &one.fields {
        decorators(&field.decorators, to);
        if let Some(written) = &field.of_type {
            of_type(written, to);
        }
        expressions(&field.value, to);
    }
    statements(&one.body, to);
}

fn decorators(all: &[Expr], to: &mut impl Visitor) {
    for one in all {
        to.decorator(one);
        expression(one, to);
    }
}

fn param(one: &Param, to: &mut impl Visitor) {
    decorators(&one.decorators, to);
    pattern(&one.pattern, to);
    if let Some(written) = &one.of_type {
        of_type(written, to);
    }
    expressions(&one.default, to);
}

fn of_type(one: &Type, to: &mut impl Visitor) {
    to.of_type(one);
    for argument in &one.arguments {
        of_type(argument, to);
    }
}

fn statements(all: &[Stmt], to: &mut impl Visitor) {
    for one in all {
        statement(one, to);
    }
}

pub(crate) fn statement(one: &Stmt, to: &mut impl Visitor) {
    to.statement(one);
    match &one.kind {
        StmtKind::Assert(it) | StmtKind::Defer(it) | StmtKind::Expr(it) => expression(it, to),
        StmtKind::Block(body) | StmtKind::Labeled { body, .. } => statements(body, to),
        StmtKind::Delete(all) => expressions(all, to),
        StmtKind::Each { pattern: it, over, body, .. } => {
            pattern(it, to);
            expression(over, to);
            statements(body, to);
        }
        StmtKind::Export(Export::Default(it)) => expression(it, to),
        StmtKind::For { init, condition, update, body } => {
            statements(init, to);
            expressions(condition, to);
            expressions(update, to);
            statements(body, to);
        }
        StmtKind::If { condition, then, otherwise } => {
            expression(condition, to);
            statements(then, to);
            statements(otherwise, to);
        }
        StmtKind::Let { pattern: it, of_type: written, value, .. } => {
            pattern(it, to);
            if let Some(written) = written {
                of_type(written, to);
            }
            expressions(value, to);
        }
        StmtKind::Return(it) | StmtKind::Throw(it) => expressions(it, to),
        StmtKind::Switch(it) => switch(it, to),
        StmtKind::Try { body, catches, otherwise, finally } => {
            statements(body, to);
            for one in catches {
                one.types.iter().for_each(|it| of_type(it, to));
                statements(&one.body, to);
            }
            statements(otherwise, to);
            statements(finally, to);
        }
        StmtKind::While { condition, body, .. } => {
            expression(condition, to);
            statements(body, to);
        }
        StmtKind::With { items, body } => {
            for (value, into) in items {
                expression(value, to);
                if let Some(into) = into {
                    pattern(into, to);
                }
            }
            statements(body, to);
        }
        StmtKind::Break(_)
        | StmtKind::Class(_)
        | StmtKind::Continue(_)
        | StmtKind::Export(_)
        | StmtKind::Function(_)
        | StmtKind::Global(_)
        | StmtKind::Import(_) => {}
    }
}

fn switch(one: &Switch, to: &mut impl Visitor) {
    if let Some(subject) = &one.subject {
        expression(subject, to);
    }
    for case in &one.cases {
        if let Some(it) = &case.pattern {
            pattern(it, to);
        }
        expressions(&case.guard, to);
        statements(&case.body, to);
        expressions(&case.value, to);
    }
}

fn pattern(one: &Pattern, to: &mut impl Visitor) {
    match one {
        Pattern::Name(..) | Pattern::Ignore => {}
        Pattern::Object { fields, rest } => {
            for field in fields {
                key(&field.key, to);
                pattern(&field.pattern, to);
            }
            if let Some(rest) = rest {
                pattern(rest, to);
            }
        }
        Pattern::List(all) | Pattern::Or(all) => all.iter().for_each(|it| pattern(it, to)),
        Pattern::Rest(it) | Pattern::As(it, _) => pattern(it, to),
        Pattern::Default(it, value) => {
            pattern(it, to);
            expression(value, to);
        }
        Pattern::Place(it) | Pattern::Value(it) => expression(it, to),
        Pattern::Variant { of, items } => {
            expression(of, to);
            items.iter().for_each(|it| pattern(it, to));
        }
    }
}

fn key(one: &Key, to: &mut impl Visitor) {
    if let Key::Computed(it) = one {
        expression(it, to);
    }
}

fn expressions<'a>(all: impl IntoIterator<Item = &'a Expr>, to: &mut impl Visitor) {
    for one in all {
        expression(one, to);
    }
}

pub(crate) fn expression(one: &Expr, to: &mut impl Visitor) {
    to.expression(one);
    match &one.kind {
        ExprKind::Assign { target, value, .. } => {
            pattern(target, to);
            expression(value, to);
        }
        ExprKind::Await(it)
        | ExprKind::Reference(it)
        | ExprKind::Spread(it)
        | ExprKind::Unary { operand: it, .. }
        | ExprKind::Member { object: it, .. } => expression(it, to),
        ExprKind::Binary { left, right, .. } | ExprKind::Logical { left, right, .. } => {
            expression(left, to);
            expression(right, to);
        }
        ExprKind::Block { body, value } => {
            statements(body, to);
            if let Some(value) = value {
                expression(value, to);
            }
        }
        ExprKind::Call(call) => {
            expression(&call.callee, to);
            for Argument { value, .. } in &call.arguments {
                expression(value, to);
            }
        }
        ExprKind::Cast { to: written, value } | ExprKind::TypeTest { of_type: written, value, .. } => {
            of_type(written, to);
            expression(value, to);
        }
        ExprKind::Comprehension { item, value, clauses, .. } => {
            expression(item, to);
            if let Some(value) = value {
                expression(value, to);
            }
            for clause in clauses {
                pattern(&clause.pattern, to);
                expression(&clause.over, to);
                expressions(&clause.conditions, to);
            }
        }
        ExprKind::Conditional { condition, then, otherwise } => {
            expression(condition, to);
            expression(then, to);
            if let Some(otherwise) = otherwise {
                expression(otherwise, to);
            }
        }
        ExprKind::Index { object, index } => {
            expression(object, to);
            expression(index, to);
        }
        ExprKind::Jsx(jsx) => {
            if let Some(element) = &jsx.element {
                expression(element, to);
            }
            expressions(jsx.attributes.iter().map(|(_, value)| value), to);
            expressions(&jsx.children, to);
        }
        ExprKind::List { items: all, .. } | ExprKind::Sequence(all) | ExprKind::Unknown(all) => {
            expressions(all, to)
        }
        ExprKind::Object { of_type: written, entries } => {
            if let Some(written) = written {
                of_type(written, to);
            }
            for entry in entries {
                match entry {
                    Entry::Pair(name, value) => {
                        key(name, to);
                        expression(value, to);
                    }
                    Entry::Spread(value) => expression(value, to),
                }
            }
        }
        ExprKind::Slice { object, parts } => {
            expression(object, to);
            expressions(parts, to);
        }
        ExprKind::Switch(it) => switch(it, to),
        ExprKind::Template { tag, parts } => {
            if let Some(tag) = tag {
                expression(tag, to);
            }
            for part in parts {
                if let Part::Value(value) = part {
                    expression(value, to);
                }
            }
        }
        ExprKind::Yield(it) => {
            if let Some(it) = it {
                expression(it, to);
            }
        }
        ExprKind::Bool(_)
        | ExprKind::Class(_)
        | ExprKind::Function(_)
        | ExprKind::Name(_)
        | ExprKind::Null
        | ExprKind::Number(_)
        | ExprKind::Regex { .. }
        | ExprKind::String(_)
        | ExprKind::Super
        | ExprKind::This => {}
    }
}
