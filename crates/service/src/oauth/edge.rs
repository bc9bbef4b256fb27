//! What the rest of the configuration says that applications are told: which certificates they can show, and which
//! APIs are behind the gate.

use std::sync::Arc;

use gabion_model::Timestamp;
use gabion_vault::jwt::Algorithm;
use gabion_vault::x509::PeerCertificate;
use serde_json::{Map, Value, json};

use crate::Service;

/// See the fields. The default: no certificates, and the site itself is the one API.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edge {
    /// Clients can show certificates that an authority vouches for.
    pub certificates: bool,
    /// Clients can show others.
    pub self_signed_certificates: bool,
    /// The host where they are asked for them; none: every connection is asked.
    pub certificate_host: Option<String>,
    /// The APIs behind the gate that take access tokens.
    pub resources: Vec<ProtectedResource>,
}

/// An API behind the gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProtectedResource {
    /// What tokens for it are for (RFC 8707); none: the gate's own address.
    pub resource: Option<String>,
    /// The scopes something of it asks for.
    pub scopes: Vec<String>,
}

impl Edge {
    pub(crate) const fn takes_certificates(&self) -> bool {
        self.certificates || self.self_signed_certificates
    }

    /// Scheme, host and port where certificates are asked for, where that is a place of its own.
    pub(crate) fn certificate_origin(&self, issuer: &str) -> Option<String> {
        let host = self.certificate_host.as_ref().filter(|_| self.takes_certificates())?;
        let (scheme, authority) = issuer.split_once("://")?;
        let after = authority.rfind(']').map_or(0, |end| end.saturating_add(1));
        let port = authority.get(after..)?.split_once(':').map(|(_, port)| format!(":{port}"));
        Some(format!("{scheme}://{host}{}", port.unwrap_or_default()))
    }
}

/// The certificate of a request, if it is good now.
pub(super) fn good(
    certificate: Option<&Arc<PeerCertificate>>,
    now: Timestamp,
) -> Option<&Arc<PeerCertificate>> {
    certificate.filter(|certificate| certificate.is_valid(now))
}

impl Service {
    /// The metadata of an API (RFC 9728, 2), asked for at `host` (with its port, in lower case). `path` is what stands
    /// behind the well-known name: the API's path and query. None when there is no such API.
    #[must_use]
    pub fn resource_metadata(&self, host: &str, path: &str) -> Option<Map<String, Value>> {
        let inner = &self.0;
        let (rules, issuer) = (inner.rules(), inner.issuer());
        if !rules.provider.settings.enabled {
            return None;
        }
        let edge = &rules.provider.edge;
        let own = ProtectedResource { resource: None, scopes: Vec::new() };
        let name = |one: &ProtectedResource| one.resource.clone().unwrap_or_else(|| issuer.to_string());
        let mut found: Vec<(String, &ProtectedResource)> = Vec::new();
        for one in edge.resources.iter().chain([&own]) {
            let name = name(one);
            let asked = split(&name).is_some_and(|(_, own)| own == path);
            if asked && found.iter().all(|(other, _)| *other != name) {
                found.push((name, one));
            }
        }
        let of = |authority: &str| {
            found.iter().find(|(name, _)| split(name).is_some_and(|(own, _)| own == authority))
        };
        let known = of(host).or_else(|| of(split(&issuer)?.0));
        let (name, resource) = match (known, found.as_slice()) {
            (Some(known), _) | (None, [known]) => known,
            _ => return None,
        };
        let mut document = Map::new();
        document.insert("resource".to_owned(), name.as_str().into());
        document.insert("authorization_servers".to_owned(), json!([&*issuer]));
        document.insert("bearer_methods_supported".to_owned(), json!(["header"]));
        let scopes: Vec<_> =
            resource.scopes.iter().filter(|scope| rules.provider.scopes.knows(scope)).collect();
        if !scopes.is_empty() {
            document.insert("scopes_supported".to_owned(), json!(scopes));
        }
        let algorithms: Vec<_> = Algorithm::ASYMMETRIC.iter().map(|alg| alg.as_str()).collect();
        document.insert("dpop_signing_alg_values_supported".to_owned(), json!(algorithms));
        if edge.takes_certificates() {
            document.insert("tls_client_certificate_bound_access_tokens".to_owned(), true.into());
        }
        Some(document)
    }
}

/// Authority and path of a web address; a bare `/` is no path (RFC 9728, 3.1).
fn split(resource: &str) -> Option<(&str, &str)> {
    let rest = resource.strip_prefix("https://").or_else(|| resource.strip_prefix("http://"))?;
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(end)?;
    Some((authority, if path == "/" { "" } else { path }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_for_certificates_has_the_issuers_port() {
        let edge = |certificates| Edge {
            certificates,
            certificate_host: Some("mtls.example".to_owned()),
            ..Edge::default()
        };
        for (issuer, origin) in [
            ("https://id.example", "https://mtls.example"),
            ("https://id.example:8443", "https://mtls.example:8443"),
            ("https://[::1]:8443", "https://mtls.example:8443"),
            ("https://[::1]", "https://mtls.example"),
        ] {
            assert_eq!(edge(true).certificate_origin(issuer).as_deref(), Some(origin));
        }
        assert_eq!(edge(false).certificate_origin("https://id.example"), None);
    }
}
