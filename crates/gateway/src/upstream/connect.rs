//! Opening connections to upstreams: the only place in the gateway that dials.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::metrics::CoreMetrics;
use crate::upstream::{Target, UpstreamError, Wire};
use crate::wire::Stream;

/// A new connection, with TLS where the upstream has it.
pub(crate) async fn connect(target: &Target, metrics: &CoreMetrics) -> Result<Wire, UpstreamError> {
    metrics.upstream_connects.add(1);
    // Boxed: connecting is rare, and its state would be part of every request's.
    Box::pin(stream(target)).await.map(Wire::new)
}

pub(crate) async fn stream(target: &Target) -> Result<Stream, UpstreamError> {
    let dialled = timeout(target.settings.connect_timeout.as_duration(), dial(target)).await;
    let result = match dialled {
        Err(_) => Err(UpstreamError::Timeout),
        Ok(Err(error)) => Err(UpstreamError::Unreachable(error.to_string())),
        Ok(Ok(stream)) => Ok(stream),
    };
    target.health.connected(result.is_ok());
    result
}

async fn dial(target: &Target) -> io::Result<Stream> {
    let (host, port) = (target.origin.host.as_str(), target.origin.port);
    let addresses: Vec<SocketAddr> = match host.parse::<IpAddr>() {
        Ok(address) => vec![(address, port).into()],
        Err(_) => tokio::net::lookup_host((host, port)).await?.collect(),
    };
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in addresses {
        match tcp(address).await {
            Ok(stream) => return tls(target, stream).await,
            Err(error) => last = error,
        }
    }
    Err(last)
}

#[expect(clippy::disallowed_methods, reason = "this is the upstream pool, where outbound sockets belong")]
async fn tcp(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    // An upstream that vanishes without a word is noticed on streams that say nothing for long.
    socket2::SockRef::from(&stream).set_keepalive(true)?;
    Ok(stream)
}

async fn tls(target: &Target, stream: TcpStream) -> io::Result<Stream> {
    let Some((config, name)) = &target.tls else { return Ok(Stream::Plain(stream)) };
    let stream = TlsConnector::from(Arc::clone(config)).connect(name.clone(), stream).await?;
    let wants: &[u8] = if target.settings.http2 { b"h2" } else { b"http/1.1" };
    match stream.get_ref().1.alpn_protocol() {
        None if !target.settings.http2 => {}
        Some(protocol) if protocol == wants => {}
        _ => return Err(io::Error::other("the upstream does not speak the configured protocol")),
    }
    Ok(Stream::Tls(Box::new(stream.into())))
}
