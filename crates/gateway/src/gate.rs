//! Starting, reloading and stopping.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::Duration;

use arc_swap::ArcSwap;
use gabion_checks::Pipeline;
use gabion_model::{Clock, Timestamp};
use tokio::runtime::Runtime;
use tokio::sync::Notify;

use crate::admin;
use crate::admission::Admission;
use crate::core::{self, Core};
use crate::listener;
use crate::local::LocalService;
use crate::settings::{AdminSettings, ClientCertificates, Settings, TlsMode, Upstream};
use crate::tls::{ServerTls, TlsError, TlsMaterial};
use crate::trace::Tracer;
use crate::upstream::Target;

/// Everything a gate is started with.
#[derive(Debug)]
pub struct Options {
    pub settings: Settings,
    pub admin: AdminSettings,
    pub generation: Generation,
    /// Answers `Destination::Local`.
    pub local: LocalService,
    pub clock: Arc<dyn Clock>,
    /// What else must be well for `/readyz`, and what else `/metrics` shows.
    pub probes: Vec<Probe>,
}

/// What a reload replaces. A request is served to its end by the generation it began with.
#[derive(Debug, Clone)]
pub struct Generation {
    pub pipeline: Arc<Pipeline>,
    /// By name, as `[upstreams]` has them. Every name the pipeline's routes use must be here.
    pub upstreams: BTreeMap<String, Upstream>,
    /// Needed unless `settings.tls.mode` is `off`.
    pub tls: Option<TlsMaterial>,
    /// Which certificates clients may show.
    pub client_certificates: Option<ClientCertificates>,
    /// Who makes traces of requests, if anybody does.
    pub tracer: Option<Arc<dyn Tracer>>,
}

/// One value another part of the program gives to the admin listener.
pub struct Probe {
    /// Lower case with underscores, for instance `ledger_queue`; the metric is `gabion_ledger_queue`.
    pub name: &'static str,
    pub help: &'static str,
    /// Read at every scrape.
    pub read: Box<dyn Fn() -> Reading + Send + Sync>,
}

/// What a [`Probe`] says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    pub value: f64,
    /// `false` makes `/readyz` say no.
    pub well: bool,
}

/// A running gate. Dropping it stops it at once; [`drain`](Self::drain) stops it gracefully.
#[derive(Debug)]
pub struct Gate {
    shared: Arc<Shared>,
    addresses: Addresses,
    threads: Vec<JoinHandle<()>>,
}

/// Where a gate listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addresses {
    pub gateway: SocketAddr,
    pub plain: Option<SocketAddr>,
    pub admin: Option<SocketAddr>,
}

/// Why a gate does not start or a generation cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("cannot listen on `{address}`: {cause}")]
    Listen { address: SocketAddr, cause: std::io::Error },
    #[error("TLS is on, but there is no certificate")]
    NoCertificate,
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("upstream `{name}`: {reason}")]
    Upstream { name: String, reason: String },
    #[error("a thread could not be started: {0}")]
    Thread(std::io::Error),
}

/// What all threads share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) settings: Settings,
    pub(crate) local: LocalService,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) started: Timestamp,
    pub(crate) probes: Vec<Probe>,
    pub(crate) admission: Admission,
    live: ArcSwap<Live>,
    version: AtomicU64,
    draining: AtomicBool,
    /// Wakes every thread when draining begins and when it is over.
    pub(crate) stop: Notify,
    stopped: AtomicBool,
}

/// A generation, ready to use.
#[derive(Debug)]
pub(crate) struct Live {
    pub(crate) pipeline: Arc<Pipeline>,
    /// In the order of `pipeline.upstreams()`.
    pub(crate) targets: Vec<Arc<Target>>,
    pub(crate) tls: Option<Arc<ServerTls>>,
    pub(crate) tracer: Option<Arc<dyn Tracer>>,
}

