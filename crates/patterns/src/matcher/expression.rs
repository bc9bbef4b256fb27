//! Expressions.

use gabion_syntax::tree::{BinaryOp, Call, Expr, ExprKind, Jsx, Pattern};

use super::{Env, Matcher};
use crate::comparison::Worth;
use crate::family::Family;
use crate::fragment::Word;
use crate::target::parts;

/// Operands of one chain.
const OPERANDS: usize = 40;

impl Matcher<'_, '_> {
    pub(crate) fn expr(&self, pattern: &Expr, own: &Expr, env: &Env) -> Vec<Env> {
        if !self.step() {
            return Vec::new();
        }
        let found = self.expr_kind(pattern, own, env);
        if found.is_empty()
            && let Some(value) = self.stands_for(own)
            && !matches!(pattern.kind, ExprKind::Name(_))
        {
            return self.expr(pattern, value, env);
        }
        found
    }

    pub(super) fn boxed(&self, pattern: Option<&Expr>, own: Option<&Expr>, env: &Env) -> Vec<Env> {
        match (pattern, own) {
            (None, None) => vec![env.clone()],
            (Some(one), Some(own)) => self.expr(one, own, env),
            (Some(one), None) if self.fragment.is_ellipsis(one) => vec![env.clone()],
            _ => Vec::new(),
        }
    }

    /// What the pattern leaves out may be there.
    pub(super) fn optional(&self, pattern: Option<&Expr>, own: Option<&Expr>, env: &Env) -> Vec<Env> {
        if pattern.is_none() { vec![env.clone()] } else { self.boxed(pattern, own, env) }
    }

