//! What a call leaves in what it was given: pointers that are filled, builders that go on, answers that get their type.

use std::rc::Rc;

use gabion_finding::Span;
use gabion_syntax::tree::{Call, Expr, ExprKind, Function, Pattern};

use super::member::{is_number, is_typed};
use super::{Frame, Given};
use crate::models::{End, Model};
use crate::value::{Flow, Known, Shape, Value, concatenated};
use crate::world::{Ending, World};

/// What a call puts where.
#[derive(Debug, Default)]
pub(super) struct Outputs {
    filled: Vec<(End, Value)>,
    joins: bool,
    marked: Option<String>,
}

/// Parts of an expression that are looked through for the place it begins with.
const DEEPEST: usize = 8;

impl World<'_> {
    /// What the models of a call say of its arguments behind it.
    pub(super) fn outputs(
        &mut self,
        frame: &Frame,
        callee: &Value,
        receiver: Option<&Value>,
        given: &[Given],
        span: Span,
    ) -> Outputs {
        let mut outputs = Outputs::default();
        let Some(origin) = callee.origin.filter(|_| matches!(callee.shape, Shape::Unknown)) else {
            return outputs;
        };
        let known = self.known(origin, Ending::Call, frame.loaded.language());
        let models = self.models;
        for model in known.iter().filter_map(|at| models.get(*at)) {
            outputs.joins |= model.joins;
            for (from, to) in model.flows.iter().filter(|(_, to)| *to != End::Result) {
                let mut value = Value::default();
                if *from == End::Result {
                    let says = model.says.clone().unwrap_or_else(|| self.text_of(origin).to_string());
                    if model.source != 0 {
                        let flow = Self::source(frame, model.source, span, &says);
                        value.flows = Rc::new(vec![Flow { lasting: model.lasting, ..flow }]);
                    }
                }
                self.ends(from, receiver, given, span)
                    .iter()
                    .for_each(|(from, _)| value.add_flows(&from.all_flows()));
                outputs.filled.push((to.clone(), value));
            }
            if let Some(mark) = &model.marks {
                let mut positional = given.iter().filter(|given| given.name.is_none());
                let text = positional.nth(mark.argument).and_then(|given| given.value.as_constant());
                if text.is_some_and(|text| mark.matches.is_match(&text)) {
                    outputs.marked = Some(mark.path.clone());
                }
            }
        }
        outputs
    }

    /// Puts it there.
    pub(super) fn put_back(
        &mut self,
        frame: &mut Frame,
        call: &Call,
        callee: &Value,
        receiver: Option<&Value>,
        value: &mut Value,
        outputs: Outputs,
    ) {
        let object = match &call.callee.kind {
            ExprKind::Member { object, .. } => Some(object.as_ref()),
            _ => None,
        };
        for (end, from) in outputs.filled {
            let arguments: Vec<&Expr> = match end {
                End::Argument(at) => call.arguments.get(at).map(|one| &one.value).into_iter().collect(),
                End::From(at) => call.arguments.iter().skip(at).map(|one| &one.value).collect(),
                End::Receiver => object.into_iter().collect(),
                _ => Vec::new(),
            };
            for argument in arguments {
                let place = place(argument);
                let mut filled = self.evaluate(frame, place);
                // An answer that was written to is no source.
                let path = filled.origin.map(|origin| self.text_of(origin)).unwrap_or_default();
                if path.ends_with("Writer()") && !path.ends_with("StringWriter()") {
                    continue;
                }
                // What it was before it is no more, as far as that is a text.
                if matches!(filled.known, Known::Text(_) | Known::Null) {
                    filled.known = Known::Nothing;
                }
                if let Shape::List(list) = &filled.shape
                    && list.items.iter().all(|item| matches!(item.known, Known::Number(_)))
                {
                    filled.shape = Shape::Unknown;
                }
                if !filled.is_harmless() {
                    filled.add_flows(&from.flows);
                }
                self.assign_owner(frame, place, filled);
            }
        }
        if outputs.joins
            && let (Some(object), Some(receiver)) = (object, receiver)
            && matches!(receiver.known, Known::Text(_))
        {
            self.assign_owner(frame, object, value.clone());
        }
        if let Some(path) = outputs.marked {
            let origin = self.path(&path);
            value.origin = origin;
            if let Some(object) = object {
                let place = begins(object);
                let before = self.evaluate(frame, place);
                self.assign_owner(frame, place, Value { origin, ..before });
            }
        }
        if matches!(callee.shape, Shape::Function(_)) && points(&frame.loaded) {
            self.left_in_places(frame, call);
        }
    }

    /// What a function of this tree did to what its parameters point at.
    fn left_in_places(&mut self, frame: &mut Frame, call: &Call) {
        let left = std::mem::take(&mut self.left_in_arguments);
        for (argument, left) in call.arguments.iter().zip(left) {
            let Some(left) = left else { continue };
            let inner = place(&argument.value);
            if !matches!(inner.kind, ExprKind::Name(_) | ExprKind::Member { .. } | ExprKind::This) {
                continue;
            }
            let flows = left.all_flows().len();
            let pointed = matches!(argument.value.kind, ExprKind::Reference(_));
            let before = self.evaluate(frame, inner);
            if before.is_harmless() && !matches!(before.known, Known::Null) {
                continue;
            }
            let gained = flows > before.all_flows().len();
            let shaped =
                pointed && matches!(before.shape, Shape::Unknown) && !matches!(left.shape, Shape::Unknown);
            if gained || shaped {
                let joined = if shaped { left } else { before.join(&left) };
                self.assign_owner(frame, inner, joined);
            }
        }
    }

    /// What parameters hold when their function ends.
    pub(super) fn left(frame: &Frame, function: &Function) -> Vec<Option<Value>> {
        if !points(&frame.loaded) {
            return Vec::new();
        }
        let params = function.params.iter().map(|param| {
            let Pattern::Name(name, _) = &param.pattern else { return None };
            let text = param.of_type.as_ref().map_or("", |of| frame.loaded.text(of.path));
            let text_of_java = !is_typed(&frame.loaded) && matches!(text, "String" | "java.lang.String");
            if text == "string" || text_of_java || is_number(text) {
                return None;
            }
            frame.scope.get(frame.loaded.name(*name))
        });
        params.collect()
    }

    /// A text of all that went in, where a model says that it becomes one.
    pub(super) fn joined_text(
        &mut self,
        models: &[&Model],
        receiver: Option<&Value>,
        given: &[Given],
    ) -> Option<Value> {
        if !models.iter().any(|model| model.joins) {
            return None;
        }
        let before = receiver.filter(|receiver| matches!(receiver.known, Known::Text(_)));
        Some(spaced(before.into_iter().chain(given.iter().map(|given| &given.value))))
    }
}

