//! One file per verb.

mod alert;
mod api_key;
mod client;
mod completions;
mod config;
mod contract;
mod controls;
mod demo;
mod directory;
mod doctor;
mod errors;
mod generate;
mod identity;
mod incident;
mod init;
mod key;
mod ledger;
mod mail;
mod passwords;
mod policy;
mod probe;
mod reference;
mod respond;
mod rules;
mod run;
mod scan;
mod sink;
mod user;
mod version;
mod watch;
mod webhook;
mod witness;

use std::future::Future;

use crate::arguments::{Command, ConfigFile};
use crate::config::{FlagValue, Loaded, Sources};
use crate::failure::{Exit, Failure};

pub(crate) fn run(command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Init(arguments) => init::run(&arguments),
        Command::Run(arguments) => run::run(&arguments),
        Command::User(verb) => user::run(verb),
        Command::Key(verb) => key::run(verb),
        Command::ApiKey(verb) => api_key::run(verb),
        Command::ServiceAccount(verb) => directory::service_account(verb),
        Command::Group(verb) => directory::group(verb),
        Command::Session(verb) => directory::session(verb),
        Command::Grant(verb) => directory::grant(verb),
        Command::Client(verb) => client::run(verb),
        Command::Alert(verb) => alert::run(verb),
        Command::Respond(verb) => respond::run(verb),
        Command::Mail(verb) => mail::run(verb),
        Command::Errors(verb) => errors::run(verb),
        Command::Sink(verb) => sink::run(&verb),
        Command::Webhook(verb) => webhook::run(&verb),
        Command::Passwords(verb) => passwords::run(&verb),
        Command::Identity(verb) => identity::run(verb),
        Command::Incident(verb) => incident::run(verb),
        Command::Ledger(verb) => ledger::run(verb),
        Command::Witness(arguments) => witness::run(&arguments),
        Command::Watch(verb) => watch::run(&verb),
        Command::Scan(arguments) => scan::run(&arguments),
        Command::Probe(arguments) => probe::run(&arguments),
        Command::Rules(verb) => rules::run(&verb),
        Command::Explain(arguments) => rules::explain(&arguments),
        Command::Generate(verb) => generate::run(&verb),
        Command::Controls(arguments) => controls::run(&arguments),
        Command::Contract(verb) => contract::run(&verb),
        Command::Policy(verb) => policy::run(&verb),
        Command::Config(verb) => config::run(&verb),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::Completions(arguments) => completions::run(&arguments),
        Command::Version(arguments) => version::run(&arguments),
        Command::Reference => reference::run(),
        Command::Openapi => {
            crate::output::data(gabion_console::openapi().trim_end())?;
            Ok(Exit::Success)
        }
    }
}

/// The sources of a command that takes `--config` and `--data`.
fn sources(file: &ConfigFile) -> Sources {
    let data = file.data.as_ref().map(|path| FlagValue {
        path: "data.directory",
        flag: "--data",
        value: path.display().to_string(),
    });
    Sources { file: Some(file.config.clone()), flags: data.into_iter().collect(), ..Sources::default() }
        .with_environment(std::env::vars_os())
}

/// The configuration of a command that needs no more of it than where the data is. `--data` alone is
/// enough.
fn for_data(file: &ConfigFile) -> Result<Loaded, Failure> {
    let mut sources = sources(file);
    if file.data.is_some() && !file.config.exists() {
        sources.file = None;
    }
    Ok(sources.load()?)
}

/// Runs a command that waits for things, on this thread.
fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::new("cannot wait for anything").because(&error))?;
    runtime.block_on(work)
}
