//! `gabion errors`: what goes wrong behind the gate.

use gabion_model::Timestamp;
use gabion_service::{FaultGroup, FaultState};

use super::{block_on, for_data};
use crate::arguments::{ConfigFile, ErrorsVerb};
use crate::control::door::Door;
use crate::control::errors::ErrorsRequest;
use crate::control::operation::{Reply, Request};
use crate::failure::{Exit, Failure};
use crate::output::table::{Cell, styled, table};
use crate::output::{self, FAINT, GOOD, STRONG, WARN};

pub(super) fn run(verb: ErrorsVerb) -> Result<Exit, Failure> {
    match verb {
        ErrorsVerb::List(arguments) => {
            let mut groups = ask(&arguments.config, ErrorsRequest::List)?;
            groups.retain(|group| arguments.all || group.state == FaultState::Open);
            output::value(arguments.output.format, &groups, || list(&groups))?;
            if groups.is_empty() {
                output::note(format_args!("{FAINT}nothing goes wrong, as far as the gate sees it{FAINT:#}"));
            }
        }
        ErrorsVerb::Show(arguments) => {
            let groups = ask(&arguments.config, ErrorsRequest::Show { fingerprint: arguments.fingerprint })?;
            let Some(group) = groups.first() else { return Err(Failure::new("the gate answered nothing")) };
            output::value(arguments.output.format, group, || show(group))?;
        }
        ErrorsVerb::Resolve(arguments) => {
            let request = ErrorsRequest::Resolve { fingerprint: arguments.fingerprint };
            let groups = ask(&arguments.config, request)?;
            let Some(group) = groups.first() else { return Err(Failure::new("the gate answered nothing")) };
            output::note(format_args!(
                "{GOOD}resolved{GOOD:#} {STRONG}{}{STRONG:#}; seen again, it is a regression",
                group.title
            ));
        }
    }
    Ok(Exit::Success)
}

fn ask(file: &ConfigFile, request: ErrorsRequest) -> Result<Vec<FaultGroup>, Failure> {
    let request = Request::Errors { errors: request };
    let config = for_data(file)?.config;
    let mut groups = Vec::new();
    block_on(async {
        Door::open(&config, false)
            .await?
            .ask(request, |reply| {
                if let Reply::Error(group) = reply {
                    groups.push(*group);
                }
                Ok(())
            })
            .await
    })?;
    Ok(groups)
}

fn list(groups: &[FaultGroup]) -> String {
    let row = |group: &FaultGroup| -> Vec<Cell> {
        let state = match (group.state, group.regressions) {
            (FaultState::Resolved, _) => styled("resolved".to_owned(), GOOD),
            (FaultState::Open, 0) => "open".to_owned().into(),
            (FaultState::Open, _) => styled("regressed".to_owned(), WARN),
        };
        vec![
            styled(group.fingerprint.chars().take(12).collect::<String>(), STRONG),
            group.count.to_string().into(),
            minute(group.first).into(),
            minute(group.last).into(),
            state,
            group.last_release.clone().unwrap_or_else(|| "-".to_owned()).into(),
            group.title.clone().into(),
        ]
    };
    let rows: Vec<_> = groups.iter().map(row).collect();
    table(&["group", "count", "first", "last", "state", "release", "what"], &rows)
}

fn show(group: &FaultGroup) -> String {
    let state = match group.state {
        FaultState::Open => "open",
        FaultState::Resolved => "resolved",
    };
    let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let status = if group.status == 0 { "-".to_owned() } else { group.status.to_string() };
    let mut rows = vec![
        ("group", group.fingerprint.clone()),
        ("what", group.title.clone()),
        ("state", state.to_owned()),
        ("route", group.route.clone()),
        ("method", group.method.clone()),
        ("status", status),
        ("upstream", group.upstream.clone()),
        ("refused by", or_none(&group.cause)),
        ("exception", or_none(&group.exception)),
        ("first", group.first.to_string()),
        ("last", group.last.to_string()),
        ("count", group.count.to_string()),
        ("releases", format!("{} to {}", or_none(&group.first_release), or_none(&group.last_release))),
        ("regressions", group.regressions.to_string()),
        ("last request", group.request.map_or_else(|| "-".to_owned(), |id| id.to_string())),
    ];
    rows.extend(group.frames.iter().map(|frame| ("frame", frame.clone())));
    let rows: Vec<Vec<Cell>> =
        rows.into_iter().map(|(name, value)| vec![styled(name.to_owned(), STRONG), value.into()]).collect();
    table(&["", ""], &rows)
}

fn minute(time: Timestamp) -> String {
    time.to_string().get(..16).unwrap_or_default().replace('T', " ")
}
