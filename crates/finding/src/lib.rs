//! What every scanner says, in one shape: a [`Rule`] that teaches, a [`Finding`] at a [`Place`], and what was [`Unread`].
//!
//! A rule is data (`rules/<scanner>/*.toml`): who wrote it, what it holds a control to, why it matters, and an example of each
//! side, vulnerable and repaired; the examples are its tests. [`RuleFile`] reads the head that all rules have and leaves to each
//! scanner what only its own rules say. A [`Scanner`] is pure, so that whoever runs it may keep what it said of a file.
//!
//! A crate of its own because the scanners (code, secrets, dependencies, manifests) do not know each other and whoever prints,
//! suppresses and compares findings knows none of them.

pub mod drawing;
mod endpoint;
mod finding;
mod fingerprint;
mod form;
mod place;
mod rule;
mod rule_file;
pub mod sarif;
mod scanner;
mod source;
pub mod visible;

pub use endpoint::{Endpoint, Guard};
pub use finding::{Edit, Finding, Fix, Step, Unread, UnreadReason, Verdict};
pub use fingerprint::Fingerprint;
pub use form::Form;
pub use place::{LineIndex, Place, Position, Span};
pub use rule::{Confidence, Example, Rule, RuleId};
pub use rule_file::{RuleError, RuleFile};
pub use scanner::{Ecosystem, FileReport, Scanner, Side, Tree, Use};
pub use source::Source;
pub use visible::visible;
