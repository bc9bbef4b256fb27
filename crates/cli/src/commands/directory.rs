//! `gabion service-account`, `group`, `session`, `grant`, and what `gabion user` shows and changes.

use gabion_service::AccountKind;
use serde::Serialize;

use super::{api_key, block_on, for_data};
use crate::arguments::{ConfigFile, Format, Grant, Group, OutputFormat, ServiceAccount, Session};
use crate::control::api_keys::ApiKeyRequest;
use crate::control::directory::{
    DirectoryRequest, DirectoryRow, FactorRow, GrantRow, GroupRow, PersonRow, SessionRow,
};
use crate::control::door::Door;
use crate::control::operation::{Reply, Request};
use crate::failure::{Exit, Failure};
use crate::output::table::{Cell, styled, table};
use crate::output::{self, BAD, FAINT, GOOD, STRONG, WARN};

pub(super) fn service_account(verb: ServiceAccount) -> Result<Exit, Failure> {
    match verb {
        ServiceAccount::Add(arguments) => {
            let name = arguments.name;
            let request = ApiKeyRequest::AddAccount { name: name.clone(), roles: arguments.roles };
            api_key::ask(&arguments.config, request)?;
            output::note(format_args!(
                "{GOOD}added{GOOD:#} {STRONG}{name}{STRONG:#}; `gabion api-key create --account {name}` makes a key for it"
            ));
        }
        ServiceAccount::List(arguments) => {
            let request = DirectoryRequest::People { kind: AccountKind::Service };
            let rows = people_of(ask(&arguments.config, false, request)?);
            output::value(arguments.output.format, &rows, || accounts(&rows))?;
        }
        ServiceAccount::Disable(arguments) => {
            let name = arguments.name;
            tell(&arguments.config, Request::Disable { name: name.clone() })?;
            output::note(format_args!(
                "{GOOD}disabled{GOOD:#} {STRONG}{name}{STRONG:#}; its keys, tokens and streams have ended for good"
            ));
        }
        ServiceAccount::Enable(arguments) => {
            let name = arguments.name;
            tell(&arguments.config, Request::Enable { name: name.clone() })?;
            output::note(format_args!(
                "{GOOD}enabled{GOOD:#} {STRONG}{name}{STRONG:#}; the keys it had do not come back"
            ));
        }
        ServiceAccount::Remove(arguments) => {
            let (name, kind) = (arguments.name.clone(), AccountKind::Service);
            ask(&arguments.config, false, DirectoryRequest::Remove { name, kind, keep_name: false })?;
            output::note(format_args!(
                "{GOOD}removed{GOOD:#} {STRONG}{}{STRONG:#}; its keys, tokens and streams have ended",
                arguments.name
            ));
        }
    }
    Ok(Exit::Success)
}

pub(super) fn group(verb: Group) -> Result<Exit, Failure> {
    match verb {
        Group::List(arguments) => {
            let rows = groups_of(ask(&arguments.config, false, DirectoryRequest::Groups)?);
            output::value(arguments.output.format, &rows, || groups(&rows))?;
        }
        Group::Show(arguments) => {
            let shown = ask(&arguments.config, false, DirectoryRequest::ShowGroup { name: arguments.name })?;
            let members: Vec<String> = shown
                .iter()
                .filter_map(
                    |row| if let DirectoryRow::Member(name) = row { Some(name.clone()) } else { None },
                )
                .collect();
            if let Some(group) = groups_of(shown).pop() {
                let whole = WholeGroup { group: &group, names: &members };
                output::value(arguments.output.format, &whole, || one_group(&group, &members))?;
            }
        }
        Group::Add(arguments) => {
            let (name, roles, tenant) = (arguments.name, arguments.roles, arguments.tenant);
            let made = ask(&arguments.config, true, DirectoryRequest::AddGroup { name, roles, tenant })?;
            changed_group(arguments.output, made, "added")?;
        }
        Group::Change(arguments) => {
            let roles = match (arguments.no_roles, arguments.roles.is_empty()) {
                (true, _) => Some(Vec::new()),
                (false, true) => None,
                (false, false) => Some(arguments.roles),
            };
            if roles.is_none() && arguments.rename.is_none() {
                return Err(Failure::usage("nothing to change was named")
                    .hint("`--rename NAME`, `--role ROLE` or `--no-roles`"));
            }
            let request = change(arguments.name, arguments.rename, roles, Vec::new(), Vec::new());
            changed_group(arguments.output, ask(&arguments.config, false, request)?, "changed")?;
        }
        Group::Remove(arguments) => {
            let name = arguments.name.clone();
            ask(&arguments.config, false, DirectoryRequest::RemoveGroup { name })?;
            done(arguments.output, &format!("{GOOD}removed{GOOD:#} {STRONG}{}{STRONG:#}", arguments.name))?;
        }
        Group::AddMember(arguments) => {
            let request = change(arguments.group, None, None, arguments.names, Vec::new());
            changed_group(arguments.output, ask(&arguments.config, false, request)?, "changed")?;
        }
        Group::RemoveMember(arguments) => {
            let request = change(arguments.group, None, None, Vec::new(), arguments.names);
            changed_group(arguments.output, ask(&arguments.config, false, request)?, "changed")?;
        }
    }
    Ok(Exit::Success)
}

