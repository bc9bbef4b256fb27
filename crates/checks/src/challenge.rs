//! What a 401 tells a program: by which credentials the route can be used, and where their issuer is found.

use std::fmt::Write as _;

use gabion_identity::CredentialKind;
use http::HeaderValue;

use crate::lasting;
use crate::route::{Compiled, RouteIndex, Routes};

/// `WWW-Authenticate` values, made once per route.
#[derive(Debug)]
pub(crate) struct Challenges {
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    missing: HeaderValue,
    invalid: HeaderValue,
    scope: HeaderValue,
    step_up: HeaderValue,
}

impl Challenges {
    /// `issuer` is the gate's own address; empty where there is none.
    pub(crate) fn new(routes: &Routes, issuer: &str) -> Self {
        Self { rows: routes.iter().map(|route| Row::new(route, issuer)).collect() }
    }

    /// Nothing was shown.
    pub(crate) fn missing(&self, route: Option<RouteIndex>) -> HeaderValue {
        self.row(route, |row| &row.missing)
    }

    /// What was shown does not count (RFC 6750 §3.1 `invalid_token`).
    pub(crate) fn invalid(&self, route: Option<RouteIndex>) -> HeaderValue {
        self.row(route, |row| &row.invalid)
    }

    /// It counts, but not for this (`insufficient_scope`).
    pub(crate) fn scope(&self, route: Option<RouteIndex>) -> HeaderValue {
        self.row(route, |row| &row.scope)
    }

    /// The person behind it must prove more, or anew (RFC 9470 §3).
    pub(crate) fn step_up(&self, route: Option<RouteIndex>) -> HeaderValue {
        self.row(route, |row| &row.step_up)
    }

    fn row(&self, route: Option<RouteIndex>, field: fn(&Row) -> &HeaderValue) -> HeaderValue {
        route.and_then(|route| self.rows.get(route)).map_or(SESSION, |row| field(row).clone())
    }
}

impl Row {
    fn new(route: &Compiled, issuer: &str) -> Self {
        let declared = &route.declared;
        let mut common = "Bearer realm=\"gabion\"".to_owned();
        if !issuer.is_empty() {
            let _ = write!(common, ", resource_metadata=\"{issuer}{METADATA_PATH}\"");
        }
        let scopes = declared.scopes.join(" ");
        let scope = if scopes.is_empty() { String::new() } else { format!(", scope=\"{scopes}\"") };
        let value = |text: &str| lasting::value(text).unwrap_or(SESSION);
        let programs = [CredentialKind::Bearer, CredentialKind::ApiKey];
        let takes_programs = programs.iter().any(|kind| route.taken().contains(*kind));
        let mut step_up = format!(
            "{common}, error=\"insufficient_user_authentication\", error_description=\"a more recent or stronger sign-in is needed\""
        );
        if let Some(acr) = declared.acr() {
            let _ = write!(step_up, ", acr_values=\"{}\"", acr.as_str());
        }
        if let Some(age) = declared.max_age {
            let _ = write!(step_up, ", max_age=\"{}\"", age.as_duration().as_secs());
        }
        Self {
            missing: if takes_programs { value(&format!("{common}{scope}")) } else { SESSION },
            invalid: value(&format!("{common}, error=\"invalid_token\"{scope}")),
            scope: value(&format!("{common}, error=\"insufficient_scope\"{scope}")),
            step_up: value(&step_up),
        }
    }
}

/// RFC 9110 §11.6.1 asks for a challenge with every 401. The scheme says there is nothing a browser
/// could ask the person for.
pub(crate) const SESSION: HeaderValue =
    HeaderValue::from_static("Gabion-Session realm=\"gabion\", login=\"/.gabion/login\"");

/// RFC 9728.
pub const METADATA_PATH: &str = "/.well-known/oauth-protected-resource";
