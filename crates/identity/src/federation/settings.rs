//! The tables `[federation.<name>]` of the configuration.

use std::collections::BTreeMap;
use std::path::PathBuf;

use gabion_model::{Problem, Role};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::{Host, Url};

use crate::email::Email;

/// Another OpenID provider people may sign in with. The name of the table stands in its addresses: the
/// provider must know `https://<this site>/.gabion/federation/<name>/callback` as redirect address.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ProviderSettings {
    /// The provider's issuer, letter by letter as it calls itself, for instance
    /// `https://accounts.google.com`. Its settings are read from
    /// `<issuer>/.well-known/openid-configuration`. An issuer on this machine or a private network must
    /// also be allowed in `[egress]`.
    pub issuer: String,
    /// What the provider calls this site.
    pub client_id: String,
    /// The file with the secret the provider gave for it. A relative path counts from the configuration
    /// file.
    pub client_secret_file: Option<PathBuf>,
    /// The file with a private key in PEM (PKCS #8; P-256, Ed25519 or RSA), where the provider knows its
    /// public half (`private_key_jwt`), by its RFC 7638 thumbprint where it asks for a `kid`. A relative
    /// path counts from the configuration file.
    pub client_key_file: Option<PathBuf>,
    /// What the button on the sign-in page says: `Continue with <display_name>`. The table's name where
    /// there is none.
    pub display_name: Option<String>,
    /// What is asked for. `openid` must be among it.
    pub scopes: Vec<String>,
    /// E-mail domains whose people sign in here: whoever types such an address on the sign-in page is
    /// taken to this provider.
    pub domains: Vec<String>,
    /// The provider's word that an address belongs to somebody (`email_verified`) is proof for us, too.
    /// Only for providers that own the domains they vouch for: with it, an account with the same verified
    /// address is linked at the first sign-in, and no question is asked.
    pub trust_email: bool,
    /// The provider's word that somebody used two factors (`amr` has `mfa`, or `acr` is one of
    /// `two_factor_acrs`) stands for a second factor here. Otherwise ours is asked.
    pub trust_mfa: bool,
    /// `acr` values of this provider that mean two factors.
    pub two_factor_acrs: Vec<String>,
    /// Who may come: `link-only` lets in whoever linked this sign-in to an account before; `create` makes
    /// accounts for others, too.
    pub provisioning: Provisioning,
    /// If there are any, one of them must hold of whoever signs in, for instance
    /// `{ claim = "hd", value = "example.org" }`.
    pub admit: Vec<Condition>,
    /// What its claims give here. The first rule with a tenant that holds decides the tenant of a new
    /// account; roles of all rules that hold add up. Roles named in a rule are given and taken at every
    /// sign-in.
    pub map: Vec<MapRule>,
    /// `login`, `consent` or `select_account`: what the provider shall ask the person.
    pub prompt: Option<Prompt>,
    /// `acr` values the provider shall try to satisfy, best first.
    pub acr_values: Vec<String>,
    /// What becomes of the session at the provider when somebody who came from it signs out here. The
    /// provider must know `https://<this site>/.gabion/logout` as address to return to after signing out.
    pub upstream_logout: UpstreamLogout,
}

/// What becomes of the session at the provider (OpenID Connect RP-Initiated Logout 1.0).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UpstreamLogout {
    /// Nothing, and nothing is said of it.
    Off,
    /// The page that says that they are signed out here leads on to the provider.
    #[default]
    Offer,
    /// The browser is sent to the provider at once.
    Perform,
}

/// Who may come from a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Provisioning {
    #[default]
    LinkOnly,
    Create,
}

/// What the provider shall ask the person (OpenID Connect Core 1.0, section 3.1.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Prompt {
    Consent,
    Login,
    SelectAccount,
}

/// Something that holds of a claim.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Condition {
    /// The claim's name, or a JSON pointer to something within one: `groups`, `/realm_access/roles`.
    pub claim: String,
    /// The text it must be, or one of whose texts it must be. Without it the claim must only be there and
    /// not be `false`.
    pub value: Option<String>,
}

/// What a claim gives.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MapRule {
    /// The claim's name, or a JSON pointer to something within one: `groups`, `/realm_access/roles`.
    pub claim: String,
    /// The text it must be, or one of whose texts it must be. Without it the claim must only be there and
    /// not be `false`.
    pub value: Option<String>,
    /// Roles given to whoever it holds of.
    #[schemars(with = "Vec<String>")]
    pub roles: Vec<Role>,
    /// Groups joined by whoever it holds of.
    pub groups: Vec<String>,
    /// The tenant of a new account.
    pub tenant: Option<String>,
}

