//! Whether something answers. The only outgoing connections a command makes by itself: to loopback, and
//! to the upstreams the configuration names.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, ToSocketAddrs as _};
use std::time::Duration;

/// On loopback a listener answers at once; a slow application is still found by its name.
const PATIENCE: Duration = Duration::from_millis(400);
/// An upstream may be on another machine.
const FAR: Duration = Duration::from_secs(2);

/// The header every answer of a gate carries.
const GATE: &str = "\r\ngabion-request-id:";

/// The URL under which an application answers on `port` in HTTP, on `127.0.0.1` or, as some development
/// servers do, only on `::1`. A gate is no application.
pub(crate) fn http_on(port: u16) -> Option<String> {
    let addresses =
        [SocketAddr::from((Ipv4Addr::LOCALHOST, port)), SocketAddr::from((Ipv6Addr::LOCALHOST, port))];
    addresses.into_iter().find(|address| is_application(*address)).map(|address| format!("http://{address}"))
}

/// Whether `host:port` takes connections.
pub(crate) fn connects(authority: &str) -> io::Result<SocketAddr> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in authority.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, FAR) {
            Ok(_) => return Ok(address),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// The head of the answer to `GET path`, up to a kilobyte.
pub(crate) fn head(address: SocketAddr, path: &str) -> io::Result<String> {
    let ask = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    let mut stream = open(address, FAR)?;
    stream.write_all(ask.as_bytes())?;
    let mut answer = Vec::new();
    stream.take(1024).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn is_application(address: SocketAddr) -> bool {
    let ask = || -> io::Result<String> {
        let mut stream = open(address, PATIENCE)?;
        stream.write_all(b"HEAD / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut answer = Vec::new();
        // One that keeps the connection open has said what it is by then.
        match stream.take(8192).read_to_end(&mut answer) {
            Err(error) if answer.is_empty() => Err(error),
            _ => Ok(String::from_utf8_lossy(&answer).to_ascii_lowercase()),
        }
    };
    ask().is_ok_and(|answer| answer.starts_with("http/") && !answer.contains(GATE))
}

fn open(address: SocketAddr, patience: Duration) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, patience)?;
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(patience))?;
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    fn listener_saying(answer: &'static [u8]) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            if let Ok((mut stream, _)) = listener.accept() {
                let _ = stream.read(&mut [0; 256]);
                let _ = stream.write_all(answer);
            }
        });
        port
    }

    #[test]
    fn finds_http_and_nothing_else() {
        let port = listener_saying(b"HTTP/1.1 404 Not Found\r\n\r\n");
        assert_eq!(http_on(port), Some(format!("http://127.0.0.1:{port}")));
        assert_eq!(http_on(listener_saying(b"220 mail.example ESMTP\r\n")), None);
        let gate = b"HTTP/1.1 401 Unauthorized\r\nGabion-Request-Id: 8f14e45f\r\n\r\n";
        assert_eq!(http_on(listener_saying(gate)), None, "a gate is no application");
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        assert_eq!(http_on(free), None);
        assert!(connects(&format!("127.0.0.1:{free}")).is_err());
    }
}
