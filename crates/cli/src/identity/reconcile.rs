//! At a start and at a reload: everything is made as the file says.

use gabion_service::{Caller, IdentityError, Kept, PlannedAction, PlannedChange, Reconciled, Service};

use super::{Looked, place, read};
use crate::config::Config;
use crate::failure::{Exit, Failure};

/// What a start says of it.
#[derive(Debug, Clone)]
pub(crate) struct Summary {
    pub(crate) file: String,
    pub(crate) words: String,
    pub(crate) kept: Vec<Kept>,
}

/// Whether the file could be applied; changes nothing. Answers what applying takes.
pub(crate) async fn prepare(config: &Config, service: &Service) -> Result<Option<Prepared>, Failure> {
    let Some(path) = &config.identity.file else { return Ok(None) };
    let (declared, looked) = read(path)?.into_parts();
    let prune = config.identity.prune;
    let planned = service.plan_identity(&Caller::identity_file(), declared.clone(), prune).await;
    planned.map_err(|error| refused(&looked, error))?;
    Ok(Some(Prepared { declared, looked, prune }))
}

/// A file that was found good a moment ago.
#[derive(Debug)]
pub(crate) struct Prepared {
    declared: gabion_service::Declared,
    looked: Looked,
    prune: bool,
}

impl Prepared {
    pub(crate) async fn apply(self, service: &Service) -> Result<Summary, Failure> {
        let Self { declared, looked, prune } = self;
        let applied = service.apply_identity(&Caller::identity_file(), declared, prune).await;
        let reconciled = applied.map_err(|error| refused(&looked, error))?;
        if !reconciled.failed.is_empty() {
            return Err(not_done(&looked.source.name, &reconciled));
        }
        Ok(Summary { file: looked.source.name, words: summary(&reconciled), kept: reconciled.kept })
    }
}

/// Why nothing was done.
pub(crate) fn refused(looked: &Looked, error: IdentityError) -> Failure {
    match error {
        IdentityError::Act(error) => Failure::new("the identity file cannot be applied").because(&error),
        IdentityError::Invalid(problems) => place(looked, problems).into(),
    }
}

/// Some of it was not done.
pub(crate) fn not_done(file: &str, reconciled: &Reconciled) -> Failure {
    let failed = reconciled.failed.iter().map(|(change, reason)| failed(change, reason));
    failed.fold(
        Failure::new(format!("`{file}` was not applied whole")).exit(Exit::Failed),
        Failure::because_text,
    )
}

pub(crate) fn failed(change: &PlannedChange, reason: &str) -> String {
    let verb = match change.action {
        PlannedAction::Create => "create",
        PlannedAction::Change => "change",
        PlannedAction::Remove => "remove",
    };
    format!("{verb} {} `{}`: {reason}", change.kind.words(), change.name)
}

pub(crate) fn summary(reconciled: &Reconciled) -> String {
    match reconciled.counts() {
        (0, 0, 0) => "everything is as it says".to_owned(),
        (created, changed, removed) => format!("{created} created, {changed} changed, {removed} removed"),
    }
}
