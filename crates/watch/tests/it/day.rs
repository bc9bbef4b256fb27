//! A day under a flood that rotates its addresses: memory stays bounded, nobody is flushed, nothing grows with time.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use gabion_model::{AccountId, Actor, ControlId, Event, EventKind, Outcome};
use gabion_watch::{Rules, Watcher, pack};

use crate::traffic::{refusal, sign_in};

/// Bytes that the watcher may hold with the rules of the program, whatever comes.
const MOST: usize = 96 << 20;

/// The `number`th event of the flood: another network each time, one kind for an hour.
fn flood(kind: i64, number: u32, second: i64) -> Event {
    let address = IpAddr::V4(Ipv4Addr::from(0x0b00_0000 + number * 256)).to_string();
    let name = format!("sock-{number}");
    match kind % 6 {
        0 => sign_in(second, &address, None, Outcome::Failure),
        1 => sign_in(second, &address, Some(&name), Outcome::Failure),
        2 => refusal(second, &address, &format!("/guess-{number}")),
        3 => sign_in(second, &address, Some(&name), Outcome::Success),
        4 => {
            let mut event = refusal(second, &address, "/x");
            (event.control, event.count) = (ControlId::ABUSE_RATE_LIMITS, 50);
            event
        }
        _ => {
            let mut event = refusal(second, &address, "/orders/*");
            let actor = Actor::Account { id: AccountId::new(&name), name, session: None };
            (event.kind, event.action, event.actor) =
                (EventKind::Traffic, "traffic.counted".to_owned(), actor);
            event.metadata = BTreeMap::from([
                ("requests".to_owned(), "10".to_owned()),
                ("period".to_owned(), "closed".to_owned()),
            ]);
            event
        }
    }
}

#[test]
fn a_day_of_rotating_addresses_fills_bounded_memory_and_flushes_nobody() {
    let rules = Rules::load(&pack::sources(), &BTreeMap::new()).unwrap();
    let mut watcher = Watcher::new(Arc::new(rules), 11);
    // Four wrong passwords each: the fifth would ring.
    let victims: Vec<_> =
        (0..50).map(|number| (format!("victim-{number}"), format!("192.0.{number}.1"))).collect();
    let mut position = 0;
    let mut see = |watcher: &mut Watcher, event: &Event| {
        position += 1;
        watcher.see(position, event)
    };
    let mut held = Vec::new();
    let mut number = 0;
    for hour in 0..24_i64 {
        let start = hour * 3600;
        for (name, from) in &victims {
            for second in 0..4 {
                see(&mut watcher, &sign_in(start + second, from, Some(name), Outcome::Failure));
            }
        }
        // Some seven thousand an hour, within the time that is looked back.
        for second in 4..800 {
            for _ in 0..9 {
                number += 1;
                see(&mut watcher, &flood(hour, number, start + second));
            }
        }
        // The first hour's victims were there before the flood; they are told apart from it all day.
        if hour == 0 {
            for (name, from) in &victims {
                let alerts = see(&mut watcher, &sign_in(start + 850, from, Some(name), Outcome::Failure));
                let own = alerts.iter().find(|alert| alert.name.as_deref() == Some("brute-force-account"));
                let own = own.unwrap_or_else(|| panic!("{name} was flushed: {alerts:?}"));
                assert!(!own.shared && own.group[0].1 == *name);
            }
        }
        held.push(watcher.held());
    }
    assert!(number > 150_000);
    assert!(held.iter().all(|held| *held < MOST), "{held:?}");
    // Full after some hours, and then hardly more.
    assert!(held[23] <= held[17] + held[17] / 5, "{held:?}");
    let counts = watcher.counts();
    assert!(counts.shared > 0 && counts.alerts < 3_000, "{counts:?}");
}
