//! Elasticsearch and OpenSearch: each batch one `POST INDEX/_bulk` (NDJSON), each record one `create` in a data stream.
//!
//! The answer has a result for each document, and each counts for itself: 429 and 5xx come again, 400 is never taken, 409
//! (there is one with this `_id`) was taken before. The request's own status says the rest: 400 and 413 mean that the server
//! cannot read it at all, so it is halved until one document is left; everything else may pass.

use gabion_ledger::Record;
use gabion_model::Timestamp;
use gabion_telemetry::Source;
use gabion_telemetry::bulk::{self, Item};
use gabion_vault::encoding::hex_encode;
use gabion_vault::sha256;

use super::http::{Post, refused};
use super::settings::SinkSettings;
use super::{Rejected, Report, SinkError, SinkSetupError};

pub(super) struct ElasticsearchSink {
    post: Post,
}

impl ElasticsearchSink {
    pub(super) fn new(settings: &SinkSettings) -> Result<Self, SinkSetupError> {
        let base = settings.url.clone().unwrap_or_default();
        let index = settings.index.clone().unwrap_or_default();
        // Of each document only what is read: otherwise an answer is as long as the request.
        let url = format!(
            "{}/{index}/_bulk?filter_path=errors,items.*.status,items.*.error.type",
            base.trim_end_matches('/')
        );
        Ok(Self { post: Post::new(settings, url)? })
    }

    /// As much of the batch as the server takes at once; the rest comes again.
    pub(super) async fn deliver(
        &self,
        source: &Source<'_>,
        batch: &[Record],
        now: Timestamp,
    ) -> Result<Report, SinkError> {
        let mut part = batch;
        loop {
            let Some(first) = part.first() else { return Ok(Report::default()) };
            let mut body = String::new();
            for record in part {
                let document = bulk::document(source, record.position.0, &record.event);
                let digest = hex_encode(&sha256(document.as_bytes()));
                let id = format!("{}-{}", record.position, digest.get(..32).unwrap_or_default());
                body.push_str(&bulk::lines(&id, &document));
            }
            let answer = self.post.send("application/x-ndjson", body.into_bytes(), LARGEST).await?;
            match answer.status {
                200 => return read(&answer.body, batch, part),
                400 | 413 if part.len() > 1 => part = part.get(..part.len() / 2).unwrap_or_default(),
                400 | 413 => {
                    let rejected = vec![Rejected::one(first, format!("status {}", answer.status))];
                    return Ok(Report { left: (1..batch.len()).collect(), rejected, pause: None });
                }
                _ => return Err(refused(&answer, now)),
            }
        }
    }
}

fn read(answer: &[u8], batch: &[Record], part: &[Record]) -> Result<Report, SinkError> {
    let items = bulk::answer(answer, part.len()).map_err(|fault| SinkError::Nonsense(fault.to_string()))?;
    let mut report = Report::default();
    for (place, (item, record)) in items.into_iter().zip(part).enumerate() {
        match item {
            Item::Taken => {}
            Item::Later => report.left.push(place),
            Item::Never(word) => report.rejected.push(Rejected::one(record, word)),
        }
    }
    if report.left.len() == part.len() {
        // Nothing was taken: that is a failure, not progress.
        return Err(SinkError::Full);
    }
    report.left.extend(part.len()..batch.len());
    Ok(report)
}

/// About 200 bytes a document.
const LARGEST: usize = 1 << 20;
