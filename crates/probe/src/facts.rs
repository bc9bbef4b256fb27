//! What the tester is told: one page, `probe.toml`. What is not there makes tests say `not tested`, never `passed`.

mod accounts;
mod callback;
mod monitoring;
mod oauth;
mod ports;
mod tokens;

use std::collections::BTreeMap;

use gabion_model::{Period, Secret};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::accounts::{Accounts, Bound, Flow, Template, Upload};
pub use self::callback::Callback;
pub use self::monitoring::{Monitoring, Watched};
pub use self::oauth::OAuth;
pub use self::ports::Ports;
pub use self::tokens::Tokens;
use crate::scope::{Origin, ScopeError};

/// Everything that is known before the first request.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    pub target: Target,
    #[serde(default)]
    pub limits: Limits,
    /// Who signs in. Nobody at all is always tried too.
    #[serde(default)]
    pub identities: Vec<Identity>,
    /// How they sign in, where the probe does not find out by itself.
    #[serde(default)]
    pub login: Option<Login>,
    /// Who may call what; the first that fits decides.
    #[serde(default)]
    pub policy: Vec<Grant>,
    /// What the application says it limits.
    #[serde(default)]
    pub throttles: Vec<Throttle>,
    #[serde(default)]
    pub webhooks: Vec<Webhook>,
    /// Texts that no answer may ever hold.
    #[serde(default)]
    pub secrets: Vec<Text>,
    #[serde(default)]
    pub accounts: Accounts,
    /// The key of tokens, and tokens that are not for here.
    #[serde(default)]
    pub tokens: Tokens,
    /// An authorization server, and a client of it.
    #[serde(default)]
    pub oauth: Option<OAuth>,
    /// Where events of the application are read.
    #[serde(default)]
    pub monitoring: Option<Monitoring>,
    /// Where the target's callbacks arrive by name.
    #[serde(default)]
    pub callback: Option<Callback>,
    /// Bounds that numbers of the business have.
    #[serde(default)]
    pub bounds: Vec<Bound>,
    /// What goes in steps, none of which may be left out.
    #[serde(default)]
    pub flows: Vec<Flow>,
    /// How large files may be.
    #[serde(default)]
    pub uploads: Vec<Upload>,
}

/// What is attacked.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// Scheme, host and port, with the path under which the application begins.
    pub url: String,
    #[serde(default)]
    pub level: Level,
    /// The word that a public target serves at `/.well-known/gabion-probe.txt`.
    #[serde(default)]
    pub ownership: Option<String>,
    /// OpenAPI documents: paths at the target (`/openapi.json`) or files beside the facts.
    #[serde(default)]
    pub openapi: Vec<String>,
    /// Recorded traffic (HAR 1.2).
    #[serde(default)]
    pub har: Vec<String>,
    /// What `gabion scan --endpoints` wrote of the source.
    #[serde(default)]
    pub endpoints: Vec<String>,
    /// Pages the crawl begins with, beside the first one.
    #[serde(default)]
    pub start: Vec<String>,
    /// Paths that are never asked, as prefixes: `/admin/reset`.
    #[serde(default)]
    pub spare: Vec<String>,
    /// Which version of HTTP ordinary requests are sent in.
    #[serde(default)]
    pub http: Version,
    /// TCP ports of the target's host that are looked at: `true` for the usual ones, or a list. None without it.
    #[serde(default)]
    pub ports: Ports,
    /// UDP ports of the target's host that are asked: `true` for the usual ones, or a list. Without it as `ports` says, where that is
    /// `true`.
    #[serde(default)]
    pub udp_ports: Option<Ports>,
    /// Certificates to believe besides the machine's, in PEM form.
    #[serde(default)]
    pub ca_file: Option<std::path::PathBuf>,
    /// Whether its certificate must be believed. `false` is for a target near by whose certificate is nobody's: the test `tls` says
    /// what is wrong with it.
    #[serde(default = "yes")]
    pub verify: bool,
    /// A proxy through which everything goes, so that somebody can look on: `127.0.0.1:8080`. Loopback or private.
    #[serde(default)]
    pub proxy: Option<std::net::SocketAddr>,
    /// The address by which the target reaches this machine, for callbacks. Without it: the one that leads to the target.
    #[serde(default)]
    pub callback: Option<std::net::IpAddr>,
}

