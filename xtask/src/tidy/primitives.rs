//! Cryptographic primitives and keys stay in `vault`; TLS is named by `vault`, and by `gateway` and
//! `egress`, who speak it.
//! `strawman` breaks rules for a living and is exempt.

use super::finding::Finding;
use super::workspace::Workspace;

const PRIMITIVES: &[&str] = &[
    "aes",
    "aes-gcm",
    "argon2",
    "aws-lc-rs",
    "aws-lc-sys",
    "bcrypt",
    "blake2",
    "blake3",
    "chacha20poly1305",
    "ed25519-dalek",
    "fastrand",
    "getrandom",
    "hkdf",
    "hmac",
    "jsonwebtoken",
    "md-5",
    "oorandom",
    "p256",
    "p384",
    "pbkdf2",
    "rand",
    "rand_core",
    "rcgen",
    "ring",
    "rsa",
    "scrypt",
    "sha1",
    "sha2",
    "sha3",
    "subtle",
    "x25519-dalek",
];

const TLS: &[&str] =
    &["rustls", "rustls-pki-types", "tokio-rustls", "hyper-rustls", "webpki", "rustls-webpki"];

const WAY_OUT: &str = "ask `vault` for the operation; add it there when it is missing";

pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    for member in
        workspace.crates.iter().filter(|member| !matches!(member.name.as_str(), "vault" | "strawman"))
    {
        for dependency in member.dependencies.iter().filter(|dependency| !dependency.dev) {
            let name = dependency.name.as_str();
            let place = format!("crates/{}/Cargo.toml", member.name);
            if PRIMITIVES.contains(&name) {
                findings.push(Finding::new(
                    place,
                    format!("`{}` names the primitive `{name}`", member.name),
                    WAY_OUT,
                ));
            } else if TLS.contains(&name) && !matches!(member.name.as_str(), "gateway" | "egress") {
                let what = format!("`{}` names TLS (`{name}`)", member.name);
                findings.push(Finding::new(
                    place,
                    what,
                    "TLS is configured by `vault` and spoken by `gateway` and `egress`",
                ));
            }
        }
    }
    for file in workspace.product().filter(|file| !matches!(file.crate_name(), Some("vault" | "strawman"))) {
        for word in ["rustls::crypto::hash", "rustls::crypto::hmac", "aws_lc_rs::", "CryptoProvider::"] {
            for line in file.source().lines_with(word) {
                findings.push(Finding::new(file.at(line), format!("`{word}` reaches past `vault`"), WAY_OUT));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_primitive_outside_vault_is_found() {
        assert_eq!(check(&Workspace::with_dependencies("vault", &["aws-lc-rs", "rustls"])), []);
        assert_eq!(check(&Workspace::with_dependencies("gateway", &["rustls"])), []);
        assert_eq!(check(&Workspace::with_dependencies("strawman", &["hmac"])), []);
        assert_eq!(check(&Workspace::with_dependencies("checks", &["sha2"])).len(), 1);
        assert_eq!(check(&Workspace::with_dependencies("gateway", &["ring"])).len(), 1);
        assert_eq!(check(&Workspace::with_dependencies("console", &["tokio-rustls"])).len(), 1);
    }

    #[test]
    fn reaching_through_tls_is_found() {
        let workspace = Workspace::of(&[("crates/gateway/src/a.rs", "let x = rustls::crypto::hash::new();")]);
        assert_eq!(
            check(&workspace).first().map(|finding| finding.place.as_str()),
            Some("crates/gateway/src/a.rs:1")
        );
    }
}