    fn expr_kind(&self, pattern: &Expr, own: &Expr, env: &Env) -> Vec<Env> {
        let found = |yes: bool| if yes { vec![env.clone()] } else { Vec::new() };
        match (&pattern.kind, &own.kind) {
            (ExprKind::Name(name), _) => self.name(*name, pattern, own, env),
            (ExprKind::Call(call), _) if self.is_deep(call) => {
                call.arguments.first().map_or_else(Vec::new, |inner| self.deep(&inner.value, own, env))
            }
            (ExprKind::String(text), _) => self.string(*text, own, env),
            (ExprKind::Number(number), _) => found(self.worth(own) == Some(Worth::Number(*number))),
            (ExprKind::Bool(truth), _) => found(self.worth(own) == Some(Worth::Bool(*truth))),
            (ExprKind::Null, ExprKind::Null)
            | (ExprKind::Super, ExprKind::Super)
            | (ExprKind::This, ExprKind::This) => vec![env.clone()],
            (ExprKind::Member { object, name }, _) => self.member(object, *name, pattern, own, env),
            (ExprKind::Call(call), ExprKind::Call(own_call)) => self.call(call, own_call, own, env),
            (
                ExprKind::Assign { target, op, value },
                ExprKind::Assign { target: own_target, op: own_op, value: own_value },
            ) => {
                if op != own_op {
                    return Vec::new();
                }
                let envs = self.pattern(target, own_target, env);
                self.then(envs, |env| self.expr(value, own_value, env))
            }
            (ExprKind::Await(one), ExprKind::Await(own))
            | (ExprKind::Reference(one), ExprKind::Reference(own))
            | (ExprKind::Spread(one), ExprKind::Spread(own)) => self.expr(one, own, env),
            (
                ExprKind::Binary { op, left, right },
                ExprKind::Binary { op: own_op, left: own_left, right: own_right },
            ) => {
                if op != own_op || !self.same_sign(*op, (left, right), (own_left, own_right)) {
                    return Vec::new();
                }
                if self.fragment.is_ellipsis(left) || self.fragment.is_ellipsis(right) {
                    let (mut patterns, mut items) = (Vec::new(), Vec::new());
                    operands(*op, pattern, &mut patterns);
                    operands(*op, own, &mut items);
                    return self.sequence(
                        &patterns,
                        &items,
                        env,
                        &|one| self.gap(one),
                        &|one| one.span,
                        &|one, own, env| self.expr(one, own, env),
                    );
                }
                let envs = self.expr(left, own_left, env);
                self.then(envs, |env| self.expr(right, own_right, env))
            }
            (
                ExprKind::Logical { op, left, right },
                ExprKind::Logical { op: own_op, left: own_left, right: own_right },
            ) => {
                if op != own_op {
                    return Vec::new();
                }
                if self.fragment.is_ellipsis(left) || self.fragment.is_ellipsis(right) {
                    let one = if self.fragment.is_ellipsis(left) { right } else { left };
                    let (one_left, one_right) =
                        (self.expr(one, own_left, env), self.expr(one, own_right, env));
                    return one_left.into_iter().chain(one_right).collect();
                }
                let envs = self.expr(left, own_left, env);
                self.then(envs, |env| self.expr(right, own_right, env))
            }
            (ExprKind::Cast { to, value }, ExprKind::Cast { to: own_to, value: own_value }) => {
                let envs = self.of_type(to, own_to, env);
                self.then(envs, |env| self.expr(value, own_value, env))
            }
            (ExprKind::Class(id), ExprKind::Class(own_id)) => {
                match (self.fragment.class(*id), self.target.class(*own_id)) {
                    (Some(one), Some(own)) => self.class(one, own, env),
                    _ => Vec::new(),
                }
            }
            (ExprKind::Function(id), ExprKind::Function(own_id)) => {
                match (self.fragment.function(*id), self.target.function(*own_id)) {
                    (Some(one), Some(own)) => self.function(one, own, env),
                    _ => Vec::new(),
                }
            }
            (
                ExprKind::Conditional { condition, then, otherwise },
                ExprKind::Conditional { condition: own_condition, then: own_then, otherwise: own_otherwise },
            ) => {
                let envs = self.expr(condition, own_condition, env);
                let envs = self.then(envs, |env| self.expr(then, own_then, env));
                self.then(envs, |env| self.boxed(otherwise.as_deref(), own_otherwise.as_deref(), env))
            }
            (ExprKind::Index { object, index }, ExprKind::Index { object: own_object, index: own_index }) => {
                let envs = self.expr(object, own_object, env);
                self.then(envs, |env| self.expr(index, own_index, env))
            }
            // `a["b"]` of JavaScript is a member here.
            (ExprKind::Index { object, index }, ExprKind::Member { object: own_object, name })
                if self.source(own.span).ends_with(']') =>
            {
                let envs = self.expr(object, own_object, env);
                match &index.kind {
                    ExprKind::Name(variable) => {
                        self.then(envs, |env| self.word(*variable, self.target.symbol(*name), own.span, env))
                    }
                    _ => Vec::new(),
                }
            }
            (ExprKind::Jsx(jsx), ExprKind::Jsx(own_jsx)) => self.jsx(jsx, own_jsx, own, env),
            (ExprKind::List { kind, items }, ExprKind::List { kind: own_kind, items: own_items }) => {
                if kind == own_kind { self.exprs(items, own_items, env) } else { Vec::new() }
            }
            (ExprKind::Sequence(items), ExprKind::Sequence(own_items))
            | (ExprKind::Unknown(items), ExprKind::Unknown(own_items)) => self.exprs(items, own_items, env),
            (
                ExprKind::Object { of_type, entries },
                ExprKind::Object { of_type: own_type, entries: own_entries },
            ) => {
                let envs = self.optional_type(of_type.as_ref(), own_type.as_ref(), env);
                self.then(envs, |env| self.entries(entries, own_entries, own, env))
            }
            (ExprKind::Regex { pattern, .. }, ExprKind::Regex { pattern: own_text, .. }) => {
                let text = self.fragment.symbol(*pattern);
                if text == crate::fragment::ELLIPSIS {
                    return vec![env.clone()];
                }
                self.content(*pattern, self.target.symbol(*own_text), own.span, env)
            }
            (ExprKind::Slice { object, parts }, ExprKind::Slice { object: own_object, parts: own_parts }) => {
                let envs = self.expr(object, own_object, env);
                self.then(envs, |env| self.exprs(parts, own_parts, env))
            }
            (ExprKind::Template { tag, parts }, ExprKind::Template { tag: own_tag, parts: own_parts }) => {
                let envs = self.boxed(tag.as_deref(), own_tag.as_deref(), env);
                self.then(envs, |env| self.template(parts, own_parts, env))
            }
            (
                ExprKind::TypeTest { value, of_type, .. },
                ExprKind::TypeTest { value: own_value, of_type: own_type, .. },
            ) => {
                let envs = self.expr(value, own_value, env);
                self.then(envs, |env| self.of_type(of_type, own_type, env))
            }
            (ExprKind::Unary { op, operand }, ExprKind::Unary { op: own_op, operand: own_operand }) => {
                if op == own_op { self.expr(operand, own_operand, env) } else { Vec::new() }
            }
            (ExprKind::Yield(one), ExprKind::Yield(own)) => {
                self.optional(one.as_deref(), own.as_deref(), env)
            }
            (
                ExprKind::Comprehension { kind, item, value, clauses },
                ExprKind::Comprehension {
                    kind: own_kind,
                    item: own_item,
                    value: own_value,
                    clauses: own_clauses,
                },
            ) => {
                if kind != own_kind || clauses.len() != own_clauses.len() {
                    return Vec::new();
                }
                let mut envs = vec![env.clone()];
                for (one, own) in clauses.iter().zip(own_clauses) {
                    envs = self.then(envs, |env| self.pattern(&one.pattern, &own.pattern, env));
                    envs = self.then(envs, |env| self.expr(&one.over, &own.over, env));
                    envs = self.then(envs, |env| self.exprs(&one.conditions, &own.conditions, env));
                }
                let envs = self.then(envs, |env| self.expr(item, own_item, env));
                self.then(envs, |env| self.boxed(value.as_deref(), own_value.as_deref(), env))
            }
            (ExprKind::Block { body, value }, ExprKind::Block { body: own_body, value: own_value }) => {
                let envs = self.body(body, own_body, env);
                self.then(envs, |env| self.optional(value.as_deref(), own_value.as_deref(), env))
            }
            _ => Vec::new(),
        }
    }

