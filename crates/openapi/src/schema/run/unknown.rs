//! Members that nothing evaluated, looked for once the whole document has been judged.

use super::super::error::Rule;
use super::super::marks::{DESCRIBED, KNOWN, NAMED};
use super::super::path::{Path, Segment};
use super::Run;
use crate::json::{Node, View};

impl Run<'_> {
    /// Members that no schema evaluated, of objects whose members some schema names.
    pub(super) fn refuse_unknown(&mut self, node: Node<'_>, path: &Path<'_>) -> bool {
        let mut good = true;
        let has = |run: &Self, node: Node<'_>, mark: u8| {
            run.tracker.as_ref().is_some_and(|tracker| tracker.has(node.index(), mark))
        };
        match node.view() {
            View::Array(items) => {
                for (index, item) in items.enumerate() {
                    good &= self.refuse_unknown(item, &path.child(Segment::Index(index)));
                    if !good && !self.reporting {
                        return false;
                    }
                }
            }
            View::Object(members) => {
                let described = has(self, node, DESCRIBED);
                for (key, value) in members {
                    let known = has(self, value, KNOWN);
                    if described && !known {
                        good = false;
                        if !self.fail(path, Rule::UnknownMember) {
                            return false;
                        }
                        continue;
                    }
                    let named = has(self, value, NAMED);
                    let name = key.as_str().filter(|_| named);
                    let segment = name.map_or(Segment::Any, Segment::Name);
                    good &= self.refuse_unknown(value, &path.child(segment));
                    if !good && !self.reporting {
                        return false;
                    }
                }
            }
            _ => {}
        }
        good
    }
}
