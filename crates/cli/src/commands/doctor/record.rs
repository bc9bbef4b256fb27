//! What the data directory holds: is it whole, and does it look as if the gate saw its clients?

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use gabion_ledger::{Query, Reader};
use gabion_model::{Clock as _, EventKind, SystemClock};
use gabion_store::Directory;

use super::Finding;
use crate::config::Config;
use crate::control::door::Door;
use crate::control::operation::{Reply, Request};

/// So many refusals from one private address look like a proxy.
const ENOUGH: usize = 20;

pub(super) async fn examine(config: &Config, runs: bool) -> Vec<Finding> {
    if !config.data.directory.exists() {
        return Vec::new();
    }
    let mut findings = Vec::new();
    if runs {
        findings
            .push(Finding::ok("records", "the running gate holds them; stop it to have them read through"));
    } else {
        findings.extend(read_through(config));
    }
    findings.extend(clients(config).await);
    findings
}

/// Everything that was written, read again.
fn read_through(config: &Config) -> Vec<Finding> {
    let path = &config.data.directory;
    let directory = match Directory::open(path) {
        Ok(directory) => directory,
        Err(error) => return vec![Finding::fail("records", error.to_string(), "see above")],
    };
    let database = match gabion_store::sqlite::Database::open(&directory.database_path())
        .and_then(|base| base.check())
    {
        Ok(()) => Finding::ok("database", "whole"),
        Err(error) => Finding::fail("database", error.to_string(), "keep a copy, then restore a backup"),
    };
    let read = directory.segments().map_err(|error| error.to_string()).and_then(|segments| {
        let reader = Reader::open(Arc::new(segments)).map_err(|error| error.to_string())?;
        reader.verify().map_err(|error| error.to_string())
    });
    let ledger = match read {
        Ok(count) => Finding::ok("ledger", format!("{count} records, all whole")),
        Err(error) => {
            Finding::fail("ledger", error, "keep a copy of the data directory before anything else")
        }
    };
    vec![database, ledger]
}

/// A gate behind a proxy it was not told about sees the proxy's address in place of everybody's, and
/// counts all of them as one.
async fn clients(config: &Config) -> Vec<Finding> {
    let query = Query { kind: Some(EventKind::Refusal), limit: Some(500), ..Query::default() };
    let mut seen = (0, BTreeSet::new());
    let mut latest = None;
    let asked = match Door::open(config, false).await {
        Ok(door) => {
            door.ask(Request::Search { query }, |reply| {
                if let Reply::Record(record) = reply {
                    latest = latest.max(Some(record.event.time));
                    if let Some(address) = record.event.address {
                        seen.0 += 1;
                        seen.1.insert(address);
                    }
                }
                Ok(())
            })
            .await
        }
        Err(failure) => Err(failure),
    };
    if let Err(failure) = asked {
        return vec![Finding::fail(
            "clients",
            format!("the ledger cannot be searched: {failure}"),
            "see above",
        )];
    }
    let mut findings = Vec::new();
    if latest.is_some_and(|latest| latest > SystemClock.now()) {
        let detail = "the ledger holds records from the future: the clock was set back";
        findings.push(Finding::warn("clock", detail, "keep the clock right with NTP"));
    }
    let trusted = !config.checks.client_address.trusted_proxies.is_empty();
    findings.push(judge(seen.0, &seen.1, trusted, config.gateway.listen.ip().is_loopback()));
    findings
}

fn judge(count: usize, addresses: &BTreeSet<IpAddr>, trusted: bool, loopback: bool) -> Finding {
    match addresses.iter().next() {
        Some(only)
            if addresses.len() == 1 && count >= ENOUGH && is_private(*only) && !trusted && !loopback =>
        {
            Finding::warn(
                "clients",
                format!("every refused request came from {only}: does a proxy stand in front of the gate?"),
                format!("if so: `checks.client_address.trusted_proxies = [\"{only}\"]`"),
            )
        }
        Some(_) => {
            let plural = if addresses.len() == 1 { "address" } else { "addresses" };
            Finding::ok("clients", format!("refusals from {} {plural} recorded", addresses.len()))
        }
        None => Finding::ok("clients", "no refusals recorded"),
    }
}

fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => address.is_private() || address.is_loopback() || address.is_link_local(),
        IpAddr::V6(address) => {
            address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[test]
    fn one_private_address_for_everybody_looks_like_a_proxy() {
        let addresses =
            |list: &[&str]| list.iter().map(|text| text.parse().unwrap()).collect::<BTreeSet<IpAddr>>();
        let state =
            |count, list: &[&str], trusted, loopback| judge(count, &addresses(list), trusted, loopback).state;
        assert_eq!(state(50, &["10.0.0.7"], false, false), State::Warn);
        assert_eq!(state(50, &["10.0.0.7"], true, false), State::Ok);
        assert_eq!(state(50, &["10.0.0.7", "10.0.0.8"], false, false), State::Ok);
        assert_eq!(state(50, &["203.0.113.9"], false, false), State::Ok);
        assert_eq!(state(50, &["127.0.0.1"], false, true), State::Ok);
        assert_eq!(state(3, &["10.0.0.7"], false, false), State::Ok);
    }
}
