//! How a command ends when it does not end well: what happened, why, and the way out.

use std::error::Error;
use std::fmt;
use std::process::ExitCode;

use crate::config::load::{LoadError, Wrong};

/// The exit codes. They are documented in `gabion --help`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Success = 0,
    /// It was tried and did not work, or what was examined is not in order.
    Failed = 1,
    /// The command line or the configuration is wrong; nothing was started.
    Usage = 2,
    /// Another gate holds the data directory.
    Busy = 3,
    /// What was planned is not so yet.
    Changes = 4,
    /// Nothing is wrong in what was examined, but not all of it could be. Ends with 3.
    Incomplete = 5,
}

/// Why a command failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Whoever read the output has gone: no failure at all.
    BrokenPipe,
    /// The configuration is wrong; each fault is shown where it was written.
    Configuration {
        wrong: Box<Wrong>,
        consequence: Option<&'static str>,
    },
    Told(Box<Told>),
}

/// A failure in words.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) exit: Exit,
    pub(crate) message: String,
    pub(crate) causes: Vec<String>,
    pub(crate) hint: Option<String>,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Incomplete => 3,
            exit => exit as u8,
        })
    }
}

impl Failure {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self::Told(Box::new(Told {
            exit: Exit::Failed,
            message: message.into(),
            causes: Vec::new(),
            hint: None,
        }))
    }

    /// The command line or the configuration is wrong.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(message).exit(Exit::Usage)
    }

    pub(crate) fn exit(mut self, exit: Exit) -> Self {
        if let Self::Told(told) = &mut self {
            told.exit = exit;
        }
        self
    }

    /// What came of a wrong configuration, for instance `nothing was started`; `None` where nothing could.
    pub(crate) fn consequence(mut self, words: Option<&'static str>) -> Self {
        if let Self::Configuration { consequence, .. } = &mut self {
            *consequence = words;
        }
        self
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        if let Self::Told(told) = &mut self {
            told.hint = Some(hint.into());
        }
        self
    }

    /// Adds a cause in words.
    pub(crate) fn because_text(mut self, cause: impl Into<String>) -> Self {
        if let Self::Told(told) = &mut self {
            told.causes.push(cause.into());
        }
        self
    }

    /// Adds an error and what caused it, without repeating what was said already.
    pub(crate) fn because(mut self, error: &(dyn Error + 'static)) -> Self {
        if let Self::Told(told) = &mut self {
            let mut next = Some(error);
            while let Some(error) = next {
                let text = error.to_string();
                let said = |earlier: &String| earlier.contains(&text);
                if !said(&told.message) && !told.causes.iter().any(said) {
                    told.causes.push(text);
                }
                next = error.source();
            }
        }
        self
    }
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Wrong(wrong) => {
                Self::Configuration { wrong, consequence: Some("nothing was changed") }
            }
            LoadError::Identity { path, source } => Self::usage(format!(
                "cannot read the identity file `{}`",
                path.display()
            ))
            .because(&source)
            .hint("`identity.file` names it; without that, `identity.toml` beside the configuration is used"),
            LoadError::Unreadable { path, source } if source.kind() == std::io::ErrorKind::NotFound => {
                Self::usage(format!("there is no configuration at `{}`", path.display()))
                    .hint("`gabion init` writes one; `--config FILE` names another place")
            }
            LoadError::Unreadable { path, source } => {
                Self::usage(format!("cannot read the configuration `{}`", path.display())).because(&source)
            }
        }
    }
}

/// Of writing output.
impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Self::BrokenPipe;
        }
        Self::new("cannot write the output").because(&error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BrokenPipe => formatter.write_str("the reader has gone"),
            Self::Configuration { wrong, .. } => match wrong.diagnostics.len() {
                1 => formatter.write_str("one error in the configuration"),
                count => write!(formatter, "{count} errors in the configuration"),
            },
            Self::Told(told) => formatter.write_str(&told.message),
        }
    }
}
