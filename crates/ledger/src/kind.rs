//! Which refusals are of one kind, and what is left of them when they are counted together.
//!
//! One kind: the same control, event kind, outcome, action, actor (by account), network (IPv4 /24,
//! IPv6 /48), class of resource (the first segment of the path) and class of reason (its text up to
//! the first sign that begins a detail). What differs within a kind is generalised or left out.

use std::hash::{BuildHasher, Hash, Hasher};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use gabion_model::{Actor, Event, Timestamp};

use crate::sanitise::clip;

/// Several events of one kind.
#[derive(Debug, Clone)]
pub(crate) struct Fold {
    /// The first of them, without what the others did not have in common with it. `time` is the
    /// latest time, `count` the sum.
    pub(crate) event: Event,
    pub(crate) earliest: Timestamp,
    /// Whether more than one went in.
    folded: bool,
    /// A bit for each resource, by a keyed hash: about how many were different.
    resources: u128,
}

impl Fold {
    pub(crate) fn new(mut event: Event) -> Self {
        event.count = event.count.max(1);
        Self { earliest: event.time, event, folded: false, resources: 0 }
    }

    /// Notes a resource, by a hash of it that is the same everywhere and nobody can guess.
    pub(crate) fn saw(&mut self, hash: u64) {
        self.resources |= 1 << (hash % 128);
    }

    /// Adds one more of the same kind.
    pub(crate) fn add(&mut self, event: &Event) {
        self.merge(event, event.time, event.count.max(1));
    }

    /// Adds others of the same kind.
    pub(crate) fn join(&mut self, other: &Self) {
        self.merge(&other.event, other.earliest, other.event.count);
        self.resources |= other.resources;
    }

    fn merge(&mut self, other: &Event, earliest: Timestamp, count: u64) {
        let own = &mut self.event;
        own.count = own.count.saturating_add(count);
        own.time = own.time.max(other.time);
        self.earliest = self.earliest.min(earliest);
        self.folded = true;
        if own.resource != other.resource {
            let class = resource_class(&own.resource).len();
            own.resource.truncate(class);
        }
        if own.address != other.address {
            own.address = own.address.map(network);
        }
        if own.user_agent != other.user_agent {
            own.user_agent = None;
        }
        if own.reason != other.reason
            && let Some(reason) = &mut own.reason
        {
            reason.truncate(reason_class(reason).len());
        }
        if own.metadata != other.metadata {
            own.metadata.clear();
        }
        if own.request_id != other.request_id {
            own.request_id = None;
        }
        if let Actor::Account { session, .. } = &mut own.actor
            && let Actor::Account { session: other, .. } = &other.actor
            && session != other
        {
            *session = None;
        }
    }

    /// The event to write: with a count, and when the counted ones began.
    pub(crate) fn into_event(self) -> Event {
        let mut event = self.event;
        if self.folded {
            event.metadata.insert(SINCE.to_owned(), self.earliest.to_string());
            let different = estimate(self.resources.count_ones());
            if different > 1 {
                event.metadata.insert(DISTINCT.to_owned(), different.to_string());
            }
        }
        event
    }
}

/// The metadata key of a counted event that says when the first of the counted ones happened.
pub(crate) const SINCE: &str = "since";

/// And one that says about how many different resources they were about; not told apart beyond some six hundred.
pub(crate) const DISTINCT: &str = "distinct";

/// How many different things set so many of 128 bits (linear counting).
fn estimate(set: u32) -> u32 {
    let free = f64::from(128_u32.saturating_sub(set).max(1));
    (128.0 * (128.0 / free).ln()).round() as u32
}

/// A number that is the same for events of one kind.
pub(crate) fn fingerprint(hasher: &impl BuildHasher, event: &Event) -> u64 {
    let mut state = hasher.build_hasher();
    event.control.as_str().hash(&mut state);
    (event.kind, event.outcome).hash(&mut state);
    event.action.hash(&mut state);
    match &event.actor {
        Actor::Account { id, .. } => id.as_str().hash(&mut state),
        Actor::Anonymous => state.write_u8(1),
        Actor::Gate => state.write_u8(2),
        Actor::Operator => state.write_u8(3),
    }
    event.address.map(network).hash(&mut state);
    resource_class(&event.resource).hash(&mut state);
    event.reason.as_deref().map(reason_class).hash(&mut state);
    state.finish()
}

