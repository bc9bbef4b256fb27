//! The attacker's own HTTP/1.1 client: one connection per request, every header field under control.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

/// A request that is being put together.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// What came back. Status 0 means that nothing did; `body` then says why.
#[derive(Debug, Clone)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

/// Speaks to one host.
#[derive(Debug, Clone)]
pub(super) struct Client {
    authority: String,
}

impl Call {
    pub(super) fn new(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), headers: HeaderMap::new(), body: Bytes::new() }
    }

    pub(super) fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    pub(super) fn post(path: impl Into<String>) -> Self {
        Self::new(Method::POST, path)
    }

    /// Sets a header field, unless the value cannot stand in one.
    pub(super) fn header(mut self, name: impl AsRef<str>, value: &str) -> Self {
        if let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name.as_ref().as_bytes()), HeaderValue::from_str(value))
        {
            self.headers.insert(name, value);
        }
        self
    }

    pub(super) fn body(mut self, kind: &str, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self.header(header::CONTENT_TYPE, kind)
    }

    pub(super) fn json(self, value: &Value) -> Self {
        self.body("application/json", value.to_string())
    }

    pub(super) fn form(self, fields: &[(&str, &str)]) -> Self {
        let pairs: Vec<_> = fields.iter().map(|(key, value)| format!("{key}={}", encode(value))).collect();
        self.body("application/x-www-form-urlencoded", pairs.join("&"))
    }

    /// One file in the field `file`.
    pub(super) fn upload(self, name: &str, kind: &str, content: &[u8]) -> Self {
        let head = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
             Content-Type: {kind}\r\n\r\n"
        );
        let body = [head.as_bytes(), content, format!("\r\n--{BOUNDARY}--\r\n").as_bytes()].concat();
        self.body(&format!("multipart/form-data; boundary={BOUNDARY}"), body)
    }

    /// What a browser says when a page of another site sends the request.
    pub(super) fn foreign(self) -> Self {
        self.header(header::ORIGIN, "https://evil.example")
            .header("sec-fetch-site", "cross-site")
            .header("sec-fetch-mode", "navigate")
            .header("sec-fetch-dest", "document")
            .header(header::REFERER, "https://evil.example/")
    }
}

impl Reply {
    pub(super) fn has(&self, text: &str) -> bool {
        self.body.contains(text)
    }

    pub(super) fn is_ok(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// All values of a header field in lower case, or nothing.
    pub(super) fn field(&self, name: impl AsRef<str>) -> String {
        let values = self.headers.get_all(name.as_ref());
        let texts: Vec<_> = values.iter().filter_map(|value| value.to_str().ok()).collect();
        texts.join(", ").to_ascii_lowercase()
    }

    /// The text at a JSON pointer; numbers count as text.
    pub(super) fn text_at(&self, pointer: &str) -> String {
        let value: Value = serde_json::from_str(&self.body).unwrap_or_default();
        match value.pointer(pointer) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Null) | None => String::new(),
            Some(other) => other.to_string(),
        }
    }

    fn nothing(reason: &str) -> Self {
        Self { status: 0, headers: HeaderMap::new(), body: format!("no answer: {reason}") }
    }
}

impl Client {
    pub(super) fn new(base: &str) -> Self {
        let authority = base.strip_prefix("http://").unwrap_or(base).trim_end_matches('/');
        Self { authority: authority.to_owned() }
    }

    pub(super) fn base(&self) -> String {
        format!("http://{}", self.authority)
    }

    /// A fresh connection to the host.
    #[expect(clippy::disallowed_methods, reason = "the attacker is a client of its own")]
    pub(super) async fn connect(&self) -> std::io::Result<TcpStream> {
        TcpStream::connect(&self.authority).await
    }

    /// Sends the request as it is and reads the whole answer.
    pub(super) async fn send(&self, call: Call) -> Reply {
        let exchange = async {
            let response = self.open(call).await?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body, MOST).collect().await.map_err(|error| error.to_string())?;
            let body = String::from_utf8_lossy(&body.to_bytes()).into_owned();
            Ok::<_, String>(Reply { status: head.status.as_u16(), headers: head.headers, body })
        };
        match tokio::time::timeout(PATIENCE, exchange).await {
            Ok(Ok(reply)) => reply,
            Ok(Err(reason)) => Reply::nothing(&reason),
            Err(_) => Reply::nothing("too slow"),
        }
    }

    /// Sends the request and reads a stream until it has said `text`.
    pub(super) async fn hears(&self, call: Call, text: &str) -> bool {
        let listen = async {
            let mut body = self.open(call).await.ok()?.into_body();
            let mut heard = String::new();
            while !heard.contains(text) {
                let frame = body.frame().await?.ok()?;
                heard.push_str(&String::from_utf8_lossy(&frame.into_data().unwrap_or_default()));
            }
            Some(())
        };
        matches!(tokio::time::timeout(PATIENCE, listen).await, Ok(Some(())))
    }

    async fn open(&self, call: Call) -> Result<http::Response<Incoming>, String> {
        let stream = self.connect().await.map_err(|error| error.to_string())?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| error.to_string())?;
        tokio::spawn(connection);
        let mut request = http::Request::new(Full::new(call.body));
        *request.method_mut() = call.method;
        *request.uri_mut() = call.path.parse().map_err(|error| format!("{error}"))?;
        *request.headers_mut() = call.headers;
        if !request.headers().contains_key(header::HOST) {
            let host = HeaderValue::from_str(&self.authority).map_err(|error| error.to_string())?;
            request.headers_mut().insert(header::HOST, host);
        }
        sender.send_request(request).await.map_err(|error| error.to_string())
    }
}

/// Percent-encodes all but letters, digits and `-._~`.
pub(super) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// A short text that did not exist before, so that evidence cannot be left over from another attempt.
pub(super) fn marker() -> String {
    let bytes: [u8; 6] = gabion_model::random::bytes(&gabion_vault::SystemRng::new());
    gabion_vault::encoding::base64url_encode(&bytes).replace(['-', '_'], "x")
}

const BOUNDARY: &str = "strawman-boundary-5e1f";
const MOST: usize = 1 << 20;
const PATIENCE: Duration = Duration::from_secs(15);
