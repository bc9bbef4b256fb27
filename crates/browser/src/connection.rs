//! The connection to the browser: commands with their answers, and events for whoever listens.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::error::BrowserError;
use crate::limits::cut;
use crate::value::Read;

/// A longer message is not read: an answer is missed, a held request stays held.
const READ: usize = 48 << 20;
/// With a longer one the connection ends.
const MOST: usize = 192 << 20;

/// Something that happened, or the end of the connection.
#[derive(Debug)]
pub(crate) struct Event {
    /// The session it happened in; none for the browser itself.
    pub(crate) session: Option<String>,
    pub(crate) method: String,
    pub(crate) params: Value,
}

type Answered = Result<Value, (String, bool)>;

/// The side that asks.
#[derive(Debug)]
pub(crate) struct Connection {
    out: mpsc::UnboundedSender<String>,
    next: AtomicU64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    waiting: HashMap<u64, oneshot::Sender<Answered>>,
    /// Why nothing can be asked any more.
    gone: Option<String>,
}

/// The side that reads; runs until the connection ends.
pub(crate) struct Reader {
    stream: WebSocketStream<TcpStream>,
    out: mpsc::UnboundedReceiver<String>,
}

/// Opens the debugging endpoint of a browser on this machine.
pub(crate) async fn connect(port: u16, path: &str) -> Result<(Connection, Reader), BrowserError> {
    let gone = |error: &dyn std::fmt::Display| BrowserError::Gone(format!("its debugging port: {error}"));
    #[expect(clippy::disallowed_methods, reason = "the debugging port of the browser that was just started")]
    let stream = TcpStream::connect(("127.0.0.1", port)).await.map_err(|error| gone(&error))?;
    stream.set_nodelay(true).map_err(|error| gone(&error))?;
    let config = WebSocketConfig::default().max_message_size(Some(MOST)).max_frame_size(Some(MOST));
    let url = format!("ws://127.0.0.1:{port}{path}");
    let (stream, _) =
        client_async_with_config(url, stream, Some(config)).await.map_err(|error| gone(&error))?;
    let (sender, out) = mpsc::unbounded_channel();
    let connection = Connection { out: sender, next: AtomicU64::new(1), state: Mutex::default() };
    Ok((connection, Reader { stream, out }))
}

impl Connection {
    /// Sends a command and waits for nothing.
    pub(crate) fn post(&self, session: Option<&str>, method: &str, params: Value) {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        // A closed channel means that the browser is gone, which who waits for something is told.
        let _gone = self.out.send(command(id, session, method, params));
    }

    /// Sends a command and waits for its answer.
    pub(crate) async fn call(
        &self,
        session: Option<&str>,
        method: &str,
        params: Value,
        patience: Duration,
    ) -> Result<Value, BrowserError> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, answer) = oneshot::channel();
        {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(why) = &state.gone {
                return Err(BrowserError::Gone(why.clone()));
            }
            state.waiting.insert(id, sender);
        }
        let _gone = self.out.send(command(id, session, method, params));
        let answer = tokio::time::timeout(patience, answer).await;
        self.state.lock().unwrap_or_else(PoisonError::into_inner).waiting.remove(&id);
        match answer {
            Ok(Ok(Ok(value))) => Ok(value),
            Ok(Ok(Err((message, false)))) => Err(BrowserError::Command { method: method.into(), message }),
            Ok(Ok(Err((why, true)))) => Err(BrowserError::Gone(why)),
            Ok(Err(_)) => Err(BrowserError::Gone("its connection ended".into())),
            Err(_) => Err(BrowserError::TimedOut { what: method.into(), after: patience }),
        }
    }

    fn answered(&self, id: u64, answer: Answered) {
        let waiting = self.state.lock().unwrap_or_else(PoisonError::into_inner).waiting.remove(&id);
        if let Some(waiting) = waiting {
            // Who no longer waits does not want it.
            let _late = waiting.send(answer);
        }
    }

    /// Nothing can be asked any more; the first reason counts.
    pub(crate) fn end(&self, why: &str) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.gone.get_or_insert_with(|| why.to_owned());
        for (_, waiting) in state.waiting.drain() {
            let _late = waiting.send(Err((why.to_owned(), true)));
        }
    }

    /// A message of the browser: an answer finds who waits for it, an event is returned.
    fn take(&self, text: &str) -> Option<Event> {
        if text.len() > READ {
            tracing::debug!(bytes = text.len(), "message of the browser not read");
            return None;
        }
        let mut message: Value = serde_json::from_str(text).ok()?;
        if let Some(id) = message.get("id").and_then(Value::as_u64) {
            let answer = match message.get("error") {
                Some(error) => Err((cut(error.text("message"), 300), false)),
                None => Ok(message.get_mut("result").map(Value::take).unwrap_or_default()),
            };
            self.answered(id, answer);
            return None;
        }
        let session = message.get("sessionId").and_then(Value::as_str).map(str::to_owned);
        let params = message.get_mut("params").map(Value::take).unwrap_or_default();
        Some(Event { session, method: message.text("method").to_owned(), params })
    }
}

impl Reader {
    /// Carries messages both ways until the connection ends.
    pub(crate) async fn run(mut self, connection: &Connection, mut heard: impl FnMut(Event)) {
        let why = loop {
            tokio::select! {
                sent = self.out.recv() => {
                    let Some(text) = sent else { break "it was closed".to_owned() };
                    if let Err(error) = self.stream.send(Message::text(text)).await {
                        break error.to_string();
                    }
                }
                message = self.stream.next() => match message {
                    Some(Ok(Message::Text(text))) => {
                        if let Some(event) = connection.take(text.as_str()) {
                            heard(event);
                        }
                    }
                    Some(Ok(Message::Close(_))) | None => break "it ended".to_owned(),
                    Some(Ok(_)) => {}
                    Some(Err(error)) => break error.to_string(),
                },
            }
        };
        connection.end(&why);
    }
}

fn command(id: u64, session: Option<&str>, method: &str, params: Value) -> String {
    let mut command = json!({ "id": id, "method": method, "params": params });
    if let (Some(session), Some(members)) = (session, command.as_object_mut()) {
        members.insert("sessionId".into(), session.into());
    }
    command.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection() -> Connection {
        let (out, _) = mpsc::unbounded_channel();
        Connection { out, next: AtomicU64::new(1), state: Mutex::default() }
    }

    #[test]
    fn messages_of_any_shape_are_taken() {
        let connection = connection();
        for text in ["", "null", "[]", "{\"id\":7}", "{\"id\":-1,\"error\":3}", "\u{0}", "{\"id\":\"1\"}"] {
            let event = connection.take(text);
            assert!(event.is_none_or(|event| event.method.is_empty()), "{text}");
        }
        let event = connection.take("{\"method\":\"A.b\",\"params\":{\"c\":1},\"sessionId\":\"s\"}").unwrap();
        assert_eq!((event.method.as_str(), event.session.as_deref()), ("A.b", Some("s")));
        assert_eq!(event.params, json!({ "c": 1 }));
    }

    #[tokio::test]
    async fn who_waits_is_told_of_the_end() {
        let connection = connection();
        let asked = connection.call(None, "A.b", json!({}), Duration::from_secs(60));
        let (asked, ()) = tokio::join!(asked, async { connection.end("over") });
        assert!(matches!(asked, Err(BrowserError::Gone(why)) if why == "over"));
        let later = connection.call(None, "A.b", json!({}), Duration::from_secs(60)).await;
        assert!(matches!(later, Err(BrowserError::Gone(_))));
    }
}
