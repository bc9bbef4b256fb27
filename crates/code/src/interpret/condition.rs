//! What a condition tells of the values in it.

use gabion_syntax::Language;
use gabion_syntax::tree::{BinaryOp, Call, Expr, ExprKind, LogicalOp, UnaryOp};

use super::Frame;
use super::asked::Answer;
use crate::models::End;
use crate::value::{KindSet, Known, Shape, Value};
use crate::world::{Ending, World};

/// Where something does harm whatever its form is.
const SECRET: &[&str] = &[
    "stored-password",
    "stored-personal",
    "stored-key",
    "log-secret",
    "answer",
    "claims",
    "fast-hash",
    "page-store",
];

impl World<'_> {
    /// Where the condition is true, or is not.
    pub(super) fn refine(&mut self, frame: &mut Frame, condition: &Expr, truth: bool) {
        match &condition.kind {
            ExprKind::Unary { op: UnaryOp::Not, operand } => self.refine(frame, operand, !truth),
            ExprKind::Logical { op: LogicalOp::And, left, right } if truth => {
                self.refine(frame, left, true);
                self.refine(frame, right, true);
            }
            ExprKind::Logical { op: LogicalOp::Or, left, right } if !truth => {
                self.refine(frame, left, false);
                self.refine(frame, right, false);
            }
            // Of `true && x` only `x` can have been false.
            ExprKind::Logical { op, left, right } if decided(left) == Some(*op == LogicalOp::And) => {
                self.refine(frame, right, truth);
            }
            // Either of the two.
            ExprKind::Logical { op: LogicalOp::And | LogicalOp::Or, left, right } => {
                let before = frame.scope.snapshot();
                self.refine(frame, left, truth);
                let first = frame.scope.snapshot();
                frame.scope.restore(before);
                self.refine(frame, right, truth);
                let second = frame.scope.snapshot();
                frame.scope.restore(crate::scope::Scope::join(first, &second));
            }
            ExprKind::Index { object, index } if truth && super::member::is_typed(&frame.loaded) => {
                self.is_key(frame, object, index);
            }
            ExprKind::Binary { op, left, right } => {
                self.compared(frame, *op, left, right, truth);
                if frame.loaded.language() == Language::Python {
                    self.python_compared(frame, *op, left, right, truth);
                }
            }
            ExprKind::TypeTest { value, of_type, .. } if truth => {
                let mut tested = self.evaluate(frame, value);
                self.claim(frame, &mut tested, of_type);
                self.narrow(frame, value, tested);
            }
            ExprKind::Name(_) if truth && frame.loaded.language() == Language::Python => {
                self.python_true(frame, condition);
            }
            ExprKind::Member { .. } if !truth && frame.loaded.language() == Language::Python => {
                self.python_false(frame, condition);
            }
            ExprKind::Call(call) if truth => self.tested(frame, call),
            ExprKind::Call(call) => self.tested_false(frame, call),
            _ => {}
        }
    }

    fn compared(&mut self, frame: &mut Frame, op: BinaryOp, left: &Expr, right: &Expr, truth: bool) {
        self.is_no_prototype(frame, op, left, right, truth);
        let same = match op {
            BinaryOp::Equal | BinaryOp::Is => truth,
            BinaryOp::NotEqual | BinaryOp::IsNot => !truth,
            BinaryOp::In if truth => return self.in_fixed(frame, left, right),
            BinaryOp::NotIn if !truth => return self.in_fixed(frame, left, right),
            // `list.indexOf(x) >= 0`, `> -1`.
            BinaryOp::Greater | BinaryOp::GreaterEqual if truth => {
                if let ExprKind::Call(call) = &left.kind {
                    self.tested(frame, call);
                }
                return;
            }
            BinaryOp::Less if !truth => {
                if let ExprKind::Call(call) = &left.kind {
                    self.tested(frame, call);
                }
                return;
            }
            _ => return,
        };
        // `typeof x === "number"`.
        if let ExprKind::Unary { op: UnaryOp::TypeOf, operand } = &left.kind {
            let of = self.evaluate(frame, right).as_constant();
            if same && matches!(of.as_deref(), Some("number" | "boolean" | "bigint")) {
                self.narrow(frame, operand, Value::known(Known::Harmless));
            } else if same && of.as_deref() == Some("string") {
                let kinds = self.models.kinds.find(&["nosql"]);
                self.trust(frame, operand, kinds);
            }
            return;
        }
        // `list.indexOf(x) === -1` and its opposite.
        if let ExprKind::Call(call) = &left.kind
            && matches!(right.kind, ExprKind::Unary { op: UnaryOp::Minus, .. })
        {
            if !same {
                self.tested(frame, call);
            }
            return;
        }
        if !same {
            // `clean(x) != null`.
            for (place, other) in [(left, right), (right, left)] {
                if let (ExprKind::Call(call), ExprKind::Null) = (&place.kind, &other.kind) {
                    self.asked(frame, call, Answer::Something);
                }
            }
            return;
        }
        for (place, other) in [(left, right), (right, left)] {
            if matches!(
                other.kind,
                ExprKind::Name(_) | ExprKind::String(_) | ExprKind::Number(_) | ExprKind::Member { .. }
            ) {
                let constant = self.evaluate(frame, other);
                if constant.as_constant().is_some() && !constant.is_tainted() {
                    self.of_this_host(frame, place);
                    self.narrow(frame, place, constant);
                    return;
                }
            }
        }
    }

    fn in_fixed(&mut self, frame: &mut Frame, place: &Expr, list: &Expr) {
        let list = self.evaluate(frame, list);
        if list.all_flows().is_empty() && (!matches!(list.shape, Shape::Unknown) || list.as_text().is_none())
        {
            self.trust(frame, place, KindSet::MAX);
        }
    }

    /// A call that answered yes.
    fn tested(&mut self, frame: &mut Frame, call: &Call) {
        if frame.loaded.language() == Language::Python && self.python_tested(frame, call)
            || self.answered_typed(frame, call, true)
        {
            return;
        }
        if frame.loaded.language().is_script() {
            self.script_tested(frame, call);
        }
        if self.matches_fixed(frame, call) {
            return;
        }
        let first = call.arguments.first().map(|argument| &argument.value);
        let mut name = String::new();
        if let ExprKind::Member { object, name: method } = &call.callee.kind {
            name = frame.loaded.text(*method).to_owned();
            let receiver = self.evaluate(frame, object);
            match name.as_str() {
                // `PATTERN.matcher(x).matches()`.
                "matches" | "find" if first.is_none() => return self.fits(frame, object, &name),
                "includes" | "has" | "contains" | "indexOf" | "containsKey" | "hasOwnProperty" | "some"
                | "find" => {
                    if receiver.all_flows().iter().all(|flow| flow.guessed)
                        && let Some(place) = first
                    {
                        self.of_host(frame, place);
                        self.trust(frame, place, KindSet::MAX);
                    }
                    return;
                }
                "test" | "fullmatch" | "is_match" | "matches" | "MatchString" => {
                    if let Some(place) = first
                        && whole(&receiver)
                    {
                        self.trust(frame, place, KindSet::MAX);
                    }
                    if name == "matches"
                        && let Some(pattern) = first
                    {
                        // Java asks the text, and always about all of it.
                        let pattern = self.evaluate(frame, pattern);
                        if pattern.as_constant().is_some_and(|pattern| !pattern.contains(".*")) {
                            self.trust(frame, object, KindSet::MAX);
                        }
                    }
                    return;
                }
                "equals" | "equalsIgnoreCase" | "contentEquals" => {
                    if let Some(other) = first {
                        let other_value = self.evaluate(frame, other);
                        if receiver.alternatives().is_some_and(|all| all.len() > 1) {
                            self.trust(frame, other, KindSet::MAX);
                        } else if receiver.as_constant().is_some() && !receiver.is_tainted() {
                            self.narrow(frame, other, receiver);
                        } else if other_value.as_constant().is_some() && !other_value.is_tainted() {
                            self.narrow(frame, object, other_value);
                        }
                    }
                    return;
                }
                "match" => {
                    if let Some(pattern) = first {
                        let pattern = self.evaluate(frame, pattern);
                        if whole(&pattern) {
                            self.trust(frame, object, KindSet::MAX);
                        }
                    }
                    return;
                }
                "isdigit" | "isalnum" | "isnumeric" | "isalpha" | "isdecimal" | "isidentifier" => {
                    self.trust(frame, object, KindSet::MAX);
                    return;
                }
                "startsWith" | "startswith" | "starts_with" | "HasPrefix" => {
                    self.begins(frame, object, first);
                    return;
                }
                _ => {}
            }
        } else if let ExprKind::Name(symbol) = &call.callee.kind {
            name = frame.loaded.text(*symbol).to_owned();
        }
        let callee = self.evaluate(frame, &call.callee);
        if let Some(origin) = callee.origin {
            let known = self.known(origin, Ending::Call, frame.loaded.language());
            let models = self.models;
            for (end, kinds) in known.iter().filter_map(|at| models.get(*at)?.validates.as_ref()) {
                if let End::Argument(at) = end
                    && let Some(argument) = call.arguments.get(*at)
                {
                    self.trust(frame, &argument.value, *kinds);
                }
            }
        }
        self.asked(frame, call, Answer::Yes);
        if sounds_like_a_check(&name) {
            for argument in &call.arguments {
                self.trust(frame, &argument.value, KindSet::MAX);
            }
        }
    }

    /// A call that answered no: `isNaN(x)`.
    fn tested_false(&mut self, frame: &mut Frame, call: &Call) {
        if frame.loaded.language() == Language::Python {
            return self.python_tested_false(frame, call);
        }
        if self.answered_typed(frame, call, false) {
            return;
        }
        if frame.loaded.language().is_script() {
            self.script_tested_false(frame, call);
        }
        let name = match &call.callee.kind {
            ExprKind::Name(symbol) => frame.loaded.text(*symbol),
            ExprKind::Member { name, .. } => frame.loaded.text(*name),
            _ => return,
        };
        if let (ExprKind::Member { object, .. }, "includes" | "has" | "test" | "indexOf", Some(place)) =
            (&call.callee.kind, name, call.arguments.first())
        {
            let list = self.evaluate(frame, object);
            self.is_not_listed(frame, &list, &place.value);
            return;
        }
        if name == "isNaN"
            && let Some(argument) = call.arguments.first()
        {
            return self.narrow(frame, &argument.value, Value::known(Known::Harmless));
        }
        self.asked(frame, call, Answer::No);
    }

    /// The host of an address is one of a list: the address leads nowhere else.
    fn of_host(&mut self, frame: &mut Frame, place: &Expr) {
        let name = match &place.kind {
            ExprKind::Call(call) => match &call.callee.kind {
                ExprKind::Member { name, .. } => *name,
                _ => return,
            },
            ExprKind::Name(symbol) | ExprKind::Member { name: symbol, .. } => *symbol,
            _ => return,
        };
        let name = frame.loaded.text(name).to_lowercase();
        if ["host", "domain", "authority"].iter().any(|part| name.contains(part)) {
            let kinds = self.models.kinds.find(&["url", "redirect"]);
            self.trust_same_source(frame, place, kinds);
        }
        self.of_this_host(frame, place);
    }

    /// A pattern that was held against a text and fits.
    fn fits(&mut self, frame: &mut Frame, matcher: &Expr, how: &str) {
        let ExprKind::Call(call) = &matcher.kind else { return };
        let (ExprKind::Member { object, name }, Some(text)) = (&call.callee.kind, call.arguments.first())
        else {
            return;
        };
        if frame.loaded.text(*name) != "matcher" {
            return;
        }
        let pattern = self.evaluate(frame, object);
        let limits = pattern.as_constant().is_some_and(|pattern| !pattern.contains(".*"));
        if limits && (how == "matches" || whole(&pattern)) {
            self.trust(frame, &text.value, KindSet::MAX);
        }
    }

    /// A path below a folder, an address on a host: nothing else is the matter any more.
    pub(super) fn begins(&mut self, frame: &mut Frame, place: &Expr, with: Option<&Expr>) {
        let Some(with) = with else { return };
        let with = self.evaluate(frame, with);
        if !with.all_flows().is_empty() {
            return;
        }
        let kinds = match with.as_text() {
            Some(text) if text.starts_with("http") => {
                // `https://host` without its slash lets `https://host.evil` through.
                let host = text.split("://").nth(1).unwrap_or_default();
                if !host.contains('/') {
                    return;
                }
                self.models.kinds.find(&["url", "redirect"])
            }
            Some(text) if &*text == "/" => return,
            _ => {
                let kinds = self.models.kinds.find(&["path"]);
                self.trust_same_source(frame, place, kinds);
                kinds
            }
        };
        self.trust(frame, place, kinds);
    }

    /// A path is checked in its canonical form and used as it is: whatever comes from the same source is checked by it.
    fn trust_same_source(&mut self, frame: &mut Frame, place: &Expr, kinds: KindSet) {
        if frame.loaded.language() != Language::Java {
            return;
        }
        let checked = self.evaluate(frame, place).all_flows();
        let mut variables = frame.scope.snapshot();
        for value in variables.values_mut().filter(|value| value.is_tainted()) {
            let same = |flow: &crate::value::Flow| checked.iter().any(|other| other.first() == flow.first());
            if value.flows.iter().all(same) {
                *value = value.made_safe(kinds);
            }
        }
        frame.scope.restore(variables);
    }

    /// What stands there is safe for those kinds from here on.
    pub(super) fn trust(&mut self, frame: &mut Frame, place: &Expr, kinds: KindSet) {
        let value = self.evaluate(frame, place);
        // Of a good form it may be; a secret stays a secret.
        let safe = value.made_safe(kinds & !self.models.kinds.find(SECRET));
        self.narrow(frame, place, safe);
    }

    /// Only names and fields of names can be told apart again.
    pub(super) fn narrow(&mut self, frame: &mut Frame, place: &Expr, value: Value) {
        match &place.kind {
            ExprKind::Name(_) | ExprKind::Member { .. } | ExprKind::Index { .. } => {
                self.assign_quietly(frame, place, value)
            }
            // `f(x.toLowerCase())`, `String(x)`.
            ExprKind::Call(call) => {
                if let ExprKind::Member { object, name } = &call.callee.kind
                    && call.arguments.is_empty()
                {
                    let method = frame.loaded.text(*name);
                    let rust = frame.loaded.language() == Language::Rust && super::idiom::is_same(method);
                    if rust || same_text(method) {
                        self.narrow(frame, object, value);
                    } else if let Some(property) = super::java::property(method, &["get"])
                        && frame.loaded.language() == Language::Java
                    {
                        // `cookie.getName()`: of the cookie only its name.
                        let owner = self.evaluate(frame, object);
                        let name = self.name(&property);
                        let owner = super::assign::with_field(&owner, name, value);
                        self.narrow(frame, object, owner);
                    }
                }
            }
            ExprKind::Cast { value: inner, .. } | ExprKind::Await(inner) | ExprKind::Reference(inner) => {
                self.narrow(frame, inner, value)
            }
            _ => {}
        }
    }
}