pub(super) fn session(verb: Session) -> Result<Exit, Failure> {
    match verb {
        Session::List(arguments) => sessions(&arguments.config, arguments.output, arguments.user),
        Session::Revoke(arguments) => {
            ask(&arguments.config, false, DirectoryRequest::EndSession { id: arguments.id.clone() })?;
            done(arguments.output, &format!("{GOOD}ended{GOOD:#} {STRONG}{}{STRONG:#}", arguments.id))
        }
    }
}

pub(super) fn grant(verb: Grant) -> Result<Exit, Failure> {
    match verb {
        Grant::List(arguments) => {
            let shown = ask(&arguments.config, false, DirectoryRequest::Grants { name: arguments.user })?;
            let rows: Vec<GrantRow> = shown
                .into_iter()
                .filter_map(|row| if let DirectoryRow::Grant(row) = row { Some(row) } else { None })
                .collect();
            output::value(arguments.output.format, &rows, || grants(&rows))?;
            Ok(Exit::Success)
        }
        Grant::Revoke(arguments) => {
            let (name, client) = (arguments.user.clone(), arguments.client.clone());
            ask(&arguments.config, false, DirectoryRequest::RevokeGrant { name, client })?;
            let (user, client) = (arguments.user, arguments.client);
            let said = format!(
                "{GOOD}ended{GOOD:#} what {STRONG}{user}{STRONG:#} allowed {STRONG}{client}{STRONG:#}, and every token made from it"
            );
            done(arguments.output, &said)
        }
    }
}

#[derive(Serialize)]
struct WholeGroup<'a> {
    #[serde(flatten)]
    group: &'a GroupRow,
    /// Who is in it.
    names: &'a [String],
}

#[derive(Serialize)]
struct WholePerson<'a> {
    #[serde(flatten)]
    person: &'a PersonRow,
    factors: &'a [FactorRow],
}

/// One account after a change, or to look at.
pub(super) fn shown(
    file: &ConfigFile,
    format: OutputFormat,
    request: DirectoryRequest,
    done: Option<&str>,
) -> Result<Exit, Failure> {
    let rows = ask(file, false, request)?;
    let factors: Vec<FactorRow> = rows
        .iter()
        .filter_map(|row| if let DirectoryRow::Factor(row) = row { Some(row.clone()) } else { None })
        .collect();
    let Some(person) = people_of(rows).pop() else {
        return Err(Failure::new("the gate did not say what became of it"));
    };
    let whole = WholePerson { person: &person, factors: &factors };
    match (done, format.format) {
        (_, Format::Json) => output::json(&whole)?,
        (Some(done), Format::Text) => {
            output::data(format_args!("{GOOD}{done}{GOOD:#} {STRONG}{}{STRONG:#}", person.name))?;
        }
        (None, Format::Text) => output::data(one_person(&person, &factors))?,
    }
    Ok(Exit::Success)
}

/// What ended by it.
pub(super) fn ended(
    file: &ConfigFile,
    format: OutputFormat,
    request: DirectoryRequest,
) -> Result<Exit, Failure> {
    let rows = ask(file, false, request)?;
    let count =
        rows.iter().find_map(|row| if let DirectoryRow::Ended(count) = row { Some(*count) } else { None });
    let count = count.unwrap_or(0);
    match format.format {
        Format::Json => output::json(&serde_json::json!({ "sessions_ended": count }))?,
        Format::Text => {
            let sessions = if count == 1 { "session" } else { "sessions" };
            output::data(format_args!("{GOOD}ended{GOOD:#} {STRONG}{count}{STRONG:#} {sessions}"))?;
        }
    }
    Ok(Exit::Success)
}

