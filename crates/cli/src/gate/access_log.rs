//! The access log: one line per answered request, written by a thread of its own. A slow disk costs
//! lines, never an answer.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, sync_channel};
use std::thread;
use std::time::Duration;

use gabion_checks::{AccessLine, AccessLog};
use gabion_policy::PolicyId;
use serde::Serialize;

use crate::config::settings::{self, Log, LogFormat};
use crate::failure::Failure;

/// Lines that may wait for the disk; what comes while so many wait is counted and dropped.
const QUEUE: usize = 16_384;
/// What was written stays in memory no longer than this.
const FLUSH: Duration = Duration::from_secs(1);

/// Hands lines to the writing thread, which ends with the last clone.
#[derive(Debug)]
pub(crate) struct AccessWriter {
    lines: SyncSender<String>,
    dropped: Arc<AtomicU64>,
    format: LogFormat,
}

#[derive(Serialize)]
struct JsonLine<'a> {
    time: String,
    client: String,
    method: &'a str,
    host: &'a str,
    path: &'a str,
    status: u16,
    request_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_agent: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    control: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policies: Option<String>,
}

/// The access log of the settings; none when it is off. Opening again, as a reload does, starts a new
/// file after the old one was moved away.
pub(crate) fn open(log: &Log) -> Result<Option<Arc<dyn AccessLog>>, Failure> {
    let sink: Box<dyn Write + Send> = match (log.access, &log.access_file) {
        (settings::AccessLog::Off, _) | (settings::AccessLog::File, None) => return Ok(None),
        (settings::AccessLog::Stderr, _) => Box::new(io::stderr()),
        (settings::AccessLog::File, Some(path)) => {
            let file =
                OpenOptions::new().append(true).create(true).mode(0o640).open(path).map_err(|error| {
                    Failure::new(format!("cannot open the access log `{}`", path.display())).because(&error)
                })?;
            Box::new(file)
        }
    };
    let writer = AccessWriter::start(sink, log.format)
        .map_err(|error| Failure::new("cannot start the access log").because(&error))?;
    Ok(Some(Arc::new(writer)))
}

impl AccessWriter {
    fn start(sink: Box<dyn Write + Send>, format: LogFormat) -> io::Result<Self> {
        let (lines, received) = sync_channel(QUEUE);
        let dropped = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&dropped);
        thread::Builder::new()
            .name("access-log".to_owned())
            .spawn(move || write_all(sink, &received, &counted))?;
        Ok(Self { lines, dropped, format })
    }
}

