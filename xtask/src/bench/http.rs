//! Just enough of a client to sign in, and to hold connections open.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::Failure;
use super::process::connect;

/// Sends a request and reads the answer until the server closes.
pub(crate) fn ask(address: SocketAddr, request: &str) -> Result<String, Failure> {
    let mut stream = connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// Whether a request gets an answer, whatever it says.
pub(crate) fn answers(address: SocketAddr) -> bool {
    ask(address, &format!("GET / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"))
        .is_ok_and(|answer| answer.starts_with("HTTP/1.1 "))
}

/// Posts a form as a page of the gate itself would.
pub(crate) fn post(address: SocketAddr, path: &str, form: &[(&str, &str)]) -> Result<String, Failure> {
    let fields: Vec<_> = form.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    let body = fields.join("&");
    ask(
        address,
        &format!(
            "POST {path} HTTP/1.1\r\nHost: {address}\r\nOrigin: http://{address}\r\nSec-Fetch-Site: same-origin\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        ),
    )
}

/// Opens a connection, makes one request on it and leaves it open.
pub(crate) fn idle(address: SocketAddr, cookie: Option<&str>) -> Result<TcpStream, Failure> {
    let mut stream = connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let cookie = cookie.map(|cookie| format!("Cookie: {cookie}\r\n")).unwrap_or_default();
    stream.write_all(format!("GET /k1.html HTTP/1.1\r\nHost: {address}\r\n{cookie}\r\n").as_bytes())?;
    let mut answer = [0; 4096];
    let mut read = 0;
    while !answer.ends_with_body(read) {
        let space = answer.get_mut(read..).unwrap_or_default();
        match stream.read(space)? {
            0 => return Err("an idle connection was closed".into()),
            count => read += count,
        }
    }
    Ok(stream)
}

/// Whether the one-kilobyte answer is there whole.
trait EndsWithBody {
    fn ends_with_body(&self, read: usize) -> bool;
}

impl EndsWithBody for [u8] {
    fn ends_with_body(&self, read: usize) -> bool {
        let text = self.get(..read).unwrap_or_default();
        let head = text.windows(4).position(|window| window == b"\r\n\r\n");
        head.is_some_and(|head| read >= head + 4 + super::gate::ANSWER)
    }
}

pub(crate) fn encoded(value: &str) -> String {
    value.bytes().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_alphanumeric() {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
        text
    })
}
