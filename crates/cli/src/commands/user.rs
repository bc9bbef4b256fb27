//! `gabion user`.

mod import;

use std::fs;
use std::io::{self, BufRead as _, IsTerminal as _, Read as _};
use std::path::Path;

use gabion_model::Secret;
use gabion_service::AccountKind;
use serde::Serialize;

use super::directory::{self, ended, shown};
use super::{block_on, for_data};
use crate::arguments::{
    ConfigFile, Format, PasswordFrom, User, UserAdd, UserEmail, UserRemove, UserReset, UserRoles,
};
use crate::control::directory::DirectoryRequest;
use crate::control::door::Door;
use crate::control::operation::{Account, Link, Password, Reply, Request};
use crate::failure::{Exit, Failure};
use crate::gate::announce::minute;
use crate::output::table::{Cell, styled, table};
use crate::output::{self, BAD, FAINT, GOOD, PLACE, STRONG, WARN};

/// A password is a line; a file that is longer is another file.
const LONGEST_PASSWORD: u64 = 4096;

pub(super) fn run(verb: User) -> Result<Exit, Failure> {
    match verb {
        User::Add(arguments) => add(arguments),
        User::List(arguments) => list(arguments.output.format, &arguments.config),
        User::Disable(arguments) => {
            let name = arguments.name;
            let said =
                format!("{GOOD}disabled{GOOD:#} {STRONG}{name}{STRONG:#}; every session of it has ended");
            change(&arguments.config, arguments.output.format, Request::Disable { name }, &said)
        }
        User::Enable(arguments) => {
            let name = arguments.name;
            let said = format!("{GOOD}enabled{GOOD:#} {STRONG}{name}{STRONG:#}");
            change(&arguments.config, arguments.output.format, Request::Enable { name }, &said)
        }
        User::Reset(arguments) => reset(arguments),
        User::ResetFactors(arguments) => {
            let name = arguments.name;
            let said = format!(
                "{GOOD}removed{GOOD:#} every second factor of {STRONG}{name}{STRONG:#}; every session of it has ended"
            );
            change(&arguments.config, arguments.output.format, Request::ResetFactors { name }, &said)
        }
        User::Import(arguments) => import::run(&arguments),
        User::Show(arguments) => {
            shown(&arguments.config, arguments.output, DirectoryRequest::Show { name: arguments.name }, None)
        }
        User::Rename(arguments) => {
            let request = DirectoryRequest::Rename { name: arguments.name, to: arguments.to };
            shown(&arguments.config, arguments.output, request, Some("renamed to"))
        }
        User::Roles(arguments) => roles(arguments),
        User::Email(arguments) => {
            let UserEmail { name, address, verified, output, config, .. } = arguments;
            let request = DirectoryRequest::Email { name, address, verified };
            shown(&config, output, request, Some("changed the address of"))
        }
        User::Sessions(arguments) => {
            directory::sessions(&arguments.config, arguments.output, Some(arguments.name))
        }
        User::RevokeSessions(arguments) => {
            let request = DirectoryRequest::EndSessions { name: arguments.name };
            ended(&arguments.config, arguments.output, request)
        }
        User::Revoke(arguments) => {
            ended(&arguments.config, arguments.output, DirectoryRequest::Revoke { name: arguments.name })
        }
        User::Invite(arguments) => {
            let request = Request::Invite { name: arguments.name };
            change(&arguments.config, arguments.output.format, request, "")
        }
        User::Remove(arguments) => {
            let UserRemove { name, keep_name, output, config } = arguments;
            let kind = AccountKind::Person;
            directory::ask(&config, false, DirectoryRequest::Remove { name: name.clone(), kind, keep_name })?;
            let said = format!(
                "{GOOD}removed{GOOD:#} {STRONG}{name}{STRONG:#}; every session, key and token of it has ended"
            );
            directory::done(output, &said)
        }
        User::Erase(arguments) => {
            let (name, config) = (arguments.name, arguments.config);
            let kind = AccountKind::Person;
            let remove = DirectoryRequest::Remove { name: name.clone(), kind, keep_name: false };
            // Nobody is removed whose records a hold keeps from being erased.
            let may = Request::MayErase { name: name.clone() };
            super::ledger::erase(&config, vec![may, Request::Directory { directory: remove }], &name)
        }
        User::ReleaseName(arguments) => {
            let name = arguments.name.clone();
            directory::ask(&arguments.config, false, DirectoryRequest::ReleaseName { name })?;
            let name = arguments.name;
            directory::done(arguments.output, &format!("{GOOD}released{GOOD:#} {STRONG}{name}{STRONG:#}"))
        }
        User::Link(arguments) => change(&arguments.config, arguments.output.format, Request::FirstLink, ""),
    }
}

fn roles(arguments: UserRoles) -> Result<Exit, Failure> {
    let UserRoles { name, set, none, add, remove, output, config } = arguments;
    let set = (none || !set.is_empty()).then_some(set);
    let asked = set.is_some() || !add.is_empty() || !remove.is_empty();
    let rows = directory::ask(&config, false, DirectoryRequest::Roles { name, set, add, remove })?;
    let Some(person) = directory::people_of(rows).pop() else {
        return Err(Failure::new("the gate did not say what became of it"));
    };
    if output.format == Format::Text && asked {
        output::note(format_args!("{FAINT}the roles of {} are now{FAINT:#}", person.name));
    }
    output::value(output.format, &person.roles, || {
        if person.roles.is_empty() { "none".to_owned() } else { person.roles.join("\n") }
    })?;
    Ok(Exit::Success)
}

