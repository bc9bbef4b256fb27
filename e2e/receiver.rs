//! A collector, Sentry and a search cluster in one program of a few lines, whose readers are those of others
//! (`clients/receiver.py`).

use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout};

use crate::clients::python;
use crate::gate::PATIENCE;

/// Ends with the value.
pub(crate) struct Receiver {
    pub(crate) port: u16,
    lines: Lines<BufReader<ChildStdout>>,
    _process: Child,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let mut process = python("receiver.py", &[]).stdout(Stdio::piped()).spawn().expect("Python runs");
        let mut lines = BufReader::new(process.stdout.take().expect("a pipe")).lines();
        let port =
            tokio::time::timeout(PATIENCE, lines.next_line()).await.expect("it starts").expect("a line");
        let port = port.and_then(|port| port.parse().ok()).expect("a port; `cargo xtask test clients`");
        Self { port, lines, _process: process }
    }

    /// The next thing it understood.
    pub(crate) async fn next(&mut self) -> Value {
        let line = tokio::time::timeout(PATIENCE, self.lines.next_line()).await.expect("something arrives");
        let line = line.expect("a line").expect("the receiver runs");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }

    /// The first of what comes that is so, and everything before it.
    pub(crate) async fn until(&mut self, is_so: impl Fn(&Value) -> bool) -> (Value, Vec<Value>) {
        let mut before = Vec::new();
        loop {
            let next = self.next().await;
            if is_so(&next) {
                return (next, before);
            }
            before.push(next);
        }
    }
}
