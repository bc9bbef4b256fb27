//! How many connections may be open, in total and from one address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

/// Counts open connections. Touched when a connection opens and closes, never per request.
#[derive(Debug)]
pub(crate) struct Admission(Arc<State>);

/// A place taken; given back on drop.
#[derive(Debug)]
pub(crate) struct Place {
    state: Arc<State>,
    network: IpAddr,
}

#[derive(Debug)]
struct State {
    total_limit: usize,
    address_limit: usize,
    open: AtomicUsize,
    by_network: Mutex<HashMap<IpAddr, usize>>,
    emptied: Notify,
}

impl Admission {
    pub(crate) fn new(total_limit: usize, address_limit: usize) -> Self {
        Self(Arc::new(State {
            total_limit,
            address_limit,
            open: AtomicUsize::new(0),
            by_network: Mutex::default(),
            emptied: Notify::new(),
        }))
    }

    /// `None` when there are too many already.
    pub(crate) fn enter(&self, address: IpAddr) -> Option<Place> {
        let state = &self.0;
        let network = network(address);
        let mut by_network = state.by_network.lock().unwrap_or_else(PoisonError::into_inner);
        let open = state.open.load(Relaxed);
        let own = by_network.get(&network).copied().unwrap_or(0);
        if open >= state.total_limit || own >= state.address_limit {
            return None;
        }
        by_network.insert(network, own.saturating_add(1));
        // Counted under the lock, so that the limit is exact.
        state.open.store(open.saturating_add(1), Relaxed);
        drop(by_network);
        Some(Place { state: Arc::clone(state), network })
    }

    pub(crate) fn open(&self) -> usize {
        self.0.open.load(Relaxed)
    }

    /// Waits until nothing is open.
    pub(crate) async fn empty(&self) {
        loop {
            let emptied = self.0.emptied.notified();
            tokio::pin!(emptied);
            emptied.as_mut().enable();
            if self.open() == 0 {
                return;
            }
            emptied.await;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut by_network = self.state.by_network.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = by_network.get_mut(&self.network) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                by_network.remove(&self.network);
            }
        }
        let left = self.state.open.load(Relaxed).saturating_sub(1);
        self.state.open.store(left, Relaxed);
        drop(by_network);
        if left == 0 {
            self.state.emptied.notify_waiters();
        }
    }
}

/// What counts as one address: an IPv4 address, or the /64 a network gives to one customer.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_limits_hold_and_places_come_back() {
        let admission = Admission::new(3, 2);
        let one: IpAddr = "2001:db8::1".parse().unwrap();
        let same: IpAddr = "2001:db8::ffff".parse().unwrap();
        let other: IpAddr = "192.0.2.1".parse().unwrap();
        let first = admission.enter(one).unwrap();
        let _second = admission.enter(same).unwrap();
        assert!(admission.enter(one).is_none());
        let _third = admission.enter(other).unwrap();
        assert!(admission.enter("192.0.2.2".parse().unwrap()).is_none());
        assert_eq!(admission.open(), 3);
        drop(first);
        assert!(admission.enter(one).is_some());
    }
}