    fn name(&self, name: gabion_syntax::tree::Symbol, pattern: &Expr, own: &Expr, env: &Env) -> Vec<Env> {
        match self.fragment.word(name) {
            Word::Variable(variable) | Word::Variables(variable) => {
                let mut bound = self.bound(own.span);
                bound.worth = self.worth(own);
                env.bind(variable, bound).into_iter().collect()
            }
            Word::Ellipsis => vec![env.clone()],
            Word::Typed(number) => {
                let Some((name, typed)) = self.fragment.typed(*number) else { return Vec::new() };
                let envs = self.is_of_type(&typed.text, own, env);
                self.then(envs, |env| {
                    let mut bound = self.bound(own.span);
                    bound.worth = self.worth(own);
                    env.bind(name, bound).into_iter().collect()
                })
            }
            Word::Deep | Word::Plain => {
                let same = match &own.kind {
                    ExprKind::Name(own) => self.fragment.symbol(name) == self.target.symbol(*own),
                    _ => false,
                };
                if same || self.same_path(pattern, own) { vec![env.clone()] } else { Vec::new() }
            }
        }
    }

    pub(super) fn is_deep(&self, call: &Call) -> bool {
        matches!(&call.callee.kind, ExprKind::Name(name) if matches!(self.fragment.word(*name), Word::Deep))
    }

    /// Anywhere in an expression.
    pub(super) fn deep(&self, pattern: &Expr, own: &Expr, env: &Env) -> Vec<Env> {
        let mut all = self.expr(pattern, own, env);
        if let ExprKind::Function(id) = &own.kind
            && let Some(function) = self.target.function(*id)
        {
            let inside = |one: &&Expr| function.span.contains(one.span);
            for one in self.target.exprs.iter().copied().filter(inside) {
                all.extend(self.expr(pattern, one, env));
            }
        }
        for part in parts(own) {
            if all.len() >= super::WAYS {
                break;
            }
            all.extend(self.deep(pattern, part, env));
        }
        all
    }

