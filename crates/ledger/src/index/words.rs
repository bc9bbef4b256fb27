//! What of an event can be looked for, as words: a tag and a value each.

use std::net::IpAddr;

use gabion_model::{Actor, ControlId, Event, EventKind, Outcome, RequestId, TenantId};

use crate::Query;

/// Of a record whose event this version does not know: a candidate for everything, so that it is told of.
pub(super) const UNKNOWN: &[u8] = &[0];
const KIND: u8 = 1;
const CONTROL: u8 = 2;
const OUTCOME: u8 = 3;
const ACTOR: u8 = 4;
const ADDRESS: u8 = 5;
const REQUEST: u8 = 6;
const ACTION: u8 = 7;
const RESOURCE: u8 = 8;
const TENANT: u8 = 10;
/// Three bytes of a text.
const GRAM: u8 = 9;

/// Tells every word of an event that stands for a field.
pub(super) fn of_fields(event: &Event, mut tell: impl FnMut(&[u8])) {
    let mut buffer = Vec::with_capacity(64);
    let mut say = |tag: u8, value: &[u8], lower: bool| {
        buffer.clear();
        buffer.push(tag);
        buffer.extend_from_slice(value);
        if lower {
            buffer.make_ascii_lowercase();
        }
        tell(&buffer);
    };
    say(KIND, event.kind.as_str().as_bytes(), false);
    say(CONTROL, event.control.as_str().as_bytes(), false);
    say(OUTCOME, event.outcome.as_str().as_bytes(), false);
    match &event.actor {
        Actor::Account { id, name, .. } => {
            say(ACTOR, name.as_bytes(), true);
            if !id.as_str().eq_ignore_ascii_case(name) {
                say(ACTOR, id.as_str().as_bytes(), true);
            }
        }
        Actor::Anonymous => say(ACTOR, b"anonymous", false),
        Actor::Gate => say(ACTOR, b"gate", false),
        Actor::Operator => say(ACTOR, b"operator", false),
    }
    match event.address {
        Some(IpAddr::V4(address)) => say(ADDRESS, &address.octets(), false),
        Some(IpAddr::V6(address)) => say(ADDRESS, &address.octets(), false),
        None => {}
    }
    if let Some(id) = event.request_id {
        say(REQUEST, &id.as_ascii(), false);
    }
    say(ACTION, event.action.as_bytes(), false);
    say(RESOURCE, event.resource.as_bytes(), false);
    if let Some(tenant) = &event.tenant {
        say(TENANT, tenant.as_str().as_bytes(), false);
    }
}

/// Tells every three bytes of an event's texts, those that [`Query::text`] looks through, in lower case.
pub(super) fn of_texts(event: &Event, mut tell: impl FnMut(u32)) {
    let mut say = |text: &str| grams(text.as_bytes()).for_each(&mut tell);
    say(&event.action);
    say(&event.resource);
    event.reason.iter().for_each(|text| say(text));
    event.user_agent.iter().for_each(|text| say(text));
    if let Actor::Account { name, .. } = &event.actor {
        say(name);
    }
    for (key, value) in &event.metadata {
        say(key);
        say(value);
    }
}

fn grams(text: &[u8]) -> impl Iterator<Item = u32> {
    text.array_windows().map(|three: &[u8; 3]| {
        let [first, second, third] = three.map(|byte| u32::from(byte.to_ascii_lowercase()));
        first << 16 | second << 8 | third
    })
}

/// The word of three bytes.
pub(super) fn of_gram(gram: u32) -> [u8; 4] {
    let [_, first, second, third] = gram.to_be_bytes();
    [GRAM, first, second, third]
}

/// What must be among a record's words, and a block's, for the record to fit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) fields: Vec<Vec<u8>>,
    pub(super) grams: Vec<u32>,
}

/// Grams of one text that are looked up; more would hardly narrow.
const MOST_GRAMS: usize = 16;

impl Wanted {
    /// None when the query asks for nothing that an index knows.
    pub(super) fn of(query: &Query) -> Option<Self> {
        let Query {
            kind, control, outcome, actor, address, request_id, tenant, text, action, resource, ..
        } = query;
        let mut fields = Vec::new();
        let mut field = |tag: u8, value: &[u8]| fields.push([&[tag], value].concat());
        kind.iter().for_each(|kind: &EventKind| field(KIND, kind.as_str().as_bytes()));
        control.iter().for_each(|control: &ControlId| field(CONTROL, control.as_str().as_bytes()));
        outcome.iter().for_each(|outcome: &Outcome| field(OUTCOME, outcome.as_str().as_bytes()));
        actor.iter().for_each(|actor| field(ACTOR, actor.to_ascii_lowercase().as_bytes()));
        match address {
            Some(IpAddr::V4(address)) => field(ADDRESS, &address.octets()),
            Some(IpAddr::V6(address)) => field(ADDRESS, &address.octets()),
            None => {}
        }
        request_id.iter().for_each(|id: &RequestId| field(REQUEST, &id.as_ascii()));
        action.iter().for_each(|action| field(ACTION, action.as_bytes()));
        tenant.iter().for_each(|tenant: &TenantId| field(TENANT, tenant.as_str().as_bytes()));
        let mut texts: Vec<&str> = text.iter().map(String::as_str).collect();
        if let Some(resource) = resource {
            match resource.strip_suffix('*') {
                Some(beginning) => texts.push(beginning),
                None => field(RESOURCE, resource.as_bytes()),
            }
        }
        let mut all = Vec::new();
        for text in texts {
            let mut own: Vec<u32> = grams(text.as_bytes()).collect();
            own.sort_unstable();
            own.dedup();
            let step = own.len().div_ceil(MOST_GRAMS).max(1);
            all.extend(own.into_iter().step_by(step));
        }
        (!fields.is_empty() || !all.is_empty()).then_some(Self { fields, grams: all })
    }
}
