//! One question by UDP to a checked address, and what comes back.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout_at};

/// What is asked by one datagram.
#[derive(Debug, Clone, Copy)]
pub struct Datagram<'a> {
    pub bytes: &'a [u8],
    /// How long the first answer is waited for; those behind it come within a moment.
    pub patience: Duration,
    /// Whether answers may come from another port of that host, as those of TFTP do (RFC 1350, section 4).
    pub any_port: bool,
}

/// Sends it once. No answer is an empty list; `ConnectionRefused` says that the host told that nothing listens there.
pub(crate) async fn asked(address: SocketAddr, question: Datagram<'_>) -> io::Result<Vec<Vec<u8>>> {
    let own: IpAddr =
        if address.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((own, 0)).await?;
    if question.any_port {
        socket.send_to(question.bytes, address).await?;
    } else {
        // Only then is the socket told that a port is closed.
        socket.connect(address).await?;
        socket.send(question.bytes).await?;
    }
    let began = Instant::now();
    let mut end = began.checked_add(question.patience).unwrap_or(began);
    let mut answers = Vec::new();
    let mut room = vec![0; LARGEST];
    while answers.len() < MOST {
        let (read, from) = match timeout_at(end, socket.recv_from(&mut room)).await {
            Ok(Ok(received)) => received,
            Ok(Err(error)) if answers.is_empty() => return Err(error),
            Ok(Err(_)) | Err(_) => break,
        };
        // Anybody may send to a port: only the host that was asked answers.
        if from.ip().to_canonical() != address.ip().to_canonical() {
            continue;
        }
        if answers.is_empty() {
            end = Instant::now().checked_add(BEHIND).unwrap_or(end);
        }
        answers.push(room.get(..read).unwrap_or_default().to_vec());
    }
    Ok(answers)
}

/// In bytes; what is longer is cut.
const LARGEST: usize = 16 << 10;
/// The most answers to one question.
const MOST: usize = 8;
const BEHIND: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    fn question(bytes: &[u8], any_port: bool) -> Datagram<'_> {
        Datagram { bytes, patience: Duration::from_secs(5), any_port }
    }

    #[tokio::test]
    async fn who_was_asked_answers_and_a_closed_port_says_so() {
        let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = server.local_addr().unwrap();
        let serving = tokio::spawn(async move {
            let mut room = [0; 100];
            for _ in 0..2 {
                let (read, from) = server.recv_from(&mut room).await.unwrap();
                let elsewhere = UdpSocket::bind("127.0.0.1:0").await.unwrap();
                if &room[..read] == b"elsewhere" {
                    elsewhere.send_to(b"c", from).await.unwrap();
                } else {
                    elsewhere.send_to(b"nobody asked me", from).await.unwrap();
                    server.send_to(b"a", from).await.unwrap();
                    server.send_to(b"b", from).await.unwrap();
                }
            }
        });
        assert_eq!(asked(address, question(b"here", false)).await.unwrap(), [b"a", b"b"]);
        assert_eq!(asked(address, question(b"elsewhere", true)).await.unwrap(), [b"c"]);
        serving.await.unwrap();
        let closed = asked(address, question(b"x", false)).await.unwrap_err();
        assert_eq!(closed.kind(), io::ErrorKind::ConnectionRefused);
    }
}
