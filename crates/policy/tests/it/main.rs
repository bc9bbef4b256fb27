//! The policy engine from outside.

mod compile;
mod decide;
mod equivalence;
mod tools;
