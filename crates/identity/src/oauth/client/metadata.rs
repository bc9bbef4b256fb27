//! What is known about a client: its metadata (RFC 7591, section 2; OpenID Connect Registration 1.0).

use std::net::IpAddr;

use gabion_vault::x509::{DistinguishedName, PeerCertificate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::RedirectUri;

/// What a client is and may ask for. What stands here was judged by
/// [`problems`](super::Metadata::problems) before it was stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a member of its own in the standards")]
pub struct Metadata {
    /// What people see when they are asked for consent.
    pub name: String,
    /// Whether it runs on a server or on people's devices.
    pub application: Application,
    /// How it proves itself at the token endpoint; `none` makes it a public client.
    pub authentication: AuthenticationMethod,
    /// Where the browser may be sent back to: exact addresses, no patterns.
    pub redirect_uris: Vec<RedirectUri>,
    /// Where the browser may be sent after signing out: exact addresses, no patterns.
    pub post_logout_redirect_uris: Vec<RedirectUri>,
    /// How it may get tokens.
    pub grant_types: Vec<GrantType>,
    /// What it may ask for at the authorization endpoint.
    pub response_types: Vec<ResponseType>,
    /// The scopes it may ask for.
    pub scopes: Vec<String>,
    /// The resource servers (RFC 8707) it may ask tokens for; empty: those open to every client.
    pub resources: Vec<String>,
    /// Its public keys as a JSON Web Key Set, for `private_key_jwt` and `self_signed_tls_client_auth`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<serde_json::Map<String, serde_json::Value>>")]
    pub jwks: Option<serde_json::Value>,
    /// Or the https address of that set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// The subject its certificate must have, for `tls_client_auth` (RFC 8705, section 2.1.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate_subject: Option<CertificateSubject>,
    /// The SHA-256 thumbprints (base64url) of the certificates it may use, for
    /// `self_signed_tls_client_auth`; beside those in its keys' `x5c`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub certificate_thumbprints: Vec<String>,
    /// Its access tokens work only over connections with its certificate (RFC 8705, section 3).
    pub certificate_bound_access_tokens: bool,
    /// The APIs it is itself: it may ask about tokens that are for these (RFC 7662), beside those that were issued to
    /// it. `*`: about all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub introspects: Vec<String>,
    /// Its access tokens work only with a proof of possession (RFC 9449).
    pub dpop_bound_access_tokens: bool,
    /// It must use PKCE. Public clients must in any case.
    pub require_pkce: bool,
    /// It must push its authorization requests (RFC 9126).
    pub require_pushed_authorization_requests: bool,
    /// It belongs to the operator: people are not asked for consent.
    pub first_party: bool,
    /// The algorithm of its ID tokens; the server's own choice when not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token_signed_response_alg: Option<SignatureAlgorithm>,
    /// The algorithm of its userinfo answers; plain JSON when not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub userinfo_signed_response_alg: Option<SignatureAlgorithm>,
    /// The algorithm its assertions must have; when not set, whatever its keys say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_signing_alg: Option<String>,
    /// Where it is told that somebody's session ended (OpenID Connect Back-Channel Logout 1.0).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backchannel_logout_uri: Option<String>,
    /// It must be told which session.
    pub backchannel_logout_session_required: bool,
    /// How long ago somebody may have signed in, in seconds, when the request does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_max_age: Option<u64>,
    /// How people must have signed in when the request does not say.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub default_acr_values: Vec<String>,
    /// Its ID tokens always say when the person signed in.
    pub require_auth_time: bool,
    /// Its home page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_uri: Option<String>,
    /// Its logo. Shown as a link, never loaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logo_uri: Option<String>,
    /// What it does with people's data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_uri: Option<String>,
    /// Its terms of service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tos_uri: Option<String>,
    /// Who answers for it, as e-mail addresses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contacts: Vec<String>,
    /// Names the software, whoever runs it (RFC 7591).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software_version: Option<String>,
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $text)] $variant,)+
        }

        impl $name {
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// As the protocol writes it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }

            /// Exactly that text.
            #[must_use]
            pub fn from_text(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.as_str() == text)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.pad(self.as_str())
            }
        }
    };
}

words! {
    /// Where it runs (OpenID Connect Registration 1.0, `application_type`).
    Application {
        /// On people's devices.
        Native = "native",
        /// On a server, or in a page of one.
        Web = "web",
    }
}