/// Whether parameters may point at what the caller has.
fn points(loaded: &crate::world::Loaded) -> bool {
    is_typed(loaded) || loaded.language() == gabion_syntax::Language::Java
}

/// Texts with spaces between; of lists their items.
pub(super) fn spaced<'a>(values: impl Iterator<Item = &'a Value>) -> Value {
    let space = Value::text(" ");
    let mut parts: Vec<Value> = Vec::new();
    for value in values {
        let items = match &value.shape {
            Shape::List(list) if list.rest.is_none() => list.items.clone(),
            _ => vec![value.clone()],
        };
        for item in items {
            if !parts.is_empty() {
                parts.push(space.clone());
            }
            parts.push(item);
        }
    }
    concatenated(&parts)
}

/// `&x` points at `x`.
fn place(from: &Expr) -> &Expr {
    match &from.kind {
        ExprKind::Reference(inner) | ExprKind::Cast { value: inner, .. } => place(inner),
        // `new PrintWriter(text)`: what is written upon something goes into that.
        ExprKind::Call(call) if call.new => match call.arguments.as_slice() {
            [only] if matches!(only.value.kind, ExprKind::Name(_)) => &only.value,
            _ => from,
        },
        _ => from,
    }
}

/// What a chain of calls begins with: `w` of `w.Header()`.
fn begins(from: &Expr) -> &Expr {
    let mut at = from;
    for _ in 0..DEEPEST {
        match &at.kind {
            ExprKind::Call(call) => match &call.callee.kind {
                ExprKind::Member { object, .. } => at = object,
                _ => return at,
            },
            _ => return at,
        }
    }
    at
}
