//! Outbound connections are opened by the gateway's upstream pool, by the guarded client in `egress`, and by
//! nobody else: whoever opens one decides whom the machine talks to. `strawman` has its attack runner and a hole to show.

use super::finding::Finding;
use super::workspace::Workspace;

/// What opens, or prepares, a connection to somewhere else.
const OPENERS: &[&str] = &[
    "TcpStream::connect",
    "TcpStream::connect_timeout",
    "TcpSocket::new_v4",
    "TcpSocket::new_v6",
    "UdpSocket::bind",
    "UnixStream::connect",
    "UnixDatagram",
    "lookup_host",
    "to_socket_addrs",
    "ToSocketAddrs",
    "hyper::client",
    "client::conn",
    "client::legacy",
    "hyper_util::client",
    "h2::client",
    "tokio_tungstenite::connect_async",
    "TlsConnector",
];

/// Where which opener is at home.
const HOMES: &[(&str, &[&str])] = &[
    ("crates/gateway/src/upstream/", OPENERS),
    // The guarded client.
    ("crates/egress/src/", OPENERS),
    // The browser's only way out, judged by its scope; and its debugging port, on this machine.
    ("crates/browser/src/wall.rs", &["TcpStream::connect", "lookup_host"]),
    ("crates/browser/src/connection.rs", &["TcpStream::connect"]),
    // Asks the system by which address a target is reached; nothing is sent.
    ("crates/probe/src/catch.rs", &["UdpSocket::bind"]),
    // Listens for questions of resolvers, and answers whoever asked.
    ("crates/probe/src/name_server.rs", &["UdpSocket::bind"]),
    // Speaks HTTP/2 over a stream that the judged dial opened.
    ("crates/probe/src/wire/second.rs", &["h2::client"]),
    ("crates/strawman/src/", OPENERS),
    // The CLI beside a running gate speaks to its own socket file, which leads nowhere else.
    ("crates/cli/src/control/", &["UnixStream::connect"]),
    // `gabion init` looks which loopback port answers; `gabion doctor` whether the upstreams do.
    ("crates/cli/src/probe.rs", &["TcpStream::connect_timeout", "to_socket_addrs", "ToSocketAddrs"]),
];

pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in workspace.product() {
        for opener in OPENERS {
            let at_home =
                HOMES.iter().any(|(home, openers)| file.path.starts_with(home) && openers.contains(opener));
            if at_home {
                continue;
            }
            for line in file.source().lines_with(opener) {
                findings.push(Finding::new(
                    file.at(line),
                    format!("`{opener}` opens a connection outside the upstream pool"),
                    "let the gateway's upstream pool (crates/gateway/src/upstream) make the call",
                ));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_found_outside_its_home() {
        let opens = "fn f() { let s = TcpStream::connect(address).await; }";
        let places = |path| check(&Workspace::of(&[(path, opens)])).len();
        assert_eq!(places("crates/console/src/page.rs"), 1);
        assert_eq!(places("crates/gateway/src/listener.rs"), 1);
        assert_eq!(places("crates/gateway/src/upstream/pool.rs"), 0);
        assert_eq!(places("crates/gateway/tests/it/main.rs"), 0);
        assert_eq!(places("crates/cli/src/control/client.rs"), 1);
    }
}
