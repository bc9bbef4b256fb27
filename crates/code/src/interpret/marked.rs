//! Rules in the format of semgrep that follow values: their patterns name places ([`crate::marks`]), values carry the rules they
//! come from.

use std::rc::Rc;

use gabion_finding::Span;
use gabion_patterns::{Mark, Role};
use gabion_syntax::tree::{Expr, ExprKind, Pattern};

use super::Frame;
use crate::value::{Flow, KindSet, Shape, Trace, Value};
use crate::world::{Hit, World};

/// The kind of all sources of these rules: which rule, its marks say.
const PATTERN: KindSet = 1 << 63;
/// Expressions in an expression that are looked through for the ends of a propagator.
const PARTS: usize = 400;

impl World<'_> {
    /// A value where it is evaluated: it may come from a source, go on, become harmless, arrive.
    pub(super) fn marked(&mut self, frame: &mut Frame, from: &Expr, value: Value) -> Value {
        let loaded = Rc::clone(&frame.loaded);
        let mut value = value;
        for mark in loaded.marks.at(from.span) {
            match mark.role {
                Role::Source { number, label, side_effect } => {
                    value = self.sourced(frame, mark, (number, label), from.span, value);
                    if side_effect {
                        self.assign_owner(frame, from, value.clone());
                    }
                }
                Role::Propagator { from: start, to } => self.propagate(frame, mark, from, start, to),
                Role::Sink { .. } | Role::Sanitizer { .. } => {}
            }
        }
        // What is called is no value of its own here: `db.query` in `db.query(x)`. What it is a source of, the call gives.
        if let ExprKind::Call(call) = &from.kind {
            for mark in loaded.marks.at(call.callee.span) {
                if let Role::Source { number, label, .. } = mark.role {
                    value = self.sourced(frame, mark, (number, label), call.callee.span, value);
                }
            }
        }
        if loaded.marks.around(from.span).next().is_none()
            || !value.all_flows().iter().any(|flow| !flow.marks.is_empty())
        {
            return value;
        }
        for mark in loaded.marks.around(from.span) {
            if let Role::Sanitizer { side_effect, .. } = mark.role {
                value = without(&value, mark.rule);
                if side_effect {
                    self.assign_owner(frame, from, value.clone());
                }
            }
        }
        for mark in loaded.marks.around(from.span) {
            if let Role::Sink { number, message, .. } = &mark.role
                && self.is_given(frame, mark.span, from.span)
            {
                self.reaches(frame, mark, *number, message, &value);
            }
        }
        value
    }

    /// Of a sink that is an expression only what it is given itself counts: not what its arguments are made of, nor what a
    /// function in them does.
    fn is_given(&self, frame: &Frame, sink: Span, at: Span) -> bool {
        if sink == at {
            return true;
        }
        let open = self.arriving.iter().rev().find(|(_, span, _)| *span == sink);
        open.is_none_or(|(function, _, depth)| *function == frame.function && self.depth == *depth)
    }

    /// A name where it is set: a parameter may be a source.
    pub(super) fn marked_name(&mut self, frame: &Frame, span: Span, value: Value) -> Value {
        let mut value = value;
        for mark in frame.loaded.marks.at(span) {
            if let Role::Source { number, label, .. } = mark.role {
                value = self.sourced(frame, mark, (number, label), span, value);
            }
        }
        value
    }

    fn sourced(
        &self,
        frame: &Frame,
        mark: &Mark,
        (number, label): (u32, u8),
        span: Span,
        value: Value,
    ) -> Value {
        let mut value = value;
        if let Some(requires) = self.patterns.source_requires(mark.rule as usize, number as usize) {
            let has = value.all_flows().iter().fold(0, |all, flow| all | labels(flow, mark.rule));
            if !requires.holds(has) {
                return value;
            }
        }
        let labels = 1_u64.checked_shl(u32::from(label)).unwrap_or(0);
        let flow = Self::source(frame, PATTERN, span, "a source of the rule");
        value.add_flows(&[Flow { marks: Rc::new(vec![(mark.rule, labels)]), ..flow }]);
        value
    }

    /// What is at one place of an expression goes to another.
    fn propagate(&mut self, frame: &mut Frame, mark: &Mark, within: &Expr, start: Span, to: Span) {
        let (Some(start), Some(to)) = (part_at(within, start), part_at(within, to)) else { return };
        let given = self.evaluate(frame, start);
        let flows: Vec<Flow> =
            given.all_flows().iter().filter(|flow| labels(flow, mark.rule) != 0).cloned().collect();
        if !flows.is_empty() {
            let mut owner = self.evaluate(frame, to);
            owner.add_flows(&flows);
            self.assign_owner(frame, to, owner);
        }
    }

    fn reaches(&mut self, frame: &Frame, mark: &Mark, sink: u32, message: &str, value: &Value) {
        let patterns = self.patterns;
        let Some(requires) = patterns.requires(mark.rule as usize, sink as usize) else { return };
        let flows = value.all_flows();
        let all = flows.iter().fold(0, |all, flow| all | labels(flow, mark.rule));
        if all == 0 || !requires.holds(all) {
            return;
        }
        let Some(flow) = flows.iter().find(|flow| labels(flow, mark.rule) != 0) else { return };
        let before = Some(Rc::clone(&flow.trace));
        let length = flow.trace.length.saturating_add(1);
        let says = "it arrives here".into();
        let trace = Trace { module: frame.module, span: mark.span, says, before, length };
        let within = self.function_name(frame);
        let rule = self.rules.rules.len().saturating_add(mark.rule as usize);
        self.hit(Hit {
            rule,
            module: frame.module,
            span: mark.span,
            trace: Some(Rc::new(trace)),
            callee: message.into(),
            within,
            weak: false,
        });
    }
}

