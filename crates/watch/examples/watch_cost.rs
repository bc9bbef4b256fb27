//! Prints the processor time of learning from an event and showing it to all rules of the program, in nanoseconds: one
//! line for everyday traffic of people whose habits are known, one for an attack that rotates its addresses. Argument: the milliseconds to spend on each.

#![expect(clippy::print_stdout, reason = "a measurement prints")]

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use gabion_model::{AccountId, Actor, ControlId, Event, EventKind, Outcome, Timestamp};
use gabion_watch::{Rules, Watcher, pack};

/// The gate's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let milliseconds: u64 = std::env::args().nth(1).ok_or("no time")?.parse()?;
    for make in [everyday as fn(u64) -> Event, rotating] {
        let rules =
            Rules::load(&pack::sources(), &BTreeMap::new()).map_err(|problems| format!("{problems:?}"))?;
        let mut watcher = Watcher::new(Arc::new(rules), 1);
        let (mut position, mut spent) = (0_u64, 0);
        while spent < milliseconds * 1_000_000 {
            // Made outside the measured time.
            let events: Vec<_> = (position..position + 10_000).map(|number| (number, make(number))).collect();
            let before = nanoseconds()?;
            for (number, event) in &events {
                std::hint::black_box(watcher.see(*number, event));
            }
            spent += nanoseconds()? - before;
            position += 10_000;
        }
        println!("{}", spent / position);
    }
    Ok(())
}

fn event(number: u64, kind: EventKind, action: &str, outcome: Outcome) -> Event {
    // Ten events a second: some millions are weeks, in which habits are learnt.
    let time = Timestamp::from_micros(1_700_000_000_000_000 + i64::try_from(number).unwrap_or(0) * 100_000);
    let mut event =
        Event::new(time, kind, action, Actor::Anonymous, outcome, ControlId::AUTHZ_DECLARED_ROUTES);
    let low = u32::try_from(number % 5_000).unwrap_or(0);
    event.address = Some(IpAddr::V4(Ipv4Addr::from(0x0a00_0000 + low * 256)));
    event.user_agent =
        Some("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0".to_owned());
    event
}

/// Refusals, sign-ins, administration and decisions, of five thousand networks and a thousand people.
fn everyday(number: u64) -> Event {
    let person = format!("person-{}", number % 1_000);
    let account = Actor::Account { id: AccountId::new(&person), name: person.clone(), session: None };
    match number % 10 {
        0..4 => {
            let mut event = event(number, EventKind::Refusal, "request.refused", Outcome::Failure);
            event.resource = format!("/orders/{}", number % 97);
            event.reason = Some("not signed in".to_owned());
            for (key, value) in [("check", "access"), ("method", "GET"), ("status", "401")] {
                event.metadata.insert(key.to_owned(), value.to_owned());
            }
            event
        }
        4..7 => {
            let outcome = if number.is_multiple_of(50) { Outcome::Failure } else { Outcome::Success };
            let mut event = event(number, EventKind::Login, "account.sign-in", outcome);
            (event.resource, event.actor) = (person, account);
            event
        }
        7 => {
            let mut event = event(number, EventKind::Administration, "profile.edit", Outcome::Success);
            event.actor = account;
            event
        }
        8 => {
            let mut event = event(number, EventKind::Traffic, "traffic.counted", Outcome::Success);
            (event.actor, event.resource) = (account, format!("/part-{}/*", number % 7));
            let numbers = [("requests", "60"), ("distinct", "40"), ("bytes", "90000"), ("period", "closed")];
            event.metadata = numbers.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
            event
        }
        _ => {
            let mut event = event(number, EventKind::Decision, "decision.allowed", Outcome::Success);
            event.actor = account;
            event
        }
    }
}

/// Sign-ins with names nobody has, each from another network.
fn rotating(number: u64) -> Event {
    let mut event = event(number, EventKind::Login, "account.sign-in", Outcome::Failure);
    event.control = ControlId::AUTHN_NO_ENUMERATION;
    let network = u32::try_from(number % 0x00ff_ffff).unwrap_or(0);
    event.address = Some(IpAddr::V4(Ipv4Addr::from(network << 8)));
    event
}

/// Time on a processor of this thread, from the kernel.
fn nanoseconds() -> Result<u64, Box<dyn std::error::Error>> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    Ok(text.split_whitespace().next().ok_or("no time")?.parse()?)
}
