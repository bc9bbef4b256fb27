//! JSON Schema for the request path: 2020-12, draft 4, and draft 4 as OpenAPI 3.0 uses it.
//!
//! Schemas of a [`Registry`] are compiled once ([`Compiler`]) and validate without allocating while the document is
//! good. What a schema asks for is either enforced, or listed ([`Program::unenforced`]), or refused at load
//! ([`CompileError`]); nothing is dropped in silence.
//!
//! **References** stay inside the registry: nothing is ever fetched. A schema that leads back to itself without going
//! into the document is refused.
//!
//! **Regular expressions** (ECMA-262) run on a linear-time engine. What it cannot express is refused, or listed where
//! [`Options::patterns`] says so.
//!
//! **Unknown members.** With [`Handling::Refuse`] every object whose members some schema names is closed, as if
//! `unevaluatedProperties: false` stood beside all schemas that apply to it: a member that none of them evaluates is
//! refused. `additionalProperties`, `unevaluatedProperties` and `patternProperties` evaluate; so a contract opens an
//! object by saying so. An object of which no schema names a member (`type: object` alone) is free-form and stays so.
//!
//! **Directions.** `readOnly` members have no business in a request, `writeOnly` ones none in a response
//! (OpenAPI 3.0.4 §4.7.24.2): [`Options::other_direction`] says what becomes of them, and `required` does not ask for
//! them.
//!
//! **Violations** name the place and the rule in the schema's words, never the value. Names that only the document
//! knows appear as `*`.

mod code;
mod compile;
mod dialect;
mod error;
mod extent;
mod format;
mod index;
mod keywords;
mod marks;
mod options;
mod path;
mod pattern;
mod program;
mod registry;
mod run;
mod strip;
mod table;
#[cfg(test)]
mod tests;
mod unique;
mod uri;

pub use compile::Compiler;
pub use error::{CompileError, Rule, Unenforced, Violation};
pub use extent::Extent;
pub use options::{Direction, Draft, Handling, Options, Patterns};
pub use program::{Program, Validated};
pub use registry::{Registry, Root};
