//! A connection in HTTP/2 (RFC 9113): many exchanges at one time, under the bounds of HTTP/1.1.
//!
//! Only what the protocol can say goes this way ([`said`]). Malformed requests, and those that frame themselves, are for the raw
//! writer.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use gabion_egress::Stream;
use h2::client::{ResponseFuture, SendRequest};
use h2::{Ping, PingPong, RecvStream, SendStream};
use http::{HeaderName, HeaderValue, Method, Uri};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use super::answer::{Answer, BODY, decoded};
use super::connection::{GLANCE, PATIENCE, STALL};
use super::request::Request;

/// A connection that is open. Dropping it closes it.
pub(crate) struct Second {
    send: SendRequest<Bytes>,
    ping: Option<PingPong>,
    task: JoinHandle<()>,
}

/// The longest head of an answer, in bytes, and the most of its fields.
const HEAD: u32 = 64 << 10;
const FIELDS: usize = 200;
/// What is taken of one body before it is asked for.
const WINDOW: u32 = 1 << 20;

impl Drop for Second {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Second {
    /// Begins with the preface and the settings.
    pub(crate) async fn open(stream: Box<dyn Stream>) -> io::Result<Self> {
        let mut builder = h2::client::Builder::new();
        builder.enable_push(false).max_header_list_size(HEAD).initial_window_size(WINDOW);
        builder.initial_connection_window_size(8 * WINDOW).max_concurrent_reset_streams(64);
        let (send, mut connection) = builder.handshake(stream).await.map_err(io::Error::other)?;
        let ping = connection.ping_pong();
        let task = tokio::spawn(async move {
            let _ = connection.await;
        });
        Ok(Self { send, ping, task })
    }

    /// Whether it takes another request.
    pub(crate) fn is_open(&self) -> bool {
        !self.task.is_finished()
    }

    /// How many requests it takes at one time.
    pub(crate) fn room(&self) -> usize {
        self.send.current_max_send_streams()
    }

    /// Sends a request, without waiting for its answer: who waits bounds the time.
    pub(crate) async fn begin(&self, said: http::Request<()>, body: &[u8]) -> io::Result<Pending> {
        let mut send = self.send.clone().ready().await.map_err(io::Error::other)?;
        let is_head = said.method() == Method::HEAD;
        let (response, mut stream) = send.send_request(said, body.is_empty()).map_err(io::Error::other)?;
        if !body.is_empty() {
            stream.send_data(Bytes::copy_from_slice(body), true).map_err(io::Error::other)?;
        }
        Ok(Pending { response, is_head, sent: Instant::now() })
    }

    /// Sends everything of requests but the end of each, waits until that is there, and ends them all at once.
    pub(crate) async fn together(
        &mut self,
        all: Vec<(http::Request<()>, Vec<u8>)>,
    ) -> io::Result<Vec<Pending>> {
        let mut held: Vec<(Pending, SendStream<Bytes>, Bytes)> = Vec::new();
        for (said, body) in all {
            let mut send = self.send.clone().ready().await.map_err(io::Error::other)?;
            let is_head = said.method() == Method::HEAD;
            let (response, mut stream) = send.send_request(said, false).map_err(io::Error::other)?;
            let (first, last) = body.split_at(body.len().saturating_sub(1));
            if !first.is_empty() {
                stream.send_data(Bytes::copy_from_slice(first), false).map_err(io::Error::other)?;
            }
            held.push((
                Pending { response, is_head, sent: Instant::now() },
                stream,
                Bytes::copy_from_slice(last),
            ));
        }
        // What comes back from the other side says that all before it has arrived.
        if let Some(ping) = &mut self.ping {
            let _ = timeout(Duration::from_secs(2), ping.ping(Ping::opaque())).await;
        }
        let mut pending = Vec::new();
        for (mut one, mut stream, last) in held {
            stream.send_data(last, true).map_err(io::Error::other)?;
            one.sent = Instant::now();
            pending.push(one);
        }
        Ok(pending)
    }
}

/// A request that went out.
pub(crate) struct Pending {
    response: ResponseFuture,
    is_head: bool,
    sent: Instant,
}

impl Pending {
    /// Reads its answer.
    pub(crate) async fn answer(self) -> io::Result<Answer> {
        let response = self.response.await.map_err(io::Error::other)?;
        let (head, mut stream) = response.into_parts();
        let headers: Vec<(String, String)> = head
            .headers
            .iter()
            .take(FIELDS)
            .map(|(name, value)| {
                (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).trim().to_owned())
            })
            .collect();
        let field = |name: &str| {
            let own = head
                .headers
                .get(name)
                .map(|value| String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase());
            own.unwrap_or_default()
        };
        let kind = field("content-type");
        let endless = kind.starts_with("text/event-stream") || kind.starts_with("multipart/x-mixed-replace");
        let mut body = Vec::new();
        let mut cut = false;
        if !self.is_head {
            let reading = read(&mut stream, &mut body);
            cut = match timeout(if endless { GLANCE } else { STALL }, reading).await {
                Ok(read) => read?,
                // It goes on and on: what came until now is the answer.
                Err(_) => true,
            };
        }
        let (body, bomb) = decoded(body, &field("content-encoding"));
        let status = head.status.as_u16();
        Ok(Answer { status, headers, body, cut: cut | bomb, elapsed: self.sent.elapsed() })
    }
}

