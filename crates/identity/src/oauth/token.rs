//! Tokens: what stands in them (RFC 9068; OpenID Connect Core 1.0, 2 and 5.1).

use std::collections::BTreeSet;

use gabion_model::{AccountId, Acr, Secret, Timestamp};
use gabion_vault::encoding::base64url_encode;
use gabion_vault::jose::Algorithm;
use gabion_vault::{sha256, sha512};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};

use super::grant_id::GrantId;
use super::request::told_acr;
use super::scope::Scopes;
use super::{claims::ClaimsRequest, grant::Terms};
use crate::account::Account;

/// The `typ` of access tokens (RFC 9068, 2.1).
pub const ACCESS_TOKEN_TYPE: &str = "at+jwt";
/// The `typ` of ID tokens.
pub const ID_TOKEN_TYPE: &str = "JWT";

/// The claims of an access token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessClaims {
    pub iss: String,
    /// The account; for a client's own tokens its service account.
    pub sub: AccountId,
    pub aud: Audience,
    pub exp: i64,
    pub iat: i64,
    pub jti: String,
    pub client_id: String,
    #[serde(default, skip_serializing_if = "Scopes::is_empty")]
    pub scope: Scopes,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<Acr>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    pub tenant: String,
    /// The grant it was made from; none for a client's own tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gid: Option<GrantId>,
    /// What its holder must prove (RFC 7800).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cnf: Option<Confirmation>,
}

/// The key a token is bound to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Confirmation {
    /// The thumbprint of a key (RFC 9449, 6.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jkt: Option<String>,
    /// The thumbprint of a certificate (RFC 8705, 3.1).
    #[serde(rename = "x5t#S256", default, skip_serializing_if = "Option::is_none")]
    pub x5t_s256: Option<String>,
}

/// For whom a token is: written as text where it is one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Audience {
    One(String),
    Many(Vec<String>),
}

/// The answer of the token endpoint (RFC 6749, 5.1). Tokens are not printed.
#[derive(Debug, Clone)]
pub struct TokenAnswer {
    pub access_token: Secret<String>,
    pub token_type: &'static str,
    pub expires_in: u64,
    pub refresh_token: Option<Secret<String>>,
    pub id_token: Option<Secret<String>>,
    pub scope: Scopes,
}

/// Everything an access token is made from.
#[derive(Debug, Clone)]
pub struct AccessParts<'a> {
    pub issuer: &'a str,
    pub account: &'a Account,
    pub groups: &'a [String],
    pub client: &'a str,
    pub grant: Option<&'a GrantId>,
    pub scope: &'a Scopes,
    pub resources: &'a [String],
    /// How the person signed in, where a person did.
    pub terms: Option<&'a Terms>,
    pub confirmation: Option<Confirmation>,
    pub jti: String,
    pub now: Timestamp,
    pub life: std::time::Duration,
}

/// Everything an ID token is made from.
#[derive(Debug, Clone)]
pub struct IdParts<'a> {
    pub issuer: &'a str,
    pub account: &'a Account,
    pub groups: &'a [String],
    pub client: &'a str,
    pub session: Option<&'a str>,
    pub terms: &'a Terms,
    /// See [`at_hash`].
    pub at_hash: String,
    pub now: Timestamp,
    pub life: std::time::Duration,
}

impl Confirmation {
    /// Bound to nothing.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.jkt.is_none() && self.x5t_s256.is_none()
    }

    /// Whether whoever shows `shown` holds all that is asked for here.
    #[must_use]
    pub fn is_met_by(&self, shown: &Self) -> bool {
        let holds = |own: &Option<String>, shown: &Option<String>| own.is_none() || own == shown;
        holds(&self.jkt, &shown.jkt) && holds(&self.x5t_s256, &shown.x5t_s256)
    }
}

impl AccessClaims {
    /// What ends it when it is revoked: its grant, or itself where it was made without one.
    #[must_use]
    pub fn family(&self) -> GrantId {
        self.gid.clone().unwrap_or_else(|| GrantId::new(&self.jti))
    }

    #[must_use]
    pub fn new(parts: AccessParts<'_>) -> Self {
        let issued = parts.now.as_secs();
        Self {
            iss: parts.issuer.to_owned(),
            sub: parts.account.id.clone(),
            aud: match parts.resources {
                [] => Audience::One(parts.issuer.to_owned()),
                [one] => Audience::One(one.clone()),
                many => Audience::Many(many.to_vec()),
            },
            exp: parts.now.saturating_add(parts.life).as_secs(),
            iat: issued,
            jti: parts.jti,
            client_id: parts.client.to_owned(),
            scope: parts.scope.clone(),
            auth_time: parts.terms.map(|terms| terms.authenticated.as_secs()),
            acr: parts.terms.map(|terms| told_acr(&terms.claims.acr, terms.methods)),
            amr: parts
                .terms
                .map_or_else(Vec::new, |terms| terms.methods.amr().into_iter().map(str::to_owned).collect()),
            roles: parts.account.effective_roles().iter().map(|role| role.as_str().to_owned()).collect(),
            groups: parts.groups.to_vec(),
            tenant: parts.account.tenant.as_str().to_owned(),
            gid: parts.grant.cloned(),
            cnf: parts.confirmation,
        }
    }

