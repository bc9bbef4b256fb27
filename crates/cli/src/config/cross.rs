//! What no table can know alone: tables that must agree with each other and with the machine.

use std::fs::File;
use std::net::SocketAddr;
use std::path::Path as FilePath;
use std::sync::Arc;

use gabion_checks::{Contracts, Pipeline};
use gabion_courier::MailTransport;
use gabion_gateway::TlsMode;
use gabion_model::Problem;

use super::schema::nearest;
use super::tree::{Node, Path, Value};
use super::{Config, circle};

/// Everything on which tables disagree, in a configuration whose tables are right by themselves.
pub(super) fn problems(config: &Config) -> Vec<Problem> {
    let mut problems = Pipeline::problems(&config.checks, &config.routes);
    let asked = config.forward_auth.problems(&config.checks.client_address);
    problems.extend(asked.into_iter().map(|problem| problem.under("forward_auth")));
    problems.extend(listeners(config));
    problems.extend(circle::problems(config));
    problems.extend(plain_http(config));
    problems.extend(files(config));
    problems.extend(client_certificates(config));
    let (found, contracts) = contracts(config);
    problems.extend(found);
    problems.extend(crate::gate::policies::problems(config, contracts.as_ref()));
    problems.extend(crate::gate::watch::places(config).err());
    problems.extend(crate::gate::incidents::procedures(config).err().unwrap_or_default());
    problems.extend(alerts(config));
    match crate::gate::watch::rules(config) {
        Ok(rules) => problems.extend(responses(config, &rules)),
        Err(found) => problems.extend(found),
    }
    problems
}

/// Letters leave by `[mail]`.
fn alerts(config: &Config) -> Vec<Problem> {
    let has_mail = config.mail.transport != MailTransport::Off;
    let needs_mail = |(index, channel): (usize, &gabion_alert::ChannelSettings)| {
        (channel.kind == gabion_alert::ChannelKind::Email && !has_mail).then(|| {
            Problem::new(format!("alerts.channels[{index}]"), "no letter leaves: `mail.transport` is `off`")
                .hint("set `[mail]`, or use another channel")
        })
    };
    config.alerts.channels.iter().enumerate().filter_map(needs_mail).collect()
}

/// What is to be done when a rule rings that there is not, or to a route.
fn responses(config: &Config, rules: &gabion_watch::Rules) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (name, rule) in &config.respond.rules {
        if !rules.iter().any(|own| own.id == *name || own.name.as_deref() == Some(name)) {
            let path = Path::default().key("respond").key("rules").key(name).to_string();
            problems.push(
                Problem::new(path, format!("there is no rule `{name}`"))
                    .hint("`gabion watch rules` lists them"),
            );
        }
        if let Some(route) = &rule.route
            && !config.routes.iter().any(|own| own.path == *route)
        {
            let path = Path::default().key("respond").key("rules").key(name).key("route").to_string();
            problems.push(Problem::new(path, format!("no route has the path `{route}`")));
        }
    }
    problems
}

/// Routes and upstreams must name each other. Judged by what was written, so that another fault in a
/// route does not hide this one.
pub(super) fn names(written: &Node) -> Vec<Problem> {
    let mut problems = Vec::new();
    let upstreams = table_keys(written, "upstreams");
    let routes = match written.find(&Path::default().key("routes")) {
        Some(Node { value: Value::Array(items), .. }) => items.as_slice(),
        Some(_) => return problems,
        None => &[],
    };
    if routes.is_empty() {
        let example = "[[routes]] path = \"/*\" access = \"signed-in\" upstream = \"app\"";
        let problem = Problem::new("routes", "no route is declared, so every request would be refused");
        problems.push(problem.hint(format!("for instance `{example}`, a key on each line")));
    }
    if upstreams.is_empty() {
        let problem =
            Problem::new("upstreams", "no upstream is declared: there is no application to protect");
        problems.push(problem.hint("for instance `[upstreams.app]` with `url = \"http://127.0.0.1:3000\"`"));
        return problems;
    }
    let mut used = Vec::new();
    for (index, route) in routes.iter().enumerate() {
        let Some(Node { value: Value::String(name), .. }) = route.find(&Path::default().key("upstream"))
        else {
            continue;
        };
        used.push(name.as_str());
        if !upstreams.contains(&name.as_str()) {
            let hint = match nearest(name, &upstreams) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("declared: {}", upstreams.join(", ")),
            };
            let path = format!("routes[{index}].upstream");
            problems.push(Problem::new(path, format!("there is no upstream `{name}`")).hint(hint));
        }
    }
    let all_name_one = used.len() == routes.len() && !routes.is_empty();
    for name in upstreams.into_iter().filter(|name| all_name_one && !used.contains(name)) {
        let path = Path::default().key("upstreams").key(name);
        let problem = Problem::new(path.to_string(), format!("no route leads to the upstream `{name}`"));
        problems.push(problem.hint("declare a route with it, or remove it"));
    }
    problems
}

