//! Engines read no clock, randomness, environment, file or socket: all of it is a parameter, so that
//! what they do can be tested, replayed and proved.

use super::finding::Finding;
use super::workspace::Workspace;

const ENGINES: &[&str] = &[
    "model",
    "vault",
    "tlog",
    "seclang",
    "openapi",
    "identity",
    "policy",
    "ledger",
    "telemetry",
    "watch",
    "incident",
    "alert",
    "respond",
    "control",
    "checks",
    "generate",
    "service",
    "finding",
    "secrets",
    "dependencies",
    "manifests",
    "syntax",
    "code",
];

const READS: &[(&str, &str)] = &[
    ("SystemTime::now", "take a `model::Clock`"),
    ("Instant::now", "take a `model::Clock`"),
    ("Timestamp::now", "take a `model::Clock`"),
    ("Zoned::now", "take a `model::Clock`"),
    ("tokio::time", "let the caller drive the time: a method that takes `now`"),
    ("thread::sleep", "let the caller drive the time: a method that takes `now`"),
    ("SystemClock", "take a `model::Clock`; `cli` decides which"),
    ("SystemRng", "take a `model::Rng`; `cli` decides which"),
    ("rand::", "take a `model::Rng`"),
    ("getrandom::", "take a `model::Rng`"),
    ("env::var", "only `cli` reads the environment; pass the value"),
    ("env::var_os", "only `cli` reads the environment; pass the value"),
    ("env::args", "only `cli` reads arguments"),
    ("env::current_dir", "pass the path"),
    ("std::fs", "put a storage trait here and implement it in `store`"),
    ("fs::read", "put a storage trait here and implement it in `store`"),
    ("fs::write", "put a storage trait here and implement it in `store`"),
    ("File::open", "put a storage trait here and implement it in `store`"),
    ("File::create", "put a storage trait here and implement it in `store`"),
    ("OpenOptions", "put a storage trait here and implement it in `store`"),
    ("tokio::fs", "put a storage trait here and implement it in `store`"),
    ("tokio::net", "sockets belong to `gateway`"),
    ("TcpListener", "sockets belong to `gateway`"),
    ("TcpStream", "sockets belong to `gateway`"),
    ("UdpSocket", "sockets belong to `gateway`"),
    ("UnixListener", "sockets belong to `gateway` and `cli`"),
    ("process::Command", "an engine starts no program"),
];

/// Where the real clock and the real generator are made.
const HOMES: &[(&str, &[&str])] = &[
    ("crates/model/src/time.rs", &["SystemTime::now", "SystemClock"]),
    ("crates/model/src/lib.rs", &["SystemClock"]),
    ("crates/vault/", &["SystemRng", "rand::"]),
];

pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    for name in ENGINES {
        for file in workspace.product_of(name) {
            for (word, way_out) in READS {
                if HOMES.iter().any(|(home, words)| file.path.starts_with(home) && words.contains(word)) {
                    continue;
                }
                for line in file.source().lines_with(word) {
                    findings.push(Finding::new(
                        file.at(line),
                        format!("`{name}` is an engine and reads `{word}` by itself"),
                        *way_out,
                    ));
                }
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(path: &str, code: &str) -> usize {
        check(&Workspace::of(&[(path, code)])).len()
    }

    #[test]
    fn an_engine_that_looks_around_is_found() {
        assert_eq!(places("crates/identity/src/a.rs", "let now = Instant::now();"), 1);
        assert_eq!(places("crates/ledger/src/a.rs", "use std::fs;"), 1);
        assert_eq!(places("crates/checks/src/a.rs", "let x = std::env::var(NAME);"), 1);
        assert_eq!(places("crates/model/src/time.rs", "std::time::SystemTime::now()"), 0);
    }

    #[test]
    fn adapters_and_tests_may() {
        assert_eq!(places("crates/store/src/a.rs", "use std::fs;"), 0);
        assert_eq!(places("crates/ledger/src/a.rs", "#[cfg(test)]\nmod tests { use std::fs; }"), 0);
        assert_eq!(places("crates/ledger/src/a.rs", "// std::fs\nlet a = \"std::fs\";"), 0);
    }
}
