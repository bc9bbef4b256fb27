//! What is wrong in code.
//!
//! Files are lowered one by one ([`gabion_syntax`]); then all of them together are run over what is known of values
//! ([`interpret`](self)): where a value comes from, who chose it, what it holds. Rules and models of libraries are data.
//!
//! A crate of its own because it is pure: texts in, findings out.

mod conditions;
mod facts;
mod forms;
mod glob;
mod groups;
mod interpret;
mod mappers;
mod marks;
mod models;
mod name;
mod origin;
mod pack;
mod pages;
mod redos;
mod repair;
mod resolve;
mod routes;
mod rules;
mod scanner;
mod scope;
mod settings;
mod settle;
mod uses;
mod value;
mod walk;
mod world;

pub use gabion_patterns::TestLine;
pub use repair::{Repair, Slot, Write};
pub use routes::RouteRule;
pub use rules::{CallRule, CodeRule, Condition, Once, Paths, PlaceRule, Taint, TextRule, rule_schema};
pub use scanner::{CodeScanner, STACK, pattern_ids, test_lines};
