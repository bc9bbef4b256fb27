//! What a rule of this scanner says beyond what all rules say.

use serde::Deserialize;

/// How the secrets of a rule are found: exactly one of `pattern`, `value` and `detector`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Finder {
    /// Texts one of which stands in, or near, every secret of the rule; three bytes or more. Letters of both cases are alike unless
    /// the pattern itself begins with the text.
    #[serde(default)]
    pub keywords: Vec<String>,
    /// A regular expression over bytes, of bounded length. The secret is its group `secret`, else its first group, else all of it.
    #[serde(default)]
    pub pattern: Option<String>,
    /// A regular expression for what is assigned to something that one of the keywords names: `[0-9a-f]{32}` after `datadog_api_key = "`.
    #[serde(default)]
    pub value: Option<String>,
    /// What only code can read.
    #[serde(default)]
    pub detector: Option<Detector>,
    /// What else must hold of the secret.
    #[serde(default)]
    pub checks: Vec<Check>,
    /// The least entropy of the secret, in bits for each character.
    #[serde(default)]
    pub entropy: f32,
}

/// Finders written in code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Detector {
    /// A value given to what is named like a password.
    Password,
    /// A value given to what is named like a key or a token.
    Secret,
    /// A name and a password in an address.
    UrlPassword,
    /// The same for a database.
    DatabaseUrl,
    /// `Authorization: Basic`.
    BasicAuthorization,
    /// `Authorization: Bearer`.
    BearerAuthorization,
    /// A private key in PEM, on many lines or one.
    PrivateKey,
    /// The same, locked by a passphrase.
    EncryptedPrivateKey,
}

/// What makes a match more than a chance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Check {
    /// The last six characters are the CRC-32 of what stands after the first `_`, in base62 (GitHub, npm).
    Crc32Base62,
    /// As [`Check::Crc32Base62`], over all that stands before (Gabion).
    Crc32Base62All,
    /// An identifier of a key of AWS: base32 whose account number is one.
    AwsKeyId,
    /// Upper, lower and digits, as forty characters drawn from base64 have.
    AwsSecret,
    /// Three parts, of which the first two are objects and the first names an algorithm.
    Jwt,
    /// As [`Check::Jwt`], whose `role` is `service_role` or which Supabase issued.
    JwtServiceRole,
    /// A macaroon of PyPI.
    PypiMacaroon,
    /// Bech32 with its checksum (age).
    Bech32,
    /// A key of NATS: base32 with CRC-16.
    Nkey,
    /// Reads as base64, and what it holds does not look like text.
    Base64,
    /// Looks drawn, not written.
    Random,
    /// A password somebody chose: no placeholder, no reference, no name.
    Password,
    /// Base64 of a name and a password.
    BasicPair,
    /// At least one digit and one letter.
    Mixed,
}
