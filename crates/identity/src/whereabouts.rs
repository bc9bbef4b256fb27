//! From which networks something is used.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use gabion_model::Network;

/// How many networks are told apart: a telephone goes back and forth between two, a browser with two families of address
/// between as many, and none of that is news each time.
const KEPT: usize = 4;

/// The latest networks of a session or key. A request costs a comparison.
#[derive(Debug, Default)]
pub struct Whereabouts {
    /// [`Network::bits`]; 0 is free.
    latest: [AtomicU64; KEPT],
    next: AtomicUsize,
}

/// It is used from a network that is none of the latest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// The one that was new before it.
    pub from: Option<Network>,
}

impl Whereabouts {
    /// What was begun from here.
    #[must_use]
    pub fn beginning(network: Option<Network>) -> Self {
        let whereabouts = Self::default();
        if let Some(network) = network {
            whereabouts.note(network);
        }
        whereabouts
    }

    /// Notes a use; tells of it when it is from elsewhere. Of two cores that see the same one first, each may tell.
    pub fn note(&self, network: Network) -> Option<Arrival> {
        if self.latest.iter().any(|one| one.load(Ordering::Relaxed) == network.bits()) {
            return None;
        }
        let place = self.next.fetch_add(1, Ordering::Relaxed);
        let before = self.latest.get(place.wrapping_sub(1) % KEPT).map(|one| one.load(Ordering::Relaxed));
        if let Some(one) = self.latest.get(place % KEPT) {
            one.store(network.bits(), Ordering::Relaxed);
        }
        Some(Arrival { from: before.and_then(Network::from_bits) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(number: u8) -> Network {
        Network::of(std::net::IpAddr::from([192, 0, number, 1]))
    }

    #[test]
    fn going_back_and_forth_is_told_once() {
        let session = Whereabouts::beginning(Some(network(1)));
        assert_eq!(session.note(network(1)), None);
        assert_eq!(session.note(network(2)), Some(Arrival { from: Some(network(1)) }));
        for _ in 0..3 {
            assert_eq!((session.note(network(1)), session.note(network(2))), (None, None));
        }
        for number in 3..=4 {
            assert!(session.note(network(number)).is_some());
        }
        assert_eq!(session.note(network(5)), Some(Arrival { from: Some(network(4)) }));
        assert!(session.note(network(1)).is_some(), "the oldest made room");
        assert_eq!(Whereabouts::default().note(network(1)), Some(Arrival { from: None }));
    }
}
