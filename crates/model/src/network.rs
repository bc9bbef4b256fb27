//! The network that neighbours share.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An IPv4 /24 or an IPv6 /48: what one office, household or provider's customer has. Whoever rotates addresses inside
/// one is still one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network(u64);

const V4: u64 = 1 << 63;
const V6: u64 = 1 << 62;

impl Network {
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self(V4 | u64::from(address.to_bits() >> 8)),
            // The first 48 of 128 bits.
            IpAddr::V6(address) => Self(V6 | u64::try_from(address.to_bits() >> 80).unwrap_or(0)),
        }
    }

    /// A number that no other network has; never 0.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// The network of that number.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Option<Self> {
        let is_v4 = bits & V4 != 0 && bits & !V4 < 1 << 24;
        let is_v6 = bits & V6 != 0 && bits & !V6 < 1 << 48;
        if is_v4 || is_v6 { Some(Self(bits)) } else { None }
    }

    #[must_use]
    pub const fn is_ipv4(self) -> bool {
        self.0 & V4 != 0
    }
}

/// For instance `203.0.113.0/24` or `2001:db8:1::/48`.
impl fmt::Display for Network {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_ipv4() {
            let bits = u32::try_from(self.0 & 0xff_ffff).unwrap_or(0);
            write!(formatter, "{}/24", Ipv4Addr::from_bits(bits << 8))
        } else {
            write!(formatter, "{}/48", Ipv6Addr::from_bits(u128::from(self.0 & !V6) << 80))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_share_one_and_it_has_one_spelling() {
        let network = |text: &str| Network::of(text.parse().unwrap());
        assert_eq!(network("203.0.113.9"), network("203.0.113.77"));
        assert_eq!(network("::ffff:203.0.113.9"), network("203.0.113.77"));
        assert_ne!(network("203.0.113.9"), network("203.0.114.9"));
        assert_eq!(network("203.0.113.9").to_string(), "203.0.113.0/24");
        assert_eq!(network("2001:db8:1:2::3").to_string(), "2001:db8:1::/48");
        for text in ["0.0.0.0", "255.255.255.255", "::", "2001:db8:ffff::1"] {
            let network = network(text);
            assert_ne!(network.bits(), 0);
            assert_eq!(Network::from_bits(network.bits()), Some(network));
        }
        assert_eq!(Network::from_bits(0), None);
        assert_eq!(Network::from_bits(V4 | 1 << 24), None);
    }
}
