//! Expressions: `(operator operand operand)`, paths with their dots, blocks on lines of their own.

use super::Dump;
use crate::tree::{
    Argument, BinaryOp, Clause, Entry, Expr, ExprKind, Jsx, ListKind, LogicalOp, Part, UnaryOp,
};

impl<'a> Dump<'a> {
    /// `(word operand operand)`.
    fn form(&mut self, word: &str, operands: &[&'a Expr]) {
        self.word("(");
        self.word(word);
        for operand in operands {
            self.word(" ");
            self.expr(operand);
        }
        self.word(")");
    }

    pub(super) fn expr(&mut self, from: &'a Expr) {
        match &from.kind {
            ExprKind::Assign { target, op, value } => {
                self.word("(assign ");
                self.word(op.map_or("", binary));
                self.word(if op.is_some() { " " } else { "" });
                self.pattern(target);
                self.word(" ");
                self.expr(value);
                self.word(")");
            }
            ExprKind::Await(value) => self.form("await", &[value]),
            ExprKind::Binary { op, left, right } => self.form(binary(*op), &[left, right]),
            ExprKind::Block { body, value } => {
                self.word("(block");
                self.body(body);
                if let Some(value) = value {
                    self.indent += 1;
                    self.line();
                    self.word("is ");
                    self.expr(value);
                    self.indent -= 1;
                }
                self.word(")");
            }
            ExprKind::Bool(value) => self.word(if *value { "true" } else { "false" }),
            ExprKind::Call(call) => {
                self.word(match (call.new, call.macro_call) {
                    (false, false) => "(call ",
                    (true, _) => "(new ",
                    (false, true) => "(macro ",
                });
                self.expr(&call.callee);
                self.between("", &call.arguments, "", ")", Self::argument);
            }
            ExprKind::Cast { to, value } => {
                self.word("(cast ");
                self.of_type(to);
                self.word(" ");
                self.expr(value);
                self.word(")");
            }
            ExprKind::Class(id) => self.word(&format!("(class #{})", id.0)),
            ExprKind::Comprehension { kind, item, value, clauses } => {
                self.word("(each ");
                self.word(list(*kind));
                self.word(" ");
                self.expr(item);
                if let Some(value) = value {
                    self.word(": ");
                    self.expr(value);
                }
                self.between("", clauses, "", ")", Self::clause);
            }
            ExprKind::Conditional { condition, then, otherwise } => {
                let mut operands = vec![&**condition, &**then];
                operands.extend(otherwise.as_deref());
                self.form("if", &operands);
            }
            ExprKind::Function(id) => self.word(&format!("(def #{})", id.0)),
            ExprKind::Index { object, index } => self.form("[]", &[object, index]),
            ExprKind::Jsx(jsx) => self.jsx(jsx),
            ExprKind::List { kind, items } => {
                self.word("(");
                self.word(list(*kind));
                self.between("", items, "", ")", Self::spaced);
            }
            ExprKind::Logical { op, left, right } => {
                let word = match op {
                    LogicalOp::And => "and",
                    LogicalOp::Or => "or",
                    LogicalOp::Coalesce => "??",
                };
                self.form(word, &[left, right]);
            }
            ExprKind::Member { object, name } => {
                self.expr(object);
                self.word(".");
                self.symbol(*name);
            }
            ExprKind::Name(name) => self.symbol(*name),
            ExprKind::Null => self.word("null"),
            ExprKind::Number(number) => self.word(&number.to_string()),
            ExprKind::Object { of_type, entries } => {
                self.word("(object");
                if let Some(of_type) = of_type {
                    self.word(" ");
                    self.of_type(of_type);
                }
                self.between("", entries, "", ")", Self::entry);
            }
            ExprKind::Reference(value) => self.form("&", &[value]),
            ExprKind::Regex { pattern, flags } => {
                self.word("(regex ");
                self.quoted(*pattern);
                self.word(" ");
                self.quoted(*flags);
                self.word(")");
            }
            ExprKind::Sequence(values) => self.between("(sequence", values, "", ")", Self::spaced),
            ExprKind::Slice { object, parts } => {
                self.word("(slice ");
                self.expr(object);
                self.between("", parts, "", ")", Self::spaced);
            }
            ExprKind::Spread(value) => self.form("...", &[value]),
            ExprKind::String(text) => self.quoted(*text),
            ExprKind::Super => self.word("super"),
            ExprKind::Switch(switch) => {
                self.word("(");
                self.switch(switch);
                self.word(")");
            }
            ExprKind::Template { tag, parts } => {
                self.word("(template");
                if let Some(tag) = tag {
                    self.word(" by ");
                    self.expr(tag);
                }
                self.between("", parts, "", ")", Self::text);
            }
            ExprKind::This => self.word("this"),
            ExprKind::TypeTest { value, of_type, binding } => {
                self.word("(is ");
                self.of_type(of_type);
                if let Some(binding) = binding {
                    self.word(" as ");
                    self.symbol(*binding);
                }
                self.word(" ");
                self.expr(value);
                self.word(")");
            }
            ExprKind::Unary { op, operand } => self.form(unary(*op), &[operand]),
            ExprKind::Unknown(parts) => self.between("(unknown", parts, "", ")", Self::spaced),
            ExprKind::Yield(value) => match value {
                Some(value) => self.form("yield", &[value]),
                None => self.word("(yield)"),
            },
        }
    }

    fn spaced(&mut self, from: &'a Expr) {
        self.word(" ");
        self.expr(from);
    }

    fn argument(&mut self, from: &'a Argument) {
        self.word(" ");
        if let Some(name) = from.name {
            self.symbol(name);
            self.word("=");
        }
        self.expr(&from.value);
    }

    fn clause(&mut self, from: &'a Clause) {
        self.word(" for ");
        self.pattern(&from.pattern);
        self.word(" of ");
        self.expr(&from.over);
        for condition in &from.conditions {
            self.word(" if ");
            self.expr(condition);
        }
    }

    fn entry(&mut self, from: &'a Entry) {
        self.word(" ");
        match from {
            Entry::Pair(key, value) => {
                self.key(key);
                self.word(": ");
                self.expr(value);
            }
            Entry::Spread(value) => self.form("...", &[value]),
        }
    }

    fn text(&mut self, from: &'a Part) {
        self.word(" ");
        match from {
            Part::Text(text) => self.quoted(*text),
            Part::Value(value) => {
                self.word("{");
                self.expr(value);
                self.word("}");
            }
        }
    }

    fn jsx(&mut self, from: &'a Jsx) {
        self.word("(jsx");
        if let Some(element) = &from.element {
            self.word(" ");
            self.expr(element);
        }
        for (name, value) in &from.attributes {
            self.word(" ");
            match name {
                Some(name) => self.symbol(*name),
                None => self.word("..."),
            }
            self.word("=");
            self.expr(value);
        }
        self.between("", &from.children, "", ")", Self::spaced);
    }
}

const fn list(kind: ListKind) -> &'static str {
    match kind {
        ListKind::List => "list",
        ListKind::Set => "set",
        ListKind::Tuple => "tuple",
        ListKind::Map => "map",
        ListKind::Lazy => "lazy",
    }
}

