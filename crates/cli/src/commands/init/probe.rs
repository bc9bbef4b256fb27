//! Whether something on this machine speaks HTTP. The only outgoing connection a command makes by
//! itself, and only to loopback.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// On loopback a listener answers at once; a slow application is still found by its name.
const PATIENCE: Duration = Duration::from_millis(400);

/// The URL under which `port` answers in HTTP, on `127.0.0.1` or, as some development servers do, only
/// on `::1`.
pub(super) fn http_on(port: u16) -> Option<String> {
    let addresses =
        [SocketAddr::from((Ipv4Addr::LOCALHOST, port)), SocketAddr::from((Ipv6Addr::LOCALHOST, port))];
    addresses.into_iter().find(|address| speaks_http(*address)).map(|address| format!("http://{address}"))
}

fn speaks_http(address: SocketAddr) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.write_all(b"HEAD / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut start = [0; 5];
        stream.read_exact(&mut start)?;
        Ok(&start == b"HTTP/")
    };
    ask().unwrap_or(false)
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
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        assert_eq!(http_on(free), None);
    }
}
