//! A provider as it is configured, with what it takes to speak to it.

use std::fmt;
use std::sync::Arc;

use gabion_model::Secret;
use gabion_vault::constant_time_eq;

use super::settings::ProviderSettings;

/// One of `[federation.<name>]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    pub name: Arc<str>,
    pub settings: ProviderSettings,
    pub credential: Credential,
}

/// How this site proves to the provider who it is.
#[derive(Clone, Default)]
pub enum Credential {
    /// A public client: PKCE alone protects the code.
    #[default]
    None,
    /// `client_secret_basic` or `client_secret_post`, whichever the provider takes.
    Secret(Arc<Secret<String>>),
    /// `private_key_jwt`: a private key in PEM (PKCS #8).
    Key(Arc<Secret<String>>),
    /// The file it should be in cannot be read; the provider cannot be used.
    Unreadable,
}

impl Provider {
    /// What people call it.
    #[must_use]
    pub fn display_name(&self) -> &str {
        self.settings.display_name.as_deref().unwrap_or(&self.name)
    }

    /// Where it sends browsers back to.
    #[must_use]
    pub fn redirect_uri(&self, origin: &str) -> String {
        format!("{origin}/.gabion/federation/{}/callback", self.name)
    }

    /// Where its settings are (OpenID Connect Discovery 1.0, section 4).
    #[must_use]
    pub fn discovery_url(&self) -> String {
        format!("{}/.well-known/openid-configuration", self.settings.issuer.trim_end_matches('/'))
    }
}

impl PartialEq for Credential {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::None, Self::None) | (Self::Unreadable, Self::Unreadable) => true,
            (Self::Secret(one), Self::Secret(other)) | (Self::Key(one), Self::Key(other)) => {
                constant_time_eq(one.expose().as_bytes(), other.expose().as_bytes())
            }
            _ => false,
        }
    }
}

impl Eq for Credential {}

impl fmt::Debug for Credential {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::None => "None",
            Self::Secret(_) => "Secret(***)",
            Self::Key(_) => "Key(***)",
            Self::Unreadable => "Unreadable",
        })
    }
}
