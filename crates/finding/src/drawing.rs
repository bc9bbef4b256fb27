//! A drawing of how findings went from run to run, as SVG that needs no script: a bar for each run, a part for each severity.

use std::fmt::Write as _;

use gabion_model::Severity;

use crate::visible::markup;

/// When a run was, and how many findings of each severity it had.
pub type Bar = (String, Vec<(Severity, usize)>);

/// The last bars, oldest first; `of` says what they are, in the plural: `scans`. The parts have the class of their severity.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "counts of a drawing")]
pub fn bars(all: &[Bar], of: &str) -> String {
    let all = all.get(all.len().saturating_sub(MOST)..).unwrap_or_default();
    let total = |counts: &[(Severity, usize)]| {
        counts.iter().fold(0_usize, |sum, (_, count)| sum.saturating_add(*count))
    };
    let most = all.iter().map(|(_, counts)| total(counts)).max().unwrap_or(1).max(1) as f64;
    let width = all.len().saturating_mul(24);
    let mut out = format!(
        "<svg role=\"img\" aria-label=\"Findings of {} {}\" width=\"{width}\" height=\"120\" viewBox=\"0 0 {width} 120\">",
        all.len(),
        markup(of)
    );
    for ((at, counts), number) in all.iter().zip(0_usize..) {
        let _ = write!(out, "<g><title>{}: {}</title>", markup(at), total(counts));
        let mut counts = counts.clone();
        counts.sort_by_key(|(severity, _)| *severity);
        let mut bottom = 120.0;
        for (severity, count) in &counts {
            let height = *count as f64 / most * 116.0;
            bottom -= height;
            let _ = write!(
                out,
                "<rect class=\"{}\" fill=\"currentColor\" x=\"{}\" y=\"{bottom:.1}\" width=\"20\" height=\"{height:.1}\"/>",
                severity.as_str(),
                number.saturating_mul(24).saturating_add(2)
            );
        }
        out.push_str("</g>");
    }
    out.push_str("</svg>\n");
    out
}

const MOST: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_runs_are_drawn_to_one_scale() {
        let all: Vec<Bar> = (0..50)
            .map(|day| (format!("day {day}<"), vec![(Severity::High, day), (Severity::Low, 50 - day)]))
            .collect();
        let drawing = bars(&all, "runs");
        assert!(drawing.contains("Findings of 40 runs") && drawing.contains("day 49&lt;: 50"), "{drawing}");
        assert!(!drawing.contains("day 9&lt;") && drawing.matches("<rect").count() == 80, "{drawing}");
        // The least severe is at the bottom.
        assert!(drawing.contains("class=\"low\" fill=\"currentColor\" x=\"2\" y=\"27.2\""), "{drawing}");
        assert!(bars(&[], "runs").contains("Findings of 0 runs"));
    }
}
