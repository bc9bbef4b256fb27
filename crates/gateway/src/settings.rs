//! What the configuration file says about listeners, timeouts, upstreams and the admin listener.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use gabion_model::{ByteSize, Period, Problem};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::upstream::Origin;

/// `[gateway]`: where clients connect and how long they may take.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The address clients connect to.
    pub listen: SocketAddr,
    /// Scheme, host and port by which people and programs reach the gate, for instance
    /// `https://app.example`: the issuer of its tokens and the beginning of its links. Default: the first
    /// name a route declares, or else where the gate listens.
    pub public_url: Option<String>,
    /// Host names of every route that names none itself in `hosts`. Empty: such routes answer to every host.
    pub hosts: Vec<String>,
    /// A second address without TLS, only so that requests for `http://` are redirected or refused.
    pub listen_plain: Option<SocketAddr>,
    /// Where the certificate comes from.
    pub tls: Tls,
    /// Speak plain HTTP to other machines, because a proxy in front of the gate ends TLS. Name that proxy in
    /// `checks.client_address.trusted_proxies`, and let nobody else reach the gate.
    pub allow_plain: bool,
    /// Threads that serve connections; 0 means one per core.
    pub threads: usize,
    /// Offer HTTP/2 to clients over TLS.
    pub http2: bool,
    /// Accept HTTP/2 without TLS from clients that know it beforehand.
    pub http2_plaintext: bool,
    /// Connections at once over all addresses; more are refused.
    pub max_connections: usize,
    /// Connections at once from one address (one /64 for IPv6); more are refused.
    pub max_connections_per_address: usize,
    /// Requests on one connection before it is closed; 0 means any number.
    pub max_requests_per_connection: u64,
    /// For the TLS handshake.
    pub handshake_timeout: Period,
    /// From the first byte of a request to the end of its head; also from connecting to the first byte.
    pub head_timeout: Period,
    /// How long a body, or the reading of an answer, may stall in total before it must keep up with
    /// `min_rate`.
    pub stall_timeout: Period,
    /// Bytes a second a body or the reading of an answer must keep up with once `stall_timeout` is used up.
    pub min_rate: ByteSize,
    /// How long a connection without a request is kept open.
    pub idle_timeout: Period,
    /// How long requests in flight may go on after a stop was asked for.
    pub drain_timeout: Period,
}

/// Where the certificate comes from.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Tls {
    /// `local-ca` makes a certificate authority for development, `files` reads a certificate and its
    /// key, `off` speaks plain HTTP.
    pub mode: TlsMode,
    /// With `files`: the certificate chain in PEM.
    pub certificate: Option<PathBuf>,
    /// With `files`: the key in PEM.
    pub key: Option<PathBuf>,
    /// With `local-ca`: the names and addresses the certificate is for, beside `localhost`.
    pub names: Vec<String>,
    /// Ask clients for certificates. Whose they are stands in `[[machines.certificates]]`.
    pub client_certificates: Option<ClientCertificates>,
}

/// `gateway.tls.client_certificates`: which client certificates are believed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ClientCertificates {
    /// The authorities that may have signed them, in PEM. Read at start and reload. Needed, unless `self_signed`.
    pub ca_file: PathBuf,
    /// `optional` lets clients without one in, as strangers; `required` ends their handshake.
    pub mode: ClientCertificateMode,
    /// Certificates that were revoked, as the authorities' lists (CRL) in PEM. Read at start and reload. With it,
    /// a certificate of an authority that gave no list is refused.
    pub crl_file: Option<PathBuf>,
    /// Take certificates too that no authority of `ca_file` signed. They are nobody's in `[[machines.certificates]]`:
    /// OAuth clients that registered them (`self_signed_tls_client_auth`) are known by them, and tokens can be bound
    /// to them (RFC 8705).
    pub self_signed: bool,
    /// Ask for certificates only on connections to these host names, so that browsers elsewhere are not bothered; the
    /// first is announced to OAuth clients (`mtls_endpoint_aliases`). Empty: ask everybody. Only with `optional`.
    pub hosts: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ClientCertificateMode {
    #[default]
    Optional,
    Required,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TlsMode {
    #[default]
    LocalCa,
    Files,
    Off,
}

/// `[upstreams.NAME]`: one application behind the gate.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Upstream {
    /// Where it listens, for instance `http://127.0.0.1:3000`. Without a path.
    pub url: String,
    /// Speak HTTP/2 to it: by prior knowledge on `http`, negotiated on `https`.
    pub http2: bool,
    /// With `https`: the authorities to trust, in PEM, instead of the machine's own.
    pub ca_file: Option<PathBuf>,
    /// With `https`: the name its certificate must carry, when it is not the host in `url`.
    pub server_name: Option<String>,
    /// To connect, with the TLS handshake.
    pub connect_timeout: Period,
    /// From the end of the request to the end of the answer's head.
    pub response_timeout: Period,
    /// How long an unused connection to it is kept.
    pub idle_timeout: Period,
    /// Unused connections kept by each thread.
    pub max_idle: usize,
    /// Bytes the head of an answer may have.
    pub max_head: ByteSize,
    /// Asks the application itself whether it is well.
    pub health: Option<Health>,
}

