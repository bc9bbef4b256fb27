//! Sentry, by its envelopes: each record of at least the severity `least` one event, one `POST`.
//!
//! The file of `secret_file` holds the project's DSN, `https://PUBLIC_KEY@HOST/PROJECT`; its key goes out in `X-Sentry-Auth`. 429 says
//! how long to wait (`Retry-After`, `X-Sentry-Rate-Limits`: `60:error:organization`), and a limit that comes with a 200 is kept, too. 400
//! and 413 say that an event is never taken.

use std::path::Path;
use std::time::Duration;

use gabion_egress::{Scheme, Target};
use gabion_ledger::Record;
use gabion_model::outbound::FetchResponse;
use gabion_model::{Secret, Severity, Timestamp};
use gabion_telemetry::{Source, sentry, severity};
use gabion_vault::sha256_of;

use super::http::{Post, refused, retry_after, secret};
use super::settings::{SinkSettings, is_this_machine};
use super::{Rejected, Report, SinkError, SinkSetupError};

pub(super) struct SentrySink {
    post: Post,
    least: Severity,
}

impl SentrySink {
    pub(super) fn new(settings: &SinkSettings) -> Result<Self, SinkSetupError> {
        let path = settings.secret_file.clone().unwrap_or_default();
        let dsn = Dsn::read(&path)?;
        let version = env!("CARGO_PKG_VERSION");
        let client = format!(
            "Sentry sentry_version=7, sentry_client=gabion/{version}, sentry_key={}",
            dsn.key.expose()
        );
        let field = ("x-sentry-auth".to_owned(), Secret::new(client));
        Ok(Self { post: Post::to(settings, dsn.authority, dsn.url, field)?, least: settings.least() })
    }

    pub(super) const fn least(&self) -> Severity {
        self.least
    }

    /// The first record that is bad enough, and everything before it; the rest comes again.
    pub(super) async fn deliver(
        &self,
        source: &Source<'_>,
        batch: &[Record],
        now: Timestamp,
    ) -> Result<Report, SinkError> {
        let found = batch.iter().enumerate().find(|(_, record)| severity(&record.event) >= self.least);
        let Some((place, record)) = found else { return Ok(Report::default()) };
        let position = record.position.to_string();
        let time = record.event.time.to_string();
        let digest = sha256_of(&[source.host.as_bytes(), b"\n", position.as_bytes(), b"\n", time.as_bytes()]);
        let id = digest.first_chunk::<16>().copied().unwrap_or_default();
        let body = sentry::envelope(source, id, record.position.0, &record.event);
        let answer = self.post.send("application/x-sentry-envelope", body.into_bytes(), LARGEST).await?;
        let rejected = match answer.status {
            200 => Vec::new(),
            400 | 413 => vec![Rejected::one(record, format!("status {}", answer.status))],
            status => {
                let refused = refused(&answer, now);
                return Err(match (limit(&answer), refused) {
                    (Some(limit), SinkError::Status(_, asked)) => {
                        SinkError::Status(status, Some(asked.map_or(limit, |asked| asked.max(limit))))
                    }
                    (_, refused) => refused,
                });
            }
        };
        Ok(Report { left: (place.saturating_add(1)..batch.len()).collect(), pause: limit(&answer), rejected })
    }
}

/// How long events are limited: the longest limit of the category `error`, or of all (an empty list).
fn limit(answer: &FetchResponse) -> Option<Duration> {
    let header = answer.header("x-sentry-rate-limits")?;
    let one = |limit: &str| {
        let mut parts = limit.trim().split(':');
        let seconds = parts.next()?;
        let categories = parts.next()?;
        let is_ours = categories.is_empty() || categories.split(';').any(|category| category == "error");
        // The date's form means nothing here.
        if is_ours { retry_after(seconds, Timestamp::default()) } else { None }
    };
    header.split(',').take(MOST_LIMITS).filter_map(one).max()
}

/// Where a project's events go, and the key that lets them in.
struct Dsn {
    authority: String,
    url: String,
    key: Secret<String>,
}

