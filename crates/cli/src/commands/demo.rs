//! `gabion demo`: the gate in front of an application that is vulnerable on purpose.

mod attack;
mod incident;
mod receivers;
mod shop;
mod stage;
mod tour;

use std::io::IsTerminal as _;

use crate::arguments::{Demo, Format};
use crate::commands::block_on;
use crate::config::settings::{Log, LogLevel};
use crate::control::operation::Operator;
use crate::control::server::Server;
use crate::failure::{Exit, Failure};
use crate::gate::state::control_socket;
use crate::{logging, output};
use receivers::Receivers;
use stage::Stage;

pub(super) fn run(arguments: &Demo) -> Result<Exit, Failure> {
    // What goes wrong is said; what goes right is not the demo's subject.
    logging::start(&Log { level: LogLevel::Error, ..Log::default() });
    block_on(async {
        if arguments.incident {
            return respond(arguments).await;
        }
        let stage = Stage::set(arguments.port, !arguments.attack, "", None).await?;
        if arguments.attack {
            let report = attack::run(&stage).await?;
            output::value(arguments.output.format, &report, || report.to_text())?;
            stage.clear().await?;
            return Ok(report.exit());
        }
        let state = &stage.gate.state;
        let socket = control_socket(state.directory.path());
        let control = Server::start(&socket, Operator::new(state, stage.gate.origin()))?;
        output::announce(tour::text(&stage).expose());
        tour::until_interrupted().await?;
        output::note("\nstopping, and removing everything the demo made");
        drop(control);
        stage.clear().await?;
        Ok(Exit::Success)
    })
}

/// The attack and the answer to it; afterwards everything stands until somebody who looks around goes.
async fn respond(arguments: &Demo) -> Result<Exit, Failure> {
    let receivers = Receivers::start(incident::secret()).await?;
    let more = incident::configuration(&receivers);
    let secret = receivers.secret.clone();
    let stage = Stage::set(arguments.port, true, &more, Some(("team.secret", &secret))).await?;
    let story = incident::run(&stage, &receivers).await;
    output::value(arguments.output.format, &story, || story.to_text())?;
    let is_watched = std::io::stdout().is_terminal() && arguments.output.format == Format::Text;
    if let Some(incident) = story.incident().filter(|_| is_watched && !arguments.once) {
        let state = &stage.gate.state;
        let socket = control_socket(state.directory.path());
        let control = Server::start(&socket, Operator::new(state, stage.gate.origin()))?;
        output::announce(&incident::further(&stage, incident));
        tour::until_interrupted().await?;
        output::note("\nstopping, and removing everything the demo made");
        drop(control);
    }
    stage.clear().await?;
    Ok(story.exit())
}
