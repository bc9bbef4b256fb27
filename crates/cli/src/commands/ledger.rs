//! `gabion ledger …`: read the record, and prove it.

mod form;
mod proof;

use std::str::FromStr as _;
use std::time::Duration;

use gabion_control::Catalogue;
use gabion_ledger::{Order, Query};
use gabion_model::{Clock as _, ControlId, EventKind, Outcome, Period, RequestId, SystemClock, Timestamp};
use serde::de::DeserializeOwned;

use super::{block_on, for_data};
use crate::arguments::{ConfigFile, Ledger, LedgerExport, LedgerFilters, LedgerSearch, RecordFormat};
use crate::control::door::Door;
use crate::control::operation::{Reply, Request};
use crate::failure::{Exit, Failure};
use crate::output::{self, GOOD};

pub(super) fn run(verb: Ledger) -> Result<Exit, Failure> {
    match verb {
        Ledger::Tail(arguments) => {
            let request = Request::Tail { count: arguments.count, follow: arguments.follow };
            print(&arguments.config, arguments.format, request)
        }
        Ledger::Search(arguments) => {
            let LedgerSearch { text, filters, limit, format, config } = arguments;
            let query = Query { text, limit: Some(limit), ..query(filters)? };
            print(&config, format, Request::Search { query })
        }
        Ledger::Export(arguments) => {
            let LedgerExport { filters, format, config } = arguments;
            let query = Query { order: Order::OldestFirst, ..query(filters)? };
            print(&config, format, Request::Search { query })
        }
        Ledger::Verify(arguments) => proof::check(&arguments),
        Ledger::Prove(arguments) => proof::prove(&arguments),
        Ledger::Checkpoint(arguments) => proof::checkpoint(&arguments),
        Ledger::Key(arguments) => proof::key(&arguments.config),
        Ledger::Rekey(arguments) => rekey(&arguments.config),
        Ledger::Erase(arguments) => erase(&arguments.config, &arguments.name),
    }
}

/// Destroys the key of a removed account's personal data.
pub(super) fn erase(file: &ConfigFile, name: &str) -> Result<Exit, Failure> {
    let config = for_data(file)?.config;
    let request = Request::Erase { name: name.to_owned() };
    block_on(async { Door::open(&config, false).await?.ask(request, |_| Ok(())).await })?;
    output::note(format_args!(
        "{GOOD}erased{GOOD:#} what the ledger said of that account; copies that left (sinks, exports, backups) are not"
    ));
    Ok(Exit::Success)
}

fn rekey(file: &ConfigFile) -> Result<Exit, Failure> {
    let config = for_data(file)?.config;
    block_on(async {
        Door::open(&config, false).await?.ask(Request::RekeyLedger, |reply| {
            if let Reply::Rekeyed { segments } = reply {
                output::note(format_args!(
                    "{GOOD}replaced{GOOD:#} the key of the ledger's records, in {segments} segments; keep a copy of it with your backups"
                ));
            }
            Ok(())
        })
        .await
    })?;
    Ok(Exit::Success)
}

fn print(file: &ConfigFile, format: RecordFormat, request: Request) -> Result<Exit, Failure> {
    let config = for_data(file)?.config;
    let form = form::Form::new(format);
    block_on(async {
        let asked = Door::open(&config, false).await?.ask(request, |reply| match reply {
            Reply::Record(record) => form.print(&record),
            _ => Ok(()),
        });
        tokio::select! {
            asked = asked => asked,
            // Following ends when the person has seen enough.
            _ = tokio::signal::ctrl_c() => Ok(()),
        }
    })?;
    Ok(Exit::Success)
}

fn query(filters: LedgerFilters) -> Result<Query, Failure> {
    let LedgerFilters { action, actor, address, control, kind, outcome, request, resource, since } = filters;
    let control = control
        .map(|id| Catalogue::built_in().find(&id).map(|control| control.id))
        .transpose()
        .map_err(|unknown| {
            let near: Vec<String> =
                unknown.suggestions.iter().map(|id: &ControlId| format!("`{id}`")).collect();
            let failure = Failure::usage(format!("no control has the id `{}`", unknown.text));
            if near.is_empty() {
                failure.hint("`gabion controls` lists them")
            } else {
                failure.hint(format!("did you mean {}?", near.join(" or ")))
            }
        })?;
    let request_id = request.map(|id| {
        RequestId::from_str(&id).map_err(|error| {
            Failure::usage(format!("`--request {id}`: {error}"))
                .hint("error pages and the answer header `gabion-request-id` show it")
        })
    });
    Ok(Query {
        since: since.map(|period| ago(&period)).transpose()?,
        until: None,
        kind: kind
            .map(|word| {
                word_of::<EventKind>("--kind", &word, &words(EventKind::ALL.iter().map(|kind| kind.as_str())))
            })
            .transpose()?,
        control,
        outcome: outcome
            .map(|word| {
                word_of::<Outcome>("--outcome", &word, &words(Outcome::ALL.iter().map(|end| end.as_str())))
            })
            .transpose()?,
        action,
        resource,
        actor,
        address,
        request_id: request_id.transpose()?,
        ..Query::default()
    })
}

fn word_of<T: DeserializeOwned>(flag: &str, word: &str, words: &str) -> Result<T, Failure> {
    serde_json::from_value(word.into()).map_err(|_| {
        Failure::usage(format!("`{flag} {word}`: there is no such word")).hint(format!("one of {words}"))
    })
}

fn words<'a>(all: impl Iterator<Item = &'a str>) -> String {
    all.map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

fn ago(period: &str) -> Result<Timestamp, Failure> {
    let period: Period = period.parse().map_err(|error| Failure::usage(format!("`--since`: {error}")))?;
    let micros =
        i64::try_from(period.as_duration().min(Duration::from_secs(1 << 40)).as_micros()).unwrap_or(i64::MAX);
    Ok(Timestamp::from_micros(SystemClock.now().as_micros().saturating_sub(micros)))
}