/// The labels that a flow has of a rule.
fn labels(flow: &Flow, rule: u32) -> u64 {
    flow.marks.iter().find(|(own, _)| *own == rule).map_or(0, |(_, labels)| *labels)
}

/// The same value, harmless to a rule.
fn without(value: &Value, rule: u32) -> Value {
    let flows = value.all_flows();
    if flows.iter().all(|flow| labels(flow, rule) == 0) {
        return value.clone();
    }
    let left = flows.iter().filter_map(|flow| {
        let marks: Vec<(u32, u64)> = flow.marks.iter().filter(|(own, _)| *own != rule).copied().collect();
        (flow.marks.is_empty() || !marks.is_empty()).then(|| Flow { marks: Rc::new(marks), ..flow.clone() })
    });
    let left: Vec<Flow> = left.collect();
    let shape = match &value.shape {
        shape @ (Shape::Function(_) | Shape::Class(_)) => shape.clone(),
        _ => Shape::Unknown,
    };
    Value { flows: Rc::new(left), shape, ..value.clone() }
}

/// The expression at a place within another.
fn part_at(within: &Expr, span: Span) -> Option<&Expr> {
    let mut open = vec![within];
    let mut left = PARTS;
    while let Some(one) = open.pop() {
        if one.span == span {
            return Some(one);
        }
        left = left.checked_sub(1)?;
        match &one.kind {
            ExprKind::Call(call) => {
                open.push(&call.callee);
                open.extend(call.arguments.iter().map(|argument| &argument.value));
            }
            ExprKind::Member { object: inner, .. }
            | ExprKind::Await(inner)
            | ExprKind::Reference(inner)
            | ExprKind::Spread(inner)
            | ExprKind::Cast { value: inner, .. } => open.push(inner),
            ExprKind::Index { object, index } => open.extend([&**object, &**index]),
            ExprKind::Binary { left, right, .. } | ExprKind::Logical { left, right, .. } => {
                open.extend([&**left, &**right]);
            }
            ExprKind::Assign { target, value, .. } => {
                open.push(value);
                if let Pattern::Place(place) = &**target {
                    open.push(place);
                }
            }
            ExprKind::List { items, .. } => open.extend(items),
            _ => {}
        }
    }
    None
}