    fn member(
        &self,
        object: &Expr,
        name: gabion_syntax::tree::Symbol,
        pattern: &Expr,
        own: &Expr,
        env: &Env,
    ) -> Vec<Env> {
        // `a. ... .b`: anything between.
        if let Word::Ellipsis = self.fragment.word(name) {
            let mut all = Vec::new();
            let mut next = Some(own);
            while let Some(one) = next {
                if !self.step() {
                    break;
                }
                all.extend(self.expr(object, one, env));
                next = match &one.kind {
                    ExprKind::Member { object, .. } | ExprKind::Index { object, .. } => Some(object),
                    ExprKind::Call(call) => Some(&call.callee),
                    ExprKind::Await(inner) => Some(inner),
                    _ => None,
                };
            }
            return all;
        }
        if let ExprKind::Member { object: own_object, name: own_name } = &own.kind {
            let envs = self.word(name, self.target.symbol(*own_name), tail(own), env);
            let envs = self.then(envs, |env| self.expr(object, own_object, env));
            if !envs.is_empty() {
                return envs;
            }
        }
        if self.same_path(pattern, own) { vec![env.clone()] } else { Vec::new() }
    }

    fn call(&self, call: &Call, own_call: &Call, own: &Expr, env: &Env) -> Vec<Env> {
        if call.macro_call != own_call.macro_call
            || (call.new != own_call.new && self.target.family != Family::Go)
        {
            return Vec::new();
        }
        let callee = match (&call.callee.kind, &own_call.callee.kind) {
            // `new Thing(…)` also is one with a body.
            (ExprKind::Name(_) | ExprKind::Member { .. }, ExprKind::Class(id)) => {
                self.target.class(*id).and_then(|class| class.bases.first())
            }
            _ => None,
        };
        let _ = own;
        let envs = self.expr(&call.callee, callee.unwrap_or(&own_call.callee), env);
        self.then(envs, |env| self.arguments(&call.arguments, &own_call.arguments, env))
    }

    /// Entries in any order; further ones do no harm where the pattern has a gap, or in JavaScript.
    fn entries(
        &self,
        patterns: &[gabion_syntax::tree::Entry],
        own: &[gabion_syntax::tree::Entry],
        within: &Expr,
        env: &Env,
    ) -> Vec<Env> {
        use gabion_syntax::tree::Entry;
        let is_gap = |entry: &Entry| match entry {
            Entry::Pair(_, value) | Entry::Spread(value) => {
                self.fragment.is_ellipsis(value)
                    || matches!(self.gap(value), super::sequence::Gap::Named(_))
                        && matches!(entry, Entry::Spread(_))
            }
        };
        let open = patterns.iter().any(|entry| match entry {
            Entry::Pair(gabion_syntax::tree::Key::Name(name), value) => {
                matches!(self.fragment.word(*name), Word::Ellipsis | Word::Variables(_))
                    && self.fragment.is_ellipsis(value)
            }
            other => is_gap(other),
        });
        let wanted: Vec<&Entry> = patterns
            .iter()
            .filter(|entry| match entry {
                Entry::Pair(gabion_syntax::tree::Key::Name(name), _) => {
                    !matches!(self.fragment.word(*name), Word::Ellipsis | Word::Variables(_))
                }
                other => !is_gap(other),
            })
            .collect();
        if !open && wanted.len() != own.len() {
            return Vec::new();
        }
        let mut envs = vec![env.clone()];
        for one in wanted {
            envs = self.then(envs, |env| {
                own.iter().flat_map(|own| self.entry(one, own, within.span, env)).take(super::WAYS).collect()
            });
        }
        envs
    }

