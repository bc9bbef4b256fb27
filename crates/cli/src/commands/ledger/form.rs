//! The forms in which records are printed.

use gabion_ledger::Record;
use gabion_model::{Actor, EventKind, Outcome};
use gabion_telemetry::{Source, cef, ocsf, syslog};

use crate::arguments::RecordFormat;
use crate::failure::Failure;
use crate::gate::sinks::machine_name;
use crate::output::{self, BAD, FAINT, GOOD, PLACE, STRONG, WARN};

/// One form, and what it says of the machine.
pub(super) struct Form {
    format: RecordFormat,
    host: String,
}

impl Form {
    pub(super) fn new(format: RecordFormat) -> Self {
        Self { format, host: machine_name() }
    }

    pub(super) fn print(&self, record: &Record) -> Result<(), Failure> {
        let source = Source { version: env!("CARGO_PKG_VERSION"), host: &self.host };
        let (position, event) = (record.position.0, &record.event);
        match self.format {
            RecordFormat::Text => output::data(line(record)),
            RecordFormat::Json => output::json_line(record),
            RecordFormat::Ocsf => output::data(ocsf::line(&source, position, event)),
            RecordFormat::Cef => output::data(cef::line(&source, position, event)),
            RecordFormat::Syslog => {
                output::data(syslog::message(&source, position, event, syslog::Message::Ocsf))
            }
        }
    }
}

/// When, how it ended, who, from where, what, on what, which control, why.
fn line(record: &Record) -> String {
    let event = &record.event;
    let time = event.time.to_string();
    let time = time.get(..19).unwrap_or(&time).replace('T', " ");
    let (mark, look) = match (event.outcome, event.kind) {
        (Outcome::Success, _) => ("ok", GOOD),
        (Outcome::Begun, _) => ("begun", FAINT),
        (Outcome::Failure, EventKind::Refusal) => ("refused", WARN),
        (Outcome::Failure, _) => ("failed", BAD),
    };
    // An application chooses its words; its `account.disable` is not the gate's.
    let whose = if event.kind == EventKind::Application { "application: " } else { "" };
    let actor = match &event.actor {
        Actor::Account { name, .. } => name.as_str(),
        Actor::Anonymous => "anonymous",
        Actor::Gate => "gate",
        Actor::Operator => "operator",
    };
    let mut line = format!(
        "{FAINT}{time}{FAINT:#}  {look}{mark:<7}{look:#}  {FAINT}{whose}{FAINT:#}{STRONG}{}{STRONG:#}  {actor}",
        event.action
    );
    if let Some(address) = event.address {
        line.push_str(&format!(" {FAINT}from{FAINT:#} {address}"));
    }
    if !event.resource.is_empty() {
        line.push_str(&format!("  {PLACE}{}{PLACE:#}", event.resource));
    }
    if let Some(reason) = &event.reason {
        line.push_str(&format!("  {reason}"));
    }
    line.push_str(&format!("  {FAINT}{}{FAINT:#}", event.control));
    if event.count > 1 {
        line.push_str(&format!("  {WARN}\u{d7}{}{WARN:#}", event.count));
    }
    line
}
