//! Legal holds and how the ledger stands, over the control socket.

use gabion_courier::ArchiveStanding;
use gabion_ledger::{Ledger, Position, SegmentId, Status, TreeStorage, archive};
use gabion_service::{Caller, HoldError, HoldRefused, NewHold, Service};
use gabion_tlog::{Checkpoint, Note};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::operation::{Refusal, Reply};

/// What can be asked about holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum HoldRequest {
    Add { new: NewHold },
    List,
    Remove { name: String },
}

pub(super) async fn act(
    service: &Service,
    request: HoldRequest,
    answers: &mpsc::Sender<Reply>,
) -> Result<Reply, Refusal> {
    let caller = Caller::operator();
    let holds = match request {
        HoldRequest::Add { new } => vec![service.add_hold(&caller, new).await?],
        HoldRequest::List => service.holds(&caller).await?,
        HoldRequest::Remove { name } => vec![service.remove_hold(&caller, &name).await?],
    };
    for hold in holds {
        if answers.send(Reply::Hold(Box::new(hold))).await.is_err() {
            break;
        }
    }
    Ok(Reply::End)
}

/// How the ledger stands.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct LedgerStanding {
    /// `ready`, `full`, `failing` or `closed`.
    pub(crate) status: String,
    /// The first record that is there, and the last; both 0 where there is none.
    pub(crate) first: Position,
    pub(crate) last: Position,
    pub(crate) segments: u64,
    pub(crate) bytes: u64,
    /// Records under the last checkpoint.
    pub(crate) sealed: u64,
    pub(crate) holds: u64,
    pub(crate) archive: Option<ArchiveStanding>,
}

impl LedgerStanding {
    pub(super) fn of(
        ledger: &Ledger,
        tree: &dyn TreeStorage,
        archive: Option<ArchiveStanding>,
    ) -> Result<Self, Refusal> {
        let unread =
            |error: &dyn std::fmt::Display| Refusal::new(format_args!("the ledger cannot be read: {error}"));
        let source = ledger.source();
        let segments = source.list().map_err(|error| unread(&error))?;
        let sizes: Result<Vec<u64>, _> = segments.iter().map(|segment| source.size(*segment)).collect();
        let closed = archive::closed(&source, SegmentId(0))?;
        let last = ledger.last().unwrap_or(Position(0));
        // Where no segment is finished yet, the first record is the first there ever was.
        let first = closed.first().map_or_else(|| Position(last.0.min(1)), |closed| closed.first);
        let note = tree.checkpoint().map_err(|error| unread(&error))?;
        let note = note.and_then(|bytes| Note::parse(&bytes).ok());
        let checkpoint = note.and_then(|note| Checkpoint::parse(&note.text).ok());
        let status = match ledger.status() {
            Status::Closed => "closed",
            Status::Failing => "failing",
            Status::Full => "full",
            Status::Ready => "ready",
        };
        Ok(Self {
            status: status.to_owned(),
            first,
            last,
            segments: segments.len() as u64,
            bytes: sizes.map_err(|error| unread(&error))?.into_iter().fold(0, u64::saturating_add),
            sealed: checkpoint.map_or(0, |checkpoint| checkpoint.size),
            holds: ledger.retention().map_or(0, |retention| retention.holds().list().len() as u64),
            archive,
        })
    }
}

impl From<HoldRefused> for Refusal {
    fn from(error: HoldRefused) -> Self {
        match error {
            HoldRefused::Act(error) => error.into(),
            HoldRefused::Hold(error @ (HoldError::NotFound | HoldError::Taken)) => {
                Self::new(error).hint("`gabion ledger hold list` shows them")
            }
            error => Self::new(error),
        }
    }
}
