//! Frames on the control socket: one line of JSON each, no longer than a bound.

use std::io;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use zeroize::Zeroizing;

/// More than any request or record needs.
pub(crate) const LONGEST: u64 = 256 << 10;

/// Writes one frame.
pub(crate) async fn write(stream: &mut (impl AsyncWrite + Unpin), frame: &impl Serialize) -> io::Result<()> {
    let mut line = Zeroizing::new(serde_json::to_vec(frame)?);
    line.push(b'\n');
    stream.write_all(&line).await?;
    stream.flush().await
}

/// Reads one frame; none at the end of the stream.
///
/// # Errors
/// The frame is longer than [`LONGEST`], was cut off, or is not what was expected.
pub(crate) async fn read<T: DeserializeOwned>(
    stream: &mut (impl AsyncBufRead + Unpin),
) -> io::Result<Option<T>> {
    let mut line = Zeroizing::new(Vec::new());
    stream.take(LONGEST).read_until(b'\n', &mut line).await?;
    if line.is_empty() {
        return Ok(None);
    }
    if line.last() != Some(&b'\n') {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a frame is too long or was cut off"));
    }
    // Not the parser's own words: they may quote the frame, and the frame may hold a password.
    let malformed = |_| io::Error::new(io::ErrorKind::InvalidData, "a frame is malformed");
    serde_json::from_slice(&line).map(Some).map_err(malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn frames_are_read_whole_or_refused() {
        let mut written = Vec::new();
        write(&mut written, &vec!["a\nb"]).await.unwrap();
        let mut stream = written.as_slice();
        assert_eq!(read::<Vec<String>>(&mut stream).await.unwrap(), Some(vec!["a\nb".to_owned()]));
        assert_eq!(read::<Vec<String>>(&mut stream).await.unwrap(), None);
        assert!(read::<Vec<String>>(&mut b"[\"cut".as_slice()).await.is_err());
        assert!(read::<Vec<String>>(&mut b"{}\n".as_slice()).await.is_err());
        let long = vec![b'['; usize::try_from(LONGEST).unwrap() + 9];
        assert!(read::<Vec<String>>(&mut long.as_slice()).await.is_err());
    }

    #[tokio::test]
    async fn a_malformed_frame_is_not_quoted() {
        let secret = b"{\"password\": \"hunter-2-hunter\", \"password\": 5}\n";
        let error =
            read::<std::collections::BTreeMap<String, String>>(&mut secret.as_slice()).await.unwrap_err();
        assert!(!error.to_string().contains("hunter"));
    }
}