pub(super) fn sessions(
    file: &ConfigFile,
    format: OutputFormat,
    name: Option<String>,
) -> Result<Exit, Failure> {
    let rows: Vec<SessionRow> = ask(file, false, DirectoryRequest::Sessions { name })?
        .into_iter()
        .filter_map(|row| if let DirectoryRow::Session(row) = row { Some(row) } else { None })
        .collect();
    output::value(format.format, &rows, || {
        if rows.is_empty() {
            return "nobody is signed in".to_owned();
        }
        let cells: Vec<Vec<Cell>> = rows
            .iter()
            .map(|row| {
                vec![
                    styled(row.id.clone(), STRONG),
                    row.user.clone().into(),
                    row.address.clone().unwrap_or_default().into(),
                    row.methods.join(" ").into(),
                    minute(&row.started).into(),
                    minute(&row.last_seen).into(),
                    plain(row.user_agent.as_deref().unwrap_or_default()).into(),
                ]
            })
            .collect();
        table(&["id", "user", "address", "by", "since", "last seen", "browser"], &cells)
    })?;
    Ok(Exit::Success)
}

/// Asks for one thing; every row of the answer.
pub(super) fn ask(
    file: &ConfigFile,
    make: bool,
    request: DirectoryRequest,
) -> Result<Vec<DirectoryRow>, Failure> {
    let config = for_data(file)?.config;
    let mut rows = Vec::new();
    block_on(async {
        Door::open(&config, make)
            .await?
            .ask(Request::Directory { directory: request }, |reply| {
                if let Reply::Directory(row) = reply {
                    rows.push(*row);
                }
                Ok(())
            })
            .await
    })?;
    Ok(rows)
}

fn tell(file: &ConfigFile, request: Request) -> Result<(), Failure> {
    let config = for_data(file)?.config;
    block_on(async { Door::open(&config, false).await?.ask(request, |_| Ok(())).await })
}

pub(super) fn done(format: OutputFormat, said: &str) -> Result<Exit, Failure> {
    match format.format {
        Format::Json => output::json(&serde_json::json!({ "done": true }))?,
        Format::Text => output::data(said)?,
    }
    Ok(Exit::Success)
}

fn change(
    name: String,
    rename: Option<String>,
    roles: Option<Vec<String>>,
    add: Vec<String>,
    remove: Vec<String>,
) -> DirectoryRequest {
    DirectoryRequest::ChangeGroup { name, rename, roles, add, remove }
}

fn changed_group(format: OutputFormat, rows: Vec<DirectoryRow>, word: &str) -> Result<(), Failure> {
    let Some(group) = groups_of(rows).pop() else {
        return Err(Failure::new("the gate did not say what became of it"));
    };
    output::value(format.format, &group, || {
        let members = if group.members == 1 { "member" } else { "members" };
        format!("{GOOD}{word}{GOOD:#} {STRONG}{}{STRONG:#}: {} {members}", plain(&group.name), group.members)
    })
}

pub(super) fn people_of(rows: Vec<DirectoryRow>) -> Vec<PersonRow> {
    rows.into_iter()
        .filter_map(|row| if let DirectoryRow::Person(row) = row { Some(row) } else { None })
        .collect()
}

fn groups_of(rows: Vec<DirectoryRow>) -> Vec<GroupRow> {
    rows.into_iter()
        .filter_map(|row| if let DirectoryRow::Group(row) = row { Some(row) } else { None })
        .collect()
}

fn accounts(rows: &[PersonRow]) -> String {
    if rows.is_empty() {
        return "no program yet: `gabion service-account add NAME` adds one".to_owned();
    }
    let rows: Vec<Vec<Cell>> = rows
        .iter()
        .map(|row| {
            vec![
                styled(row.name.clone(), STRONG),
                styled(row.state.clone(), look(&row.state)),
                row.effective_roles.join(", ").into(),
                row.groups.iter().map(|name| plain(name)).collect::<Vec<_>>().join(", ").into(),
                row.tenant.clone().into(),
                row.created.get(..10).unwrap_or_default().into(),
            ]
        })
        .collect();
    table(&["name", "state", "roles", "groups", "tenant", "since"], &rows)
}