/// What is written as `true` or `false`.
pub(super) fn decided(condition: &Expr) -> Option<bool> {
    match &condition.kind {
        ExprKind::Bool(truth) => Some(*truth),
        ExprKind::Unary { op: UnaryOp::Not, operand } => decided(operand).map(|truth| !truth),
        _ => None,
    }
}

/// Whether a pattern is held against a whole text.
fn whole(pattern: &Value) -> bool {
    let Some(text) = pattern.as_constant() else { return false };
    let ends = text.ends_with('$') || text.ends_with("\\z") || text.ends_with("\\Z");
    text.starts_with('^') && ends && !text.contains(".*") && !text.contains(".+")
}

/// Methods that give the text they are called on in another form.
fn same_text(method: &str) -> bool {
    let method = method.to_lowercase().replace('_', "");
    ["to", "trim", "strip", "lower", "upper", "intern", "clone", "normali", "getcanonical", "getabsolute"]
        .iter()
        .any(|start| method.starts_with(start))
}

fn sounds_like_a_check(name: &str) -> bool {
    let name = name.to_lowercase().replace('_', "");
    [
        "isvalid",
        "isallowed",
        "issafe",
        "iswhitelist",
        "istrusted",
        "isallowlist",
        "islocal",
        "validate",
        "isuuid",
        "isint",
        "isnumeric",
        "isalphanumeric",
        "ispermitted",
    ]
    .iter()
    .any(|start| name.starts_with(start))
}