words! {
    /// How a client proves itself at the token endpoint and its like.
    AuthenticationMethod {
        /// Not at all: a public client.
        None = "none",
        /// A secret in the `Authorization` header (RFC 6749, section 2.3.1).
        SecretBasic = "client_secret_basic",
        /// A secret in the form.
        SecretPost = "client_secret_post",
        /// A signed assertion (RFC 7523).
        PrivateKeyJwt = "private_key_jwt",
        /// A certificate that an authority vouches for (RFC 8705, section 2.1).
        Tls = "tls_client_auth",
        /// A certificate that was registered itself (RFC 8705, section 2.2).
        SelfSignedTls = "self_signed_tls_client_auth",
    }
}

words! {
    /// How a client may get tokens.
    GrantType {
        AuthorizationCode = "authorization_code",
        ClientCredentials = "client_credentials",
        DeviceCode = "urn:ietf:params:oauth:grant-type:device_code",
        RefreshToken = "refresh_token",
    }
}

words! {
    /// What a client may ask for at the authorization endpoint. There is no implicit and no hybrid flow.
    ResponseType {
        Code = "code",
    }
}

words! {
    /// What tokens are signed with.
    SignatureAlgorithm {
        EdDsa = "EdDSA",
        Es256 = "ES256",
        Rs256 = "RS256",
    }
}

/// What its certificate must say (RFC 8705, section 2.1.2): exactly one of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum CertificateSubject {
    /// The distinguished name, as RFC 4514 writes it.
    Dn(String),
    SanDns(String),
    SanEmail(String),
    SanIp(String),
    SanUri(String),
}

impl CertificateSubject {
    /// What cannot be in a certificate.
    #[must_use]
    pub fn problem(&self) -> Option<&'static str> {
        let (right, reason) = match self {
            Self::Dn(text) => (
                text.parse::<DistinguishedName>().is_ok(),
                "is no distinguished name as RFC 4514 writes it, for instance `CN=billing,O=Example`",
            ),
            Self::SanDns(text) => (
                !text.is_empty() && !text.contains('*') && text.bytes().all(|byte| byte.is_ascii_graphic()),
                "is no DNS name; `*` stands for nothing here",
            ),
            Self::SanEmail(text) => (text.contains('@'), "is no e-mail address"),
            Self::SanIp(text) => (text.parse::<IpAddr>().is_ok(), "is no address"),
            Self::SanUri(text) => (text.contains(':'), "is no URI"),
        };
        (!right).then_some(reason)
    }

    /// Whether the certificate says it. Names are compared whole: a certificate for `*.example` is not one for
    /// `a.example`.
    #[must_use]
    pub fn is_in(&self, certificate: &PeerCertificate) -> bool {
        match self {
            Self::Dn(text) => text.parse().is_ok_and(|name: DistinguishedName| name == certificate.subject),
            Self::SanDns(text) => certificate.dns.contains(&text.to_ascii_lowercase()),
            Self::SanEmail(text) => certificate.emails.contains(text),
            Self::SanIp(text) => {
                text.parse::<IpAddr>().is_ok_and(|own| certificate.addresses.contains(&own.to_string()))
            }
            Self::SanUri(text) => certificate.uris.contains(text),
        }
    }
}

impl AuthenticationMethod {
    /// Whether the client holds a secret of ours.
    #[must_use]
    pub const fn has_secret(self) -> bool {
        matches!(self, Self::SecretBasic | Self::SecretPost)
    }
}

impl Default for Metadata {
    fn default() -> Self {
        Self {
            name: String::new(),
            application: Application::Web,
            authentication: AuthenticationMethod::SecretBasic,
            redirect_uris: Vec::new(),
            post_logout_redirect_uris: Vec::new(),
            grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
            response_types: vec![ResponseType::Code],
            scopes: ["openid", "profile", "email", "offline_access"].map(str::to_owned).to_vec(),
            resources: Vec::new(),
            jwks: None,
            jwks_uri: None,
            certificate_subject: None,
            certificate_thumbprints: Vec::new(),
            certificate_bound_access_tokens: false,
            introspects: Vec::new(),
            dpop_bound_access_tokens: false,
            require_pkce: true,
            require_pushed_authorization_requests: false,
            first_party: false,
            id_token_signed_response_alg: None,
            userinfo_signed_response_alg: None,
            token_endpoint_auth_signing_alg: None,
            backchannel_logout_uri: None,
            backchannel_logout_session_required: false,
            default_max_age: None,
            default_acr_values: Vec::new(),
            require_auth_time: false,
            client_uri: None,
            logo_uri: None,
            policy_uri: None,
            tos_uri: None,
            contacts: Vec::new(),
            software_id: None,
            software_version: None,
        }
    }
}
