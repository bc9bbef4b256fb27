//! `gabion alert`.

use gabion_model::Severity;
use gabion_service::alert::{ChannelStanding, Group, GroupState, Matcher, Silence};

use super::{block_on, for_data};
use crate::arguments::{Alert as Verb, AlertChannels, AlertId, AlertSilence, AlertTest, ConfigFile};
use crate::control::door::Door;
use crate::control::operation::{Reply, Request};
use crate::control::response::ResponseRequest;
use crate::failure::{Exit, Failure};
use crate::output::table::{Cell, styled, table};
use crate::output::{self, BAD, FAINT, GOOD, PLACE, STRONG, WARN};

pub(super) fn run(verb: Verb) -> Result<Exit, Failure> {
    match verb {
        Verb::List(arguments) => {
            let (groups, _) = ask(&arguments.config, ResponseRequest::Alerts { all: arguments.all })?;
            output::value(arguments.output.format, &groups, || listed(&groups))?;
            if groups.is_empty() {
                output::note(format_args!("{FAINT}nothing rang that is not closed{FAINT:#}"));
            }
            Ok(Exit::Success)
        }
        Verb::Show(arguments) => {
            let (groups, _) = ask(&arguments.config, ResponseRequest::Alert { id: arguments.id })?;
            for group in &groups {
                output::value(arguments.output.format, group, || shown(group))?;
            }
            Ok(Exit::Success)
        }
        Verb::Ack(arguments) => {
            done(&arguments, ResponseRequest::Acknowledge { id: arguments.id }, "acknowledged")
        }
        Verb::Close(arguments) => done(&arguments, ResponseRequest::Close { id: arguments.id }, "closed"),
        Verb::Silence(arguments) => silence(arguments),
        Verb::Silences(arguments) => {
            let (_, silences) = ask(&arguments.config, ResponseRequest::Silences)?;
            output::value(arguments.output.format, &silences, || quiet(&silences))?;
            Ok(Exit::Success)
        }
        Verb::Unsilence(arguments) => {
            let request = ResponseRequest::Unsilence { id: arguments.id };
            let (_, ended) = ask(&arguments.config, request)?;
            for silence in &ended {
                output::value(arguments.output.format, silence, || {
                    format!("{GOOD}ended{GOOD:#} silence {STRONG}{}{STRONG:#}", silence.id)
                })?;
            }
            Ok(Exit::Success)
        }
        Verb::Channels(arguments) => channels(&arguments),
        Verb::Test(arguments) => test(&arguments),
    }
}

fn done(arguments: &AlertId, request: ResponseRequest, word: &str) -> Result<Exit, Failure> {
    let (groups, _) = ask(&arguments.config, request)?;
    for group in &groups {
        output::value(arguments.output.format, group, || {
            format!("{GOOD}{word}{GOOD:#} {STRONG}{}{STRONG:#} {}", group.id, group.rule)
        })?;
    }
    Ok(Exit::Success)
}

fn silence(arguments: AlertSilence) -> Result<Exit, Failure> {
    let mut matcher = Matcher { rule: arguments.rule, ..Matcher::default() };
    for field in arguments.fields {
        let Some((name, value)) = field.split_once('=') else {
            return Err(Failure::usage(format!("`--field {field}` is not `NAME=VALUE`"))
                .hint("for instance `--field network=192.0.2.0/24`"));
        };
        matcher.fields.insert(name.to_owned(), value.to_owned());
    }
    if let Some(text) = arguments.at_most {
        let known = Severity::ALL.iter().find(|severity| severity.as_str() == text);
        let Some(severity) = known else {
            return Err(Failure::usage(format!("there is no severity `{text}`"))
                .hint("`informational`, `low`, `medium`, `high` or `critical`"));
        };
        matcher.at_most = Some(*severity);
    }
    let request = ResponseRequest::Silence {
        matcher: Box::new(matcher),
        life: arguments.life,
        reason: arguments.reason,
    };
    let (_, silences) = ask(&arguments.config, request)?;
    for silence in &silences {
        output::value(arguments.output.format, silence, || {
            let until = minute(&silence.until.to_string());
            format!("{GOOD}silenced{GOOD:#} until {until} (silence {STRONG}{}{STRONG:#})", silence.id)
        })?;
    }
    Ok(Exit::Success)
}

fn test(arguments: &AlertTest) -> Result<Exit, Failure> {
    let request = ResponseRequest::TryChannels { channel: arguments.channel.clone() };
    let mut failed = false;
    asked(&arguments.config, request, |reply| {
        if let Reply::Told(told) = reply {
            let channel = &told.channel;
            match &told.failure {
                None => output::note(format_args!(
                    "{GOOD}delivered{GOOD:#} a test to {STRONG}{channel}{STRONG:#}"
                )),
                Some(reason) => {
                    failed = true;
                    output::note(format_args!(
                        "{BAD}not delivered{BAD:#} to {STRONG}{channel}{STRONG:#}: {reason}"
                    ));
                }
            }
        }
    })?;
    if failed { Err(Failure::new("not every channel took the test")) } else { Ok(Exit::Success) }
}

fn channels(arguments: &AlertChannels) -> Result<Exit, Failure> {
    let mut channels = Vec::new();
    asked(&arguments.config, ResponseRequest::Channels, |reply| {
        if let Reply::Channel(channel) = reply {
            channels.push(*channel);
        }
    })?;
    output::value(arguments.output.format, &channels, || standings(&channels))?;
    if channels.is_empty() {
        output::note(format_args!(
            "{FAINT}alerts are told to nobody; `[[alerts.channels]]` says to whom{FAINT:#}"
        ));
    }
    Ok(Exit::Success)
}

