//! One thread: its runtime, its listeners, its connections, and what they share without a lock between
//! threads.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use gabion_checks::{Connection, Denial, Pipeline};
use gabion_model::Timestamp;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::time::{Instant, MissedTickBehavior, timeout};
use tokio_rustls::{LazyConfigAcceptor, TlsAcceptor};

use crate::admission::Place;
use crate::certificates::Certificates;
use crate::gate::{Live, Shared};
use crate::h1;
use crate::h2;
use crate::metrics::CoreMetrics;
use crate::tls::ServerTls;
use crate::trace::Tracer;
use crate::upstream::Pool;
use crate::watch::{Registry, TICK};
use crate::wire::Stream;

/// What the connections of one thread share.
#[derive(Debug)]
pub(crate) struct Core {
    shared: Arc<Shared>,
    registry: Arc<Registry>,
    pub(crate) metrics: CoreMetrics,
    live: Mutex<(u64, Arc<CoreLive>)>,
    date: Mutex<[u8; 29]>,
    pub(crate) certificates: Certificates,
}

/// A generation as one core uses it.
#[derive(Debug)]
pub(crate) struct CoreLive {
    pub(crate) pipeline: Arc<Pipeline>,
    pub(crate) tls: Option<Arc<ServerTls>>,
    /// In the order of `pipeline.upstreams()`.
    pub(crate) pools: Vec<Arc<Pool>>,
    pub(crate) tracer: Option<Arc<dyn Tracer>>,
}

impl Core {
    pub(crate) fn new(shared: &Arc<Shared>) -> Self {
        let registry = Arc::new(Registry::default());
        registry.sweep(Duration::ZERO);
        let live = CoreLive::new(&shared.live(), &[], &registry);
        let date = http_date(shared.clock.now());
        Self {
            shared: Arc::clone(shared),
            registry,
            metrics: CoreMetrics::default(),
            live: Mutex::new((shared.version(), Arc::new(live))),
            date: Mutex::new(date),
            certificates: Certificates::default(),
        }
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    pub(crate) fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    /// The generation for a request that begins now.
    pub(crate) fn live(&self) -> Arc<CoreLive> {
        let version = self.shared.version();
        let mut slot = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        if slot.0 != version {
            let next = CoreLive::new(&self.shared.live(), &slot.1.pools, &self.registry);
            *slot = (version, Arc::new(next));
        }
        Arc::clone(&slot.1)
    }

    /// The present time as `Date` has it; as exact as a tick.
    pub(crate) fn with_date<T>(&self, write: impl FnOnce(&[u8]) -> T) -> T {
        write(&*self.date.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Wakes the late and refreshes what is kept per tick.
    async fn sweep(&self) {
        let start = Instant::now();
        let mut interval = tokio::time::interval(TICK);
        interval.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            let now = interval.tick().await;
            self.registry.sweep(now.duration_since(start));
            let date = http_date(self.shared.clock.now());
            *self.date.lock().unwrap_or_else(PoisonError::into_inner) = date;
            for pool in &self.live().pools {
                pool.evict();
            }
        }
    }
}

impl CoreLive {
    fn new(live: &Live, previous: &[Arc<Pool>], registry: &Arc<Registry>) -> Self {
        let pools = live.targets.iter().map(|target| {
            let kept = previous.iter().find(|pool| Arc::ptr_eq(pool.target(), target));
            kept.map_or_else(|| Arc::new(Pool::new(Arc::clone(target), Arc::clone(registry))), Arc::clone)
        });
        let (pools, tracer) = (pools.collect(), live.tracer.clone());
        Self { pipeline: Arc::clone(&live.pipeline), tls: live.tls.clone(), pools, tracer }
    }
}

/// The runtime of a thread that serves connections.
pub(crate) fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_io().enable_time().build()
}

/// Serves until the gate stops. `listeners` say whether they speak TLS.
pub(crate) fn run(runtime: &Runtime, core: &Arc<Core>, listeners: Vec<(std::net::TcpListener, bool)>) {
    runtime.block_on(async {
        for (socket, secure) in listeners {
            match TcpListener::from_std(socket) {
                Ok(listener) => drop(tokio::spawn(accept(Arc::clone(core), listener, secure))),
                Err(error) => tracing::error!(%error, "listener lost"),
            }
        }
        let sweeper = Arc::clone(core);
        tokio::spawn(async move { sweeper.sweep().await });
        core.shared.stopped().await;
    });
}

/// Accepts until the gate drains; then what is still in the queue, and no more. Connections that wait
/// learn of it here.
async fn accept(core: Arc<Core>, listener: TcpListener, secure: bool) {
    let mut draining = std::pin::pin!(core.shared.draining());
    loop {
        let accepted = tokio::select! {
            biased;
            accepted = listener.accept() => accepted,
            () = &mut draining => break,
        };
        match accepted {
            Ok((stream, peer)) => admit(&core, stream, peer, secure),
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                // Out of file descriptors or memory: it may pass, and spinning does not help.
                tracing::warn!(%error, "accept failed");
                tokio::time::sleep(TICK).await;
            }
        }
    }
    core.registry.drain();
    poll_fn(|cx| {
        while let Poll::Ready(Ok((stream, peer))) = listener.poll_accept(cx) {
            admit(&core, stream, peer, secure);
        }
        Poll::Ready(())
    })
    .await;
}

