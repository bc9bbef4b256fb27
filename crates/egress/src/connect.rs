//! From a checked address to a stream, or to the answer to a datagram.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use gabion_model::outbound::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::datagram::{Datagram, asked};

/// Bytes both ways.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Opens connections to addresses that were judged.
pub trait Dial: Send + Sync + fmt::Debug {
    fn dial(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Stream>>>;

    /// Asks by one datagram, where there is a way for that. Answers stand in the order in which they came; none is silence, and
    /// `ConnectionRefused` the host's word that nothing listens there.
    fn ask<'a>(
        &'a self,
        _address: SocketAddr,
        _question: Datagram<'a>,
    ) -> BoxFuture<'a, io::Result<Vec<Vec<u8>>>> {
        Box::pin(async { Err(io::ErrorKind::Unsupported.into()) })
    }
}

/// By TCP, and datagrams by UDP, directly.
#[derive(Debug, Clone, Copy, Default)]
pub struct TcpDial;

impl Dial for TcpDial {
    #[expect(clippy::disallowed_methods, reason = "the guarded client: what it dials was judged")]
    fn dial(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Stream>>> {
        Box::pin(async move {
            let connected = tokio::time::timeout(LONGEST, TcpStream::connect(address)).await;
            let stream = connected.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
            stream.set_nodelay(true)?;
            Ok(Box::new(stream) as Box<dyn Stream>)
        })
    }

    fn ask<'a>(
        &'a self,
        address: SocketAddr,
        question: Datagram<'a>,
    ) -> BoxFuture<'a, io::Result<Vec<Vec<u8>>>> {
        Box::pin(asked(address, question))
    }
}

/// So that one dead address does not use up the time of the others.
const LONGEST: Duration = Duration::from_secs(3);
