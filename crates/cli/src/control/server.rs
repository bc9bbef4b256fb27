//! The gate's end of the control socket: `<data>/control.sock`, mode 0600, for the user the gate runs
//! as and nobody else.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::BufReader;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;

use super::operation::{Operator, Request};
use super::wire;
use crate::failure::Failure;

/// Commands at once; one more waits.
const AT_ONCE: usize = 16;
/// A command sends its request at once or is not one of ours.
const PATIENCE: Duration = Duration::from_secs(5);
/// Answers made before the one who asked has read them.
const AHEAD: usize = 64;

/// Listens until it is dropped; then the socket is removed.
#[derive(Debug)]
pub(crate) struct Server {
    path: PathBuf,
    task: JoinHandle<()>,
}

impl Server {
    /// Must be called by whoever holds the data directory's lock: a socket that is there already is then
    /// a leftover.
    pub(crate) fn start(path: &Path, operator: Operator) -> Result<Self, Failure> {
        let listener = listen(path).map_err(|error| {
            let failure =
                Failure::new(format!("cannot open the control socket `{}`", path.display())).because(&error);
            match error.kind() {
                io::ErrorKind::InvalidInput => {
                    failure.hint("its path is too long; use a shorter `data.directory`")
                }
                _ => failure,
            }
        })?;
        let owner = rustix::process::geteuid().as_raw();
        let operator = Arc::new(operator);
        let places = Arc::new(Semaphore::new(AT_ONCE));
        let task = tokio::spawn(async move {
            loop {
                let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
                match listener.accept().await {
                    Ok((stream, _)) => {
                        let operator = Arc::clone(&operator);
                        tokio::spawn(async move {
                            if let Err(error) = serve(stream, owner, &operator).await {
                                tracing::debug!(%error, "control connection ended");
                            }
                            drop(place);
                        });
                    }
                    Err(error) => {
                        tracing::warn!(%error, "control socket cannot accept");
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                }
            }
        });
        Ok(Self { path: path.to_owned(), task })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
        let _ = fs::remove_file(&self.path);
    }
}

fn listen(path: &Path) -> io::Result<UnixListener> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, Permissions::from_mode(0o600))?;
    Ok(listener)
}

async fn serve(mut stream: UnixStream, owner: u32, operator: &Operator) -> io::Result<()> {
    let user = stream.peer_cred()?.uid();
    // The mode says the same; this holds also where a file system ignores it.
    if user != owner && user != 0 {
        tracing::warn!(user, "control connection of a stranger refused");
        return Ok(());
    }
    let (reader, mut writer) = stream.split();
    let mut reader = BufReader::new(reader);
    let request = tokio::time::timeout(PATIENCE, wire::read::<Request>(&mut reader)).await??;
    let Some(request) = request else { return Ok(()) };
    let (answers, mut replies) = mpsc::channel(AHEAD);
    // Takes the receiver along, so that the act sees when nobody listens any more.
    let write = async move {
        while let Some(reply) = replies.recv().await {
            wire::write(&mut writer, &reply).await?;
        }
        Ok(())
    };
    // Who asked is gone: what only they wanted to see ends, what was begun is done to its end.
    let gone = async {
        let _ = wire::read::<Request>(&mut reader).await;
    };
    let act = operator.act(request, answers);
    tokio::pin!(act);
    let stream = async {
        tokio::select! {
            written = write => written,
            () = gone => Ok(()),
        }
    };
    let ((), written) = tokio::join!(act, stream);
    written
}