    /// Attributes in any order; further ones do no harm.
    fn jsx(&self, pattern: &Jsx, own: &Jsx, within: &Expr, env: &Env) -> Vec<Env> {
        let mut envs = self.boxed(pattern.element.as_deref(), own.element.as_deref(), env);
        for (name, value) in &pattern.attributes {
            let Some(name) = name else { continue };
            if matches!(self.fragment.word(*name), Word::Ellipsis) {
                continue;
            }
            envs = self.then(envs, |env| {
                let mut all = Vec::new();
                for (own_name, own_value) in &own.attributes {
                    let Some(own_name) = own_name else { continue };
                    let envs = self.word(*name, self.target.symbol(*own_name), within.span, env);
                    all.extend(self.then(envs, |env| self.expr(value, own_value, env)));
                }
                all
            });
        }
        if pattern.children.is_empty() {
            return envs;
        }
        self.then(envs, |env| self.exprs(&pattern.children, &own.children, env))
    }

    /// `==` and `===` are one operator in the tree, and two for rules.
    fn same_sign(&self, op: BinaryOp, pattern: (&Expr, &Expr), own: (&Expr, &Expr)) -> bool {
        if self.target.family != Family::Script || !matches!(op, BinaryOp::Equal | BinaryOp::NotEqual) {
            return true;
        }
        let strict = |text: &str, (left, right): (&Expr, &Expr)| {
            let between = text.get(left.span.end as usize..right.span.start as usize).unwrap_or_default();
            between.contains("===") || between.contains("!==")
        };
        strict(&self.fragment.text, pattern) == strict(self.target.text, own)
    }

    /// What a value is bound to.
    pub(super) fn pattern(&self, pattern: &Pattern, own: &Pattern, env: &Env) -> Vec<Env> {
        match (pattern, own) {
            (Pattern::Name(name, _), own) => match self.fragment.word(*name) {
                Word::Variable(variable) => {
                    let Some(span) = place(own) else { return Vec::new() };
                    env.bind(variable, self.bound(span)).into_iter().collect()
                }
                Word::Ellipsis | Word::Variables(_) => vec![env.clone()],
                Word::Typed(number) => {
                    let (Some((variable, typed)), Some(span)) = (self.fragment.typed(*number), place(own))
                    else {
                        return Vec::new();
                    };
                    let Pattern::Name(own, _) = own else { return Vec::new() };
                    let one = Expr { span, kind: ExprKind::Name(*own) };
                    let envs = self.is_of_type(&typed.text, &one, env);
                    self.then(envs, |env| env.bind(variable, self.bound(span)).into_iter().collect())
                }
                _ => match own {
                    Pattern::Name(own, _) if self.fragment.symbol(*name) == self.target.symbol(*own) => {
                        vec![env.clone()]
                    }
                    _ => Vec::new(),
                },
            },
            (Pattern::Place(one), Pattern::Place(own)) | (Pattern::Value(one), Pattern::Value(own)) => {
                self.expr(one, own, env)
            }
            (Pattern::Place(one), Pattern::Name(name, span)) => {
                let own = Expr { span: *span, kind: ExprKind::Name(*name) };
                self.expr(one, &own, env)
            }
            (Pattern::Ignore, Pattern::Ignore) => vec![env.clone()],
            (Pattern::List(items), Pattern::List(own_items))
            | (Pattern::Or(items), Pattern::Or(own_items)) => {
                let gap = |one: &Pattern| match one {
                    Pattern::Name(name, _) if matches!(self.fragment.word(*name), Word::Ellipsis) => {
                        super::sequence::Gap::Any
                    }
                    _ => super::sequence::Gap::No,
                };
                let span = |one: &Pattern| place(one).unwrap_or_default();
                self.sequence(items, own_items, env, &gap, &span, &|one, own, env| {
                    self.pattern(one, own, env)
                })
            }
            (Pattern::Object { fields, .. }, Pattern::Object { fields: own_fields, .. }) => {
                let open = fields.iter().any(|field| self.is_gap_pattern(&field.pattern));
                if !open && fields.len() != own_fields.len() {
                    return Vec::new();
                }
                let mut envs = vec![env.clone()];
                for field in fields.iter().filter(|field| !self.is_gap_pattern(&field.pattern)) {
                    envs = self.then(envs, |env| {
                        own_fields.iter().flat_map(|own| self.field_pattern(field, own, env)).collect()
                    });
                }
                envs
            }
            (Pattern::Rest(one), Pattern::Rest(own)) => self.pattern(one, own, env),
            (Pattern::Default(one, value), Pattern::Default(own, own_value)) => {
                let envs = self.pattern(one, own, env);
                self.then(envs, |env| self.expr(value, own_value, env))
            }
            (Pattern::Variant { of, items }, Pattern::Variant { of: own_of, items: own_items }) => {
                if items.len() != own_items.len() {
                    return Vec::new();
                }
                let mut envs = self.expr(of, own_of, env);
                for (one, own) in items.iter().zip(own_items) {
                    envs = self.then(envs, |env| self.pattern(one, own, env));
                }
                envs
            }
            _ => Vec::new(),
        }
    }

