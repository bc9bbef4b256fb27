//! Who may be reached: a value that whoever makes a [`Client`](crate::Client) gives it.

use std::net::{IpAddr, Ipv6Addr};

use crate::address::{self, Special};
use crate::target::{Authority, Host, Refusal, Scheme, Target};

/// Rules about schemes, ports, names and addresses. The text of an address is judged the same for all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guard {
    /// Whether `http` is allowed to where the rules below let somebody go.
    pub plain: bool,
    pub ports: Vec<u16>,
    /// When given, no other name is reached. It overrides no rule about addresses.
    pub only: Option<Vec<NamePattern>>,
    /// Names that are never reached.
    pub never: Vec<String>,
    /// Exactly these may be reached whatever their address, by `http` and `https`.
    pub exempt: Vec<Authority>,
    /// The 96-bit prefixes by which this network reaches IPv4 (RFC 6052).
    pub nat64: Vec<Ipv6Addr>,
    /// Addresses of this machine that are public and still its own.
    pub own: Vec<IpAddr>,
}

/// A name, or `*.` and the name below which others lie, at any depth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamePattern(String);

impl Guard {
    /// The public internet by `https` on 443.
    #[must_use]
    pub const fn internet(exempt: Vec<Authority>, ports: Vec<u16>) -> Self {
        Self {
            plain: false,
            ports,
            only: None,
            never: Vec::new(),
            exempt,
            nat64: Vec::new(),
            own: Vec::new(),
        }
    }

    /// Reads and judges an address before anything is resolved.
    ///
    /// # Errors
    /// The first rule it breaks.
    pub fn judge(&self, url: &str) -> Result<Target, Refusal> {
        let target = Target::parse(url)?;
        if self.exempts(&target.authority) {
            return Ok(target);
        }
        if target.scheme == Scheme::Http && !self.plain {
            return Err(Refusal::Scheme);
        }
        if !self.ports.contains(&target.authority.port) {
            return Err(Refusal::Port(target.authority.port));
        }
        match &target.authority.host {
            Host::Address(address) if self.only.is_none() => self.judge_address(*address)?,
            Host::Address(_) => return Err(Refusal::NotListed),
            Host::Name(name) => self.judge_name(name)?,
        }
        Ok(target)
    }

    /// Judges everything a name resolved to: one wrong answer refuses the name.
    ///
    /// # Errors
    /// The first address that may not be reached.
    pub fn judge_addresses(&self, authority: &Authority, addresses: &[IpAddr]) -> Result<(), Refusal> {
        if self.exempts(authority) {
            return Ok(());
        }
        addresses.iter().try_for_each(|address| self.judge_address(*address))
    }

    /// Whether an authority was named exactly.
    #[must_use]
    pub fn exempts(&self, authority: &Authority) -> bool {
        self.exempt.contains(authority)
    }

    fn judge_address(&self, address: IpAddr) -> Result<(), Refusal> {
        if self.own.contains(&address) {
            return Err(Refusal::Address(address, Special::Own));
        }
        address::judge(address, &self.nat64).map_err(|special| Refusal::Address(address, special))
    }

    fn judge_name(&self, name: &str) -> Result<(), Refusal> {
        let last = name.rsplit('.').next().unwrap_or_default();
        // A single label is completed by search domains, or is a top-level domain with an address.
        if !name.contains('.') || SPECIAL_ENDINGS.contains(&last) || name.ends_with(".localtest.me") {
            return Err(Refusal::SpecialName);
        }
        if self.never.iter().any(|never| never == name) {
            return Err(Refusal::NotListed);
        }
        match &self.only {
            Some(only) if !only.iter().any(|pattern| pattern.matches(name)) => Err(Refusal::NotListed),
            _ => Ok(()),
        }
    }
}

impl NamePattern {
    #[must_use]
    pub fn new(pattern: &str) -> Self {
        Self(pattern.to_ascii_lowercase())
    }

    fn matches(&self, name: &str) -> bool {
        match self.0.strip_prefix("*.") {
            Some(above) => {
                name.strip_suffix(above).is_some_and(|below| below.len() > 1 && below.ends_with('.'))
            }
            None => self.0 == name,
        }
    }
}

/// Never delegated, or for use inside: RFC 6761, RFC 6762, RFC 7686, RFC 8375, RFC 9476; ICANN's
/// resolutions on `.corp`, `.home`, `.mail` and `.internal`; what resolvers and clusters invent.
const SPECIAL_ENDINGS: &[&str] = &[
    "alt",
    "arpa",
    "corp",
    "home",
    "internal",
    "intranet",
    "invalid",
    "lan",
    "local",
    "localdomain",
    "localhost",
    "mail",
    "onion",
    "private",
    "svc",
    "test",
];
