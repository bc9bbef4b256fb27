//! A small server on this machine, for what the target sends to the probe: so many connections at one time, each for so long.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// The most connections at one time.
const AT_ONCE: usize = 16;

/// Takes connections until it is dropped; what becomes of one ends with it or with the patience.
pub(crate) async fn serve<Taken>(
    listener: TcpListener,
    patience: Duration,
    take: impl Fn(TcpStream, SocketAddr) -> Taken,
) where
    Taken: Future<Output = io::Result<()>> + Send + 'static,
{
    let room = Arc::new(Semaphore::new(AT_ONCE));
    loop {
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, peer)) => {
                let taken = take(stream, peer);
                tokio::spawn(async move {
                    let _ = timeout(patience, taken).await;
                    drop(permit);
                });
            }
            // Out of descriptors, or the like: others have to end first.
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}
