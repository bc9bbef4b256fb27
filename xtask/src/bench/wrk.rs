//! Load, by wrk: its own process, so that the measured one is alone on its core.

use std::process::{Command, Stdio};

use super::Failure;

/// What wrk says about a run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) requests: u64,
    pub(crate) per_second: f64,
    /// Microseconds.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

/// Asks `url` on `core` for `seconds` on `connections` kept connections.
pub(crate) fn run(
    core: &str,
    url: &str,
    connections: u32,
    seconds: u32,
    cookie: Option<&str>,
) -> Result<Load, Failure> {
    let mut command = Command::new("taskset");
    command.args(["-c", core, "wrk", "-t1", "--latency", "-c", &connections.to_string()]);
    command.args(["-d", &format!("{seconds}s")]);
    if let Some(cookie) = cookie {
        command.args(["-H", &format!("Cookie: {cookie}")]);
    }
    let output = command.arg(url).stdin(Stdio::null()).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    if text.contains("Non-2xx") || text.contains("Socket errors") || !output.status.success() {
        return Err(format!("answers went wrong:\n{text}").into());
    }
    let field = |start: &str| {
        text.lines()
            .map(str::trim)
            .find_map(|line| line.strip_prefix(start))
            .map(str::trim)
            .ok_or_else(|| format!("wrk does not say `{start}`:\n{text}"))
    };
    let requests = text.lines().map(str::trim).find(|line| line.contains(" requests in "));
    let requests =
        requests.and_then(|line| line.split(' ').next()).ok_or("wrk does not count its requests")?;
    Ok(Load {
        requests: requests.parse()?,
        per_second: field("Requests/sec:")?.parse()?,
        p50: micros(field("50%")?)?,
        p99: micros(field("99%")?)?,
    })
}

/// `1.23ms`, `45.00us` or `2.00s` in microseconds.
fn micros(text: &str) -> Result<f64, Failure> {
    let units = [("us", 1.0), ("ms", 1_000.0), ("s", 1_000_000.0)];
    let found = units.iter().find_map(|(unit, factor)| {
        text.strip_suffix(unit).and_then(|number| number.parse::<f64>().ok()).map(|number| number * factor)
    });
    found.ok_or_else(|| format!("`{text}` is not a latency").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_are_read_in_any_unit() {
        assert_eq!(micros("45.00us").unwrap(), 45.0);
        assert_eq!(micros("1.50ms").unwrap(), 1_500.0);
        assert_eq!(micros("2.00s").unwrap(), 2_000_000.0);
        assert!(micros("fast").is_err());
    }
}
