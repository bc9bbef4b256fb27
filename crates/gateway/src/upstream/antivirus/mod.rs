//! Asking a virus scanner: at the address the configuration names, and nowhere else.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use gabion_checks::upload::{Antivirus, AntivirusProtocol, Scan, Scanner, Source};
use gabion_model::outbound::BoxFuture;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::Semaphore;

mod clamd;
mod icap;
#[cfg(test)]
mod tests;

/// The scanner of these settings.
pub(crate) fn scanner(settings: &Antivirus) -> Arc<dyn Scanner> {
    let turns = usize::try_from(settings.at_once).unwrap_or(1);
    Arc::new(Remote { settings: settings.clone(), turns: Semaphore::new(turns) })
}

/// A scanner elsewhere: one connection for each file.
#[derive(Debug)]
struct Remote {
    settings: Antivirus,
    turns: Semaphore,
}

impl Remote {
    async fn ask(&self, file: &mut dyn Source) -> Scan {
        let Ok(_turn) = self.turns.acquire().await else { return Scan::Busy };
        let address = &self.settings.address;
        let asked = match self.settings.protocol {
            AntivirusProtocol::Clamd => match connect(address).await {
                Ok(stream) => clamd::scan(stream, file).await,
                Err(error) => Err(error),
            },
            AntivirusProtocol::Icap => {
                let rest = address.strip_prefix("icap://").unwrap_or(address);
                let (authority, _) = rest.split_once('/').unwrap_or((rest, ""));
                match connect(authority).await {
                    Ok(stream) => icap::scan(stream, address, authority, file).await,
                    Err(error) => Err(error),
                }
            }
        };
        match asked {
            Ok(found) => found,
            // The queue of a listening socket is full.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Scan::Busy,
            Err(error) => Scan::Failed(error.to_string()),
        }
    }
}

impl Scanner for Remote {
    fn scan(&self, mut file: Box<dyn Source>) -> BoxFuture<'_, (Scan, Box<dyn Source>)> {
        Box::pin(async move {
            let most = self.settings.timeout.as_duration().max(Duration::from_millis(1));
            let found = match tokio::time::timeout(most, self.ask(&mut *file)).await {
                Ok(found) => found,
                Err(_) => Scan::Failed("no answer in time".to_owned()),
            };
            if let Scan::Failed(reason) = &found {
                tracing::warn!(reason, "virus scanner gave no answer");
            }
            (found, file)
        })
    }
}

/// Both ways.
trait Both: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Both for S {}

#[expect(clippy::disallowed_methods, reason = "the address is the configuration's, like an upstream's")]
async fn connect(address: &str) -> io::Result<Box<dyn Both>> {
    if let Some(path) = address.strip_prefix("unix:") {
        return Ok(Box::new(UnixStream::connect(path).await?));
    }
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(Box::new(stream))
}

/// Reads until `end` stands at the end of what was read, or the other side ends; no more than `most` bytes.
async fn read_until(stream: &mut dyn Both, end: &[u8], most: usize) -> io::Result<Vec<u8>> {
    let mut read = Vec::new();
    while !read.ends_with(end) {
        if read.len() >= most {
            return Err(io::Error::other("the scanner says too much"));
        }
        match stream.read_u8().await {
            Ok(byte) => read.push(byte),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
            Err(error) => return Err(error),
        }
    }
    Ok(read)
}
