//! An upstream that is the gate itself: its requests would go round in circles.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use gabion_model::Problem;

use super::Config;
use super::tree::Path;

pub(super) fn problems(config: &Config) -> Vec<Problem> {
    let gateway = &config.gateway;
    let listeners = [
        ("gateway.listen", Some(gateway.listen)),
        ("gateway.listen_plain", gateway.listen_plain),
        ("admin.listen", config.admin.enabled.then_some(config.admin.listen)),
    ];
    let itself = |(name, upstream): (&String, &gabion_gateway::Upstream)| {
        let (key, _) = listeners
            .iter()
            .find(|(_, listen)| listen.is_some_and(|listen| leads_to(&upstream.url, listen)))?;
        let path = Path::default().key("upstreams").key(name).key("url");
        let reason = format!("`{}` is where the gate itself listens (`{key}`)", upstream.url);
        Some(Problem::new(path.to_string(), reason).hint("give the address the application listens on"))
    };
    config.upstreams.iter().filter_map(itself).collect()
}

/// `https://app.internal` → `app.internal:443`
pub(crate) fn authority(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
    let authority = rest.split('/').next().unwrap_or(rest);
    let has_port =
        authority.rsplit_once(':').is_some_and(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    match (has_port, scheme) {
        (true, _) => authority.to_owned(),
        (false, "https") => format!("{authority}:443"),
        (false, _) => format!("{authority}:80"),
    }
}

/// Would a connection to the URL arrive at a listener of this machine? Names are not looked up.
fn leads_to(url: &str, listen: SocketAddr) -> bool {
    let authority = authority(&url.to_ascii_lowercase());
    let Some((host, port)) = authority.rsplit_once(':') else { return false };
    if listen.port() == 0 || port.parse() != Ok(listen.port()) {
        return false;
    }
    let local = [IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)];
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let addresses = match host.parse::<IpAddr>() {
        Ok(address) if address.is_unspecified() => local.to_vec(),
        Ok(address) => vec![address.to_canonical()],
        Err(_) if host == "localhost" || host.ends_with(".localhost") => local.to_vec(),
        Err(_) => return false,
    };
    // Which other addresses are this machine's is not known; an unspecified IPv6 address takes IPv4 too.
    addresses.into_iter().any(|address| match listen.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => address.is_loopback() && address.is_ipv4(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => address.is_loopback(),
        ip => ip.to_canonical() == address,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_of_a_url_is_its_own_or_its_schemes() {
        assert_eq!(authority("http://127.0.0.1:3000"), "127.0.0.1:3000");
        assert_eq!(authority("https://app.internal"), "app.internal:443");
        assert_eq!(authority("http://[::1]/"), "[::1]:80");
        assert_eq!(authority("http://[::1]:3000"), "[::1]:3000");
    }

    #[test]
    fn a_url_that_leads_back_is_known_by_address_or_as_localhost() {
        let leads = |url: &str, listen: &str| leads_to(url, listen.parse().unwrap());
        for (url, listen) in [
            ("http://127.0.0.1:8080", "127.0.0.1:8080"),
            ("http://LOCALHOST:8080", "127.0.0.1:8080"),
            ("http://localhost", "[::1]:80"),
            ("https://127.0.0.1", "0.0.0.0:443"),
            ("http://0.0.0.0:8080", "127.0.0.1:8080"),
            ("http://[::1]:8080", "[::]:8080"),
            ("http://127.0.0.1:8080", "[::]:8080"),
            ("http://[::ffff:10.0.0.7]:8080", "10.0.0.7:8080"),
        ] {
            assert!(leads(url, listen), "{url} {listen}");
        }
        for (url, listen) in [
            ("http://127.0.0.1:8081", "127.0.0.1:8080"),
            ("http://127.0.0.2:8080", "127.0.0.1:8080"),
            ("http://10.0.0.8:8443", "0.0.0.0:8443"),
            ("http://app.internal:8080", "127.0.0.1:8080"),
            ("http://[::1]:8080", "0.0.0.0:8080"),
            ("http://127.0.0.1:0", "127.0.0.1:0"),
            ("", "127.0.0.1:80"),
        ] {
            assert!(!leads(url, listen), "{url} {listen}");
        }
    }
}
