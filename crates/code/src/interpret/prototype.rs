//! Objects that are taken from an object by a key somebody else chose: one of them is what all objects are made from.
//!
//! `target[key]` with the key `__proto__` is the prototype of all objects; setting a field of that, by a key that is chosen as
//! well, gives the field to every object there is. So two steps are needed: what is read by a chosen key is marked, and a mark
//! that is written to by a chosen key is a finding.

use std::rc::Rc;

use gabion_finding::Span;
use gabion_syntax::tree::{BinaryOp, Expr, ExprKind};

use super::{Frame, Given};
use crate::value::{Flow, KindSet, Known, Shape, Trace, Value};
use crate::world::World;

const NAMES: [&str; 3] = ["__proto__", "constructor", "prototype"];

impl World<'_> {
    /// What was read by a key.
    pub(super) fn read_by_key(
        &self,
        frame: &Frame,
        object: &Value,
        index: &Value,
        value: &mut Value,
        span: Span,
    ) {
        if !frame.loaded.language().is_script() || !index.is_tainted() {
            return;
        }
        let Some(from) = self.chosen_key(index) else { return };
        let made_of_nothing = object.origin.is_some_and(|origin| &*self.text_of(origin) == "Object.create()");
        if matches!(object.shape, Shape::List(_)) || made_of_nothing {
            return;
        }
        let kind = if from.source & self.models.kinds.find(&["exported"]) != 0 {
            "prototype-exported"
        } else {
            "prototype-read"
        };
        let length = from.trace.length.saturating_add(1);
        let says = "an object is taken by that key".into();
        let before = Some(Rc::clone(&from.trace));
        let trace = Rc::new(Trace { module: frame.module, span, says, before, length });
        let source = self.models.kinds.find(&[kind]);
        value.add_flows(&[Flow { source, safe: 0, trace, lasting: false, ..from }]);
    }

    /// Something is set by a key.
    pub(super) fn written_by_key(&mut self, frame: &Frame, owner: &Value, index: &Value, span: Span) {
        if !frame.loaded.language().is_script()
            || !index.is_tainted()
            || !owner.is_tainted()
            || self.chosen_key(index).is_none()
        {
            return;
        }
        let kind = self.models.kinds.find(&["prototype-write"]);
        let owner = Value { flows: Rc::clone(&owner.flows), ..Value::default() };
        self.arrived(frame, (kind, false, false), &owner, span, "an object that all others are made from");
    }

    /// Who chose a key, where it may be any name.
    fn chosen_key(&self, index: &Value) -> Option<Flow> {
        if index.is_harmless()
            || index.as_text().is_some_and(|text| text.chars().any(|one| one != crate::value::HOLE))
        {
            return None;
        }
        let write: KindSet = self.models.kinds.find(&["prototype-write"]);
        let from = self.models.kinds.find(&["http", "exported"]);
        index.flows.iter().find(|flow| flow.source & from != 0 && flow.safe & write == 0).cloned()
    }

    /// Whether something given is such an object: then a function may call itself once with it.
    pub(super) fn gives_prototype(&self, frame: &Frame, given: &[Given]) -> bool {
        let kinds = self.models.kinds.find(&["prototype-read", "prototype-exported"]);
        frame.loaded.language().is_script()
            && given.iter().any(|given| given.value.flows.iter().any(|flow| flow.source & kinds != 0))
    }

    /// `key !== '__proto__'`.
    pub(super) fn is_no_prototype(
        &mut self,
        frame: &mut Frame,
        op: BinaryOp,
        left: &Expr,
        right: &Expr,
        truth: bool,
    ) {
        let differs =
            matches!(op, BinaryOp::NotEqual) == truth && matches!(op, BinaryOp::Equal | BinaryOp::NotEqual);
        if !differs || !frame.loaded.language().is_script() {
            return;
        }
        for (place, other) in [(left, right), (right, left)] {
            if let ExprKind::String(text) = &other.kind
                && NAMES.contains(&frame.loaded.text(*text))
            {
                let kinds = self.models.kinds.find(&["prototype-write"]);
                self.trust(frame, place, kinds);
            }
        }
    }

    /// `['__proto__', 'constructor'].includes(key)` said no.
    pub(super) fn is_not_listed(&mut self, frame: &mut Frame, list: &Value, place: &Expr) {
        let named = match &list.shape {
            Shape::List(list) => {
                list.items.iter().filter_map(Value::as_constant).any(|text| NAMES.contains(&&*text))
            }
            _ => match &list.known {
                Known::Text(text) => NAMES.iter().any(|name| text.contains(name)),
                _ => false,
            },
        };
        if named {
            let kinds = self.models.kinds.find(&["prototype-write"]);
            self.trust(frame, place, kinds);
        }
    }
}