    fn is_gap_pattern(&self, pattern: &Pattern) -> bool {
        matches!(pattern, Pattern::Name(name, _) if matches!(self.fragment.word(*name), Word::Ellipsis))
    }

    fn field_pattern(
        &self,
        pattern: &gabion_syntax::tree::FieldPattern,
        own: &gabion_syntax::tree::FieldPattern,
        env: &Env,
    ) -> Vec<Env> {
        use gabion_syntax::tree::Key;
        let (Key::Name(key), Key::Name(own_key)) = (&pattern.key, &own.key) else { return Vec::new() };
        let within = place(&own.pattern).unwrap_or_default();
        let envs = self.word(*key, self.target.symbol(*own_key), within, env);
        self.then(envs, |env| self.pattern(&pattern.pattern, &own.pattern, env))
    }

    /// A name of a field against what a pattern of an assignment names.
    pub(super) fn named_pattern(
        &self,
        pattern: &Pattern,
        name: gabion_syntax::tree::Symbol,
        within: gabion_finding::Span,
        env: &Env,
    ) -> Vec<Env> {
        match pattern {
            Pattern::Name(own, _) => self.word(*own, self.target.symbol(name), within, env),
            _ => Vec::new(),
        }
    }
}

/// Where a member's name stands.
fn tail(own: &Expr) -> gabion_finding::Span {
    match &own.kind {
        ExprKind::Member { object, .. } => {
            gabion_finding::Span::new(object.span.end.min(own.span.end), own.span.end)
        }
        _ => own.span,
    }
}

pub(super) fn place(pattern: &Pattern) -> Option<gabion_finding::Span> {
    match pattern {
        Pattern::Name(_, span) => Some(*span),
        Pattern::Place(one) | Pattern::Value(one) => Some(one.span),
        Pattern::Default(inner, value) => place(inner).map(|span| span.join(value.span)),
        Pattern::Rest(inner) | Pattern::As(inner, _) => place(inner),
        Pattern::List(items) | Pattern::Or(items) => {
            items.iter().filter_map(place).reduce(gabion_finding::Span::join)
        }
        Pattern::Object { fields, rest } => {
            let rest = rest.as_deref().and_then(place);
            fields
                .iter()
                .filter_map(|field| place(&field.pattern))
                .chain(rest)
                .reduce(gabion_finding::Span::join)
        }
        Pattern::Variant { of, items } => {
            items.iter().filter_map(place).chain([of.span]).reduce(gabion_finding::Span::join)
        }
        Pattern::Ignore => None,
    }
}

/// `a + b + c` as its operands.
fn operands<'e>(op: BinaryOp, from: &'e Expr, into: &mut Vec<&'e Expr>) {
    match &from.kind {
        ExprKind::Binary { op: own, left, right } if *own == op && into.len() < OPERANDS => {
            operands(op, left, into);
            operands(op, right, into);
        }
        _ => into.push(from),
    }
}
