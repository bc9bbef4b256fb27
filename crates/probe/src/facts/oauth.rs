//! An authorization server (RFC 6749), and a client of it that the probe may be.

use serde::Deserialize;

use super::Text;

/// A client that was registered for the probe.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OAuth {
    /// Its id.
    pub client: String,
    /// Its secret, where it has one.
    #[serde(default)]
    pub secret: Option<Text>,
    /// An address that is registered for it. Nothing has to answer there: it is never called.
    pub redirect: String,
    #[serde(default)]
    pub scope: Option<String>,
    /// Who agrees.
    pub identity: String,
    /// `/oauth/authorize`; without it, what the server's metadata says (RFC 8414).
    #[serde(default)]
    pub authorize: Option<String>,
    /// `/oauth/token`; without it, what the server's metadata says.
    #[serde(default)]
    pub token: Option<String>,
    /// The id of another client, public and with the same address, to which codes of the first must be nothing.
    #[serde(default)]
    pub other: Option<String>,
}
