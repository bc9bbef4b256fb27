//! ClamAV's daemon: `man clamd`, command `INSTREAM`.

use std::io;

use gabion_checks::upload::{Scan, Source};
use tokio::io::AsyncWriteExt as _;

use super::{Both, read_until};

pub(super) async fn scan(mut stream: Box<dyn Both>, file: &mut dyn Source) -> io::Result<Scan> {
    // It may answer before it has everything: that a file is too long for it, for instance.
    let sent = send(&mut *stream, file).await;
    let read = read_until(&mut *stream, b"\0", LONGEST_ANSWER).await;
    match (sent, read) {
        (_, Ok(answer)) if answer.ends_with(b"\0") => Ok(judge(&answer)),
        (Err(error), _) | (Ok(()), Err(error)) => Err(error),
        (Ok(()), Ok(_)) => Ok(Scan::Failed("it closed the connection".to_owned())),
    }
}

async fn send(stream: &mut dyn Both, file: &mut dyn Source) -> io::Result<()> {
    stream.write_all(b"zINSTREAM\0").await?;
    while let Some(piece) = file.next()? {
        let length = u32::try_from(piece.len()).map_err(io::Error::other)?;
        stream.write_all(&length.to_be_bytes()).await?;
        stream.write_all(&piece).await?;
    }
    stream.write_all(&[0; 4]).await?;
    stream.flush().await
}

/// `stream: OK`, `stream: NAME FOUND`, and anything else is an error.
fn judge(answer: &[u8]) -> Scan {
    let text = String::from_utf8_lossy(answer.strip_suffix(b"\0").unwrap_or(answer));
    let Some(said) = text.strip_prefix("stream: ") else { return Scan::Failed(text.into_owned()) };
    match said.strip_suffix(" FOUND") {
        Some(name) => Scan::Infected(name.to_owned()),
        None if said == "OK" => Scan::Clean,
        None => Scan::Failed(said.to_owned()),
    }
}

const LONGEST_ANSWER: usize = 1024;