/// A body up to its bound; says whether there was more.
async fn read(stream: &mut RecvStream, body: &mut Vec<u8>) -> io::Result<bool> {
    while let Some(piece) = stream.data().await {
        let piece = match piece {
            Ok(piece) => piece,
            // Broken off: what came stands.
            Err(_) if !body.is_empty() => return Ok(false),
            Err(error) => return Err(io::Error::other(error)),
        };
        let room = BODY.saturating_sub(body.len());
        body.extend_from_slice(piece.get(..room.min(piece.len())).unwrap_or_default());
        if piece.len() > room {
            return Ok(true);
        }
        stream.flow_control().release_capacity(piece.len()).map_err(io::Error::other)?;
    }
    Ok(false)
}

/// A request as HTTP/2 says it; nothing where it cannot say it.
pub(crate) fn said(request: &Request, scheme: &str, authority: &str) -> Option<http::Request<()>> {
    let method =
        Method::from_bytes(request.method.as_bytes()).ok().filter(|method| *method != Method::CONNECT)?;
    let mut authority = authority;
    let mut fields: Vec<(HeaderName, HeaderValue)> = Vec::new();
    for (name, value) in &request.headers {
        let lower = name.to_ascii_lowercase();
        match lower.as_str() {
            // These belong to one hop, or to the framing of HTTP/1.1.
            "connection" | "keep-alive" | "proxy-connection" | "transfer-encoding" | "upgrade" => {
                return None;
            }
            "te" if value != "trailers" => return None,
            "content-length" if value.trim().parse() != Ok(request.body.len()) => return None,
            "content-length" => continue,
            // One of them is the authority; two are an attack on the framing.
            "host" => {
                if request.headers.iter().filter(|(own, _)| own.eq_ignore_ascii_case("host")).count() > 1 {
                    return None;
                }
                authority = value;
                continue;
            }
            _ => {}
        }
        fields.push((
            HeaderName::from_bytes(lower.as_bytes()).ok()?,
            HeaderValue::from_bytes(value.as_bytes()).ok()?,
        ));
    }
    if !request.target.starts_with('/') || request.target.contains('#') {
        return None;
    }
    let uri = Uri::builder()
        .scheme(scheme)
        .authority(authority)
        .path_and_query(request.target.as_str())
        .build()
        .ok()?;
    // Nothing is repaired on the way.
    if uri.path_and_query().map(http::uri::PathAndQuery::as_str) != Some(request.target.as_str()) {
        return None;
    }
    let mut out = http::Request::new(());
    *out.method_mut() = method;
    *out.uri_mut() = uri;
    let headers = out.headers_mut();
    for (name, value) in fields {
        headers.try_append(name, value).ok()?;
    }
    for (name, value) in [("accept-encoding", "identity"), ("accept", "*/*")] {
        if !headers.contains_key(name) {
            headers.try_insert(HeaderName::from_static(name), HeaderValue::from_static(value)).ok()?;
        }
    }
    if !request.body.is_empty() || matches!(request.method.as_str(), "POST" | "PUT" | "PATCH") {
        headers.try_insert(http::header::CONTENT_LENGTH, HeaderValue::from(request.body.len())).ok()?;
    }
    Some(out)
}

/// How long opening one may take.
pub(crate) const OPENING: Duration = PATIENCE;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_protocol_can_say_goes_this_way() {
        let goes = |request: &Request| said(request, "https", "a:1").is_some();
        let get = Request::get("/a/../b?x=%00&y=%2e%2e");
        let out = said(&get, "https", "a:1").unwrap();
        assert_eq!(out.uri().to_string(), "https://a:1/a/../b?x=%00&y=%2e%2e");
        assert!(goes(&Request::new("PATCH", "/").header("X-A", "1").header("X-A", "2")));
        let other = said(&Request::get("/").header("Host", "other"), "https", "a:1").unwrap();
        assert_eq!(other.uri().authority().unwrap(), "other");
        for request in [
            Request::get("/a b"),
            Request::get("a"),
            Request::get("/a#b"),
            Request::get("/").header("Transfer-Encoding", "chunked"),
            Request::get("/").header("Content-Length", "7"),
            Request::get("/").header("Host", "a").header("Host", "b"),
            Request::get("/").header("X Y", "1"),
            Request::get("/").header("X", "a\r\nb"),
            Request::new("G T", "/"),
            Request::new("CONNECT", "/"),
        ] {
            assert!(!goes(&request), "{request:?}");
        }
    }

    proptest::proptest! {
        /// Whatever is asked, what goes this way is what was asked, byte for byte, and nothing frames itself.
        #[test]
        fn nothing_is_repaired_on_the_way(
            method in "[A-Z]{1,7}|[ -~]{1,4}",
            target in "/[ -~é]{0,20}|[ -~]{0,10}",
            fields in proptest::collection::vec(("(?i)host|te|connection|content-length|[a-z-]{1,6}|[ -~]{0,3}", "[ -~\r\n]{0,8}"), 0..6),
            body in "[a-z]{0,5}",
        ) {
            let mut request = Request::new(&method, &target);
            request.headers.extend(fields);
            request.body = body.clone().into_bytes();
            if let Some(out) = said(&request, "http", "a:1") {
                proptest::prop_assert_eq!(out.method().as_str(), method.as_str());
                proptest::prop_assert_eq!(out.uri().path_and_query().map(|own| own.as_str()), Some(target.as_str()));
                for own in ["connection", "transfer-encoding", "upgrade", "keep-alive", "host"] {
                    proptest::prop_assert!(!out.headers().contains_key(own), "{}", own);
                }
                let length = out.headers().get("content-length").and_then(|own| own.to_str().ok());
                proptest::prop_assert!(length.is_none_or(|own| own == body.len().to_string()));
            }
        }
    }
}
