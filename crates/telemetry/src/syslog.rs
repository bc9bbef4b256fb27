//! Syslog by RFC 5424: `<PRI>1 TIME HOST gabion - ACTION [meta …][origin …] MESSAGE`.
//!
//! - Facility 13 (log audit); severity 2 critical, 3 high, 4 medium, 5 low, 6 informational (6.2.1).
//! - `meta` holds `sequenceId`, the record's position, which begins anew behind 2147483647 (7.3.1); `origin` names the
//!   software (7.2).
//! - The message is the event as OCSF JSON or as CEF. JSON is ASCII throughout; before CEF stands the byte order mark
//!   that says UTF-8 (6.4).
//!
//! Messages on a stream are framed by [`framed`]: their length in bytes, a space, the message (RFC 5425, 4.3).

use gabion_model::{Event, Severity};

use crate::{Source, cef, ocsf, severity};

/// What a message holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message {
    Cef,
    Ocsf,
}

/// The event as one message, without frame and line end.
#[must_use]
pub fn message(source: &Source<'_>, position: u64, event: &Event, message: Message) -> String {
    let priority = AUDIT * 8
        + match severity(event) {
            Severity::Critical => 2,
            Severity::High => 3,
            Severity::Medium => 4,
            Severity::Low => 5,
            Severity::Informational => 6,
        };
    let time = Some(event.time.to_string()).filter(|time| time.len() == "2026-01-02T03:04:05.000006Z".len());
    let (time, host, id) =
        (header(time.as_deref(), 27), header(Some(source.host), 255), header(Some(&event.action), 32));
    let sequence = position.saturating_sub(1) % MOST + 1;
    let version = parameter(source.version);
    let body = match message {
        Message::Ocsf => ocsf::line(source, position, event),
        Message::Cef => format!("\u{feff}{}", cef::line(source, position, event)),
    };
    format!(
        "<{priority}>1 {time} {host} gabion - {id} [meta sequenceId=\"{sequence}\"]\
         [origin software=\"Gabion\" swVersion=\"{version}\"] {body}"
    )
}

/// The message as it stands on a stream: `LENGTH SP MESSAGE` (RFC 5425, 4.3; RFC 6587, 3.4.1).
#[must_use]
pub fn framed(message: &str) -> String {
    format!("{} {message}", message.len())
}

/// A field of the header: printable ASCII without spaces, or `-`.
fn header(value: Option<&str>, most: usize) -> String {
    let kept: String = value.unwrap_or_default().chars().filter(char::is_ascii_graphic).take(most).collect();
    if kept.is_empty() { "-".to_owned() } else { kept }
}

/// A value of structured data (6.3.3).
fn parameter(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for character in crate::text::flat(value).chars() {
        if matches!(character, '"' | '\\' | ']') {
            out.push('\\');
        }
        out.push(character);
    }
    out
}

const AUDIT: u8 = 13;
const MOST: u64 = 2_147_483_647;