/// Contracts that routes name are there, and each can be used.
/// What is wrong with contracts; and them, where nothing is.
fn contracts(config: &Config) -> (Vec<Problem>, Option<Contracts>) {
    let (mut problems, mut contracts) = (Vec::new(), Contracts::default());
    let known: Vec<&str> = config.contracts.keys().map(String::as_str).collect();
    for (index, route) in config.routes.iter().enumerate() {
        let Some(name) = route.contract.as_deref().filter(|name| !known.contains(name)) else { continue };
        let hint = match nearest(name, &known) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("declare it: `[contracts.{name}]` with `file = \"openapi.yaml\"`"),
        };
        let path = format!("routes[{index}].contract");
        problems.push(Problem::new(path, format!("there is no contract `{name}`")).hint(hint));
    }
    for (name, settings) in &config.contracts {
        let path = Path::default().key("contracts").key(name).key("file").to_string();
        let found = match crate::contract::load(settings) {
            Ok(loaded) => {
                contracts.loaded.insert(name.clone(), (Arc::new(loaded.contract), 0));
                continue;
            }
            Err(found) => found,
        };
        let place = |problem: Problem| {
            let one = Problem::new(path.clone(), format!("{}: {}", problem.path, problem.reason));
            match problem.hint {
                Some(hint) => one.hint(hint),
                None => one,
            }
        };
        problems.extend(found.into_iter().take(MOST_PROBLEMS).map(place));
    }
    let contracts = problems.is_empty().then_some(contracts);
    (problems, contracts)
}

/// Of one contract; `gabion contract check` tells all.
const MOST_PROBLEMS: usize = 20;

fn table_keys<'a>(written: &'a Node, section: &str) -> Vec<&'a str> {
    match written.find(&Path::default().key(section)) {
        Some(Node { value: Value::Table(entries), .. }) => entries.keys().map(String::as_str).collect(),
        _ => Vec::new(),
    }
}

/// Two listeners on one address: the second could not start. Port 0 is any free port.
fn listeners(config: &Config) -> Vec<Problem> {
    let gateway = &config.gateway;
    let mut taken: Vec<(&str, SocketAddr)> = vec![("gateway.listen", gateway.listen)];
    let more = [
        ("gateway.listen_plain", gateway.listen_plain),
        ("admin.listen", config.admin.enabled.then_some(config.admin.listen)),
    ];
    let mut problems = Vec::new();
    for (path, address) in more {
        let Some(address) = address else { continue };
        if let Some((other, _)) = taken.iter().find(|(_, other)| collide(*other, address)) {
            problems.push(
                Problem::new(path, format!("`{address}` is taken by `{other}`")).hint("choose another port"),
            );
        }
        taken.push((path, address));
    }
    problems
}

fn collide(one: SocketAddr, other: SocketAddr) -> bool {
    let same_host = one.ip() == other.ip() || one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() == other.port() && one.port() != 0 && same_host
}

/// Passwords and cookies over a network in the clear: refused, unless a proxy in front is named.
fn plain_http(config: &Config) -> Vec<Problem> {
    let gateway = &config.gateway;
    if gateway.tls.mode != TlsMode::Off || gateway.listen.ip().is_loopback() {
        return Vec::new();
    }
    if !gateway.allow_plain {
        let listen = gateway.listen;
        let reason =
            format!("`off` on `{listen}` would send passwords and cookies over the network in the clear");
        let hint = "use `local-ca` or `files`, or listen on 127.0.0.1; behind a proxy that ends TLS: `allow_plain = true`";
        return vec![Problem::new("gateway.tls.mode", reason).hint(hint)];
    }
    if config.checks.client_address.trusted_proxies.is_empty() {
        let problem =
            Problem::new("gateway.allow_plain", "no proxy is named that ends TLS in front of the gate");
        return vec![problem.hint("for instance `checks.client_address.trusted_proxies = [\"10.0.0.7\"]`")];
    }
    Vec::new()
}

