//! Alerts and measures, over the control socket.

use gabion_model::Period;
use gabion_service::alert::Matcher;
use gabion_service::respond::{Action, RegisterError, Subject};
use gabion_service::{ActError, AlertError, AskedSilence, Caller, MeasureError, Service, TakeMeasure};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::operation::{Refusal, Reply};

/// What can be asked about alerts and measures.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum ResponseRequest {
    Alert { id: u64 },
    Alerts { all: bool },
    Acknowledge { id: u64 },
    Approve { id: u64 },
    Blocks,
    Channels,
    Close { id: u64 },
    Lift { target: String },
    Measure { id: u64 },
    Measures { all: bool },
    Silence { matcher: Box<Matcher>, life: Period, reason: String },
    Silences,
    TryChannels { channel: Option<String> },
    Take { action: Action, target: String, life: Option<Period>, reason: String },
    Undo { id: u64 },
    Unsilence { id: u64 },
}

/// What came of a test message.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Told {
    pub(crate) channel: String,
    pub(crate) failure: Option<String>,
}

pub(crate) async fn act(
    service: &Service,
    request: ResponseRequest,
    answers: &mpsc::Sender<Reply>,
) -> Result<Reply, Refusal> {
    let caller = Caller::operator();
    match request {
        ResponseRequest::Alert { id } => {
            let group = service.alert(&caller, id).await.map_err(of_an_alert)?;
            Ok(each(vec![group], answers, Reply::Alert).await)
        }
        ResponseRequest::Alerts { all } => {
            let (groups, _) = service.alerts(&caller).await?;
            let wanted = groups.into_iter().filter(|group| all || !group.is_closed()).collect();
            Ok(each(wanted, answers, Reply::Alert).await)
        }
        ResponseRequest::Acknowledge { id } => {
            let group = service.acknowledge_alert(&caller, id).await?;
            Ok(each(vec![group], answers, Reply::Alert).await)
        }
        ResponseRequest::Close { id } => {
            let group = service.close_alert(&caller, id).await?;
            Ok(each(vec![group], answers, Reply::Alert).await)
        }
        ResponseRequest::Silence { matcher, life, reason } => {
            let asked = AskedSilence { matcher: *matcher, life, reason };
            let silence = service.silence_alerts(&caller, asked).await?;
            Ok(each(vec![silence], answers, Reply::Silence).await)
        }
        ResponseRequest::Channels => {
            let channels = service.alert_channels(&caller).await?;
            Ok(each(channels, answers, Reply::Channel).await)
        }
        ResponseRequest::TryChannels { channel } => {
            let tried = service.try_channels(&caller, channel).await?;
            let tried = tried.into_iter().map(|one| Told { channel: one.channel, failure: one.told.err() });
            Ok(each(tried.collect(), answers, Reply::Told).await)
        }
        ResponseRequest::Silences => {
            let silences = service.silences(&caller).await?;
            Ok(each(silences, answers, Reply::Silence).await)
        }
        ResponseRequest::Unsilence { id } => {
            let silence = service.unsilence_alerts(&caller, id).await?;
            Ok(each(vec![silence], answers, Reply::Silence).await)
        }
        ResponseRequest::Measure { id } => {
            let found = service.measures(&caller).await?.into_iter().find(|measure| measure.id == id);
            let found = found.ok_or_else(no_measure)?;
            Ok(each(vec![found], answers, Reply::Measure).await)
        }
        ResponseRequest::Measures { all } => {
            let measures = service.measures(&caller).await?;
            let wanted = measures.into_iter().filter(|measure| all || measure.state.is_open()).collect();
            Ok(each(wanted, answers, Reply::Measure).await)
        }
        ResponseRequest::Blocks => {
            let blocks = service.blocks(&caller).await?;
            Ok(each(blocks, answers, Reply::Measure).await)
        }
        ResponseRequest::Take { action, target, life, reason } => {
            let subject = Subject::of(action, &target)
                .map_err(|error| Refusal::new(format_args!("`{target}` {error}")))?;
            let taken = service.take_measure(&caller, TakeMeasure { action, subject, life, reason }).await?;
            Ok(each(vec![taken], answers, Reply::Measure).await)
        }
        ResponseRequest::Undo { id } => {
            let undone = service.undo_measure(&caller, id).await?;
            Ok(each(vec![undone], answers, Reply::Measure).await)
        }
        ResponseRequest::Approve { id } => {
            let taken = service.approve_measure(&caller, id).await?;
            Ok(each(vec![taken], answers, Reply::Measure).await)
        }
        ResponseRequest::Lift { target } => {
            let lifted = service.lift_measures(&caller, &target).await.map_err(|error| match error {
                MeasureError::Register(RegisterError::NotFound) => Refusal::new("nothing is done against it")
                    .hint("`gabion respond list` shows what is done"),
                error => error.into(),
            })?;
            Ok(each(lifted, answers, Reply::Measure).await)
        }
    }
}

async fn each<T>(all: Vec<T>, answers: &mpsc::Sender<Reply>, reply: fn(Box<T>) -> Reply) -> Reply {
    for one in all {
        if answers.send(reply(Box::new(one))).await.is_err() {
            break;
        }
    }
    Reply::End
}

fn no_measure() -> Refusal {
    Refusal::new("there is no such measure").hint("`gabion respond list --all` shows them")
}

fn of_an_alert(error: ActError) -> Refusal {
    match error {
        ActError::NotFound => {
            Refusal::new("there is no such alert").hint("`gabion alert list --all` shows them")
        }
        error => error.into(),
    }
}

impl From<AlertError> for Refusal {
    fn from(error: AlertError) -> Self {
        match error {
            AlertError::Act(error) => of_an_alert(error),
            AlertError::Desk(error) => Self::new(error).hint("`gabion alert list --all` shows them"),
            AlertError::Invalid(problem) => {
                Self { hint: problem.hint, ..Self::new(format_args!("{}: {}", problem.path, problem.reason)) }
            }
        }
    }
}

impl From<MeasureError> for Refusal {
    fn from(error: MeasureError) -> Self {
        match error {
            MeasureError::Act(error) => error.into(),
            MeasureError::Register(RegisterError::NotFound) => no_measure(),
            error @ MeasureError::Spared(_) => Self::new(error).hint("see the table `[respond]`"),
            error => Self::new(error),
        }
    }
}
