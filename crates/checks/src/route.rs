//! Routes: what the application offers, declared. Compiled once, matched without a regular expression.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use gabion_identity::CredentialKind;
use gabion_model::{Acr, ByteSize, Period, Problem};
use http::{HeaderName, HeaderValue, Method};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::policy::RoutePolicy;
use crate::upload::RouteUpload;

pub(crate) use compiled::{Compiled, Found, Routes, Taken};
pub(crate) use pattern::Pattern;

mod compiled;
mod pattern;

/// Where a compiled route stands in the table; the gate's own routes come after the declared ones.
pub(crate) type RouteIndex = usize;

/// A declared part of the application. A request no route matches is refused.
///
/// The most specific route wins: one that names the host before one that does not, then, segment by
/// segment, a literal before `{name}` before `*`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// Host names the route answers to, without port: `app.example`, `*.example`. Empty: those of
    /// `gateway.hosts`, and where there are none, every host.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// The path: exact (`/health`), one free segment (`/users/{id}`), or all below (`/shop/*`, which
    /// includes `/shop`).
    #[serde(default = "everything")]
    pub path: String,
    /// Methods the route takes. Empty: every method `checks.normalise.methods` allows.
    #[serde(default)]
    pub methods: Vec<String>,
    /// Who may come: `public` (everybody) or `signed-in`. There is no default: every route says it.
    pub access: Access,
    /// Any one of these roles is needed. Only with `access = "signed-in"`.
    #[serde(default)]
    pub roles: Vec<String>,
    /// By what one can come: `session` (people who signed in), `bearer` (access tokens of this gate), `api-key`,
    /// `certificate`. Default: sessions only, so that nothing opens to programs, and no `Authorization` of the
    /// application's own is touched, before somebody says so here.
    #[serde(default)]
    pub credentials: Option<Vec<CredentialKind>>,
    /// Scopes a token, key or certificate needs, all of them. People with a session need none: their roles say
    /// what they may do.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// Whoever comes must have signed in with two factors.
    #[serde(default)]
    pub second_factor: bool,
    /// How strongly whoever comes must have signed in: `urn:gabion:acr:1fa`, `urn:gabion:acr:2fa` or `phr`
    /// (phishing-resistant).
    #[serde(default)]
    pub acr: Option<Acr>,
    /// How long ago whoever comes may have signed in. Later, people are asked again.
    #[serde(default)]
    pub max_age: Option<Period>,
    /// Hand the token or API key to the application. It can then act as its owner elsewhere.
    #[serde(default)]
    pub pass_authorization: bool,
    /// The address access tokens must be for (RFC 8707), for instance `https://app.example/api`. Default: the
    /// gate's own, as in `gateway.public_url`.
    #[serde(default)]
    pub resource: Option<String>,
    /// What policies are asked about whoever comes; `{}` asks whether the method may be used here. Default: nothing,
    /// or with `checks.policy.routes = "all"` the same as `{}`.
    #[serde(default)]
    pub policy: Option<RoutePolicy>,
    /// The name of the upstream, as in `[upstreams.NAME]`.
    pub upstream: String,
    /// The rate profile: `site`, `api`, `login`, `machines` or one of `checks.rate.profiles`. Default:
    /// `checks.rate.profile`.
    #[serde(default)]
    pub rate: Option<String>,
    /// The largest body. Default: `checks.limits.body`.
    #[serde(default)]
    pub body_limit: Option<ByteSize>,
    /// The largest `multipart/form-data` body. Default: `checks.limits.upload`.
    #[serde(default)]
    pub upload_limit: Option<ByteSize>,
    /// What files the route takes, where that differs from `[checks.upload]`.
    #[serde(default)]
    pub upload: Option<RouteUpload>,
    /// Switches the CSRF check off, with the reason, for instance `"webhook, authenticated by its signature"`.
    #[serde(default)]
    pub csrf_off: Option<String>,
    /// Every request must be signed by this sender, as in `[webhooks.NAME]`. Nobody signs in here:
    /// `access = "public"`.
    #[serde(default)]
    pub webhook: Option<String>,
    /// GraphQL is spoken here: `{}` for the limits of `[checks.graphql]`, or what is different.
    #[serde(default)]
    pub graphql: Option<crate::graphql::RouteSettings>,
    /// Where redirects of this route may lead, beside `checks.redirects.targets`.
    #[serde(default)]
    pub redirect_targets: Option<Vec<String>>,
    /// What of this route's answers is markup that people wrote, to be cleaned: `{ html = true }` for answers that
    /// are fragments, `{ pointers = ["/comments/*/html"] }` for texts in JSON.
    #[serde(default)]
    pub sanitise: Option<crate::sanitise::RouteSettings>,
    /// What `checks.leaks` lets pass here, for instance `["iban"]` where people see their own accounts.
    #[serde(default)]
    pub leaks_allowed: Vec<crate::leaks::Kind>,
    /// Replaces the default `Content-Security-Policy`; empty: none is added.
    #[serde(default)]
    pub csp: Option<String>,
    /// Header fields set on every answer of the route; an empty value removes the field.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Origins that may read the route's answers, instead of `checks.cors.origins`.
    #[serde(default)]
    pub cors_origins: Option<Vec<String>>,
    /// The name of the contract that requests and answers must fit, as in `[contracts.NAME]`.
    #[serde(default)]
    pub contract: Option<String>,
    /// The name of the draft of a contract that is learned from what passes here; `gabion contract learn --live`
    /// prints it. Default: nothing is learned.
    #[serde(default)]
    pub learn: Option<String>,
    /// How answers may be stored. Default: `no-store` on signed-in routes, the upstream's word on public ones.
    #[serde(default)]
    pub cache: Option<CachePolicy>,
}

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// Everybody.
    Public,
    /// Whoever has a session.
    SignedIn,
}