/// Which version of HTTP ordinary requests are sent in. Malformed ones can only be written in 1.1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
pub enum Version {
    /// 1.1, or 2 where the target speaks nothing else.
    #[default]
    #[serde(rename = "auto")]
    Auto,
    #[serde(rename = "1.1")]
    First,
    /// By TLS as it is agreed there, without TLS at once.
    #[serde(rename = "2")]
    Second,
}

/// How far the probe goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Only what any visitor does: nothing hostile is sent.
    Passive,
    /// Attacks; writes only to what the probe made or what belongs to its own identities.
    #[default]
    Active,
    /// Also deletes, of what the probe made, and ends sessions.
    Destructive,
}

impl Level {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passive => "passive",
            Self::Active => "active",
            Self::Destructive => "destructive",
        }
    }
}

/// What a run may cost.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    pub requests: usize,
    pub time: Period,
    /// Requests in one second.
    pub rate: u32,
    /// Pages and operations that the crawl looks at.
    pub pages: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { requests: 10_000, time: Period::from_secs(30 * 60), rate: 200, pages: 300 }
    }
}

/// Somebody who signs in.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// What reports call them.
    pub name: String,
    /// What they sign in with, where it is not the name.
    #[serde(default)]
    pub user: Option<String>,
    #[serde(default)]
    pub password: Option<Text>,
    /// A bearer token, in place of signing in.
    #[serde(default)]
    pub token: Option<Text>,
    /// Header fields, in place of signing in.
    #[serde(default)]
    pub headers: BTreeMap<String, Text>,
    /// The secret of one-time passwords (RFC 6238) in Base32.
    #[serde(default)]
    pub totp: Option<Text>,
    /// Codes for whoever lost the device: each is good once, and a run uses one or two up.
    #[serde(default)]
    pub recovery: Vec<Text>,
    #[serde(default)]
    pub role: Option<String>,
    #[serde(default)]
    pub tenant: Option<String>,
    /// How they sign in, where it is not as everybody does.
    #[serde(default)]
    pub login: Option<Login>,
}

impl Identity {
    #[must_use]
    pub fn user(&self) -> &str {
        self.user.as_deref().unwrap_or(&self.name)
    }
}

/// A secret: written down, or the name of the environment variable that has it.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Text {
    Plain(Secret<String>),
    Variable { env: String },
}

/// The request that signs somebody in. `{user}`, `{password}` and `{totp}` stand for what each identity has.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// `POST /login`.
    pub operation: String,
    #[serde(default)]
    pub form: BTreeMap<String, String>,
    #[serde(default)]
    pub json: Option<Value>,
    /// Fields of its head.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// A media type, and a body as it is.
    #[serde(skip)]
    pub body: Option<(String, String)>,
    /// Whether nothing of it can be another name or password.
    #[serde(skip)]
    pub fixed: bool,
    /// The name of the header field of the answer that has the token.
    #[serde(default)]
    pub token_field: Option<String>,
    /// The JSON pointer of the token in the answer; without it a cookie is expected.
    #[serde(default)]
    pub token: Option<String>,
    /// How the token is sent: `Authorization: Bearer {token}`.
    #[serde(default)]
    pub header: Option<String>,
    /// The request that takes the code, where it is another one: sent with what the first one gave.
    #[serde(default)]
    pub second: Option<Box<Second>>,
}

/// The second step of signing in. `{totp}` stands for the code, `{token}` for the token that the first step gave.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Second {
    /// `POST /login/code`.
    pub operation: String,
    #[serde(default)]
    pub form: BTreeMap<String, String>,
    #[serde(default)]
    pub json: Option<Value>,
}

/// Without what is sent: passwords may stand in it.
impl std::fmt::Debug for Login {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Login").field("operation", &self.operation).finish_non_exhaustive()
    }
}

/// Who may call some operations.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// `GET /api/admin/*`; `*` for a method or for the rest of a path.
    pub operations: Vec<String>,
    /// Roles; `anonymous` for everybody, `*` for everybody who signed in.
    pub roles: Vec<String>,
}

/// What the application limits.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Throttle {
    pub operation: String,
    pub requests: u32,
    pub per: Period,
}

