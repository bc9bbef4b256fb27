//! Cases that cannot be taken, and what is left for the last of them.

use gabion_syntax::tree::{Case, Expr, Pattern, Switch};

use super::Frame;
use super::condition::decided;
use crate::value::{Shape, Value};
use crate::world::World;

impl World<'_> {
    /// Which case a constant takes, where that is sure.
    pub(super) fn chosen(&mut self, frame: &mut Frame, switch: &Switch, constant: &str) -> Option<usize> {
        let mut otherwise = None;
        for (at, case) in switch.cases.iter().enumerate() {
            match &case.pattern {
                None | Some(Pattern::Ignore | Pattern::Name(..)) if case.guard.is_none() => {
                    otherwise.get_or_insert(at);
                    if case.pattern.is_some() {
                        break;
                    }
                }
                Some(pattern) if case.guard.is_none() => {
                    if self.equals(frame, pattern, constant)? {
                        return Some(at);
                    }
                }
                _ => return None,
            }
        }
        // None of them: behind the last.
        otherwise.or(Some(switch.cases.len()))
    }

    fn equals(&mut self, frame: &mut Frame, pattern: &Pattern, constant: &str) -> Option<bool> {
        match pattern {
            Pattern::Value(value) => Some(&*self.evaluate(frame, value).as_constant()? == constant),
            Pattern::Or(any) => {
                let mut found = false;
                for one in any {
                    found |= self.equals(frame, one, constant)?;
                }
                Some(found)
            }
            _ => None,
        }
    }

    /// Whether the case is never taken: its guard says no, or a part of what is looked at is another constant.
    pub(super) fn impossible(&mut self, frame: &mut Frame, case: &Case, subject: Option<&Value>) -> bool {
        let never = |guard: &Expr| decided(guard) == Some(false);
        if case.guard.as_ref().is_some_and(never) {
            return true;
        }
        let (Some(Pattern::List(parts)), Some(Value { shape: Shape::List(list), .. })) =
            (&case.pattern, subject)
        else {
            return false;
        };
        if list.rest.is_some() || list.items.len() != parts.len() {
            return false;
        }
        parts.iter().zip(&list.items).any(|(part, item)| {
            let Pattern::Value(wanted) = part else { return false };
            let wanted = self.evaluate(frame, wanted);
            let sure = |value: &Value| value.as_constant().filter(|_| !value.is_tainted());
            sure(item).zip(sure(&wanted)).is_some_and(|(item, wanted)| item != wanted)
        })
    }

    /// What is left for a case that takes whatever is left: a letter that is neither `<` nor `&` is no markup, a text that
    /// is written letter by letter that way neither.
    pub(super) fn rest_of(
        &mut self,
        frame: &mut Frame,
        switch: &Switch,
        at: usize,
        subject: Option<&Value>,
    ) -> Option<Value> {
        let case = switch.cases.get(at).filter(|case| case.guard.is_none())?;
        let takes_all = matches!(case.pattern, None | Some(Pattern::Ignore | Pattern::Name(..)));
        let subject = subject.filter(|subject| takes_all && !subject.all_flows().is_empty())?;
        let taken = switch.cases.iter().take(at).filter(|case| case.guard.is_none());
        let mut letters = String::new();
        for pattern in taken.filter_map(|case| case.pattern.as_ref()) {
            self.letters(frame, pattern, &mut letters);
        }
        if !(letters.contains('<') && letters.contains('&')) {
            return None;
        }
        let safe = subject.made_safe(self.models.kinds.find(&["html", "markup"]));
        if let Some(place) = &switch.subject {
            self.narrow(frame, place, safe.clone());
        }
        Some(safe)
    }

    /// The single letters that a pattern takes.
    fn letters(&mut self, frame: &mut Frame, pattern: &Pattern, into: &mut String) {
        match pattern {
            Pattern::Value(value) => {
                let text = self.evaluate(frame, value).as_constant();
                into.extend(
                    text.filter(|text| text.chars().count() == 1).iter().flat_map(|text| text.chars()),
                );
            }
            Pattern::Or(any) => any.iter().for_each(|one| self.letters(frame, one, into)),
            _ => {}
        }
    }
}
