//! A small HTTP client that keeps one connection and one cookie, as a browser tab would.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

pub(crate) struct Client {
    gate: SocketAddr,
    connection: Option<SendRequest<Full<Bytes>>>,
    cookie: Option<String>,
    /// The gate's other cookies, as pairs.
    others: Vec<String>,
}

pub(crate) type Answer = Response<Bytes>;

impl Client {
    pub(crate) fn new(gate: SocketAddr) -> Self {
        Self { gate, connection: None, cookie: None, others: Vec::new() }
    }

    pub(crate) fn cookie(&self) -> Option<&str> {
        self.cookie.as_deref()
    }

    /// Goes on with the session another client began.
    pub(crate) fn with_cookie(gate: SocketAddr, cookie: &str) -> Self {
        Self { gate, connection: None, cookie: Some(cookie.to_owned()), others: Vec::new() }
    }

    pub(crate) async fn get(&mut self, path: &str) -> Result<Answer, ClientError> {
        self.send(Request::get(path), Bytes::new()).await
    }

    /// Opens `path` the way a person does: by typing the address.
    pub(crate) async fn navigate(&mut self, path: &str) -> Result<Answer, ClientError> {
        let request = Request::get(path)
            .header("accept", "text/html,application/xhtml+xml")
            .header("sec-fetch-mode", "navigate")
            .header("sec-fetch-dest", "document")
            .header("sec-fetch-site", "none");
        self.send(request, Bytes::new()).await
    }

    /// Submits a form of the gate's own pages.
    pub(crate) async fn submit(
        &mut self,
        path: &str,
        fields: &[(&str, &str)],
    ) -> Result<Answer, ClientError> {
        let body: Vec<String> =
            fields.iter().map(|(name, value)| format!("{name}={}", percent_encode(value))).collect();
        let request = Request::post(path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("origin", format!("http://{}", self.gate))
            .header("sec-fetch-site", "same-origin")
            .header("sec-fetch-mode", "navigate")
            .header("accept", "text/html");
        self.send(request, Bytes::from(body.join("&"))).await
    }

    /// Signs in; true when the gate began a session.
    pub(crate) async fn sign_in(&mut self, name: &str, password: &str) -> Result<bool, ClientError> {
        let answer = self.submit("/.gabion/login", &[("name", name), ("password", password)]).await?;
        Ok(answer.status() == StatusCode::SEE_OTHER && self.cookie.is_some())
    }

    pub(crate) async fn send(
        &mut self,
        request: http::request::Builder,
        body: Bytes,
    ) -> Result<Answer, ClientError> {
        let mut request = request.header(header::HOST, self.gate.to_string());
        let cookies: Vec<_> = self.cookie.iter().chain(&self.others).cloned().collect();
        if !cookies.is_empty() {
            request = request.header(header::COOKIE, cookies.join("; "));
        }
        let request = request.body(Full::new(body))?;
        if self.connection.as_ref().is_none_or(SendRequest::is_closed) {
            let stream = TcpStream::connect(self.gate).await?;
            stream.set_nodelay(true)?;
            let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
            tokio::spawn(connection);
            self.connection = Some(sender);
        }
        let Some(connection) = &mut self.connection else { return Err("no connection".into()) };
        connection.ready().await?;
        let answer = connection.send_request(request).await;
        if answer.is_err() {
            self.connection = None;
        }
        let (head, body) = answer?.into_parts();
        for set in head.headers.get_all(header::SET_COOKIE) {
            let pair = set.to_str()?.split(';').next().unwrap_or_default();
            let (name, _) = pair.split_once('=').unwrap_or((pair, ""));
            if !matches!(name, "__Host-gabion" | "gabion-dev") {
                self.others.retain(|other| !other.starts_with(&format!("{name}=")));
                self.others
                    .extend((name.contains("gabion") && !pair.ends_with('=')).then(|| pair.to_owned()));
            } else {
                self.cookie = (!pair.ends_with('=')).then(|| pair.to_owned());
            }
        }
        Ok(Response::from_parts(head, body.collect().await?.to_bytes()))
    }
}

/// Sends bytes as they are and returns what comes back until the end.
pub(crate) async fn raw(gate: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(gate).await.expect("the gate listens");
    stream.write_all(bytes).await.expect("the gate reads");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("the gate answers");
    String::from_utf8_lossy(&answer).into_owned()
}

pub(crate) type ClientError = Box<dyn std::error::Error + Send + Sync>;

pub(crate) fn percent_encode(text: &str) -> String {
    text.bytes()
        .map(
            |byte| {
                if byte.is_ascii_alphanumeric() {
                    char::from(byte).to_string()
                } else {
                    format!("%{byte:02X}")
                }
            },
        )
        .collect()
}

pub(crate) fn text(answer: &Answer) -> String {
    String::from_utf8_lossy(answer.body()).into_owned()
}
