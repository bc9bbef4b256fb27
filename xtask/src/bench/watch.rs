//! `cargo xtask bench watch`: events a second that one core shows to all rules of the program, beside the goal.
//!
//! Other engines read other rules over other events, so that a figure beside it would compare nothing.

use std::process::Command;

use super::Failure;
use super::ground::example;
use super::report::{Row, median_and_least, publish};
use crate::output;

/// Events a second on one core that are to be reached.
const GOAL: f64 = 50_000.0;
const ROUNDS: usize = 5;
const MILLISECONDS: &str = "2000";

/// Builds the example `watch_cost` with the profile `dist`, measures and publishes.
pub(crate) fn run() -> Result<(), Failure> {
    let root = crate::root();
    let binary = example(&root, "gabion-watch", "watch_cost")?;
    let names = ["everyday traffic", "rotating networks"];
    let mut figures = names.map(|_| Vec::new());
    for round in 0..ROUNDS {
        output::note(&format!("round {} of {ROUNDS}", round + 1));
        let run = Command::new(&binary).arg(MILLISECONDS).output()?;
        if !run.status.success() {
            return Err(String::from_utf8_lossy(&run.stderr).into_owned().into());
        }
        let text = String::from_utf8(run.stdout)?;
        for (figures, line) in figures.iter_mut().zip(text.lines()) {
            figures.push(line.trim().parse::<f64>()?);
        }
    }
    let rows: Vec<_> = names
        .iter()
        .zip(&figures)
        .map(|(name, figures)| {
            let (nanos, _) = median_and_least(figures);
            Row::new(*name, "/s", 1e9 / nanos.max(1.0), "goal", GOAL)
        })
        .collect();
    let folder = root.join("target/bench");
    std::fs::create_dir_all(&folder)?;
    publish(&folder, "watch", &rows)
}
