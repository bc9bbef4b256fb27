//! `cargo xtask bench NAME`: measurements against peers, interleaved in one run. Each prints a table and
//! writes `target/bench/NAME.json`.

mod contract;
mod gate;
pub(crate) mod ground;
mod http;
mod identity;
mod ledger;
mod load;
mod policy;
mod probe;
mod process;
mod report;
mod scan;
mod watch;
mod wrk;

use std::process::ExitCode;

use crate::output;

/// Runs the bench that `args` names.
pub(crate) fn run(args: &[String]) -> ExitCode {
    let outcome = match args.split_first() {
        Some((name, rest)) if name == "contract" => contract::run(rest),
        Some((name, rest)) if name == "gate" => gate::run(rest),
        Some((name, rest)) if name == "identity" => identity::run(rest),
        Some((name, rest)) if name == "ledger" => ledger::run(rest),
        Some((name, _)) if name == "policy" => policy::run(),
        Some((name, rest)) if name == "probe" => probe::run(rest),
        Some((name, rest)) if name == "scan" => scan::run(rest),
        Some((name, _)) if name == "watch" => watch::run(),
        Some((name, _)) => {
            let known = "`contract`, `gate`, `identity`, `ledger`, `policy`, `probe`, `scan` and `watch`";
            return usage(&format!("no bench is called `{name}`; there are {known}"));
        }
        None => {
            return usage(
                "name a bench; there are `contract`, `gate`, `identity`, `ledger`, `policy`, `probe`, `scan` and `watch`",
            );
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::error(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

/// Anything that ends a bench. Its reader is whoever runs it.
pub(crate) type Failure = Box<dyn std::error::Error>;

fn usage(text: &str) -> ExitCode {
    output::error(text);
    ExitCode::from(2)
}
