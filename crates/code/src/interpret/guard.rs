//! Checks as Go and Rust write them: functions of packages that are asked about their argument.

use gabion_syntax::Language;
use gabion_syntax::tree::{Call, Expr, ExprKind};

use super::Frame;
use crate::value::{Shape, Value};
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
                        self.trust(frame, place, u64::MAX);
                    }
                }
                true
            }
            (Language::Rust, "contains" | "starts_with", false) => {
                if let Some(what) = first {
                    self.without_dots(frame, object, what);
                }
                true
            }
            (Language::Rust, "contains" | "contains_key", true) => {
                let list = self.evaluate(frame, object);
                if let Some(place) = first
                    && list.all_flows().is_empty()
                {
                    self.trust(frame, place, u64::MAX);
                }
                true
            }
            // `name.chars().all(|c| c.is_alphanumeric())`.
            (Language::Rust, "all", true) => {
                if let Some(place) = asked(object) {
                    self.trust(frame, place, u64::MAX);
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

    /// `if allowed[x]`: what is a key of something fixed.
    pub(super) fn is_key(&mut self, frame: &mut Frame, object: &Expr, index: &Expr) {
        let held: Value = self.evaluate(frame, object);
        if held.all_flows().is_empty() {
            self.trust(frame, index, u64::MAX);
        }
    }
}

/// The text whose characters are asked.
fn asked(from: &Expr) -> Option<&Expr> {
    let ExprKind::Call(call) = &from.kind else { return None };
    let ExprKind::Member { object, .. } = &call.callee.kind else { return None };
    Some(object)
}
