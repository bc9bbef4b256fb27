//! Running the application.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::IntoResponse as _;
use http::{StatusCode, header};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::app;

/// How the application is run.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where to listen; port 0 takes a free one. Loopback only.
    pub address: SocketAddr,
    /// Mend every hole.
    pub repaired: bool,
    /// How the application learns who is calling.
    pub identity: Identity,
    /// Answer only to whoever means this very application. Its holes lead to a shell, and any page a
    /// browser shows may send requests to loopback. Off, where those requests are what is tried out.
    pub guarded: bool,
}

impl Options {
    /// The vulnerable application with its own login, on a free port.
    #[must_use]
    pub fn vulnerable() -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            repaired: false,
            identity: Identity::OwnLogin,
            guarded: false,
        }
    }

    /// The repaired application with its own login, on a free port.
    #[must_use]
    pub fn repaired() -> Self {
        Self { repaired: true, ..Self::vulnerable() }
    }
}

/// How the application learns who is calling.
#[derive(Debug, Clone)]
pub enum Identity {
    /// People sign in at the application's own `/login`, and a cookie remembers them.
    OwnLogin,
    /// A gate signs people in and says who calls in the header `Gabion-Identity`: the claim `name` must be
    /// one of the application's users. The repaired application verifies the assertion with these keys.
    Gate {
        /// The key set as the gate publishes it at `/.well-known/jwks.json`.
        jwks: String,
        /// The issuer the repaired application insists on: the gate's origin, which its links lead to.
        issuer: String,
        /// The audience the repaired application insists on.
        audience: String,
    },
}

/// Why the application did not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Somebody else could reach it.
    #[error("a vulnerable application listens on loopback only, and `{0}` is not")]
    NotLoopback(SocketAddr),
    #[error("cannot listen on `{address}`: {source}")]
    Bind { address: SocketAddr, source: std::io::Error },
    #[error("cannot prepare the application's data: {0}")]
    Data(String),
}

/// A running application. Dropping it stops the application.
#[derive(Debug)]
pub struct Handle {
    address: SocketAddr,
    /// How many requests came to the application.
    requests: Arc<AtomicU64>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Handle {
    /// Where the application listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The application's address as a URL without a path, for instance `http://127.0.0.1:3000`.
    #[must_use]
    pub fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many requests came so far. What is no HTTP never comes to the application and is not counted.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Stops listening, ends live streams and waits until the application is gone.
    pub async fn shutdown(mut self) {
        let _ = self.stop.send(true);
        let _ = (&mut self.task).await;
    }

    /// Waits as long as the application runs.
    pub async fn wait(mut self) {
        let _ = (&mut self.task).await;
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Where an application listens already; whoever calls waits until it is [served](serve_at).
#[derive(Debug)]
pub struct Place {
    listener: TcpListener,
    address: SocketAddr,
}

impl Place {
    /// Begins to listen; port 0 takes a free one. Loopback only.
    pub async fn take(wanted: SocketAddr) -> Result<Self, ServeError> {
        if !wanted.ip().is_loopback() {
            return Err(ServeError::NotLoopback(wanted));
        }
        let bind = |source| ServeError::Bind { address: wanted, source };
        let listener = TcpListener::bind(wanted).await.map_err(bind)?;
        let address = listener.local_addr().map_err(bind)?;
        Ok(Self { listener, address })
    }

    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Starts the application on the current tokio runtime.
pub async fn serve(options: Options) -> Result<Handle, ServeError> {
    serve_at(Place::take(options.address).await?, options).await
}

/// Starts the application where it listens already: for whoever has to say where it is before they know all of
/// its options.
pub async fn serve_at(place: Place, options: Options) -> Result<Handle, ServeError> {
    let Place { listener, address } = place;
    let (stop, stopped) = watch::channel(false);
    let router = app::router(&options, address, stopped.clone()).await.map_err(ServeError::Data)?;
    let router = if options.guarded { guard(router, &options.identity, address) } else { router };
    let requests = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&requests);
    let router = router.layer(from_fn(move |request: Request, next: Next| {
        counter.fetch_add(1, Ordering::Relaxed);
        next.run(request)
    }));
    let task = tokio::spawn(async move {
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let until = async move {
            let mut stopped = stopped;
            let _ = stopped.wait_for(|stop| *stop).await;
        };
        if let Err(error) = axum::serve(listener, service).with_graceful_shutdown(until).await {
            tracing::error!(%error, "strawman stopped");
        }
    });
    Ok(Handle { address, requests, stop, task })
}

/// Refuses what a browser was made to send: requests from pages of other sites, and those under a name
/// that somebody else lets point here. Behind a gate only the gate's own authority is answered to, which
/// no browser gives when it comes here directly; which pages may send what is the gate's to judge there.
fn guard(router: Router, identity: &Identity, address: SocketAddr) -> Router {
    let (authority, alone) = match identity {
        Identity::OwnLogin => (address.to_string(), true),
        Identity::Gate { issuer, .. } => {
            (issuer.split_once("://").map_or(issuer.as_str(), |(_, authority)| authority).to_owned(), false)
        }
    };
    let authorities = [authority.replace("127.0.0.1", "localhost"), authority];
    router.layer(from_fn(move |request: Request, next: Next| {
        let field = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
        let named = field(header::HOST).is_some_and(|host| authorities.iter().any(|own| own == host));
        let site = field(header::HeaderName::from_static("sec-fetch-site"));
        let own = named && !(alone && matches!(site, Some("cross-site" | "same-site")));
        // The gate asks by the application's own address, with a signature that no browser has.
        let own = own || (!alone && request.uri().path() == app::resource::PATH);
        async move {
            if own {
                next.run(request).await
            } else {
                (StatusCode::FORBIDDEN, "Not from here.").into_response()
            }
        }
    }))
}
