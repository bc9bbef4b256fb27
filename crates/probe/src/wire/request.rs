//! A request as it goes on the wire: nothing in it is repaired, folded or left out on the way.

use std::fmt::{self, Write as _};

/// What is sent. The writer adds `Host`, `Content-Length` and `Accept-Encoding` where they are not there; everything else
/// goes out as it stands, also what no client would send.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    pub method: String,
    /// Path and query as they stand in the request line: `/a/../b?x=%00`.
    pub target: String,
    /// In order, with repetitions.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// Without values: credentials and passwords stand in them.
impl fmt::Debug for Request {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        formatter
            .debug_struct("Request")
            .field("method", &self.method)
            .field("path", &self.target.split('?').next().unwrap_or_default())
            .field("headers", &names)
            .field("body", &self.body.len())
            .finish()
    }
}

impl Request {
    #[must_use]
    pub fn new(method: &str, target: &str) -> Self {
        Self { method: method.to_owned(), target: target.to_owned(), headers: Vec::new(), body: Vec::new() }
    }

    #[must_use]
    pub fn get(target: &str) -> Self {
        Self::new("GET", target)
    }

    /// As a browser asks for a page that somebody goes to.
    #[must_use]
    pub fn page(target: &str) -> Self {
        Self::get(target)
            .header("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
            .header("Sec-Fetch-Dest", "document")
            .header("Sec-Fetch-Mode", "navigate")
            .header("Sec-Fetch-Site", "none")
    }

    /// With what a browser adds where a page of this origin sends it; what the request says itself stays.
    #[must_use]
    pub fn from_page_of(self, origin: &str) -> Self {
        if self.field("origin").is_some() || self.field("sec-fetch-site").is_some() {
            return self;
        }
        self.header("Origin", origin).header("Sec-Fetch-Site", "same-origin")
    }

    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// In place of all there are of that name.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(own, _)| !own.eq_ignore_ascii_case(name));
        self.header(name, value)
    }

    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(own, _)| !own.eq_ignore_ascii_case(name));
        self
    }

    #[must_use]
    pub fn body(mut self, media_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.with("content-type", media_type)
    }

    /// The first value of that name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Whether asking twice does no more than asking once, by its method (RFC 9110, section 9.2.1).
    #[must_use]
    pub fn is_safe(&self) -> bool {
        matches!(self.method.as_str(), "GET" | "HEAD" | "OPTIONS" | "TRACE")
    }

    /// Its bytes in HTTP/1.1. `before` stands before the target: a scheme and an authority on the way to a proxy.
    pub(crate) fn bytes(&self, authority: &str, before: &str) -> Vec<u8> {
        let mut head = String::with_capacity(256);
        let _ = write!(head, "{} {before}{} HTTP/1.1\r\n", self.method, self.target);
        if self.field("host").is_none() {
            let _ = write!(head, "Host: {authority}\r\n");
        }
        if self.field("accept-encoding").is_none() {
            head.push_str("Accept-Encoding: identity\r\n");
        }
        if self.field("accept").is_none() {
            head.push_str("Accept: */*\r\n");
        }
        let framed = self.field("content-length").is_some() || self.field("transfer-encoding").is_some();
        if !framed && (!self.body.is_empty() || matches!(self.method.as_str(), "POST" | "PUT" | "PATCH")) {
            let _ = write!(head, "Content-Length: {}\r\n", self.body.len());
        }
        for (name, value) in &self.headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }

    /// The line by which a person sends it again. `stands_for` says which values are credentials, and the name of the variable
    /// to write in their place.
    #[must_use]
    pub fn curl(&self, base: &str, stands_for: &[(String, String)]) -> String {
        let mut line = "curl -sS -i".to_owned();
        if self.target.contains("..") || self.target.contains("/./") || self.target.contains("//") {
            line.push_str(" --path-as-is");
        }
        let bodied = !self.body.is_empty();
        if self.method == "HEAD" {
            line.push_str(" -I");
        } else if !(self.method == "GET" && !bodied || self.method == "POST" && bodied) {
            let _ = write!(line, " -X {}", quoted(&self.method));
        }
        for (name, value) in &self.headers {
            let whole = format!("{name}: {value}");
            match stands_for.iter().find(|(credential, _)| *credential == whole) {
                Some((_, variable)) => {
                    let _ = write!(line, " -H \"${variable}\"");
                }
                None => {
                    let _ = write!(line, " -H {}", quoted(&whole));
                }
            }
        }
        if bodied {
            let _ = match std::str::from_utf8(&self.body) {
                Ok(text) => write!(line, " --data-binary {}", quoted(text)),
                Err(_) => write!(line, " --data-binary {}", dollar_quoted(&self.body)),
            };
        }
        let _ = write!(line, " {}", quoted(&format!("{base}{}", self.target)));
        line
    }
}

/// As a POSIX shell reads it back. Control characters go by the form `$'…'`, which bash, zsh and ksh know.
fn quoted(text: &str) -> String {
    if text.chars().any(|letter| letter.is_control()) {
        return dollar_quoted(text.as_bytes());
    }
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./:=@%+,".contains(letter);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn dollar_quoted(bytes: &[u8]) -> String {
    let mut out = "$'".to_owned();
    for byte in bytes {
        match byte {
            b'\'' | b'\\' => {
                out.push('\\');
                out.push(char::from(*byte));
            }
            b' '..=b'~' => out.push(char::from(*byte)),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            other => {
                let _ = write!(out, "\\x{other:02x}");
            }
        }
    }
    out.push('\'');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_repaired_on_the_way() {
        let request =
            Request::get("/a/../b?x=%00 y").header("X", "1").header("X", "2").header("Host", "other");
        let text = String::from_utf8(request.bytes("real", "")).unwrap();
        assert!(text.starts_with("GET /a/../b?x=%00 y HTTP/1.1\r\n"), "{text}");
        assert!(text.contains("X: 1\r\nX: 2\r\nHost: other\r\n") && !text.contains("real"), "{text}");
        let text = String::from_utf8(Request::new("POST", "/").bytes("real", "")).unwrap();
        assert!(text.contains("Host: real\r\n") && text.contains("Content-Length: 0\r\n"), "{text}");
    }

    #[test]
    fn a_line_of_curl_holds_no_credential() {
        let request = Request::new("PUT", "/n/1?q=it's")
            .header("Cookie", "sid=secret")
            .body("application/json", "{\"a\":\"b\nc\"}");
        let line =
            request.curl("http://127.0.0.1:1", &[("Cookie: sid=secret".to_owned(), "ALICE".to_owned())]);
        assert_eq!(
            line,
            "curl -sS -i -X PUT -H \"$ALICE\" -H 'content-type: application/json' \
             --data-binary $'{\"a\":\"b\\nc\"}' 'http://127.0.0.1:1/n/1?q=it'\\''s'"
        );
    }
}
