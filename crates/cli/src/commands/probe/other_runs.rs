//! What a run has to do with others: one that it goes on with, one through a gate; and how it is ended from outside.

use std::path::Path;

use gabion_finding::visible;
use gabion_probe::scope::Origin;
use gabion_probe::{Facts, Gap, Kept, Report, Stop, World};
use tokio::signal::unix::{SignalKind, signal};

use super::given::{people, shown};
use super::{Watched, last};
use crate::arguments::Probe;
use crate::commands::block_on;
use crate::failure::Failure;
use crate::output;

/// The run that is gone on with, where that is asked; its tests are chosen, where none are named.
pub(super) fn resumed(
    arguments: &Probe,
    folder: &Path,
    facts: &Facts,
    world: &mut World,
) -> Result<Option<Kept>, Failure> {
    if !arguments.choice.resume {
        return Ok(None);
    }
    let anew = "without `--resume` a new one begins";
    if arguments.report.since.as_deref() == Some("last") {
        return Err(Failure::usage("`--since last` would compare the run with its own beginning")
            .hint("`--since FILE` names an earlier report"));
    }
    let file = last::file(folder);
    let kept = last::read(&file)?;
    if kept.left.is_empty() {
        return Err(Failure::usage(format!("the run in `{}` came to its end", shown(&file))).hint(anew));
    }
    if !Origin::parse(&facts.target.url).is_ok_and(|origin| origin.base() == kept.base()) {
        let (was, is) = (visible(kept.base()), visible(&facts.target.url));
        let message = format!("the run in `{}` was at `{was}`, not at `{is}`", shown(&file));
        return Err(Failure::usage(message).hint(anew));
    }
    if world.only.is_empty() && world.skip.is_empty() {
        world.only = kept.tests().map(str::to_owned).collect();
    }
    Ok(Some(kept))
}

/// Ends the run with what it has when somebody interrupts it; the second time at once.
#[expect(clippy::exit, reason = "whoever interrupts it twice wants it over, whatever it is doing")]
pub(super) async fn listen(stop: Stop) {
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    output::note("stopping: the report so far follows");
    stop.now();
    let _ = interrupt.recv().await;
    std::process::exit(130);
}

/// Runs the same at a gate. What fails there is told, and takes nothing from the direct run.
pub(super) fn through(
    report: &mut Report,
    mut facts: Facts,
    world: &World,
    gate: &str,
    arguments: &Probe,
) -> Result<(), Failure> {
    gate.clone_into(&mut facts.target.url);
    if let Some(file) = &arguments.choice.through_logins {
        facts.identities = people(file)?;
    }
    let progress = Watched::new();
    let done = block_on(async {
        let stop = Stop::default();
        let listening = tokio::spawn(listen(stop.clone()));
        let done = tokio::select! {
            biased;
            () = stop.told() => None,
            done = gabion_probe::through::through(facts, world, &progress, report) => Some(done),
        };
        listening.abort();
        Ok(done)
    });
    progress.finish();
    let why = match done? {
        Some(Ok(through)) => {
            report.compare(through);
            return Ok(());
        }
        Some(Err(error)) => error.to_string(),
        None => "the run was interrupted".to_owned(),
    };
    report.gaps.push(Gap { says: format!("through the gate: {why}"), incomplete: true });
    Ok(())
}
