//! Who may do what: Cedar policies over a schema made of what the gate knows, compiled once per generation, asked
//! for every request.
//!
//! [`Policies::compile`] takes files and [`Facts`] and gives an immutable generation or everything that is wrong.
//! [`Policies::decide`] answers a [`Question`]. Nothing is allowed that no policy permits; a `forbid` that cannot
//! be evaluated counts as one that applies; a question that does not fit the schema is denied.

mod bounds;
mod cache;
pub mod cases;
mod compile;
mod decision;
pub mod diff;
mod evaluate;
pub mod explain;
mod facts;
mod names;
mod place;
mod policies;
mod prepared;
mod question;
mod reads;
pub mod record;
mod resources;
pub mod review;
mod rule;
mod schema;
mod settings;
mod shape;
mod slice;
mod statics;
mod value;
mod written;

pub use compile::Sources;
pub use decision::{Decision, Effect, Fault, Generation, Obligation, PolicyId};
pub use facts::{Facts, GroupFact, OperationFact, RouteFact};
pub use policies::{Live, Needed, Policies};
pub use question::{Context, Question, Resource, Subject, SubjectKind};
pub use record::Recorded;
pub use resources::{Finding, Found, Resources, Unknown};
pub use schema::is_own_action;
pub use settings::Settings;
pub use value::{EntityRef, Value};
pub use written::{
    OwnedQuestion, WrittenError, WrittenPrincipal, WrittenQuestion, WrittenResource, read_context,
};
