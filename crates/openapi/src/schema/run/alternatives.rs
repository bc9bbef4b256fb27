//! Schemas that are applied beside a schema: all of them, one or several of them, by a condition.

use super::super::code::{Applied, Discriminator, Id};
use super::super::error::Rule;
use super::super::marks::{Marks, Tracker};
use super::super::path::Path;
use super::{Run, Scope, fits_type};
use crate::json::Node;

impl Run<'_> {
    pub(super) fn applied(
        &mut self,
        applied: &Applied,
        node: Node<'_>,
        path: &Path<'_>,
        scope: Scope<'_>,
        mut marks: Option<&mut Marks>,
    ) -> bool {
        match applied {
            Applied::All(id) => self.apply(*id, node, path, scope, marks),
            Applied::Any(ids, discriminator) => {
                let mut any = false;
                for id in ids {
                    let mut fresh = marks.as_ref().map(|_| Marks::default());
                    if self.attempt(*id, node, path, scope, fresh.as_mut()) {
                        any = true;
                        // The others may evaluate members that this one does not.
                        if let (Some(marks), Some(fresh)) = (marks.as_deref_mut(), &fresh) {
                            marks.merge(fresh);
                        } else if self.tracker.is_none() || node.span() == 1 {
                            break;
                        }
                    }
                }
                any || self.no_alternative(ids, discriminator.as_ref(), node, path, scope, Rule::AnyOf)
            }
            Applied::One(ids, discriminator) => {
                let mut found = 0;
                for id in ids {
                    let mut fresh = marks.as_ref().map(|_| Marks::default());
                    if self.attempt(*id, node, path, scope, fresh.as_mut()) {
                        found += 1;
                        if found > 1 {
                            self.fail(path, Rule::OneOf { several: true });
                            return false;
                        }
                        if let (Some(marks), Some(fresh)) = (marks.as_deref_mut(), &fresh) {
                            marks.merge(fresh);
                        }
                    }
                }
                let none = Rule::OneOf { several: false };
                found == 1 || self.no_alternative(ids, discriminator.as_ref(), node, path, scope, none)
            }
            Applied::Not(id) => {
                let begun = self.tracker.as_mut().map(Tracker::begin);
                let fits = self.attempt(*id, node, path, scope, None);
                if let (Some(tracker), Some(begun)) = (&mut self.tracker, begun) {
                    tracker.end(begun, false);
                }
                if fits {
                    self.fail(path, Rule::Not);
                }
                !fits
            }
            Applied::If { condition, then, otherwise } => {
                let mut fresh = marks.as_ref().map(|_| Marks::default());
                let holds = self.attempt(*condition, node, path, scope, fresh.as_mut());
                if holds && let (Some(marks), Some(fresh)) = (marks.as_deref_mut(), &fresh) {
                    marks.merge(fresh);
                }
                self.apply(if holds { *then } else { *otherwise }, node, path, scope, marks)
            }
            Applied::Dynamic { name, otherwise } => {
                let bearers = self.code.dynamic.get(*name as usize).map_or(&[][..], Vec::as_slice);
                let (mut id, mut next) = (*otherwise, Some(&scope));
                while let Some(scope) = next {
                    // The outermost one wins.
                    id = bearers
                        .iter()
                        .find(|(bearer, _)| *bearer == scope.resource)
                        .map_or(id, |(_, id)| *id);
                    next = scope.outer;
                }
                self.apply(id, node, path, scope, marks)
            }
        }
    }

    /// No alternative fits: reports what is wrong with the one that was meant, if that is known.
    #[cold]
    fn no_alternative(
        &mut self,
        ids: &[Id],
        discriminator: Option<&Discriminator>,
        node: Node<'_>,
        path: &Path<'_>,
        scope: Scope<'_>,
        rule: Rule,
    ) -> bool {
        if !self.reporting {
            return false;
        }
        let named = discriminator.and_then(|discriminator| {
            let value = node.get(&discriminator.property)?.as_str()?;
            discriminator.alternatives.find(value, 0).map(|(_, id)| *id)
        });
        let view = node.view();
        let mut of_type = ids.iter().filter(|id| {
            self.code.schemas.get(**id as usize).is_some_and(|schema| fits_type(schema.types, &view))
        });
        let only = match (of_type.next(), of_type.next()) {
            (Some(id), None) => Some(*id),
            _ => None,
        };
        let before = self.violations.len();
        if let Some(id) = named.or(only) {
            self.apply(id, node, path, scope, None);
        }
        if self.violations.len() == before {
            self.fail(path, rule);
        }
        false
    }
}
