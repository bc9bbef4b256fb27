//! `gabion incident`: what people do once something was noticed.

pub(super) mod evidence;

use std::io::Read as _;
use std::path::Path;

use gabion_incident::{Review, review, text};
use gabion_service::incidents::{Change, NewIncident};

use super::{block_on, for_data};
use crate::arguments::{
    ConfigFile, Format, IncidentDo, IncidentNotify, IncidentReview, IncidentVerb, ReportFormat,
};
use crate::control::door::Door;
use crate::control::incidents::{IncidentRequest, Shape};
use crate::control::operation::{Reply, Request};
use crate::failure::{Exit, Failure};
use crate::output;

pub(super) fn run(verb: IncidentVerb) -> Result<Exit, Failure> {
    match verb {
        IncidentVerb::Open(asked) => {
            let new = NewIncident {
                title: asked.title,
                class: asked.class,
                kind: asked.kind,
                subjects: asked.about,
                alert: asked.alert,
            };
            print(&asked.way.config, IncidentRequest::Open { new, shape: shape(asked.way.output.format) })
        }
        IncidentVerb::List(asked) => {
            let shape = shape(asked.way.output.format);
            print(&asked.way.config, IncidentRequest::List { all: asked.all, shape })
        }
        IncidentVerb::Show(asked) => {
            let shape = shape(asked.way.output.format);
            print(&asked.way.config, IncidentRequest::Show { id: asked.target.id, shape })
        }
        IncidentVerb::Ack(asked) => change(asked.target.id, &asked.way, Change::Acknowledge),
        IncidentVerb::Note(asked) => {
            let written = if asked.text == "-" { from_input()? } else { asked.text };
            change(asked.target.id, &asked.way, Change::Note { text: written })
        }
        IncidentVerb::Do(asked) => settle(asked),
        IncidentVerb::Assign(asked) => {
            let assign = Change::Assign { to: asked.to, role: asked.role, task: asked.task };
            change(asked.target.id, &asked.way, assign)
        }
        IncidentVerb::Classify(asked) => {
            let classify = Change::Classify { class: asked.class, reason: asked.reason };
            change(asked.target.id, &asked.way, classify)
        }
        IncidentVerb::Move(asked) => {
            let shift = Change::Move { to: asked.state, reason: asked.reason };
            change(asked.target.id, &asked.way, shift)
        }
        IncidentVerb::Subject(asked) => {
            change(asked.target.id, &asked.way, Change::Subjects { subjects: asked.subjects })
        }
        IncidentVerb::Evidence(verb) => evidence::run(verb),
        IncidentVerb::Notify(asked) => notify(asked),
        IncidentVerb::Review(asked) => write_review(asked),
        IncidentVerb::Close(asked) => {
            let close = Change::Close { resolution: asked.resolution, text: asked.text };
            change(asked.target.id, &asked.way, close)
        }
        IncidentVerb::Report(asked) => {
            let shape = match asked.format {
                ReportFormat::Markdown => Shape::Markdown,
                ReportFormat::Html => Shape::Html,
                ReportFormat::Json => Shape::Json,
                ReportFormat::Stix => Shape::Stix,
            };
            print(&asked.config, IncidentRequest::Show { id: asked.target.id, shape })
        }
        IncidentVerb::Metrics(asked) => {
            print(&asked.way.config, IncidentRequest::Metrics { shape: shape(asked.way.output.format) })
        }
    }
}

/// Asks, and answers with the whole document.
fn ask(file: &ConfigFile, request: IncidentRequest) -> Result<String, Failure> {
    ask_all(file, vec![request])
}

fn ask_all(file: &ConfigFile, requests: Vec<IncidentRequest>) -> Result<String, Failure> {
    let config = for_data(file)?.config;
    let requests = requests.into_iter().map(|incident| Request::Incident { incident: Box::new(incident) });
    let requests = requests.collect();
    let mut document = String::new();
    block_on(async {
        Door::ask_all(&config, requests, |reply| {
            if let Reply::Document { part } = reply {
                document.push_str(&part);
            }
            Ok(())
        })
        .await
    })?;
    Ok(document)
}

fn print(file: &ConfigFile, request: IncidentRequest) -> Result<Exit, Failure> {
    output::data(ask(file, request)?.trim_end_matches('\n'))?;
    Ok(Exit::Success)
}

