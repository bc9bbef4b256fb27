//! Syslog over TLS (RFC 5425): each record a message with its length before it.
//!
//! Syslog has no acknowledgement. What comes nearest is the end of a TLS connection: having sent a batch we say that we
//! have no more (`close_notify`), and the receiver must answer with its own (RFC 5425, 4.4), which it does when it has read
//! what came before, and which nobody on the way can forge. So each batch is a connection, and without that answer the
//! batch is sent again.

use gabion_egress::{Client, EgressSettings};
use gabion_ledger::Record;
use gabion_telemetry::{Source, syslog};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::settings::{SinkFormat, SinkSettings};
use super::{SinkError, SinkSetupError};

pub(super) struct SyslogSink {
    client: Client,
    url: String,
    message: syslog::Message,
}

impl SyslogSink {
    pub(super) fn new(settings: &SinkSettings) -> Result<Self, SinkSetupError> {
        let authority = settings.authority();
        let egress = EgressSettings {
            allow: vec![authority.clone()],
            ca_file: settings.ca_file.clone(),
            ..EgressSettings::default()
        };
        let message = match settings.format {
            SinkFormat::Cef => syslog::Message::Cef,
            SinkFormat::Ocsf => syslog::Message::Ocsf,
        };
        Ok(Self { client: Client::new(&egress)?, url: format!("https://{authority}/"), message })
    }

    pub(super) async fn deliver(&self, source: &Source<'_>, batch: &[Record]) -> Result<(), SinkError> {
        let mut bytes = String::new();
        for record in batch {
            let message = syslog::message(source, record.position.0, &record.event, self.message);
            bytes.push_str(&syslog::framed(&message));
        }
        let mut stream = self.client.open(&self.url).await?;
        stream.write_all(bytes.as_bytes()).await?;
        stream.shutdown().await?;
        let (mut read, mut buffer) = (0_usize, [0; 1024]);
        loop {
            match stream.read(&mut buffer).await {
                Ok(0) => return Ok(()),
                Ok(count) => read = read.saturating_add(count),
                Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                    return Err(SinkError::NotClosed);
                }
                Err(error) => return Err(error.into()),
            }
            if read > MOST_READ {
                return Err(SinkError::Floods);
            }
        }
    }
}

/// What a receiver may say, though nothing is asked of it.
const MOST_READ: usize = 64 * 1024;
