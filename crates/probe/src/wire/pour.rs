//! Bodies that are made while they go out: however large, none is whole in memory.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

use super::connection::Connection;
use super::{Answer, Request, SECOND, Wire, WireError};

/// A body: what it begins with, so many bytes that mean nothing, and what it ends with.
#[derive(Debug, Clone)]
pub struct Pour {
    pub begins: Vec<u8>,
    pub fill: u64,
    pub ends: Vec<u8>,
}

/// What is written at once.
const STEP: usize = 64 << 10;
/// How long an exchange may take.
const PATIENCE: Duration = Duration::from_secs(60);

impl Pour {
    /// In bytes.
    #[must_use]
    pub fn length(&self) -> u64 {
        let around = self.begins.len().saturating_add(self.ends.len());
        self.fill.saturating_add(u64::try_from(around).unwrap_or(u64::MAX))
    }

    /// Lines of one letter: a text, and nothing that packs or reads as anything else.
    fn step() -> Vec<u8> {
        (0..STEP).map(|at| if at % 64 == 63 { b'\n' } else { b'x' }).collect()
    }
}

impl Wire {
    /// Sends a request with a body that is made on the way, over a connection of its own, in HTTP/1.1. It stops as soon as an answer
    /// comes. Beside the answer it gives how much of the body went out.
    ///
    /// # Errors
    /// As [`Wire::send`]; also where the target speaks HTTP/2 alone.
    pub async fn pour(
        &self,
        request: &Request,
        body: &Pour,
    ) -> Result<(Result<Answer, WireError>, u64), WireError> {
        if self.spoken.load(Ordering::Relaxed) == SECOND {
            return Err(io::Error::other("it speaks HTTP/2 alone").into());
        }
        let head = Request { body: Vec::new(), ..request.clone() };
        let head = head.with("Content-Length", &body.length().to_string());
        let turn = self.admit(&head).await?;
        let sent = AtomicU64::new(0);
        let waited = timeout(PATIENCE, self.poured(&head, body, &sent)).await;
        let answer = waited.unwrap_or(Err(WireError::Slow(PATIENCE)));
        let answer = self.settle(&head, turn, answer);
        Ok((answer, sent.load(Ordering::Relaxed)))
    }

    async fn poured(&self, head: &Request, body: &Pour, sent: &AtomicU64) -> Result<Answer, WireError> {
        let (mut reader, mut writer) = tokio::io::split(self.connect().await?);
        let mut early = Vec::new();
        let writing = async {
            writer.write_all(&self.bytes(head)).await?;
            let step = Pour::step();
            let mut left = body.fill;
            let mut next: &[u8] = &body.begins;
            loop {
                writer.write_all(next).await?;
                sent.fetch_add(u64::try_from(next.len()).unwrap_or(0), Ordering::Relaxed);
                if left == 0 {
                    break;
                }
                let length = usize::try_from(left).unwrap_or(STEP).min(STEP);
                next = step.get(..length).unwrap_or_default();
                left = left.saturating_sub(u64::try_from(length).unwrap_or(left));
            }
            writer.write_all(&body.ends).await?;
            sent.fetch_add(u64::try_from(body.ends.len()).unwrap_or(0), Ordering::Relaxed);
            writer.flush().await
        };
        let written = tokio::select! {
            written = writing => written,
            // Somebody who has seen enough answers before the end.
            read = reader.read_buf(&mut early) => read.map(|_| ()),
        };
        let mut connection = Connection::begun(Box::new(reader.unsplit(writer)), early);
        match (connection.answer(head).await, written) {
            (Ok(exchanged), _) => Ok(exchanged.answer),
            // What broke first is why.
            (Err(_), Err(error)) | (Err(error), Ok(())) => Err(error.into()),
        }
    }
}