/// A webhook that the application takes.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// `POST /hooks/payment`.
    pub operation: String,
    pub secret: Text,
    #[serde(default)]
    pub scheme: WebhookScheme,
    /// A body that is processed when it is signed; `{id}` becomes a new id in each message.
    pub body: String,
    /// Where its effect shows: an operation, who asks it, and what the answer then holds.
    #[serde(default)]
    pub effect: Option<Effect>,
}

/// How a message is signed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WebhookScheme {
    /// `X-Hub-Signature-256: sha256=HEX` over the body.
    Github,
    /// `webhook-id`, `webhook-timestamp`, `webhook-signature: v1,BASE64`.
    #[default]
    StandardWebhooks,
    /// `Stripe-Signature: t=…,v1=HEX` over `t.body`.
    Stripe,
}

/// Where something shows.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Effect {
    /// `GET /api/orders/1`, with its values filled in.
    pub request: String,
    pub identity: String,
    pub holds: String,
}

/// What is wrong with the facts.
#[derive(Debug, thiserror::Error)]
pub enum FactsError {
    #[error("{0}")]
    Toml(#[from] toml::de::Error),
    #[error("`{at}`: {problem}")]
    Wrong { at: String, problem: String },
    #[error(transparent)]
    Scope(#[from] ScopeError),
    #[error(
        "`{at}`: the environment has no `{variable}`; hint: export it, give the password by `--logins`, or write the value down"
    )]
    NoVariable { at: String, variable: String },
}