impl Gate {
    /// Binds every listener and starts one thread per core. When it returns, clients can connect.
    pub fn start(options: Options) -> Result<Self, StartError> {
        let Options { settings, admin, generation, local, clock, probes } = options;
        let live = Live::build(&settings, generation, None)?;
        let threads = match settings.threads {
            0 => std::thread::available_parallelism().map_or(1, NonZeroUsize::get),
            threads => threads,
        };
        let gateway = listener::bind(settings.listen, threads)?;
        let plain = settings.listen_plain.map(|address| listener::bind(address, threads)).transpose()?;
        let admin = admin.enabled.then(|| listener::bind(admin.listen, 1)).transpose()?;
        let addresses = Addresses {
            gateway: gateway.address,
            plain: plain.as_ref().map(|bound| bound.address),
            admin: admin.as_ref().map(|bound| bound.address),
        };
        let shared = Arc::new(Shared {
            admission: Admission::new(settings.max_connections, settings.max_connections_per_address),
            settings,
            local,
            started: clock.now(),
            clock,
            probes,
            live: ArcSwap::from_pointee(live),
            version: AtomicU64::new(0),
            draining: AtomicBool::new(false),
            stop: Notify::new(),
            stopped: AtomicBool::new(false),
        });
        let cores: Vec<_> = (0..threads).map(|_| Arc::new(Core::new(&shared))).collect();
        let mut gate = Self { shared: Arc::clone(&shared), addresses, threads: Vec::new() };
        let secure = shared.settings.tls.mode != TlsMode::Off;
        let mut plain = plain.map(|bound| bound.sockets).unwrap_or_default().into_iter();
        for (core, socket) in cores.iter().zip(gateway.sockets) {
            let listeners: Vec<_> =
                std::iter::once((socket, secure)).chain(plain.next().map(|socket| (socket, false))).collect();
            let core = Arc::clone(core);
            gate.spawn("gabion-core", move |runtime| core::run(runtime, &core, listeners))?;
        }
        let sockets = admin.map(|bound| bound.sockets).unwrap_or_default();
        gate.spawn("gabion-admin", move |runtime| admin::run(runtime, &shared, cores, sockets))?;
        Ok(gate)
    }

    #[must_use]
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// Serves requests that begin from now on by `generation`. Nothing changes when it cannot be used.
    /// Addresses, thread count and connection caps stay as they were started.
    pub fn reload(&self, generation: Generation) -> Result<(), StartError> {
        let live = Live::build(&self.shared.settings, generation, Some(&self.shared.live.load()))?;
        self.shared.live.store(Arc::new(live));
        self.shared.version.fetch_add(1, Relaxed);
        Ok(())
    }

    /// Connections open now.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.admission.open()
    }

    /// Stops accepting, lets requests in flight end (`Connection: close`, GOAWAY), and ends what is left
    /// after `deadline`. Returns how many connections had to be cut.
    pub async fn drain(mut self, deadline: Duration) -> usize {
        self.shared.draining.store(true, Relaxed);
        self.shared.stop.notify_waiters();
        let cut = tokio::time::timeout(deadline, self.shared.admission.empty()).await.is_err();
        let left = if cut { self.shared.admission.open() } else { 0 };
        self.stop();
        left
    }

    fn spawn(&mut self, name: &str, run: impl FnOnce(&Runtime) + Send + 'static) -> Result<(), StartError> {
        let runtime = core::runtime().map_err(StartError::Thread)?;
        let thread = std::thread::Builder::new().name(name.into());
        let thread = thread.spawn(move || run(&runtime)).map_err(StartError::Thread)?;
        self.threads.push(thread);
        Ok(())
    }

    fn stop(&mut self) {
        self.shared.draining.store(true, Relaxed);
        self.shared.stopped.store(true, Relaxed);
        self.shared.stop.notify_waiters();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    /// Grows with every reload.
    pub(crate) fn version(&self) -> u64 {
        self.version.load(Relaxed)
    }

    pub(crate) fn live(&self) -> Arc<Live> {
        self.live.load_full()
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Relaxed)
    }

    /// Waits until `reached` says so; looked at whenever the gate's state changes.
    async fn until(&self, reached: impl Fn(&Self) -> bool) {
        loop {
            let changed = self.stop.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if reached(self) {
                return;
            }
            changed.await;
        }
    }

    pub(crate) async fn draining(&self) {
        self.until(Self::is_draining).await;
    }

    pub(crate) async fn stopped(&self) {
        self.until(|shared| shared.stopped.load(Relaxed)).await;
    }
}

impl Live {
    fn build(
        settings: &Settings,
        generation: Generation,
        previous: Option<&Self>,
    ) -> Result<Self, StartError> {
        let tls = match (settings.tls.mode, &generation.tls) {
            (TlsMode::Off, _) => None,
            (_, None) => return Err(StartError::NoCertificate),
            (_, Some(material)) => {
                let client = generation.client_certificates.as_ref();
                Some(Arc::new(material.server(settings.http2, client)?))
            }
        };
        let targets = generation.pipeline.upstreams().iter().map(|name| {
            let Some(upstream) = generation.upstreams.get(&**name) else {
                return Err(StartError::Upstream {
                    name: name.to_string(),
                    reason: "is not declared".into(),
                });
            };
            let kept = previous.and_then(|live| live.targets.iter().find(|target| target.is(name, upstream)));
            kept.map_or_else(|| Target::new(name, upstream).map(Arc::new), |target| Ok(Arc::clone(target)))
        });
        let (targets, tracer) = (targets.collect::<Result<_, _>>()?, generation.tracer.clone());
        Ok(Self { targets, pipeline: generation.pipeline, tls, tracer })
    }
}

impl fmt::Debug for Probe {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Probe").field("name", &self.name).finish_non_exhaustive()
    }
}
