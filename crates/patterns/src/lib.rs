//! Rules in the format of semgrep: patterns of code, read and matched.
//!
//! [`PatternRules::read`] reads a file of rules; every key is known or refused. [`PatternRules::look`] says where the rules of the
//! mode `search` hold in a file, and where the sources, sinks, sanitizers and propagators of the mode `taint` stand ([`Marks`]):
//! what flows from one to the other is for whoever runs code over values.
//!
//! A pattern is read by the parser of its language and matched on what that lowers to ([`gabion_syntax::tree`]).
//!
//! A crate of its own because it is pure and knows no value, no flow and no file: texts in, places out.

mod comparison;
mod condition;
mod evaluate;
mod family;
mod formula;
mod fragment;
mod look;
mod matcher;
mod paths;
mod read;
mod taint;
mod target;
mod text_pattern;
mod yaml;

pub use look::{Looked, Mark, Marks, PatternRules, Role, TestLine};
pub use taint::Requires;
