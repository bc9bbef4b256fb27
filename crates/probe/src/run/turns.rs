//! The attacks, one after another: harmless ones first, where people sign in late, what may lock accounts last.

use std::borrow::Cow;

use super::{Progress, World};
use crate::attacks::{self, Attack, Phase, session_timeout};
use crate::facts::Level;
use crate::field::Field;
use crate::own::{Template, Test};
use crate::wire::{WireError, step};

/// A test that is built in, or one of a file.
enum Job<'a> {
    BuiltIn(&'a dyn Attack),
    Own(&'a Test),
    Template(&'a Template),
}

impl Job<'_> {
    fn id(&self) -> Cow<'static, str> {
        match self {
            Self::BuiltIn(attack) => attack.id().into(),
            Self::Own(test) => test.about.id.clone().into(),
            Self::Template(template) => template.about.id.clone().into(),
        }
    }

    fn phase(&self) -> Phase {
        match self {
            Self::BuiltIn(attack) => attack.phase(),
            Self::Own(test) => test.phase(),
            Self::Template(template) if template.about.level == Level::Destructive => Phase::Remove,
            Self::Template(_) => Phase::Write,
        }
    }

    async fn run(&self, field: &Field) -> Result<(), WireError> {
        match self {
            Self::BuiltIn(attack) => attack.run(field).await,
            Self::Own(test) => test.run(field).await,
            Self::Template(template) => crate::own::template::run(field, template).await,
        }
    }
}

pub(super) async fn attack(field: &Field, world: &World, progress: &dyn Progress) -> Result<(), WireError> {
    let ended = field.finished();
    let left = |id: &str| world.wants(id) && !ended.contains(id);
    let built_in = attacks::ALL.iter().map(|attack| Job::BuiltIn(*attack));
    let own = world.own.tests.iter().map(|test| Job::Own(test));
    let templates = world.own.templates.iter().map(|template| Job::Template(template));
    let mut all: Vec<_> = built_in.chain(own).chain(templates).filter(|job| left(&job.id())).collect();
    all.sort_by_key(Job::phase);
    if all.iter().any(|job| job.id() == session_timeout::ID) {
        step(session_timeout::ID, session_timeout::begin(field)).await?;
    }
    for (at, job) in all.iter().enumerate() {
        let id = job.id();
        progress.step(&id, at, all.len());
        if job.phase() == Phase::Lock {
            doors(field, &all).await?;
        }
        let level = field.about(&id).map(|about| about.level).unwrap_or_default();
        if level > field.facts.target.level {
            let reason = format!(
                "the level is `{}`; hint: `target.level = \"{}\"`",
                field.facts.target.level.as_str(),
                level.as_str()
            );
            field.finish(&id);
            field.not_tested(id, reason);
            continue;
        }
        step(&id, one(field, job, at == 0)).await?;
        field.finish(&id);
        step(session_timeout::ID, session_timeout::tend(field)).await?;
    }
    doors(field, &all).await?;
    progress.step("looking once more", all.len(), all.len());
    step("looking once more", world.own.look_again(field)).await?;
    step("looking once more", crate::again::look_again(field)).await
}

/// Where people sign in, after all else and before accounts may be locked; once.
async fn doors(field: &Field, all: &[Job<'_>]) -> Result<(), WireError> {
    let waiting = field.doors.open();
    for job in all.iter().filter(|job| waiting.contains(&*job.id())) {
        let id = job.id();
        step(&id, job.run(field)).await?;
        field.found_after_all(&id);
    }
    field.doors.close();
    Ok(())
}

/// Lets one test attack; once more where somebody lost their session meanwhile, for then it saw what strangers see.
async fn one(field: &Field, job: &Job<'_>, first: bool) -> Result<(), WireError> {
    if first {
        step("keeping signed in", field.keep_alive(true)).await?;
    }
    job.run(field).await?;
    let lost = step("keeping signed in", field.keep_alive(false)).await?;
    if lost && job.phase() < Phase::Sessions {
        field.forget(&job.id());
        job.run(field).await?;
    }
    Ok(())
}