fn ask(file: &ConfigFile, request: ResponseRequest) -> Result<(Vec<Group>, Vec<Silence>), Failure> {
    let (mut groups, mut silences) = (Vec::new(), Vec::new());
    asked(file, request, |reply| match reply {
        Reply::Alert(group) => groups.push(*group),
        Reply::Silence(silence) => silences.push(*silence),
        _ => {}
    })?;
    Ok((groups, silences))
}

fn asked(file: &ConfigFile, response: ResponseRequest, mut each: impl FnMut(Reply)) -> Result<(), Failure> {
    let config = for_data(file)?.config;
    block_on(async {
        let door = Door::open(&config, false).await?;
        door.ask(Request::Response { response }, |reply| {
            each(reply);
            Ok(())
        })
        .await
    })
}

fn standings(channels: &[ChannelStanding]) -> String {
    let rows: Vec<Vec<Cell>> = channels
        .iter()
        .map(|channel| {
            let state = match (&channel.failing_since, &channel.delivered) {
                (Some(since), _) => {
                    let (since, tries) = (minute(&since.to_string()), channel.failures);
                    let reason = channel.reason.as_deref().unwrap_or_default();
                    styled(format!("fails since {since} ({tries} tries): {reason}"), BAD)
                }
                (None, Some(at)) => styled(format!("delivered {}", minute(&at.to_string())), GOOD),
                (None, None) => styled("not tried yet", FAINT),
            };
            let waiting = match channel.folded {
                0 => channel.waiting.to_string(),
                folded => format!("{} (for {folded} more alerts)", channel.waiting),
            };
            vec![
                styled(channel.name.clone(), STRONG),
                channel.kind.as_str().into(),
                channel.step.to_string().into(),
                channel.least.as_str().into(),
                waiting.into(),
                state,
            ]
        })
        .collect();
    table(&["channel", "type", "step", "least", "waiting", "state"], &rows)
}

fn listed(groups: &[Group]) -> String {
    let rows: Vec<Vec<Cell>> = groups
        .iter()
        .map(|group| {
            let fields: Vec<_> = group.fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
            vec![
                styled(group.id.to_string(), STRONG),
                styled(group.severity.as_str(), look(group.severity)),
                styled(group.state.as_str(), state(group.state)),
                group.rule.clone().into(),
                fields.join(" ").into(),
                group.count.to_string().into(),
                minute(&group.last_seen.to_string()).into(),
            ]
        })
        .collect();
    table(&["id", "severity", "state", "rule", "for", "count", "last seen"], &rows)
}

fn shown(group: &Group) -> String {
    let look = look(group.severity);
    let mut text = format!(
        "{STRONG}{}{STRONG:#}  {look}{}{look:#}  {}\n  {}\n",
        group.rule,
        group.severity.as_str(),
        group.state.as_str(),
        group.summary
    );
    let mut add = |name: &str, value: &str| {
        if !value.is_empty() {
            text.push_str(&format!("  {name:<12} {PLACE}{value}{PLACE:#}\n"));
        }
    };
    add("alert", &group.id.to_string());
    add("looks for", &group.description);
    add("harmless if", &group.false_positives);
    add("count", &group.count.to_string());
    add("first seen", &group.first_seen.to_string());
    add("last seen", &group.last_seen.to_string());
    for (name, value) in &group.fields {
        add(name, value);
    }
    add("address", group.address.as_deref().unwrap_or_default());
    add("ATT&CK", &group.techniques);
    add("control", &group.control);
    add("told", &group.channels.join(" "));
    let records: Vec<_> = group.alerts.iter().map(u64::to_string).collect();
    add("records", &records.join(" "));
    if let Some(touched) = &group.acknowledged {
        add("taken by", &format!("{} at {}", touched.by, touched.at));
    }
    if let Some(touched) = &group.closed {
        add("closed by", &format!("{} at {}", touched.by, touched.at));
    }
    text.trim_end().to_owned()
}

fn quiet(silences: &[Silence]) -> String {
    let rows: Vec<Vec<Cell>> = silences
        .iter()
        .map(|silence| {
            let Matcher { rule, fields, at_most } = &silence.matcher;
            let fields = fields.iter().map(|(name, value)| format!("{name}={value}"));
            let most = at_most.map(|most| format!("at most {}", most.as_str()));
            let what: Vec<_> = rule.clone().into_iter().chain(fields).chain(most).collect();
            vec![
                styled(silence.id.to_string(), STRONG),
                what.join(" ").into(),
                minute(&silence.until.to_string()).into(),
                silence.by.clone().into(),
                silence.reason.clone().into(),
            ]
        })
        .collect();
    table(&["id", "of", "until", "by", "reason"], &rows)
}

const fn look(severity: Severity) -> anstyle::Style {
    match severity {
        Severity::Informational | Severity::Low => FAINT,
        Severity::Medium => WARN,
        Severity::High | Severity::Critical => BAD,
    }
}

const fn state(state: GroupState) -> anstyle::Style {
    match state {
        GroupState::Open => BAD,
        GroupState::Acknowledged => WARN,
        GroupState::Closed | GroupState::Silenced => FAINT,
    }
}

fn minute(text: &str) -> String {
    text.get(..16).unwrap_or(text).replace('T', " ")
}
