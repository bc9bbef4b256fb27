//! An address or a network, in one spelling.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// A network without host bits. An IPv4 address mapped into IPv6 counts as IPv4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Network(IpNet);

/// The text is neither an address nor a network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is no address and no network; for instance `192.0.2.7` or `2001:db8::/48`")]
pub struct MalformedNetwork;

impl Network {
    /// What counts as one client: an IPv4 address, an IPv6 /64, which is what one customer is given.
    #[must_use]
    pub fn client(address: IpAddr) -> Self {
        let address = address.to_canonical();
        let prefix = if address.is_ipv4() { 32 } else { 64 };
        Self::new(address, prefix)
    }

    /// The one address.
    #[must_use]
    pub fn host(address: IpAddr) -> Self {
        Self(IpNet::from(address.to_canonical()))
    }

    fn new(address: IpAddr, prefix: u8) -> Self {
        // A prefix within the family's length is what every caller has.
        Self(IpNet::new(address, prefix).unwrap_or(IpNet::from(address)).trunc())
    }

    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }

    /// Whether all of the other is in it.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self.0.contains(&other.0)
    }

    /// Whether the two have an address in common.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.0.contains(&other.0) || other.0.contains(&self.0)
    }

    #[must_use]
    pub fn address(&self) -> IpAddr {
        self.0.addr()
    }

    #[must_use]
    pub fn prefix(&self) -> u8 {
        self.0.prefix_len()
    }

    /// Whether it is what one client has, and no more.
    #[must_use]
    pub fn is_client(&self) -> bool {
        *self == Self::client(self.address()) || self.clients() == 1
    }

    /// How many clients can be in it.
    #[must_use]
    pub fn clients(&self) -> u64 {
        let bits: u32 = if self.address().is_ipv4() { 32 } else { 64 };
        1_u64.checked_shl(bits.saturating_sub(self.prefix().into())).unwrap_or(u64::MAX)
    }
}

impl FromStr for Network {
    type Err = MalformedNetwork;

    fn from_str(text: &str) -> Result<Self, MalformedNetwork> {
        // Longer than any address and prefix: not looked at.
        if text.len() > LONGEST {
            return Err(MalformedNetwork);
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self::client(address));
        }
        let network: IpNet = text.parse().map_err(|_| MalformedNetwork)?;
        if let IpAddr::V6(address) = network.addr()
            && let Some(mapped) = address.to_ipv4_mapped()
        {
            let prefix = network.prefix_len().checked_sub(96).ok_or(MalformedNetwork)?;
            return Ok(Self::new(IpAddr::V4(mapped), prefix));
        }
        Ok(Self(network.trunc()))
    }
}

const LONGEST: usize = 64;

impl TryFrom<String> for Network {
    type Error = MalformedNetwork;

    fn try_from(text: String) -> Result<Self, MalformedNetwork> {
        text.parse()
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        network.to_string()
    }
}

/// An IPv4 address without its prefix, everything else with it.
impl fmt::Display for Network {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.addr() {
            IpAddr::V4(address) if self.0.prefix_len() == 32 => fmt::Display::fmt(&address, formatter),
            _ => fmt::Display::fmt(&self.0, formatter),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn network(text: &str) -> Network {
        text.parse().unwrap()
    }

    #[test]
    fn one_spelling_for_what_is_the_same() {
        for (text, same) in [
            ("192.0.2.7", "192.0.2.7"),
            ("192.0.2.7/32", "192.0.2.7"),
            ("192.0.2.7/24", "192.0.2.0/24"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7/120", "192.0.2.0/24"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:db8:1:2:3::/48", "2001:db8:1::/48"),
        ] {
            assert_eq!(network(text).to_string(), same);
        }
        for text in ["", "x", "192.0.2.7/33", "::1/129", "::ffff:1.2.3.4/90", "192.0.2", &"1".repeat(70)] {
            assert_eq!(text.parse::<Network>(), Err(MalformedNetwork), "{text}");
        }
    }

    #[test]
    fn a_network_knows_how_many_may_be_in_it() {
        assert_eq!(network("192.0.2.7").clients(), 1);
        assert_eq!(network("192.0.2.0/24").clients(), 256);
        assert_eq!(network("2001:db8::/48").clients(), 65_536);
        assert_eq!(network("2001:db8::1/128").clients(), 1);
        assert_eq!(network("::/0").clients(), u64::MAX);
        assert!(network("2001:db8::1").is_client() && !network("2001:db8::/48").is_client());
    }

    proptest! {
        #[test]
        fn what_is_read_reads_again_and_nothing_panics(text in "[0-9a-f:./]{0,30}", address: u128, four: u32) {
            if let Ok(network) = text.parse::<Network>() {
                prop_assert_eq!(network.to_string().parse::<Network>(), Ok(network));
                prop_assert!(network.contains(network.address()));
            }
            for address in [IpAddr::V6(address.into()), IpAddr::V4(four.into())] {
                let client = Network::client(address);
                prop_assert!(client.contains(address) && client.is_client() && client.overlaps(&client));
                prop_assert!(client.covers(&Network::host(address)));
                prop_assert_eq!(client.to_string().parse::<Network>(), Ok(client));
            }
        }
    }
}
