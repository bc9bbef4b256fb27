//! `gabion respond`.

use gabion_service::respond::{Action, Measure, Origin, State};

use super::{block_on, for_data};
use crate::arguments::{ConfigFile, Format, MeasureId, Respond as Verb};
use crate::control::door::Door;
use crate::control::operation::{Reply, Request};
use crate::control::response::ResponseRequest;
use crate::failure::{Exit, Failure};
use crate::output::table::{Cell, styled, table};
use crate::output::{self, BAD, FAINT, GOOD, PLACE, STRONG, WARN};

pub(super) fn run(verb: Verb) -> Result<Exit, Failure> {
    match verb {
        Verb::List(arguments) => {
            let measures = ask(&arguments.config, ResponseRequest::Measures { all: arguments.all })?;
            output::value(arguments.output.format, &measures, || listed(&measures))?;
            if measures.is_empty() {
                output::note(format_args!("{FAINT}nothing is in force, and nothing waits{FAINT:#}"));
            }
            Ok(Exit::Success)
        }
        Verb::Show(arguments) => one(&arguments, ResponseRequest::Measure { id: arguments.id }, ""),
        Verb::Undo(arguments) => one(&arguments, ResponseRequest::Undo { id: arguments.id }, "undone"),
        Verb::Approve(arguments) => one(&arguments, ResponseRequest::Approve { id: arguments.id }, "taken"),
        Verb::Block(arguments) => {
            let action = match arguments.address.contains('/') {
                true => Action::BlockNetwork,
                false => Action::BlockAddress,
            };
            let request = ResponseRequest::Take {
                action,
                target: arguments.address,
                life: arguments.life,
                reason: arguments.reason,
            };
            said(&ask(&arguments.config, request)?, arguments.output.format, "blocked")
        }
        Verb::Unblock(arguments) => {
            let undone = ask(&arguments.config, ResponseRequest::Lift { target: arguments.address })?;
            said(&undone, arguments.output.format, "unblocked")
        }
        Verb::Take(arguments) => {
            let known = Action::ALL.iter().find(|action| action.as_str() == arguments.action);
            let Some(action) = known.copied() else {
                let all: Vec<_> = Action::ALL.iter().map(|action| action.as_str()).collect();
                return Err(Failure::usage(format!("there is no action `{}`", arguments.action))
                    .hint(format!("one of {}", all.join(", "))));
            };
            let request = ResponseRequest::Take {
                action,
                target: arguments.target,
                life: arguments.life,
                reason: arguments.reason,
            };
            said(&ask(&arguments.config, request)?, arguments.output.format, "taken")
        }
        Verb::Export(arguments) => {
            let blocks = ask(&arguments.config, ResponseRequest::Blocks)?;
            match arguments.output.format {
                Format::Json => output::json(&blocks)?,
                Format::Text => {
                    for block in &blocks {
                        output::data(&block.target)?;
                    }
                }
            }
            Ok(Exit::Success)
        }
    }
}

fn one(arguments: &MeasureId, request: ResponseRequest, done: &str) -> Result<Exit, Failure> {
    let measures = ask(&arguments.config, request)?;
    if done.is_empty() {
        for measure in &measures {
            output::value(arguments.output.format, measure, || shown(measure))?;
        }
        return Ok(Exit::Success);
    }
    said(&measures, arguments.output.format, done)
}

fn said(measures: &[Measure], format: Format, done: &str) -> Result<Exit, Failure> {
    for measure in measures {
        output::value(format, measure, || {
            let until = if done == "undone" || done == "unblocked" {
                String::new()
            } else {
                format!(" until {}", minute(&measure.until.to_string()))
            };
            format!(
                "{GOOD}{done}{GOOD:#} {STRONG}{}{STRONG:#} ({}, measure {}){until}",
                measure.target,
                measure.action.as_str(),
                measure.id
            )
        })?;
    }
    Ok(Exit::Success)
}

fn ask(file: &ConfigFile, response: ResponseRequest) -> Result<Vec<Measure>, Failure> {
    let config = for_data(file)?.config;
    let mut measures = Vec::new();
    block_on(async {
        Door::open(&config, false)
            .await?
            .ask(Request::Response { response }, |reply| {
                if let Reply::Measure(measure) = reply {
                    measures.push(*measure);
                }
                Ok(())
            })
            .await
    })?;
    Ok(measures)
}

fn listed(measures: &[Measure]) -> String {
    let rows: Vec<Vec<Cell>> = measures
        .iter()
        .map(|measure| {
            vec![
                styled(measure.id.to_string(), STRONG),
                styled(measure.state.as_str(), look(measure.state)),
                measure.action.as_str().into(),
                measure.target.to_string().into(),
                minute(&measure.until.to_string()).into(),
                by(&measure.origin).into(),
            ]
        })
        .collect();
    table(&["id", "state", "action", "target", "until", "by"], &rows)
}

fn shown(measure: &Measure) -> String {
    let look = look(measure.state);
    let mut text = format!(
        "{STRONG}{}{STRONG:#} {PLACE}{}{PLACE:#}  {look}{}{look:#}\n",
        measure.action.as_str(),
        measure.target,
        measure.state.as_str()
    );
    let mut add = |name: &str, value: &str| text.push_str(&format!("  {name:<10} {value}\n"));
    add("measure", &measure.id.to_string());
    add("from", &measure.from.to_string());
    add("until", &measure.until.to_string());
    add("by", &by(&measure.origin));
    if let Origin::Rule { alert, .. } = &measure.origin {
        add("alert", &format!("record {alert}"));
    }
    add("reason", &measure.reason);
    if let Some(name) = &measure.approved_by {
        add("approved", name);
    }
    if let Some(ended) = &measure.ended {
        add("ended", &format!("{} by {}", ended.at, ended.by));
    }
    text.trim_end().to_owned()
}

fn by(origin: &Origin) -> String {
    match origin {
        Origin::Hand { by } => by.clone(),
        Origin::Rule { rule, .. } => format!("rule {rule}"),
    }
}

const fn look(state: State) -> anstyle::Style {
    match state {
        State::Active => BAD,
        State::DryRun | State::Expired | State::Undone => FAINT,
        State::Pending => WARN,
    }
}

fn minute(text: &str) -> String {
    text.get(..16).unwrap_or(text).replace('T', " ")
}
