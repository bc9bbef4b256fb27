//! `gabion version`.

use serde::Serialize;

use crate::arguments;
use crate::failure::{Exit, Failure};
use crate::output;

#[derive(Serialize)]
struct Version {
    name: &'static str,
    version: &'static str,
}

pub(super) fn run(arguments: &arguments::Version) -> Result<Exit, Failure> {
    let version = Version { name: "gabion", version: env!("CARGO_PKG_VERSION") };
    output::value(arguments.output.format, &version, || format!("{} {}", version.name, version.version))?;
    Ok(Exit::Success)
}
