//! What conditions of Python tell: patterns, parts of addresses, folders.

use gabion_finding::Span;
use gabion_syntax::tree::{BinaryOp, Call, Expr, ExprKind};

use crate::interpret::Frame;
use crate::interpret::assign::with_field;
use crate::value::{Flow, KindSet, Value};
use crate::world::World;

impl World<'_> {
    /// A call that answered yes, where Python has its own ways; false where it has none.
    pub(in crate::interpret) fn python_tested(&mut self, frame: &mut Frame, call: &Call) -> bool {
        let ExprKind::Member { object, name } = &call.callee.kind else { return false };
        let name = frame.loaded.text(*name).to_owned();
        let argument = |at: usize| call.arguments.get(at).map(|argument| &argument.value);
        match name.as_str() {
            "match" | "fullmatch" | "search" => {
                let receiver = self.evaluate(frame, object);
                let (pattern, place) = if self.is_pattern(&receiver) {
                    (Some(receiver), argument(0))
                } else {
                    (argument(0).map(|pattern| self.evaluate(frame, pattern)), argument(1))
                };
                if let (Some(pattern), Some(place)) = (pattern, place)
                    && is_whole(&name, &pattern)
                {
                    self.trust(frame, place, KindSet::MAX);
                }
                true
            }
            "startswith" => {
                let Some(with) = argument(0).map(|with| self.evaluate(frame, with)) else { return true };
                self.python_begins(frame, object, &with);
                true
            }
            "is_relative_to" => {
                let value = self.evaluate(frame, object);
                let kinds = self.models.kinds.find(&["path"]);
                self.trust_flows(frame, &value, kinds);
                true
            }
            _ => false,
        }
    }

    /// `if m:`, where `m` is what a pattern found.
    pub(in crate::interpret) fn python_true(&mut self, frame: &mut Frame, place: &Expr) {
        let value = self.evaluate(frame, place);
        if value.origin.is_some_and(|origin| &*self.text_of(origin) == WHOLE) {
            self.trust_flows(frame, &value, KindSet::MAX);
        }
    }

    fn python_begins(&mut self, frame: &mut Frame, place: &Expr, with: &Value) {
        let value = self.evaluate(frame, place);
        if with.is_tainted() || value.flows.is_empty() {
            return;
        }
        let text = with.as_text().unwrap_or_default();
        if text.starts_with("http") {
            // `https://host` without its slash lets `https://host.evil` through.
            if text.split("://").nth(1).is_some_and(|host| host.contains('/')) {
                let kinds = self.models.kinds.find(&["url", "redirect"]);
                self.trust(frame, place, kinds);
            }
        } else if &*text == "/" {
            let kinds = self.models.kinds.find(&["redirect-slash"]);
            self.trust(frame, place, kinds);
        } else if &*text != "//" {
            // Only where no `..` is left in it.
            let raw = self.models.kinds.find(&["path-raw"]);
            if value.flows.iter().all(|flow| raw != 0 && flow.safe & raw != 0) {
                let kinds = self.models.kinds.find(&["path"]);
                self.trust_flows(frame, &value, kinds);
            }
        }
    }

    /// `not x.startswith("//")`: with one slash only it stays on this host.
    pub(in crate::interpret) fn python_tested_false(&mut self, frame: &mut Frame, call: &Call) {
        let ExprKind::Member { object, name } = &call.callee.kind else { return };
        if frame.loaded.text(*name) != "startswith" {
            return;
        }
        let with = call.arguments.first().map(|argument| self.evaluate(frame, &argument.value));
        let value = self.evaluate(frame, object);
        let slash = self.models.kinds.find(&["redirect-slash"]);
        let doubled = with.is_some_and(|with| {
            with.as_constant().is_some_and(|text| &*text == "//")
                || with.all_flows().is_empty() && matches!(with.shape, crate::value::Shape::List(_))
        });
        if doubled && slash != 0 && value.flows.iter().all(|flow| flow.safe & slash != 0) {
            let kinds = self.models.kinds.find(&["redirect"]);
            self.trust(frame, object, kinds);
        }
    }

    /// `parsed.netloc == …`, `parsed.hostname in ALLOWED`, `os.path.commonpath(…) == base`: what was looked at is safe.
    pub(in crate::interpret) fn python_compared(
        &mut self,
        frame: &mut Frame,
        op: BinaryOp,
        left: &Expr,
        right: &Expr,
        truth: bool,
    ) {
        let same = match op {
            BinaryOp::Equal | BinaryOp::Is | BinaryOp::In => truth,
            BinaryOp::NotEqual | BinaryOp::IsNot | BinaryOp::NotIn => !truth,
            _ => return,
        };
        if matches!(op, BinaryOp::In | BinaryOp::NotIn) && !same {
            return self.lacks(frame, left, right);
        }
        if !same {
            return;
        }
        for (place, other) in [(left, right), (right, left)] {
            match &place.kind {
                ExprKind::Member { object, name } => {
                    if matches!(frame.loaded.text(*name), "netloc" | "hostname") {
                        self.of_address(frame, object, other);
                    }
                }
                ExprKind::Call(_) => {
                    let value = self.evaluate(frame, place);
                    let path = value.origin.map(|origin| self.text_of(origin)).unwrap_or_default();
                    if matches!(&*path, "os.path.commonpath()" | "os.path.commonprefix()") {
                        let kinds = self.models.kinds.find(&["path"]);
                        self.trust_flows(frame, &value, kinds);
                    }
                }
                _ => {}
            }
        }
    }

    fn of_address(&mut self, frame: &mut Frame, address: &Expr, other: &Expr) {
        let address = self.evaluate(frame, address);
        let other = self.evaluate(frame, other);
        let path = address.origin.map(|origin| self.text_of(origin)).unwrap_or_default();
        if matches!(&*path, "urllib.parse.urlparse()" | "urllib.parse.urlsplit()")
            && other.all_flows().is_empty()
        {
            let kinds = self.models.kinds.find(&["url", "redirect"]);
            self.trust_flows(frame, &address, kinds);
        }
    }

    /// `if parsed.netloc: …`: without a host it leads to this one.
    pub(in crate::interpret) fn python_false(&mut self, frame: &mut Frame, place: &Expr) {
        let ExprKind::Member { object, name } = &place.kind else { return };
        if !matches!(frame.loaded.text(*name), "netloc" | "hostname") {
            return;
        }
        let address = self.evaluate(frame, object);
        let path = address.origin.map(|origin| self.text_of(origin)).unwrap_or_default();
        if matches!(&*path, "urllib.parse.urlparse()" | "urllib.parse.urlsplit()") {
            let kinds = self.models.kinds.find(&["redirect"]);
            self.trust_flows(frame, &address, kinds);
        }
    }

    /// `".." not in path`.
    fn lacks(&mut self, frame: &mut Frame, what: &Expr, place: &Expr) {
        let what = self.evaluate(frame, what).as_constant();
        let kinds: &[&str] = match (what.as_deref(), &place.kind) {
            (Some(".." | "../"), _) => &["path-below"],
            (Some("<"), _) => &["html", "markup"],
            // Between its quotes no other stands: it is a text and nothing else.
            (Some("'" | "\""), ExprKind::Slice { .. }) => &["code", "xpath"],
            (Some("'" | "\""), _) => &["xpath"],
            _ => return,
        };
        let kinds = self.models.kinds.find(kinds);
        match &place.kind {
            ExprKind::Slice { object, .. } => self.trust(frame, object, kinds),
            _ => self.trust(frame, place, kinds),
        }
    }

    /// What came the same way as this is safe for those kinds: it was looked at through something made of it.
    pub(in crate::interpret) fn trust_flows(&mut self, frame: &mut Frame, looked_at: &Value, kinds: KindSet) {
        let firsts: Vec<(usize, Span)> = looked_at.all_flows().iter().map(Flow::first).collect();
        if firsts.is_empty() || kinds == 0 {
            return;
        }
        // In order, so that what is found does not depend on memory.
        let mut names: Vec<_> = frame.scope.snapshot().into_iter().collect();
        names.sort_unstable_by_key(|(name, _)| *name);
        for (name, value) in names {
            if !value.flows.iter().any(|flow| firsts.contains(&flow.first())) {
                continue;
            }
            let flows = value.flows.iter().map(|flow| {
                let safe = if firsts.contains(&flow.first()) { flow.safe | kinds } else { flow.safe };
                Flow { safe, ..flow.clone() }
            });
            let flows = std::rc::Rc::new(flows.collect());
            frame.scope.declare(name, Value { flows, ..value });
        }
    }

    /// A call that did not fail tells of what it was given: `int(x)`, `path.relative_to(base)`.
    pub(in crate::interpret) fn python_called(&mut self, frame: &mut Frame, call: &Call, callee: &Value) {
        let Some(origin) = callee.origin else { return };
        if let [object, name, value] = call.arguments.as_slice()
            && matches!(call.callee.kind, ExprKind::Name(_))
            && &*self.text_of(origin) == "setattr"
        {
            let owner = self.evaluate(frame, &object.value);
            let (name, value) = (self.evaluate(frame, &name.value), self.evaluate(frame, &value.value));
            if let Some(name) = name.as_constant() {
                let name = self.name(&name);
                self.assign_owner(frame, &object.value, with_field(&owner, name, value));
            }
            return;
        }
        match &call.callee.kind {
            ExprKind::Name(_) | ExprKind::Member { .. } if call.arguments.len() == 1 => {}
            _ => return,
        }
        let Some(argument) = call.arguments.first() else { return };
        let path = self.text_of(origin);
        match &*path {
            "int" | "float" | "uuid.UUID" | "ipaddress.ip_address" => {
                if matches!(argument.value.kind, ExprKind::Name(_)) {
                    self.trust(frame, &argument.value, KindSet::MAX);
                }
            }
            path if path.ends_with(".relative_to") => {
                if let ExprKind::Member { object, .. } = &call.callee.kind {
                    let value = self.evaluate(frame, object);
                    let kinds = self.models.kinds.find(&["path"]);
                    self.trust_flows(frame, &value, kinds);
                }
            }
            _ => {}
        }
    }
}

/// What a pattern found that was held against a whole text.
pub(super) const WHOLE: &str = "gabion.whole()";

/// Whether a pattern is held against a whole text, and leaves no room for anything.
pub(super) fn is_whole(method: &str, pattern: &Value) -> bool {
    let Some(text) = pattern.as_constant() else { return false };
    let ends = text.ends_with('$') || text.ends_with("\\Z");
    let anchored = match method {
        "fullmatch" => true,
        "match" => ends,
        _ => ends && text.starts_with('^'),
    };
    anchored && super::text::holds_only_plain(pattern)
}
