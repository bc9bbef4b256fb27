//! Who is never touched.

use std::net::IpAddr;

use gabion_model::AccountId;

use crate::{Network, Settings, Target};

/// Who is never touched, as of now: what the settings allow, and who administers, from where.
#[derive(Debug, Clone, Default)]
pub struct Spared {
    networks: Vec<Network>,
    names: Vec<String>,
    private: bool,
    /// Accounts that administer.
    administrators: Vec<AccountId>,
    /// From where they are signed in.
    from: Vec<Network>,
}

impl Spared {
    #[must_use]
    pub fn new(settings: &Settings, administrators: Vec<AccountId>, from: &[IpAddr]) -> Self {
        Self {
            networks: settings.allow.iter().filter_map(|text| text.parse().ok()).collect(),
            names: settings.allow_accounts.iter().map(|name| name.to_lowercase()).collect(),
            private: settings.spare_private,
            administrators,
            from: from.iter().map(|address| Network::client(*address)).collect(),
        }
    }

    /// Why it is not to be touched; none when it may be.
    #[must_use]
    pub fn why(&self, target: &Target) -> Option<&'static str> {
        match target {
            Target::Network { network } => {
                if self.networks.iter().any(|own| own.overlaps(network)) {
                    return Some("`respond.allow` spares it");
                }
                if self.private && PRIVATE.iter().any(|own| is_private(own, network)) {
                    return Some("private addresses are spared (`respond.spare_private`)");
                }
                self.from
                    .iter()
                    .any(|own| own.overlaps(network))
                    .then_some("an administrator works from there")
            }
            Target::Account { id, name } => {
                if self.administrators.contains(id) {
                    return Some("it administers");
                }
                self.names.contains(&name.to_lowercase()).then_some("`respond.allow_accounts` spares it")
            }
            Target::Key { .. } | Target::Route { .. } => None,
        }
    }
}

fn is_private(own: &str, network: &Network) -> bool {
    own.parse::<Network>().is_ok_and(|own| own.overlaps(network))
}

/// RFC 1918, 6598, 4193, 3927, 4291; this machine.
const PRIVATE: [&str; 11] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "::/128",
    "::1/128",
    "fc00::/7",
    "fe80::/10",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Target {
        Target::Network { network: text.parse().unwrap() }
    }

    #[test]
    fn friends_neighbours_and_administrators_are_spared() {
        let settings = Settings {
            allow: vec!["192.0.2.0/24".into(), "2001:db8:7::/48".into()],
            allow_accounts: vec!["Robot".into()],
            ..Settings::default()
        };
        let boss = AccountId::new("boss");
        let from = ["203.0.113.9".parse().unwrap(), "2001:db8:1:2:3::4".parse().unwrap()];
        let spared = Spared::new(&settings, vec![boss.clone()], &from);
        for text in [
            "192.0.2.7",
            "192.0.0.0/16",
            "0.0.0.0/0",
            "10.1.2.3",
            "127.0.0.1",
            "::1",
            "fd00::1",
            "::ffff:10.0.0.1",
            "203.0.113.9",
            "203.0.113.0/24",
            "2001:db8:1:2::99",
            "2001:db8:7::1",
            "172.31.0.1",
            "100.64.0.1",
        ] {
            assert!(spared.why(&network(text)).is_some(), "{text}");
        }
        for text in ["198.51.100.1", "203.0.113.8", "2001:db8:1:3::4", "172.32.0.1", "100.128.0.1"] {
            assert_eq!(spared.why(&network(text)), None, "{text}");
        }
        let account =
            |id: &str, name: &str| Target::Account { id: AccountId::new(id), name: name.to_owned() };
        assert!(spared.why(&account("boss", "x")).is_some());
        assert!(spared.why(&account("r", "robot")).is_some());
        assert_eq!(spared.why(&account("x", "boss")), None);
    }

    #[test]
    fn private_addresses_may_be_blocked_where_a_team_says_so() {
        let settings = Settings { spare_private: false, ..Settings::default() };
        assert_eq!(Spared::new(&settings, Vec::new(), &[]).why(&network("10.1.2.3")), None);
    }
}
