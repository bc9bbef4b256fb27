//! `gabion ledger …`: read the record, and prove it.

mod proof;

use std::str::FromStr as _;
use std::time::Duration;

use gabion_control::Catalogue;
use gabion_ledger::{Order, Query, Record};
use gabion_model::{
    Actor, Clock as _, ControlId, EventKind, Outcome, Period, RequestId, SystemClock, Timestamp,
};
use serde::de::DeserializeOwned;

use super::{block_on, for_data};
use crate::arguments::{ConfigFile, Format, Ledger, LedgerFilters, LedgerSearch};
use crate::control::door::Door;
use crate::control::operation::{Reply, Request};
use crate::failure::{Exit, Failure};
use crate::output::{self, BAD, FAINT, GOOD, PLACE, STRONG, WARN};

pub(super) fn run(verb: Ledger) -> Result<Exit, Failure> {
    match verb {
        Ledger::Tail(arguments) => {
            let request = Request::Tail { count: arguments.count, follow: arguments.follow };
            print(&arguments.config, arguments.output.format, request)
        }
        Ledger::Search(arguments) => {
            let LedgerSearch { text, filters, output, config } = arguments;
            let query = query(text, filters)?;
            print(&config, output.format, Request::Search { query })
        }
        Ledger::Verify(arguments) => proof::check(&arguments),
        Ledger::Prove(arguments) => proof::prove(&arguments),
        Ledger::Key(arguments) => proof::key(&arguments.config),
    }
}

fn print(file: &ConfigFile, format: Format, request: Request) -> Result<Exit, Failure> {
    let config = for_data(file)?.config;
    block_on(async {
        let asked = Door::open(&config, false).await?.ask(request, |reply| match (reply, format) {
            (Reply::Record(record), Format::Json) => output::json_line(&record),
            (Reply::Record(record), Format::Text) => output::data(line(&record)),
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

fn query(text: Option<String>, filters: LedgerFilters) -> Result<Query, Failure> {
    let LedgerFilters { actor, address, control, kind, outcome, request, since, limit } = filters;
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
                word_of::<EventKind>(
                    "--kind",
                    &word,
                    "`administration`, `configuration`, `login`, `logout`, `refusal` or `session`",
                )
            })
            .transpose()?,
        control,
        outcome: outcome
            .map(|word| word_of::<Outcome>("--outcome", &word, "`begun`, `failure` or `success`"))
            .transpose()?,
        actor,
        address,
        request_id: request_id.transpose()?,
        text,
        limit: Some(limit),
        order: Order::NewestFirst,
    })
}

fn word_of<T: DeserializeOwned>(flag: &str, word: &str, words: &str) -> Result<T, Failure> {
    serde_json::from_value(word.into()).map_err(|_| {
        Failure::usage(format!("`{flag} {word}`: there is no such word")).hint(format!("one of {words}"))
    })
}

fn ago(period: &str) -> Result<Timestamp, Failure> {
    let period: Period = period.parse().map_err(|error| Failure::usage(format!("`--since`: {error}")))?;
    let micros =
        i64::try_from(period.as_duration().min(Duration::from_secs(1 << 40)).as_micros()).unwrap_or(i64::MAX);
    Ok(Timestamp::from_micros(SystemClock.now().as_micros().saturating_sub(micros)))
}

/// When, how it ended, who, from where, what, on what, which control, why.
fn line(record: &Record) -> String {
    let event = &record.event;
    let time = event.time.to_string();
    let time = time.get(..19).unwrap_or(&time).replace('T', " ");
    let (mark, look) = match (event.outcome, event.kind) {
        (Outcome::Success, _) => ("ok", GOOD),
        (Outcome::Begun, _) => ("begun", FAINT),
        (Outcome::Failure, EventKind::Refusal) => ("refused", WARN),
        (Outcome::Failure, _) => ("failed", BAD),
    };
    let actor = match &event.actor {
        Actor::Account { name, .. } => name.as_str(),
        Actor::Anonymous => "anonymous",
        Actor::Gate => "gate",
        Actor::Operator => "operator",
    };
    let mut line = format!(
        "{FAINT}{time}{FAINT:#}  {look}{mark:<7}{look:#}  {STRONG}{}{STRONG:#}  {actor}",
        event.action
    );
    if let Some(address) = event.address {
        line.push_str(&format!(" {FAINT}from{FAINT:#} {address}"));
    }
    if !event.resource.is_empty() {
        line.push_str(&format!("  {PLACE}{}{PLACE:#}", event.resource));
    }
    if let Some(reason) = &event.reason {
        line.push_str(&format!("  {reason}"));
    }
    line.push_str(&format!("  {FAINT}{}{FAINT:#}", event.control));
    if event.count > 1 {
        line.push_str(&format!("  {WARN}\u{d7}{}{WARN:#}", event.count));
    }
    line
}
