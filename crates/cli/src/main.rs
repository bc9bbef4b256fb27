//! `gabion`: a security gateway in one program. See `gabion --help`.

mod arguments;
mod commands;
mod config;
mod contract;
mod control;
mod failure;
mod gate;
mod identity;
mod incident;
mod logging;
mod output;
mod probe;
mod webhooks;

use std::process::ExitCode;

use clap::Parser as _;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = arguments::Arguments::parse();
    output::choose_colour(arguments.color);
    match commands::run(arguments.command) {
        Ok(exit) => exit.into(),
        Err(failure) => output::report(&failure),
    }
}
