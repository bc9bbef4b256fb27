//! One `POST` to a server the operator named, as the sinks that speak HTTP send it; and when a server says it may be asked
//! again (`Retry-After`, RFC 9110, 10.2.3).

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use gabion_egress::{Client, EgressSettings};
use gabion_model::outbound::{Fetch as _, FetchMethod, FetchRequest, FetchResponse};
use gabion_model::{Secret, Timestamp};
use gabion_vault::encoding::base64_encode;

use super::settings::{SinkAuth, SinkSettings};
use super::{SinkError, SinkSetupError};

pub(crate) struct Post {
    client: Client,
    url: String,
    fields: Vec<(String, Secret<String>)>,
    timeout: Duration,
    gzip: bool,
}

impl Post {
    pub(crate) fn new(settings: &SinkSettings, url: String) -> Result<Self, SinkSetupError> {
        let egress = EgressSettings {
            allow: vec![settings.authority()],
            ca_file: settings.ca_file.clone(),
            timeout: settings.timeout,
            ..EgressSettings::default()
        };
        let fields = credential(settings)?.into_iter().collect();
        let (timeout, gzip) = (settings.timeout.as_duration(), settings.gzip);
        Ok(Self { client: Client::new(&egress)?, url, fields, timeout, gzip })
    }

    /// The same for a server that is named elsewhere.
    pub(super) fn to(
        settings: &SinkSettings,
        authority: String,
        url: String,
        field: (String, Secret<String>),
    ) -> Result<Self, SinkSetupError> {
        let egress = EgressSettings {
            allow: vec![authority],
            ca_file: settings.ca_file.clone(),
            timeout: settings.timeout,
            ..EgressSettings::default()
        };
        let (timeout, gzip) = (settings.timeout.as_duration(), settings.gzip);
        Ok(Self { client: Client::new(&egress)?, url, fields: vec![field], timeout, gzip })
    }

    /// The answer, whatever its status.
    pub(crate) async fn send(
        &self,
        content_type: &str,
        body: Vec<u8>,
        largest: usize,
    ) -> Result<FetchResponse, SinkError> {
        let mut headers = self.fields.clone();
        headers.push(("content-type".to_owned(), Secret::new(content_type.to_owned())));
        let body = if self.gzip {
            headers.push(("content-encoding".to_owned(), Secret::new("gzip".to_owned())));
            let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
            packed.write_all(&body)?;
            packed.finish()?
        } else {
            body
        };
        let request = FetchRequest {
            method: FetchMethod::Post,
            url: self.url.clone(),
            headers,
            body: Secret::new(body),
            largest,
            deadline: self.timeout,
            // A server that moved says so to people.
            redirects: 0,
        };
        Ok(self.client.fetch(request).await?)
    }
}

/// The error that a refusing answer is.
pub(crate) fn refused(answer: &FetchResponse, now: Timestamp) -> SinkError {
    SinkError::Status(answer.status, answer.header("retry-after").and_then(|value| retry_after(value, now)))
}

/// How long to wait, no longer than [`LONGEST`]: seconds, or the date until which. None for what is neither.
pub(super) fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    let asked = if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than a number has are a very long time, too.
        Duration::from_secs(value.parse().unwrap_or(u64::MAX))
    } else {
        date(value)?.saturating_since(now)
    };
    Some(asked.min(LONGEST))
}

/// `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, 5.6.7; the obsolete forms are not read).
fn date(text: &str) -> Option<Timestamp> {
    let (_, rest) = text.strip_suffix(" GMT")?.split_once(", ")?;
    let mut parts = rest.split([' ', ':']);
    let number = |part: Option<&str>| part.filter(|part| part.len() <= 4)?.parse::<u16>().ok().map(i64::from);
    let day = number(parts.next())?;
    let month = parts.next()?;
    let month = 1 + i64::try_from(MONTHS.iter().position(|name| *name == month)?).ok()?;
    let (year, hour) = (number(parts.next())?, number(parts.next())?);
    let (minute, second) = (number(parts.next())?, number(parts.next())?);
    let fits = (1..=31).contains(&day) && hour < 24 && minute < 60 && second <= 60;
    if !fits || parts.next().is_some() {
        return None;
    }
    // Days since 1970 in the Gregorian calendar, with years that begin in March.
    let (shifted, moved) = (if month > 2 { month - 3 } else { month + 9 }, year - i64::from(month <= 2));
    let (era, of_era) = (moved.div_euclid(400), moved.rem_euclid(400));
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + (153 * shifted + 2) / 5 + day
        - 1
        - 719_468;
    Some(Timestamp::from_secs(days * 86_400 + hour * 3600 + minute * 60 + second))
}

/// The field that carries the credential.
fn credential(settings: &SinkSettings) -> Result<Option<(String, Secret<String>)>, SinkSetupError> {
    let (Some(auth), Some(path)) = (settings.auth, &settings.secret_file) else { return Ok(None) };
    let secret = secret(path)?;
    let authorization = |scheme: &str, value: &str| {
        Some(("authorization".to_owned(), Secret::new(format!("{scheme} {value}"))))
    };
    Ok(match auth {
        SinkAuth::ApiKey => authorization("ApiKey", secret.expose()),
        SinkAuth::Basic => {
            let packed = Secret::new(base64_encode(secret.expose().as_bytes()));
            authorization("Basic", packed.expose())
        }
        SinkAuth::Bearer => authorization("Bearer", secret.expose()),
        SinkAuth::Header => {
            let name = settings.header.clone().unwrap_or_default().to_ascii_lowercase();
            Some((name, secret))
        }
    })
}

/// The one line of a file.
pub(super) fn secret(path: &Path) -> Result<Secret<String>, SinkSetupError> {
    let read = fs::read_to_string(path);
    let text = Secret::new(read.map_err(|source| SinkSetupError::File { path: path.to_owned(), source })?);
    let line = text.expose().trim();
    let is_one =
        (1..=MOST_SECRET).contains(&line.len()) && line.bytes().all(|byte| (0x20..0x7f).contains(&byte));
    if is_one { Ok(Secret::new(line.to_owned())) } else { Err(SinkSetupError::NoSecret(path.to_owned())) }
}

/// What a server may ask for at most: one that says a year is mistaken.
const LONGEST: Duration = Duration::from_secs(3600);
const MOST_SECRET: usize = 4096;
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_says_when_in_seconds_or_as_a_date() {
        let now = Timestamp::from_secs(784_111_777);
        let says = |value| retry_after(value, now).map(|asked| asked.as_secs());
        assert_eq!(says("120"), Some(120));
        assert_eq!(says("0"), Some(0));
        assert_eq!(says("Sun, 06 Nov 1994 08:49:37 GMT"), Some(0), "now");
        assert_eq!(says("Sun, 06 Nov 1994 08:50:37 GMT"), Some(60));
        assert_eq!(says("Sat, 05 Nov 1994 08:50:37 GMT"), Some(0), "long ago");
        assert_eq!(says("Thu, 29 Feb 2096 00:00:00 GMT"), Some(3600), "no longer than an hour");
        assert_eq!(says("99999999999999999999999999"), Some(3600));
        for nonsense in
            ["", "-1", "1.5", "soon", "Sun, 06 Nov 1994 08:49:37", "Sun, 99 Nov 1994 08:49:37 GMT", ", GMT"]
        {
            assert_eq!(says(nonsense), None, "{nonsense}");
        }
    }
}
