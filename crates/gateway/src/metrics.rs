//! Counters of one core. Only its own thread writes them, so counting is a load and a store; the admin
//! listener reads and adds up.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use http::StatusCode;

/// A number only one thread changes.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

/// What one core counts.
#[derive(Debug, Default)]
pub(crate) struct CoreMetrics {
    /// Accepted since the start, with those refused.
    pub(crate) connections: Counter,
    pub(crate) connections_refused: Counter,
    pub(crate) handshakes_failed: Counter,
    pub(crate) http2_errors: Counter,
    /// Answers by the first digit of their status.
    answers: [Counter; 5],
    in_flight: Counter,
    pub(crate) upstream: Histogram,
    pub(crate) upstream_unreachable: Counter,
    pub(crate) upstream_timeout: Counter,
    pub(crate) upstream_malformed: Counter,
    pub(crate) upstream_connects: Counter,
}

/// Durations by bucket.
#[derive(Debug, Default)]
pub(crate) struct Histogram {
    buckets: [Counter; BUCKETS.len()],
    count: Counter,
    nanos: Counter,
}

/// One request in flight; counted out on drop.
#[derive(Debug)]
pub(crate) struct InFlight<'a>(&'a Counter);

impl Counter {
    pub(crate) fn add(&self, count: u64) {
        self.0.store(self.0.load(Relaxed).wrapping_add(count), Relaxed);
    }

    fn subtract(&self, count: u64) {
        self.0.store(self.0.load(Relaxed).wrapping_sub(count), Relaxed);
    }

    pub(crate) fn read(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

impl CoreMetrics {
    pub(crate) fn enter(&self) -> InFlight<'_> {
        self.in_flight.add(1);
        InFlight(&self.in_flight)
    }

    pub(crate) fn answered(&self, status: StatusCode) {
        if let Some(class) = self.answers.get(usize::from(status.as_u16() / 100).wrapping_sub(1)) {
            class.add(1);
        }
    }
}

impl Histogram {
    pub(crate) fn observe(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        if let Some((_, bucket)) = BUCKETS.iter().zip(&self.buckets).find(|((limit, _), _)| micros <= *limit)
        {
            bucket.add(1);
        }
        self.count.add(1);
        self.nanos.add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.subtract(1);
    }
}

/// Adds up all cores and writes them in the text format of Prometheus.
pub(crate) fn render(out: &mut String, cores: &[&CoreMetrics]) {
    let sum = |pick: &dyn Fn(&CoreMetrics) -> u64| cores.iter().map(|core| pick(core)).sum::<u64>();
    family(out, "gabion_http_answers_total", "counter", "Answers sent, by class of status.");
    for class in 1..=5 {
        let count = sum(&|core| core.answers.get(class - 1).map_or(0, Counter::read));
        let _ = writeln!(out, "gabion_http_answers_total{{class=\"{class}xx\"}} {count}");
    }
    type Pick = fn(&CoreMetrics) -> &Counter;
    let plain: [(&str, &str, &str, Pick); 9] = [
        ("gabion_http_in_flight", "gauge", "Requests being served.", |core| &core.in_flight),
        ("gabion_connections_total", "counter", "Connections accepted.", |core| &core.connections),
        ("gabion_connections_refused_total", "counter", "Connections over a limit.", |core| {
            &core.connections_refused
        }),
        ("gabion_tls_handshakes_failed_total", "counter", "TLS handshakes that failed.", |core| {
            &core.handshakes_failed
        }),
        ("gabion_http2_errors_total", "counter", "HTTP/2 connections ended for an error.", |core| {
            &core.http2_errors
        }),
        ("gabion_upstream_connects_total", "counter", "Connections opened to upstreams.", |core| {
            &core.upstream_connects
        }),
        (
            "gabion_upstream_unreachable_total",
            "counter",
            "Requests whose upstream was not reachable.",
            |core| &core.upstream_unreachable,
        ),
        ("gabion_upstream_timeout_total", "counter", "Requests whose upstream took too long.", |core| {
            &core.upstream_timeout
        }),
        ("gabion_upstream_malformed_total", "counter", "Answers of upstreams that were not valid.", |core| {
            &core.upstream_malformed
        }),
    ];
    for (name, kind, help, pick) in plain {
        family(out, name, kind, help);
        let _ = writeln!(out, "{name} {}", sum(&|core| pick(core).read()));
    }
    let name = "gabion_upstream_seconds";
    family(out, name, "histogram", "From sending a request to the head of the answer.");
    let mut below = 0;
    for (index, (_, label)) in BUCKETS.iter().enumerate() {
        below += sum(&|core| core.upstream.buckets.get(index).map_or(0, Counter::read));
        let _ = writeln!(out, "{name}_bucket{{le=\"{label}\"}} {below}");
    }
    let count = sum(&|core| core.upstream.count.read());
    let seconds = Duration::from_nanos(sum(&|core| core.upstream.nanos.read())).as_secs_f64();
    let _ = writeln!(out, "{name}_bucket{{le=\"+Inf\"}} {count}\n{name}_sum {seconds}\n{name}_count {count}");
}

/// The two lines before a metric's values.
pub(crate) fn family(out: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

/// Upper bounds in microseconds, and as Prometheus wants them: in seconds.
const BUCKETS: [(u64, &str); 12] = [
    (500, "0.0005"),
    (1_000, "0.001"),
    (2_500, "0.0025"),
    (5_000, "0.005"),
    (10_000, "0.01"),
    (25_000, "0.025"),
    (50_000, "0.05"),
    (100_000, "0.1"),
    (250_000, "0.25"),
    (1_000_000, "1"),
    (5_000_000, "5"),
    (30_000_000, "30"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cores_are_added_up_and_buckets_cumulate() {
        let (one, two) = (CoreMetrics::default(), CoreMetrics::default());
        one.answered(StatusCode::OK);
        two.answered(StatusCode::NOT_FOUND);
        two.answered(StatusCode::OK);
        one.upstream.observe(Duration::from_micros(700));
        two.upstream.observe(Duration::from_secs(60));
        let held = one.enter();
        let mut text = String::new();
        render(&mut text, &[&one, &two]);
        for line in [
            "gabion_http_answers_total{class=\"2xx\"} 2",
            "gabion_http_answers_total{class=\"4xx\"} 1",
            "gabion_http_in_flight 1",
            "gabion_upstream_seconds_bucket{le=\"0.0005\"} 0",
            "gabion_upstream_seconds_bucket{le=\"30\"} 1",
            "gabion_upstream_seconds_bucket{le=\"+Inf\"} 2",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in {text}");
        }
        drop(held);
        assert_eq!(one.in_flight.read(), 0);
    }
}