fn add(arguments: UserAdd) -> Result<Exit, Failure> {
    let UserAdd { name, roles, tenant, password, output, config } = arguments;
    let password = told(&password, &name)?;
    let said = format!("{GOOD}added{GOOD:#} {STRONG}{name}{STRONG:#}");
    change(&config, output.format, Request::Add { name, tenant, roles, password }, &said)
}

fn reset(arguments: UserReset) -> Result<Exit, Failure> {
    let UserReset { name, password, output, config } = arguments;
    let password = told(&password, &name)?;
    let said = if password.is_some() {
        format!(
            "{GOOD}changed{GOOD:#} the password of {STRONG}{name}{STRONG:#}; the old one and every session of it have ended"
        )
    } else {
        String::new()
    };
    change(&config, output.format, Request::Reset { name, password }, &said)
}

#[derive(Serialize)]
struct Done {
    done: bool,
}

/// Asks for one change and prints what came of it: a link on standard output, words beside it.
fn change(file: &ConfigFile, format: Format, request: Request, said: &str) -> Result<Exit, Failure> {
    let config = for_data(file)?.config;
    let make = matches!(request, Request::Add { .. } | Request::FirstLink);
    let mut exit = Exit::Success;
    block_on(async {
        Door::open(&config, make)
            .await?
            .ask(request, |reply| {
                match reply {
                    Reply::Link(link) => print_link(format, &link, said)?,
                    Reply::NoLink => {
                        exit = Exit::Failed;
                        output::warn("there is an administrator already; `gabion user reset NAME` makes a new link for one");
                    }
                    _ if format == Format::Json => output::json(&Done { done: true })?,
                    _ => output::data(said)?,
                }
                Ok(())
            })
            .await
    })?;
    Ok(exit)
}

fn print_link(format: Format, link: &Link, said: &str) -> Result<(), Failure> {
    if format == Format::Json {
        return output::json(link);
    }
    if !said.is_empty() {
        output::note(said);
    }
    output::note(format_args!(
        "{FAINT}Whoever opens this link chooses the password of{FAINT:#} {STRONG}{}{STRONG:#}{FAINT}. It works once, until {}.{FAINT:#}",
        link.name,
        minute(link.expires)
    ));
    output::data(format_args!("{PLACE}{}{PLACE:#}", link.url))
}

fn list(format: Format, file: &ConfigFile) -> Result<Exit, Failure> {
    let config = for_data(file)?.config;
    let mut accounts: Vec<Account> = Vec::new();
    block_on(async {
        Door::open(&config, false)
            .await?
            .ask(Request::List, |reply| {
                if let Reply::Account(account) = reply {
                    accounts.push(account);
                }
                Ok(())
            })
            .await
    })?;
    output::value(format, &accounts, || people(&accounts))?;
    Ok(Exit::Success)
}

fn people(accounts: &[Account]) -> String {
    if accounts.is_empty() {
        return "nobody yet: `gabion run` prints the first administrator's link, `gabion user add NAME` adds people".to_owned();
    }
    let rows: Vec<Vec<Cell>> = accounts
        .iter()
        .map(|account| {
            let look = match account.state.as_str() {
                "active" => GOOD,
                "invited" => WARN,
                _ => BAD,
            };
            vec![
                styled(account.name.clone(), STRONG),
                styled(account.state.clone(), look),
                account.roles.join(", ").into(),
                account.tenant.clone().into(),
                account.sessions.to_string().into(),
                account.created.get(..10).unwrap_or_default().into(),
            ]
        })
        .collect();
    table(&["name", "state", "roles", "tenant", "sessions", "since"], &rows)
}

/// The password that is not to be chosen by a link, if one is.
pub(super) fn told(from: &PasswordFrom, name: &str) -> Result<Option<Password>, Failure> {
    match (from.password_stdin, &from.password_file) {
        (true, _) => from_stdin(name).map(Password).map(Some),
        (false, Some(path)) => from_file(path).map(Password).map(Some),
        (false, None) => Ok(None),
    }
}

/// From a person without showing it, or the first line of a pipe.
pub(super) fn from_stdin(name: &str) -> Result<Secret<String>, Failure> {
    let stdin = io::stdin();
    let unreadable = |error: io::Error| Failure::new("the password cannot be read").because(&error);
    if !stdin.is_terminal() {
        let mut line = String::new();
        stdin.lock().take(LONGEST_PASSWORD).read_line(&mut line).map_err(unreadable)?;
        return password(line);
    }
    let first = output::ask_secretly(&format!("Password for {name}: ")).map_err(unreadable)?;
    let second = output::ask_secretly("Again: ").map_err(unreadable)?;
    if first.expose() != second.expose() {
        return Err(Failure::usage("the two passwords differ"));
    }
    password(first.expose().clone())
}

fn from_file(path: &Path) -> Result<Secret<String>, Failure> {
    let mut text = String::new();
    fs::File::open(path)
        .and_then(|file| file.take(LONGEST_PASSWORD).read_to_string(&mut text))
        .map_err(|error| Failure::usage(format!("cannot read `{}`", path.display())).because(&error))?;
    password(text)
}

/// The first line.
fn password(text: String) -> Result<Secret<String>, Failure> {
    let text = Secret::new(text);
    match text.expose().lines().next() {
        Some(line) if !line.is_empty() => Ok(Secret::new(line.to_owned())),
        _ => Err(Failure::usage("the password is empty")),
    }
}
