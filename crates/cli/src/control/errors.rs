//! What goes wrong behind the gate, over the control socket.

use gabion_service::{ActError, Caller, FaultGroup, Service};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::operation::{Refusal, Reply};

/// What can be asked.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum ErrorsRequest {
    List,
    Resolve { fingerprint: String },
    Show { fingerprint: String },
}

pub(crate) async fn act(
    service: &Service,
    request: ErrorsRequest,
    answers: &mpsc::Sender<Reply>,
) -> Result<Reply, Refusal> {
    let caller = Caller::operator();
    let groups = match request {
        ErrorsRequest::List => service.list_errors(&caller).await?,
        ErrorsRequest::Resolve { fingerprint } => {
            let fingerprint = whole(service, &fingerprint).await?;
            vec![service.resolve_error(&caller, &fingerprint).await.map_err(of_a_group)?]
        }
        ErrorsRequest::Show { fingerprint } => {
            let fingerprint = whole(service, &fingerprint).await?;
            vec![service.error_group(&caller, &fingerprint).await.map_err(of_a_group)?]
        }
    };
    for group in groups {
        if answers.send(Reply::Error(Box::new(group))).await.is_err() {
            break;
        }
    }
    Ok(Reply::End)
}

/// The one fingerprint that begins so.
async fn whole(service: &Service, beginning: &str) -> Result<String, Refusal> {
    let groups = service.list_errors(&Caller::operator()).await?;
    let begins = |group: &&FaultGroup| group.fingerprint.starts_with(beginning);
    let mut found = groups.iter().filter(begins).map(|group| group.fingerprint.clone());
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        (None, _) => Err(of_a_group(ActError::NotFound)),
        (Some(_), Some(_)) => {
            Err(Refusal::new("more than one group begins so").hint("give more of the fingerprint"))
        }
    }
}

fn of_a_group(error: ActError) -> Refusal {
    match error {
        ActError::NotFound => {
            Refusal::new("there is no such group").hint("`gabion errors list --all` shows them")
        }
        error => error.into(),
    }
}
