//! Signed webhooks: each batch one message by Standard Webhooks, `{"sink", "first", "last", "events"}`, the events as OCSF
//! objects. Taken when the answer is 2xx.

use std::fs;

use gabion_egress::{Client, EgressSettings};
use gabion_ledger::Record;
use gabion_model::Timestamp;
use gabion_model::outbound::Fetch as _;
use gabion_telemetry::{Source, ocsf};
use gabion_vault::webhook::{Key, Scheme};

use super::http::refused;
use super::settings::SinkSettings;
use super::{SinkError, SinkSetupError};

pub(super) struct WebhookSink {
    client: Client,
    name: String,
    url: String,
    keys: Vec<Key>,
    settings: SinkSettings,
}

impl WebhookSink {
    pub(super) fn new(name: &str, settings: &SinkSettings) -> Result<Self, SinkSetupError> {
        let egress = EgressSettings {
            allow: vec![settings.authority()],
            ca_file: settings.ca_file.clone(),
            timeout: settings.timeout,
            ..EgressSettings::default()
        };
        Ok(Self {
            client: Client::new(&egress)?,
            name: name.to_owned(),
            url: settings.url.clone().unwrap_or_default(),
            keys: keys(settings)?,
            settings: settings.clone(),
        })
    }

    pub(super) async fn deliver(
        &self,
        source: &Source<'_>,
        batch: &[Record],
        now: Timestamp,
    ) -> Result<(), SinkError> {
        let (Some(first), Some(last)) = (batch.first(), batch.last()) else { return Ok(()) };
        let (first, last) = (first.position, last.position);
        let events: Vec<_> =
            batch.iter().map(|record| ocsf::line(source, record.position.0, &record.event)).collect();
        // The name is one of configuration keys: nothing in it has to be escaped.
        let body = format!(
            r#"{{"sink":"{}","first":{first},"last":{last},"events":[{}]}}"#,
            self.name,
            events.join(",")
        );
        let id = format!("{}-{first}-{last}", self.name);
        let mut request = crate::webhook(&self.url, &self.keys, &id, now, body.into_bytes())
            .map_err(SinkError::Unsigned)?;
        request.deadline = self.settings.timeout.as_duration();
        let answer = self.client.fetch(request).await?;
        if (200..300).contains(&answer.status) { Ok(()) } else { Err(refused(&answer, now)) }
    }
}

/// One on each line; the message is signed by all of them.
fn keys(settings: &SinkSettings) -> Result<Vec<Key>, SinkSetupError> {
    let path = settings.secret_file.clone().unwrap_or_default();
    let text =
        fs::read_to_string(&path).map_err(|source| SinkSetupError::File { path: path.clone(), source })?;
    let mut keys = Vec::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let key = Key::parse(&Scheme::Standard, line.trim()).map_err(|error| SinkSetupError::Key {
            path: path.clone(),
            line: index.saturating_add(1),
            reason: error.to_string(),
        })?;
        keys.push(key);
    }
    if keys.is_empty() { Err(SinkSetupError::NoKey(path)) } else { Ok(keys) }
}