/// How answers may be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CachePolicy {
    /// Nowhere: `Cache-Control: no-store`.
    NoStore,
    /// In the person's own browser only: `Cache-Control: private`, what the upstream said kept otherwise.
    Private,
    /// As the upstream says.
    Upstream,
}

impl Route {
    /// A route for everything under `path` on every host.
    #[must_use]
    pub fn new(path: &str, access: Access, upstream: &str) -> Self {
        Self {
            hosts: Vec::new(),
            path: path.to_owned(),
            methods: Vec::new(),
            access,
            roles: Vec::new(),
            credentials: None,
            scopes: Vec::new(),
            second_factor: false,
            acr: None,
            max_age: None,
            pass_authorization: false,
            resource: None,
            policy: None,
            upstream: upstream.to_owned(),
            rate: None,
            body_limit: None,
            upload_limit: None,
            upload: None,
            csrf_off: None,
            webhook: None,
            graphql: None,
            redirect_targets: None,
            sanitise: None,
            leaks_allowed: Vec::new(),
            csp: None,
            headers: BTreeMap::new(),
            cors_origins: None,
            contract: None,
            learn: None,
            cache: None,
        }
    }

    /// What is wrong with the route, as far as it can be seen without the other tables.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if let Err(problem) = Pattern::parse(&self.path) {
            problems.push(Problem::new("path", problem).hint("for instance `/shop/*` or `/users/{id}`"));
        }
        for (index, host) in self.hosts.iter().enumerate() {
            if !is_host_pattern(host) {
                problems.push(
                    Problem::new(format!("hosts[{index}]"), format!("`{host}` is not a host name"))
                        .hint("a lower-case name without scheme and port, for instance `app.example`"),
                );
            }
        }
        if let Some(name) = self.learn.as_deref().filter(|name| !crate::learn::is_name(name)) {
            problems.push(
                Problem::new("learn", format!("`{name}` cannot be the name of a draft"))
                    .hint("1 to 64 letters, digits, `-` and `_`"),
            );
        }
        for (index, method) in self.methods.iter().enumerate() {
            if !is_method(method) {
                problems.push(
                    Problem::new(format!("methods[{index}]"), format!("`{method}` is not a method"))
                        .hint("methods are upper case, for instance `POST`"),
                );
            }
        }
        if !self.roles.is_empty() && self.access == Access::Public {
            problems.push(
                Problem::new("roles", "roles on a public route have no effect")
                    .hint("say `access = \"signed-in\"`"),
            );
        }
        if self.webhook.is_some() && self.access != Access::Public {
            problems.push(
                Problem::new("webhook", "senders of webhooks do not sign in")
                    .hint("say `access = \"public\"`; nothing without the signature passes"),
            );
        }
        let targets = self.redirect_targets.as_deref().unwrap_or_default();
        problems.extend(crate::redirects::problems_of(targets, "redirect_targets"));
        let graphql = self.graphql.iter().flat_map(crate::graphql::RouteSettings::problems);
        problems.extend(graphql.map(|problem| problem.under("graphql")));
        let sanitise = self.sanitise.iter().flat_map(crate::sanitise::RouteSettings::problems);
        problems.extend(sanitise.map(|problem| problem.under("sanitise")));
        problems.extend(self.problems_of_credentials());
        let upload = self.upload.iter().flat_map(RouteUpload::problems);
        problems.extend(upload.map(|problem| problem.under("upload")));
        if let Some(policy) = &self.policy {
            problems.extend(policy.problems(&self.path).into_iter().map(|problem| problem.under("policy")));
            let bodiless = |method: &String| matches!(method.as_str(), "GET" | "HEAD");
            if policy.reads_body() && !self.methods.is_empty() && self.methods.iter().all(bodiless) {
                problems.push(
                    Problem::new("policy", "looks for the object in a body, and no method here has one")
                        .hint("for instance `id = \"query.order\"`, or `methods = [\"POST\"]`"),
                );
            }
        }
        if self.csrf_off.as_ref().is_some_and(|reason| reason.trim().is_empty()) {
            problems
                .push(Problem::new("csrf_off", "the reason is empty").hint("say why, for the next reader"));
        }
        for (name, value) in &self.headers {
            if HeaderName::from_bytes(name.as_bytes()).is_err() || HeaderValue::from_str(value).is_err() {
                problems.push(Problem::new(format!("headers.{name}"), "not a valid header field"));
            }
        }
        if self.csp.as_ref().is_some_and(|csp| HeaderValue::from_str(csp).is_err()) {
            problems.push(Problem::new("csp", "not a valid header value"));
        }
        for (index, origin) in self.cors_origins.iter().flatten().enumerate() {
            if let Err(reason) = crate::cors::parse_origin(origin) {
                problems.push(Problem::new(format!("cors_origins[{index}]"), reason));
            }
        }
        problems
    }
}

