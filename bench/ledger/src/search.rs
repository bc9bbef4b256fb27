//! How long a page of answers takes, of so many events.

use std::path::Path;
use std::time::{Duration, Instant};

use gabion_ledger::{Ledger, Query};
use gabion_model::{ControlId, EventKind, Outcome, Timestamp};
use serde_json::Value;

use crate::load::{event, open};
use crate::{Failure, row};

/// What 95 of 100 searches may take, in milliseconds.
const GOAL: f64 = 100.0;
const SEARCHES: u64 = 400;

pub(crate) fn measure(folder: &Path, events: u64, rows: &mut Vec<Value>) -> Result<(), Failure> {
    let folder = folder.join(format!("search-{events}"));
    let ledger = open(&folder)?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    eprintln!("recording {events} events");
    runtime.block_on(async {
        let mut number = 0;
        while number < events {
            let mut waiting = tokio::task::JoinSet::new();
            for number in number..(number + 4096).min(events) {
                let ledger = ledger.clone();
                waiting.spawn(async move { ledger.record(event(number)).await.map(drop) });
            }
            waiting.join_all().await.into_iter().collect::<Result<(), _>>()?;
            number += 4096;
        }
        Ok::<_, Failure>(())
    })?;
    eprintln!("making indexes");
    let begun = Instant::now();
    ledger.make_indexes();
    eprintln!("took {:.1} s", begun.elapsed().as_secs_f64());
    let name = if events.is_multiple_of(1_000_000) {
        format!("{}m", events / 1_000_000)
    } else {
        events.to_string()
    };
    let mut took = Vec::new();
    for number in 0..SEARCHES {
        let (what, query) = query(number, events);
        let (time, found) = timed(&ledger, query)?;
        if number < 20 {
            eprintln!("{what:<40} {:>8.2} ms, {found} found", time.as_secs_f64() * 1e3);
        }
        took.push(time.as_secs_f64() * 1e3);
    }
    took.sort_by(f64::total_cmp);
    let at = |share: f64| took.get((took.len() as f64 * share) as usize).copied().unwrap_or(0.0);
    rows.push(row(&format!("search-{name}-p50"), "ms", at(0.5), "goal", GOAL));
    rows.push(row(&format!("search-{name}-p95"), "ms", at(0.95), "goal", GOAL));
    runtime.block_on(ledger.close())?;
    Ok(())
}

fn timed(ledger: &Ledger, query: Query) -> Result<(Duration, usize), Failure> {
    let begun = Instant::now();
    let found = ledger.search(query).collect::<Result<Vec<_>, _>>()?;
    Ok((begun.elapsed(), found.len()))
}

/// What people look for, a page of fifty of it: by everything that can be asked, alone and together, found often, once, never.
fn query(number: u64, events: u64) -> (&'static str, Query) {
    let some = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 24;
    let page = Query { limit: Some(50), ..Query::default() };
    let one = event(some % events);
    let person = format!("person-{}", some % 1000);
    match number % 10 {
        0 => (
            "a person's failed sign-ins",
            Query {
                actor: Some(person),
                kind: Some(EventKind::Login),
                outcome: Some(Outcome::Failure),
                ..page
            },
        ),
        1 => ("an address", Query { address: one.address, ..page }),
        2 => ("a request id", Query { request_id: one.request_id, ..page }),
        3 => ("a control", Query { control: Some(ControlId::WEB_CSRF), ..page }),
        4 => ("a route", Query { resource: Some(one.resource), ..page }),
        5 => ("a text", Query { text: Some(one.resource), ..page }),
        6 => ("a text that is nowhere", Query { text: Some("no such text".to_owned()), ..page }),
        7 => (
            "an action of an hour",
            Query {
                action: Some("order.paid".to_owned()),
                since: Some(one.time),
                until: Some(Timestamp::from_micros(one.time.as_micros() + 3_600_000_000)),
                ..page
            },
        ),
        8 => (
            "a person on a route",
            Query { actor: Some(person), resource: Some(format!("/orders/{}*", some % 200)), ..page },
        ),
        _ => (
            "kind and outcome that never meet",
            Query { kind: Some(EventKind::Refusal), outcome: Some(Outcome::Success), ..page },
        ),
    }
}