fn groups(rows: &[GroupRow]) -> String {
    if rows.is_empty() {
        return "no group yet: `gabion group add NAME --role ROLE` makes one".to_owned();
    }
    let rows: Vec<Vec<Cell>> = rows
        .iter()
        .map(|row| {
            vec![
                styled(plain(&row.name), STRONG),
                row.roles.join(", ").into(),
                row.members.to_string().into(),
                row.tenant.clone().into(),
                row.created.get(..10).unwrap_or_default().into(),
            ]
        })
        .collect();
    table(&["name", "roles", "members", "tenant", "since"], &rows)
}

fn grants(rows: &[GrantRow]) -> String {
    if rows.is_empty() {
        return "no application is allowed anything".to_owned();
    }
    let rows: Vec<Vec<Cell>> = rows
        .iter()
        .map(|row| {
            vec![
                styled(row.client.clone(), STRONG),
                plain(&row.name).into(),
                row.scopes.join(" ").into(),
                row.active.to_string().into(),
                minute(&row.granted).into(),
                row.last_used.as_deref().map_or_else(|| "never".to_owned(), minute).into(),
            ]
        })
        .collect();
    table(&["application", "name", "scopes", "sign-ins", "since", "last used"], &rows)
}

fn one_group(group: &GroupRow, members: &[String]) -> String {
    let rows = [
        ("name", plain(&group.name)),
        ("id", group.id.clone()),
        ("roles", or_none(&group.roles.join(", "))),
        ("tenant", group.tenant.clone()),
        ("external id", or_none(group.external_id.as_deref().unwrap_or_default())),
        ("since", minute(&group.created)),
        ("members", or_none(&members.join("\n  "))),
    ];
    rows.map(|(name, value)| format!("{FAINT}{name}{FAINT:#}\n  {value}")).join("\n")
}

fn one_person(person: &PersonRow, factors: &[FactorRow]) -> String {
    let verified = if person.email_verified { " (verified)" } else { " (not verified)" };
    let email = person.email.as_ref().map(|email| format!("{}{verified}", plain(email)));
    let by_groups: Vec<&str> = person
        .effective_roles
        .iter()
        .filter(|role| !person.roles.contains(role))
        .map(String::as_str)
        .collect();
    let factors: Vec<String> = factors
        .iter()
        .map(|one| {
            let used = one
                .last_used
                .as_deref()
                .map_or_else(|| "never used".to_owned(), |time| format!("last used {}", minute(time)));
            format!("{} {}, {used}", one.kind, plain(&one.name))
        })
        .collect();
    let kind = match person.kind {
        AccountKind::Person => "person",
        AccountKind::Service => "program",
    };
    let rows = [
        ("name", person.name.clone()),
        ("id", person.id.clone()),
        ("kind", kind.to_owned()),
        ("state", person.state.clone()),
        ("shown as", or_none(&plain(person.display_name.as_deref().unwrap_or_default()))),
        ("e-mail", email.unwrap_or_else(|| "none".to_owned())),
        ("roles", or_none(&person.roles.join(", "))),
        ("roles by groups", or_none(&by_groups.join(", "))),
        ("groups", or_none(&person.groups.iter().map(|name| plain(name)).collect::<Vec<_>>().join(", "))),
        ("tenant", person.tenant.clone()),
        ("external id", or_none(&plain(person.external_id.as_deref().unwrap_or_default()))),
        ("second factors", or_none(&factors.join("\n  "))),
        ("sessions", person.sessions.to_string()),
        ("since", minute(&person.created)),
        ("changed", minute(&person.updated)),
        ("last sign-in", person.last_sign_in.as_deref().map_or_else(|| "never".to_owned(), minute)),
    ];
    rows.map(|(name, value)| format!("{FAINT}{name}{FAINT:#}\n  {value}")).join("\n")
}

fn or_none(text: &str) -> String {
    if text.is_empty() { "none".to_owned() } else { text.to_owned() }
}

fn look(state: &str) -> anstyle::Style {
    match state {
        "active" => GOOD,
        "invited" => WARN,
        _ => BAD,
    }
}

fn minute(text: &str) -> String {
    text.get(..16).unwrap_or(text).replace('T', " ")
}

/// Without what would move a terminal: names and browsers are other people's texts.
fn plain(text: &str) -> String {
    text.chars().map(|one| if one.is_control() { '\u{fffd}' } else { one }).collect()
}