fn admit(core: &Arc<Core>, stream: TcpStream, peer: SocketAddr, secure: bool) {
    let Ok(local) = stream.local_addr() else { return };
    let connection = Connection { peer, local, secure };
    core.metrics.connections.add(1);
    let Some(place) = core.shared.admission.enter(peer.ip()) else {
        core.metrics.connections_refused.add(1);
        let answer = core.live().pipeline.refuse_connection(connection, Denial::too_many_connections());
        if !secure {
            // One try: who is refused for being too many is not waited for.
            let _ = stream.try_write(&h1::write::whole(answer));
        }
        return;
    };
    let _ = stream.set_nodelay(true);
    let core = Arc::clone(core);
    tokio::spawn(async move { serve(&core, stream, connection, place).await });
}

async fn serve(core: &Arc<Core>, stream: TcpStream, connection: Connection, place: Place) {
    let settings = &core.shared.settings;
    if connection.secure {
        let Some(tls) = core.live().tls.clone() else { return };
        let handshake = Box::pin(handshake(&tls, stream));
        let stream = match timeout(settings.handshake_timeout.as_duration(), handshake).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(_)) | Err(_) => {
                core.metrics.handshakes_failed.add(1);
                return;
            }
        };
        let shown = stream.get_ref().1.peer_certificates();
        let judge =
            |chain| tls.verifier().and_then(|verifier| verifier.judge(chain, core.shared.clock.now()));
        let _kept = match shown.map(judge) {
            None => None,
            Some(Some(certificate)) => Some(core.certificates.keep(connection, certificate)),
            // The handshake believed it and now it is not good: nobody comes in by it.
            Some(None) => return,
        };
        let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        let stream = Stream::Tls(Box::new(stream.into()));
        if http2 {
            Box::pin(h2::serve(core, stream, connection)).await;
        } else {
            h1::server::serve(core, stream, connection, b"").await;
        }
    } else if settings.http2_plaintext {
        Box::pin(sniff(core, stream, connection)).await;
    } else {
        h1::server::serve(core, Stream::Plain(stream), connection, b"").await;
    }
    drop(place);
}

/// The handshake, by the configuration that the client's wish for a host leads to.
async fn handshake(
    tls: &ServerTls,
    stream: TcpStream,
) -> io::Result<tokio_rustls::server::TlsStream<TcpStream>> {
    if let Some(config) = tls.for_all() {
        return TlsAcceptor::from(Arc::clone(config)).accept(stream).await;
    }
    let start = LazyConfigAcceptor::new(rustls::server::Acceptor::default(), stream).await?;
    let config = Arc::clone(tls.for_host(start.client_hello().server_name()));
    start.into_stream(config).await
}

/// Reads until it is clear whether the client speaks HTTP/2 by prior knowledge.
async fn sniff(core: &Arc<Core>, mut stream: TcpStream, connection: Connection) {
    let mut first = Vec::with_capacity(PREFACE.len());
    let whole = async {
        while first.len() < PREFACE.len() && PREFACE.starts_with(&first) {
            let mut rest = (&mut stream).take(PREFACE.len().saturating_sub(first.len()) as u64);
            if rest.read_buf(&mut first).await.unwrap_or(0) == 0 {
                break;
            }
        }
    };
    if timeout(core.shared.settings.head_timeout.as_duration(), whole).await.is_err() {
        return;
    }
    if first == PREFACE {
        h2::serve_after_preface(core, Stream::Plain(stream), connection, first).await;
    } else {
        h1::server::serve(core, Stream::Plain(stream), connection, &first).await;
    }
}

/// Errors of `accept` that say nothing about the next one.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

/// `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 section 5.6.7).
fn http_date(now: Timestamp) -> [u8; 29] {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let day = usize::try_from(now.as_secs().div_euclid(86_400).rem_euclid(7)).unwrap_or(0);
    let text = now.to_string();
    let part = |range| text.get(range).unwrap_or_default();
    let month = part(5..7).parse::<usize>().unwrap_or(1).saturating_sub(1);
    let (day, month) = (DAYS.get(day).unwrap_or(&""), MONTHS.get(month).unwrap_or(&""));
    let text = format!("{day}, {} {month} {} {} GMT", part(8..10), part(0..4), part(11..19));
    let mut date = [b' '; 29];
    for (to, from) in date.iter_mut().zip(text.bytes()) {
        *to = from;
    }
    date
}

/// What an HTTP/2 client sends first (RFC 9113 section 3.4).
pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_as_the_standard_shows() {
        assert_eq!(&http_date(Timestamp::from_secs(784_111_777)), b"Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(&http_date(Timestamp::from_secs(0)), b"Thu, 01 Jan 1970 00:00:00 GMT");
    }
}
