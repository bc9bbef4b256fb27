//! One file per verb.

mod completions;
mod config;
mod controls;
mod init;
mod reference;
mod version;

use crate::arguments::Command;
use crate::failure::{Exit, Failure};

pub(crate) fn run(command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Init(arguments) => init::run(&arguments),
        Command::Controls(arguments) => controls::run(&arguments),
        Command::Config(verb) => config::run(&verb),
        Command::Completions(arguments) => completions::run(&arguments),
        Command::Version(arguments) => version::run(&arguments),
        Command::Reference => reference::run(),
        _ => Err(Failure::new("not there yet")),
    }
}
