//! `gabion demo`: the gate in front of an application that is vulnerable on purpose.

mod attack;
mod shop;
mod stage;
mod tour;

use crate::arguments::Demo;
use crate::commands::block_on;
use crate::config::settings::{Log, LogLevel};
use crate::control::operation::Operator;
use crate::control::server::Server;
use crate::failure::{Exit, Failure};
use crate::gate::state::control_socket;
use crate::{logging, output};
use stage::Stage;

pub(super) fn run(arguments: &Demo) -> Result<Exit, Failure> {
    // What goes wrong is said; what goes right is not the demo's subject.
    logging::start(&Log { level: LogLevel::Error, ..Log::default() });
    block_on(async {
        let stage = Stage::set(arguments.port, !arguments.attack).await?;
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
