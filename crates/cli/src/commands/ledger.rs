//! `gabion ledger …`: read the record, and prove it.

mod archive;
mod form;
mod proof;
mod tenant;

use std::path::Path;
use std::str::FromStr as _;
use std::time::Duration;

use gabion_control::Catalogue;
use gabion_ledger::{Order, Query};
use gabion_model::{
    Clock as _, ControlId, EventKind, Outcome, Period, RequestId, SystemClock, TenantId, Timestamp,
};
use gabion_verifier::Files;
use serde::de::DeserializeOwned;

use super::{block_on, for_data};
use crate::arguments::{ConfigFile, Ledger, LedgerExport, LedgerFilters, LedgerSearch, RecordFormat};
use crate::control::door::Door;
use crate::control::operation::{Reply, Request};
use crate::failure::{Exit, Failure};
use crate::gate::record_key;
use crate::output::{self, GOOD};

pub(super) fn run(verb: Ledger) -> Result<Exit, Failure> {
    match verb {
        Ledger::Tail(arguments) => {
            let request = Request::Tail { count: arguments.count, follow: arguments.follow };
            print(&arguments.config, arguments.format, request)
        }
        Ledger::Search(arguments) => {
            let LedgerSearch { text, filters, limit, directory, format, config } = arguments;
            let query = Query { text, limit: Some(limit), ..query(filters)? };
            match directory {
                Some(directory) => read(&config, format, &directory, query),
                None => print(&config, format, Request::Search { query }),
            }
        }
        Ledger::Export(arguments) => {
            let LedgerExport { filters, directory, to, format, config } = arguments;
            if let (Some(to), Some(tenant)) = (&to, &filters.tenant) {
                return tenant::export(&config, tenant, to);
            }
            let query = Query { order: Order::OldestFirst, ..query(filters)? };
            match directory {
                Some(directory) => read(&config, format, &directory, query),
                None => print(&config, format, Request::Search { query }),
            }
        }
        Ledger::Verify(arguments) => proof::check(&arguments),
        Ledger::Prove(arguments) => proof::prove(&arguments),
        Ledger::Checkpoint(arguments) => proof::checkpoint(&arguments),
        Ledger::Key(arguments) => proof::key(&arguments.config),
        Ledger::Rekey(arguments) => rekey(&arguments.config),
        Ledger::Erase(arguments) => erase(&arguments.config, Vec::new(), &arguments.name),
        Ledger::Status(arguments) => archive::status(&arguments),
        Ledger::Archive(verb) => archive::run(&verb),
        Ledger::Hold(verb) => archive::hold(verb),
    }
}

/// Destroys the key of a removed account's personal data, once what comes before has been done.
pub(super) fn erase(file: &ConfigFile, before: Vec<Request>, name: &str) -> Result<Exit, Failure> {
    let config = for_data(file)?.config;
    let mut requests = before;
    requests.push(Request::Erase { name: name.to_owned() });
    block_on(Door::ask_all(&config, requests, |_| Ok(())))?;
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

/// Prints records of a copy, which no gate has open.
fn read(file: &ConfigFile, format: RecordFormat, directory: &Path, query: Query) -> Result<Exit, Failure> {
    let config = for_data(file)?.config;
    let reader = record_key::opened(&config, Files::open(directory)?.reader()?)?;
    let form = form::Form::new(format);
    for record in reader.search(query) {
        let record = record.map_err(|error| {
            Failure::new("the copy cannot be read").because(&error).hint(
                "records are sealed with the key of their time: `ledger.key_file` names the one they are read with",
            )
        })?;
        form.print(&record)?;
    }
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
    let LedgerFilters { action, actor, address, control, kind, outcome, request, resource, since, tenant } =
        filters;
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
        tenant: tenant.map(|id| gabion_ledger::tenants::recorded(&TenantId::new(&id))),
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
