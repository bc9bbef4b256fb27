//! SCIM 2.0 below `/.gabion/scim/v2` (RFC 7644): for service accounts with the scope `gabion:scim`.
//!
//! No session opens it: there is no cookie to be tricked with. Every answer is `application/scim+json`, what is
//! no success among them (RFC 7644, 3.12).

mod answer;
mod ask;
pub(crate) mod v2;

use std::net::IpAddr;

use gabion_checks::client_address::Network;
use gabion_model::Problem;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) use answer::{Refused, created, list, no_content, one, unchanged};
pub(crate) use ask::{Asked, Document};

/// `[scim]`: programs that keep users and groups in step with a directory elsewhere, below `/.gabion/scim/`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ScimSettings {
    /// Whether it answers.
    pub enabled: bool,
    /// From where it answers: addresses and networks of clients, for instance `"20.190.0.0/16"`. From everywhere
    /// unless told otherwise: directories in a cloud ask from many addresses, and only with a key you made.
    pub networks: Vec<String>,
    /// Whether an address that comes by SCIM counts as proved to be the person's. Then whoever can write it in the
    /// directory elsewhere can have a new password sent to it, and can sign in by another provider that
    /// knows it.
    pub trust_emails: bool,
}

impl Default for ScimSettings {
    fn default() -> Self {
        Self { enabled: true, networks: vec!["0.0.0.0/0".to_owned(), "::/0".to_owned()], trust_emails: false }
    }
}

impl ScimSettings {
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let bad = self.networks.iter().enumerate().filter(|(_, text)| Network::parse(text).is_none());
        bad.map(|(index, text)| {
            Problem::new(format!("networks[{index}]"), format!("`{text}` is no address and no network"))
                .hint("for instance `10.1.0.0/16` or `2001:db8::/32`")
        })
        .collect()
    }

    fn answers(&self, client: IpAddr) -> bool {
        let mut networks = self.networks.iter().filter_map(|text| Network::parse(text));
        self.enabled && networks.any(|network| network.contains(client))
    }
}