impl Facts {
    /// Reads `probe.toml`; `variable` looks into the environment.
    ///
    /// # Errors
    /// Where it is not what it should be, by place.
    pub fn parse(text: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, FactsError> {
        let mut facts = Self::read(text)?;
        facts.resolve(variable)?;
        facts.check()?;
        Ok(facts)
    }

    /// Reads `probe.toml` without looking into the environment.
    ///
    /// # Errors
    /// Where it is no page of facts.
    pub fn read(text: &str) -> Result<Self, FactsError> {
        Ok(toml::from_str(text)?)
    }

    /// Only a target, and nobody who signs in.
    #[must_use]
    pub fn of(url: &str) -> Self {
        Self {
            target: Target {
                url: url.to_owned(),
                level: Level::default(),
                ownership: None,
                openapi: Vec::new(),
                har: Vec::new(),
                endpoints: Vec::new(),
                start: Vec::new(),
                spare: Vec::new(),
                http: Version::default(),
                ports: Ports::default(),
                udp_ports: None,
                ca_file: None,
                verify: true,
                proxy: None,
                callback: None,
            },
            limits: Limits::default(),
            identities: Vec::new(),
            login: None,
            policy: Vec::new(),
            throttles: Vec::new(),
            webhooks: Vec::new(),
            secrets: Vec::new(),
            accounts: Accounts::default(),
            tokens: Tokens::default(),
            oauth: None,
            monitoring: None,
            callback: None,
            bounds: Vec::new(),
            flows: Vec::new(),
            uploads: Vec::new(),
        }
    }

    /// Somebody with a password besides those there are.
    #[must_use]
    pub fn with(mut self, name: &str, password: &str) -> Self {
        self.identities.push(Identity {
            name: name.to_owned(),
            user: None,
            password: Some(Text::Plain(Secret::new(password.to_owned()))),
            token: None,
            headers: BTreeMap::new(),
            totp: None,
            recovery: Vec::new(),
            role: None,
            tenant: None,
            login: None,
        });
        self
    }

    /// Puts in what stands in variables of the environment.
    ///
    /// # Errors
    /// When one is not there.
    pub fn resolve(&mut self, variable: &dyn Fn(&str) -> Option<String>) -> Result<(), FactsError> {
        let fill = |at: String, text: &mut Text| {
            let Text::Variable { env } = text else { return Ok(()) };
            let Some(value) = variable(env) else {
                return Err(FactsError::NoVariable { at, variable: env.clone() });
            };
            *text = Text::Plain(Secret::new(value));
            Ok(())
        };
        for identity in &mut self.identities {
            let at = |field: &str| format!("identities.{}.{field}", identity.name);
            for (field, text) in [
                ("password", &mut identity.password),
                ("token", &mut identity.token),
                ("totp", &mut identity.totp),
            ] {
                if let Some(text) = text {
                    fill(format!("identities.{}.{field}", identity.name), text)?;
                }
            }
            for text in &mut identity.recovery {
                fill(at("recovery"), text)?;
            }
            for text in identity.headers.values_mut() {
                fill(at("headers"), text)?;
            }
        }
        if let Some(secret) = self.oauth.as_mut().and_then(|oauth| oauth.secret.as_mut()) {
            fill("oauth.secret".to_owned(), secret)?;
        }
        let tokens = self.tokens.key.iter_mut().map(|key| ("tokens.key", key));
        for (at, text) in tokens.chain(self.tokens.others.iter_mut().map(|text| ("tokens.others", text))) {
            fill(at.to_owned(), text)?;
        }
        for webhook in &mut self.webhooks {
            fill(format!("webhooks.{}.secret", webhook.operation), &mut webhook.secret)?;
        }
        self.secrets.iter_mut().try_for_each(|text| fill("secrets".to_owned(), text))
    }

    /// Whether everything in it can be meant.
    ///
    /// # Errors
    /// The first place where it cannot.
    pub fn check(&self) -> Result<(), FactsError> {
        Origin::parse(&self.target.url)?;
        let wrong = |at: String, problem: &str| Err(FactsError::Wrong { at, problem: problem.to_owned() });
        if self.target.proxy.is_some_and(|proxy| !crate::scope::is_near(proxy.ip())) {
            return wrong("target.proxy".to_owned(), "is neither loopback nor private");
        }
        if self.accounts.mail.is_some_and(|mail| !crate::scope::is_near(mail.ip())) {
            return wrong("accounts.mail".to_owned(), "is neither loopback nor private");
        }
        if let Some(callback) = &self.callback {
            if !crate::scope::is_near(callback.dns.ip()) && !callback.dns.ip().is_unspecified() {
                return wrong("callback.dns".to_owned(), "is neither loopback nor private");
            }
            if crate::name_server::Zone::new(&callback.zone, callback.dns.ip()).is_none() {
                return wrong("callback.zone".to_owned(), "is no name of a zone; hint: `cb.example`");
            }
        }
        let mut names = std::collections::BTreeSet::new();
        for identity in &self.identities {
            let at = format!("identities.{}", identity.name);
            let word =
                |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.' | '@');
            if identity.name.is_empty() || identity.name == ANONYMOUS || !identity.name.chars().all(word) {
                return wrong(
                    at,
                    "a name has letters, digits, `-`, `_`, `.` and `@`, and is not `anonymous`",
                );
            }
            if !names.insert(&identity.name) {
                return wrong(at, "there are two of that name");
            }
            let fixed = identity.login.as_ref().is_some_and(|login| login.fixed);
            let nothing =
                identity.password.is_none() && identity.token.is_none() && identity.headers.is_empty();
            if nothing && !fixed {
                return wrong(at, "has neither `password` nor `token` nor `headers`");
            }
        }
        for (at, operation) in self.named_operations() {
            if operation_of(operation).is_none() {
                return wrong(at, "is no operation; hint: `POST /login`");
            }
        }
        for webhook in &self.webhooks {
            if let Some(effect) = &webhook.effect
                && !names.contains(&effect.identity)
            {
                return wrong(
                    format!("webhooks.{}.effect.identity", webhook.operation),
                    "is no identity of these facts",
                );
            }
        }
        Ok(())
    }

    fn named_operations(&self) -> impl Iterator<Item = (String, &str)> {
        let own = self.identities.iter().filter_map(|identity| identity.login.as_ref());
        let all = self.login.iter().chain(own);
        let login = all.clone().map(|login| ("login.operation".to_owned(), login.operation.as_str()));
        let second = all.filter_map(|login| login.second.as_deref());
        let second = second.map(|second| ("login.second.operation".to_owned(), second.operation.as_str()));
        let login = login.chain(second);
        let grants = self.policy.iter().flat_map(|grant| &grant.operations);
        let grants = grants.map(|operation| ("policy.operations".to_owned(), operation.as_str()));
        let throttles =
            self.throttles.iter().map(|one| ("throttles.operation".to_owned(), one.operation.as_str()));
        let webhooks =
            self.webhooks.iter().map(|one| ("webhooks.operation".to_owned(), one.operation.as_str()));
        let bounds = self.bounds.iter().map(|one| ("bounds.operation".to_owned(), one.operation.as_str()));
        let uploads = self.uploads.iter().map(|one| ("uploads.operation".to_owned(), one.operation.as_str()));
        let monitoring = self.monitoring.iter().flat_map(Monitoring::requests);
        let monitoring = monitoring.map(|(at, request)| (at.to_owned(), request));
        let templates = self.accounts.templates();
        let templates = templates.map(|(at, one)| (format!("{at}.operation"), one.operation.as_str()));
        let steps = self.flows.iter().flat_map(|flow| &flow.steps);
        let steps = steps.map(|step| ("flows.steps.operation".to_owned(), step.operation.as_str()));
        let own = login.chain(grants).chain(throttles).chain(webhooks).chain(templates);
        own.chain(bounds).chain(uploads).chain(monitoring).chain(steps)
    }

    /// The roles that may call an operation, where the facts say so.
    #[must_use]
    pub fn roles_of(&self, method: &str, path: &str) -> Option<&[String]> {
        let fits = |pattern: &str| {
            let Some((own, form)) = operation_of(pattern) else { return false };
            let same = own == "*" || own.eq_ignore_ascii_case(method);
            same && match form.strip_suffix('*') {
                Some(prefix) => path.starts_with(prefix),
                None => form == path || crate::operation::template_matches(form, path).is_some(),
            }
        };
        let grant = self.policy.iter().find(|grant| grant.operations.iter().any(|pattern| fits(pattern)));
        grant.map(|grant| grant.roles.as_slice())
    }
}

impl Text {
    /// What it is; nothing before it was looked up.
    #[must_use]
    pub fn expose(&self) -> &str {
        match self {
            Self::Plain(secret) => secret.expose(),
            Self::Variable { .. } => "",
        }
    }
}

const fn yes() -> bool {
    true
}

/// What reports call nobody.
pub const ANONYMOUS: &str = "anonymous";

/// Method and path of `POST /login`.
#[must_use]
pub fn operation_of(text: &str) -> Option<(&str, &str)> {
    let (method, path) = text.trim().split_once(' ')?;
    let word = method == "*" || method.bytes().all(|byte| byte.is_ascii_uppercase());
    (word && path.trim().starts_with('/')).then(|| (method, path.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = r#"
[target]
url = "http://127.0.0.1:3000"
level = "destructive"
openapi = ["/openapi.yaml"]

[limits]
requests = 500
time = "2m"

[[identities]]
name = "alice"
password = "not-a-real-one"
role = "member"

[[identities]]
name = "ann"
password = { env = "ANN" }
role = "admin"

[[policy]]
operations = ["* /api/admin/*", "GET /notes/{id}"]
roles = ["admin"]
"#;

    #[test]
    fn a_page_of_facts_is_read() {
        let facts = Facts::parse(WHOLE, &|name| (name == "ANN").then(|| "hidden".to_owned())).unwrap();
        assert_eq!(facts.identities[1].password.as_ref().unwrap().expose(), "hidden");
        assert_eq!(facts.roles_of("POST", "/api/admin/users").unwrap(), ["admin"]);
        assert_eq!(facts.roles_of("GET", "/notes/7").unwrap(), ["admin"]);
        assert_eq!(facts.roles_of("PUT", "/notes/7"), None);
        assert!(!format!("{facts:?}").contains("hidden"));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (from, to, says) in [
            ("url = \"http://127.0.0.1:3000\"", "url = \"nowhere\"", "no URL of an application"),
            ("name = \"ann\"", "name = \"alice\"", "there are two of that name"),
            ("name = \"ann\"", "name = \"anonymous\"", "is not `anonymous`"),
            ("password = \"not-a-real-one\"", "", "neither `password`"),
            ("\"GET /notes/{id}\"", "\"/notes/{id}\"", "is no operation"),
            ("{ env = \"ANN\" }", "{ env = \"BEN\" }", "the environment has no `BEN`"),
            ("requests = 500", "request = 500", "unknown field `request`"),
        ] {
            let text = WHOLE.replace(from, to);
            let error =
                Facts::parse(&text, &|name| (name == "ANN").then(String::new)).unwrap_err().to_string();
            assert!(error.contains(says), "{to}: {error}");
        }
    }
}
