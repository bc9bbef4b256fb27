//! Project tasks. Nothing to install: `cargo xtask --help`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod bench;
mod cargo;
mod codegen;
mod output;
mod soak;
mod test;
mod tidy;

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about = "Project tasks")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Measures the product against its peers and writes target/bench/NAME.json
    #[command(disable_help_flag = true)]
    Bench {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Writes what is generated: the configuration schema and the reference pages in docs/
    Codegen {
        /// Only say what is stale, and fail if something is
        #[arg(long)]
        check: bool,
    },
    /// Does for long what a test does briefly
    Soak {
        #[command(subcommand)]
        what: soak::What,
    },
    /// Runs everything that says whether a change is good
    Test {
        /// Only these steps
        steps: Vec<String>,
    },
    /// Checks the invariants of the architecture
    Tidy {
        /// Only these rules
        rules: Vec<String>,
    },
}

fn main() -> ExitCode {
    let root = root();
    match Arguments::parse().task {
        Task::Bench { arguments } => bench::run(&arguments),
        Task::Codegen { check } => codegen::run(&root, check, codegen::Build::Program),
        Task::Soak { what } => soak::run(&root, &what),
        Task::Test { steps } => test::run(&root, &steps),
        Task::Tidy { rules } => tidy::run(&root, &rules),
    }
}

/// The repository this xtask was built from.
fn root() -> PathBuf {
    let own = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    own.parent().map_or_else(|| own.clone(), PathBuf::from)
}