impl Dsn {
    fn read(path: &Path) -> Result<Self, SinkSetupError> {
        let text = secret(path)?;
        Self::parse(text.expose()).map_err(|reason| SinkSetupError::Dsn { path: path.to_owned(), reason })
    }

    /// `{scheme}://{public key}[:{secret key}]@{host}[:{port}]{path}/{project}`.
    fn parse(text: &str) -> Result<Self, &'static str> {
        let (scheme, rest) = text.split_once("://").ok_or("it has no scheme")?;
        let (authority, path) = rest.split_once('/').ok_or("it names no project")?;
        let (user, host) = authority.split_once('@').ok_or("it has no public key")?;
        // The secret key of old DSNs is not sent.
        let key = user.split_once(':').map_or(user, |(key, _)| key);
        if !(1..=64).contains(&key.len()) || !key.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err("its public key is not letters and digits");
        }
        let (prefix, project) =
            path.rsplit_once('/').map_or(("", path), |(prefix, project)| (prefix, project));
        if !(1..=32).contains(&project.len()) || !project.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err("its project is no number");
        }
        let slash = if prefix.is_empty() { "" } else { "/" };
        let url = format!("{scheme}://{host}/{prefix}{slash}api/{project}/envelope/");
        let target = Target::parse(&url).map_err(|_| "its address cannot be used")?;
        if url.contains(['?', '#']) {
            return Err("its address cannot be used");
        }
        if target.scheme == Scheme::Http && !is_this_machine(&target.authority.host) {
            return Err("it sends records over the network unsecured: `https`, or `http` to this machine");
        }
        Ok(Self { authority: target.authority.to_string(), url, key: Secret::new(key.to_owned()) })
    }
}

/// Answers hold an id.
const LARGEST: usize = 64 * 1024;
const MOST_LIMITS: usize = 32;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_dsn_says_where_and_with_which_key() {
        let dsn =
            Dsn::parse("https://0123abcd@sentry.example/42").unwrap_or_else(|reason| panic!("{reason}"));
        assert_eq!(
            (&*dsn.url, &*dsn.authority),
            ("https://sentry.example/api/42/envelope/", "sentry.example:443")
        );
        assert_eq!(dsn.key.expose(), "0123abcd");
        let dsn = Dsn::parse("http://k:old@127.0.0.1:9000/a/b/7").unwrap_or_else(|reason| panic!("{reason}"));
        assert_eq!(dsn.url, "http://127.0.0.1:9000/a/b/api/7/envelope/");
        for broken in [
            "",
            "https://sentry.example/42",
            "https://k@sentry.example",
            "https://k@sentry.example/",
            "https://k@sentry.example/x",
            "https://k\r\ny@sentry.example/4",
            "https://k@sentry.example/a?b/4",
            "http://k@sentry.example/4",
            "ftp://k@sentry.example/4",
            "https://k@a@b/4",
        ] {
            assert!(Dsn::parse(broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn limits_of_events_count_and_others_do_not() {
        let says = |value: &str| {
            let headers = vec![("x-sentry-rate-limits".to_owned(), value.to_owned())];
            limit(&FetchResponse { status: 429, headers, body: Vec::new() }).map(|it| it.as_secs())
        };
        assert_eq!(says("60:error:organization, 2700:default;transaction:organization"), Some(60));
        assert_eq!(says("30::organization:quota"), Some(30));
        assert_eq!(says("30:transaction:key,40:security;error:key"), Some(40));
        assert_eq!(says("999999999999:error:key"), Some(3600));
        for none in ["", "x", "60", "60:transaction:key", "-5:error:key"] {
            assert_eq!(says(none), None, "{none}");
        }
    }

    proptest! {
        #[test]
        fn no_dsn_and_no_limit_panics(text: String) {
            let _ = Dsn::parse(&text);
            let headers = vec![("x-sentry-rate-limits".to_owned(), text)];
            let _ = limit(&FetchResponse { status: 429, headers, body: Vec::new() });
        }
    }
}
