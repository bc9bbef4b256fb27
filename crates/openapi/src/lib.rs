//! The application's contract: match an operation, validate a request or an answer.
//!
//! An OpenAPI document (3.0 or 3.1) is loaded into a [`Contract`]. [`Contract::operation`] finds what a request is
//! for, [`Matched`] judges its head and its body, [`Contract::answer`] what came back. What a contract says and the
//! gate does not enforce is listed when it is loaded ([`Loaded::not_enforced`]); nothing is dropped in silence.

mod body;
pub mod contract;
mod date;
pub mod encoding;
pub mod inventory;
pub mod json;
mod kind;
pub mod learn;
pub mod lint;
mod load;
pub mod media_type;
pub mod multipart;
pub mod parameter;
mod programs;
mod router;
pub mod schema;
mod source;
mod write;

pub use body::Fault;
pub use contract::{
    AnswerJudge, AnswerPlan, Answers, BodyJudge, BodyPlan, Contract, Fields, Judged, Limit, Loaded, Match,
    Matched, Operation, Options, Refusal,
};
pub use source::tree;
pub use write::yaml;
