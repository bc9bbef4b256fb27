//! `cargo xtask bench NAME`: measurements against peers.

use std::process::ExitCode;

use crate::output;

/// Runs the bench that `args` names.
pub(crate) fn run(args: &[String]) -> ExitCode {
    output::error(&match args.first() {
        Some(name) => format!("no bench is called `{name}`"),
        None => "name a bench".to_owned(),
    });
    ExitCode::from(2)
}
