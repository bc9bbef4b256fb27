//! The table people read and the file machines read.

use std::fs;
use std::path::Path;

use serde::Serialize;

use super::Failure;
use crate::output;

/// One measured number beside the peer's.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) unit: &'static str,
    pub(crate) ours: f64,
    pub(crate) peer: f64,
    pub(crate) peer_name: &'static str,
    /// `ours / peer`. Of what is counted a second more is better, of all else less.
    pub(crate) ratio: f64,
}

impl Row {
    pub(crate) fn new(
        name: impl Into<String>,
        unit: &'static str,
        ours: f64,
        peer_name: &'static str,
        peer: f64,
    ) -> Self {
        let ratio = if peer > 0.0 { ours / peer } else { 0.0 };
        Self { name: name.into(), unit, ours, peer, peer_name, ratio }
    }
}

/// The middle of what was measured, and the least: noise only ever adds.
pub(crate) fn median_and_least(values: &[f64]) -> (f64, f64) {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |index: usize| sorted.get(index).copied().unwrap_or(0.0);
    let middle = sorted.len() / 2;
    let median = if sorted.len().is_multiple_of(2) {
        (at(middle.saturating_sub(1)) + at(middle)) / 2.0
    } else {
        at(middle)
    };
    (median, at(0))
}

/// Prints the rows and writes them to `folder/name.json`.
pub(crate) fn publish(folder: &Path, name: &str, rows: &[Row]) -> Result<(), Failure> {
    output::line(&format!(
        "{:<38} {:>6} {:>12} {:>12}  {:<14} {:>6}",
        "", "unit", "gabion", "peer", "", "ratio"
    ));
    for row in rows {
        output::line(&format!(
            "{:<38} {:>6} {:>12.2} {:>12.2}  {:<14} {:>6.2}",
            row.name, row.unit, row.ours, row.peer, row.peer_name, row.ratio
        ));
    }
    fs::create_dir_all(folder)?;
    let file = folder.join(format!("{name}.json"));
    fs::write(&file, serde_json::to_string_pretty(rows)? + "\n")?;
    output::note(&format!("written to {}", file.display()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median_and_least(&[3.0, 1.0, 2.0]), (2.0, 1.0));
        assert_eq!(median_and_least(&[4.0, 1.0, 2.0, 3.0]), (2.5, 1.0));
        assert_eq!(median_and_least(&[]), (0.0, 0.0));
    }
}
