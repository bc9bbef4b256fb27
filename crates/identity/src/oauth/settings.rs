//! The table `[provider]` of the configuration.

use std::collections::BTreeMap;
use std::time::Duration;

use gabion_model::{Period, Problem};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::registration::{ClientDocumentSettings, RegistrationSettings};
use super::scope;

/// The OpenID Connect provider: what it hands out, to what end, for how long.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ProviderSettings {
    /// Whether other applications can let people sign in here. Without a registered client nobody can,
    /// whatever stands here.
    pub enabled: bool,
    /// How long an access token is good. Between 1 minute and 1 hour.
    pub access_token: Period,
    /// How long an ID token is good. Between 1 minute and 1 day.
    pub id_token: Period,
    /// How long a code waits to be exchanged. Between 10 seconds and 10 minutes.
    pub code: Period,
    /// How long somebody may take to sign in and consent. Between 1 minute and 1 hour.
    pub sign_in: Period,
    /// A refresh token is good for this long after its last use. At most 90 days.
    pub refresh_idle: Period,
    /// A refresh token ends this long after it was first granted, however busy it is. At most 1 year.
    pub refresh_absolute: Period,
    /// An application that never saw the answer to a refresh may ask once more within this time and gets
    /// the very same answer. `0s` takes every repetition for theft. At most 5 minutes.
    pub refresh_grace: Period,
    /// Whether a confidential client may be excepted from PKCE in its own registration. Public clients
    /// never are.
    pub pkce_exceptions: bool,
    /// Scopes of your own, beside `openid`, `profile`, `email`, `address`, `phone` and `offline_access`.
    pub scopes: BTreeMap<String, ScopeSettings>,
    /// The APIs that tokens may be made for (RFC 8707), as absolute addresses, beside this site itself.
    pub resources: Vec<String>,
    /// Applications that register themselves.
    pub registration: RegistrationSettings,
    /// Applications whose id is the address of a document that describes them.
    pub client_documents: ClientDocumentSettings,
}

/// One scope of your own.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ScopeSettings {
    /// What the person reads before they allow it: “Read your orders”.
    pub description: String,
    /// What the application then learns from userinfo: of the standard claims, or `roles`, `groups`,
    /// `tenant`.
    pub claims: Vec<String>,
}

impl Default for ProviderSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            access_token: minutes(15),
            id_token: minutes(60),
            code: Period::from_secs(60),
            sign_in: minutes(15),
            refresh_idle: days(7),
            refresh_absolute: days(90),
            refresh_grace: Period::from_secs(30),
            pkce_exceptions: true,
            scopes: BTreeMap::new(),
            resources: Vec::new(),
            registration: RegistrationSettings::default(),
            client_documents: ClientDocumentSettings::default(),
        }
    }
}

impl ProviderSettings {
    /// Everything wrong with the values; paths are relative to the table.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let rows = [
            ("access_token", self.access_token, minutes(1), minutes(60)),
            ("id_token", self.id_token, minutes(1), days(1)),
            ("code", self.code, Period::from_secs(10), minutes(10)),
            ("sign_in", self.sign_in, minutes(1), minutes(60)),
            ("refresh_idle", self.refresh_idle, minutes(1), days(90)),
            ("refresh_absolute", self.refresh_absolute, self.refresh_idle, days(365)),
            ("refresh_grace", self.refresh_grace, Period::from_secs(0), minutes(5)),
        ];
        for (name, value, least, most) in rows {
            if !(least..=most).contains(&value) {
                problems.push(Problem::new(name, format!("`{value}` is not between {least} and {most}")));
            }
        }
        problems.extend(self.registration.problems().into_iter().map(|one| one.under("registration")));
        problems
            .extend(self.client_documents.problems().into_iter().map(|one| one.under("client_documents")));
        for (name, scope) in &self.scopes {
            let at = format!("scopes.{name}");
            if !scope::is_token(name) {
                problems
                    .push(Problem::new(&at, "is not a scope name").hint(
                        "letters, digits and most signs, no spaces, quotes or backslashes, at most 64",
                    ));
            }
            if scope::STANDARD.iter().any(|standard| standard.name == name) {
                problems
                    .push(Problem::new(&at, "is a scope that exists already").hint("choose another name"));
            }
            if scope.description.trim().is_empty() {
                problems.push(
                    Problem::new(format!("{at}.description"), "is empty")
                        .hint("say what the person allows, for instance “Read your orders”"),
                );
            }
            for claim in scope.claims.iter().filter(|claim| !scope::is_known_claim(claim)) {
                problems.push(
                    Problem::new(format!("{at}.claims"), format!("`{claim}` is not a claim there is"))
                        .hint(format!("one of {}", scope::CLAIMS.join(", "))),
                );
            }
        }
        for (index, resource) in self.resources.iter().enumerate() {
            if !super::resource::is_resource(resource) {
                problems.push(
                    Problem::new(
                        format!("resources[{index}]"),
                        "is not an absolute address without fragment",
                    )
                    .hint("for instance `https://api.example/`"),
                );
            }
        }
        problems
    }

    /// What no access token outlives, whatever the settings were when it was made.
    #[must_use]
    pub const fn longest_access_token() -> Duration {
        Duration::from_secs(60 * 60)
    }
}

const fn minutes(minutes: u64) -> Period {
    Period::from_secs(minutes * 60)
}

const fn days(days: u64) -> Period {
    minutes(days * 24 * 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_has_no_problems_and_bounds_are_held() {
        assert_eq!(ProviderSettings::default().problems(), []);
        let wrong = ProviderSettings {
            access_token: days(1),
            code: Period::from_secs(1),
            refresh_absolute: days(1),
            scopes: BTreeMap::from([
                ("openid".to_owned(), ScopeSettings { description: "x".to_owned(), claims: Vec::new() }),
                (
                    "a b".to_owned(),
                    ScopeSettings { description: String::new(), claims: vec!["nope".to_owned()] },
                ),
            ]),
            resources: vec!["api".to_owned()],
            ..ProviderSettings::default()
        };
        assert_eq!(wrong.problems().len(), 8, "{:?}", wrong.problems());
    }
}
