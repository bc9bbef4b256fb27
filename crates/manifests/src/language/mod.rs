//! The language of rules: what a rule says about a value.
//!
//! ```text
//! condition := both ("or" both)*
//! both      := one ("and" one)*
//! one       := "not" one | "(" condition ")" | "any" path "(" condition ")" | "all" path "(" condition ")"
//!            | path test | path
//! test      := ("==" | "!=" | "<" | "<=" | ">" | ">=" | "contains") literal | ("matches" | "lacks") text
//!            | "refers" text | "covers" "[" number ("," number)* "]"
//!            | "in" "[" literal ("," literal)* "]" | "exists" | "absent" | "empty"
//! path      := "." | ["$" name "."] step ("." step)*      step := name | "'" any text "'" | "*"
//! literal   := "'" text "'" | number | "true" | "false"
//! ```
//!
//! * A path chooses all values it leads to: a step goes into each element of a list, `*` into each value of a map. `.` is the
//!   value itself, `$pod.spec` begins at another value of the place that the rule's `on` names.
//! * A test holds when it holds for one of them; `!=` and `lacks` when none is so and there is one; a path alone when one is
//!   `true`. Text and spelling are compared: `'true'` is `true`.
//! * `absent` holds when there is none, or only null; `empty` when there is one and it holds nothing.
//! * `covers` holds of a number or a range (`20-25`, `*`) that has one of them, `refers` of a value that is not known and is
//!   written so: `aws_iam_access_key.ci.secret`.
//! * What cannot be known (an input of a module, a template) makes a test neither true nor false, and a rule finds only what is
//!   true.

mod evaluate;
mod parse;
mod token;

pub(crate) use evaluate::{Roots, Truth, evaluate, select};
pub(crate) use parse::{Condition, Path, parse, path};
