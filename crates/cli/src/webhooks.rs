//! The secrets of webhooks' senders: read where the configuration says they are.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use gabion_checks::webhook::{SecretFrom, SenderSettings, Senders};
use gabion_model::{Problem, Secret};

use crate::config::Config;

/// All senders of a configuration, with their keys.
///
/// # Errors
/// Every secret that is not there, or is none.
pub(crate) fn senders(config: &Config) -> Result<Senders, Vec<Problem>> {
    Senders::read(&config.webhooks, secret)
}

/// One sender alone, for commands: the others' secrets may not be on this machine.
pub(crate) fn sender(name: &str, settings: &SenderSettings) -> Result<Senders, Vec<Problem>> {
    Senders::read(&BTreeMap::from([(name.to_owned(), settings.clone())]), secret)
}

/// The first line of a file, or a variable.
fn secret(from: &SecretFrom) -> Result<Secret<String>, String> {
    match (&from.file, &from.env) {
        (Some(path), None) => first_line(path),
        (None, Some(name)) => match std::env::vars_os().find(|(key, _)| key == name.as_str()) {
            Some((_, value)) if !value.is_empty() => {
                value.into_string().map(Secret::new).map_err(|_| format!("the value of `{name}` is not text"))
            }
            _ => Err(format!("the environment variable `{name}` is not set")),
        },
        _ => Err("needs either `file` or `env`".to_owned()),
    }
}

fn first_line(path: &Path) -> Result<Secret<String>, String> {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(LONGEST).read_to_string(&mut text));
    let text = Secret::new(text);
    match read {
        Err(error) => Err(format!("cannot read `{}`: {error}", path.display())),
        Ok(_) => match text.expose().lines().next().map(str::trim_end) {
            Some(line) if !line.is_empty() => Ok(Secret::new(line.to_owned())),
            _ => Err(format!("the first line of `{}` is empty", path.display())),
        },
    }
}

const LONGEST: u64 = 4096;
