//! The tables `[sinks.NAME]` of the configuration.

use std::collections::BTreeMap;
use std::path::PathBuf;

use gabion_egress::{Authority, Host, Scheme, Target};
use gabion_ledger::Record;
use gabion_model::{Period, Problem};
use gabion_telemetry::{Source, cef, ocsf};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `[sinks.NAME]`: where the ledger's records go besides, in order and at least once each.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SinkSettings {
    /// `file`: one line a record at the end of `path`. `syslog`: a log server by TLS (RFC 5425). `webhook`: batches as
    /// signed messages (Standard Webhooks) to `url`.
    #[serde(rename = "type")]
    pub kind: SinkKind,
    /// `ocsf`: OCSF JSON. `cef`: ArcSight Common Event Format, for `file` and `syslog`.
    #[serde(default)]
    pub format: SinkFormat,
    /// The file. A relative path counts from the configuration file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    /// The log server: `host:port`, for instance `logs.internal:6514`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// The webhook's address; `https`, or `http` to this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The file with the webhook's key, `whsec_…`; one on each line while the receiver changes to another. A relative path
    /// counts from the configuration file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_file: Option<PathBuf>,
    /// Certificates in PEM form of authorities that are believed beside those of the machine. A relative path counts from
    /// the configuration file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// How long one batch may take. Between 1 second and 1 minute.
    #[serde(default = "ten_seconds")]
    pub timeout: Period,
    /// Whether a new sink begins with the oldest record there is, not with the next one.
    #[serde(default)]
    pub from_start: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SinkKind {
    File,
    Syslog,
    Webhook,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SinkFormat {
    Cef,
    #[default]
    Ocsf,
}

/// Everything wrong with the sinks; paths are relative to the table `sinks`.
#[must_use]
pub fn sink_problems(sinks: &BTreeMap<String, SinkSettings>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (name, sink) in sinks {
        let is_name = (1..=32).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if !is_name {
            // It names a file, too.
            let problem = Problem::new("", "a sink has an unusable name");
            problems.push(problem.hint("1 to 32 lower-case letters, digits and `-`"));
            continue;
        }
        problems.extend(sink.problems().into_iter().map(|problem| problem.under(name)));
        let same = |(other, theirs): &(&String, &SinkSettings)| *other < name && theirs.path == sink.path;
        if sink.path.is_some() && sinks.iter().any(|other| same(&other)) {
            problems.push(Problem::new("path", "is another sink's file, too").under(name));
        }
    }
    problems
}

impl SinkSettings {
    fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let given = [
            ("path", self.path.is_some(), SinkKind::File),
            ("server", self.server.is_some(), SinkKind::Syslog),
            ("url", self.url.is_some(), SinkKind::Webhook),
            ("secret_file", self.secret_file.is_some(), SinkKind::Webhook),
        ];
        for (key, is_there, kind) in given {
            match (is_there, kind == self.kind) {
                (false, true) => problems.push(Problem::new(key, "is missing")),
                (true, false) => problems.push(Problem::new(key, "means nothing for a sink of this type")),
                _ => {}
            }
        }
        if self.ca_file.is_some() && self.kind == SinkKind::File {
            problems.push(Problem::new("ca_file", "means nothing for a sink of this type"));
        }
        if self.format == SinkFormat::Cef && self.kind == SinkKind::Webhook {
            problems.push(Problem::new("format", "webhooks carry OCSF").hint("leave `format` out"));
        }
        if let Some(server) = &self.server
            && let Err(refusal) = Authority::parse(server)
        {
            let problem = Problem::new("server", format!("is no `host:port`: {refusal}"));
            problems.push(problem.hint("for instance `logs.internal:6514`"));
        }
        if let Some(url) = &self.url {
            match Target::parse(url) {
                Err(refusal) => problems.push(Problem::new("url", format!("cannot be used: {refusal}"))),
                Ok(target) if target.scheme == Scheme::Http && !is_this_machine(&target.authority.host) => {
                    let problem = Problem::new("url", "sends records over the network unsecured");
                    problems.push(problem.hint("`https`; `http` only to this machine"));
                }
                Ok(_) => {}
            }
        }
        let (least, most) = (Period::from_secs(1), Period::from_secs(60));
        if !(least..=most).contains(&self.timeout) {
            let reason = format!("`{}` is not between {least} and {most}", self.timeout);
            problems.push(Problem::new("timeout", reason));
        }
        problems
    }

    /// Whom it reaches: `host:port`.
    pub(super) fn authority(&self) -> String {
        let target = self.url.as_deref().and_then(|url| Target::parse(url).ok());
        let server = || self.server.clone().unwrap_or_default();
        target.map_or_else(server, |target| target.authority.to_string())
    }
}

impl SinkFormat {
    pub(super) fn line(self, source: &Source<'_>, record: &Record) -> String {
        match self {
            Self::Cef => cef::line(source, record.position.0, &record.event),
            Self::Ocsf => ocsf::line(source, record.position.0, &record.event),
        }
    }
}

pub(crate) fn is_this_machine(host: &Host) -> bool {
    match host {
        Host::Address(address) => address.is_loopback(),
        Host::Name(name) => name == "localhost",
    }
}

const fn ten_seconds() -> Period {
    Period::from_secs(10)
}