impl Default for ProviderSettings {
    fn default() -> Self {
        Self {
            issuer: String::new(),
            client_id: String::new(),
            client_secret_file: None,
            client_key_file: None,
            display_name: None,
            scopes: ["openid", "email", "profile"].map(str::to_owned).to_vec(),
            domains: Vec::new(),
            trust_email: false,
            trust_mfa: false,
            two_factor_acrs: Vec::new(),
            provisioning: Provisioning::LinkOnly,
            admit: Vec::new(),
            map: Vec::new(),
            prompt: None,
            acr_values: Vec::new(),
            upstream_logout: UpstreamLogout::Offer,
        }
    }
}

/// Everything wrong with the tables together; paths are relative to `[federation]`.
#[must_use]
pub fn problems(providers: &BTreeMap<String, ProviderSettings>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut seen: Vec<(&str, &ProviderSettings)> = Vec::new();
    if providers.len() > MOST_PROVIDERS {
        problems.push(Problem::new("", format!("more than {MOST_PROVIDERS} providers are named")));
    }
    for (name, provider) in providers {
        if !is_name(name) {
            let reason = format!("`{name}` cannot stand in an address");
            let hint = "write 1 to 32 of a to z, 0 to 9 and `-`, for instance `[federation.google]`";
            problems.push(Problem::new(quoted(name), reason).hint(hint));
        }
        problems.extend(provider.problems().into_iter().map(|problem| problem.under(&quoted(name))));
        for (other, earlier) in &seen {
            if earlier.issuer == provider.issuer && !provider.issuer.is_empty() {
                let reason = format!("is the issuer of `{other}`, too");
                let hint = "one provider is one table; whose sign-in is whose goes by issuer and subject";
                problems.push(Problem::new(format!("{}.issuer", quoted(name)), reason).hint(hint));
            }
            for domain in provider.domains.iter().filter(|domain| earlier.domains.contains(domain)) {
                let reason = format!("`{domain}` leads to `{other}` already");
                problems.push(Problem::new(format!("{}.domains", quoted(name)), reason));
            }
        }
        seen.push((name, provider));
    }
    problems
}

impl ProviderSettings {
    /// Everything wrong with these values; paths are relative to the table.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut add = |path: String, reason: String, hint: &str| {
            problems.push(Problem::new(path, reason).hint(hint));
        };
        if let Err(reason) = issuer(&self.issuer) {
            add("issuer".into(), reason, "for instance `issuer = \"https://accounts.google.com\"`");
        }
        if !is_printable(&self.client_id, 255) {
            add(
                "client_id".into(),
                "is empty, too long or not printable".into(),
                "write what the provider calls this site",
            );
        }
        if self.client_secret_file.is_some() && self.client_key_file.is_some() {
            add(
                "client_key_file".into(),
                "there is a `client_secret_file`, too".into(),
                "a client proves who it is in one way: remove one of them",
            );
        }
        if self.display_name.as_deref().is_some_and(|name| !is_label(name)) {
            let hint = "write 1 to 64 characters";
            add("display_name".into(), "is empty, too long or has control characters".into(), hint);
        }
        if !self.scopes.iter().any(|scope| scope == "openid") {
            let hint = "for instance `scopes = [\"openid\", \"email\", \"profile\"]`";
            add("scopes".into(), "`openid` is not among them".into(), hint);
        }
        let lists = [
            ("scopes", &self.scopes),
            ("acr_values", &self.acr_values),
            ("two_factor_acrs", &self.two_factor_acrs),
        ];
        for (path, list) in lists {
            for (index, word) in list.iter().enumerate().filter(|(_, word)| !is_word(word)) {
                let hint = "write one word, or split it in two";
                add(format!("{path}[{index}]"), format!("`{word}` is not one printable word"), hint);
            }
        }
        for (index, domain) in self.domains.iter().enumerate() {
            let well = format!("a@{domain}").parse::<Email>().is_ok_and(|email| email.domain() == domain);
            if !well {
                let hint = "write it in lower case and without `@`, for instance `example.org`";
                add(format!("domains[{index}]"), format!("`{domain}` is no e-mail domain"), hint);
            }
        }
        if !self.two_factor_acrs.is_empty() && !self.trust_mfa {
            let hint = "set `trust_mfa = true`, or remove them";
            add("two_factor_acrs".into(), "count for nothing without `trust_mfa`".into(), hint);
        }
        for (index, condition) in self.admit.iter().enumerate().filter(|(_, one)| !is_claim(&one.claim)) {
            let hint = "for instance `groups`, or `/realm_access/roles`";
            add(format!("admit[{index}].claim"), format!("`{}` names no claim", condition.claim), hint);
        }
        for (index, rule) in self.map.iter().enumerate() {
            if !is_claim(&rule.claim) {
                let hint = "for instance `groups`, or `/realm_access/roles`";
                add(format!("map[{index}].claim"), format!("`{}` names no claim", rule.claim), hint);
            }
            if rule.roles.is_empty() && rule.groups.is_empty() && rule.tenant.is_none() {
                let hint = "say what it gives: `roles`, `groups` or `tenant`";
                add(format!("map[{index}]"), "gives nothing".into(), hint);
            }
            for role in rule.roles.iter().filter(|role| !is_word(role.as_str())) {
                let hint = "write one word";
                add(format!("map[{index}].roles"), format!("`{role}` is no role"), hint);
            }
            let tenant = rule.tenant.as_deref();
            for word in tenant.into_iter().chain(rule.groups.iter().map(String::as_str)) {
                if !is_label(word) {
                    let hint = "write 1 to 64 characters";
                    add(
                        format!("map[{index}]"),
                        format!("`{word}` is empty, too long or not printable"),
                        hint,
                    );
                }
            }
        }
        problems
    }
}

