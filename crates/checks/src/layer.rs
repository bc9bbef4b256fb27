//! Checks as tower layers, for Rust applications without the gateway.
//!
//! [`CheckLayer::only`] builds a layer of some checks, in the order of [`order`](crate::order) whatever order
//! they are named in; [`CheckLayer::new`] takes a whole [`Pipeline`], with sessions and ledger. The
//! service below plays the part of the upstream: it gets the rebuilt request, with a
//! [`Caller`](crate::Caller) in its extensions, and what it answers leaves through the same checks. The
//! server puts a [`Connection`] into the extensions; without one the client's address is unknown
//! (`0.0.0.0`) and the connection counts as plain HTTP.
//!
//! Bodies are not looked into: the `errors` check replaces 5xx bodies, but does not search others.
//!
//! ```
//! use std::sync::Arc;
//!
//! use bytes::Bytes;
//! use gabion_checks::{Access, CheckLayer, Route, Settings};
//! use gabion_model::SystemClock;
//! use gabion_model::random::SeededRng;
//! use http::{Request, Response, StatusCode};
//! use http_body_util::Full;
//! use tower::{Layer as _, ServiceExt as _, service_fn};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let routes = [Route::new("/*", Access::Public, "here")];
//! let (clock, rng) = (Arc::new(SystemClock), Arc::new(SeededRng::new(1))); // in earnest: vault::SystemRng
//! let layer = CheckLayer::only(&["csrf", "headers"], &Settings::default(), &routes, clock, rng).unwrap();
//!
//! let application = service_fn(async |_: Request<Full<Bytes>>| {
//!     Ok::<_, std::convert::Infallible>(Response::new(Full::<Bytes>::from("transferred")))
//! });
//! let forged = Request::post("https://bank.example/transfer")
//!     .header("host", "bank.example")
//!     .header("origin", "https://evil.example")
//!     .body(Full::default())
//!     .unwrap();
//! let answer = layer.layer(application).oneshot(forged).await.unwrap();
//! assert_eq!(answer.status(), StatusCode::FORBIDDEN);
//! assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
//! # });
//! ```

use std::fmt;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use gabion_model::{Clock, Problem, Rng};
use http::{Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use crate::exchange::{Caller, Connection};
use crate::pipeline::Pipeline;
use crate::route::Route;
use crate::settings::Settings;

/// Puts checks around a service.
#[derive(Debug, Clone)]
pub struct CheckLayer {
    pipeline: Arc<Pipeline>,
}

impl CheckLayer {
    /// All checks of a pipeline.
    #[must_use]
    pub fn new(pipeline: Arc<Pipeline>) -> Self {
        Self { pipeline }
    }

    /// The named checks only: all but `session`, `identity_header` and `audit`, which need what
    /// [`Parts`](crate::Parts) holds.
    ///
    /// # Errors
    /// Unknown names, and all that is wrong with settings and routes.
    pub fn only(
        names: &[&str],
        settings: &Settings,
        routes: &[Route],
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Result<Self, Vec<Problem>> {
        Pipeline::only(names, settings, routes, clock, &*rng).map(|pipeline| Self::new(Arc::new(pipeline)))
    }
}

impl<S> Layer<S> for CheckLayer {
    type Service = Checked<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Checked { inner, pipeline: Arc::clone(&self.pipeline) }
    }
}

/// A service behind checks.
#[derive(Clone)]
pub struct Checked<S> {
    inner: S,
    pipeline: Arc<Pipeline>,
}

impl<S> fmt::Debug for Checked<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Checked").field("pipeline", &self.pipeline).finish_non_exhaustive()
    }
}

impl<S, B, A> Service<Request<B>> for Checked<S>
where
    S: Service<Request<B>, Response = Response<A>>,
    S::Future: Send + 'static,
    A: From<Bytes>,
    B: Send + 'static,
{
    type Response = Response<A>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<A>, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let pipeline = Arc::clone(&self.pipeline);
        let (mut head, body) = request.into_parts();
        let connection = head.extensions.get().copied().unwrap_or(UNKNOWN);
        let mut exchange = match pipeline.judge(connection, &mut head) {
            Ok(exchange) => exchange,
            Err(refused) => return Box::pin(async move { Ok(pipeline.answer(refused).map(A::from)) }),
        };
        head.extensions.insert(Caller::of(&exchange));
        let answer = self.inner.call(Request::from_parts(head, body));
        Box::pin(async move {
            let (mut head, body) = answer.await?.into_parts();
            let replaced = pipeline.response(&mut exchange, &mut head);
            Ok(Response::from_parts(head, replaced.map_or(body, A::from)))
        })
    }
}

const UNKNOWN: Connection = Connection {
    peer: SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0),
    local: SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0),
    secure: false,
};