/// The authorities whose client certificates are believed, read as the start would.
fn client_certificates(config: &Config) -> Option<Problem> {
    let client = config.gateway.tls.client_certificates.as_ref()?;
    if config.gateway.tls.mode == TlsMode::Off || client.ca_file.as_os_str().is_empty() {
        return None;
    }
    let error = gabion_gateway::check_client_certificates(client).err()?;
    let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
    let reason = format!("client certificates cannot be verified: {error}{cause}");
    let hint = "`ca_file` holds the authorities' certificates in PEM, `crl_file` their lists of revoked ones";
    Some(Problem::new("gateway.tls.client_certificates", reason).hint(hint))
}

/// Files that are named must be there and readable.
fn files(config: &Config) -> Vec<Problem> {
    let tls = &config.gateway.tls;
    let certificate = ("gateway.tls.certificate".to_owned(), tls.certificate.as_deref());
    let key = ("gateway.tls.key".to_owned(), tls.key.as_deref());
    let authorities = config.upstreams.iter().map(|(name, upstream)| {
        let path = Path::default().key("upstreams").key(name).key("ca_file");
        (path.to_string(), upstream.ca_file.as_deref())
    });
    let providers = config.federation.iter().flat_map(|(name, provider)| {
        let path = |key| Path::default().key("federation").key(name).key(key).to_string();
        [
            (path("client_secret_file"), provider.client_secret_file.as_deref()),
            (path("client_key_file"), provider.client_key_file.as_deref()),
        ]
    });
    let senders = config.webhooks.iter().flat_map(|(name, sender)| {
        sender.secrets.iter().enumerate().map(move |(index, from)| {
            (format!("webhooks.{name}.secrets[{index}].file"), from.file.as_deref())
        })
    });
    let resolvers = config.resolvers.iter().map(|(name, resolver)| {
        let path = Path::default().key("resolvers").key(name).key("ca_file");
        (path.to_string(), resolver.ca_file.as_deref())
    });
    let unreadable = |(path, file): (String, Option<&FilePath>)| {
        let file = file?;
        let error = File::open(file).err()?;
        Some(Problem::new(path, format!("cannot read `{}`: {error}", file.display())))
    };
    let mail = Some(&config.mail).filter(|mail| mail.transport == MailTransport::Smtp);
    let outbound = [
        ("mail.password_file", mail.and_then(|mail| mail.password_file.as_deref())),
        ("mail.ca_file", mail.and_then(|mail| mail.ca_file.as_deref())),
        ("egress.ca_file", config.egress.ca_file.as_deref()),
    ];
    let outbound = outbound.map(|(path, file)| (path.to_owned(), file));
    let archive = config.ledger.archive.iter().flat_map(|archive| {
        [
            ("ledger.archive.secret_key_file".to_owned(), archive.secret_key_file.as_deref()),
            ("ledger.archive.session_token_file".to_owned(), archive.session_token_file.as_deref()),
            ("ledger.archive.ca_file".to_owned(), archive.ca_file.as_deref()),
        ]
    });
    [certificate, key]
        .into_iter()
        .chain(authorities)
        .chain(outbound)
        .chain(archive)
        .chain(providers)
        .chain(senders)
        .chain(resolvers)
        .filter_map(unreadable)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_collide_when_the_second_could_not_be_bound() {
        let address = |text: &str| text.parse::<SocketAddr>().unwrap();
        assert!(collide(address("127.0.0.1:80"), address("0.0.0.0:80")));
        assert!(collide(address("[::1]:80"), address("[::1]:80")));
        assert!(!collide(address("127.0.0.1:80"), address("127.0.0.2:80")));
        assert!(!collide(address("127.0.0.1:0"), address("127.0.0.1:0")));
    }
}
