//! Listening sockets, one per thread on one address.

use std::io;
use std::net::SocketAddr;

use socket2::{Domain, Protocol, Socket, Type};

use crate::gate::StartError;

/// Sockets that share an address; the kernel spreads connections over them.
#[derive(Debug)]
pub(crate) struct Bound {
    pub(crate) address: SocketAddr,
    pub(crate) sockets: Vec<std::net::TcpListener>,
}

/// Binds `count` sockets. Port 0 takes a free one, the same for all. Another process on the address is
/// an error, although the sockets share it with each other.
pub(crate) fn bind(address: SocketAddr, count: usize) -> Result<Bound, StartError> {
    let failed = |cause| StartError::Listen { address, cause };
    // SO_REUSEPORT would let a second gate of the same user join silently: look first without it.
    drop(socket(address, false).map_err(failed)?);
    let first = socket(address, true).map_err(failed)?;
    let address = first.local_addr().and_then(|own| own.as_socket().ok_or(io::ErrorKind::Unsupported.into()));
    let address = address.map_err(failed)?;
    let mut sockets = vec![first];
    for _ in 1..count {
        sockets.push(socket(address, true).map_err(failed)?);
    }
    for socket in &sockets {
        socket.listen(BACKLOG).map_err(failed)?;
    }
    Ok(Bound { address, sockets: sockets.into_iter().map(Into::into).collect() })
}

fn socket(address: SocketAddr, shared: bool) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(shared)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

/// Connections the kernel keeps until they are accepted.
const BACKLOG: i32 = 4096;
