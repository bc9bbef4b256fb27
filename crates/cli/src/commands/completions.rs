//! `gabion completions`.

use clap::CommandFactory as _;

use crate::arguments::{self, Arguments, Shell};
use crate::failure::{Exit, Failure};
use crate::output;

pub(super) fn run(arguments: &arguments::Completions) -> Result<Exit, Failure> {
    let shell = match arguments.shell {
        Shell::Bash => clap_complete::Shell::Bash,
        Shell::Fish => clap_complete::Shell::Fish,
        Shell::Zsh => clap_complete::Shell::Zsh,
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "gabion", &mut script);
    output::data(String::from_utf8_lossy(&script).trim_end())?;
    Ok(Exit::Success)
}
