//! The forms from outside: what hostile texts cannot do, and what a person sees.

#![cfg(test)]

mod forge;
mod shapes;

use gabion_model::{
    AccountId, Actor, ControlId, Event, EventKind, Outcome, RequestId, SessionId, Severity, Timestamp,
};
use proptest::prelude::*;

/// Texts as attackers choose them: any Unicode, and many of the characters that mean something to some form.
fn hostile() -> impl Strategy<Value = String> {
    let special = prop::sample::select(vec![
        "\n",
        "\r\n",
        "\\",
        "|",
        "=",
        "\"",
        "]",
        "[",
        " ",
        "\u{0}",
        "\u{1b}[2J",
        "\u{85}",
        "\u{2028}",
        "\u{202e}",
        "\u{feff}",
        "CEF:0|",
        "<104>1 ",
        " cs1=",
        "\n<13>1 ",
        "}\n{",
        "\\n",
        "%0a",
        "ü",
        "\u{1f980}",
    ]);
    prop::collection::vec(prop_oneof![special.prop_map(str::to_owned), ".{0,4}"], 0..6)
        .prop_map(|parts| parts.concat())
}

/// Events whose every text is hostile.
fn events() -> impl Strategy<Value = Event> {
    let actor = prop_oneof![
        (hostile(), hostile(), prop::option::of(hostile())).prop_map(|(id, name, session)| Actor::Account {
            id: AccountId::new(&id),
            name,
            session: session.map(|session| SessionId::new(&session)),
        }),
        Just(Actor::Anonymous),
        Just(Actor::Gate),
        Just(Actor::Operator),
    ];
    let address = prop::option::of(any::<std::net::IpAddr>());
    let keys = prop_oneof![
        Just("method".to_owned()),
        Just("status".to_owned()),
        Just("scope".to_owned()),
        hostile()
    ];
    (
        (any::<i64>(), prop::sample::select(EventKind::ALL), hostile(), actor, hostile(), address),
        (
            prop::option::of(hostile()),
            prop::sample::select(Outcome::ALL),
            prop::option::of(prop::sample::select(Severity::ALL)),
            prop::option::of(hostile()),
            prop::collection::btree_map(keys, hostile(), 0..4),
            prop::option::of(any::<[u8; 12]>()),
            prop::sample::select(ControlId::ALL),
            1..5_u64,
        ),
    )
        .prop_map(|((micros, kind, action, actor, resource, address), rest)| {
            let (user_agent, outcome, severity, reason, metadata, id, control, count) = rest;
            let mut event =
                Event::new(Timestamp::from_micros(micros), kind, &action, actor, outcome, control);
            event.resource = resource;
            event.address = address;
            event.user_agent = user_agent;
            event.severity = severity;
            event.reason = reason;
            event.metadata = metadata;
            event.request_id = id.map(RequestId::from_bytes);
            event.count = count;
            event
        })
}