const fn unary(op: UnaryOp) -> &'static str {
    match op {
        UnaryOp::Minus => "-",
        UnaryOp::Not => "not",
        UnaryOp::Plus => "+",
        UnaryOp::BitNot => "~",
        UnaryOp::TypeOf => "typeof",
        UnaryOp::Void => "void",
        UnaryOp::Delete => "delete",
        UnaryOp::Step => "step",
    }
}

const fn binary(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Add => "+",
        BinaryOp::Subtract => "-",
        BinaryOp::Multiply => "*",
        BinaryOp::Divide => "/",
        BinaryOp::FloorDivide => "//",
        BinaryOp::Remainder => "%",
        BinaryOp::Power => "**",
        BinaryOp::BitAnd => "&",
        BinaryOp::BitOr => "|",
        BinaryOp::BitXor => "^",
        BinaryOp::ShiftLeft => "<<",
        BinaryOp::ShiftRight => ">>",
        BinaryOp::Equal => "==",
        BinaryOp::NotEqual => "!=",
        BinaryOp::Less => "<",
        BinaryOp::LessEqual => "<=",
        BinaryOp::Greater => ">",
        BinaryOp::GreaterEqual => ">=",
        BinaryOp::In => "in",
        BinaryOp::NotIn => "not-in",
        BinaryOp::Is => "is",
        BinaryOp::IsNot => "is-not",
    }
}
