//! What values are bound to.

use super::Dump;
use crate::tree::{FieldPattern, Key, Pattern};

impl<'a> Dump<'a> {
    pub(super) fn pattern(&mut self, from: &'a Pattern) {
        match from {
            Pattern::Name(name, _) => self.symbol(*name),
            Pattern::Ignore => self.word("_"),
            Pattern::Object { fields, rest } => {
                self.between("{", fields, ", ", "", Self::field_pattern);
                if let Some(rest) = rest {
                    self.word(if fields.is_empty() { "..." } else { ", ..." });
                    self.pattern(rest);
                }
                self.word("}");
            }
            Pattern::List(items) => self.between("[", items, ", ", "]", Self::pattern),
            Pattern::Rest(rest) => {
                self.word("...");
                self.pattern(rest);
            }
            Pattern::Default(pattern, value) => {
                self.word("(default ");
                self.pattern(pattern);
                self.word(" ");
                self.expr(value);
                self.word(")");
            }
            Pattern::Place(place) => {
                self.word("(place ");
                self.expr(place);
                self.word(")");
            }
            Pattern::Value(value) => {
                self.word("(equals ");
                self.expr(value);
                self.word(")");
            }
            Pattern::Or(patterns) => self.between("(", patterns, " | ", ")", Self::pattern),
            Pattern::Variant { of, items } => {
                self.word("(variant ");
                self.expr(of);
                self.between(" [", items, ", ", "])", Self::pattern);
            }
            Pattern::As(pattern, name) => {
                self.word("(as ");
                self.symbol(*name);
                self.word(" ");
                self.pattern(pattern);
                self.word(")");
            }
        }
    }

    fn field_pattern(&mut self, from: &'a FieldPattern) {
        self.key(&from.key);
        self.word(": ");
        self.pattern(&from.pattern);
    }

    pub(super) fn key(&mut self, from: &'a Key) {
        match from {
            Key::Name(name) => self.quoted(*name),
            Key::Computed(key) => {
                self.word("[");
                self.expr(key);
                self.word("]");
            }
        }
    }
}
