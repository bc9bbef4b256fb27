//! The table `[traces]` of the configuration.

use std::path::PathBuf;

use gabion_model::{Period, Problem};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::sinks::{SinkAuth, SinkEncoding, SinkKind, SinkSettings, sink_problems};

/// `[traces]`: what becomes of requests, as spans for a collector (OpenTelemetry). Off while there is no `url`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TraceSettings {
    /// The collector's address for traces (OTLP/HTTP), for instance `https://collector:4318/v1/traces`; `https`, or `http` to
    /// this machine.
    pub url: Option<String>,
    /// How spans are written.
    pub encoding: SinkEncoding,
    /// How the credential of `secret_file` is sent.
    pub auth: Option<SinkAuth>,
    /// The header field that carries the credential, for `auth = "header"`.
    pub header: Option<String>,
    /// The file with the credential, on one line. A relative path counts from the configuration file.
    pub secret_file: Option<PathBuf>,
    /// Certificates in PEM form of authorities that are believed beside those of the machine. A relative path counts from
    /// the configuration file.
    pub ca_file: Option<PathBuf>,
    /// Whether requests to the collector are packed.
    pub gzip: bool,
    /// How long one batch may take. Between 1 second and 1 minute.
    pub timeout: Period,
    /// What share of the traces that begin here is recorded: from `0.0` to `1.0`. A trace that is continued is recorded when its
    /// beginning is.
    pub ratio: f64,
    /// Whose traces are continued: networks of proxies and services in front of the gate, by the address that connects. Everybody
    /// else's trace begins here, whatever they say.
    pub continue_from: Vec<String>,
    /// The gate's `service.name`.
    pub service: String,
}

impl Default for TraceSettings {
    fn default() -> Self {
        Self {
            url: None,
            encoding: SinkEncoding::default(),
            auth: None,
            header: None,
            secret_file: None,
            ca_file: None,
            gzip: false,
            timeout: Period::from_secs(10),
            ratio: 1.0,
            continue_from: Vec::new(),
            service: "gabion".to_owned(),
        }
    }
}

impl TraceSettings {
    /// Everything wrong with these values, but for the networks; paths are relative to the table.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.url.is_some() {
            let own = [("traces".to_owned(), self.as_sink())].into();
            let found = sink_problems(&own).into_iter();
            problems.extend(found.map(|problem| Problem {
                path: problem.path.strip_prefix("traces.").unwrap_or(&problem.path).to_owned(),
                ..problem
            }));
        } else if *self != Self::default() {
            problems.push(Problem::new("url", "is missing").hint("without it nothing is traced"));
        }
        if !(0.0..=1.0).contains(&self.ratio) {
            problems.push(Problem::new("ratio", "is not between 0 and 1").hint("for instance `0.05`"));
        }
        if self.service.is_empty() || self.service.len() > 100 {
            problems.push(
                Problem::new("service", "is not between 1 and 100 bytes").hint("for instance `gabion`"),
            );
        }
        problems
    }

    /// What the two have in common.
    pub(super) fn as_sink(&self) -> SinkSettings {
        SinkSettings {
            kind: SinkKind::Otlp,
            format: crate::SinkFormat::default(),
            path: None,
            server: None,
            url: self.url.clone(),
            secret_file: self.secret_file.clone(),
            ca_file: self.ca_file.clone(),
            auth: self.auth,
            header: self.header.clone(),
            index: None,
            encoding: self.encoding,
            gzip: self.gzip,
            severity: None,
            timeout: self.timeout,
            from_start: false,
        }
    }
}