/// `[upstreams.NAME.health]`: an active health check, for `/readyz` and the metrics.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Health {
    /// Asked with GET; any status below 400 is well.
    pub path: String,
    /// Time between two questions.
    pub interval: Period,
    /// How long an answer may take.
    pub timeout: Period,
}

/// `[admin]`: the listener for operators, with `/metrics`, `/healthz` and `/readyz`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AdminSettings {
    /// Loopback, unless `expose` says otherwise.
    pub listen: SocketAddr,
    /// Allow an address other machines can reach. The listener asks nobody who they are.
    pub expose: bool,
    /// Without it there is no admin listener.
    pub enabled: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::UNSPECIFIED, 8443)),
            public_url: None,
            hosts: Vec::new(),
            listen_plain: None,
            tls: Tls::default(),
            allow_plain: false,
            threads: 0,
            http2: true,
            http2_plaintext: false,
            max_connections: 20_000,
            max_connections_per_address: 1_000,
            max_requests_per_connection: 0,
            handshake_timeout: Period::from_secs(10),
            head_timeout: Period::from_secs(10),
            stall_timeout: Period::from_secs(30),
            min_rate: ByteSize::new(500),
            idle_timeout: Period::from_secs(75),
            drain_timeout: Period::from_secs(30),
        }
    }
}

impl Default for Upstream {
    fn default() -> Self {
        Self {
            url: String::new(),
            http2: false,
            ca_file: None,
            server_name: None,
            connect_timeout: Period::from_secs(3),
            response_timeout: Period::from_secs(60),
            idle_timeout: Period::from_secs(55),
            max_idle: 64,
            max_head: ByteSize::new(64 * 1024),
            health: None,
        }
    }
}

impl Default for Health {
    fn default() -> Self {
        Self { path: "/".into(), interval: Period::from_secs(10), timeout: Period::from_secs(3) }
    }
}

impl Default for AdminSettings {
    fn default() -> Self {
        Self { listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 9090)), expose: false, enabled: true }
    }
}

impl Settings {
    /// Everything wrong with it, with paths relative to `[gateway]`.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if let Some(url) = &self.public_url
            && !is_origin(url)
        {
            problems.push(
                Problem::new("public_url", format!("`{url}` is not a scheme, a host and perhaps a port"))
                    .hint("for instance `https://app.example`, without a path"),
            );
        }
        for (index, host) in self.hosts.iter().enumerate() {
            if !gabion_checks::route::is_host_pattern(host) {
                problems.push(
                    Problem::new(format!("hosts[{index}]"), format!("`{host}` is not a host name"))
                        .hint("a lower-case name without scheme and port, for instance `app.example`"),
                );
            }
        }
        let files = self.tls.mode == TlsMode::Files;
        for (key, value) in [("certificate", &self.tls.certificate), ("key", &self.tls.key)] {
            if files != value.is_some() {
                let reason =
                    if files { "is needed with mode `files`" } else { "only works with mode `files`" };
                problems.push(Problem::new(format!("tls.{key}"), reason));
            }
        }
        if let Some(client) = &self.tls.client_certificates {
            if self.tls.mode == TlsMode::Off {
                problems.push(Problem::new("tls.client_certificates", "there is no TLS to ask for them in"));
            }
            let at = |key: &str| format!("tls.client_certificates.{key}");
            let authorities = !client.ca_file.as_os_str().is_empty();
            if !authorities && !client.self_signed {
                problems.push(
                    Problem::new(at("ca_file"), "is needed to verify them")
                        .hint("the PEM file of the authority that signs your clients' certificates"),
                );
            }
            if !authorities && client.crl_file.is_some() {
                problems.push(Problem::new(at("crl_file"), "needs the `ca_file` whose list it is"));
            }
            for (index, host) in client.hosts.iter().enumerate() {
                let plain =
                    |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte);
                if host.is_empty() || !host.bytes().all(plain) {
                    problems.push(
                        Problem::new(at(&format!("hosts[{index}]")), format!("`{host}` is not a host name"))
                            .hint("a lower-case name without scheme and port, for instance `mtls.example`"),
                    );
                }
            }
            if !client.hosts.is_empty() && client.mode == ClientCertificateMode::Required {
                problems.push(
                    Problem::new(
                        at("hosts"),
                        "clients choose the name they connect to, so none is required to show one",
                    )
                    .hint("say `mode = \"optional\"`, and `credentials = [\"certificate\"]` on routes"),
                );
            }
        }
        if self.tls.mode != TlsMode::LocalCa && !self.tls.names.is_empty() {
            problems.push(Problem::new("tls.names", "only works with mode `local-ca`"));
        }
        if self.listen_plain.is_some() && self.tls.mode == TlsMode::Off {
            problems.push(
                Problem::new("listen_plain", "is for redirects to TLS, which is off")
                    .hint("remove it, or set `tls.mode`"),
            );
        }
        for (key, zero) in [
            ("max_connections", self.max_connections == 0),
            ("max_connections_per_address", self.max_connections_per_address == 0),
            ("handshake_timeout", self.handshake_timeout.as_duration().is_zero()),
            ("head_timeout", self.head_timeout.as_duration().is_zero()),
            ("stall_timeout", self.stall_timeout.as_duration().is_zero()),
            ("min_rate", self.min_rate.bytes() == 0),
            ("idle_timeout", self.idle_timeout.as_duration().is_zero()),
        ] {
            if zero {
                problems.push(Problem::new(key, "must be more than zero"));
            }
        }
        problems
    }
}

