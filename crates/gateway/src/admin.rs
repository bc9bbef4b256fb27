//! The listener for operators: `/metrics`, `/healthz`, `/readyz`. It answers GET and HEAD, and nothing
//! about a request but its path matters.

use std::convert::Infallible;
use std::fmt::Write;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gabion_model::ControlId;
use http::uri::Authority;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;

use crate::core::Core;
use crate::gate::Shared;
use crate::metrics::{CoreMetrics, family, render};
use crate::upstream::health;

/// Answers operators and asks upstreams how they are, until the gate stops.
pub(crate) fn run(
    runtime: &Runtime,
    shared: &Arc<Shared>,
    cores: Vec<Arc<Core>>,
    sockets: Vec<std::net::TcpListener>,
) {
    let view = Arc::new(View { shared: Arc::clone(shared), cores });
    runtime.block_on(async {
        tokio::spawn(health::run(Arc::clone(shared)));
        for socket in sockets {
            match TcpListener::from_std(socket) {
                Ok(listener) => drop(tokio::spawn(accept(Arc::clone(&view), listener))),
                Err(error) => tracing::error!(%error, "admin listener lost"),
            }
        }
        shared.stopped().await;
    });
}

struct View {
    shared: Arc<Shared>,
    cores: Vec<Arc<Core>>,
}

async fn accept(view: Arc<View>, listener: TcpListener) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let view = Arc::clone(&view);
        let is_local = stream.local_addr().is_ok_and(|address| address.ip().is_loopback());
        tokio::spawn(async move {
            let service = service_fn(|request| {
                let answer = view.answer(&request, is_local);
                async move { Ok::<_, Infallible>(answer) }
            });
            let served = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD_TIMEOUT)
                .serve_connection(TokioIo::new(stream), service);
            let _ = served.await;
            drop(place);
        });
    }
}

impl View {
    fn answer(&self, request: &Request<Incoming>, is_local: bool) -> Response<Full<Bytes>> {
        // A page of another site can have its name point to this machine (DNS rebinding).
        if is_local && !names_this_machine(request.headers().get(header::HOST)) {
            return text(StatusCode::MISDIRECTED_REQUEST, "ask by address or as localhost\n".into());
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return text(StatusCode::METHOD_NOT_ALLOWED, "only GET\n".into());
        }
        match request.uri().path() {
            "/healthz" => text(StatusCode::OK, "ok\n".into()),
            "/readyz" => {
                let (ready, report) = self.readiness();
                text(if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, report)
            }
            "/metrics" => {
                let mut answer = text(StatusCode::OK, self.metrics());
                let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
                answer.headers_mut().insert(header::CONTENT_TYPE, kind);
                answer
            }
            _ => text(StatusCode::NOT_FOUND, "try /metrics, /healthz or /readyz\n".into()),
        }
    }

    /// One line per part: `ok` or `failing`, then its name.
    fn readiness(&self) -> (bool, String) {
        let mut report = String::new();
        let mut all = true;
        let mut note = |name: &str, well: bool| {
            all &= well;
            let _ = writeln!(report, "{} {name}", if well { "ok" } else { "failing" });
        };
        note("accepting", !self.shared.is_draining());
        for target in &self.shared.live().targets {
            note(&format!("upstream {}", target.name), target.health.is_well());
        }
        for probe in &self.shared.probes {
            note(probe.name, (probe.read)().well);
        }
        (all, report)
    }

    fn metrics(&self) -> String {
        let mut out = String::with_capacity(8 * 1024);
        let cores: Vec<&CoreMetrics> = self.cores.iter().map(|core| &core.metrics).collect();
        render(&mut out, &cores);
        let gauges = [
            ("gabion_connections", "Connections open.", self.shared.admission.open() as f64),
            ("gabion_draining", "1 while the gate stops.", f64::from(u8::from(self.shared.is_draining()))),
            (
                "gabion_uptime_seconds",
                "Since the start.",
                self.shared.clock.now().saturating_since(self.shared.started).as_secs_f64(),
            ),
        ];
        for (name, help, value) in gauges {
            family(&mut out, name, "gauge", help);
            let _ = writeln!(out, "{name} {value}");
        }
        let live = self.shared.live();
        family(&mut out, "gabion_upstream_up", "gauge", "1 while the upstream is reachable.");
        for target in &live.targets {
            let up = u8::from(target.health.is_well());
            let _ = writeln!(out, "gabion_upstream_up{{upstream=\"{}\"}} {up}", escaped(&target.name));
        }
        family(&mut out, "gabion_checks_total", "counter", "What the checks decided, by control.");
        for metric in live.pipeline.metrics() {
            let control = metric.control.map_or("", ControlId::as_str);
            let (check, verdict) = (metric.check, metric.verdict.as_str());
            let labels = format!("check=\"{check}\",control=\"{control}\",verdict=\"{verdict}\"");
            let _ = writeln!(out, "gabion_checks_total{{{labels}}} {}", metric.count);
        }
        for probe in &self.shared.probes {
            let name = format!("gabion_{}", probe.name);
            family(&mut out, &name, "gauge", probe.help);
            let _ = writeln!(out, "{name} {}", (probe.read)().value);
        }
        out
    }
}

/// `localhost` or a bare address, with or without a port; or, in HTTP/1.0, nothing.
fn names_this_machine(host: Option<&HeaderValue>) -> bool {
    let Some(host) = host else { return true };
    let Ok(host) = Authority::try_from(host.as_bytes()) else { return false };
    let name = host.host().trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok()
}

fn text(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::new(Bytes::from(body)));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    answer.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// A label's value as Prometheus wants it.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// Connections at once: operators and scrapers, nobody else.
const MAX_CONNECTIONS: usize = 64;
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
