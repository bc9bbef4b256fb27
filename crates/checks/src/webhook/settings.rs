//! `[webhooks.NAME]`: who sends, and how they sign.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use gabion_identity::Credential;
use gabion_model::{Period, Problem, Secret};
use gabion_vault::webhook::{Algorithm, Key, Scheme, Template, TemplateFault, TextEncoding};
use http::HeaderName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A system that sends signed messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SenderSettings {
    /// How it signs: `standard` (Standard Webhooks), `github`, `stripe`, `slack`, or `custom` with the keys below.
    pub scheme: SchemeName,
    /// Where its secrets are: `{ file = "…" }` or `{ env = "…" }`. Any one of them may have signed, so that a new one
    /// can stand beside the old one for a while.
    pub secrets: Vec<SecretFrom>,
    /// How far the signed time may be from now.
    #[serde(default = "five_minutes")]
    pub tolerance: Period,
    /// How long a message is remembered where no time is signed, as with GitHub.
    #[serde(default = "a_day")]
    pub remember: Period,
    /// What is answered to a message that was taken before: `refuse` (409) or `acknowledge` (204, for senders that
    /// would try again).
    #[serde(default)]
    pub on_replay: OnReplay,
    /// The header field of the signature, for instance `X-Signature`. Only with `scheme = "custom"`, as all below.
    #[serde(default)]
    pub header: Option<String>,
    /// What stands before the signature, for instance `sha256=`.
    #[serde(default)]
    pub prefix: Option<String>,
    /// How the signature is written: `hex` (the default), `base64` or `base64url`.
    #[serde(default)]
    pub encoding: Option<SignatureEncoding>,
    /// `sha256` (the default), `sha512` or `sha1`, each as HMAC; `ed25519` with public keys as secrets.
    #[serde(default)]
    pub algorithm: Option<SignatureAlgorithm>,
    /// What is signed, of `{id}`, `{timestamp}` and `{body}`. Default: `{body}`.
    #[serde(default)]
    pub signed: Option<String>,
    /// The header field of the message's id.
    #[serde(default)]
    pub id_header: Option<String>,
    /// The header field of the time, in seconds since 1970.
    #[serde(default)]
    pub timestamp_header: Option<String>,
    /// How the secrets are written: `text` (the default), `hex`, `base64` or `base64url`.
    #[serde(default)]
    pub secret_encoding: Option<SecretEncoding>,
}