impl AccessLog for AccessWriter {
    fn write(&self, line: &AccessLine<'_>) {
        let text = match self.format {
            LogFormat::Text => text(line),
            LogFormat::Json => json(line),
        };
        if self.lines.try_send(text).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Writes until every sender is gone. What cannot be written is dropped like what did not fit.
fn write_all(sink: Box<dyn Write + Send>, lines: &Receiver<String>, dropped: &AtomicU64) {
    let mut out = BufWriter::with_capacity(64 << 10, sink);
    let mut failing = false;
    loop {
        let line = match lines.try_recv() {
            Ok(line) => line,
            Err(TryRecvError::Empty) => {
                let _ = out.flush();
                match lines.recv_timeout(FLUSH) {
                    Ok(line) => line,
                    Err(RecvTimeoutError::Timeout) => continue,
                    Err(RecvTimeoutError::Disconnected) => return,
                }
            }
            Err(TryRecvError::Disconnected) => {
                let _ = out.flush();
                return;
            }
        };
        match out.write_all(line.as_bytes()) {
            Ok(()) => failing = false,
            Err(error) => {
                dropped.fetch_add(1, Ordering::Relaxed);
                if !failing {
                    tracing::error!(%error, "access log cannot be written");
                }
                failing = true;
            }
        }
        let lost = dropped.swap(0, Ordering::Relaxed);
        if lost > 0 && !failing {
            tracing::warn!(lines = lost, "access log lines dropped");
        }
    }
}

/// Time, client, method, host and path, status, request id, account, user agent, and who refused.
fn text(line: &AccessLine<'_>) -> String {
    let mut out = String::with_capacity(192);
    let _ = writeln!(
        out,
        "{} {} {} {}{} {} {} {} \"{}\" {}",
        line.time,
        line.client,
        line.method,
        Plain(line.host),
        Plain(line.path),
        line.status.as_u16(),
        line.request_id,
        Plain(line.account.unwrap_or("-")),
        Plain(line.user_agent.unwrap_or("-")),
        line.control.map_or("-", |control| control.as_str()),
    );
    if let Some((allowed, policies)) = line.decision {
        out.pop();
        let word = if allowed { "allow" } else { "deny" };
        let _ = writeln!(out, " {word} \"{}\"", Plain(&joined(policies)));
    }
    out
}

fn json(line: &AccessLine<'_>) -> String {
    let line = JsonLine {
        time: line.time.to_string(),
        client: line.client.to_string(),
        method: line.method.as_str(),
        host: line.host,
        path: line.path,
        status: line.status.as_u16(),
        request_id: line.request_id.to_string(),
        account: line.account,
        user_agent: line.user_agent,
        control: line.control.map(|control| control.as_str()),
        decision: line.decision.map(|(allowed, _)| if allowed { "allow" } else { "deny" }),
        policies: line.decision.map(|(_, policies)| joined(policies)).filter(|policies| !policies.is_empty()),
    };
    let mut text = serde_json::to_string(&line).unwrap_or_default();
    text.push('\n');
    text
}

fn joined(policies: &[PolicyId]) -> String {
    policies.iter().map(|policy| &*policy.0).collect::<Vec<_>>().join(", ")
}

/// Text from outside, so that it cannot forge a line or a field: CWE-117.
struct Plain<'a>(&'a str);

impl std::fmt::Display for Plain<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for character in self.0.chars() {
            match character {
                '"' | '\\' => write!(formatter, "\\{character}")?,
                ' '..='~' => formatter.write_char(character)?,
                other => write!(formatter, "\\u{{{:x}}}", u32::from(other))?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::sync::Mutex;

    use gabion_model::{ControlId, RequestId, Timestamp};
    use http::{Method, StatusCode};

    use super::*;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn line(user_agent: &str, format: LogFormat) -> String {
        let line = AccessLine {
            time: Timestamp::from_secs(0),
            client: Ipv4Addr::LOCALHOST.into(),
            method: &Method::GET,
            host: "app.example",
            path: "/a b",
            status: StatusCode::OK,
            request_id: RequestId::from_bytes([1; 12]),
            account: None,
            user_agent: Some(user_agent),
            control: Some(ControlId::WEB_CSRF),
            decision: Some((false, &[PolicyId(user_agent.into())])),
        };
        match format {
            LogFormat::Text => text(&line),
            LogFormat::Json => json(&line),
        }
    }

    #[test]
    fn a_client_cannot_forge_a_line_or_a_field() {
        let forged = line("x\" 200\n1970-01-01T00:00:00Z admin\u{1b}[31m", LogFormat::Text);
        assert_eq!(forged.matches('\n').count(), 1);
        assert!(forged.contains("x\\\" 200\\u{a}1970"), "{forged}");
        assert!(!forged.contains('\u{1b}'));
        let json = line("x\"\n", LogFormat::Json);
        assert_eq!(json.matches('\n').count(), 1);
        assert!(serde_json::from_str::<serde_json::Value>(&json).is_ok());
    }

    #[test]
    fn the_last_line_is_written_before_the_thread_ends() {
        let sink = Sink::default();
        let (lines, received) = sync_channel(4);
        lines.send("one\n".to_owned()).unwrap();
        lines.send("two\n".to_owned()).unwrap();
        drop(lines);
        write_all(Box::new(sink.clone()), &received, &AtomicU64::new(0));
        assert_eq!(*sink.0.lock().unwrap(), b"one\ntwo\n");
    }
}