    /// How a bearer proves the token is theirs, as `token_type` and as the `Authorization` scheme.
    #[must_use]
    pub fn token_type(&self) -> &'static str {
        match &self.cnf {
            Some(Confirmation { jkt: Some(_), .. }) => "DPoP",
            _ => "Bearer",
        }
    }
}

/// The claims of an ID token (OpenID Connect Core 1.0, 2 and 3.1.3.6).
#[must_use]
pub fn id_claims(parts: &IdParts<'_>) -> Map<String, Value> {
    let terms = parts.terms;
    let wanted: BTreeSet<&str> = terms.claims.id_token.iter().map(String::as_str).collect();
    let mut claims = person_claims(parts.account, parts.groups, &wanted);
    let mut set = |name: &str, value: Value| claims.insert(name.to_owned(), value);
    set("iss", parts.issuer.into());
    set("sub", parts.account.id.as_str().into());
    set("aud", parts.client.into());
    set("azp", parts.client.into());
    set("iat", parts.now.as_secs().into());
    set("exp", parts.now.saturating_add(parts.life).as_secs().into());
    set("auth_time", terms.authenticated.as_secs().into());
    set("acr", told_acr(&terms.claims.acr, terms.methods).as_str().into());
    set("amr", terms.methods.amr().into());
    set("at_hash", parts.at_hash.as_str().into());
    if let Some(nonce) = &terms.nonce {
        set("nonce", nonce.as_str().into());
    }
    if let Some(session) = parts.session {
        set("sid", session.into());
    }
    claims
}

/// The claims of userinfo (OpenID Connect Core 1.0, 5.3.2): what the scopes stand for, and what was asked
/// for by name.
#[must_use]
pub fn userinfo_claims(
    account: &Account,
    groups: &[String],
    of_scopes: &BTreeSet<&str>,
    asked: &ClaimsRequest,
) -> Map<String, Value> {
    let mut wanted = of_scopes.clone();
    wanted.extend(asked.userinfo.iter().map(String::as_str));
    let mut claims = person_claims(account, groups, &wanted);
    claims.insert("sub".to_owned(), account.id.as_str().into());
    claims
}

/// What is known of the named claims. What is not known is left out, never null (5.3.2).
#[must_use]
pub fn person_claims(account: &Account, groups: &[String], wanted: &BTreeSet<&str>) -> Map<String, Value> {
    let Ok(Value::Object(mut known)) = serde_json::to_value(&account.personal) else { return Map::new() };
    known.insert("preferred_username".to_owned(), account.name.as_str().into());
    known.insert("updated_at".to_owned(), account.updated.as_secs().into());
    if let Some(email) = &account.email {
        known.insert("email".to_owned(), email.as_str().into());
        known.insert("email_verified".to_owned(), account.email_verified.is_some().into());
    }
    if known.contains_key("phone_number") {
        known.insert("phone_number_verified".to_owned(), false.into());
    }
    let roles: Vec<_> = account.effective_roles().iter().map(|role| role.as_str().to_owned()).collect();
    known.insert("roles".to_owned(), roles.into());
    known.insert("groups".to_owned(), groups.into());
    known.insert("tenant".to_owned(), account.tenant.as_str().into());
    known.retain(|name, _| wanted.contains(name.as_str()));
    known
}

/// The left half of the hash that belongs to the algorithm of the ID token (OpenID Connect Core 1.0,
/// 3.1.3.6): SHA-256 for ES256 and RS256, SHA-512 for Ed25519.
#[must_use]
pub fn at_hash(algorithm: Algorithm, token: &Secret<String>) -> String {
    let text = token.expose().as_bytes();
    if algorithm == Algorithm::EdDsa {
        let hash = sha512(text);
        let (half, _) = hash.split_at(32);
        return base64url_encode(half);
    }
    let hash = sha256(text);
    let (half, _) = hash.split_at(16);
    base64url_encode(half)
}

impl Audience {
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many.as_slice(),
        }
        .iter()
        .map(String::as_str)
    }

    #[must_use]
    pub fn contains(&self, audience: &str) -> bool {
        match self {
            Self::One(one) => one == audience,
            Self::Many(many) => many.iter().any(|one| one == audience),
        }
    }
}

