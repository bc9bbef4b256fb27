//! The gate's listeners and the applications behind it.

use gabion_gateway::TlsMode;

use super::Finding;
use crate::config::{Config, authority};
use crate::probe;

/// Whether the gate runs, and whether it answers where the configuration says.
pub(super) fn gate(config: &Config, runs: bool) -> Finding {
    let listen = config.gateway.listen;
    if !runs {
        return match probe::connects(&listen.to_string()) {
            Ok(_) if listen.port() != 0 => Finding::warn(
                "gate",
                format!("does not run, and something else listens on {listen}"),
                "stop that, or change `gateway.listen`",
            ),
            _ => Finding::ok("gate", "does not run"),
        };
    }
    if listen.port() == 0 {
        return Finding::ok("gate", "runs");
    }
    let mut address = listen;
    if address.ip().is_unspecified() {
        address.set_ip(if listen.is_ipv4() {
            [127, 0, 0, 1].into()
        } else {
            std::net::Ipv6Addr::LOCALHOST.into()
        });
    }
    let answers = match config.gateway.tls.mode {
        TlsMode::Off => probe::head(address, "/.gabion/login").map(|head| head.contains("gabion-request-id")),
        TlsMode::Files | TlsMode::LocalCa => probe::connects(&address.to_string()).map(|_| true),
    };
    match answers {
        Ok(true) => Finding::ok("gate", format!("runs and answers on {listen}")),
        Ok(false) => Finding::fail(
            "gate",
            format!("runs, but something else answers on {listen}"),
            "stop the other program, then restart the gate",
        ),
        Err(error) => Finding::fail(
            "gate",
            format!("runs, but does not answer on {listen}: {error}"),
            "it was started with another `gateway.listen`? restart it",
        ),
    }
}

pub(super) fn upstreams(config: &Config) -> Vec<Finding> {
    let reach = |(name, upstream): (&String, &gabion_gateway::Upstream)| {
        let what = format!("upstream {name}");
        match probe::connects(&authority(&upstream.url)) {
            Ok(_) => Finding::ok(what, format!("{} takes connections", upstream.url)),
            Err(error) => Finding::fail(
                what,
                format!("{} cannot be reached: {error}", upstream.url),
                format!("start the application, or change `upstreams.{name}.url`"),
            ),
        }
    };
    config.upstreams.iter().map(reach).collect()
}
