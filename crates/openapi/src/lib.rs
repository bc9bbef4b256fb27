//! The application's contract: match an operation, validate a request or an answer.

pub mod json;
pub mod schema;