/// Whether two events are of one kind.
pub(crate) fn same(one: &Event, other: &Event) -> bool {
    let actors = match (&one.actor, &other.actor) {
        (Actor::Account { id: one, .. }, Actor::Account { id: other, .. }) => one == other,
        (one, other) => std::mem::discriminant(one) == std::mem::discriminant(other),
    };
    actors
        && one.control == other.control
        && one.kind == other.kind
        && one.outcome == other.outcome
        && one.action == other.action
        && one.address.map(network) == other.address.map(network)
        && resource_class(&one.resource) == resource_class(&other.resource)
        && one.reason.as_deref().map(reason_class) == other.reason.as_deref().map(reason_class)
}

/// The first segment of a path: `/admin/users/7` is of class `/admin/`.
fn resource_class(resource: &str) -> &str {
    let from = usize::from(resource.starts_with('/'));
    let rest = resource.get(from..).unwrap_or_default();
    let class = match rest.find(['/', '?', '#']) {
        Some(end) if rest.get(end..).is_some_and(|rest| rest.starts_with('/')) => from + end + 1,
        Some(end) => from + end,
        None => resource.len(),
    };
    clip(resource, class.min(64))
}

/// A reason up to where its detail begins.
fn reason_class(reason: &str) -> &str {
    let end = reason.find(|c: char| matches!(c, '`' | ':' | '(' | '"') || c.is_ascii_digit());
    clip(reason, end.unwrap_or(reason.len()).min(64))
}

/// The network of an address: /24 or /48. Its own network's network is itself.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(Ipv4Addr::from_bits(address.to_bits() & !0xff)),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !((1 << 80) - 1))),
    }
}

#[cfg(test)]
mod tests {
    use std::hash::RandomState;

    use gabion_model::{ControlId, EventKind, Outcome};

    use super::*;

    fn refusal(resource: &str, address: &str, reason: &str) -> Event {
        let kind = EventKind::Refusal;
        let mut event = Event::new(
            Timestamp::from_secs(7),
            kind,
            "request.refused",
            Actor::Anonymous,
            Outcome::Failure,
            ControlId::WEB_CSRF,
        );
        event.resource = resource.to_owned();
        event.address = Some(address.parse().unwrap());
        event.reason = Some(reason.to_owned());
        event
    }

    #[test]
    fn details_do_not_make_a_kind_and_the_rest_does() {
        let hasher = RandomState::new();
        let one = refusal("/admin/users/7", "203.0.113.9", "no such route: `x`");
        for (other, expected) in [
            (refusal("/admin/settings", "203.0.113.77", "no such route: `y`"), true),
            (refusal("/shop/users/7", "203.0.113.9", "no such route: `x`"), false),
            (refusal("/admin/users/7", "203.0.114.9", "no such route: `x`"), false),
            (refusal("/admin/users/7", "203.0.113.9", "not allowed"), false),
            (Event { control: ControlId::WEB_CORS, ..one.clone() }, false),
            (Event { actor: Actor::Gate, ..one.clone() }, false),
            (Event { outcome: Outcome::Success, ..one.clone() }, false),
        ] {
            assert_eq!(same(&one, &other), expected, "{other:?}");
            assert_eq!(fingerprint(&hasher, &one) == fingerprint(&hasher, &other), expected, "{other:?}");
        }
    }

    #[test]
    fn what_differs_is_generalised_and_what_is_common_stays() {
        let mut fold = Fold::new(refusal("/admin/users/7", "203.0.113.9", "too long: 9 bytes"));
        let mut other = refusal("/admin/x", "203.0.113.8", "too long: 7 bytes");
        other.time = Timestamp::from_secs(9);
        fold.add(&other);
        let event = fold.clone().into_event();
        assert_eq!((event.count, event.time), (2, Timestamp::from_secs(9)));
        assert_eq!(event.resource, "/admin/");
        assert_eq!(event.address, Some("203.0.113.0".parse().unwrap()));
        assert_eq!(event.reason.as_deref(), Some("too long"));
        assert_eq!(event.metadata["since"], "1970-01-01T00:00:07.000000Z");
        assert!(same(&event, &other), "a generalised event stays of its kind");

        let mut fold = Fold::new(refusal("/orders/0", "203.0.113.9", "no"));
        let hasher = RandomState::new();
        for number in 0..60 {
            let other = refusal(&format!("/orders/{number}"), "203.0.113.9", "no");
            for _ in 0..3 {
                fold.add(&other);
                fold.saw(hasher.hash_one(&other.resource));
            }
        }
        let distinct: u32 = fold.into_event().metadata["distinct"].parse().unwrap();
        assert!((40..=85).contains(&distinct), "{distinct}");

        let alone = Fold::new(refusal("/a", "::1", "x")).into_event();
        assert_eq!(alone, refusal("/a", "::1", "x"));
    }
}
