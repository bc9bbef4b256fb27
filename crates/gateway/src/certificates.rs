//! The certificates clients of this thread showed, by connection, while the connection lives. Connections without one
//! pay for this with one load.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use gabion_checks::{Connection, PeerCertificate};

#[derive(Debug, Default)]
pub(crate) struct Certificates {
    count: AtomicUsize,
    shown: Mutex<HashMap<(SocketAddr, SocketAddr), Arc<PeerCertificate>>>,
}

/// Keeps the certificate until it is dropped.
#[derive(Debug)]
pub(crate) struct Kept<'a> {
    certificates: &'a Certificates,
    key: (SocketAddr, SocketAddr),
}

impl Certificates {
    pub(crate) fn keep(&self, connection: Connection, certificate: PeerCertificate) -> Kept<'_> {
        let key = (connection.peer, connection.local);
        self.with(|shown| drop(shown.insert(key, Arc::new(certificate))));
        Kept { certificates: self, key }
    }

    pub(crate) fn of(&self, connection: &Connection) -> Option<Arc<PeerCertificate>> {
        if self.count.load(Relaxed) == 0 {
            return None;
        }
        let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        shown.get(&(connection.peer, connection.local)).cloned()
    }

    fn with(&self, change: impl FnOnce(&mut HashMap<(SocketAddr, SocketAddr), Arc<PeerCertificate>>)) {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut shown);
        self.count.store(shown.len(), Relaxed);
    }
}

impl Drop for Kept<'_> {
    fn drop(&mut self) {
        self.certificates.with(|shown| drop(shown.remove(&self.key)));
    }
}
