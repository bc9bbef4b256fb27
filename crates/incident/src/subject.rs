//! Whom and what an incident is about: by this alerts find their incident, and the timeline its events.

use std::net::IpAddr;

use gabion_model::{Actor, Event};
use serde::{Deserialize, Serialize};

use crate::text;

/// Something an incident is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// The name of an account, or a name somebody tried.
    Account(String),
    Address(IpAddr),
    /// The id of an API key.
    ApiKey(String),
    /// The id of a signing key.
    Key(String),
    /// In CIDR notation.
    Network(String),
}

impl Subject {
    /// `account:ann`, `address:192.0.2.1`, `api-key:…`, `key:…` or `network:192.0.2.0/24`.
    ///
    /// # Errors
    /// It is none of these.
    pub fn parse(written: &str) -> Result<Self, String> {
        let expected = "`account:NAME`, `address:IP`, `api-key:ID`, `key:ID` or `network:CIDR`";
        let (kind, value) = written.split_once(':').ok_or_else(|| format!("write {expected}"))?;
        let value = text::line(value)?;
        match kind {
            "account" => Ok(Self::Account(value)),
            "address" => value.parse().map(Self::Address).map_err(|_| "is no IP address".to_owned()),
            "api-key" => Ok(Self::ApiKey(value)),
            "key" => Ok(Self::Key(value)),
            "network" => {
                network(&value).map(|_| Self::Network(value)).ok_or_else(|| "is no network".to_owned())
            }
            _ => Err(format!("write {expected}")),
        }
    }

    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Account(_) => "account",
            Self::Address(_) => "address",
            Self::ApiKey(_) => "api-key",
            Self::Key(_) => "key",
            Self::Network(_) => "network",
        }
    }

    #[must_use]
    pub fn value(&self) -> String {
        match self {
            Self::Address(address) => address.to_string(),
            Self::Account(value) | Self::ApiKey(value) | Self::Key(value) | Self::Network(value) => {
                value.clone()
            }
        }
    }

    /// What an alert is about. `resource` of sign-in rules is the name that was tried.
    #[must_use]
    pub fn of_alert(event: &Event) -> Vec<Self> {
        let mut found = Vec::new();
        let group = |field: &str| {
            event.metadata.get(&format!("group.{field}")).filter(|value| value.len() <= text::LINE)
        };
        let account = |name: &String| Self::Account(text::clipped(name, text::LINE));
        found.extend(group("network").filter(|it| network(it).is_some()).cloned().map(Self::Network));
        found.extend(
            ["address", "c-ip"].iter().filter_map(|field| group(field)?.parse().ok()).map(Self::Address),
        );
        found.extend(
            ["actor", "account", "metadata.account"].iter().filter_map(|field| group(field)).map(account),
        );
        // A resource is an account's name where it is no path.
        found.extend(group("resource").filter(|name| !name.starts_with('/')).map(account));
        found.extend(group("metadata.api-key").cloned().map(Self::ApiKey));
        found.extend(event.address.map(Self::Address));
        found.retain(|one| !matches!(one, Self::Account(name) if ["anonymous", "gate", "operator", ""].contains(&name.as_str())));
        found.sort();
        found.dedup();
        found
    }

    /// Whether an event is about it.
    #[must_use]
    pub fn is_in(&self, event: &Event) -> bool {
        match self {
            Self::Account(name) => {
                let by = matches!(&event.actor, Actor::Account { id, name: own, .. }
                    if own.eq_ignore_ascii_case(name) || id.as_str() == name);
                let named =
                    || event.metadata.get("account").is_some_and(|own| own.eq_ignore_ascii_case(name));
                by || event.resource.eq_ignore_ascii_case(name) || named()
            }
            Self::Address(address) => event.address == Some(*address),
            Self::ApiKey(id) => event.metadata.get("api-key") == Some(id) || event.resource == *id,
            Self::Key(id) => event.resource == *id,
            Self::Network(written) => {
                network(written).zip(event.address).is_some_and(|(own, address)| contains(own, address))
            }
        }
    }

    /// Whether both are about the same; an address is in its network.
    #[must_use]
    pub fn meets(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Account(one), Self::Account(other)) => one.eq_ignore_ascii_case(other),
            (Self::Network(written), Self::Address(address))
            | (Self::Address(address), Self::Network(written)) => {
                network(written).is_some_and(|own| contains(own, *address))
            }
            (one, other) => one == other,
        }
    }
}

/// Address and length of a network.
pub(crate) fn network(written: &str) -> Option<(IpAddr, u8)> {
    let (address, length) = written.split_once('/')?;
    let (address, length): (IpAddr, u8) = (address.parse().ok()?, length.parse().ok()?);
    let most = if address.is_ipv4() { 32 } else { 128 };
    (length <= most).then_some((address, length))
}

fn contains((own, length): (IpAddr, u8), address: IpAddr) -> bool {
    match (own, address.to_canonical()) {
        (IpAddr::V4(own), IpAddr::V4(other)) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0);
            own.to_bits() & mask == other.to_bits() & mask
        }
        (IpAddr::V6(own), IpAddr::V6(other)) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0);
            own.to_bits() & mask == other.to_bits() & mask
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_hold_their_addresses() {
        let network = Subject::parse("network:192.0.2.0/24").unwrap();
        let inside = Subject::parse("address:192.0.2.9").unwrap();
        let outside = Subject::parse("address:192.0.3.9").unwrap();
        assert!(network.meets(&inside) && inside.meets(&network) && !network.meets(&outside));
        assert!(Subject::parse("network:0.0.0.0/0").unwrap().meets(&outside));
        let six = Subject::parse("network:2001:db8::/32").unwrap();
        assert!(six.meets(&Subject::parse("address:2001:db8:7::1").unwrap()));
        for wrong in ["ann", "account:", "address:x", "network:10.0.0.0", "network:10.0.0.0/33", "host:a"] {
            assert!(Subject::parse(wrong).is_err(), "{wrong}");
        }
    }
}