impl Serialize for Audience {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::One(one) => serializer.serialize_str(one),
            Self::Many(many) => serializer.collect_seq(many),
        }
    }
}

impl TokenAnswer {
    /// The JSON of the answer.
    #[must_use]
    pub fn to_json(&self) -> Secret<String> {
        let mut object = Map::new();
        object.insert("access_token".to_owned(), self.access_token.expose().as_str().into());
        object.insert("token_type".to_owned(), self.token_type.into());
        object.insert("expires_in".to_owned(), self.expires_in.into());
        if let Some(refresh) = &self.refresh_token {
            object.insert("refresh_token".to_owned(), refresh.expose().as_str().into());
        }
        if let Some(id_token) = &self.id_token {
            object.insert("id_token".to_owned(), id_token.expose().as_str().into());
        }
        object.insert("scope".to_owned(), self.scope.to_string().into());
        Secret::new(Value::Object(object).to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gabion_model::{Methods, Role};
    use std::time::Duration;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn account() -> Account {
        let mut account = Account::new(AccountId::new("a1"), "ada".parse().unwrap(), NOW);
        account.personal.given_name = Some("Ada".to_owned());
        account.personal.phone_number = Some("+1".to_owned());
        account.email = Some("ada@example.org".parse().unwrap());
        account.roles = vec![Role::new("staff")];
        account
    }

    fn names(claims: &Map<String, Value>) -> Vec<&str> {
        let mut names: Vec<_> = claims.keys().map(String::as_str).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn only_what_was_allowed_and_is_known_is_told() {
        let none = person_claims(&account(), &[], &BTreeSet::new());
        assert!(none.is_empty());
        let asked = ClaimsRequest {
            userinfo: vec!["given_name".to_owned(), "nickname".to_owned()],
            ..ClaimsRequest::default()
        };
        let claims = userinfo_claims(&account(), &[], &BTreeSet::from(["email", "email_verified"]), &asked);
        assert_eq!(names(&claims), ["email", "email_verified", "given_name", "sub"]);
        assert_eq!(claims["email_verified"], Value::Bool(false));
        let phone =
            person_claims(&account(), &[], &BTreeSet::from(["phone_number", "phone_number_verified"]));
        assert_eq!(phone["phone_number_verified"], Value::Bool(false));
    }

    #[test]
    fn an_id_token_says_who_for_whom_and_how() {
        let token = Secret::new("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y".to_owned());
        // OpenID Connect Core 1.0, A.3: the published `at_hash`.
        assert_eq!(at_hash(Algorithm::Es256, &token), "77QmUPtjPfzWtF2AnpK9RQ");
        assert_eq!(at_hash(Algorithm::EdDsa, &token).len(), 43);
        let terms = Terms {
            nonce: Some("n".to_owned()),
            methods: Methods::PASSWORD.with(Methods::TOTP),
            authenticated: NOW,
            ..Terms::default()
        };
        let parts = IdParts {
            issuer: "https://id.example",
            account: &account(),
            groups: &[],
            client: "shop",
            session: Some("s"),
            terms: &terms,
            at_hash: at_hash(Algorithm::Es256, &token),
            now: NOW,
            life: Duration::from_secs(60),
        };
        let claims = id_claims(&parts);
        assert_eq!(
            names(&claims),
            ["acr", "amr", "at_hash", "aud", "auth_time", "azp", "exp", "iat", "iss", "nonce", "sid", "sub"],
            "nothing about the person that was not asked for"
        );
        assert_eq!(claims["aud"], Value::from("shop"));
        assert_eq!(claims["acr"], Value::from("urn:gabion:acr:2fa"));
    }

    #[test]
    fn access_tokens_name_grant_and_audience() {
        let (account, scope) = (account(), Scopes::of(["openid"]));
        let parts = AccessParts {
            issuer: "https://id.example",
            account: &account,
            groups: &[],
            client: "shop",
            grant: Some(&GrantId::new("g")),
            scope: &scope,
            resources: &[],
            terms: None,
            confirmation: Some(Confirmation { jkt: Some("k".to_owned()), x5t_s256: None }),
            jti: "j".to_owned(),
            now: NOW,
            life: Duration::from_secs(900),
        };
        let claims = AccessClaims::new(parts);
        let text = serde_json::to_string(&claims).unwrap();
        assert_eq!(
            text,
            r#"{"iss":"https://id.example","sub":"a1","aud":"https://id.example","exp":1800000900,"iat":1800000000,"jti":"j","client_id":"shop","scope":"openid","roles":["staff"],"tenant":"default","gid":"g","cnf":{"jkt":"k"}}"#
        );
        assert_eq!(serde_json::from_str::<AccessClaims>(&text).unwrap(), claims);
        assert_eq!(claims.token_type(), "DPoP");
    }
}
