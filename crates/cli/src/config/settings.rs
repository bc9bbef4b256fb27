//! The settings that belong to the program itself: where its data lies and what it says.

use std::path::PathBuf;

use gabion_model::Problem;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where Gabion keeps what it must remember.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Data {
    /// The data directory: accounts, sessions, the ledger, keys. Made at the first start, readable by its
    /// owner only, used by one gate at a time. A relative path counts from the configuration file.
    pub(crate) directory: PathBuf,
}

/// Groups, people, service accounts and applications that a file declares.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Identity {
    /// The file. At every start and reload everything is made as it says. A relative path counts from the
    /// configuration file; when not set, `identity.toml` beside the configuration file is used, if it is there.
    pub(crate) file: Option<PathBuf>,
    /// At a start or a reload, also remove what an earlier file made and this one names no more. Never the
    /// last administrator, and never what the file did not make.
    pub(crate) prune: bool,
}

/// What the program says while it runs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Log {
    /// How log lines look: `text` for people, `json` for machines. They go to standard error.
    pub(crate) format: LogFormat,
    /// The least important lines to write: `error`, `warn`, `info`, `debug`, `trace` or `off`.
    pub(crate) level: LogLevel,
    /// Where one line per answered request goes: nowhere, to standard error, or to `access_file`.
    pub(crate) access: AccessLog,
    /// The file of the access log. A relative path counts from the configuration file.
    pub(crate) access_file: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LogFormat {
    #[default]
    Text,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LogLevel {
    Off,
    Error,
    Warn,
    #[default]
    Info,
    Debug,
    Trace,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AccessLog {
    #[default]
    Off,
    Stderr,
    File,
}

impl Default for Data {
    fn default() -> Self {
        Self { directory: PathBuf::from("gabion-data") }
    }
}

impl Data {
    pub(crate) fn problems(&self) -> Vec<Problem> {
        if self.directory.as_os_str().is_empty() {
            let problem = Problem::new("directory", "is empty");
            return vec![problem.hint("for instance `directory = \"gabion-data\"`")];
        }
        Vec::new()
    }
}

impl Identity {
    /// Where the file is looked for, beside the configuration, when no other is named.
    pub(crate) const USUAL: &str = "identity.toml";

    pub(crate) fn problems(&self) -> Vec<Problem> {
        match &self.file {
            Some(path) if path.as_os_str().is_empty() => {
                let problem = Problem::new("file", "is empty");
                vec![problem.hint("remove it, or name a file")]
            }
            _ => Vec::new(),
        }
    }
}

impl Log {
    pub(crate) fn problems(&self) -> Vec<Problem> {
        match (self.access, &self.access_file) {
            (AccessLog::File, None) => {
                let problem = Problem::new("access", "`file` needs to know which file");
                vec![problem.hint("add `access_file = \"access.log\"`")]
            }
            (AccessLog::Off | AccessLog::Stderr, Some(_)) => {
                let problem =
                    Problem::new("access_file", "is not written to: the access log does not go to a file");
                vec![problem.hint("set `access = \"file\"`, or remove `access_file`")]
            }
            _ => Vec::new(),
        }
    }
}