impl Upstream {
    /// Everything wrong with it, with paths relative to `[upstreams.NAME]`.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        match Origin::parse(&self.url) {
            Err(reason) => problems.push(
                Problem::new("url", reason).hint("write scheme, host and port: `http://127.0.0.1:3000`"),
            ),
            Ok(origin) if !origin.tls => {
                for (key, set) in
                    [("ca_file", self.ca_file.is_some()), ("server_name", self.server_name.is_some())]
                {
                    if set {
                        problems.push(Problem::new(key, "only works with an `https` url"));
                    }
                }
            }
            Ok(_) => {}
        }
        if self.health.as_ref().is_some_and(|health| !health.path.starts_with('/')) {
            problems.push(Problem::new("health.path", "must begin with `/`"));
        }
        for (key, zero) in [
            ("connect_timeout", self.connect_timeout.as_duration().is_zero()),
            ("response_timeout", self.response_timeout.as_duration().is_zero()),
            ("max_head", self.max_head.bytes() < 1024),
        ] {
            if zero {
                problems.push(Problem::new(key, "is too small"));
            }
        }
        problems
    }
}

impl AdminSettings {
    /// Everything wrong with it, with paths relative to `[admin]`.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        if self.enabled && !self.expose && !self.listen.ip().is_loopback() {
            return vec![
                Problem::new("listen", format!("`{}` can be reached by other machines", self.listen))
                    .hint("use a loopback address, or set `expose = true` behind a firewall"),
            ];
        }
        Vec::new()
    }
}

/// Scheme and authority of a web address, in lower case, without user information, path, query or fragment.
fn is_origin(url: &str) -> bool {
    let authority = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let authority = authority.map(|rest| rest.strip_suffix('/').unwrap_or(rest));
    authority.is_some_and(|authority| {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.:[]".contains(&byte);
        !authority.is_empty()
            && authority.bytes().all(plain)
            && authority.parse::<http::uri::Authority>().is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_sound() {
        assert_eq!(Settings::default().problems(), []);
        assert_eq!(AdminSettings::default().problems(), []);
        let upstream = Upstream { url: "http://127.0.0.1:3000".into(), ..Upstream::default() };
        assert_eq!(upstream.problems(), []);
    }

    #[test]
    fn every_problem_is_named_at_once() {
        let settings = Settings {
            tls: Tls { mode: TlsMode::Files, names: vec!["a".into()], ..Tls::default() },
            max_connections: 0,
            ..Settings::default()
        };
        let paths: Vec<_> = settings.problems().into_iter().map(|problem| problem.path).collect();
        assert_eq!(paths, ["tls.certificate", "tls.key", "tls.names", "max_connections"]);

        let upstream = Upstream {
            url: "ftp://x".into(),
            health: Some(Health { path: "x".into(), ..Health::default() }),
            ..Upstream::default()
        };
        let paths: Vec<_> = upstream.problems().into_iter().map(|problem| problem.path).collect();
        assert_eq!(paths, ["url", "health.path"]);
    }

    #[test]
    fn an_admin_listener_for_everybody_must_be_asked_for() {
        let open = AdminSettings { listen: ([0, 0, 0, 0], 9090).into(), ..AdminSettings::default() };
        assert_eq!(open.problems().len(), 1);
        assert_eq!(AdminSettings { expose: true, ..open }.problems(), []);
    }
}
