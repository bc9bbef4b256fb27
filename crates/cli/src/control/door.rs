//! The other commands' end: the running gate's socket, or the data directory itself.

use std::io;
use std::path::Path;
use std::time::Duration;

use tokio::io::BufReader;
use tokio::net::UnixStream;
use tokio::sync::mpsc;

use super::operation::{Operator, Reply, Request};
use super::wire;
use crate::config::Config;
use crate::failure::{Exit, Failure};
use crate::gate::generation;
use crate::gate::state::{State, control_socket};

/// A way to ask.
#[derive(Debug)]
pub(crate) enum Door {
    /// A gate runs.
    Gate(UnixStream),
    /// None runs; the directory is ours while we have it.
    Own(Box<(State, Operator)>),
}

/// Whether a gate that holds `data` takes requests.
pub(crate) async fn gate_runs(data: &Path) -> bool {
    UnixStream::connect(control_socket(data)).await.is_ok()
}

impl Door {
    /// `make`: a data directory that is not there yet is made.
    pub(crate) async fn open(config: &Config, make: bool) -> Result<Self, Failure> {
        let data = &config.data.directory;
        if !make && !data.exists() {
            return Err(Failure::new(format!("there is no data directory `{}` yet", data.display()))
                .hint("`gabion run` makes it; `--config` and `--data` name another place"));
        }
        match UnixStream::connect(control_socket(data)).await {
            Ok(stream) => Ok(Self::Gate(stream)),
            Err(error) if absent(&error) => Self::own(config).map_err(|failure| explain_lock(failure, data)),
            Err(error) => Err(Failure::new("the running gate cannot be asked")
                .because(&error)
                .hint("run this as the user the gate runs as")),
        }
    }

    fn own(config: &Config) -> Result<Self, Failure> {
        let state = State::open(config)?;
        let operator = Operator::new(&state, generation::origin(config, config.gateway.listen));
        Ok(Self::Own(Box::new((state, operator))))
    }

    /// Asks, and hands every answer to `each` until the end. The end itself and refusals are not handed on.
    pub(crate) async fn ask(
        self,
        request: Request,
        mut each: impl FnMut(Reply) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        match self {
            Self::Gate(mut stream) => {
                let gone =
                    |error: io::Error| Failure::new("the gate ended while it was asked").because(&error);
                let (reader, mut writer) = stream.split();
                let mut reader = BufReader::new(reader);
                wire::write(&mut writer, &request).await.map_err(gone)?;
                while let Some(reply) = wire::read::<Reply>(&mut reader).await.map_err(gone)? {
                    if taken(reply, &mut each)? {
                        return Ok(());
                    }
                }
                Err(Failure::new("the gate ended while it was asked"))
            }
            Self::Own(own) => {
                let (state, operator) = *own;
                act_alone(state, operator, vec![request], &mut each).await
            }
        }
    }

    /// Asks one thing after another, each to its end; stops at the first that is refused.
    pub(crate) async fn ask_all(
        config: &Config,
        requests: Vec<Request>,
        mut each: impl FnMut(Reply) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut door = Some(Self::open(config, false).await?);
        let mut requests = requests.into_iter();
        while let Some(request) = requests.next() {
            let open = match door.take() {
                Some(open) => open,
                None => Self::open(config, false).await?,
            };
            match open {
                Self::Own(own) => {
                    let (state, operator) = *own;
                    let rest = std::iter::once(request).chain(requests).collect();
                    return act_alone(state, operator, rest, &mut each).await;
                }
                gate @ Self::Gate(_) => gate.ask(request, &mut each).await?,
            }
        }
        Ok(())
    }
}

/// Does what is asked without a gate, and closes what was opened for it.
async fn act_alone(
    state: State,
    operator: Operator,
    requests: Vec<Request>,
    each: &mut impl FnMut(Reply) -> Result<(), Failure>,
) -> Result<(), Failure> {
    state.courier.start();
    let mut result = Ok(());
    for request in requests {
        let (answers, mut replies) = mpsc::channel(64);
        let take = async {
            while let Some(reply) = replies.recv().await {
                if taken(reply, each)? {
                    break;
                }
            }
            Ok(())
        };
        ((), result) = tokio::join!(operator.act(request, answers), take);
        if result.is_err() {
            break;
        }
    }
    state.courier.close(LETTERS).await;
    let closed = state.ledger.close().await;
    result.and(closed.map_err(|error| Failure::new("the ledger could not be closed").because(&error)))
}

/// Whether it was the last answer.
fn taken(reply: Reply, each: &mut impl FnMut(Reply) -> Result<(), Failure>) -> Result<bool, Failure> {
    match reply {
        Reply::End => Ok(true),
        Reply::Refused(refusal) => {
            let mut failure = Failure::new(refusal.reason);
            for more in refusal.more {
                failure = failure.because_text(more);
            }
            Err(match refusal.hint {
                Some(hint) => failure.hint(hint),
                None => failure,
            })
        }
        Reply::Account(_)
        | Reply::Alert(_)
        | Reply::Measure(_)
        | Reply::Silence(_)
        | Reply::Told(_)
        | Reply::ApiKey(_)
        | Reply::Channel(_)
        | Reply::Client(_)
        | Reply::Directory(_)
        | Reply::Document { .. }
        | Reply::Error(_)
        | Reply::Hold(_)
        | Reply::LedgerStatus(_)
        | Reply::Identity(_)
        | Reply::Key(_)
        | Reply::Record(_) => each(reply).map(|()| false),
        Reply::Done | Reply::Imported { .. } | Reply::Link(_) | Reply::NoLink | Reply::Rekeyed { .. } => {
            each(reply).map(|()| true)
        }
    }
}

/// What a command waits for its letters to leave.
const LETTERS: Duration = Duration::from_secs(20);

fn absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused)
}

/// Locked although nobody listens: a gate that is starting or stopping, or another command.
fn explain_lock(failure: Failure, data: &Path) -> Failure {
    match &failure {
        Failure::Told(told) if told.exit == Exit::Busy => failure.hint(format!(
            "a gate is starting or stopping, or another command uses `{}`; try again",
            data.display()
        )),
        _ => failure,
    }
}
