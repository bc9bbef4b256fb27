//! Checks as Go and Rust write them: functions of packages that are asked about their argument.

use gabion_syntax::Language;
use gabion_syntax::tree::{BinaryOp, Call, Expr, ExprKind};

use super::Frame;
use crate::value::{KindSet, Shape, Value};
use crate::world::World;

impl World<'_> {
    /// A call that answered; true where nothing else is to be told of it.
    pub(super) fn answered_typed(&mut self, frame: &mut Frame, call: &Call, truth: bool) -> bool {
        let ExprKind::Member { object, name } = &call.callee.kind else { return false };
        let name = frame.loaded.text(*name).to_owned();
        let mut arguments = call.arguments.iter().map(|argument| &argument.value);
        let (first, second) = (arguments.next(), arguments.next());
        match (frame.loaded.language(), name.as_str(), truth) {
            (Language::Go, "HasPrefix", true) => {
                if let Some(place) = first {
                    self.begins(frame, place, second);
                }
                true
            }
            // `filepath.Rel` that leads out of the folder.
            (Language::Go, "HasPrefix" | "Contains" | "ContainsAny", false) => {
                if let (Some(place), Some(what)) = (first, second) {
                    self.without_dots(frame, place, what);
                }
                true
            }
            (Language::Go, "Contains", true) => {
                if let (Some(list), Some(place)) = (first, second) {
                    let list = self.evaluate(frame, list);
                    if matches!(list.shape, Shape::List(_)) && list.all_flows().is_empty() {
                        self.trust(frame, place, KindSet::MAX);
                    }
                }
                true
            }
            (Language::Java, "contains", false) => {
                if let Some(what) = first {
                    self.without_dots(frame, object, what);
                }
                false
            }
            (Language::Rust, "contains" | "starts_with", false) => {
                if let Some(what) = first {
                    self.without_dots(frame, object, what);
                    if name == "contains" {
                        self.without_slash(frame, object, what);
                    }
                }
                true
            }
            (Language::Rust, "contains" | "contains_key", true) => {
                let list = self.evaluate(frame, object);
                if let Some(place) = first
                    && list.all_flows().is_empty()
                {
                    self.trust(frame, place, KindSet::MAX);
                }
                true
            }
            // `name.chars().all(|c| c.is_alphanumeric())`.
            (Language::Rust, "all", true) => {
                if let Some(place) = asked(object) {
                    self.trust(frame, place, KindSet::MAX);
                }
                true
            }
            _ => false,
        }
    }

    /// A path without `..` stays where it is.
    fn without_dots(&mut self, frame: &mut Frame, place: &Expr, what: &Expr) {
        let what = self.evaluate(frame, what).as_constant();
        if what.is_some_and(|what| what.starts_with("..")) {
            let kinds = self.models.kinds.find(&["path"]);
            self.trust(frame, place, kinds);
        }
    }

    /// A name without a separator is one name, in no other folder.
    fn without_slash(&mut self, frame: &mut Frame, place: &Expr, what: &Expr) {
        let what = self.evaluate(frame, what);
        let slash = match &what.shape {
            Shape::List(list) => list.items.iter().any(|item| item.as_constant().as_deref() == Some("/")),
            _ => what.as_constant().as_deref() == Some("/"),
        };
        if slash {
            let kinds = self.models.kinds.find(&["path"]);
            self.trust(frame, place, kinds);
        }
    }

    /// `matches!(x, "a" | "b")`: one of these it is.
    pub(super) fn matches_fixed(&mut self, frame: &mut Frame, call: &Call) -> bool {
        let ExprKind::Name(name) = &call.callee.kind else { return false };
        if !call.macro_call
            || frame.loaded.language() != Language::Rust
            || frame.loaded.text(*name) != "matches"
        {
            return false;
        }
        if let [place, pattern] = call.arguments.as_slice()
            && is_fixed(&pattern.value)
        {
            self.trust(frame, &place.value, KindSet::MAX);
        }
        true
    }

    /// `if allowed[x]`: what is a key of something fixed.
    pub(super) fn is_key(&mut self, frame: &mut Frame, object: &Expr, index: &Expr) {
        let held: Value = self.evaluate(frame, object);
        if held.all_flows().is_empty() {
            self.trust(frame, index, KindSet::MAX);
        }
    }
}

/// Constants, and these in `Some(…)`.
fn is_fixed(pattern: &Expr) -> bool {
    match &pattern.kind {
        ExprKind::String(_) | ExprKind::Number(_) | ExprKind::Bool(_) | ExprKind::Null => true,
        ExprKind::Binary { op: BinaryOp::BitOr, left, right } => is_fixed(left) && is_fixed(right),
        ExprKind::Call(call) if !call.macro_call && call.arguments.len() == 1 => {
            call.arguments.iter().all(|argument| is_fixed(&argument.value))
        }
        _ => false,
    }
}

/// The text whose characters are asked.
fn asked(from: &Expr) -> Option<&Expr> {
    let ExprKind::Call(call) = &from.kind else { return None };
    let ExprKind::Member { object, .. } = &call.callee.kind else { return None };
    Some(object)
}
