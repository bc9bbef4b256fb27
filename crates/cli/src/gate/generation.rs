//! What a reload replaces: the pipeline, the upstreams and the certificate.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use gabion_checks::{AccessLog, Contracts, FaultLog, Pipeline};
use gabion_gateway::{Generation, TlsMaterial, TlsMode, Tracer};
use gabion_model::{Problem, Secret};
use gabion_service::resources::Resolvers;
use gabion_store::Directory;
use gabion_vault::tls::LocalCa;

use super::state::{State, read_text, write_text};
use crate::config::Config;
use crate::failure::{Exit, Failure};

/// The development authority: its certificate, which browsers are told to trust, and its key.
pub(crate) const CA_CERTIFICATE: &str = "local-ca.pem";
const CA_KEY: &str = "local-ca-key.pem";

/// Who hears of requests.
#[derive(Debug)]
pub(crate) struct Logs {
    pub(crate) access_log: Option<Arc<dyn AccessLog>>,
    pub(crate) fault_log: Option<Arc<dyn FaultLog>>,
    pub(crate) tracer: Option<Arc<dyn Tracer>>,
}

/// Builds what the configuration says, for a gate at `listening`. `previous` keeps its counters and limits.
pub(crate) fn build(
    config: &Config,
    state: &State,
    listening: SocketAddr,
    Logs { access_log, fault_log, tracer }: Logs,
    previous: Option<&Pipeline>,
    resolvers: &Arc<Resolvers>,
    contracts: Contracts,
) -> Result<Generation, Failure> {
    let webhooks = crate::webhooks::senders(config).map_err(|problems| disagree(&problems))?;
    let parts = gabion_checks::Parts {
        sessions: state.service.live_sessions(),
        machines: Some(state.service.machines()),
        shield: Some(state.service.shield()),
        webhooks: Arc::new(webhooks),
        keys: state.service.keyring(),
        ledger: state.ledger.clone(),
        policies: config.policy.directory.is_some().then(|| state.service.policies()),
        resources: Some(Arc::clone(resolvers) as Arc<_>),
        clock: Arc::clone(&state.clock),
        rng: Arc::clone(&state.rng),
        issuer: origin(config, listening),
        https_port: (config.gateway.tls.mode != TlsMode::Off).then_some(config.gateway.listen.port()),
        contracts,
        access_log,
        fault_log,
        outside: Some(Arc::new(gabion_gateway::UploadRoom::new(
            &config.checks.upload,
            &state.directory.path().join("uploads"),
        ))),
        previous,
    };
    let pipeline = Pipeline::new(&config.checks, &config.routes, parts)
        .and_then(|pipeline| pipeline.with_forward_auth(&config.forward_auth, &config.checks.client_address))
        .map_err(|problems| disagree(&problems))?
        .with_own_hosts(certificate_hosts(config).cloned());
    Ok(Generation {
        pipeline: Arc::new(pipeline),
        upstreams: config.upstreams.clone(),
        tls: certificate(config, state)?,
        client_certificates: config.gateway.tls.client_certificates.clone(),
        tracer,
    })
}

/// Where clients are asked for certificates.
fn certificate_hosts(config: &Config) -> impl Iterator<Item = &String> {
    config.gateway.tls.client_certificates.iter().flat_map(|asked| &asked.hosts)
}

/// What only the pipeline could see; `config check` finds everything else with its place.
pub(super) fn disagree(problems: &[Problem]) -> Failure {
    let mut problems = problems.iter().map(Problem::to_string);
    let mut failure =
        Failure::usage(format!("the configuration cannot be used: {}", problems.next().unwrap_or_default()));
    for problem in problems {
        failure = failure.because_text(problem);
    }
    failure
}

/// Scheme, host and port people reach the gate by: what `gateway.public_url` says, or else the first name
/// a route declares, or else where it listens.
pub(crate) fn origin(config: &Config, listening: SocketAddr) -> String {
    if let Some(url) = &config.gateway.public_url {
        return url.trim_end_matches('/').to_owned();
    }
    let (scheme, usual) = if config.gateway.tls.mode == TlsMode::Off { ("http", 80) } else { ("https", 443) };
    let names = config.routes.iter().flat_map(|route| &route.hosts).chain(&config.gateway.tls.names);
    let host = match names.into_iter().find(|name| !name.contains('*')) {
        Some(name) => name.clone(),
        None => match listening.ip() {
            ip if ip.is_unspecified() => "localhost".to_owned(),
            IpAddr::V6(ip) => format!("[{ip}]"),
            IpAddr::V4(ip) => ip.to_string(),
        },
    };
    match listening.port() {
        port if port == usual => format!("{scheme}://{host}"),
        port => format!("{scheme}://{host}:{port}"),
    }
}

