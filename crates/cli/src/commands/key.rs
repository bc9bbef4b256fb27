//! `gabion key`.

use super::{block_on, for_data};
use crate::arguments::{ConfigFile, Format, Key as Verb};
use crate::control::door::Door;
use crate::control::operation::{Key, KeyState, Reply, Request};
use crate::failure::{Exit, Failure};
use crate::output::table::{Cell, styled, table};
use crate::output::{self, FAINT, GOOD, STRONG, WARN};

pub(super) fn run(verb: Verb) -> Result<Exit, Failure> {
    match verb {
        Verb::List(arguments) => {
            let keys = ask(&arguments.config, Request::KeyList)?;
            output::value(arguments.output.format, &keys, || show(&keys))?;
        }
        Verb::Rotate(arguments) => {
            let request = Request::KeyRotate { algorithm: arguments.algorithm };
            let keys = ask(&arguments.config, request)?;
            output::value(arguments.output.format, &keys, || show(&keys))?;
            if arguments.output.format == Format::Text {
                output::note(format_args!(
                    "{FAINT}Published now; each signs from the time shown, once everybody who keeps the published keys has it.{FAINT:#}"
                ));
            }
        }
        Verb::Revoke(arguments) => {
            let kid = arguments.kid;
            ask(&arguments.config, Request::KeyRevoke { kid: kid.clone() })?;
            output::note(format_args!(
                "{GOOD}revoked{GOOD:#} {STRONG}{kid}{STRONG:#}; nothing it signed is believed any more"
            ));
        }
    }
    Ok(Exit::Success)
}

fn ask(file: &ConfigFile, request: Request) -> Result<Vec<Key>, Failure> {
    let config = for_data(file)?.config;
    let mut keys = Vec::new();
    block_on(async {
        Door::open(&config, false)
            .await?
            .ask(request, |reply| {
                if let Reply::Key(key) = reply {
                    keys.push(key);
                }
                Ok(())
            })
            .await
    })?;
    Ok(keys)
}

fn show(keys: &[Key]) -> String {
    let minute = |text: &str| text.get(..16).unwrap_or(text).replace('T', " ");
    let rows: Vec<Vec<Cell>> = keys
        .iter()
        .map(|key| {
            let (word, look) = match key.state {
                KeyState::Active => ("signs", GOOD),
                KeyState::Next => ("announced", WARN),
                KeyState::Retired => ("retired", FAINT),
            };
            vec![
                styled(key.kid.clone(), STRONG),
                key.algorithm.to_string().into(),
                styled(word.to_owned(), look),
                minute(&key.active).into(),
                key.expires.as_deref().map(minute).unwrap_or_default().into(),
            ]
        })
        .collect();
    table(&["key", "algorithm", "state", "signs from", "published until"], &rows)
}
