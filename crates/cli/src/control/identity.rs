//! The identity file, over the control socket: read by whoever holds the data, with its environment.

use std::path::PathBuf;

use gabion_model::Problem;
use gabion_service::{Caller, IdentityError, IdentityPlan, Kept, PlannedChange, Reconciled, Service};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::operation::{Refusal, Reply};
use crate::config::LoadError;
use crate::identity::{read, write};

/// What can be asked. Paths are absolute.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum IdentityRequest {
    Apply { file: PathBuf, prune: bool },
    Export { secrets: bool },
    Plan { file: PathBuf, prune: bool },
}

/// What is answered, in any number.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum IdentityReply {
    /// Planned or done.
    Change(PlannedChange),
    Failed {
        change: PlannedChange,
        reason: String,
    },
    Kept(Kept),
    /// A part of the exported file.
    Part(String),
    /// Made, and can sign in only after a one-time link.
    WithoutPassword(String),
    /// Something in the file that cannot be.
    Wrong {
        path: String,
        reason: String,
        hint: Option<String>,
    },
}

pub(crate) async fn act(
    service: &Service,
    request: IdentityRequest,
    answers: &mpsc::Sender<Reply>,
) -> Result<Reply, Refusal> {
    let caller = Caller::identity_file();
    let replies = match request {
        IdentityRequest::Plan { file, prune } => match read(&file) {
            Ok(read) => planned(service.plan_identity(&caller, read.into_parts().0, prune).await)?,
            Err(error) => unread(error)?,
        },
        IdentityRequest::Apply { file, prune } => match read(&file) {
            Ok(read) => done(service.apply_identity(&caller, read.into_parts().0, prune).await)?,
            Err(error) => unread(error)?,
        },
        IdentityRequest::Export { secrets } => {
            let declared = service.export_identity(&caller, secrets).await?;
            let text = write(declared)
                .map_err(|error| Refusal::new(format_args!("what there is cannot be written: {error}")))?;
            parts(&text)
        }
    };
    for reply in replies {
        if answers.send(Reply::Identity(Box::new(reply))).await.is_err() {
            break;
        }
    }
    Ok(Reply::End)
}

fn planned(plan: Result<IdentityPlan, IdentityError>) -> Result<Vec<IdentityReply>, Refusal> {
    let plan = match plan {
        Ok(plan) => plan,
        Err(error) => return refused(error),
    };
    let kept = plan.kept.into_iter().map(IdentityReply::Kept);
    Ok(plan.changes.into_iter().map(IdentityReply::Change).chain(kept).collect())
}

fn done(applied: Result<Reconciled, IdentityError>) -> Result<Vec<IdentityReply>, Refusal> {
    let applied = match applied {
        Ok(applied) => applied,
        Err(error) => return refused(error),
    };
    let without: Vec<IdentityReply> =
        applied.without_password().map(|name| IdentityReply::WithoutPassword(name.to_owned())).collect();
    let failed = applied.failed.into_iter().map(|(change, reason)| IdentityReply::Failed { change, reason });
    let replies = applied.done.into_iter().map(IdentityReply::Change).chain(failed);
    Ok(replies.chain(applied.kept.into_iter().map(IdentityReply::Kept)).chain(without).collect())
}

fn refused(error: IdentityError) -> Result<Vec<IdentityReply>, Refusal> {
    match error {
        IdentityError::Act(error) => Err(error.into()),
        IdentityError::Invalid(problems) => Ok(problems.into_iter().map(wrong).collect()),
    }
}

fn unread(error: LoadError) -> Result<Vec<IdentityReply>, Refusal> {
    match error {
        LoadError::Wrong(faults) => Ok(faults
            .diagnostics
            .into_iter()
            .map(|fault| {
                wrong(Problem { path: fault.path.to_string(), reason: fault.reason, hint: fault.hint })
            })
            .collect()),
        LoadError::Identity { path, source } | LoadError::Unreadable { path, source } => Err(Refusal::new(
            format_args!("whoever holds the data cannot read `{}`: {source}", path.display()),
        )),
    }
}

fn wrong(problem: Problem) -> IdentityReply {
    IdentityReply::Wrong { path: problem.path, reason: problem.reason, hint: problem.hint }
}

/// As much at once as fits into a frame, however it is escaped.
fn parts(text: &str) -> Vec<IdentityReply> {
    let mut parts = vec![String::new()];
    for line in text.split_inclusive('\n') {
        match parts.last_mut() {
            Some(part) if part.len() + line.len() <= PART => part.push_str(line),
            _ => parts.push(line.to_owned()),
        }
    }
    parts.into_iter().map(IdentityReply::Part).collect()
}

const PART: usize = 32 << 10;
