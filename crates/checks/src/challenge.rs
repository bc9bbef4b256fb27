//! What a 401 tells a program: by which credentials the route can be used, and where their issuer is found.

use std::fmt::Write as _;
use std::time::Duration;

use gabion_identity::CredentialKind;
use gabion_model::Acr;
use gabion_vault::jwt::Algorithm;
use http::HeaderValue;

use crate::denial::Challenge;
use crate::lasting;
use crate::route::{Compiled, RouteIndex, Routes};

/// `WWW-Authenticate` values, made once per route.
#[derive(Debug)]
pub(crate) struct Challenges {
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    missing: Challenge,
    invalid: Challenge,
    unproven: Challenge,
    proof: Challenge,
    scope: Challenge,
    /// What every challenge says.
    common: String,
}

impl Challenges {
    /// `issuer` is the gate's own address; empty where there is none.
    pub(crate) fn new(routes: &Routes, issuer: &str) -> Self {
        Self { rows: routes.iter().map(|route| Row::new(route, issuer)).collect() }
    }

    /// Nothing was shown.
    pub(crate) fn missing(&self, route: Option<RouteIndex>) -> Challenge {
        self.row(route, |row| &row.missing)
    }

    /// What was shown does not count (RFC 6750 §3.1 `invalid_token`).
    pub(crate) fn invalid(&self, route: Option<RouteIndex>) -> Challenge {
        self.row(route, |row| &row.invalid)
    }

    /// A token was shown that does not count by the scheme `DPoP`, or counts only by it (RFC 9449 §7.1, §7.2).
    pub(crate) fn unproven(&self, route: Option<RouteIndex>) -> Challenge {
        self.row(route, |row| &row.unproven)
    }

    /// The proof beside the token is none (RFC 9449 §7.1 `invalid_dpop_proof`).
    pub(crate) fn proof(&self, route: Option<RouteIndex>) -> Challenge {
        self.row(route, |row| &row.proof)
    }

    /// It counts, but not for this (`insufficient_scope`).
    pub(crate) fn scope(&self, route: Option<RouteIndex>) -> Challenge {
        self.row(route, |row| &row.scope)
    }

    /// The person behind it must prove more, or anew (RFC 9470 §3).
    pub(crate) fn step_up(
        &self,
        route: Option<RouteIndex>,
        acr: Option<Acr>,
        max_age: Option<Duration>,
    ) -> Challenge {
        let Some(row) = route.and_then(|route| self.rows.get(route)) else { return Challenge::one(SESSION) };
        let mut text = format!(
            "Bearer {}, error=\"insufficient_user_authentication\", error_description=\"a more recent or stronger sign-in is needed\"",
            row.common
        );
        if let Some(acr) = acr {
            let _ = write!(text, ", acr_values=\"{}\"", acr.as_str());
        }
        if let Some(age) = max_age {
            let _ = write!(text, ", max_age=\"{}\"", age.as_secs());
        }
        Challenge::one(lasting::value(&text).unwrap_or(SESSION))
    }

    fn row(&self, route: Option<RouteIndex>, field: fn(&Row) -> &Challenge) -> Challenge {
        let row = route.and_then(|route| self.rows.get(route));
        row.map_or(Challenge::one(SESSION), |row| field(row).clone())
    }
}

impl Row {
    fn new(route: &Compiled, issuer: &str) -> Self {
        let declared = &route.declared;
        let mut common = "realm=\"gabion\"".to_owned();
        let resource = declared.resource.as_deref().unwrap_or(issuer);
        if let Some(address) = metadata_address(resource) {
            let _ = write!(common, ", resource_metadata=\"{address}\"");
        }
        let scopes = declared.scopes.join(" ");
        let scope = if scopes.is_empty() { String::new() } else { format!(", scope=\"{scopes}\"") };
        let value = |text: &str| lasting::value(text).unwrap_or(SESSION);
        let bearer = |rest: &str| value(&format!("Bearer {common}{rest}"));
        let algorithms: Vec<_> = Algorithm::ASYMMETRIC.iter().map(|one| one.as_str()).collect();
        let algorithms = algorithms.join(" ");
        let dpop = |rest: &str| value(&format!("DPoP {common}{rest}, algs=\"{algorithms}\""));
        let takes_tokens = route.taken().contains(CredentialKind::Bearer);
        let takes_programs = takes_tokens || route.taken().contains(CredentialKind::ApiKey);
        Self {
            missing: Challenge {
                first: if takes_programs { bearer(&scope) } else { SESSION },
                second: takes_tokens.then(|| dpop(&scope)),
            },
            invalid: Challenge::one(bearer(&format!(", error=\"invalid_token\"{scope}"))),
            unproven: Challenge::one(dpop(&format!(", error=\"invalid_token\"{scope}"))),
            proof: Challenge::one(dpop(&format!(", error=\"invalid_dpop_proof\"{scope}"))),
            scope: Challenge::one(bearer(&format!(", error=\"insufficient_scope\"{scope}"))),
            common,
        }
    }
}

/// Where a resource's metadata is: the well-known name between host and path (RFC 9728 §3.1). None for what is no
/// web address.
#[must_use]
pub fn metadata_address(resource: &str) -> Option<String> {
    let (scheme, rest) = resource.split_once("://")?;
    if !matches!(scheme, "https" | "http") {
        return None;
    }
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(end)?;
    let path = if path == "/" { "" } else { path };
    (!authority.is_empty()).then(|| format!("{scheme}://{authority}{METADATA_PATH}{path}"))
}

/// RFC 9110 §11.6.1 asks for a challenge with every 401. The scheme says there is nothing a browser
/// could ask the person for.
pub(crate) const SESSION: HeaderValue =
    HeaderValue::from_static("Gabion-Session realm=\"gabion\", login=\"/.gabion/login\"");

/// RFC 9728.
pub const METADATA_PATH: &str = "/.well-known/oauth-protected-resource";

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 9728, 3.1.
    #[test]
    fn metadata_stands_between_host_and_path() {
        for (resource, address) in [
            ("https://app.example", Some("https://app.example/.well-known/oauth-protected-resource")),
            ("https://app.example/", Some("https://app.example/.well-known/oauth-protected-resource")),
            (
                "https://app.example:8443/api",
                Some("https://app.example:8443/.well-known/oauth-protected-resource/api"),
            ),
            (
                "https://app.example/a/b?c=d",
                Some("https://app.example/.well-known/oauth-protected-resource/a/b?c=d"),
            ),
            ("urn:example:api", None),
            ("", None),
        ] {
            assert_eq!(metadata_address(resource).as_deref(), address, "{resource}");
        }
    }
}
