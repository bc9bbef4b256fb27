//! What a gate says when it starts: where it is, what it does, what to do next.

use std::fmt::Write as _;

use gabion_gateway::TlsMode;
use gabion_model::Secret;
use gabion_service::OneTimeLink;

use super::generation::CA_CERTIFICATE;
use super::running::Running;
use crate::config::warnings;
use crate::identity::reconcile::Summary;
use crate::output::{FAINT, GOOD, PLACE, STRONG, WARN};

/// The whole announcement.
pub(crate) fn announcement(
    running: &Running,
    declared: Option<&Summary>,
    link: Option<&OneTimeLink>,
) -> Secret<String> {
    let config = running.config();
    let addresses = running.addresses();
    let origin = running.origin();
    let mut text = format!("{STRONG}gabion {}{STRONG:#}\n", env!("CARGO_PKG_VERSION"));
    let mut row = |name: &str, value: &str| {
        let _ = writeln!(text, "  {FAINT}{name:<13}{FAINT:#}{value}");
    };
    let scheme = if config.gateway.tls.mode == TlsMode::Off { "http" } else { "https" };
    row("listening", &format!("{GOOD}{scheme}://{}/{GOOD:#}", addresses.gateway));
    if origin != format!("{scheme}://{}", addresses.gateway) {
        row("open", &format!("{PLACE}{origin}/{PLACE:#}"));
    }
    if let Some(plain) = addresses.plain {
        row("redirects", &format!("http://{plain}/"));
    }
    for (name, upstream) in &config.upstreams {
        row("in front of", &format!("{} ({name})", upstream.url));
    }
    if let Some(admin) = addresses.admin {
        row("metrics", &format!("http://{admin}/metrics"));
    }
    let data = running.state.directory.path().display();
    row("data", &data.to_string());
    if let Some(declared) = declared {
        row("identity", &format!("{}: {}", declared.file, declared.words));
        for kept in &declared.kept {
            row("", &format!("{} `{}` stays: {}", kept.kind.words(), kept.name, kept.reason));
        }
    }
    let process = std::process::id();
    row("process", &format!("{process}; after a change of the configuration: kill -HUP {process}"));
    if config.gateway.tls.mode == TlsMode::LocalCa {
        row(
            "certificate",
            &format!("by Gabion's own authority; to trust it, import {data}/{CA_CERTIFICATE}"),
        );
        row("", &format!("curl: --cacert {data}/{CA_CERTIFICATE}"));
    }
    if config.gateway.tls.mode == TlsMode::Off {
        let words = if addresses.gateway.ip().is_loopback() {
            "development mode{WARN:#}: plain HTTP on this machine only; the session cookie is `gabion-dev`,\n  \
             without `Secure`. Set `gateway.tls` before anybody else connects."
        } else {
            "plain HTTP to other machines{WARN:#}, as `gateway.allow_plain` says: whoever can listen between the\n  \
             proxy and the gate reads passwords and cookies."
        };
        let _ = writeln!(text, "\n  {WARN}{}", words.replace("{WARN:#}", &format!("{WARN:#}")));
    }
    let open = warnings::of(config);
    if !open.is_empty() {
        text.push('\n');
    }
    for warning in open {
        let _ = writeln!(text, "  {WARN}warning{WARN:#}: {}", warning.reason);
    }
    if let Some(link) = link {
        let _ = writeln!(
            text,
            "\n  {STRONG}First administrator{STRONG:#}: open this link once and choose a password. You then sign in as `{}`.\n  \
             {PLACE}{origin}{}{PLACE:#}\n  \
             {FAINT}Good until {}; `gabion user link` makes a new one.{FAINT:#}",
            link.name,
            link.path().expose(),
            minute(link.expires),
        );
    }
    Secret::new(text)
}

/// `2026-11-21 19:15 UTC`
pub(crate) fn minute(time: gabion_model::Timestamp) -> String {
    let text = time.to_string();
    format!("{} UTC", text.get(..16).unwrap_or(&text).replace('T', " "))
}
