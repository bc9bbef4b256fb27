//! `gabion sink`: where the ledger's records go besides.

use std::sync::Arc;

use gabion_model::{Clock, Rng, SystemClock};
use gabion_vault::SystemRng;
use serde_json::{Value, json};

use super::{block_on, for_data};
use crate::arguments::{Sink, SinkList, SinkTest};
use crate::failure::{Exit, Failure};
use crate::gate::sinks;
use crate::output::table::{Cell, styled, table};
use crate::output::{self, FAINT, GOOD, STRONG};

pub(super) fn run(verb: &Sink) -> Result<Exit, Failure> {
    match verb {
        Sink::List(arguments) => list(arguments),
        Sink::Test(arguments) => test(arguments),
    }
}

fn list(arguments: &SinkList) -> Result<Exit, Failure> {
    let config = for_data(&arguments.config)?.config;
    let rows: Vec<Value> = config
        .sinks
        .iter()
        .map(|(name, sink)| {
            let kept = std::fs::read(config.data.directory.join(sinks::file(name))).ok();
            let delivered = kept.and_then(|bytes| sinks::delivered(&bytes));
            let path = sink.path.as_ref().map(|path| path.display().to_string());
            let place = path.or_else(|| sink.server.clone()).or_else(|| sink.url.clone());
            json!({ "name": name, "type": sink.kind, "to": place, "delivered": delivered })
        })
        .collect();
    output::value(arguments.output.format, &rows, || {
        let text = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
        let row = |row: &Value| -> Vec<Cell> {
            let delivered = row["delivered"].as_u64().map_or_else(|| "-".to_owned(), |it| it.to_string());
            vec![
                styled(text(row, "name"), STRONG),
                text(row, "type").into(),
                delivered.into(),
                text(row, "to").into(),
            ]
        };
        let rows: Vec<_> = rows.iter().map(row).collect();
        table(&["name", "type", "delivered", "to"], &rows)
    })?;
    if rows.is_empty() {
        output::note(format_args!("{FAINT}there are none; a table `[sinks.NAME]` makes one{FAINT:#}"));
    }
    Ok(Exit::Success)
}

fn test(arguments: &SinkTest) -> Result<Exit, Failure> {
    let config = for_data(&arguments.config)?.config;
    let (clock, rng): (Arc<dyn Clock>, Arc<dyn Rng>) = (Arc::new(SystemClock), Arc::new(SystemRng::new()));
    let name = &arguments.name;
    let tried = block_on(async { Ok(sinks::open(&config, &clock, &rng)?.test(name).await) })?;
    match tried {
        None => {
            Err(Failure::usage(format!("there is no sink `{name}`")).hint("`gabion sink list` shows them"))
        }
        Some(Err(error)) => {
            Err(Failure::new(format!("the sink `{name}` did not take the event")).because(&error))
        }
        Some(Ok(())) => {
            output::note(format_args!(
                "{GOOD}delivered{GOOD:#} an event `sink.test` to {STRONG}{name}{STRONG:#}"
            ));
            Ok(Exit::Success)
        }
    }
}
