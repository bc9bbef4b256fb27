//! OTLP/HTTP (OpenTelemetry Protocol 1.9): each batch one `POST` of log records, as protobuf or JSON.
//!
//! - 200 is an answer: what its `partial_success` counts is never taken, and not sent again.
//! - 429, 502, 503 and 504 may be tried again, when `Retry-After` says; so is any other refusal that an operator can mend
//!   (401, 403, 404).
//! - 400 and 422 say that the server cannot read it; 413 that it is too much. The batch is halved until one record is left: that one is
//!   never taken.

use gabion_ledger::Record;
use gabion_model::Timestamp;
use gabion_telemetry::Source;
use gabion_telemetry::otlp::{self, Encoding};

use super::http::{Post, refused};
use super::settings::{SinkEncoding, SinkSettings};
use super::{Rejected, Report, SinkError, SinkSetupError};

pub(super) struct OtlpSink {
    post: Post,
    encoding: Encoding,
}

impl OtlpSink {
    pub(super) fn new(settings: &SinkSettings) -> Result<Self, SinkSetupError> {
        let encoding = match settings.encoding {
            SinkEncoding::Json => Encoding::Json,
            SinkEncoding::Protobuf => Encoding::Protobuf,
        };
        Ok(Self { post: Post::new(settings, settings.url.clone().unwrap_or_default())?, encoding })
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
            let (Some(first), Some(last)) = (part.first(), part.last()) else { return Ok(Report::default()) };
            let records = part.iter().map(|record| (record.position.0, &record.event));
            let body = otlp::logs(self.encoding, source, now, records);
            let answer = self.post.send(self.encoding.content_type(), body, LARGEST).await?;
            let rejected = match answer.status {
                200 => {
                    let said = otlp::partial_success(self.encoding, &answer.body);
                    let otlp::Rejected(count) =
                        said.map_err(|fault| SinkError::Nonsense(fault.to_string()))?;
                    // Which ones is not said, and a server can count wrong.
                    let count = count.min(part.len() as u64);
                    let reason = "partial_success".to_owned();
                    (count > 0).then_some(Rejected {
                        first: first.position,
                        last: last.position,
                        count,
                        reason,
                    })
                }
                400 | 413 | 422 if part.len() > 1 => {
                    part = part.get(..part.len() / 2).unwrap_or_default();
                    continue;
                }
                400 | 413 | 422 => Some(Rejected::one(first, format!("status {}", answer.status))),
                _ => return Err(refused(&answer, now)),
            };
            let (left, rejected) = ((part.len()..batch.len()).collect(), rejected.into_iter().collect());
            return Ok(Report { left, rejected, pause: None });
        }
    }
}

/// Answers hold a count and a word.
const LARGEST: usize = 64 * 1024;
