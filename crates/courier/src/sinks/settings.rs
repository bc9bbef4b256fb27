//! The tables `[sinks.NAME]` of the configuration.

use std::collections::BTreeMap;
use std::path::PathBuf;

use gabion_egress::{Authority, Host, Scheme, Target};
use gabion_ledger::Record;
use gabion_model::{Period, Problem, Severity};
use gabion_telemetry::{Source, cef, ocsf};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `[sinks.NAME]`: where the ledger's records go besides, in order and at least once each.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SinkSettings {
    /// `file`: one line a record at the end of `path`. `syslog`: a log server by TLS (RFC 5425). `webhook`: batches as
    /// signed messages (Standard Webhooks) to `url`. `otlp`: log records to a collector (OTLP/HTTP) at `url`. `elasticsearch`:
    /// documents into the data stream `index` of Elasticsearch or OpenSearch at `url`. `sentry`: events to the project whose DSN
    /// is in `secret_file`.
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
    /// The address of a webhook, of a collector (with its path, for instance `https://collector:4318/v1/logs`), or of a search
    /// cluster; `https`, or `http` to this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The file with the webhook's key, `whsec_…`, one on each line while the receiver changes to another; with Sentry's DSN; or
    /// with the credential that `auth` names, on one line. Read again with each reload. A relative path counts from the
    /// configuration file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_file: Option<PathBuf>,
    /// Certificates in PEM form of authorities that are believed beside those of the machine. A relative path counts from
    /// the configuration file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// How the credential of `secret_file` is sent to a collector or a search cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth: Option<SinkAuth>,
    /// The header field that carries the credential, for `auth = "header"`: for instance `dd-api-key`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// The data stream, for instance `logs-gabion-default`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<String>,
    /// How log records are written for a collector.
    #[serde(default)]
    pub encoding: SinkEncoding,
    /// Whether requests to a collector or a search cluster are packed.
    #[serde(default)]
    pub gzip: bool,
    /// The least severity that becomes an event in Sentry; `medium` unless it is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<SinkSeverity>,
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
    Elasticsearch,
    File,
    Otlp,
    Sentry,
    Syslog,
    Webhook,
}

/// How a credential is sent. Alphabetical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SinkAuth {
    /// `Authorization: ApiKey …`, as Elasticsearch takes its encoded API keys.
    ApiKey,
    /// `Authorization: Basic …`; the file holds `user:password`.
    Basic,
    /// `Authorization: Bearer …`.
    Bearer,
    /// As it is, in the field `header`.
    Header,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SinkEncoding {
    Json,
    #[default]
    Protobuf,
}

/// Least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SinkSeverity {
    Informational,
    Low,
    Medium,
    High,
    Critical,
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
        use SinkKind::{Elasticsearch, File, Otlp, Sentry, Syslog, Webhook};
        let by_http = [Elasticsearch, Otlp];
        let credential = self.auth.is_some() && by_http.contains(&self.kind);
        let asked = |kind: bool| if kind { Some(true) } else { None };
        // Whether a key is there, and whether it has to be; none where it means nothing.
        let keys = [
            ("path", self.path.is_some(), asked(self.kind == File)),
            ("server", self.server.is_some(), asked(self.kind == Syslog)),
            ("url", self.url.is_some(), asked([Elasticsearch, Otlp, Webhook].contains(&self.kind))),
            (
                "secret_file",
                self.secret_file.is_some(),
                asked(credential || [Sentry, Webhook].contains(&self.kind)),
            ),
            ("index", self.index.is_some(), asked(self.kind == Elasticsearch)),
            ("header", self.header.is_some(), asked(credential && self.auth == Some(SinkAuth::Header))),
            ("auth", self.auth.is_some(), by_http.contains(&self.kind).then_some(false)),
            ("severity", self.severity.is_some(), (self.kind == Sentry).then_some(false)),
            ("ca_file", self.ca_file.is_some(), (self.kind != File).then_some(false)),
            ("gzip", self.gzip, by_http.contains(&self.kind).then_some(false)),
            ("encoding", self.encoding != SinkEncoding::default(), (self.kind == Otlp).then_some(false)),
        ];
        for (key, is_there, is_asked) in keys {
            match (is_there, is_asked) {
                (false, Some(true)) => problems.push(Problem::new(key, "is missing")),
                (true, None) if key == "secret_file" && by_http.contains(&self.kind) => {
                    problems.push(
                        Problem::new(key, "is not sent without `auth`")
                            .hint("for instance `auth = \"bearer\"`"),
                    );
                }
                (true, None) => problems.push(Problem::new(key, "means nothing for a sink of this type")),
                _ => {}
            }
        }
        if self.format == SinkFormat::Cef && ![File, Syslog].contains(&self.kind) {
            problems.push(
                Problem::new("format", "only files and log servers take CEF").hint("leave `format` out"),
            );
        }
        if let Some(index) = &self.index
            && !is_index(index)
        {
            let problem = Problem::new("index", "is no name of a data stream");
            problems
                .push(problem.hint(
                    "lower-case letters, digits, `-`, `_` and `.`, for instance `logs-gabion-default`",
                ));
        }
        if let Some(header) = &self.header
            && !is_field(header)
        {
            let problem = Problem::new("header", "is no field that can carry a credential");
            problems.push(problem.hint("for instance `dd-api-key`"));
        }
        if self.kind == Elasticsearch && self.url.as_deref().is_some_and(|url| url.contains(['?', '#'])) {
            problems.push(Problem::new("url", "has a query").hint("the cluster's address alone"));
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

    /// The least severity that is sent, where not everything is.
    pub(super) fn least(&self) -> Severity {
        match self.severity.unwrap_or(SinkSeverity::Medium) {
            SinkSeverity::Informational => Severity::Informational,
            SinkSeverity::Low => Severity::Low,
            SinkSeverity::Medium => Severity::Medium,
            SinkSeverity::High => Severity::High,
            SinkSeverity::Critical => Severity::Critical,
        }
    }

    /// Whether it depends on files, which may have changed though the settings have not.
    pub(super) const fn reads_files(&self) -> bool {
        self.secret_file.is_some() || self.ca_file.is_some()
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

fn is_index(name: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
    (1..=100).contains(&name.len())
        && name.bytes().all(is_part)
        && name.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric())
}

/// A field name (RFC 9110, 5.1) that says nothing about the message itself.
fn is_field(name: &str) -> bool {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    let taken = [
        "content-type",
        "content-encoding",
        "content-length",
        "connection",
        "host",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
        "accept-encoding",
        "expect",
        "proxy-authorization",
    ];
    (1..=64).contains(&name.len())
        && name.bytes().all(is_token)
        && !taken.iter().any(|own| name.eq_ignore_ascii_case(own))
}

const fn ten_seconds() -> Period {
    Period::from_secs(10)
}
