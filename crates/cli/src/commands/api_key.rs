//! `gabion api-key`.

use super::{block_on, for_data};
use crate::arguments::{ApiKey as Verb, ConfigFile, Format};
use crate::control::api_keys::{ApiKeyRequest, ApiKeyRow};
use crate::control::door::Door;
use crate::control::operation::{Reply, Request};
use crate::failure::{Exit, Failure};
use crate::output::table::{Cell, styled, table};
use crate::output::{self, FAINT, GOOD, PLACE, STRONG};

pub(super) fn run(verb: Verb) -> Result<Exit, Failure> {
    match verb {
        Verb::Create(arguments) => {
            let request = ApiKeyRequest::Create {
                account: arguments.account,
                label: arguments.label,
                scopes: arguments.scopes,
                life: arguments.life,
            };
            print_fresh(arguments.output.format, &ask(&arguments.config, request)?)?;
        }
        Verb::List(arguments) => {
            let rows = ask(&arguments.config, ApiKeyRequest::List { account: arguments.account })?;
            output::value(arguments.output.format, &rows, || show(&rows))?;
        }
        Verb::Rotate(arguments) => {
            let request = ApiKeyRequest::Rotate { id: arguments.id, overlap: arguments.overlap };
            print_fresh(arguments.output.format, &ask(&arguments.config, request)?)?;
        }
        Verb::Revoke(arguments) => {
            ask(&arguments.config, ApiKeyRequest::Revoke { id: arguments.id.clone() })?;
            let id = arguments.id;
            output::note(format_args!(
                "{GOOD}revoked{GOOD:#} {STRONG}{id}{STRONG:#}; it opens nothing any more"
            ));
        }
    }
    Ok(Exit::Success)
}

pub(super) fn ask(file: &ConfigFile, request: ApiKeyRequest) -> Result<Vec<ApiKeyRow>, Failure> {
    let request = Request::ApiKey { api_key: request };
    let config = for_data(file)?.config;
    let mut rows = Vec::new();
    block_on(async {
        Door::open(&config, false)
            .await?
            .ask(request, |reply| {
                if let Reply::ApiKey(row) = reply {
                    rows.push(*row);
                }
                Ok(())
            })
            .await
    })?;
    Ok(rows)
}

/// The key on standard output and nothing else, words beside it.
fn print_fresh(format: Format, rows: &[ApiKeyRow]) -> Result<(), Failure> {
    let Some(row) = rows.first() else { return Err(Failure::new("the gate made no key")) };
    if format == Format::Json {
        return output::json(row);
    }
    output::note(format_args!(
        "{FAINT}Shown once, kept nowhere. Key{FAINT:#} {STRONG}{}{STRONG:#} {FAINT}of{FAINT:#} {STRONG}{}{STRONG:#} {FAINT}for{FAINT:#} {} {FAINT}until {}.{FAINT:#}",
        row.id,
        row.account,
        row.scopes.join(" "),
        minute(&row.expires),
    ));
    let key = row.key.as_ref().map(|key| key.0.expose().clone()).unwrap_or_default();
    output::data(format_args!("{PLACE}{key}{PLACE:#}"))
}

fn show(rows: &[ApiKeyRow]) -> String {
    if rows.is_empty() {
        return "no keys: `gabion api-key create --account NAME --scope SCOPE` makes one".to_owned();
    }
    let rows: Vec<Vec<Cell>> = rows
        .iter()
        .map(|row| {
            vec![
                styled(row.id.clone(), STRONG),
                row.account.clone().into(),
                row.label.clone().into(),
                format!("{}…", row.hint).into(),
                row.scopes.join(" ").into(),
                minute(&row.expires).into(),
                row.last_used.as_deref().map_or_else(|| "never".to_owned(), minute).into(),
            ]
        })
        .collect();
    table(&["id", "account", "label", "begins", "scopes", "until", "last used"], &rows)
}

fn minute(text: &str) -> String {
    text.get(..16).unwrap_or(text).replace('T', " ")
}
