//! `gabion doctor`: what is wrong with this installation, and the way out.

mod certificate;
mod machine;
mod network;
mod outbound;
mod policy;
mod record;

use serde::Serialize;

use super::{block_on, sources};
use crate::arguments;
use crate::config::load::Wrong;
use crate::config::{Config, LoadError, warnings};
use crate::control::door;
use crate::failure::{Exit, Failure};
use crate::output::{self, BAD, FAINT, GOOD, PLACE, STRONG, WARN};

/// One examined thing.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Finding {
    what: String,
    state: State,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Ok,
    Warn,
    Fail,
}

impl Finding {
    fn ok(what: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { what: what.into(), state: State::Ok, detail: detail.into(), hint: None }
    }

    fn warn(what: impl Into<String>, detail: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { what: what.into(), state: State::Warn, detail: detail.into(), hint: Some(hint.into()) }
    }

    fn fail(what: impl Into<String>, detail: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { what: what.into(), state: State::Fail, detail: detail.into(), hint: Some(hint.into()) }
    }
}

pub(super) fn run(arguments: &arguments::Doctor) -> Result<Exit, Failure> {
    let mut sources = sources(&arguments.config);
    sources.whole = true;
    let mut findings = Vec::new();
    let file = arguments.config.config.display();
    match sources.load() {
        Ok(loaded) => {
            findings.push(Finding::ok("configuration", format!("`{file}` is right")));
            findings.extend(warnings::of(&loaded.config).into_iter().map(|warning| {
                Finding::warn("configuration", warning.reason, warning.hint.unwrap_or_default())
            }));
            findings.extend(block_on(async { Ok(examine(&loaded.config).await) })?);
        }
        Err(LoadError::Unreadable { source, .. }) => findings.push(Finding::fail(
            "configuration",
            format!("`{file}` cannot be read: {source}"),
            "`gabion init` writes one; `--config FILE` names another place",
        )),
        Err(LoadError::Identity { path, source }) => findings.push(Finding::fail(
            "configuration",
            format!("the identity file `{}` cannot be read: {source}", path.display()),
            "`identity.file` names it",
        )),
        Err(LoadError::Wrong(wrong)) => {
            let count = wrong.diagnostics.len();
            let errors = if count == 1 { "error" } else { "errors" };
            findings.push(Finding::fail(
                "configuration",
                format!("{count} {errors} in `{}`; nothing else can be examined", in_file(&wrong, &file)),
                format!("`gabion config check {file}` shows them"),
            ));
        }
    }
    output::value(arguments.output.format, &findings, || text(&findings))?;
    let failed = findings.iter().any(|finding| finding.state == State::Fail);
    Ok(if failed { Exit::Failed } else { Exit::Success })
}

/// The configuration, or the identity file beside it.
fn in_file(wrong: &Wrong, file: &impl ToString) -> String {
    wrong.source.as_ref().map_or_else(|| file.to_string(), |source| source.name.clone())
}

async fn examine(config: &Config) -> Vec<Finding> {
    let mut findings = machine::directory(&config.data.directory);
    let runs = door::gate_runs(&config.data.directory).await;
    findings.push(network::gate(config, runs));
    findings.extend(network::upstreams(config));
    findings.extend(record::examine(config, runs).await);
    findings.extend(policy::examine(config).await);
    findings.extend(certificate::examine(config));
    findings.push(outbound::mail(config).await);
    findings.extend(outbound::egress(config).await);
    findings.extend(machine::clock());
    findings.extend(machine::space(&config.data.directory));
    findings.extend(machine::open_files(config));
    findings
}

fn text(findings: &[Finding]) -> String {
    let width = findings.iter().map(|finding| finding.what.chars().count()).max().unwrap_or_default();
    let mut out = String::new();
    for finding in findings {
        let (word, look) = match finding.state {
            State::Ok => ("ok  ", GOOD),
            State::Warn => ("warn", WARN),
            State::Fail => ("fail", BAD),
        };
        out.push_str(&format!(
            "{look}{word}{look:#}  {STRONG}{:width$}{STRONG:#}  {}\n",
            finding.what, finding.detail
        ));
        if let Some(hint) = &finding.hint {
            out.push_str(&format!("      {:width$}  {FAINT}\u{2192}{FAINT:#} {PLACE}{hint}{PLACE:#}\n", ""));
        }
    }
    out
}