/// The issuer as an address, or what is wrong with it (OpenID Connect Discovery 1.0, section 3: `https`,
/// without query and fragment). `http` only on this machine, for development.
pub(super) fn issuer(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|_| format!("`{text}` is no address"))?;
    if url.query().is_some() || url.fragment().is_some() || text.contains(['?', '#']) {
        return Err(format!("`{text}` has a query or a fragment"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("has a name or a password in it".to_owned());
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) || text.len() > LONGEST_ADDRESS {
        return Err("is too long or not printable".to_owned());
    }
    match (url.scheme(), is_here(&url)) {
        ("https", _) | ("http", true) => Ok(url),
        _ => Err(format!("`{text}` is not `https`")),
    }
}

/// Whether an address leads to this very machine.
pub(super) fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// What may stand between two slashes of our addresses.
#[must_use]
pub fn is_name(name: &str) -> bool {
    (1..=32).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// RFC 6749, appendix A: printable ASCII.
fn is_printable(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.len()) && text.bytes().all(|byte| (0x20..=0x7e).contains(&byte))
}

/// RFC 6749, section 3.3 `scope-token`.
fn is_word(text: &str) -> bool {
    (1..=255).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'))
}

fn is_label(text: &str) -> bool {
    (1..=64).contains(&text.chars().count()) && !text.chars().any(char::is_control) && !text.trim().is_empty()
}

fn is_claim(text: &str) -> bool {
    is_printable(text, 255) && text != "/"
}

fn quoted(name: &str) -> String {
    if is_name(name) { name.to_owned() } else { format!("{name:?}") }
}

const MOST_PROVIDERS: usize = 32;

/// Longer than any address in use.
pub(super) const LONGEST_ADDRESS: usize = 2048;

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> ProviderSettings {
        ProviderSettings {
            issuer: "https://accounts.example".to_owned(),
            client_id: "gabion".to_owned(),
            client_secret_file: Some("secret".into()),
            ..ProviderSettings::default()
        }
    }

    fn paths(problems: Vec<Problem>) -> Vec<String> {
        problems.into_iter().map(|one| one.path).collect()
    }

    #[test]
    fn a_provider_needs_an_issuer_and_a_client() {
        assert_eq!(good().problems(), []);
        assert_eq!(paths(ProviderSettings::default().problems()), ["issuer", "client_id"]);
    }

    #[test]
    fn an_issuer_is_https_or_on_this_machine() {
        for text in ["https://login.example/tenant/v2.0", "http://127.0.0.1:3000", "http://localhost:9/x"] {
            assert!(issuer(text).is_ok(), "{text}");
        }
        for text in [
            "",
            "login.example",
            "http://login.example",
            "http://10.0.0.1",
            "https://login.example/?a=b",
            "https://login.example/#f",
            "https://login.example/?",
            "https://a:b@login.example/",
            "ftp://login.example/",
            "https://login.example/ü",
            " https://login.example",
        ] {
            assert!(issuer(text).is_err(), "{text}");
        }
    }

    #[test]
    fn everything_wrong_is_found_at_once() {
        let wrong = ProviderSettings {
            client_key_file: Some("key.pem".into()),
            display_name: Some(String::new()),
            scopes: vec!["email profile".to_owned()],
            domains: vec!["@example.org".to_owned(), "Example.org".to_owned()],
            two_factor_acrs: vec!["x".to_owned()],
            admit: vec![Condition::default()],
            map: vec![MapRule::default()],
            ..good()
        };
        assert_eq!(
            paths(wrong.problems()),
            [
                "client_key_file",
                "display_name",
                "scopes",
                "scopes[0]",
                "domains[0]",
                "domains[1]",
                "two_factor_acrs",
                "admit[0].claim",
                "map[0].claim",
                "map[0]"
            ]
        );
    }

    #[test]
    fn tables_must_not_share_an_issuer_or_a_domain() {
        let one = ProviderSettings { domains: vec!["example.org".to_owned()], ..good() };
        let both = BTreeMap::from([("a".to_owned(), one.clone()), ("b".to_owned(), one)]);
        assert_eq!(paths(problems(&both)), ["b.issuer", "b.domains"]);
        let named = BTreeMap::from([("Big Corp/..".to_owned(), good())]);
        assert_eq!(paths(problems(&named)), ["\"Big Corp/..\""]);
    }
}
