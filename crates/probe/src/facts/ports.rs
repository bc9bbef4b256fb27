//! Ports of the target's host that are looked at.

use serde::Deserialize;

use super::Target;

/// Ports beside that of the target.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Ports {
    Usual(bool),
    These(Vec<u16>),
}

impl Default for Ports {
    fn default() -> Self {
        Self::Usual(false)
    }
}

impl Ports {
    /// All of them, each once.
    #[must_use]
    pub fn list(&self) -> Vec<u16> {
        self.of(crate::attacks::open_port::USUAL.iter().map(|(port, _)| *port))
    }

    fn of(&self, usual: impl Iterator<Item = u16>) -> Vec<u16> {
        let mut all = match self {
            Self::Usual(false) => Vec::new(),
            Self::Usual(true) => usual.collect(),
            Self::These(ports) => ports.clone(),
        };
        all.sort_unstable();
        all.dedup();
        all.retain(|port| *port != 0);
        all.truncate(1_000);
        all
    }
}

impl Target {
    /// UDP ports that are asked, each once.
    #[must_use]
    pub fn udp_ports(&self) -> Vec<u16> {
        let usual = Ports::Usual(self.ports == Ports::Usual(true));
        self.udp_ports.as_ref().unwrap_or(&usual).of(crate::datagram::usual())
    }
}