/// Where a secret is. One of the two.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SecretFrom {
    /// A file whose first line it is. A relative path counts from the configuration file.
    pub file: Option<PathBuf>,
    /// An environment variable.
    pub env: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SchemeName {
    Custom,
    Github,
    Slack,
    Standard,
    Stripe,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnReplay {
    /// 204, and the application does not see it again.
    Acknowledge,
    /// 409.
    #[default]
    Refuse,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SignatureEncoding {
    Base64,
    Base64url,
    Hex,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SignatureAlgorithm {
    Ed25519,
    Sha1,
    Sha256,
    Sha512,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SecretEncoding {
    Base64,
    Base64url,
    Hex,
    Text,
}

/// A sender with its keys.
#[derive(Debug)]
pub struct Sender {
    name: String,
    scheme: Scheme,
    keys: Vec<Key>,
    settings: SenderSettings,
    credential: Arc<Credential>,
}

/// All senders of a configuration, by name.
#[derive(Debug, Clone, Default)]
pub struct Senders(BTreeMap<String, Arc<Sender>>);

impl SenderSettings {
    /// With everything else as it is by default.
    #[must_use]
    pub fn new(scheme: SchemeName) -> Self {
        Self {
            scheme,
            secrets: Vec::new(),
            tolerance: five_minutes(),
            remember: a_day(),
            on_replay: OnReplay::Refuse,
            header: None,
            prefix: None,
            encoding: None,
            algorithm: None,
            signed: None,
            id_header: None,
            timestamp_header: None,
            secret_encoding: None,
        }
    }

    /// What is wrong with it by itself.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.secrets.is_empty() {
            problems.push(
                Problem::new("secrets", "without a secret nothing could be verified")
                    .hint("for instance `secrets = [{ file = \"webhook.secret\" }]`"),
            );
        }
        for (index, from) in self.secrets.iter().enumerate() {
            if from.file.is_some() == from.env.is_some() {
                problems.push(
                    Problem::new(format!("secrets[{index}]"), "needs either `file` or `env`")
                        .hint("secrets do not stand in the configuration itself"),
                );
            }
        }
        if self.secrets.len() > MOST_SECRETS {
            problems.push(Problem::new("secrets", format!("more than {MOST_SECRETS}")));
        }
        for (key, period, most) in
            [("tolerance", self.tolerance, 3600), ("remember", self.remember, 30 * 86_400)]
        {
            if period.as_duration() < Duration::from_secs(1)
                || period.as_duration() > Duration::from_secs(most)
            {
                problems.push(
                    Problem::new(key, format!("`{period}` is not usable"))
                        .hint(format!("between a second and {most} seconds")),
                );
            }
        }
        if self.scheme == SchemeName::Custom {
            problems.extend(self.template().err());
        } else {
            let foreign = [
                ("header", self.header.is_some()),
                ("prefix", self.prefix.is_some()),
                ("encoding", self.encoding.is_some()),
                ("algorithm", self.algorithm.is_some()),
                ("signed", self.signed.is_some()),
                ("id_header", self.id_header.is_some()),
                ("timestamp_header", self.timestamp_header.is_some()),
                ("secret_encoding", self.secret_encoding.is_some()),
            ];
            for (key, _) in foreign.into_iter().filter(|(_, set)| *set) {
                problems.push(
                    Problem::new(key, "the scheme says this itself")
                        .hint("remove it, or use `scheme = \"custom\"`"),
                );
            }
        }
        problems
    }

    /// How it signs.
    ///
    /// # Errors
    /// What is wrong with a scheme of its own.
    pub fn scheme(&self) -> Result<Scheme, Problem> {
        Ok(match self.scheme {
            SchemeName::Github => Scheme::Github,
            SchemeName::Slack => Scheme::Slack,
            SchemeName::Standard => Scheme::Standard,
            SchemeName::Stripe => Scheme::Stripe,
            SchemeName::Custom => Scheme::Template(Box::new(self.template()?)),
        })
    }

    fn template(&self) -> Result<Template, Problem> {
        let lower = |key: &str, name: &Option<String>| match name {
            None => Ok(None),
            Some(name) => HeaderName::from_bytes(name.as_bytes())
                .map(|name| Some(name.as_str().to_owned()))
                .map_err(|_| Problem::new(key, format!("`{name}` is not the name of a header field"))),
        };
        let header = lower("header", &self.header)?.ok_or_else(|| {
            Problem::new("header", "the field of the signature is not named")
                .hint("for instance `X-Signature`")
        })?;
        let (id, time) =
            (lower("id_header", &self.id_header)?, lower("timestamp_header", &self.timestamp_header)?);
        let algorithm = match self.algorithm {
            Some(SignatureAlgorithm::Ed25519) => Algorithm::Ed25519,
            Some(SignatureAlgorithm::Sha1) => Algorithm::Sha1,
            None | Some(SignatureAlgorithm::Sha256) => Algorithm::Sha256,
            Some(SignatureAlgorithm::Sha512) => Algorithm::Sha512,
        };
        let encoding = match self.encoding {
            Some(SignatureEncoding::Base64) => TextEncoding::Base64,
            Some(SignatureEncoding::Base64url) => TextEncoding::Base64url,
            None | Some(SignatureEncoding::Hex) => TextEncoding::Hex,
        };
        let keys = match self.secret_encoding {
            Some(SecretEncoding::Base64) => TextEncoding::Base64,
            Some(SecretEncoding::Base64url) => TextEncoding::Base64url,
            Some(SecretEncoding::Hex) => TextEncoding::Hex,
            None | Some(SecretEncoding::Text) => TextEncoding::Text,
        };
        let signature = (header.as_str(), self.prefix.as_deref().unwrap_or_default(), encoding);
        let signed = self.signed.as_deref().unwrap_or("{body}");
        Template::new(algorithm, signature, keys, (id.as_deref(), time.as_deref()), signed).map_err(|fault| {
            let key = if fault == TemplateFault::Encoding { "encoding" } else { "signed" };
            Problem::new(key, fault.to_string()).hint("for instance `{timestamp}.{body}`")
        })
    }
}

impl Senders {
    /// Reads the secrets of all senders; `read` says what stands in a place.
    ///
    /// # Errors
    /// Everything that is wrong, with paths from the top of the file.
    pub fn read(
        settings: &BTreeMap<String, SenderSettings>,
        mut read: impl FnMut(&SecretFrom) -> Result<Secret<String>, String>,
    ) -> Result<Self, Vec<Problem>> {
        let (mut senders, mut problems) = (BTreeMap::new(), Vec::new());
        for (name, one) in settings {
            let at = format!("webhooks.{name}");
            let scheme = match one.scheme() {
                Ok(scheme) => scheme,
                Err(problem) => {
                    problems.push(problem.under(&at));
                    continue;
                }
            };
            let mut keys = Vec::new();
            for (index, from) in one.secrets.iter().enumerate() {
                let place = if from.env.is_some() { "env" } else { "file" };
                let problem = |reason: String| Problem::new(format!("{at}.secrets[{index}].{place}"), reason);
                match read(from) {
                    Err(reason) => problems.push(problem(reason)),
                    Ok(text) => match Key::parse(&scheme, text.expose()) {
                        Ok(key) => keys.push(key),
                        Err(fault) => problems.push(
                            problem(format!("what stands there is no key: {fault}"))
                                .hint("copy the secret as the sender shows it, without quotes"),
                        ),
                    },
                }
            }
            let credential = Arc::new(super::credential(name));
            let sender = Sender { name: name.clone(), scheme, keys, settings: one.clone(), credential };
            senders.insert(name.clone(), Arc::new(sender));
        }
        if problems.is_empty() { Ok(Self(senders)) } else { Err(problems) }
    }

    #[must_use]
    pub fn find(&self, name: &str) -> Option<Arc<Sender>> {
        self.0.get(name).cloned()
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// What is wrong with `[webhooks]` and the routes that name its senders, with paths from the top of the file.
    #[must_use]
    pub fn problems(
        settings: &BTreeMap<String, SenderSettings>,
        routes: &[crate::route::Route],
    ) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (name, one) in settings {
            let at = format!("webhooks.{name}");
            let word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            if name.is_empty() || name.len() > 40 || !name.bytes().all(word) {
                problems.push(
                    Problem::new(at.clone(), "not a name for a sender")
                        .hint("lower-case letters, digits and `-`"),
                );
            }
            problems.extend(one.problems().into_iter().map(|problem| problem.under(&at)));
        }
        for (index, route) in routes.iter().enumerate() {
            if let Some(name) = &route.webhook
                && !settings.contains_key(name)
            {
                problems.push(unknown(index, name, settings.keys().map(String::as_str)));
            }
        }
        problems
    }
}

/// A route that names a sender nobody described.
pub(super) fn unknown<'a>(index: usize, name: &str, known: impl Iterator<Item = &'a str>) -> Problem {
    let known = known.collect::<Vec<_>>().join(", ");
    let problem = Problem::new(format!("routes[{index}].webhook"), format!("there is no sender `{name}`"));
    if known.is_empty() {
        problem.hint(format!("describe it in a table `[webhooks.{name}]`"))
    } else {
        problem.hint(format!("described: {known}"))
    }
}

impl Sender {
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    #[must_use]
    pub fn scheme(&self) -> &Scheme {
        &self.scheme
    }

    #[must_use]
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    #[must_use]
    pub fn tolerance(&self) -> Duration {
        self.settings.tolerance.as_duration()
    }

    #[must_use]
    pub fn remember(&self) -> Duration {
        self.settings.remember.as_duration()
    }

    #[must_use]
    pub fn on_replay(&self) -> OnReplay {
        self.settings.on_replay
    }

    pub(super) fn credential(&self) -> &Arc<Credential> {
        &self.credential
    }
}

fn five_minutes() -> Period {
    Period::from_secs(300)
}

fn a_day() -> Period {
    Period::from_secs(86_400)
}

const MOST_SECRETS: usize = 8;