fn change(id: u64, way: &crate::arguments::IncidentWay, change: Change) -> Result<Exit, Failure> {
    let shape = shape(way.output.format);
    let is_act = matches!(change, Change::Act { .. });
    let document = ask(&way.config, IncidentRequest::Change { id, change: Box::new(change), shape })?;
    output::data(document.trim_end_matches('\n'))?;
    // What the gate could not do is on record, and the command says so by its end, too.
    let failed = match shape {
        Shape::Json => serde_json::from_str::<serde_json::Value>(&document)
            .is_ok_and(|it| it.get("failure").is_some_and(|failure| !failure.is_null())),
        _ => document.contains("the try is on record"),
    };
    Ok(if is_act && failed { Exit::Failed } else { Exit::Success })
}

fn settle(asked: IncidentDo) -> Result<Exit, Failure> {
    let IncidentDo { target, task, on, action, result, skip, way } = asked;
    let settled = match (on, task, skip) {
        (Some(on), task, _) => Change::Act { action, target: on, task },
        (None, Some(task), Some(reason)) => Change::Skip { task, reason },
        (None, Some(task), None) => Change::Done { task, text: result.unwrap_or_default() },
        (None, None, _) => {
            return Err(Failure::usage("`--target` is missing").hint("whom or what the action is for"));
        }
    };
    change(target.id, &way, settled)
}

fn notify(asked: IncidentNotify) -> Result<Exit, Failure> {
    let IncidentNotify { target, duty, regimes, aware, facts, sent, waive, way } = asked;
    let (id, shape) = (target.id, shape(way.output.format));
    let mut changes = Vec::new();
    if !facts.is_empty() {
        let pair = |fact: &String| {
            let (name, value) =
                fact.split_once('=').ok_or_else(|| Failure::usage("`--fact` is a name, `=` and a text"))?;
            Ok((name.to_owned(), value.to_owned()))
        };
        changes.push(Change::Facts { facts: facts.iter().map(pair).collect::<Result<_, Failure>>()? });
    }
    if !regimes.is_empty() {
        let aware = match aware.as_str() {
            "now" => None,
            written => Some(review::moment(written).ok_or_else(|| {
                Failure::usage("`--aware` is `now` or a time in UTC").hint("for instance `2026-11-22T14:05Z`")
            })?),
        };
        changes.push(Change::DutyBegin { regimes, aware });
    }
    match (&duty, sent, waive) {
        (Some(duty), Some(text), _) => changes.push(Change::DutyDone { duty: duty.clone(), text }),
        (Some(duty), _, Some(reason)) => changes.push(Change::DutyWaive { duty: duty.clone(), reason }),
        _ => {}
    }
    let only_told = !changes.is_empty();
    for change in changes {
        ask(&way.config, IncidentRequest::Change { id, change: Box::new(change), shape })?;
    }
    let duty = duty.filter(|_| !only_told);
    print(&way.config, IncidentRequest::Duties { id, duty, shape })
}

fn write_review(asked: IncidentReview) -> Result<Exit, Failure> {
    let id = asked.target.id;
    if let Some(action) = asked.done {
        return change(id, &asked.way, Change::ActionDone { action, text: asked.result });
    }
    let Some(path) = &asked.file else {
        return print(&asked.way.config, IncidentRequest::ReviewTemplate { id });
    };
    let written = String::from_utf8(evidence::read(path, REVIEW)?)
        .map_err(|_| Failure::new(format!("`{}` is not text", path.display())))?;
    let review: Review = toml::from_str(&written).map_err(|error| not_toml(path, &error))?;
    change(id, &asked.way, Change::Review { review })
}

fn not_toml(path: &Path, error: &toml::de::Error) -> Failure {
    Failure::new(format!("`{}` is no review: {}", path.display(), text::clipped(error.message(), text::LINE)))
        .hint("`gabion incident review ID` prints one to fill in")
}

/// A note from standard input: no more than one may have.
fn from_input() -> Result<String, Failure> {
    let mut written = String::new();
    let most = text::NOTE as u64 + 1;
    let read = std::io::stdin().take(most).read_to_string(&mut written);
    read.map_err(|error| Failure::new("standard input cannot be read").because(&error))?;
    Ok(written)
}

fn shape(format: Format) -> Shape {
    match format {
        Format::Json => Shape::Json,
        Format::Text => Shape::Text,
    }
}

/// The most bytes of a review.
const REVIEW: usize = 64 << 10;
