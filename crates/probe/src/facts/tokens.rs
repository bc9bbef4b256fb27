//! What is told about tokens (RFC 7519).

use serde::Deserialize;

use super::Text;

/// The key of tokens, and tokens that are not for here.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tokens {
    /// What signs the application's tokens: the secret (as it is, in Base64 or in hexadecimal), or a private key in PKCS#8 PEM. With
    /// it the probe makes tokens that are really signed and of which one thing is wrong.
    pub key: Option<Text>,
    /// Tokens that are really signed and that this application must refuse: of another issuer, for another audience, run out.
    pub others: Vec<Text>,
}