impl Route {
    /// What policies call the route: its path, after its first host where it names hosts.
    #[must_use]
    pub fn policy_id(&self) -> String {
        format!("{}{}", self.hosts.first().map_or("", String::as_str), self.path)
    }

    /// How strongly whoever comes must have signed in.
    #[must_use]
    pub fn acr(&self) -> Option<Acr> {
        self.acr.max(self.second_factor.then_some(Acr::TwoFactors))
    }

    /// By what one can come.
    #[must_use]
    pub fn credentials(&self) -> &[CredentialKind] {
        self.credentials.as_deref().unwrap_or(&[CredentialKind::Session])
    }

    fn problems_of_credentials(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let public = self.access == Access::Public;
        for (key, is_set) in [
            ("scopes", !self.scopes.is_empty()),
            ("second_factor", self.second_factor),
            ("acr", self.acr.is_some()),
            ("max_age", self.max_age.is_some()),
        ] {
            if is_set && public {
                problems.push(
                    Problem::new(key, "has no effect on a public route").hint("say `access = \"signed-in\"`"),
                );
            }
        }
        if self.credentials().contains(&CredentialKind::Webhook) {
            problems.push(
                Problem::new("credentials", "a webhook's signature is asked for elsewhere")
                    .hint("name the sender: `webhook = \"NAME\"`"),
            );
        }
        if self.credentials().is_empty() && !public {
            problems.push(
                Problem::new("credentials", "nobody could come")
                    .hint("for instance `[\"session\", \"api-key\"]`"),
            );
        }
        let is_person = self.acr().is_some() || self.max_age.is_some();
        let programs = [CredentialKind::ApiKey, CredentialKind::Certificate];
        if is_person && !self.credentials().iter().any(|kind| !programs.contains(kind)) {
            problems.push(
                Problem::new("credentials", "no key and no certificate ever signs in, so nobody could come")
                    .hint("add `session`, or remove `second_factor`, `acr` and `max_age`"),
            );
        }
        for (index, scope) in self.scopes.iter().enumerate() {
            if !gabion_identity::credential::is_scope(scope) {
                problems.push(Problem::new(format!("scopes[{index}]"), format!("`{scope}` is not a scope")));
            }
        }
        let only_people = self.credentials() == [CredentialKind::Session];
        if !self.scopes.is_empty() && only_people && !public {
            problems.push(
                Problem::new("scopes", "people have no scopes, and nobody else may come")
                    .hint("name `bearer`, `api-key` or `certificate` in `credentials`, or ask for `roles`"),
            );
        }
        if let Some(resource) = &self.resource
            && (!gabion_identity::oauth::resource::is_resource(resource)
                || HeaderValue::from_str(resource).is_err())
        {
            problems.push(
                Problem::new("resource", format!("`{resource}` cannot be what a token is for"))
                    .hint("an absolute address, for instance `https://app.example/api`"),
            );
        }
        problems
    }
}

fn everything() -> String {
    "/*".to_owned()
}

/// A name of letters, digits, `-`, `.` and `_`, or an address, perhaps with `*.` before it.
/// A host name as routes name hosts: lower case, without scheme and port, perhaps with `*.` before it.
#[must_use]
pub fn is_host_pattern(host: &str) -> bool {
    let name = host.strip_prefix("*.").unwrap_or(host);
    !name.is_empty()
        && name.bytes().all(|byte| {
            byte.is_ascii_lowercase()
                || byte.is_ascii_digit()
                || matches!(byte, b'-' | b'.' | b'_' | b':' | b'[' | b']')
        })
        && (name.starts_with('[') || !name.contains(':'))
}

pub(crate) fn is_method(method: &str) -> bool {
    !method.is_empty()
        && method.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-')
        && Method::from_bytes(method.as_bytes()).is_ok()
}

/// Most specific first.
pub(crate) fn by_specificity(left: &Compiled, right: &Compiled) -> Ordering {
    left.host_rank().cmp(&right.host_rank()).then_with(|| left.pattern.specificity(&right.pattern))
}

#[cfg(test)]
mod tests;