fn certificate(config: &Config, state: &State) -> Result<Option<TlsMaterial>, Failure> {
    let tls = &config.gateway.tls;
    match (tls.mode, &tls.certificate, &tls.key) {
        (TlsMode::LocalCa, _, _) => local_certificate(config, state).map(Some),
        (TlsMode::Files, Some(certificate), Some(key)) => {
            TlsMaterial::from_files(certificate, key).map(Some).map_err(|error| {
                Failure::new("the certificate cannot be used").because(&error).exit(Exit::Usage)
            })
        }
        _ => Ok(None),
    }
}

/// A certificate for this machine by the development authority, which is made at the first start.
fn local_certificate(config: &Config, state: &State) -> Result<TlsMaterial, Failure> {
    let authority = authority(state)?;
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    let hosts = config.routes.iter().flat_map(|route| &route.hosts);
    let listening =
        Some(config.gateway.listen.ip()).filter(|ip| !ip.is_unspecified()).map(|ip| ip.to_string());
    let named = hosts.chain(&config.gateway.tls.names).chain(certificate_hosts(config));
    for name in named.cloned().chain(listening) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let issued = authority.issue(&names, state.clock.now()).map_err(|error| {
        Failure::usage("no certificate can be made")
            .because(&error)
            .hint("see `gateway.tls.names` and `routes[].hosts`")
    })?;
    Ok(TlsMaterial { chain_pem: issued.chain_pem, key_pem: issued.key_pem })
}

fn authority(state: &State) -> Result<LocalCa, Failure> {
    let directory = &state.directory;
    let damaged = |error: &gabion_vault::tls::CaError| {
        Failure::new("the development certificate authority cannot be used").because(error).hint(format!(
            "remove `{CA_CERTIFICATE}` and `{CA_KEY}` from the data directory to make a new one"
        ))
    };
    match (read_text(directory, CA_CERTIFICATE)?, read_text(directory, CA_KEY)?) {
        (Some(certificate), Some(key)) => {
            LocalCa::load(certificate.expose(), &key).map_err(|error| damaged(&error))
        }
        _ => {
            let authority = LocalCa::create(state.clock.now()).map_err(|error| damaged(&error))?;
            save(directory, &authority.key_pem(), authority.certificate_pem())?;
            Ok(authority)
        }
    }
}

/// The key first: a certificate without its key would be of no use.
fn save(directory: &Directory, key: &Secret<String>, certificate: &str) -> Result<(), Failure> {
    write_text(directory, CA_KEY, key.expose())?;
    write_text(directory, CA_CERTIFICATE, certificate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::load::load_text;

    #[test]
    fn people_reach_the_gate_by_the_name_a_route_declares_or_by_its_address() {
        let config = |more: &str| {
            let text = format!(
                "[gateway]\nlisten = \"127.0.0.1:8080\"\ntls = {{ mode = \"off\" }}\n[upstreams.app]\n\
                 url = \"http://127.0.0.1:3000\"\n[[routes]]\naccess = \"public\"\nupstream = \"app\"\n{more}"
            );
            load_text(&text).unwrap().config
        };
        let address = |text: &str| text.parse::<SocketAddr>().unwrap();
        assert_eq!(origin(&config(""), address("127.0.0.1:8080")), "http://127.0.0.1:8080");
        assert_eq!(origin(&config(""), address("[::1]:80")), "http://[::1]");
        assert_eq!(origin(&config(""), address("0.0.0.0:80")), "http://localhost");
        let named = config("hosts = [\"*.example\", \"shop.example\"]\n");
        assert_eq!(origin(&named, address("0.0.0.0:8080")), "http://shop.example:8080");
        let shared = "[gateway]\nlisten = \"127.0.0.1:8080\"\nhosts = [\"shop.example\"]\ntls = { mode = \"off\" }\n\
                      [upstreams.app]\nurl = \"http://127.0.0.1:3000\"\n\
                      [[routes]]\naccess = \"public\"\nupstream = \"app\"\n\
                      [[routes]]\npath = \"/b\"\nhosts = [\"b.example\"]\naccess = \"public\"\nupstream = \"app\"\n";
        let hosts: Vec<_> =
            load_text(shared).unwrap().config.routes.into_iter().map(|route| route.hosts).collect();
        assert_eq!(hosts, [["shop.example"], ["b.example"]]);
        assert!(load_text(&shared.replace("[\"shop.example\"]", "[\"https://shop.example\"]")).is_err());
    }
}
